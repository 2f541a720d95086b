# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When Ansible is killed, so is the command in the container; no client of runsc stays, and the sandbox can be used."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from ansible_collections.gvisor.runsc.tests.connection.support import Site, Sshd
from ansible_collections.gvisor.runsc.tests.modules.support import PATIENCE, Json, eventually

# A shell that waits for another one, as a module waits for its command.
COMMAND = "sh -c 'sleep 4321; true'; echo woken"


@pytest.mark.parametrize("how", ["KILL", "TERM", "INT", "KILL of the group"])
def test_ansible_playbook_is_killed(near: Site, how: str) -> None:
    _kill(near, how)


@pytest.mark.parametrize("how", ["KILL", "KILL of the group"])
def test_ansible_playbook_is_killed_and_the_node_is_another_one(near: Site, sshd: Sshd, how: str) -> None:
    near.way = sshd.variables
    _kill(near, how)


def _kill(site: Site, how: str) -> None:
    site.make()
    task: Json = {"ansible.builtin.raw": COMMAND}
    argv = site.argv("ansible-playbook", site.inventory(), str(site.book([task])))
    with (site.folder / "log").open("wb") as log:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=site.environment,
            cwd=site.folder,
            start_new_session=True,
        )
    with process:
        try:
            eventually(lambda: "sleep 4321" in site.inside(), "the command runs", 3 * PATIENCE)
            name = signal.Signals[f"SIG{how.partition(' ')[0]}"]
            if how == "KILL":
                os.kill(process.pid, name)
            else:  # INT as by a terminal
                os.killpg(process.pid, name)
            process.wait(3 * PATIENCE)
            eventually(lambda: site.clients() == [], "no client is left", 3 * PATIENCE)
        finally:
            process.kill()
    assert "woken" not in (site.folder / "log").read_text(encoding="utf-8")
    assert [line for line in site.inside() if "sleep 4321" in line] == []
    assert site.out("echo usable") == "usable\n"


def test_a_task_with_a_timeout(site: Site) -> None:
    site.make()
    output = site.play([{"ansible.builtin.raw": COMMAND, "timeout": 2}], check=False)
    assert "(2)" in output or "2 second" in output, output
    assert [line for line in site.inside() if "sleep 4321" in line] == []
    assert site.clients() == []
