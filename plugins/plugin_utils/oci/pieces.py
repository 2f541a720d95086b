# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pieces that the schemas are made of.

Each schema carries C(expected), which says in plain words what has to stand there. jsonschema passes over keywords that it
does not know; the messages are made from it.
"""

from __future__ import annotations

import typing as t

Schema = dict[str, t.Any]

UINT32_MAX = 2**32 - 1
UINT64_MAX = 2**64 - 1
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
# Python's $ would take a final newline.
_TEXT = r"\A[^\x00]*\Z"
_SOME_TEXT = r"\A[^\x00]+\Z"
_ABSOLUTE = r"\A/[^\x00]*\Z"
_VARIABLE = r"\A[^=\x00]+=[^\x00]*\Z"


def text(expected: str = "a text", pattern: str = _TEXT) -> Schema:
    """Return the schema of a text without NUL characters, which no program and no path can hold."""
    return {"type": "string", "pattern": pattern, "expected": expected}


def some_text(expected: str) -> Schema:
    """Return the schema of a text that is not empty."""
    return text(expected, _SOME_TEXT)


def absolute_path(expected: str) -> Schema:
    """Return the schema of a path that begins with a slash."""
    return text(expected, _ABSOLUTE)


def integer(minimum: int, maximum: int, expected: str = "") -> Schema:
    """Return the schema of a whole number within bounds."""
    words = expected or f"a whole number from {minimum} to {maximum}"
    return {"type": "integer", "minimum": minimum, "maximum": maximum, "expected": words}


def boolean() -> Schema:
    """Return the schema of true or false."""
    return {"type": "boolean", "expected": "true or false"}


def choice(names: t.Sequence[str], expected: str = "") -> Schema:
    """Return the schema of one of some names, which are listed where no words are given."""
    return {"enum": list(names), "expected": expected or f"one of {', '.join(names)}"}


def listing(items: Schema, expected: str, minimum: int = 0) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items, "minItems": minimum, "expected": expected}


def environment() -> Schema:
    """Return the schema of environment variables."""
    return listing(text("NAME=value", _VARIABLE), "a list of texts like NAME=value")


def mapping(values: Schema, expected: str) -> Schema:
    """Return the schema of an object with free names, of which none is empty."""
    return {
        "type": "object",
        "propertyNames": {"minLength": 1, "expected": "a name that is not empty"},
        "additionalProperties": values,
        "expected": expected,
    }


def fields(expected: str, required: t.Iterable[str] = (), **properties: Schema) -> Schema:
    """Return the schema of an object with known fields.

    Others are reported by jsonschema; whether that is an error or a warning is decided where messages are made.
    """
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
        "expected": f"an object: {expected}",
    }
