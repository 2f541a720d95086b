# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changing the limits of a container that lives, where the binary can do that. No Ansible in here."""

from __future__ import annotations

import os
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
    ("memory", "limit"): "memory_limit",
    ("memory", "swap"): "memory_swap_limit",
    ("cpu", "quota"): "cpu_quota_us",
    ("cpu", "period"): "cpu_period_us",
    ("cpu", "shares"): "cpu_shares",
    ("pids", "limit"): "pids_limit",
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
    before = {place: _current(record, *place.split(".")) for place in after}
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


def _current(record: statedir.Record, section: str, key: str) -> t.Any:
    """Return a limit as the control group has it, -1 for none; None where the host does not say."""
    if (section, key) == ("cpu", "cpus"):
        return _cpuset(record)
    value = cgroups.counters(record.cgroup).get(_COUNTERS[section, key])
    return -1 if value is not None and value > _UNLIMITED else value


def _cpuset(record: statedir.Record) -> str | None:
    folders = cgroups.folders(record.cgroup)
    path = os.path.join(folders.get("cpuset") or folders.get("unified") or "", "cpuset.cpus")
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return None
