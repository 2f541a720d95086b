# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that options name: checks before anything is done, since runsc says late and little about them, and digests."""

from __future__ import annotations

import hashlib
import os
import stat
import typing as t

from .runsc.errors import UsageError

_HAVE_TO_EXIST = ("stdin", "console_socket")
_MAY_BE_FOLDERS = ("debug_log",)
_CHUNK = 1 << 20  # bytes


def check_files(paths: t.Mapping[str, str | None]) -> None:
    """Check files by the names of their options; None is none.

    :raises UsageError: one can't be made, is missing, or is of a kind that can't be used.
    """
    for option, path in paths.items():
        if not path:
            continue
        if option in _HAVE_TO_EXIST and not os.path.exists(path):
            raise UsageError(f"{option}: there is no {path!r}", remedy="Create it first")
        if not os.path.isdir(os.path.dirname(os.path.abspath(path))):
            raise UsageError(f"{option}: the folder of {path!r} does not exist", remedy="Create it first")
        if os.path.exists(path) and option not in _MAY_BE_FOLDERS:
            _check_kind(option, path, os.stat(path).st_mode)


def _check_kind(option: str, path: str, mode: int) -> None:
    if option == "console_socket":
        if not stat.S_ISSOCK(mode):
            raise UsageError(f"{option}: {path!r} is not a socket", remedy="Give one on which something listens")
    elif not stat.S_ISREG(mode) and not stat.S_ISCHR(mode):
        raise UsageError(f"{option}: {path!r} is neither a file nor a device", remedy="Name a file")


def file_digest(path: str) -> str:
    """Return the SHA-256 of a file's content, in constant memory. :raises OSError: it can't be read."""
    found = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            found.update(chunk)
    return f"sha256:{found.hexdigest()}"
