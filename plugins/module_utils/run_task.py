# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of runsc_run to a job, and from what came of it to the result."""

from __future__ import annotations

import datetime
import typing as t

from . import command_task as commands
from .container_task import described
from .lifecycle import STOPPED
from .module import ModuleLike, failure
from .observation import glance
from .one_shot import Job, run_job, start_job
from .reconcile import Outcome
from .runsc.client import Runsc
from .runsc.errors import RunscError
from .runsc.options import CreateOptions
from .runsc.process import Completed
from .service_roots import refuse_service_root

_KILLED = 128 + 9  # runsc says no more of a sandbox that was killed


def run_task(module: ModuleLike, runsc: Runsc) -> dict[str, t.Any]:
    """Run one command in a sandbox of its own."""
    params = module.params
    wanted = job(params)
    refuse_service_root(runsc.root)
    try:
        if wanted.detach:
            return _started(module, runsc, wanted)
        return run_one(runsc, wanted, params["strip_empty_ends"], check_mode=module.check_mode)
    except RunscError as exc:
        status = glance(runsc, exc.container) if exc.container else None
        return {**failure(exc, status), "changed": False, "timed_out": False}


def run_one(
    runsc: Runsc, wanted: Job, strip: bool, *, check_mode: bool, clean: t.Callable[[Runsc, str], None] | None = None
) -> dict[str, t.Any]:
    """Run one command to its end and return its result, a failed one if it was cut short.

    :param clean: see L(run_job).
    :raises RunscError: it was not even run.
    """
    start = datetime.datetime.now()
    try:
        done = run_job(runsc, wanted, check_mode=check_mode, clean=clean)
    except RunscError as exc:
        if exc.kind not in commands.CUT_SHORT or exc.completed is None:
            raise
        return _cut_short(runsc, exc, exc.completed, start, strip=strip)
    times = commands.times(done.start, done.end)
    if done.completed is None:
        warnings = {"warnings": list(done.warnings)} if done.warnings else {}
        return {**commands.not_run(done.reason), **times, "timed_out": False, **warnings}
    facts = commands.ended(done.completed, done.name, strip=strip)
    if done.completed.rc == _KILLED:
        facts["msg"] += ": it was killed by SIGKILL, or its sandbox was from outside"
    return {
        **facts,
        **times,
        "timed_out": False,
        "name": done.name,
        **({"status": "absent"} if "failed" in facts else {}),
    }


def _cut_short(
    runsc: Runsc, error: RunscError, completed: Completed, start: datetime.datetime, *, strip: bool
) -> dict[str, t.Any]:
    """Return the result of a command that did not come to its end, with what it did until then."""
    facts = {"changed": True, "timed_out": error.kind == "timeout", "name": error.container}
    facts.update(commands.truncated(completed), **commands.times(start, datetime.datetime.now()))
    if strip:
        error.completed = commands.stripped(completed)
    status = glance(runsc, error.container) if error.container else None
    return {**failure(error, status), **facts}


def job(params: t.Mapping[str, t.Any]) -> Job:
    """Return the options as a job. :raises UsageError: one of them makes no sense."""
    return Job(
        args=commands.arguments(params),
        env=commands.environment(params),
        input=commands.stdin(params),
        options=CreateOptions(
            stdout=params["stdout_file"], stderr=params["stderr_file"], keep_exit_status=params["keep_exit_status"]
        ),
        **{
            option: params[option]
            for option in ("bundle", "name", "chdir", "user", "creates", "removes", "timeout", "output_limit", "detach")
        },
    )


def _started(module: ModuleLike, runsc: Runsc, wanted: Job) -> dict[str, t.Any]:
    start = datetime.datetime.now()
    outcome, reason = start_job(runsc, wanted, check_mode=module.check_mode)
    times = {**commands.times(start, datetime.datetime.now()), "timed_out": False}
    if outcome is None:
        return {**commands.not_run(reason), **times}
    for warning in outcome.warnings:
        module.warn(warning)
    container, status = described(str(wanted.name), outcome, module.check_mode)
    return {
        **commands.not_run(""),
        "msg": _message(outcome, status, module.check_mode),
        "rc": (outcome.after.exit_status or 0) if status == STOPPED else 0,
        **times,
        "changed": outcome.changed,
        "name": wanted.name,
        "actions": outcome.actions,
        "container": container,
        "diff": outcome.diff(status),
    }


def _message(outcome: Outcome, status: str, check_mode: bool) -> str:
    """Return what became of a detached command."""
    if check_mode and outcome.changed:
        return "it would run, but this is check mode"
    if status == STOPPED:
        return f"it has ended with exit code {outcome.after.exit_status}"
    return "it runs" if outcome.changed else "it exists already"
