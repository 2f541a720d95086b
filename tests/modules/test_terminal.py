# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""console_socket: the terminal of a container, or of a command, comes through a Unix socket."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.tests.modules.support import PATIENCE, Place, eventually


@contextlib.contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(PATIENCE)
        yield listener


@contextlib.contextmanager
def _terminal(listener: socket.socket) -> Iterator[int]:
    """The terminal that comes through the next connection."""
    connection, _address = listener.accept()
    with connection:
        _data, descriptors, _flags, _sender = socket.recv_fds(connection, 100, 1)
    try:
        yield descriptors[0]
    finally:
        os.close(descriptors[0])


def _read_until(descriptor: int, text: str) -> None:
    """Read from a terminal until it has shown a text."""
    shown, deadline = "", time.monotonic() + PATIENCE
    while text not in shown:
        assert select.select([descriptor], [], [], deadline - time.monotonic())[0], f"no {text!r} in {shown!r}"
        shown += os.read(descriptor, 4096).decode()


def _ended(place: Place, pid: int) -> bool:
    return pid not in json.loads(place.runsc("ps", "--format=json", place.id))


@pytest.mark.parametrize("state", ["running", "created"])
def test_the_terminal_of_a_container(place: Place, state: str) -> None:
    place.write_config({"process": {"terminal": True, "args": ["sh"]}})
    with _listening(place.folder / "console") as listener:
        made = place.container(state=state, console_socket=str(place.folder / "console"))
        assert made["container"]["status"] == state
        with _terminal(listener) as terminal:
            if state == "created":
                place.container()
            os.write(terminal, b"test -t 0 && echo $((6 * 7))\n")
            _read_until(terminal, "42\r\n")
            os.write(terminal, b"exit\n")
            eventually(lambda: place.listed()[place.id] == "stopped", "the shell has ended")


def test_the_terminal_of_a_command(place: Place) -> None:
    place.container()
    console = str(place.folder / "console")
    for options in ({"argv": ["sh"], "tty": True}, {"process": {"args": ["sh"], "terminal": True}}):
        with _listening(place.folder / "console") as listener:
            started = place.good("runsc_exec", name=place.id, console_socket=console, detach=True, **options)
            with _terminal(listener) as terminal:
                os.write(terminal, b"test -t 0 && echo $((6 * 7)); exit\n")
                _read_until(terminal, "42\r\n")
            eventually(partial(_ended, place, started["internal_pid"]), "the shell has ended")
        os.unlink(console)


def test_a_saved_terminal_is_another_one_after_the_restore(place: Place) -> None:
    """It is one file for all three streams, so that those of an exec have the numbers that they have elsewhere."""
    place.write_config({"process": {"terminal": True, "args": ["sh"]}})
    console = place.folder / "console"
    image = str(place.folder / "image")
    with _listening(console) as listener:
        place.container(console_socket=str(console))
        with _terminal(listener) as terminal:
            os.write(terminal, b"n=42; echo ready\n")
            _read_until(terminal, "ready\r\n")
            place.exec("sh", "-c", "sleep 555 2>/dev/null & sleep 556 >/dev/null & exit 0")
            told = place.bad("runsc_checkpoint", "unsupported", name=place.id, path=image)
            assert "sleep 555" in told["msg"] and "sleep 556" in told["msg"]
            place.exec("sh", "-c", "ps -o pid,args | while read p a; do case $a in 'sleep 55'*) kill $p;; esac; done")
            eventually(lambda: "sleep 55" not in place.exec("ps", "-o", "args")["stdout"], "they have ended")
            place.good("runsc_checkpoint", name=place.id, path=image)
    console.unlink()
    with _listening(console) as listener:
        place.container(restore_from=image, console_socket=str(console))
        with _terminal(listener) as terminal:
            os.write(terminal, b"echo =$n\n")
            _read_until(terminal, "=42\r\n")


def test_nobody_listens(place: Place) -> None:
    with _listening(place.folder / "console"):
        pass
    place.write_config({"process": {"terminal": True}})
    told = place.bad(
        "runsc_container",
        "usage",
        name=place.id,
        bundle=str(place.bundle),
        console_socket=str(place.folder / "console"),
    )
    assert str(place.folder / "console") in told["msg"]
    assert (told["status"], place.listed()) == ("absent", {})
