# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many containers in one task: the same as one by one, with few calls of runsc."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.tests.modules.fleet import NAMES, Fleet, clients, finish, most_at_once, slow
from ansible_collections.gvisor.runsc.tests.modules.support import (
    Place,
    ansible,
    eventually,
    play,
    stop,
    subcommands,
)

QUESTIONS = ("flags", "help", "")  # asked once for a binary


@pytest.fixture
def fleet(place: Place) -> Fleet:
    """Four names, of which nothing exists yet."""
    return Fleet(place)


def test_from_nothing_and_back(fleet: Fleet) -> None:
    for state in ("created", "running", "paused", "running"):
        done = fleet.same(state=state)
        assert fleet.statuses() == dict.fromkeys(NAMES, state)
        assert {found["changed"] for found in done["containers"].values()} == {True} == {done["changed"]}
        assert {found["container"]["status"] for found in done["containers"].values()} == {state}
    again = fleet.same()
    assert (again["changed"], again["msg"]) == (False, "4 containers: 0 changed, 4 unchanged")
    for name in fleet.names:
        alone = fleet.place.container(name=name)
        one = {key: alone[key] for key in ("changed", "actions", "container", "drift", "removed_members")}
        assert again["containers"][name] == one
    assert fleet.same(state="stopped")["summary"]["changed"] == 4
    gone = fleet.same(state="absent")
    assert (fleet.statuses(), gone["msg"]) == ({}, "4 containers: 4 changed, 0 unchanged")
    assert gone["diff"]["before"] == {name: {"status": "stopped"} for name in fleet.names}
    assert fleet.same(state="absent")["changed"] is False


def test_few_calls(fleet: Fleet) -> None:
    shim = fleet.place.shim()
    fleet.good(runsc_path=str(shim))
    calls = [call for call in subcommands(shim) if call not in QUESTIONS]
    # No name exists; four are made; what came of them.
    assert (calls[0], calls[-1], sorted(calls[1:-1])) == ("list", "list", ["run"] * 4)
    for options in ({"recreate": "on-change"}, {"state": "stopped", "check": True}):
        before = len(subcommands(shim))
        fleet.good(runsc_path=str(shim), **options)
        assert subcommands(shim)[before:] == ["list"]
    before = len(subcommands(shim))
    fleet.good(runsc_path=str(shim), state="absent", force=True)
    calls = subcommands(shim)[before:]
    assert (calls[0], calls[-1], calls[1:-1]) == ("list", "list", ["delete"] * 4)


def test_what_a_container_says_goes_over_what_is_said_for_all(fleet: Fleet) -> None:
    place, (first, second, third, fourth) = fleet.place, fleet.names
    script = "echo out; echo err >&2; cat; trap 'echo bye; exit' USR1; while :; do sleep 0.1; done"
    other = place.write_config({"process": {"args": ["sh", "-c", script]}}, place.folder / "other")
    (place.folder / "in").write_text("in\n", encoding="utf-8")
    files = {name: str(place.folder / name) for name in ("out", "err", "pid", "log")}
    one = {
        "name": second,
        "bundle": str(other),
        "stdin": str(place.folder / "in"),
        "stdout": files["out"],
        "stderr": files["err"],
        "pid_file": files["pid"],
        "user_log": files["log"],
        "stop_signal": "USR1",
    }
    containers = [one, {"id": third, "state": "paused"}, {"name": fourth, "state": "absent"}]
    done = fleet.same(names=[first], containers=containers, stop_signal="KILL")
    assert fleet.statuses() == {"a": "running", "b": "running", "c": "paused"}
    assert place.wait_for(place.folder / "out", "in") == "out\nin\n"
    assert place.wait_for(place.folder / "err", "err") == "err\n"
    assert int(Path(files["pid"]).read_text(encoding="ascii")) == done["containers"][second]["container"]["pid"]
    fleet.same(names=[first], containers=[one, {"id": third}], state="stopped", stop_signal="KILL")
    assert place.wait_for(place.folder / "out", "bye").endswith("bye\n"), "its own signal was sent"


def test_times_and_exit_codes(fleet: Fleet) -> None:
    script = "trap '' TERM; while :; do sleep 0.1; done"
    fleet.place.write_config({"process": {"args": ["sh", "-c", script]}})
    fleet.good(names=fleet.names[:2], keep_exit_status=True, create_timeout=50, delete_timeout=100)
    done = fleet.good(names=fleet.names[:2], state="stopped", stop_timeout=0.2)
    assert [found["container"]["exit_status"] for found in done["containers"].values()] == [137, 137]
    failed = fleet.bad("usage", create_timeout=-1)
    assert f"container {fleet.names[0]!r}: create_timeout: -1.0 is negative" in failed["msg"]
    failed = fleet.bad("timeout", recreate="always", create_timeout=0.001, parallel=1)
    assert "Raise create_timeout" in failed["msg"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param({"names": ["{a}", "{b}", "{a}"]}, "'{a}' is there twice", id="twice"),
        pytest.param({"containers": [{"name": "{a}"}]}, "'{a}' is there twice", id="in both lists"),
        pytest.param({"names": ["{b}", "{a}0", "{a}"]}, "'{a}0' starts with '{a}'", id="prefix"),
        pytest.param({"names": ["{a}", "we*b"]}, "'we*b' is not a container id", id="no id"),
        pytest.param({"parallel": 0}, "parallel: 0 is not positive", id="parallel"),
        pytest.param({"fail_fast": True, "serial_on_error": True}, "fail_fast: serial_on_error is given", id="both"),
        pytest.param({"purge": {}}, "purge: neither a pattern nor annotations are given", id="purge nothing"),
        pytest.param({"purge": {"annotations": {"a": 1}}}, "which is no text", id="purge annotation"),
        pytest.param({"stop_signal": "NONE"}, "container '{a}': stop_signal: ", id="signal"),
    ],
)
def test_mistakes_are_found_before_anything_is_touched(fleet: Fleet, options: dict[str, object], told: str) -> None:
    first, second = fleet.names[:2]

    def filled(value: object) -> object:
        if isinstance(value, str):
            return value.replace("{a}", first).replace("{b}", second)
        if isinstance(value, list):
            return [filled(part) for part in value]
        return {key: filled(part) for key, part in value.items()} if isinstance(value, dict) else value

    shim = fleet.place.shim()
    given = {name: filled(value) for name, value in options.items()}
    failed = fleet.bad("usage", runsc_path=str(shim), **given)
    assert str(filled(told)) in failed["msg"]
    assert (fleet.statuses(), set(subcommands(shim)) - set(QUESTIONS)) == ({}, set())


def test_what_fails_keeps_nobody_up(fleet: Fleet) -> None:
    first, second, third, fourth = fleet.names
    containers = [{"name": second, "bundle": "/nonexistent"}, {"name": third, "stdout": "/nonexistent/log"}]
    failed = fleet.bad("usage", names=[first, fourth], containers=containers, result="summary")
    assert failed["summary"] == {"total": 4, "changed": 2, "unchanged": 0, "failed": 2, "not_begun": 0}
    assert failed["msg"].startswith("4 containers: 2 changed, 0 unchanged, 2 failed. The first failure is that of")
    assert failed["changed"] is True
    assert set(failed["containers"]) == {second, third}
    assert failed["containers"][second]["failure_kind"] == "usage"
    assert "/nonexistent/config.json" in failed["containers"][second]["msg"]
    assert (failed["containers"][third]["status"], failed["containers"][third]["changed"]) == ("absent", False)
    assert fleet.statuses() == {"a": "running", "d": "running"}


@pytest.mark.parametrize("damage", ["hangs", "corrupt"])
def test_one_that_is_broken_matters_to_itself_only(fleet: Fleet, damage: str) -> None:
    fleet.good()
    broken = fleet.names[1]
    if damage == "hangs":
        stop(fleet.pid(broken))
    else:
        fleet.place.record(broken).write_text("{", encoding="utf-8")
    failed = fleet.bad("runtime")
    assert failed["summary"] == {"total": 4, "changed": 0, "unchanged": 3, "failed": 1, "not_begun": 0}
    assert (list(failed["containers"]), failed["status"]) == (fleet.names, "broken")
    assert failed["containers"][broken]["failed"] is True
    assert fleet.same(force=True)["containers"][broken]["actions"] == ["force_delete", "create", "start"]
    assert set(fleet.statuses().values()) == {"running"}


def test_one_outside_of_the_list_that_hangs(fleet: Fleet) -> None:
    fleet.good()
    outside = fleet.names.pop()
    stop(fleet.pid(outside))
    shim = fleet.place.shim()
    assert fleet.good(runsc_path=str(shim), state="paused")["summary"]["changed"] == 3
    assert "list" not in subcommands(shim), "it would have hung"


def test_what_ends_at_once_has_failed(fleet: Fleet) -> None:
    short = fleet.place.write_config({"process": {"args": ["true"]}}, fleet.place.folder / "short")
    containers = [{"name": fleet.names[0], "bundle": str(short)}]
    failed = fleet.bad("sandbox_gone", names=fleet.names[1:], containers=containers)
    found = failed["containers"][fleet.names[0]]
    assert "ended right after it was started" in found["msg"]
    assert (found["actions"], found["changed"], found["status"]) == (["create", "start"], True, "stopped")
    assert failed["summary"] == {"total": 4, "changed": 3, "unchanged": 0, "failed": 1, "not_begun": 0}


def test_fail_fast(fleet: Fleet) -> None:
    place, (first, second, third, fourth) = fleet.place, fleet.names
    shim = place.shim(f'case " $* " in *" run "*" {second} "*) exit 1;; esac')
    options = {"runsc_path": str(shim), "parallel": 1}
    failed = fleet.bad("runtime", **options, fail_fast=True, result="changed")
    assert failed["summary"] == {"total": 4, "changed": 1, "unchanged": 0, "failed": 1, "not_begun": 2}
    assert failed["containers"][third] == failed["containers"][fourth] == {"changed": False, "not_begun": True}
    assert fleet.statuses() == {"a": "running"}
    failed = fleet.bad("runtime", **options)
    assert (list(failed["containers"]), failed["summary"]["changed"]) == (fleet.names, 2)
    assert failed["containers"][first]["changed"] is False


@pytest.mark.parametrize(("parallel", "serial", "most"), [(1, False, 1), (3, False, 3), (3, True, 1)])
def test_how_many_at_once(fleet: Fleet, parallel: int, serial: bool, most: int) -> None:
    shim = slow(fleet.place, "run")
    # With a failure known before, the rest is done one at a time.
    containers = [{"name": fleet.names[0], "bundle": "/nonexistent"}] if serial else [{"name": fleet.names[0]}]
    options = {"names": fleet.names[1:], "containers": containers, "parallel": parallel}
    result = fleet.place.module(
        "runsc_containers", **fleet.options({**options, "serial_on_error": serial, "runsc_path": str(shim)})
    )
    assert bool(result.get("failed")) == serial
    assert len(fleet.statuses()) == 4 - serial
    assert most_at_once(shim) == most


def test_results_can_be_reduced(fleet: Fleet) -> None:
    fleet.good(names=fleet.names[:3])
    changed = fleet.good(result="changed")
    assert (list(changed["containers"]), changed["summary"]["unchanged"]) == ([fleet.names[3]], 3)
    summary = fleet.good(state="absent", result="summary")
    assert (summary["containers"], summary["summary"]["changed"], summary["changed"]) == ({}, 4, True)
    full = fleet.good(state="absent", result="full")
    assert list(full["containers"]) == fleet.names


def test_two_tasks_at_once(fleet: Fleet) -> None:
    place = fleet.place
    for state in ("running", "paused", "absent"):
        with contextlib.ExitStack() as both:
            begun = [
                both.enter_context(
                    place.started("runsc_containers", **fleet.options({"names": names, "state": state, "force": True}))
                )
                for names in (fleet.names, fleet.names[::-1], fleet.names[1:3])
            ]
            results = [finish(process) for process in begun]
        assert not [result["msg"] for result in results if result.get("failed")]
        assert sum(result["summary"]["changed"] for result in results) == 4
    assert (place.sandboxes(), fleet.statuses()) == ([], {})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_cancelled(fleet: Fleet, number: signal.Signals) -> None:
    place = fleet.place
    mark = place.folder / "begun"
    # The first two are made; the others have been made when the signal comes, but their runsc has not ended.
    names = "|".join(f'*"{name} "' for name in fleet.names[2:])
    shim = place.shim(
        f'case " $* " in *" run "*) case " $* " in {names}) {place.version.path} "$@"; touch {mark}.$$; sleep 7;; esac;; esac'
    )
    with place.started("runsc_containers", **fleet.options({"runsc_path": str(shim)})) as process:
        eventually(lambda: len(list(place.folder.glob("begun.*"))) == 2, "the last two have been made")
        process.send_signal(number)
        result = finish(process)
    assert (result["failed"], result["failure_kind"]) == (True, "runtime")
    assert "interrupted" in result["msg"]
    assert result["summary"] == {"total": 4, "changed": 2, "unchanged": 0, "failed": 2, "not_begun": 0}
    assert (fleet.statuses(), len(place.sandboxes())) == ({"a": "running", "b": "running"}, 2)
    assert (clients(place), list(place.root.glob(".gvisor*")), list(place.tmp.glob("gvisor-*"))) == ([], [], [])
    assert fleet.good()["summary"]["changed"] == 2


def test_one_of_them_was_lost_and_one_is_being_made(fleet: Fleet) -> None:
    place = fleet.place
    fleet.good(names=fleet.names[:1])
    for file in place.root.glob(f"{fleet.names[0]}_*"):
        file.unlink()  # its sandbox lives on without a record
    mark = place.folder / "begun"
    shim = place.shim(f'case " $* " in *" run "*) touch {mark}; sleep 1;; esac')
    with place.started(
        "runsc_containers", **fleet.options({"names": fleet.names[1:2], "runsc_path": str(shim)})
    ) as task:
        eventually(mark.exists, "the second one is being made")
        os.kill(task.pid, signal.SIGKILL)
        task.wait()
    done = fleet.good()
    assert done["containers"][fleet.names[1]]["changed"] is False, "its runsc was waited for"
    assert (len(place.sandboxes()), set(fleet.statuses().values())) == (4, {"running"})


def test_a_terminal_and_a_checkpoint(fleet: Fleet) -> None:
    place, (first, second, third, _fourth) = fleet.place, fleet.names
    image = place.folder / "image"
    place.container(name=first)
    place.good("runsc_checkpoint", name=first, path=str(image))
    terminal = place.write_config({"process": {"terminal": True}}, place.folder / "terminal")
    with fleet.listener() as (path, received):
        containers = [
            {"name": second, "bundle": str(terminal), "console_socket": path},
            {"name": third, "restore_from": str(image)},
        ]
        done = fleet.good(names=None, containers=containers)
        assert received(), "the terminal came by the socket"
    assert {name: found["actions"] for name, found in done["containers"].items()} == {
        second: ["create", "start"],
        third: ["restore"],
    }


def test_in_a_play(fleet: Fleet) -> None:
    options = fleet.options({"names": None, "containers": [{"name": name} for name in fleet.names]})
    task = {"gvisor.runsc.runsc_containers": options, "register": "made"}
    told = {"ansible.builtin.debug": {"var": "made.msg"}}
    output = ansible(fleet.place, "ansible-playbook", str(play(fleet.place, [task, task, told])))
    assert "changed=1" in output
    assert "4 containers: 0 changed, 4 unchanged" in output
