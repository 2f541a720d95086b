# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several containers in one sandbox."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import procfs
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import (
    OutOfMemoryError,
    RunscError,
    StateError,
)
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.options import CreateOptions
from ansible_collections.gvisor.runsc.tests.system.conftest import MakeBundle
from ansible_collections.gvisor.runsc.tests.system.support import (
    EAT,
    PATIENCE,
    Calls,
    eventually,
    limited,
    new_id,
    text_of,
)

TYPE, SANDBOX = "io.kubernetes.cri.container-type", "io.kubernetes.cri.sandbox-id"


class Pod:
    """A sandbox, and the making of members."""

    def __init__(self, runsc: Runsc, bundle: MakeBundle) -> None:
        self.runsc = runsc
        self.id = new_id()
        self._bundle = bundle
        runsc.create(self.id, bundle(annotations={TYPE: "sandbox", SANDBOX: self.id}, linux=limited()))

    def create(self, *args: str) -> str:
        """Create a member."""
        member = new_id()
        self.runsc.create(member, self._bundle(*args, annotations={TYPE: "container", SANDBOX: self.id}))
        return member


@pytest.fixture
def pod(runsc: Runsc, bundle: MakeBundle) -> Pod:
    """A sandbox that was created and not started."""
    return Pod(runsc, bundle)


def test_a_member_before_its_sandbox_is_refused(runsc: Runsc, pod: Pod) -> None:
    """runsc would crash the whole sandbox."""
    member = pod.create()
    calls = Calls(runsc)
    with pytest.raises(StateError, match=f"Start '{pod.id}' first"):
        runsc.start(member)
    assert calls.subcommands == []
    runsc.start(pod.id)
    runsc.start(member)
    assert {found.id: found.status for found in runsc.list()} == {pod.id: "running", member: "running"}
    assert runsc.state(member).pid == runsc.state(pod.id).pid


def test_the_streams_of_a_member_come_with_its_start(runsc: Runsc, pod: Pod, tmp_path: Path) -> None:
    """runsc hands the streams of start to it, so they may be no pipes."""
    runsc.start(pod.id)
    member, out = pod.create("/bin/sh", "-c", "while :; do echo tick; sleep 0.05; done"), tmp_path / "out"
    runsc.start(member, CreateOptions(stdout=str(out)), timeout=PATIENCE)
    assert eventually(lambda: "tick\n" in out.read_text())


def test_a_member_ends_alone(runsc: Runsc, pod: Pod) -> None:
    runsc.start(pod.id)
    member, other = pod.create(), pod.create()
    runsc.start(member)
    runsc.start(other)
    assert runsc.stop(member) is True
    assert runsc.state(member).status == "stopped"
    assert runsc.wait(member) == 128 + signal.SIGTERM
    runsc.delete(member)
    runsc.delete(other, force=True)
    assert [found.id for found in runsc.list()] == [pod.id]
    assert text_of(runsc, pod.id, "/bin/echo", "alive") == "alive\n"


def test_a_failed_start_of_a_member_harms_no_other(runsc: Runsc, pod: Pod) -> None:
    runsc.start(pod.id)
    member = pod.create("/nonexistent")
    with pytest.raises(RunscError, match="failed to load /nonexistent"):
        runsc.start(member)
    assert [found.id for found in runsc.list()] == [pod.id]
    assert text_of(runsc, pod.id, "/bin/echo", "alive") == "alive\n"


def test_members_of_a_dead_sandbox_are_stopped_and_deleted(runsc: Runsc, pod: Pod) -> None:
    runsc.start(pod.id)
    member = pod.create()
    runsc.start(member)
    sentry = runsc.record(pod.id).pid
    os.kill(sentry, signal.SIGKILL)
    assert procfs.wait_dead(sentry, PATIENCE)
    assert eventually(lambda: {found.status for found in runsc.list()} == {"stopped"})
    runsc.delete(member)
    runsc.delete(pod.id)
    assert runsc.list() == []


def test_events_of_a_member_end_with_it(runsc: Runsc, pod: Pod) -> None:
    runsc.start(pod.id)
    member = pod.create()
    runsc.start(member)
    stream = runsc.events(member, interval=1)
    assert next(stream).type == "stats"
    runsc.stop(member, "KILL")
    for _event in stream:
        pass
    assert runsc.state(pod.id).status == "running"


def test_a_member_that_uses_up_the_memory_of_its_sandbox(runsc: Runsc, pod: Pod) -> None:
    runsc.start(pod.id)
    member = pod.create()
    runsc.start(member)
    with pytest.raises(OutOfMemoryError) as caught:
        runsc.exec(member, {"args": EAT})
    assert caught.value.kind == "oom"
