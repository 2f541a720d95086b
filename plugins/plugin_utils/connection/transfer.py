# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files into a container and out of it, in pieces: a POSIX shell and cat is all that they need there."""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import stat
import typing as t

from ansible.errors import AnsibleError, AnsibleFileNotFound

from .conversation import CHUNK


class File:
    """A file on the controller as the data of a command. C(close) it.

    :raises AnsibleFileNotFound: there is none.
    :raises AnsibleError: it can't be read, or is no regular file.
    """

    def __init__(self, path: str) -> None:
        try:
            descriptor = os.open(os.fsencode(path), os.O_RDONLY | os.O_NONBLOCK)  # a named pipe would wait for a writer
        except FileNotFoundError as exc:
            raise AnsibleFileNotFound(f"file or module does not exist: {path}") from exc
        except OSError as exc:
            raise AnsibleError(f"{path!r} can't be read: {exc.strerror}") from exc
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise AnsibleError(f"{path!r} is not a regular file")
        self._file = os.fdopen(descriptor, "rb", buffering=0)
        self.length = status.st_size
        self.mode = stat.S_IMODE(status.st_mode) & 0o777

    def pieces(self) -> t.Iterator[bytes]:
        """Return the pieces, from the start of the file."""
        self._file.seek(0)
        return iter(lambda: self._file.read(CHUNK), b"")

    def close(self) -> None:
        """Close it."""
        self._file.close()


@contextlib.contextmanager
def draft(path: str) -> t.Iterator[t.IO[bytes]]:
    """A file beside C(path) that becomes C(path) at the end, and is removed when something is raised on the way."""
    name = f"{path}.{secrets.token_hex(4)}.draft"
    try:
        with open(os.fsencode(name), "xb", buffering=0) as file:
            yield file
        os.replace(os.fsencode(name), os.fsencode(path))
    except OSError as exc:
        raise AnsibleError(f"{path!r} can't be written: {exc.strerror}") from exc
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.fsencode(name))


def writing(path: str, mode: int) -> str:
    """Return the command that writes its input to a file, which gets a mode if it is new.

    A shell makes no file that can be executed, and needs a program to change that. An image without it has few to execute.
    """
    name = _name(path)
    lines = [f"umask {0o777 & ~mode:03o}", f"cat >{name}"]
    if mode & 0o111:
        lines.insert(0, f"new=yes; [ ! -e {name} ] || new=")
        lines[-1] += " || exit"
        lines.append(f'[ -z "$new" ] || ! command -v chmod >/dev/null || chmod {mode:03o} {name}')
    return "\n".join(lines)


def reading(path: str) -> str:
    """Return the command that prints a file."""
    return f"cat <{_name(path)}"


def _name(path: str) -> str:
    """Return a path for a command line: no option, whatever it starts with."""
    return shlex.quote(f"./{path}" if path.startswith("-") else path)
