# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""exec that takes too long, is interrupted, is detached, or loses its sandbox."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import procfs
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import (
    DeadlineError,
    SandboxGoneError,
    StateError,
    UsageError,
)
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.options import ExecOptions
from ansible_collections.gvisor.runsc.tests.system.conftest import MakeBundle, Shared
from ansible_collections.gvisor.runsc.tests.system.support import eventually, new_id

FAMILY = ["/bin/sh", "-c", "echo begun; sleep 333 & sh -c 'sleep 222 & sleep 111; true'; echo never"]


LIVING = "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; echo; done 2>/dev/null"


def living(shared: Shared) -> list[str]:
    """Return what lives in the shared container: no zombie, not its own first process, and not the question itself."""
    lines = [line.strip() for line in shared.run("/bin/sh", "-c", LIVING).splitlines()]
    return [line for line in lines if line and line != "/bin/sleep 1000" and "cmdline" not in line and line[:2] != "tr"]


def test_a_deadline_ends_the_command_and_its_children_inside(shared: Shared) -> None:
    """The end of the runsc client alone would not stop it."""
    with pytest.raises(DeadlineError, match=r"did not end within 0\.5 s") as caught:
        shared.runsc.exec(shared.container, {"args": FAMILY}, timeout=0.5)
    assert caught.value.kind == "timeout"
    assert caught.value.completed is not None
    assert caught.value.completed.stdout.text == "begun\n"
    assert eventually(lambda: living(shared) == [])


def test_an_interrupt_ends_the_command_inside(shared: Shared) -> None:
    def watch() -> None:
        if procfs.poll(lambda: "sleep 111" in living(shared), 20):
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=watch)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        shared.runsc.exec(shared.container, {"args": FAMILY})
    thread.join()
    assert eventually(lambda: living(shared) == [])


def test_in_the_background(shared: Shared, tmp_path: Path) -> None:
    out, err, pid_file, internal = (tmp_path / name for name in ("out", "err", "pid", "internal"))
    out.write_text("before\n")
    pid_file.write_text("stale")
    internal.write_text("stale")
    options = ExecOptions(
        detach=True, stdout=str(out), stderr=str(err), pid_file=str(pid_file), internal_pid_file=str(internal)
    )
    command = ["/bin/sh", "-c", "echo said; echo cried >&2; exec sleep 999"]
    result = shared.runsc.exec(shared.container, {"args": command}, options)
    assert result.completed.rc == 0
    assert result.completed.seconds < 10
    assert (int(pid_file.read_text()), int(internal.read_text())) == (result.pid, result.internal_pid)
    assert result.internal_pid in shared.runsc.ps(shared.container)
    assert not procfs.is_dead(result.pid)
    assert eventually(lambda: err.read_text() == "cried\n")
    assert out.read_text() == "before\nsaid\n"

    shared.runsc.kill(shared.container, "KILL", pid=result.internal_pid)
    assert procfs.wait_dead(result.pid, 20)


def test_the_exit_code_of_a_command_in_the_background(shared: Shared) -> None:
    command = ["/bin/sh", "-c", "sleep 0.5; exit 9"]
    result = shared.runsc.exec(shared.container, {"args": command}, ExecOptions(detach=True))
    assert shared.runsc.wait(shared.container, rootpid=result.internal_pid) == 9


def test_a_command_in_the_background_that_does_not_exist(shared: Shared) -> None:
    with pytest.raises(Exception, match="failed to load /nonexistent"):
        shared.runsc.exec(shared.container, {"args": ["/nonexistent"]}, ExecOptions(detach=True))


def test_the_word_detach_in_a_path_is_refused(shared: Shared, tmp_path: Path) -> None:
    """runsc would drop that argument, and say nothing."""
    with pytest.raises(UsageError, match="drops such arguments"):
        options = ExecOptions(detach=True, pid_file=str(tmp_path / "detached.pid"))
        shared.runsc.exec(shared.container, {"args": ["/bin/true"]}, options)


@pytest.mark.parametrize("status", ["created", "paused", "stopped"])
def test_refused_where_the_container_does_not_run(runsc: Runsc, bundle: MakeBundle, status: str) -> None:
    container = new_id()
    runsc.create(container, bundle())
    if status != "created":
        runsc.start(container)
    if status == "paused":
        runsc.pause(container)
    if status == "stopped":
        runsc.stop(container, "KILL")
    with pytest.raises((StateError, SandboxGoneError)):
        runsc.exec(container, {"args": ["/bin/true"]})


def begin(runsc: Runsc, container: str, results: list[object]) -> threading.Thread:
    """Run a long command in a thread, and return when it runs; its result or error is appended to C(results)."""

    def work() -> None:
        try:
            results.append(runsc.exec(container, {"args": ["/bin/sleep", "888"]}))
        except Exception as exc:
            results.append(exc)

    thread = threading.Thread(target=work)
    thread.start()
    assert eventually(lambda: len(runsc.ps(container)) == 2)
    return thread


@pytest.mark.parametrize("victim", ["sentry", "init", "gofer", "delete"])
def test_a_sandbox_that_ends_under_the_command(runsc: Runsc, start: Callable[..., str], victim: str) -> None:
    container = start()
    results: list[object] = []
    thread = begin(runsc, container, results)
    record = runsc.record(container)
    ends: dict[str, Callable[[], None]] = {
        "sentry": lambda: os.kill(record.pid, signal.SIGKILL),
        "gofer": lambda: os.kill(record.gofer_pid, signal.SIGKILL),
        "init": lambda: runsc.kill(container, "KILL"),
        "delete": lambda: runsc.delete(container, force=True),
    }
    ends[victim]()
    thread.join(20)
    assert isinstance(results[0], SandboxGoneError), results
    assert results[0].kind == "sandbox_gone"
    assert container in str(results[0])


def test_a_deadline_counts_from_the_start(shared: Shared) -> None:
    began = time.monotonic()
    with pytest.raises(DeadlineError):
        shared.runsc.exec(shared.container, {"args": ["/bin/sleep", "777"]}, timeout=0.2)
    assert time.monotonic() - began < 15
    assert shared.runsc.state(shared.container).status == "running"
