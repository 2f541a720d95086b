# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/states.md: each step runs the runsc commands that the page names, and no other one that changes anything."""

from __future__ import annotations

import json
import re
import sys

from ansible_collections.gvisor.runsc.plugins.module_utils import lifecycle
from ansible_collections.gvisor.runsc.tests.docs import support
from ansible_collections.gvisor.runsc.tests.docs.support import DOCS, TREE, Machine

LOOKING = {"state", "list", "flags", "help", ""}


def documented() -> dict[str, set[str]]:
    """Return the runsc subcommands that the page names, by step."""
    found = {}
    for steps, text in list(support.tables(DOCS / "states.md", "What the steps do"))[1:]:
        for step in steps.split(", "):
            found[step] = set(re.findall(r"`runsc ([a-z]+)", text))
    return found


def test_the_steps_are_what_runsc_is_asked_for(machine: Machine) -> None:
    machine.run(support.bundle_script("/srv/steps", "sleep 600"))
    command = f"{sys.executable} {TREE}/tests/docs/steps.py /srv/steps /srv/image"
    taken = json.loads(machine.run(command, environment={"PYTHONPATH": str(support.COLLECTIONS)}).stdout)
    page = documented()
    for steps, commands in taken:
        changing = set(commands) - LOOKING
        assert changing, f"{steps} ran {commands}"
        assert changing <= set().union(*(page[step] for step in steps)), f"{steps} ran {commands}"
    assert {step for steps, _commands in taken for step in steps} == set(lifecycle.STEPS)
    assert {command for _steps, commands in taken for command in commands} - LOOKING == set().union(*page.values())
