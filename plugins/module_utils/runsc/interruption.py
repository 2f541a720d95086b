# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interrupting what other threads do, as a signal interrupts the main thread.

Python delivers signals to the main thread alone. A thread that works under L(receiving) gets one KeyboardInterrupt instead,
at the next place where it waits: for a process, or in L(procfs.poll). What it does then to undo its work is left alone.
"""

from __future__ import annotations

import contextlib
import os
import threading
import typing as t

# Seconds that a wait may take. A signal that comes just before a wait does not end it, and Python acts on it only afterwards.
LONGEST_WAIT = 0.5

_here = threading.local()


class Interruption:
    """One interruption, for any number of threads. Its descriptor can be read from as soon as it was sent."""

    def __init__(self) -> None:
        self.descriptor, self._write_end = os.pipe()
        self.sent = False

    def send(self) -> None:
        """Interrupt every thread that receives this one."""
        if not self.sent:
            self.sent = True
            os.close(self._write_end)

    def close(self) -> None:
        """Give the descriptors back. No thread may receive it any more."""
        self.send()
        os.close(self.descriptor)


@contextlib.contextmanager
def receiving(interruption: Interruption) -> t.Iterator[None]:
    """Let this thread be interrupted, once."""
    _here.pending = interruption
    try:
        yield
    finally:
        _here.pending = None


def descriptor() -> int | None:
    """Return what to watch while this thread waits, or None if nothing can interrupt it but a signal."""
    pending: Interruption | None = getattr(_here, "pending", None)
    return pending.descriptor if pending else None


def check() -> None:
    """:raises KeyboardInterrupt: this thread was interrupted since the last time it was told so."""
    pending: Interruption | None = getattr(_here, "pending", None)
    if pending and pending.sent:
        _here.pending = None
        raise KeyboardInterrupt
