# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what jsonschema says to what a person wants to read."""

from __future__ import annotations

import typing as t

from ..suggestions import did_you_mean, near
from .config_schema import FOREIGN
from .pieces import Schema
from .places import Path, place, shown

# A field is taken for a misspelt one if it is closer to one than a later version's own ("netDevices" to "devices").
_TYPO = 0.85


class Finding(t.NamedTuple):
    """Something about one place. An unknown field that resembles no known one is no error: runsc passes over it."""

    path: Path
    text: str
    is_error: bool = True

    def __str__(self) -> str:
        """Return it as one sentence."""
        return f"{place(self.path)} {self.text}" if self.path else f"the document {self.text}"


class SchemaError(t.Protocol):
    """What is used of jsonschema's ValidationError."""

    instance: t.Any
    schema: t.Any
    validator: t.Any

    @property
    def absolute_path(self) -> t.Iterable[str | int]:
        """Where it is."""


def explain(errors: t.Iterable[SchemaError], prefix: Path) -> list[Finding]:
    """Return a finding for each thing that is wrong, one for each place."""
    findings: dict[Path, Finding] = {}
    for error in errors:
        for finding in _SPECIAL.get(error.validator, _wrong)(error, (*prefix, *error.absolute_path)):
            findings.setdefault(finding.path, finding)
    return list(findings.values())


def _wrong(error: SchemaError, path: Path) -> t.Iterator[Finding]:
    schema: Schema = error.schema
    more = did_you_mean(near(error.instance, schema["enum"])) if "enum" in schema else ""
    if isinstance(error.instance, str) and "\0" in error.instance:
        more = " without NUL characters"
    yield Finding(path, f"is {shown(error.instance, path)}, expected {schema['expected']}{more}")


def _missing(error: SchemaError, path: Path) -> t.Iterator[Finding]:
    for name in error.schema["required"]:
        if name not in error.instance:
            expected = error.schema["properties"][name]["expected"]
            yield Finding((*path, name), f"is missing, expected {expected}")


def _unknown(error: SchemaError, path: Path) -> t.Iterator[Finding]:
    known: Schema = error.schema["properties"]
    for name in error.instance:
        if name in known:
            continue
        here = (*path, name)
        meant = near(name, known, _TYPO)
        if not path and name in FOREIGN:
            yield Finding(here, "is for another system, expected no such section: runsc runs Linux containers only")
        elif meant:
            yield Finding(here, f"is no field of an OCI document{did_you_mean(place((*path, meant)))}")
        else:
            yield Finding(here, "is no field of an OCI document that runsc knows; it is ignored", is_error=False)


def _bad_name(error: SchemaError, path: Path) -> t.Iterator[Finding]:
    yield Finding((*path, str(error.instance)), "has an empty name, expected a name that is not empty")


_SPECIAL: dict[str, t.Callable[[SchemaError, Path], t.Iterator[Finding]]] = {
    "required": _missing,
    "additionalProperties": _unknown,
    "minLength": _bad_name,
}
