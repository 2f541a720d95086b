# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of runsc_exec to a request, and from what came of it to the result."""

from __future__ import annotations

import typing as t

from . import command_task as commands
from .execute import Executed, Request, execute
from .module import ModuleLike, failure
from .observation import glance
from .runsc.client import Runsc
from .runsc.errors import RunscError
from .runsc.options import ExecOptions


def exec_task(module: ModuleLike, runsc: Runsc) -> dict[str, t.Any]:
    """Run one command in one container."""
    return exec_one(runsc, request(module.params), module.params["strip_empty_ends"], check_mode=module.check_mode)


def exec_one(runsc: Runsc, wanted: Request, strip: bool, *, check_mode: bool) -> dict[str, t.Any]:
    """Run one command and return its result, a failed one if it was cut short. :raises RunscError: it was not even run."""
    try:
        executed = execute(runsc, wanted, check_mode=check_mode)
    except RunscError as exc:
        if exc.kind not in commands.CUT_SHORT or exc.completed is None:
            raise
        if strip:
            exc.completed = commands.stripped(exc.completed)
        return {**failure(exc, glance(runsc, wanted.name)), "changed": True}
    return result(wanted, executed, strip=strip)


def request(params: t.Mapping[str, t.Any]) -> Request:
    """Return the options as a request. :raises UsageError: one of them makes no sense."""
    process = params["process"]
    return Request(
        name=params["name"],
        process=dict(process) if process is not None else {"args": commands.arguments(params)},
        env=commands.environment(params),
        options=ExecOptions(
            input=commands.stdin(params),
            detach=params["detach"],
            pid_file=params["pid_file"],
            internal_pid_file=params["internal_pid_file"],
            console_socket=params["console_socket"],
            stdout=params["stdout_file"],
            stderr=params["stderr_file"],
        ),
        timeout=params["timeout"],
        **{
            option: params[option]
            for option in ("chdir", "user", "additional_gids", "capabilities", "tty", "creates", "removes")
        },
    )


def result(wanted: Request, executed: Executed, *, strip: bool) -> dict[str, t.Any]:
    """Return the result of the module; a failed one where the command's exit code is not 0."""
    times = commands.times(executed.start, executed.end)
    if executed.result is None:
        return {**commands.not_run(executed.reason), **times}
    facts = {**commands.ended(executed.result.completed, wanted.name, strip=strip), **times}
    if wanted.options.detach:
        facts.update(pid=executed.result.pid, internal_pid=executed.result.internal_pid)
    if facts.get("failed"):
        facts["status"] = "running"
    return facts
