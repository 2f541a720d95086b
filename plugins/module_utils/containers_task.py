# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of runsc_containers to desired states, and from their outcomes to the result."""

from __future__ import annotations

import typing as t

from .container_task import OPTIONS, desired, result
from .many_task import Tally, batch
from .module import ModuleLike, Spec, failure
from .observation import glance
from .planning import Desired
from .purge import Purge, doomed
from .reconcile import Outcome, Result, converge_all
from .reconcile_error import ReconcileError
from .runsc import ids
from .runsc.client import Runsc
from .runsc.errors import UsageError
from .service_roots import refuse_service_root

# The options that can be given for all containers. The others belong to one: two can't have the same files.
_FOR_ALL = (
    *("state", "bundle", "recreate", "force", "stop_signal", "stop_timeout", "create_timeout", "delete_timeout"),
    "keep_exit_status",
)
DEFAULTS: Spec = {option: OPTIONS[option] for option in _FOR_ALL}
# Where a container says nothing, what is said for all holds.
CONTAINER: Spec = {
    "name": {"type": "str", "required": True, "aliases": ["id"]},
    **{option: {key: value for key, value in spec.items() if key != "default"} for option, spec in OPTIONS.items()},
}


def containers_task(module: ModuleLike, runsc: Runsc) -> dict[str, t.Any]:
    """Bring many containers to the states that the options ask for."""
    params = module.params
    how = batch(params)
    wanted = _wanted(params)
    refuse_service_root(runsc.root)
    kept = {one.name for one in wanted}
    purge = Purge(**params["purge"]) if params["purge"] is not None else None
    first = doomed(runsc, purge, kept, desired({**_defaults(params), "name": ""})) if purge else []
    found = _Found(module, runsc, kept)
    interrupted = False
    try:
        converge_all(runsc, wanted, found.add, check_mode=module.check_mode, batch=how, first=first)
    except KeyboardInterrupt:
        interrupted = True
    for warning in found.warnings:
        module.warn(warning)
    return found.result(interrupted)


def _defaults(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {option: params[option] if option in DEFAULTS else None for option in OPTIONS}


def _wanted(params: t.Mapping[str, t.Any]) -> list[Desired]:
    """Return the desired states. :raises UsageError: an option makes no sense, or the names can't be together."""
    defaults = _defaults(params)
    entries = [*(params["containers"] or []), *({"name": name} for name in params["names"] or [])]
    ids.check_together((entry["name"] for entry in entries), "containers")
    wanted = []
    for entry in entries:
        given = {option: value for option, value in entry.items() if value is not None}
        try:
            wanted.append(desired({**defaults, **given}))
        except UsageError as exc:
            raise UsageError(f"container {entry['name']!r}: {exc.message}", remedy=exc.remedy) from exc
    return wanted


class _Found:
    """What came of the containers, as far as it is to be returned."""

    def __init__(self, module: ModuleLike, runsc: Runsc, kept: t.Collection[str]) -> None:
        self._module = module
        self._runsc = runsc
        self._kept = kept
        self._tally = Tally("containers", module.params["result"])
        self._purged: list[str] = []
        self._containers: dict[str, t.Any] = {}
        self._before: dict[str, t.Any] = {}
        self._after: dict[str, t.Any] = {}
        self.warnings: dict[str, None] = {}

    def add(self, wanted: Desired, outcome: Result) -> None:
        """Take over what came of one."""
        found = self._described(wanted, outcome)
        is_purged = wanted.name not in self._kept
        if is_purged and found is not None and found["changed"] and not found.get("failed"):
            self._purged.append(wanted.name)
        if is_purged and found is not None and not found["changed"] and not found.get("failed"):
            return  # somebody else has removed or replaced it meanwhile
        diff = found.pop("diff", None) if found else None
        if self._module._diff and diff and found and found["changed"]:
            self._before[wanted.name], self._after[wanted.name] = diff["before"], diff["after"]
        if self._tally.add(wanted.name, found):
            self._containers[wanted.name] = found or {"changed": False, "not_begun": True}

    def _described(self, wanted: Desired, outcome: Result) -> dict[str, t.Any] | None:
        if outcome is None:
            return None
        if isinstance(outcome, Outcome):
            self.warnings.update(dict.fromkeys(outcome.warnings))
            return result(wanted, outcome, self._module.check_mode)
        if isinstance(outcome, ReconcileError):
            done = {"changed": bool(outcome.actions), "actions": outcome.actions}
            return {**failure(outcome.error, outcome.found.status), **done}
        return {**failure(outcome, glance(self._runsc, wanted.name)), "changed": False}

    def result(self, interrupted: bool) -> dict[str, t.Any]:
        """Return the result of the module."""
        return {
            **self._tally.result(interrupted),
            "containers": self._containers,
            "purged": self._purged,
            "diff": {"before": self._before, "after": self._after},
        }
