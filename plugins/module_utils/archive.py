# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Importing the rest from the archive in which Ansible sends it, without compiling everything twice.

A managed node gets the sources of a module in an archive, which Python compiles anew in each task. zipimport does that twice,
the first time when it is asked for no more than the name of a file (CPython issue 141276). Here a name is found without it,
which makes each task a tenth shorter, see docs/performance.md. Where modules are in no archive, this does nothing.
"""

from __future__ import annotations

import os
import sys
import typing as t
import zipimport


class _Archive(zipimport.zipimporter):
    """An archive of sources that tells the names of its files without compiling them."""

    def get_filename(self, fullname: str) -> str:
        path = os.path.join(self.archive, self.prefix, fullname.rpartition(".")[2])
        return os.path.join(path, "__init__.py") if self.is_package(fullname) else f"{path}.py"


_LOADER: t.Any = __spec__.loader
if isinstance(_LOADER, zipimport.zipimporter):
    _FOLDER = os.path.dirname(__file__)
    for _path in (_FOLDER, os.path.join(_FOLDER, "runsc")):
        sys.path_importer_cache[_path] = _Archive(_path)
