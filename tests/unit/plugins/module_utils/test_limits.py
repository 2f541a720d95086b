# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits on version 2 of control groups, which no machine that tests this has: its files are the test's own."""

from __future__ import annotations

import json
import os
import pathlib
import types
import typing as t

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils import limits
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import cgroups
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc

MIB = 1024 * 1024
# What the kernel says of a group with 64 MiB, as much swap, one CPU and a half, 1024 shares, and of CPUs 0, 1 and 4.
FILES = {
    "memory.max": "67108864",
    "memory.swap.max": "67108864",
    "cpu.max": "150000 100000",
    "cpu.weight": "39",
    "cpuset.cpus": "0-1,4",
    "pids.max": "100",
}


@pytest.fixture
def runsc(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Runsc:
    """A client whose binary can change limits, and the container web-1 of which it takes the limits."""
    for folder in ("root", "unified/web-1"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "mountinfo").write_text(f"41 31 0:38 / {tmp_path}/unified rw - cgroup2 cgroup2 rw\n", encoding="ascii")
    monkeypatch.setattr(cgroups, "_MOUNTS", str(tmp_path / "mountinfo"))
    for name, text in FILES.items():
        (tmp_path / "unified/web-1" / name).write_text(f"{text}\n", encoding="ascii")
    record = {"id": "web-1", "status": "running", "spec": {"linux": {"cgroupsPath": "/web-1"}}, "sandbox": {"pid": 7}}
    (tmp_path / "root/web-1_sandbox:web-1.state").write_text(json.dumps(record), encoding="ascii")
    monkeypatch.setattr(limits, "look", lambda _runsc, _name: "running")
    client = Runsc(root=str(tmp_path / "root"), cache_folder=None)
    monkeypatch.setattr(client, "_features", types.SimpleNamespace(require_subcommand=lambda name: name))
    return client


def options(**given: t.Any) -> dict[str, t.Any]:
    return {**dict.fromkeys(limits.OPTIONS), **given}


@pytest.mark.parametrize(
    ("option", "same", "other", "before"),
    [
        ("memory", "64M", "65M", {"memory.limit": 64 * MIB}),
        ("memory_swap", "128M", "64M", {"memory.swap": 128 * MIB}),
        ("cpus", 1.5, 1.0, {"cpu.quota": 150000, "cpu.period": 100000}),
        ("cpu_shares", 1024, 512, {"cpu.shares": 999}),
        ("cpu_shares", 1000, 2000, {"cpu.shares": 999}),
        ("cpuset", "4,0,1", "0-2", {"cpu.cpus": "0-1,4"}),
        ("cpuset", "0-1,4", "0,4", {"cpu.cpus": "0-1,4"}),
        ("pids_limit", 100, 99, {"pids.limit": 100}),
    ],
)
def test_a_limit_is_changed_only_if_it_is_another(
    runsc: Runsc, option: str, same: t.Any, other: t.Any, before: dict[str, t.Any]
) -> None:
    assert not limits.update(runsc, "web-1", options(**{option: same})).changed
    updated = limits.update(runsc, "web-1", options(**{option: other}), check_mode=True)
    assert (updated.changed, updated.before) == (True, before)


@pytest.mark.parametrize("shares", [2, 3, 28, 29, 1024, 262143, 262144])
def test_shares_become_a_weight_and_that_the_least_shares(runsc: Runsc, tmp_path: pathlib.Path, shares: int) -> None:
    weight = 1 + (shares - 2) * 9999 // 262142  # as runsc does it
    assert 1 <= weight <= 10000
    path = tmp_path / "unified/web-1/cpu.weight"
    path.write_text(f"{weight}\n", encoding="ascii")
    assert not limits.update(runsc, "web-1", options(cpu_shares=shares)).changed
    least = limits.update(runsc, "web-1", options(cpu_shares=300000), check_mode=True).before["cpu.shares"]
    assert least <= shares
    assert not limits.update(runsc, "web-1", options(cpu_shares=least)).changed
    assert least == 2 or limits.update(runsc, "web-1", options(cpu_shares=least - 1), check_mode=True).changed


def test_what_the_host_does_not_tell_is_changed(runsc: Runsc, tmp_path: pathlib.Path) -> None:
    os.unlink(tmp_path / "unified/web-1/memory.swap.max")
    updated = limits.update(runsc, "web-1", options(memory_swap="128M"), check_mode=True)
    assert (updated.changed, updated.before) == (True, {"memory.swap": None})
