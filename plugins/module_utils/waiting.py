# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for a container, or a process in it, and learning how it ended. Changes nothing. No Ansible in here."""

from __future__ import annotations

import time
import typing as t

from . import pods
from .lifecycle import ABSENT, BROKEN, CREATED, PAUSED, STATES, STOPPED
from .observation import look
from .runsc import exit_status, procfs
from .runsc.client import Runsc
from .runsc.errors import DeadlineError, NoProcessError, OutOfMemoryError, SandboxGoneError, StateError

_SETTLE = 2.0  # seconds from the end of a container until it is seen to have stopped
_REWRITE = 1.0  # seconds in which a record may not be readable, since runsc is writing it anew
_PAUSE = 0.05  # seconds between two looks, which cost no process but for members of another sandbox
_MEMBER_PAUSE = 0.5
_KILLED = 128 + 9

CONTAINER, SANDBOX = "container", "sandbox"  # whose numbers of processes are meant


class Condition(t.NamedTuple):
    """What to wait for: a status of the container, or the end of one of its processes."""

    name: str
    until: str = STOPPED
    pid: int | None = None
    pid_namespace: str = SANDBOX
    timeout: float = 300.0


class Awaited(t.NamedTuple):
    """What happened. C(exit_status) is None where nothing ended, or where nobody knows how."""

    status: str
    exit_status: int | None
    seconds: float
    oom_killed: bool = False


def wait(runsc: Runsc, condition: Condition) -> Awaited:
    """Wait until the condition holds.

    :raises NotFoundError: there is no such container. :raises NoProcessError: there is no such process in it.
    :raises DeadlineError: the condition does not hold in time.
    :raises StateError: the sandbox hangs, or its record can't be read.
    """
    started = time.monotonic()
    deadline = started + condition.timeout
    if condition.pid is not None:
        code = _await_process(runsc, condition)
        return Awaited(look(runsc, condition.name), code, time.monotonic() - started)
    if condition.until == STOPPED:
        return _await_end(runsc, condition, deadline)._replace(seconds=time.monotonic() - started)
    status = await_status(runsc, condition.name, [condition.until], deadline)
    return Awaited(status, None, time.monotonic() - started)


def await_status(runsc: Runsc, name: str, accepted: t.Collection[str], deadline: float) -> str:
    """Wait until the container has one of these statuses, and return it. C(deadline) is of the monotonic clock."""
    while True:
        status = _usable(runsc, name)
        if status in accepted:
            return status
        left = deadline - time.monotonic()
        if left <= 0:
            raise _too_late(name, f"it is {status}, not {' or '.join(accepted)}")
        record = runsc.existing().get(name)
        is_member = record is not None and not record.endswith(f"_sandbox:{name}.state")
        time.sleep(min(left, _MEMBER_PAUSE if is_member else _PAUSE))


def _usable(runsc: Runsc, name: str) -> str:
    """Return the status. :raises StateError: nobody would ever learn of a change."""
    status = ""

    def usable() -> bool:
        nonlocal status
        status = look(runsc, name)
        return status != BROKEN

    if not procfs.poll(usable, _REWRITE):
        raise StateError(
            f"container {name!r} can't be used: its sandbox hangs, or its record can't be read",
            remedy="Look at it with runsc_info, or remove it with runsc_container and state absent",
            container=name,
        )
    return status


def _await_end(runsc: Runsc, condition: Condition, deadline: float) -> Awaited:
    name = condition.name
    if runsc.record(name).status == CREATED:
        # runsc would never tell those how it ends who wait for it from now on.
        await_status(runsc, name, [status for status in STATES if status != CREATED], deadline)
    if _usable(runsc, name) == STOPPED and runsc.record(name).is_sandbox_root:
        code = exit_status.read(runsc.root, name)
        return Awaited(STOPPED, code, 0.0, _oom_killed(runsc, name, code))
    try:
        code = runsc.wait(name, timeout=max(0.1, deadline - time.monotonic()))
    except DeadlineError as exc:
        raise _too_late_to_end(runsc, name, "it still runs") from exc
    except SandboxGoneError as exc:
        kept = exit_status.read(runsc.root, name)
        return Awaited(look(runsc, name), kept, 0.0, isinstance(exc, OutOfMemoryError))
    return Awaited(_settled(runsc, name), code, 0.0)


def _settled(runsc: Runsc, name: str) -> str:
    """Return the status of a container that has ended: what it is in the end if its sandbox is slow to go, or hangs."""
    try:
        return await_status(runsc, name, [STOPPED, ABSENT], time.monotonic() + _SETTLE)
    except (DeadlineError, StateError):
        return look(runsc, name)


def _oom_killed(runsc: Runsc, name: str, code: int | None) -> bool:
    """Whether a container that ended like this was killed at its memory limit."""
    return code in (None, _KILLED) and runsc.oom_kills(runsc.record(name)) > 0


def _await_process(runsc: Runsc, condition: Condition) -> int:
    if condition.pid == 1 and look(runsc, condition.name) == STOPPED:  # the process that makes the container
        kept = exit_status.read(runsc.root, condition.name)
        if kept is not None:
            return kept
    numbers = {"pid" if condition.pid_namespace == CONTAINER else "rootpid": condition.pid}
    try:
        return runsc.wait(condition.name, **numbers, timeout=condition.timeout)
    except DeadlineError as exc:
        raise _too_late_to_end(runsc, condition.name, f"its process {condition.pid} still runs") from exc
    except SandboxGoneError as exc:
        if isinstance(exc, OutOfMemoryError):
            raise
        raise SandboxGoneError(
            f"pid: container {condition.name!r} has ended, and its process {condition.pid} with it",
            remedy="Leave out pid to learn how the container ended, which keep_exit_status keeps; or wait before its end",
            container=condition.name,
        ) from exc
    except NoProcessError as exc:
        raise no_such_process(condition.name, condition.pid) from exc


def no_such_process(name: str, pid: int | None) -> NoProcessError:
    """Build the error for a process that is not there."""
    return NoProcessError(
        f"pid: there is no process {pid} in container {name!r}, or it has ended",
        remedy="runsc_info with gather processes shows them, by their numbers in the sandbox",
        container=name,
    )


def _too_late_to_end(runsc: Runsc, name: str, what: str) -> DeadlineError:
    error = _too_late(name, what)
    record = runsc.record(name)
    culprit = name if record.status == PAUSED else pods.frozen_by(runsc, record)
    if culprit:
        error = _too_late(
            name, "it is paused" if culprit == name else f"it is frozen with {culprit!r}, which is paused"
        )
        error.remedy = f"Resume it first: runsc_container with name {culprit} and state running"
    return error


def _too_late(name: str, what: str) -> DeadlineError:
    return DeadlineError(
        f"the wait for container {name!r} took too long: {what}", remedy="Raise the timeout", container=name
    )
