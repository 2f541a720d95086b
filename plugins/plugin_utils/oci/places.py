# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How messages name a place in a document and show what stands there, secrets excepted."""

from __future__ import annotations

import re
import typing as t

Path = tuple[str | int, ...]

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)=")
_LONGEST = 80
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
