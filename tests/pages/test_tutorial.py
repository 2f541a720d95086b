# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tutorial does what it says: its files are written, its commands run, its outputs compared."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs/tutorial.md").read_text(encoding="utf-8")
DEADLINE = 60


def blocks() -> Iterator[tuple[str, str, str]]:
    """Yield kind and text of each fenced block, and the last line of prose before it."""
    prose, kind, lines = "", "", []
    for line in PAGE.splitlines(keepends=True):
        if not line.startswith("```"):
            if kind:
                lines.append(line)
            elif line.strip():
                prose = line
        elif kind:
            yield kind, "".join(lines), prose
            kind, lines = "", []
        else:
            kind = line.strip("`\n")


def in_order(wanted: list[str], output: str) -> str:
    """Return the first wanted line that does not follow the ones before it in the output, or nothing."""
    position = 0
    for line in wanted:
        found = re.compile(re.escape(line).replace(r"\.\.\.", ".*")).search(output, position)
        if not found:
            return line
        position = found.end()
    return ""


def test_the_tutorial(environment: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    output = ""
    kinds = []
    for kind, text, prose in blocks():
        kinds.append(kind)
        if kind == "shell":
            done = subprocess.run(
                ["bash", "-euc", text],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=DEADLINE,
            )
            output = done.stdout
            assert done.returncode == 0, f"{text}\n{output}"
        elif kind == "text":
            missing = in_order([line.strip() for line in text.splitlines()], output)
            assert not missing, f"{missing!r} is not in\n{output}"
        else:
            named = re.search(r"`([^`]+)`", prose)
            assert named, f"no file is named before\n{text}"
            (folder / named[1]).write_text(text, encoding="utf-8")
    assert kinds.count("shell") == 10 and kinds.count("text") == 9
