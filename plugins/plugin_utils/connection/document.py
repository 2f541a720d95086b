# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The OCI process of a command: one line of JSON, in ASCII."""

from __future__ import annotations

import json
import shlex
import typing as t


class User(t.NamedTuple):
    """A user in the container."""

    uid: int
    gid: int
    groups: t.Sequence[int] = ()


# An image need not have a program that tells of a user: the shell does it itself. Done for one that was asked for; the
# container's own has the environment that the container was made with.
_SET_HOME = """while IFS=: read -r runsc_name runsc_word runsc_uid runsc_gid runsc_comment runsc_home runsc_shell; do
if [ "$runsc_uid" = {uid} ]; then
HOME=$runsc_home USER=$runsc_name LOGNAME=$runsc_name; export HOME USER LOGNAME; break
fi
done 2>/dev/null </etc/passwd
"""


def request(shell: str, command: str, user: User | None) -> bytes:
    """Return the line for the node's half, which adds what is the container's own.

    :param shell: the program in the container that understands the command.
    :param user: who runs it; None is the container's own user.
    """
    document: dict[str, t.Any] = {}
    if user:
        # All members: the container's own user comes before this one, and what is missing here would be taken from there.
        document["user"] = {"uid": user.uid, "gid": user.gid, "additionalGids": list(user.groups)}
        command = _SET_HOME.format(uid=user.uid) + command
    document["args"] = [shell, "-c", _in_unicode(command)]
    return json.dumps(document).encode("ascii") + b"\n"


def _in_unicode(command: str) -> str:
    """Return a command that does the same and has no byte outside of Unicode, which JSON can't carry."""
    try:
        command.encode()
    except UnicodeEncodeError:
        octal = "".join(f"\\0{byte:03o}" for byte in command.encode("utf-8", "surrogateescape"))
        return f'eval "$(printf %b {shlex.quote(octal)})"'
    return command
