# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many calls of runsc a task takes, and which: the binary is a script that notes each call and passes it on."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gvisor.runsc.tests.modules.support import Place, subcommands

QUESTIONS = {"flags", "help", "", "list", "state"}  # what only looks; "" is --version


@pytest.mark.parametrize(
    ("options", "cold"),
    [
        pytest.param({}, 1, id="plain"),
        pytest.param({"bundle": None}, 1, id="no bundle"),
        pytest.param({"recreate": "on-change"}, 2, id="on-change"),
        pytest.param(
            {"recreate": "on-change", "config": {"strace": False, "debug": True}}, 2, id="on-change and flags"
        ),
        pytest.param({"config": {"debug": False}}, 2, id="flags"),
    ],
)
def test_a_task_that_changes_nothing_takes_one_call(place: Place, options: dict[str, Any], cold: int) -> None:
    made = place.container()
    shim = place.shim()  # a binary that was never asked for its flags
    found = place.container(runsc_path=str(shim), **options)
    assert (found["changed"], found["container"]) == (False, made["container"])
    assert len(subcommands(shim)) <= cold
    place.container(runsc_path=str(shim), **options)
    assert subcommands(shim)[-1] == "state"
    assert len(subcommands(shim)) <= cold + 1


def _bring(place: Place, status: str) -> None:
    """Bring the test's container to a status, from wherever it is."""
    if status == "stopped":
        place.container(state="running", force=True)
    place.container(state="running" if status == "broken" else status, recreate="always", force=True)
    if status == "broken":
        place.record().write_text("{", encoding="utf-8")


@pytest.mark.parametrize("status", ["absent", "running", "broken"])
def test_a_prediction_only_looks(place: Place, status: str) -> None:
    _bring(place, status)
    shim = place.shim()
    before = sorted(place.root.glob("*"))
    for state in ("absent", "created", "running", "paused", "stopped"):
        options = {"state": state, "recreate": "always", "force": status == "broken", "runsc_path": str(shim)}
        place.container(check=True, **options)
    assert sorted(place.root.glob("*")) == before  # not even a lock
    assert place.info(check=True, runsc_path=str(shim))["changed"] is False
    assert set(subcommands(shim)) <= QUESTIONS


@pytest.mark.parametrize("status", ["created", "running", "paused", "stopped", "broken"])
def test_a_replacement_is_predicted(place: Place, status: str) -> None:
    _bring(place, status)
    options = {"state": "paused", "recreate": "always", "force": status == "broken"}
    shim = place.shim()
    predicted = place.container(check=True, runsc_path=str(shim), **options)
    assert set(subcommands(shim)) <= QUESTIONS
    done = place.container(**options)
    again = place.container(state="paused", force=status == "broken")
    for key in ("actions", "changed", "diff", "drift"):
        assert done[key] == predicted[key]
    assert done["container"]["status"] == predicted["container"]["status"] == "paused"
    assert done["actions"][-3:] == ["create", "start", "pause"]
    assert (again["changed"], again["container"]) == (False, done["container"])


def test_a_predicted_command_is_not_run(place: Place) -> None:
    place.container()
    shim = place.shim()
    for options in ({}, {"env": {"A": "1"}, "detach": True}, {"stdin": "text"}, {"user": "0:0", "capabilities": []}):
        found = place.exec("touch", "/tmp/run", check=True, runsc_path=str(shim), **options)
        assert (found["changed"], found["rc"], found["cmd"]) == (True, 0, [])
    assert subcommands(shim) == []
    place.exec("touch", "/tmp/run", check=True, runsc_path=str(shim), creates="/tmp/run")
    assert subcommands(shim) == ["exec"]  # that of ls
    missing = place.module("runsc_exec", name=place.id, argv=["ls", "/tmp/run"])
    assert missing["failure_kind"] == "command"


def test_commands_are_told_from_vvv_on(place: Place) -> None:
    made = place.container(verbosity=3)
    assert [call["cmd"][0] for call in made["commands"]] == [place.version.path] * len(made["commands"])
    assert all(call["rc"] == 0 and call["ms"] > 0 for call in made["commands"])
    told = place.exec("echo", "hello", verbosity=4)["commands"]
    assert [call["cmd"][-1] for call in told] == [place.id]
    assert place.bad("runsc_exec", "command", name=place.id, argv=["false"], verbosity=3)["commands"][0]["rc"] == 1
    assert ["list", "--format=json"] in [call["cmd"][-2:] for call in place.info(verbosity=3)["commands"]]
    for quiet in (place.container(verbosity=2), place.exec("true", verbosity=2), place.info(verbosity=2)):
        assert "commands" not in quiet
