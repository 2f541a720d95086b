# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Learning whether the kernel killed a sandbox at its memory limit, of which a C(runsc run) in the foreground leaves nothing.

That runsc removes the control group, and the counter in it, by itself, 15 milliseconds after the kill and later. So a thread
attaches to the group as soon as it is there, long before the command starts. In version 1 the kernel then counts for us in an
eventfd, which is read after the end. In version 2 the thread reads the counter whenever the kernel says that it has changed.
"""

from __future__ import annotations

import contextlib
import os
import select
import struct
import threading
import typing as t

from . import cgroups

_PAUSES = (0.005, 0.02)  # seconds between two looks for the group that runsc is about to make: the first, the longest
_SETTLE = 1.0  # seconds from the end of runsc until the kernel has told of the removal of the group


class _Kind(t.NamedTuple):
    """Where a hierarchy counts these kills, and whether it tells by an eventfd."""

    controller: str
    file: str
    key: str
    by_eventfd: bool


_KINDS = (
    _Kind("memory", "memory.oom_control", "oom_kill", True),
    _Kind("unified", "memory.events", "oom_kill", False),
)


class OomWatch:
    """Watches a control group that is yet to be made. Its descriptors are closed when it is left.

    :param path: the control group, as in C(linux.cgroupsPath). Without one there is nothing to learn, and no thread.
    """

    def __init__(self, path: str | None) -> None:
        self._kind, self._folder = _place(path) if path else (None, "")
        self._before = cgroups.counters(path).get("oom_kills", 0) if path else 0  # of a group that was there before
        self._opened = contextlib.ExitStack()
        self._counter = -1  # descriptors
        self._notices = -1
        self._seen = False

    def __enter__(self) -> OomWatch:
        if self._kind and self._kind.by_eventfd:
            self._notices = _eventfd()
            if self._notices >= 0:
                self._opened.callback(os.close, self._notices)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._opened.close()

    @contextlib.contextmanager
    def attached(self) -> t.Iterator[None]:
        """Attach to the group. To be entered after the start of the process that makes it, as there is a thread in here."""
        if not self._kind:
            yield
            return
        ended, end = os.pipe()
        thread = threading.Thread(target=self._watch, args=(self._kind, ended), daemon=True)
        thread.start()
        try:
            yield
        finally:
            os.close(end)
            thread.join()
            os.close(ended)

    def killed(self) -> bool:
        """Whether the kernel killed something in the group. Ask after the end, where it may be: this may take a second."""
        if self._seen or self._counter < 0:
            return self._seen
        try:
            return self._count() > self._before
        except OSError:  # the group is gone, and that is the last notice
            if self._notices < 0:
                return False
            poll = select.poll()
            poll.register(self._notices, select.POLLIN)
            notices = 0
            while notices < 2 and poll.poll(_SETTLE * 1000):
                notices += struct.unpack("Q", os.read(self._notices, 8))[0]
            return notices > 1

    def _watch(self, kind: _Kind, ended: int) -> None:
        with contextlib.suppress(OSError):  # a host without it, or the end: nothing can be learned then
            if not self._await_counter(os.path.join(self._folder, kind.file), ended):
                return
            if kind.by_eventfd:
                with open(os.path.join(self._folder, "cgroup.event_control"), "w", encoding="ascii") as control:
                    control.write(f"{self._notices} {self._counter}")
                self._seen = self._count() > self._before  # on a busy host it may be late already
                return
            poll = select.poll()
            poll.register(ended, select.POLLIN)
            poll.register(self._counter, select.POLLPRI)
            while not self._seen:
                self._seen = self._count() > self._before
                if ended in dict(poll.poll()):
                    return

    def _await_counter(self, path: str, ended: int) -> bool:
        """Open the file of the counter when there is one; return False if the end comes before."""
        pause, longest = _PAUSES
        while True:
            with contextlib.suppress(FileNotFoundError):
                self._counter = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                self._opened.callback(os.close, self._counter)
                return True
            if select.select([ended], [], [], pause)[0]:
                return False
            pause = min(pause * 1.5, longest)

    def _count(self) -> int:
        """Return the counter. :raises OSError: the group is gone."""
        text = os.pread(self._counter, 4096, 0).decode("ascii", "replace")
        return cgroups.number(text, self._kind.key if self._kind else "") or 0


def _place(path: str) -> tuple[_Kind | None, str]:
    """Return what counts for this control group, and its folder, which need not exist."""
    mountpoints = cgroups.hierarchies()
    for kind in _KINDS:
        if kind.controller in mountpoints:
            return kind, os.path.join(mountpoints[kind.controller], os.path.normpath("/" + path).lstrip("/"))
    return None, ""


def _eventfd() -> int:
    """Return a new eventfd, or -1. Python has no function for it before 3.10."""
    import ctypes  # costs milliseconds, needed only here

    made: int = ctypes.CDLL(None).eventfd(0, os.O_CLOEXEC | os.O_NONBLOCK)
    return made
