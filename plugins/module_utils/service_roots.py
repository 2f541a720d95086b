# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roots of systemd's services, as the role service makes them: what lives there is systemd's to make and to remove."""

from __future__ import annotations

import os

from .runsc.errors import UsageError

# The role names them after the unit. A root holds one container, so that runsc, which matches ids by prefix, can't mistake it.
_PREFIX = "/run/runsc-service-"


def refuse_service_root(root: str) -> None:
    """Refuse to make or to remove containers where a service would at once do the opposite.

    :raises UsageError: the root is that of a service.
    """
    real = os.path.realpath(root)
    if real.startswith(_PREFIX):
        unit = real[len(_PREFIX) :].partition("/")[0] + ".service"
        raise UsageError(
            f"root: {root!r} belongs to the systemd unit {unit}, which makes and removes the container in it",
            remedy="Use systemctl, or the role gvisor.runsc.service",
        )
