# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""run: a container for one command, that leaves nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import DeadlineError, RunscError
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.options import CreateOptions
from ansible_collections.gvisor.runsc.tests.system.conftest import MakeBundle, MakeClient
from ansible_collections.gvisor.runsc.tests.system.support import Calls, new_id, runsc_processes

MEGABYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def nothing_left(runsc: Runsc) -> Callable[[], None]:
    """A check that the root is empty and no process works for it."""

    def check() -> None:
        assert runsc.list() == []
        assert not runsc_processes(runsc.root)
        assert not os.path.isdir(runsc.root) or os.listdir(runsc.root) == []

    return check


def test_output_and_exit_code(runsc: Runsc, bundle: MakeBundle, nothing_left: Callable[[], None]) -> None:
    calls = Calls(runsc)
    completed = runsc.run(new_id(), bundle("/bin/sh", "-c", "echo out; echo err >&2; exit 3"))
    assert (completed.rc, completed.stdout.text, completed.stderr.text) == (3, "out\n", "err\n")
    assert calls.subcommands == ["run"]
    nothing_left()


@pytest.mark.parametrize("code", [0, 2, 128, 255])
def test_an_exit_code_that_runsc_has_too(runsc: Runsc, bundle: MakeBundle, code: int) -> None:
    script = f"echo 'panic: invalid value FATAL ERROR' >&2; exit {code}"
    assert runsc.run(new_id(), bundle("/bin/sh", "-c", script)).rc == code


def test_input(runsc: Runsc, bundle: MakeBundle) -> None:
    data = os.urandom(3 * MEGABYTE)
    completed = runsc.run(new_id(), bundle("/bin/cat"), input=data)
    assert (completed.rc, completed.stdout.data) == (0, data)
    assert runsc.run(new_id(), bundle("/bin/cat")).stdout.data == b""


def test_output_is_bounded(client: MakeClient, runsc: Runsc, bundle: MakeBundle) -> None:
    folder = bundle("/bin/dd", "if=/dev/zero", "bs=1M", "count=20")
    completed = client(output_limit=1000).run(new_id(), folder)
    assert (len(completed.stdout.data), completed.stdout.total) == (1000, 20 * MEGABYTE)


def test_a_deadline_ends_the_container(runsc: Runsc, bundle: MakeBundle, nothing_left: Callable[[], None]) -> None:
    container = new_id()
    with pytest.raises(DeadlineError) as caught:
        runsc.run(container, bundle("/bin/sh", "-c", "echo begun; sleep 1000"), timeout=1)
    assert caught.value.completed is not None
    assert caught.value.completed.stdout.text == "begun\n"
    nothing_left()


def test_runscs_own_failure(runsc: Runsc, bundle: MakeBundle, nothing_left: Callable[[], None]) -> None:
    with pytest.raises(RunscError, match="failed to load /nonexistent"):
        runsc.run(new_id(), bundle("/nonexistent"))
    nothing_left()


def test_pid_file_is_written_for_the_caller(runsc: Runsc, bundle: MakeBundle, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    pid_file.write_text("stale")
    runsc.run(new_id(), bundle("/bin/true"), CreateOptions(pid_file=str(pid_file)))
    assert int(pid_file.read_text()) > 1
