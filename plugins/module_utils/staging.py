# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder in which an image is written, beside the path where it is to be, and how it gets there. No Ansible in here.

Each step leaves what the next task can go on from, when the task is killed between two of them:

1. The staging folder is made, and the draft of a manifest written into it, without the sizes of files.
2. The sandbox writes the image.
3. The manifest is completed. From now on the staging folder tells by itself that the image is whole.
4. The old image, if there is one, is moved aside, the new one into its place, and the old one is removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import time
import typing as t

from . import images
from .images import Image, Json
from .runsc import cgroups, procfs, statedir
from .runsc.client import Runsc
from .runsc.errors import RunscError
from .runsc.image_commands import IMAGE_FILE
from .runsc.invoke import ErrorLog

# The second part is no part of an id, so that what is aside is never taken for the staging folder of another container.
_NAME = re.compile(r"\.(?P<image>.+)\.gvisor\.runsc-(?P<container>[^~]+)(?P<aside>~old)?")
_LOG = "runsc.log"  # runsc's own errors, for the next task, if this one is killed
_DRAFT_FIELDS = (
    "boot",
    "machine_id",
    "pid_namespace",
    "root",
    "oom_kills",
    "leave_running",
)  # in the draft of a manifest only
_LOCK_PATIENCE = 5.0  # seconds for who just looks whether a folder is abandoned
_SETTLED = 5.0  # seconds; a younger folder without a draft may be that of a task that is just making it


class Staging(t.NamedTuple):
    """Where the image of a container is written, so that the next task finds it: on the file system of C(folder)."""

    folder: str
    container: str

    @property
    def path(self) -> str:
        """The staging folder."""
        parent, name = os.path.split(self.folder)
        return os.path.join(parent, f".{name}.gvisor.runsc-{self.container}")

    @property
    def aside(self) -> str:
        """Where the old image is while the new one gets its place."""
        return f"{self.path}~old"

    @property
    def log(self) -> str:
        """The file for runsc's own errors."""
        return os.path.join(self.path, _LOG)


def listed(parent: str) -> list[Staging]:
    """Return the staging folders in a folder, also those of which only the old image is left."""
    found = (_NAME.fullmatch(name) for name in sorted(os.listdir(parent)))
    both = (Staging(os.path.join(parent, name["image"]), name["container"]) for name in found if name)
    return list(dict.fromkeys(both))


def begin(runsc: Runsc, staging: Staging, record: statedir.Record, manifest: Json, *, leave_running: bool) -> None:
    """Write the draft of a manifest: whose image this is, and what tells later whether somebody still works on it."""
    draft = {
        "boot": _boot(),
        "machine_id": _machine_id(),
        "pid_namespace": procfs.pid_namespace(),
        "root": runsc.root,
        "oom_kills": _oom_kills(record),
        "leave_running": leave_running,
    }
    images.write_manifest(staging.path, {**manifest, **draft})


def is_believed(staging: Staging, draft: Json, record: statedir.Record | None) -> bool:
    """Whether the image of a draft is the last that there is of a container, if that has stopped, or hangs paused, by now.

    A sandbox that was ended from outside may have left a part only, so that an image of before a reboot is not believed, nor
    one about which runsc complained, nor one of a sandbox in which the kernel killed something meanwhile.
    """
    if record is None or draft.get("created") != record.created or draft.get("boot") != _boot():
        return False
    if draft.get("oom_kills", 0) != _oom_kills(record) or ErrorLog(staging.log, 0).message():
        return False
    staged = images.inspect(staging.path)
    return bool(staged and staged.files.get(IMAGE_FILE))


def _oom_kills(record: statedir.Record) -> int:
    return cgroups.counters(record.cgroup).get("oom_kills", 0)


@contextlib.contextmanager
def held(path: str) -> t.Iterator[None]:
    """Lock a folder: it keeps the lock when it is renamed, and loses it with this process, however that ends.

    Where a file system can't do that, nobody can prove that the folder is abandoned.
    """
    with _opened(path) as descriptor:
        if descriptor is not None:
            procfs.poll(lambda: _lock(descriptor) is not False, _LOCK_PATIENCE)
        yield


@contextlib.contextmanager
def claimed(path: str) -> t.Iterator[bool]:
    """Lock a folder if that proves that nobody works on it, no task, no runsc and no sandbox; yield whether it does."""
    with contextlib.ExitStack() as stack:
        descriptor = stack.enter_context(_opened(path))
        yield descriptor is not None and bool(_lock(descriptor)) and _is_abandoned(path, os.fstat(descriptor))


def _is_abandoned(path: str, locked: os.stat_result) -> bool:
    if locked.st_uid != os.geteuid() or not os.path.lexists(path) or os.lstat(path).st_ino != locked.st_ino:
        return False
    if not os.path.lexists(os.path.join(path, images.MANIFEST)):
        return time.time() - locked.st_mtime > _SETTLED  # no runsc is started before there is a draft
    draft = images.read_draft(path)
    return draft is not None and (bool(draft["files"]) or not _may_be_written(path, draft))


def _may_be_written(path: str, draft: Json) -> bool:
    if draft.get("boot") != _boot():  # by another host, unless it is this one, and has been booted since
        return not _machine_id() or draft.get("machine_id") != _machine_id()
    if draft.get("pid_namespace") != procfs.pid_namespace():
        return True  # by processes that can't be seen from here
    return procfs.is_image_written(path, images.IMAGE_FILES)


@contextlib.contextmanager
def _opened(path: str) -> t.Iterator[int | None]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool | None:
    """Return whether it is locked for us now; None if this file system can't do that."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def put_in_place(staging: Staging, manifest: Json) -> Image:
    """Complete the manifest, and let the path be the new image. The old one is kept until then.

    :raises RunscError: there is no image. The old one is where it was.
    """
    path, folder = staging.path, staging.folder
    _remove_strangers(path)
    staged = images.inspect(path)
    if not staged or not staged.files.get(IMAGE_FILE):
        remove(path)
        raise RunscError(
            f"path: runsc made no image in {folder!r}", remedy="Look at its debug log", container=staging.container
        )
    for name in staged.files:
        os.chmod(os.path.join(path, name), 0o600)  # all of the container's memory
        _sync(os.path.join(path, name))
    complete = {name: value for name, value in manifest.items() if name not in _DRAFT_FIELDS}
    if not complete["files"]:  # else a killed task had come so far, and what was damaged since must not become right
        complete.update(images.contents(staged))
    images.write_manifest(path, complete)
    remove(staging.aside)
    with held(folder):
        if os.path.isdir(folder):
            os.rename(folder, staging.aside)
        try:
            os.rename(path, folder)
        except OSError:
            if os.path.isdir(staging.aside):
                os.rename(staging.aside, folder)
            raise
    _sync(os.path.dirname(folder))
    remove(staging.aside)
    return images.inspect(folder) or Image(folder, None, {}, [], "it is gone")


def _remove_strangers(path: str) -> None:
    """Remove what is no part of the image: runsc's log, and the manifest that a killed task was writing."""
    for name in os.listdir(path):
        if name not in (*images.IMAGE_FILES, images.MANIFEST):
            os.unlink(os.path.join(path, name))


def undo_move(staging: Staging) -> None:
    """Put the old image back, or remove it, after a task that was killed between the two renames, or after them."""
    if not os.path.isdir(staging.aside):
        return
    current = images.inspect(staging.folder)
    if current and current.complete:
        remove(staging.aside)
    elif current is None and is_moved_aside(staging):
        os.rename(staging.aside, staging.folder)


def is_moved_aside(staging: Staging) -> bool:
    """Whether the old image waits for the new one to get its place, as opposed to a place that somebody has cleared."""
    draft = images.read_draft(staging.path)
    return bool(draft and draft["files"]) and os.path.isdir(staging.aside) and not os.path.lexists(staging.folder)


def remove(path: str) -> None:
    """Remove a folder, if it is there; another task may be doing the same."""
    shutil.rmtree(path, ignore_errors=True)
    if os.path.lexists(path):
        shutil.rmtree(path)


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _boot() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def _machine_id() -> str:
    """Return what stays of a host when it reboots; empty if it has no such thing."""
    with contextlib.suppress(OSError), open("/etc/machine-id", encoding="ascii") as file:
        return file.read().strip()
    return ""
