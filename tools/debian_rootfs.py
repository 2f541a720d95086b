# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make an archive with the root file system of this Debian release and python3 in it, for the tests.

usage: PYTHONPATH=<folder that holds ansible_collections> debian_rootfs.py ARCHIVE

Needs mmdebstrap and root. The mirror is the one that the machine's own apt uses. Does nothing where the archive is there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ansible_collections.gvisor.runsc.tools.fetch_runsc import (
    FetchError,
    find_mirror,
    machine_stanzas,
    release_codename,
    run,
)

# python3-minimal lacks json, zipfile and more of what Ansible's modules import.
PACKAGES = "python3,sudo"


def make(archive: Path) -> None:
    """Make the archive. It appears when it is whole."""
    codename = release_codename()
    mirror = find_mirror(machine_stanzas(), codename)
    options = f"[signed-by={mirror.signed_by}] " if mirror.signed_by else ""
    source = f"deb {options}{mirror.uri} {codename} main"
    draft = archive.with_suffix(".draft")
    archive.parent.mkdir(parents=True, exist_ok=True)
    draft.unlink(missing_ok=True)
    run(
        [
            "mmdebstrap",
            "--quiet",
            "--format=tar",
            "--variant=minbase",
            f"--include={PACKAGES}",
            codename,
            str(draft),
            source,
        ]
    )
    draft.rename(archive)
    archive.with_suffix(".packages").write_text(PACKAGES, encoding="utf-8")


def is_made(archive: Path) -> bool:
    """Whether the archive is there, with the packages that it is to have."""
    packages = archive.with_suffix(".packages")
    return archive.exists() and packages.exists() and packages.read_text(encoding="utf-8") == PACKAGES


def main() -> None:
    """Make the archive if it is not there as it is to be."""
    if len(sys.argv) != 2:
        sys.exit("usage: debian_rootfs.py ARCHIVE")
    archive = Path(sys.argv[1])
    try:
        if not is_made(archive):
            make(archive)
    except FetchError as error:
        sys.exit(f"debian_rootfs.py: {error}")


if __name__ == "__main__":
    main()
