# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""runsc_update, and what runsc_info tells at length.

No runsc that is packaged can change limits yet. So a script stands for one that can: it has the subcommand in its help, notes
what it is given, and does to the control group what runsc would.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.tests.modules.support import Json, Place, subcommands

MIB = 1024 * 1024

# Notes the limits on its standard input, and writes them to the control group, as runsc does.
UPDATE = """
import json, sys

FILES = {
    ("memory", "limit"): "memory/{}/memory.limit_in_bytes",
    ("memory", "swap"): "memory/{}/memory.memsw.limit_in_bytes",
    ("cpu", "quota"): "cpu/{}/cpu.cfs_quota_us",
    ("cpu", "period"): "cpu/{}/cpu.cfs_period_us",
    ("cpu", "shares"): "cpu/{}/cpu.shares",
    ("cpu", "cpus"): "cpuset/{}/cpuset.cpus",
    ("pids", "limit"): "pids/{}/pids.max",
}
text = sys.stdin.read()
open(sys.argv[1], "w").write(text)
for section, limits in json.loads(text).items():
    for key, value in limits.items():
        open("/sys/fs/cgroup/" + FILES[section, key].format(sys.argv[2]), "w").write(str(value))
"""


def newer(place: Place) -> tuple[str, Path]:
    """Return a runsc that can change limits, and the file in which it notes the last ones that it was given."""
    note = place.folder / "resources.json"
    update = f"{sys.executable} -I {place.folder}/update.py {note} {place.id}"
    (place.folder / "update.py").write_text(UPDATE, encoding="utf-8")
    body = f"""
case " $* " in
*" help ") {place.version.path} help; printf '\\tupdate           change limits\\n'; exit 0;;
*" update "*) {update}; exit;;
esac"""
    return str(place.shim(body)), note


def test_refused_where_the_binary_can_not_do_it(place: Place) -> None:
    place.container()
    shim = place.shim()
    failed = place.bad("runsc_update", "unsupported", name=place.id, memory="64M", runsc_path=str(shim))
    assert "has no subcommand 'update'" in failed["msg"]
    assert failed["status"] is None  # the binary was asked, not the container
    assert "update" not in subcommands(shim)


def test_limits_are_changed_where_they_differ(place: Place) -> None:
    place.container()
    runsc, note = newer(place)
    task = {"name": place.id, "pids_limit": 77, "runsc_path": runsc}
    check = place.good("runsc_update", check=True, **task)
    assert (check["changed"], check["diff"], note.exists()) == (
        True,
        {"before": {"pids.limit": -1}, "after": {"pids.limit": 77}},
        False,
    )
    done = place.good("runsc_update", **task)
    assert (done["changed"], done["limits"]) == (True, {"pids.limit": 77})
    assert json.loads(note.read_text(encoding="utf-8")) == {"pids": {"limit": 77}}
    note.unlink()
    assert (place.good("runsc_update", **task)["changed"], note.exists()) == (False, False)


@pytest.mark.parametrize(
    ("option", "value", "resources"),
    [
        ("memory", "64M", {"memory": {"limit": 64 * MIB}}),
        ("memory_swap", "96M", {"memory": {"swap": 96 * MIB}}),
        ("cpus", 1.5, {"cpu": {"quota": 150000, "period": 100000}}),
        ("cpu_shares", 512, {"cpu": {"shares": 512}}),
        ("cpuset", "0", {"cpu": {"cpus": "0"}}),
        ("cpuset", "0,1", {"cpu": {"cpus": "0,1"}}),  # the kernel calls it 0-1
        ("pids_limit", 777, {"pids": {"limit": 777}}),
    ],
)
def test_each_limit(place: Place, option: str, value: str | float, resources: Json) -> None:
    before = {"memory": {"limit": 80 * MIB}, "cpu": {"cpus": "1" if value == "0" else "0"}}
    place.write_config({"linux": {"resources": before}})
    place.container(state="created")
    runsc, note = newer(place)
    task = {"name": place.id, "runsc_path": runsc, option: value}
    assert place.good("runsc_update", **task)["changed"] is True
    assert json.loads(note.read_text(encoding="utf-8")) == resources
    note.unlink()
    assert (place.good("runsc_update", **task)["changed"], note.exists()) == (False, False)


def test_limits_that_are_so_already(place: Place) -> None:
    linux = {"resources": {"memory": {"limit": 64 * MIB}, "cpu": {"shares": 512, "quota": 50000, "period": 100000}}}
    place.write_config({"linux": linux})
    place.container()
    runsc, note = newer(place)
    task = {"name": place.id, "memory": "64M", "cpu_shares": 512, "cpus": 0.5, "runsc_path": runsc}
    assert (place.good("runsc_update", **task)["changed"], note.exists()) == (False, False)


def test_what_can_not_be_updated(place: Place) -> None:
    assert "no container" in place.bad("runsc_update", "sandbox_gone", name=place.id, memory="64M")["msg"]
    place.container()
    runsc, note = newer(place)
    for options, says in (
        ({}, "memory: no limit is given"),
        ({"memory": "lots"}, "memory: 'lots'"),
        ({"cpus": 0}, "cpus: 0.0"),
        ({"pids_limit": -2}, "pids_limit: -2"),
        ({"cpuset": "x"}, "cpuset: 'x'"),
        ({"cpu_shares": 1}, "cpu_shares: 1"),
    ):
        assert says in place.bad("runsc_update", "usage", name=place.id, runsc_path=runsc, **options)["msg"]
    place.container(state="stopped")
    assert "is stopped" in place.bad("runsc_update", "runtime", name=place.id, memory="64M", runsc_path=runsc)["msg"]
    assert not note.exists()


def test_usage_metrics_and_stacks(place: Place) -> None:
    place.container()
    result = place.info(gather=["usage", "metrics", "stacks"])
    (found,) = result["containers"]
    assert found["usage"]["total"] >= sum(value for kind, value in found["usage"].items() if kind != "total") > 0
    assert "goroutine " in found["stacks"]
    if found["metrics"] is None:  # before 2023
        assert "export-metrics" in result["unreadable"][0]["problem"]
    else:
        assert "# TYPE " in found["metrics"]
    place.container(state="stopped")
    (stopped,) = place.info(gather=["usage", "metrics", "stacks"])["containers"]
    assert (stopped["usage"], stopped["metrics"], stopped["stacks"]) == (None, None, None)


def test_what_hangs_keeps_nobody(place: Place) -> None:
    """A sandbox that answers nobody is a failure at once, not after the timeout."""
    pid = place.container()["container"]["pid"]
    runsc, _note = newer(place)
    os.kill(pid, signal.SIGSTOP)
    assert "is broken" in place.bad("runsc_update", "runtime", name=place.id, memory="64M", runsc_path=runsc)["msg"]
