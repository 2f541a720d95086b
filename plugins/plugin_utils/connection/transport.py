# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting the node's half, here or on another machine over ssh."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display

from ...module_utils.runsc.process import environment

SSH_FAILED = 255  # exit code of ssh for its own failures

display = Display()


class Transport(t.Protocol):
    """A way to a node."""

    name: str
    attempts: int

    def open(self, argv: t.Sequence[str]) -> t.ContextManager[subprocess.Popen[bytes]]:
        """Start a command on the node, with pipes for its streams."""


class Local:
    """The node is this machine."""

    name = "local"
    attempts = 1

    @contextlib.contextmanager
    def open(self, argv: t.Sequence[str]) -> t.Iterator[subprocess.Popen[bytes]]:
        """Start a command, out of reach of a Ctrl-C in our terminal: the node's half has to clean up then."""
        yield _start(argv, env=environment(), start_new_session=True)


class Ssh:
    """The node is reached by ansible-core's own ssh connection: with its options, control sockets and passwords.

    That has no public way to start a command without keeping all of its output in memory, nor one to answer it, so this
    takes the parts that build the command and hand over the password. What differs between the releases is asked for.

    :param ssh: the connection, with its options set.
    """

    name = "ssh"

    def __init__(self, ssh: ConnectionBase) -> None:
        self._ssh: t.Any = ssh
        self.attempts = 1 + int(self._ssh.get_option("reconnection_retries"))

    @contextlib.contextmanager
    def open(self, argv: t.Sequence[str]) -> t.Iterator[subprocess.Popen[bytes]]:
        """Start a command. Data must arrive as it was sent, hence -T, whatever the user's options say of terminals."""
        ssh = self._ssh
        ssh.host = ssh.get_option("host") or ssh._play_context.remote_addr
        command = ssh._build_command(ssh.get_option("ssh_executable"), "ssh", "-T", ssh.host, shlex.join(argv))
        options = ssh._init_shm() if hasattr(ssh, "_init_shm") else {}
        if hasattr(ssh, "_sshpass_cmd"):
            command[:0] = ssh._sshpass_cmd()
        with contextlib.ExitStack() as stack:
            stack.callback(self._forget_password)
            pipe = ssh.sshpass_pipe
            for descriptor in pipe or ():
                stack.callback(_close, descriptor)
            process = _start([os.fsdecode(word) for word in command], pass_fds=pipe or (), **options)
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    os.write(pipe[1], os.fsencode(ssh.get_option("password") or ssh._play_context.password) + b"\n")
                _close(pipe[0])
                _close(pipe[1])
                stack.pop_all().callback(self._forget_password)
            yield process

    def _forget_password(self) -> None:
        """Remove the shared memory from which ssh's helper took the password."""
        self._ssh.sshpass_pipe = None
        shm, self._ssh.shm = getattr(self._ssh, "shm", None), None
        if shm:
            with contextlib.suppress(FileNotFoundError):
                shm.unlink()


def _start(argv: t.Sequence[str], **options: t.Any) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, **options
        )
    except OSError as exc:
        raise AnsibleConnectionFailure(f"{argv[0]!r} can't be run: {exc.strerror or exc}") from exc


def _close(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        os.close(descriptor)
