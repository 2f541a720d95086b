# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was probably meant by a name that is not known."""

from __future__ import annotations

import difflib
import typing as t

_NEAR = 0.8  # of difflib's ratio: one letter other in a word of five, or one more or less


def near(value: t.Any, names: t.Iterable[str], cutoff: float = _NEAR) -> str | None:
    """Return the name that was probably meant, whatever the case of its letters, or None.

    A name without the prefix that all of its kind have, such as C(net_admin), is taken for the whole one.
    """
    if not isinstance(value, str) or not value:
        return None
    by_case = {name.lower(): name for name in names}
    given = value.lower()
    whole = [name for name in by_case if name.endswith(f"_{given}")]
    found = difflib.get_close_matches(given, whole or by_case, n=1, cutoff=0.0 if whole else cutoff)
    return by_case[found[0]] if found else None


def did_you_mean(name: str | None) -> str:
    """Return the suggestion as it is added to a message; nothing for no name."""
    return f" (did you mean {name!r}?)" if name else ""
