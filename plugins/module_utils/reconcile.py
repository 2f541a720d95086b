# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing a container to the state that was asked for: observe, plan, apply, observe again. No Ansible in here."""

from __future__ import annotations

import contextlib
import os
import typing as t

from . import bundle as bundles
from . import lifecycle, pods
from .annotations import STOP_SIGNAL
from .files import check_files
from .images import check_restorable
from .lifecycle import ABSENT, BROKEN, CREATE, CREATED, RESTORE, RUNNING, SATISFIED_BY, START, STOPPED
from .locks import container_lock
from .observation import Observed, observe
from .runsc import ids, procfs, signals, statedir
from .runsc.client import Runsc
from .runsc.errors import (
    AlreadyExistsError,
    DeadlineError,
    RunscError,
    SandboxGoneError,
    StateError,
    UsageError,
)
from .runsc.options import CreateOptions
from .spec_drift import Difference, as_diff, flag_differences, spec_differences

NEVER, ON_CHANGE, ALWAYS = "never", "on-change", "always"  # when to replace a container that would do

DEFAULT_STOP_SIGNAL = "TERM"
RESTORE_SETTLE = 1.0  # seconds in which a restored process that can't live here dies (of SIGILL, for example)


class Desired(t.NamedTuple):
    """What is asked for. Times are seconds; C(options) are the files of the container, used when it is made.

    :param may_end: a command that has ended already is as good as one that runs, if its exit code was kept.
    """

    name: str
    state: str
    bundle: str | None = None
    options: CreateOptions = CreateOptions()
    stop_signal: str | None = None
    stop_timeout: float = 10.0
    recreate: str = NEVER
    force: bool = False
    restore_from: str | None = None
    create_timeout: float = 60.0
    delete_timeout: float = 150.0
    may_end: bool = False


class Outcome(t.NamedTuple):
    """What was done, or would be done in check mode."""

    actions: list[str]
    before: Observed
    after: Observed
    differences: list[Difference]
    warnings: list[str]
    removed_members: t.Sequence[str] = ()

    @property
    def changed(self) -> bool:
        """Whether anything was done, or would be."""
        return bool(self.actions)

    def diff(self, status: str) -> dict[str, t.Any]:
        """Return before and after for C(--diff); C(status) is what the container ends as."""
        before: dict[str, t.Any] = {"status": self.before.status}
        after: dict[str, t.Any] = {"status": status}
        if CREATE in self.actions or RESTORE in self.actions:
            old, new = as_diff(self.differences)
            before.update(old)
            after.update(new)
        return {"before": before, "after": after}


_CREATE_REMEDY = "Raise create_timeout if the host is slow, or try another platform: one that can't work here may hang"
_DEADLINE_REMEDIES = {
    **{step: _CREATE_REMEDY for step in (CREATE, START, RESTORE)},
    **{step: "Raise delete_timeout, or use force" for step in (lifecycle.DELETE, lifecycle.FORCE_DELETE)},
}


class ReconcileError(Exception):
    """A step failed. Carries the error, what had been done before it, and what is there now."""

    def __init__(self, error: RunscError, actions: t.Sequence[str], found: Observed) -> None:
        super().__init__(str(error))
        self.error = error
        self.actions = list(actions)
        self.found = found


def converge(runsc: Runsc, desired: Desired, *, check_mode: bool = False) -> Outcome:
    """Bring a container to the desired state; in check mode only say what that would take.

    :raises UsageError: what is asked for makes no sense, found before anything is touched.
    :raises ReconcileError: a step failed, or the result is not what was asked.
    """
    _check_desired(desired)
    with _locked(runsc, desired, check_mode):
        try:
            return _converge(runsc, desired, check_mode)
        except ReconcileError as exc:
            if not isinstance(exc.error, AlreadyExistsError) or exc.actions:
                raise
        # What a killed task left behind made the container between our look and our step.
        return _converge(runsc, desired, check_mode)


def _converge(runsc: Runsc, desired: Desired, check_mode: bool) -> Outcome:
    before = _observe_settled(runsc, desired.name)
    try:
        if check_mode and _lacks_bundle(desired, before):
            return _predict_without_bundle(desired, before)
        steps, differences, warnings = _plan(runsc, desired, before)
        if not steps or check_mode:
            return Outcome(list(steps), before, before, differences, warnings, _doomed(runsc, before, steps))
        outcome = _apply(runsc, desired, before, steps, differences)
        return outcome._replace(warnings=[*warnings, *outcome.warnings])
    except RunscError as exc:
        raise ReconcileError(exc, [], before) from exc


def _lacks_bundle(desired: Desired, before: Observed) -> bool:
    """Whether the container has yet to be made, of a bundle that is not there: an earlier task may be about to make it."""
    is_made_now = before.status == ABSENT and desired.state not in (ABSENT, STOPPED)
    return is_made_now and bundles.is_to_come(desired.bundle or "")


def _predict_without_bundle(desired: Desired, before: Observed) -> Outcome:
    """Say what would be done with a bundle that will be there. Only check mode may hope so."""
    steps = lifecycle.plan(before.status, desired.state, restore=bool(desired.restore_from), force=desired.force)
    return Outcome(list(steps), before, before, [], [bundles.to_come(desired.bundle or "")])


def _observe_settled(runsc: Runsc, name: str) -> Observed:
    """Observe; where a runsc that a killed task left behind is still making the container, wait for it first."""
    found = observe(runsc, name)
    if found.status in (ABSENT, CREATED) and runsc.await_creators(name):
        return observe(runsc, name)
    return found


def _check_desired(desired: Desired) -> None:
    if desired.restore_from and desired.state == CREATED:
        raise UsageError(
            "restore_from: a restored container runs, and state is 'created'", remedy="Use state running or paused"
        )


def _locked(runsc: Runsc, desired: Desired, check_mode: bool) -> t.ContextManager[None]:
    """The lock of the container, where something may change. Looking for nothing in a root that does not exist needs none."""
    if check_mode or (desired.state in (ABSENT, STOPPED) and not os.path.isdir(runsc.root)):
        return contextlib.nullcontext()
    patience = desired.create_timeout + desired.delete_timeout + desired.stop_timeout
    ids.check(desired.name)
    return container_lock(runsc.root, desired.name, patience)


def _plan(runsc: Runsc, desired: Desired, before: Observed) -> tuple[lifecycle.Plan, list[Difference], list[str]]:
    """Return the steps, the differences between the container and its bundle, and warnings. Checks what the steps need."""
    if before.status == BROKEN and desired.state != ABSENT and not desired.force:
        raise StateError(
            f"container {desired.name!r} can't be used: {before.problem}",
            remedy="Remove it with state absent, or let it be replaced with force",
            container=desired.name,
        )
    if before.status == desired.state == ABSENT and procfs.find_sentries(desired.name, runsc.root):
        return (lifecycle.FORCE_DELETE,), [], []  # its record was lost, and runsc can neither see nor end it
    if desired.may_end and before.status == STOPPED and before.exit_status is not None:
        return (), [], []  # it ran to its end, and how it ended is known
    differences = _differences(runsc, desired, before)
    recreate = desired.recreate == ALWAYS or (desired.recreate == ON_CHANGE and bool(differences))
    # A frozen sandbox can't be ended in order, but nobody minds when it is to go with all that is in it.
    force = desired.force or (desired.state == ABSENT and _is_frozen_with_members(runsc, before))
    steps = lifecycle.plan(
        before.status, desired.state, recreate=recreate, restore=bool(desired.restore_from), force=force
    )
    if before.record and not force and (steps or desired.state == RUNNING):
        pods.check_not_frozen(runsc, before.record)
    made = CREATE in steps or RESTORE in steps
    warnings = _check_replacement(runsc, desired, before, steps) if made else []
    if steps and before.record:
        _check_addressable(runsc, desired.name, steps)
    return steps, differences, warnings


def _is_frozen_with_members(runsc: Runsc, before: Observed) -> bool:
    record = before.record
    return record is not None and bool(pods.members(runsc, record)) and bool(pods.frozen_by(runsc, record))


def _doomed(runsc: Runsc, before: Observed, steps: lifecycle.Plan) -> list[str]:
    """Return the containers that are removed as well: runsc leaves the records of those whose sandbox is deleted."""
    return [] if {lifecycle.DELETE, lifecycle.FORCE_DELETE}.isdisjoint(steps) else pods.members(runsc, before.record)


def _differences(runsc: Runsc, desired: Desired, before: Observed) -> list[Difference]:
    record = before.record
    if not record or record.problem or desired.state in (ABSENT, STOPPED):
        return []
    if not desired.bundle and desired.recreate != ON_CHANGE:
        return []
    folder = desired.bundle or record.bundle
    try:
        config = bundles.read_config(folder)
    except UsageError:
        if desired.recreate != ON_CHANGE:
            return []  # the container is there and may stay; what its bundle says matters to nobody
        raise
    differences = spec_differences(record, config, folder)
    if desired.recreate == ON_CHANGE and before.status != STOPPED:
        differences += flag_differences(runsc, record)
    return differences


def _bundle(desired: Desired, before: Observed) -> str:
    """Return the bundle to make the container from: the one asked for, or the one that it came from."""
    folder = desired.bundle or (before.record.bundle if before.record else "")
    if not folder:
        raise UsageError(
            f"bundle: none given, and container {desired.name!r} has to be created",
            remedy="Give the folder of an OCI bundle",
        )
    if not os.path.isabs(folder):
        raise UsageError(f"bundle: {folder!r} is not absolute", remedy="Give an absolute path")
    return folder


def _check_replacement(runsc: Runsc, desired: Desired, before: Observed, steps: lifecycle.Plan) -> list[str]:
    """Check all that can be checked about the container to be made, before the one that exists is stopped or deleted.

    :returns: warnings.
    """
    folder = _bundle(desired, before)
    config = bundles.read_config(folder)
    bundles.check_config(config, folder)
    bundles.check_sandbox(config, runsc.root, START in steps)
    if desired.options.keep_exit_status and bundles.is_member(config):
        raise UsageError(
            f"keep_exit_status: container {desired.name!r} is a member of another one's sandbox",
            remedy="Leave it out: runsc_wait knows how a member ended, as long as the sandbox lives",
        )
    ids.check_new(desired.name, runsc.existing())
    runsc.check_flags()
    check_files({name: path for name, path in desired.options._asdict().items() if name != "keep_exit_status"})
    return check_restorable(runsc, desired.restore_from, config) if desired.restore_from else []


def _check_addressable(runsc: Runsc, name: str, steps: lifecycle.Plan) -> None:
    """Refuse before the first step what runsc would refuse in the middle of them."""
    if steps[0] != CREATE:
        ids.check_addressable(name, runsc.existing())


def _apply(
    runsc: Runsc, desired: Desired, before: Observed, steps: lifecycle.Plan, differences: list[Difference]
) -> Outcome:
    run = _Run(runsc, desired, before, _doomed(runsc, before, steps))
    try:
        for step in _merged(steps):
            run.take(step)
        after = observe(runsc, desired.name)
        run.check(after)
    except RunscError as exc:
        raise ReconcileError(exc, run.actions, _observe_after_failure(runsc, desired.name)) from exc
    return Outcome(run.actions, before, after, differences, run.warnings, run.members)


def _merged(steps: lifecycle.Plan) -> list[lifecycle.Plan]:
    """Group the steps by runsc process: creating and starting is one C(run --detach)."""
    groups: list[lifecycle.Plan] = []
    for step in steps:
        if step == START and groups and groups[-1] == (CREATE,):
            groups[-1] = (CREATE, START)
        else:
            groups.append((step,))
    return groups


def _observe_after_failure(runsc: Runsc, name: str) -> Observed:
    try:
        return observe(runsc, name)
    except RunscError as exc:
        return Observed(BROKEN, problem=exc.message)


def _own_stop_signal(before: Observed) -> str:
    """Return the signal that the container's image asks for in an annotation, or TERM."""
    annotations = (before.record.spec.get("annotations") if before.record else None) or {}
    signal = str(annotations.get(STOP_SIGNAL) or "")
    with contextlib.suppress(UsageError):  # whoever wrote the image may have written anything
        signals.number(signal)
        return signal
    return DEFAULT_STOP_SIGNAL


class _Run:
    """One way through the steps."""

    def __init__(self, runsc: Runsc, desired: Desired, before: Observed, members: list[str]) -> None:
        self._runsc = runsc
        self._desired = desired
        self._before = before
        self.members = members
        self.actions: list[str] = []
        self.warnings: list[str] = []

    def take(self, steps: lifecycle.Plan) -> None:
        """Take a group of steps. :raises RunscError: runsc refused."""
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
        self._runsc.create(wanted.name, _bundle(wanted, self._before), wanted.options, timeout=wanted.create_timeout)

    def _create_and_start(self) -> None:
        wanted = self._desired
        self._runsc.run_detached(
            wanted.name, _bundle(wanted, self._before), wanted.options, timeout=wanted.create_timeout
        )

    def _start(self) -> None:
        self._runsc.start(self._desired.name, self._desired.options, timeout=self._desired.create_timeout)

    def _restore(self) -> None:
        wanted = self._desired
        bundle = _bundle(wanted, self._before)
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
        self._runsc.delete(self._desired.name, force=force, timeout=self._desired.delete_timeout)
        for member in self.members:
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
