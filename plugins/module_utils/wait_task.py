# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of runsc_wait to a condition, and to the result."""

from __future__ import annotations

import typing as t

from .lifecycle import STOPPED
from .module import ModuleLike
from .runsc.client import Runsc
from .runsc.errors import UsageError
from .waiting import Condition, wait


def wait_task(module: ModuleLike, runsc: Runsc) -> dict[str, t.Any]:
    """Wait for what the options say."""
    condition = Condition(**{option: module.params[option] for option in Condition._fields})
    if condition.timeout <= 0:
        raise UsageError(f"timeout: {condition.timeout!r} is not positive", remedy="Give a number of seconds")
    if condition.pid is not None and condition.pid < 1:
        raise UsageError(f"pid: {condition.pid!r} is not the number of a process", remedy="Give 1 or more")
    if condition.pid is not None and condition.until != STOPPED:
        raise UsageError(
            f"until: {condition.until!r} is a status of the container, and pid waits for the end of a process",
            remedy="Give one of them",
        )
    awaited = wait(runsc, condition)
    return {
        "changed": False,
        "status": awaited.status,
        "exit_status": awaited.exit_status,
        "oom_killed": awaited.oom_killed,
        "elapsed": round(awaited.seconds, 3),
    }
