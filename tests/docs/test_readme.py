# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The README: the collection is installed as it says, and its playbook prints what it shows."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ansible_collections.gvisor.runsc.tests.docs import support
from ansible_collections.gvisor.runsc.tests.docs.support import TREE, Machine

README = TREE / "README.md"
URL = "https://github.com/gvisor-ansible/gvisor.runsc"
# Where a user has a machine with a network and sudo.
ENVIRONMENT = {"ANSIBLE_BECOME_METHOD": "su", "ANSIBLE_LOCALHOST_WARNING": "0"}


def test_the_playbook_prints_what_is_shown(machine: Machine) -> None:
    (install,) = (block.text for block in support.blocks(README, "Install"))
    assert URL in install
    repository = machine.folder / "repository"
    support.make_repository(repository)
    redirection = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{repository}.insteadOf",
        "GIT_CONFIG_VALUE_0": URL,
    }
    machine.run(install, environment=redirection)

    playbook, shown = support.blocks(README, "A playbook")
    assert (playbook.language, shown.language) == ("yaml", "text")
    (machine.work / "site.yml").write_text(playbook.text, encoding="utf-8")
    machine.run(support.bundle_script("/srv/bundles/web", "sleep 600", hostname="web"))
    command = f"ansible-playbook -i {TREE}/inventory/localhost.yml site.yml"
    first = machine.run(command, environment=ENVIRONMENT).stdout
    assert support.matches(f"...\n{shown.text}\n...", first), first
    assert "failed=0" in first

    second = machine.run(command, environment=ENVIRONMENT).stdout
    assert support.matches("...\nTASK [It is made from a bundle] ***\nok: [localhost]\n...", second), second


def test_its_links_lead_somewhere() -> None:
    for page in (README, *sorted(support.DOCS.glob("*.md")), TREE / "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert os.path.exists(page.parent / target), f"{page.name}: {target}"


def test_its_table_has_every_module() -> None:
    modules = {path.stem for path in Path(TREE, "plugins/modules").glob("*.py")}
    rows = list(support.tables(README, "What is in it"))
    assert {cells[0] for cells in rows[1:]} == {f"`gvisor.runsc.{module}`" for module in modules}
