# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the subcommands: small records that know their own arguments. Paths are made absolute."""

from __future__ import annotations

import os
import typing as t


def _pairs(*pairs: tuple[str, t.Any]) -> list[str]:
    """Return C(--flag=value) for each pair that has a value; True gives the bare flag."""
    arguments: list[str] = []
    for flag, value in pairs:
        if value is None or value is False or value == "":
            continue
        arguments.append(f"--{flag}" if value is True else f"--{flag}={value}")
    return arguments


def _absolute(path: str | None) -> str | None:
    return os.path.abspath(path) if path else None


class CreateOptions(t.NamedTuple):
    """For create, run and restore.

    :param pid_file: runsc writes the host pid of the sentry there.
    :param console_socket: Unix socket that gets the terminal of a process with C(terminal: true).
    :param user_log: file for messages that runsc means for users, such as unsupported system calls.
    :param stdin: file that becomes standard input of the container; without it /dev/null.
    :param stdout: file that gets standard output, opened for append; without it /dev/null.
    :param stderr: the same for standard error.
    :param keep_exit_status: leave a waiter with the sandbox that keeps its exit code, see L(exit_status).
    """

    pid_file: str | None = None
    console_socket: str | None = None
    user_log: str | None = None
    stdin: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    keep_exit_status: bool = False

    def arguments(self) -> list[str]:
        """Return the flags."""
        return _pairs(
            ("pid-file", _absolute(self.pid_file)),
            ("console-socket", _absolute(self.console_socket)),
            ("user-log", _absolute(self.user_log)),
        )


class ExecOptions(t.NamedTuple):
    """For exec.

    :param input: data for standard input; without it the command reads an empty /dev/null.
    :param detach: return as soon as the command runs.
    :param pid_file: the host pid of the runsc process that lives as long as the command.
    :param internal_pid_file: the pid of the command inside, in the root pid namespace of the sandbox (that of C(ps)).
    :param console_socket: Unix socket that gets the terminal; runsc uses it with C(detach) only.
    :param stdout: with C(detach), a file that gets standard output, opened for append; without it /dev/null.
    :param stderr: the same for standard error.
    """

    input: bytes | None = None
    detach: bool = False
    pid_file: str | None = None
    internal_pid_file: str | None = None
    console_socket: str | None = None
    stdout: str | None = None
    stderr: str | None = None


class CheckpointOptions(t.NamedTuple):
    """For checkpoint. C(compression) is C(none) or C(flate-best-speed); C(direct) avoids the page cache (with none)."""

    leave_running: bool = False
    compression: str | None = None
    direct: bool = False
    exclude_committed_zero_pages: bool = False

    def flags(self) -> list[str]:
        """Return the names of the flags that are needed."""
        return [argument.lstrip("-").partition("=")[0] for argument in self.arguments()]

    def arguments(self) -> list[str]:
        """Return the flags."""
        return _pairs(
            ("leave-running", self.leave_running),
            ("compression", self.compression),
            ("direct", self.direct),
            ("exclude-committed-zero-pages", self.exclude_committed_zero_pages),
        )
