# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Through Ansible itself, where what it prints matters, or what is left of a whole play."""

from __future__ import annotations

import re

from ansible_collections.gvisor.runsc.tests.modules.support import Json, Place, ansible, play

GROUP = "gvisor.runsc.runsc_"


def _recap(output: str) -> dict[str, int]:
    """Return the numbers at the end of a play."""
    found = re.findall(r"(ok|changed|failed|unreachable)=(\d+)", output.rpartition("PLAY RECAP")[2])
    return {name: int(number) for name, number in found}


def test_a_second_run_changes_nothing_and_nothing_is_left(place: Place) -> None:
    container = {"name": place.id, "bundle": str(place.bundle)}
    tasks: list[Json] = [
        {f"{GROUP}container": {**container, "recreate": "on-change"}},
        {f"{GROUP}info": {"gather": ["pids", "processes", "stats", "spec", "cgroup"]}},
        {f"{GROUP}exec": {"name": place.id, "command": "touch /tmp/done", "creates": "/tmp/done"}},
    ]
    book = str(play(place, tasks))
    before = place.leftovers()
    first = _recap(ansible(place, "ansible-playbook", "--diff", book))
    second = _recap(ansible(place, "ansible-playbook", "--diff", book))
    end = play(place, [{f"{GROUP}container": {"name": place.id, "state": "absent"}}])
    last = _recap(ansible(place, "ansible-playbook", str(end)))
    assert (first["ok"], first["changed"]) == (3, 2)
    assert (second["ok"], second["changed"]) == (3, 0)
    assert (last["ok"], last["changed"]) == (1, 1)
    assert before == place.leftovers() == []


def test_secrets_are_not_printed(place: Place) -> None:
    secret = {"TOKEN": "hunter2-hunter2", "OTHER": "correct horse battery"}
    script = 'echo "$TOKEN" "$OTHER"; exit $RC'
    command: Json = {"name": place.id, "argv": ["sh", "-c", script], "secret_env": secret}
    tasks: list[Json] = [
        {f"{GROUP}container": {"name": place.id, "bundle": str(place.bundle)}},
        {f"{GROUP}exec": {**command, "env": {"RC": "0"}}, "register": "told"},
        {"ansible.builtin.debug": {"var": "told"}},
        {"ansible.builtin.assert": {"that": "'********' in told.stdout and 'hunter2' not in told | string"}},
        {f"{GROUP}exec": {**command, "env": {"RC": "3"}}},
    ]
    output = ansible(place, "ansible-playbook", "-vvvv", str(play(place, tasks)), check=False)
    recap = _recap(output)
    assert (recap["ok"], recap["failed"]) == (4, 1)
    assert "the command ended with exit code 3" in output
    assert "********" in output
    for word in ("hunter2", "correct horse"):
        assert word not in output


def test_ad_hoc(place: Place) -> None:
    place.container()
    options = f"root={place.root} runsc_path={place.version.path}"
    output = ansible(place, "ansible", "localhost", "-m", "gvisor.runsc.runsc_info", "-a", options)
    assert output.startswith("localhost | SUCCESS => {")
    assert f'"id": "{place.id}"' in output
    output = ansible(
        place,
        "ansible",
        "localhost",
        "-m",
        "gvisor.runsc.runsc_exec",
        "-a",
        f"{options} network=none id={place.id} command='uname -a'",
    )
    assert '"stdout": "Linux' in output


def test_failures_are_readable(place: Place) -> None:
    tasks: list[Json] = [
        {f"{GROUP}container": {"name": place.id, "bundle": "/nonexistent"}, "register": "told", "ignore_errors": True},
        {"ansible.builtin.assert": {"that": "told.failure_kind == 'usage' and told.status == 'absent'"}},
        {
            f"{GROUP}exec": {"name": "nobody", "command": "id"},
            "register": "gone",
            "failed_when": "gone.failure_kind | default('') != 'sandbox_gone'",
        },
        {f"{GROUP}container": {"name": "we*b", "state": "absent"}},
    ]
    output = ansible(place, "ansible-playbook", str(play(place, tasks)), check=False)
    assert "bundle: '/nonexistent/config.json' can't be read: No such file or directory" in output
    assert "name: 'we*b' is not a container id" in output
    assert "Traceback" not in output
    assert _recap(output)["ok"] == 3
