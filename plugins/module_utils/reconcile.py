# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing a container to the state that was asked for: observe, plan, apply, observe again. No Ansible in here."""

from __future__ import annotations

import contextlib
import os
import typing as t

from . import bundle as bundles
from . import lifecycle
from .files import check_files
from .lifecycle import ABSENT, BROKEN, CREATE, CREATED, RESTORE, SATISFIED_BY, START, STOPPED
from .locks import container_lock
from .runsc import ids, procfs, statedir
from .runsc.client import Runsc
from .runsc.errors import (
    AlreadyExistsError,
    DeadlineError,
    NotFoundError,
    RefusedError,
    RunscError,
    SandboxGoneError,
    StateError,
    UsageError,
)
from .runsc.image_commands import check_image
from .runsc.models import Container
from .runsc.options import CreateOptions
from .spec_drift import Difference, as_diff, flag_differences, spec_differences

NEVER, ON_CHANGE, ALWAYS = "never", "on-change", "always"  # when to replace a container that would do

RESTORE_SETTLE = 1.0  # seconds in which a restored process that can't live here dies (of SIGILL, for example)


class Desired(t.NamedTuple):
    """What is asked for. Times are seconds; C(options) are the files of the container, used when it is made."""

    name: str
    state: str
    bundle: str | None = None
    options: CreateOptions = CreateOptions()
    stop_signal: str = "TERM"
    stop_timeout: float = 10.0
    recreate: str = NEVER
    force: bool = False
    restore_from: str | None = None
    create_timeout: float = 60.0
    delete_timeout: float = 150.0


class Observed(t.NamedTuple):
    """What was found: a status of L(lifecycle.STATUSES), and what runsc and its record say."""

    status: str
    container: Container | None = None
    record: statedir.Record | None = None
    problem: str = ""

    def as_dict(self) -> dict[str, t.Any]:
        """Return the state document with what only the record knows, as plain data."""
        record, container = self.record, self.container
        known: dict[str, t.Any] = dict(container._asdict()) if container else {}
        known["status"] = self.status
        if record:
            known.setdefault("id", record.id)
            known.setdefault("bundle", record.bundle)
            known.update(created=record.created, owner=record.owner, sandbox=record.sandbox)
        if self.problem:
            known["problem"] = self.problem
        return known


class Outcome(t.NamedTuple):
    """What was done, or would be done in check mode."""

    actions: list[str]
    before: Observed
    after: Observed
    differences: list[Difference]
    warnings: list[str]

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


class ReconcileError(Exception):
    """A step failed. Carries the error, what had been done before it, and what is there now."""

    def __init__(self, error: RunscError, actions: t.Sequence[str], found: Observed) -> None:
        super().__init__(str(error))
        self.error = error
        self.actions = list(actions)
        self.found = found


def observe(runsc: Runsc, name: str) -> Observed:
    """Find out what is there, with one runsc process.

    That process is C(state) of this one container, so that another container that hangs under the same root does not
    matter, and the number of containers does not either. An id that runsc can't address is looked up in C(list). One that
    has no record is looked up in the names that runsc itself finds.

    :raises UsageError: the name can't be an id.
    """
    ids.check(name)
    existing = runsc.existing()
    if name not in existing:
        return _observe_missing(runsc, name)
    record = statedir.read(existing[name])
    if record is None:
        return Observed(ABSENT)
    problem = record.problem or _hangs(record)
    if problem:
        return Observed(BROKEN, None, record, problem)
    try:
        container = _state(runsc, name, existing)
    except NotFoundError:
        return Observed(ABSENT)
    except DeadlineError as exc:
        return Observed(BROKEN, None, record, exc.message)
    status = container.status if container.status in lifecycle.STATUSES else BROKEN
    return Observed(status, container, record, "" if status != BROKEN else f"runsc says it is {container.status!r}")


def glance(runsc: Runsc, name: str) -> str | None:
    """Return the status of a container as its record and /proc tell it, without starting a process; for error reports."""
    with contextlib.suppress(RunscError):
        path = runsc.existing().get(name)
        record = statedir.read(path) if path else None
        if record is None:
            return ABSENT
        if record.problem or procfs.is_suspended(record.pid):
            return BROKEN
        return record.status if runsc.is_live(record) else STOPPED
    return None


def _observe_missing(runsc: Runsc, name: str) -> Observed:
    if name not in runsc.ids():
        return Observed(ABSENT)
    if name in runsc.existing():
        return observe(runsc, name)  # somebody made it just now
    raise RefusedError(
        f"runsc lists container {name!r}, but its record is not where it is with the versions known to this collection",
        remedy="Report the runsc version; creating the container again could destroy it",
        container=name,
    )


def _hangs(record: statedir.Record) -> str:
    if procfs.is_suspended(record.pid):
        return f"its sandbox (pid {record.pid}) was stopped by a signal and answers nobody"
    return ""


def _state(runsc: Runsc, name: str, existing: t.Iterable[str]) -> Container:
    try:
        ids.check_addressable(name, existing)
    except RunscError:
        found = [container for container in runsc.list() if container.id == name]
        if not found:
            raise NotFoundError(f"there is no container {name!r}", container=name) from None
        return found[0]
    return runsc.state(name)


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
        steps, differences = _plan(runsc, desired, before)
        if not steps or check_mode:
            return Outcome(list(steps), before, before, differences, [])
        return _apply(runsc, desired, before, steps, differences)
    except RunscError as exc:
        raise ReconcileError(exc, [], before) from exc


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


def _plan(runsc: Runsc, desired: Desired, before: Observed) -> tuple[lifecycle.Plan, list[Difference]]:
    """Return the steps, and the differences between the container and its bundle. Checks what the steps will need."""
    if before.status == BROKEN and desired.state != ABSENT and not desired.force:
        raise StateError(
            f"container {desired.name!r} can't be used: {before.problem}",
            remedy="Remove it with state absent, or let it be replaced with force",
            container=desired.name,
        )
    if before.status == desired.state == ABSENT and procfs.find_sentries(desired.name, runsc.root):
        return (lifecycle.FORCE_DELETE,), []  # its record was lost, and runsc can neither see nor end it
    differences = _differences(runsc, desired, before)
    recreate = desired.recreate == ALWAYS or (desired.recreate == ON_CHANGE and bool(differences))
    steps = lifecycle.plan(
        before.status, desired.state, recreate=recreate, restore=bool(desired.restore_from), force=desired.force
    )
    if CREATE in steps or RESTORE in steps:
        _check_replacement(runsc, desired, before, steps)
    if steps and before.record:
        _check_addressable(runsc, desired.name, steps)
    return steps, differences


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


def _check_replacement(runsc: Runsc, desired: Desired, before: Observed, steps: lifecycle.Plan) -> None:
    """Check all that can be checked about the container to be made, before the one that exists is stopped or deleted."""
    folder = _bundle(desired, before)
    config = bundles.read_config(folder)
    bundles.check_config(config, folder)
    bundles.check_sandbox(config, runsc.root, START in steps)
    ids.check_new(desired.name, runsc.existing())
    runsc.check_flags()
    if desired.restore_from:
        check_image(desired.restore_from, "restore_from")
    check_files(desired.options._asdict())


def _check_addressable(runsc: Runsc, name: str, steps: lifecycle.Plan) -> None:
    """Refuse before the first step what runsc would refuse in the middle of them."""
    if steps[0] != CREATE:
        ids.check_addressable(name, runsc.existing())


def _apply(
    runsc: Runsc, desired: Desired, before: Observed, steps: lifecycle.Plan, differences: list[Difference]
) -> Outcome:
    run = _Run(runsc, desired, before)
    try:
        for step in _merged(steps):
            run.take(step)
        after = observe(runsc, desired.name)
        run.check(after)
    except RunscError as exc:
        raise ReconcileError(exc, run.actions, _observe_after_failure(runsc, desired.name)) from exc
    return Outcome(run.actions, before, after, differences, run.warnings)


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


class _Run:
    """One way through the steps."""

    def __init__(self, runsc: Runsc, desired: Desired, before: Observed) -> None:
        self._runsc = runsc
        self._desired = desired
        self._before = before
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
        actions[steps]()
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
        if not self._runsc.stop(wanted.name, wanted.stop_signal, grace=wanted.stop_timeout):
            self.warnings.append(
                f"container {wanted.name!r} did not end within {wanted.stop_timeout:g} s after"
                f" {wanted.stop_signal}; it was killed"
            )

    def _delete(self, force: bool) -> None:
        self._runsc.delete(self._desired.name, force=force, timeout=self._desired.delete_timeout)

    def check(self, after: Observed) -> None:
        """:raises RunscError: the container is not in the state that was asked for."""
        if after.status in SATISFIED_BY[self._desired.state]:
            return
        if after.status == STOPPED:
            raise SandboxGoneError(
                f"container {self._desired.name!r} ended right after it was started",
                remedy="Look at what it wrote (options stdout and stderr), and at its debug log",
                container=self._desired.name,
            )
        raise RunscError(
            f"container {self._desired.name!r} is {after.status} after {', '.join(self.actions)}, not {self._desired.state}",
            remedy="Somebody else may be changing it at the same time",
            container=self._desired.name,
        )
