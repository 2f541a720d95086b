# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for a status while runsc writes its record, and a signal to what ends by itself."""

from __future__ import annotations

import json
import pathlib
import time
import typing as t

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils import signalling, waiting
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import NoProcessError, StateError
from ansible_collections.gvisor.runsc.plugins.module_utils.signalling import Signal, send


@pytest.fixture
def runsc(tmp_path: pathlib.Path) -> Runsc:
    (tmp_path / "web-1_sandbox:web-1.state").write_text(json.dumps({"id": "web-1", "status": "running"}), "ascii")
    return Runsc(root=str(tmp_path))


def looks(monkeypatch: pytest.MonkeyPatch, *statuses: str) -> None:
    """Let the container have these statuses, one a look."""
    answers = iter(statuses)
    for module in (waiting, signalling):
        monkeypatch.setattr(module, "look", lambda _runsc, _name: next(answers, statuses[-1]))


def test_a_record_that_is_being_written_is_not_broken(runsc: Runsc, monkeypatch: pytest.MonkeyPatch) -> None:
    looks(monkeypatch, "broken", "running", "broken", "paused")
    assert waiting.await_status(runsc, "web-1", ["paused"], time.monotonic() + 30) == "paused"


def test_one_that_stays_broken_is(runsc: Runsc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_REWRITE", 0.01)
    looks(monkeypatch, "running", "broken")
    with pytest.raises(StateError, match="can't be used"):
        waiting.await_status(runsc, "web-1", ["paused"], time.monotonic() + 30)


@pytest.mark.parametrize(
    ("pid", "after", "sent"), [(None, "stopped", False), (5, "stopped", False), (5, "running", None)]
)
def test_a_signal_to_what_has_just_ended(
    runsc: Runsc, monkeypatch: pytest.MonkeyPatch, pid: int | None, after: str, sent: bool | None
) -> None:
    def kill(*_arguments: t.Any, **_options: t.Any) -> t.NoReturn:
        raise NoProcessError("no such process")

    monkeypatch.setattr(runsc, "kill", kill)
    looks(monkeypatch, "running", after)
    if sent is None:
        with pytest.raises(NoProcessError, match=r"^pid: there is no process 5 in container 'web-1'"):
            send(runsc, Signal("web-1", pid=pid))
    else:
        done = send(runsc, Signal("web-1", pid=pid))
        assert (done.number, done.sent, done.after, done.ended) == (15, sent, after, True)
