# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would have to be done to bring a container to the state that was asked for, and whether it can be. No Ansible in here.

Only looks, and starts no process: what was found out about the container is given.
"""

from __future__ import annotations

import os
import typing as t

from . import bundle as bundles
from . import lifecycle, pods
from .files import check_files
from .lifecycle import ABSENT, BROKEN, CREATE, CREATED, PAUSED, RESTORE, RUNNING, START, STOPPED
from .observation import Observed
from .runsc import ids, procfs
from .runsc.client import Runsc
from .runsc.errors import StateError, UsageError
from .runsc.options import CreateOptions
from .spec_drift import Difference, flag_differences, spec_differences

NEVER, ON_CHANGE, ALWAYS = "never", "on-change", "always"  # when to replace a container that would do


class Desired(t.NamedTuple):
    """What is asked for. Times are seconds; C(options) are the files of the container, used when it is made.

    :param may_end: a command that has ended already is as good as one that runs, if its exit code was kept.
    :param only_if: asked about what was found; where it says no, nothing is done.
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
    only_if: t.Callable[[Observed], bool] | None = None


class Planned(t.NamedTuple):
    """The steps, where the container differs from its bundle, and what else is to be known.

    :param members: the containers that are removed as well: runsc leaves the records of those whose sandbox is deleted.
    """

    steps: lifecycle.Plan
    differences: t.Sequence[Difference] = ()
    warnings: t.Sequence[str] = ()
    members: t.Sequence[str] = ()


def check_desired(desired: Desired) -> None:
    """:raises UsageError: what is asked for makes no sense."""
    if desired.restore_from and desired.state == CREATED:
        raise UsageError(
            "restore_from: a restored container runs, and state is 'created'", remedy="Use state running or paused"
        )


class Planner:
    """Makes the plans of one task.

    :param check_mode: a bundle that is not there is hoped for, since an earlier task may be about to make it.
    """

    def __init__(self, runsc: Runsc, *, check_mode: bool = False) -> None:
        self._runsc = runsc
        self._check_mode = check_mode
        self._bundles = bundles.Reader()
        self._gone: set[str] = set()
        self._existing: dict[str, str] = {}

    def look(self) -> None:
        """Look which containers exist. The plans are made for what is there at this moment."""
        existing = self._runsc.existing()
        self._existing = {name: path for name, path in existing.items() if name not in self._gone}

    def assume_gone(self, names: t.Iterable[str]) -> None:
        """Plan as if these containers had been removed already."""
        for name in names:
            self._gone.add(name)
            self._existing.pop(name, None)

    def sandbox_of(self, desired: Desired) -> str:
        """Return the sandbox that the container is to live in as a member, by its bundle; nothing if it gets its own."""
        if not desired.bundle or desired.state in (ABSENT, STOPPED):
            return ""
        try:
            return bundles.sandbox_of(self._bundles.read(desired.bundle))
        except UsageError:
            return ""  # who makes the plan says what is wrong with it

    def plan(self, desired: Desired, before: Observed, sandbox: str | None = None) -> Planned:
        """Return what is to be done.

        :param sandbox: the status that the first container of its sandbox gets before, if that is only a prediction.
        :raises RunscError: it can't be done, as far as that can be known before.
        """
        if desired.only_if and not desired.only_if(before):
            return Planned(())
        if self._check_mode and self._lacks_bundle(desired, before):
            return self._hope(desired, before)
        if before.status == BROKEN and desired.state != ABSENT and not desired.force:
            raise StateError(
                f"container {desired.name!r} can't be used: {before.problem}",
                remedy="Remove it with state absent, or let it be replaced with force",
                container=desired.name,
            )
        if before.status == desired.state == ABSENT and procfs.find_sentries(
            desired.name, self._runsc.root, self._runsc.processes
        ):
            return Planned((lifecycle.FORCE_DELETE,))  # its record was lost, and runsc can neither see nor end it
        if desired.may_end and before.status == STOPPED and before.exit_status is not None:
            return Planned(())  # it ran to its end, and how it ended is known
        differences = self._differences(desired, before)
        recreate = desired.recreate == ALWAYS or (desired.recreate == ON_CHANGE and bool(differences))
        # A frozen sandbox can't be ended in order, but nobody minds when it is to go with all that is in it.
        force = desired.force or (desired.state == ABSENT and self._is_frozen_with_members(before))
        steps = lifecycle.plan(
            before.status, desired.state, recreate=recreate, restore=bool(desired.restore_from), force=force
        )
        if (steps or desired.state == RUNNING) and not (force and self._takes_all_along(before)):
            self._check_not_frozen(before, sandbox)
        made = CREATE in steps or RESTORE in steps
        warnings = self._check_replacement(desired, before, steps, sandbox) if made else []
        if steps and before.record and steps[0] != CREATE:
            # Refused before the first step what runsc would refuse in the middle of them.
            ids.check_addressable(desired.name, self._existing)
        return Planned(steps, differences, warnings, self._doomed(before, steps))

    def _lacks_bundle(self, desired: Desired, before: Observed) -> bool:
        """Whether the container has yet to be made, of a bundle that is not there."""
        is_made_now = before.status == ABSENT and desired.state not in (ABSENT, STOPPED)
        return is_made_now and bundles.is_to_come(desired.bundle or "")

    def _hope(self, desired: Desired, before: Observed) -> Planned:
        """Say what would be done with a bundle that will be there."""
        steps = lifecycle.plan(before.status, desired.state, restore=bool(desired.restore_from), force=desired.force)
        return Planned(steps, warnings=[bundles.to_come(desired.bundle or "")])

    def _is_frozen_with_members(self, before: Observed) -> bool:
        record = before.record
        if record is None or not pods.members(self._runsc, record, self._existing):
            return False
        return bool(pods.frozen_by(self._runsc, record, self._existing))

    def _takes_all_along(self, before: Observed) -> bool:
        """Whether its sandbox ends with it. A frozen member does not end, not even by force, while its sandbox goes on."""
        return before.record is None or before.record.is_sandbox_root

    def _check_not_frozen(self, before: Observed, sandbox: str | None) -> None:
        record = before.record
        if record is None:
            return
        if sandbox is None:
            pods.check_not_frozen(self._runsc, record, self._existing)
        elif sandbox == PAUSED:
            raise pods.frozen(record.id, record.sandbox)

    def _doomed(self, before: Observed, steps: lifecycle.Plan) -> t.Sequence[str]:
        if {lifecycle.DELETE, lifecycle.FORCE_DELETE}.isdisjoint(steps):
            return []
        return pods.members(self._runsc, before.record, self._existing)

    def _differences(self, desired: Desired, before: Observed) -> list[Difference]:
        record = before.record
        if not record or record.problem or desired.state in (ABSENT, STOPPED):
            return []
        if not desired.bundle and desired.recreate != ON_CHANGE:
            return []
        folder = desired.bundle or record.bundle
        try:
            config = self._bundles.read(folder)
        except UsageError:
            if desired.recreate != ON_CHANGE:
                return []  # the container is there and may stay; what its bundle says matters to nobody
            raise
        differences = spec_differences(record, config, folder)
        if desired.recreate == ON_CHANGE and before.status != STOPPED:
            differences += flag_differences(self._runsc, record)
        return differences

    def _check_replacement(
        self, desired: Desired, before: Observed, steps: lifecycle.Plan, sandbox: str | None
    ) -> list[str]:
        """Check all that can be checked about the container to be made, before the one that exists is stopped or deleted.

        :returns: warnings.
        """
        folder = source_bundle(desired, before)
        config = self._bundles.check(folder)
        warnings = bundles.names_other_sandbox(config, desired.name)
        if sandbox is None:
            warnings += self._check_sandbox(config, START in steps)
        if desired.options.keep_exit_status and bundles.is_member(config):
            raise UsageError(
                f"keep_exit_status: container {desired.name!r} is a member of another one's sandbox",
                remedy="Leave it out: runsc_wait knows how a member ended, as long as the sandbox lives",
            )
        ids.check_new(desired.name, self._existing)
        self._runsc.check_flags()
        check_files({name: path for name, path in desired.options._asdict().items() if name != "keep_exit_status"})
        if desired.restore_from:
            from .images import check_restorable  # modules are compiled anew in each task, so only where it is needed

            warnings += check_restorable(self._runsc, desired.restore_from, config)
        return warnings

    def _check_sandbox(self, config: t.Mapping[str, t.Any], start: bool) -> list[str]:
        """Check that the sandbox of a member is there. In check mode an earlier task may be about to make it."""
        try:
            bundles.check_sandbox(config, self._runsc.root, start)
        except UsageError as exc:
            if not self._check_mode:
                raise
            return [f"{exc.message}; the prediction is that an earlier task sees to that"]
        return []


def source_bundle(desired: Desired, before: Observed) -> str:
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
