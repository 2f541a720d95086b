# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every test here runs once for each runsc version, as root, and may leave nothing on the host."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.monitor import Recorder
from ansible_collections.gvisor.runsc.tests.system import support
from ansible_collections.gvisor.runsc.tests.system.support import RunscVersion


def pytest_configure() -> None:
    """Say what is missing before the first test."""
    if os.geteuid() != 0:
        raise pytest.UsageError("tests/system start sandboxes: run them as root")
    if not os.path.isfile(os.environ.get("RUNSC_VERSIONS_FILE", "")):
        raise pytest.UsageError("RUNSC_VERSIONS_FILE names no file: run 'make system'")


@pytest.fixture(scope="session", params=support.versions(), ids=lambda version: version.label)
def runsc_version(request: pytest.FixtureRequest) -> RunscVersion:
    """The runsc build under test."""
    version: RunscVersion = request.param
    return version


class MakeBundle(Protocol):
    """Makes a bundle; see L(support.make_bundle)."""

    def __call__(self, *args: str, process: dict[str, Any] | None = None, **spec: Any) -> str:
        """Return the folder of a new bundle."""


class MakeClient(Protocol):
    """Makes a driver client with other options than the fixture C(runsc), for the same root and binary."""

    def __call__(self, **options: Any) -> Runsc:
        """Return the client."""


@pytest.fixture(autouse=True)
def private_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the driver a temporary folder that is empty again in the end, and no XDG_RUNTIME_DIR."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert os.listdir(folder) == []


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the driver keeps what it asked a binary."""
    return tmp_path_factory.mktemp("cache")


def client_for(version: RunscVersion, root: Path, **options: Any) -> Runsc:
    """Return a client with a recorder; C(config) is added to what each test needs."""
    config = {"platform": version.platform, "network": "none", **options.pop("config", {})}
    options.setdefault("monitor", Recorder())
    return Runsc(version.path, root=str(root), config=config, **options)


@pytest.fixture
def client(runsc_version: RunscVersion, tmp_path: Path, cache_folder: Path) -> MakeClient:
    """A factory of clients for the test's own root."""

    def make(**options: Any) -> Runsc:
        return client_for(runsc_version, tmp_path / "root", **{"cache_folder": str(cache_folder), **options})

    return make


@pytest.fixture
def bundle(tmp_path: Path) -> Iterator[MakeBundle]:
    """A factory of bundles. In the end no overlay file may be left in their root file systems."""
    numbers = itertools.count()
    made: list[Path] = []

    def make(*args: str, process: dict[str, Any] | None = None, **spec: Any) -> str:
        made.append(support.make_bundle(tmp_path / f"bundle{next(numbers)}", args, process=process, **spec))
        return str(made[-1])

    yield make
    left = [str(path) for folder in made for path in folder.glob("rootfs/.gvisor*")]
    assert not left


@pytest.fixture
def runsc(bundle: MakeBundle, client: MakeClient) -> Iterator[Runsc]:
    """A client with a private root. In the end nothing of it may be left: container, process, file or control group."""
    made = client()
    yield made
    complaints = support.clean_up(made)
    left = support.remove_groups(f"t{os.getpid():07d}x", keep=SHARED)
    complaints += [f"control group left: {group}" for group in left]
    assert not complaints, complaints


@pytest.fixture
def start(runsc: Runsc, bundle: MakeBundle) -> Callable[..., str]:
    """A factory of running containers; returns the id. The parameters are those of C(bundle)."""

    def make(*args: str, **spec: Any) -> str:
        container = support.new_id()
        runsc.run_detached(container, bundle(*args, **spec))
        return container

    return make


SHARED: set[str] = set()


class Shared:
    """A running container that many tests use, and leave as they found it."""

    def __init__(self, runsc: Runsc, container: str, bundle: Path) -> None:
        self.runsc = runsc
        self.container = container
        self.bundle = bundle

    def run(self, *args: str, **options: Any) -> str:
        """Run a command in it and return its standard output."""
        return support.text_of(self.runsc, self.container, *args, **options)


@pytest.fixture(scope="session")
def shared(
    runsc_version: RunscVersion, tmp_path_factory: pytest.TempPathFactory, cache_folder: Path
) -> Iterator[Shared]:
    """One running container for each version, whose process is of user 1234, group 4321."""
    folder = tmp_path_factory.mktemp("shared")
    process = {"user": {"uid": 1234, "gid": 4321, "additionalGids": [55]}, "cwd": "/tmp"}
    bundle = support.make_bundle(folder / "bundle", process=process)
    runsc = client_for(runsc_version, folder / "root", cache_folder=str(cache_folder))
    container = support.new_id()
    SHARED.add(container)
    runsc.run_detached(container, str(bundle))
    yield Shared(runsc, container, bundle)
    complaints = support.clean_up(runsc)
    SHARED.discard(container)
    complaints += support.remove_groups(container)
    assert not complaints, complaints
