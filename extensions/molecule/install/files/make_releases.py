# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make what gVisor's servers offer, from runsc binaries of Debian: releases, and an apt repository with its key.

usage: make_releases.py FOLDER LOOSE_RUNSC ARCHIVED_RUNSC

Below FOLDER/release, each release in the layout of its time; the bad ones differ from the good ones in one thing each.
FOLDER/nightly has the same. Below FOLDER/apt, a repository for apt with one package; FOLDER/archive.key is its key. The
programs beside runsc are placeholders: Debian has no package with the real ones.
"""

from __future__ import annotations

import bz2
import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

LOOSE = "20260701.0"
ARCHIVED = "20260831.0"
WRONG_CHECKSUM = "20990101.0"
TRUNCATED = "20990102.0"  # by release_server.py
NO_SANDBOX = "20990104.0"
NO_ARCHIVE = "20990106.0"
SUITE = "20260831"
PLACEHOLDER = b"#!/bin/sh\nexit 0\n"
# Says its version, and runs no sandbox.
BROKEN_RUNSC = b'#!/bin/sh\n[ "$1" = --version ] && echo "runsc version release-20990104.0"\n'
MAINTAINER = "gvisor.runsc tests <tests@example.com>"


def write_checksum(file: Path, *, of: bytes | None = None) -> None:
    """Write the .sha512 of a file as the releases have it; of other bytes, where they are given."""
    digest = hashlib.sha512(file.read_bytes() if of is None else of).hexdigest()
    file.with_name(file.name + ".sha512").write_text(f"{digest}  {file.name}\n", encoding="utf-8")


def folder_of(root: Path, release: str) -> Path:
    """Make the folder of a release for this machine's architecture."""
    folder = root / "release" / release / platform.machine()
    folder.mkdir(parents=True)
    return folder


def make_loose(root: Path, runsc: Path) -> None:
    """The layout until August 2026."""
    folder = folder_of(root, LOOSE)
    shutil.copy(runsc, folder / "runsc")
    (folder / "containerd-shim-runsc-v1").write_bytes(PLACEHOLDER)
    for name in ("runsc", "containerd-shim-runsc-v1"):
        write_checksum(folder / name)


def archive_of(runsc: bytes) -> bytes:
    """The layout since then: everything in one archive, the programs of the sandbox in a folder beside runsc."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in (
            ("runsc", runsc),
            ("containerd-shim-runsc-v1", PLACEHOLDER),
            ("gvisor-bin/gvisor_sentry", PLACEHOLDER),
            ("gvisor-bin/checkpointgofer", PLACEHOLDER),
        ):
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.uid, member.gid = len(content), 0o750, 1000, 1000
            archive.addfile(member, io.BytesIO(content))
    return bz2.compress(buffer.getvalue(), compresslevel=1)


def make_archived(root: Path, release: str, content: bytes, *, checksum_of: bytes | None = None) -> None:
    """A release of the new layout."""
    archive = folder_of(root, release) / "gvisor.tar.bz2"
    archive.write_bytes(content)
    write_checksum(archive, of=checksum_of)


def make_repository(root: Path, runsc: Path) -> None:
    """A flat set of files that apt takes for a suite of a repository, signed with a key of its own."""
    architecture = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
    pool, dists = root / "apt/pool", root / "apt/dists" / SUITE
    (dists / f"main/binary-{architecture}").mkdir(parents=True)
    pool.mkdir()
    control = (
        f"Package: runsc\nVersion: {ARCHIVED}\nArchitecture: {architecture}\n"
        f"Maintainer: {MAINTAINER}\nDescription: gVisor\n"
    )
    package = pool / f"runsc_{ARCHIVED}_{architecture}.deb"
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name, "tree")
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "usr/bin").mkdir(parents=True)
        shutil.copy(runsc, tree / "usr/bin/runsc")
        (tree / "DEBIAN/control").write_text(control, encoding="utf-8")
        run("dpkg-deb", "--root-owner-group", "-Znone", "--build", str(tree), str(package))
    index = dists / f"main/binary-{architecture}/Packages"
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    where = f"Filename: pool/{package.name}\nSize: {package.stat().st_size}\nSHA256: {digest}\n"
    index.write_text(control + where, encoding="utf-8")
    digest = hashlib.sha256(index.read_bytes()).hexdigest()
    (dists / "Release").write_text(
        f"Suite: {SUITE}\nCodename: {SUITE}\nArchitectures: {architecture}\nComponents: main\n"
        f"SHA256:\n {digest} {index.stat().st_size} {index.relative_to(dists)}\n",
        encoding="utf-8",
    )
    sign(dists, root / "archive.key")


def sign(dists: Path, key: Path) -> None:
    """Sign the Release file with a new key, and write its public half."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["GNUPGHOME"] = home
        run(
            "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", MAINTAINER, "default", "sign", "1d"
        )
        run("gpg", "--batch", "--output", str(dists / "InRelease"), "--clear-sign", str(dists / "Release"))
        run("gpg", "--batch", "--armor", "--output", str(key), "--export", MAINTAINER)
        run("gpgconf", "--kill", "gpg-agent")


def run(*argv: str) -> None:
    """Run a command that has a minute to succeed."""
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=60)


def main() -> None:
    """Make everything."""
    root, loose, archived = (Path(argument) for argument in sys.argv[1:])
    good = archive_of(archived.read_bytes())
    make_loose(root, loose)
    make_archived(root, ARCHIVED, good)
    make_archived(root, WRONG_CHECKSUM, good, checksum_of=b"something else")
    make_archived(root, TRUNCATED, good)
    make_archived(root, NO_SANDBOX, archive_of(BROKEN_RUNSC))
    make_archived(root, NO_ARCHIVE, b"something else")
    (root / "release/latest").symlink_to(ARCHIVED)
    (root / "nightly").symlink_to("release")
    make_repository(root, archived)


if __name__ == "__main__":
    main()
