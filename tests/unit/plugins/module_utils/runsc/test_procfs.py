# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which process is whose, told from a /proc that the test writes. The command lines were recorded from both versions."""

from __future__ import annotations

import os
import pathlib
import time
import typing as t

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import procfs, rescue
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.statedir import Record

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
VERSIONS = ("runsc-20221219", "runsc-20240729")
ROOT = "/run/fixture-root"  # that of the recorded command lines, whose container is "web-1"
BOOT = 1_700_000_000  # seconds since the epoch
TICKS = os.sysconf("SC_CLK_TCK")


class Proc:
    """A /proc of its own."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        (folder / "stat").write_text(f"cpu 1 2 3\nbtime {BOOT}\n", encoding="ascii")
        (folder / "self").mkdir()

    def add(
        self, pid: int, argv: t.Sequence[str], state: str = "S", after: float = 0.0, arguments_end: int = 0
    ) -> pathlib.Path:
        """Add a process that started so many seconds after the boot. Return its folder."""
        folder = self._folder / str(pid)
        folder.mkdir()
        folder.joinpath("cmdline").write_bytes(b"".join(os.fsencode(part) + b"\0" for part in argv))
        fields = ["0"] * 46
        fields[18], fields[45] = str(int(after * TICKS)), str(arguments_end)
        folder.joinpath("stat").write_text(f"{pid} (odd) name) {state} {' '.join(fields)}\n", encoding="ascii")
        return folder


@pytest.fixture
def proc(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Proc:
    folder = tmp_path / "proc"
    folder.mkdir()
    monkeypatch.setattr(procfs, "_PROC", str(folder))
    return Proc(folder)


def recorded(version: str, name: str) -> list[str]:
    return (FIXTURES / version / f"cmdline-{name}.txt").read_text(encoding="utf-8").splitlines()


def timestamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.123456789Z", time.gmtime(seconds))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_sentry_is_proven_by_name_id_root_and_start(proc: Proc, version: str) -> None:
    proc.add(7, recorded(version, "sandbox"), after=100)
    created = timestamp(BOOT + 101)
    assert procfs.is_sentry(7, "web-1", ROOT, created)
    assert procfs.is_sentry(7, "web-1", ROOT)
    assert not procfs.is_sentry(7, "web", ROOT, created)
    assert not procfs.is_sentry(7, "boot", ROOT, created)  # a word on its command line, but not its id
    assert not procfs.is_sentry(7, "web-1", "/run/other", created)
    assert not procfs.is_sentry(7, "web-1", ROOT, timestamp(BOOT + 50))  # the record is older than the process
    assert not procfs.is_sentry(8, "web-1", ROOT, created)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_gofer_is_proven_by_name_root_and_start(proc: Proc, version: str) -> None:
    proc.add(7, recorded(version, "gofer"), after=100)
    proc.add(8, recorded(version, "sandbox"), after=100)
    assert procfs.is_gofer(7, ROOT, BOOT + 101)
    assert not procfs.is_gofer(7, "/run/other", BOOT + 101)
    assert not procfs.is_gofer(7, ROOT, BOOT + 50)
    assert not procfs.is_gofer(8, ROOT, BOOT + 101)


def test_a_sentry_without_a_root_has_the_default_one(proc: Proc) -> None:
    proc.add(7, ["runsc-sandbox", "--network=none", "boot", "--bundle=/b", "web-1"])
    assert procfs.is_sentry(7, "web-1", "/var/run/runsc")
    assert not procfs.is_sentry(7, "web-1", ROOT)


def test_a_root_may_be_reached_by_a_link(proc: Proc, tmp_path: pathlib.Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    proc.add(7, ["runsc-sandbox", f"--root={tmp_path}/link", "boot", "web-1"])
    assert procfs.is_sentry(7, "web-1", str(tmp_path / "real"))


def test_finding_sentries_that_no_record_names(proc: Proc) -> None:
    for pid, root, name in ((7, ROOT, "web-1"), (8, ROOT, "web-2"), (9, "/run/other", "web-1")):
        proc.add(pid, ["runsc-sandbox", f"--root={root}", "boot", name])
    proc.add(10, ["sh", "-c", "runsc-sandbox", "web-1"])
    assert procfs.find_sentries("web-1", ROOT) == [7]
    assert sorted(procfs.find_sentries("web-1")) == [7, 9]
    assert procfs.find_sentries("web", ROOT) == []


def test_finding_who_is_creating_a_container(proc: Proc) -> None:
    flag = f"--root={ROOT}"
    proc.add(7, ["/usr/bin/runsc", flag, "--network=none", "create", "--bundle=/b", "web-1"])
    proc.add(8, ["/usr/bin/runsc", flag, "start", "web-1"])
    proc.add(9, ["/usr/bin/runsc", "--root=/run/other", "create", "--bundle=/b", "web-1"])
    proc.add(10, ["/usr/bin/runsc", flag, "run", "--bundle=/b", "web-10"])
    proc.add(11, ["vi", "web-1"])
    proc.add(12, ["/bin/sh", "/opt/runsc", flag, "restore", "web-1"])
    proc.add(13, ["/usr/bin/python3", "-I", "-S", "/proc/self/fd/6", flag, "create", "web-1"])  # a launcher of ours
    proc.add(14, ["/usr/bin/python3", "-I", "-S", "/proc/self/fd/6", flag, "waiter", "web-1"])
    proc.add(15, ["/usr/bin/runsc", flag, "exec", "web-2", "runsc", flag, "create", "web-1"])
    assert sorted(procfs.find_creators("web-1", ROOT)) == [7, 12, 13]
    assert procfs.find_creators("web-10", ROOT) == [10]


@pytest.mark.parametrize(
    ("state", "dead"), [("S", False), ("R", False), ("D", False), ("T", False), ("Z", True), ("X", True)]
)
def test_a_zombie_is_dead(proc: Proc, state: str, dead: bool) -> None:
    proc.add(7, [], state)
    assert procfs.is_dead(7) is dead
    assert procfs.is_suspended(7) is (state == "T")
    assert procfs.is_dead(8)


@pytest.mark.parametrize("pid", [0, -1])
def test_what_is_no_pid_is_dead(proc: Proc, pid: int) -> None:
    assert procfs.stat(pid) is None
    assert procfs.is_dead(pid)


def test_a_name_with_blanks_and_brackets_does_not_confuse(proc: Proc) -> None:
    proc.add(7, ["x"], after=5)
    assert procfs.stat(7) == procfs.ProcessStat("S", 5 * TICKS, 0)


@pytest.mark.parametrize(
    ("has_program", "arguments_end", "looks"),
    [(True, 0, 1), (True, 4096, 0), (False, 0, 0)],
    ids=["just beginning", "a process of a sandbox", "of the kernel"],
)
def test_only_a_process_that_is_just_beginning_is_given_time(
    proc: Proc, monkeypatch: pytest.MonkeyPatch, has_program: bool, arguments_end: int, looks: int
) -> None:
    folder = proc.add(7, [], arguments_end=arguments_end)
    if has_program:
        (folder / "exe").touch()
    slept: list[float] = []

    def begin(seconds: float) -> None:
        slept.append(seconds)
        folder.joinpath("cmdline").write_bytes(b"runsc\0list\0")
        folder.joinpath("stat").write_text(folder.joinpath("stat").read_text("ascii")[:-2] + "9\n", "ascii")

    monkeypatch.setattr(time, "sleep", begin)
    assert procfs.arguments(7) == (["runsc", "list"] if looks else [])
    assert len(slept) == looks


def test_who_only_has_the_number_of_a_dead_one_is_another(proc: Proc) -> None:
    proc.add(7, ["sleep", "1000"])
    proc.add(8, [], "Z")
    assert procfs.is_other(7, lambda: False)
    assert not procfs.is_other(7, lambda: True)
    assert not procfs.is_other(8, lambda: False)
    assert not procfs.is_other(9, lambda: False)


def test_a_process_that_is_just_ending_is_nobody_elses(proc: Proc, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no command line any more, and is no zombie yet."""
    proc.add(7, [], "S")
    waited: list[int] = []

    def wait_dead(pid: int, timeout: float) -> bool:
        waited.append(pid)
        return True

    monkeypatch.setattr(procfs, "wait_dead", wait_dead)
    assert not procfs.is_other(7, lambda: False)
    assert waited == [7]


def test_records_that_name_other_processes(proc: Proc) -> None:
    proc.add(7, ["runsc-sandbox", f"--root={ROOT}", "boot", "web-1"])
    proc.add(8, ["runsc-gofer", f"--root={ROOT}", "gofer"])
    proc.add(9, ["sleep"])
    ours = Record("web-1", "web-1", "/x", pid=7, gofer_pid=8, created=timestamp(BOOT + 9), written=BOOT + 9)
    assert not rescue.names_foreign_sentry(ours, ROOT)
    assert not rescue.names_foreign_gofer(ours, ROOT)
    assert rescue.names_foreign_sentry(ours._replace(pid=9), ROOT)
    assert rescue.names_foreign_gofer(ours._replace(gofer_pid=9), ROOT)
    assert not rescue.names_foreign_gofer(ours._replace(gofer_pid=-1), ROOT)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:10Z", 10),
        ("1970-01-01T00:00:10.5Z", 10),
        ("1970-01-01T01:00:10.123456789+01:00", 10),
        ("1970-01-01T00:00:10", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_of_runsc(text: str, seconds: float | None) -> None:
    assert procfs.parse_time(text) == seconds


def test_polling_asks_until_the_answer_is_yes() -> None:
    answers = iter([False, False, True])
    assert procfs.poll(lambda: next(answers), 30)
    assert not procfs.poll(lambda: False, 0.01)
    assert procfs.poll(lambda: True, 0)
