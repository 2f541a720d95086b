# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Telling our sandboxes from those of containers on this host that run runsc themselves.

The path of a root means nothing in another mount namespace, and a pid nothing in another pid namespace. A sandbox of docker in
docker has the same C(--root) on its command line as ours, is seen in our /proc, and has no record in our root.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from . import statedir

PROC = "/proc"


def is_ours(pid: int, proc: str = PROC) -> bool:
    """Whether a sandbox process was started in our pid namespace; what the kernel does not tell counts as ours.

    A platform that need not trace the sentry may make it the first process of a pid namespace of its own.
    """
    numbers = _numbers(pid, proc)
    return len(numbers) < 2 or (len(numbers) == 2 and numbers[1] == "1")


def recorded_elsewhere(root: str) -> set[int]:
    """Return the pids of the sentries and gofers that are recorded in the folders which other mount namespaces have there."""
    pids: set[int] = set()
    for place in _other_places(root):
        for record in statedir.read_all(place):
            pids.update((record.pid, record.gofer_pid))
    return pids


def _numbers(pid: int, proc: str) -> list[str]:
    """Return the pids of a process, one for each pid namespace that it is in, beginning with ours."""
    with contextlib.suppress(OSError), open(f"{proc}/{pid}/status", encoding="ascii", errors="replace") as file:
        return next((line.split()[1:] for line in file if line.startswith("NSpid:")), [])
    return []


def _other_places(root: str) -> list[str]:
    """Return paths to the folders that other mount namespaces have where we have the root."""
    path = os.path.realpath(root)  # a link on the way would lead from another namespace into ours
    seen = {_identity(path)}
    places = []
    for view in _views():
        place = view + path
        identity = _identity(place)
        if identity is not None and identity not in seen:
            seen.add(identity)
            places.append(place)
    return places


def _views() -> t.Iterator[str]:
    """Yield a path to the root of each file system tree that the processes of this host see."""
    seen = set()
    for entry in os.listdir(PROC):
        if not entry.isdigit():
            continue
        view = f"{PROC}/{entry}/root"
        with contextlib.suppress(OSError):  # it has ended, or is a kernel thread
            key = (os.stat(f"{PROC}/{entry}/ns/mnt").st_ino, _identity(view))
            if key not in seen:
                seen.add(key)
                yield view


def _identity(path: str) -> tuple[int, int] | None:
    try:
        info = os.stat(path)
    except OSError:
        return None
    return info.st_dev, info.st_ino
