# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task that is killed in the middle: the same task again converges, and nothing is left. And two tasks at once."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.tests.modules.support import (
    Json,
    Place,
    ansible,
    eventually,
    play,
    processes,
    read_result,
    subcommands,
)

ROUNDS = 20
SEED = 20260101  # the moments are chosen at random, but the same in each run


def _finish(process: subprocess.Popen[str]) -> Json:
    out, err = process.communicate(timeout=60)
    return read_result(process.returncode, out, err)


@pytest.fixture
def place(place: Place) -> Iterator[Place]:
    """The place of the test. A module that was killed can't remove its private folder, so the next one does."""
    yield place
    eventually(lambda: not _clients(place), "all runsc processes have ended")
    place.container(state="running", recreate="always")
    assert list(place.tmp.glob("gvisor-runsc-*")) == []


def _killed(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def _clients(place: Place) -> list[int]:
    """Return the pids of runsc processes other than sandboxes and gofers that work on the root."""
    kept = ("runsc-sandbox", "runsc-gofer")
    return [pid for pid, argv in processes() if argv[0] not in kept and f"--root={place.root}" in argv]


def _slow(place: Place, subcommand: str, after: bool = False) -> tuple[str, Path]:
    """Return a runsc that touches a file and then waits, before or after one subcommand, and that file."""
    mark = place.folder / f"{subcommand}-begun"
    pause = f"touch {mark}; sleep 0.3"
    condition = f'case " $* " in *" {subcommand} "*)'
    body = (
        f'{condition} {place.version.path} "$@"; rc=$?; {pause}; exit $rc;; esac'
        if after
        else f"{condition} {pause};; esac"
    )
    return str(place.shim(body)), mark


@pytest.mark.parametrize("round_", range(4))
def test_killed_at_any_moment(place: Place, round_: int) -> None:
    moments = random.Random(SEED + round_)
    for _unused in range(ROUNDS // 4):
        state = moments.choice(["running", "paused", "created"])
        recreate = moments.choice(["never", "always"])
        options = {"name": place.id, "bundle": str(place.bundle), "state": state}
        with place.started("runsc_container", **options, recreate=recreate) as process:
            time.sleep(moments.uniform(0.08, 0.45))
            _killed(process)
        done = place.container(state=state)
        assert done["container"]["status"] == state or (state == "created" and done["container"]["status"] != "absent")
        assert place.container(state=state)["changed"] is False
        assert place.sandboxes() == [done["container"]["pid"]]
        if moments.random() < 0.5:
            assert place.container(state="absent", force=True)["container"]["status"] == "absent"
            assert (place.sandboxes(), place.gofers(), _clients(place)) == ([], [], [])


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("subcommand", ["run", "create", "start", "pause", "delete"])
def test_killed_at_each_step(place: Place, subcommand: str, after: bool) -> None:
    state = "created" if subcommand == "create" else "paused" if subcommand == "pause" else "running"
    if subcommand in ("start", "delete"):
        place.container(state="created")
    shim, mark = _slow(place, subcommand, after)
    recreate = "always" if subcommand == "delete" else "never"
    options = {"name": place.id, "bundle": str(place.bundle), "state": state, "recreate": recreate}
    with place.started("runsc_container", **options, runsc_path=shim) as process:
        eventually(mark.exists, f"{subcommand} has begun")
        _killed(process)
    # What the killed task had started goes on by itself meanwhile.
    done = place.container(state=state)
    assert done["container"]["status"] == state
    eventually(lambda: not _clients(place), "all runsc processes have ended")
    again = place.container(state=state)
    assert (again["changed"], again["container"]) == (False, done["container"])
    assert place.sandboxes() == [done["container"]["pid"]]


def test_the_secrets_of_a_killed_task_go_with_the_next(place: Place) -> None:
    place.container()
    argv = ["sleep", "3"]  # goes on by itself when the task is killed
    with place.started("runsc_exec", name=place.id, argv=argv, secret_env={"TOKEN": "s3cret"}) as process:
        eventually(lambda: list(place.tmp.glob("gvisor-runsc-*/process.json")), "the command is being run")
        process.kill()
        process.wait()
    (left,) = place.tmp.glob("gvisor-runsc-*/process.json")
    assert left.stat().st_mode & 0o777 == 0o600
    place.exec("true")
    assert list(place.tmp.glob("gvisor-runsc-*")) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_cancelled_while_it_creates(place: Place, number: signal.Signals) -> None:
    shim, mark = _slow(place, "run", after=True)
    options = {"name": place.id, "bundle": str(place.bundle), "runsc_path": shim}
    with place.started("runsc_container", **options) as process:
        eventually(mark.exists, "the container has been created")
        process.send_signal(number)
        result = _finish(process)
    assert (result["failed"], result["failure_kind"], result["status"]) == (True, "runtime", "absent")
    assert "interrupted" in result["msg"]
    assert (place.listed(), place.sandboxes(), _clients(place)) == ({}, [], [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_cancelled_command_ends_inside(place: Place, number: signal.Signals) -> None:
    place.container()
    script = "touch /tmp/begun; sleep 777 & sleep 777"
    with place.started("runsc_exec", name=place.id, argv=["sh", "-c", script]) as process:
        eventually(lambda: place.exec("ls", "/tmp")["stdout"] == "begun", "the command runs")
        process.send_signal(number)
        result = _finish(process)
    assert (result["failed"], result["failure_kind"]) == (True, "runtime")
    assert "interrupted" in result["msg"]
    assert "777" not in place.exec("ps", "-o", "args")["stdout"]
    assert _clients(place) == []


def test_a_command_that_takes_too_long_ends_inside(place: Place) -> None:
    place.container()
    script = "trap '' TERM INT HUP; echo begun; (setsid sleep 777 &) ; sleep 777 & sleep 777"
    late = place.bad("runsc_exec", "timeout", name=place.id, argv=["sh", "-c", script], timeout=0.5)
    assert late["changed"] is True, "it had been running"
    assert (late["stdout"], late["status"]) == ("begun", "running")
    left = place.exec("ps", "-o", "args")["stdout"].count("sleep 777")
    assert left <= 1  # one that left its family can't be known
    assert _clients(place) == []


def test_two_tasks_make_the_same_container(place: Place) -> None:
    options = {"name": place.id, "bundle": str(place.bundle)}
    for state in ("running", "paused", "created"):
        with contextlib.ExitStack() as both:
            tasks = [both.enter_context(place.started("runsc_container", **options, state=state)) for _unused in "123"]
            results = [_finish(process) for process in tasks]
        assert sorted(result["changed"] for result in results) == [False, False, True]
        assert {result["container"]["status"] for result in results} == {state}
        assert len({result["container"]["pid"] for result in results}) == 1
        assert place.sandboxes() == [results[0]["container"]["pid"]]
        assert place.listed() == {place.id: state}
        assert place.container(state="absent", force=True)["changed"]


def test_two_tasks_remove_the_same_container(place: Place) -> None:
    for force in (False, True):
        place.container()
        with contextlib.ExitStack() as both:
            options = {"name": place.id, "state": "absent", "force": force}
            tasks = [both.enter_context(place.started("runsc_container", **options)) for _unused in "123"]
            results = [_finish(process) for process in tasks]
        assert sorted(result["changed"] for result in results) == [False, False, True]
        assert {result["container"]["status"] for result in results} == {"absent"}


def test_two_tasks_want_different_things(place: Place) -> None:
    for _unused in range(3):
        with contextlib.ExitStack() as both:
            states = ("running", "absent", "paused", "stopped")
            options = {"name": place.id, "bundle": str(place.bundle), "force": True}
            tasks = [both.enter_context(place.started("runsc_container", **options, state=state)) for state in states]
            results = [_finish(process) for process in tasks]
        assert [result["container"]["status"] for result in results[1:3]] == ["absent", "paused"]
        assert len(place.sandboxes()) <= 1
    place.container(state="absent", force=True)


def test_two_plays_make_the_same_container(place: Place) -> None:
    book = play(
        place, [{"gvisor.runsc.runsc_container": {"name": place.id, "bundle": str(place.bundle)}, "register": "made"}]
    )
    argv = [str(Path(ansible.__globals__["sys"].executable).with_name("ansible-playbook")), str(book)]
    with contextlib.ExitStack() as both:
        plays = [
            both.enter_context(
                subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    env=place.environment,
                    cwd=place.folder,
                )
            )
            for _unused in "12"
        ]
        outputs = [process.communicate(timeout=60)[0] for process in plays]
    assert [process.returncode for process in plays] == [0, 0], outputs
    assert sorted("changed=1" in output for output in outputs) == [False, True], outputs
    assert len(place.sandboxes()) == 1
    assert place.listed() == {place.id: "running"}


def test_a_lock_of_a_dead_task_holds_nobody_up(place: Place) -> None:
    place.container(state="created")
    shim, mark = _slow(place, "start")
    with place.started("runsc_container", name=place.id, runsc_path=shim) as process:
        eventually(mark.exists, "start has begun")
        locks = list(place.root.glob(".gvisor.runsc-*.lock"))
        _killed(process)
    assert [lock.name for lock in locks] == [f".gvisor.runsc-{place.id}.lock"]
    began = time.monotonic()
    place.container()
    assert time.monotonic() - began < 5
    assert json.dumps([path.name for path in place.root.glob(".gvisor*")]) == "[]"
    assert "start" in subcommands(Path(shim))
