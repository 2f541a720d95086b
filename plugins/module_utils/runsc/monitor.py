# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Seeing every runsc process start and end."""

from __future__ import annotations

import typing as t


class Monitor:
    """Told of every runsc process. This one does nothing; subclasses override what they want to know."""

    def started(self, argv: t.Sequence[str], pid: int) -> None:
        """Called when a process with these arguments has started."""

    def ended(self, argv: t.Sequence[str], pid: int, rc: int, seconds: float) -> None:
        """Called when the process has ended; C(rc) is negative for a signal, as in subprocess."""


class Call(t.NamedTuple):
    """One finished runsc process."""

    argv: t.Sequence[str]
    rc: int
    seconds: float

    def as_dict(self) -> dict[str, t.Any]:
        """Return the call as plain data, its time in milliseconds."""
        return {"cmd": list(self.argv), "rc": self.rc, "ms": round(self.seconds * 1000, 1)}


class Recorder(Monitor):
    """Keeps the list of the finished runsc processes, oldest first."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def ended(self, argv: t.Sequence[str], pid: int, rc: int, seconds: float) -> None:
        """Keep the call."""
        self.calls.append(Call(tuple(argv), rc, seconds))
