# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fail when an option of a module is in no test of that module.

Run it from a tree that Ansible accepts as a collection, with a Python that has ansible-core. Looked at is the
documentation, which ansible-test sanity holds equal to the argument specs. An option counts as tested when its name
is given as a key or a keyword (``name:``, ``name=``, ``"name"``) in the module's integration targets or in
``tests/modules``. The values of the options in CHOICES have to occur there as well.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TREE = Path(__file__).resolve().parents[1]
COLLECTION = "gvisor.runsc"
CHOICES = {"state", "recreate"}
READ = {".py", ".yml", ".yaml", ".sh", ".j2", ".json"}
DEADLINE = 120


def documented_modules() -> dict[str, dict[str, Any]]:
    """Return the options of each module of the collection, by the module's short name."""
    names = sorted(path.stem for path in (TREE / "plugins/modules").glob("*.py") if path.stem != "__init__")
    if not names:
        sys.exit(f"check_option_coverage.py: no modules in {TREE}")
    ansible_doc = Path(sys.executable).with_name("ansible-doc")
    done = subprocess.run(
        [ansible_doc, "--json", "--type", "module", *(f"{COLLECTION}.{name}" for name in names)],
        check=True,
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(TREE.parents[2])},
        timeout=DEADLINE,
    )
    found = json.loads(done.stdout)
    return {name: found[f"{COLLECTION}.{name}"]["doc"].get("options", {}) for name in names}


def wanted(options: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what has to occur in a test, as (what to call it, pattern), suboptions included."""
    for name, option in options.items():
        word = re.escape(name)
        yield name, rf"\b{word}\b['\"]?\s*[:=]|['\"]{word}['\"]"
        for choice in option.get("choices") or [] if name in CHOICES else []:
            yield f"{name}: {choice}", rf"(?<![\w-]){re.escape(str(choice))}(?![\w-])"
        for inner, pattern in wanted(option.get("suboptions") or {}):
            yield f"{name}.{inner}", pattern


def test_text(module: str) -> str:
    """Return the text of all test files that may test a module."""
    folders = [*(TREE / "tests/integration/targets").glob(f"{module}*"), TREE / "tests/modules"]
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in READ]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def untested(module: str, options: dict[str, Any]) -> list[str]:
    """Return the names of the options, and of the choices, that no test mentions."""
    text = test_text(module)
    return [name for name, pattern in wanted(options) if not re.search(pattern, text)]


def main() -> None:
    """Print what is untested; exit 1 when there is anything."""
    modules = documented_modules()
    failed = False
    for module, options in modules.items():
        for name in untested(module, options):
            failed = True
            print(f"{module}: no test gives {name}")
    if failed:
        sys.exit(1)
    print(f"every option of {', '.join(modules)} occurs in a test")


if __name__ == "__main__":
    main()
