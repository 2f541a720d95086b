# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what a task costs in a sandbox, beside the same task on this machine, for each version of runsc.

usage: PYTHONPATH=<folder that holds ansible_collections> python connection.py [TASKS]

As root. RUNSC_VERSIONS_FILE and DEBIAN_ROOTFS are those of the tests. The time of a task is that of a play with TASKS pings
more than another one, divided by TASKS. Both are started anew, so that what a play costs by itself does not count.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ansible_collections.gvisor.runsc.tests.connection.support import Site, Sshd, unpack
from ansible_collections.gvisor.runsc.tests.modules.support import Json, RunscVersion, versions

TASKS = 10
SANDBOXES = 10
ROUNDS = 5
PING: Json = {"ansible.builtin.ping": {}}
PYTHON = {"ansible_python_interpreter": "/usr/bin/python3"}
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def seconds(work: Callable[[], object]) -> float:
    """Return how long something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def milliseconds_of(site: Site, tasks: int, hosts: Json, *arguments: str) -> float:
    """Return the time of some pings of each host."""
    inventory = site.inventory(hosts)
    few = seconds(lambda: site.play([PING], *arguments, inventory=inventory))
    many = seconds(lambda: site.play([PING] * (tasks + 1), *arguments, inventory=inventory))
    return (many - few) * 1000


def task_milliseconds(site: Site, tasks: int, **variables: Any) -> float:
    """Return the time of one ping."""
    return milliseconds_of(site, tasks, {"sandbox": variables}) / tasks


def raw_milliseconds(site: Site) -> float:
    """Return the time of one call of runsc that runs Python."""
    call = ("exec", site.id, "python3", "-c", "import json, zipfile")
    return statistics.median(seconds(lambda: site.runsc(*call)) for _round in range(ROUNDS)) * 1000


def measure(site: Site, node: Json, tasks: int) -> Iterator[tuple[str, float]]:
    """Yield what is measured, and the milliseconds that it took."""
    yield "raw runsc exec of python3", raw_milliseconds(site)
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    yield "task, local connection, pipelining", task_milliseconds(site, tasks, **here, ansible_pipelining=True)
    yield "task, in the sandbox, pipelining", task_milliseconds(site, tasks, **PYTHON)
    yield "task, in the sandbox, no pipelining", task_milliseconds(site, tasks, **PYTHON, ansible_pipelining=False)
    yield "task, in the sandbox over ssh, pipelining", task_milliseconds(site, tasks, **PYTHON, **node)
    others = [site.make(f"{site.prefix}{number}") for number in range(SANDBOXES)]
    hosts = {name: {**PYTHON, "ansible_runsc_container": name} for name in others}
    what = f"{tasks} tasks in {SANDBOXES} sandboxes with {SANDBOXES} forks, together"
    yield what, milliseconds_of(site, tasks, hosts, f"--forks={SANDBOXES}")


@contextlib.contextmanager
def sandbox(version: RunscVersion, folder: Path, rootfs: Path) -> Iterator[Site]:
    """A sandbox of Debian, and a place for more."""
    site = Site(version, folder / version.label, rootfs, f"b{os.getpid():07d}{version.label[-4:]}x", {})
    try:
        site.make(changes={"process": {"env": [PATH]}, "root": {"readonly": False}})
        yield site
    finally:
        for record in site.root.glob("*.state"):
            site.remove(record.name.partition("_sandbox:")[0])
        site.clean()


def main() -> None:
    """Measure and print."""
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else TASKS
    with tempfile.TemporaryDirectory(prefix="gc-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        rootfs = unpack(Path(os.environ["DEBIAN_ROOTFS"]), folder / "debian")
        with Sshd(folder / "ssh").serving() as sshd:
            for version in versions():
                print(f"{version.label}, platform {version.platform}, milliseconds:")
                with sandbox(version, folder, rootfs) as site:
                    for what, took in measure(site, sshd.variables, tasks):
                        print(f"  {took:7.0f}  {what}", flush=True)


if __name__ == "__main__":
    main()
