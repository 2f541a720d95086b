# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong with runsc, as exceptions that say what happened and what to do.

Every error has a C(kind), one word of L(KINDS), so that a caller can decide without reading text.
"""

from __future__ import annotations

import re
import signal
import typing as t

if t.TYPE_CHECKING:
    from .process import Completed

KINDS = ("usage", "runtime", "command", "timeout", "oom", "sandbox_gone", "unsupported")


class RunscError(Exception):
    """Something about runsc failed.

    :param message: what happened, one sentence without a full stop.
    :param remedy: what the reader can do about it, one sentence, or empty.
    :param container: the id of the container that it is about, or None.
    :param completed: the runsc process that failed, or None where none ran.
    """

    kind = "runtime"

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        container: str | None = None,
        completed: Completed | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.container = container
        self.completed = completed

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}" if self.remedy else self.message


class UsageError(RunscError):
    """A value that was given can't be right, whatever the state of the host."""

    kind = "usage"


class UnsupportedError(RunscError):
    """This runsc binary, or this host, lacks what was asked for."""

    kind = "unsupported"


class BinaryError(UnsupportedError):
    """There is no usable runsc binary."""


class NotFoundError(RunscError):
    """No container has exactly this id under this root."""

    kind = "sandbox_gone"


class NoProcessError(RunscError):
    """There is no such process in the container, or it has ended."""

    kind = "sandbox_gone"


class AlreadyExistsError(RunscError):
    """A container with this id exists already."""


class AmbiguousIdError(RunscError):
    """runsc can't tell this id from that of another container under the same root (gVisor issue 4553)."""

    kind = "unsupported"


class StateError(RunscError):
    """The container is in a status in which runsc refuses this."""


class SandboxGoneError(RunscError):
    """The sandbox ended while it was being used."""

    kind = "sandbox_gone"


class OutOfMemoryError(SandboxGoneError):
    """The kernel killed the sandbox at its memory limit."""

    kind = "oom"


class DeadlineError(RunscError):
    """A call did not end within its deadline, and was stopped."""

    kind = "timeout"


class RefusedError(RunscError):
    """Doing this would hurt something that is not ours, or was found to destroy containers."""


# (pattern in runsc's message, error class, remedy), first match wins. The texts are those of 20221219 and 20240729,
# see the state matrix of the tests. Only runsc's own message is matched, never the output of a command.
_MESSAGES: tuple[tuple[str, type[RunscError], str], ...] = (
    (
        r"is ambiguous and could refer to",
        AmbiguousIdError,
        "Give containers of one root ids that are not prefixes of each other",
    ),
    (r"no such process", NoProcessError, "runsc_info with gather processes shows those that there are"),
    (r"container already exists", AlreadyExistsError, "Delete it first, or choose another id"),
    (
        r"(loading (container|sandbox)[^:]*): (file does not exist|open \S+\.state: no such file)",
        NotFoundError,
        "Check the name and the root; runsc_info lists the containers of a root",
    ),
    (
        r"flag provided but not defined: -(\S+)",
        UnsupportedError,
        "This runsc binary has no such flag; see 'runsc flags'",
    ),
    (r"invalid (boolean )?value .* for (flag )?-", UsageError, "See 'runsc flags' for the values that the flag takes"),
    (r"unknown platform", UnsupportedError, "Correct the platform; 'runsc help platforms' lists those of this binary"),
    (r"does not support the .* subcommand", UnsupportedError, "Use a build of runsc that has it"),
    (
        r"flag override disabled",
        UsageError,
        "Set the flag in the options, or allow it with the flag allow-flag-override",
    ),
    (
        r"error opening spec file|error unmarshaling spec",
        UsageError,
        "Give the absolute path of a bundle with a valid config.json",
    ),
    (
        r"cannot \w+ (in )?container|not started|in state (created|running|paused|stopped)|that is not stopped",
        StateError,
        "Bring the container to the right state first",
    ),
    (
        r"failed to load |error finding executable",
        RunscError,
        "The program is not in the container, or can't be executed there: check the command and its PATH",
    ),
    (
        r"failed to find initial working directory",
        RunscError,
        "There is no such folder in the container: correct the working directory",
    ),
    (
        r"waiting for sandbox to start",
        RunscError,
        "The sandbox died while it started: look at its root file system, its platform and its debug log (flag debug-log)",
    ),
    (
        r"already has a filestore file",
        RunscError,
        "Another container of the same sandbox can write to this folder, too: make it read-only, or give each its own",
    ),
    (r"dialing socket", UsageError, "Let something listen on the console socket"),
    (
        r"operation not permitted|permission denied.*(/run|state|lock)",
        RunscError,
        "Run as root, for example with become",
    ),
    (
        r"EOF|connection refused|no longer running|sandbox is not running",
        SandboxGoneError,
        "The sandbox ended; look at its debug log, and at the kernel's log for an out-of-memory kill",
    ),
)


def classify(message: str) -> tuple[type[RunscError], str]:
    """Return the error class and the remedy for a message of runsc."""
    for pattern, error, remedy in _MESSAGES:
        if re.search(pattern, message):
            return error, remedy
    return RunscError, "The message is runsc's own; a debug log (flag debug-log) tells more"


# Complaints of runsc about one value that was given: the pattern, and which option of ours carries it.
_BAD_VALUES = (
    (
        r'invalid (?:boolean )?value "(?P<value>.*?)" for (?:flag )?-(?P<flag>[\w-]+)',
        "config: {flag!r} can't be {value!r}",
    ),
    (r"unknown platform: (?P<value>\S+)", "platform: this runsc has no platform {value!r}"),
)


def from_runsc(message: str, *, container: str | None, completed: Completed) -> RunscError:
    """Build the fitting error from runsc's own message about a command that failed."""
    error, remedy = classify(message)
    command = subcommand_of(completed.argv)
    text = message.partition("\ngoroutine ")[0].strip()  # stacks follow, of a restore for example
    if "error unmarshaling spec" in text:
        text = text.splitlines()[0]  # the whole config.json follows, with its environment
    for pattern, complaint in _BAD_VALUES:
        found = re.search(pattern, text)
        if found:
            return error(complaint.format(**found.groupdict()), remedy=remedy, container=container, completed=completed)
    if completed.rc == -signal.SIGKILL and not text:
        return OutOfMemoryError(
            f"runsc {command} of container {container!r} was killed, most likely by the kernel at a memory limit",
            remedy="Raise the memory limit of the bundle; the sandbox itself takes about 16 MiB",
            container=container,
            completed=completed,
        )
    text = text or f"it ended with exit code {completed.rc} and said nothing"
    subject = f"runsc {command} of container {container!r} failed" if container else f"runsc {command} failed"
    return error(f"{subject}: {text}", remedy=remedy, container=container, completed=completed)


def subcommand_of(argv: t.Sequence[str]) -> str:
    """Return the runsc subcommand in an argument list that starts with the binary and its global flags."""
    for argument in argv[1:]:
        if not argument.startswith("-"):
            return argument
    return ""
