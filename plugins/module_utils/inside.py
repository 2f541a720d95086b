# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a file of a root file system from outside, with every link followed inside of it only, as the container would."""

from __future__ import annotations

import contextlib
import os
import stat
import typing as t

_LIMIT = 1024 * 1024  # bytes; a passwd of that size has thousands of users
_LINKS = 40  # as many as the kernel follows
_FLAGS = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC  # not even opened: a device could take that for a command


class Seen(t.NamedTuple):
    """What a path leads to: the path without links, and the mode; C(None) where there is nothing, or it can't be opened."""

    path: str
    mode: int | None = None


def look(rootfs: str, path: str) -> Seen:
    """Return what a path leads to in the root file system."""
    with contextlib.ExitStack() as opened:
        place, descriptor = _open(rootfs, path, opened)
        return Seen(place, None if descriptor is None else os.fstat(descriptor).st_mode)


def read_text(rootfs: str, path: str) -> str:
    """Return the start of a regular file, the first MiB at most; nothing where there is none.

    A hostile root file system can't have a file of the host read: each part of the path is opened without following links,
    and those are then followed by hand, the root being C(rootfs).
    """
    with contextlib.ExitStack() as opened:
        _place, descriptor = _open(rootfs, path, opened)
        if descriptor is None or not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        with open(f"/proc/self/fd/{descriptor}", "rb") as file:
            return file.read(_LIMIT).decode("utf-8", "surrogateescape")


def _open(rootfs: str, path: str, opened: contextlib.ExitStack) -> tuple[str, int | None]:
    """Return the path without links, as far as it exists, and a descriptor or None. All are closed with C(opened)."""

    def keep(descriptor: int) -> int:
        opened.callback(os.close, descriptor)
        return descriptor

    folders = [keep(os.open(rootfs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))]
    names: list[str] = []
    parts = _parts(path)
    links = 0
    while parts:
        part = parts.pop(0)
        if part == "..":
            folders, names = folders[: max(1, len(folders) - 1)], names[:-1]
            continue
        target = _target(part, folders[-1])
        if target is None:
            names.append(part)
            try:
                folders.append(keep(os.open(part, _FLAGS, dir_fd=folders[-1])))
            except OSError:
                return "/" + "/".join(names + parts), None
            continue
        links += 1
        if links > _LINKS:
            return "/" + "/".join(names + parts), None
        if target.startswith("/"):
            folders, names = folders[:1], []
        parts = _parts(target) + parts
    return "/" + "/".join(names), folders[-1]


def _target(name: str, folder: int) -> str | None:
    """Return where a link leads, or None if it is none."""
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError:
        return None


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]
