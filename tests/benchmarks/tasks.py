# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tasks cost, beside the least that could do the same: a task that does nothing, and raw runsc."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ansible_collections.gvisor.runsc.tests.benchmarks.support import (
    CALL_PATIENCE,
    PYTHON,
    WARM,
    Bench,
    Row,
    in_turns,
    say,
    seconds,
)
from ansible_collections.gvisor.runsc.tests.modules.support import Json, subcommands

SIZES = (1, 10, 100)
COUNTED = 10  # containers, where processes are counted
ROUNDS = 3
BULK_BUDGET = 45.0  # seconds after which no further round of making and removing a fleet is begun
START_ROUNDS = 7
GOAL_NOTHING, GOAL_BULK, GOAL_START = 1.5, 1.15, 1.1

PING: Json = {"ansible.builtin.ping": {}}
NOTHING = """#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule


def main():
    AnsibleModule(argument_spec={}, supports_check_mode=True).exit_json(changed=False)


if __name__ == "__main__":
    main()
"""


def sizes(fleet: int) -> list[int]:
    """Return the numbers of sandboxes that are looked at in one task."""
    return sorted({*(size for size in SIZES if size < fleet), fleet})


def one(bench: Bench, task: Json) -> float:
    """Return the seconds that a task takes that may be run once only."""
    # What the first task of a play has to prepare is prepared by others.
    times = bench.times(
        [(WARM, PING), (WARM, bench.containers(bench.names(1, first=9000), state="absent")), ("it", task)]
    )
    return times["it"][0]


def bulk(bench: Bench, fleet: int) -> Iterator[Row]:
    """Making and removing a fleet. It is there in the end."""
    names = bench.names(fleet)
    create: list[float] = []
    delete: list[float] = []
    raw_create: list[float] = []
    raw_delete: list[float] = []

    def ours() -> float:
        create.append(one(bench, bench.containers(names)))
        delete.append(one(bench, bench.containers(names, state="absent")))
        return create[-1]

    def raw() -> float:
        raw_create.append(bench.raw_create(names))
        raw_delete.append(bench.raw_delete(names))
        return raw_create[-1]

    in_turns(ROUNDS, ours, raw, budget=BULK_BUDGET)
    say(f"{bench.version.label}: {len(create)} rounds of {fleet}, {create=}, {raw_create=}, {delete=}, {raw_delete=}")
    bench.raw_create(names)
    what = f"xargs -P {bench.parallel} runsc"
    for action, mine, its in (("create and start", create, raw_create), ("delete", delete, raw_delete)):
        values = statistics.median(mine), statistics.median(its)
        yield Row(f"{action} {fleet}", bench.version.label, *values, "s", what, GOAL_BULK)


def nothing(bench: Bench, fleet: int) -> Iterator[Row]:
    """A task that finds everything as it should be. The fleet is there."""
    checks = [(f"check{size}", bench.containers(bench.names(size))) for size in sizes(fleet)]
    tasks = [(WARM, PING), (WARM, checks[0][1]), *[("ping", PING), *checks] * ROUNDS]
    times = bench.times(tasks)
    lists = [bench.raw_list() for _call in range(ROUNDS)]
    least = statistics.median(times["ping"]) + statistics.median(lists)
    say(f"{bench.version.label}: ping {statistics.median(times['ping']):.3f}, list {statistics.median(lists):.3f}")
    for size in sizes(fleet):
        goal = GOAL_NOTHING if size == fleet else None
        took = statistics.median(times[f"check{size}"])
        yield Row(f"no change in {size} of {fleet}", bench.version.label, took, least, "s", "ping + runsc list", goal)


def processes(bench: Bench, fleet: int) -> Iterator[Row]:
    """The runsc processes that a task starts. The fleet is there."""
    spare = bench.names(COUNTED, first=fleet)
    operations: list[tuple[str, Sequence[str], str, int]] = [
        *((f"no change in {size}", bench.names(size), "running", 1) for size in sizes(fleet)),
        (f"create and start {COUNTED}", spare, "running", COUNTED),
        (f"delete {COUNTED}", spare, "absent", COUNTED),
    ]
    for what, names, state, least in operations:
        shim = bench.shim()
        bench.times([("it", bench.containers(names, state=state, runsc_path=str(shim)))])
        calls = subcommands(shim)
        say(f"{bench.version.label}: {what}: {', '.join(f'{calls.count(name)} {name}' for name in sorted(set(calls)))}")
        yield Row(f"runsc processes, {what}", bench.version.label, len(calls), least, "", "raw runsc")


def kept_modules(bench: Bench, tasks: Sequence[tuple[str, Json]]) -> dict[str, Path]:
    """Return the files that Ansible sends for tasks, by the names of their modules."""
    folder = bench.folder / "remote"
    library = bench.folder / "library"
    library.mkdir()
    (library / "nothing.py").write_text(NOTHING, encoding="utf-8")
    book = bench.folder / "kept.json"
    book.write_text(_book([{"name": name, **task, "ignore_errors": True} for name, task in tasks]), encoding="utf-8")
    bench.playbook(
        book,
        "--inventory=localhost,",
        f"--extra-vars=ansible_remote_tmp={folder}",
        ANSIBLE_LIBRARY=str(library),
        ANSIBLE_KEEP_REMOTE_FILES="1",
        ANSIBLE_PIPELINING="0",
    )
    return {path.stem.partition("_")[2]: path for path in folder.glob("*/AnsiballZ_*.py")}


def _book(tasks: list[Json]) -> str:
    variables = {"ansible_connection": "local", "ansible_python_interpreter": PYTHON}
    return json.dumps([{"hosts": "all", "gather_facts": False, "vars": variables, "tasks": tasks}])


def start_up(bench: Bench, fleet: int) -> Iterator[Row]:
    """From the start of Python to where a module has its options, checked.

    Both are the files that Ansible sends, run as it runs them. Ours is given a timeout below zero, which it refuses.
    """
    refused = {"gvisor.runsc.runsc_container": {"name": bench.id, "timeout": -1}}
    files = kept_modules(bench, [("ours", refused), ("nothing", {"nothing": {}})])

    def run(module: str) -> Callable[[], float]:
        argv = [PYTHON, str(files[module])]
        return lambda: seconds(
            lambda: subprocess.run(
                argv, check=False, stdout=subprocess.PIPE, env=bench.environment, timeout=CALL_PATIENCE
            )
        )

    ours, least = in_turns(START_ROUNDS, run("runsc_container"), run("nothing"))
    yield Row("start of runsc_container", bench.version.label, ours, least, "s", "module that does nothing", GOAL_START)
