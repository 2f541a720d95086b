# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calling runsc once: its global flags, its deadline, and its own words when it failed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import tempfile
import typing as t

from . import cgroups, flags, ids, procfs, statedir
from .errors import BinaryError, DeadlineError, NotFoundError, RunscError, UsageError, from_runsc
from .features import Features, default_cache_folder
from .monitor import Monitor
from .process import OUTPUT_LIMIT, Completed, Launcher, Stdio, run

DEFAULT_ROOT = statedir.DEFAULT_ROOT
TIMEOUT = 30.0  # seconds for a call that should take 30 milliseconds
CREATE_TIMEOUT = 60.0  # seconds for create, run and restore: a slow disk, or a platform that hangs (kvm)
DELETE_TIMEOUT = 150.0  # seconds for delete: runsc itself waits up to 120

_COMMANDS = ("exec", "run")  # take as long as the command in them
_FATAL = 128  # exit code of runsc for its own errors
_BAD_FLAGS = 2  # exit code of runsc for global flags that it does not understand (and for its panics)
_FATAL_COPY = re.compile(r"^[IWEF]\d{4} .*FATAL ERROR: ")  # some fatal errors are printed twice, once like this


class Invoker:
    """What every runsc call has in common. See L(client.Runsc) for the parameters."""

    def __init__(
        self,
        command: str = "runsc",
        root: str = DEFAULT_ROOT,
        log: str | None = None,
        log_format: str | None = None,
        config: t.Mapping[str, flags.FlagValue] | None = None,
        pdeath_signal: int | None = None,
        setpgid: bool = False,
        *,
        monitor: Monitor | None = None,
        timeout: float = TIMEOUT,
        output_limit: int = OUTPUT_LIMIT,
        cache_folder: str | None = "",
    ) -> None:
        self.command = command
        self.root = os.path.abspath(root)
        self.log = os.path.abspath(log) if log else None
        self.config = flags.normalise(config or {})
        self.timeout = timeout
        self.output_limit = output_limit
        self.monitor = monitor
        self.processes = procfs.Processes()
        self._pdeath_signal = pdeath_signal
        self._setpgid = setpgid
        self._path = ""
        self._features: Features | None = None
        self._cache_folder = default_cache_folder() if cache_folder == "" else cache_folder
        for reserved in ("root", "log"):
            if reserved in self.config:
                raise UsageError(
                    f"config: {reserved!r} has an option of its own", remedy=f"Set the option {reserved!r} instead"
                )
        if log_format:
            self.config["log-format"] = log_format

    @property
    def path(self) -> str:
        """The absolute path of the binary. :raises BinaryError: there is none, or it can't be executed."""
        if not self._path:
            self._path = _locate(self.command)
        return self._path

    @property
    def features(self) -> Features:
        """What the binary can do."""
        if self._features is None:
            self._features = Features(self.path, self._ask, self._cache_folder)
        return self._features

    def global_arguments(self, log: str | None = None) -> list[str]:
        """Return the global flags, the same for every call but the log."""
        given = {"root": self.root}
        if log or self.log:
            given["log"] = log or self.log or ""
        return flags.arguments({**given, **self.config})

    def check_flags(self) -> None:
        """Ask the binary whether it has the flags of C(config). :raises UnsupportedError: it lacks one."""
        if self.config:
            self.features.require_flags(self.config)
        if "platform" in self.config:
            self.features.require_platform(self.config["platform"])

    def invoke(
        self,
        subcommand: str,
        arguments: t.Sequence[str],
        *,
        container: str | None = None,
        timeout: float | None = None,
        stdio: Stdio = Stdio(),
        check: bool = True,
        log: ErrorLog | None = None,
        on_deadline: t.Callable[[], None] | None = None,
        launch: t.Callable[[t.Sequence[str]], t.ContextManager[Launcher]] | None = None,
        end_with_us: bool = False,
        output_limit: int | None = None,
        beside: t.ContextManager[object] | None = None,
    ) -> Completed:
        """Run one subcommand to its end.

        :param timeout: seconds; without it the client's.
        :param check: raise when runsc fails. Without it the caller looks at C(rc).
        :param log: where runsc's own error goes when its standard error is not ours to read.
        :param launch: makes the launcher for the command.
        :param end_with_us: runsc is killed when this process ends, however that ends.
        :param output_limit: bytes of output to keep of each stream; without it the client's.
        :param beside: see L(process.run).
        :raises DeadlineError: it did not end in time. Its process is gone then.
        :raises RunscError: it failed; the class says how.
        """
        limit = self.timeout if timeout is None else timeout
        argv = [self.path, *self.global_arguments(log.path if log else None), subcommand, *arguments]
        with launch(argv) if launch else contextlib.nullcontext() as launcher:
            completed = run(
                argv,
                timeout=limit,
                stdio=stdio,
                monitor=self.monitor,
                limit=self.output_limit if output_limit is None else output_limit,
                on_deadline=on_deadline,
                own_group_only=self._setpgid,
                parent_death_signal=int(signal.SIGKILL) if end_with_us else self._pdeath_signal,
                launcher=launcher,
                beside=beside,
            )
        if completed.timed_out:
            raise deadline_error(subcommand, container, limit, completed)
        if check and completed.rc != 0:
            raise self.failure(completed, container, log)
        return completed

    def failure(self, completed: Completed, container: str | None, log: ErrorLog | None = None) -> RunscError:
        """Build the error for a call that failed, from runsc's log if it has one, else from its standard error."""
        if completed.rc != _FATAL:
            self._check_is_runsc()
        message = (log.message() if log else "") or essence(completed.stderr.text) or self._flag_complaint(completed)
        return from_runsc(message, container=container, completed=completed)

    def _flag_complaint(self, completed: Completed) -> str:
        """Ask again what is wrong with the global flags, after a call whose standard error was not ours to read."""
        if completed.rc != _BAD_FLAGS:
            return ""
        again = run([self.path, *self.global_arguments(), "help"], timeout=self.timeout, monitor=self.monitor)
        return essence(again.stderr.text) if again.rc == _BAD_FLAGS else ""

    def _check_is_runsc(self) -> None:
        """:raises BinaryError: the binary is another program. What runsc is known to be costs nothing."""
        try:
            self.features.version  # noqa: B018  # asked for the error that it may raise
        except RunscError as exc:
            raise BinaryError(
                f"runsc_path: {self.command!r} is not runsc: {exc.message}", remedy="Give the path of a runsc binary"
            ) from exc

    def existing(self) -> dict[str, str]:
        """Return the state file of every container under the root, by id. Starts no process."""
        try:
            return statedir.names(self.root)
        except PermissionError as exc:
            raise RunscError(
                f"root: {self.root!r} can't be read: {exc.strerror}", remedy="Run as root, for example with become"
            ) from exc

    def record(self, container: str) -> statedir.Record:
        """Return the record of the container with exactly this id, if runsc can address it. Starts no process.

        :raises UsageError: the id is none. :raises NotFoundError: there is no such container.
        :raises AmbiguousIdError: runsc would not know which one is meant.
        """
        ids.check(container)
        existing = self.existing()
        record = statedir.read(existing[container]) if container in existing else None
        if record is None:
            raise NotFoundError(
                f"there is no container {container!r} under the root {self.root}",
                remedy="Check the name and the root; runsc_info lists the containers of a root",
                container=container,
            )
        ids.check_addressable(container, existing)
        return record

    def is_live(self, record: statedir.Record) -> bool:
        """True if the record's sentry is proven to run."""
        return not procfs.is_dead(record.pid) and procfs.is_sentry(
            record.pid, record.sandbox, self.root, record.created
        )

    def oom_kills(self, record: statedir.Record) -> int:
        """Return how often the kernel killed something in the sandbox of a record at its memory limit."""
        sandbox = record if record.is_sandbox_root else statedir.find(self.root, record.sandbox)
        return cgroups.counters(sandbox.cgroup).get("oom_kills", 0) if sandbox else 0

    @contextlib.contextmanager
    def error_log(self) -> t.Iterator[ErrorLog]:
        """A place for runsc's own error about one call: the log that the user asked for, or a private file."""
        if self.log:
            yield ErrorLog(self.log)
            return
        with private_folder() as folder:
            yield ErrorLog(os.path.join(folder, "log"))

    def _ask(self, arguments: t.Sequence[str]) -> str:
        """Run the binary without our flags and return all that it prints: help goes to either stream."""
        completed = run([self.path, *arguments], timeout=self.timeout, monitor=self.monitor)
        if completed.timed_out:
            raise deadline_error(" ".join(arguments), None, self.timeout, completed)
        return completed.stdout.text + completed.stderr.text


class ErrorLog:
    """The file given to C(--log). runsc appends one JSON object to it for an error of its own, and none for a command's."""

    def __init__(self, path: str, offset: int | None = None) -> None:
        self.path = path
        self._offset = offset or 0
        if offset is None:
            with contextlib.suppress(OSError):
                self._offset = os.path.getsize(path)

    def message(self) -> str:
        """Return the last error that was logged after the offset: since this object was made, without one. Or nothing."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self._offset)
                text = file.read(OUTPUT_LIMIT).decode("utf-8", "replace")
        except OSError:
            return ""
        decoder, position, message = json.JSONDecoder(), 0, ""
        while position < len(text):
            try:
                entry, position = decoder.raw_decode(text, position)
            except ValueError:
                break
            if isinstance(entry, dict) and entry.get("level") == "error":
                message = str(entry.get("msg", ""))
            while position < len(text) and text[position].isspace():
                position += 1
        return message


@contextlib.contextmanager
def private_folder() -> t.Iterator[str]:
    """A folder that only we can enter, removed at the end: under XDG_RUNTIME_DIR, or the temporary folder.

    Those of processes that were killed, and could not remove theirs, are removed first: secrets may be in them.
    """
    for stale in stale_private_folders():
        shutil.rmtree(stale, ignore_errors=True)
    folder = tempfile.mkdtemp(prefix=f"{_private_prefix()}{os.getpid()}-", dir=_private_parent())
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _private_parent() -> str:
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    return base if os.path.isdir(base) else tempfile.gettempdir()


def _private_prefix() -> str:
    return f"gvisor-runsc-{procfs.pid_namespace()}-"  # folders may be seen in several namespaces


def stale_private_folders() -> list[str]:
    """Return the private folders of processes that are gone."""
    parent, prefix = _private_parent(), _private_prefix()
    stale = []
    for name in os.listdir(parent):
        pid = name[len(prefix) :].partition("-")[0]
        if not name.startswith(prefix) or not pid.isdecimal() or os.path.exists(f"/proc/{pid}"):
            continue
        path = os.path.join(parent, name)
        with contextlib.suppress(OSError):
            if os.lstat(path).st_uid == os.geteuid() and not os.path.islink(path):
                stale.append(path)
    return stale


def essence(stderr: str) -> str:
    """Return what matters of runsc's standard error: no usage text, no stack, no line said twice."""
    lines: list[str] = []
    for line in stderr.splitlines():
        if line.startswith("panic:"):
            return line
        if line.startswith(("Usage:", "Usage of ", "goroutine ")) or re.match(r"\w[\w-]* \[.*\] ?.* - ", line):
            break
        if line.strip() and not _FATAL_COPY.match(line) and line not in lines:
            lines.append(line.strip())
    return "\n".join(lines)[:4000]


def deadline_error(subcommand: str, container: str | None, seconds: float, completed: Completed) -> DeadlineError:
    """Build the error for a call that took too long."""
    subject = f"runsc {subcommand} of container {container!r}" if container else f"runsc {subcommand}"
    cause = (
        "The command needs longer, or the sandbox hangs"
        if subcommand in _COMMANDS
        else "The sandbox may hang, or the host is slow"
    )
    return DeadlineError(
        f"{subject} did not end within {seconds:g} s and was stopped",
        remedy=f"{cause}: raise the timeout, or remove the container",
        container=container,
        completed=completed,
    )


def _locate(command: str) -> str:
    found = shutil.which(command)
    if found:
        return os.path.abspath(found)
    if os.path.isfile(command):
        raise BinaryError(
            f"runsc_path: {command!r} is not executable", remedy="Make it readable and executable for all (mode a+rx)"
        )
    if os.path.isdir(command):
        raise BinaryError(f"runsc_path: {command!r} is a folder", remedy="Give the path of the binary in it")
    if os.sep in command:
        raise BinaryError(
            f"runsc_path: there is no file {command!r}", remedy="Install runsc, or give the path of its binary"
        )
    raise BinaryError(
        f"runsc_path: there is no program {command!r} in PATH",
        remedy="Install runsc (Debian's package is called runsc), or give the path of its binary",
    )
