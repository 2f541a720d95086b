# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding out the status of containers, in a way that neither hangs nor is fooled. No Ansible in here."""

from __future__ import annotations

import contextlib
import typing as t

from . import lifecycle
from .lifecycle import ABSENT, BROKEN, STOPPED
from .parallel import for_each
from .runsc import exit_status, ids, procfs, statedir
from .runsc.client import Runsc
from .runsc.errors import DeadlineError, NotFoundError, RefusedError, RunscError
from .runsc.models import Container


class Observed(t.NamedTuple):
    """What was found: a status of L(lifecycle.STATUSES), and what runsc and its record say."""

    status: str
    container: Container | None = None
    record: statedir.Record | None = None
    problem: str = ""
    exit_status: int | None = None

    def as_dict(self) -> dict[str, t.Any]:
        """Return the state document with what only the record knows, as plain data."""
        record, container = self.record, self.container
        known: dict[str, t.Any] = dict(container._asdict()) if container else {}
        known["status"] = self.status
        if record:
            known.setdefault("id", record.id)
            known.setdefault("bundle", record.bundle)
            known.update(created=record.created, owner=record.owner, sandbox=record.sandbox)
            known["exit_status"] = self.exit_status
        if self.problem:
            known["problem"] = self.problem
        return known


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
    known = _without_asking(record)
    if known:
        return known
    try:
        container = _state(runsc, name, existing)
    except NotFoundError:
        return Observed(ABSENT)
    except DeadlineError as exc:
        return Observed(BROKEN, None, record, exc.message)
    return _observed(runsc, container, record)


def observe_all(runsc: Runsc, names: t.Sequence[str], workers: int = 1) -> dict[str, Observed | RunscError]:
    """Find out what is there of many, with as few runsc processes as possible: one C(list) for all that exist, and one that
    contacts no sandbox for all that do not.

    Where a container under the root hangs or can't be read, C(list) would hang or hide it. Then each is observed by itself.

    :returns: for each name what was found, or why that could not be.
    """
    if len(names) == 1:
        return {names[0]: _observe_or_fail(runsc, names[0])}
    existing = runsc.existing()
    found: dict[str, Observed | RunscError] = {}
    found.update(_observe_all_missing(runsc, [name for name in names if name not in existing]))
    records = {name: statedir.read(existing[name]) for name in names if name in existing}
    known = ((name, _without_asking(record)) for name, record in records.items())
    found.update((name, observed) for name, observed in known if observed)
    asked = [name for name in names if name not in found]
    listed = _list(runsc, existing, records) if len(asked) > 1 else None
    if listed is None:
        for_each(asked, lambda name: not found.update({name: _observe_or_fail(runsc, name)}), workers)
        return found
    for name in asked:
        container = listed.get(name)
        found[name] = _observed(runsc, container, records[name]) if container else _observe_or_fail(runsc, name)
    return found


def _observe_or_fail(runsc: Runsc, name: str) -> Observed | RunscError:
    try:
        return observe(runsc, name)
    except RunscError as exc:
        return exc


def _observe_all_missing(runsc: Runsc, names: t.Sequence[str]) -> dict[str, Observed | RunscError]:
    for name in names:
        ids.check(name)
    unknown = {*names}.intersection(runsc.ids()) if names else ()
    return {name: _observe_or_fail(runsc, name) if name in unknown else Observed(ABSENT) for name in names}


def _list(
    runsc: Runsc, existing: t.Mapping[str, str], records: t.Mapping[str, statedir.Record | None]
) -> dict[str, Container] | None:
    """Return what C(runsc list) says, by id, or None where it can't be asked."""
    others = (statedir.read(path) for name, path in existing.items() if name not in records)
    for record in (*records.values(), *others):
        if record and (record.problem or _hangs(record)):
            return None
    try:
        return {container.id: container for container in runsc.list()}
    except RunscError:
        return None


def _without_asking(record: statedir.Record | None) -> Observed | None:
    """Return what is clear without a process: the record is gone, or runsc would hang or fail."""
    if record is None:
        return Observed(ABSENT)
    problem = record.problem or _hangs(record)
    return Observed(BROKEN, None, record, problem) if problem else None


def _observed(runsc: Runsc, container: Container, record: statedir.Record | None) -> Observed:
    status = container.status if container.status in lifecycle.STATUSES else BROKEN
    problem = "" if status != BROKEN else f"runsc says it is {container.status!r}"
    code = exit_status.read(runsc.root, container.id) if status == STOPPED else None
    return Observed(status, container, record, problem, code)


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


def look(runsc: Runsc, name: str) -> str:
    """Return the status of a container, without a process if it is the first one of its sandbox. See L(glance)."""
    status = glance(runsc, name)
    if status not in (lifecycle.CREATED, lifecycle.RUNNING, lifecycle.PAUSED):
        return status or ABSENT
    record = statedir.find(runsc.root, name)
    # That another member has ended is known to runsc only.
    return status if record is None or record.is_sandbox_root else observe(runsc, name).status


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
