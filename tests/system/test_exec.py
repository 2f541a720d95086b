# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""exec: what goes in and what comes out, unchanged, on every version."""

from __future__ import annotations

import os
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import RunscError, UsageError
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.monitor import Monitor
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.options import ExecOptions
from ansible_collections.gvisor.runsc.tests.system.conftest import Shared, client_for
from ansible_collections.gvisor.runsc.tests.system.support import Calls, RunscVersion, eventually

MEGABYTE = 1024 * 1024

AWKWARD = [
    "a,b,c",
    "two  spaces",
    "line one\nline two\n",
    "\tTab and 'quotes' and \"double\" and \\back\\slash",
    "Grüße, 世界 🐘",
    "--env=X=y",
    "--",
    "",
    "$HOME `id` *",
    "please-detach-me",
]


def run(shared: Shared, *args: str, **options: Any) -> Any:
    """Run a command in the shared container and return its runsc process."""
    return shared.runsc.exec(shared.container, {"args": list(args)}, **options).completed


def test_arguments_arrive_unchanged(shared: Shared) -> None:
    """On runsc's command line commas split, and what contains "detach" is dropped."""
    script = 'for argument; do printf "<%s>" "$argument"; done'
    assert shared.run("/bin/sh", "-c", script, "sh", *AWKWARD) == "".join(f"<{argument}>" for argument in AWKWARD)


def test_arguments_of_a_command_in_the_background_arrive_unchanged(shared: Shared, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["/bin/sh", "-c", "echo one detached two; echo end"]
    shared.runsc.exec(shared.container, {"args": command}, ExecOptions(detach=True, stdout=str(out)))
    assert eventually(lambda: out.read_text().endswith("end\n"))
    assert out.read_text() == "one detached two\nend\n"


def test_environment_values_with_commas_arrive_unchanged(shared: Shared) -> None:
    process = {"args": ["/bin/sh", "-c", 'printf %s "$LIST"'], "env": ["LIST=x,y=z,\n ü", "PATH=/bin"]}
    result = shared.runsc.exec(shared.container, process)
    assert result.completed.stdout.text == "x,y=z,\n ü"


def test_arguments_that_are_not_utf_8_arrive_as_bytes_or_are_refused(shared: Shared) -> None:
    completed = run(shared, "/bin/printf", "%s", os.fsdecode(b"\xc3\xbc"))
    assert completed.stdout.data == b"\xc3\xbc"


def test_the_containers_own_user_environment_and_folder_are_the_defaults(shared: Shared) -> None:
    """runsc before 2024-11 would run it as root, whatever the user of the container is."""
    assert shared.run("/bin/id", "-u") == "1234\n"
    assert shared.run("/bin/id", "-g") == "4321\n"
    assert shared.run("/bin/id", "-G") == "4321 55\n"
    assert shared.run("/bin/pwd") == "/tmp\n"
    assert "GREETING=hello\n" in shared.run("/bin/env")


def test_what_is_given_wins_over_the_defaults(shared: Shared) -> None:
    process = {
        "args": ["/bin/sh", "-c", "id -u; id -g; id -G; pwd; env"],
        "user": {"uid": 7, "gid": 8, "additionalGids": [9]},
        "cwd": "/bin",
        "env": ["PATH=/bin", "ONLY=this"],
    }
    lines = shared.runsc.exec(shared.container, process).completed.stdout.text.splitlines()
    assert lines[:4] == ["7", "8", "8 9", "/bin"]
    assert "ONLY=this" in lines
    assert "GREETING=hello" not in lines


def test_capabilities(shared: Shared) -> None:
    process: dict[str, Any] = {"args": ["/bin/grep", "CapEff", "/proc/self/status"], "user": {"uid": 0, "gid": 0}}
    kinds = ("bounding", "effective", "permitted")
    effective = []
    for capabilities in (None, {}, {kind: ["CAP_CHOWN"] for kind in kinds}):
        if capabilities is not None:
            process["capabilities"] = capabilities
        output = shared.runsc.exec(shared.container, process).completed.stdout.text
        effective.append(int(output.split()[1], 16))
    assert effective == [1 << 5, 0, 1]


def test_output_and_exit_code(shared: Shared) -> None:
    completed = run(shared, "/bin/sh", "-c", "echo out; echo err >&2; exit 3")
    assert (completed.rc, completed.stdout.text, completed.stderr.text) == (3, "out\n", "err\n")


@pytest.mark.parametrize("code", [0, 1, 2, 126, 127, 128, 137, 255])
def test_every_exit_code_is_the_commands(shared: Shared, code: int) -> None:
    """128 and 2 are also runsc's own."""
    assert run(shared, "/bin/sh", "-c", f"exit {code}").rc == code


def test_a_command_that_prints_what_runsc_would_print(shared: Shared) -> None:
    text = "FATAL ERROR: is ambiguous and could refer to\npanic: file does not exist"
    completed = run(shared, "/bin/sh", "-c", f"printf %s '{text}' >&2; exit 128")
    assert (completed.rc, completed.stderr.text) == (128, text)


def test_a_command_ended_by_a_signal(shared: Shared) -> None:
    assert run(shared, "/bin/sh", "-c", "kill -KILL $$").rc == 137
    assert shared.runsc.state(shared.container).status == "running"


@pytest.mark.parametrize(
    ("process", "message"),
    [
        ({"args": ["/nonexistent"]}, "failed to load /nonexistent"),
        ({"args": ["nonexistent"]}, 'error finding executable "nonexistent" in PATH'),
        ({"args": ["/etc/passwd"]}, "permission denied"),
        ({"args": ["/bin/true"], "cwd": "/nowhere"}, 'failed to find initial working directory "/nowhere"'),
        ({"args": ["/bin/true"], "capabilities": {"effective": ["CAP_NONSENSE"]}}, "CAP_NONSENSE"),
    ],
)
def test_runscs_own_failure_is_told_from_the_commands(shared: Shared, process: dict[str, Any], message: str) -> None:
    with pytest.raises(RunscError) as caught:
        shared.runsc.exec(shared.container, process)
    assert message in str(caught.value)
    assert shared.container in str(caught.value)
    assert caught.value.completed is not None
    assert caught.value.completed.rc == 128


@pytest.mark.parametrize(
    "process",
    [
        {},
        {"args": []},
        {"args": "/bin/true"},
        {"args": [""]},
        {"args": ["/bin/true", 5]},
        {"args": ["/bin/echo", "a\0b"]},
        {"args": ["/bin/true"], "env": "A=1"},
        {"args": ["/bin/true"], "user": "root"},
        {"args": ["/bin/true"], "cwd": 7},
    ],
)
def test_a_process_that_is_none_is_refused_before_runsc_runs(shared: Shared, process: dict[str, Any]) -> None:
    calls = Calls(shared.runsc)
    with pytest.raises(UsageError, match=r"process\."):
        shared.runsc.exec(shared.container, process)
    assert calls.subcommands == []


def test_binary_input_larger_than_any_pipe(shared: Shared) -> None:
    data = bytes(range(256)) * (3 * MEGABYTE // 256)
    completed = run(shared, "/bin/cat", options=ExecOptions(input=data))
    assert completed.rc == 0
    assert completed.stdout.data == data


def test_a_command_that_does_not_read_its_input(shared: Shared) -> None:
    assert run(shared, "/bin/true", options=ExecOptions(input=b"x" * 3 * MEGABYTE)).rc == 0


def test_without_input_there_is_none_to_read(shared: Shared) -> None:
    assert run(shared, "/bin/cat").stdout.data == b""
    assert run(shared, "/bin/cat", options=ExecOptions(input=b"")).stdout.data == b""


def test_output_that_is_not_utf_8(shared: Shared) -> None:
    completed = run(shared, "/bin/printf", r"\377\376\000x")
    assert completed.stdout.data == b"\xff\xfe\0x"
    assert completed.stdout.text.encode("utf-8", "surrogateescape") == b"\xff\xfe\0x"


def test_gigabytes_of_output_are_bounded(shared: Shared, runsc_version: RunscVersion) -> None:
    runsc = client_for(runsc_version, Path(shared.runsc.root), output_limit=1_000_001, cache_folder=None)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    command = {"args": ["/bin/sh", "-c", "dd if=/dev/zero bs=1M count=200 2>/dev/null; echo end >&2"]}
    completed = runsc.exec(shared.container, command).completed
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert completed.rc == 0
    assert completed.stdout.truncated
    assert (len(completed.stdout.data), completed.stdout.total) == (1_000_001, 200 * MEGABYTE)
    assert (completed.stderr.text, completed.stderr.truncated) == ("end\n", False)
    assert grown < 16 * MEGABYTE


def test_a_grandchild_in_the_background_does_not_delay(shared: Shared) -> None:
    """It holds the pipes open for as long as it lives."""
    completed = run(shared, "/bin/sh", "-c", "sleep 444 & echo started", timeout=20)
    assert (completed.rc, completed.stdout.text) == (0, "started\n")
    assert completed.seconds < 10
    for process in shared.runsc.top(shared.container):
        if process.ppid == 1:
            shared.runsc.kill(shared.container, "KILL", pid=process.pid)


def test_the_process_document_is_private_and_removed(shared: Shared, private_temporary_folder: Path) -> None:
    seen: list[str] = []

    class Spy(Monitor):
        def started(self, argv: Sequence[str], pid: int) -> None:
            path = Path(next(argument for argument in argv if argument.startswith("--process=")).partition("=")[2])
            seen.append(f"{path.stat().st_mode & 0o777:o} {path.parent.stat().st_mode & 0o777:o}")

    config = shared.runsc.config
    spied = Runsc(shared.runsc.path, root=shared.runsc.root, config=config, monitor=Spy(), cache_folder=None)
    spied.exec(shared.container, {"args": ["/bin/true", "correct horse"]})
    assert seen == ["600 700"]
    assert os.listdir(private_temporary_folder) == []


def test_one_exec_is_one_process(shared: Shared) -> None:
    calls = Calls(shared.runsc)
    shared.run("/bin/true")
    assert calls.subcommands == ["exec"]
