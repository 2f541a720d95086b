# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Saving a container into an image folder, whole or not at all, and idempotent by the folder's path. No Ansible in here.

The sandbox itself writes the image, and goes on when the task or its runsc is killed: it completes the image and ends. So
the image is written into a folder beside the path, whose name the next task knows, with a draft of the manifest in it. What
that task finds there complete it takes over.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import typing as t

from . import image_remains, images
from .images import Image, Json
from .lifecycle import ABSENT, BROKEN, CREATED, PAUSED, RUNNING, STOPPED
from .locks import container_lock
from .observation import Observed, observe
from .runsc import ids, procfs, rescue, statedir
from .runsc.client import Runsc
from .runsc.errors import (
    DeadlineError,
    RefusedError,
    RunscError,
    SandboxGoneError,
    StateError,
    UnsupportedError,
    UsageError,
)
from .runsc.invoke import ErrorLog
from .runsc.options import CheckpointOptions
from .runsc.process import Completed
from .staging import Staging, begin, held, is_believed, is_moved_aside, put_in_place, remove, undo_move

ACTION = "checkpoint"
_SPARE = 30.0  # seconds that everything but the writing of the image may take
_METADATA = 8 * 1024 * 1024  # bytes that an image may take beyond the memory in it
_OWN_STREAMS = frozenset((1, 2, 3))  # the numbers of the container's own streams among the host's files
_END = 10.0  # seconds in which a saved sandbox ends
_RUN_AGAIN = "Run the task again, it takes over what is complete"


class Request(t.NamedTuple):
    """What is asked for. C(timeout) is seconds."""

    name: str
    path: str
    options: CheckpointOptions = CheckpointOptions()
    force: bool = False
    timeout: float = 60.0


class Saved(t.NamedTuple):
    """What came of it: the image (None if it is only predicted), the folder before, and the container before and after."""

    changed: bool
    image: Image | None
    previous: Image | None
    before: Observed
    after: Observed


def save(runsc: Runsc, request: Request, *, check_mode: bool = False) -> Saved:
    """Make an image of a container in a folder, unless it is there; in check mode only say what would be done.

    :raises UsageError: the path can't be used, or holds something else.
    :raises RunscError: the container can't be saved, or that failed.
    """
    ids.check(request.name)
    if request.timeout <= 0:
        raise UsageError(f"checkpoint_timeout: {request.timeout:g} is not positive", remedy="Give a number of seconds")
    if not os.path.isabs(request.path):
        raise UsageError(f"path: {request.path!r} is not absolute", remedy="Give an absolute path")
    runsc.check_flags()
    lock: t.ContextManager[None] = contextlib.nullcontext()
    if not check_mode and os.path.isdir(runsc.root):
        lock = container_lock(runsc.root, request.name, request.timeout + _SPARE)
    with lock:
        return _save(runsc, request, check_mode)


def _save(runsc: Runsc, request: Request, check_mode: bool) -> Saved:
    staging = Staging(os.path.realpath(request.path), request.name)
    if check_mode:
        return _update(runsc, request, staging, check_mode)
    undo_move(staging)
    saved = _update(runsc, request, staging, check_mode)
    image_remains.sweep(os.path.dirname(staging.folder))
    return saved


def _update(runsc: Runsc, request: Request, staging: Staging, check_mode: bool) -> Saved:
    previous = images.inspect(staging.aside if is_moved_aside(staging) else staging.folder)
    if previous and _is_there(request, previous):
        before = observe(runsc, request.name)
        return Saved(False, previous, previous, before, before)
    if not check_mode:
        _await_writer(runsc, request, staging)
    before = observe(runsc, request.name)
    draft = images.read_draft(staging.path)
    if draft and _may_take_over(request, draft, staging, before):
        if check_mode:
            return Saved(True, None, previous, before, before)
        return _take_over(runsc, request, staging, draft, Saved(True, None, previous, before, before))
    record = _check_container(runsc, request, before)
    runsc.check_checkpoint_options(request.name, request.options)
    _check_sessions(runsc, request.name, record)
    parent = os.path.dirname(staging.folder)
    if os.path.isdir(parent):
        _check_room(runsc, request, record, parent)
    elif not check_mode:  # an earlier task may make it
        raise UsageError(f"path: the folder of {request.path!r} does not exist", remedy="Create it first")
    if check_mode:
        return Saved(True, None, previous, before, before)
    image = _make(runsc, request, record, staging)
    after = observe(runsc, request.name)
    _check_outcome(request, before, after)
    return Saved(True, image, previous, before, after)


def _is_there(request: Request, image: Image) -> bool:
    """Return whether the folder holds a complete image of this container. :raises UsageError: it is not ours to replace."""
    if image.strangers:
        raise UsageError(
            f"path: {request.path!r} holds {image.strangers[0]!r}, which is no part of an image",
            remedy="Give a folder of its own",
            container=request.name,
        )
    if request.force:
        return False
    if image.manifest and image.manifest["container"] != request.name:
        raise UsageError(
            f"path: {request.path!r} holds an image of container {image.manifest['container']!r}",
            remedy="Give another folder, or replace it with force",
            container=request.name,
        )
    if image.manifest:
        return image.complete
    if image.has_manifest:
        raise UsageError(
            f"path: {image.problem}", remedy="Give another folder, or replace it with force", container=request.name
        )
    if image.complete:
        raise UsageError(
            f"path: {request.path!r} holds an image without a manifest, so nobody knows of which container",
            remedy="Give another folder, or replace it with force",
            container=request.name,
        )
    return False


def _await_writer(runsc: Runsc, request: Request, staging: Staging) -> None:
    """Let a checkpoint that a killed task began come to its end: the sandbox still writes the image."""
    record = statedir.find(runsc.root, request.name)
    if record is None or not os.path.isdir(staging.path):
        return
    if not procfs.poll(lambda: not _is_written(runsc, record, staging), request.timeout):
        raise DeadlineError(
            f"the sandbox of container {request.name!r} has been writing an image for {request.timeout:g} s",
            remedy="Wait for it, or raise checkpoint_timeout",
            container=request.name,
        )
    draft = images.read_draft(staging.path)
    if draft and record.status != PAUSED and _has_ended_it(staging, draft, record):
        procfs.wait_dead(record.pid, _END)


def _has_ended_it(staging: Staging, draft: Json, record: statedir.Record | None) -> bool:
    """Whether a sandbox was saved so that it ends: at once, or, if it was paused, as soon as it is resumed.

    One that hangs so can be saved again, but what is restored from that ends at once, too.
    """
    return draft.get("leave_running") is False and is_believed(staging, draft, record)


def _is_written(runsc: Runsc, record: statedir.Record, staging: Staging) -> bool:
    """Whether a runsc, or the sandbox of the record, has a file of the staging folder open."""
    if procfs.find_clients(record.id, runsc.root, {ACTION}):
        return True
    if not runsc.is_live(record):
        return False
    return procfs.has_open(record.pid, [os.path.join(staging.path, name) for name in images.IMAGE_FILES])


def _may_take_over(request: Request, draft: Json, staging: Staging, found: Observed) -> bool:
    """Whether what a killed task left is an image of this very container, and as good as what a new checkpoint would make.

    It is the last that there is of a container that has ended. Of one that lives it is as good only if it is to live on.
    """
    if draft["container"] != request.name:
        return False
    if not draft["files"]:
        if found.status == PAUSED:
            return _has_ended_it(staging, draft, found.record)
        return found.status == STOPPED and is_believed(staging, draft, found.record)
    staged = images.inspect(staging.path)
    if not staged or not staged.complete or (found.record and draft.get("created") != found.record.created):
        return False
    return found.status in (STOPPED, ABSENT) or (request.options.leave_running and not request.force)


def _take_over(runsc: Runsc, request: Request, staging: Staging, draft: Json, saved: Saved) -> Saved:
    record = saved.before.record
    with _told_when_interrupted(request), held(staging.path):
        if record and not draft["files"]:
            rescue.kill_sentry(record, runsc.root)  # it may hang, paused
            _forget_exit(runsc, request)
        image = put_in_place(staging, draft)
    return saved._replace(image=image, after=observe(runsc, request.name))


def _forget_exit(runsc: Runsc, request: Request) -> None:
    """Its sandbox ended with code 0, and the command in it did not end at all."""
    statedir.remove_exit(runsc.root, request.name)


@contextlib.contextmanager
def _told_when_interrupted(request: Request) -> t.Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise RunscError(
            f"interrupted while an image of container {request.name!r} was made; its sandbox may still complete it",
            remedy=_RUN_AGAIN,
            container=request.name,
        ) from None


_REFUSED = {
    ABSENT: "does not exist, so there is nothing to save",
    CREATED: "has not been started, so there is nothing to save",
    STOPPED: "is stopped, so there is nothing left to save",
}


def _check_container(runsc: Runsc, request: Request, found: Observed) -> statedir.Record:
    """Return its record. :raises RunscError: it can't be saved in this status, or lives in a sandbox with others."""
    record = found.record
    if found.status == ABSENT:
        runsc.record(request.name)  # says what there is to say
    if found.status == BROKEN:
        raise StateError(
            f"container {request.name!r} can't be used: {found.problem}",
            remedy="Remove it with runsc_container and state absent",
            container=request.name,
        )
    if found.status not in (RUNNING, PAUSED) or record is None:
        raise StateError(
            f"container {request.name!r} {_REFUSED.get(found.status, f'is {found.status}')}",
            remedy="Bring it to state running first",
            container=request.name,
        )
    ids.check_addressable(request.name, runsc.existing())
    others = [other.id for other in statedir.read_all(runsc.root) if other.sandbox == record.sandbox]
    if len(others) > 1:
        raise UnsupportedError(
            f"container {request.name!r} lives in one sandbox with {', '.join(set(others) - {request.name})};"
            " an image would hold them all, and runsc_container can't restore that",
            remedy="Give it a sandbox of its own",
            container=request.name,
        )
    return record


def _check_sessions(runsc: Runsc, name: str, record: statedir.Record) -> None:
    """Refuse what a restore would fail at or destroy: commands that were started by exec and still run.

    With a process that has the streams of an exec open, the checkpoint would succeed and end the container, and a restore of
    it fail: "no host FD available" (gVisor issue 11439), or before 2023 "failed to set host FD non-blocking", unless another
    file happens to have the same number there.
    """
    sessions = _sessions(runsc, name, record)
    if sessions:
        raise UnsupportedError(
            f"container {name!r} has processes that were started by exec ({'; '.join(sessions[:3])}), and an image with them"
            " could not be restored (gVisor issue 11439)",
            remedy="End them first",
            container=name,
        )


def _sessions(runsc: Runsc, name: str, record: statedir.Record) -> list[str]:
    """Return the processes that have the streams of an exec open, and where a restore would kill them, all of an exec."""
    try:
        processes = sorted(runsc.trace_processes(name))
    except DeadlineError:
        raise
    except RunscError:  # a runsc without that, or too many processes: then those that an exec started itself
        table = sorted(runsc.top(name), key=lambda row: row.pid)
        return [f"pid {row.pid}: {row.command}" for row in table[1:] if row.ppid == 0]
    own = _OWN_STREAMS
    if (record.spec.get("process") or {}).get("terminal") and processes:  # one file for all three streams
        own = own.intersection(processes[0].host_files)
    found = [process for process in processes if not own.issuperset(process.host_files)]
    if runsc.resumes_in_place:
        found += [process for process in processes[1:] if process.ppid == 0 and process not in found]
    return [f"pid {process.pid}: {' '.join(process.args)[:60]}" for process in found]


def _check_room(runsc: Runsc, request: Request, record: statedir.Record, parent: str) -> None:
    """Refuse what may not fit: where the disk becomes full, runsc fails, and the container is gone all the same."""
    try:
        needed = runsc.usage(request.name).total + statedir.filestore_size(record) + _METADATA
    except DeadlineError:
        raise
    except RunscError:
        return  # nobody knows
    system = os.statvfs(parent)
    free = system.f_bavail * system.f_frsize
    if free < needed:
        raise RefusedError(
            f"path: {free} bytes are free in {parent!r}, and an image of container {request.name!r} may take {needed};"
            " on a full disk the checkpoint would fail and end the container",
            remedy="Make room, or give a folder on another file system",
            container=request.name,
        )


def _make(runsc: Runsc, request: Request, record: statedir.Record, staging: Staging) -> Image:
    """Write the image and put it in its place."""
    manifest = images.describe(runsc, record)
    remove(staging.path)
    os.mkdir(staging.path, 0o700)
    with _told_when_interrupted(request), held(staging.path):
        begin(runsc, staging, record, manifest, leave_running=request.options.leave_running)
        _write(runsc, request, record, staging)
        if not request.options.leave_running:
            procfs.wait_dead(record.pid, _END)
            _forget_exit(runsc, request)
        return put_in_place(staging, manifest)


def _write(runsc: Runsc, request: Request, record: statedir.Record, staging: Staging) -> None:
    """Let the sandbox write the image. Where it may still complete it, the staging folder stays for the next task."""
    log = ErrorLog(staging.log)
    try:
        try:
            runsc.checkpoint(request.name, staging.path, request.options, timeout=request.timeout, log=log)
        finally:
            _hand_on(log.path, runsc.log)
    except DeadlineError as exc:
        exc.remedy = "The sandbox may still complete the image: run the task again, with a longer checkpoint_timeout"
        raise
    except RunscError as exc:
        if _may_be_completed(runsc, record, staging, exc.completed):
            raise RunscError(
                f"runsc was killed while an image of container {request.name!r} was made; its sandbox may still"
                " complete it",
                remedy=_RUN_AGAIN,
                container=request.name,
                completed=exc.completed,
            ) from exc
        remove(staging.path)
        if not runsc.is_live(record):
            exc.remedy = "The container ended by that, and what it had in memory is lost: make it anew"
        raise


def _may_be_completed(runsc: Runsc, record: statedir.Record, staging: Staging, ended: Completed | None) -> bool:
    """Whether the sandbox goes on, or went on, without its runsc: that was killed, maybe beneath a script, and said nothing."""
    if ended is None or ErrorLog(staging.log, 0).message():
        return False
    return ended.rc < 0 or _is_written(runsc, record, staging) or not runsc.is_live(record)


def _hand_on(own_log: str, log: str | None) -> None:
    """Append what runsc logged to the file where the user wants to have it."""
    if log and os.path.isfile(own_log):
        with open(own_log, "rb") as source, open(log, "ab") as target:
            shutil.copyfileobj(source, target)


def _check_outcome(request: Request, before: Observed, after: Observed) -> None:
    """:raises RunscError: the container is not as it has to be now. The image is in its place."""
    if not request.options.leave_running:
        if after.status == STOPPED:
            return
        raise StateError(
            f"container {request.name!r} is still {after.status} after it was saved to {request.path!r}",
            remedy="Remove it with runsc_container and state absent",
            container=request.name,
        )
    pids = [found.container.pid if found.container else -1 for found in (before, after)]
    if after.status != before.status or pids[0] != pids[1]:
        raise SandboxGoneError(
            f"container {request.name!r} is {after.status} after it was saved to {request.path!r}, and was to be left"
            f" {before.status}",
            remedy="Restore it from the image with runsc_container and restore_from",
            container=request.name,
        )
