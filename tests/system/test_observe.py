# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""list, state, ps, top, stats, events, usage, spec, version, features, debug and metrics."""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import (
    BinaryError,
    NotFoundError,
    RunscError,
    StateError,
    UnsupportedError,
    UsageError,
)
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.monitor import Call, Recorder
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.options import ExecOptions
from ansible_collections.gvisor.runsc.tests.system.conftest import MakeBundle, MakeClient, Shared
from ansible_collections.gvisor.runsc.tests.system.support import (
    Calls,
    RunscVersion,
    eventually,
    new_id,
    runsc_processes,
)


def test_list_of_a_root_that_does_not_exist(runsc: Runsc) -> None:
    assert runsc.list() == []
    assert runsc.ids() == []
    assert not os.path.exists(runsc.root)


def test_list_is_one_process_for_many_containers(runsc: Runsc, start: Callable[..., str], bundle: MakeBundle) -> None:
    running, created, gone = start(annotations={"org.example": "1"}), new_id(), start()
    runsc.create(created, bundle())
    runsc.stop(gone, "KILL")
    calls = Calls(runsc)
    found = {container.id: container for container in runsc.list()}
    assert calls.subcommands == ["list"]
    assert {name: container.status for name, container in found.items()} == {
        running: "running",
        created: "created",
        gone: "stopped",
    }
    assert found[running].annotations == {"org.example": "1"}
    assert found[running].pid == runsc.record(running).pid
    assert found[gone].pid == -1
    assert runsc.ids() == sorted(found)
    assert runsc.state(running) == found[running]


def test_state_of_what_is_missing(runsc: Runsc) -> None:
    container = new_id()
    calls = Calls(runsc)
    with pytest.raises(NotFoundError, match=f"no container '{container}' under the root {runsc.root}"):
        runsc.state(container)
    assert calls.subcommands == []


def test_the_record_tells_what_runsc_does_not(shared: Shared) -> None:
    record = shared.runsc.record(shared.container)
    assert (record.id, record.sandbox, record.bundle) == (shared.container, shared.container, str(shared.bundle))
    assert record.created.endswith("Z")
    assert record.cgroup == f"/{shared.container}"
    assert record.spec["process"]["user"]["uid"] == 1234
    assert shared.runsc.is_live(record)


def test_ps_and_top(runsc: Runsc, start: Callable[..., str]) -> None:
    container = start("/bin/sh", "-c", "sleep 999 & wait", process={"user": {"uid": 5, "gid": 6}})
    assert eventually(lambda: len(runsc.ps(container)) == 2)
    calls = Calls(runsc)
    pids, table = runsc.ps(container), runsc.top(container)
    assert calls.subcommands == ["ps", "ps"]
    assert [process.pid for process in table] == pids
    assert [(process.uid, process.ppid, process.command) for process in table] == [
        (5, 0, "sh"),
        (5, pids[0], "sleep"),
    ]


def test_stats(shared: Shared, runsc_version: RunscVersion) -> None:
    calls = Calls(shared.runsc)
    stats = shared.runsc.stats(shared.container)
    assert calls.subcommands == ["events"]
    assert stats.cpu_ns > 0
    assert stats.memory_usage > 0
    assert stats.pids >= 1
    names = [interface.name for interface in stats.interfaces]
    assert names == (["lo"] if runsc_version.date > 20240422 else [])


@pytest.mark.parametrize("method", ["stats", "events"])
def test_no_statistics_before_the_start(runsc: Runsc, bundle: MakeBundle, method: str) -> None:
    """An older runsc divides by zero."""
    container = new_id()
    runsc.create(container, bundle())
    calls = Calls(runsc)
    with pytest.raises(StateError, match="Start it first"):
        list(itertools.islice(getattr(runsc, method)(container), 1))
    assert calls.subcommands == []


def test_events_come_one_by_one_and_close_leaves_no_process(runsc: Runsc, start: Callable[..., str]) -> None:
    container = start()
    calls = Calls(runsc)
    stream = runsc.events(container, interval=1)
    for event in (next(stream), next(stream)):
        assert (event.type, event.id) == ("stats", container)
        assert event.stats
        assert event.stats.memory_usage > 0
    assert any("events" in argv for argv in runsc_processes(runsc.root).values())
    stream.close()  # type: ignore[attr-defined]
    assert not any("events" in argv for argv in runsc_processes(runsc.root).values())
    assert calls.subcommands == ["events"]


@pytest.mark.parametrize("ending", ["kill", "sentry", "delete"])
def test_events_end_when_the_container_ends(runsc: Runsc, start: Callable[..., str], ending: str) -> None:
    """runsc's own events never end."""
    container = start()
    record = runsc.record(container)
    ends: dict[str, Callable[[], None]] = {
        "kill": lambda: runsc.kill(container, "KILL"),
        "sentry": lambda: os.kill(record.pid, signal.SIGKILL),
        "delete": lambda: runsc.delete(container, force=True),
    }
    stream = runsc.events(container, interval=1)
    assert next(stream).type == "stats"
    timer = threading.Timer(0.2, ends[ending])
    timer.start()
    assert all(event.type == "stats" for event in itertools.islice(stream, 20))
    assert next(stream, None) is None
    timer.join()


@pytest.mark.parametrize("interval", [0, -1])
def test_events_without_a_pause_are_refused(shared: Shared, interval: int) -> None:
    calls = Calls(shared.runsc)
    with pytest.raises(UsageError, match="interval: "):
        next(iter(shared.runsc.events(shared.container, interval=interval)))
    assert calls.subcommands == []


@pytest.mark.parametrize("full", [False, True])
def test_usage(shared: Shared, full: bool) -> None:
    usage = shared.runsc.usage(shared.container, full=full)
    assert usage.total == sum(usage.by_kind.values()) > 0
    assert {"Mapped", "Tmpfs"} <= set(usage.by_kind)


def test_spec_writes_a_template_and_overwrites_nothing(runsc: Runsc, tmp_path: Path) -> None:
    runsc.spec(str(tmp_path), ["/bin/echo", "--flag", "a b"], cwd="/srv", netns="/run/netns/x")
    spec = json.loads((tmp_path / "config.json").read_text())
    assert spec["process"]["args"] == ["/bin/echo", "--flag", "a b"]
    assert spec["process"]["cwd"] == "/srv"
    assert {"type": "network", "path": "/run/netns/x"} in spec["linux"]["namespaces"]
    with pytest.raises(RunscError, match="already exists"):
        runsc.spec(str(tmp_path))
    assert json.loads((tmp_path / "config.json").read_text()) == spec


def test_version_is_asked_once_for_each_binary(client: MakeClient, runsc_version: RunscVersion, tmp_path: Path) -> None:
    first, second = (client(cache_folder=str(tmp_path / "cache")) for _number in range(2))
    assert first.version() == second.version() == first.features.version
    assert (first.version().runsc, first.version().spec) == (runsc_version.version, "1.0.2-dev")
    assert [len(calls_of(used)) for used in (first, second)] == [1, 0]


def test_a_binary_that_is_gone_is_forgotten(runsc_version: RunscVersion, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    binaries = [tmp_path / name for name in ("first", "second", "third")]
    for binary in binaries:
        binary.write_bytes(Path(runsc_version.path).read_bytes())
        binary.chmod(0o755)
    Runsc(str(binaries[0]), cache_folder=str(cache)).version()
    Runsc(str(binaries[1]), cache_folder=str(cache)).version()
    assert len(list(cache.iterdir())) == 2
    binaries[0].unlink()
    Runsc(str(binaries[2]), cache_folder=str(cache)).version()
    assert sorted(json.loads(path.read_text())["binary"] for path in cache.iterdir()) == sorted(map(str, binaries[1:]))


def calls_of(runsc: Runsc) -> list[Call]:
    """Return all calls that a client made."""
    assert isinstance(runsc.monitor, Recorder)
    return runsc.monitor.calls


def test_features(runsc: Runsc, runsc_version: RunscVersion) -> None:
    features = runsc.features
    assert runsc_version.platform in features.platforms
    assert {"ptrace", "kvm"} <= set(features.platforms)
    assert features.flags["root"] == ""
    assert {"network", "platform", "overlay2", "debug-log", "ignore-cgroups"} <= set(features.flags)
    assert {"create", "exec", "checkpoint", "usage", "boot"} <= set(features.subcommands)
    assert {"console-socket", "internal-pid-file", "process"} <= set(features.subcommand_flags("exec"))
    assert ("port-forward" in features.subcommands) == (runsc_version.date >= 20230417)
    assert ("directfs" in features.flags) == (runsc_version.date >= 20230522)
    assert ("compression" in features.subcommand_flags("checkpoint")) == (runsc_version.date >= 20240601)


def test_unknown_flags_and_platforms_are_named_before_anything_runs(client: MakeClient) -> None:
    with pytest.raises(UnsupportedError, match=r"has no flag 'ignore-cgroup' \(did you mean 'ignore-cgroups'\?\)"):
        client(config={"ignore-cgroup": True}).check_flags()
    with pytest.raises(UsageError, match=r"has no platform 'xen'.*It has .*ptrace"):
        client(config={"platform": "xen"}).check_flags()
    client().check_flags()


def test_debug_stacks(shared: Shared) -> None:
    assert "goroutine " in shared.runsc.debug_stacks(shared.container)


def test_export_metrics(shared: Shared, runsc_version: RunscVersion) -> None:
    if runsc_version.date < 20230102:
        with pytest.raises(UnsupportedError, match="has no subcommand 'export-metrics'"):
            shared.runsc.export_metrics(shared.container)
        return
    metrics = shared.runsc.export_metrics(shared.container, prefix="testing_")
    assert "# TYPE testing_" in metrics
    assert shared.container in metrics


@pytest.mark.parametrize("command", ["no-such-runsc", "/nonexistent/runsc"])
def test_no_binary(command: str, tmp_path: Path) -> None:
    with pytest.raises(BinaryError, match=r"runsc_path: .*Install runsc") as caught:
        Runsc(command, root=str(tmp_path)).list()
    assert caught.value.kind == "unsupported"


def test_a_binary_that_is_not_executable(tmp_path: Path) -> None:
    binary = tmp_path / "runsc"
    binary.write_text("no program")
    with pytest.raises(BinaryError, match="not executable"):
        Runsc(str(binary), root=str(tmp_path)).list()
    binary.chmod(0o755)
    with pytest.raises(BinaryError, match="can't be run"):
        Runsc(str(binary), root=str(tmp_path)).list()


def test_a_binary_that_is_something_else(tmp_path: Path) -> None:
    with pytest.raises(RunscError, match="Is runsc_path really runsc"):
        Runsc("/bin/echo", root=str(tmp_path), cache_folder=None).list()
    with pytest.raises(RunscError, match="Is runsc_path really runsc"):
        Runsc("/bin/echo", root=str(tmp_path), cache_folder=None).version()


def test_processes_with_the_files_of_the_host_that_they_have_open(runsc: Runsc, start: Callable[..., str]) -> None:
    container = start()
    (first,) = runsc.trace_processes(container)
    assert (first.pid, first.ppid, sorted(first.host_files)) == (1, 0, [1, 2, 3])
    assert first.args == runsc.record(container).spec["process"]["args"]
    runsc.exec(container, {"args": ["/bin/sleep", "555"]}, ExecOptions(detach=True))
    _first, second = sorted(runsc.trace_processes(container))
    assert (second.ppid, second.args) == (0, ["/bin/sleep", "555"])
    assert len(second.host_files) == 3 and not {1, 2, 3}.intersection(second.host_files)
