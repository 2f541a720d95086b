# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of runsc_prune to what is to be removed, and to the result."""

from __future__ import annotations

import typing as t

from .module import ModuleLike, failure
from .prune import prune
from .remains import KINDS, Filter, Remain
from .runsc.client import Runsc
from .runsc.errors import RunscError, UsageError


def prune_task(module: ModuleLike, runsc: Runsc) -> dict[str, t.Any]:
    """Remove what is dead."""
    params = module.params
    if params["older_than"] < 0:
        raise UsageError(f"older_than: {params['older_than']!r} is negative", remedy="Give a number of seconds")
    wanted = Filter(
        params["kinds"] or KINDS,
        params["pattern"],
        params["older_than"],
        params["bundles"] or (),
        params["images"] or (),
    )
    done = prune(runsc, wanted, check_mode=module.check_mode)
    result: dict[str, t.Any] = {
        "changed": bool(done.removed),
        "pruned": [_described(remain) for remain in done.removed],
        "kept": [_described(remain) for remain in done.kept],
        "failures": [_described(remain) for remain in done.failed],
        "diff": {
            "before": "".join(f"{_line(remain)}\n" for remain in done.removed + done.failed),
            "after": "".join(f"{_line(remain)}\n" for remain in done.failed),
        },
    }
    if not done.failed:
        return result
    first = done.failed[0]
    error = RunscError(f"{len(done.failed)} of what is dead can't be removed, first {_line(first)}: {first.reason}")
    return {**failure(error, None), **result}


def _described(remain: Remain) -> dict[str, t.Any]:
    return {**remain._asdict(), "age": round(remain.age, 1)}


def _line(remain: Remain) -> str:
    where = remain.path or f"process {remain.pid}"
    return f"{remain.kind} {remain.id} ({where})" if remain.id else f"{remain.kind} {where}"
