# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mirror the project's files into a folder that Ansible's tools accept as a collection.

They insist on a path ``.../ansible_collections/<namespace>/<name>``, which a checkout seldom has. Mirrored is what git
tracks or would track (new files count, ignored ones do not). Files that went away in the project go away in the
mirror; what the tools themselves keep there stays, so that ansible-test's environments are not built anew each time.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# Made in the mirror by git, by ansible-test and by the Makefile.
KEPT = (".git", "tests/output", "tests/integration/integration_config.yml", "tests/integration/inventory")
# Where there is no git to ask (an unpacked archive on a bare machine): folders that are never part of the project.
NOT_OURS = {".git", "build", ".venv", ".ansible", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


def git_files(source: Path) -> list[str]:
    """Paths that git tracks or would track, relative to ``source``."""
    # The checkout may belong to another user than the one who runs this (root, mostly).
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
    return [path for path in os.fsdecode(done.stdout).split("\0") if path and os.path.lexists(source / path)]


def walked_files(source: Path) -> Iterator[str]:
    """Paths of all files below ``source``, relative to it, but for folders that are not the project's."""
    for folder, names, files in os.walk(source):
        names[:] = [name for name in names if name not in NOT_OURS]
        yield from (os.path.relpath(os.path.join(folder, name), source) for name in files)


def project_files(source: Path) -> set[str]:
    """Paths of the project's files, relative to ``source``."""
    if (source / ".git").exists() and shutil.which("git"):
        return set(git_files(source))
    return set(walked_files(source))


def is_kept(path: str) -> bool:
    """Whether ``path`` (relative to the mirror) belongs to the tools."""
    return any(path == kept or path.startswith(kept + "/") for kept in KEPT)


def is_same(new: Path, old: Path) -> bool:
    """Whether both are regular files of equal mode and content. Links are always laid anew."""
    if new.is_symlink() or old.is_symlink() or not old.is_file():
        return False
    return new.stat().st_mode == old.stat().st_mode and filecmp.cmp(new, old)


def copy_changed(source: Path, mirror: Path, wanted: set[str]) -> None:
    """Copy each wanted file that is missing in the mirror or differs there."""
    for path in sorted(wanted):
        old, new = mirror / path, source / path
        if is_same(new, old):
            continue
        if os.path.lexists(old):
            shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
        old.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(new, old, follow_symlinks=False)


def drop_stale(mirror: Path, wanted: set[str]) -> None:
    """Remove from the mirror each file that is not wanted, and the folders that this empties."""
    for folder, _names, files in os.walk(mirror, topdown=False):
        here = os.path.relpath(folder, mirror)
        if is_kept(here):
            continue
        for name in files:
            path = os.path.normpath(os.path.join(here, name))
            if path not in wanted and not is_kept(path):
                (mirror / path).unlink()
        if here != "." and not os.listdir(folder):
            os.rmdir(folder)


def main() -> None:
    """Mirror the project that this script belongs to into the folder named on the command line."""
    if len(sys.argv) != 2:
        sys.exit("usage: sync_tree.py MIRROR")
    source, mirror = Path(__file__).resolve().parents[1], Path(sys.argv[1]).absolute()
    wanted = project_files(source)
    if "galaxy.yml" not in wanted:
        sys.exit(f"sync_tree.py: {source} has no galaxy.yml among the files that git knows")
    mirror.mkdir(parents=True, exist_ok=True)
    copy_changed(source, mirror, wanted)
    drop_stale(mirror, wanted)


if __name__ == "__main__":
    main()
