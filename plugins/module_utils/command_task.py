# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules that run a command share: from their options to the command, and from its end to their result."""

from __future__ import annotations

import datetime
import typing as t

from .module import Spec, output
from .process_values import check_environment, split_command
from .runsc.errors import UsageError
from .runsc.process import Completed

CUT_SHORT = ("timeout", "oom", "sandbox_gone")  # kinds of failure in which the command had been running

# The options of each such module.
OPTIONS: Spec = {
    "argv": {"type": "list", "elements": "str"},
    "command": {"type": "str"},
    "env": {"type": "dict"},
    "secret_env": {"type": "dict", "no_log": True},
    "chdir": {"type": "str"},
    "user": {"type": "str"},
    "stdin": {"type": "str"},
    "stdin_add_newline": {"type": "bool", "default": True},
    "strip_empty_ends": {"type": "bool", "default": True},
    "detach": {"type": "bool", "default": False},
    "stdout_file": {"type": "path"},
    "stderr_file": {"type": "path"},
    "timeout": {"type": "float", "default": 600.0},
}


def arguments(params: t.Mapping[str, t.Any]) -> list[str] | None:
    """Return the command as a list; None where neither C(argv) nor C(command) gives one. :raises UsageError: it is none."""
    if params["argv"] is not None:
        if not params["argv"]:
            raise UsageError("argv: [] is not a command", remedy="Give a list of texts, the program first")
        argv: list[str] = params["argv"]
        return argv
    return None if params["command"] is None else split_command("command", params["command"], "argv")


def environment(params: t.Mapping[str, t.Any]) -> dict[str, str] | None:
    """Return the variables of C(env) and C(secret_env); None where neither is given. :raises UsageError: one is wrong."""
    secret = params["secret_env"]
    if params["env"] is None and secret is None:
        return None
    check_environment("secret_env", secret or {}, secret=True)
    return {**(params["env"] or {}), **(secret or {})}


def stdin(params: t.Mapping[str, t.Any]) -> bytes | None:
    """Return the data for standard input."""
    if params["stdin"] is None:
        return None
    text: str = params["stdin"] + ("\n" if params["stdin_add_newline"] else "")
    return text.encode("utf-8", "surrogateescape")


def times(start: datetime.datetime, end: datetime.datetime) -> dict[str, str]:
    """Return when a command started and ended, and how long it took."""
    return {"start": str(start), "end": str(end), "delta": str(end - start)}


def ended(completed: Completed, container: str, *, strip: bool) -> dict[str, t.Any]:
    """Return the result of a command that has ended; a failed one where its exit code is not 0."""
    facts: dict[str, t.Any] = {
        "changed": True,
        **output(stripped(completed) if strip else completed),
        **truncated(completed),
    }
    if completed.rc != 0:
        message = f"the command ended with exit code {completed.rc} in container {container!r}"
        facts.update(failed=True, msg=message, failure_kind="command")
    return facts


def truncated(completed: Completed) -> dict[str, bool]:
    """Return whether there was more output than was kept."""
    return {"stdout_truncated": completed.stdout.truncated, "stderr_truncated": completed.stderr.truncated}


def not_run(reason: str) -> dict[str, t.Any]:
    """Return the result where no command was run: because of C(reason), or because of check mode without one."""
    message = f"not run, since {reason}" if reason else "would have been run, but this is check mode"
    whole = {"stdout_truncated": False, "stderr_truncated": False}
    return {"changed": not reason, "msg": message, **output(None), **whole, "rc": 0}


def stripped(completed: Completed) -> Completed:
    """Return the process with the empty lines at the end of its outputs removed, as ansible.builtin.command does."""
    stdout, stderr = (
        stream._replace(data=stream.data.rstrip(b"\r\n")) for stream in (completed.stdout, completed.stderr)
    )
    return completed._replace(stdout=stdout, stderr=stderr)
