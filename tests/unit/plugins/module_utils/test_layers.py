# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports point down: a floor knows nothing of those above it, and only one of them knows Ansible."""

from __future__ import annotations

import ast
import os
import typing as t

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils import lifecycle

MODULE_UTILS = os.path.dirname(os.path.abspath(lifecycle.__file__))
MODULES = os.path.join(os.path.dirname(MODULE_UTILS), "modules")

# From the top to the bottom. A file may import from its own floor and from lower ones.
FLOORS: list[set[str]] = [
    {
        *("bundle_task", "checkpoint_task", "command_task", "container_task", "containers_task", "events_task"),
        *("exec_task", "execs_task", "info_task", "kill_task", "many_task", "module", "prune_task", "run_task"),
        *("runs_task", "update_task", "wait_task"),
    },
    {
        *("accounts", "annotations", "archive", "bundle", "bundle_build", "bundle_config", "bundle_folder"),
        *("bundle_values", "checkpoint", "execute", "files", "images", "inside", "inspection", "limits"),
        *("image_remains", "locks", "observation", "one_shot", "parallel", "planning", "pod_order", "pods"),
        *("process_values", "prune", "purge", "reconcile", "reconcile_error", "remains", "rootfs_source", "sampling"),
        *("signalling", "service_roots", "spec_drift", "staging", "transition", "unpack", "waiting"),
    },
    {"lifecycle"},
    {"runsc"},
]
KNOWS_ANSIBLE = {"module.py"}


def _imported(path: str) -> t.Iterator[str]:
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            if node.module is None:
                yield from (base + alias.name for alias in node.names)
            else:
                yield base


def _floor(name: str) -> int:
    return next(number for number, names in enumerate(FLOORS) if name in names)


def _upper_files() -> list[str]:
    return sorted(name for name in os.listdir(MODULE_UTILS) if name.endswith(".py"))


@pytest.mark.parametrize("file", _upper_files())
def test_imports_point_down(file: str) -> None:
    own = _floor(file[: -len(".py")])
    for name in _imported(os.path.join(MODULE_UTILS, file)):
        if name.startswith("."):
            assert _floor(name.lstrip(".").split(".")[0]) >= own, f"{file} imports {name}"


@pytest.mark.parametrize("file", _upper_files())
def test_one_file_knows_ansible(file: str) -> None:
    ansible = [name for name in _imported(os.path.join(MODULE_UTILS, file)) if name.startswith("ansible")]
    assert bool(ansible) == (file in KNOWS_ANSIBLE)


@pytest.mark.parametrize("file", sorted(name for name in os.listdir(os.path.join(MODULE_UTILS, "runsc"))))
def test_the_driver_stands_alone(file: str) -> None:
    if not file.endswith(".py"):
        return
    for name in _imported(os.path.join(MODULE_UTILS, "runsc", file)):
        assert not name.startswith(("..", "ansible")), f"{file} imports {name}"


def test_the_state_machine_is_pure() -> None:
    assert set(_imported(os.path.join(MODULE_UTILS, "lifecycle.py"))) == {"__future__", "typing"}


@pytest.mark.parametrize("file", sorted(name for name in os.listdir(MODULES) if name.endswith(".py")))
def test_a_module_is_documentation_spec_and_main(file: str) -> None:
    with open(os.path.join(MODULES, file), encoding="utf-8") as source:
        tree = ast.parse(source.read())
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    assert [function.name for function in functions] == ["main"]
    imported = set(_imported(os.path.join(MODULES, file))) - {"__future__"}
    assert all(name.startswith("ansible_collections.gvisor.runsc.plugins.module_utils.") for name in imported)


def _loaded(file: str, folder: str = MODULE_UTILS) -> set[str]:
    """Return the files of module_utils that are imported with a file, as paths without their suffix."""
    with open(os.path.join(folder, f"{file}.py"), encoding="utf-8") as source:
        tree = ast.parse(source.read())
    found: set[str] = set()
    waiting = [(folder, node) for node in tree.body if isinstance(node, ast.ImportFrom)]
    while waiting:
        folder, node = waiting.pop()
        base = os.path.join(folder, *[".."] * (node.level - 1)) if node.level else MODULE_UTILS
        parts = (node.module or "").rpartition("module_utils.")[2].split(".") if node.module else []
        names = [os.path.join(base, *parts, alias.name) for alias in node.names] + [os.path.join(base, *parts)]
        for path in {os.path.normpath(name) for name in names} - found:
            if os.path.isfile(f"{path}.py"):
                found.add(path)
                with open(f"{path}.py", encoding="utf-8") as source:
                    tree = ast.parse(source.read())
                waiting += [(os.path.dirname(path), n) for n in tree.body if isinstance(n, ast.ImportFrom)]
    return {os.path.relpath(path, MODULE_UTILS) for path in found}


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("runsc_container", {"images", "runsc/oom_watch", "checkpoint", "execute"}),
        ("runsc_containers", {"images", "runsc/oom_watch", "checkpoint", "execute"}),
        ("runsc_exec", {"reconcile", "planning", "transition", "bundle"}),
        ("runsc_execs", {"reconcile", "planning", "transition", "bundle"}),
        ("runsc_info", {"reconcile", "planning", "transition", "bundle"}),
        ("runsc_kill", {"reconcile", "planning", "transition", "bundle"}),
        ("runsc_wait", {"reconcile", "planning", "transition", "bundle"}),
    ],
)
def test_a_module_compiles_no_more_than_it_needs(module: str, without: set[str]) -> None:
    # Python compiles what Ansible sends anew in each task, so each import costs milliseconds every time.
    loaded = _loaded(module, MODULES)
    assert {"module", "runsc/client"} <= loaded
    assert not loaded & without
