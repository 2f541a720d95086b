# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what a task costs in a sandbox, beside the same task on this machine and beside raw runsc, for each version.

usage: PYTHONPATH=<folder that holds ansible_collections> python connection.py

As root. RUNSC_VERSIONS_FILE and DEBIAN_ROOTFS are those of the tests. The task is a ping, and its time that between its start
and its result, in a play that runs it several times in turns in the sandbox and here.
"""

from __future__ import annotations

import contextlib
import os
import statistics
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.gvisor.runsc.tests.benchmarks.support import (
    HEADER,
    PLAY,
    WARM,
    Row,
    Timed,
    base_folder,
    in_turns,
    print_table,
    say,
    seconds,
)
from ansible_collections.gvisor.runsc.tests.benchmarks.support import PYTHON as LOCAL_PYTHON
from ansible_collections.gvisor.runsc.tests.connection.support import Site, unpack
from ansible_collections.gvisor.runsc.tests.modules.support import Json, RunscVersion, versions

ROUNDS = 3
MANY = 10
PING: Json = {"ansible.builtin.ping": {}}
PYTHON = {"ansible_python_interpreter": "/usr/bin/python3"}
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Runs what Ansible's modules import, as a ping does.
RAW = ("python3", "-c", "import json, zipfile, tempfile, shutil, base64, subprocess, platform, logging")


class Sandboxes(Site, Timed):
    """Sandboxes of Debian that are hosts for Ansible, and whose tasks are measured."""


HERE: Json = {"ansible_connection": "local", "ansible_python_interpreter": LOCAL_PYTHON, "ansible_pipelining": True}


def plays(groups: Json, rounds: int) -> list[Json]:
    """Return plays that ping groups of hosts in turns; the tasks bear the names of the groups. The first ones do not count."""
    order = [(WARM, group) for group in groups] + [(group, group) for _round in range(rounds) for group in groups]
    return [
        {"name": PLAY, "hosts": groups[group], "gather_facts": False, "tasks": [{"name": name, **PING}]}
        for name, group in order
    ]


def measure(site: Sandboxes) -> Iterator[Row]:
    """Compare."""
    hosts = {"local": HERE, "sandbox": PYTHON, "copied": {**PYTHON, "ansible_pipelining": False}}
    inventory = site.inventory(hosts)
    found = site.play_times(plays({name: name for name in hosts}, ROUNDS), f"--inventory={inventory}")
    took = {name: statistics.median(values) for name, values in found.items()}
    (raw,) = in_turns(ROUNDS, lambda: seconds(lambda: site.runsc("exec", site.id, *RAW)))
    values = took["sandbox"], took["local"]
    yield Row("ping in a sandbox", site.version.label, *values, "s", "ping with connection local")
    yield Row("ping in a sandbox", site.version.label, took["sandbox"], raw, "s", "runsc exec of Python")
    yield Row("ping without pipelining", site.version.label, took["copied"], took["sandbox"], "s", "with pipelining")
    one_by_one = MANY * took["sandbox"]
    yield Row(f"{MANY} pings, {MANY} forks", site.version.label, together(site), one_by_one, "s", f"{MANY} times one")


def together(site: Sandboxes) -> float:
    """Return how long one task takes in many sandboxes at the same time: until the last of them is done."""
    made = [site.make(f"{site.prefix}m{number:02d}") for number in range(MANY)]
    inventory = site.inventory({name: {**PYTHON, "ansible_runsc_container": name} for name in made})
    rounds = [f"round{number}" for number in range(ROUNDS)]
    tasks = [{"name": name, **PING} for name in (WARM, *rounds)]
    play = {"name": PLAY, "hosts": "all", "gather_facts": False, "tasks": tasks}
    found = site.play_times([play], f"--inventory={inventory}", f"--forks={MANY}")
    return statistics.median(max(found[name]) for name in rounds)


@contextlib.contextmanager
def sandboxes(version: RunscVersion, folder: Path, rootfs: Path) -> Iterator[Sandboxes]:
    """A sandbox of Debian, and a place for more."""
    prefix = f"b{os.getpid():07d}{version.label[-4:]}y"
    site = Sandboxes(version, folder / f"connection-{version.label}", rootfs, prefix, {})
    try:
        site.make(changes={"process": {"env": [PATH]}, "root": {"readonly": False}})
        yield site
    finally:
        for record in site.root.glob("*.state"):
            with contextlib.suppress(Exception):  # what can't be deleted in order is killed
                site.remove(record.name.partition("_sandbox:")[0])
        site.clean()


def rows(base: Path) -> Iterator[Row]:
    """Compare, for each version."""
    rootfs = unpack(Path(os.environ["DEBIAN_ROOTFS"]), base / "debian")
    for version in versions():
        say(f"{version.label}: connection")
        with sandboxes(version, base, rootfs) as site:
            yield from measure(site)


def main() -> None:
    """Measure and print."""
    with base_folder() as base:
        print_table(HEADER, [row.cells() for row in rows(base)])


if __name__ == "__main__":
    main()
