# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of runsc_exec to a request, and from what came of it to the result."""

from __future__ import annotations

import typing as t

from .execute import Executed, Request, execute
from .module import ModuleLike, failure, output
from .observation import glance
from .process_values import check_environment, split_command
from .runsc.client import Runsc
from .runsc.errors import RunscError, UsageError
from .runsc.options import ExecOptions
from .runsc.process import Completed

_CUT_SHORT = ("timeout", "oom", "sandbox_gone")  # kinds of failure in which the command had been running


def exec_task(module: ModuleLike, runsc: Runsc) -> dict[str, t.Any]:
    """Run one command in one container."""
    wanted = request(module.params)
    try:
        executed = execute(runsc, wanted, check_mode=module.check_mode)
    except RunscError as exc:
        if exc.kind not in _CUT_SHORT or exc.completed is None:
            raise
        if module.params["strip_empty_ends"]:
            exc.completed = stripped(exc.completed)
        return {**failure(exc, glance(runsc, wanted.name)), "changed": True}
    return result(wanted, executed, strip=module.params["strip_empty_ends"])


def request(params: t.Mapping[str, t.Any]) -> Request:
    """Return the options as a request. :raises UsageError: one of them makes no sense."""
    return Request(
        name=params["name"],
        process=_process(params),
        env=_env(params),
        options=ExecOptions(
            input=_stdin(params),
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


def _env(params: t.Mapping[str, t.Any]) -> dict[str, str] | None:
    secret = params["secret_env"]
    if params["env"] is None and secret is None:
        return None
    check_environment("secret_env", secret or {}, secret=True)
    return {**(params["env"] or {}), **(secret or {})}


def _process(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    if params["process"] is not None:
        return dict(params["process"])
    if params["argv"] is not None:
        if not params["argv"]:
            raise UsageError("argv: [] is not a command", remedy="Give a list of texts, the program first")
        return {"args": params["argv"]}
    return {"args": split_command("command", params["command"], "argv")}


def _stdin(params: t.Mapping[str, t.Any]) -> bytes | None:
    if params["stdin"] is None:
        return None
    text: str = params["stdin"] + ("\n" if params["stdin_add_newline"] else "")
    return text.encode("utf-8", "surrogateescape")


def result(wanted: Request, executed: Executed, *, strip: bool) -> dict[str, t.Any]:
    """Return the result of the module; a failed one where the command's exit code is not 0."""
    times = {"start": str(executed.start), "end": str(executed.end), "delta": str(executed.end - executed.start)}
    if executed.result is None:
        return _not_run(executed, times)
    completed = executed.result.completed
    facts: dict[str, t.Any] = {
        "changed": True,
        **output(stripped(completed) if strip else completed),
        **times,
        "stdout_truncated": completed.stdout.truncated,
        "stderr_truncated": completed.stderr.truncated,
    }
    if wanted.options.detach:
        facts.update(pid=executed.result.pid, internal_pid=executed.result.internal_pid)
    if completed.rc != 0:
        message = f"the command ended with exit code {completed.rc} in container {wanted.name!r}"
        facts.update(failed=True, msg=message, failure_kind="command", status="running")
    return facts


def _not_run(executed: Executed, times: dict[str, str]) -> dict[str, t.Any]:
    message = f"not run, since {executed.reason}" if executed.reason else "would have been run, but this is check mode"
    truncated = {"stdout_truncated": False, "stderr_truncated": False}
    return {"changed": not executed.reason, "msg": message, **output(None), **times, **truncated, "rc": 0}


def stripped(completed: Completed) -> Completed:
    """Return the process with the empty lines at the end of its outputs removed, as ansible.builtin.command does."""
    stdout, stderr = (
        stream._replace(data=stream.data.rstrip(b"\r\n")) for stream in (completed.stdout, completed.stderr)
    )
    return completed._replace(stdout=stdout, stderr=stderr)
