# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of hosts: valid ones, and one for each container, though ids are unique on one root of one node only."""

from __future__ import annotations

import collections
import re
import typing as t

from ansible.constants import LOCALHOST

from ...module_utils.runsc.errors import UsageError

# As ids and machines are called, and not such that a pattern of hosts, a path or an option could be meant.
_VALID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@-]*")
# A sandbox under one of these names would be taken for the controller, or for all hosts.
_RESERVED = frozenset({*LOCALHOST, "all", "ungrouped"})
_APART = "@"  # can't be in an id


class Place(t.NamedTuple):
    """Where a container is. No two have the same."""

    node: str
    root: str
    id: str


def default_name(place: Place, *, several_nodes: bool) -> str:
    """Return C(id), or C(id@node) if there are several nodes. It does not depend on what else is there."""
    return f"{place.id}{_APART}{_tidy(place.node)}" if several_nodes else place.id


def is_valid(name: str) -> bool:
    """Whether this can be the name of a host."""
    return bool(_VALID.fullmatch(name))


def unique_names(wanted: t.Mapping[Place, str]) -> tuple[dict[Place, str], list[str]]:
    """Return a name for each container, and the names that several wanted, or that would be taken for another host.

    All who wanted the same get C(id@node@root) instead, so that a short name never changes its meaning.

    :raises UsageError: even those are the same.
    """
    counts = collections.Counter(wanted.values())
    clashes = sorted(name for name, count in counts.items() if count > 1 or name in _RESERVED)
    names = {place: _full_name(place) if name in clashes else name for place, name in wanted.items()}
    for name, count in collections.Counter(names.values()).items():
        if count > 1:
            raise UsageError(
                f"hostname: {count} containers would be {name!r}", remedy="Set hostname to tell them apart"
            )
    return names, clashes


def _full_name(place: Place) -> str:
    return _APART.join([place.id, _tidy(place.node), _tidy(place.root.strip("/").replace("/", "-"))])


def _tidy(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.+-]", "-", text)
