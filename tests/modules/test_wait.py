# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""runsc_wait, runsc_kill, and the exit code that is kept."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import procfs
from ansible_collections.gvisor.runsc.tests.modules.support import (
    Json,
    Place,
    command_line,
    eventually,
    processes,
    read_result,
    stop,
    subcommands,
)
from ansible_collections.gvisor.runsc.tests.modules.test_pods import Pod


def wait(place: Place, **options: Any) -> Json:
    """Wait for the test's own container; it must not fail."""
    return place.good("runsc_wait", **{"name": place.id, **options})


def kill(place: Place, **options: Any) -> Json:
    """Send a signal to the test's own container; it must not fail."""
    return place.good("runsc_kill", **{"name": place.id, **options})


def waiters(place: Place) -> list[int]:
    """Return the pids of the processes that keep exit codes under the root."""
    return [pid for pid, argv in processes() if argv[-3:-1] == [f"--root={place.root}", "waiter"]]


def clients(place: Place, subcommand: str) -> list[int]:
    """Return the pids of the runsc processes of this subcommand under the root."""
    return [pid for pid, argv in processes() if f"--root={place.root}" in argv and subcommand in argv]


def commands(place: Place, *args: str) -> None:
    """Let the bundle's command be this one."""
    place.write_config({"process": {"args": list(args)}})


# Waiting


def test_the_exit_code_of_one_that_runs(place: Place) -> None:
    commands(place, "sh", "-c", "while [ ! -e /tmp/go ]; do sleep 0.05; done; exit 3")
    place.container()
    with place.started("runsc_wait", name=place.id) as process:
        eventually(lambda: clients(place, "wait"), "it waits for the end")
        place.exec("touch", "/tmp/go")
        out, err = process.communicate()
    done = read_result(process.returncode, out, err)
    assert (done["changed"], done["exit_status"], done["status"], done["oom_killed"]) == (False, 3, "stopped", False)
    assert 0 < done["elapsed"] < 20
    # It was not kept, so nobody knows it any more.
    assert (wait(place)["exit_status"], wait(place)["status"]) == (None, "stopped")


def test_one_that_takes_too_long_goes_on(place: Place) -> None:
    pid = place.container()["container"]["pid"]
    failed = place.bad("runsc_wait", "timeout", name=place.id, timeout=0.5)
    assert "it still runs" in failed["msg"]
    assert failed["status"] == "running"
    assert place.sandboxes() == [pid]
    assert clients(place, "wait") == []


def test_a_short_wait_is_no_short_deadline_for_runsc(place: Place) -> None:
    """Of a member of a sandbox runsc has to be asked, which takes longer than this wait may."""
    pod = Pod(place)
    pod.bring(pod.root)
    pod.bring(pod.app)
    assert "it still runs" in place.bad("runsc_wait", "timeout", name=pod.app, timeout=0.02)["msg"]
    failed = place.bad("runsc_wait", "timeout", name=pod.app, until="paused", timeout=0.02)
    assert "it is running, not paused" in failed["msg"]


@pytest.mark.parametrize("hangs", [False, True])
def test_the_exit_code_of_one_whose_sandbox_is_slow_to_go(place: Place, hangs: bool) -> None:
    """No sandbox can be made that slow, so a script answers for it."""
    pid = place.container()["container"]["pid"]
    stops = f"kill -STOP {pid};" if hangs else ""
    answer = f'{{"id":"{place.id}","exitStatus":3}}'
    runsc = place.shim(f"""case " $* " in *" wait "*) {stops} echo '{answer}'; exit;; esac""")
    done = wait(place, runsc_path=str(runsc), timeout=20)
    assert (done["exit_status"], done["status"]) == (3, "broken" if hangs else "running")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_wait_that_is_ended_leaves_no_client(place: Place, number: signal.Signals) -> None:
    pid = place.container()["container"]["pid"]
    with place.started("runsc_wait", name=place.id) as process:
        eventually(lambda: clients(place, "wait"), "it waits")
        process.send_signal(number)
        process.communicate()
    eventually(lambda: not clients(place, "wait"), "the client ends")
    assert place.sandboxes() == [pid]


def test_one_that_is_removed_meanwhile(place: Place) -> None:
    place.container()
    with place.started("runsc_wait", name=place.id) as process:
        eventually(lambda: clients(place, "wait"), "it waits")
        place.container(state="absent", force=True)
        out, err = process.communicate()
    result = read_result(process.returncode, out, err)
    assert result["exit_status"] in (None, 137)
    assert result["status"] in ("stopped", "absent")  # the sandbox ends a moment before its record goes


def test_one_that_is_started_later(place: Place) -> None:
    """A runsc that waits from then on would never be told how it ends."""
    commands(place, "sh", "-c", "while [ ! -e /tmp/go ]; do sleep 0.05; done; exit 4")
    place.container(state="created")
    with place.started("runsc_wait", name=place.id) as process:
        eventually(lambda: "runsc_wait" in str(command_line(process.pid)), "it has begun")
        place.container(state="running")
        eventually(lambda: clients(place, "wait"), "it waits for the end")
        place.exec("touch", "/tmp/go")
        out, err = process.communicate()
    assert read_result(process.returncode, out, err)["exit_status"] == 4


@pytest.mark.parametrize(("until", "state"), [("created", "created"), ("running", "running"), ("paused", "paused")])
def test_a_status(place: Place, until: str, state: str) -> None:
    with place.started("runsc_wait", name=place.id, until=until) as process:
        place.container(state=state)
        out, err = process.communicate()
    result = read_result(process.returncode, out, err)
    assert (result["status"], result["exit_status"]) == (until, None)
    shim = place.shim()
    assert wait(place, until=until, runsc_path=str(shim))["status"] == until
    assert subcommands(shim) == []
    assert (
        "it is absent" in place.bad("runsc_wait", "timeout", name=f"{place.prefix}b", until=until, timeout=0.2)["msg"]
    )


def test_until_it_is_absent(place: Place) -> None:
    assert wait(place, until="absent")["status"] == "absent"
    place.container()
    assert "it is running" in place.bad("runsc_wait", "timeout", name=place.id, until="absent", timeout=0.2)["msg"]


def test_what_can_not_be_waited_for(place: Place) -> None:
    assert "there is no container" in place.bad("runsc_wait", "sandbox_gone", name=place.id)["msg"]
    pid = place.container()["container"]["pid"]
    assert "timeout: 0.0" in place.bad("runsc_wait", "usage", name=place.id, timeout=0)["msg"]
    assert "pid: 0" in place.bad("runsc_wait", "usage", name=place.id, pid=0)["msg"]
    assert "until: 'running'" in place.bad("runsc_wait", "usage", name=place.id, pid=1, until="running")["msg"]
    assert "pid: there is no process 99" in place.bad("runsc_wait", "sandbox_gone", name=place.id, pid=99)["msg"]
    stop(pid)
    assert "hangs" in place.bad("runsc_wait", "runtime", name=place.id, until="stopped")["msg"]


@pytest.mark.parametrize("namespace", ["sandbox", "container"])
def test_a_process(place: Place, namespace: str) -> None:
    place.container()
    pid = place.exec("sh", "-c", "sleep 0.7; exit 5", detach=True)["internal_pid"]
    done = wait(place, pid=pid, pid_namespace=namespace)
    assert (done["exit_status"], done["status"]) == (5, "running")
    long = place.exec("sleep", "100", detach=True)["internal_pid"]
    failed = place.bad("runsc_wait", "timeout", name=place.id, pid=long, pid_namespace=namespace, timeout=0.3)
    assert f"its process {long} still runs" in failed["msg"]


def test_a_process_of_a_container_that_has_ended(place: Place) -> None:
    commands(place, "sh", "-c", "exit 6")
    place.container(state="created", keep_exit_status=True)
    place.module("runsc_container", name=place.id, keep_exit_status=True)
    assert wait(place)["exit_status"] == 6
    assert (wait(place, pid=1)["exit_status"], wait(place, pid=1)["status"]) == (6, "stopped")
    failed = place.bad("runsc_wait", "sandbox_gone", name=place.id, pid=2)
    assert failed["msg"].startswith(f"pid: container '{place.id}' has ended, and its process 2 with it. Leave out pid")
    assert "waiter" not in failed["msg"]


@pytest.mark.parametrize("options", [{}, {"pid": 1}], ids=["container", "process"])
def test_one_that_is_paused_does_not_end(place: Place, options: Json) -> None:
    place.container(state="paused")
    failed = place.bad("runsc_wait", "timeout", name=place.id, timeout=0.5, **options)
    assert failed["msg"].endswith(
        f"it is paused. Resume it first: runsc_container with name {place.id} and state running"
    )
    assert failed["status"] == "paused"


@pytest.mark.parametrize("kept", [False, True])
def test_the_memory_was_used_up_before(place: Place, kept: bool) -> None:
    place.config["linux"]["resources"] = {"memory": {"limit": 64 * 1024 * 1024}}
    commands(place, "sh", "-c", "sleep 0.3; dd if=/dev/zero of=/tmp/eaten bs=1M count=300")
    place.container(keep_exit_status=kept)
    eventually(lambda: not place.sandboxes(), "the kernel kills it")
    for _again in range(2):
        done = wait(place)
        assert (done["oom_killed"], done["exit_status"]) == (True, 137 if kept else None)


def test_another_end_is_no_lack_of_memory(place: Place) -> None:
    pid = place.container()["container"]["pid"]
    os.kill(pid, signal.SIGKILL)
    assert wait(place)["oom_killed"] is False


# The exit code that is kept


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 7", 7), ("sleep 0.3; exit 255", 255), ("kill -9 $$", 137)]
)
def test_an_exit_code_is_kept(place: Place, script: str, code: int) -> None:
    commands(place, "sh", "-c", script)
    place.container(state="created", keep_exit_status=True)
    place.module("runsc_container", name=place.id, keep_exit_status=True)
    for _again in range(2):
        assert (wait(place)["exit_status"], wait(place)["status"]) == (code, "stopped")
    (found,) = place.info()["containers"]
    assert (found["status"], found["exit_status"]) == ("stopped", code)
    assert place.container(state="stopped")["container"]["exit_status"] == code
    eventually(lambda: not waiters(place), "the waiter has ended")
    place.container(state="absent")
    assert list(place.root.iterdir()) == []


def test_how_a_container_was_stopped_is_kept(place: Place) -> None:
    place.container(keep_exit_status=True)
    (found,) = place.info()["containers"]
    assert (found["status"], found["exit_status"]) == ("running", None)
    assert place.container(state="stopped")["container"]["exit_status"] == 143
    again = place.container(keep_exit_status=True)  # a new one; that the old one ended is forgotten
    assert again["actions"] == ["delete", "create", "start"]
    assert place.info()["containers"][0]["exit_status"] is None
    os.kill(again["container"]["pid"], signal.SIGKILL)
    assert wait(place)["exit_status"] == 137


def test_a_container_that_ended_too_soon_says_how(place: Place) -> None:
    commands(place, "sh", "-c", "exit 9")
    failed = place.bad(
        "runsc_container", "sandbox_gone", name=place.id, bundle=str(place.bundle), keep_exit_status=True
    )
    assert "with exit code 9" in failed["msg"]


def test_a_checkpoint_is_no_end(place: Place) -> None:
    """What runs on from it one day has not ended, and a restored container has a waiter of its own."""
    place.container(keep_exit_status=True)
    image = str(place.folder / "image")
    assert place.good("runsc_checkpoint", name=place.id, path=image)["container"]["exit_status"] is None
    assert wait(place)["exit_status"] is None
    place.container(state="absent")
    place.container(restore_from=image, keep_exit_status=True)
    assert len(waiters(place)) == 1
    assert place.container(state="stopped")["container"]["exit_status"] == 143


def test_the_waiter_is_small_and_alone(place: Place) -> None:
    before = place.container(keep_exit_status=True)["container"]["pid"]
    (waiter,) = waiters(place)
    assert procfs.creators(str(place.root)) == []  # its launcher was one, and it is a fork of that
    with open(f"/proc/{waiter}/smaps_rollup", encoding="ascii") as file:
        private = sum(int(line.split()[1]) for line in file if line.startswith("Private_"))
    assert private < 10_000  # kB
    assert {os.readlink(f"/proc/{waiter}/fd/{stream}") for stream in range(3)} == {os.devnull}
    assert os.readlink(f"/proc/{waiter}/cwd") == "/"
    os.kill(waiter, signal.SIGKILL)
    assert place.exec("echo", "it goes on")["stdout"] == "it goes on"
    assert place.container(state="stopped")["container"]["exit_status"] is None
    assert place.container(recreate="always")["container"]["pid"] != before


def test_a_failed_start_leaves_no_waiter(place: Place) -> None:
    commands(place, "/tmp/nothing")  # on a mount, where only runsc can look
    failed = place.bad("runsc_container", "runtime", name=place.id, bundle=str(place.bundle), keep_exit_status=True)
    assert "failed to load /tmp/nothing" in failed["msg"]
    eventually(lambda: not waiters(place), "the waiter has ended")
    assert not place.root.exists() or list(place.root.iterdir()) == []


def test_no_waiter_without_being_asked(place: Place) -> None:
    place.container()
    assert waiters(place) == []


# Signals


def test_a_signal_ends_it(place: Place) -> None:
    place.container()
    check = kill(place, check=True)
    assert (check["changed"], check["status"], place.listed()) == (True, "running", {place.id: "running"})
    check = kill(place, check=True, wait=True)
    assert place.listed() == {place.id: "running"}
    done = kill(place, wait=True)
    facts = {key: done[key] for key in ("changed", "sent", "signal", "status", "ended")}
    assert facts == {"changed": True, "sent": True, "signal": 15, "status": "stopped", "ended": True}
    assert (check["diff"], check["status"], check["ended"]) == (done["diff"], "stopped", True)
    shim = place.shim()
    again = kill(place, runsc_path=str(shim))
    assert (again["changed"], again["sent"], again["ended"], subcommands(shim)) == (False, False, True, [])


@pytest.mark.parametrize(("given", "number"), [("HUP", 1), ("SIGHUP", 1), ("sighup", 1), ("1", 1), ("USR1", 10)])
def test_signals_by_name_and_number(place: Place, given: str, number: int) -> None:
    commands(place, "sh", "-c", "trap 'echo got >>/tmp/got' HUP USR1; while :; do sleep 0.05; done")
    place.container()
    done = kill(place, signal=given)
    assert (done["signal"], done["changed"], done["ended"]) == (number, True, None)
    eventually(
        lambda: place.module("runsc_exec", name=place.id, argv=["cat", "/tmp/got"]).get("stdout") == "got", "it came"
    )


def test_all_and_one_process(place: Place) -> None:
    commands(place, "sh", "-c", "trap '' TERM; sleep 1000 & while :; do sleep 0.05; done")
    place.container()
    pid = place.exec("sleep", "777", detach=True)["internal_pid"]
    assert kill(place, pid=pid, wait=True)["ended"] is True
    assert "777" not in place.exec("ps", "-o", "args")["stdout"]
    assert place.listed() == {place.id: "running"}
    failed = place.bad("runsc_kill", "timeout", name=place.id, wait=True, wait_timeout=0.3)
    assert (failed["changed"], failed["status"]) == (True, "running")
    assert kill(place, all=True, signal="KILL", wait=True)["status"] == "stopped"


def test_what_can_not_be_signalled(place: Place) -> None:
    assert "there is no container" in place.bad("runsc_kill", "sandbox_gone", name=place.id)["msg"]
    place.container(state="created")
    assert "is created" in place.bad("runsc_kill", "runtime", name=place.id)["msg"]
    place.container(state="running")
    assert "signal: 'BOGUS'" in place.bad("runsc_kill", "usage", name=place.id, signal="BOGUS")["msg"]
    assert "wait_timeout: -1.0" in place.bad("runsc_kill", "usage", name=place.id, wait_timeout=-1)["msg"]
    assert "pid: -5" in place.bad("runsc_kill", "usage", name=place.id, pid=-5)["msg"]
    assert "pid: there is no process 99" in place.bad("runsc_kill", "sandbox_gone", name=place.id, pid=99)["msg"]
    place.container(state="paused")
    assert "is paused" in place.bad("runsc_kill", "runtime", name=place.id)["msg"]
    assert place.listed() == {place.id: "paused"}
