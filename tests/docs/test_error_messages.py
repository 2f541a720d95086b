# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/errors.md: what it says about sandboxes in use happens, and its tasks do what they promise."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.gvisor.runsc.tests.docs import support
from ansible_collections.gvisor.runsc.tests.docs.support import DOCS, Machine

Json = dict[str, Any]

PAGE = DOCS / "errors.md"

EAT = "head -c 999m /dev/zero | tail -c 999m | wc -c"

# What to ask for, in the order of the page's messages about containers in use.
WRONG: list[tuple[str, Json]] = [
    ("runsc_container", {"name": "errors-1", "bundle": "/srv/new", "recreate": "on-change"}),
    ("runsc_exec", {"name": "errors-1", "argv": ["no-such-program"]}),
    ("runsc_exec", {"name": "errors-paused", "argv": ["true"]}),
    ("runsc_exec", {"name": "errors-1", "argv": ["false"]}),
    ("runsc_exec", {"name": "errors-1", "argv": ["sleep", "60"], "timeout": 0.5}),
    ("runsc_exec", {"name": "errors-1", "argv": ["sh", "-c", "kill 1; sleep 10"]}),
    ("runsc_exec", {"name": "errors-small", "argv": ["sh", "-c", EAT]}),
    ("runsc_run", {"name": "errors-once", "bundle": "/srv/small", "argv": ["sh", "-c", EAT]}),
    ("runsc_run", {"name": "errors-once", "bundle": "/srv/small", "argv": ["sh", "-c", "kill -9 $$"]}),
]


def container(name: str, bundle: str, state: str = "running") -> Json:
    """Return the task that brings a container to a state."""
    return {"gvisor.runsc.runsc_container": {"name": name, "bundle": bundle, "state": state}}


def wrong_tasks(machine: Machine) -> list[Json]:
    """Return the tasks that produce the page's messages."""
    machine.run(support.bundle_script("/srv/errors", "sleep 600"))
    machine.run(support.bundle_script("/srv/small", "sleep 600", resources={"memory": {"limit": 64 << 20}}))
    tasks = [
        container("errors-1", "/srv/errors"),
        container("errors-paused", "/srv/errors", "paused"),
        container("errors-small", "/srv/small"),
    ]
    for number, (module, options) in enumerate(WRONG):
        tasks.append({f"gvisor.runsc.{module}": options, "register": f"wrong{number}", "ignore_errors": True})
    return tasks


def example_tasks(machine: Machine) -> list[Json]:
    """Return the page's tasks, about a container whose check takes longer than it may, the first time."""
    machine.run(support.bundle_script("/srv/web", "sleep 600"))
    (machine.work / "check").write_text("#!/bin/sh\ntest -e /tmp/state && exit\necho not yet >/tmp/state\nsleep 60\n")
    machine.run("install -D check /srv/web/rootfs/srv/check")
    (example,) = support.blocks(PAGE, "In a playbook")
    slow = "    command: /srv/check\n"
    assert slow in example.text
    (machine.work / "example.yml").write_text(example.text.replace(slow, f"{slow}    timeout: 1\n"), encoding="utf-8")
    return [container("web-1", "/srv/web"), {"ansible.builtin.import_tasks": "example.yml"}]


@pytest.fixture(scope="module")
def results(machine: Machine) -> dict[str, Json]:
    """What the tasks registered, all run in one play."""
    tasks = [*wrong_tasks(machine), *example_tasks(machine)]
    path = machine.work / "results.json"
    names = [*(task["register"] for task in tasks if "register" in task), "checked", "ready"]
    content = "{{ {" + ", ".join(f"'{name}': {name}" for name in names) + "} | to_json }}"
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {"group/gvisor.runsc.runsc": {"network": "none"}},
        "tasks": [*tasks, {"ansible.builtin.copy": {"content": content, "dest": str(path), "mode": "0644"}}],
    }
    (machine.work / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    machine.run("ansible-playbook play.yml", environment={"ANSIBLE_COLLECTIONS_PATH": str(support.COLLECTIONS)})
    found: dict[str, Json] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_the_messages_are_real(results: dict[str, Json]) -> None:
    made = [(result["failure_kind"], result["msg"]) for name, result in results.items() if name.startswith("wrong")]
    shown = [(kind, text) for _doing, kind, text in support.tables(PAGE, "What they look like while a sandbox is used")]
    assert made == shown[1:]


def test_the_tasks_do_what_they_promise(results: dict[str, Json]) -> None:
    assert results["checked"]["attempts"] == 2
    assert not results["checked"]["failed"]
    assert (results["ready"]["rc"], results["ready"]["failed"]) == (1, False)
