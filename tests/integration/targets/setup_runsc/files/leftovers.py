# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look for what containers of a test have left on this host.

usage: leftovers.py [--remove] FOLDER PREFIX

FOLDER holds everything of the test: runsc's root in FOLDER/root, root file systems, temporary files. PREFIX is how the ids of
its containers begin. Prints what is left, one thing a line, and exits with 1 if there is anything. With --remove, what can
outlive the folder is removed first, and the exit code is 0.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

PATIENCE = 5.0  # seconds for processes that are ending
CACHE = "/var/cache/gvisor.runsc"  # where modules that root runs remember what a binary can do
REMAINS = ("gvisor-runsc-", ".gvisor.filestore.")  # names of files that nobody may leave anywhere in FOLDER


def read(path: str) -> str:
    """Return a file of /proc as text, NUL characters as blanks; empty if it is gone."""
    try:
        with open(path, "rb") as file:
            return os.fsdecode(file.read().replace(b"\0", b" ")).strip()
    except OSError:
        return ""


def ancestors() -> set[int]:
    """Return the pids of this process and those above it, whose command lines may name the folder, too."""
    found = set()
    pid = os.getpid()
    while pid > 0:
        found.add(pid)
        pid = int(read(f"/proc/{pid}/stat").rpartition(")")[2].split()[1])
    return found


def processes(folder: str) -> dict[int, str]:
    """Return the processes with the folder in their command line, by pid. Zombies have none."""
    pids = {int(name) for name in os.listdir("/proc") if name.isdigit()} - ancestors()
    lines = {pid: read(f"/proc/{pid}/cmdline") for pid in sorted(pids)}
    return {pid: line for pid, line in lines.items() if folder in line}


def control_groups(prefix: str) -> list[str]:
    """Return the control groups whose names begin with the prefix, where runsc puts those without a path of their own."""
    mounts = [line.split(" - ") for line in read("/proc/self/mountinfo").splitlines()]
    places = {fields.split()[4] for fields, kind in mounts if kind.startswith("cgroup")}
    found = {entry.path for place in places for entry in os.scandir(place) if entry.name.startswith(prefix)}
    return sorted(found)


def lines_with(path: str, *words: str) -> list[str]:
    """Return the lines of a file that hold one of the words."""
    return [line for line in read(path).splitlines() if any(word in line for word in words)]


def files(folder: str) -> list[str]:
    """Return what is in runsc's root, and the files in the folder that have the name of something temporary."""
    found = []
    for place, folders, names in os.walk(folder):
        for name in folders + names:
            path = os.path.join(place, name)
            if name.startswith(REMAINS) or place == os.path.join(folder, "root"):
                found.append(path)
    return found


def leftovers(folder: str, prefix: str) -> list[str]:
    """Return a line for each thing that is left."""
    found = [f"process {pid}: {line}" for pid, line in processes(folder).items()]
    found += [f"control group {path}" for path in control_groups(prefix)]
    found += [f"mount {line}" for line in lines_with("/proc/self/mountinfo", folder)]
    found += [f"socket {line}" for line in lines_with("/proc/net/unix", folder, prefix)]
    found += [f"file {path}" for path in files(folder)]
    return found


def settled(folder: str, prefix: str) -> list[str]:
    """Return what is left after processes that are ending had time to end."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = leftovers(folder, prefix)
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def forget_answers(folder: str) -> None:
    """Remove what the modules remember of the test's own runsc, FOLDER/runsc, with all that was remembered since."""
    try:
        made = os.stat(os.path.join(folder, "runsc")).st_mtime
        remembered = [entry.path for entry in os.scandir(CACHE) if entry.stat().st_mtime >= made]
    except FileNotFoundError:
        return
    for path in remembered:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def remove(folder: str, prefix: str) -> None:
    """Remove what outlives the folder. A control group can go when the last process in it has gone."""
    forget_answers(folder)
    deadline = time.monotonic() + PATIENCE
    while (processes(folder) or control_groups(prefix)) and time.monotonic() < deadline:
        for pid in processes(folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for path in control_groups(prefix):
            with contextlib.suppress(OSError):
                os.rmdir(path)
        time.sleep(0.05)


def main() -> None:
    """Look, or remove."""
    *options, folder, prefix = sys.argv[1:]
    if options == ["--remove"]:
        remove(folder, prefix)
        return
    found = settled(folder, prefix)
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
