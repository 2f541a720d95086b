# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print, as JSON, all that can be left behind on this machine.

usage: look.py FOLDER [NAME...]

Looked at are processes, mounts, Unix sockets, the files in FOLDER and those in /run, /srv and /dev/shm, and the control
groups with NAME in their name.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path


def processes() -> Iterator[str]:
    """Yield the command line of every process but this one, and of no zombie."""
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if entry.isdigit() and int(entry) != os.getpid():
                line = Path("/proc", entry, "cmdline").read_bytes().replace(b"\0", b" ")
                if line:
                    yield os.fsdecode(line)


def files(*places: str) -> Iterator[str]:
    """Yield every file and folder below."""
    for place in places:
        for folder, folders, names in os.walk(place):
            yield from (os.path.join(folder, name) for name in folders + names)


def main() -> None:
    """Look."""
    folder, *wanted = sys.argv[1:]
    sockets = [line.split()[7:] for line in Path("/proc/net/unix").read_text(encoding="utf-8").splitlines()]
    groups = files("/sys/fs/cgroup")
    found = {
        "processes": sorted(processes()),
        "mounts": sorted(Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()),
        "sockets": sorted(name for names in sockets for name in names),
        "files": sorted(files(folder, "/run", "/srv", "/dev/shm")),
        "groups": sorted(path for path in groups if any(name in os.path.basename(path) for name in wanted)),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
