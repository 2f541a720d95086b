# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's control groups of a sandbox: where they are, what they count, and removing empty ones that runsc left."""

from __future__ import annotations

import contextlib
import os
import typing as t

from . import procfs

_MOUNTS = "/proc/self/mountinfo"

# (controller, file, key of a "key value" file or nothing, name of the result): what runsc does not tell, or tells wrong.
_COUNTERS: tuple[tuple[str, str, str, str], ...] = (
    ("memory", "memory.limit_in_bytes", "", "memory_limit"),
    ("memory", "memory.memsw.limit_in_bytes", "", "memory_swap_limit"),
    ("memory", "memory.usage_in_bytes", "", "memory_usage"),
    ("memory", "memory.max_usage_in_bytes", "", "memory_max_usage"),
    ("memory", "memory.failcnt", "", "memory_failcnt"),
    ("memory", "memory.oom_control", "oom_kill", "oom_kills"),
    ("cpuacct", "cpuacct.usage", "", "cpu_ns"),
    ("cpu", "cpu.cfs_quota_us", "", "cpu_quota_us"),
    ("cpu", "cpu.cfs_period_us", "", "cpu_period_us"),
    ("cpu", "cpu.shares", "", "cpu_shares"),
    ("pids", "pids.max", "", "pids_limit"),
    ("pids", "pids.current", "", "pids_current"),
    ("unified", "memory.max", "", "memory_limit"),
    ("unified", "memory.current", "", "memory_usage"),
    ("unified", "memory.peak", "", "memory_max_usage"),
    ("unified", "memory.events", "oom_kill", "oom_kills"),
    ("unified", "pids.max", "", "pids_limit"),
    ("unified", "pids.current", "", "pids_current"),
)


def hierarchies() -> dict[str, str]:
    """Return where each control group hierarchy is mounted, by controller; version 2 is called C(unified)."""
    found: dict[str, str] = {}
    try:
        with open(_MOUNTS, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError:
        return found
    for line in lines:
        fields, _dash, kind = line.partition(" - ")
        filesystem = kind.split()
        if len(filesystem) < 3 or not filesystem[0].startswith("cgroup"):
            continue
        mountpoint = fields.split()[4]
        if filesystem[0] == "cgroup2":
            found["unified"] = mountpoint
            continue
        for option in filesystem[2].split(","):
            if option not in ("rw", "ro", "xattr"):
                found.setdefault(option, mountpoint)
    return found


def folders(path: str) -> dict[str, str]:
    """Return the existing folder of the control group C(path) (as in C(linux.cgroupsPath)) in each hierarchy."""
    relative = os.path.normpath("/" + path).lstrip("/")
    if not relative:
        return {}
    candidates = {name: os.path.join(mountpoint, relative) for name, mountpoint in hierarchies().items()}
    return {name: folder for name, folder in candidates.items() if os.path.isdir(folder)}


def top_folders(accepts: t.Callable[[str], bool]) -> list[str]:
    """Return the folders of the control groups at the top of each hierarchy, where runsc makes them, with such a name."""
    found = []
    for mountpoint in set(hierarchies().values()):
        with contextlib.suppress(OSError), os.scandir(mountpoint) as entries:
            found += [entry.path for entry in entries if accepts(entry.name)]
    return found


def folders_of_process(pid: int, name: str) -> list[str]:
    """Return the folders of the control groups called C(name) that a process is in."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError:
        return []
    places = hierarchies()
    found = []
    for line in lines:
        _number, controllers, path = line.split(":", 2)
        mountpoint = places.get(controllers.split(",")[0] or "unified")
        if mountpoint and os.path.basename(path) == name:
            found.append(os.path.join(mountpoint, path.lstrip("/")))
    return found


def remove_empty(path: str, keep: frozenset[str] = frozenset(), patience: float = 0.0) -> None:
    """Remove the folders of a control group that hold no process, except those in C(keep). See L(remove_folders)."""
    remove_folders(set(folders(path).values()) - keep, patience)


def remove_folders(doomed: t.Collection[str], patience: float) -> None:
    """Remove folders of control groups. The kernel itself refuses to remove one that is in use.

    :param patience: seconds in which processes that are ending may still leave them.
    """

    def removed() -> bool:
        for folder in doomed:
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        return not any(os.path.isdir(folder) for folder in doomed)

    procfs.poll(removed, patience)


def counters(path: str) -> dict[str, int]:
    """Return limits and counters of a control group, as many as this host has. C(max) (no limit) becomes -1."""
    found: dict[str, int] = {}
    places = folders(path)
    for controller, file, key, name in _COUNTERS:
        value = _value(os.path.join(places[controller], file), key) if controller in places else None
        if value is not None:
            found[name] = value
    return found


def _value(path: str, key: str) -> int | None:
    try:
        with open(path, encoding="ascii") as file:
            text = file.read()
    except OSError:
        return None
    if key:
        pairs = dict(line.split(None, 1) for line in text.splitlines() if " " in line)
        text = pairs.get(key, "")
    text = text.strip()
    if text == "max":
        return -1
    return int(text) if text.lstrip("-").isdigit() else None
