# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Memory stays flat in the number of containers: what was found of them is dropped when it was reported."""

from __future__ import annotations

import gc
import json
import pathlib
import typing as t

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils import reconcile
from ansible_collections.gvisor.runsc.plugins.module_utils.containers_task import containers_task
from ansible_collections.gvisor.runsc.plugins.module_utils.observation import Observed
from ansible_collections.gvisor.runsc.plugins.module_utils.reconcile import CHUNK, Outcome
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.models import Container
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.statedir import Record

COUNT = 3 * CHUNK
RECORD = pathlib.Path(__file__).parent / "runsc" / "fixtures" / "runsc-20240729" / "record-running.json"
KINDS = (Outcome, Observed, Record)


class Module:
    """What a task uses of AnsibleModule."""

    check_mode = True
    _diff = False

    def __init__(self, names: list[str], result: str) -> None:
        ways = {"parallel": 1, "fail_fast": False, "serial_on_error": False, "result": result}
        state = {"state": "stopped", "recreate": "never", "force": False, "keep_exit_status": False, "bundle": None}
        times = {"stop_signal": None, "stop_timeout": 10.0, "create_timeout": 60.0, "delete_timeout": 150.0}
        self.params: dict[str, t.Any] = {**ways, **state, **times, "containers": None, "names": names, "purge": None}


def _stopped(root: pathlib.Path) -> list[str]:
    """Make the records of containers whose sandboxes are dead."""
    root.mkdir()
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    names = [f"web-{number:04d}" for number in range(COUNT)]
    for name in names:
        own = {**record, "id": name, "sandbox": {**record["sandbox"], "id": name, "pid": 0}}
        (root / f"{name}_sandbox:{name}.state").write_text(json.dumps(own), encoding="utf-8")
    return names


@pytest.mark.parametrize(("result", "returned"), [("summary", 0), ("changed", 0), ("full", COUNT)])
def test_what_was_reported_is_not_kept(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, result: str, returned: int
) -> None:
    names = _stopped(tmp_path / "root")
    monkeypatch.setattr(Runsc, "list", lambda _self: [Container(name, "stopped", -1, "", {}, "") for name in names])
    alive: dict[str, int] = {}
    original = reconcile._Task._tell

    def count(task: t.Any, items: t.Any) -> None:
        found = gc.get_objects()
        for kind in KINDS:
            alive[kind.__name__] = max(alive.get(kind.__name__, 0), sum(isinstance(one, kind) for one in found))
        original(task, items)

    monkeypatch.setattr(reconcile._Task, "_tell", count)
    told = containers_task(t.cast("t.Any", Module(names, result)), Runsc(root=str(tmp_path / "root")))
    assert told["summary"]["unchanged"] == COUNT
    assert len(told["containers"]) == returned
    # Those of the containers that are worked on together, of which one may be kept twice.
    assert 0 < max(alive.values()) <= 2 * CHUNK, alive
