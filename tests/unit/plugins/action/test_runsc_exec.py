# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugin: what it refuses never reaches a managed node, and what it lets through is run as ever."""

from __future__ import annotations

import typing as t
from unittest import mock

import pytest
from ansible.errors import AnsibleActionFail
from ansible.plugins.action.normal import ActionModule as NormalAction

from ansible_collections.gvisor.runsc.plugins.action import runsc_exec
from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci.validate import MissingLibraryError


class Ran(t.NamedTuple):
    """A task that was run: its result, what it warned of, and whether the module was reached."""

    result: t.Any
    warnings: t.List[str]
    module_ran: bool


def run(monkeypatch: pytest.MonkeyPatch, **args: t.Any) -> Ran:
    """Run a task of these arguments, with a module that only notes that it ran."""
    module = mock.Mock(return_value={"changed": True})
    monkeypatch.setattr(NormalAction, "run", module)
    action = runsc_exec.ActionModule.__new__(runsc_exec.ActionModule)
    action._task = mock.Mock(args={"name": "web-1", **args})
    action._display = mock.Mock()
    try:
        result: t.Any = action.run(None, {})
    except AnsibleActionFail as exc:
        result = exc.result
    return Ran(result, [call.args[0] for call in action._display.warning.call_args_list], module.called)


RIGHT: t.List[t.Dict[str, t.Any]] = [
    {"argv": ["id"]},
    {"process": {"args": ["id"]}},
    {"process": '{"args": ["id"]}'},
    {"process": {"args": ["id"]}, "user": ["not", "its", "business"]},
]


@pytest.mark.parametrize("args", RIGHT)
def test_a_right_document_is_run(monkeypatch: pytest.MonkeyPatch, args: t.Dict[str, t.Any]) -> None:
    assert run(monkeypatch, **args) == Ran({"changed": True}, [], True)


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
