# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of runsc_runs to jobs, and from what came of them to the result."""

from __future__ import annotations

import typing as t

from . import command_task as commands
from .many_task import Tally, batch, do_all, failed
from .module import ModuleLike, Spec
from .one_shot import Job, Sweeper, check
from .reconcile import PROCESS_AGE
from .run_task import job, run_one
from .runsc import ids, procfs
from .runsc.client import Runsc
from .runsc.errors import RunscError, UsageError
from .service_roots import refuse_service_root

# The options of runsc_run for what goes on after the task: that is a container, and many of them are for runsc_containers.
_DETACHED = ("detach", "stdout_file", "stderr_file")
_NOT_DETACHED: dict[str, t.Any] = {"detach": False, "stdout_file": None, "stderr_file": None, "keep_exit_status": False}
_COMMAND = ("argv", "command")

# What can be said for all jobs.
DEFAULTS: Spec = {
    **{option: spec for option, spec in commands.OPTIONS.items() if option not in _DETACHED},
    "bundle": {"type": "path"},
    "output_limit": {"type": "int", "default": 65536},
}
# Where a job says nothing, what is said for all holds.
JOB: Spec = {
    **{option: {key: value for key, value in spec.items() if key != "default"} for option, spec in DEFAULTS.items()},
    "name": {"type": "str", "aliases": ["id"]},
    "creates": {"type": "path"},
    "removes": {"type": "path"},
}


def runs_task(module: ModuleLike, runsc: Runsc) -> dict[str, t.Any]:
    """Run many commands, each in a sandbox of its own."""
    params = module.params
    how = batch(params)
    entries = [_entry(params, given) for given in params["jobs"]]
    jobs = [_job(index, entry) for index, entry in enumerate(entries)]
    refuse_service_root(runsc.root)
    ids.check_together((wanted.name for wanted in jobs if wanted.name), "jobs")
    if len(jobs) > 1:
        runsc.processes = procfs.Processes(PROCESS_AGE)
    clean = Sweeper()

    def one(index: int) -> dict[str, t.Any]:
        wanted, strip = jobs[index], entries[index]["strip_empty_ends"]
        try:
            return run_one(runsc, wanted, strip, check_mode=module.check_mode, clean=clean)
        except (RunscError, OSError, ValueError) as exc:
            return failed(runsc, exc, wanted.name)

    def label(index: int) -> str:
        return jobs[index].name or f"jobs[{index}]"

    facts, kept = do_all(range(len(jobs)), one, how, Tally("jobs", params["result"]), label)
    return {**facts, "results": [{**result, "index": index} for index, result in kept.items()]}


def _entry(params: t.Mapping[str, t.Any], given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the options of one job, with what is said for all where it says nothing."""
    own = {option: value for option, value in given.items() if value is not None}
    defaults = {option: params.get(option) for option in JOB}
    if any(option in own for option in _COMMAND):
        defaults.update(dict.fromkeys(_COMMAND))
    return {**defaults, **_NOT_DETACHED, **own}


def _job(index: int, entry: t.Mapping[str, t.Any]) -> Job:
    """:raises UsageError: an option makes no sense."""
    try:
        if entry["bundle"] is None:
            raise UsageError("bundle: none is given", remedy="Give one to each job, or one for all")
        wanted = job(entry)
        check(wanted)
    except UsageError as exc:
        raise UsageError(f"jobs[{index}]: {exc.message}", remedy=exc.remedy) from exc
    return wanted
