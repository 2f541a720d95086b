# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The README: the collection is installed as it says, and its playbook prints what it shows."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
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
    command = f"ansible-playbook -i {TREE}/inventory/localhost.yml site.yml"
    with _registry(machine):
        first = machine.run(command, environment=ENVIRONMENT).stdout
        second = machine.run(command, environment=ENVIRONMENT).stdout
    assert support.matches(f"...\n{shown.text}\n...", first), first
    assert "failed=0" in first
    unchanged = [
        f"TASK [{name}] ***\nok: [localhost]"
        for name in ("Its bundle is made from an image", "It is made from the bundle")
    ]
    assert support.matches("...\n" + "\n".join(unchanged) + "\n...", second), second


@contextlib.contextmanager
def _registry(machine: Machine) -> Iterator[None]:
    """A registry on the machine's own loopback that stands for registry.example.com."""
    machine.run(
        f"""
        {support.BUSYBOX} ip link set lo up
        mkdir -p tree/bin tree/etc images
        cp {support.BUSYBOX} tree/bin/busybox
        chroot tree /bin/busybox --install -s /bin
        echo 'nobody:x:65534:65534:nobody:/:/bin/sh' >tree/etc/passwd
        umoci init --layout layout
        umoci new --image layout:1.36
        umoci insert --image layout:1.36 tree /
        skopeo copy --quiet oci:layout:1.36 dir:images/busybox
        """
    )
    module = "ansible_collections.gvisor.runsc.tests.modules.registry"
    argv = machine.argv(f"exec {sys.executable} -m {module} images")
    environment = {**machine.environment, "PYTHONPATH": str(support.COLLECTIONS)}
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        address = process.stdout.readline().strip()
        config = machine.folder / "registries.conf"
        config.write_text(
            f'[[registry]]\nprefix = "registry.example.com"\nlocation = "{address}"\ninsecure = true\n',
            encoding="ascii",
        )
        machine.run(f"mount --bind {config} /etc/containers/registries.conf")
        yield


def test_its_links_lead_somewhere() -> None:
    for page in (README, *sorted(support.DOCS.glob("*.md")), TREE / "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert os.path.exists(page.parent / target), f"{page.name}: {target}"


def test_its_table_has_every_module_and_plugin() -> None:
    modules = {f"`gvisor.runsc.{path.stem}`" for path in Path(TREE, "plugins/modules").glob("*.py")}
    plugins = {
        f"`gvisor.runsc.{path.stem}` ({kind})"
        for kind in ("become", "connection", "inventory")
        for path in Path(TREE, "plugins", kind).glob("*.py")
    }
    roles = {
        f"[`gvisor.runsc.{path.name}`](roles/{path.name}/README.md)"
        for path in Path(TREE, "roles").iterdir()
        if path.name != "runtimes"  # which the roles of the engines include
    }
    rows = list(support.tables(README, "What is in it"))
    assert {cells[0] for cells in rows} == modules | plugins | roles | {"module", "plugin", "role"}
