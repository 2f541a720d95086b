# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/errors.md shows messages that users get, word by word."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import KINDS

PAGE = (Path(__file__).parents[2] / "docs/errors.md").read_text(encoding="utf-8")

# What to ask for, in the order of the page's messages: a module and its options.
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("runsc_container", {"name": "a/b"}),
    ("runsc_container", {"name": "errors-1"}),
    ("runsc_container", {"name": "errors-1", "root": "here"}),
    ("runsc_container", {"name": "errors-1", "config": {"overlai2": "none"}}),
    ("runsc_info", {"runsc_path": "/nowhere/runsc"}),
    ("runsc_exec", {"name": "errors-1", "command": "id"}),
]


def rows(heading: str) -> list[tuple[str, ...]]:
    """Return the cells of the table with this heading."""
    lines = PAGE[PAGE.index(heading) :].split("\n\n")[0].splitlines()
    return [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines[2:]]


def test_every_kind_is_explained() -> None:
    assert tuple(row[0] for row in rows("| failure_kind | what it means")) == KINDS


def test_the_messages_are_real(version: dict[str, Any], tmp_path: Path) -> None:
    root = str(tmp_path / "root")
    shown = []
    for module, options in WRONG:
        arguments = json.dumps({"runsc_path": version["path"], "root": root, **options})
        command = [
            str(Path(sys.executable).parent / "ansible"),
            "localhost",
            "-m",
            f"gvisor.runsc.{module}",
            "-a",
            arguments,
        ]
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, text=True, timeout=60, check=False
        )
        result, _end = json.JSONDecoder().raw_decode(done.stdout[done.stdout.index("=> {") + len("=> ") :])
        runsc_version = Runsc(version["path"]).version().runsc
        message = result["msg"].replace(root, "ROOT").replace(f"runsc {runsc_version}", "runsc VERSION")
        shown.append((result["failure_kind"], message))
    assert shown == rows("| failure_kind | msg |")
