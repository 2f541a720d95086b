# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running a command in a container: from what a person writes to an OCI Process document, and to its result."""

from __future__ import annotations

import datetime
import typing as t

from . import accounts
from .files import check_files
from .pods import check_not_frozen
from .process_values import check_capability, check_chdir, check_environment, check_streams, merge_env
from .runsc import procfs
from .runsc.client import Runsc
from .runsc.errors import RunscError, StateError, UsageError
from .runsc.exec_command import ExecResult, check_process
from .runsc.options import ExecOptions

_CAPABILITY_SETS = ("bounding", "effective", "inheritable", "permitted")
_LOOK_TIMEOUT = 30.0  # seconds for reading two files or looking for a path


class Request(t.NamedTuple):
    """A command to run. C(None) means not given, which is not the same as empty."""

    name: str
    process: dict[str, t.Any]
    env: dict[str, str] | None = None
    chdir: str | None = None
    user: str | None = None
    additional_gids: list[int] | None = None
    capabilities: list[str] | None = None
    tty: bool = False
    creates: str | None = None
    removes: str | None = None
    options: ExecOptions = ExecOptions()
    timeout: float = 600.0


class Executed(t.NamedTuple):
    """What came of it. C(result) is None where nothing was run, and C(reason) says why."""

    result: ExecResult | None
    start: datetime.datetime
    end: datetime.datetime
    reason: str = ""


def execute(runsc: Runsc, request: Request, *, check_mode: bool = False) -> Executed:
    """Run a command, unless C(creates) or C(removes) say that there is nothing to do. In check mode nothing is run.

    :raises UsageError: what is asked for makes no sense.
    :raises RunscError: runsc failed, as opposed to the command, or the deadline passed.
    """
    start = datetime.datetime.now()
    check(request)
    check_running(runsc, request.name)
    reason = _reason_to_skip(runsc, request)
    if reason or check_mode:
        return Executed(None, start, datetime.datetime.now(), reason)
    result = runsc.exec(request.name, build_process(runsc, request), request.options, timeout=request.timeout)
    return Executed(result, start, datetime.datetime.now())


def check_running(runsc: Runsc, name: str) -> None:
    """Find out without a process whether a command can run in the container at all.

    :raises StateError: it is created, paused or stopped, or its sandbox hangs; runsc exec would hang as well then.
    """
    record = runsc.record(name)
    if record.problem:
        raise StateError(
            f"container {name!r} can't be used: {record.problem}",
            remedy="Remove it with runsc_container and state absent, or let it be replaced with force",
            container=name,
        )
    if procfs.is_suspended(record.pid):
        raise StateError(
            f"the sandbox of container {name!r} (pid {record.pid}) was stopped by a signal and answers nobody",
            remedy="Send it SIGCONT, or remove the container",
            container=name,
        )
    status = record.status if runsc.is_live(record) else "stopped"
    if status != "running":
        raise StateError(
            f"container {name!r} is {status}, and a command can run in a running one only",
            remedy="Bring it to state running first",
            container=name,
        )
    check_not_frozen(runsc, record)


def check(request: Request) -> None:
    """:raises UsageError: options that don't go together, or values that runsc would not take."""
    check_process(request.process)
    options = request.options
    if request.tty and not (options.console_socket and options.detach):
        raise UsageError(
            "tty: a terminal needs console_socket and detach",
            remedy="runsc hands it over by that socket, when detached only",
        )
    if options.console_socket and not request.tty and not request.process.get("terminal"):
        raise UsageError(f"console_socket: {options.console_socket!r} without a terminal", remedy="Set tty as well")
    check_streams(options.detach, options.input, options.stdout, options.stderr)
    check_files(
        {
            "console_socket": options.console_socket,
            "pid_file": options.pid_file,
            "internal_pid_file": options.internal_pid_file,
            "stdout_file": options.stdout,
            "stderr_file": options.stderr,
        }
    )
    for capability in request.capabilities or []:
        check_capability("capabilities", capability)
    check_environment("env", request.env or {})
    check_chdir(request.chdir)


def build_process(runsc: Runsc, request: Request) -> dict[str, t.Any]:
    """Return the OCI Process document. The typed options go over what C(process) says."""
    process = dict(request.process)
    own = runsc.record(request.name).spec.get("process") or {}
    if request.env is not None:
        process["env"] = merge_env(process.get("env") or own.get("env") or [], request.env)
    if request.chdir is not None:
        process["cwd"] = request.chdir
    if request.user is not None:
        process["user"] = resolve_user(runsc, request.name, request.user)
    if request.additional_gids is not None:
        process["user"] = dict(
            process.get("user") or own.get("user") or {"uid": 0, "gid": 0}, additionalGids=request.additional_gids
        )
    if request.capabilities is not None:
        process["capabilities"] = {name: list(request.capabilities) for name in _CAPABILITY_SETS}
    if request.tty:
        process["terminal"] = True
    return process


def resolve_user(runsc: Runsc, name: str, user: str) -> dict[str, t.Any]:
    """Return the C(user) of a Process document for C(uid), C(uid:gid), or names from the container's own files.

    Numbers cost nothing; a number alone has group 0, as in runsc. Names cost one exec that reads the files inside, where a
    link can't lead out to the host. A user's name alone brings its group and its supplementary groups.

    :raises UsageError: there is no such user or group.
    """
    return accounts.numbers(user) or accounts.resolve(user, _read_accounts(runsc, name), f"container {name!r}")


def _read_accounts(runsc: Runsc, name: str) -> accounts.Accounts:
    process = {"args": ["cat", "/etc/passwd", "/etc/group"], "user": {"uid": 0, "gid": 0}, "cwd": "/"}
    try:
        return accounts.parse(runsc.exec(name, process, timeout=_LOOK_TIMEOUT).completed.stdout.text)
    except RunscError as exc:
        if _lacks_program(exc):
            raise UsageError(
                f"user: container {name!r} has no cat, so names can't be looked up", remedy="Give numbers as uid:gid"
            ) from exc
        raise


def _reason_to_skip(runsc: Runsc, request: Request) -> str:
    if request.creates is not None and _exists(runsc, request, request.creates):
        return f"{request.creates} exists"
    if request.removes is not None and not _exists(runsc, request, request.removes):
        return f"{request.removes} does not exist"
    return ""


def _exists(runsc: Runsc, request: Request, path: str) -> bool:
    """Look for a path inside the container, by its own C(ls), as root. A link counts even if it leads nowhere: hence C(-l)."""
    process = {"args": ["ls", "-ld", "--", path], "user": {"uid": 0, "gid": 0}, "cwd": request.chdir or "/"}
    try:
        return runsc.exec(request.name, process, timeout=_LOOK_TIMEOUT).completed.rc == 0
    except RunscError as exc:
        if not _lacks_program(exc):
            raise
        raise UsageError(
            f"creates: container {request.name!r} has no ls, so {path!r} can't be looked for",
            remedy="Leave out creates and removes",
        ) from exc


def _lacks_program(error: RunscError) -> bool:
    return "executable" in error.message or "failed to load" in error.message
