# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""recreate: on-change finds out whether a container still is what its bundle says, for any bundle."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.gvisor.runsc.tests.modules.support import Json, Place, merged

# A bundle with much in it, written as a person or a tool may write it.
RICH: Json = {
    "process": {
        "terminal": False,
        "env": ["PATH=/bin", "TOKEN=hunter2"],
        "user": {"uid": 0, "gid": 0, "additionalGids": []},
        "noNewPrivileges": True,
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
    },
    "hostname": "rich",
    "hooks": {},
    "annotations": {"com.example.team": "blue"},
    "linux": {
        "resources": {"memory": {"limit": 268435456}, "devices": [{"allow": False, "access": "rwm"}]},
        "maskedPaths": ["/proc/kcore"],
        "readonlyPaths": [],
        "rootfsPropagation": "",
    },
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=1777"]},
        {"destination": "/data", "type": "bind", "source": "data", "options": ["ro"]},
    ],
}

Change = Callable[[Json], Any]

# Edits that make another container, with the places where the difference is to be found.
EDITS: list[tuple[str, Change, list[str]]] = [
    ("an argument", lambda c: c["process"].update(args=["sleep", "1001"]), ["process.args[1]"]),
    ("one more argument", lambda c: c["process"].update(args=["sleep", "1000", "1"]), ["process.args"]),
    ("a variable", lambda c: c["process"].update(env=["PATH=/bin", "TOKEN=changed"]), ["process.env[1]"]),
    ("no variables", lambda c: c["process"].pop("env"), ["process.env"]),
    ("the order of variables", lambda c: c["process"]["env"].reverse(), ["process.env[0]", "process.env[1]"]),
    ("a user", lambda c: c["process"]["user"].update(uid=7), ["process.user.uid"]),
    ("a terminal", lambda c: c["process"].update(terminal=True), ["process.terminal"]),
    ("a folder", lambda c: c["process"].update(cwd="/tmp"), ["process.cwd"]),
    ("no privileges", lambda c: c["process"].update(noNewPrivileges=False), ["process.noNewPrivileges"]),
    (
        "a capability less",
        lambda c: c["process"]["capabilities"].update(effective=[]),
        ["process.capabilities.effective"],
    ),
    ("a limit", lambda c: c["process"]["rlimits"][0].update(soft=512), ["process.rlimits[0].soft"]),
    ("writable", lambda c: c["root"].update(readonly=False), ["root.readonly"]),
    ("another host name", lambda c: c.update(hostname="poor"), ["hostname"]),
    ("letters of the host name", lambda c: c.update(hostname="Rich"), ["hostname"]),
    ("a mount option", lambda c: c["mounts"][1]["options"].append("noexec"), ["mounts[1].options"]),
    ("a mount's source", lambda c: c["mounts"][2].update(source="/"), ["mounts[2].source"]),
    ("a mount less", lambda c: c["mounts"].pop(), ["mounts"]),
    ("an annotation", lambda c: c["annotations"].update({"com.example.team": "red"}), ["annotations.com.example.team"]),
    ("one more annotation", lambda c: c["annotations"].update(a="b"), ["annotations.a"]),
    ("no annotations", lambda c: c.pop("annotations"), ["annotations"]),
    (
        "a memory limit",
        lambda c: c["linux"]["resources"]["memory"].update(limit=536870912),
        ["linux.resources.memory.limit"],
    ),
    ("a control group", lambda c: c["linux"].update(cgroupsPath="/elsewhere"), ["linux.cgroupsPath"]),
    ("a namespace less", lambda c: c["linux"]["namespaces"].pop(), ["linux.namespaces"]),
    ("a masked path", lambda c: c["linux"].update(maskedPaths=["/proc/keys"]), ["linux.maskedPaths[0]"]),
    ("a hook", lambda c: c["hooks"].update(poststop=[{"path": "/bin/true"}]), ["hooks.poststop"]),
]


def _reordered(config: Any) -> Any:
    if isinstance(config, dict):
        return {key: _reordered(config[key]) for key in reversed(config)}
    return [_reordered(part) for part in config] if isinstance(config, list) else config


# Edits after which it is the same container.
NO_EDITS: list[tuple[str, Callable[[Json], str]]] = [
    ("nothing", lambda c: json.dumps(c, indent=1)),
    ("no blanks", lambda c: json.dumps(c, separators=(",", ":"))),
    ("blanks and lines", lambda c: json.dumps(c, indent=9) + "\n\n"),
    ("the order of keys", lambda c: json.dumps(_reordered(c))),
    ("escapes", lambda c: json.dumps(c).replace("rich", "\\u0072ich")),
    ("no terminal", lambda c: (c["process"].pop("terminal"), json.dumps(c))[1]),
    (
        "empty lists",
        lambda c: json.dumps(merged(c, {"linux": {"devices": [], "uidMappings": []}, "process": {"oomScoreAdj": 0}})),
    ),
    ("no empty lists", lambda c: (c["linux"].pop("readonlyPaths"), c.pop("hooks"), json.dumps(c))[2]),
    ("unknown fields", lambda c: json.dumps(merged(c, {"x": 1, "process": {"x": [1]}, "linux": {"future": {"a": 1}}}))),
    ("null", lambda c: json.dumps(merged(c, {"process": {"selinuxLabel": None}, "linux": {"seccomp": None}}))),
    ("its own control group", json.dumps),
]


@pytest.fixture(scope="module")
def rich(shared_place: Place) -> Place:
    """A running container of the rich bundle, whose root is a relative path."""
    place = shared_place
    (place.bundle / "data").mkdir()
    place.config = merged(place.config, RICH)
    place.config["root"]["path"] = os.path.relpath(place.config["root"]["path"], place.bundle)
    place.write_config()
    place.container()
    return place


def _drift(place: Place, text: str, **options: Any) -> Json:
    (place.bundle / "config.json").write_text(text, encoding="utf-8")
    return place.container(check=True, recreate="on-change", **options)


@pytest.mark.parametrize(("change", "places"), [edit[1:] for edit in EDITS], ids=[edit[0] for edit in EDITS])
def test_an_edit_is_found(rich: Place, change: Change, places: list[str]) -> None:
    config = merged(rich.config, {})
    change(config)
    found = _drift(rich, json.dumps(config))
    assert found["drift"] == places
    assert found["actions"] == ["stop", "delete", "create", "start"]
    assert set(found["diff"]["after"]) == set(found["diff"]["before"]) == {"status", *places}
    assert "hunter2" not in json.dumps(found)
    assert "changed" not in json.dumps(found["diff"]).replace("(changed)", "")


@pytest.mark.parametrize("write", [edit[1] for edit in NO_EDITS], ids=[edit[0] for edit in NO_EDITS])
def test_a_matter_of_style_is_none(rich: Place, write: Callable[[Json], str]) -> None:
    found = _drift(rich, write(merged(rich.config, {})))
    assert (found["drift"], found["changed"]) == ([], False)


def test_the_same_bundle_by_another_path(rich: Place) -> None:
    link = rich.folder / "link"
    link.symlink_to(rich.bundle)
    for bundle in (link, rich.folder / "tmp/../bundle", None):
        found = _drift(rich, json.dumps(rich.config), bundle=bundle and str(bundle))
        assert (found["drift"], found["changed"]) == ([], False)


def test_its_own_control_group_may_be_named(rich: Place) -> None:
    config = merged(rich.config, {"linux": {"cgroupsPath": f"/{rich.id}"}})
    assert _drift(rich, json.dumps(config))["drift"] == []


def test_it_is_really_made_anew_and_only_once(place: Place) -> None:
    place.container(config={"strace": False})
    for flags in ({"strace": True}, {"gso": False, "host-uds": "open"}):
        options: Json = {"config": flags, "recreate": "on-change"}
        predicted = place.container(check=True, **options)
        done = place.container(**options)
        assert predicted["drift"] == done["drift"] == [f"--{flag}" for flag in options["config"]]
        assert done["diff"] == predicted["diff"]
        assert done["actions"] == ["stop", "delete", "create", "start"]
        assert place.container(**options)["changed"] is False


def test_a_flag_that_has_its_default_is_no_difference(place: Place) -> None:
    # The command line of the sandbox may lack it, and the help names the default in words only, or not at all.
    flags: Json = {
        "file-access": "exclusive",
        "host-uds": "none",
        "gso": True,
        "strace": False,
        "file-access-mounts": "shared",
    }
    place.container(config=flags)
    assert place.container(config=flags, recreate="on-change")["drift"] == []
    assert place.container(config={}, recreate="on-change")["drift"] == []
    place.container(recreate="always")
    assert place.container(config=flags, recreate="on-change")["drift"] == []


def test_a_paused_and_a_created_one(place: Place) -> None:
    for state in ("paused", "created"):
        place.write_config()
        place.container(state=state, recreate="always")
        assert place.container(state=state, recreate="on-change")["changed"] is False
        place.write_config({"hostname": "other"})
        predicted = place.container(state=state, recreate="on-change", check=True)
        done = place.container(state=state, recreate="on-change")
        assert predicted["drift"] == done["drift"] == ["hostname"]
        assert predicted["actions"] == done["actions"]
        assert done["container"]["status"] == state


def test_what_is_to_go_is_not_compared(place: Place) -> None:
    place.container()
    place.write_config({"hostname": "other"})
    for state, actions in (("stopped", ["stop"]), ("absent", ["delete"])):
        for recreate in ("on-change", "always"):
            assert place.container(state=state, recreate=recreate, check=True)["drift"] == []
        assert place.container(state=state, recreate="always")["actions"] == actions
