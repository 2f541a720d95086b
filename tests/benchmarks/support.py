# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benchmarks share: a place for sandboxes that is always cleaned up, the times of tasks in a play, and tables.

Everything here is compared by ratios. Both sides of a ratio are measured in one run, in turns, and their medians count, so
that what else the machine is doing matters to both alike.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast
from xml.etree import ElementTree

from ansible_collections.gvisor.runsc.plugins.module_utils.parallel import cores
from ansible_collections.gvisor.runsc.tests.modules.support import Json, Place, Runner, RunscVersion, make_rootfs

CALL_PATIENCE = 600.0  # seconds for a play, or for all calls of one xargs
# Debian's, as on most managed nodes. One that was built by hand is often slower, which would hide what tasks add to it.
PYTHON = shutil.which("python3", path="/usr/bin") or sys.executable
PLAY = "measure"
WARM = "warm"  # the name of tasks whose time does not count: a play's first task of a kind builds what the others reuse


class Row(NamedTuple):
    """One line of the table: two values of the same unit, and the ratio that is aimed at, if any."""

    operation: str
    version: str
    ours: float
    reference: float
    unit: str
    what: str
    goal: float | None = None

    @property
    def ratio(self) -> float:
        """Ours by the reference."""
        return self.ours / self.reference

    def cells(self) -> list[str]:
        """Return the columns of the table."""
        missed = self.goal is not None and self.ratio > self.goal
        goal = "" if self.goal is None else f"{self.goal:.2f}{' missed' if missed else ''}"
        values = (_value(value, self.unit) for value in (self.ours, self.reference))
        return [self.operation, self.version, *values, self.what, f"{self.ratio:.2f}", goal]


HEADER = ["operation", "runsc", "ours", "reference", "which is", "ratio", "goal"]


def _value(value: float, unit: str) -> str:
    return f"{value * 1000:.0f} ms" if unit == "s" else f"{value:.0f}{unit and ' ' + unit}"


def print_table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Print a table in Markdown, its columns aligned."""
    widths = [max(len(line[column]) for line in (header, *lines)) for column in range(len(header))]
    for line in (header, ["-" * width for width in widths], *lines):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |")


def say(text: str) -> None:
    """Tell on standard error what is going on; the table alone goes to standard output."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def told(rows: Iterator[Row]) -> Iterator[Row]:
    """Tell rows on standard error as they come, so that what was measured before an interruption is not lost."""
    for row in rows:
        say(" | ".join(row.cells()))
        yield row


def seconds(work: Callable[[], object]) -> float:
    """Return how long something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process and return its exit code. C(Popen.wait) with a deadline looks in steps of up to 50 ms."""
    late = threading.Timer(CALL_PATIENCE, process.kill)
    late.start()
    try:
        return process.wait()
    finally:
        late.cancel()
        process.kill()  # does nothing if it has ended


def in_turns(rounds: int, *works: Callable[[], float], budget: float = 600.0) -> list[float]:
    """Measure things in turns, in the other order every second time, and return the median of each.

    :param budget: seconds after which no further round is begun.
    """
    times: list[list[float]] = [[] for _work in works]
    began = time.monotonic()
    for number in range(rounds):
        if number and time.monotonic() - began > budget:
            break
        order = range(len(works)) if number % 2 == 0 else reversed(range(len(works)))
        for index in order:
            times[index].append(works[index]())
    return [statistics.median(values) for values in times]


class Timed(Place):
    """A place whose tasks are measured, in plays."""

    def times(self, tasks: Sequence[tuple[str, Json]], *arguments: str, **variables: Any) -> dict[str, list[float]]:
        """Run tasks in one play and return the seconds that each took, by their names, which are single words.

        What counts is the time between a task's start and its result, as Ansible's own callback C(junit) tells it.
        """
        play = {
            "name": PLAY,
            "hosts": "all",
            "gather_facts": False,
            "vars": {"ansible_connection": "local", "ansible_python_interpreter": PYTHON, **variables},
            "module_defaults": {"group/gvisor.runsc.runsc": self.common},
            "tasks": [{"name": name, **task} for name, task in tasks],
        }
        return self.play_times([play], "--inventory=localhost,", *arguments)

    def play_times(self, plays: Sequence[Json], *arguments: str) -> dict[str, list[float]]:
        """Run plays and return the times of their tasks, by name."""
        with tempfile.TemporaryDirectory(dir=self.folder, prefix="play-") as name:
            book = Path(name, "play.yml")
            book.write_text(json.dumps(plays), encoding="utf-8")
            self.playbook(book, *arguments, JUNIT_OUTPUT_DIR=name)
            (report,) = Path(name).glob("*.xml")
            times: dict[str, list[float]] = {}
            for case in ElementTree.parse(report).iter("testcase"):
                # The name is "[HOST] PLAY: TASK OPTIONS".
                task = case.attrib["name"].partition(f"{PLAY}: ")[2].partition(" ")[0]
                times.setdefault(task, []).append(float(case.attrib["time"]))
        times.pop(WARM, None)
        return times

    def playbook(self, book: Path, *arguments: str, **environment: str) -> None:
        """Run a playbook, which must not fail."""
        settings = {
            "ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit",
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
            **environment,
        }
        done = subprocess.run(
            [sys.executable, str(Path(sys.executable).with_name("ansible-playbook")), *arguments, str(book)],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**self.environment, **settings},
            cwd=self.folder,
            timeout=CALL_PATIENCE,
        )
        if done.returncode:
            raise RuntimeError(f"a play failed:\n{done.stdout[-4000:]}")


class Bench(Timed):
    """Sandboxes of one version of runsc, from one bundle that mounts its root file system read-only."""

    def __init__(self, version: RunscVersion, folder: Path, rootfs: Path) -> None:
        prefix = f"b{os.getpid():07d}{version.label[-4:]}x"  # no test has such ids; they are unique on the host
        super().__init__(cast(Runner, None), version, folder, rootfs, prefix)
        self.parallel = cores()

    def names(self, count: int, first: int = 0) -> list[str]:
        """Return ids, none of which is the beginning of another one."""
        return [f"{self.prefix}{number:04d}" for number in range(first, first + count)]

    def containers(self, names: Sequence[str], **options: Any) -> Json:
        """Return a task that brings containers to a state, as raw runsc would: without a signal first."""
        given = {"names": list(names), "bundle": str(self.bundle), "force": True, "parallel": self.parallel, **options}
        return {"gvisor.runsc.runsc_containers": {name: value for name, value in given.items() if value is not None}}

    @property
    def call(self) -> list[str]:
        """How raw runsc is called, up to its subcommand."""
        return [self.version.path, f"--root={self.root}", "--network=none", f"--platform={self.version.platform}"]

    def quiet(self, argv: Sequence[str]) -> None:
        """Run a command, which must not fail, with no stream that a sandbox could keep open."""
        nothing = subprocess.DEVNULL
        code = wait(subprocess.Popen(argv, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True))
        if code:
            raise subprocess.CalledProcessError(code, argv)

    def xargs(self, names: Sequence[str], *arguments: str) -> float:
        """Call raw runsc for each name, as many at a time as ours; return the seconds. Its streams are no pipes."""
        argv = ["xargs", f"--max-procs={self.parallel}", "-I{}", *self.call, *arguments, "{}"]
        given = self.folder / "xargs.in"
        given.write_text("\n".join(names), encoding="utf-8")
        with given.open("rb") as source, (self.folder / "xargs.err").open("wb") as errors:
            began = time.perf_counter()
            code = wait(
                subprocess.Popen(argv, stdin=source, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True)
            )
            took = time.perf_counter() - began
        if code:
            raise RuntimeError(f"{argv} failed: {(self.folder / 'xargs.err').read_text(errors='replace')[-2000:]}")
        return took

    def raw_create(self, names: Sequence[str]) -> float:
        """Create and start with raw runsc; return the seconds."""
        return self.xargs(names, "run", "--detach", f"--bundle={self.bundle}")

    def raw_delete(self, names: Sequence[str]) -> float:
        """Delete with raw runsc; return the seconds."""
        return self.xargs(names, "delete", "--force")

    def raw_list(self) -> float:
        """Ask raw runsc for all containers; return the seconds."""
        return seconds(lambda: self.runsc("list", "--format=json"))


@contextlib.contextmanager
def base_folder() -> Iterator[Path]:
    """A folder for all, with a root file system in it. An interruption by a signal is one by Ctrl-C, so that all is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="gb-"))
    try:
        folder.chmod(0o755)  # sandboxes are run by nobody
        make_rootfs(folder / "rootfs")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def bench(version: RunscVersion, base: Path) -> Iterator[Bench]:
    """A place for the sandboxes of one version. At the end nothing of it is left."""
    made = Bench(version, base / version.label, base / "rootfs")
    try:
        yield made
    finally:
        left = [path.name.partition("_sandbox:")[0] for path in made.root.glob("*.state")]
        with contextlib.suppress(Exception):  # what can't be deleted in order is killed
            if left:
                made.raw_delete(left)
        made.clean()
        shutil.rmtree(made.folder, ignore_errors=True)
