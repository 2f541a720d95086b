# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugin: what it refuses never reaches a managed node, and what it lets through is run as ever."""

from __future__ import annotations

import typing as t
from unittest import mock

import pytest
import yaml

from ansible_collections.gvisor.runsc.plugins.action import runsc_bundle
from ansible_collections.gvisor.runsc.plugins.modules.runsc_bundle import EXAMPLES
from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci.validate import MissingLibraryError
from ansible_collections.gvisor.runsc.tests.unit.plugins.action import running


def run(monkeypatch: pytest.MonkeyPatch, **args: t.Any) -> running.Ran:
    """Run a task of these arguments."""
    return running.run(monkeypatch, runsc_bundle.ActionModule, **args)


RIGHT: t.List[t.Dict[str, t.Any]] = [
    {"rootfs": "/srv", "command": "id", "readonly": "yes", "cpus": "1.5", "pids_limit": "100"},
    {"image": "docker://registry.example.com/busybox"},
    {"image": "docker://registry.example.com/busybox", "user": "nobody", "spec": {"process": {"oomScoreAdj": 5}}},
    {"state": "absent"},
    {"state": "absent", "memory": "lots"},
    # The module says what is wrong with these, in Ansible's own words.
    {"rootfs": "/srv", "no_such_option": 1},
    {"rootfs": "/srv", "cpus": "many"},
    {"rootfs": "/srv", "image": "dir:/x"},
    {},
]


@pytest.mark.parametrize("args", RIGHT)
def test_it_is_run(monkeypatch: pytest.MonkeyPatch, args: t.Dict[str, t.Any]) -> None:
    assert run(monkeypatch, path="/srv/b", **args) == running.Ran({"changed": True}, [], True)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"command": "'"}, "command: \"'\" can't be split"),
        ({}, "args: none given"),
        ({"args": ["id"], "spec": {"root": {"readonly": "no"}}}, "spec: root.readonly is 'no', expected true or false"),
        ({"args": ["id"], "spec": {"process": "x"}}, "spec: process is 'x', expected an object"),
        ({"args": ["id"], "memory": "2M", "memory_swap": "1M"}, "memory_swap: '1M' is less than memory"),
        (
            {"args": ["id"], "sandbox": "a", "annotations": {"io.kubernetes.cri.container-type": "pod"}},
            "config.json: annotations[\"io.kubernetes.cri.container-type\"] is 'pod', expected one of",
        ),
        ({"args": ["id"], "config": {"systemd-cgroup": True}, "cgroup_path": "/x"}, "config.json: linux.cgroupsPath"),
    ],
)
def test_it_is_refused(monkeypatch: pytest.MonkeyPatch, args: t.Dict[str, t.Any], message: str) -> None:
    ran = run(monkeypatch, path="/srv/b", rootfs="/srv/r", **args)
    assert not ran.module_ran
    assert (ran.result["failed"], ran.result["failure_kind"]) == (True, "usage")
    assert ran.result["msg"].startswith(message)


def test_what_is_ignored_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    args = {"rootfs": "/srv/r", "args": ["id"], "spec": {"process": {"apparmorProfile": "x"}}}
    ran = run(monkeypatch, path="/srv/b", **args)
    assert ran.module_ran
    assert ran.warnings == ["spec: process.apparmorProfile is ignored by runsc: gVisor has no AppArmor"]


def test_the_network_of_the_task_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = {"linux": {"namespaces": [{"type": "network"}]}}
    args = {"path": "/srv/b", "rootfs": "/srv/r", "args": ["id"], "spec": spec}
    assert run(monkeypatch, **args, network="none").module_ran
    assert not run(monkeypatch, **args, network="host").module_ran


def test_without_jsonschema(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = MissingLibraryError("the Python package jsonschema is missing")
    monkeypatch.setattr(runsc_bundle, "validate_config", mock.Mock(side_effect=missing))
    ran = run(monkeypatch, path="/srv/b", rootfs="/srv/r", args=["id"])
    assert not ran.module_ran
    assert ran.result["msg"] == "the Python package jsonschema is missing"
    assert run(monkeypatch, path="/srv/b", state="absent").module_ran


@pytest.mark.parametrize(
    "task",
    [task for task in yaml.safe_load(EXAMPLES) if "gvisor.runsc.runsc_bundle" in task],
    ids=lambda task: task["name"],
)
def test_the_examples_are_right(monkeypatch: pytest.MonkeyPatch, task: t.Dict[str, t.Any]) -> None:
    assert run(monkeypatch, **task["gvisor.runsc.runsc_bundle"]) == running.Ran({"changed": True}, [], True)
