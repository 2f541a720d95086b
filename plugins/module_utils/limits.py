# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changing the limits of a container that lives, where the binary can do that. No Ansible in here."""

from __future__ import annotations

import typing as t

from . import bundle_config
from .observation import look
from .runsc import cgroups, statedir
from .runsc.client import Runsc
from .runsc.errors import StateError, UsageError

OPTIONS = ("memory", "memory_swap", "cpus", "cpu_shares", "cpuset", "pids_limit")
_STATUSES = ("created", "running")

# Where a limit is in linux.resources, and what the control group calls it.
_COUNTERS = {
    "memory.limit": "memory_limit",
    "memory.swap": "memory_swap_limit",
    "cpu.quota": "cpu_quota_us",
    "cpu.period": "cpu_period_us",
    "cpu.shares": "cpu_shares",
    "pids.limit": "pids_limit",
}
_UNLIMITED = 1 << 62  # version 1 of control groups writes "no limit" of memory as a number above this

Json = t.Dict[str, t.Any]


class Updated(t.NamedTuple):
    """The limits that were asked for, as C(section.key): what they were, as far as that is known, and what they are."""

    before: Json
    after: Json

    @property
    def changed(self) -> bool:
        """Whether one was another."""
        return self.before != self.after


def update(runsc: Runsc, name: str, params: t.Mapping[str, t.Any], *, check_mode: bool = False) -> Updated:
    """Bring the limits of a container to what the options say. runsc is not asked where they are that already.

    :raises UsageError: an option makes no sense, or none is given.
    :raises UnsupportedError: the binary can't do it. :raises StateError: the container is in the wrong status, or a member.
    """
    wanted = bundle_config.resources(bundle_config.parse({option: params[option] for option in OPTIONS}))
    if not wanted:
        raise UsageError(f"{OPTIONS[0]}: no limit is given", remedy=f"Give one of {', '.join(OPTIONS)}")
    record = runsc.record(name)
    runsc.features.require_subcommand("update")
    _check_container(runsc, record)
    after = {f"{section}.{key}": value for section, limits in wanted.items() for key, value in limits.items()}
    before = {place: _current(record, place, value) for place, value in after.items()}
    updated = Updated(before, after)
    if updated.changed and not check_mode:
        runsc.update(name, wanted)
    return updated


def _check_container(runsc: Runsc, record: statedir.Record) -> None:
    if not record.is_sandbox_root:
        raise StateError(
            f"container {record.id!r} is a member of sandbox {record.sandbox!r}, whose limits are those of its first container",
            remedy=f"Change those of {record.sandbox!r}",
            container=record.id,
        )
    status = look(runsc, record.id)
    if status not in _STATUSES:
        raise StateError(
            f"container {record.id!r} is {status}, and only one that is created or running has limits to change",
            remedy="Bring it to state running first",
            container=record.id,
        )


def _current(record: statedir.Record, place: str, wanted: t.Any) -> t.Any:
    """Return a limit as the control group has it, -1 for none; None where the host does not say.

    Where it says C(wanted) in other words, that is returned.
    """
    if place == "cpu.cpus":
        cpus = cgroups.cpus(record.cgroup)
        return wanted if cpus is not None and _ranges(cpus) == _ranges(wanted) else cpus
    counters = cgroups.counters(record.cgroup)
    if place == "cpu.shares" and "cpu_weight" in counters:
        weight = counters["cpu_weight"]
        return wanted if weight == _weight(wanted) else _shares(weight)
    value = counters.get(_COUNTERS[place])
    return -1 if value is not None and value > _UNLIMITED else value


def _ranges(text: str) -> list[tuple[int, int]]:
    """Return the first and last CPU of each range in a list: the kernel writes C(0,1,4) as C(0-1,4)."""
    found: list[tuple[int, int]] = []
    for part in sorted(tuple(map(int, part.split("-"))) for part in text.split(",") if part):
        first, last = part[0], part[-1]
        if found and first <= found[-1][1] + 1:
            before = found.pop()
            first, last = before[0], max(last, before[1])
        found.append((first, last))
    return found


def _weight(shares: int) -> int:
    """Return what version 2 of control groups has in place of shares: runsc stretches 2 to 262144 to 1 to 10000."""
    return 1 + (shares - 2) * 9999 // 262142


def _shares(weight: int) -> int:
    """Return the least shares that have this weight."""
    return 2 - (1 - weight) * 262142 // 9999
