# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting a process, with a deadline, bounded output, and nothing left when it is interrupted.

AnsibleModule.run_command is not used, for three reasons that were measured: it waits for ever on a pipe that a running
container holds open, it inherits a terminal as standard input, and it keeps all of the output in memory.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import stat
import subprocess
import threading
import time
import typing as t

from . import interruption
from .errors import BinaryError, UsageError
from .monitor import Monitor

OUTPUT_LIMIT = 4 * 1024 * 1024  # bytes kept of stdout, and as many of stderr
GUARD_INTERVAL = 0.5  # seconds
KILL_GRACE = 2.0  # seconds that a process gets to end after its work was stopped, before it is killed
_CHUNK = 65536

# What runsc must not inherit: with NOTIFY_SOCKET it behaves as a child of systemd (go-runc strips it too), and
# XDG_RUNTIME_DIR moves runsc's default root.
_DROPPED_ENVIRONMENT = ("NOTIFY_SOCKET", "XDG_RUNTIME_DIR")


class Output(t.NamedTuple):
    """What a stream delivered: the first C(OUTPUT_LIMIT) bytes of it, and how many bytes there were in all."""

    data: bytes = b""
    total: int = 0

    @property
    def truncated(self) -> bool:
        """True where more was written than was kept."""
        return self.total > len(self.data)

    @property
    def text(self) -> str:
        """The kept bytes as text; bytes that are not UTF-8 become surrogates, so nothing is lost and nothing raises."""
        return self.data.decode("utf-8", "surrogateescape")


class Completed(t.NamedTuple):
    """A process that has ended. C(rc) is negative when a signal ended it; C(timed_out) when its deadline did."""

    argv: t.Sequence[str]
    rc: int
    stdout: Output
    stderr: Output
    seconds: float
    timed_out: bool = False


class Stdio(t.NamedTuple):
    """Where standard input, output and error go: an open file descriptor, or the given defaults.

    C(input) is the data to feed; without it standard input is /dev/null, never what this process inherited: a terminal
    there would attract the output of C(runsc exec) (gVisor issue 11350).
    """

    input: bytes | None = None
    stdin: int | None = None
    stdout: int | None = None
    stderr: int | None = None


class Launcher(t.NamedTuple):
    """Another program that is to run a command, and end as that ends: its own arguments, and the descriptors that it gets."""

    argv: t.Sequence[str]
    descriptors: t.Sequence[int]


class _Reader:
    """Collects one pipe up to a limit, and reads on beyond it so that the writer never blocks."""

    def __init__(self, pipe: t.IO[bytes], limit: int) -> None:
        self.fd = pipe.fileno()
        self._limit = limit
        self._chunks: list[bytes] = []
        self._kept = 0
        self._total = 0
        os.set_blocking(self.fd, False)

    def read(self) -> bool:
        """Read a chunk if one is there; return False at the end of the stream."""
        try:
            data = os.read(self.fd, _CHUNK)
        except BlockingIOError:
            return True
        self._keep(data)
        return bool(data)

    def drain(self) -> None:
        """Read what a process left in the pipe, without waiting for others that still hold it open."""
        with contextlib.suppress(BlockingIOError):
            for _unused in range(1 + 1024 * 1024 // _CHUNK):  # a pipe holds at most 1 MiB
                data = os.read(self.fd, _CHUNK)
                if not data:
                    return
                self._keep(data)

    def _keep(self, data: bytes) -> None:
        self._total += len(data)
        room = self._limit - self._kept
        if data and room > 0:
            self._chunks.append(data[:room])
            self._kept += len(self._chunks[-1])

    def output(self) -> Output:
        return Output(b"".join(self._chunks), self._total)


def environment() -> dict[str, str]:
    """Return the environment for a runsc process: ours, without what changes runsc's behaviour."""
    return {name: value for name, value in os.environ.items() if name not in _DROPPED_ENVIRONMENT}


def spawn(
    argv: t.Sequence[str],
    stdio: Stdio,
    *,
    own_group_only: bool = False,
    parent_death_signal: int | None = None,
    descriptors: t.Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start C(argv) in a session of its own, streams not named in C(stdio) being pipes (output) or /dev/null (input).

    :param own_group_only: make a process group, but stay in the caller's session.
    :param parent_death_signal: sent to the process when this one ends.
    :param descriptors: further ones that it inherits.
    :raises BinaryError: the program can't be started.
    """
    stdin: int = subprocess.DEVNULL if stdio.stdin is None else stdio.stdin
    if stdio.input is not None:
        stdin = subprocess.PIPE
    try:
        return subprocess.Popen(  # pylint: disable=ansible-bad-function  # see the top of this file
            list(argv),
            stdin=stdin,
            stdout=subprocess.PIPE if stdio.stdout is None else stdio.stdout,
            stderr=subprocess.PIPE if stdio.stderr is None else stdio.stderr,
            env=environment(),
            start_new_session=not own_group_only,
            preexec_fn=_preparation(own_group_only, parent_death_signal),
            pass_fds=descriptors,
        )
    except OSError as exc:
        raise BinaryError(
            f"{argv[0]!r} can't be run: {exc.strerror or exc}",
            remedy="Install runsc, or set runsc_path to an executable runsc binary",
        ) from exc


def _preparation(own_group_only: bool, parent_death_signal: int | None) -> t.Callable[[], None] | None:
    """Return what the child does before it becomes runsc, or None where subprocess can do it all (the fast way)."""
    if not own_group_only and parent_death_signal is None:
        return None
    prctl: t.Any = None
    parent = os.getpid()
    if parent_death_signal is not None:
        import ctypes  # costs milliseconds, needed only here

        prctl = ctypes.CDLL(None, use_errno=True).prctl

    def prepare() -> None:
        if own_group_only:
            os.setpgid(0, 0)
        if prctl is not None:
            prctl(1, int(parent_death_signal or 0), 0, 0, 0)  # 1 is PR_SET_PDEATHSIG
            if os.getppid() != parent:  # it ended before that, so the signal would never come
                os._exit(1)

    return prepare


def run(
    argv: t.Sequence[str],
    *,
    timeout: float,
    stdio: Stdio = Stdio(),
    monitor: Monitor | None = None,
    limit: int = OUTPUT_LIMIT,
    on_deadline: t.Callable[[], None] | None = None,
    guard: t.Callable[[], None] | None = None,
    own_group_only: bool = False,
    parent_death_signal: int | None = None,
    launcher: Launcher | None = None,
    beside: t.ContextManager[object] | None = None,
) -> Completed:
    """Run C(argv) to its end and return what it said.

    The process counts as ended when it has ended itself: a grandchild that holds a pipe open does not delay the return.

    :param timeout: seconds until C(on_deadline) is called (it may stop the work inside the sandbox), and the process
        group is killed L(KILL_GRACE) seconds later if the process still runs.
    :param limit: bytes to keep of each stream; the rest is read and dropped.
    :param launcher: runs C(argv) in place of us.
    :param guard: called each L(GUARD_INTERVAL) seconds; what it raises ends the process and is raised here.
    :param beside: entered when the process has been started, left when it has ended. Threads of others belong in there.
    :raises BinaryError: the program can't be started.
    """
    started = time.monotonic()
    process = spawn(
        launcher.argv if launcher else argv,
        stdio,
        own_group_only=own_group_only,
        parent_death_signal=parent_death_signal,
        descriptors=launcher.descriptors if launcher else (),
    )
    if monitor:
        monitor.started(argv, process.pid)
    conversation = _Conversation(process, stdio.input, limit)
    try:
        with beside or contextlib.nullcontext():
            timed_out = not _guarded(conversation, started + timeout, guard)
            if timed_out:
                if on_deadline:
                    on_deadline()
                    conversation.until(time.monotonic() + KILL_GRACE)
                kill_group(process)
            rc = process.wait()
        stdout, stderr = conversation.finish()
    except BaseException:
        kill_group(process)
        process.wait()
        raise
    finally:
        conversation.close()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
    seconds = time.monotonic() - started
    if monitor:
        monitor.ended(argv, process.pid, rc, seconds)
    return Completed(tuple(argv), rc, stdout, stderr, seconds, timed_out)


def _guarded(conversation: _Conversation, deadline: float, guard: t.Callable[[], None] | None) -> bool:
    """Talk until the process ends (True) or the deadline passes (False), with a look at the guard now and then."""
    while guard:
        left = deadline - time.monotonic()
        if conversation.until(time.monotonic() + min(left, GUARD_INTERVAL)):
            return True
        if left <= GUARD_INTERVAL:
            return False
        guard()
    return conversation.until(deadline)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and its group with SIGKILL, if it still runs. It leads a group of its own, see L(spawn)."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


class _Conversation:
    """Feeds a process and reads from it until it ends."""

    def __init__(self, process: subprocess.Popen[bytes], data: bytes | None, limit: int) -> None:
        self._process = process
        self._unsent = memoryview(data or b"")
        self._readers = [_Reader(pipe, limit) if pipe else None for pipe in (process.stdout, process.stderr)]
        self._selector = selectors.DefaultSelector()
        for reader in self._readers:
            if reader:
                self._selector.register(reader.fd, selectors.EVENT_READ, reader.read)
        interrupt = interruption.descriptor()
        if interrupt is not None:
            self._selector.register(interrupt, selectors.EVENT_READ, interruption.check)
        if process.stdin:
            os.set_blocking(process.stdin.fileno(), False)
            self._selector.register(process.stdin.fileno(), selectors.EVENT_WRITE, self._feed)
        # Python 3.8 has no pidfd: a thread turns the end of the process into the end of a pipe.
        self._ended, write_end = os.pipe()
        self._selector.register(self._ended, selectors.EVENT_READ, None)
        self._watcher = threading.Thread(target=_tell_end, args=(process, write_end), daemon=True)
        self._watcher.start()

    def until(self, deadline: float) -> bool:
        """Talk until the process ends (True) or the monotonic clock passes C(deadline) (False)."""
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return self._process.poll() is not None
            for key, _mask in self._selector.select(min(left, interruption.LONGEST_WAIT)):
                if key.data is None:
                    return True
                if not key.data():
                    self._selector.unregister(key.fd)

    def _feed(self) -> bool:
        """Write what the pipe takes; return False when all is written or the reader is gone."""
        stdin = t.cast("t.IO[bytes]", self._process.stdin)
        try:
            written = os.write(stdin.fileno(), self._unsent[:_CHUNK]) if self._unsent else 0
        except BlockingIOError:
            return True
        except BrokenPipeError:
            written = len(self._unsent)
        self._unsent = self._unsent[written:]
        if not self._unsent:
            stdin.close()
        return bool(self._unsent)

    def finish(self) -> tuple[Output, Output]:
        """Take what is left in the pipes and return both outputs. The process has ended."""
        outputs = []
        for reader in self._readers:
            if reader:
                reader.drain()
            outputs.append(reader.output() if reader else Output())
        return outputs[0], outputs[1]

    def close(self) -> None:
        self._watcher.join(1.0)  # the process has ended, so it does at once; a fork beside a thread is not safe
        self._selector.close()
        os.close(self._ended)


def _tell_end(process: subprocess.Popen[bytes], write_end: int) -> None:
    """Wait for the process to end, without reaping it, then close the pipe."""
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    os.close(write_end)


def open_log(path: str, option: str) -> int:
    """Open a file for a container's output and return its descriptor.

    It is opened for append: the sentry writes at offsets of its own, and would overwrite what others write there.
    Created with mode 0640.

    :param option: the name of the option that the path came from, for the error.
    :raises UsageError: the file can't be opened.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    return _open_stream(path, flags, option, "Name a file in an existing folder that can be written")


def open_input(path: str, option: str) -> int:
    """Open a file that a container reads and return its descriptor. :raises UsageError: it can't be opened."""
    return _open_stream(path, os.O_RDONLY, option, "Name a file that can be read")


def _open_stream(path: str, flags: int, option: str, remedy: str) -> int:
    """Open a file or a device. Never a named pipe: opening it, and later writing to it, would wait for its other end."""
    try:
        descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK, 0o640)
    except OSError as exc:
        raise UsageError(f"{option}: {path!r} can't be opened: {exc.strerror}", remedy=remedy) from exc
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISCHR(mode):
        os.close(descriptor)
        raise UsageError(f"{option}: {path!r} is neither a file nor a device", remedy=remedy)
    os.set_blocking(descriptor, True)
    return descriptor
