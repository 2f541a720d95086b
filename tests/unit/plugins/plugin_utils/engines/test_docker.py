# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""daemon.json as data."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.gvisor.runsc.plugins.plugin_utils.engines.docker import missing, registered
from ansible_collections.gvisor.runsc.plugins.plugin_utils.engines.runtimes import EngineError, Runtime

RUNSC = Runtime("runsc", "/usr/bin/runsc", ["--network=none"], "present")
PLAIN = Runtime("plain", "/usr/bin/runsc", [], "present")
GONE = Runtime("runsc", "/usr/bin/runsc", [], "absent")
REGISTERED = {"path": "/usr/bin/runsc", "runtimeArgs": ["--network=none"]}

REFUSED: list[tuple[str, str]] = [
    ('{"a": 1,}', "/d.json is not valid JSON: "),
    ("[]", "/d.json holds no JSON object but list"),
    ('{"a": {"b": 1, "b": 2}}', "/d.json: an object has the key 'b' twice"),
    ('{"runtimes": []}', "/d.json: 'runtimes' is not an object but []"),
]


def test_an_empty_file_and_none_are_the_same() -> None:
    assert registered("", [RUNSC]) == registered("\n", [RUNSC]) == registered("{}", [RUNSC])
    assert json.loads(registered("", [RUNSC, PLAIN])) == {
        "runtimes": {"runsc": REGISTERED, "plain": {"path": "/usr/bin/runsc"}}
    }


def test_the_second_time_nothing_changes() -> None:
    once = registered('{"log-driver": "journald"}', [RUNSC, PLAIN], "runsc")
    assert registered(once, [RUNSC, PLAIN], "runsc") == once


def test_what_is_right_keeps_its_odd_form() -> None:
    text = '{"runtimes":{"runsc":{"runtimeArgs":["--network=none"],   "path":"/usr/bin/runsc"}}}'
    assert registered(text, [RUNSC]) == text


def test_others_stay_in_their_order() -> None:
    text = (
        '{\n\t"zeta": 1,\n\t"runtimes": {"nvidia": {"path": "n"}, "runsc": {"path": "old"}},\n\t"alpha": "\u00fc"\n}\n'
    )
    new = registered(text, [RUNSC])
    document = json.loads(new)
    assert list(document) == ["zeta", "runtimes", "alpha"]
    assert list(document["runtimes"].items()) == [("nvidia", {"path": "n"}), ("runsc", REGISTERED)]
    assert new.startswith('{\n\t"zeta": 1,\n\t"runtimes": {\n\t\t"nvidia"')
    assert '"\u00fc"' in new


def test_the_last_runtime_takes_the_key_with_it() -> None:
    assert json.loads(registered('{"a": 1, "runtimes": {"runsc": {"path": "x"}}}', [GONE])) == {"a": 1}
    assert registered('{"a":1}', [GONE]) == '{"a":1}'


def test_default_runtime() -> None:
    assert json.loads(registered('{"default-runtime": "x"}', [PLAIN]))["default-runtime"] == "x"
    assert json.loads(registered('{"default-runtime": "x"}', [PLAIN], "plain"))["default-runtime"] == "plain"


def test_the_default_runtime_can_not_be_removed() -> None:
    text = '{"default-runtime": "runsc", "runtimes": {"runsc": {"path": "x"}}}'
    with pytest.raises(EngineError, match="'runsc' is the default runtime of docker, so it can't be removed"):
        registered(text, [GONE])
    assert json.loads(registered(text, [GONE], "runc")) == {"default-runtime": "runc"}


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(EngineError) as error:
        registered(text, [RUNSC], path="/d.json")
    assert str(error.value).startswith(message)
    assert str(error.value).endswith("Mend it by hand first")


@pytest.mark.parametrize(
    ("info", "behind"),
    [
        ({"runsc": REGISTERED, "runc": {"path": "runc"}}, []),
        ({}, ["runsc"]),
        (None, ["runsc"]),
        ({"runsc": {"path": "/usr/bin/runsc"}}, ["runsc"]),
        ({"runsc": {**REGISTERED, "path": "/old"}}, ["runsc"]),
    ],
)
def test_what_a_running_dockerd_lacks(info: t.Any, behind: list[str]) -> None:
    assert missing(info, [RUNSC]) == behind


def test_what_a_running_dockerd_should_have_forgotten() -> None:
    assert missing({"runsc": REGISTERED}, [GONE]) == ["runsc"]
    assert missing({}, [GONE]) == []
