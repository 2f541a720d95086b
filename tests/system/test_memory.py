# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sandbox at its memory limit: the kernel kills it, and runsc knows of nothing."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import cgroups, oom_watch
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import OutOfMemoryError, SandboxGoneError
from ansible_collections.gvisor.runsc.tests.system.conftest import MakeBundle
from ansible_collections.gvisor.runsc.tests.system.support import EAT, LIMIT, eventually, limited, new_id


def start_limited(runsc: Runsc, bundle: MakeBundle, *args: str, **linux: Any) -> str:
    """Start a container with a limit of its memory."""
    container = new_id()
    runsc.run_detached(container, bundle(*args, linux=limited(**linux)))
    return container


def test_the_limit_and_what_is_used_are_counted(runsc: Runsc, bundle: MakeBundle) -> None:
    """runsc's own statistics say 0 for the limit."""
    container = start_limited(runsc, bundle)
    assert runsc.stats(container).memory_limit == 0
    counters = cgroups.counters(runsc.record(container).cgroup)
    assert counters["memory_limit"] == LIMIT
    assert 0 < counters["memory_usage"] < LIMIT
    assert counters["oom_kills"] == 0


@pytest.mark.parametrize("named", [False, True])
def test_exec_says_that_the_memory_was_used_up(runsc: Runsc, bundle: MakeBundle, named: bool) -> None:
    group = {"cgroupsPath": f"/{new_id()}"} if named else {}
    container = start_limited(runsc, bundle, **group)
    with pytest.raises(OutOfMemoryError, match=r"killed at its memory limit.*Raise the memory limit") as caught:
        runsc.exec(container, {"args": EAT})
    assert caught.value.kind == "oom"
    assert runsc.state(container).status == "stopped"


def test_wait_says_that_the_memory_was_used_up(runsc: Runsc, bundle: MakeBundle) -> None:
    eat = "sleep 0.3; exec " + " ".join(EAT)
    container = start_limited(runsc, bundle, "/bin/sh", "-c", eat)
    for _attempt in ("while it lives", "when it is dead"):
        with pytest.raises(OutOfMemoryError) as caught:
            runsc.wait(container)
        assert caught.value.kind == "oom"


def test_an_earlier_kill_is_not_blamed_for_a_later_end(runsc: Runsc, bundle: MakeBundle) -> None:
    """Groups that were there before keep their counters; only a kill during the command counts."""
    path = f"/{new_id()}"
    first = start_limited(runsc, bundle, cgroupsPath=path)
    keeper = start_limited(runsc, bundle, cgroupsPath=path)  # keeps the groups, and their counters, from being removed
    with pytest.raises(OutOfMemoryError):
        runsc.exec(first, {"args": EAT})
    if runsc.state(keeper).status != "running":
        runsc.delete(keeper, force=True)
        keeper = start_limited(runsc, bundle, cgroupsPath=path)
    thread = threading.Timer(0.3, lambda: runsc.kill(keeper, "KILL"))
    thread.start()
    with pytest.raises(SandboxGoneError) as caught:
        runsc.exec(keeper, {"args": ["/bin/sleep", "1000"]})
    thread.join()
    assert caught.value.kind == "sandbox_gone"
    assert eventually(lambda: runsc.state(keeper).status == "stopped")
    runsc.delete(first)
    runsc.delete(keeper)


def test_run_says_that_the_memory_was_used_up(runsc: Runsc, bundle: MakeBundle) -> None:
    with pytest.raises(OutOfMemoryError) as caught:
        runsc.run(new_id(), bundle(*EAT, linux=limited()))
    assert (caught.value.kind, caught.value.completed and caught.value.completed.rc) == ("oom", 137)
    assert runsc.run(new_id(), bundle("/bin/sh", "-c", "kill -9 $$", linux=limited())).rc == 137
    assert threading.active_count() == 1


@pytest.mark.parametrize("happens", [False, True])
def test_a_counter_of_version_2(monkeypatch: pytest.MonkeyPatch, happens: bool) -> None:
    """Here, memory is counted in version 1. Another file tells of a change in the same way: whether there is a process."""
    monkeypatch.setattr(oom_watch, "_KINDS", (oom_watch._Kind("unified", "cgroup.events", "populated", False),))
    name = new_id()
    folder = Path(cgroups.hierarchies()["unified"], name)
    with oom_watch.OomWatch(f"/{name}") as watch:
        with watch.attached(), contextlib.ExitStack() as stack:
            folder.mkdir()
            stack.callback(folder.rmdir)
            if happens:
                process = stack.enter_context(subprocess.Popen(["sleep", "1000"]))
                stack.callback(process.kill)
                (folder / "cgroup.procs").write_text(str(process.pid), encoding="ascii")
                assert eventually(lambda: watch._seen)
                process.kill()
                process.wait()
        assert not folder.exists()
        assert watch.killed() is happens
    assert threading.active_count() == 1
