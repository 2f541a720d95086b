# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The subcommands that change a container's status: create, start, run, kill, pause, resume, wait."""

from __future__ import annotations

import contextlib
import os
import signal as signals_of_os
import typing as t

from . import exit_status, ids, procfs, rescue, signals, statedir
from .delete_command import DeleteCommand
from .errors import (
    AlreadyExistsError,
    DeadlineError,
    NoProcessError,
    NotFoundError,
    OutOfMemoryError,
    RefusedError,
    RunscError,
    SandboxGoneError,
    StateError,
    UsageError,
)
from .invoke import CREATE_TIMEOUT, ErrorLog, private_folder
from .models import load_json
from .options import CreateOptions
from .process import Completed, Launcher, Stdio, open_input, open_log

_KILLED = 128 + signals_of_os.SIGKILL  # what runsc says of a command, or of a whole sandbox, that was killed


@contextlib.contextmanager
def container_stdio(options: t.Any) -> t.Iterator[Stdio]:
    """Open the files that become a container's streams. Never a pipe: whoever reads it would wait for the container's end."""
    with contextlib.ExitStack() as opened:

        def log(path: str | None, option: str) -> int:
            descriptor = open_log(path, option) if path else os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            opened.callback(os.close, descriptor)
            return descriptor

        stdin = None
        if getattr(options, "stdin", None):
            stdin = open_input(options.stdin, "stdin")
            opened.callback(os.close, stdin)
        yield Stdio(stdin=stdin, stdout=log(options.stdout, "stdout"), stderr=log(options.stderr, "stderr"))


def _killed_at_limit(container: str, completed: Completed | None) -> OutOfMemoryError:
    return OutOfMemoryError(
        f"the sandbox of container {container!r} was killed at its memory limit",
        remedy="Raise the memory limit of the bundle",
        container=container,
        completed=completed,
    )


class LifecycleCommands(DeleteCommand):
    """create, start, run, kill, pause, resume, delete and wait."""

    def create(
        self, container: str, bundle: str, options: CreateOptions = CreateOptions(), *, timeout: float = CREATE_TIMEOUT
    ) -> None:
        """Create a container that is ready to be started. Its streams are files or /dev/null, see L(CreateOptions).

        :raises AlreadyExistsError: the id exists. runsc itself would destroy the record of the existing container then
            (gVisor issue 10724), so it is not even asked.
        :raises AmbiguousIdError: the id is a prefix of another one under this root, or the other way round.
        """
        self._create("create", container, bundle, options, [], timeout)

    def run_detached(
        self, container: str, bundle: str, options: CreateOptions = CreateOptions(), *, timeout: float = CREATE_TIMEOUT
    ) -> None:
        """Create and start a container in one call (C(run --detach)). Raises as L(create)."""
        self._create("run", container, bundle, options, ["--detach"], timeout)

    def _create(
        self,
        subcommand: str,
        container: str,
        bundle: str,
        options: CreateOptions,
        extra: t.Sequence[str],
        timeout: float,
    ) -> None:
        self._check_absent(container)
        arguments = [f"--bundle={os.path.abspath(bundle)}", *options.arguments(), *extra, container]
        guard = rescue.CreateGuard(container, os.path.abspath(bundle), self.root, self.processes)
        try:
            with container_stdio(options) as stdio, self.error_log() as log:
                completed = self.invoke(
                    subcommand,
                    arguments,
                    container=container,
                    timeout=timeout,
                    stdio=stdio,
                    log=log,
                    check=False,
                    launch=self._launch(container, options),
                )
                if completed.rc != 0:
                    raise self.failure(completed, container, log)
        except BaseException as exc:
            self._undo(guard, container, exc)
            raise

    def _launch(
        self, container: str, options: CreateOptions
    ) -> t.Callable[[t.Sequence[str]], t.ContextManager[Launcher]] | None:
        """Return what is to launch the runsc that makes a container, if its exit code is to be kept."""
        if not options.keep_exit_status:
            return None
        return lambda argv: exit_status.keeper(argv, self.root, container)

    def _undo(self, guard: rescue.CreateGuard, container: str, reason: BaseException) -> None:
        """Undo a create or a restore, unless somebody else was faster by a moment and this runsc left that container alone."""
        # Of a restore onto a container that is not just created, runsc says that it can't in this state.
        if isinstance(reason, (AlreadyExistsError, StateError)):
            winner = statedir.find(self.root, container)
            if winner and self.is_live(winner):
                return
        guard.undo()

    def _check_absent(self, container: str) -> None:
        ids.check(container)
        existing = self.existing()
        if container in existing:
            raise AlreadyExistsError(
                f"container {container!r} exists already under the root {self.root}",
                remedy="Delete it first, or choose another name",
                container=container,
            )
        ids.check_new(container, existing)
        if self.await_creators(container):
            if container in self.existing():
                raise AlreadyExistsError(
                    f"container {container!r} was created by somebody else just now", container=container
                )
            rescue.remove_stale_group(container, self.root)  # that create failed, and nobody else tidies up after it
        rescue.remove_orphan(container, self.root, self.processes)

    def await_creators(self, container: str) -> bool:
        """Let a create of this id that somebody else began come to its end: two at once destroy each other's record.

        A task that was killed leaves its runsc behind, which goes on.

        :returns: True if there was one.
        :raises RefusedError: it takes too long.
        """
        if not procfs.find_creators(container, self.root, self.processes):
            return False
        if not procfs.poll(lambda: not procfs.find_creators(container, self.root), CREATE_TIMEOUT):
            raise RefusedError(
                f"another runsc process has been creating container {container!r} for {CREATE_TIMEOUT:g} s",
                remedy="Look at that process; two creates of one id destroy each other's record (gVisor issue 10724)",
                container=container,
            )
        return True

    def start(
        self, container: str, options: CreateOptions = CreateOptions(), *, timeout: float = CREATE_TIMEOUT
    ) -> None:
        """Start a created container. The streams in C(options) count for a member of another sandbox only.

        A container whose start failed can't be started again (its network exists twice then), so it is deleted.

        :raises StateError: the container is not in status created, or its sandbox has not been started: starting a member
            first crashes the whole sandbox.
        """
        record = self.record(container)
        self._check_sandbox_started(record)
        try:
            with container_stdio(options) as stdio, self.error_log() as log:
                # The streams of a sandbox's first container came with create; its start may be read from pipes.
                streams = Stdio() if record.is_sandbox_root else stdio
                self.invoke("start", [container], container=container, timeout=timeout, stdio=streams, log=log)
        except (StateError, NotFoundError):
            raise
        except RunscError:
            with contextlib.suppress(RunscError):  # why it did not start matters more
                self.delete(container, force=True)
            raise

    def _check_sandbox_started(self, record: statedir.Record) -> None:
        if record.is_sandbox_root:
            return
        sandbox = statedir.find(self.root, record.sandbox)
        if sandbox is None or sandbox.status == "created":
            raise StateError(
                f"container {record.id!r} lives in sandbox {record.sandbox!r}, which has not been started",
                remedy=f"Start {record.sandbox!r} first",
                container=record.id,
            )

    def run(
        self,
        container: str,
        bundle: str,
        options: CreateOptions = CreateOptions(),
        *,
        input: bytes | None = None,
        timeout: float | None = None,
        end_with_us: bool = False,
        output_limit: int | None = None,
    ) -> Completed:
        """Run a container in the foreground until it ends, and delete it. Its output is captured, up to the client's limit.

        :param timeout: seconds for the whole life, also of the command; without it the client's.
        :param end_with_us: the container ends when this process does, however that ends. Its files stay then.
        :param output_limit: bytes of output to keep of each stream; without it the client's.
        :returns: the process, whose C(rc) is the command's exit code, or 128 and the signal that ended it or the sandbox.
        :raises DeadlineError: it took too long. No container is left, then or when this call is interrupted.
        :raises OutOfMemoryError: the kernel killed the sandbox at its memory limit.
        :raises RunscError: runsc failed, as opposed to the command.
        """
        from .oom_watch import OomWatch  # modules are compiled anew in each task, so only where it is needed

        self._check_absent(container)
        guard = rescue.CreateGuard(container, os.path.abspath(bundle), self.root, self.processes)
        try:
            with private_folder() as folder, OomWatch(guard.limited_cgroup) as oom:
                log = ErrorLog(self.log or os.path.join(folder, "log"))
                # Without it nothing was created, so that an exit code of 2 or 128 is runsc's own.
                pid_file = os.path.abspath(options.pid_file or os.path.join(folder, "pid"))
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(pid_file)
                flags = options._replace(pid_file=pid_file).arguments()
                completed = self.invoke(
                    "run",
                    [f"--bundle={os.path.abspath(bundle)}", *flags, container],
                    container=container,
                    timeout=timeout,
                    stdio=Stdio(input=input),
                    log=log,
                    check=False,
                    end_with_us=end_with_us,
                    output_limit=output_limit,
                    beside=oom.attached(),
                )
                failed = log.message() or not os.path.exists(pid_file)
                if (failed or completed.rc == _KILLED) and oom.killed():
                    raise _killed_at_limit(container, completed)
                if failed:
                    raise self.failure(completed, container, log)
        except BaseException as exc:
            self._undo(guard, container, exc)
            if isinstance(exc, DeadlineError):
                exc.remedy = "The command needs longer, or the sandbox hangs: raise the timeout. No container is left"
            raise
        if container in self.existing():
            self.delete(container, force=True)
        return completed

    def kill(
        self,
        container: str,
        signal: str | int = "TERM",
        *,
        all: bool = False,
        pid: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Send a signal to the container's first process. Returns before it has had an effect.

        :param signal: name or number, the classic ones only.
        :param all: to every process of the container.
        :param pid: to one process, by its number in the sandbox's root pid namespace, as C(ps) shows it.
        :raises StateError: the container is created, paused or stopped.
        """
        number = signals.number(signal)
        if all and pid is not None:
            raise UsageError("kill: 'all' and 'pid' exclude each other", remedy="Give one of them", container=container)
        self.record(container)
        target = ["--all"] if all else [f"--pid={pid}"] if pid is not None else []
        self.invoke("kill", [*target, container, str(number)], container=container, timeout=timeout)

    def pause(self, container: str, *, timeout: float | None = None) -> None:
        """Freeze the sandbox of a running container, with all that runs in it.

        :raises StateError: it is not running. In status created runsc would panic and freeze the container for good.
        """
        record = self.record(container)
        if record.status != "running":
            raise StateError(
                f"container {container!r} is {record.status}, only a running one can be paused",
                remedy="Start it first",
                container=container,
            )
        self.invoke("pause", [container], container=container, timeout=timeout)

    def resume(self, container: str, *, timeout: float | None = None) -> None:
        """Let a paused container go on. :raises StateError: it is not paused."""
        self.record(container)
        self.invoke("resume", [container], container=container, timeout=timeout)

    def wait(
        self,
        container: str,
        *,
        pid: int | None = None,
        rootpid: int | None = None,
        timeout: float | None = None,
    ) -> int:
        """Wait until the container, or one process in it, ends; return its exit code, or 128 and the signal's number.

        runsc knows the exit code only while the sandbox lives: attach before the container ends.

        :param pid: a process by its number in the container's pid namespace.
        :param rootpid: a process by its number in the sandbox's root pid namespace.
        :raises DeadlineError: it did not end within C(timeout) seconds. It goes on unharmed.
        :raises SandboxGoneError: it has ended, and runsc no longer knows how.
        :raises StateError: it has not been started. A waiter attached then never learns the exit code.
        """
        record = self.record(container)
        if record.status == "created" and self.is_live(record):
            raise StateError(
                f"container {container!r} has not been started", remedy="Start it, then wait", container=container
            )
        if record.is_sandbox_root and procfs.is_dead(record.pid):
            raise self._exit_unknown(record)
        which = [f"--pid={pid}"] if pid is not None else [f"--rootpid={rootpid}"] if rootpid is not None else []
        try:
            # Nobody would read what it says when this process is gone.
            completed = self.invoke("wait", [*which, container], container=container, timeout=timeout, end_with_us=True)
        except SandboxGoneError as exc:
            raise self._exit_unknown(record, exc.completed) from exc
        answer = load_json(completed.stdout.text, "runsc wait")
        return int(answer["exitStatus"])

    def _exit_unknown(self, record: statedir.Record, completed: Completed | None = None) -> SandboxGoneError:
        if self.oom_kills(record):
            return _killed_at_limit(record.id, completed)
        return SandboxGoneError(
            f"container {record.id!r} has ended, and runsc no longer knows its exit code",
            remedy="Attach the waiter after the start and before the end",
            container=record.id,
            completed=completed,
        )

    def stop(self, container: str, signal: str | int = "TERM", *, grace: float = 10.0) -> bool:
        """End a running container: send a signal, wait, and kill what is still there after C(grace) seconds.

        :returns: True if the signal sufficed, False if it had to be killed.
        :raises StateError: it is created or paused, and runsc signals neither.
        :raises DeadlineError: even SIGKILL did not end it.
        """
        record = self.record(container)
        if record.status in ("created", "paused") and self.is_live(record):
            raise StateError(
                f"container {container!r} is {record.status}, and runsc can't signal it",
                remedy="Resume a paused container first; delete a created one by force",
                container=container,
            )
        for number, patience in ((signals.number(signal), grace), (int(signals_of_os.SIGKILL), rescue.REAP_GRACE * 2)):
            with contextlib.suppress(SandboxGoneError, StateError, NoProcessError):  # it may end by itself meanwhile
                self.kill(container, number)
            if self._await_end(record, patience):
                return number != signals_of_os.SIGKILL or signals.number(signal) == number
        raise DeadlineError(
            f"container {container!r} does not end, not even by SIGKILL",
            remedy="Remove it with force",
            container=container,
        )

    def _await_end(self, record: statedir.Record, patience: float) -> bool:
        """A sandbox ends with its first container; the end of another member is known to runsc only."""
        if record.is_sandbox_root:
            return procfs.wait_dead(record.pid, patience)

        def ended() -> bool:
            completed = self.invoke("state", [record.id], container=record.id, check=False)
            return completed.rc != 0 or load_json(completed.stdout.text, "runsc state").get("status") == "stopped"

        return procfs.poll(ended, patience)
