# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sending a signal into a container, and seeing what came of it. No Ansible in here."""

from __future__ import annotations

import time
import typing as t

from .lifecycle import ABSENT, CREATED, PAUSED, RUNNING, STOPPED
from .observation import look
from .pods import check_not_frozen
from .runsc import signals
from .runsc.client import Runsc
from .runsc.errors import DeadlineError, RunscError, SandboxGoneError, StateError, UsageError
from .waiting import await_status, no_such_process

_REMEDIES = {
    CREATED: "Start it first, or remove it with runsc_container and state absent",
    PAUSED: "Resume it first with runsc_container and state running, or remove it",
}
_OTHER_REMEDY = "Look at it with runsc_info"
_ENDED = (STOPPED, ABSENT)


class Signal(t.NamedTuple):
    """Which signal goes where: to the container's first process, to all of them, or to one by its number in the sandbox."""

    name: str
    signal: str = "TERM"
    all: bool = False
    pid: int | None = None
    wait: bool = False
    wait_timeout: float = 10.0


class StillRunsError(DeadlineError):
    """The target got the signal, and has not ended in time."""


class Signalled(t.NamedTuple):
    """What came of it. C(sent) is False where the container had stopped; C(ended) is None where nobody looked."""

    sent: bool
    before: str
    after: str
    ended: bool | None


def send(runsc: Runsc, wanted: Signal, *, check_mode: bool = False) -> Signalled:
    """Send a signal, unless the container has stopped already; wait for the end of its target where asked.

    :raises UsageError: there is no such signal. :raises NotFoundError: no such container, or no such process.
    :raises StateError: runsc can't send one to a container in this status.
    :raises StillRunsError: the target has not ended in time.
    """
    signals.number(wanted.signal)
    if wanted.wait_timeout < 0:
        raise UsageError(f"wait_timeout: {wanted.wait_timeout!r} is negative", remedy="Give a number of seconds")
    record = runsc.record(wanted.name)
    before = look(runsc, wanted.name)
    if before in _ENDED:
        return Signalled(False, before, before, True)
    if before != RUNNING:
        raise StateError(
            f"container {wanted.name!r} is {before}, and runsc sends signals to running ones only",
            remedy=_REMEDIES.get(before, _OTHER_REMEDY),
            container=wanted.name,
        )
    check_not_frozen(runsc, record)
    if check_mode:
        return Signalled(True, before, before, None)
    try:
        runsc.kill(wanted.name, wanted.signal, all=wanted.all, pid=wanted.pid)
    except (SandboxGoneError, StateError):
        after = look(runsc, wanted.name)
        if after not in _ENDED:
            raise
        return Signalled(False, before, after, True)  # it ended by itself just now
    except RunscError as exc:
        if "no such process" not in exc.message:
            raise
        raise no_such_process(wanted.name, wanted.pid) from exc
    if wanted.wait:
        _await_end(runsc, wanted)
    return Signalled(True, before, look(runsc, wanted.name), True if wanted.wait else None)


def _await_end(runsc: Runsc, wanted: Signal) -> None:
    try:
        if wanted.pid is None:
            await_status(runsc, wanted.name, _ENDED, time.monotonic() + wanted.wait_timeout)
            return
        runsc.wait(wanted.name, rootpid=wanted.pid, timeout=max(0.1, wanted.wait_timeout))
    except DeadlineError as exc:
        target = f"container {wanted.name!r}" if wanted.pid is None else f"process {wanted.pid} in {wanted.name!r}"
        raise StillRunsError(
            f"{target} got the signal {wanted.signal}, and has not ended within {wanted.wait_timeout:g} s",
            remedy="Raise wait_timeout, or send KILL",
            container=wanted.name,
        ) from exc
    except SandboxGoneError:
        pass  # with all that was in it
    except RunscError as exc:
        if "no such process" not in exc.message:
            raise
