# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""checkpoint, restore, update and port-forward."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import (
    AlreadyExistsError,
    RunscError,
    StateError,
    UnsupportedError,
    UsageError,
)
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.options import CheckpointOptions, CreateOptions
from ansible_collections.gvisor.runsc.tests.system.conftest import MakeBundle
from ansible_collections.gvisor.runsc.tests.system.support import (
    Calls,
    RunscVersion,
    eventually,
    new_id,
    runsc_processes,
    text_of,
)

# Counts in its memory; what it counted can be read at /tmp/count, and in its output.
COUNTER = ("/bin/sh", "-c", "i=0; while :; do i=$((i+1)); echo $i >/tmp/count; sleep 0.02; done")


def count(runsc: Runsc, container: str) -> int:
    """Return how far the counter is."""
    # The shell empties the file before it writes, so the number may be missing for a moment.
    return int(text_of(runsc, container, "/bin/sh", "-c", "until read -r n </tmp/count; do :; done; echo $n"))


def test_a_restored_container_goes_on_where_it_was(runsc: Runsc, bundle: MakeBundle, tmp_path: Path) -> None:
    container, folder, image = new_id(), bundle(*COUNTER), tmp_path / "images" / "one"
    runsc.run_detached(container, folder)
    assert eventually(lambda: count(runsc, container) > 20)
    before = count(runsc, container)
    runsc.checkpoint(container, str(image))
    assert eventually(lambda: runsc.state(container).status == "stopped")
    runsc.delete(container)

    calls = Calls(runsc)
    runsc.restore(container, folder, str(image))
    assert calls.subcommands == ["restore"]
    assert runsc.state(container).status == "running"
    assert count(runsc, container) >= before > 20

    twin = new_id()
    runsc.restore(twin, bundle(*COUNTER), str(image))
    assert count(runsc, twin) >= before


def test_leave_running(runsc: Runsc, runsc_version: RunscVersion, start: Callable[..., str], tmp_path: Path) -> None:
    """Older versions destroy the container and restore it as their own child, which blocks until it ends."""
    container = start(*COUNTER)
    pid = runsc.state(container).pid
    calls = Calls(runsc)
    if runsc_version.date < 20240101:
        with pytest.raises(UnsupportedError, match="would destroy"):
            runsc.checkpoint(container, str(tmp_path / "image"), CheckpointOptions(leave_running=True))
        assert "checkpoint" not in calls.subcommands
    else:
        runsc.checkpoint(container, str(tmp_path / "image"), CheckpointOptions(leave_running=True))
        reached = count(runsc, container)
        assert eventually(lambda: count(runsc, container) > reached)
    assert runsc.state(container).pid == pid


def test_options_of_a_checkpoint(
    runsc: Runsc, runsc_version: RunscVersion, start: Callable[..., str], tmp_path: Path
) -> None:
    container = start()
    options = CheckpointOptions(compression="none", exclude_committed_zero_pages=True)
    if runsc_version.date < 20240101:
        with pytest.raises(UnsupportedError, match="no flag 'compression'"):
            runsc.checkpoint(container, str(tmp_path / "image"), options)
        assert runsc.state(container).status == "running"
        return
    runsc.checkpoint(container, str(tmp_path / "image"), options)
    assert sorted(os.listdir(tmp_path / "image")) == ["checkpoint.img", "pages.img", "pages_meta.img"]


def test_an_image_is_never_overwritten(runsc: Runsc, start: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "checkpoint.img").write_text("precious")
    container = start()
    with pytest.raises(AlreadyExistsError, match="Choose another folder"):
        runsc.checkpoint(container, str(tmp_path))
    assert (tmp_path / "checkpoint.img").read_text() == "precious"
    assert runsc.state(container).status == "running"


def test_checkpoint_of_what_does_not_run(runsc: Runsc, bundle: MakeBundle, tmp_path: Path) -> None:
    container = new_id()
    runsc.create(container, bundle())
    with pytest.raises(StateError):
        runsc.checkpoint(container, str(tmp_path / "image"))
    assert not (tmp_path / "image").exists()


def test_checkpoint_of_a_paused_one(runsc: Runsc, start: Callable[..., str], tmp_path: Path) -> None:
    """runsc would leave it paused, to end as soon as it is resumed."""
    container = start()
    runsc.pause(container)
    runsc.checkpoint(container, str(tmp_path / "image"))
    assert eventually(lambda: runsc.state(container).status == "stopped")
    runsc.delete(container)
    assert runsc.list() == []


def test_restore_of_no_image(runsc: Runsc, bundle: MakeBundle, tmp_path: Path) -> None:
    calls = Calls(runsc)
    with pytest.raises(UsageError, match=r"image_path: .*Give the folder of a checkpoint"):
        runsc.restore(new_id(), bundle(), str(tmp_path / "nowhere"))
    (tmp_path / "checkpoint.img").touch()
    with pytest.raises(UsageError, match="is empty, the checkpoint that made it failed"):
        runsc.restore(new_id(), bundle(), str(tmp_path))
    assert calls.subcommands == []


def test_restore_of_a_broken_image_leaves_nothing(runsc: Runsc, bundle: MakeBundle, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.img").write_text("this is no image")
    with pytest.raises(RunscError, match="magic header"):
        runsc.restore(new_id(), bundle(), str(tmp_path))
    assert runsc.list() == []
    assert eventually(lambda: not runsc_processes(runsc.root))


def test_restore_never_harms_what_exists(
    runsc: Runsc, start: Callable[..., str], bundle: MakeBundle, tmp_path: Path
) -> None:
    container = start()
    (tmp_path / "checkpoint.img").write_text("this is no image")
    with pytest.raises(AlreadyExistsError):
        runsc.restore(container, bundle(), str(tmp_path))
    assert runsc.state(container).status == "running"


def test_a_restore_that_loses_a_race_leaves_the_winner_alone(
    runsc: Runsc, start: Callable[..., str], bundle: MakeBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """runsc since 2023 says that it can't restore what runs, and leaves that alone. Before, it loses the winner itself."""
    container, folder = start(), bundle()
    if not runsc.resumes_in_place:
        return  # see test_create for a runsc that says that the container exists
    runsc.checkpoint(container, str(tmp_path / "image"), CheckpointOptions(leave_running=True))
    pid = runsc.state(container).pid
    monkeypatch.setattr(runsc, "_check_absent", lambda container: None)  # it looked a moment too early
    with pytest.raises(StateError):
        runsc.restore(container, folder, str(tmp_path / "image"))
    assert (runsc.state(container).status, runsc.state(container).pid) == ("running", pid)


def test_the_output_of_a_restored_container_goes_to_files(runsc: Runsc, bundle: MakeBundle, tmp_path: Path) -> None:
    talker = ("/bin/sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done")
    container, folder, out = new_id(), bundle(*talker), tmp_path / "out"
    runsc.run_detached(container, folder, CreateOptions(stdout=str(out)))
    assert eventually(lambda: "10\n" in out.read_text())
    runsc.checkpoint(container, str(tmp_path / "image"))
    assert eventually(lambda: runsc.state(container).status == "stopped")
    runsc.delete(container)
    size = len(out.read_text())
    runsc.restore(container, folder, str(tmp_path / "image"), CreateOptions(stdout=str(out)))
    assert eventually(lambda: len(out.read_text()) > size + 10)


def test_update_needs_a_newer_runsc(runsc: Runsc, runsc_version: RunscVersion, start: Callable[..., str]) -> None:
    container = start()
    if runsc_version.date >= 20260202:
        runsc.update(container, {"memory": {"limit": 256 * 1024 * 1024}})
        return
    with pytest.raises(UnsupportedError, match=r"has no subcommand 'update'.*recreate: on-change"):
        runsc.update(container, {"memory": {"limit": 256 * 1024 * 1024}})


def test_port_forward(runsc: Runsc, runsc_version: RunscVersion, start: Callable[..., str]) -> None:
    container = start()
    if runsc_version.date < 20230417:
        with (
            pytest.raises(UnsupportedError, match="has no subcommand 'port-forward'"),
            runsc.port_forward(container, "1:1"),
        ):
            pass
        return
    with pytest.raises(UsageError, match="LOCAL:REMOTE"), runsc.port_forward(container):
        pass
    calls = Calls(runsc)
    with runsc.port_forward(container, "47011:80") as process:
        time.sleep(0.3)  # it would end at once if its arguments were wrong
        assert process.poll() is None
    assert process.poll() is not None
    assert calls.subcommands == ["port-forward"]
