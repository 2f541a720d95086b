# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files: those under the root, the control groups, runsc's log, and private ones."""

from __future__ import annotations

import json
import os
import pathlib
import stat
import tempfile
import threading
import typing as t

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import cgroups, statedir
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import UsageError
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.features import Features
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.invoke import ErrorLog, essence, private_folder
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.options import CheckpointOptions, CreateOptions
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.process import open_input, open_log


def touch(folder: pathlib.Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


def left(folder: pathlib.Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_only_the_files_of_exactly_this_container_are_removed(tmp_path: pathlib.Path) -> None:
    others = ["web-10_sandbox:web-10.state", "runsc-web-10.sock", "x_sandbox:web-1.state", "web-1_sandbox:web-1.txt"]
    touch(tmp_path, *others, "web-1_sandbox:web-1.state", "web-1_sandbox:web-1.lock", "runsc-web-1.sock")
    statedir.remove(str(tmp_path), "web-1")
    assert left(tmp_path) == sorted(others)
    statedir.remove(str(tmp_path / "nowhere"), "web-1")


def test_a_recorded_socket_is_removed_only_if_it_is_called_like_one(tmp_path: pathlib.Path) -> None:
    touch(tmp_path, "runsc-web-1.sock", "precious")
    statedir.remove_socket("/nonexistent", "web-1", str(tmp_path / "precious"))
    assert left(tmp_path) == ["precious", "runsc-web-1.sock"]
    statedir.remove_socket("/nonexistent", "web-1", str(tmp_path / "runsc-web-1.sock"))
    assert left(tmp_path) == ["precious"]


def test_an_overlay_file_is_removed_and_nothing_else(tmp_path: pathlib.Path) -> None:
    touch(tmp_path, ".gvisor.filestore.web-1", ".gvisor.filestore.web-2")
    statedir.remove_filestore(str(tmp_path), "web-1")
    assert left(tmp_path) == [".gvisor.filestore.web-2"]
    (tmp_path / "target").touch()
    (tmp_path / ".gvisor.filestore.web-3").symlink_to(tmp_path / "target")
    statedir.remove_filestore(str(tmp_path), "web-3")
    assert "target" in left(tmp_path) and ".gvisor.filestore.web-3" in left(tmp_path)


def test_a_record_says_when_it_was_written(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a_sandbox:a.state"
    path.write_text(json.dumps({"id": "a", "sandbox": {"controlSocketPath": "/run/x.sock"}}), encoding="utf-8")
    os.utime(str(path), (1000, 2000))
    record = statedir.read(str(path))
    assert record is not None and (record.written, record.socket, record.pid) == (2000.0, "/run/x.sock", -1)
    path.unlink()
    assert statedir.read(str(path)) is None


def test_a_record_that_is_just_being_written_is_read_when_it_is_whole(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a_sandbox:a.state"
    path.write_text('{"id": "a", ', encoding="utf-8")
    writer = threading.Timer(0.05, path.write_text, ('{"id": "a", "status": "running"}',))
    writer.start()
    record = statedir.read(str(path))
    writer.join()
    assert record is not None and (record.status, record.problem) == ("running", "")


def test_an_old_record_that_makes_no_sense_is_not_waited_for(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a_sandbox:a.state"
    path.write_text("{", encoding="utf-8")
    os.utime(str(path), (1000, 2000))
    monkeypatch.setattr("time.sleep", pytest.fail)
    record = statedir.read(str(path))
    assert record is not None and "can't be read" in record.problem


MOUNTS = """\
31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw
32 31 0:29 / {0}/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / {0}/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / {0}/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / {0}/unified rw,relatime - cgroup2 cgroup2 rw
"""


@pytest.fixture
def groups(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """Control group hierarchies of the test's own, as folders."""
    (tmp_path / "mountinfo").write_text(MOUNTS.format(tmp_path), encoding="utf-8")
    for name in ("cpu", "memory", "systemd", "unified"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(cgroups, "_MOUNTS", str(tmp_path / "mountinfo"))
    return tmp_path


def test_where_control_groups_are(groups: pathlib.Path) -> None:
    found = cgroups.hierarchies()
    assert set(found) == {"cpu", "cpuacct", "memory", "name=systemd", "unified"}
    assert found["cpuacct"] == str(groups / "cpu")
    (groups / "memory" / "web-1").mkdir()
    assert cgroups.folders("/web-1") == {"memory": str(groups / "memory" / "web-1")}


@pytest.mark.parametrize("path", ["/", "", "..", "/../..", "."])
def test_the_root_of_a_hierarchy_belongs_to_nobody(groups: pathlib.Path, path: str) -> None:
    assert cgroups.folders(path) == {}
    cgroups.remove_empty(path)
    assert (groups / "memory").is_dir()


def test_groups_that_are_kept_or_in_use_stay(groups: pathlib.Path) -> None:
    for name in ("cpu", "memory", "systemd"):
        (groups / name / "web-1").mkdir()
    (groups / "memory" / "web-1" / "used").touch()  # stands for what makes the kernel refuse
    cgroups.remove_empty("web-1", frozenset([str(groups / "cpu" / "web-1")]))
    assert set(cgroups.folders("web-1")) == {"cpu", "cpuacct", "memory"}


def test_counters_of_version_1(groups: pathlib.Path) -> None:
    folder = groups / "memory" / "web-1"
    folder.mkdir()
    (folder / "memory.limit_in_bytes").write_text("1048576\n", encoding="ascii")
    (folder / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", encoding="ascii")
    assert cgroups.counters("/web-1") == {"memory_limit": 1048576, "oom_kills": 3}


def test_counters_of_version_2(groups: pathlib.Path) -> None:
    folder = groups / "unified" / "web-1"
    folder.mkdir()
    (folder / "memory.max").write_text("max\n", encoding="ascii")
    (folder / "memory.events").write_text("low 0\noom 1\noom_kill 1\n", encoding="ascii")
    (folder / "pids.current").write_text("4\n", encoding="ascii")
    assert cgroups.counters("/web-1") == {"memory_limit": -1, "oom_kills": 1, "pids_current": 4}


@pytest.mark.parametrize(
    ("memory", "swap", "together"), [("67108864", "33554432", 100663296), ("67108864", "max", -1), ("max", "0", -1)]
)
def test_limits_of_version_2(groups: pathlib.Path, memory: str, swap: str, together: int) -> None:
    folder = groups / "unified" / "web-1"
    folder.mkdir()
    files = {"memory.max": memory, "memory.swap.max": swap, "cpu.max": "150000 100000", "cpu.weight": "39"}
    for name, text in {**files, "cpuset.cpus": "0-1,4"}.items():
        (folder / name).write_text(f"{text}\n", encoding="ascii")
    found = cgroups.counters("/web-1")
    assert (found["cpu_quota_us"], found["cpu_period_us"], found["cpu_weight"]) == (150000, 100000, 39)
    assert found["memory_swap_limit"] == together
    assert cgroups.cpus("/web-1") == "0-1,4"
    (folder / "cpu.max").write_text("max 100000\n", encoding="ascii")
    assert cgroups.counters("/web-1")["cpu_quota_us"] == -1
    assert cgroups.cpus("/web-2") is None


def test_the_groups_of_a_process_that_bear_a_name(groups: pathlib.Path) -> None:
    assert cgroups.folders_of_process(os.getpid(), "nobody-is-called-so") == []
    assert cgroups.folders_of_process(2**22 + 1, "web-1") == []


def entry(message: str, level: str = "error") -> str:
    return json.dumps({"msg": message, "level": level, "time": "2026-01-01T00:00:00Z"})


def test_the_log_tells_the_last_error_since(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "log"
    path.write_text(entry("an old one"), encoding="utf-8")
    log = ErrorLog(str(path))
    assert log.message() == ""
    with path.open("a", encoding="utf-8") as file:
        file.write(entry("first") + entry("second") + "\n" + entry("no error", "info"))
    assert log.message() == "second"
    with path.open("a", encoding="utf-8") as file:
        file.write("no JSON")
    assert log.message() == "second"
    assert ErrorLog(str(tmp_path / "missing")).message() == ""


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        ("", ""),
        ("one\n\none\n two \n", "one\ntwo"),
        ("W1123 10:00:00.0 1 util.go:64] FATAL ERROR: bad\nbad\n", "bad"),
        ("noise\npanic: runtime error\n\ngoroutine 1 [running]:\nmain.go\n", "panic: runtime error"),
        ('invalid value "x" for flag -y\nUsage: runsc <flags>\n\tcreate\n', 'invalid value "x" for flag -y'),
        ("wrong\nexec [command options] <container-id> - runs\nmore\n", "wrong"),
    ],
)
def test_what_matters_of_standard_error(stderr: str, expected: str) -> None:
    assert essence(stderr) == expected


def test_a_private_folder_is_private_and_goes_away(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "runtime").mkdir()
    for variable, place in (
        (str(tmp_path / "runtime"), "runtime"),
        (str(tmp_path / "gone"), "temporary"),
        ("", "temporary"),
    ):
        monkeypatch.setenv("XDG_RUNTIME_DIR", variable)
        with private_folder() as folder:
            assert os.path.dirname(folder) == str(tmp_path / place)
            assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
            (pathlib.Path(folder) / "file").touch()
        assert not os.path.exists(folder)


def test_another_build_of_the_same_size_is_another_binary(tmp_path: pathlib.Path) -> None:
    binary = tmp_path / "runsc"
    asked: list[t.Sequence[str]] = []

    def ask(arguments: t.Sequence[str]) -> str:
        asked.append(arguments)
        return "ptrace"

    binary.touch()
    for moment in (1000, 1000, 2000):
        os.utime(str(binary), (moment, moment))
        assert Features(str(binary), ask, str(tmp_path / "cache")).platforms == ["ptrace"]
    assert len(asked) == 2
    assert Features(str(binary), ask, None).platforms == ["ptrace"]
    assert len(asked) == 3


def test_named_pipes_are_never_opened(tmp_path: pathlib.Path) -> None:
    """That would wait until somebody opens their other end."""
    path = str(tmp_path / "fifo")
    os.mkfifo(path)
    for opener in (open_log, open_input):
        with pytest.raises(UsageError, match=r"^stdout: "):
            opener(path, "stdout")
    os.close(open_log("/dev/null", "stdout"))


def test_options_know_their_arguments(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.chdir(str(tmp_path))
    assert CreateOptions().arguments() == []
    options = CreateOptions(pid_file="pid", console_socket="/run/s", user_log="", stdout="out")
    assert options.arguments() == [f"--pid-file={tmp_path}/pid", "--console-socket=/run/s"]
    checkpoint = CheckpointOptions(leave_running=True, compression="none")
    assert checkpoint.arguments() == ["--leave-running", "--compression=none"]
    assert checkpoint.flags() == ["leave-running", "compression"]


def test_global_arguments_are_the_same_for_every_call(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    runsc = Runsc(root="r", log="l", log_format="json", config={"--network": "none", "debug": True})
    expected = [f"--root={tmp_path}/r", f"--log={tmp_path}/l", "--debug=true", "--network=none", "--log-format=json"]
    assert runsc.global_arguments() == expected
    assert runsc.global_arguments(log="/x")[1] == "--log=/x"
    for reserved in ("root", "--log"):
        with pytest.raises(UsageError, match="has an option of its own"):
            Runsc(config={reserved: "/x"})
