# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One task at a time for one container: a lock that is held between observing and acting.

runsc before 2024-08 destroys the record of a container that is created twice (gVisor issue 10724). The lock ends with the
process that holds it, also when that is killed, and its file goes when it is released. So a file that nobody holds tells of
a task that was killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import typing as t

from .runsc import procfs, rescue
from .runsc.errors import DeadlineError, RunscError

_PREFIX, _SUFFIX = ".gvisor.runsc-", ".lock"


def lock_path(root: str, container: str) -> str:
    """Return the file of the lock: beside runsc's own, under a name that runsc does not look for."""
    return os.path.join(root, f"{_PREFIX}{container}{_SUFFIX}")


@contextlib.contextmanager
def container_lock(root: str, container: str, timeout: float, waited: float = 0.0) -> t.Iterator[None]:
    """Hold the lock of one container; the root is made if it is missing, with the mode that runsc gives it.

    :param waited: seconds that the caller has waited already, for other locks.
    :raises DeadlineError: somebody else holds it for longer than C(timeout) seconds.
    :raises RunscError: the root can't be written.
    """
    path = lock_path(root, container)
    descriptors: list[int] = []
    inherited = False

    def acquired() -> bool:
        nonlocal inherited
        descriptor, inherited = _try_lock(path)
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
            f"another task has been working on container {container!r} for {waited + timeout:g} s",
            remedy="Wait for it, or look at what it is doing",
            container=container,
        )
    try:
        if inherited:  # whoever made the file did not come to remove it
            rescue.remove_stale_group(container, root)
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        os.close(descriptors[0])
        if made:  # a task that failed before it made anything leaves no root behind either
            with contextlib.suppress(OSError):
                os.rmdir(root)


def abandoned(root: str) -> set[str]:
    """Return the containers on which a task was killed that has left its lock."""
    try:
        names = os.listdir(root)
    except OSError:
        return set()
    found = {name[len(_PREFIX) : -len(_SUFFIX)]: os.path.join(root, name) for name in names if _is_lock(name)}
    return {container for container, path in found.items() if not is_held(path)}


def is_held(path: str) -> bool:
    """Whether somebody holds a lock on this file of ours."""
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _is_lock(name: str) -> bool:
    return name.startswith(_PREFIX) and name.endswith(_SUFFIX)


def _try_lock(path: str) -> tuple[int | None, bool]:
    """Return the descriptor that holds the lock, or None if somebody else has it, or removed its file meanwhile.

    The second value tells whether the file was there before.
    """
    root = os.path.dirname(path)
    if not os.path.isdir(root):
        with contextlib.suppress(FileExistsError):  # another task made it just now
            os.makedirs(root, mode=0o711)
    was_there = False
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        was_there = True
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None, False
    except FileNotFoundError:  # or removed it
        return None, False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == os.stat(path).st_ino:
            return descriptor, was_there
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None, False
