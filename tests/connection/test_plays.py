# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole plays, through Ansible itself."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
from collections.abc import Iterator

import pytest

from ansible_collections.gvisor.runsc.tests.connection.support import PLUGIN, Site
from ansible_collections.gvisor.runsc.tests.modules.support import PLAY_PATIENCE, Json, eventually, subcommands

BUILTIN = "ansible.builtin."
PYTHON = {"ansible_python_interpreter": "/usr/bin/python3"}
BECOME = {"become": True, "become_method": PLUGIN}


def _recap(output: str, host: str = "sandbox") -> dict[str, int]:
    """Return the numbers of a host at the end of a play."""
    line = re.search(rf"^{host} .*$", output.rpartition("PLAY RECAP")[2], re.MULTILINE)
    assert line, output
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line[0])}


@pytest.fixture
def clean(distribution: Site) -> Iterator[Site]:
    """The container of Debian, without what tests left there."""
    yield distribution
    distribution.out("rm -rf /tmp/* /root/.ansible /root/.ansible_async")


def test_modules_files_and_users(clean: Site) -> None:
    folder = clean.folder / "tree"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/run me").write_text("#!/bin/sh\n", encoding="utf-8")
    (folder / "sub/run me").chmod(0o751)
    (folder / "汉语.txt").write_text("汉语\n", encoding="utf-8")
    back = clean.folder / "back"
    tasks: list[Json] = [
        {f"{BUILTIN}setup": {"gather_subset": ["!all", "min"]}},
        {f"{BUILTIN}copy": {"src": f"{folder}/", "dest": "/tmp/tree", "mode": "preserve"}, "register": "copied"},
        {f"{BUILTIN}copy": {"src": f"{folder}/", "dest": "/tmp/tree", "mode": "preserve"}, "register": "again"},
        {f"{BUILTIN}fetch": {"src": "/tmp/tree/汉语.txt", "dest": str(back), "flat": True}},
        {f"{BUILTIN}stat": {"path": "/tmp/tree/sub/run me"}, "register": "file"},
        {f"{BUILTIN}command": "id -un", **BECOME, "become_user": "daemon", "register": "who"},
        {f"{BUILTIN}copy": {"content": "x", "dest": "/tmp/daemons"}, **BECOME, "become_user": "daemon"},
        {f"{BUILTIN}stat": {"path": "/tmp/daemons"}, "register": "written"},
        {f"{BUILTIN}command": "sleep 1", "async": 60, "poll": 1, "register": "waited"},
        {f"{BUILTIN}command": "hostname", "delegate_to": "localhost", "register": "elsewhere"},
        {f"{BUILTIN}meta": "reset_connection"},
        {f"{BUILTIN}wait_for_connection": {"timeout": 60}},
        {
            f"{BUILTIN}assert": {
                "that": [
                    "ansible_facts.distribution == 'Debian'",
                    "copied is changed and again is not changed",
                    "file.stat.mode == '0751'",
                    "who.stdout == 'daemon' and written.stat.pw_name == 'daemon'",
                    "waited is finished and waited.rc == 0",
                    "elsewhere.stdout == lookup('pipe', 'hostname')",
                ]
            }
        },
    ]
    hosts: Json = {"sandbox": PYTHON}
    everybody = {
        "localhost": {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    }
    inventory = clean.inventory({**hosts, **everybody})
    recap = _recap(clean.play(tasks, inventory=inventory, hosts="sandbox"))
    assert (recap["ok"], recap["unreachable"], recap["failed"]) == (12, 0, 0)
    assert back.read_text(encoding="utf-8") == "汉语\n"
    back.unlink()


def test_one_process_of_runsc_for_a_pipelined_task(clean: Site) -> None:
    tasks: dict[str, Json] = {
        "plain": {},
        "number": {"ansible_become": True, "ansible_become_method": PLUGIN, "ansible_become_user": "1"},
        "name": {"ansible_become": True, "ansible_become_method": PLUGIN, "ansible_become_user": "daemon"},
        "unpipelined": {"ansible_pipelining": False},
    }
    shims = {name: clean.shim() for name in tasks}
    hosts: Json = {
        name: {**PYTHON, **variables, "ansible_runsc_path": str(shims[name])} for name, variables in tasks.items()
    }
    output = clean.play([{f"{BUILTIN}ping": {}}], inventory=clean.inventory(hosts))
    assert all(_recap(output, name)["ok"] == 1 for name in tasks)
    calls = {name: subcommands(shim) for name, shim in shims.items()}
    assert calls["plain"] == calls["number"] == ["exec"]
    assert calls["name"] == ["exec", "exec"]
    assert len(calls["unpipelined"]) > 2 and set(calls["unpipelined"]) == {"exec"}


def test_two_forks_in_one_container(shared: Site) -> None:
    names = [f"fork{number}" for number in range(4)]
    output = shared.play(
        [{f"{BUILTIN}raw": "echo {{ inventory_hostname }} >>/tmp/all; sleep 1; cat /tmp/all", "register": "seen"}],
        "--forks=4",
        inventory=shared.inventory({name: {} for name in names}),
    )
    assert all(_recap(output, name)["ok"] == 1 for name in names)
    assert sorted(shared.out("cat /tmp/all; rm /tmp/all").split()) == names


def test_a_container_that_is_made_meanwhile(site: Site) -> None:
    """wait_for_connection sees it come, and reset_connection finds its successor."""
    inventory = site.inventory(
        {"sandbox": {}, "localhost": {"ansible_connection": "local", "ansible_python_interpreter": "/bin/false"}}
    )
    flags = f"--root={site.root} --network=none --platform={site.version.platform}"
    run = f"{site.version.path} {flags} run --detach --bundle={site.bundle} {site.id} </dev/null >/dev/null 2>&1"
    here = {"delegate_to": "localhost"}
    probe: Json = {f"{BUILTIN}raw": "echo there"}
    tasks: list[Json] = [
        {**probe, "ignore_unreachable": True, "register": "before"},
        {f"{BUILTIN}meta": "clear_host_errors"},
        {f"{BUILTIN}raw": run, **here},
        {**probe, "register": "after"},
        {f"{BUILTIN}raw": "touch /tmp/old"},
        {f"{BUILTIN}raw": f"{site.version.path} {flags} delete --force {site.id}; {run}", **here},
        {f"{BUILTIN}meta": "reset_connection"},
        {f"{BUILTIN}raw": "ls /tmp", "register": "listed"},
        {f"{BUILTIN}assert": {"that": ["before is unreachable", "after.rc == 0", "listed.stdout == ''"]}},
    ]
    assert _recap(site.play(tasks, inventory=inventory, hosts="sandbox"))["failed"] == 0


def test_an_unreachable_host_does_not_stop_the_others(near: Site) -> None:
    near.make()
    inventory = near.inventory({"sandbox": {}, "gone": {"ansible_runsc_container": f"{near.prefix}gone"}})
    output = near.play([{f"{BUILTIN}raw": "echo there"}], inventory=inventory, check=False)
    assert (_recap(output)["ok"], _recap(output, "gone")["unreachable"]) == (1, 1)
    assert "does not exist under the root" in output


def test_secrets_are_not_shown(shared: Site) -> None:
    secret = "hunter2-hunter2"
    given: Json = {f"{BUILTIN}raw": f"TOKEN={secret} true"}
    output = shared.play([{**given, "no_log": True}, given], "-vvvv")
    assert " exec " in output and secret not in output
    output = shared.play([{**given, "no_log": True}, {"name": "Now shown", **given}], "-vvvvv")
    censored, _task, shown = output.partition("TASK [Now shown]")
    assert secret not in censored and secret in shown


def test_the_terminal_of_the_user_is_not_touched(near: Site) -> None:
    """With a terminal for standard input, runsc since 2023 prints the output there, wherever it should go."""
    near.make()
    argv = near.argv("ansible", near.inventory(), "all", "-m", "raw", "-a", "echo printed; test -t 0 || echo none")
    terminal, other = pty.openpty()
    shown = b""
    with subprocess.Popen(
        argv, stdin=other, stdout=other, stderr=other, env=near.environment, cwd=near.folder
    ) as process:
        os.close(other)
        while select.select([terminal], [], [], PLAY_PATIENCE)[0]:
            try:
                data = os.read(terminal, 4096)
            except OSError:  # the last one with the other end has closed it
                break
            shown += data
    os.close(terminal)
    assert process.returncode == 0
    text = shown.decode()
    assert text.count("printed") == 1 and text.index("CHANGED") < text.index("printed") < text.index("none")
    eventually(lambda: near.clients() == [], "no client is left")
