# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Big files go through in pieces: the memory that it takes does not depend on their size."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.gvisor.runsc.tests.connection.support import Site
from ansible_collections.gvisor.runsc.tests.modules.support import PLAY_PATIENCE

# 1024 is worth a try now and then.
BIG = int(os.environ.get("CONNECTION_MEGABYTES", "64"))  # MiB
SMALL = 1
BOUND = 16  # MiB that a file so much bigger may cost
COPY = """
import json, resource, sys
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader, init_plugin_loader
init_plugin_loader()
variables, source, place, back = json.loads(sys.argv[1])
connection = connection_loader.get("gvisor.runsc.runsc", PlayContext())
connection.set_options(var_options=variables)
connection.put_file(source, place)
connection.fetch_file(place, back)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)
"""


def _copied(site: Site, megabytes: int) -> tuple[int, int]:
    """Copy a file into the container and back; return the peak of memory of the plugin, and of each process that it starts."""
    source, back = site.folder / "source", site.folder / "back"
    piece = bytes(range(256)) * 4095
    with source.open("wb") as file:
        for number in range(megabytes):
            file.write(piece + number.to_bytes(8) * 32)
    arguments = json.dumps([site.variables(), str(source), "/big/file", str(back)])
    done = subprocess.run(
        [sys.executable, "-c", COPY, arguments],
        check=False,
        capture_output=True,
        text=True,
        env=site.environment,
        timeout=5 * PLAY_PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert _digest(source) == _digest(back)
    assert site.out("stat -c %s /big/file; rm /big/file") == f"{megabytes << 20}\n"
    source.unlink()
    back.unlink()
    own, children = done.stdout.split()
    return int(own), int(children)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


def test_memory_does_not_depend_on_the_size_of_a_file(site: Site) -> None:
    (site.folder / "big").mkdir()
    big = {"destination": "/big", "type": "bind", "source": str(site.folder / "big"), "options": ["rw"]}
    site.make(changes={"mounts": [*site.config["mounts"], big]})
    small = _copied(site, SMALL)
    large = _copied(site, BIG)
    assert all(after < before + BOUND for before, after in zip(small, large, strict=True)), (small, large)
