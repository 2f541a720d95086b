# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A little of TOML that the standard library lacks: writing it."""

from __future__ import annotations

import json
import re
import tomllib
import typing as t
from collections.abc import Iterator, Mapping, Sequence

from .runtimes import EngineError

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def parse(text: str, path: str) -> dict[str, t.Any]:
    """Return the document. :raises EngineError: it is none."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise EngineError(f"{path} is not valid TOML: {exc}. Mend it by hand first") from exc


def table(keys: Sequence[str], values: Mapping[str, t.Any]) -> str:
    """Return a table, with its whole name, and the tables in it: text that can stand anywhere behind other tables."""
    return "\n\n".join(_tables(list(keys), values)) + "\n"


def value(content: t.Any) -> str:
    """Return a value in one line."""
    if isinstance(content, bool):
        return "true" if content else "false"
    if isinstance(content, (int, float)):
        return repr(content)
    if isinstance(content, str):
        # But for one character, what JSON writes is a string of TOML.
        return json.dumps(content, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(content, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {value(item)}" for key, item in content.items()) + "}"
    if isinstance(content, Sequence):
        return "[" + ", ".join(value(item) for item in content) + "]"
    raise EngineError(f"{content!r} has no place in TOML. Give a text, a number, a boolean or a list")


def _tables(keys: list[str], values: Mapping[str, t.Any]) -> Iterator[str]:
    plain = {key: content for key, content in values.items() if not isinstance(content, Mapping)}
    lines = [f"[{'.'.join(_key(key) for key in keys)}]"]
    lines += [f"  {_key(key)} = {value(content)}" for key, content in plain.items()]
    yield "\n".join(lines)
    for key, content in values.items():
        if isinstance(content, Mapping):
            yield from _tables([*keys, key], content)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else value(key)
