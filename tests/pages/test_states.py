# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/states.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.gvisor.runsc.plugins.module_utils import lifecycle

PAGE = (Path(__file__).parents[2] / "docs/states.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table that begins with this heading, without its two head lines."""
    lines = PAGE[PAGE.index(f"| {heading} ") :].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_table_is_the_one_in_the_code() -> None:
    documented = {
        state: {
            status: () if cell == "-" else tuple(cell.split(", "))
            for status, cell in zip(lifecycle.STATUSES, cells, strict=True)
        }
        for state, *cells in rows(r"asked \ found")
    }
    assert documented == lifecycle.PLANS


def test_every_status_is_explained() -> None:
    assert tuple(row[0] for row in rows("status")) == lifecycle.STATUSES


def test_every_step_is_explained() -> None:
    explained = {step for row in rows("step") for step in re.split(", ", row[0])}
    assert explained == set(lifecycle.STEPS)
