# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error of a step, apart from L(reconcile): every module knows the error, and few need the rest. No Ansible in here."""

from __future__ import annotations

import typing as t

from .observation import Observed
from .runsc.errors import RunscError


class ReconcileError(Exception):
    """A step failed. Carries the error, what had been done before it, and what is there now."""

    def __init__(self, error: RunscError, actions: t.Sequence[str], found: Observed) -> None:
        super().__init__(str(error))
        self.error = error
        self.actions = list(actions)
        self.found = found
