# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The node's half by itself: with the shells that a node may have, and with nothing but POSIX programs."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.plugins.plugin_utils.connection.frames import FrameReader
from ansible_collections.gvisor.runsc.plugins.plugin_utils.connection.node import SCRIPT
from ansible_collections.gvisor.runsc.tests.connection.support import Site
from ansible_collections.gvisor.runsc.tests.modules.support import BUSYBOX, PATIENCE, eventually

PROGRAMS = ("cat", "head", "mkdir", "mkfifo", "rm", "sed", "sh", "sleep", "timeout")
SHELLS = {
    "dash": ["/bin/dash"],
    "bash": ["/bin/bash"],
    "bash --posix": ["/bin/bash", "--posix"],
    "busybox": [BUSYBOX, "sh"],
}


def _argv(site: Site, shell: list[str], length: int, seconds: str = "60") -> list[str]:
    flags = [f"--platform={site.version.platform}", "--network=none"]
    return [
        *shell,
        "-c",
        SCRIPT,
        "sh",
        "TOKEN",
        str(site.root),
        site.id,
        seconds,
        str(length),
        site.version.path,
        *flags,
    ]


@pytest.mark.parametrize("shell", SHELLS)
def test_any_shell_with_busybox_alone(near: Site, shell: str) -> None:
    near.make()
    programs = near.folder / "programs"
    programs.mkdir()
    for name in PROGRAMS:
        (programs / name).symlink_to(BUSYBOX)
    data = bytes(range(256)) * 40  # fits into a pipe
    with subprocess.Popen(
        _argv(near, SHELLS[shell], len(data)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": str(programs), "TMPDIR": str(near.tmp)},
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(b'{"args": ["/bin/sh", "-c", "cat; echo error >&2; exit 9"]}\n\n' + data)
        process.stdin.flush()
        reader = FrameReader("TOKEN")
        while not reader.verdict:
            reader.feed(os.read(process.stderr.fileno(), 4096))
        process.stdin.close()
        assert process.stdout.read() == b"TOKEN<" + data
    assert process.returncode == 0
    assert (reader.verdict, bytes(reader.text)) == (("exit", "9"), b"error\n")
    eventually(lambda: near.clients() == [], "nothing is left")


def test_a_client_that_is_lost(near: Site) -> None:
    near.make()
    process = subprocess.Popen(
        _argv(near, ["/bin/sh"], 4), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin and process.stdout and process.stderr
    process.stdin.write(b'{"args": ["/bin/sh", "-c", "cat; sleep 4321 & sleep 4321; true"]}\n\ndata')
    process.stdin.flush()
    eventually(lambda: sum("sleep 4321" in line for line in near.inside()) > 1, "both run")
    process.stdin.close()
    assert process.wait(PATIENCE) == 0
    # Not to the end of the streams: what survived in the container would keep them open.
    out, err = (os.read(stream.fileno(), 4096) for stream in (process.stdout, process.stderr))
    process.stdout.close()
    process.stderr.close()
    assert (out, err) == (b"TOKEN<data", b"TOKEN<helloTOKEN>TOKEN<lostTOKEN>")
    assert not any("sleep 4321" in line for line in near.inside())


def test_it_is_asked_to_end(near: Site) -> None:
    near.make()
    process = subprocess.Popen(
        _argv(near, ["/bin/sh"], 0), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert process.stdin
    process.stdin.write(b'{"args": ["/bin/sleep", "4321"]}\n\n')
    process.stdin.flush()
    eventually(lambda: any("sleep 4321" in line for line in near.inside()), "it runs")
    os.kill(process.pid, signal.SIGTERM)
    process.wait(PATIENCE)
    process.stdin.close()
    eventually(lambda: near.clients() == [], "no client is left")
    assert not any("sleep 4321" in line for line in near.inside())


@pytest.mark.parametrize("pieces", [1, 3, 1000])
def test_frames_in_pieces(pieces: int) -> None:
    said = b"motd\nTOKEN<helloTOKEN>out TOKE TOKENTOKEN<exit 3TOKEN> late"
    reader = FrameReader("TOKEN")
    for start in range(0, len(said), pieces):
        reader.feed(said[start : start + pieces])
    reader.close()
    assert (reader.before, bytes(reader.text)) == (b"motd\n", b"out TOKE TOKEN late")
    assert reader.reached and reader.verdict == ("exit", "3")


def test_the_plugin_ships_the_script() -> None:
    assert (
        Path(__file__).parents[2].joinpath("plugins/plugin_utils/connection/node.sh").read_text(encoding="utf-8")
        == SCRIPT
    )
