# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""start, stop, kill, pause, resume and wait."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import (
    DeadlineError,
    RunscError,
    SandboxGoneError,
    StateError,
    UsageError,
)
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.options import CreateOptions
from ansible_collections.gvisor.runsc.tests.system.conftest import MakeBundle
from ansible_collections.gvisor.runsc.tests.system.support import Calls, eventually, new_id, text_of

# Says "ready" when its handler is set, "got" when the signal came, and ends with exit code 7.
OBEDIENT = "trap 'echo got; exit 7' USR1; echo ready; while :; do sleep 0.05; done"
STUBBORN = "trap '' TERM; echo ready; while :; do sleep 0.05; done"


@pytest.fixture
def script(runsc: Runsc, bundle: MakeBundle, tmp_path: Path) -> Callable[[str], tuple[str, Path]]:
    """Start a container that runs a shell script, and return it with its output when it said "ready"."""

    def make(text: str) -> tuple[str, Path]:
        container, out = new_id(), tmp_path / "out"
        runsc.run_detached(container, bundle("/bin/sh", "-c", text), CreateOptions(stdout=str(out)))
        assert eventually(lambda: out.exists() and "ready\n" in out.read_text())
        return container, out

    return make


Script = Callable[[str], "tuple[str, Path]"]


def test_start_of_what_runs_is_refused_and_harms_nothing(runsc: Runsc, start: Callable[..., str]) -> None:
    container = start()
    with pytest.raises(StateError, match="cannot start"):
        runsc.start(container)
    assert text_of(runsc, container, "/bin/echo", "alive") == "alive\n"


@pytest.mark.parametrize("name", ["USR1", "SIGUSR1", "sigusr1", 10, "10"])
def test_kill_by_any_name_of_the_signal(runsc: Runsc, script: Script, name: str | int) -> None:
    container, out = script(OBEDIENT)
    runsc.kill(container, name)
    assert eventually(lambda: out.read_text() == "ready\ngot\n")


@pytest.mark.parametrize("name", ["0", "64", "BOGUS", "RTMIN", ""])
def test_kill_with_what_runsc_can_not_send(runsc: Runsc, start: Callable[..., str], name: str) -> None:
    calls = Calls(runsc)
    with pytest.raises(UsageError, match="signal: "):
        runsc.kill(new_id(), name)
    assert calls.subcommands == []


def test_kill_one_process_by_its_pid(runsc: Runsc, start: Callable[..., str]) -> None:
    container = start("/bin/sh", "-c", "sleep 555 & sleep 666 & wait; sleep 1000")
    assert eventually(lambda: len(runsc.ps(container)) == 3)
    doomed = next(process.pid for process in runsc.top(container) if process.command == "sleep")
    runsc.kill(container, "KILL", pid=doomed)
    assert eventually(lambda: doomed not in runsc.ps(container))
    assert len(runsc.ps(container)) == 2


def test_kill_all_processes(runsc: Runsc, start: Callable[..., str]) -> None:
    container = start("/bin/sh", "-c", "trap '' TERM; sleep 555 & sleep 666 & while :; do wait; sleep 0.05; done")
    assert eventually(lambda: len(runsc.ps(container)) == 3)
    runsc.kill(container, "KILL", all=True)
    assert eventually(lambda: runsc.state(container).status == "stopped")
    with pytest.raises(UsageError, match="exclude each other"):
        runsc.kill(container, all=True, pid=1)


@pytest.mark.parametrize("status", ["created", "paused", "stopped"])
def test_kill_is_refused_where_runsc_can_not(runsc: Runsc, bundle: MakeBundle, status: str) -> None:
    container = in_status(runsc, bundle(), status)
    with pytest.raises((StateError, SandboxGoneError)):
        runsc.kill(container, "KILL")


def in_status(runsc: Runsc, folder: str, status: str) -> str:
    """Bring a new container into a status."""
    container = new_id()
    runsc.create(container, folder)
    if status != "created":
        runsc.start(container)
    if status == "paused":
        runsc.pause(container)
    if status == "stopped":
        runsc.stop(container, "KILL")
    assert runsc.state(container).status == status
    return container


def test_stop_by_the_signal_alone(runsc: Runsc, script: Script) -> None:
    container, _out = script(OBEDIENT)
    assert runsc.stop(container, "USR1") is True
    assert runsc.state(container).status == "stopped"
    assert runsc.state(container).pid == -1


def test_stop_ends_what_ignores_the_signal(runsc: Runsc, script: Script) -> None:
    container, _out = script(STUBBORN)
    assert runsc.stop(container, "TERM", grace=0.3) is False
    assert runsc.state(container).status == "stopped"


def test_stop_with_kill_counts_as_obeyed(runsc: Runsc, script: Script) -> None:
    container, _out = script(STUBBORN)
    calls = Calls(runsc)
    assert runsc.stop(container, "KILL") is True
    assert calls.subcommands == ["kill"]


@pytest.mark.parametrize("status", ["created", "paused"])
def test_stop_is_refused_at_once_where_runsc_can_not_signal(runsc: Runsc, bundle: MakeBundle, status: str) -> None:
    container = in_status(runsc, bundle(), status)
    calls = Calls(runsc)
    with pytest.raises(StateError, match=f"is {status}"):
        runsc.stop(container)
    assert calls.subcommands == []


def test_stop_of_what_is_stopped_is_fine(runsc: Runsc, bundle: MakeBundle) -> None:
    assert runsc.stop(in_status(runsc, bundle(), "stopped")) is True


def test_pause_and_resume(runsc: Runsc, script: Script) -> None:
    container, out = script("echo ready; while :; do echo tick; sleep 0.02; done")
    runsc.pause(container)
    assert runsc.state(container).status == "paused"
    seen = out.read_text()
    time.sleep(0.2)  # nothing may happen, so there is nothing to wait for
    assert out.read_text() == seen
    with pytest.raises(StateError):
        runsc.pause(container)
    with pytest.raises(StateError):
        runsc.exec(container, {"args": ["/bin/true"]})
    runsc.resume(container)
    assert eventually(lambda: len(out.read_text()) > len(seen))
    with pytest.raises(StateError):
        runsc.resume(container)


def test_pause_of_a_created_one_is_refused_and_it_can_still_start(runsc: Runsc, bundle: MakeBundle) -> None:
    """runsc would panic, and leave a container that never runs."""
    container = in_status(runsc, bundle(), "created")
    calls = Calls(runsc)
    with pytest.raises(StateError, match="only a running one"):
        runsc.pause(container)
    assert calls.subcommands == []
    runsc.start(container)
    assert text_of(runsc, container, "/bin/echo", "alive") == "alive\n"


def test_a_paused_one_whose_sentry_died_is_stopped(runsc: Runsc, bundle: MakeBundle) -> None:
    """runsc says "paused" for ever, with the pid of the dead."""
    container = in_status(runsc, bundle(), "paused")
    os.kill(runsc.state(container).pid, signal.SIGKILL)
    assert eventually(lambda: runsc.state(container).status == "stopped")
    assert [(found.status, found.pid) for found in runsc.list()] == [("stopped", -1)]
    runsc.delete(container)
    assert runsc.list() == []


def later(action: Callable[[], object]) -> threading.Timer:
    """Do something in a moment, when the test waits already."""
    timer = threading.Timer(0.2, action)
    timer.start()
    return timer


def test_wait_returns_the_exit_code(runsc: Runsc, script: Script) -> None:
    container, _out = script(OBEDIENT)
    timer = later(lambda: runsc.kill(container, "USR1"))
    assert runsc.wait(container) == 7
    timer.join()


def test_wait_returns_128_and_the_signal(runsc: Runsc, start: Callable[..., str]) -> None:
    container = start()
    timer = later(lambda: runsc.kill(container, "KILL"))
    assert runsc.wait(container) == 128 + signal.SIGKILL
    timer.join()


def test_wait_has_a_deadline_and_harms_nothing(runsc: Runsc, start: Callable[..., str]) -> None:
    container = start()
    with pytest.raises(DeadlineError):
        runsc.wait(container, timeout=0.3)
    assert runsc.state(container).status == "running"


def test_wait_after_the_end_says_that_nobody_knows_the_exit_code(runsc: Runsc, bundle: MakeBundle) -> None:
    container = in_status(runsc, bundle(), "stopped")
    calls = Calls(runsc)
    with pytest.raises(SandboxGoneError, match="no longer knows its exit code") as caught:
        runsc.wait(container)
    assert caught.value.kind == "sandbox_gone"
    assert calls.subcommands == []


def test_wait_whose_sandbox_is_deleted_by_somebody_else(runsc: Runsc, start: Callable[..., str]) -> None:
    container = start()
    timer = later(lambda: runsc.delete(container, force=True))
    with pytest.raises(SandboxGoneError):
        runsc.wait(container)
    timer.join()


def test_wait_for_one_process(runsc: Runsc, start: Callable[..., str]) -> None:
    container = start("/bin/sh", "-c", "sh -c 'sleep 0.5; exit 5' & sleep 1000")
    assert eventually(lambda: len(runsc.ps(container)) >= 3)
    child = next(process.pid for process in runsc.top(container) if process.ppid == 1 and process.command == "sh")
    assert runsc.wait(container, rootpid=child) == 5
    with pytest.raises(RunscError):
        runsc.wait(container, pid=4711)
