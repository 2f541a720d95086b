# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo: the part that can be repeated changes nothing the second time, and nothing is left behind, whatever happens."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import Any

from ansible_collections.gvisor.runsc.tests.docs import support
from ansible_collections.gvisor.runsc.tests.docs.support import TREE, Done, Machine

PLAYBOOK = os.path.join(os.path.dirname(sys.executable), "ansible-playbook")
NAME = "runsc-demo"
ENVIRONMENT = {"ANSIBLE_COLLECTIONS_PATH": str(support.COLLECTIONS)}


def script(machine: Machine, *tags: str, **variables: Any) -> str:
    """Return the command that runs the demo."""
    given: dict[str, Any] = {
        "demo_runsc_path": machine.version.path,
        "demo_busybox": support.BUSYBOX,
        "demo_parent": "/srv",
    }
    if not machine.version.is_default_platform:
        given["demo_platform"] = machine.version.platform
    variables_ = json.dumps({**given, **variables})
    return f"exec {PLAYBOOK} -i {TREE}/inventory/localhost.yml {TREE}/playbooks/demo.yml -e '{variables_}' {' '.join(tags)}"


def play(machine: Machine, *tags: str, check: bool = True, **variables: Any) -> Done:
    """Run the demo, or a part of it."""
    return machine.run(script(machine, *tags, **variables), check=check, environment=ENVIRONMENT)


def recap(done: Done) -> dict[str, int]:
    """Return the numbers at the end of a play."""
    line = done.stdout.rstrip().splitlines()[-1]
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line)}


def look(machine: Machine) -> dict[str, list[str]]:
    """Return what is on the machine, but for the files of Ansible itself, which leaves some when it is killed."""
    found = machine.look(NAME)
    found["files"] = [path for path in found["files"] if not re.search(r"/\.ansible|/tmp/pymp-", path)]
    return found


def play_and_kill(machine: Machine, line: str) -> None:
    """Run the first part of the demo, and kill Ansible as soon as it prints a line with this text."""
    argv = machine.argv(script(machine, "--tags", "apply"))
    environment = {**machine.environment, **ENVIRONMENT}
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        assert process.stdout
        assert any(line in printed for printed in process.stdout)
        os.killpg(process.pid, signal.SIGKILL)
    # What Ansible had started goes on for a moment.
    support.eventually(lambda: not any("nsible" in argv for argv in look(machine)["processes"]))


def test_a_second_run_changes_nothing_and_in_the_end_nothing_is_left(machine: Machine) -> None:
    before = look(machine)

    first = play(machine, "--skip-tags", "remove")
    assert recap(first)["failed"] == 0
    assert recap(first)["changed"] > 0
    assert "Starting gVisor..." in first.stdout
    assert "5 tasks ran again, and none of them changed anything." in first.stdout

    in_between = look(machine)
    assert [line for line in in_between["processes"] if line.startswith("runsc-sandbox ") and NAME in line]
    assert [line for line in in_between["processes"] if line.startswith("runsc-gofer ")]
    assert in_between["groups"]

    second = play(machine, "--tags", "apply")
    assert recap(second)["changed"] == 0
    assert recap(second)["ok"] > 5

    # Ansible does not run "always" when it is interrupted. The last part of the demo can be run alone.
    play_and_kill(machine, "TASK [Its command runs]")
    assert [line for line in look(machine)["processes"] if line.startswith("runsc-sandbox ")]

    last = play(machine, "--tags", "remove")
    assert "Nothing is left." in last.stdout
    assert look(machine) == before


def test_a_demo_that_fails_leaves_nothing(machine: Machine) -> None:
    before = look(machine)
    failed = play(machine, "--tags", "apply,remove", check=False, demo_command=["no-such-program"])
    assert failed.rc == 2
    assert recap(failed)["failed"] == 1
    assert "no-such-program" in failed.stdout
    assert "Nothing is left." in failed.stdout
    assert look(machine) == before
