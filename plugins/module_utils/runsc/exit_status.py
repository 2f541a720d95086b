# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeping the exit code of a container beyond its end. runsc forgets it with the sandbox."""

from __future__ import annotations

import contextlib
import fcntl
import inspect
import os
import sys
import tempfile
import typing as t

from . import procfs, statedir, waiter
from .process import Launcher

_PATIENCE = 2.0  # seconds from the end of a sandbox until its waiter has written how it ended


def read(root: str, container: str) -> int | None:
    """Return the exit code that was kept of a container that has stopped; None if none was."""
    found: list[int] = []

    def settled() -> bool:
        """The waiter holds the file locked until it has written, a moment after the end of the sandbox."""
        code, is_final = _look(statedir.exit_path(root, container))
        found[:] = [] if code is None else [code]
        return is_final

    procfs.poll(settled, _PATIENCE)
    return found[0] if found else None


def _look(path: str) -> tuple[int | None, bool]:
    """Return the code in a file, and whether nobody is about to write it any more."""
    try:
        with open(path, encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                is_final = True
            except BlockingIOError:
                is_final = False
            text = file.read()
    except (OSError, ValueError):
        return None, True
    return (int(text), True) if text.isdigit() else (None, is_final)


@contextlib.contextmanager
def keeper(argv: t.Sequence[str], root: str, container: str) -> t.Iterator[Launcher]:
    """Yield the launcher that runs C(argv), which makes a container, and leaves a waiter with its sandbox.

    The waiter is a Python process of its own, of this interpreter, without any module of Ansible in its memory. It ends with
    the sandbox; the file that it writes to goes when the container is deleted.
    """
    with contextlib.suppress(FileExistsError):
        os.makedirs(root, mode=0o711)  # as runsc makes it
    statedir.remove_exit(root, container)  # of an earlier container of this name
    path = statedir.exit_path(root, container)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with open(os.open(path, flags, 0o600), "wb") as exit_file, tempfile.TemporaryFile("w", encoding="utf-8") as script:
        state_file = statedir.state_path(root, container)
        fcntl.flock(exit_file, fcntl.LOCK_EX)  # the waiter inherits it
        descriptors = (exit_file.fileno(), script.fileno())
        script.write(f"{inspect.getsource(waiter)}\nmain({list(argv)!r}, {state_file!r}, *{descriptors!r})\n")
        script.flush()
        # The last words tell L(procfs.find_creators) what it is about to do, long before its runsc can.
        python = [sys.executable, "-I", "-S", f"/proc/self/fd/{script.fileno()}"]
        command = [*python, f"--root={root}", waiter.CREATING, container]
        yield Launcher(tuple(command), descriptors)
