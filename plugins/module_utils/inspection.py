# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Describing what is there: the binary, and the containers under a root. Changes nothing."""

from __future__ import annotations

import fnmatch
import typing as t

from .runsc import cgroups, statedir
from .runsc.client import Runsc
from .runsc.errors import RunscError
from .runsc.models import Container
from .runsc.observe_commands import CORRUPT


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
    paths = runsc.existing()
    for container in runsc.list():
        if not wanted.accepts(container):
            continue
        record = statedir.read(paths[container.id]) if container.id in paths else None
        if container.status == CORRUPT:
            problem = record.problem if record else ""
            unreadable.append({"id": container.id, "problem": problem or "runsc can't load it"})
        described = _describe(container, record)
        for part in _PARTS:
            if part in gather and container.status != CORRUPT:
                try:
                    described[part] = _PARTS[part](runsc, container, record)
                except RunscError as exc:
                    described[part] = None
                    unreadable.append({"id": container.id, "problem": exc.message})
        containers.append(described)
    return Inspection(containers, unreadable)


def _describe(container: Container, record: statedir.Record | None) -> dict[str, t.Any]:
    described: dict[str, t.Any] = dict(container._asdict())
    if record:
        described.update(created=record.created, owner=record.owner, sandbox=record.sandbox)
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


Describe = t.Callable[[Runsc, Container, t.Optional[statedir.Record]], t.Any]

_PARTS: dict[str, Describe] = {
    "pids": _pids,
    "processes": _processes,
    "stats": _stats,
    "spec": _spec,
    "cgroup": _cgroup,
}
