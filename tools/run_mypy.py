# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Type-check the mirror of the collection that this script is part of.

usage: run_mypy.py MYPY

Twice, since one run knows one Python version: what runs on managed nodes is checked for the oldest version that mypy
knows, the rest for the oldest version that a controller has. The Pythons below are covered by ansible-test.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
# mypy is run from the folder that holds ansible_collections/, so that modules have the names that they import.
BASE = TREE.parents[2]
MANAGED = ("plugins/doc_fragments", "plugins/module_utils", "plugins/modules", "tests/unit")
# Tests of what only runs on a controller.
NOT_MANAGED = ("tests/unit/plugins/plugin_utils",)
SKIPPED = ("tests/output",)
MANAGED_PYTHON, CONTROLLER_PYTHON = "3.10", "3.11"
DEADLINE = 600


def is_below(path: str, folders: tuple[str, ...]) -> bool:
    """Whether a path (relative to the tree) is in one of the folders."""
    return any(path.startswith(folder + "/") for folder in folders)


def check(mypy: str, python: str, paths: list[str]) -> int:
    """Run mypy on files of the tree; return its exit code."""
    if not paths:
        return 0
    print(f"mypy for Python {python}, {len(paths)} files: ", end="", flush=True)
    command = [mypy, "--config-file", str(TREE / "mypy.ini"), "--python-version", python]
    command += ["--cache-dir", str(BASE / "mypy-cache")]
    command += [str((TREE / path).relative_to(BASE)) for path in paths]
    return subprocess.run(command, cwd=BASE, check=False, stdin=subprocess.DEVNULL, timeout=DEADLINE).returncode


def main() -> None:
    """Check both sets of files; exit 1 when either has an error."""
    if len(sys.argv) != 2:
        sys.exit("usage: run_mypy.py MYPY")
    paths = sorted(str(path.relative_to(TREE)) for path in TREE.rglob("*.py"))
    paths = [path for path in paths if not is_below(path, SKIPPED)]
    managed = [path for path in paths if is_below(path, MANAGED) and not is_below(path, NOT_MANAGED)]
    others = [path for path in paths if path not in managed]
    codes = [check(sys.argv[1], MANAGED_PYTHON, managed), check(sys.argv[1], CONTROLLER_PYTHON, others)]
    sys.exit(1 if any(codes) else 0)


if __name__ == "__main__":
    main()
