# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users and groups of a container, by name: from its own passwd and group, never the host's."""

from __future__ import annotations

import typing as t

from . import inside
from .runsc.errors import UsageError


class Accounts(t.NamedTuple):
    """What a passwd and a group file say: users as (uid, gid), groups as (gid, names of members)."""

    users: dict[str, tuple[int, int]]
    groups: dict[str, tuple[int, list[str]]]


def parse(text: str) -> Accounts:
    """Read the lines of passwd and group, which may follow each other: they are told apart by the number of fields."""
    found = Accounts({}, {})
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) == 7 and fields[2].isdecimal() and fields[3].isdecimal():
            found.users.setdefault(fields[0], (int(fields[2]), int(fields[3])))
        elif len(fields) == 4 and fields[2].isdecimal():
            found.groups.setdefault(fields[0], (int(fields[2]), fields[3].split(",") if fields[3] else []))
    return found


def split(user: str) -> tuple[str, str]:
    """Return the user and the group of C(uid), C(uid:gid), C(user) or C(user:group). :raises UsageError: it is none of them."""
    who, colon, group = user.partition(":")
    if not who or (colon and not group) or ":" in group:
        raise UsageError(f"user: {user!r} is not a user", remedy="Write uid, uid:gid, user or user:group")
    return who, group


def numbers(user: str) -> dict[str, t.Any] | None:
    """Return the C(user) of a Process document if it is given by numbers alone, with group 0 for a uid alone; else None."""
    who, group = split(user)
    if who.isdecimal() and (not group or group.isdecimal()):
        return {"uid": int(who), "gid": int(group or 0)}
    return None


def resolve(user: str, accounts: Accounts, where: str) -> dict[str, t.Any]:
    """Return the C(user) of a Process document. A user's name or number alone brings its group and supplementary groups.

    :param where: whose accounts they are, for the error.
    :raises UsageError: there is no such user or group.
    """
    who, group = split(user)
    if who.isdecimal():
        uid = int(who)
        names = [name for name, (number, _gid) in accounts.users.items() if number == uid]
        gid = accounts.users[names[0]][1] if names else 0
    elif who in accounts.users:
        names, (uid, gid) = [who], accounts.users[who]
    else:
        raise UsageError(
            f"user: there is no user {who!r} in /etc/passwd of {where}", remedy="Give its numbers as uid:gid"
        )
    if group:
        return {"uid": uid, "gid": _group(group, accounts, where)}
    members = [number for number, held in accounts.groups.values() if number != gid and not set(names).isdisjoint(held)]
    return {"uid": uid, "gid": gid, **({"additionalGids": members} if members else {})}


def from_rootfs(user: str, rootfs: str) -> dict[str, t.Any]:
    """Return the C(user) of a Process document, from the files of a root file system. :raises UsageError: see L(resolve)."""
    text = "\n".join(inside.read_text(rootfs, path) for path in ("etc/passwd", "etc/group"))
    return resolve(user, parse(text), "the root file system")


def _group(group: str, accounts: Accounts, where: str) -> int:
    if group.isdecimal():
        return int(group)
    if group not in accounts.groups:
        raise UsageError(f"user: there is no group {group!r} in /etc/group of {where}", remedy="Give its number")
    return accounts.groups[group][0]
