# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Four containers of one test, and what tests of many things at once share."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ansible_collections.gvisor.runsc.tests.modules.support import PATIENCE, Json, Place, processes, read_result

NAMES = ("a", "b", "c", "d")


class Fleet:
    """The containers of one test."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.names = [place.prefix + name for name in NAMES]

    def options(self, given: Json) -> Json:
        """Return options for all of them, from the test's bundle, two at a time. One that is None is not given."""
        defaults = {"names": self.names, "bundle": str(self.place.bundle), "parallel": 2}
        return {name: value for name, value in {**defaults, **given}.items() if value is not None}

    def good(self, *, check: bool = False, **options: Any) -> Json:
        """Run runsc_containers for them; it must not fail."""
        return self.place.good("runsc_containers", check=check, **self.options(options))

    def bad(self, kind: str, **options: Any) -> Json:
        """The same; it must fail."""
        return self.place.bad("runsc_containers", kind, **self.options(options))

    def same(self, **options: Any) -> Json:
        """Predict, then do: both must say the same. Return what was done."""
        predicted = self.good(check=True, **options)
        done = self.good(**options)
        assert comparable(predicted) == comparable(done)
        return done

    def statuses(self) -> dict[str, str]:
        """Return the statuses by what follows the test's own prefix in the names."""
        return {name[len(self.place.prefix) :]: status for name, status in self.place.listed().items()}

    def pid(self, name: str) -> int:
        """Return the pid of the sandbox of one."""
        info = self.place.info(name=[name])
        return int(info["containers"][0]["pid"])

    @contextlib.contextmanager
    def listener(self) -> Iterator[tuple[str, Callable[[], bool]]]:
        """Listen on a socket; yield its path, and a function that says whether a descriptor came by it."""
        with tempfile.TemporaryDirectory(prefix="gr-") as folder, socket.socket(socket.AF_UNIX) as made:
            made.bind(f"{folder}/tty")  # the name of a socket may not be long
            made.listen()
            made.settimeout(PATIENCE)

            def received() -> bool:
                with made.accept()[0] as connection:
                    descriptors = socket.recv_fds(connection, 100, 1)[1]
                for descriptor in descriptors:
                    os.close(descriptor)
                return len(descriptors) == 1

            yield f"{folder}/tty", received


def comparable(result: Json) -> Json:
    """Return what a prediction and a run have to have in common."""
    containers = {
        name: {**found, "container": found.get("container", {}).get("status")}
        for name, found in result["containers"].items()
    }
    kept = ("changed", "summary", "msg", "purged", "diff")
    return {**{key: result[key] for key in kept}, "containers": containers}


def finish(process: subprocess.Popen[str]) -> Json:
    """Wait for a module that was started and return its result."""
    out, err = process.communicate(timeout=60)
    return read_result(process.returncode, out, err)


def clients(place: Place) -> list[int]:
    """Return the pids of runsc processes other than sandboxes and gofers that work on the root."""
    kept = ("runsc-sandbox", "runsc-gofer")
    return [pid for pid, argv in processes() if argv[0] not in kept and f"--root={place.root}" in argv]


def slow(place: Place, subcommand: str) -> Path:
    """Return a runsc that takes half a second longer for a subcommand, and notes when it begins and ends."""
    note = f"{place.folder}/at-once"
    work = f'echo begin >>{note}; sleep 0.5; {place.version.path} "$@"; rc=$?; echo end >>{note}; exit $rc'
    return place.shim(f'case " $* " in *" {subcommand} "*) {work};; esac')


def most_at_once(shim: Path) -> int:
    """Return how many calls there were at the same time at most."""
    now = most = 0
    for line in (shim.parent / "at-once").read_text(encoding="utf-8").splitlines():
        now += 1 if line == "begin" else -1
        most = max(most, now)
    return most
