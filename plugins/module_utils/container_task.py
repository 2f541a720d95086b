# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of runsc_container to a desired state, and from its outcome to the result."""

from __future__ import annotations

import typing as t

from . import lifecycle
from .module import ModuleLike, Spec
from .planning import Desired
from .reconcile import Outcome, converge
from .runsc import signals
from .runsc.client import Runsc
from .runsc.errors import UsageError
from .runsc.options import CreateOptions
from .service_roots import refuse_service_root

# The options of a container, but for its name.
OPTIONS: Spec = {
    "state": {"type": "str", "default": "running", "choices": ["absent", "created", "running", "paused", "stopped"]},
    "bundle": {"type": "path"},
    "recreate": {"type": "str", "default": "never", "choices": ["never", "on-change", "always"]},
    "force": {"type": "bool", "default": False},
    "restore_from": {"type": "path"},
    "stop_signal": {"type": "str"},
    "stop_timeout": {"type": "float", "default": 10.0},
    "create_timeout": {"type": "float", "default": 60.0},
    "delete_timeout": {"type": "float", "default": 150.0},
    "stdin": {"type": "path"},
    "stdout": {"type": "path"},
    "stderr": {"type": "path"},
    "pid_file": {"type": "path"},
    "user_log": {"type": "path"},
    "keep_exit_status": {"type": "bool", "default": False},
    "console_socket": {"type": "path"},
}

_TIMES = ("stop_timeout", "create_timeout", "delete_timeout")


def container_task(module: ModuleLike, runsc: Runsc) -> dict[str, t.Any]:
    """Bring one container to the state that the options ask for."""
    wanted = desired(module.params)
    refuse_service_root(runsc.root)
    outcome = converge(runsc, wanted, check_mode=module.check_mode)
    for warning in outcome.warnings:
        module.warn(warning)
    return result(wanted, outcome, module.check_mode)


def desired(params: t.Mapping[str, t.Any]) -> Desired:
    """Return the options as a desired state. :raises UsageError: one of them makes no sense."""
    if params["stop_signal"] is not None:
        signals.number(params["stop_signal"], "stop_signal")
    for option in _TIMES:
        if params[option] < 0:
            raise UsageError(f"{option}: {params[option]!r} is negative", remedy="Give a number of seconds")
    files = {option: params[option] for option in CreateOptions._fields}
    options = {option: params[option] for option in Desired._fields if option in params}
    return Desired(options=CreateOptions(**files), **options)


def result(wanted: Desired, outcome: Outcome, check_mode: bool) -> dict[str, t.Any]:
    """Return the result of the module. In check mode, the container with the status that it would have."""
    container, status = described(wanted.name, outcome, check_mode)
    return {
        "changed": outcome.changed,
        "actions": outcome.actions,
        "container": container,
        "drift": [difference.path for difference in outcome.differences],
        "removed_members": list(outcome.removed_members),
        "diff": outcome.diff(status),
    }


def described(name: str, outcome: Outcome, check_mode: bool) -> tuple[dict[str, t.Any], str]:
    """Return the container that it came to, and its status; in check mode the one that it would have."""
    status = lifecycle.simulate(outcome.before.status, outcome.actions) if check_mode else outcome.after.status
    return {"id": name, **outcome.after.as_dict(), "status": status}, status
