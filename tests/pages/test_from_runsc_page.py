# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/from-runsc.md: it has every subcommand of every tested runsc, every method of the Go client, and every module."""

from __future__ import annotations

import importlib
import json
import os
import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc

TREE = Path(__file__).parents[2]
PAGE = (TREE / "docs/from-runsc.md").read_text(encoding="utf-8")
MODULES = set(yaml.safe_load((TREE / "meta/runtime.yml").read_text(encoding="utf-8"))["action_groups"]["runsc"])
VERSIONS = json.loads(Path(os.environ["RUNSC_VERSIONS_FILE"]).read_text(encoding="utf-8"))

# The methods of the client in Go that containerd's shim for gVisor has.
GO = "List State Create Start Run Wait Exec Delete Kill Pause Resume Stats Events Ps Top".split()  # noqa: SIM905


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table rows below a heading, without the heads of the tables."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    heads = {index for index, line in enumerate(lines) if set(line) <= set("|- ")}
    heads |= {index - 1 for index in heads}
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for index, line in enumerate(lines) if index not in heads
    ]


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version["label"])
def test_every_subcommand_is_there(version: dict[str, str]) -> None:
    named = {word.split()[0] for row in rows("Subcommands") for word in re.findall(r"`([^`]+)`", row[0])}
    assert set(Runsc(version["path"], cache_folder=None).features.subcommands) <= named


def test_every_module_is_there_and_no_other() -> None:
    named = set(re.findall(r"`(runsc_\w+)`", PAGE))
    assert named == MODULES


def test_every_option_exists() -> None:
    found = re.findall(r"`(runsc_\w+)` with `(\w+)", PAGE) + [
        (module, option) for option, module in re.findall(r"`(\w+): [^`]*` of `(runsc_\w+)`", PAGE)
    ]
    assert len(found) > 10
    for module, option in found:
        arguments = importlib.import_module(f"ansible_collections.gvisor.runsc.plugins.modules.{module}").ARGUMENTS
        assert option in arguments, f"{module} has no option {option}"
    for module, choice in re.findall(r"`(runsc_\w+)` with `gather: \[(\w+)\]`", PAGE):
        arguments = importlib.import_module(f"ansible_collections.gvisor.runsc.plugins.modules.{module}").ARGUMENTS
        assert choice in arguments["gather"]["choices"]


def test_every_method_of_the_go_client_has_a_driver_method_and_a_module() -> None:
    table = rows("The Go client")
    assert [row[0] for row in table] == GO
    for _go, methods, modules in table:
        assert all(callable(getattr(Runsc, method)) for method in methods.split(", "))
        assert set(re.findall(r"`(\w+)`", modules)) <= MODULES
        assert modules
