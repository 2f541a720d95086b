# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""runsc's global flags: one constant list of arguments, made from plain values."""

from __future__ import annotations

import re
import typing as t

from .errors import UsageError

FlagValue = t.Union[str, int, float, bool]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


def normalise(config: t.Mapping[str, FlagValue], option: str = "config") -> dict[str, str]:
    """Return the flags with their values as runsc writes them, by name in alphabetical order.

    A name may be given with leading dashes; a boolean becomes C(true) or C(false), which are real values to runsc, so
    C(directfs: false) switches that flag off.

    :raises UsageError: a name that can't be a flag's, or a value that is neither text, number nor boolean.
    """
    flags: dict[str, str] = {}
    for given, value in config.items():
        name = str(given).lstrip("-")
        if not _NAME.fullmatch(name):
            dashed = name.replace("_", "-")
            remedy = f"Write it as {dashed!r}" if _NAME.fullmatch(dashed) else "See 'runsc flags' for their names"
            raise UsageError(f"{option}: {given!r} is not the name of a runsc flag", remedy=remedy)
        if not isinstance(value, (str, int, float)):
            raise UsageError(
                f"{option}: the value of {name!r} is {value!r}", remedy="Give a text, a number, or true or false"
            )
        flags[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return dict(sorted(flags.items()))


def arguments(flags: t.Mapping[str, str]) -> list[str]:
    """Return C(--name=value) for each flag. The form with a space is wrong for booleans."""
    return [f"--{name}={value}" for name, value in flags.items()]


def parse(arguments_: t.Iterable[str]) -> dict[str, str]:
    """Return the flags in the arguments of a runsc process, up to the first that is not a flag."""
    flags: dict[str, str] = {}
    for argument in arguments_:
        if not argument.startswith("-"):
            break
        name, equals, value = argument.lstrip("-").partition("=")
        flags[name] = value if equals else "true"
    return flags
