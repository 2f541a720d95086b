# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several containers of one task in one sandbox: who comes after whom, and what one does to the others. No Ansible in here."""

from __future__ import annotations

import typing as t

from . import lifecycle
from .lifecycle import CREATED, PAUSED, RUNNING, STOPPED
from .planning import Desired, Planner
from .runsc import statedir
from .runsc.client import Runsc
from .runsc.errors import UsageError

# What the first container of a sandbox may be asked to be, for a member that is asked to be something. A member that is to be
# absent or stopped may be in any.
_FITTING: dict[str, tuple[str, ...]] = {CREATED: (CREATED, RUNNING), RUNNING: (RUNNING,), PAUSED: (RUNNING,)}


class Pods:
    """Which containers of a list live in the sandbox of another one in it.

    :ivar sandboxes: those in which others live.
    :raises UsageError: two of them can't be what they are asked to be, both.
    """

    def __init__(self, runsc: Runsc, planner: Planner, wanted: t.Sequence[Desired]) -> None:
        self._wanted = wanted
        self._sandbox: dict[str, str] = {}
        by_name = {desired.name: desired for desired in wanted} if len(wanted) > 1 else {}
        existing = runsc.existing() if by_name else {}
        for desired in by_name.values():
            path = existing.get(desired.name)
            sandbox = planner.sandbox_of(desired) or (statedir.sandbox_of(path) if path else "")
            if sandbox != desired.name and sandbox in by_name:
                self._sandbox[desired.name] = sandbox
                _check_fit(desired, by_name[sandbox])
        self.sandboxes = frozenset(self._sandbox.values())

    def waves(self) -> list[list[Desired]]:
        """Return the list in parts, of which each needs those before it."""
        first = [desired for desired in self._wanted if desired.name not in self._sandbox]
        return [first, [desired for desired in self._wanted if desired.name in self._sandbox]]

    def sandbox_of(self, name: str) -> str:
        """Return the container of the list in whose sandbox this one lives; nothing if there is none."""
        return self._sandbox.get(name, "")

    def members(self, names: t.Collection[str]) -> list[str]:
        """Return the containers of the list that live in the sandboxes of these."""
        return [name for name, sandbox in self._sandbox.items() if sandbox in names]


def _check_fit(member: Desired, sandbox: Desired) -> None:
    if sandbox.state not in _FITTING.get(member.state, (sandbox.state,)):
        raise UsageError(
            f"containers: {member.name!r} is to be {member.state}, and {sandbox.name!r}, in whose sandbox it lives, is to be"
            f" {sandbox.state}",
            remedy=f"Give {sandbox.name!r} the state running, or {member.name!r} the state absent",
        )


def with_sandbox(found: str, steps: t.Collection[str]) -> tuple[lifecycle.Plan, str]:
    """Return what the steps of the first container of a sandbox do to another one in it, and what that is afterwards."""
    if found == lifecycle.ABSENT:
        return (), found
    if not {lifecycle.DELETE, lifecycle.FORCE_DELETE}.isdisjoint(steps):
        return (lifecycle.FORCE_DELETE,), lifecycle.ABSENT
    if lifecycle.STOP in steps and found == RUNNING:
        return (lifecycle.STOP,), STOPPED
    return (), found
