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
from .runsc.errors import DeadlineError, NoProcessError, SandboxGoneError, StateError, UsageError
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
    """The target got the signal C(number), and has not ended in time."""

    number = 0


class Signalled(t.NamedTuple):
    """What came of a signal. C(sent) is False where the container had stopped; C(ended) is None where nobody looked."""

    number: int
    sent: bool
    before: str
    after: str
    ended: bool | None


def send(runsc: Runsc, wanted: Signal, *, check_mode: bool = False) -> Signalled:
    """Send a signal, unless the container has stopped already; wait for the end of its target where asked.

    :raises UsageError: there is no such signal.
    :raises NotFoundError: there is no such container. :raises NoProcessError: there is no such process in it.
    :raises StateError: runsc can't send one to a container in this status.
    :raises StillRunsError: the target has not ended in time.
    """
    number = signals.number(wanted.signal)
    if wanted.wait_timeout < 0:
        raise UsageError(f"wait_timeout: {wanted.wait_timeout!r} is negative", remedy="Give a number of seconds")
    record = runsc.record(wanted.name)
    before = look(runsc, wanted.name)
    if before in _ENDED:
        return Signalled(number, False, before, before, True)
    if before != RUNNING:
        raise StateError(
            f"container {wanted.name!r} is {before}, and runsc sends signals to running ones only",
            remedy=_REMEDIES.get(before, _OTHER_REMEDY),
            container=wanted.name,
        )
    check_not_frozen(runsc, record)
    if check_mode:
        ends = wanted.wait and wanted.pid is None  # or the run fails
        return Signalled(number, True, before, STOPPED if ends else before, True if ends else None)
    try:
        runsc.kill(wanted.name, wanted.signal, all=wanted.all, pid=wanted.pid)
    except (SandboxGoneError, StateError, NoProcessError) as exc:
        after = look(runsc, wanted.name)
        if after in _ENDED:
            return Signalled(number, False, before, after, True)  # it ended by itself just now
        if wanted.pid is not None and isinstance(exc, NoProcessError):
            raise no_such_process(wanted.name, wanted.pid) from exc
        raise
    if wanted.wait:
        _await_end(runsc, wanted, number)
    return Signalled(number, True, before, look(runsc, wanted.name), True if wanted.wait else None)


def _await_end(runsc: Runsc, wanted: Signal, number: int) -> None:
    try:
        if wanted.pid is None:
            await_status(runsc, wanted.name, _ENDED, time.monotonic() + wanted.wait_timeout)
            return
        runsc.wait(wanted.name, rootpid=wanted.pid, timeout=max(0.1, wanted.wait_timeout))
    except DeadlineError as exc:
        target = f"container {wanted.name!r}" if wanted.pid is None else f"process {wanted.pid} in {wanted.name!r}"
        still_runs = StillRunsError(
            f"{target} got the signal {wanted.signal}, and has not ended within {wanted.wait_timeout:g} s",
            remedy="Raise wait_timeout, or send KILL",
            container=wanted.name,
        )
        still_runs.number = number
        raise still_runs from exc
    except (SandboxGoneError, NoProcessError):
        pass  # the sandbox has ended with all that was in it, or the process has
