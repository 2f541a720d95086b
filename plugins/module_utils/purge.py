# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding what is not wanted any more under a root: what is not in a list, and is meant to be in it. No Ansible in here."""

from __future__ import annotations

import fnmatch
import typing as t

from .observation import Observed
from .planning import Desired
from .runsc import statedir
from .runsc.client import Runsc
from .runsc.errors import UsageError


class Purge(t.NamedTuple):
    """What is meant to be in the list: ids that match a shell pattern, and annotations. All that is given must fit."""

    pattern: str | None = None
    annotations: t.Mapping[str, str] | None = None

    def accepts(self, record: statedir.Record) -> bool:
        """Return whether a container is meant."""
        if self.pattern is not None and not fnmatch.fnmatchcase(record.id, self.pattern):
            return False
        if self.annotations is None:
            return True
        own = record.spec.get("annotations") or {}
        return not record.problem and all(own.get(name) == value for name, value in self.annotations.items())


def check(purge: Purge) -> None:
    """:raises UsageError: it says nothing, which would mean every container of the root."""
    if not purge.pattern and not purge.annotations:
        raise UsageError(
            "purge: neither a pattern nor annotations are given",
            remedy="Say what belongs to the list, for example with pattern 'web-*'; pattern '*' means the whole root",
        )
    for name, value in (purge.annotations or {}).items():
        if not isinstance(value, str):
            raise UsageError(
                f"purge: the value of the annotation {name!r} is {value!r}, which is no text", remedy="Quote it in YAML"
            )


def doomed(runsc: Runsc, purge: Purge, kept: t.Collection[str], template: Desired) -> list[list[Desired]]:
    """Return what is to become absent, in the order in which runsc can do it.

    :param kept: the ids in the list.
    :param template: how to remove it.
    :raises UsageError: with one of them would go what is in the list, or what is not meant.
    """
    check(purge)
    records = {record.id: record for record in statedir.read_all(runsc.root)}
    names = [name for name, record in records.items() if name not in kept and purge.accepts(record)]
    _check_sandboxes(names, records, kept)

    def still(found: Observed) -> bool:
        return found.record is not None and purge.accepts(found.record)

    return [[template._replace(name=name, state="absent", only_if=still) for name in level] for level in _levels(names)]


def _check_sandboxes(
    names: t.Collection[str], records: t.Mapping[str, statedir.Record], kept: t.Collection[str]
) -> None:
    """:raises UsageError: the end of a sandbox would be that of a member that is to stay."""
    for record in records.values():
        if record.sandbox in names and record.id not in names:
            why = "is in the list" if record.id in kept else "does not match"
            raise UsageError(
                f"purge: {record.sandbox!r} is to go, and with its sandbox would go {record.id!r}, which {why}",
                remedy=f"Put {record.sandbox!r} into the list, or match {record.id!r} as well",
            )


def _levels(names: t.Collection[str]) -> list[list[str]]:
    """Put those first that are no beginning of others: runsc can't address the shorter ones before the longer are gone."""
    levels: list[list[str]] = []
    level_of: dict[str, int] = {}
    for name in sorted(names, key=len, reverse=True):
        longer = [level for other, level in level_of.items() if other.startswith(name)]
        level_of[name] = max(longer, default=-1) + 1
        if level_of[name] == len(levels):
            levels.append([])
        levels[level_of[name]].append(name)
    return [sorted(level) for level in levels]
