# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runsc says, as typed records. Fields that a version adds are ignored, fields that it omits get their zero."""

from __future__ import annotations

import json
import re
import typing as t

from .errors import RunscError

Json = t.Dict[str, t.Any]


def load_json(text: str, what: str) -> t.Any:
    """Parse JSON from runsc. :raises RunscError: it is none; C(what) names the command that said it."""
    try:
        return json.loads(text)
    except ValueError as exc:
        shown = text if len(text) <= 200 else text[:200] + "..."
        raise RunscError(
            f"{what} did not answer with JSON but with {shown!r}", remedy="Is runsc_path really runsc?"
        ) from exc


def _number(data: t.Any, *keys: str) -> int:
    """Return a number deep inside C(data), 0 where any part of the way is missing: runsc omits zeros."""
    for key in keys:
        if not isinstance(data, dict):
            return 0
        data = data.get(key)
    return int(data or 0)


class Container(t.NamedTuple):
    """A container as C(state) and C(list) describe it. C(pid) is the sentry's on the host, -1 when stopped."""

    id: str
    status: str
    pid: int
    bundle: str
    annotations: dict[str, str]
    oci_version: str

    @classmethod
    def from_json(cls, data: Json) -> Container:
        """Read it from the JSON of runsc."""
        return cls(
            id=str(data.get("id", "")),
            status=str(data.get("status", "")),
            pid=int(data.get("pid") or -1),
            bundle=str(data.get("bundle", "")),
            annotations=dict(data.get("annotations") or {}),
            oci_version=str(data.get("ociVersion", "")),
        )


class Interface(t.NamedTuple):
    """Counters of one network interface inside the sandbox."""

    name: str
    rx_bytes: int
    rx_packets: int
    rx_errors: int
    rx_dropped: int
    tx_bytes: int
    tx_packets: int
    tx_errors: int
    tx_dropped: int

    @classmethod
    def from_json(cls, data: Json) -> Interface:
        """Read it from the JSON of runsc."""
        counters = ("RxBytes", "RxPackets", "RxErrors", "RxDropped", "TxBytes", "TxPackets", "TxErrors", "TxDropped")
        return cls(str(data.get("Name", "")), *(_number(data, counter) for counter in counters))


class Stats(t.NamedTuple):
    """One sample of C(events --stats).

    C(cpu_ns) is nanoseconds of CPU; the rest is bytes or counts. runsc always reports the limits and failcnts as 0: read
    the cgroup for those. C(interfaces) is empty on versions before 20240422.
    """

    cpu_ns: int
    cpu_user_ns: int
    cpu_kernel_ns: int
    cpu_percpu_ns: list[int]
    memory_usage: int
    memory_limit: int
    memory_max: int
    memory_failcnt: int
    memory_cache: int
    swap_usage: int
    kernel_usage: int
    kernel_tcp_usage: int
    pids: int
    pids_limit: int
    interfaces: list[Interface]

    @classmethod
    def from_json(cls, data: Json) -> Stats:
        """Read it from the JSON of runsc."""
        usage = ("cpu", "usage")
        memory = data.get("memory") or {}
        return cls(
            cpu_ns=_number(data, *usage, "total"),
            cpu_user_ns=_number(data, *usage, "user"),
            cpu_kernel_ns=_number(data, *usage, "kernel"),
            cpu_percpu_ns=[int(part) for part in ((data.get("cpu") or {}).get("usage") or {}).get("percpu") or []],
            memory_usage=_number(memory, "usage", "usage"),
            memory_limit=_number(memory, "usage", "limit"),
            memory_max=_number(memory, "usage", "max"),
            memory_failcnt=_number(memory, "usage", "failcnt"),
            memory_cache=_number(memory, "cache"),
            swap_usage=_number(memory, "swap", "usage"),
            kernel_usage=_number(memory, "kernel", "usage"),
            kernel_tcp_usage=_number(memory, "kernelTCP", "usage"),
            pids=_number(data, "pids", "current"),
            pids_limit=_number(data, "pids", "limit"),
            interfaces=[Interface.from_json(interface) for interface in data.get("network_interfaces") or []],
        )


class Event(t.NamedTuple):
    """One event: type C(stats) with C(stats) set, or type C(error) with C(error) saying what could not be read."""

    type: str
    id: str
    stats: Stats | None = None
    error: str = ""

    @classmethod
    def from_line(cls, line: str) -> Event:
        """Parse one line of C(runsc events); a line that is no event becomes an event of type C(error)."""
        try:
            data = json.loads(line)
            kind, body = data["type"], data.get("data")
            stats = Stats.from_json(body) if kind == "stats" and isinstance(body, dict) else None
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            return cls("error", "", error=f"{line.strip()!r} is not an event: {exc}")
        return cls(str(kind), str(data.get("id", "")), stats)


class ProcessInfo(t.NamedTuple):
    """One row of C(ps --format table). The pids are those of the sandbox's root pid namespace. C(pgid) is -1 before 2026-04."""

    uid: int
    pid: int
    ppid: int
    pgid: int
    cpu: int
    tty: str
    start_time: str
    cpu_time: str
    command: str


def parse_process_table(text: str) -> list[ProcessInfo]:
    """Parse the table of C(runsc ps). Columns are found by their headings, the last one takes the rest of the line."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return []
    headings = lines[0].split()
    processes = []
    for line in lines[1:]:
        row = dict(zip(headings, line.split(None, len(headings) - 1)))
        processes.append(
            ProcessInfo(
                uid=int(row.get("UID", -1)),
                pid=int(row.get("PID", -1)),
                ppid=int(row.get("PPID", -1)),
                pgid=int(row.get("PGID", -1)),
                cpu=int(row.get("C", 0)),
                tty=row.get("TTY", ""),
                start_time=row.get("STIME", ""),
                cpu_time=row.get("TIME", ""),
                command=row.get("CMD", ""),
            )
        )
    return processes


class TracedProcess(t.NamedTuple):
    """A process as C(trace procfs) describes it: its numbers, its arguments, and the host's files that it has open.

    The host's files have numbers inside the sandbox, in the order in which they came in: the container's own streams
    first, those of each exec after them.
    """

    pid: int
    ppid: int
    args: list[str]
    host_files: list[int]

    @classmethod
    def from_json(cls, data: Json) -> TracedProcess:
        """Read it from the JSON of runsc."""
        status = data.get("status") or {}
        paths = (str(file.get("path", "")) for file in data.get("fdlist") or [])
        found = (_HOST_FILE.fullmatch(path) for path in paths)
        return cls(
            pid=int(status.get("pid") or -1),
            ppid=int(status.get("ppid") or 0),
            args=[str(argument) for argument in data.get("args") or []],
            host_files=[int(match[1]) for match in found if match],
        )


_HOST_FILE = re.compile(r"host:\[(\d+)\]")


class MemoryUsage(t.NamedTuple):
    """What C(runsc usage) reports, in bytes, by kind."""

    by_kind: dict[str, int]
    total: int

    @classmethod
    def from_json(cls, data: Json) -> MemoryUsage:
        """Read it from the JSON of runsc."""
        numbers = {name: int(value) for name, value in data.items() if isinstance(value, (int, float))}
        return cls({name: value for name, value in numbers.items() if name != "Total"}, numbers.get("Total", 0))


class Version(t.NamedTuple):
    """What C(runsc --version) says: the version as printed (two formats exist), and the OCI version that it speaks."""

    runsc: str
    spec: str

    @classmethod
    def from_text(cls, text: str) -> Version:
        """:raises RunscError: this is not what runsc prints."""
        fields = dict(
            line.split(None, 1) for line in text.replace("runsc version", "runsc").splitlines() if " " in line
        )
        if "runsc" not in fields:
            raise RunscError(f"--version answered {text[:200]!r}", remedy="Is runsc_path really runsc?")
        return cls(fields["runsc"].strip(), fields.get("spec:", "").strip())
