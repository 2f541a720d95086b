# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the pages say is done once for each runsc version, as root, on a machine of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.tests.docs import support
from ansible_collections.gvisor.runsc.tests.docs.projects import Project
from ansible_collections.gvisor.runsc.tests.docs.support import Machine, RunscVersion


@pytest.fixture(scope="session", params=support.versions(), ids=lambda version: version.label)
def version(request: pytest.FixtureRequest) -> RunscVersion:
    """The runsc build under test."""
    given: RunscVersion = request.param
    return given


@pytest.fixture(scope="module")
def machine(version: RunscVersion) -> Iterator[Machine]:
    """A machine for the tests of one file."""
    # pytest's own folders may be entered by root alone, and sandboxes are run by nobody.
    folder = Path(tempfile.mkdtemp(prefix=f"docs{os.getpid()}-"))
    folder.chmod(0o755)
    try:
        with Machine(folder, version) as made:
            yield made
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def project(machine: Machine) -> Iterator[Project]:
    """An empty project for one test."""
    made = Project(Path(tempfile.mkdtemp(prefix="project", dir=machine.work)))
    yield made
    made.clear(machine)
