# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of runsc_update to limits, and to the result."""

from __future__ import annotations

import typing as t

from .limits import update
from .module import ModuleLike
from .runsc.client import Runsc


def update_task(module: ModuleLike, runsc: Runsc) -> dict[str, t.Any]:
    """Change the limits of one container."""
    updated = update(runsc, module.params["name"], module.params, check_mode=module.check_mode)
    diff = {"before": updated.before, "after": updated.after}
    return {"changed": updated.changed, "limits": updated.after, "diff": diff}
