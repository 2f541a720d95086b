# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several containers in one sandbox: who else is in it, and what one does to the others. No Ansible in here."""

from __future__ import annotations

from .runsc import statedir
from .runsc.client import Runsc
from .runsc.errors import StateError


def others(runsc: Runsc, record: statedir.Record) -> list[statedir.Record]:
    """Return the records of the other containers in the sandbox of a container, in the order of their ids."""
    ending = f"_sandbox:{record.sandbox}.state"
    paths = [path for name, path in sorted(runsc.existing().items()) if path.endswith(ending) and name != record.id]
    return [other for other in map(statedir.read, paths) if other]


def members(runsc: Runsc, record: statedir.Record | None) -> list[str]:
    """Return the ids of the containers that live in the sandbox of this one and end with it: none if it is a member itself."""
    if record is None or not record.is_sandbox_root:
        return []
    return [other.id for other in others(runsc, record)]


def frozen_by(runsc: Runsc, record: statedir.Record) -> str:
    """Return the id of the container by whose pause this one is frozen, too; nothing if it is not.

    runsc freezes the whole sandbox, and goes on to call the others running.
    """
    if record.status == "paused" or not runsc.is_live(record):
        return ""
    return next((other.id for other in others(runsc, record) if other.status == "paused"), "")


def check_not_frozen(runsc: Runsc, record: statedir.Record) -> None:
    """:raises StateError: the container is frozen; a command in it, or a signal to it, would hang."""
    culprit = frozen_by(runsc, record)
    if culprit:
        raise frozen(record.id, culprit)


def frozen(container: str, culprit: str) -> StateError:
    """Return the error for a container that can't be used because another one in its sandbox is paused."""
    return StateError(
        f"container {container!r} is frozen, since {culprit!r} in the same sandbox is paused",
        remedy=f"Bring {culprit!r} to state running first",
        container=container,
    )
