# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How messages name a place in a document and show what stands there, secrets excepted."""

from __future__ import annotations

import difflib
import re
import typing as t

Path = tuple[str | int, ...]

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)=")
_LONGEST = 80
_NEAR = 0.8  # of difflib's ratio: one letter other in a word of five, or one more or less
# The field whose values are for nobody's eyes.
_SECRET = "env"


def place(path: Path) -> str:
    """Return a path as a person writes it: C(mounts[3].destination), C(annotations["a.b"])."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += '["' + step.replace('"', '\\"') + '"]'
    return text


def shown(value: t.Any, path: Path = ()) -> str:
    """Return a value for a message. Of an environment only a variable's name, of lists and objects only what they are."""
    if isinstance(value, dict):
        return "an object" if value else "an empty object"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if _SECRET in path:
        return _variable(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return repr(value if len(value) <= _LONGEST else value[:_LONGEST] + "...")
    return "null" if value is None else str(value)


def _variable(value: t.Any) -> str:
    if not isinstance(value, str):
        return "no text"
    found = _VARIABLE.match(value)
    return f"a text for {found.group(1)!r}" if found else "a text that is not shown"


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
