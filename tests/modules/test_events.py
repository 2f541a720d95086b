# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""runsc_events: samples of several containers at once, each until it ends, and no client is left."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from ansible_collections.gvisor.runsc.tests.modules.support import (
    Json,
    Place,
    eventually,
    processes,
    read_result,
    stop,
    subcommands,
)
from ansible_collections.gvisor.runsc.tests.modules.test_pods import Pod

LIMIT = 64 * 1024 * 1024  # bytes of memory


def events(place: Place, **options: Any) -> list[Json]:
    """Collect events; it must not fail."""
    result = place.good("runsc_events", **options)
    assert result["changed"] is False
    found: list[Json] = result["containers"]
    return found


def clients(place: Place) -> list[int]:
    """Return the pids of the runsc processes that print events."""
    return [pid for pid, argv in processes() if f"--root={place.root}" in argv and "events" in argv]


def command(place: Place, script: str, **changes: Any) -> None:
    """Let the bundle's command be this script."""
    place.write_config({"process": {"args": ["sh", "-c", script]}, **changes})


def test_so_many_samples(place: Place) -> None:
    command(place, "while :; do :; done")
    place.container()
    shim = place.shim()
    (found,) = events(place, name=[place.id], samples=2, runsc_path=str(shim))
    assert (found["id"], len(found["samples"]), found["ended"], found["reason"]) == (place.id, 2, False, "")
    first, second = found["samples"]
    assert (first["cpu_percent"], first["pids"] >= 1) == (None, True)
    assert second["cpu_ns"] > first["cpu_ns"] > 0
    assert second["time"] >= first["time"] + 0.5
    assert 1 < second["cpu_percent"] < 250  # of a loop that does nothing else, on a machine that may be busy
    assert found["summary"]["cpu_percent"]["max"] == second["cpu_percent"]
    assert (found["oom_kills"], found["errors"], clients(place)) == (0, [], [])
    assert subcommands(shim) == ["events"]


def test_for_so_long_and_so_often(place: Place) -> None:
    place.container()
    assert len(events(place, name=[place.id], duration=1.6)[0]["samples"]) == 2
    assert len(events(place, name=[place.id], duration=1.6, interval=5)[0]["samples"]) == 1
    assert len(events(place, name=[place.id], duration=30, samples=1)[0]["samples"]) == 1
    assert len(events(place, name=[place.id], duration=0.9, check=True)[0]["samples"]) == 1


def test_several_at_once_and_one_ends(place: Place) -> None:
    other, asleep = f"{place.prefix}b", f"{place.prefix}c"
    place.container()
    place.container(name=asleep, state="paused")
    command(place, "sleep 0.8")
    place.container(name=other)
    first, second = events(place, pattern=f"{place.prefix}[ab]", duration=2.7)
    assert (first["id"], first["ended"], len(first["samples"])) == (place.id, False, 3)
    assert (second["id"], second["ended"], second["reason"]) == (other, True, "stopped")
    assert events(place, pattern="nothing*", samples=1) == []
    assert [found["id"] for found in events(place, pattern=f"{place.prefix}*", samples=1)] == [place.id]
    failed = place.bad("runsc_events", "runtime", name=[place.id, other], samples=1)
    assert f"'{other}' is stopped" in failed["msg"]
    assert "is paused" in place.bad("runsc_events", "runtime", name=[asleep], samples=1)["msg"]
    assert "no container 'nosuch'" in place.bad("runsc_events", "sandbox_gone", name=["nosuch"], samples=1)["msg"]


def test_one_that_is_deleted(place: Place) -> None:
    place.container()
    with place.started("runsc_events", name=[place.id], duration=60) as process:
        eventually(lambda: clients(place), "it collects")
        place.container(state="absent", force=True)
        out, err = process.communicate(timeout=30)
    (found,) = read_result(process.returncode, out, err)["containers"]
    assert found["ended"] is True
    assert found["reason"] in ("deleted", "stopped")  # its record goes a moment after its process


def test_one_that_uses_up_its_memory(place: Place) -> None:
    linux = {"resources": {"memory": {"limit": LIMIT}}}
    command(place, "sleep 0.8; dd if=/dev/zero of=/tmp/eaten bs=1M count=300", linux=linux)
    place.container()
    (found,) = events(place, name=[place.id], duration=30)
    assert (found["ended"], found["reason"], found["oom_kills"] >= 1) == (True, "out of memory", True)


def test_a_client_that_ends_is_replaced(place: Place) -> None:
    """Its end is not that of the container."""
    place.container()
    once = place.folder / "once"
    first = f'mkdir {once} 2>/dev/null && {{ {place.version.path} "$@" | head -n 1; exit; }}'
    runsc = place.shim(f'case " $* " in *" events "*) {first};; esac')
    (found,) = events(place, name=[place.id], samples=3, runsc_path=str(runsc))
    assert (found["ended"], found["reason"], len(found["samples"])) == (False, "", 3)
    assert found["errors"] == ["runsc events ended by itself; another one goes on"]
    assert subcommands(runsc) == ["events", "events"]
    assert clients(place) == []


def test_clients_that_tell_nothing(place: Place) -> None:
    place.container()
    runsc = place.shim('case " $* " in *" events "*) exit 1;; esac')
    failed = place.bad("runsc_events", "runtime", name=[place.id], duration=30, runsc_path=str(runsc))
    assert f"container '{place.id}' delivered too little: runsc events ended by itself, and has told" in failed["msg"]
    (found,) = failed["containers"]
    assert (found["ended"], found["reason"], found["samples"]) == (False, "", [])
    assert (failed["status"], subcommands(runsc)) == ("running", ["events"])


def test_a_member_of_which_nobody_can_tell_whether_it_lives(place: Place) -> None:
    pod = Pod(place)
    pod.bring(pod.root)
    pod.bring(pod.app)
    runsc = place.shim('case " $* " in *" state "*) echo "no idea" >&2; exit 128;; esac')
    (found,) = events(place, name=[pod.app], samples=3, runsc_path=str(runsc))
    assert (found["ended"], found["reason"], len(found["samples"])) == (False, "", 3)
    assert found["errors"] == [f"runsc state of container '{pod.app}' failed: no idea"]
    assert "state" in subcommands(runsc)


@pytest.mark.parametrize("limit", [{"samples": 4}, {"duration": 4.5}])
def test_a_sandbox_that_hangs_midway(place: Place, limit: Json) -> None:
    """It is not as if it had been collected; the others have been."""
    other = f"{place.prefix}b"
    pid = place.container()["container"]["pid"]
    place.container(name=other)
    with place.started("runsc_events", name=[place.id, other], timeout=2, **limit) as process:
        eventually(lambda: len(clients(place)) == 2, "it collects")
        stop(pid)
        out, err = process.communicate(timeout=30)
    failed = read_result(process.returncode, out, err)
    hang = f"its sandbox (pid {pid}) was stopped by a signal and answers nobody"
    assert f"container '{place.id}' delivered too little: " in failed["msg"]
    assert hang in failed["msg"]
    assert (failed["failure_kind"], failed["status"], failed["changed"]) == ("runtime", "broken", False)
    hung, fine = failed["containers"]
    assert (hung["ended"], hung["reason"], len(hung["samples"]) < 4) == (False, "", True)
    assert [error.endswith(hang) for error in hung["errors"]] == [True]
    assert (fine["ended"], len(fine["samples"]) >= 4, fine["errors"]) == (False, True, [])


def test_a_frozen_member_is_left_out_of_a_pattern(place: Place) -> None:
    alone = f"{place.prefix}alone"
    pod = Pod(place)
    pod.start()
    place.container(name=alone)
    pod.bring(pod.app, state="paused")
    assert [found["id"] for found in events(place, pattern=f"{place.prefix}*", samples=1)] == [alone]
    failed = place.bad("runsc_events", "runtime", name=[alone, pod.side], samples=1)
    assert f"'{pod.side}' is frozen" in failed["msg"]
    pod.bring(pod.root, state="absent")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_client_is_left(place: Place, number: signal.Signals) -> None:
    place.container()
    with place.started("runsc_events", name=[place.id], duration=60) as process:
        eventually(lambda: clients(place), "it collects")
        process.send_signal(number)
        out, _err = process.communicate(timeout=30)
    if number == signal.SIGTERM:
        assert "interrupted" in json.loads(out)["msg"]
    eventually(lambda: not clients(place), "the client ends")
    assert place.listed() == {place.id: "running"}
