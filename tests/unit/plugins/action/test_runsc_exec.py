# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugin: what it refuses never reaches a managed node, and what it lets through is run as ever."""

from __future__ import annotations

import typing as t
from unittest import mock

import pytest

from ansible_collections.gvisor.runsc.plugins.action import runsc_exec
from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci.validate import MissingLibraryError
from ansible_collections.gvisor.runsc.tests.unit.plugins.action import running


def run(monkeypatch: pytest.MonkeyPatch, **args: t.Any) -> running.Ran:
    """Run a task of these arguments."""
    return running.run(monkeypatch, runsc_exec.ActionModule, name="web-1", **args)


RIGHT: t.List[t.Dict[str, t.Any]] = [
    {"argv": ["id"]},
    {"process": {"args": ["id"]}},
    {"process": '{"args": ["id"]}'},
    {"process": {"args": ["id"]}, "user": ["not", "its", "business"]},
]


@pytest.mark.parametrize("args", RIGHT)
def test_a_right_document_is_run(monkeypatch: pytest.MonkeyPatch, args: t.Dict[str, t.Any]) -> None:
    assert run(monkeypatch, **args) == running.Ran({"changed": True}, [], True)


@pytest.mark.parametrize("process", [{}, {"args": "id"}, '{"args": []}', "id", [], 5])
def test_a_wrong_document_is_refused(monkeypatch: pytest.MonkeyPatch, process: t.Any) -> None:
    ran = run(monkeypatch, process=process)
    assert not ran.module_ran
    assert ran.result["failure_kind"] == "usage" and ran.result["msg"].startswith("process: process")


def test_what_is_ignored_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = run(monkeypatch, process={"args": ["id"], "apparmorProfile": "x"})
    assert ran.module_ran
    assert ran.warnings == ["process: process.apparmorProfile is ignored by runsc: gVisor has no AppArmor"]


def test_flags_of_the_task_count(monkeypatch: pytest.MonkeyPatch) -> None:
    process = {"args": ["id"], "capabilities": {"bounding": ["CAP_NET_RAW"]}}
    assert len(run(monkeypatch, process=process).warnings) == 1
    assert len(run(monkeypatch, process=process, config={"net-raw": True}).warnings) == 0


def test_without_jsonschema_only_a_document_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = MissingLibraryError("the Python package jsonschema is missing")
    monkeypatch.setattr(runsc_exec, "validate_process", mock.Mock(side_effect=missing))
    assert run(monkeypatch, argv=["id"]).module_ran
    ran = run(monkeypatch, process={"args": ["id"]})
    assert not ran.module_ran
    assert ran.result["msg"] == "the Python package jsonschema is missing"
