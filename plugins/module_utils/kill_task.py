# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of runsc_kill to a signal, and from what came of it to the result."""

from __future__ import annotations

import typing as t

from .module import ModuleLike, failure
from .observation import glance
from .runsc.client import Runsc
from .runsc.errors import UsageError
from .signalling import Signal, StillRunsError, send


def kill_task(module: ModuleLike, runsc: Runsc) -> dict[str, t.Any]:
    """Send a signal into one container."""
    wanted = Signal(**{option: module.params[option] for option in Signal._fields})
    if wanted.pid is not None and wanted.pid < 1:
        raise UsageError(f"pid: {wanted.pid!r} is not the number of a process", remedy="Give 1 or more")
    try:
        done = send(runsc, wanted, check_mode=module.check_mode)
    except StillRunsError as exc:
        return {**failure(exc, glance(runsc, wanted.name)), "changed": True, "sent": True, "signal": exc.number}
    return {
        "changed": done.sent,
        "sent": done.sent,
        "signal": done.number,
        "status": done.after,
        "ended": done.ended,
        "diff": {"before": {"status": done.before}, "after": {"status": done.after}},
    }
