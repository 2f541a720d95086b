# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collecting the statistics of containers over a time, side by side. Changes nothing. No Ansible in here."""

from __future__ import annotations

import contextlib
import fnmatch
import selectors
import time
import typing as t

from .execute import check_running
from .observation import look
from .runsc import statedir
from .runsc.client import Runsc
from .runsc.errors import RunscError, UsageError
from .runsc.event_stream import EventStream

_LOOK_INTERVAL = 0.5  # seconds between two looks whether the containers still live
_MEASURES = ("cpu_percent", "memory_usage", "pids")

Json = t.Dict[str, t.Any]


class Request(t.NamedTuple):
    """What to collect: of containers by name or by a shell pattern, each C(interval) seconds, until one limit is reached."""

    names: t.Sequence[str] | None = None
    pattern: str | None = None
    interval: int = 1
    duration: float | None = None
    samples: int | None = None


def collect(runsc: Runsc, request: Request) -> list[Json]:
    """Return the samples of each container, with a summary. A container that ends, ends only its own collection.

    :raises UsageError: nothing says when to end, or a number makes no sense.
    :raises StateError: a container that was named does not run. :raises NotFoundError: it does not exist.
    """
    check(request)
    names = _names(runsc, request)
    for name in names:
        check_running(runsc, name)
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        collections = [_Collection(runsc, runsc.record(name), request, started) for name in names]
        for collection in collections:
            stack.enter_context(collection.stream)
            selector.register(collection.stream.descriptor, selectors.EVENT_READ, collection)
        _collect(selector, _deadline(runsc, request, started))
        return [collection.result() for collection in collections]


def check(request: Request) -> None:
    """:raises UsageError: nothing says when to end, or a number makes no sense."""
    if request.duration is None and request.samples is None:
        raise UsageError("duration: neither it nor samples is given", remedy="Say how long, or how many")
    for option, value in (("interval", request.interval), ("duration", request.duration), ("samples", request.samples)):
        if value is not None and value <= 0:
            raise UsageError(f"{option}: {value!r} is not positive", remedy="Give a number above 0")


def _names(runsc: Runsc, request: Request) -> list[str]:
    if request.names is not None:
        return list(dict.fromkeys(request.names))
    matching = fnmatch.filter(sorted(runsc.existing()), request.pattern or "*")
    return [name for name in matching if look(runsc, name) == "running"]


def _deadline(runsc: Runsc, request: Request, started: float) -> float:
    """Return when to end at the latest: a sandbox that hangs delivers no samples, however many are wanted."""
    patience = runsc.timeout + request.interval * (request.samples or 0)
    return started + (patience if request.duration is None else request.duration)


def _collect(selector: selectors.BaseSelector, deadline: float) -> None:
    while selector.get_map():
        left = deadline - time.monotonic()
        if left <= 0:
            return
        for key, _mask in selector.select(min(left, _LOOK_INTERVAL)):
            key.data.read()
        for key in list(selector.get_map().values()):
            if key.data.is_done():
                selector.unregister(key.fd)
                key.data.stream.close()


class _Collection:
    """The samples of one container."""

    def __init__(self, runsc: Runsc, record: statedir.Record, request: Request, started: float) -> None:
        self._runsc = runsc
        self._record = record
        self._limit = request.samples
        self._started = started
        self._oom_kills = runsc.oom_kills(record)
        self._is_alive = runsc.watcher(record, request.interval)
        self._samples: list[Json] = []
        self._errors: list[str] = []
        self._reason = ""
        self.stream: EventStream = runsc.open_events(record.id, request.interval, end_with_us=True)

    def read(self) -> None:
        """Take what has come."""
        for event in self.stream.read():
            if event.stats is None:
                self._errors.append(event.error or f"an event of the type {event.type!r}")
            elif self._limit is None or len(self._samples) < self._limit:
                stats = {
                    "cpu_ns": event.stats.cpu_ns,
                    "memory_usage": event.stats.memory_usage,
                    "pids": event.stats.pids,
                }
                self._samples.append({"time": round(time.monotonic() - self._started, 3), **stats})

    def is_done(self) -> bool:
        """Return whether there is enough, or no more to come."""
        if self._limit is not None and len(self._samples) >= self._limit:
            return True
        if not self.stream.is_open:
            self._errors.append("runsc events ended by itself")
        elif self._lives():
            return False
        self._reason = self._why()
        return True

    def _lives(self) -> bool:
        try:
            return self._is_alive()
        except RunscError as exc:
            self._errors.append(exc.message)
            return False

    def _why(self) -> str:
        if self._runsc.oom_kills(self._record) > self._oom_kills:
            return "out of memory"
        return "deleted" if self._record.id not in self._runsc.existing() else "stopped"

    def result(self) -> Json:
        """Return the samples with their summary, and what became of the container."""
        samples = with_cpu_percent(self._samples)
        return {
            "id": self._record.id,
            "samples": samples,
            "summary": summary(samples),
            "ended": bool(self._reason),
            "reason": self._reason,
            "oom_kills": max(0, self._runsc.oom_kills(self._record) - self._oom_kills),
            "errors": self._errors,
        }


def with_cpu_percent(samples: t.Sequence[Json]) -> list[Json]:
    """Return the samples with the use of one core since the one before, in percent; None for the first."""
    found: list[Json] = []
    for sample in samples:
        percent = None
        if found and sample["time"] > found[-1]["time"]:
            nanoseconds = (sample["time"] - found[-1]["time"]) * 1e9
            percent = round(100 * (sample["cpu_ns"] - found[-1]["cpu_ns"]) / nanoseconds, 2)
        found.append({**sample, "cpu_percent": percent})
    return found


def summary(samples: t.Sequence[Json]) -> Json:
    """Return the least, the mean and the greatest of each measure; None where there are no values."""
    found: Json = {}
    for measure in _MEASURES:
        values = [sample[measure] for sample in samples if sample[measure] is not None]
        found[measure] = (
            {"min": min(values), "mean": round(sum(values) / len(values), 2), "max": max(values)} if values else None
        )
    return found
