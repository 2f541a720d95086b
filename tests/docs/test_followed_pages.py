# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/checkpoint.md, many.md and pods.md: their playbooks and commands run as written, and print what is shown."""

from __future__ import annotations

import pytest

from ansible_collections.gvisor.runsc.tests.docs import support
from ansible_collections.gvisor.runsc.tests.docs.support import DOCS, Machine

ENVIRONMENT = {"ANSIBLE_COLLECTIONS_PATH": str(support.COLLECTIONS), "ANSIBLE_LOCALHOST_WARNING": "0"}


# Each page, the playbook in it, and how many outputs it shows.
PAGES = [("checkpoint.md", "counter.yml", 2), ("many.md", "many.yml", 4), ("pods.md", "pod.yml", 2)]


@pytest.mark.parametrize(("page", "playbook", "outputs"), PAGES)
def test_the_page_can_be_followed(machine: Machine, page: str, playbook: str, outputs: int) -> None:
    printed = ""
    shown = 0
    for block in support.blocks(DOCS / page):
        if block.language == "yaml":
            (machine.work / playbook).write_text(block.text, encoding="utf-8")
        elif block.language == "shell":
            printed = machine.run(block.text, environment=ENVIRONMENT).stdout
        else:
            shown += 1
            assert support.matches(block.text, printed), printed
    assert shown == outputs
    if page == "pods.md":
        again = machine.run(
            f"ansible-playbook {playbook} && ansible-playbook {playbook}", environment=ENVIRONMENT
        ).stdout
        assert "changed=0" in again
