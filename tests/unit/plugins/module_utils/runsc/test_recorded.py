# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading what runsc says. The texts in fixtures/ were recorded from the two versions."""

from __future__ import annotations

import json
import pathlib
import shutil
import typing as t

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import errors, statedir
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import (
    AlreadyExistsError,
    AmbiguousIdError,
    NoProcessError,
    NotFoundError,
    RunscError,
    SandboxGoneError,
    StateError,
    UnsupportedError,
    UsageError,
)
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.features import Features, parse_flags
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.invoke import ErrorLog, essence
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.models import (
    Container,
    Event,
    MemoryUsage,
    Version,
    load_json,
    parse_process_table,
)

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
OLD, NEW = "runsc-20221219", "runsc-20240729"


@pytest.fixture(params=[OLD, NEW])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def said(version: str, name: str) -> str:
    return (FIXTURES / version / name).read_text(encoding="utf-8")


def test_state(version: str) -> None:
    running = Container.from_json(json.loads(said(version, "state-running.json")))
    assert running.status == "running" and running.pid > 0 and running.bundle.startswith("/")
    stopped = Container.from_json(json.loads(said(version, "state-stopped.json")))
    assert (stopped.id, stopped.status, stopped.pid) == (running.id, "stopped", -1)


def test_a_state_with_nothing_in_it() -> None:
    assert Container.from_json({"annotations": None, "pid": None}) == Container("", "", -1, "", {}, "")


def test_an_empty_list_is_null(version: str) -> None:
    assert load_json(said(version, "list-empty.json"), "runsc list") is None


def test_what_is_no_json_is_an_error_that_shows_it() -> None:
    with pytest.raises(RunscError, match="'Hello'"):
        load_json("Hello", "runsc list")


def test_version(version: str) -> None:
    assert Version.from_text(said(version, "version.txt")) == Version(f"0.0~{version[6:]}.0", "1.0.2-dev")
    assert Version.from_text("runsc version release-20260817.0\nspec: 1.2.0\n").runsc == "release-20260817.0"
    with pytest.raises(RunscError, match="Is runsc_path really runsc"):
        Version.from_text("Python 3.8\n")


def test_stats(version: str) -> None:
    event = Event.from_line(said(version, "event.json"))
    assert event.type == "stats" and event.stats is not None
    assert event.stats.cpu_ns > 0 and event.stats.memory_usage > 0 and event.stats.pids == 2
    assert event.stats.memory_failcnt == 0
    assert [interface.name for interface in event.stats.interfaces] == ([] if version == OLD else ["lo"])


@pytest.mark.parametrize("line", ["", "x", "[]", "5", "{}", '{"type": "stats", "data": '])
def test_what_is_no_event_becomes_an_error_event(line: str) -> None:
    event = Event.from_line(line)
    assert (event.type, event.stats) == ("error", None) and repr(line.strip()) in event.error


def test_stats_with_all_zeros_left_out() -> None:
    stats = Event.from_line(
        '{"type":"stats","id":"a","data":{"cpu":{"usage":{}},"pids":{},"network_interfaces":null}}'
    ).stats
    assert stats is not None and (stats.cpu_ns, stats.pids, stats.interfaces) == (0, 0, [])


def test_processes(version: str) -> None:
    processes = parse_process_table(said(version, "ps.txt"))
    assert [process.pid for process in processes] == sorted(json.loads(said(version, "ps.json")))
    assert processes[0].ppid == 0 and processes[0].uid == 0 and processes[0].command


def test_a_process_table_with_more_columns_and_blanks_in_the_command() -> None:
    table = "UID  PID  PPID  PGID  C  TTY  STIME  TIME  CMD\n1000  7  1  7  3  ?  22:17  10ms  my command\n"
    (process,) = parse_process_table(table)
    assert (process.pgid, process.cpu, process.command) == (7, 3, "my command")


def test_usage(version: str) -> None:
    usage = MemoryUsage.from_json(json.loads(said(version, "usage.json")))
    assert usage.total == sum(usage.by_kind.values()) > 0 and "Total" not in usage.by_kind


class Binary:
    """Answers the questions about a binary with what the real one said, and counts them."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.asked: list[list[str]] = []

    def __call__(self, arguments: t.Sequence[str]) -> str:
        self.asked.append(list(arguments))
        name = {"--version": "version"}.get(arguments[0], "-".join(arguments))
        return said(self.version, f"{name}.txt")


def features(version: str, folder: pathlib.Path) -> tuple[Features, Binary]:
    path = folder / "runsc"
    if not path.exists():
        path.write_text(version, encoding="utf-8")
    binary = Binary(version)
    return Features(str(path), binary, str(folder / "cache")), binary


def test_abilities(version: str, tmp_path: pathlib.Path) -> None:
    found, _binary = features(version, tmp_path)
    assert found.platforms == (["kvm", "ptrace"] if version == OLD else ["kvm", "ptrace", "systrap"])
    assert found.flags["network"] == "sandbox" and found.flags["fdlimit"] == "-1"
    assert ("directfs" in found.flags) == (version == NEW)
    assert {"create", "state", "checkpoint"} <= set(found.subcommands)
    assert ("port-forward" in found.subcommands) == (version == NEW)
    assert ("compression" in found.subcommand_flags("checkpoint")) == (version == NEW)
    assert found.subcommand_flags("update") == []


def test_the_binary_is_asked_once_as_long_as_it_is_the_same(tmp_path: pathlib.Path) -> None:
    first, asked_first = features(OLD, tmp_path)
    assert first.platforms and first.platforms and len(asked_first.asked) == 1
    second, asked_second = features(OLD, tmp_path)
    assert second.platforms == first.platforms and asked_second.asked == []
    (tmp_path / "runsc").write_text("another build", encoding="utf-8")
    third, asked_third = features(NEW, tmp_path)
    assert "systrap" in third.platforms and len(asked_third.asked) == 1


def test_a_cache_that_makes_no_sense_is_not_believed(tmp_path: pathlib.Path) -> None:
    first, _asked = features(OLD, tmp_path)
    assert first.platforms
    (file,) = (tmp_path / "cache").iterdir()
    file.write_text("[]", encoding="utf-8")
    assert features(OLD, tmp_path)[0].platforms == first.platforms
    file.write_text("{", encoding="utf-8")
    assert features(OLD, tmp_path)[0].platforms == first.platforms


def test_what_is_missing_is_named_with_what_is_like_it(version: str, tmp_path: pathlib.Path) -> None:
    found, _binary = features(version, tmp_path)
    found.require_flags(["network", "platform"])
    with pytest.raises(UnsupportedError, match=r"config: .*'networck' \(did you mean 'network'\?\)"):
        found.require_flags(["networck"])
    with pytest.raises(UnsupportedError, match="no subcommand 'update'"):
        found.require_subcommand("update")
    with pytest.raises(UnsupportedError, match="no flag 'fast'"):
        found.require_subcommand_flag("restore", "fast")
    with pytest.raises(UsageError, match=r"platform: .*'xen'"):
        found.require_platform("xen")


def test_flags_with_and_without_defaults() -> None:
    text = '  -a\n    \tswitch (default true)\n  -b string\n    \ttext (default "x y")\n  -c int\n    \tnumber\n'
    assert parse_flags(text) == {"a": "true", "b": "x y", "c": ""}


def test_records(version: str, tmp_path: pathlib.Path) -> None:
    data = json.loads(said(version, "record-running.json"))
    name = f"{data['id']}_sandbox:{data['id']}.state"
    shutil.copy(str(FIXTURES / version / "record-running.json"), str(tmp_path / name))
    (tmp_path / "other_sandbox:pod.state").write_text("{}", encoding="utf-8")
    (tmp_path / "bad_sandbox:bad.state").write_text("", encoding="utf-8")
    (tmp_path / "bad_sandbox:bad.lock").touch()
    records = {record.id: record for record in statedir.read_all(str(tmp_path))}
    good = records.pop(data["id"])
    assert (good.status, good.pid, good.problem) == ("running", data["sandbox"]["pid"], "")
    assert good.cgroup == f"/{good.id}" and good.is_sandbox_root and good.spec["process"]["args"]
    assert {record.id: bool(record.problem) for record in records.values()} == {"other": True, "bad": True}
    assert records["other"].sandbox == "pod" and not records["other"].is_sandbox_root


def test_no_folder_no_records(tmp_path: pathlib.Path) -> None:
    assert statedir.names(str(tmp_path / "nowhere")) == {}
    (tmp_path / "file").touch()
    assert statedir.names(str(tmp_path / "file")) == {}


# What the two versions say, from the state matrix.
MESSAGES: list[tuple[str, type[RunscError], str]] = [
    ("signaling container: sending signal to container: no such process", NoProcessError, "sandbox_gone"),
    ("loading container: file does not exist", NotFoundError, "sandbox_gone"),
    ('loading container "nope": file does not exist', NotFoundError, "sandbox_gone"),
    ("loading sandbox: file does not exist", NotFoundError, "sandbox_gone"),
    (
        'loading container: id "app" is ambiguous and could refer to multiple containers',
        AmbiguousIdError,
        "unsupported",
    ),
    (
        "creating container: cannot lock container metadata file: container already exists",
        AlreadyExistsError,
        "runtime",
    ),
    ('starting container: cannot start container "a" in state running', StateError, "runtime"),
    ('pause failed: cannot pause container "a" in state paused', StateError, "runtime"),
    ("cannot delete container that is not stopped without --force flag", StateError, "runtime"),
    ("flag provided but not defined: -nope", UnsupportedError, "unsupported"),
    ('invalid value "x" for flag -network: invalid network type "x"', UsageError, "usage"),
    ("unknown platform: bogus", UnsupportedError, "unsupported"),
    ('reading spec: error opening spec file "/x/config.json": no such file or directory', UsageError, "usage"),
    (
        'waiting on container "a": sandbox no longer running and its exit status is unavailable',
        SandboxGoneError,
        "sandbox_gone",
    ),
    ("failed to load /nonexistent: no such file or directory", RunscError, "runtime"),
]


@pytest.mark.parametrize(("message", "error", "kind"), MESSAGES)
def test_messages_become_errors(message: str, error: type[RunscError], kind: str) -> None:
    found, remedy = errors.classify(message)
    assert (found, found.kind) == (error, kind) and remedy


def test_every_kind_is_one_of_the_documented() -> None:
    classes = [RunscError]
    for parent in classes:
        classes += parent.__subclasses__()
    assert {error.kind for error in classes} == set(errors.KINDS) - {"command"}


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        ("flag provided but not defined: -x\nUsage: runsc <flags>\nmore\n", "flag provided but not defined: -x"),
        (
            "W1123 22:17:44.1 1 util.go:64] FATAL ERROR: unknown platform: x\nunknown platform: x\n",
            "unknown platform: x",
        ),
        ("same\nsame\nother\n", "same\nother"),
        ("log\npanic: invalid state transition\n\ngoroutine 1\n", "panic: invalid state transition"),
        ("", ""),
    ],
)
def test_the_essence_of_standard_error(stderr: str, expected: str) -> None:
    assert essence(stderr) == expected


def test_the_log_is_read_from_where_it_was(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "log"
    path.write_text('{"msg":"before","level":"error"}', encoding="utf-8")
    log = ErrorLog(str(path))
    assert log.message() == ""
    with path.open("a", encoding="utf-8") as file:
        file.write('{"msg":"note","level":"info"}{"msg":"one","level":"error"}\n{"msg":"two","level":"error"}{"msg":')
    assert log.message() == "two"
    assert ErrorLog(str(tmp_path / "none")).message() == ""
