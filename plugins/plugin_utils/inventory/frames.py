# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The answer of a node (see L(questions)), taken apart into what it says of each root, and of the processes of sandboxes."""

from __future__ import annotations

import typing as t

from ...module_utils.runsc import statedir
from ...module_utils.runsc.statedir import Record

SUSPENDED = "T"  # the state of a process that was stopped by a signal


class NodeError(Exception):
    """A node, or one of its roots, could not be asked. The text says why, and what to do."""


class Sentry(t.NamedTuple):
    """The process of a sandbox: its one-letter state, and the id of the sandbox, the last of its arguments."""

    state: str
    sandbox: str


class Root:
    """What a node says of one root."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.refusal = ""  # denied, or file: why there is nothing to say
        self.is_absent = False
        self.records: dict[str, Record] = {}  # by id, as they were before "runsc list"
        self.made: dict[str, bytes] = {}  # what runsc_bundle has left in the bundles, by their paths
        self.listed: bytes = b""
        self.exit_code: int | None = None  # of "runsc list"; None if it was not run, since a sandbox was suspended
        self.names: frozenset[str] = frozenset()  # the ids that had a record after "runsc list"


class Answer(t.NamedTuple):
    """What a node says."""

    roots: list[Root]
    sentries: dict[int, Sentry]


def parse(output: bytes, mark: str, roots: t.Sequence[str], runsc_path: str) -> Answer:
    """Take an answer apart. What is printed before it, such as a greeting, is ignored.

    :raises NodeError: it is not whole, or says that there is no runsc.
    """
    answer = Answer([Root(path) for path in roots], {})
    root = answer.roots[0]
    kind = ""
    for frame in output.split(f"\n{mark} ".encode())[1:]:
        head, _newline, body = frame.partition(b"\n")
        kind, _blank, value = head.decode("ascii", "replace").partition(" ")
        if kind == "root":
            root = answer.roots[int(value)]
        elif kind == "process":
            answer.sentries[int(value)] = _sentry(body)
        elif kind in _READERS:
            _READERS[kind](root, value, body)
    if kind == "missing":
        raise NodeError(
            f"there is no program {runsc_path!r}. Install runsc (Debian's package is called runsc), or set runsc_path"
        )
    if kind != "end":
        raise NodeError("its shell ended before it had said everything")
    return answer


def _record(root: Root, value: str, body: bytes) -> None:
    record = statedir.parse(f"{root.path}/{value}", body)
    root.records[record.id] = record


def _made(root: Root, _value: str, body: bytes) -> None:
    path, _newline, content = body.partition(b"\n")
    root.made[path.decode("utf-8", "replace")] = content


def _list(root: Root, _value: str, body: bytes) -> None:
    root.listed = body


def _listed(root: Root, value: str, _body: bytes) -> None:
    root.exit_code = int(value)


def _names(root: Root, _value: str, body: bytes) -> None:
    root.names = frozenset(line.rpartition("_sandbox:")[0] for line in body.decode("ascii", "replace").split())


def _absent(root: Root, _value: str, _body: bytes) -> None:
    root.is_absent = True


def _refusal(reason: str) -> Reader:
    def read(root: Root, _value: str, _body: bytes) -> None:
        root.refusal = reason

    return read


Reader = t.Callable[[Root, str, bytes], None]

_READERS: dict[str, Reader] = {
    "record": _record,
    "bundle": _made,
    "list": _list,
    "listed": _listed,
    "names": _names,
    "absent": _absent,
    "denied": _refusal("can't be read. Ask as root: set privilege_command, for example to 'sudo -n'"),
    "file": _refusal("is not a folder. Correct it in roots"),
}


def _sentry(body: bytes) -> Sentry:
    """Read /proc/PID/stat and, after it, /proc/PID/cmdline; both are missing when the process has just ended."""
    stat, _newline, command = body.partition(b"\n")
    fields = stat.rpartition(b")")[2].split()
    arguments = command.split(b"\0")
    last = arguments[-2] if len(arguments) > 1 else b""
    return Sentry(fields[0].decode("ascii", "replace") if fields else "Z", last.decode("utf-8", "replace"))
