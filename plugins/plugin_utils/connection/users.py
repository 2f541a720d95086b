# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users in the container, given by number or by name."""

from __future__ import annotations

import re
import typing as t

from ansible.errors import AnsibleError

from .document import User

ROOT = User(0, 0)
# Both files in one go. The names are known to a few commands only, so most calls need no such question.
QUESTION = "cat /etc/passwd; echo; echo; cat /etc/group"
_NUMBERS = re.compile(r"(\d+)(?::(\d+))?")


def parse(text: str) -> User | None:
    """Return the user whom the text names without a look into the container; None if that is needed."""
    if text in ("root", "root:root"):
        return ROOT
    found = _NUMBERS.fullmatch(text)
    return User(int(found[1]), int(found[2] or 0)) if found else None


def find(text: str, answer: str) -> User:
    """Return the user with this name, or with these names of a user and a group.

    :param answer: what the container said to the question.
    :raises AnsibleError: there is no such user or group.
    """
    name, colon, group = text.partition(":")
    if not name or (colon and not group):
        raise AnsibleError(f"{text!r} is not a user: give a name or a number, and a group after a colon if need be")
    passwd, _gap, groups = answer.partition("\n\n")
    users = _entries(passwd)
    members = _entries(groups)
    entry = next((entry for entry in users if name in (entry[0], entry[2])), None)
    if entry is None and not name.isdigit():
        raise AnsibleError(f"there is no user {name!r} in the container: give a number, or make the user first")
    uid, gid = (int(entry[2]), int(entry[3])) if entry else (int(name), 0)
    if not group:
        own = [int(entry[2]) for entry in members if name in entry[3].split(",") and int(entry[2]) != gid]
        return User(uid, gid, own)
    found = next((int(entry[2]) for entry in members if entry[0] == group), None)
    if found is None and not group.isdigit():
        raise AnsibleError(f"there is no group {group!r} in the container: give a number, or make the group first")
    return User(uid, int(group) if found is None else found)


def _entries(file: str) -> list[t.Sequence[str]]:
    """Return the lines of a passwd or group file that make sense."""
    entries = [line.split(":") for line in file.splitlines()]
    return [entry for entry in entries if len(entry) >= 4 and entry[2].isdigit()]
