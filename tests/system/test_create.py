# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""create: its files, its streams, its session, and never a second container of one id."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import procfs
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import (
    AlreadyExistsError,
    StateError,
    UsageError,
)
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.options import CreateOptions
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.process import Stdio, kill_group, spawn
from ansible_collections.gvisor.runsc.tests.system.conftest import MakeBundle, MakeClient
from ansible_collections.gvisor.runsc.tests.system.support import (
    PATIENCE,
    Calls,
    RunscVersion,
    eventually,
    new_id,
    text_of,
)

ENDLESS = ("/bin/sh", "-c", "while :; do echo out; echo err >&2; sleep 0.1; done")


def test_create_then_start(runsc: Runsc, bundle: MakeBundle) -> None:
    container, folder = new_id(), bundle(annotations={"org.example": "yes"})
    calls = Calls(runsc)
    runsc.create(container, folder)
    found = runsc.state(container)
    assert (found.id, found.status, found.bundle) == (container, "created", folder)
    assert found.annotations == {"org.example": "yes"}
    assert procfs.is_sentry(found.pid, container, runsc.root)
    runsc.start(container)
    assert runsc.state(container).status == "running"
    assert calls.subcommands == ["create", "state", "start", "state"]


def test_run_detached_is_one_process(runsc: Runsc, bundle: MakeBundle) -> None:
    container, calls = new_id(), Calls(runsc)
    runsc.run_detached(container, bundle())
    assert calls.subcommands == ["run"]
    assert runsc.state(container).status == "running"


def test_a_relative_bundle_is_made_absolute(runsc: Runsc, bundle: MakeBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """runsc keeps the text as given, and its start reads the bundle again, from wherever it is run then."""
    folder, container = bundle(), new_id()
    monkeypatch.chdir(os.path.dirname(folder))
    runsc.create(container, os.path.basename(folder))
    monkeypatch.chdir("/")
    assert runsc.state(container).bundle == folder
    runsc.start(container)


@pytest.mark.parametrize("method", ["create", "run_detached", "run", "restore"])
def test_a_second_create_never_harms_the_first(
    runsc: Runsc, start: Callable[..., str], bundle: MakeBundle, tmp_path: Path, method: str
) -> None:
    container, folder = start(), bundle()
    (tmp_path / "checkpoint.img").write_text("no image, but not empty")
    arguments = [str(tmp_path)] if method == "restore" else []
    calls = Calls(runsc)
    with pytest.raises(AlreadyExistsError) as caught:
        getattr(runsc, method)(container, folder, *arguments)
    assert calls.subcommands == [], "runsc itself would have destroyed the record, so it may not be asked"
    assert container in str(caught.value)
    assert runsc.state(container).status == "running"
    assert text_of(runsc, container, "/bin/echo", "alive") == "alive\n"


# Does what a runsc of 2024-08 does when the id exists: it says so in its log, and nothing else.
LOSER = """#!/bin/sh
for argument; do
    case $argument in --log=*) printf '%s' '{entry}' >>"${{argument#--log=}}" ;; esac
done
exit 128
"""


@pytest.mark.parametrize("method", ["create", "restore"])
def test_who_loses_a_race_leaves_the_winner_alone(
    runsc: Runsc,
    start: Callable[..., str],
    bundle: MakeBundle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
) -> None:
    """runsc of 2024-08 and later refuses the second create and leaves the first alone; so must the clean-up here."""
    container = start()
    (tmp_path / "checkpoint.img").write_text("no image, but not empty")
    arguments = [str(tmp_path)] if method == "restore" else []
    binary = tmp_path / "runsc"
    message = "creating container: cannot lock container metadata file: container already exists"
    binary.write_text(LOSER.format(entry=json.dumps({"msg": message, "level": "error"})))
    binary.chmod(0o755)
    late = Runsc(str(binary), root=runsc.root, config=runsc.config, cache_folder=None)
    monkeypatch.setattr(late, "_check_absent", lambda container: None)  # it looked a moment too early
    with pytest.raises(AlreadyExistsError):
        getattr(late, method)(container, bundle(), *arguments)
    assert runsc.state(container).status == "running"
    assert text_of(runsc, container, "/bin/echo", "alive") == "alive\n"


def test_a_create_that_somebody_else_began_is_waited_for(runsc: Runsc, bundle: MakeBundle) -> None:
    """Two creates of one id at once destroy each other's record. A task that was killed leaves its runsc, which goes on."""
    container = new_id()
    os.makedirs(runsc.root)
    with open(os.path.join(runsc.root, f"{container}_sandbox:{container}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # runsc waits for it before it writes anything
        argv = [runsc.path, *runsc.global_arguments(), "create", f"--bundle={bundle()}", container]
        other = spawn(argv, Stdio(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        assert eventually(lambda: procfs.find_creators(container, runsc.root) == [other.pid])
        release = threading.Timer(0.3, fcntl.flock, (lock, fcntl.LOCK_UN))
        release.start()
        with pytest.raises(AlreadyExistsError, match="somebody else"):
            runsc.create(container, bundle())
        release.join()
    assert other.wait() == 0
    runsc.start(container)
    assert runsc.state(container).status == "running"


def test_a_create_that_was_killed_does_not_hinder_the_next(runsc: Runsc, bundle: MakeBundle) -> None:
    """runsc writes the record as "created" before it runs the hooks, so that a kill leaves a container that may be broken."""
    container = new_id()
    hooks = {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "1000"]}]}
    argv = [runsc.path, *runsc.global_arguments(), "create", f"--bundle={bundle(hooks=hooks)}", container]
    other = spawn(argv, Stdio(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    assert eventually(lambda: container in runsc.existing())
    kill_group(other)
    other.wait()
    runsc.delete(container, force=True)
    runsc.run_detached(container, bundle())
    assert text_of(runsc, container, "/bin/echo", "alive") == "alive\n"


def test_endless_output_does_not_hold_the_caller(runsc: Runsc, bundle: MakeBundle) -> None:
    """With pipes for its streams the call would end when the container does: never."""
    container = new_id()
    runsc.run_detached(container, bundle(*ENDLESS), timeout=PATIENCE)
    record = runsc.record(container)
    for pid in (record.pid, record.gofer_pid):
        links = [os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd")]
        assert not [link for link in links if link.startswith("pipe:") and _reader_is_us(link)]


def _reader_is_us(link: str) -> bool:
    return link in {os.readlink(entry.path) for entry in os.scandir("/proc/self/fd") if os.path.islink(entry.path)}


def test_streams_are_files_opened_for_append(runsc: Runsc, bundle: MakeBundle, tmp_path: Path) -> None:
    container, out, err, given = new_id(), tmp_path / "out", tmp_path / "err", tmp_path / "in"
    out.write_text("before\n")
    given.write_text("what it reads\n")
    folder = bundle("/bin/sh", "-c", "cat; echo said; echo cried >&2; sleep 1000")
    runsc.create(container, folder, CreateOptions(stdin=str(given), stdout=str(out), stderr=str(err)))
    runsc.start(container)
    assert eventually(lambda: err.exists() and err.read_text() == "cried\n")
    with out.open("a") as file:
        file.write("by somebody else\n")
    assert out.read_text() == "before\nwhat it reads\nsaid\nby somebody else\n"
    assert stat.S_IMODE(err.stat().st_mode) == 0o640
    sentry_files = {os.path.realpath(entry.path) for entry in os.scandir(f"/proc/{runsc.record(container).pid}/fd")}
    assert str(out) in sentry_files


def test_without_files_streams_are_null(runsc: Runsc, bundle: MakeBundle) -> None:
    container = new_id()
    runsc.run_detached(container, bundle("/bin/sh", "-c", "echo x; read line || sleep 1000"))
    assert eventually(lambda: "sleep" in [process.command for process in runsc.top(container)])


def stream_option(option: str, path: Path) -> CreateOptions:
    changes: dict[str, Any] = {option: str(path)}
    return CreateOptions(**changes)


@pytest.mark.parametrize("option", ["stdin", "stdout", "stderr"])
def test_a_stream_that_can_not_be_opened_is_named(
    runsc: Runsc, bundle: MakeBundle, tmp_path: Path, option: str
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path in (tmp_path / "missing" / "file", fifo, tmp_path):
        with pytest.raises(UsageError, match=f"^{option}: "):
            runsc.create(new_id(), bundle(), stream_option(option, path))


def test_pid_file_and_user_log(runsc: Runsc, bundle: MakeBundle, tmp_path: Path) -> None:
    container, pid_file, user_log = new_id(), tmp_path / "pid", tmp_path / "user.log"
    runsc.create(container, bundle(), CreateOptions(pid_file=str(pid_file), user_log=str(user_log)))
    assert int(pid_file.read_text()) == runsc.state(container).pid
    assert user_log.exists()


def test_log_is_used_for_errors_and_kept(client: MakeClient, runsc: Runsc, bundle: MakeBundle, tmp_path: Path) -> None:
    log = tmp_path / "runsc.log"
    logged = client(log=str(log))
    for _attempt in range(2):
        with pytest.raises(Exception, match="nonexistent"):
            logged.run_detached(new_id(), bundle("/nonexistent"))
    assert log.read_text().count('"level":"error"') == 2


# The driver, in a process of its own: ROOT CONTAINER BUNDLE RUNSC PLATFORM.
CREATOR = """
import sys, time
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
root, container, bundle, path, platform = sys.argv[1:]
runsc = Runsc(path, root=root, config={"platform": platform, "network": "none"}, cache_folder=None)
runsc.run_detached(container, bundle)
print("ready", flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize("ending", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_container_outlives_the_session_of_its_creator(
    runsc: Runsc, runsc_version: RunscVersion, bundle: MakeBundle, ending: signal.Signals
) -> None:
    """The gofer of releases before 2023-03 stays in the session of its creator, and takes the container with it."""
    container = new_id()
    argv = [sys.executable, "-c", CREATOR, runsc.root, container, bundle(), runsc.path, runsc_version.platform]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as creator:
        assert creator.stdout and creator.stdout.readline() == b"ready\n"
        record = runsc.record(container)
        os.killpg(creator.pid, ending)
    assert not procfs.wait_dead(record.gofer_pid, 0.5)
    assert text_of(runsc, container, "/bin/echo", "alive") == "alive\n"


def test_setpgid_stays_in_the_session(client: MakeClient, runsc: Runsc, bundle: MakeBundle, tmp_path: Path) -> None:
    container, pid_file = new_id(), tmp_path / "pid"
    client(setpgid=True, pdeath_signal=signal.SIGTERM).run_detached(
        container, bundle(), CreateOptions(pid_file=str(pid_file))
    )
    assert runsc.state(container).pid == int(pid_file.read_text())


def test_wait_of_a_created_one_is_refused(runsc: Runsc, bundle: MakeBundle) -> None:
    """runsc would wait for ever, and not learn the exit code even when the container runs and ends."""
    container = new_id()
    runsc.create(container, bundle())
    with pytest.raises(StateError, match="not been started"):
        runsc.wait(container)


@pytest.mark.parametrize("method", ["create", "run_detached", "run"])
def test_a_bad_flag_value_is_named_though_nobody_reads_standard_error(
    client: MakeClient, runsc: Runsc, bundle: MakeBundle, method: str
) -> None:
    with pytest.raises(UsageError, match="config: 'network' can't be 'bogus'"):
        getattr(client(config={"network": "bogus"}), method)(new_id(), bundle())
