# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the node's half says on standard error, apart from what the command and ssh say there."""

from __future__ import annotations

import typing as t


class Frame(t.NamedTuple):
    """One thing that the node's half said: a word, and what belongs to it."""

    kind: str
    detail: str


class FrameReader:
    """Takes standard error apart while it arrives.

    :param token: what starts and ends a frame. Nobody in the container knows it.
    """

    def __init__(self, token: str) -> None:
        self._start, self._end = f"{token}<".encode(), f"{token}>".encode()
        self._pending = b""
        self._said: dict[str, Frame] = {}
        self._before = bytearray()
        self._text = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._pending += data
        while True:
            text, start, rest = self._pending.partition(self._start)
            body, end, after = rest.partition(self._end)
            if not end:
                break
            self._keep(text)
            kind, _space, detail = body.decode("utf-8", "replace").partition(" ")
            self._said[kind] = Frame(kind, detail)
            self._pending = after
        if not start:
            sure = len(self._pending) - self._beginning(self._pending)
            self._keep(self._pending[:sure])
            self._pending = self._pending[sure:]

    def _beginning(self, text: bytes) -> int:
        """Return how many bytes at the end of a text may be the beginning of a frame. A prompt must not wait for more."""
        longest = min(len(text), len(self._start) - 1)
        return next((length for length in range(longest, 0, -1) if text.endswith(self._start[:length])), 0)

    def close(self) -> None:
        """Take what is left: standard error has ended."""
        self._keep(self._pending)
        self._pending = b""

    def _keep(self, text: bytes) -> None:
        (self._text if self.reached else self._before).extend(text)

    @property
    def reached(self) -> bool:
        """True once the node's half has started."""
        return "hello" in self._said

    @property
    def verdict(self) -> Frame | None:
        """How the call ended; None while it has not."""
        return next((frame for kind, frame in self._said.items() if kind != "hello"), None)

    @property
    def before(self) -> bytes:
        """What ssh and a command that gives root had to say."""
        return bytes(self._before)

    @property
    def text(self) -> bytearray:
        """Standard error of the command so far."""
        return self._text
