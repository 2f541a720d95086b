# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the documentation share: the runsc versions, and a machine on which one of them is the runsc."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc

VERSIONS = json.loads(Path(os.environ["RUNSC_VERSIONS_FILE"]).read_text(encoding="utf-8"))


@pytest.fixture(params=VERSIONS, ids=lambda version: version["label"])
def version(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return one version after the other."""
    found: dict[str, Any] = request.param
    return found


@pytest.fixture
def environment(version: dict[str, Any], tmp_path: Path) -> Iterator[dict[str, str]]:
    """Yield an environment in which `runsc` is this version, and ansible's commands are those beside this Python.

    The container called tutorial is removed in the end, whatever happened.
    """
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "runsc").symlink_to(version["path"])
    path = f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    yield {**os.environ, "PATH": path, "NO_COLOR": "1", "HOME": str(tmp_path)}
    Runsc(version["path"], config={"network": "none"}, cache_folder=None).delete("tutorial", force=True)
