# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One command in many containers, and many commands in sandboxes of their own, each in one task."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from ansible_collections.gvisor.runsc.tests.modules.fleet import Fleet, clients, finish, most_at_once, slow
from ansible_collections.gvisor.runsc.tests.modules.support import Json, Place, eventually, processes, subcommands


@pytest.fixture
def fleet(place: Place) -> Fleet:
    """Four containers of which three run, one with an annotation."""
    made = Fleet(place)
    bundle = place.write_config({"annotations": {"team": "blue"}}, place.folder / "blue")
    containers = [{"name": made.names[0], "bundle": str(bundle)}, {"name": made.names[3], "state": "created"}]
    made.good(names=made.names[1:3], containers=containers)
    return made


def execs(fleet: Fleet, *argv: str, **options: Any) -> Json:
    """Run a command in the three that run; it must not fail."""
    return fleet.place.good("runsc_execs", **_options(fleet, argv, options))


def execs_fail(fleet: Fleet, kind: str, *argv: str, **options: Any) -> Json:
    """Run a command in the three that run; it must fail."""
    return fleet.place.bad("runsc_execs", kind, **_options(fleet, argv, options))


def _options(fleet: Fleet, argv: tuple[str, ...], options: Json) -> Json:
    return {"pattern": f"{fleet.place.prefix}*", "argv": list(argv) or None, **options}


class TestExecs:
    """runsc_execs."""

    def test_the_same_as_alone(self, fleet: Fleet) -> None:
        options: Json = {
            "env": {"A": "1"},
            "secret_env": {"B": "s3cret"},
            "chdir": "/tmp",
            "user": "5:6",
            "additional_gids": [7],
            "capabilities": [],
            "stdin": "in",
            "stdin_add_newline": False,
            "strip_empty_ends": False,
            "output_limit": 100,
        }
        script = 'echo "$A $B $PWD $(id -u):$(id -G) $(cat)"; echo; grep CapEff /proc/self/status; cat /bin/busybox'
        done = execs(fleet, "sh", "-c", script, **options)
        assert list(done["containers"]) == fleet.names[:3]
        assert (done["msg"], done["changed"]) == ("3 containers: 3 changed, 0 unchanged", True)
        alone = fleet.place.good(
            "runsc_exec",
            name=fleet.names[0],
            argv=["sh", "-c", script],
            **{name: value for name, value in options.items() if name != "output_limit"},
        )
        for found in done["containers"].values():
            assert set(found) == alone.keys() - {"failed"}  # which a module always says
            assert found["stdout"].startswith("1 ******** /tmp 5:6 7 in\n\nCapEff:\t0000000000000000\n")
            assert (len(found["stdout"]) < 100 + 300, found["stdout_truncated"]) == (True, True)
            assert alone["stdout"].startswith(found["stdout"][:60])

    def test_which_containers(self, fleet: Fleet) -> None:
        place = fleet.place
        for options, names in (
            ({"pattern": f"{place.prefix}[bcd]"}, fleet.names[1:3]),
            ({"pattern": None, "annotations": {"team": "blue"}}, fleet.names[:1]),
            ({"annotations": {"team": "blue"}, "pattern": f"{place.prefix}b"}, []),
            ({"pattern": None, "names": fleet.names[1:3]}, fleet.names[1:3]),
            ({"pattern": None, "names": []}, []),
        ):
            shim = place.shim()
            done = execs(fleet, "true", runsc_path=str(shim), **options)
            assert list(done["containers"]) == names
            assert ("both fits and runs" in str(done.get("warnings"))) == (not names and "names" not in options)
            assert [call for call in subcommands(shim) if call not in ("flags", "help", "")] == ["exec"] * len(names)
        failed = execs_fail(fleet, "usage", "true", pattern=None, names=fleet.names[:1] * 2)
        assert "is there twice" in failed["msg"]

    def test_one_fails(self, fleet: Fleet) -> None:
        script = '[ "$(hostname)" ] || true; mkdir /tmp/once'
        execs(fleet, "mkdir", "/tmp/once", pattern=None, names=fleet.names[1:2])
        failed = execs_fail(fleet, "command", "sh", "-c", script, result="changed")
        assert failed["summary"] == {"total": 3, "changed": 2, "unchanged": 0, "failed": 1, "not_begun": 0}
        assert (failed["rc"], failed["changed"]) == (1, True)
        assert f"The first failure is that of {fleet.names[1]!r}: the command ended with exit code 1" in failed["msg"]
        assert "File exists" in failed["containers"][fleet.names[1]]["stderr"]
        failed = execs_fail(fleet, "runtime", "true", pattern=None, names=fleet.names, result="summary")
        assert list(failed["containers"]) == fleet.names[3:]
        assert "is created, and a command can run in a running one only" in failed["msg"]
        failed = execs_fail(fleet, "runtime", "true", pattern=None, names=fleet.names[::-1], fail_fast=True, parallel=1)
        assert failed["summary"] == {"total": 4, "changed": 0, "unchanged": 0, "failed": 1, "not_begun": 3}

    def test_a_deadline_for_each(self, fleet: Fleet) -> None:
        execs(fleet, "touch", "/tmp/slow", pattern=None, names=fleet.names[2:3])
        script = "echo begun; [ ! -e /tmp/slow ] || sleep 777"
        failed = execs_fail(fleet, "timeout", "sh", "-c", script, timeout=2)
        assert [found["stdout"] for found in failed["containers"].values()] == ["begun"] * 3
        assert [bool(found.get("failed")) for found in failed["containers"].values()] == [False, False, True]
        ps = execs(fleet, "ps", "-o", "args")
        assert not [found for found in ps["containers"].values() if "777" in found["stdout"]]

    def test_conditions_and_predictions(self, fleet: Fleet) -> None:
        execs(fleet, "touch", "/tmp/there", pattern=None, names=fleet.names[:1])
        for options in ({"creates": "/tmp/there"}, {"removes": "/tmp/there"}):
            predicted = execs(fleet, "true", check=True, **options)
            done = execs(fleet, "true", **options)
            assert predicted["summary"] == done["summary"]
            changed = {name: found["changed"] for name, found in done["containers"].items()}
            assert changed == {name: (name == fleet.names[0]) == ("removes" in options) for name in fleet.names[:3]}
        assert execs(fleet, "touch", "/tmp/new", check=True)["summary"]["changed"] == 3
        assert execs(fleet, "true", creates="/tmp/new")["summary"]["changed"] == 3, "check mode ran nothing"

    def test_detached(self, fleet: Fleet) -> None:
        files = {name: str(fleet.place.folder / name) for name in ("stdout_file", "stderr_file")}
        done = execs(fleet, command="sh -c 'echo out; echo err >&2; sleep 600'", detach=True, **files)
        assert all(found["internal_pid"] > 0 for found in done["containers"].values())
        for name, text in (("stdout_file", "out\n" * 3), ("stderr_file", "err\n" * 3)):
            assert fleet.place.wait_for(fleet.place.folder / name, text) == text

    @pytest.mark.parametrize(("parallel", "serial", "most"), [(1, False, 1), (3, False, 3), (3, True, 1)])
    def test_how_many_at_once(self, fleet: Fleet, parallel: int, serial: bool, most: int) -> None:
        shim = slow(fleet.place, "exec")
        names = fleet.names[3:] * serial + fleet.names[:3]
        options: Json = {"names": names, "parallel": parallel, "serial_on_error": serial, "runsc_path": str(shim)}
        result = fleet.place.module("runsc_execs", argv=["true"], **options)
        assert (bool(result.get("failed")), result["summary"]["changed"]) == (serial, 3)
        # Those that had been begun beside the one that failed are not held up.
        assert most_at_once(shim) <= most + serial
        assert serial or most_at_once(shim) == most

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_cancelled(self, fleet: Fleet, number: signal.Signals) -> None:
        place = fleet.place
        script = "touch /tmp/begun; sleep 777 & sleep 777"
        options = {"names": fleet.names[:3], "argv": ["sh", "-c", script], "parallel": 3}
        with place.started("runsc_execs", **options) as process:
            eventually(
                lambda: execs(fleet, "true", removes="/tmp/begun")["summary"]["changed"] == 3, "it runs in all of them"
            )
            process.send_signal(number)
            result = finish(process)
        assert (result["failed"], result["failure_kind"], result["summary"]["failed"]) == (True, "runtime", 3)
        assert "interrupted" in result["msg"]
        ps = execs(fleet, "ps", "-o", "args")
        assert not [found for found in ps["containers"].values() if "777" in found["stdout"]]
        assert (clients(place), list(place.tmp.glob("gvisor-*"))) == ([], [])


def runs(place: Place, *jobs: Json, **options: Any) -> Json:
    """Run jobs; they must not fail."""
    return place.good("runsc_runs", **{"jobs": list(jobs), "bundle": str(place.bundle), **options})


def runs_fail(place: Place, kind: str, *jobs: Json, **options: Any) -> Json:
    """Run jobs; they must fail in this way."""
    return place.bad("runsc_runs", kind, **{"jobs": list(jobs), "bundle": str(place.bundle), **options})


def nothing_is_left(place: Place) -> None:
    """Assert that the root is empty, and that nothing works for it."""
    eventually(lambda: not [pid for pid, argv in processes() if f"--root={place.root}" in argv], "all processes end")
    assert not place.root.exists() or os.listdir(place.root) == []
    assert list(place.tmp.glob("gvisor-runsc-*")) == []


class TestRuns:
    """runsc_runs."""

    def test_each_has_its_own_options(self, place: Place) -> None:
        script = 'echo "$A $B $PWD $(id -u) $(cat)"; echo; echo err >&2'
        other = place.write_config({"process": {"env": ["PATH=/bin", "A=other"]}}, place.folder / "other")
        defaults = {
            "argv": ["sh", "-c", script],
            "env": {"A": "all"},
            "secret_env": {"B": "s3cret"},
            "user": "5:6",
            "chdir": "/tmp",
            "stdin": "in",
        }
        own = {
            "name": f"{place.prefix}j",
            "env": {},
            "user": "7:8",
            "chdir": "/",
            "stdin": "x",
            "secret_env": {"B": "another"},
        }
        done = runs(
            place,
            {},
            {**own, "bundle": str(other), "stdin_add_newline": False, "strip_empty_ends": False},
            {"command": "echo own command"},
            {"argv": ["cat", "/bin/busybox"], "output_limit": 10},
            **defaults,
        )
        results = done["results"]
        assert [result["index"] for result in results] == [0, 1, 2, 3]
        assert results[0]["stdout"] == "all ******** /tmp 5 in"
        assert results[1]["stdout"] == "other ******** / 7 x\n\n"
        assert (results[1]["name"], results[2]["stdout"]) == (f"{place.prefix}j", "own command")
        assert (results[3]["stdout_truncated"], results[0]["stderr"]) == (True, "err")
        assert (done["msg"], done["changed"]) == ("4 jobs: 4 changed, 0 unchanged", True)
        alone = place.good("runsc_run", bundle=str(place.bundle), argv=["true"])
        assert set(results[0]) == {*alone, "index"} - {"failed"}
        nothing_is_left(place)

    def test_a_deadline_for_each(self, place: Place) -> None:
        slow_one = {"argv": ["sh", "-c", "echo begun; sleep 777"], "timeout": 3}
        failed = runs_fail(place, "timeout", {"argv": ["true"]}, slow_one, {"argv": ["sh", "-c", "exit 3"]}, timeout=50)
        assert failed["summary"] == {"total": 3, "changed": 1, "unchanged": 0, "failed": 2, "not_begun": 0}
        assert [result["timed_out"] for result in failed["results"]] == [False, True, False]
        assert (failed["results"][1]["stdout"], failed["results"][2]["rc"]) == ("begun", 3)
        nothing_is_left(place)

    def test_mistakes(self, place: Place) -> None:
        shim = place.shim()
        common = {"runsc_path": str(shim)}
        twice = [{"name": "j", "argv": ["true"]}, {"name": "j", "argv": ["true"]}]
        assert "'j' is there twice" in runs_fail(place, "usage", *twice, **common)["msg"]
        failed = runs_fail(place, "usage", {}, {"timeout": 0}, **common)
        assert "jobs[1]: timeout: 0.0 is not positive" in failed["msg"]
        assert "jobs[0]: bundle: none is given" in runs_fail(place, "usage", {}, bundle=None, **common)["msg"]
        assert set(subcommands(shim)) <= {"flags", "help", ""}

    def test_results_conditions_and_predictions(self, place: Place) -> None:
        jobs: list[Json] = [
            {"creates": str(place.bundle)},
            {"removes": "/nonexistent"},
            {"argv": ["sh", "-c", "exit 1"]},
            {},
        ]
        options = {"command": "echo out", "fail_fast": True, "parallel": 1}
        predicted = runs(place, *jobs, check=True, **options)
        assert predicted["summary"] == {"total": 4, "changed": 2, "unchanged": 2, "failed": 0, "not_begun": 0}
        failed = runs_fail(place, "command", *jobs, **options, result="changed")
        assert failed["summary"] == {"total": 4, "changed": 0, "unchanged": 2, "failed": 1, "not_begun": 1}
        assert [(result["index"], result.get("not_begun")) for result in failed["results"]] == [(2, None), (3, True)]
        failed = runs_fail(place, "command", *jobs, command="echo out", serial_on_error=True, result="summary")
        assert [result["index"] for result in failed["results"]] == [2]
        assert failed["summary"]["changed"] == 1

    def test_how_many_at_once(self, place: Place) -> None:
        for parallel in (1, 3):
            shim = slow(place, "run")
            runs(place, *([{"argv": ["true"]}] * 4), parallel=parallel, runsc_path=str(shim))
            assert most_at_once(shim) == parallel
            (place.folder / "at-once").unlink()
        nothing_is_left(place)

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
    def test_nothing_is_left(self, place: Place, number: signal.Signals) -> None:
        jobs = [{"argv": ["sleep", "777"]}] * 3
        with place.started("runsc_runs", jobs=jobs, bundle=str(place.bundle), parallel=3) as process:
            eventually(lambda: len(place.sandboxes()) == 3, "all of them run")
            process.send_signal(number)
            if number == signal.SIGTERM:
                assert "interrupted" in finish(process)["msg"]
            else:
                process.communicate()
        eventually(lambda: not place.sandboxes(), "the sandboxes end with the task")
        runs(place, {"argv": ["true"]})  # removes the files that a killed task could not
        nothing_is_left(place)
