# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running processes, shown with ordinary programs; ids, flags and signals."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import exit_status, flags, ids, procfs, signals
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import (
    AmbiguousIdError,
    BinaryError,
    UsageError,
)
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.monitor import Recorder
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.process import (
    Completed,
    Stdio,
    kill_group,
    run,
    spawn,
)

PATIENCE = 30.0

# Starts a child that outlives it, and notes its pid.
SLEEPER = "import subprocess, time; p = subprocess.Popen(['sleep', '300']); open({!r}, 'w').write(str(p.pid))"


def python(script: str, **options: t.Any) -> Completed:
    return run([sys.executable, "-c", script], **{"timeout": PATIENCE, **options})


def test_streams_and_exit_code() -> None:
    done = python("import sys; sys.stdout.write('out'); sys.stderr.write('err'); sys.exit(7)")
    assert (done.rc, done.stdout.text, done.stderr.text, done.timed_out) == (7, "out", "err", False)


def test_standard_input_is_empty_unless_given() -> None:
    script = "import sys; sys.stdout.write(str(len(sys.stdin.buffer.read())))"
    assert python(script).stdout.text == "0"
    assert python(script, stdio=Stdio(input=b"")).stdout.text == "0"
    assert python(script, stdio=Stdio(input=b"x" * 3_000_000)).stdout.text == "3000000"


def test_a_program_that_does_not_read_its_input() -> None:
    assert python("pass", stdio=Stdio(input=b"x" * 3_000_000)).rc == 0


def test_output_beyond_the_limit_is_counted_and_dropped() -> None:
    done = python("import sys; sys.stdout.write('x' * 5000000)", limit=1000)
    assert (done.stdout.data, done.stdout.total, done.stdout.truncated) == (b"x" * 1000, 5_000_000, True)
    assert not done.stderr.truncated


def test_bytes_that_are_no_text_survive() -> None:
    done = python("import os; os.write(1, bytes(range(256)))")
    assert done.stdout.data == bytes(range(256)) and len(done.stdout.text) > 0


def test_a_deadline_ends_the_process_and_its_children(tmp_path: pathlib.Path) -> None:
    note = tmp_path / "pid"
    script = SLEEPER.format(str(note)) + "; time.sleep(300)"
    called: list[bool] = []
    done = python(script, timeout=1.0, on_deadline=lambda: called.append(True))
    assert done.timed_out and done.rc == -signal.SIGKILL and called == [True]
    assert procfs.wait_dead(int(note.read_text()), PATIENCE)


def test_a_grandchild_that_holds_the_pipe_open_delays_nothing(tmp_path: pathlib.Path) -> None:
    note = tmp_path / "pid"
    script = SLEEPER.format(str(note)) + "; print('done')"
    done = python(script)
    child = int(note.read_text())
    try:
        assert done.stdout.text == "done\n" and not procfs.is_dead(child)
    finally:
        procfs.kill(child)


def test_every_process_is_seen() -> None:
    recorder = Recorder()
    run(["true"], timeout=PATIENCE, monitor=recorder)
    run(["false"], timeout=PATIENCE, monitor=recorder)
    assert [(list(call.argv), call.rc) for call in recorder.calls] == [(["true"], 0), (["false"], 1)]
    assert recorder.calls[0].as_dict()["cmd"] == ["true"]


def test_a_program_that_does_not_exist() -> None:
    with pytest.raises(BinaryError, match="'/nowhere/runsc' can't be run: No such file"):
        run(["/nowhere/runsc"], timeout=PATIENCE)


def test_what_changes_runsc_is_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/x")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/x")
    monkeypatch.setenv("KEPT", "/x")
    names = python("import os; print(' '.join(os.environ))").stdout.text.split()
    assert "KEPT" in names and not {"NOTIFY_SOCKET", "XDG_RUNTIME_DIR"} & set(names)


# Its child prepares to end with it when it has ended already, and says so if it goes on.
LATE = """
import os, signal, time
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import process
prepare = process._preparation(False, signal.SIGKILL)
parent = os.getpid()
if os.fork() == 0:
    while {waits} and os.getppid() == parent:
        time.sleep(0.001)
    prepare()
    os.write(1, b"it goes on")
    os._exit(0)
if not {waits}:
    os.wait()
"""


@pytest.mark.parametrize(("waits", "says"), [(True, b""), (False, b"it goes on")])
def test_a_child_whose_parent_ended_too_soon_to_tell_it_ends_too(waits: bool, says: bytes) -> None:
    script = LATE.format(waits=waits)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, check=True, env=environment, timeout=PATIENCE
    )
    assert done.stdout == says


def test_a_process_has_its_command_line_from_its_first_moment() -> None:
    """Every second one has none yet when its parent goes on."""
    command = ["sleep", "300"]
    for _attempt in range(100):
        with subprocess.Popen(command) as process:
            found = procfs.arguments(process.pid)
            process.kill()
        assert found == command
        assert procfs.arguments(process.pid) == []


def test_a_launcher_is_seen_to_create_from_its_first_moment(tmp_path: pathlib.Path) -> None:
    """And what stays behind of it is not."""
    root = str(tmp_path / "root")
    command = [sys.executable, "-c", "import time; time.sleep(300)"]
    with exit_status.keeper(command, root, "create") as launcher:  # an id that is easily mistaken
        process = spawn(launcher.argv, Stdio(), descriptors=launcher.descriptors)
    with process:
        try:
            assert process.pid in procfs.find_creators("create", root)
            assert procfs.poll(lambda: _waiters(root) != [], PATIENCE)
            assert procfs.find_creators("create", root) == [process.pid]
        finally:
            kill_group(process)
    assert procfs.poll(lambda: _waiters(root) == [], PATIENCE)


def _waiters(root: str) -> list[int]:
    return procfs.find_clients("create", root, {"waiter"})


def test_it_runs_in_a_session_of_its_own() -> None:
    assert python("import os; print(os.getsid(0) == os.getpid())").stdout.text == "True\n"
    own_group = python("import os; print(os.getsid(0), os.getpgid(0) == os.getpid())", own_group_only=True)
    assert own_group.stdout.text == f"{os.getsid(0)} True\n"


@given(st.text(alphabet="abcXYZ019_+.-", min_size=1, max_size=ids.MAX_LENGTH))
@settings(deadline=None)
def test_ids_that_runsc_takes(container: str) -> None:
    if container.startswith("-") or container in (".", ".."):
        with pytest.raises(UsageError):
            ids.check(container)
    else:
        ids.check(container)


@pytest.mark.parametrize("container", ["", "a b", "a*", "w?b", "[a]", "a/b", "é", "a\n", "x" * 86])
def test_ids_that_it_would_not_take_or_take_for_others(container: str) -> None:
    with pytest.raises(UsageError, match="name: "):
        ids.check(container)


def test_ids_in_each_others_way() -> None:
    ids.check_addressable("web-1", ["web", "web-1", "other"])
    with pytest.raises(AmbiguousIdError, match="'web-1' starts with it"):
        ids.check_addressable("web", ["web", "web-1"])
    with pytest.raises(AmbiguousIdError, match="would make 'web' unaddressable"):
        ids.check_new("web-1", ["web"])
    ids.check_new("web-1", ["web-2", "we b"])


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True), st.text(max_size=20)))
@settings(deadline=None)
def test_flags_there_and_back(config: dict[str, str]) -> None:
    assert flags.parse(flags.arguments(flags.normalise(config))) == config


def test_flags_in_runscs_spelling() -> None:
    given_flags: dict[str, t.Any] = {"--directfs": False, "debug": True, "fdlimit": 7}
    assert flags.arguments(flags.normalise(given_flags)) == ["--debug=true", "--directfs=false", "--fdlimit=7"]
    for wrong in ({"a b": "x"}, {"": "x"}, {"a": ["x"]}, {"a": None}):
        with pytest.raises(UsageError, match="config: "):
            flags.normalise(t.cast("t.Any", wrong))


@pytest.mark.parametrize(("given_signal", "number"), [("TERM", 15), ("SIGKILL", 9), ("usr1", 10), ("15", 15), (1, 1)])
def test_signals(given_signal: str | int, number: int) -> None:
    assert signals.number(given_signal) == number


@pytest.mark.parametrize("given_signal", ["0", 0, "64", 99, "BOGUS", "", "RTMIN", "-9"])
def test_signals_that_runsc_cannot_send(given_signal: str | int) -> None:
    with pytest.raises(UsageError, match="signal: "):
        signals.number(given_signal)
