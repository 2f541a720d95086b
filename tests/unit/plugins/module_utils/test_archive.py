# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an archive, as Ansible sends it, each module is compiled once."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t
import zipfile

from ansible_collections.gvisor.runsc.plugins.module_utils import archive

FOLDER = os.path.dirname(os.path.abspath(archive.__file__))
PACKAGE = "ansible_collections.gvisor.runsc.plugins.module_utils"
FILES = ("archive.py", "lifecycle.py", "runsc/ids.py", "runsc/errors.py", "runsc/interruption.py")

# Tells how often each file was compiled, and where the modules think that they are from.
PROGRAM = f"""
import collections, importlib, json, sys
compiled = collections.Counter()

def note(event, arguments):
    if event == "compile" and arguments[1]:
        compiled[str(arguments[1])] += 1

sys.path.insert(0, sys.argv[1])
importlib.import_module("{PACKAGE}.archive")
sys.addaudithook(note)
names = ("lifecycle", "runsc.ids", "runsc.interruption")
files = [importlib.import_module("{PACKAGE}." + name).__file__ for name in names]
print(json.dumps({{"files": files, "compiled": [compiled[file] for file in files]}}))
"""


def _imported(tmp_path: pathlib.Path) -> dict[str, t.Any]:
    path = tmp_path / "modules.zip"
    parts = PACKAGE.split(".")
    with zipfile.ZipFile(path, "w") as made:
        for depth in range(1, len(parts) + 1):
            made.writestr("/".join([*parts[:depth], "__init__.py"]), "")
        made.writestr("/".join([*parts, "runsc", "__init__.py"]), "")
        for file in FILES:
            made.write(os.path.join(FOLDER, file), "/".join([*parts, file]))
    argv = [sys.executable, "-I", "-c", PROGRAM, str(path)]
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, timeout=60)
    return t.cast("dict[str, t.Any]", json.loads(done.stdout))


def test_a_module_is_compiled_once(tmp_path: pathlib.Path) -> None:
    assert _imported(tmp_path)["compiled"] == [1, 1, 1]


def test_a_module_knows_where_it_is_from(tmp_path: pathlib.Path) -> None:
    base = os.path.join(str(tmp_path / "modules.zip"), *PACKAGE.split("."))
    expected = [
        os.path.join(base, *name.split("/")) for name in ("lifecycle.py", "runsc/ids.py", "runsc/interruption.py")
    ]
    assert _imported(tmp_path)["files"] == expected
