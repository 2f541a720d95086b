# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking into a document of which nobody knows yet whether it is well formed."""

from __future__ import annotations

import typing as t

# Objects whose names are free: null is a value there, and a wrong one.
_FREE = frozenset({"annotations", "sysctl", "unified", "rdma"})


def plain(value: t.Any, name: str = "") -> t.Any:
    """Return a copy made of JSON's own types, as runsc will read it.

    Ansible's strings and dictionaries are subclasses that know where they come from and are templated when looked at. A
    field that is null is left out: runsc takes it for one that is not there.
    """
    if isinstance(value, dict):
        is_free = name in _FREE
        return {str(key): plain(item, str(key)) for key, item in value.items() if item is not None or is_free}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return str(value)
    return value


def objects(value: t.Any) -> list[tuple[int, dict[str, t.Any]]]:
    """Return the objects in a list, with their indexes; of anything but a list, nothing."""
    items = value if isinstance(value, list) else []
    return [(index, item) for index, item in enumerate(items) if isinstance(item, dict)]


def at(document: t.Any, *path: str) -> t.Any:
    """Return what is at a path of fields, or None."""
    for name in path:
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return document


def an_object(document: t.Any, *path: str) -> dict[str, t.Any]:
    """Return the object at a path of fields, an empty one if there is no object."""
    found = at(document, *path)
    return found if isinstance(found, dict) else {}


def texts(value: t.Any) -> list[str]:
    """Return the texts in a list; of anything but a list, nothing."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def number(value: t.Any) -> int | None:
    """Return a whole number as it is, None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
