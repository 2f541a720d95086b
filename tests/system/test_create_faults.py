# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Creates that fail, hang or are interrupted leave nothing behind, and the next one succeeds."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import procfs
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import (
    DeadlineError,
    NotFoundError,
    RunscError,
    UsageError,
)
from ansible_collections.gvisor.runsc.tests.system.conftest import MakeBundle, MakeClient
from ansible_collections.gvisor.runsc.tests.system.support import (
    PATIENCE,
    control_groups,
    eventually,
    new_id,
    runsc_processes,
    text_of,
    write_spec,
)


def assert_nothing_left(runsc: Runsc, container: str, folder: str) -> None:
    """Fail if anything of a container that could not be made is left: the next create would meet it."""
    assert eventually(lambda: not runsc_processes(runsc.root))
    assert os.listdir(runsc.root) == []
    assert control_groups(container) == []
    assert list(Path(folder).glob("rootfs/.gvisor*")) == []


def test_a_start_that_fails_is_cleaned_up(runsc: Runsc, bundle: MakeBundle) -> None:
    """runsc would keep it as "created" and never start it again: its network would exist twice."""
    container, folder = new_id(), bundle("/nonexistent")
    runsc.create(container, folder)
    with pytest.raises(RunscError, match="failed to load /nonexistent"):
        runsc.start(container)
    assert_nothing_left(runsc, container, folder)

    write_spec(Path(folder))
    runsc.create(container, folder)
    runsc.start(container)
    assert runsc.state(container).status == "running"


def test_a_detached_run_that_fails_is_cleaned_up(runsc: Runsc, bundle: MakeBundle) -> None:
    container, folder = new_id(), bundle("/nonexistent")
    with pytest.raises(RunscError, match="failed to load /nonexistent"):
        runsc.run_detached(container, folder)
    assert_nothing_left(runsc, container, folder)


def test_a_create_that_fails_leaves_no_control_groups(runsc: Runsc, bundle: MakeBundle) -> None:
    """runsc leaves them, and with them the old limits for the next container of that name."""
    container, folder = new_id(), bundle(root={"path": "nowhere"})
    with pytest.raises(RunscError, match="debug log") as caught:
        runsc.create(container, folder)
    assert caught.value.kind == "runtime"
    assert_nothing_left(runsc, container, folder)


def test_control_groups_that_were_there_before_stay(runsc: Runsc, bundle: MakeBundle) -> None:
    container = new_id()
    memory = Path(next(path for path in ("/sys/fs/cgroup/memory", "/sys/fs/cgroup") if os.path.isdir(path)))
    own = memory / container
    own.mkdir()
    try:
        with pytest.raises(RunscError):
            runsc.create(container, bundle(root={"path": "nowhere"}))
        assert control_groups(container) == [str(own)]
    finally:
        own.rmdir()


@pytest.mark.parametrize(("content", "message"), [(None, "error opening spec"), ("{", "unmarshaling spec")])
def test_a_bundle_without_a_valid_spec(runsc: Runsc, bundle: MakeBundle, content: str | None, message: str) -> None:
    folder = bundle()
    config = Path(folder, "config.json")
    config.unlink()
    if content:
        config.write_text(content)
    with pytest.raises(UsageError, match=message):
        runsc.create(new_id(), folder)


def test_a_create_that_hangs_is_ended_at_its_deadline(client: MakeClient, runsc: Runsc, bundle: MakeBundle) -> None:
    container, folder = new_id(), bundle(hooks={"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "900"]}]})
    with pytest.raises(DeadlineError, match=r"did not end within 1 s.*raise the timeout") as caught:
        runsc.create(container, folder, timeout=1)
    assert (caught.value.kind, caught.value.container) == ("timeout", container)
    assert_nothing_left(runsc, container, folder)

    write_spec(Path(folder))
    runsc.run_detached(container, folder)
    assert text_of(runsc, container, "/bin/echo", "alive") == "alive\n"


def test_kvm_where_it_can_not_work_is_no_trap(client: MakeClient, runsc: Runsc, bundle: MakeBundle) -> None:
    """On a host whose /dev/kvm is of no use runsc hangs for ever; without one it says so; with a good one all is well."""
    container, folder = new_id(), bundle()
    try:
        client(config={"platform": "kvm"}).create(container, folder, timeout=3)
    except RunscError as exc:
        assert exc.kind in ("timeout", "runtime")
        assert_nothing_left(runsc, container, folder)
    else:
        assert runsc.state(container).status == "created"


def interrupt(runsc: Runsc, container: str) -> threading.Thread:
    """Send this process a SIGINT as soon as the container's sandbox has been started."""

    def watch() -> None:
        if procfs.poll(lambda: bool(procfs.find_sentries(container, runsc.root)), PATIENCE):
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


@pytest.mark.parametrize("method", ["create", "run_detached", "run"])
def test_an_interrupted_create_leaves_nothing(runsc: Runsc, bundle: MakeBundle, method: str) -> None:
    container, folder = new_id(), bundle(hooks={"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "900"]}]})
    thread = interrupt(runsc, container)
    with pytest.raises(KeyboardInterrupt):
        getattr(runsc, method)(container, folder)
    thread.join()
    assert_nothing_left(runsc, container, folder)


def test_files_that_a_crash_left_do_not_hinder_the_next_create(runsc: Runsc, bundle: MakeBundle) -> None:
    """After a reboot: a lock, a socket, and the file behind a writable root, which newer versions refuse to overwrite."""
    container, folder = new_id(), bundle()
    os.makedirs(runsc.root)
    leftovers = [
        Path(runsc.root, f"{container}_sandbox:{container}.lock"),
        Path(runsc.root, f"runsc-{container}.sock"),
        Path(folder, "rootfs", f".gvisor.filestore.{container}"),
    ]
    for leftover in leftovers:
        leftover.touch()
    runsc.run_detached(container, folder)
    assert text_of(runsc, container, "/bin/echo", "alive") == "alive\n"


def test_a_sandbox_that_lost_its_record_is_ended_by_the_next_create(runsc: Runsc, bundle: MakeBundle) -> None:
    container, folder = new_id(), bundle()
    runsc.run_detached(container, folder)
    record = runsc.record(container)
    for name in os.listdir(runsc.root):
        os.unlink(os.path.join(runsc.root, name))
    with pytest.raises(NotFoundError):
        runsc.state(container)
    runsc.run_detached(container, folder)
    assert procfs.is_dead(record.pid)
    assert text_of(runsc, container, "/bin/echo", "alive") == "alive\n"


def test_a_sandbox_that_lost_its_record_is_ended_by_a_forced_delete(runsc: Runsc, bundle: MakeBundle) -> None:
    container = new_id()
    runsc.run_detached(container, bundle(root={"path": "rootfs", "readonly": True}))
    other = new_id()
    runsc.run_detached(other, bundle())
    for name in os.listdir(runsc.root):
        if container in name:
            os.unlink(os.path.join(runsc.root, name))
    runsc.delete(container, force=True)
    assert procfs.find_sentries(container, runsc.root) == []
    assert control_groups(container) == []
    assert runsc.state(other).status == "running"
