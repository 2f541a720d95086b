# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/molecule.md: its commands run as written, and its list of keys is the right one."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ansible_collections.gvisor.runsc.plugins.plugin_utils.molecule import keys
from ansible_collections.gvisor.runsc.tests.docs import support
from ansible_collections.gvisor.runsc.tests.docs.projects import ENVIRONMENT, PATIENCE, Project, write
from ansible_collections.gvisor.runsc.tests.docs.support import DOCS, Block, Machine

PAGE = DOCS / "molecule.md"


def _file(block: Block) -> str:
    found = re.match(r"# (\S+\.yml)\n", block.text)
    assert found, f"the block does not say which file it is:\n{block.text}"
    return found.group(1)


# It wants a terminal, of some size.
LOGIN = """
script -qec 'stty rows 24 cols 80; molecule login' /dev/null <<<'cat /etc/motd; exit' | tee printed
grep -q 'Hello ada' printed
"""


def _run(machine: Machine, project: Project, command: str) -> str:
    command = LOGIN if command == "molecule login\n" else command
    script = f"exec 2>&1\ncd {project.folder}\n{command}"
    environment = {**ENVIRONMENT, "TERM": "dumb"}
    return machine.run(script, environment=environment, patience=PATIENCE).stdout


def test_the_page_can_be_followed(machine: Machine, project: Project) -> None:
    machine.run(f"touch /srv/debian.tar; mount --bind {os.environ['DEBIAN_ROOTFS']} /srv/debian.tar")
    blocks = support.blocks(PAGE)
    for block in blocks:
        if block.language == "yaml":
            write(project.folder / _file(block), block.text)
    printed, shown = "", 0
    for block in blocks:
        if block.language == "shell":
            printed = _run(machine, project, block.text)
            if block.text.startswith(("molecule test", "molecule destroy")):
                assert project.left(machine) == []
        elif block.language == "text":
            shown += 1
            assert support.matches(block.text, printed), printed
    assert shown == 1


def test_all_keys_are_listed() -> None:
    rows = list(support.tables(PAGE, "The keys of a platform"))[1:]
    listed = [key for cells in rows for key in re.findall(r"`(\w+)`", cells[0])]
    assert sorted(listed) == sorted(["name", *keys.KINDS])


def test_all_keys_for_the_bundle_get_there() -> None:
    tasks = Path(support.TREE, "roles/molecule/tasks/create.yml").read_text(encoding="utf-8")
    for key in keys.FOR_THE_BUNDLE:
        assert f'{key}: "{{{{ item.bundle.{key} | default(omit) }}}}"' in tasks
    for key in keys.FOR_EACH_TASK:
        line = f'{key}: "{{{{ item.container.{key} | default(omit) }}}}"'
        removing = Path(support.TREE, "roles/molecule/tasks/destroy.yml").read_text(encoding="utf-8")
        assert (tasks.count(line), removing.count(line)) == (3, 1)
