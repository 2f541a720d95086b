# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The output of one C(runsc events) process, read as it comes."""

from __future__ import annotations

import os
import subprocess
import time
import typing as t

from .models import Event
from .monitor import Monitor
from .process import Stdio, kill_group, spawn

_CHUNK = 65536


class EventStream:
    """A running C(runsc events). C(descriptor) is ready for reading when there is something; C(is_open) until its end.

    :param argv: the command. :param parent_death_signal: sent to it when the thread that makes this object ends.
    """

    def __init__(self, argv: t.Sequence[str], monitor: Monitor | None, parent_death_signal: int | None) -> None:
        self._argv = argv
        self._monitor = monitor
        self._started = time.monotonic()
        self._process = spawn(argv, Stdio(stderr=subprocess.DEVNULL), parent_death_signal=parent_death_signal)
        if monitor:
            monitor.started(argv, self._process.pid)
        self._stdout = t.cast("t.IO[bytes]", self._process.stdout)
        self.descriptor = self._stdout.fileno()
        os.set_blocking(self.descriptor, False)
        self._pending = b""
        self.is_open = True

    def read(self) -> list[Event]:
        """Return the events that have come since the last call; does not wait."""
        try:
            data = os.read(self.descriptor, _CHUNK)
        except BlockingIOError:
            return []
        self.is_open = bool(data)
        *lines, self._pending = (self._pending + data).split(b"\n")
        return [Event.from_line(line.decode("utf-8", "replace")) for line in lines]

    def close(self) -> None:
        """End the process, unless that has been done."""
        if self._stdout.closed:
            return
        kill_group(self._process)
        rc = self._process.wait()
        self._stdout.close()
        self.is_open = False
        if self._monitor:
            self._monitor.ended(self._argv, self._process.pid, rc, time.monotonic() - self._started)

    def __enter__(self) -> EventStream:
        """Nothing to do."""
        return self

    def __exit__(self, *_error: object) -> None:
        """End the process."""
        self.close()
