# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The subcommands that only look: list, state, ps, events, usage, version and the like."""

from __future__ import annotations

import os
import selectors
import signal
import time
import typing as t

from . import procfs, statedir
from .errors import DeadlineError, NotFoundError, RunscError, StateError, UsageError
from .event_stream import EventStream
from .invoke import Invoker
from .models import (
    Container,
    Event,
    MemoryUsage,
    ProcessInfo,
    Stats,
    TracedProcess,
    Version,
    load_json,
    parse_process_table,
)

_LOOK_INTERVAL = 0.5  # seconds between two looks whether a container still lives
CORRUPT = "corrupt"  # the status that a container gets here when runsc can't read its record, and hides it


class ObserveCommands(Invoker):
    """list, state, ps, top, stats, events, usage, spec, version, features, debug and metrics."""

    def list(self) -> t.List[Container]:
        """Return every container under the root, in the order of their ids; none if the root does not exist.

        A container that C(runsc list) hides, because its record can't be read, has the status L(CORRUPT). One whose sandbox
        is dead is C(stopped), whatever runsc says: it trusts zombies, and never checks a paused one.
        """
        before = self.existing()
        try:
            completed = self.invoke("list", ["--format=json"])
        except DeadlineError:
            raise
        except RunscError:
            # One record of some kinds ("{}") makes it panic. What it would have said of the others is in their records.
            records = statedir.read_all(self.root)
            if not any(record.problem for record in records):
                raise
            return [self._from_record(record) for record in records]
        listed = [Container.from_json(item) for item in load_json(completed.stdout.text, "runsc list") or []]
        paths = {**self.existing(), **before}
        containers = {item.id: self._verified(item, paths.get(item.id)) for item in listed if item.id}
        hidden = set(before) - set(containers)
        for container in hidden & set(self.existing()) if hidden else ():
            containers[container] = Container(container, CORRUPT, -1, "", {}, "")
        return [containers[container] for container in sorted(containers)]

    def _from_record(self, record: statedir.Record) -> Container:
        """Describe a container as its record and /proc do."""
        if record.problem:
            return Container(record.id, CORRUPT, -1, "", {}, "")
        status, pid = (record.status, record.pid) if self.is_live(record) else ("stopped", -1)
        spec = record.spec
        return Container(
            record.id, status, pid, record.bundle, dict(spec.get("annotations") or {}), str(spec.get("ociVersion", ""))
        )

    def ids(self) -> t.List[str]:
        """Return the ids that runsc finds, in alphabetical order. Contacts no sandbox, so it works beside a wedged one."""
        return sorted(self.invoke("list", ["--quiet"]).stdout.text.split())

    def state(self, container: str, *, timeout: float | None = None) -> Container:
        """Return the state of the container with exactly this id.

        :raises NotFoundError: there is none. :raises AmbiguousIdError: runsc can't address it.
        :raises DeadlineError: its sandbox does not answer.
        """
        record = self.record(container)
        completed = self.invoke("state", [container], container=container, timeout=timeout)
        found = Container.from_json(load_json(completed.stdout.text, "runsc state"))
        if found.id != container:
            raise NotFoundError(
                f"there is no container {container!r}; runsc answered for {found.id!r}",
                container=container,
                completed=completed,
            )
        return self._verified(found, record.path)

    def _verified(self, container: Container, state_file: str | None) -> Container:
        """Correct the status of a container whose sentry is dead, or whose pid belongs to another process by now."""
        if container.pid <= 0:
            return container
        sandbox = statedir.sandbox_of(state_file) if state_file else container.id
        if procfs.is_sentry(container.pid, sandbox, self.root) and not procfs.is_dead(container.pid):
            return container
        return container._replace(status="stopped", pid=-1)

    def ps(self, container: str) -> t.List[int]:
        """Return the pids of the container's processes, in the sandbox's root pid namespace, zombies included."""
        self.record(container)
        completed = self.invoke("ps", ["--format=json", container], container=container)
        return [int(pid) for pid in load_json(completed.stdout.text, "runsc ps") or []]

    def top(self, container: str) -> t.List[ProcessInfo]:
        """Return the container's processes with user, parent, times and command."""
        self.record(container)
        completed = self.invoke("ps", ["--format=table", container], container=container)
        return parse_process_table(completed.stdout.text)

    def trace_processes(self, container: str) -> t.List[TracedProcess]:
        """Return the processes of the whole sandbox with the host's files that they have open (C(trace procfs)).

        :raises UnsupportedError: the binary lacks the subcommand. :raises RunscError: it said what can't be read.
        """
        self.features.require_subcommand("trace")
        self.record(container)
        completed = self.invoke("trace", ["procfs", container], container=container)
        lines = [line for line in completed.stdout.text.splitlines() if line.startswith("{")]
        return [TracedProcess.from_json(load_json(line, "runsc trace procfs")) for line in lines]

    def stats(self, container: str) -> Stats:
        """Return one sample of the container's counters.

        :raises StateError: it has not been started; some versions would panic.
        """
        self.refuse_status(container, ("created",), "has no statistics before it is started")
        completed = self.invoke("events", ["--stats", container], container=container)
        event = Event.from_line(completed.stdout.text)
        if event.stats is None:
            raise RunscError(
                f"runsc events answered without statistics: {event.error}", container=container, completed=completed
            )
        return event.stats

    def events(self, container: str, interval: int = 5) -> t.Iterator[Event]:
        """Yield a sample now and then every C(interval) seconds, until the container ends or the iterator is closed.

        What can't be parsed is yielded as an event of type C(error). runsc itself never ends, so the sandbox is watched here.

        :raises UsageError: the interval is below one second; runsc would print without a pause.
        """
        record = self._check_events(container, interval)
        with self.open_events(container, interval) as stream, selectors.DefaultSelector() as selector:
            selector.register(stream.descriptor, selectors.EVENT_READ)
            is_alive = self.watcher(record, interval)
            while stream.is_open and is_alive():
                selector.select(_LOOK_INTERVAL)
                yield from stream.read()

    def _check_events(self, container: str, interval: int) -> statedir.Record:
        if interval < 1:
            raise UsageError(f"interval: {interval!r} is below 1 second", remedy="Give whole seconds, 1 or more")
        return self.refuse_status(container, ("created",), "has no events before it is started")

    def open_events(self, container: str, interval: int, *, end_with_us: bool = False) -> EventStream:
        """Start C(runsc events) and return its stream, to be closed by the caller. It does not end by itself.

        :param end_with_us: it is killed when this thread ends, however that ends.
        """
        self._check_events(container, interval)
        argv = [self.path, *self.global_arguments(), "events", f"--interval={interval}", container]
        return EventStream(argv, self.monitor, int(signal.SIGKILL) if end_with_us else self._pdeath_signal)

    def watcher(self, record: statedir.Record, interval: int, *, timeout: float | None = None) -> t.Callable[[], bool]:
        """Return a function that says whether a container is still there and alive; runsc events would not notice.

        :param timeout: seconds for the answer about one member of a sandbox, without it the client's.
        """
        asked = time.monotonic()

        def is_alive() -> bool:
            nonlocal asked
            if record.id not in self.existing() or procfs.is_dead(record.pid):
                return False
            if record.is_sandbox_root or time.monotonic() < asked + interval or procfs.is_suspended(record.pid):
                return True
            asked = time.monotonic()  # the end of one member of a sandbox is known to runsc only
            return self.state(record.id, timeout=timeout).status != "stopped"

        return is_alive

    def refuse_status(self, container: str, refused: t.Sequence[str], why: str) -> statedir.Record:
        """Return the record. :raises StateError: its status is one of C(refused)."""
        record = self.record(container)
        if record.status in refused:
            raise StateError(f"container {container!r} {why}", remedy="Start it first", container=container)
        return record

    def usage(self, container: str, *, full: bool = False) -> MemoryUsage:
        """Return the memory that the sandbox uses, in bytes by kind. C(full) looks closer and takes longer."""
        self.record(container)
        completed = self.invoke("usage", [*(["--full"] if full else []), container], container=container)
        return MemoryUsage.from_json(load_json(completed.stdout.text, "runsc usage"))

    def version(self) -> Version:
        """Return the version of the binary."""
        return self.features.version

    def spec(self, bundle: str, arguments: t.Sequence[str] = (), *, cwd: str = "", netns: str = "") -> None:
        """Write a template C(config.json) into an existing folder.

        :param arguments: the command in it. :param cwd: its working directory. :param netns: a network namespace's path.
        :raises RunscError: there is a C(config.json) already.
        """
        flags = [f"--bundle={os.path.abspath(bundle)}"]
        flags += [f"--{name}={value}" for name, value in (("cwd", cwd), ("netns", netns)) if value]
        self.invoke("spec", [*flags, *(["--", *arguments] if arguments else [])])

    def debug_stacks(self, container: str) -> str:
        """Return the stacks of the sentry's goroutines: for a bug report."""
        self.record(container)
        return self.invoke("debug", ["--stacks", container], container=container).stdout.text

    def export_metrics(self, container: str, *, prefix: str = "") -> str:
        """Return the sandbox's metrics in Prometheus' text format.

        :raises UnsupportedError: the binary is from before 2023.
        """
        self.features.require_subcommand("export-metrics")
        self.record(container)
        arguments = [f"--exporter-prefix={prefix}"] if prefix else []
        return self.invoke("export-metrics", [*arguments, container], container=container).stdout.text
