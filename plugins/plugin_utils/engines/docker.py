# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docker's daemon.json, edited as data: other keys and their order are kept."""

from __future__ import annotations

import json
import re
import typing as t
from collections.abc import Mapping, Sequence

from .runtimes import EngineError, Runtime

_INDENTATION = re.compile(r'^([ \t]+)"', re.MULTILINE)
_MEND = "Mend it by hand first"


def registered(text: str, runtimes: Sequence[Runtime], default_runtime: str | None = None, path: str = "") -> str:
    """Return the text with the runtimes in it. If they are there already it is the same text, to the letter.

    :param default_runtime: the runtime of containers that name none; without it, what stands there stays.
    :param path: where the text is from, for messages.
    :raises EngineError: it can't be edited.
    """
    path = path or "daemon.json"
    old = _parse(text, path) if text.strip() else {}
    new = {**old, "runtimes": _runtimes(old.get("runtimes"), runtimes, path)}
    if not new["runtimes"]:
        del new["runtimes"]
    if default_runtime:
        new["default-runtime"] = default_runtime
    _check_default(new, runtimes, path)
    if new == old:
        return text
    indentation = _INDENTATION.search(text)
    return json.dumps(new, indent=indentation.group(1) if indentation else 2, ensure_ascii=False) + "\n"


def missing(info: t.Any, runtimes: Sequence[Runtime]) -> list[str]:
    """Return the names of the runtimes with which a running dockerd is behind.

    :param info: what C(docker info) says of runtimes, by name.
    """
    known = info if isinstance(info, Mapping) else {}
    return [runtime.name for runtime in runtimes if not _is_known(known.get(runtime.name), runtime)]


def _is_known(found: t.Any, runtime: Runtime) -> bool:
    if not runtime.is_wanted:
        return found is None
    return (
        isinstance(found, Mapping)
        and found.get("path") == runtime.path
        and list(found.get("runtimeArgs") or []) == runtime.arguments
    )


def _runtimes(old: t.Any, runtimes: Sequence[Runtime], path: str) -> dict[str, t.Any]:
    if old is not None and not isinstance(old, dict):
        raise EngineError(f"{path}: 'runtimes' is not an object but {json.dumps(old)}. {_MEND}")
    new = dict(old or {})
    for runtime in runtimes:
        if not runtime.is_wanted:
            new.pop(runtime.name, None)
            continue
        new[runtime.name] = {"path": runtime.path}
        if runtime.arguments:
            new[runtime.name]["runtimeArgs"] = runtime.arguments
    return new


def _check_default(new: Mapping[str, t.Any], runtimes: Sequence[Runtime], path: str) -> None:
    default = new.get("default-runtime")
    if default in [runtime.name for runtime in runtimes if not runtime.is_wanted]:
        raise EngineError(
            f"{path}: {default!r} is the default runtime of docker, so it can't be removed. "
            "Set docker_default_runtime to another one, such as runc"
        )


def _parse(text: str, path: str) -> dict[str, t.Any]:
    def unique(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
        """To edit an object that has a key twice would lose one of them in silence."""
        keys = [key for key, _value in pairs]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise EngineError(f"{path}: an object has the key {twice[0]!r} twice. {_MEND}")
        return dict(pairs)

    try:
        document = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as exc:
        raise EngineError(
            f"{path} is not valid JSON: {exc.msg} in line {exc.lineno}, column {exc.colno}. {_MEND}"
        ) from exc
    if not isinstance(document, dict):
        raise EngineError(f"{path} holds no JSON object but {type(document).__name__}. {_MEND}")
    return document
