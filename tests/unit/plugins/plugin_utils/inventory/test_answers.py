# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a node says becomes facts, with the status that a container really has."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.gvisor.runsc.plugins.plugin_utils.inventory import frames, questions
from ansible_collections.gvisor.runsc.plugins.plugin_utils.inventory.containers import facts_of
from ansible_collections.gvisor.runsc.plugins.plugin_utils.inventory.frames import NodeError

MARK = "4711"
ROOT = "/var/run/runsc"
DIGEST = "io.github.gvisor-ansible.rootfs.digest"


def record(name: str = "web", status: str = "running", annotations: t.Dict[str, str] | None = None) -> str:
    """Return the content of a state file."""
    return json.dumps(
        {
            "id": name,
            "status": status,
            "bundleDir": "/srv/web",
            "createdAt": "2026-11-25T12:00:00Z",
            "owner": "root",
            "sandbox": {"id": name, "pid": 7},
            "spec": {"annotations": annotations or {}},
        }
    )


def listing(name: str = "web", status: str = "running", annotations: t.Dict[str, str] | None = None) -> str:
    """Return what C(runsc list) says of one container."""
    item = {"id": name, "status": status, "pid": 7, "bundle": "/srv/web", "annotations": annotations or {}}
    return json.dumps([item])


def process(state: str = "S", sandbox: str = "web") -> t.Tuple[str, str]:
    """Return the frame of a sandbox's process."""
    return "process 7", f"7 (ex) e) {state} 1 2\nrunsc-sandbox\0--root={ROOT}\0boot\0{sandbox}\0"


RECORD = ("record web_sandbox:web.state", record())
LIST = ("list", listing())
LISTED = ("listed 0", "")
NAMES = ("names", "web_sandbox:web.state\n")
END = ("end", "")


def answer(*said: t.Tuple[str, str]) -> frames.Answer:
    """Take apart what a node says."""
    output = "Welcome\n" + "".join(f"\n{MARK} {head}\n{body}" for head, body in [("root 0", ""), *said])
    return frames.parse(output.encode(), MARK, [ROOT], "runsc")


def facts(*said: t.Tuple[str, str]) -> t.Dict[str, t.Any]:
    """Return the facts about the only container."""
    found = answer(*said, END)
    (only,) = facts_of(found.roots[0], found)
    return only


def test_a_container_that_runs() -> None:
    assert facts(RECORD, LIST, LISTED, NAMES, process()) == {
        "id": "web",
        "status": "running",
        "pid": 7,
        "bundle": "/srv/web",
        "annotations": {},
        "image": "",
        "created": "2026-11-25T12:00:00Z",
        "owner": "root",
        "sandbox": "web",
        "root": ROOT,
    }


@pytest.mark.parametrize("processes", [[], [process(sandbox="other")]])
def test_a_container_whose_sandbox_is_dead(processes: t.List[t.Tuple[str, str]]) -> None:
    paused = ("list", listing(status="paused"))
    for listed in ([paused, LISTED], [("list", ""), ("listed 137", "")], []):
        found = facts(RECORD, *listed, NAMES, *processes)
        assert (found["status"], found["pid"]) == ("stopped", -1)


def test_a_list_that_was_not_asked_for_or_did_not_end() -> None:
    for listed in ([], [("list", "Killed\n"), ("listed 137", "")]):
        assert facts(RECORD, *listed, NAMES, process())["status"] == "running"
        assert facts(RECORD, *listed, NAMES, process("T"))["status"] == "hanging"


def test_a_record_that_runsc_hides() -> None:
    broken = ("record web_sandbox:web.state", '{"id"')
    assert facts(broken, ("list", "null\n"), LISTED, NAMES)["status"] == "corrupt"
    assert facts(broken, ("list", "panic: x\n"), ("listed 2", ""), NAMES)["status"] == "corrupt"


def test_a_container_that_was_removed_meanwhile() -> None:
    for listed in ([("list", "null\n"), LISTED], []):
        found = answer(RECORD, *listed, ("names", ""), END)
        assert facts_of(found.roots[0], found) == []


def test_a_container_that_was_made_meanwhile() -> None:
    assert facts(LIST, LISTED, NAMES, process())["created"] == ""


def test_warnings_beside_the_list() -> None:
    noisy = ("list", f"W1123 flag is deprecated\n{listing()}\nmore\n")
    assert facts(RECORD, noisy, LISTED, NAMES, process())["status"] == "running"


@pytest.mark.parametrize(("said", "code"), [("", 0), ("[1]", 0), ("[{]", 0), ("unknown flag\n", 2)])
def test_what_is_not_runsc(said: str, code: int) -> None:
    found = answer(RECORD, ("list", said), (f"listed {code}", ""), NAMES, END)
    with pytest.raises(NodeError, match="Is runsc_path really runsc"):
        facts_of(found.roots[0], found)


@pytest.mark.parametrize(
    ("last", "message"),
    [(RECORD, "before it had said everything"), (("missing", ""), "there is no program 'runsc'")],
)
def test_an_answer_that_is_not_whole(last: t.Tuple[str, str], message: str) -> None:
    with pytest.raises(NodeError, match=message):
        answer(last)
    with pytest.raises(NodeError, match="before it had said everything"):
        frames.parse(b"command not found\n", MARK, [ROOT], "runsc")


@pytest.mark.parametrize("reason", ["denied", "file"])
def test_a_root_that_is_none(reason: str) -> None:
    found = answer((reason, ""), END)
    with pytest.raises(NodeError, match=f"the root {ROOT} "):
        facts_of(found.roots[0], found)


def test_ids_that_runsc_would_take_for_flags_are_left_out() -> None:
    found = answer(("list", listing("-all")), LISTED, NAMES, process(sandbox="-all"), END)
    assert facts_of(found.roots[0], found) == []


def test_the_image() -> None:
    def image(annotations: t.Dict[str, str], made: t.Any) -> str:
        bundle = ("bundle", f"/srv/web\n{json.dumps(made)}")
        found = facts(RECORD, bundle, ("list", listing(annotations=annotations)), LISTED, NAMES, process())
        return str(found["image"])

    made = {"source": ["image", "docker://busybox:1", False], "digest": "sha256:1"}
    assert image({DIGEST: "sha256:1"}, made) == "docker://busybox:1"
    assert image({DIGEST: "sha256:1", "io.kubernetes.cri.image-name": "x"}, made) == "docker://busybox:1"
    assert image({DIGEST: "sha256:0"}, made) == "", "the bundle is a newer one"
    assert image({DIGEST: "sha256:1"}, {**made, "source": ["archive", "/x", False]}) == ""
    assert image({DIGEST: "sha256:1"}, {"source": []}) == image({}, []) == ""
    assert image({"io.kubernetes.cri.image-name": "busybox"}, {}) == "busybox"


def test_every_word_is_quoted() -> None:
    text = questions.script("m", "/opt/run sc", ["/a b", "/$(c)"], 5).decode()
    assert text.startswith("mark=m\nrunsc='/opt/run sc'\nseconds=5\nset -- '/a b' '/$(c)'\n")
    assert questions.command("sudo -n -u 'a b'") == "sudo -n -u 'a b' /bin/sh"
    assert questions.command("") == "/bin/sh"


@pytest.mark.parametrize(("timeout", "roots", "seconds"), [(30, 1, 10), (30, 3, 5), (4, 1, 2), (0.5, 2, 1)])
def test_there_is_time_for_every_list(timeout: float, roots: int, seconds: int) -> None:
    assert questions.list_seconds(timeout, roots) == seconds
