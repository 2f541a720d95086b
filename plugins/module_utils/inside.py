# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a file of a root file system from outside, with every link followed inside of it only, as the container would."""

from __future__ import annotations

import contextlib
import os
import stat

_LIMIT = 1024 * 1024  # bytes; a passwd of that size has thousands of users
_LINKS = 40  # as many as the kernel follows
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a named pipe must not make us wait


def read_text(rootfs: str, path: str) -> str:
    """Return the start of a regular file, the first MiB at most; nothing where there is none.

    A hostile root file system can't have a file of the host read: each part of the path is opened without following links,
    and those are then followed by hand, the root being C(rootfs).
    """
    with contextlib.ExitStack() as opened:
        descriptor = _open(rootfs, path, opened)
        if descriptor is None or not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        return os.read(descriptor, _LIMIT).decode("utf-8", "surrogateescape")


def _open(rootfs: str, path: str, opened: contextlib.ExitStack) -> int | None:
    """Return a descriptor for the path, or None. All descriptors are closed with C(opened)."""

    def keep(descriptor: int) -> int:
        opened.callback(os.close, descriptor)
        return descriptor

    folders = [keep(os.open(rootfs, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))]
    parts = _parts(path)
    links = 0
    while parts:
        part = parts.pop(0)
        if part == "..":
            folders = folders[: max(1, len(folders) - 1)]
            continue
        try:
            target = os.readlink(part, dir_fd=folders[-1])
        except FileNotFoundError:
            return None
        except OSError:  # it is no link
            try:
                folders.append(keep(os.open(part, _FLAGS, dir_fd=folders[-1])))
            except OSError:
                return None
            continue
        links += 1
        if links > _LINKS:
            return None
        if target.startswith("/"):
            folders = folders[:1]
        parts = _parts(target) + parts
    return folders[-1]


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]
