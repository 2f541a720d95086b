# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing what runsc can't remove itself: the processes and files of wedged, dead and half-made containers.

Nothing is killed without proof, taken just before, that the process is the one of this container.
"""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from . import cgroups, procfs, statedir

REAP_GRACE = 5.0  # seconds that the host's init gets to reap a dead sentry, before we go on without runsc


def kill_sentry(record: statedir.Record, root: str) -> bool:
    """SIGKILL the sentry of a record if it is proven to be that; return True if it is dead afterwards."""
    if procfs.is_sentry(record.pid, record.sandbox, root, record.created):
        procfs.kill(record.pid)
        return procfs.wait_dead(record.pid, REAP_GRACE)
    return True


def kill_strays(container: str, root: str) -> None:
    """SIGKILL the sentry and the gofer that carry this id under this root, recorded or not."""
    for name in (procfs.SENTRY, procfs.GOFER):
        for pid in procfs.find(name, container, root):
            procfs.kill(pid)
            procfs.wait_dead(pid, REAP_GRACE)


def purge(record: statedir.Record, root: str) -> None:
    """Remove the files of a container that has no live process: record, lock, socket, overlay file, control groups."""
    for pid in procfs.find(procfs.GOFER, record.id, root):
        procfs.kill(pid)
        procfs.wait_dead(pid, REAP_GRACE)
    statedir.remove(record)
    remove_leftovers(record)


def remove_leftovers(record: statedir.Record) -> None:
    """Remove what runsc may leave after a delete: the overlay file and empty control groups."""
    if not record.is_sandbox_root:
        return
    with contextlib.suppress(OSError):
        statedir.remove_filestore(record)
    if record.cgroup:
        cgroups.remove_empty(record.cgroup)


class CreateGuard:
    """Undoes a create that failed, that timed out or that was interrupted. For an id that was proven absent before.

    runsc cleans up processes and records itself when it fails, but leaks control groups, which then keep their old limits
    for the next container of that name. When runsc is killed, everything may be left.
    """

    def __init__(self, container: str, bundle: str, root: str) -> None:
        self._container = container
        self._root = root
        self._spec = _read_spec(bundle)
        linux = self._spec.get("linux")
        self._cgroup = str((linux if isinstance(linux, dict) else {}).get("cgroupsPath") or f"/{container}")
        self._kept = frozenset(cgroups.folders(self._cgroup).values())

    def undo(self) -> None:
        """Kill and remove all that the failed create left."""
        kill_strays(self._container, self._root)
        record = statedir.find(self._root, self._container)
        if record:
            statedir.remove(record)
            with contextlib.suppress(OSError):
                statedir.remove_filestore(record)
        cgroups.remove_empty(self._cgroup, self._kept)


def _read_spec(bundle: str) -> dict[str, t.Any]:
    try:
        with open(os.path.join(bundle, "config.json"), encoding="utf-8") as file:
            spec = json.load(file)
    except (OSError, ValueError):
        return {}  # runsc says what is wrong with it
    return spec if isinstance(spec, dict) else {}
