# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Comparing a recorded spec with a config.json: what runsc changes itself is no difference, everything else is."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.statedir import Record
from ansible_collections.gvisor.runsc.plugins.module_utils.spec_drift import HIDDEN, as_diff, spec_differences

BUNDLE = "/srv/b"

CONFIG: dict[str, t.Any] = {
    "ociVersion": "1.0.2",
    "process": {
        "user": {"uid": 0, "gid": 0, "additionalGids": []},
        "args": ["/bin/sleep", "1000"],
        "env": ["PATH=/bin", "TOKEN=AbC"],
        "cwd": "/",
        "terminal": False,
        "noNewPrivileges": False,
    },
    "root": {"path": "rootfs", "readonly": False},
    "hostname": "x",
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/data", "source": "../data", "options": ["bind", "ro"]},
        {"destination": "/m", "type": "tmpfs", "options": []},
    ],
    "hooks": {"poststop": []},
    "annotations": {"a": "b", "empty": ""},
    "linux": {"namespaces": [{"type": "pid"}, {"type": "network"}], "readonlyPaths": [], "mountLabel": ""},
}

# What 20240729 wrote into its state file for that, as root.
RECORDED: dict[str, t.Any] = {
    "ociVersion": "1.0.2",
    "process": {
        "user": {"uid": 0, "gid": 0},
        "args": ["/bin/sleep", "1000"],
        "env": ["PATH=/bin", "TOKEN=AbC"],
        "cwd": "/",
    },
    "root": {"path": "/srv/b/rootfs"},
    "hostname": "x",
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "/srv/b/proc"},
        {"destination": "/data", "source": "/srv/data", "options": ["bind", "ro"]},
        {"destination": "/m", "type": "tmpfs"},
    ],
    "hooks": {},
    "annotations": {"a": "b", "empty": ""},
    "linux": {
        "cgroupsPath": "/web-1",
        "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "user"}],
        "uidMappings": [{"containerID": 0, "hostID": 0, "size": 4294967295}],
        "gidMappings": [{"containerID": 0, "hostID": 0, "size": 4294967295}],
    },
}


def record(spec: dict[str, t.Any]) -> Record:
    return Record("web-1", "web-1", "/run/x", bundle=BUNDLE, spec=spec)


def paths(config: dict[str, t.Any], spec: dict[str, t.Any] | None = None, bundle: str = BUNDLE) -> list[str]:
    found = spec_differences(record(RECORDED if spec is None else spec), config, bundle)
    return [difference.path for difference in found]


def test_what_runsc_changes_itself_is_no_difference() -> None:
    assert paths(CONFIG) == []


def test_the_record_of_2022_without_user_namespace_is_none_either() -> None:
    spec = copy.deepcopy(RECORDED)
    spec["linux"] = {"cgroupsPath": "/web-1", "namespaces": [{"type": "pid"}, {"type": "network"}]}
    assert paths(CONFIG, spec) == []


CHANGES: list[tuple[str, t.Callable[[dict[str, t.Any]], None], list[str]]] = [
    ("an argument", lambda c: c["process"]["args"].__setitem__(1, "2000"), ["process.args[1]"]),
    ("one more argument", lambda c: c["process"]["args"].append("3"), ["process.args"]),
    ("the case of a value", lambda c: c["process"]["env"].__setitem__(1, "TOKEN=abc"), ["process.env[1]"]),
    ("read-only", lambda c: c["root"].update(readonly=True), ["root.readonly"]),
    ("a terminal", lambda c: c["process"].update(terminal=True), ["process.terminal"]),
    ("the root", lambda c: c["root"].update(path="other"), ["root.path"]),
    ("a mount's source", lambda c: c["mounts"][1].update(source="/srv/other"), ["mounts[1].source"]),
    ("a mount's options", lambda c: c["mounts"][1].update(options=["bind", "rw"]), ["mounts[1].options[1]"]),
    ("a mount less", lambda c: c["mounts"].pop(), ["mounts"]),
    ("an annotation more", lambda c: c["annotations"].update(x="y"), ["annotations.x"]),
    ("an annotation less", lambda c: c["annotations"].pop("a"), ["annotations.a"]),
    ("an empty annotation less", lambda c: c["annotations"].pop("empty"), ["annotations.empty"]),
    ("the host's name", lambda c: c.pop("hostname"), ["hostname"]),
    ("a user", lambda c: c["process"]["user"].update(uid=1), ["process.user.uid"]),
    ("a group more", lambda c: c["process"]["user"].update(additionalGids=[7]), ["process.user.additionalGids"]),
    ("a namespace", lambda c: c["linux"]["namespaces"][1].update(path="/run/netns/x"), ["linux.namespaces[1].path"]),
    ("the control group", lambda c: c["linux"].update(cgroupsPath="/y"), ["linux.cgroupsPath"]),
    (
        "a limit",
        lambda c: c["linux"].update(resources={"memory": {"limit": 1}}),
        ["linux.resources"],
    ),
    ("a hook", lambda c: c["hooks"].update(poststop=[{"path": "/x"}]), ["hooks.poststop"]),
    (
        "other mappings",
        lambda c: c["linux"].update(uidMappings=[{"containerID": 0, "hostID": 5, "size": 1}]),
        ["linux.uidMappings[0].hostID", "linux.uidMappings[0].size"],
    ),
]


@pytest.mark.parametrize(("what", "change", "expected"), CHANGES, ids=[row[0] for row in CHANGES])
def test_a_change_is_found(what: str, change: t.Callable[[dict[str, t.Any]], None], expected: list[str]) -> None:
    config = copy.deepcopy(CONFIG)
    change(config)
    assert paths(config) == expected


def test_a_limit_of_zero_that_was_taken_away_is_found() -> None:
    spec = copy.deepcopy(RECORDED)
    spec["linux"]["resources"] = {"memory": {"swappiness": 0}}
    assert paths(CONFIG, spec) == ["linux.resources"]


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update({"x-comment": {"by": "me"}}),
        lambda c: c["process"].update(scheduler={"policy": "SCHED_OTHER"}),
        lambda c: c["process"].update(ioPriority={"class": "IOPRIO_CLASS_IDLE", "priority": 0}),
        lambda c: c["linux"].update(timeOffsets={"monotonic": {"secs": 1}}),
    ],
)
def test_what_runsc_does_not_know_was_never_recorded(change: t.Callable[[dict[str, t.Any]], None]) -> None:
    config = copy.deepcopy(CONFIG)
    change(config)
    assert paths(config) == []


def test_another_bundle_is_a_difference() -> None:
    config = copy.deepcopy(CONFIG)
    config["root"]["path"] = "/srv/b/rootfs"
    config["mounts"] = config["mounts"][1:]
    config["mounts"][0]["source"] = "/srv/data"
    spec = copy.deepcopy(RECORDED)
    spec["mounts"] = spec["mounts"][1:]
    assert paths(config, spec, "/srv/other") == ["bundle"]


def test_true_is_not_one() -> None:
    spec = copy.deepcopy(RECORDED)
    spec["linux"]["resources"] = {"pids": {"limit": 1}}
    config = copy.deepcopy(CONFIG)
    config["linux"]["resources"] = {"pids": {"limit": True}}
    assert paths(config, spec) == ["linux.resources.pids.limit"]


def test_the_diff_shows_no_value_of_the_environment() -> None:
    config = copy.deepcopy(CONFIG)
    config["process"]["env"] = ["PATH=/bin", "TOKEN=hunter2"]
    config["process"]["args"] = ["/bin/sleep", "7"]
    before, after = as_diff(spec_differences(record(RECORDED), config, BUNDLE))
    assert before == {"process.args[1]": "1000", "process.env[1]": HIDDEN}
    assert after["process.args[1]"] == "7"
    assert "hunter2" not in str(after) and after["process.env[1]"] != before["process.env[1]"]


def test_the_diff_of_a_longer_environment_shows_none_either() -> None:
    config = copy.deepcopy(CONFIG)
    config["process"]["env"] = [*CONFIG["process"]["env"], "SECRET=hunter2"]
    before, after = as_diff(spec_differences(record(RECORDED), config, BUNDLE))
    assert "hunter2" not in str((before, after)) and "AbC" not in str((before, after))


def test_a_config_that_makes_no_sense_is_compared_without_a_crash() -> None:
    assert paths({"root": 5, "mounts": "x", "linux": [], "process": None}) != []
