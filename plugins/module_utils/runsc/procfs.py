# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What /proc says about sandboxes: is a recorded pid still that sandbox, is it stopped, is it a zombie.

runsc trusts kill(pid, 0). That takes a zombie for alive, and an unrelated process that got the pid after a reboot for the
sandbox, which C(delete --force) then kills. Nothing here trusts a number alone.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import signal
import threading
import time
import typing as t

from . import flags, interruption, namespaces
from .statedir import DEFAULT_ROOT

SENTRY = "runsc-sandbox"  # argv[0] of the sandbox process, on all versions
GOFER = "runsc-gofer"

_PROC = "/proc"
_CREATING = frozenset({"create", "run", "restore"})  # the subcommands that make a container
# The record is written after the sentry has started, so a process that started later has another's pid. btime is rounded
# to seconds, and a clock that was stepped moves it, hence the slack.
_START_SLACK = 5.0
Process = t.Tuple[int, t.List[str]]  # its pid and its command line

_BEGINNING = 0.1  # seconds that a process takes at most from execve to its command line
_ENDING = 1.0  # seconds that a process takes at most from losing its command line to being a zombie


class ProcessStat(t.NamedTuple):
    """From /proc/PID/stat: the one-letter state, and the start in clock ticks since boot (with the pid, an identity).

    C(arguments_end) is the address at which the command line ends; 0 where there is none, or none yet.
    """

    state: str
    start_ticks: int
    arguments_end: int


def stat(pid: int) -> ProcessStat | None:
    """Return the state of a process, or None if there is none with this pid."""
    if pid <= 0:
        return None
    try:
        with open(f"{_PROC}/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return ProcessStat(fields[0].decode(), int(fields[19]), int(fields[46])) if len(fields) > 46 else None


def arguments(pid: int) -> list[str]:
    """Return the command line of a process; empty for a zombie, a kernel thread, or none at all."""
    found = _command_line(pid)
    if not found and poll(lambda: not _is_beginning(pid), _BEGINNING):
        found = _command_line(pid)
    return [os.fsdecode(part) for part in found.split(b"\0")[:-1]]


def _is_beginning(pid: int) -> bool:
    """Whether a process has replaced its program and has no command line yet, while its parent already goes on.

    The processes of a sandbox never show one, but they have an address for it.
    """
    found = stat(pid)
    return found is not None and not found.arguments_end and os.path.exists(f"{_PROC}/{pid}/exe")


def _command_line(pid: int) -> bytes:
    try:
        with open(f"{_PROC}/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


def is_dead(pid: int) -> bool:
    """True if there is no such process, or only its zombie, which a slow init has not reaped yet."""
    found = stat(pid)
    return found is None or found.state in "ZX"


def is_suspended(pid: int) -> bool:
    """True if the process was stopped by a signal (SIGSTOP), so that it answers nobody."""
    found = stat(pid)
    return found is not None and found.state == "T"


def is_sentry(pid: int, sandbox: str, root: str, created: str = "") -> bool:
    """Prove that C(pid) is the live sentry of this sandbox: by its name, its id, its root and when it started.

    :param created: the time of the record that names the pid, RFC 3339; a process that started after it is another one.
    """
    is_one = _is_sentry_of(arguments(pid), sandbox, root) and _started_before(pid, parse_time(created))
    return is_one and namespaces.is_ours(pid, _PROC)


def is_gofer(pid: int, root: str, written: float) -> bool:
    """Prove that C(pid) is a gofer under this root that is older than the record that names it. It carries no id.

    :param written: when the record was last written, in seconds since the epoch.
    """
    is_one = _runs(arguments(pid), GOFER, root) and _started_before(pid, written)
    return is_one and namespaces.is_ours(pid, _PROC)


def is_other(pid: int, is_ours: t.Callable[[], bool]) -> bool:
    """True if C(pid) is a live process that is not ours. One that is just ending has lost its command line, not its number."""
    if is_dead(pid) or is_ours():
        return False
    return bool(arguments(pid)) or not wait_dead(pid, _ENDING)


class Processes:
    """Every process with its command line, looked up anew where the last look is older than C(max_age) seconds.

    Who makes hundreds of containers would otherwise spend more time on looking than runsc needs to make them.
    """

    def __init__(self, max_age: float = 0.0) -> None:
        self._max_age = max_age
        self._lock = threading.Lock()
        self._found: list[Process] = []
        self._best_before = 0.0

    def __iter__(self) -> t.Iterator[Process]:
        with self._lock:
            if time.monotonic() >= self._best_before:
                self._best_before = time.monotonic() + self._max_age
                self._found = list(_processes())
            return iter(self._found)


def find_sentries(sandbox: str, root: str | None = None, among: t.Iterable[Process] | None = None) -> list[int]:
    """Return the pids of the sentries with this id under a root, or under any, recorded or not.

    Finds what no record names: after a create that was cut short, or a record that was wiped.

    :param among: the processes, if they were looked up before.
    """
    found = [pid for pid, argv in among or _processes() if _is_sentry_of(argv, sandbox, root)]
    return found if root is None else _of_this_place(found, root)


def sentries(root: str) -> dict[int, str]:
    """Return the id of every sentry under a root, recorded or not, by pid."""
    found = {pid: argv[-1] for pid, argv in _processes() if _runs(argv, SENTRY, root)}
    return {pid: found[pid] for pid in _of_this_place(list(found), root)}


def gofers(root: str) -> list[int]:
    """Return the pids of the gofers under a root. They carry no id."""
    return _of_this_place([pid for pid, argv in _processes() if _runs(argv, GOFER, root)], root)


def _of_this_place(pids: list[int], root: str) -> list[int]:
    """Leave out the processes of a root that has the same path in another namespace."""
    if not pids:
        return []
    elsewhere = namespaces.recorded_elsewhere(root)
    return [pid for pid in pids if pid not in elsewhere and namespaces.is_ours(pid, _PROC)]


def age(pid: int) -> float:
    """Return for how many seconds a process has been running; 0 if there is none."""
    started = _start_time(pid)
    return 0.0 if started is None else max(0.0, time.time() - started)


def _is_sentry_of(argv: t.Sequence[str], sandbox: str, root: str | None) -> bool:
    # The id is the last argument. Anywhere else the same word means something else: a container may be called "boot".
    return bool(argv) and argv[-1] == sandbox and _runs(argv, SENTRY, root)


def _runs(argv: t.Sequence[str], name: str, root: str | None) -> bool:
    if not argv or os.path.basename(argv[0]) != name:
        return False
    given = flags.parse(argv[1:]).get("root", DEFAULT_ROOT)  # runsc may leave flags out that have their default
    return root is None or _is_same_folder(given, root)


def _started_before(pid: int, moment: float | None) -> bool:
    if moment is None:
        return True
    started = _start_time(pid)
    return started is None or started <= moment + _START_SLACK


def find_creators(container: str, root: str, among: t.Iterable[Process] | None = None) -> list[int]:
    """Return the pids of runsc clients that are creating this container under this root right now."""
    return [pid for pid, name in _clients(root, _CREATING, among) if name == container]


def find_clients(container: str, root: str, commands: t.AbstractSet[str]) -> list[int]:
    """Return the pids of runsc clients that carry out one of these subcommands for a container under this root."""
    return [pid for pid, name in _clients(root, commands) if name == container]


def creators(root: str, among: t.Iterable[Process] | None = None) -> list[str]:
    """Return the ids of the containers that runsc clients are creating under this root right now."""
    return [name for _pid, name in _clients(root, _CREATING, among)]


def _clients(
    root: str, commands: t.AbstractSet[str], among: t.Iterable[Process] | None = None
) -> t.Iterator[tuple[int, str]]:
    for pid, argv in among or _processes():
        if commands.isdisjoint(argv) or pid == os.getpid():
            continue
        # An interpreter and its script may come first: the binary is a script, or it is our launcher (see exit_status).
        start = next((index for index, argument in enumerate(argv) if argument.startswith(("--root=", "-root="))), 0)
        rest = argv[start:]
        if not start or not _is_same_folder(flags.parse(rest)["root"], root):
            continue
        if next((argument for argument in rest if not argument.startswith("-")), "") in commands:
            yield pid, argv[-1]


def _is_same_folder(path: str, other: str) -> bool:
    return os.path.realpath(path) == os.path.realpath(other)


def _processes() -> t.Iterator[Process]:
    for entry in os.listdir(_PROC):
        if entry.isdigit():
            yield int(entry), arguments(int(entry))


def has_open(pid: int, paths: t.Iterable[str]) -> bool:
    """True if a process has one of these files open, whatever name it knows it by."""
    wanted = set()
    for path in paths:
        with contextlib.suppress(OSError):
            info = os.stat(path)
            wanted.add((info.st_dev, info.st_ino))
    folder = f"{_PROC}/{pid}/fd"
    try:
        descriptors = os.listdir(folder)
    except OSError:
        return False
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            info = os.stat(f"{folder}/{descriptor}")
            if (info.st_dev, info.st_ino) in wanted:
                return True
    return False


def is_image_written(folder: str, names: t.Collection[str]) -> bool:
    """True if a runsc was told to write an image into a folder, or a sandbox has one of these files in it open."""
    paths = [os.path.join(folder, name) for name in names]
    return any(
        f"--image-path={folder}" in argv or (_runs(argv, SENTRY, None) and has_open(pid, paths))
        for pid, argv in _processes()
    )


def global_flags(pid: int) -> dict[str, str]:
    """Return the global flags that a sentry runs with, without those that have their default."""
    return flags.parse(arguments(pid)[1:])


def pid_namespace() -> int:
    """Return the number of our pid namespace: a process id means nothing outside of its own."""
    return os.stat(f"{_PROC}/self/ns/pid").st_ino


def kill(pid: int) -> None:
    """SIGKILL a process that was proven to be the right one just before."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def wait_dead(pid: int, timeout: float) -> bool:
    """Wait until the process is dead or a zombie. Return False when C(timeout) seconds did not suffice."""
    return poll(lambda: is_dead(pid), timeout)


def wait_reaped(pid: int, timeout: float) -> bool:
    """Wait until even the zombie is gone: runsc takes a zombie for a live sandbox."""
    return poll(lambda: stat(pid) is None, timeout)


def poll(condition: t.Callable[[], bool], timeout: float) -> bool:
    """Ask until the answer is yes, first often, then every 50 ms. Return the last answer."""
    deadline = time.monotonic() + timeout
    pause = 0.001
    while not condition():
        interruption.check()
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(pause * 2, 0.05)
    return True


def _start_time(pid: int) -> float | None:
    """Return when a process started, in seconds since the epoch."""
    found = stat(pid)
    if found is None:
        return None
    try:
        with open(f"{_PROC}/stat", encoding="ascii") as file:
            boot = next(float(line.split()[1]) for line in file if line.startswith("btime"))
    except (OSError, StopIteration):
        return None
    return boot + found.start_ticks / os.sysconf("SC_CLK_TCK")


def parse_time(text: str) -> float | None:
    """Turn runsc's RFC 3339 time, with up to nine decimals, into seconds since the epoch; None if it is no time."""
    whole, _dot, fraction = text.partition(".")
    zone = fraction.lstrip("0123456789") if fraction else ""
    try:
        moment = datetime.datetime.fromisoformat(whole.replace("Z", "+00:00") + zone.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else None
