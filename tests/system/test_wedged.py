# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sandboxes that answer nobody, and hosts whose init reaps late: reported in time, and removed when that is asked for."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import procfs
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import DeadlineError
from ansible_collections.gvisor.runsc.tests.system.conftest import MakeBundle, MakeClient
from ansible_collections.gvisor.runsc.tests.system.support import (
    PATIENCE,
    RunscVersion,
    new_id,
    runsc_processes,
    stopped,
    text_of,
)

IMPATIENT = 0.4


@pytest.fixture
def impatient(client: MakeClient) -> Runsc:
    """A client with a short deadline for every call."""
    return client(timeout=IMPATIENT)


WEDGED: dict[str, Callable[[Runsc, str], object]] = {
    "state": lambda runsc, name: runsc.state(name),
    "list": lambda runsc, name: runsc.list(),
    "exec": lambda runsc, name: runsc.exec(name, {"args": ["/bin/true"]}),
    "kill": lambda runsc, name: runsc.kill(name, "KILL"),
    "pause": lambda runsc, name: runsc.pause(name),
    "ps": lambda runsc, name: runsc.ps(name),
    "stats": lambda runsc, name: runsc.stats(name),
    "wait": lambda runsc, name: runsc.wait(name),
}


@pytest.fixture
def wedged(runsc: Runsc, start: Callable[..., str]) -> Iterator[str]:
    """A running container whose sentry was suspended."""
    container = start()
    with stopped(runsc.record(container).pid):
        yield container


@pytest.mark.parametrize("method", list(WEDGED))
def test_a_wedged_sandbox_is_reported_within_the_deadline(
    runsc: Runsc, impatient: Runsc, wedged: str, method: str
) -> None:
    began = time.monotonic()
    with pytest.raises(DeadlineError, match=r"did not end within 0\.4 s") as caught:
        WEDGED[method](impatient, wedged)
    assert time.monotonic() - began < PATIENCE
    assert caught.value.kind == "timeout"
    # The runsc client was not left behind.
    assert [argv[0] for argv in runsc_processes(runsc.root).values() if not argv[0].startswith("runsc-")] == []


def test_a_wedged_sandbox_is_removed_by_force(runsc: Runsc, impatient: Runsc, wedged: str) -> None:
    pid = runsc.record(wedged).pid
    began = time.monotonic()
    impatient.delete(wedged, force=True)
    assert time.monotonic() - began < PATIENCE
    assert procfs.is_dead(pid)
    assert impatient.list() == []


def test_ids_are_known_beside_a_wedged_sandbox(
    runsc: Runsc, impatient: Runsc, wedged: str, start: Callable[..., str]
) -> None:
    other = start()
    assert impatient.ids() == sorted([wedged, other])
    assert text_of(impatient, other, "/bin/echo", "alive", timeout=PATIENCE) == "alive\n"


def test_a_lock_that_somebody_holds_for_ever(runsc: Runsc, impatient: Runsc, start: Callable[..., str]) -> None:
    container = start()
    record = runsc.record(container)
    with open(record.path.replace(".state", ".lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(DeadlineError):
            impatient.state(container)
        impatient.delete(container, force=True)
    assert procfs.is_dead(record.pid)
    assert runsc.list() == []


# A process that adopts orphans and never reaps them, as PID 1 of many a test container does. It runs the driver, which must
# take the zombies for dead. ROOT CONTAINER BUNDLE RUNSC PLATFORM.
LAZY_INIT = """
import ctypes, json, os, subprocess, sys, time
PR_SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import procfs, rescue
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
rescue.REAP_GRACE = 1.0  # the test would only be longer
root, container, bundle, path, platform = sys.argv[1:]
runsc = Runsc(path, root=root, config={"platform": platform, "network": "none"}, cache_folder=None)
seen = {}
for way in ("stop", "force"):
    runsc.run_detached(container, bundle)
    pid = runsc.record(container).pid
    began = time.monotonic()
    if way == "stop":
        runsc.stop(container, "KILL")
        seen["zombie"] = procfs.stat(pid).state
        seen["state"] = runsc.state(container).status
        seen["list"] = [found.status for found in runsc.list()]
    runsc.delete(container, force=way == "force")
    seen[way] = time.monotonic() - began
    seen["left"] = [found.id for found in runsc.list()]
print(json.dumps(seen))
"""


def test_where_nobody_reaps_zombies_are_dead(runsc: Runsc, runsc_version: RunscVersion, bundle: MakeBundle) -> None:
    """runsc takes a zombie for alive: the newer one says "running" for ever, and its delete waits for two minutes."""
    argv = [sys.executable, "-c", LAZY_INIT, runsc.root, new_id(), bundle(), runsc.path, runsc_version.platform]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    seen = json.loads(done.stdout)
    assert (seen["zombie"], seen["state"], seen["list"], seen["left"]) == ("Z", "stopped", ["stopped"], [])
    assert max(seen["stop"], seen["force"]) < PATIENCE
    assert os.path.isdir(runsc.root)
