# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every test here runs once for each runsc version, as root, and may leave nothing on the host."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.tests.inventory.support import Ground, Machine, Reader, make_keys
from ansible_collections.gvisor.runsc.tests.modules import support
from ansible_collections.gvisor.runsc.tests.modules.support import RunscVersion

_NUMBERS = itertools.count()


@pytest.fixture(scope="session", params=support.versions(), ids=lambda version: version.label)
def version(request: pytest.FixtureRequest) -> RunscVersion:
    """The runsc build under test."""
    given: RunscVersion = request.param
    return given


@pytest.fixture(scope="session")
def base() -> Iterator[Path]:
    """A folder for all. pytest's own may be entered by root alone."""
    folder = Path(tempfile.mkdtemp(prefix="gi-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def rootfs(base: Path) -> Path:
    """A root file system for all; bundles mount it read-only."""
    return support.make_rootfs(base / "rootfs")


@pytest.fixture(scope="session")
def machines(base: Path) -> Iterator[tuple[Machine, Machine]]:
    """Two machines that ssh reaches."""
    keys = make_keys(base / "keys")
    with contextlib.ExitStack() as stack:
        made = []
        for name, address in (("left", "127.0.0.11"), ("right", "127.0.0.12")):
            made.append(Machine(base / name, keys, address))
            stack.callback(made[-1].end)
        for machine in made:
            machine.wait()
        yield made[0], made[1]


@pytest.fixture(scope="session")
def reader() -> Iterator[Reader]:
    """The process that reads inventories."""
    made = Reader()
    yield made
    made.close()


@contextlib.contextmanager
def _ground(reader: Reader, version: RunscVersion, base: Path, rootfs: Path) -> Iterator[Ground]:
    number = next(_NUMBERS)
    ground = Ground(reader, version, base / f"g{number}", rootfs, f"i{os.getpid():07d}x{number:03d}")
    try:
        yield ground
        found = ground.leftovers()
        assert not found, "\n".join(found)
    finally:
        ground.clean()


@pytest.fixture
def ground(reader: Reader, version: RunscVersion, base: Path, rootfs: Path) -> Iterator[Ground]:
    """A ground for one test."""
    with _ground(reader, version, base, rootfs) as made:
        yield made


class Fleet:
    """Two machines with containers of each status. No test changes them."""

    def __init__(self, ground: Ground, machines: tuple[Machine, Machine]) -> None:
        self.ground = ground
        self.machines = machines
        self.left, self.right = ground.root("left"), ground.root("right")
        self.flag = ground.folder / "evaluated"
        template = f"{{{{ lookup('pipe', 'touch {self.flag}') }}}}"
        self.annotations = {"com.example.team": "blue", "com.example.evil": template, template: "key"}
        self.blue = ground.make(self.left, annotations=self.annotations)
        self.red = ground.make(self.left, annotations={"com.example.team": "red"})
        self.others = {status: ground.make(self.left, status) for status in ("created", "paused", "stopped")}
        self.far = ground.make(self.right, annotations={"com.example.team": "blue"})

    @property
    def nodes(self) -> dict[str, support.Json]:
        """The option C(nodes) for both."""
        left, right = self.machines
        return {
            "left": {**left.variables, "ansible_runsc_root": str(self.left)},
            "right": {**right.variables, "ansible_runsc_root": str(self.right)},
        }


@pytest.fixture(scope="session")
def fleet(
    reader: Reader, version: RunscVersion, base: Path, rootfs: Path, machines: tuple[Machine, Machine]
) -> Iterator[Fleet]:
    """The fleet for all tests with one version."""
    with _ground(reader, version, base, rootfs) as ground:
        yield Fleet(ground, machines)
