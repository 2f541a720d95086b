# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signals by name or number, as runsc takes them: the classic 1 to 31, no real-time signals, no 0."""

from __future__ import annotations

import signal

from .errors import UsageError

_HIGHEST = 31


def number(value: str | int, option: str = "signal") -> int:
    """Return the number of a signal given as C(TERM), C(SIGTERM), C(sigterm) or C(15).

    :raises UsageError: there is no such signal, or runsc can't send it.
    """
    text = str(value).strip()
    if text.isdigit():
        found = int(text)
    else:
        name = text.upper()
        found = getattr(signal.Signals, name if name.startswith("SIG") else f"SIG{name}", 0)
    if not 1 <= found <= _HIGHEST:
        raise UsageError(
            f"{option}: {value!r} is not a signal that runsc can send", remedy="Give a name such as TERM, or 1 to 31"
        )
    return int(found)
