# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Terminals: runsc hands the master end over a Unix socket."""

from __future__ import annotations

import contextlib
import os
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import RunscError, UsageError
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.options import CreateOptions, ExecOptions
from ansible_collections.gvisor.runsc.tests.system.conftest import MakeBundle, Shared
from ansible_collections.gvisor.runsc.tests.system.support import PATIENCE, Calls, new_id, text_of


class Terminal:
    """The socket on which a terminal is awaited, and the terminal once it came."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(self.path)
        self._server.listen(1)
        self._server.settimeout(PATIENCE)
        self._master = -1

    def receive(self) -> str:
        """Wait for the terminal; return the message that came with it."""
        connection, _peer = self._server.accept()
        with connection:
            connection.settimeout(PATIENCE)
            message, descriptors, _flags, _address = socket.recv_fds(connection, 100, 1)
        (self._master,) = descriptors
        assert os.isatty(self._master)
        return message.decode()

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._master, text.encode())

    def read_until(self, text: str) -> str:
        """Read until C(text) appears; return all that was read."""
        seen = ""
        while text not in seen:
            ready, _write, _errors = select.select([self._master], [], [], PATIENCE)
            assert ready, f"{text!r} did not come, only {seen!r}"
            try:
                seen += os.read(self._master, 1000).decode()
            except OSError as exc:  # nobody holds the other end any more
                raise AssertionError(f"{text!r} did not come, only {seen!r}") from exc
        return seen

    def close(self) -> None:
        """Close both."""
        self._server.close()
        if self._master >= 0:
            os.close(self._master)


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A terminal to come. Its path is relative, because a socket's path must be short."""
    monkeypatch.chdir(tmp_path)
    with contextlib.closing(Terminal(Path("tty.sock"))) as made:
        yield made


def test_of_a_container(runsc: Runsc, bundle: MakeBundle, terminal: Terminal) -> None:
    container = new_id()
    folder = bundle("/bin/sh", process={"terminal": True})
    runsc.create(container, folder, CreateOptions(console_socket=terminal.path))
    assert "pty" in terminal.receive()
    runsc.start(container)
    terminal.type("test -t 0 && echo it is a ter''minal\n")
    assert "it is a terminal" in terminal.read_until("terminal\r\n")
    assert text_of(runsc, container, "/bin/echo", "beside it") == "beside it\n"


def test_of_a_command_in_the_background(shared: Shared, terminal: Terminal) -> None:
    process = {"args": ["/bin/sh"], "terminal": True}
    result = shared.runsc.exec(shared.container, process, ExecOptions(detach=True, console_socket=terminal.path))
    assert "pty" in terminal.receive()
    assert result.internal_pid in shared.runsc.ps(shared.container)
    terminal.type("test -t 1 && echo it is a ter''minal; exit\n")
    terminal.read_until("it is a terminal")


def test_a_terminal_that_nobody_gets_is_refused(shared: Shared) -> None:
    """runsc would run the command, lose its output, and say nothing."""
    calls = Calls(shared.runsc)
    for options in (ExecOptions(), ExecOptions(detach=True), ExecOptions(console_socket="tty.sock")):
        with pytest.raises(UsageError, match=r"process\.terminal: "):
            shared.runsc.exec(shared.container, {"args": ["/bin/echo", "hello"], "terminal": True}, options)
    assert calls.subcommands == []


def test_a_socket_that_nobody_listens_on(runsc: Runsc, bundle: MakeBundle, tmp_path: Path) -> None:
    folder = bundle("/bin/sh", process={"terminal": True})
    with pytest.raises(RunscError):
        runsc.run_detached(new_id(), folder, CreateOptions(console_socket=str(tmp_path / "nobody.sock")))
    assert runsc.list() == []
