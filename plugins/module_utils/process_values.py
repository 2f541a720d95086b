# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person writes about a process, checked: the same for a command in a container and for a container's own process."""

from __future__ import annotations

import shlex
import typing as t

from .runsc.errors import UsageError

_CAPABILITY_NAMES = """
AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID
IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW
PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO
SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM
"""
CAPABILITIES = tuple(f"CAP_{name}" for name in _CAPABILITY_NAMES.split())


def check_capability(option: str, name: str) -> None:
    """:raises UsageError: there is no such capability."""
    if name not in CAPABILITIES:
        raise UsageError(
            f"{option}: {name!r} is not a capability{_near(name)}", remedy="Give a name such as CAP_NET_ADMIN"
        )


def _near(capability: str) -> str:
    import difflib  # slow to import, needed for an error only

    name = capability.upper()
    full = name if name.startswith("CAP_") else f"CAP_{name}"
    close = difflib.get_close_matches(full, CAPABILITIES, n=1, cutoff=0.8)
    return f" (did you mean {close[0]!r}?)" if close else ""


def check_environment(option: str, variables: t.Mapping[str, t.Any], *, secret: bool = False) -> None:
    """Check variables.

    :param secret: values must be in no message.
    :raises UsageError: a value is no text, or a name is none.
    """
    for name, value in variables.items():
        if not isinstance(value, str):
            told = "no text" if secret else f"{value!r}, which is no text"
            raise UsageError(
                f"{option}: the value of {name!r} is {told}", remedy="Quote it in YAML, so that it arrives as written"
            )
        if not name or "=" in name or "\0" in name:
            raise UsageError(f"{option}: {name!r} can't be the name of a variable", remedy="Give one without '='")
        if "\0" in value:
            raise UsageError(f"{option}: the value of {name!r} holds a NUL character", remedy="No program can get it")


def merge_env(base: t.Iterable[str], env: t.Mapping[str, str]) -> list[str]:
    """Return C(NAME=value) texts, those of C(env) in the place of earlier ones with the same name."""
    kept = [entry for entry in base if entry.partition("=")[0] not in env]
    return kept + [f"{name}={value}" for name, value in env.items()]


def split_command(option: str, text: str, instead: str) -> list[str]:
    """Split a command as a shell does, without running one.

    :param instead: the option that takes a list.
    :raises UsageError: a quote is not closed.
    """
    try:
        words = shlex.split(text)
    except ValueError as exc:
        raise UsageError(
            f"{option}: {text!r} can't be split: {exc}", remedy=f"Close the quotes, or use {instead}"
        ) from exc
    if not words:
        raise UsageError(f"{option}: {text!r} is not a command", remedy="Give the program first")
    return words


def check_chdir(folder: str | None) -> None:
    """:raises UsageError: the working directory is not absolute."""
    if folder is not None and not folder.startswith("/"):
        raise UsageError(f"chdir: {folder!r} is not absolute", remedy="Give an absolute path inside the container")


def check_streams(detach: bool, data: bytes | None, stdout: str | None, stderr: str | None) -> None:
    """:raises UsageError: a command that goes on is to get data, or one that is waited for is to write to files."""
    if detach and data is not None:
        raise UsageError("stdin: a detached command can't get any", remedy="Do not detach, or write a file first")
    if not detach and (stdout or stderr):
        raise UsageError("stdout_file: for a detached command only", remedy="Set detach, or use the returned stdout")
