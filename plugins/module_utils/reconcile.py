# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing containers to the states that were asked for: observe, plan, apply, observe again. No Ansible in here.

One container is a list of one. All that concerns only itself is the same for one and for hundreds; what can be shared is:
the look at what is there before, and the one afterwards.
"""

from __future__ import annotations

import contextlib
import os
import time
import typing as t

from . import lifecycle
from .lifecycle import ABSENT, BROKEN, CREATE, CREATED, RESTORE, STOPPED
from .locks import container_lock
from .observation import Observed, glance, observe, observe_all
from .parallel import CONTINUE, SERIAL, STOP, Batch, for_each
from .planning import Desired, Planned, Planner, check_desired
from .pod_order import Pods, with_sandbox
from .reconcile_error import ReconcileError
from .runsc import ids, procfs
from .runsc.client import Runsc
from .runsc.errors import AlreadyExistsError, RunscError
from .spec_drift import Difference, as_diff
from .transition import Transition

# So many containers are locked, and kept in memory, at the same time. A lock is an open file, and often 1024 are allowed.
CHUNK = 200
PROCESS_AGE = 1.0  # seconds for which a look at all processes is good enough, where many containers are made


class Outcome(t.NamedTuple):
    """What was done, or would be done in check mode."""

    actions: list[str]
    before: Observed
    after: Observed
    differences: t.Sequence[Difference]
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


# What became of a container: an error, or None if it was not begun because another one had failed.
Result = t.Union[Outcome, ReconcileError, RunscError, None]
Report = t.Callable[[Desired, Result], None]


def converge(runsc: Runsc, desired: Desired, *, check_mode: bool = False) -> Outcome:
    """Bring a container to the desired state; in check mode only say what that would take.

    :raises UsageError: what is asked for makes no sense, found before anything is touched.
    :raises ReconcileError: a step failed, or the result is not what was asked.
    """
    results: list[Result] = []
    converge_all(runsc, [desired], lambda _desired, result: results.append(result), check_mode=check_mode)
    (result,) = results
    if isinstance(result, Exception):
        raise result
    return t.cast(Outcome, result)


def converge_all(
    runsc: Runsc,
    wanted: t.Sequence[Desired],
    report: Report,
    *,
    check_mode: bool = False,
    batch: Batch = Batch(),
    first: t.Sequence[t.Sequence[Desired]] = (),
) -> None:
    """Bring containers to their desired states, each exactly as L(converge) does, and report what became of each.

    The first container of a sandbox is done before the others in it, whatever their order. What was reported is not kept.

    :param report: called in this thread, once for each container.
    :param first: containers that are to be done before, one list after the other.
    :raises UsageError: what is asked for makes no sense, found before anything is touched.
    """
    for desired in wanted:
        ids.check(desired.name)
        check_desired(desired)
    task = _Task(runsc, report, check_mode, batch)
    for some in (*first, wanted):
        task.converge_all(some)


class _Item:
    """One container of a task, and how far it is.

    :ivar before: what was found at first.
    :ivar now: the same, or what became of it since by the steps of the container whose sandbox it shares: C(done).
    """

    def __init__(self, desired: Desired) -> None:
        self.desired = desired
        self.before = Observed(ABSENT)
        self.now = self.before
        self.done: lifecycle.Plan = ()
        self.planned = Planned(())
        self.transition: Transition | None = None
        self.result: Result = None
        self.is_open = True

    def end(self, result: Result) -> None:
        """Nothing more is to be done."""
        self.result = result
        self.is_open = False

    def fail(self, error: RunscError, found: Observed) -> None:
        """It ends with an error."""
        self.end(ReconcileError(error, self.actions, found))

    @property
    def actions(self) -> list[str]:
        """What was done so far."""
        return [*self.done, *(self.transition.actions if self.transition else ())]

    def outcome(self, steps: t.Sequence[str], after: Observed) -> Outcome:
        """Return what was done, or would be."""
        planned, taken = self.planned, self.transition
        warnings = [*planned.warnings, *(taken.warnings if taken else ())]
        removed = taken.removed_members if taken else planned.members
        return Outcome([*self.done, *steps], self.before, after, planned.differences, warnings, removed)


class _Task:
    """Containers that are worked on together."""

    def __init__(self, runsc: Runsc, report: Report, check_mode: bool, batch: Batch) -> None:
        self._runsc = runsc
        self._report = report
        self._check_mode = check_mode
        self._batch = batch
        self._planner = Planner(runsc, check_mode=check_mode)
        self._has_failed = False
        self._sandboxes: dict[str, _Item] = {}  # those in which others of the task live
        self._members: dict[str, Observed] = {}  # what was found of these before

    def converge_all(self, wanted: t.Sequence[Desired]) -> None:
        pods = Pods(self._runsc, self._planner, wanted)
        for wave in pods.waves():
            for start in range(0, len(wave), CHUNK):
                self._converge([_Item(desired) for desired in wave[start : start + CHUNK]], pods)

    def _converge(self, items: list[_Item], pods: Pods) -> None:
        with contextlib.ExitStack() as locks:
            self._lock(items, locks)
            # No older than the locks: who began to make one of these containers before is to be seen.
            self._runsc.processes = procfs.Processes(PROCESS_AGE if len(items) > 1 else 0.0)
            self._observe(items, pods)
            self._planner.look()
            for item in _open(items):
                self._plan(item, pods)
            self._note_failures(items)
            try:
                self._apply(_open(items))
            except KeyboardInterrupt:
                if len(items) > 1:
                    self._give_up(items)
                raise
            self._verify(_open(items))
        self._note_failures(items)
        self._tell(items)

    def _note_failures(self, items: list[_Item]) -> None:
        self._has_failed = self._has_failed or any(isinstance(item.result, Exception) for item in items)

    def _tell(self, items: list[_Item]) -> None:
        for item in items:
            self._report(item.desired, item.result)

    def _give_up(self, items: list[_Item]) -> None:
        """Tell after an interruption what was done until then, and what was not."""
        for item in _open(items):
            if item.transition is None:
                item.end(None)
            elif item.transition.actions != list(item.planned.steps):
                item.fail(RunscError("interrupted; what was under way was undone"), item.now)
        self._verify(_open(items))
        self._tell(items)

    def _lock(self, items: list[_Item], locks: contextlib.ExitStack) -> None:
        """Take the locks of the containers in which something may change, in the order of their names: so nobody who has one
        waits for another one that is held by somebody who waits for the first. To look for nothing in a root that does not
        exist takes none.
        """
        if self._check_mode:
            return
        has_root = os.path.isdir(self._runsc.root)
        items = [item for item in items if has_root or item.desired.state not in (ABSENT, STOPPED)]
        # Another task may be busy with a list like this one.
        turns = -(-len(items) // self._batch.parallel)
        patience = turns * max((_patience(item.desired) for item in items), default=0.0)
        began = time.monotonic()
        for item in sorted(items, key=lambda item: item.desired.name):
            waited = time.monotonic() - began
            lock = container_lock(self._runsc.root, item.desired.name, max(0.0, patience - waited), waited)
            try:
                locks.enter_context(lock)
            except RunscError as exc:
                item.end(exc)

    def _observe(self, items: list[_Item], pods: Pods) -> None:
        names = [item.desired.name for item in _open(items)]
        found = observe_all(self._runsc, [*names, *pods.members(names)], self._batch.parallel)
        self._members.update(
            (name, seen) for name, seen in found.items() if isinstance(seen, Observed) and name not in names
        )
        for item in _open(items):
            seen = self._settled(item.desired.name, found[item.desired.name])
            if isinstance(seen, RunscError):
                item.end(seen)
            else:
                item.before = item.now = seen
        for name in pods.sandboxes.intersection(names):
            self._sandboxes[name] = next(item for item in items if item.desired.name == name)

    def _settled(self, name: str, found: Observed | RunscError) -> Observed | RunscError:
        """Where a runsc that a killed task left behind is still making the container, wait for it, and look again."""
        if isinstance(found, Observed) and found.status in (ABSENT, CREATED) and self._runsc.await_creators(name):
            return observe(self._runsc, name)
        return found

    def _plan(self, item: _Item, pods: Pods) -> None:
        """Plan, and end what needs no steps."""
        sandbox = self._follow(item, pods)
        try:
            item.planned = self._planner.plan(item.desired, item.now, sandbox)
        except RunscError as exc:
            item.fail(exc, item.now)
        except (OSError, ValueError) as exc:
            item.end(_refused(exc, item.desired.name))
        else:
            if self._check_mode:
                self._planner.assume_gone([*item.planned.members, *_removed(item)])
                item.end(item.outcome(item.planned.steps, item.before))
            elif not item.planned.steps:
                item.end(item.outcome((), item.now))

    def _follow(self, item: _Item, pods: Pods) -> str | None:
        """Take over what became of a container with the steps of the one whose sandbox it shares.

        :returns: the status of that one, if it is a prediction.
        """
        root = self._sandboxes.get(pods.sandbox_of(item.desired.name))
        if root is None:
            return None
        steps = root.planned.steps if self._check_mode else tuple(root.actions)
        earlier = self._members.get(item.desired.name, item.before)
        item.done, status = with_sandbox(earlier.status, steps)
        if item.done:
            item.before = earlier
            now = Observed(status, earlier.container) if self._check_mode else item.now
            item.now = now._replace(record=now.record or earlier.record)
        if not self._check_mode or isinstance(root.result, Exception):
            return None
        return lifecycle.simulate(root.before.status, steps)

    def _apply(self, items: list[_Item]) -> None:
        on_failure = self._batch.on_failure
        if self._has_failed and on_failure == STOP:
            left = items
        else:
            workers = 1 if self._has_failed and on_failure == SERIAL else self._batch.parallel
            left = for_each(items, self._transition, workers, on_failure)
        for item in left:
            item.end(None)

    def _transition(self, item: _Item) -> bool:
        """Take the steps; in one of several threads. Return whether they succeeded."""
        try:
            self._take(item)
        except RunscError as exc:
            item.fail(exc, _observe_after_failure(self._runsc, item.desired.name))
        except (OSError, ValueError) as exc:
            item.end(_refused(exc, item.desired.name))
        return not isinstance(item.result, Exception)

    def _take(self, item: _Item) -> None:
        item.transition = Transition(self._runsc, item.desired, item.now)
        try:
            item.transition.take_all(item.planned.steps)
        except AlreadyExistsError:
            if item.actions:
                raise
            # What a killed task left behind made the container between our look and our step.
            self._take_again(item)
        if self._batch.on_failure != CONTINUE and glance(self._runsc, item.desired.name) == STOPPED:
            item.transition.check(observe(self._runsc, item.desired.name))

    def _take_again(self, item: _Item) -> None:
        item.before = item.now = observe(self._runsc, item.desired.name)
        self._planner.look()
        item.planned = self._planner.plan(item.desired, item.now)
        item.transition = Transition(self._runsc, item.desired, item.now)
        item.transition.take_all(item.planned.steps)

    def _verify(self, items: list[_Item]) -> None:
        """Look at what came of it."""
        found = observe_all(self._runsc, [item.desired.name for item in items], self._batch.parallel)
        for item in items:
            after = found[item.desired.name]
            try:
                if isinstance(after, RunscError):
                    raise after
                if item.transition:
                    item.transition.check(after)
            except RunscError as exc:
                item.fail(exc, _observe_after_failure(self._runsc, item.desired.name))
            else:
                item.end(item.outcome(item.transition.actions if item.transition else (), after))


def _open(items: list[_Item]) -> list[_Item]:
    return [item for item in items if item.is_open]


def _patience(desired: Desired) -> float:
    """Return how long another task may be busy with a container."""
    return desired.create_timeout + desired.delete_timeout + desired.stop_timeout


def _removed(item: _Item) -> list[str]:
    after = lifecycle.simulate(item.now.status, item.planned.steps)
    return [item.desired.name] if after == ABSENT else []


def _refused(error: Exception, name: str) -> RunscError:
    """Return the error for a full disk, or a path with a NUL character: nothing that runsc said."""
    return RunscError(f"the host refused: {error}", container=name)


def _observe_after_failure(runsc: Runsc, name: str) -> Observed:
    try:
        return observe(runsc, name)
    except RunscError as exc:
        return Observed(BROKEN, problem=exc.message)
