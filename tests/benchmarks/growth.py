# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure how the cost of a task, and memory, grow with the number of sandboxes under one root.

usage: PYTHONPATH=<folder that holds ansible_collections> python growth.py [SANDBOXES...]

As root, with RUNSC_VERSIONS_FILE of the tests. It stops before memory is scarce.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.gvisor.runsc.tests.benchmarks.ratios import PLATFORM
from ansible_collections.gvisor.runsc.tests.benchmarks.support import WARM, Bench, base_folder, bench, print_table, say
from ansible_collections.gvisor.runsc.tests.benchmarks.tasks import PING
from ansible_collections.gvisor.runsc.tests.modules.support import processes, versions

SIZES = (10, 50, 100, 200, 400)
ROUNDS = 3
EACH = 64 * 1024 * 1024  # bytes that a sandbox may take, as an estimate to be on the safe side
RESERVE = 0.25  # of all memory, which is left alone

HEADER = [
    *("runsc", "sandboxes", "create one", "no change", "no change / ping", "runsc list", "no change for each"),
    *("memory of each", "of it shared"),
]


def memory(key: str) -> int:
    """Return a value of /proc/meminfo in bytes."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))


def has_room(more: int) -> bool:
    """Whether so many more sandboxes leave enough memory."""
    return memory("MemAvailable") - more * EACH > RESERVE * memory("MemTotal")


def tree(place: Bench) -> set[int]:
    """Return the processes of all sandboxes: sentries, gofers, and the children of both."""
    found = {*place.sandboxes(), *place.gofers()}
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = (
                    Path(f"/proc/{entry}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                )
            except OSError:
                continue
            parents[int(entry)] = int(fields[1])
    size = 0
    while size != len(found):
        size = len(found)
        found |= {pid for pid, parent in parents.items() if parent in found}
    return found


def memory_of(place: Bench) -> tuple[float, float]:
    """Return the bytes of all sandboxes: their proportional share, and what they would take if nothing were shared."""
    totals = {"Pss": 0, "Rss": 0}
    for pid in tree(place):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            key, _colon, value = line.partition(":")
            if key in totals:
                totals[key] += int(value.split()[0]) * 1024
    return float(totals["Pss"]), float(totals["Rss"])


def grow(place: Bench, sizes: list[int]) -> Iterator[list[str]]:
    """Yield a line for each number of sandboxes."""
    there = 0
    for size in sizes:
        if not has_room(size - there):
            say(f"{size} sandboxes would leave too little memory")
            return
        took = place.raw_create(place.names(size - there, first=there))
        created, there = took / (size - there), size
        check = place.containers(place.names(size), result="summary")
        times = place.times([(WARM, PING), (WARM, check), *[("ping", PING), ("check", check)] * ROUNDS])
        listed = statistics.median(place.raw_list() for _call in range(ROUNDS))
        ping, checked = (statistics.median(times[name]) for name in ("ping", "check"))
        share, whole = (value / size / 2**20 for value in memory_of(place))
        say(f"{place.version.label}: {size} sandboxes, {len(list(processes()))} processes")
        yield [
            place.version.label,
            str(size),
            f"{created * 1000:.0f} ms",
            f"{checked * 1000:.0f} ms",
            f"{checked / ping:.2f}",
            f"{listed * 1000:.0f} ms",
            f"{(checked - ping) / size * 1000:.1f} ms",
            f"{share:.1f} MiB",
            f"{whole - share:.1f} MiB",
        ]


def main() -> None:
    """Measure and print."""
    sizes = sorted(int(word) for word in sys.argv[1:]) or list(SIZES)
    lines: list[list[str]] = []
    with base_folder() as base:
        for version in versions():
            with bench(version._replace(platform=PLATFORM), base) as place:
                lines += grow(place, sizes)
    print_table(HEADER, lines)


if __name__ == "__main__":
    main()
