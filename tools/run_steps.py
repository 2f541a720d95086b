# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run every test step, whatever fails on the way, and sum up. Called by `make test`.

usage: run_steps.py BUILD OLDEST_CORE NEWEST_CORE

The tests against real sandboxes wait for half of their time, so several steps run at the same time, in lanes. Each lane
has a mirror of the collection of its own, since two runs of ansible-test in one would share its output folder.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple

GRACE = 30  # seconds for a step that is ended to clean up
# How much of the time was work, for the output: steps that run at the same time make each other's seconds longer.
TIMED = 'TIMEFORMAT="%U s + %S s of processor time"; time "$@"'


class Step(NamedTuple):
    """A make target, with more arguments for make, and the minutes after which it must be hung."""

    minutes: int
    target: str
    arguments: tuple[str, ...] = ()


class Result(NamedTuple):
    """How a step ended: C(code) is 0 for a good one; C(seconds) is what it took."""

    step: Step
    code: int
    seconds: float

    def __str__(self) -> str:
        if self.code == 0:
            return f"ok    {self.seconds:4.0f} s  {self.step.target}"
        return f"FAIL  {self.seconds:4.0f} s  {self.step.target} (exit {self.code})"


class Runner:
    """Runs steps, several at a time if asked from several threads, and collects their results."""

    def __init__(self, build: Path) -> None:
        self._logs = build / "steps"
        self._logs.mkdir(parents=True, exist_ok=True)
        self._printing = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._interrupted = threading.Event()
        self.results: list[Result] = []

    def run(self, steps: Sequence[Step], *variables: str) -> None:
        """Run the steps one after another, with these variables for make."""
        for step in steps:
            if self.is_interrupted:
                return
            self._run(step, variables)

    def _run(self, step: Step, variables: Sequence[str]) -> None:
        log = self._logs / f"{step.target}.log"
        self._say(f"==== {step.target} begins; its output: {log}")
        began = time.monotonic()
        with log.open("wb") as output:
            code = self._finish(step, self._start(step, variables, output))
        result = Result(step, code, time.monotonic() - began)
        self.results.append(result)
        self._say(log.read_text(encoding="utf-8", errors="replace"), f"==== {result}", "")

    def _start(self, step: Step, variables: Sequence[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
        make = [os.environ.get("MAKE", "make"), "--no-print-directory", step.target, *step.arguments, *variables]
        argv = ["bash", "-c", TIMED, "bash", *make]
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        self._running.add(process)
        return process

    def _finish(self, step: Step, process: subprocess.Popen[bytes]) -> int:
        try:
            return process.wait(step.minutes * 60)
        except subprocess.TimeoutExpired:
            self._say(f"{step.target} takes longer than {step.minutes} minutes")
            self._end(process)
            return 124
        finally:
            self._running.discard(process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """End a step with all that it has started; the tests clean up when they are asked to end."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if process.poll() is None:
                os.killpg(process.pid, number)
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                continue
            return

    @property
    def is_interrupted(self) -> bool:
        """Whether somebody wanted it to end before it was done."""
        return self._interrupted.is_set()

    def interrupt(self) -> None:
        """End what runs, and start nothing more."""
        self._interrupted.set()
        for process in list(self._running):
            self._end(process)

    def _say(self, *texts: str) -> None:
        with self._printing:
            print(*texts, sep="\n", flush=True)


def cores_to_test(oldest: str, newest: str) -> list[str]:
    """Return the ansible-core releases that this Python can run, the newest first."""
    if sys.version_info >= (3, 12):
        return [newest, oldest]
    print(f"ansible-core {newest} is not tested here: it needs Python 3.12, and this is {sys.version.split()[0]}")
    return [oldest]


def run_all(runner: Runner, build: Path, cores: Sequence[str]) -> None:
    """Run all steps: what the others need, then lanes beside each other, then what wants the machine for itself."""
    runner.run([Step(10, "setup", tuple(f"core-{core}" for core in cores)), Step(1, "versions")])
    if any(result.code for result in runner.results):
        return  # nothing that follows could tell us more
    threads = [
        threading.Thread(target=runner.run, args=(steps, f"COLLECTIONS={build / 'lanes' / name}"))
        for name, steps in lanes(build, cores).items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runner.run([Step(20, "molecule"), Step(5, "demo")])


def lanes(build: Path, cores: Sequence[str]) -> dict[str, list[Step]]:
    """Return the steps that may run at the same time, by lanes of about the same length."""
    if len(cores) == 1:
        units, playbooks = [Step(20, f"units-{cores[0]}")], [Step(30, f"integration-{cores[0]}", ("RUNSC=",))]
    else:
        # Each core with a half of what there is: the newest with the newest, the oldest with the oldest.
        minors = sorted(int(path.suffix[1:]) for path in build.glob("pybin/python3.*"))
        units = [
            Step(20, f"units-{core}", (f"UNITS_ARGS=--python 3.{minor}",))
            for core, minor in zip(cores, (minors[-1], minors[0]), strict=True)
        ]
        playbooks = [Step(30, f"integration-{core}") for core in cores]
    return {
        "computing": [
            *(Step(15, "lint"), Step(5, "docs"), Step(2, "coverage"), Step(10, "unit")),
            *(Step(20, f"sanity-{core}") for core in cores),
            *units,
            Step(10, "dist"),
        ],
        "system": [Step(60, "system")],
        "playbooks": [*playbooks, Step(40, "connection")],
    }


def main() -> None:
    """Run them and print the summary; exit 1 when one has failed."""
    if len(sys.argv) != 4:
        sys.exit("usage: run_steps.py BUILD OLDEST_CORE NEWEST_CORE")
    build = Path(sys.argv[1])
    runner = Runner(build)

    def stop(number: int, frame: object) -> None:
        runner.interrupt()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    began = time.monotonic()
    run_all(runner, build, cores_to_test(*sys.argv[2:]))
    failed = sum(1 for result in runner.results if result.code)
    print("", *runner.results, f"      {time.monotonic() - began:.0f} s in all", sep="\n")
    print(f"{len(runner.results) - failed} passed, {failed} failed")
    sys.exit("interrupted" if runner.is_interrupted else int(failed > 0))


if __name__ == "__main__":
    main()
