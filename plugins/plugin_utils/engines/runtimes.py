# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runtimes that a user wants to register, made complete and checked."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import flags
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import UsageError

# What is a name to docker, containerd and podman alike, and the name of a file in a folder of ours.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
# Engines know these by themselves; to register them anew would change what runs today.
_TAKEN = ("runc", "crun")
_KEYS = ("name", "path", "flags", "state")


class EngineError(Exception):
    """Something that a user has to mend; the text says what and how."""


class Runtime(t.NamedTuple):
    """One runtime of an engine: a name for a runsc with flags.

    :param arguments: the flags as arguments.
    """

    name: str
    path: str
    arguments: list[str]
    state: str

    @property
    def is_wanted(self) -> bool:
        """Whether it is to be there."""
        return self.state == "present"


def complete(runtimes: t.Any, option: str, default_path: str) -> list[Runtime]:
    """Return the runtimes with their defaults.

    :param option: the variable that they come from, for messages.
    :param default_path: the runsc of those that name none.
    :raises EngineError: one can't be registered.
    """
    if not isinstance(runtimes, Sequence) or isinstance(runtimes, (str, bytes)):
        raise EngineError(f"{option}: {runtimes!r} is not a list. Give a list of runtimes, each with a name")
    done = [_complete(runtime, f"{option}[{index}]", default_path) for index, runtime in enumerate(runtimes)]
    names = [runtime.name for runtime in done]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise EngineError(f"{option}: {twice[0]!r} is there twice. Give each runtime a name of its own")
    return done


def arguments(wanted: t.Any, option: str) -> list[str]:
    """Return runsc's global flags as arguments. :raises EngineError: they can't be flags."""
    if not isinstance(wanted, Mapping):
        raise EngineError(f"{option}: {wanted!r} is not a dictionary. Give the flags by name, as in 'network: none'")
    try:
        return flags.arguments(flags.normalise(wanted, option))
    except UsageError as exc:
        raise EngineError(str(exc)) from exc


def _complete(runtime: t.Any, where: str, default_path: str) -> Runtime:
    if not isinstance(runtime, Mapping):
        raise EngineError(f"{where}: {runtime!r} is not a dictionary. Give it as 'name: {runtime}'")
    unknown = sorted(set(runtime) - set(_KEYS))
    if unknown:
        raise EngineError(f"{where}: there is no option {unknown[0]!r}. There are {', '.join(_KEYS)}")
    name, path, state = runtime.get("name"), runtime.get("path") or default_path, runtime.get("state") or "present"
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise EngineError(f"{where}.name: {name!r} is not a name. Use letters, digits, '-' and '_'")
    if name in _TAKEN:
        raise EngineError(f"{where}.name: {name!r} is a runtime that engines know by themselves. Choose another name")
    if not isinstance(path, str) or not path.startswith("/"):
        raise EngineError(f"{where}.path: {path!r} is not an absolute path. Give the whole path of runsc")
    if state not in ("present", "absent"):
        raise EngineError(f"{where}.state: {state!r} is not a state. Give present or absent")
    return Runtime(name, path, arguments(runtime.get("flags") or {}, f"{where}.flags"), state)
