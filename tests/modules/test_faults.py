# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sandboxes that die, hang or lose their records: each is told, the task that follows converges, and nobody else is hurt."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from ansible_collections.gvisor.runsc.tests.modules.support import Json, Place, command_line, eventually

ANEW = ["delete", "create", "start"]


def _gone(pid: int) -> bool:
    return not command_line(pid)


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: _gone(pid), f"process {pid} is dead")


def _converges(place: Place, actions: list[str], **options: object) -> Json:
    """Predict, do and repeat C(state=running); return the result of doing."""
    predicted = place.container(check=True, **options)
    done = place.container(**options)
    again = place.container(**options)
    assert predicted["actions"] == done["actions"] == actions
    assert done["container"]["status"] == place.listed()[place.id] == "running"
    assert (again["changed"], again["container"]) == (False, done["container"])
    assert place.exec("echo", "alive")["stdout"] == "alive"
    assert place.sandboxes() == [done["container"]["pid"]]
    return done


@contextlib.contextmanager
def _bystander() -> Iterator[int]:
    """An unrelated process, which has to outlive what is done meanwhile."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        try:
            yield process.pid
            assert process.poll() is None, "an unrelated process was killed"
        finally:
            process.kill()


@pytest.mark.parametrize("state", ["created", "running", "paused"])
def test_the_sandbox_was_killed(place: Place, state: str) -> None:
    _kill(place.container(state=state)["container"]["pid"])
    found = place.info()["containers"]
    assert [(one["status"], one["pid"]) for one in found] == [("stopped", -1)]
    assert place.bad("runsc_exec", "runtime", name=place.id, argv=["id"])["status"] == "stopped"
    assert place.container(state="stopped")["changed"] is False
    _converges(place, ANEW)
    _kill(place.sandboxes()[0])
    assert place.container(state="absent")["actions"] == ["delete"]
    assert place.listed() == {}


def test_the_sandbox_is_killed_under_a_command(place: Place) -> None:
    pid = place.container()["container"]["pid"]
    script = "echo begun; touch /tmp/begun; exec sleep 1000"
    with place.started("runsc_exec", name=place.id, argv=["sh", "-c", script]) as process:
        eventually(lambda: place.exec("ls", "/tmp")["stdout"] == "begun", "the command runs")
        os.kill(pid, signal.SIGKILL)
        out, err = process.communicate(timeout=20)
    result = json.loads(out)
    assert not err
    assert (result["failure_kind"], result["status"], result["stdout"]) == ("sandbox_gone", "stopped", "begun")
    assert place.id in result["msg"]


def test_the_gofer_was_killed(place: Place) -> None:
    place.container()
    for pid in place.gofers():
        _kill(pid)
    eventually(lambda: place.listed()[place.id] == "stopped", "the sandbox follows its gofer")
    _converges(place, ANEW)


def test_the_sandbox_hangs(place: Place) -> None:
    place.container(name=f"{place.prefix}b")
    pid = place.container()["container"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    for state in ("created", "running", "paused", "stopped"):
        told = place.bad("runsc_container", "runtime", name=place.id, state=state)
        assert (told["status"], str(pid) in told["msg"], "force" in told["msg"]) == ("broken", True, True)
    told = place.bad("runsc_exec", "runtime", name=place.id, argv=["id"])
    assert "stopped by a signal" in told["msg"]
    # The other one is not held up, although runsc itself hangs when it is to list them.
    assert place.container(name=f"{place.prefix}b")["changed"] is False
    assert place.exec("echo", "alive", name=f"{place.prefix}b")["stdout"] == "alive"
    assert time.monotonic() - began < 5
    os.kill(pid, signal.SIGCONT)
    assert place.container()["changed"] is False
    os.kill(pid, signal.SIGSTOP)
    assert place.container(state="absent")["actions"] == ["force_delete"]
    assert _gone(pid)
    assert place.listed() == {f"{place.prefix}b": "running"}


def test_a_hanging_sandbox_is_described(place: Place) -> None:
    place.container(name=f"{place.prefix}b")
    pid = place.container()["container"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    found = place.info(timeout=2, gather=["pids"])
    assert time.monotonic() - began < 10
    assert [one["id"] for one in found["unreadable"]] == [place.id]
    described = {one["id"]: one for one in found["containers"]}
    assert described[f"{place.prefix}b"]["pids"] == [1]
    assert described[f"{place.prefix}b"]["status"] == "running"
    assert described[place.id]["status"] == "hanging"
    assert [one["id"] for one in place.info(status=["hanging"])["containers"]] == [place.id]
    assert [one["id"] for one in place.info(name=[f"{place.prefix}b"])["containers"]] == [f"{place.prefix}b"]


def test_somebody_holds_the_lock_of_runsc(place: Place) -> None:
    place.container()
    with open(place.record().with_suffix(".lock"), encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = place.bad("runsc_container", "runtime", name=place.id, timeout=1)
        assert told["status"] == "broken"
        assert "did not end within 1 s" in told["msg"]
        assert place.container(state="absent", timeout=1)["actions"] == ["force_delete"]
    assert place.sandboxes() == []


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", '{"id": "somebody"}', "\x00\xff"])
def test_a_damaged_record(place: Place, content: str) -> None:
    pid = place.container()["container"]["pid"]
    place.record().write_text(content, encoding="latin-1")
    told = place.bad("runsc_container", "runtime", name=place.id)
    assert (told["status"], place.id in told["msg"], str(place.record()) in told["msg"]) == ("broken", True, True)
    found = place.info()
    assert [(one["id"], one["status"]) for one in found["containers"]] == [(place.id, "corrupt")]
    assert [one["id"] for one in found["unreadable"]] == [place.id]
    done = _converges(place, ["force_delete", "create", "start"], force=True) if not content else None
    if done is None:
        assert place.container(state="absent")["actions"] == ["force_delete"]
    assert _gone(pid)


def test_the_records_were_wiped(place: Place) -> None:
    other = place.folder / "other-root"
    kept = place.container(name=f"{place.prefix}b", root=str(other))["container"]["pid"]
    pid = place.container()["container"]["pid"]
    shutil.rmtree(place.root)
    with _bystander():
        done = place.container()
        assert (done["actions"], done["container"]["status"]) == (["create", "start"], "running")
        assert place.container()["changed"] is False
        assert _gone(pid), "the old sandbox, which nobody could reach any more, still runs"
        assert place.sandboxes() == [done["container"]["pid"]]
        assert place.container(name=f"{place.prefix}b", root=str(other))["container"]["pid"] == kept
        assert place.container(state="absent")["changed"]
    place.container(name=f"{place.prefix}b", root=str(other), state="absent")


def test_absent_after_the_records_were_wiped(place: Place) -> None:
    pid = place.container()["container"]["pid"]
    shutil.rmtree(place.root)
    with _bystander():
        predicted = place.container(state="absent", check=True)
        done = place.container(state="absent")
    assert predicted["actions"] == done["actions"] == ["force_delete"]
    assert place.container(state="absent")["changed"] is False
    assert _gone(pid), "the sandbox, which nobody can reach any more, still runs"


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("state", ["absent", "running", "stopped"])
def test_a_recorded_pid_that_belongs_to_somebody_else(place: Place, state: str, force: bool) -> None:
    """As after a reboot with a root on disk: runsc itself would kill the unrelated process."""
    place.container()
    with _bystander() as sandbox, _bystander() as gofer:
        record = json.loads(place.record().read_text(encoding="utf-8"))
        _kill(record["sandbox"]["pid"])
        record["sandbox"]["pid"], record["goferPid"] = sandbox, gofer
        place.record().write_text(json.dumps(record), encoding="utf-8")
        assert [one["status"] for one in place.info()["containers"]] == ["stopped"]
        predicted = place.container(state=state, force=force, check=True)
        done = place.container(state=state, force=force)
        assert predicted["actions"] == done["actions"]
        assert done["container"]["status"] == state
        if state == "running":
            assert place.exec("echo", "alive")["stdout"] == "alive"
        assert place.container(state="absent", force=force)["container"]["status"] == "absent"


def test_the_bundle_went_away(place: Place) -> None:
    pid = place.container()["container"]["pid"]
    shutil.rmtree(place.bundle)
    assert place.container()["changed"] is False
    assert place.container(bundle=None)["changed"] is False
    assert place.exec("echo", "alive")["stdout"] == "alive"
    for options in ({"recreate": "always"}, {"recreate": "on-change"}):
        told = place.bad("runsc_container", "usage", name=place.id, **options)
        assert str(place.bundle) in told["msg"]
    assert place.listed() == {place.id: "running"}
    assert place.sandboxes() == [pid]
    assert place.container(state="absent", bundle=None)["changed"]


def test_a_command_that_takes_too_much_memory(place: Place) -> None:
    place.write_config({"linux": {"resources": {"memory": {"limit": 128 << 20}}}})
    place.container()
    told = place.bad(
        "runsc_exec", "oom", name=place.id, argv=["dd", "if=/dev/zero", "of=/tmp/much", "bs=1M", "count=512"]
    )
    assert "memory" in told["msg"]
    assert told["status"] == "stopped"
    _converges(place, ANEW)
