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
from .lifecycle import RUNNING
from .observation import look
from .runsc import procfs, statedir
from .runsc.client import Runsc
from .runsc.errors import NotFoundError, RunscError, StateError, UsageError
from .runsc.event_stream import EventStream
from .runsc.models import Stats

_LOOK_INTERVAL = 0.5  # seconds between two looks whether the containers still live
_ANSWER_TIMEOUT = 5.0  # seconds for the status of one container, in which those of the others wait
_LOST = "runsc events ended by itself"
_MEASURES = ("cpu_percent", "memory_usage", "pids")

Json = t.Dict[str, t.Any]


class Request(t.NamedTuple):
    """What to collect: of containers by name or by a shell pattern, each C(interval) seconds, until one limit is reached."""

    names: t.Sequence[str] | None = None
    pattern: str | None = None
    interval: int = 1
    duration: float | None = None
    samples: int | None = None


class IncompleteError(RunscError):
    """A container that lives has delivered too little. C(containers) is what was collected of all of them."""

    containers: list[Json]


def collect(runsc: Runsc, request: Request) -> list[Json]:
    """Return the samples of each container, with a summary. A container that ends, ends only its own collection.

    :raises UsageError: nothing says when to end, or a number makes no sense.
    :raises StateError: a container that was named does not run. :raises NotFoundError: it does not exist.
    :raises IncompleteError: one hangs, or runsc does not tell more of it; the others have been collected to the end.
    """
    check(request)
    records = _records(runsc, request)
    started = time.monotonic()
    deadline = started + (float("inf") if request.duration is None else request.duration)
    with contextlib.ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        collections = [_Collection(runsc, record, request, started, selector) for record in records]
        for collection in collections:
            stack.callback(collection.close)
            collection.open()
        _collect(selector, collections, deadline)
    containers = [collection.result() for collection in collections]
    problems = [collection for collection in collections if collection.problem]
    if problems:
        error = IncompleteError(
            "; ".join(f"container {one.id!r} delivered too little: {one.problem}" for one in problems),
            remedy="Look at it with runsc_info; what was collected is in containers",
            container=problems[0].id,
        )
        error.containers = containers
        raise error
    return containers


def check(request: Request) -> None:
    """:raises UsageError: nothing says when to end, or a number makes no sense."""
    if request.duration is None and request.samples is None:
        raise UsageError("duration: neither it nor samples is given", remedy="Say how long, or how many")
    for option, value in (("interval", request.interval), ("duration", request.duration), ("samples", request.samples)):
        if value is not None and value <= 0:
            raise UsageError(f"{option}: {value!r} is not positive", remedy="Give a number above 0")


def _records(runsc: Runsc, request: Request) -> list[statedir.Record]:
    if request.names is not None:
        return [_running(runsc, name) for name in dict.fromkeys(request.names)]
    found = []
    for name in fnmatch.filter(sorted(runsc.existing()), request.pattern or "*"):
        with contextlib.suppress(StateError, NotFoundError):  # it is frozen, or ended just now
            if look(runsc, name) == RUNNING:
                found.append(_running(runsc, name))
    return found


def _running(runsc: Runsc, name: str) -> statedir.Record:
    check_running(runsc, name)
    return runsc.record(name)


def _collect(selector: selectors.BaseSelector, collections: t.Collection[_Collection], deadline: float) -> None:
    """Read until each collection has enough, or the time is over."""
    missing = list(collections)
    next_look = 0.0
    while missing and time.monotonic() < deadline:
        for key, _mask in selector.select(max(0.0, min(next_look, deadline) - time.monotonic())):
            key.data.read()
        if time.monotonic() >= next_look:
            next_look = time.monotonic() + _LOOK_INTERVAL
            for collection in missing:
                collection.look()
        missing = [collection for collection in missing if not collection.is_done]
    for collection in missing:
        collection.end()


class _Collection:
    """The samples of one container. C(is_done) says that no more are wanted, or will come; C(problem) why too few have."""

    def __init__(
        self, runsc: Runsc, record: statedir.Record, request: Request, started: float, selector: selectors.BaseSelector
    ) -> None:
        self.id = record.id
        self.is_done = False
        self.problem = ""
        self._runsc = runsc
        self._record = record
        self._request = request
        self._started = started
        self._selector = selector
        self._patience = request.interval + runsc.timeout
        self._oom_kills = runsc.oom_kills(record)
        self._is_alive = runsc.watcher(record, request.interval, timeout=min(runsc.timeout, _ANSWER_TIMEOUT))
        self._samples: list[Json] = []
        self._errors: list[str] = []
        self._reason = ""
        self._stream: EventStream | None = None
        self._opened_with = 0  # samples that there were when the stream was opened
        self._heard = self._lost = started  # when the last sample came, and when the last stream ended

    def open(self) -> None:
        """Start a stream. Where the container is no longer there, the next look tells so."""
        self._opened_with, self._lost = len(self._samples), time.monotonic()
        with contextlib.suppress(NotFoundError, StateError):
            self._stream = self._runsc.open_events(self.id, self._request.interval, end_with_us=True)
            self._selector.register(self._stream.descriptor, selectors.EVENT_READ, self)

    def close(self) -> None:
        """End the stream, if there is one."""
        if self._stream:
            self._selector.unregister(self._stream.descriptor)
            self._stream.close()
            self._stream = None
            self._lost = time.monotonic()

    def read(self) -> None:
        """Take what has come."""
        if not self._stream:
            return
        for event in self._stream.read():
            if event.stats is None:
                self._note(event.error or f"an event of the type {event.type!r}")
            elif not self._has_enough():
                self._take(event.stats)
        if self._has_enough():
            self._finish()
        elif not self._stream.is_open:
            self.close()

    def _take(self, stats: Stats) -> None:
        self._heard = time.monotonic()
        used = {"cpu_ns": stats.cpu_ns, "memory_usage": stats.memory_usage, "pids": stats.pids}
        self._samples.append({"time": round(self._heard - self._started, 3), **used})

    def _has_enough(self) -> bool:
        return self._request.samples is not None and len(self._samples) >= self._request.samples

    def look(self) -> None:
        """See whether the container has ended, hangs, or needs another stream."""
        if not self._lives():
            self._reason = self._why()
            self._finish()
        elif time.monotonic() > self._heard + self._patience:
            self._give_up(f"no sample has come for {self._patience:g} s, {self._hang() or 'its sandbox may hang'}")
        elif self._stream is None and time.monotonic() > self._lost + _LOOK_INTERVAL:
            self._reopen()

    def end(self) -> None:
        """Take what is there for all: the time is over."""
        if not self._lives():
            self._reason = self._why()
        elif self._hang():
            self._give_up(self._hang())
        elif self._stream is None:
            self._note(_LOST)
        self._finish()

    def _reopen(self) -> None:
        """Go on with another stream. One that said nothing at all would not be the last such."""
        if len(self._samples) == self._opened_with:
            self._give_up(f"{_LOST}, and has told nothing")
            return
        self._note(f"{_LOST}; another one goes on")
        self.open()

    def _hang(self) -> str:
        if not procfs.is_suspended(self._record.pid):
            return ""
        return f"its sandbox (pid {self._record.pid}) was stopped by a signal and answers nobody"

    def _give_up(self, problem: str) -> None:
        self.problem = problem
        self._note(problem)
        self._finish()

    def _finish(self) -> None:
        self.is_done = True
        self.close()

    def _note(self, error: str) -> None:
        if error not in self._errors:
            self._errors.append(error)

    def _lives(self) -> bool:
        try:
            return self._is_alive()
        except NotFoundError:
            return False
        except RunscError as exc:  # that it can't be asked does not mean that it has ended
            self._note(exc.message)
            return True

    def _why(self) -> str:
        if self._runsc.oom_kills(self._record) > self._oom_kills:
            return "out of memory"
        return "deleted" if self.id not in self._runsc.existing() else "stopped"

    def result(self) -> Json:
        """Return the samples with their summary, and what became of the container."""
        samples = with_cpu_percent(self._samples)
        return {
            "id": self.id,
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
