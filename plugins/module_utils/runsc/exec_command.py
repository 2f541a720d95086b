# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""exec: a further process in a running container.

Everything goes through a full OCI Process document in a private file. On the command line, versions split C(--env A=x,y) at
the comma, drop every argument that contains the word "detach", and run as root whatever the container's user is.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import typing as t

from . import procfs, statedir
from .errors import OutOfMemoryError, RunscError, SandboxGoneError, UsageError
from .invoke import ErrorLog, Invoker, private_folder
from .lifecycle_commands import container_stdio
from .models import ProcessInfo, parse_process_table
from .options import ExecOptions
from .process import Completed, Stdio

_TYPES: dict[str, type] = {"env": list, "cwd": str, "user": dict, "capabilities": dict, "terminal": bool}
_RUNSC_FAILED = (128, 2)  # its own errors; 2 for panics and bad global flags


class ExecResult(t.NamedTuple):
    """A command that was started in a container.

    :param completed: the runsc process; its C(rc) is the command's exit code, 128 and the signal for a killed one, and 0
        for a detached one.
    :param internal_pid: the command's pid in the sandbox's root pid namespace, as C(ps) and C(kill) know it.
    :param pid: host pid of the runsc process that lives as long as a detached command; -1 for others.
    """

    completed: Completed
    internal_pid: int
    pid: int = -1


class _Files(t.NamedTuple):
    """The private files of one exec."""

    process: str
    internal_pid: str
    pid: str


class ExecCommand(Invoker):
    """exec."""

    def exec(
        self,
        container: str,
        process: t.Mapping[str, t.Any],
        options: ExecOptions = ExecOptions(),
        *,
        timeout: float | None = None,
    ) -> ExecResult:
        """Run a process in a running container, to its end or detached.

        :param process: an OCI Process document. What it leaves out of C(env), C(cwd) and C(user) comes from the
            container's own process; runsc would take 0:0 as the user before 2024-11.
        :param timeout: seconds; then the command and its children are killed inside the sandbox.
        :raises DeadlineError: it took too long; C(completed) has its output so far.
        :raises StateError: the container is not running.
        :raises SandboxGoneError: the sandbox ended under the command; L(OutOfMemoryError) at its memory limit.
        :raises RunscError: runsc failed, as opposed to the command: the program does not exist, for example.
        """
        record = self.record(container)
        document = complete_process(process, record)
        if document.get("terminal") and not (options.detach and options.console_socket):
            raise UsageError(
                "process.terminal: a terminal needs console_socket and detach, or the output gets lost",
                remedy="Set both, or run the command without a terminal",
                container=container,
            )
        with private_folder() as folder, contextlib.ExitStack() as stack:
            files = _Files(*(os.path.join(folder, name) for name in ("process.json", "internal.pid", "exec.pid")))
            files = files._replace(
                internal_pid=os.path.abspath(options.internal_pid_file or files.internal_pid),
                pid=os.path.abspath(options.pid_file or files.pid),
            )
            for stale in files:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(stale)
            _write_private(files.process, document)
            arguments = self._exec_arguments(container, options, files)
            stdio = stack.enter_context(container_stdio(options)) if options.detach else Stdio(input=options.input)
            log = ErrorLog(self.log or os.path.join(folder, "log"))
            return self._exec(record, arguments, stdio, log, files, options, timeout)

    def _exec_arguments(self, container: str, options: ExecOptions, files: _Files) -> list[str]:
        arguments = [
            f"--process={files.process}",
            f"--internal-pid-file={files.internal_pid}",
            f"--pid-file={files.pid}",
        ]
        if options.console_socket:
            arguments.append(f"--console-socket={os.path.abspath(options.console_socket)}")
        arguments.append(container)
        if not options.detach:
            return arguments
        for argument in [self.path, *self.global_arguments(), *arguments]:
            if "detach" in argument:
                raise UsageError(
                    f"{argument!r} contains 'detach', and runsc drops such arguments of a detached exec",
                    remedy="Use names and paths without that word, or do not detach",
                    container=container,
                )
        return ["--detach", *arguments]

    def _exec(
        self,
        record: statedir.Record,
        arguments: t.Sequence[str],
        stdio: Stdio,
        log: ErrorLog,
        files: _Files,
        options: ExecOptions,
        timeout: float | None,
    ) -> ExecResult:
        oom_kills = self.oom_kills(record)

        def stop_inside() -> None:
            self._kill_inside(record.id, _read_pid(files.internal_pid))

        try:
            completed = self.invoke(
                "exec",
                arguments,
                container=record.id,
                timeout=timeout,
                stdio=stdio,
                check=False,
                log=log,
                on_deadline=stop_inside,
            )
        except KeyboardInterrupt:
            stop_inside()
            raise
        internal_pid = _read_pid(files.internal_pid)
        self._check_exec(record, completed, log, internal_pid, oom_kills)
        return ExecResult(completed, internal_pid, _read_pid(files.pid) if options.detach else -1)

    def _check_exec(
        self, record: statedir.Record, completed: Completed, log: ErrorLog, internal_pid: int, oom_kills: int
    ) -> None:
        """Tell runsc's failure from the command's: only runsc writes to the log, and without a pid nothing was started."""
        message = log.message() if completed.rc in _RUNSC_FAILED else ""
        started = internal_pid > 0
        sandbox_died = started and (bool(message) or completed.rc == 128 + signal.SIGKILL) and self._died(record)
        if sandbox_died and self.oom_kills(record) > oom_kills:
            raise OutOfMemoryError(
                f"the sandbox of container {record.id!r} was killed at its memory limit",
                remedy="Raise the memory limit of the bundle",
                container=record.id,
                completed=completed,
            )
        if sandbox_died:
            raise SandboxGoneError(
                f"the sandbox of container {record.id!r} ended while the command ran",
                remedy="Look at its debug log and at the kernel's log",
                container=record.id,
                completed=completed,
            )
        if message or (completed.rc in _RUNSC_FAILED and not started):
            raise self.failure(completed, record.id, log)

    def _died(self, record: statedir.Record) -> bool:
        """True if the sandbox is dead, or dies within a moment: the client hears of it first."""
        return procfs.wait_dead(record.pid, 1.0)

    def _kill_inside(self, container: str, pid: int) -> None:
        """Kill a command in the sandbox with its descendants: the end of its runsc client does not stop it."""
        if pid <= 0:
            return
        for doomed in self._with_descendants(container, pid):
            with contextlib.suppress(RunscError):
                self.invoke(
                    "kill", [f"--pid={doomed}", container, str(int(signal.SIGKILL))], container=container, timeout=5
                )

    def _with_descendants(self, container: str, pid: int) -> list[int]:
        try:
            table = self.invoke("ps", ["--format=table", container], container=container, timeout=5).stdout.text
        except RunscError:
            return [pid]
        return descendants(pid, parse_process_table(table))


def check_process(process: t.Mapping[str, t.Any]) -> None:
    """:raises UsageError: it has no C(args), they are not texts, or another field has a wrong type."""
    args = process.get("args")
    if not isinstance(args, list) or not args or not all(isinstance(argument, str) for argument in args) or not args[0]:
        raise UsageError(f"process.args: {args!r} is not a command", remedy="Give a list of texts, the program first")
    for argument in args:
        if "\0" in argument:
            raise UsageError(
                f"process.args: {argument!r} holds a NUL character", remedy="No program can get such an argument"
            )
    for key, kind in _TYPES.items():
        if process.get(key) is not None and not isinstance(process[key], kind):
            raise UsageError(f"process.{key}: {process[key]!r} has the wrong type", remedy=f"Give a {kind.__name__}")


def complete_process(process: t.Mapping[str, t.Any], record: statedir.Record) -> dict[str, t.Any]:
    """Return the Process document with the container's own user, environment and working directory where it has none.

    :raises UsageError: see L(check_process).
    """
    check_process(process)
    own = record.spec.get("process") or {}
    document = dict(process)
    for key, default in (("user", {"uid": 0, "gid": 0}), ("env", []), ("cwd", "/")):
        if document.get(key) is None or (key == "cwd" and not document[key]):
            document[key] = own.get(key) or default
    return document


def descendants(pid: int, table: t.Sequence[ProcessInfo]) -> list[int]:
    """Return C(pid) and all processes below it, parents first."""
    family = [pid]
    for parent in family:  # grows while it is walked
        family += [process.pid for process in table if process.ppid == parent and process.pid not in family]
    return family


def _write_private(path: str, document: t.Mapping[str, t.Any]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
        json.dump(document, file, ensure_ascii=False)


def _read_pid(path: str) -> int:
    """Return the pid in a file; -1 if there is none. runsc before 2025-08 does not write it atomically, so wait a little."""
    if not os.path.exists(path):
        return -1

    def content() -> str:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().strip()

    procfs.poll(lambda: bool(content()), 1.0)
    text = content()
    return int(text) if text.isdigit() else -1
