# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several containers in one sandbox: who else is in it, and what one does to the others. No Ansible in here."""

from __future__ import annotations

import typing as t

from .runsc import statedir
from .runsc.client import Runsc
from .runsc.errors import StateError

Existing = t.Mapping[str, str]  # the state file of every container under a root, by id


def others(runsc: Runsc, record: statedir.Record, existing: Existing | None = None) -> list[statedir.Record]:
    """Return the records of the other containers in the sandbox of a container, in the order of their ids."""
    ending = f"_sandbox:{record.sandbox}.state"
    known = runsc.existing() if existing is None else existing
    paths = sorted((name, path) for name, path in known.items() if path.endswith(ending) and name != record.id)
    return [other for other in (statedir.read(path) for _name, path in paths) if other]


def members(runsc: Runsc, record: statedir.Record | None, existing: Existing | None = None) -> list[str]:
    """Return the ids of the containers that live in the sandbox of this one and end with it: none if it is a member itself."""
    if record is None or not record.is_sandbox_root:
        return []
    return [other.id for other in others(runsc, record, existing)]


def frozen_by(runsc: Runsc, record: statedir.Record, existing: Existing | None = None) -> str:
    """Return the id of the container by whose pause this one is frozen, too; nothing if it is not.

    runsc freezes the whole sandbox, and goes on to call the others running.
    """
    if record.status == "paused":
        return ""
    culprit = next((other.id for other in others(runsc, record, existing) if other.status == "paused"), "")
    return culprit if culprit and runsc.is_live(record) else ""


def check_not_frozen(runsc: Runsc, record: statedir.Record, existing: Existing | None = None) -> None:
    """:raises StateError: the container is frozen; a command in it, or a signal to it, would hang."""
    culprit = frozen_by(runsc, record, existing)
    if culprit:
        raise frozen(record.id, culprit)


def frozen(container: str, culprit: str) -> StateError:
    """Return the error for a container that can't be used because another one in its sandbox is paused."""
    return StateError(
        f"container {container!r} is frozen, since {culprit!r} in the same sandbox is paused",
        remedy=f"Bring {culprit!r} to state running first",
        container=container,
    )
