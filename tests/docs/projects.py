# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Projects that Molecule tests in sandboxes on a machine of their own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import NamedTuple

from ansible_collections.gvisor.runsc.plugins.plugin_utils.molecule.sandboxes import Scenario
from ansible_collections.gvisor.runsc.tests.docs import support
from ansible_collections.gvisor.runsc.tests.docs.support import Done, Json, Machine

ENVIRONMENT = {"ANSIBLE_COLLECTIONS_PATH": str(support.COLLECTIONS), "ANSIBLE_LOCALHOST_WARNING": "0", "NO_COLOR": "1"}
PATIENCE = 900.0  # seconds for a command that applies several playbooks, on a machine that is busy
PLAYBOOKS = ("create", "destroy", "prepare")


class Project(NamedTuple):
    """A project, in a folder of its own."""

    folder: Path

    def scenario(self, name: str, description: Json, **files: str) -> None:
        """Write a scenario whose sandboxes come from the collection.

        :param description: what is in molecule.yml.
        :param files: more files, by their names without C(.yml).
        """
        folder = self.folder / "molecule" / name
        write(folder / "molecule.yml", json.dumps({"dependency": {"name": "galaxy", "enabled": False}, **description}))
        for playbook in PLAYBOOKS:
            write(folder / f"{playbook}.yml", f"- import_playbook: gvisor.runsc.molecule.{playbook}\n")
        for file, text in files.items():
            write(folder / f"{file}.yml", text)

    def molecule(self, machine: Machine, *words: str, check: bool = True) -> Done:
        """Run Molecule, and return all that it prints as C(stdout)."""
        script = f"exec 2>&1\ncd {self.folder}\nmolecule {' '.join(words)}"
        return machine.run(script, check=check, environment=ENVIRONMENT, patience=PATIENCE)

    def folders(self, machine: Machine) -> list[Path]:
        """Return the folders in which scenarios of this project keep bundles now."""
        notes = (machine.folder / "home/.ansible/tmp").glob("molecule.*")
        folders = [Path(Scenario(str(self.folder), str(note)).folder) for note in notes]
        return [folder for folder in folders if folder.exists()]

    def left(self, machine: Machine) -> list[str]:
        """Return what there is of sandboxes: processes, roots, records and bundles."""
        found = machine.look()
        named = [path for path in found["files"] if "gvisor" in path]
        running = [line for line in found["processes"] if "runsc" in line]
        return [*named, *running, *map(str, self.folders(machine))]

    def clear(self, machine: Machine) -> None:
        """Remove what a test that has failed left outside of the machine."""
        for folder in self.folders(machine):
            shutil.rmtree(folder, ignore_errors=True)


def write(path: Path, text: str) -> None:
    """Write a file, in a folder that is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
