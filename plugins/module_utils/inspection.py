# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Describing what is there: the binary, and the containers under a root. Changes nothing."""

from __future__ import annotations

import fnmatch
import typing as t

from .lifecycle import RUNNING
from .observation import look
from .runsc import cgroups, exit_status, procfs, statedir
from .runsc.client import Runsc
from .runsc.errors import AmbiguousIdError, DeadlineError, NotFoundError, RunscError
from .runsc.models import Container
from .runsc.observe_commands import CORRUPT

HANGING = "hanging"  # the status here of a container whose sandbox does not answer
_PATIENCE = 5.0  # seconds for the answer of one container, where another one has not answered at all


class Filter(t.NamedTuple):
    """Which containers to describe. None means all; several conditions must all hold."""

    names: list[str] | None = None
    pattern: str | None = None
    statuses: list[str] | None = None
    annotations: dict[str, str] | None = None

    def accepts(self, container: Container) -> bool:
        """Return whether a container meets all conditions."""
        if self.names is not None and container.id not in self.names:
            return False
        if self.pattern is not None and not fnmatch.fnmatchcase(container.id, self.pattern):
            return False
        if self.statuses is not None and container.status not in self.statuses:
            return False
        wanted = (self.annotations or {}).items()
        return all(container.annotations.get(key) == value for key, value in wanted)


class Inspection(t.NamedTuple):
    """What was found: described containers, and those of which something could not be read, with the reason."""

    containers: list[dict[str, t.Any]]
    unreadable: list[dict[str, str]]


def describe_binary(runsc: Runsc) -> dict[str, t.Any]:
    """Return version, platforms and features of the binary. Costs nothing when it was asked before."""
    features = runsc.features
    version = features.version
    return {
        "version": {"runsc": version.runsc, "spec": version.spec, "path": runsc.path},
        "platforms": features.platforms,
        "features": {"flags": features.flags, "subcommands": features.subcommands},
    }


def describe_containers(runsc: Runsc, wanted: Filter, gather: t.Collection[str]) -> Inspection:
    """Describe the containers that are wanted, from one C(runsc list), and for each what C(gather) names.

    A container that can't be read, or part of it, is reported in the result; the others are described all the same.
    """
    containers: list[dict[str, t.Any]] = []
    unreadable: list[dict[str, str]] = []
    read = (statedir.read(path) for _id, path in sorted(runsc.existing().items()))
    records = {record.id: record for record in read if record}
    for container in _containers(runsc, records):
        if not wanted.accepts(container):
            continue
        record = records.get(container.id)
        if container.status in _PROBLEMS:
            problem = record.problem if record else ""
            unreadable.append({"id": container.id, "problem": problem or _PROBLEMS[container.status]})
        described = _describe(runsc, container, record)
        for part in _PARTS:
            if part in gather and container.status != CORRUPT:
                try:
                    described[part] = _PARTS[part](runsc, container, record)
                except RunscError as exc:
                    described[part] = None
                    unreadable.append({"id": container.id, "problem": exc.message})
        containers.append(described)
    return Inspection(containers, unreadable)


def running(runsc: Runsc, wanted: Filter) -> list[str]:
    """Return the ids of the containers that are wanted and run, in their order. Starts no process for a sandbox's first one."""
    found = []
    for name, path in sorted(runsc.existing().items()):
        record = statedir.read(path)
        if record and wanted.accepts(_recorded(record)) and look(runsc, name) == RUNNING:
            found.append(name)
    return found


def _recorded(record: statedir.Record) -> Container:
    """Describe a container as its record does."""
    annotations = dict(record.spec.get("annotations") or {})
    version = str(record.spec.get("ociVersion", ""))
    return Container(record.id, record.status, record.pid, record.bundle, annotations, version)


_PROBLEMS = {CORRUPT: "runsc can't load it", HANGING: "its sandbox does not answer"}


def _containers(runsc: Runsc, records: t.Mapping[str, statedir.Record]) -> list[Container]:
    """Return every container. C(runsc list) hangs with any one of them; then each is asked by itself."""
    if not any(procfs.is_suspended(record.pid) for record in records.values()):
        try:
            return runsc.list()
        except DeadlineError:
            pass  # for another reason: somebody holds its lock, for example
    asked = (_ask(runsc, record) for record in records.values())
    return [container for container in asked if container]


def _ask(runsc: Runsc, record: statedir.Record) -> Container | None:
    if record.problem:
        return Container(record.id, CORRUPT, -1, "", {}, "")
    try:
        if not procfs.is_suspended(record.pid):
            return runsc.state(record.id, timeout=min(runsc.timeout, _PATIENCE))
        status = HANGING
    except NotFoundError:
        return None
    except DeadlineError:
        status = HANGING
    except AmbiguousIdError:  # only "list" could tell; the record is all there is
        status = record.status if runsc.is_live(record) else "stopped"
    return _recorded(record)._replace(status=status)


def _describe(runsc: Runsc, container: Container, record: statedir.Record | None) -> dict[str, t.Any]:
    described: dict[str, t.Any] = dict(container._asdict())
    if record:
        described.update(created=record.created, owner=record.owner, sandbox=record.sandbox)
        described["exit_status"] = exit_status.read(runsc.root, record.id) if container.status == "stopped" else None
    return described


def _processes(runsc: Runsc, container: Container, record: statedir.Record | None) -> t.Any:
    if container.status not in ("running", "paused"):
        return []
    return [process._asdict() for process in runsc.top(container.id)]


def _pids(runsc: Runsc, container: Container, record: statedir.Record | None) -> t.Any:
    if container.status not in ("running", "paused"):
        return []
    return runsc.ps(container.id)


def _stats(runsc: Runsc, container: Container, record: statedir.Record | None) -> t.Any:
    if container.status not in ("running", "paused"):
        return None
    stats = runsc.stats(container.id)
    return dict(stats._asdict(), interfaces=[interface._asdict() for interface in stats.interfaces])


def _spec(runsc: Runsc, container: Container, record: statedir.Record | None) -> t.Any:
    return record.spec if record else None


def _cgroup(runsc: Runsc, container: Container, record: statedir.Record | None) -> t.Any:
    if not record or not record.cgroup:
        return None
    return {
        "path": record.cgroup,
        "folders": cgroups.folders(record.cgroup),
        "counters": cgroups.counters(record.cgroup),
    }


def _usage(runsc: Runsc, container: Container, record: statedir.Record | None) -> t.Any:
    if container.status not in ("running", "paused"):
        return None
    usage = runsc.usage(container.id)
    return {**usage.by_kind, "total": usage.total}


def _metrics(runsc: Runsc, container: Container, record: statedir.Record | None) -> t.Any:
    return runsc.export_metrics(container.id) if container.status in ("running", "paused") else None


def _stacks(runsc: Runsc, container: Container, record: statedir.Record | None) -> t.Any:
    return runsc.debug_stacks(container.id) if container.status in ("running", "paused") else None


Describe = t.Callable[[Runsc, Container, t.Optional[statedir.Record]], t.Any]

_PARTS: dict[str, Describe] = {
    "pids": _pids,
    "processes": _processes,
    "stats": _stats,
    "spec": _spec,
    "cgroup": _cgroup,
    "usage": _usage,
    "metrics": _metrics,
    "stacks": _stacks,
}
