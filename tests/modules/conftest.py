# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every test here runs once for each runsc version, as root, and may leave nothing on the host."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.features import default_cache_folder
from ansible_collections.gvisor.runsc.tests.modules import sources, support
from ansible_collections.gvisor.runsc.tests.modules.support import Place, Runner, RunscVersion

_NUMBERS = itertools.count()


@pytest.fixture(scope="session", params=support.versions(), ids=lambda version: version.label)
def version(request: pytest.FixtureRequest) -> RunscVersion:
    """The runsc build under test."""
    given: RunscVersion = request.param
    return given


@pytest.fixture(scope="session")
def base() -> Iterator[Path]:
    """A folder for all. pytest's own may be entered by root alone, and sandboxes are run by nobody."""
    folder = Path(tempfile.mkdtemp(prefix="gr-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def rootfs(base: Path) -> Path:
    """A root file system for all; bundles mount it read-only."""
    return support.make_rootfs(base / "rootfs")


@pytest.fixture(scope="session")
def source(base: Path) -> Path:
    """A root file system with accounts, which bundles use in place or copy."""
    return sources.make_source(base / "source")


@pytest.fixture(scope="session", autouse=True)
def feature_cache() -> Iterator[None]:
    """Forget in the end what the modules learned of binaries that no longer exist."""
    yield
    for path in Path(default_cache_folder()).glob("features-*.json"):
        # Other tests, which may run at the same time, count on what is known of a binary that still exists.
        with contextlib.suppress(FileNotFoundError):
            if not Path(json.loads(path.read_text(encoding="utf-8"))["binary"]).exists():
                path.unlink()


@pytest.fixture(scope="session")
def runner() -> Iterator[Runner]:
    """The process that runs modules."""
    made = Runner()
    yield made
    made.close()


@contextlib.contextmanager
def _place(runner: Runner, version: RunscVersion, base: Path, rootfs: Path) -> Iterator[Place]:
    number = next(_NUMBERS)
    # With runsc before 2023, ids have to be unique on the host. No id is a prefix of another one.
    place = Place(runner, version, base / f"p{number}", rootfs, f"m{os.getpid():07d}x{number:04d}")
    try:
        yield place
        for state_file in place.root.glob("*.state"):
            place.container(name=state_file.name.partition("_sandbox:")[0], state="absent", force=True)
        found = [*place.leftovers(), *(str(path) for path in rootfs.glob(".gvisor*"))]
        assert not found, "\n".join(found)
    finally:
        place.clean()


@pytest.fixture
def place(runner: Runner, version: RunscVersion, base: Path, rootfs: Path) -> Iterator[Place]:
    """A place for one test. In the end its containers are removed by the module, and nothing of them may be left."""
    with _place(runner, version, base, rootfs) as made:
        yield made


@pytest.fixture(scope="module")
def shared_place(runner: Runner, version: RunscVersion, base: Path, rootfs: Path) -> Iterator[Place]:
    """A place for the tests of one file, which leave it as they found it."""
    with _place(runner, version, base, rootfs) as made:
        yield made
