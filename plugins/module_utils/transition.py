# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking the steps that lead a container to another status, with as few runsc processes as that needs. No Ansible in here."""

from __future__ import annotations

import contextlib
import typing as t

from . import lifecycle, pods
from .annotations import STOP_SIGNAL
from .lifecycle import CREATE, RESTORE, SATISFIED_BY, START, STOPPED
from .observation import Observed
from .planning import Desired, source_bundle
from .runsc import procfs, signals, statedir
from .runsc.client import Runsc
from .runsc.errors import DeadlineError, RunscError, SandboxGoneError, UsageError

DEFAULT_STOP_SIGNAL = "TERM"
RESTORE_SETTLE = 1.0  # seconds in which a restored process that can't live here dies (of SIGILL, for example)

_CREATE_REMEDY = "Raise create_timeout if the host is slow, or try another platform: one that can't work here may hang"
_DEADLINE_REMEDIES = {
    **{step: _CREATE_REMEDY for step in (CREATE, START, RESTORE)},
    **{step: "Raise delete_timeout, or use force" for step in (lifecycle.DELETE, lifecycle.FORCE_DELETE)},
}


class Transition:
    """One way through the steps of a plan."""

    def __init__(self, runsc: Runsc, desired: Desired, before: Observed) -> None:
        self._runsc = runsc
        self._desired = desired
        self._before = before
        self.removed_members: list[str] = []
        self.actions: list[str] = []
        self.warnings: list[str] = []

    def take_all(self, steps: lifecycle.Plan) -> None:
        """Take every step. :raises RunscError: runsc refused one; C(actions) holds those before it."""
        for group in _merged(steps):
            self._take(group)

    def _take(self, steps: lifecycle.Plan) -> None:
        actions: dict[lifecycle.Plan, t.Callable[[], None]] = {
            (CREATE,): self._create,
            (CREATE, START): self._create_and_start,
            (START,): self._start,
            (RESTORE,): self._restore,
            (lifecycle.PAUSE,): lambda: self._runsc.pause(self._desired.name),
            (lifecycle.RESUME,): lambda: self._runsc.resume(self._desired.name),
            (lifecycle.STOP,): self._stop,
            (lifecycle.DELETE,): lambda: self._delete(False),
            (lifecycle.FORCE_DELETE,): lambda: self._delete(True),
        }
        try:
            actions[steps]()
        except DeadlineError as exc:
            exc.remedy = _DEADLINE_REMEDIES.get(steps[0], exc.remedy)
            raise
        self.actions += steps

    def _create(self) -> None:
        wanted = self._desired
        self._runsc.create(
            wanted.name, source_bundle(wanted, self._before), wanted.options, timeout=wanted.create_timeout
        )

    def _create_and_start(self) -> None:
        wanted = self._desired
        self._runsc.run_detached(
            wanted.name, source_bundle(wanted, self._before), wanted.options, timeout=wanted.create_timeout
        )

    def _start(self) -> None:
        self._runsc.start(self._desired.name, self._desired.options, timeout=self._desired.create_timeout)

    def _restore(self) -> None:
        wanted = self._desired
        bundle = source_bundle(wanted, self._before)
        self._runsc.restore(
            wanted.name, bundle, wanted.restore_from or "", wanted.options, timeout=wanted.create_timeout
        )
        record = statedir.find(self._runsc.root, wanted.name)
        if record and procfs.wait_dead(record.pid, RESTORE_SETTLE):
            self._runsc.delete(wanted.name, force=True)
            raise SandboxGoneError(
                f"container {wanted.name!r} died right after it was restored from {wanted.restore_from!r}",
                remedy="Restore with the runsc version, the platform and a CPU like those of the checkpoint",
                container=wanted.name,
            )

    def _stop(self) -> None:
        wanted = self._desired
        signal = wanted.stop_signal or _own_stop_signal(self._before)
        if not self._runsc.stop(wanted.name, signal, grace=wanted.stop_timeout):
            self.warnings.append(
                f"container {wanted.name!r} did not end within {wanted.stop_timeout:g} s after {signal}; it was killed"
            )

    def _delete(self, force: bool) -> None:
        members = pods.members(self._runsc, self._before.record)
        self._runsc.delete(self._desired.name, force=force, timeout=self._desired.delete_timeout)
        self.removed_members = members
        for member in members:
            self._runsc.delete(member, force=True, timeout=self._desired.delete_timeout)

    def check(self, after: Observed) -> None:
        """:raises RunscError: the container is not in the state that was asked for."""
        if after.status in SATISFIED_BY[self._desired.state]:
            return
        if after.status == STOPPED:
            if self._desired.may_end and after.exit_status is not None:
                return
            code = "" if after.exit_status is None else f", with exit code {after.exit_status}"
            raise SandboxGoneError(
                f"container {self._desired.name!r} ended right after it was started{code}",
                remedy="Look at what it wrote (options stdout and stderr), and at its debug log",
                container=self._desired.name,
            )
        raise RunscError(
            f"container {self._desired.name!r} is {after.status} after {', '.join(self.actions)}, not {self._desired.state}",
            remedy="Somebody else may be changing it at the same time",
            container=self._desired.name,
        )


def _merged(steps: lifecycle.Plan) -> list[lifecycle.Plan]:
    """Group the steps by runsc process: creating and starting is one C(run --detach)."""
    groups: list[lifecycle.Plan] = []
    for step in steps:
        if step == START and groups and groups[-1] == (CREATE,):
            groups[-1] = (CREATE, START)
        else:
            groups.append((step,))
    return groups


def _own_stop_signal(before: Observed) -> str:
    """Return the signal that the container's image asks for in an annotation, or TERM."""
    annotations = (before.record.spec.get("annotations") if before.record else None) or {}
    signal = str(annotations.get(STOP_SIGNAL) or "")
    with contextlib.suppress(UsageError):  # whoever wrote the image may have written anything
        signals.number(signal)
        return signal
    return DEFAULT_STOP_SIGNAL
