# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""delete: complete, and never harmful to a process that only has the number of a dead one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import procfs
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import NotFoundError, StateError
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.observe_commands import CORRUPT
from ansible_collections.gvisor.runsc.tests.system.conftest import MakeBundle
from ansible_collections.gvisor.runsc.tests.system.support import (
    Calls,
    RunscVersion,
    control_groups,
    eventually,
    new_id,
    runsc_processes,
    text_of,
)


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with runsc, and is still there in the end."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        survived = process.poll() is None
        process.kill()
    assert survived


def edit_record(runsc: Runsc, container: str, edit: Callable[[dict[str, Any]], None]) -> None:
    """Change the state file of a container."""
    path = Path(runsc.record(container).path)
    record = json.loads(path.read_text())
    edit(record)
    path.write_text(json.dumps(record))


def kill_sandbox(runsc: Runsc, container: str) -> None:
    """Kill the sentry and wait until both it and its gofer are gone, as after a reboot."""
    record = runsc.record(container)
    os.kill(record.pid, signal.SIGKILL)
    assert procfs.wait_reaped(record.pid, 20)
    assert procfs.wait_reaped(record.gofer_pid, 20)


@pytest.mark.parametrize("status", ["created", "running", "paused", "stopped"])
def test_delete_by_force_in_every_status(runsc: Runsc, bundle: MakeBundle, status: str) -> None:
    container = new_id()
    runsc.create(container, bundle())
    if status != "created":
        runsc.start(container)
    if status == "paused":
        runsc.pause(container)
    if status == "stopped":
        runsc.stop(container, "KILL")
    runsc.delete(container, force=True)
    assert runsc.list() == []
    assert not runsc_processes(runsc.root)
    assert control_groups(container) == []
    with pytest.raises(NotFoundError):
        runsc.state(container)


@pytest.mark.parametrize("status", ["running", "paused"])
def test_delete_without_force_of_what_lives_is_refused(runsc: Runsc, start: Callable[..., str], status: str) -> None:
    container = start()
    if status == "paused":
        runsc.pause(container)
    with pytest.raises(StateError, match="not stopped"):
        runsc.delete(container)
    assert runsc.state(container).status == status


def test_delete_of_created_and_stopped_needs_no_force(runsc: Runsc, bundle: MakeBundle) -> None:
    container, folder = new_id(), bundle()
    runsc.create(container, folder)
    runsc.delete(container)
    runsc.run_detached(container, folder)
    runsc.stop(container, "KILL")
    runsc.delete(container)
    assert runsc.list() == []


def test_delete_of_what_is_missing(runsc: Runsc) -> None:
    container = new_id()
    runsc.delete(container, force=True)
    with pytest.raises(NotFoundError, match=container):
        runsc.delete(container)


@pytest.mark.parametrize("force", [True, False])
@pytest.mark.parametrize("which", ["sentry", "gofer", "both"])
def test_a_recorded_pid_that_is_another_process_now_is_never_killed(
    runsc: Runsc, start: Callable[..., str], bystander: subprocess.Popen[bytes], which: str, force: bool
) -> None:
    """After a reboot, with the root on a disk: runsc's delete would kill whatever has the numbers by then."""
    container = start()
    kill_sandbox(runsc, container)

    def reuse(record: dict[str, Any]) -> None:
        if which in ("sentry", "both"):
            record["sandbox"]["pid"] = bystander.pid
        if which in ("gofer", "both"):
            record["goferPid"] = bystander.pid

    edit_record(runsc, container, reuse)
    assert runsc.state(container).status == "stopped"
    assert [(found.status, found.pid) for found in runsc.list()] == [("stopped", -1)]
    runsc.delete(container, force=force)
    assert runsc.list() == []
    assert not eventually(lambda: bystander.poll() is not None, 0.3)


def test_the_pid_of_another_sandbox_is_not_mistaken_for_the_own_one(runsc: Runsc, start: Callable[..., str]) -> None:
    dead, living = start(), start()
    kill_sandbox(runsc, dead)
    other = runsc.record(living)

    def reuse(record: dict[str, Any]) -> None:
        record["sandbox"]["pid"], record["goferPid"] = other.pid, other.gofer_pid

    edit_record(runsc, dead, reuse)
    os.utime(runsc.record(dead).path, (1, 1))  # last written long before the process with that number started
    runsc.delete(dead, force=True)
    assert text_of(runsc, living, "/bin/echo", "alive") == "alive\n"


def test_a_paused_record_with_the_pid_of_another_process(
    runsc: Runsc, start: Callable[..., str], bystander: subprocess.Popen[bytes]
) -> None:
    container = start()
    runsc.pause(container)
    kill_sandbox(runsc, container)
    edit_record(runsc, container, lambda record: record["sandbox"].update(pid=bystander.pid))
    assert runsc.list()[0].status == "stopped"
    runsc.delete(container)
    assert runsc.list() == []


@pytest.mark.parametrize("content", ["", "garbage", "{}", "[]", '{"id": 7}'])
def test_a_corrupt_record_is_shown_and_can_be_deleted(runsc: Runsc, bundle: MakeBundle, content: str) -> None:
    """runsc hides it, panics on some, and destroys it when it is created again."""
    container, other, folder = new_id(), new_id(), bundle()
    for name in (container, other):
        runsc.run_detached(name, folder)
    sentry = runsc.record(container).pid
    Path(runsc.record(container).path).write_text(content)

    assert {found.id: found.status for found in runsc.list()} == {container: CORRUPT, other: "running"}
    with pytest.raises(StateError, match="Delete it with force"):
        runsc.delete(container)
    runsc.delete(container, force=True)
    assert procfs.is_dead(sentry)
    assert [found.id for found in runsc.list()] == [other]
    assert control_groups(container) == []

    runsc.run_detached(container, folder)
    assert runsc.state(container).status == "running"


def test_a_root_wiped_under_a_running_sandbox(runsc: Runsc, start: Callable[..., str]) -> None:
    container = start()
    shutil.rmtree(runsc.root)
    assert runsc.list() == []
    with pytest.raises(NotFoundError):
        runsc.exec(container, {"args": ["/bin/true"]})
    runsc.delete(container, force=True)
    assert eventually(lambda: not runsc_processes(runsc.root))
    assert control_groups(container) == []
    for path in Path(runsc.root).parent.glob("bundle*/rootfs/.gvisor*"):
        path.unlink()  # nobody knows any more which bundle it was; the next create from it removes this file


def test_a_killed_gofer_ends_the_sandbox(runsc: Runsc, start: Callable[..., str]) -> None:
    container = start()
    os.kill(runsc.record(container).gofer_pid, signal.SIGKILL)
    assert eventually(lambda: runsc.state(container).status == "stopped")
    runsc.delete(container)
    assert runsc.list() == []


def test_a_killed_sentry_is_stopped_and_deleted_in_order(runsc: Runsc, start: Callable[..., str]) -> None:
    container = start()
    os.kill(runsc.record(container).pid, signal.SIGKILL)
    assert eventually(lambda: runsc.state(container).status == "stopped")
    runsc.delete(container)
    assert runsc.list() == []


def test_a_root_file_system_that_went_away(runsc: Runsc, start: Callable[..., str]) -> None:
    """runsc then fails to remove its overlay file and says 128, although the container is gone."""
    container = start()
    shutil.rmtree(Path(runsc.record(container).bundle, "rootfs"))
    runsc.delete(container, force=True)
    assert runsc.list() == []


def test_the_overlay_file_is_removed(runsc: Runsc, runsc_version: RunscVersion, bundle: MakeBundle) -> None:
    container, folder = new_id(), bundle()
    runsc.run_detached(container, folder)
    files = [path.name for path in Path(folder, "rootfs").glob(".gvisor*")]
    assert files == ([f".gvisor.filestore.{container}"] if runsc_version.date > 20230601 else [])
    kill_sandbox(runsc, container)
    runsc.delete(container, force=True)
    assert list(Path(folder, "rootfs").glob(".gvisor*")) == []


def test_delete_is_one_process(runsc: Runsc, start: Callable[..., str]) -> None:
    container = start()
    calls = Calls(runsc)
    runsc.delete(container, force=True)
    assert calls.subcommands == ["delete"]
