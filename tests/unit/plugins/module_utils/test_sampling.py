# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arithmetic of samples."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils import sampling
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import StateError, UsageError
from ansible_collections.gvisor.runsc.plugins.module_utils.sampling import (
    Request,
    check,
    collect,
    summary,
    with_cpu_percent,
)


def sample(time: float, cpu_ns: int, **more: t.Any) -> t.Dict[str, t.Any]:
    return {"time": time, "cpu_ns": cpu_ns, "memory_usage": 10, "pids": 1, **more}


def test_the_use_of_cpu_counts_from_the_sample_before() -> None:
    samples = with_cpu_percent([sample(0.5, 1000), sample(1.5, 500_001_000), sample(3.5, 500_001_000), sample(3.5, 9)])
    assert [entry["cpu_percent"] for entry in samples] == [None, 50.0, 0.0, None]


def test_a_summary() -> None:
    samples = with_cpu_percent([sample(0, 0, pids=2), sample(1, 10**9, memory_usage=40), sample(2, 10**9, pids=4)])
    assert summary(samples) == {
        "cpu_percent": {"min": 0.0, "mean": 50.0, "max": 100.0},
        "memory_usage": {"min": 10, "mean": 20.0, "max": 40},
        "pids": {"min": 1, "mean": 2.33, "max": 4},
    }


def test_a_summary_of_nothing() -> None:
    assert summary([]) == {"cpu_percent": None, "memory_usage": None, "pids": None}
    assert summary(with_cpu_percent([sample(0, 0)]))["cpu_percent"] is None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "duration: neither"),
        ({"duration": 0}, "duration: 0"),
        ({"samples": -1}, "samples: -1"),
        ({"interval": 0, "samples": 1}, "interval: 0"),
    ],
)
def test_what_makes_no_sense(options: t.Dict[str, t.Any], says: str) -> None:
    with pytest.raises(UsageError, match=f"^{says}"):
        check(Request(["a"], **options))


def test_one_that_ends_between_two_looks(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pattern means those that run; a container that was named has to."""
    record = {"id": "web-1", "status": "running", "sandbox": {"pid": 2**22 + 1}}
    (tmp_path / "web-1_sandbox:web-1.state").write_text(json.dumps(record), encoding="ascii")
    monkeypatch.setattr(sampling, "look", lambda _runsc, _name: "running")
    runsc = Runsc(root=str(tmp_path))
    assert collect(runsc, Request(pattern="web*", samples=1)) == []
    with pytest.raises(StateError, match="'web-1' is stopped"):
        collect(runsc, Request(["web-1"], samples=1))
