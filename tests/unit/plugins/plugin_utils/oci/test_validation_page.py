# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/validation.md shows wrong documents and their messages, word by word."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci.validate import validate_config

PAGE = Path(__file__).parents[5] / "docs" / "validation.md"
BLOCK = re.compile(r"```(yaml|text)\n(.*?)```", re.DOTALL)


def merged(base: t.Any, over: t.Any) -> t.Any:
    """Lay one document over another."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return {**base, **{name: merged(base.get(name), value) for name, value in over.items()}}


def blocks(text: str) -> t.List[t.Tuple[t.Any, t.List[str]]]:
    """Return each document with the lines that follow it."""
    found = BLOCK.findall(text)
    assert [kind for kind, _body in found] == ["yaml", "text"] * (len(found) // 2)
    return [(yaml.safe_load(found[n][1]), found[n + 1][1].splitlines()) for n in range(0, len(found), 2)]


INTRODUCTION, *SECTIONS = re.split(
    r"^### ", PAGE.read_text(encoding="utf-8").split("## Warnings")[0], flags=re.MULTILINE
)
RIGHT = yaml.safe_load(BLOCK.findall(INTRODUCTION)[-1][1])


def test_the_document_below_the_others_is_right() -> None:
    assert validate_config(RIGHT, network="host").errors == ()


def test_there_are_ten() -> None:
    assert [section.split(".")[0] for section in SECTIONS] == [str(number) for number in range(1, 11)]


@pytest.mark.parametrize("section", SECTIONS, ids=[section.splitlines()[0] for section in SECTIONS])
def test_a_wrong_document_gets_the_message_of_the_page(section: str) -> None:
    ((document, messages),) = blocks(section)
    network = "host" if "network: host" in section else None
    assert list(validate_config(merged(RIGHT, document), network=network).errors) == messages


def test_the_warnings_are_those_of_the_page() -> None:
    ((document, messages),) = blocks(PAGE.read_text(encoding="utf-8").split("## Warnings")[1])
    report = validate_config(merged(RIGHT, document))
    assert (report.errors, list(report.warnings)) == ((), messages)
