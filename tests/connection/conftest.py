# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every test here runs once for each runsc version and each way to the node, as root, and may leave nothing on the host."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.tests.connection.support import Site, Sshd, unpack
from ansible_collections.gvisor.runsc.tests.modules import support
from ansible_collections.gvisor.runsc.tests.modules.support import Json, RunscVersion

_NUMBERS = itertools.count()
PASSWD = "root:x:0:0::/:/bin/sh\napp:x:1234:4321::/home/app:/bin/sh\n"
GROUP = "root:x:0:\napp:x:4321:\nlogs:x:77:app\ntapes:x:78:root,app\n"


@pytest.fixture(scope="session", params=support.versions(), ids=lambda version: version.label)
def version(request: pytest.FixtureRequest) -> RunscVersion:
    """The runsc build under test."""
    given: RunscVersion = request.param
    return given


@pytest.fixture(scope="session")
def base() -> Iterator[Path]:
    """A folder for all, with a short path: it is the beginning of sockets' names."""
    folder = Path(tempfile.mkdtemp(prefix="gc-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def sshd(base: Path) -> Iterator[Sshd]:
    """An sshd for all."""
    with Sshd(base / "ssh").serving() as serving:
        yield serving
        assert list((serving.folder / "tmp").iterdir()) == []


@pytest.fixture(scope="session", params=["local", "ssh"])
def way(request: pytest.FixtureRequest) -> Json:
    """The variables that say how the node is reached."""
    if request.param == "local":
        return {}
    served: Sshd = request.getfixturevalue("sshd")
    return served.variables


@pytest.fixture(scope="session")
def rootfs(base: Path) -> Path:
    """A root file system of busybox, with accounts."""
    folder = support.make_rootfs(base / "rootfs")
    (folder / "etc/passwd").write_text(PASSWD, encoding="utf-8")
    (folder / "etc/group").write_text(GROUP, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def debian(base: Path) -> Path:
    """A root file system of Debian with python3, to which each test adds at most what it removes again."""
    return unpack(Path(os.environ["DEBIAN_ROOTFS"]), base / "debian")


@contextlib.contextmanager
def _site(version: RunscVersion, base: Path, rootfs: Path, way: Json) -> Iterator[Site]:
    number = next(_NUMBERS)
    # With runsc before 2023, ids have to be unique on the host. No id is a prefix of another one.
    site = Site(version, base / f"p{number}", rootfs, f"c{os.getpid():07d}x{number:04d}", way)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(site.tmp))
        try:
            yield site
            for file in sorted(site.root.glob("*.state"), reverse=True):  # an id before its prefixes
                site.remove(file.name.partition("_sandbox:")[0])
            for name in site.root.glob("*.lock"):
                name.unlink()
            found = [*site.leftovers(), *(str(path) for path in rootfs.glob(".gvisor*"))]
            assert not found, "\n".join(found)
        finally:
            site.clean()


@pytest.fixture
def site(version: RunscVersion, base: Path, rootfs: Path, way: Json) -> Iterator[Site]:
    """A place for one test."""
    with _site(version, base, rootfs, way) as made:
        yield made


@pytest.fixture(scope="module")
def shared(version: RunscVersion, base: Path, rootfs: Path, way: Json) -> Iterator[Site]:
    """A running container for the tests of one file, which leave it as they found it."""
    with _site(version, base, rootfs, way) as made:
        made.make()
        yield made


@pytest.fixture
def near(version: RunscVersion, base: Path, rootfs: Path) -> Iterator[Site]:
    """A place for one test of what does not depend on the way: the node is this machine."""
    with _site(version, base, rootfs, {}) as made:
        yield made


def _make_debian(site: Site, *command: str) -> None:
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    process: Json = {"env": [path], **({"args": list(command)} if command else {})}
    site.make(changes={"process": process, "root": {"readonly": False}})


@pytest.fixture(scope="module")
def distribution(version: RunscVersion, base: Path, debian: Path, way: Json) -> Iterator[Site]:
    """A running container of Debian with python3 for the tests of one file."""
    with _site(version, base, debian, way) as made:
        _make_debian(made)
        yield made


@pytest.fixture
def near_distribution(version: RunscVersion, base: Path, debian: Path) -> Iterator[Site]:
    """The same for one test, on this machine."""
    with _site(version, base, debian, {}) as made:
        _make_debian(made)
        yield made


@contextlib.contextmanager
def _own_distribution(version: RunscVersion, base: Path, way: Json) -> Iterator[Site]:
    folder = unpack(Path(os.environ["DEBIAN_ROOTFS"]), base / f"d{next(_NUMBERS)}")
    try:
        with _site(version, base, folder, way) as made:
            # The shell is the parent of what services leave behind, and reaps it, as the first process of a machine does.
            _make_debian(made, "/bin/sh", "-c", "while sleep 1000; do :; done")
            yield made
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def two_distributions(version: RunscVersion, base: Path, sshd: Sshd) -> Iterator[list[Site]]:
    """A running container of Debian on this machine and one behind ssh, for one test, which may do there what it likes."""
    with _own_distribution(version, base, {}) as near, _own_distribution(version, base, sshd.variables) as far:
        yield [near, far]
