# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of runsc_execs to a request for each container, and from what came of them to the result."""

from __future__ import annotations

import typing as t

from .exec_task import exec_one, request
from .inspection import Filter, running
from .many_task import Tally, batch, do_all, failed
from .module import ModuleLike
from .runsc import ids
from .runsc.client import Runsc
from .runsc.errors import RunscError, UsageError

# The options of runsc_exec that two containers can't share.
_OF_ONE: dict[str, t.Any] = {
    "name": "",
    "process": None,
    "tty": False,
    **dict.fromkeys(("console_socket", "pid_file", "internal_pid_file")),
}


def execs_task(module: ModuleLike, runsc: Runsc) -> dict[str, t.Any]:
    """Run one command in many containers."""
    params = module.params
    if params["output_limit"] < 1:
        raise UsageError(f"output_limit: {params['output_limit']!r} is not positive", remedy="Give a number of bytes")
    how = batch(params)
    template = request({**params, **_OF_ONE})
    names = _names(runsc, params)
    if not names and params["names"] is None:
        module.warn(f"no container under {params['root']} both fits and runs, so the command was run in none")
    runsc.output_limit = params["output_limit"]

    def one(name: str) -> dict[str, t.Any]:
        try:
            wanted = template._replace(name=name)
            return exec_one(runsc, wanted, params["strip_empty_ends"], check_mode=module.check_mode)
        except (RunscError, OSError, ValueError) as exc:
            return failed(runsc, exc, name)

    facts, kept = do_all(names, one, how, Tally("containers", params["result"]), str)
    return {**facts, "containers": {names[index]: result for index, result in kept.items()}}


def _names(runsc: Runsc, params: t.Mapping[str, t.Any]) -> list[str]:
    """Return the containers that are named, or those that run and fit. :raises UsageError: the names make no sense."""
    if params["names"] is not None:
        names: list[str] = params["names"]
        ids.check_together(names, "names")
        return names
    return running(runsc, Filter(pattern=params["pattern"], annotations=params["annotations"]))
