# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Talking with the node's half of a call: feeding the command, taking its output, and hanging up when it has ended."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import time
import typing as t

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from .escalation import Escalation
from .frames import Frame, FrameReader

CHUNK = 256 * 1024
# The node's half kills the command in the container when we hang up, with a few calls of runsc, each with its deadline.
PARTING = 30.0  # seconds
_TURN = 1.0  # seconds to wait for something to happen; without a pidfd, which not every system has, we have to look
_LAST_TURN = 0.02  # the same once the call has ended


class Sink(t.Protocol):
    """Where standard output goes."""

    def write(self, data: bytes, /) -> t.Any:
        """Take the next bytes."""


class Outcome(t.NamedTuple):
    """How a call went.

    :param reached: whether the node's half has started.
    :param verdict: what that said of the end; None if the connection broke.
    :param before: what was said on standard error before the node's half started, by ssh for example.
    :param rc: exit code of the process that we started, ssh for example.
    """

    reached: bool
    verdict: Frame | None
    before: bytes
    stderr: bytes
    rc: int


class Conversation:
    """One call, from its start to its end.

    :param process: it has pipes for all three streams, and its standard input is not a terminal.
    :param request: the line for the node's half.
    :param data: what the command reads, in pieces.
    :param length: how many bytes that is.
    :param sink: what takes its output.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        token: str,
        request: bytes,
        data: t.Iterator[bytes],
        length: int,
        sink: Sink,
        escalation: Escalation | None = None,
    ) -> None:
        if not (process.stdin and process.stdout and process.stderr):
            raise ValueError("the process has no pipes")
        self._process = process
        self._stdin, self._stdout, self._stderr = process.stdin, process.stdout, process.stderr
        self._reader = FrameReader(token)
        self._unsent = memoryview(request if escalation else request + b"\n")
        self._data, self._missing = data, length
        self._sink = sink
        self._escalation = escalation
        self._opening: bytes | None = b""  # standard output before the node's half has started; None once it has
        self._mark = f"{token}<".encode()
        self._preamble = bytearray()  # standard output while the become method is at work
        self._parent = os.getppid()  # a worker must not go on when Ansible was killed
        self._selector = selectors.DefaultSelector()

    def hold(self) -> Outcome:
        """Talk until the end. Whatever is raised on the way, the call has ended then."""
        try:
            for stream in (self._stdin, self._stdout, self._stderr):
                os.set_blocking(stream.fileno(), False)
            self._selector.register(self._stdout, selectors.EVENT_READ, self._take_output)
            self._selector.register(self._stderr, selectors.EVENT_READ, self._take_error)
            self._selector.register(self._stdin, selectors.EVENT_WRITE, self._send)
            self._talk()
        except BaseException:
            self._part()
            raise
        finally:
            self._selector.close()
            for stream in (self._stdin, self._stdout, self._stderr):
                with contextlib.suppress(OSError):
                    stream.close()
        self._reader.close()
        return Outcome(
            self._reader.reached,
            self._reader.verdict,
            self._reader.before,
            self._clean(bytes(self._reader.text)),
            self._process.wait(),
        )

    def _talk(self) -> None:
        deadline = time.monotonic() + self._escalation.seconds if self._escalation else None
        while self._listening():
            ended = self._process.poll() is not None
            happened = self._selector.select(0 if ended else _LAST_TURN if self._reader.verdict else _TURN)
            for key, _mask in happened:
                key.data()
            if os.getppid() != self._parent:
                raise AnsibleConnectionFailure("the process of Ansible that has started this one is gone")
            if ended and not happened:  # others may hold the pipes open, but what the command said is in them
                break
            if self._escalation and not self._escalation.done:
                self._escalate(self._escalation, deadline)
            if self._reader.verdict:
                self._hang_up()
        if self._preamble:
            self._sink.write(self._clean(bytes(self._preamble)))

    def _listening(self) -> bool:
        streams = self._selector.get_map()
        return any(stream in streams for stream in (self._stdout, self._stderr))

    def _escalate(self, escalation: Escalation, deadline: float | None) -> None:
        stdout, stderr = bytes(self._preamble), bytes(self._reader.text)
        answer = escalation.look(stdout, stderr)
        self._unsent = memoryview(bytes(self._unsent) + (answer or b""))
        if escalation.done:
            self._sink.write(self._clean(stdout))
            self._preamble.clear()
        if (answer or escalation.done) and not self._stdin.closed and self._stdin not in self._selector.get_map():
            self._selector.register(self._stdin, selectors.EVENT_WRITE, self._send)
        if not escalation.done and deadline and time.monotonic() > deadline and not self._reader.verdict:
            raise escalation.too_late(stdout, stderr)

    def _send(self) -> None:
        """Send what the pipe takes. At the end it stays open: the node's half takes its end for ours."""
        if not self._unsent and not self._next_piece():
            self._selector.unregister(self._stdin)
            return
        try:
            self._unsent = self._unsent[os.write(self._stdin.fileno(), self._unsent[:CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._hang_up()

    def _next_piece(self) -> bool:
        if self._missing == 0 or (self._escalation and not self._escalation.done):
            return False
        piece = next(self._data, b"")[: self._missing]
        if not piece:
            raise AnsibleError(f"the file became shorter while it was read: {self._missing} bytes are missing")
        self._unsent = memoryview(piece)
        self._missing -= len(piece)
        return True

    def _take_output(self) -> None:
        data = self._after_opening(self._read(self._stdout))
        if self._escalation and not self._escalation.done:
            self._preamble += data
        elif data:
            self._sink.write(data)

    def _after_opening(self, data: bytes) -> bytes:
        if self._opening is None:
            return data
        self._opening += data
        _noise, mark, rest = self._opening.partition(self._mark)
        if not mark:
            return b""
        self._opening = None
        return rest

    def _take_error(self) -> None:
        self._reader.feed(self._read(self._stderr))

    def _read(self, stream: t.IO[bytes]) -> bytes:
        try:
            data = os.read(stream.fileno(), CHUNK)
        except BlockingIOError:
            return b""
        if not data:
            self._selector.unregister(stream)
        return data

    def _clean(self, output: bytes) -> bytes:
        return self._escalation.strip(output) if self._escalation else output

    def _hang_up(self) -> None:
        if self._stdin.closed:
            return
        if self._stdin in self._selector.get_map():
            self._selector.unregister(self._stdin)
        with contextlib.suppress(OSError):
            self._stdin.close()

    def _part(self) -> None:
        """Hang up in the middle, and give the node's half the time to kill the command."""
        with contextlib.suppress(OSError):
            self._stdin.close()
        deadline = time.monotonic() + PARTING
        while self._process.poll() is None and time.monotonic() < deadline:
            for stream in (self._stdout, self._stderr):  # it must not block
                with contextlib.suppress(OSError, ValueError):
                    os.read(stream.fileno(), CHUNK)
            time.sleep(_LAST_TURN)
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
