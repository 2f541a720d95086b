# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of runsc_events to a request, and to the result."""

from __future__ import annotations

import typing as t

from .module import ModuleLike, failure
from .observation import glance
from .runsc.client import Runsc
from .sampling import IncompleteError, Request, collect


def events_task(module: ModuleLike, runsc: Runsc) -> dict[str, t.Any]:
    """Collect the statistics of the containers."""
    options = {option: module.params[option] for option in Request._fields if option != "names"}
    try:
        return {"changed": False, "containers": collect(runsc, Request(module.params["name"], **options))}
    except IncompleteError as exc:
        status = glance(runsc, str(exc.container))
        return {**failure(exc, status), "changed": False, "containers": exc.containers}
