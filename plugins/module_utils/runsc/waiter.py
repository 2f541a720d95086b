# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small process that stays with a sandbox and keeps its exit code. Started by L(exit_status.Keeper) as a script of its own.

The sentry ends with the exit code of its container. runsc leaves it to whoever adopts the orphans, and nobody there looks.
So this process adopts them (PR_SET_CHILD_SUBREAPER), and can't miss an end: a zombie keeps its code until it is asked. A
C(runsc wait) that is attached after the start would miss what ends at once, and needs more memory.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import typing as t

CREATING = "create"  # what it says in its command line to do while it makes a container
_WAITING = "waiter"  # and afterwards; as long as the other, since it is written over it
_PR_SET_CHILD_SUBREAPER = 36
_ARG_START = 45  # which word after the name in /proc/PID/stat is the address of the command line


def main(argv: t.Sequence[str], state_file: str, exit_file: int, script: int) -> None:
    """Run C(argv), which makes a sandbox, and end as it ends. What is left behind goes on and keeps the sandbox's exit code.

    :param state_file: where runsc records the container.
    :param exit_file: descriptor of the file that gets the exit code as text.
    :param script: descriptor of this script.
    """
    os.close(script)
    os.set_inheritable(exit_file, False)
    report, reporter = os.pipe()
    if os.fork():
        os.close(reporter)
        _end_like(int(os.read(report, 16) or b"1"))
    os.close(report)
    _rename()
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    runsc = os.fork()
    if not runsc:
        try:
            os.execv(argv[0], list(argv))
        finally:
            os._exit(127)
    _let_go()
    code = _code(os.waitpid(runsc, 0)[1])
    sentry = -1 if code else _recorded_pid(state_file)
    os.write(reporter, str(code).encode())
    os.close(reporter)
    _reap(sentry, exit_file)


def _rename() -> None:
    """Show in the command line, which a fork shares with its parent, that this process makes no container."""
    with open("/proc/self/cmdline", "rb") as file:
        word = file.read().index(f"\0{CREATING}\0".encode()) + 1
    with open("/proc/self/stat", "rb") as file:
        start = int(file.read().rpartition(b")")[2].split()[_ARG_START])
    ctypes.memmove(start + word, _WAITING.encode(), len(_WAITING))


def _let_go() -> None:
    """Hold neither the container's streams nor a folder."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    if nothing > 2:
        os.close(nothing)
    os.chdir("/")


def _recorded_pid(state_file: str) -> int:
    try:
        with open(state_file, encoding="utf-8") as file:
            return int(json.load(file)["sandbox"]["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return -1


def _reap(sentry: int, exit_file: int) -> None:
    """Reap all that was adopted, until nothing is left. The sentry's exit code goes to the file."""
    while True:
        try:
            pid, status = os.wait()
        except ChildProcessError:
            return
        if pid == sentry:
            code = _code(status)
            os.write(exit_file, str(code if code >= 0 else 128 - code).encode())
            os.close(exit_file)


def _code(status: int) -> int:
    """Return an exit code, or the negative number of the signal that ended the process. Python 3.8 has no own function."""
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _end_like(code: int) -> None:
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
