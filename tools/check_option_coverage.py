# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fail when an option of a module is in no test of that module, or a variable of a role in no scenario.

Run it from a tree that Ansible accepts as a collection, with a Python that has ansible-core. Looked at is the
documentation, which ansible-test sanity holds equal to the argument specs. An option counts as tested when its name
is given as a key or a keyword (``name:``, ``name=``, ``"name"``) in the module's integration targets or in
``tests/modules``; a variable of a role in ``extensions/molecule`` or ``tests/docs``. The values of those in CHOICES have
to occur there as well.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

TREE = Path(__file__).resolve().parents[1]
COLLECTION = "gvisor.runsc"
# What only other roles include is tested by their scenarios.
INTERNAL_ROLES = {"runtimes"}
CHOICES = {
    "state",
    "recreate",
    "containerd_place",
    "containerd_shim",
    "install_method",
    "install_self_test",
    "install_state",
    "service_cgroups",
    "service_network",
    "service_restart",
    "service_state",
}
READ = {".py", ".yml", ".yaml", ".sh", ".j2", ".json"}
DEADLINE = 120


def ask_ansible_doc(kind: str, names: list[str]) -> dict[str, Any]:
    """Return the documentation of modules or roles of the collection, by the short name."""
    if not names:
        sys.exit(f"check_option_coverage.py: no {kind} in {TREE}")
    ansible_doc = Path(sys.executable).with_name("ansible-doc")
    done = subprocess.run(
        [ansible_doc, "--json", "--type", kind, *(f"{COLLECTION}.{name}" for name in names)],
        check=True,
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(TREE.parents[2])},
        timeout=DEADLINE,
    )
    found = json.loads(done.stdout)
    return {name: found[f"{COLLECTION}.{name}"] for name in names}


def documented_modules() -> dict[str, dict[str, Any]]:
    """Return the options of each module of the collection, by the module's short name."""
    names = sorted(path.stem for path in (TREE / "plugins/modules").glob("*.py") if path.stem != "__init__")
    return {name: found["doc"].get("options", {}) for name, found in ask_ansible_doc("module", names).items()}


def documented_roles() -> dict[str, dict[str, Any]]:
    """Return the variables of each role of the collection, of all of its entry points, by the role's short name."""
    names = {path.parents[1].name for path in (TREE / "roles").glob("*/meta/argument_specs.yml")} - INTERNAL_ROLES
    found = ask_ansible_doc("role", sorted(names))
    return {
        name: {key: option for point in role["entry_points"].values() for key, option in point["options"].items()}
        for name, role in found.items()
    }


def wanted(options: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what has to occur in a test, as (what to call it, pattern), suboptions included."""
    for name, option in options.items():
        word = re.escape(name)
        yield name, rf"\b{word}\b['\"]?\s*[:=]|['\"]{word}['\"]"
        for choice in option.get("choices") or [] if name in CHOICES else []:
            yield f"{name}: {choice}", rf"(?<![\w-]){re.escape(str(choice))}(?![\w-])"
        for inner, pattern in wanted(option.get("suboptions") or option.get("options") or {}):
            yield f"{name}.{inner}", pattern


def text_of(folders: Iterable[Path]) -> str:
    """Return the text of all files in these folders that may hold a test."""
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in READ]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def tests_of_module(module: str) -> str:
    """Return the text of all test files that may test a module."""
    return text_of([*(TREE / "tests/integration/targets").glob(f"{module}*"), TREE / "tests/modules"])


def scenarios() -> str:
    """Return the text of all scenarios, and of the pages' tests, which have some of their own.

    The name of each variable begins with its role's, so they may share them.
    """
    return text_of([TREE / "extensions/molecule", TREE / "tests/docs"])


def untested(options: dict[str, Any], text: str) -> list[str]:
    """Return the names of the options, and of the choices, that no test mentions."""
    return [name for name, pattern in wanted(options) if not re.search(pattern, text)]


def main() -> None:
    """Print what is untested; exit 1 when there is anything."""
    modules, roles = documented_modules(), documented_roles()
    missing = [
        *(
            f"{name}: no test gives {what}"
            for name in modules
            for what in untested(modules[name], tests_of_module(name))
        ),
        *(f"{name}: no scenario gives {what}" for name in roles for what in untested(roles[name], scenarios())),
    ]
    if missing:
        sys.exit("\n".join(missing))
    print(
        f"every option of {', '.join(modules)} occurs in a test, and every variable of {', '.join(roles)} in a scenario"
    )


if __name__ == "__main__":
    main()
