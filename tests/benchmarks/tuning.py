# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what options change: those of runsc, C(parallel) and C(keep_exit_status) of the modules, and pipelining.

usage: PYTHONPATH=<folder that holds ansible_collections> python tuning.py

As root, with RUNSC_VERSIONS_FILE of the tests. Options that a version of runsc lacks are left out, with a line that says so.
"""

from __future__ import annotations

import functools
import statistics
import subprocess
from collections.abc import Iterator, Mapping

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.tests.benchmarks.support import (
    HEADER,
    WARM,
    Bench,
    Row,
    base_folder,
    bench,
    in_turns,
    print_table,
    say,
    seconds,
    told,
)
from ansible_collections.gvisor.runsc.tests.benchmarks.tasks import PING
from ansible_collections.gvisor.runsc.tests.modules.support import versions

ROUNDS = 3
FLAG_ROUNDS, FLAG_BUDGET = 9, 15.0  # seconds after which no further round is begun
BATCH = 8
# Each is compared with the same call without it. A pair of flags is one that is compared with the other.
FLAGS = (
    (["--platform=ptrace"], ["--platform=systrap"]),
    (["--overlay2=none"], ["--overlay2=root:self"]),
    (["--overlay2=root:memory"], ["--overlay2=root:self"]),
    (["--overlay"], ["--overlay=false"]),
    (["--directfs=false"], ["--directfs"]),
    (["--file-access=shared"], ["--file-access=exclusive"]),
    (["--strace", "--debug", "--debug-log=/dev/null"], ["--strace=false"]),
)
# Commands in a sandbox: many system calls, and many files of its root file system.
LOADS = {
    "system calls": "dd if=/dev/zero of=/dev/null bs=1 count=50000 2>/dev/null",
    "files": "for n in $(seq 20); do ls -lR /bin >/dev/null; done",
}


def flags_of(place: Bench) -> Iterator[Row]:
    """What flags of runsc change: the time to start a sandbox, and that of commands in it."""
    known = Runsc(place.version.path).features
    for number, (given, usual) in enumerate(FLAGS):
        names = {flag.lstrip("-").partition("=")[0] for flag in (*given, *usual)}
        wanted = {flag.partition("=")[2] for flag in (*given, *usual) if flag.startswith("--platform")}
        if not names <= set(known.flags) or not wanted <= set(known.platforms):
            say(f"{place.version.label} has no {' '.join(given)}")
            continue
        made = {"given": (f"{place.prefix}g{number}", given), "usual": (f"{place.prefix}u{number}", usual)}

        call = functools.partial(_call, place, made)
        start = functools.partial(_start, place, made)
        try:
            values = in_turns(FLAG_ROUNDS, functools.partial(start, "given"), functools.partial(start, "usual"))
        except subprocess.CalledProcessError as exc:  # the flag is there, the value is not
            say(f"{place.version.label} refuses {exc.cmd[4]}")
            continue
        what = f"{' '.join(given)}, start"
        yield Row(what, place.version.label, values[0], values[1], "s", " ".join(usual))
        for which in made:
            call(which, "run", "--detach", f"--bundle={place.bundle}")
        for load, script in LOADS.items():
            run = functools.partial(_run, place, made, script)
            values = in_turns(
                FLAG_ROUNDS, functools.partial(run, "given"), functools.partial(run, "usual"), budget=FLAG_BUDGET
            )
            yield Row(f"{' '.join(given)}, {load}", place.version.label, values[0], values[1], "s", " ".join(usual))
        for which in made:
            call(which, "delete", "--force")


Made = Mapping[str, tuple[str, list[str]]]  # the id and the further flags of each of two containers


def _call(place: Bench, made: Made, which: str, *arguments: str) -> float:
    name, flags = made[which]
    kept = [word for word in place.call if not any(word.startswith(flag.partition("=")[0]) for flag in flags)]
    return seconds(lambda: place.quiet([*kept, *flags, *arguments, name]))


def _start(place: Bench, made: Made, which: str) -> float:
    took = _call(place, made, which, "run", "--detach", f"--bundle={place.bundle}")
    _call(place, made, which, "delete", "--force")
    return took


def _run(place: Bench, made: Made, script: str, which: str) -> float:
    argv = [*place.call, "exec", made[which][0], "sh", "-c", script]
    return seconds(lambda: place.quiet(argv))


def options_of(place: Bench) -> Iterator[Row]:
    """What options of the modules and of Ansible change."""
    names = place.names(BATCH)

    def create(**options: object) -> float:
        tasks = [
            (WARM, PING),
            ("it", place.containers(names, **options)),
            (WARM, place.containers(names, state="absent")),
        ]
        return place.times(tasks)["it"][0]

    changes: dict[str, dict[str, object]] = {
        f"parallel: {2 * place.parallel}, create {BATCH}": {"parallel": 2 * place.parallel},
        f"parallel: 1, create {BATCH}": {"parallel": 1},
        f"keep_exit_status, create {BATCH}": {"keep_exit_status": True},
    }
    for what, options in changes.items():
        values = in_turns(2, functools.partial(create, **options), create)
        yield Row(what, place.version.label, values[0], values[1], "s", f"parallel: {place.parallel}, without it")
    place.raw_create(names)
    check = place.containers(names)

    def task(pipelining: bool) -> float:
        times = place.times([(WARM, check), *[("it", check)] * ROUNDS], ansible_pipelining=pipelining)
        return statistics.median(times["it"])

    values = in_turns(2, lambda: task(True), lambda: task(False))
    yield Row(
        "pipelining (connection local), no change", place.version.label, values[0], values[1], "s", "without pipelining"
    )


def main() -> None:
    """Measure and print."""
    rows: list[Row] = []
    with base_folder() as base:
        for version in versions():
            with bench(version, base) as place:
                for part in (flags_of, options_of):
                    say(f"{version.label}: {part.__name__}")
                    rows += told(part(place))
    print_table(HEADER[:-1], [row.cells()[:-1] for row in rows])


if __name__ == "__main__":
    main()
