# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Process document of exec, and streams of events."""

from __future__ import annotations

import json
import select
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import (
    KINDS,
    RunscError,
    UsageError,
    subcommand_of,
)
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.event_stream import EventStream
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.exec_command import complete_process, descendants
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.models import Event, ProcessInfo
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.statedir import Record

OWN = {"user": {"uid": 5, "gid": 6, "additionalGids": [7]}, "env": ["PATH=/bin"], "cwd": "/srv", "args": ["init"]}
RECORD = Record("web-1", "web-1", "/x", spec={"process": OWN})

# Whatever JSON can hold, in small.
ODD: list[t.Any] = [None, True, 0, -1.5, "", "x", [], ["a", "b"], [1], [None], [{}], {}, {"a": 1}, {"usage": []}]
odd = st.sampled_from(ODD)


def test_what_is_not_given_comes_from_the_container() -> None:
    expected = {"args": ["id"], "user": OWN["user"], "env": OWN["env"], "cwd": "/srv"}
    assert complete_process({"args": ["id"]}, RECORD) == expected
    assert complete_process({"args": ["id"], "cwd": "", "env": None, "user": None}, RECORD) == expected


def test_what_is_given_empty_stays_empty() -> None:
    assert complete_process({"args": ["id"], "env": []}, RECORD)["env"] == []


def test_what_is_given_stays_and_the_given_document_is_not_changed() -> None:
    given_process = {"args": ["a"], "user": {"uid": 1, "gid": 2}, "rlimits": [1]}
    document = complete_process(given_process, RECORD)
    assert (document["user"], document["rlimits"]) == ({"uid": 1, "gid": 2}, [1])
    assert given_process == {"args": ["a"], "user": {"uid": 1, "gid": 2}, "rlimits": [1]}


def test_a_record_that_tells_nothing_means_root() -> None:
    document = complete_process({"args": ["a"]}, Record("a", "a", "/x"))
    assert document == {"args": ["a"], "user": {"uid": 0, "gid": 0}, "env": [], "cwd": "/"}


@given(st.dictionaries(st.sampled_from(["args", "env", "cwd", "user", "capabilities", "terminal"]), odd))
@settings(deadline=None)
def test_any_document_is_completed_or_refused(process: dict[str, t.Any]) -> None:
    try:
        document = complete_process(process, RECORD)
    except UsageError as exc:
        assert exc.message.startswith("process.") and exc.remedy
    else:
        assert document["args"] == process["args"]
        json.dumps(document)


@pytest.mark.parametrize("data", ODD)
def test_what_is_no_event_becomes_an_error(data: t.Any) -> None:
    event = Event.from_line(json.dumps(data))
    assert (event.type, event.stats) == ("error", None) and event.error


@given(st.dictionaries(st.sampled_from(["cpu", "memory", "pids", "network_interfaces"]), odd))
@settings(deadline=None)
def test_any_statistics_become_an_event(body: dict[str, t.Any]) -> None:
    event = Event.from_line(json.dumps({"type": "stats", "id": "a", "data": body}))
    assert event.stats is not None or event.error


def process(pid: int, ppid: int) -> ProcessInfo:
    return ProcessInfo(0, pid, ppid, -1, 0, "?", "", "", "x")


def test_the_family_of_a_process() -> None:
    table = [process(1, 0), process(2, 1), process(3, 2), process(4, 3), process(5, 1), process(6, 2)]
    assert descendants(2, table) == [2, 3, 6, 4]
    assert descendants(9, table) == [9]
    assert descendants(7, [process(7, 7)]) == [7]


def events(script: str) -> list[Event]:
    """Return what a command says, that prints events."""
    found: list[Event] = []
    with EventStream(["sh", "-c", script], None, None) as stream:
        while stream.is_open:
            select.select([stream.descriptor], [], [], 10)
            found += stream.read()
    return found


def test_events_that_come_in_pieces() -> None:
    script = """printf '{"type":"sta'; sleep 0.1; printf 'ts","id":"a","data":{}}\\n{"type":"b","id":"c"}\\n{"type"'"""
    assert [(event.type, event.id) for event in events(script)] == [("stats", "a"), ("b", "c")]
    (error,) = events(r"printf '\377\n'")
    assert (error.type, "\N{REPLACEMENT CHARACTER}" in error.error) == ("error", True)


def test_a_stream_that_is_closed_ends_its_process() -> None:
    stream = EventStream(["sleep", "1000"], None, None)
    assert (stream.read(), stream.is_open) == ([], True)
    stream.close()
    assert stream.is_open is False


def test_errors_say_what_and_what_to_do() -> None:
    error = RunscError("it broke", remedy="Mend it", container="web-1")
    assert (str(error), error.message, error.container, error.completed) == (
        "it broke. Mend it",
        "it broke",
        "web-1",
        None,
    )
    assert str(RunscError("it broke")) == "it broke"


def every_error(error: type[RunscError] = RunscError) -> list[type[RunscError]]:
    return [error] + [deeper for child in error.__subclasses__() for deeper in every_error(child)]


@pytest.mark.parametrize("error", every_error())
def test_every_error_is_of_a_known_kind(error: type[RunscError]) -> None:
    assert error.kind in KINDS


def test_the_subcommand_of_a_call() -> None:
    assert subcommand_of(["/usr/bin/runsc", "--root=/x", "-debug", "exec", "--cwd=/", "a"]) == "exec"
    assert subcommand_of(["/usr/bin/runsc", "--version"]) == ""
