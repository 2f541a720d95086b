# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing what runsc can't remove itself: the processes and files of wedged, dead and half-made containers.

Nothing is killed without proof, taken just before, that the process is the one of this container.
"""

from __future__ import annotations

import json
import os
import typing as t

from . import cgroups, procfs, statedir

# Seconds in which the gofer and the processes of the platform end after their sentry, so that its groups can be removed. Longer
# waiting would only delay those who put several containers into one group.
GROUP_GRACE = 1.0
REAP_GRACE = 5.0  # seconds that the host's init gets to reap a dead sentry, before we go on without runsc


def kill_sentry(record: statedir.Record, root: str) -> bool:
    """SIGKILL the sentry of a record if it is proven to be that; return True if it is dead afterwards."""
    if procfs.is_sentry(record.pid, record.sandbox, root, record.created):
        procfs.kill(record.pid)
        return procfs.wait_dead(record.pid, REAP_GRACE)
    return True


def kill_strays(container: str, root: str) -> set[str]:
    """SIGKILL the sentries that carry this id under this root, recorded or not. Their gofers end by themselves then.

    :returns: the folders of the control groups that they were in and that bear the id, to be removed.
    """
    folders: set[str] = set()
    for pid in procfs.find_sentries(container, root):
        folders.update(cgroups.folders_of_process(pid, container))
        procfs.kill(pid)
        procfs.wait_dead(pid, REAP_GRACE)
    return folders


def names_foreign_sentry(record: statedir.Record, root: str) -> bool:
    """True if the sentry's pid in the record belongs to another process by now. runsc's delete would kill that one."""
    pid = record.pid
    return procfs.is_other(pid, lambda: procfs.is_sentry(pid, record.sandbox, root, record.created))


def names_foreign_gofer(record: statedir.Record, root: str) -> bool:
    """True if the gofer's pid in the record belongs to another process by now. runsc's delete would kill that one."""
    pid = record.gofer_pid
    return procfs.is_other(pid, lambda: procfs.is_gofer(pid, root, record.written))


def purge(record: statedir.Record, root: str) -> None:
    """Remove the files of a container that has no live process: record, lock, socket, overlay file, control groups."""
    if procfs.is_gofer(record.gofer_pid, root, record.written):
        procfs.kill(record.gofer_pid)
        procfs.wait_dead(record.gofer_pid, REAP_GRACE)
    statedir.remove(root, record.id)
    remove_leftovers(record)


def remove_leftovers(record: statedir.Record) -> None:
    """Remove what runsc may leave after a delete: the overlay file, the socket and empty control groups."""
    statedir.remove_exit(os.path.dirname(record.path), record.id)
    rootfs = (record.spec.get("root") or {}).get("path")
    if rootfs:
        statedir.remove_filestore(rootfs, record.sandbox)  # of members, too, it bears the name of the sandbox
    if not record.is_sandbox_root:
        return
    statedir.remove_socket(os.path.dirname(record.path), record.sandbox, record.socket)
    if record.cgroup:
        cgroups.remove_empty(record.cgroup, patience=GROUP_GRACE)


def remove_orphan(container: str, root: str, among: t.Iterable[procfs.Process] | None = None) -> None:
    """End a sandbox whose record was lost, and remove its files. runsc itself can neither see nor end such a sandbox.

    One that somebody is just creating has no record yet either, but has a creator.

    :param among: the processes, if they were looked up before. What is found is looked at again before it is killed.
    """
    orphans = procfs.find_sentries(container, root, among)
    if not orphans or procfs.find_creators(container, root) or statedir.find(root, container):
        return
    folders = kill_strays(container, root)
    statedir.remove(root, container)
    cgroups.remove_folders(folders, REAP_GRACE)


def remove_stale_group(container: str, root: str) -> None:
    """Remove the control group that a create which was killed may have left at its usual place.

    The next container of that name would silently get its limits, and runsc would never remove it. The kernel keeps one that
    is in use.
    """
    if statedir.find(root, container) or procfs.find_sentries(container) or procfs.find_creators(container, root):
        return
    cgroups.remove_empty(f"/{container}")


class CreateGuard:
    """Undoes a create that failed, that timed out or that was interrupted. For an id that was proven absent before.

    runsc cleans up processes and records itself when it fails, but leaks control groups, which then keep their old limits
    for the next container of that name. When runsc is killed, everything may be left.
    """

    def __init__(self, container: str, bundle: str, root: str, among: t.Iterable[procfs.Process] | None = None) -> None:
        self._container = container
        self._root = root
        spec = _read_spec(bundle)
        self._rootfs = os.path.join(bundle, str(_member(spec, "root").get("path") or "rootfs"))
        self._cgroup = str(_member(spec, "linux").get("cgroupsPath") or f"/{container}")
        self._kept = frozenset(cgroups.folders(self._cgroup).values())
        if not procfs.find_sentries(container, among=among):
            # Left by a sandbox that died with its record, after a reboot for example.
            statedir.remove_filestore(self._rootfs, container)
            statedir.remove_socket(root, container)

        linux = _member(spec, "linux")
        limit = _member(_member(linux, "resources"), "memory").get("limit")
        self.limited_cgroup = self._cgroup if limit or linux.get("cgroupsPath") else None
        """The control group that is yet to be made, if it may have a limit of memory: of its own, or of one above it."""

    def undo(self) -> None:
        """Kill and remove all that the failed create left."""
        kill_strays(self._container, self._root)
        statedir.remove(self._root, self._container)
        statedir.remove_filestore(self._rootfs, self._container)
        cgroups.remove_empty(self._cgroup, self._kept, REAP_GRACE)


def _read_spec(bundle: str) -> dict[str, t.Any]:
    try:
        with open(os.path.join(bundle, "config.json"), encoding="utf-8") as file:
            spec = json.load(file)
    except (OSError, ValueError):
        return {}  # runsc says what is wrong with it
    return spec if isinstance(spec, dict) else {}


def _member(spec: t.Mapping[str, t.Any], name: str) -> t.Mapping[str, t.Any]:
    found = spec.get(name)
    return found if isinstance(found, dict) else {}
