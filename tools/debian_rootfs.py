# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make an archive with the root file system of this Debian release and some packages in it, for the tests.

usage: PYTHONPATH=<folder that holds ansible_collections> debian_rootfs.py ARCHIVE PACKAGE...

Needs mmdebstrap and root. The mirror is the one that the machine's own apt uses. Does nothing where the archive is there, with
the same packages.
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


def make(archive: Path, packages: list[str]) -> None:
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
            f"--include={','.join(packages)}",
            codename,
            str(draft),
            source,
        ]
    )
    draft.rename(archive)
    archive.with_suffix(".packages").write_text(" ".join(packages), encoding="utf-8")


def is_made(archive: Path, packages: list[str]) -> bool:
    """Whether the archive is there, with the packages that it is to have."""
    made = archive.with_suffix(".packages")
    return archive.exists() and made.exists() and made.read_text(encoding="utf-8") == " ".join(packages)


def main() -> None:
    """Make the archive unless it is there."""
    if len(sys.argv) < 3:
        sys.exit("usage: debian_rootfs.py ARCHIVE PACKAGE...")
    archive, packages = Path(sys.argv[1]), sys.argv[2:]
    if is_made(archive, packages):
        return
    try:
        make(archive, packages)
    except FetchError as error:
        sys.exit(f"debian_rootfs.py: {error}")


if __name__ == "__main__":
    main()
