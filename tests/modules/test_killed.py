# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each module killed by SIGKILL at random moments: nothing is left that the next task, or runsc_prune, does not repair.

FAULT_ROUNDS says how often; "make faults" does it a hundred times.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable

import pytest

from ansible_collections.gvisor.runsc.tests.modules.support import Json, Place, eventually, processes
from ansible_collections.gvisor.runsc.tests.modules.test_update import newer

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "3"))
SEED = 20260401  # the moments are chosen at random, but the same in each run
LONGEST = 0.5  # seconds until a module is killed; most end before


def _container(place: Place, choice: random.Random) -> Json:
    states = ["running", "paused", "created", "stopped", "absent"]
    options = {"state": choice.choice(states), "recreate": choice.choice(["never", "always"])}
    return {"name": place.id, "bundle": str(place.bundle), "keep_exit_status": choice.choice([True, False]), **options}


def _run(place: Place, choice: random.Random) -> Json:
    name = choice.choice([None, f"{place.prefix}job"])
    return {"bundle": str(place.bundle), "name": name, "argv": ["sleep", "0.2"], "env": {"A": "B"}}


def _containers(place: Place, choice: random.Random) -> Json:
    one = _container(place, choice)
    others = [f"{place.prefix}{letter}" for letter in "bc"]
    return {**one, "name": None, "names": [place.id, *others], "parallel": 2, "stop_timeout": 1}


def _runs(place: Place, choice: random.Random) -> Json:
    jobs = [_run(place, choice), {"argv": ["sleep", "0.1"]}, {"argv": ["true"]}]
    return {"jobs": jobs, "bundle": str(place.bundle), "parallel": 2}


def _bundle(place: Place, _choice: random.Random) -> Json:
    return {"path": str(place.folder / "made"), "rootfs": place.config["root"]["path"], "args": ["sleep", "1"]}


def _update(place: Place, choice: random.Random) -> Json:
    return {"name": place.id, "pids_limit": choice.choice([500, 600]), "runsc_path": newer(place)[0]}


# What each module is asked while a container runs.
TASKS: dict[str, Callable[[Place, random.Random], Json]] = {
    "runsc_bundle": _bundle,
    "runsc_checkpoint": lambda place, _choice: {"name": place.id, "path": str(place.folder / "image"), "force": True},
    "runsc_checkpoint_info": lambda place, _choice: {"path": [str(place.folder)]},
    "runsc_container": _container,
    "runsc_containers": _containers,
    "runsc_events": lambda place, _choice: {"name": [place.id], "samples": 1},
    "runsc_exec": lambda place, _choice: {"name": place.id, "argv": ["sleep", "0.2"]},
    "runsc_execs": lambda place, _choice: {"pattern": f"{place.prefix}*", "argv": ["sleep", "0.2"]},
    "runsc_info": lambda _place, _choice: {"gather": ["processes", "stats"]},
    "runsc_kill": lambda place, choice: {"name": place.id, "signal": choice.choice(["TERM", "CONT"]), "wait": True},
    "runsc_prune": lambda _place, _choice: {},
    "runsc_run": _run,
    "runsc_runs": _runs,
    "runsc_update": _update,
    "runsc_wait": lambda place, _choice: {"name": place.id},
}


def clients(place: Place) -> list[int]:
    """Return the pids of runsc processes that work on the root, other than what stays with a container."""
    kept = ("runsc-sandbox", "runsc-gofer")
    ours = [(pid, argv) for pid, argv in processes() if argv[0] not in kept and f"--root={place.root}" in argv]
    return [pid for pid, argv in ours if "waiter" not in argv]


@pytest.mark.parametrize("module", sorted(TASKS))
def test_killed_at_random_moments(place: Place, module: str) -> None:
    choice = random.Random(f"{SEED} {module}")
    for _round in range(ROUNDS):
        place.container(state="running", stop_timeout=1)
        given = {name: value for name, value in TASKS[module](place, choice).items() if value is not None}
        begun = place.runner.begin(module, place.options(given), place.environment, place.folder)
        time.sleep(choice.uniform(0, LONGEST))
        os.kill(begun.pid, signal.SIGKILL)
        assert place.runner.wait(begun) in (0, 1, -signal.SIGKILL)
    eventually(lambda: not clients(place), "what the killed tasks had started has ended")
    place.container(state="running", stop_timeout=1)
    if module not in ("runsc_kill", "runsc_wait", "runsc_checkpoint"):  # these end the container, or never end
        place.good(module, **TASKS[module](place, choice))
    if module in (
        "runsc_run",
        "runsc_runs",
    ):  # what is left of a job with a name of its own goes with the next of that name
        place.good("runsc_run", **{**_run(place, choice), "name": f"{place.prefix}job"})
    if module == "runsc_checkpoint":
        place.good(module, **TASKS[module](place, choice))
        assert [path.name for path in place.folder.iterdir() if "image" in path.name] == ["image"]
    place.good("runsc_containers", names=[], purge={"pattern": "*"}, force=True)
    place.good("runsc_prune")
    assert list(place.root.iterdir()) == [] if place.root.exists() else True
    assert (place.sandboxes(), list(place.tmp.glob("gvisor-runsc-*"))) == ([], [])
    shutil.rmtree(place.folder / "made", ignore_errors=True)
