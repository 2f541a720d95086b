# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A container on a node, and how to run a command in it: one process of runsc, watched over by the node's half."""

from __future__ import annotations

import contextlib
import secrets
import shlex
import time
import typing as t
from pathlib import Path

from ansible.errors import AnsibleError
from ansible.utils.display import Display

from ...module_utils.runsc import flags, ids
from ...module_utils.runsc.errors import UsageError
from .conversation import Conversation, Outcome, Sink
from .escalation import Escalation
from .failures import failure
from .transport import SSH_FAILED, Transport

SCRIPT = Path(__file__).with_name("node.sh").read_text(encoding="utf-8")
_LONGEST_PAUSE = 30  # seconds between two attempts to connect, as for ssh
_RESERVED = ("root", "log")

display = Display()


class Data(t.Protocol):
    """What a command reads: how many bytes, and the bytes in pieces, from the start each time that they are asked for."""

    length: int

    def pieces(self) -> t.Iterator[bytes]:
        """Return the pieces."""


class Bytes:
    """Data in memory."""

    def __init__(self, data: bytes) -> None:
        self.length = len(data)
        self._data = data

    def pieces(self) -> t.Iterator[bytes]:
        """Return all as one piece."""
        return iter([self._data])


NOTHING = Bytes(b"")


class Node:
    """A container, and the way to it.

    :param seconds: within which a command must start.
    :param privilege: the command, if any, that makes another one run as root.
    :raises AnsibleError: one of the values can't be right.
    """

    def __init__(
        self,
        transport: Transport,
        container: str,
        root: str,
        runsc: str,
        global_flags: t.Sequence[str],
        seconds: float,
        privilege: t.Sequence[str],
    ) -> None:
        try:
            ids.check(container, "ansible_runsc_container")
        except UsageError as exc:
            raise AnsibleError(str(exc)) from exc
        if not root.startswith("/"):
            raise AnsibleError(f"ansible_runsc_root: {root!r} is not an absolute path. Start it with a slash")
        self._transport = transport
        self._container = container
        self._root = root
        self._runsc = runsc
        self._flags = check_flags(global_flags)
        self._seconds = seconds
        self._privilege = list(privilege)

    def run(
        self, request: bytes, sink: Sink, data: Data = NOTHING, escalation: Escalation | None = None
    ) -> tuple[int, bytes]:
        """Run a command to its end; return its exit code and standard error. Its output goes to C(sink).

        :param request: see L(document.request).
        :raises AnsibleConnectionFailure: the container, or its node, can't be used.
        """
        outcome = self._talk(request, sink, data, escalation)
        verdict = outcome.verdict
        if verdict is None or verdict.kind != "exit":
            known = {"root": self._root, "seconds": self._seconds}
            raise failure(outcome, self._transport.name, self._container, **known)
        return int(verdict.detail), outcome.stderr

    def _talk(self, request: bytes, sink: Sink, data: Data, escalation: Escalation | None) -> Outcome:
        """Connect, more than once where the user wants that; what has reached the node is never done twice."""
        attempt = 1
        while True:
            outcome = self._try(request, sink, data, escalation)
            if outcome.reached or outcome.rc != SSH_FAILED or attempt >= self._transport.attempts:
                return outcome
            pause = min(2**attempt - 1, _LONGEST_PAUSE)
            display.vv(f"attempt {attempt} to connect failed, pausing for {pause} s", host=self._container)
            time.sleep(pause)
            attempt += 1

    def _try(self, request: bytes, sink: Sink, data: Data, escalation: Escalation | None) -> Outcome:
        token = secrets.token_hex(12)
        argv = [*self._privilege, "/bin/sh", "-c", SCRIPT, "sh", token, self._root, self._container]
        argv += [f"{self._seconds:g}", str(data.length), self._runsc, *self._flags]
        shown = shlex.join([self._runsc, f"--root={self._root}", *self._flags, "exec", self._container])
        display.vvv(f"EXEC ({self._transport.name}) {shown}", host=self._container)
        with self._transport.open(argv) as process, contextlib.closing(_generator(data)) as pieces:
            return Conversation(process, token, request, pieces, data.length, sink, escalation).hold()


def _generator(data: Data) -> t.Generator[bytes, None, None]:
    yield from data.pieces()


def check_flags(global_flags: t.Sequence[str]) -> list[str]:
    """Return global flags of runsc as they are. :raises AnsibleError: one of them is no flag, or has an option of its own."""
    for flag in global_flags:
        if not flag.startswith("-"):
            raise AnsibleError(
                f"ansible_runsc_extra_args: {flag!r} is not a flag. Write each as --name=value, without a space"
            )
    reserved = set(flags.parse(global_flags)).intersection(_RESERVED)
    if reserved:
        name = min(reserved)
        remedy = "Set ansible_runsc_root" if name == "root" else "The connection needs it for itself: use --debug-log"
        raise AnsibleError(f"ansible_runsc_extra_args: the flag {name!r} can't be given. {remedy}")
    return list(global_flags)
