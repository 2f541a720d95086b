# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding what is dead under a root, and proven to be runsc's or ours. Changes nothing. No Ansible in here."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import re
import time
import typing as t

from . import bundle as bundles
from . import image_remains, locks, one_shot
from .runsc import cgroups, procfs, statedir
from .runsc.client import Runsc
from .runsc.errors import RunscError, UsageError
from .runsc.invoke import stale_private_folders

CONTAINER, RECORD, SANDBOX, GOFER = "container", "record", "sandbox", "gofer"
SOCKET, LOCK, EXIT_STATUS, OVERLAY, IMAGE = "socket", "lock", "exit_status", "overlay", "image"
GROUP, FOLDER = "cgroup", "folder"
KINDS = (CONTAINER, RECORD, SANDBOX, GOFER, SOCKET, LOCK, EXIT_STATUS, OVERLAY, IMAGE, GROUP, FOLDER)

# The files in a root by their names, and what each is. The first group of the pattern is the id.
_FILES = (
    (SOCKET, re.compile(r"runsc-(.+)\.sock")),
    (LOCK, re.compile(r"(.+)_sandbox:.+\.lock")),
    (LOCK, re.compile(r"\.gvisor\.runsc-(.+)\.lock")),
    (EXIT_STATUS, re.compile(r"\.gvisor\.runsc-(.+)\.exit")),
)
_OWN = ".gvisor.runsc-"  # our files are locked as long as somebody uses them
_FILESTORE = ".gvisor.filestore."
# Seconds; a younger file or gofer may belong to a container that somebody is just making, or that is just ending.
_SETTLED = 5.0


class Filter(t.NamedTuple):
    """What is wanted of all that is dead: kinds, ids that match a shell pattern, and an age in seconds.

    C(bundles) are folders whose root file systems are looked at as well, C(images) folders that hold checkpoint images.
    With C(only), no other container is looked at.
    """

    kinds: t.Sequence[str] = KINDS
    pattern: str | None = None
    older_than: float = 0.0
    bundles: t.Sequence[str] = ()
    images: t.Sequence[str] = ()
    only: str | None = None

    def accepts(self, remain: Remain) -> bool:
        """Return whether something that was found is wanted."""
        if remain.kind not in self.kinds or remain.age < self.older_than:
            return False
        return self.pattern is None or (bool(remain.id) and fnmatch.fnmatchcase(remain.id, self.pattern))


class Remain(t.NamedTuple):
    """Something that is dead: a container, a process, or a file. C(age) is seconds; C(pid) is -1 where there is none."""

    kind: str
    id: str
    reason: str
    age: float
    path: str = ""
    pid: int = -1


class Found(t.NamedTuple):
    """What is dead, and what is not usable but not dead either, with the reason why it is left alone."""

    dead: list[Remain]
    kept: list[Remain]


def find(runsc: Runsc, wanted: Filter) -> Found:
    """Find what is dead under the root of the client. Asks runsc about members of living sandboxes only."""
    seen = _Scene(runsc, wanted.only)
    looks: dict[t.Callable[[], t.Iterable[Remain]], set[str]] = {
        seen.containers: {CONTAINER, RECORD},
        seen.processes: {SANDBOX, GOFER},
        seen.files: {SOCKET, LOCK, EXIT_STATUS},
        lambda: seen.overlays(wanted.bundles): {OVERLAY},
        lambda: seen.images(wanted.images): {IMAGE},
        seen.groups: {GROUP},
        seen.folders: {FOLDER},
    }
    everything = [remain for look, kinds in looks.items() if not kinds.isdisjoint(wanted.kinds) for remain in look()]
    return Found(
        [remain for remain in everything if wanted.accepts(remain)],
        [remain for remain in seen.kept if wanted.accepts(remain)],
    )


_KILLED_TASK = "the task that made it was killed"


class _Scene:
    """The records, processes and files of one root at one moment."""

    def __init__(self, runsc: Runsc, only: str | None = None) -> None:
        self._runsc = runsc
        self._only = only
        # Processes first: what is made after this look has its record by the next one.
        self._sentries = procfs.sentries(runsc.root)
        self._creators = set(procfs.creators(runsc.root))
        self._records = statedir.read_all(runsc.root) if runsc.existing() else []
        self._used = {name for record in self._records for name in (record.id, record.sandbox)} | self._creators
        self._used.update(self._sentries.values())
        self.kept: list[Remain] = []

    def containers(self) -> t.Iterator[Remain]:
        """Yield containers that have stopped, and records that can't be read."""
        for record in self._records:
            if record.id in self._creators or self._only not in (None, record.id):
                continue
            age = self._age(record)
            remain = Remain(CONTAINER, record.id, "it has stopped", age, record.path)
            if record.problem:
                remain = remain._replace(kind=RECORD, reason=record.problem)
                if record.sandbox in self._sentries.values():
                    self._keep(remain, f"{record.problem}, but its sandbox lives")
                    continue
                yield remain
            elif self._is_dead(record, remain):
                yield remain

    def _age(self, record: statedir.Record) -> float:
        """Return the seconds since a container ended, where that was kept, else since runsc last wrote its record."""
        with contextlib.suppress(OSError):
            return time.time() - os.stat(statedir.exit_path(self._runsc.root, record.id)).st_mtime
        return time.time() - (record.written or _changed(record.path))

    def _is_dead(self, record: statedir.Record, remain: Remain) -> bool:
        if procfs.is_suspended(record.pid):
            self._keep(remain, "its sandbox was stopped by a signal and answers nobody")
            return False
        if not self._runsc.is_live(record):
            if record.sandbox not in self._sentries.values():
                return True
            self._keep(remain, "its record names another process, but a sandbox of its name lives")
            return False
        if record.is_sandbox_root:
            return False
        try:
            return self._runsc.state(record.id).status == "stopped"
        except RunscError as exc:
            self._keep(remain, exc.message)
            return False

    def _keep(self, remain: Remain, reason: str) -> None:
        self.kept.append(remain._replace(reason=reason))

    def processes(self) -> t.Iterator[Remain]:
        """Yield sandboxes whose record is gone, and gofers that no record names."""
        recorded = {record.sandbox for record in self._records}
        orphans = [(pid, name) for pid, name in self._sentries.items() if name not in recorded | self._creators]
        for pid, name in orphans:
            yield Remain(SANDBOX, name, "its record is gone", procfs.age(pid), pid=pid)
        if orphans or self._creators or any(record.problem for record in self._records):
            return  # a gofer carries no id, so one of these may need it
        known = {record.gofer_pid for record in self._records}
        for pid in procfs.gofers(self._runsc.root):
            if pid not in known and procfs.age(pid) > _SETTLED:
                yield Remain(GOFER, "", "no container needs it", procfs.age(pid), pid=pid)

    def files(self) -> t.Iterator[Remain]:
        """Yield the files of containers that are gone, and those that killed tasks have left."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            for name in sorted(os.listdir(self._runsc.root)):
                path = os.path.join(self._runsc.root, name)
                for kind, pattern in _FILES:
                    found = pattern.fullmatch(name)
                    if found and self._is_left(kind, found.group(1), path):
                        reason = _KILLED_TASK if name.startswith(_OWN) and kind == LOCK else "its container is gone"
                        yield _file(kind, found.group(1), path, reason)

    def _is_left(self, kind: str, name: str, path: str) -> bool:
        is_own = os.path.basename(path).startswith(_OWN)
        if is_own and kind == LOCK:
            return not locks.is_held(path)
        if time.time() - _changed(path) < _SETTLED and not one_shot.is_left_behind(name):
            return False
        return name not in self._used and not (is_own and locks.is_held(path))

    def folders(self) -> t.Iterator[Remain]:
        """Yield the private temporary folders of killed tasks."""
        for path in stale_private_folders():
            yield _file(FOLDER, "", path, _KILLED_TASK)

    def groups(self) -> t.Iterator[Remain]:
        """Yield the control groups of killed tasks. Those with a record go with their container."""
        killed = locks.abandoned(self._runsc.root)
        for path in sorted(cgroups.top_folders(lambda name: name in killed or one_shot.is_left_behind(name))):
            if os.path.basename(path) not in self._used:
                yield _file(GROUP, os.path.basename(path), path, _KILLED_TASK)

    def overlays(self, folders: t.Iterable[str]) -> t.Iterator[Remain]:
        """Yield the files that backed the writable root file systems of sandboxes that are gone."""
        for folder in _absolute("bundles", folders):
            rootfs = os.path.join(folder, str((bundles.read_config(folder).get("root") or {}).get("path") or "rootfs"))
            with contextlib.suppress(OSError):
                for file in sorted(os.listdir(rootfs)):
                    name = file[len(_FILESTORE) :]
                    if file.startswith(_FILESTORE) and name not in self._used and not procfs.find_sentries(name):
                        yield _file(OVERLAY, name, os.path.join(rootfs, file), "its sandbox is gone")

    def images(self, folders: t.Iterable[str]) -> t.Iterator[Remain]:
        """Yield what killed checkpoints have left beside images; the whole images are nobody's to remove."""
        for folder in _absolute("images", folders):
            for left in image_remains.find(folder):
                remain = Remain(IMAGE, left.container, left.reason, left.age, left.path)
                if left.status == image_remains.DEAD:
                    yield remain
                else:
                    self.kept.append(remain)


def _file(kind: str, name: str, path: str, reason: str) -> Remain:
    return Remain(kind, name, reason, time.time() - _changed(path), path)


def _changed(path: str) -> float:
    """Return when a file was last changed; now, if it is gone."""
    try:
        return os.lstat(path).st_mtime
    except OSError:
        return time.time()


def _absolute(option: str, folders: t.Iterable[str]) -> t.Iterator[str]:
    for folder in folders:
        if not os.path.isabs(folder):
            raise UsageError(f"{option}: {folder!r} is not absolute", remedy="Give absolute paths")
        yield folder
