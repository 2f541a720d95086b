# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documentation promises of the results of all modules."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from ansible_collections.gvisor.runsc.tests.docs.support import TREE

MODULES = sorted(TREE.glob("plugins/modules/*.py"))
# Ansible gives these keys of a result a meaning of its own: "skipped" makes a list a yes or no, and the task a skipped one.
RESERVED = {"skipped", "skip_reason", "unreachable", "ansible_facts", "add_host", "add_group"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_result_has_a_name_that_ansible_reserves(path: Path) -> None:
    assigned = {
        node.targets[0].id: node.value.value
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    documented = yaml.safe_load(str(assigned["RETURN"]))
    assert documented
    assert RESERVED.isdisjoint(documented)
