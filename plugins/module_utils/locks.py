# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One task at a time for one container: a lock that is held between observing and acting.

runsc before 2024-08 destroys the record of a container that is created twice (gVisor issue 10724). The lock ends with the
process that holds it, also when that is killed, and its file goes when it is released.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import typing as t

from .runsc import procfs
from .runsc.errors import DeadlineError, RunscError


def lock_path(root: str, container: str) -> str:
    """Return the file of the lock: beside runsc's own, under a name that runsc does not look for."""
    return os.path.join(root, f".gvisor.runsc-{container}.lock")


@contextlib.contextmanager
def container_lock(root: str, container: str, timeout: float) -> t.Iterator[None]:
    """Hold the lock of one container; the root is made if it is missing, with the mode that runsc gives it.

    :raises DeadlineError: somebody else holds it for longer than C(timeout) seconds.
    :raises RunscError: the root can't be written.
    """
    path = lock_path(root, container)
    descriptors: list[int] = []

    def acquired() -> bool:
        descriptor = _try_lock(path)
        if descriptor is not None:
            descriptors.append(descriptor)
        return descriptor is not None

    made = not os.path.isdir(root)
    try:
        held = procfs.poll(acquired, timeout)
    except OSError as exc:
        raise RunscError(
            f"root: {root!r} can't be written: {exc.strerror}", remedy="Run as root, for example with become"
        ) from exc
    if not held:
        raise DeadlineError(
            f"another task has been working on container {container!r} for {timeout:g} s",
            remedy="Wait for it, or look at what it is doing",
            container=container,
        )
    try:
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        os.close(descriptors[0])
        if made:  # a task that failed before it made anything leaves no root behind either
            with contextlib.suppress(OSError):
                os.rmdir(root)


def _try_lock(path: str) -> int | None:
    """Return the descriptor that holds the lock, or None if somebody else has it, or removed its file meanwhile."""
    root = os.path.dirname(path)
    if not os.path.isdir(root):
        with contextlib.suppress(FileExistsError):  # another task made it just now
            os.makedirs(root, mode=0o711)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:  # or removed it
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == os.stat(path).st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None
