# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of runsc_info to what is to be described, and to the result."""

from __future__ import annotations

import typing as t

from .inspection import Filter, describe_binary, describe_containers
from .module import ModuleLike
from .runsc.client import Runsc
from .runsc.errors import UsageError


def info_task(module: ModuleLike, runsc: Runsc) -> dict[str, t.Any]:
    """Describe the binary and the containers."""
    params = module.params
    for key, value in (params["annotations"] or {}).items():
        if not isinstance(value, str):
            raise UsageError(
                f"annotations: the value of {key!r} is {value!r}, which is no text", remedy="Quote it in YAML"
            )
    wanted = Filter(params["name"], params["pattern"], params["status"], params["annotations"])
    found = describe_containers(runsc, wanted, params["gather"])
    return {"changed": False, **describe_binary(runsc), "containers": found.containers, "unreadable": found.unreadable}
