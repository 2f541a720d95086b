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

# (controller, file, key of a "key value" file or number of the word, name of the result): what runsc does not tell, or tells
# wrong.
_COUNTERS: tuple[tuple[str, str, str | int, str], ...] = (
    ("memory", "memory.limit_in_bytes", 0, "memory_limit"),
    ("memory", "memory.memsw.limit_in_bytes", 0, "memory_swap_limit"),
    ("memory", "memory.usage_in_bytes", 0, "memory_usage"),
    ("memory", "memory.max_usage_in_bytes", 0, "memory_max_usage"),
    ("memory", "memory.failcnt", 0, "memory_failcnt"),
    ("memory", "memory.oom_control", "oom_kill", "oom_kills"),
    ("cpuacct", "cpuacct.usage", 0, "cpu_ns"),
    ("cpu", "cpu.cfs_quota_us", 0, "cpu_quota_us"),
    ("cpu", "cpu.cfs_period_us", 0, "cpu_period_us"),
    ("cpu", "cpu.shares", 0, "cpu_shares"),
    ("pids", "pids.max", 0, "pids_limit"),
    ("pids", "pids.current", 0, "pids_current"),
    ("unified", "memory.max", 0, "memory_limit"),
    ("unified", "memory.swap.max", 0, "swap_limit"),
    ("unified", "memory.current", 0, "memory_usage"),
    ("unified", "memory.peak", 0, "memory_max_usage"),
    ("unified", "memory.events", "oom_kill", "oom_kills"),
    ("unified", "cpu.max", 0, "cpu_quota_us"),
    ("unified", "cpu.max", 1, "cpu_period_us"),
    ("unified", "cpu.weight", 0, "cpu_weight"),
    ("unified", "pids.max", 0, "pids_limit"),
    ("unified", "pids.current", 0, "pids_current"),
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
    """Return limits and counters of a control group, as many as this host has. C(max) (no limit) becomes -1.

    C(memory_swap_limit) is that of memory and swap together, C(swap_limit) that of swap alone, which version 2 has instead.
    """
    found: dict[str, int] = {}
    places = folders(path)
    for controller, file, key, name in _COUNTERS:
        value = _value(os.path.join(places[controller], file), key) if controller in places else None
        if value is not None:
            found[name] = value
    if "swap_limit" in found and "memory_limit" in found:
        limits = (found["memory_limit"], found["swap_limit"])
        found["memory_swap_limit"] = -1 if -1 in limits else sum(limits)
    return found


def cpus(path: str) -> str | None:
    """Return the CPUs that a control group may use, as the kernel lists them; None if this host does not say."""
    places = folders(path)
    return _text(os.path.join(places.get("cpuset") or places.get("unified") or "", "cpuset.cpus"))


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return None


def _value(path: str, key: str | int) -> int | None:
    return number(_text(path) or "", key)


def number(text: str, key: str | int = 0) -> int | None:
    """Return a number of such a file: behind C(key) in a "key value" file, or the word with this index. C(max) becomes -1."""
    if isinstance(key, int):
        word = dict(enumerate(text.split())).get(key, "")
    else:
        word = dict(line.split(None, 1) for line in text.splitlines() if " " in line).get(key, "").strip()
    if word == "max":
        return -1
    return int(word) if word.lstrip("-").isdigit() else None
