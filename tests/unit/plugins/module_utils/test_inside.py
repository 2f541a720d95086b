# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths of a root file system, followed inside of it only."""

from __future__ import annotations

import os
import pathlib
import stat

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils import inside


@pytest.fixture
def rootfs(tmp_path: pathlib.Path) -> str:
    """A root file system with links, beside which lies what they must not lead to."""
    root = tmp_path / "rootfs"
    (root / "usr/bin").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text("inside", encoding="ascii")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("outside", encoding="ascii")
    links = {
        "bin": "usr/bin",
        "etc/absolute": "/etc/passwd",
        "etc/up": "../../../../etc/passwd",
        "etc/loop": "loop",
        "etc/dangling": "/nowhere/else",
        "etc/over": "../bin/../../etc/passwd",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    os.mkfifo(str(root / "etc/pipe"))
    return str(root)


@pytest.mark.parametrize(
    "path", ["etc/passwd", "/etc/absolute", "etc/up", "../etc/passwd", "etc/over", "./etc//passwd"]
)
def test_links_stay_inside(rootfs: str, path: str) -> None:
    assert inside.read_text(rootfs, path) == "inside"
    assert inside.look(rootfs, path).path == "/etc/passwd"


@pytest.mark.parametrize("path", ["etc/loop", "etc/dangling", "etc/nothing", "etc/pipe", "etc", "etc/passwd/x"])
def test_what_is_no_file_is_empty(rootfs: str, path: str) -> None:
    assert inside.read_text(rootfs, path) == ""


def test_where_a_path_leads(rootfs: str) -> None:
    assert inside.look(rootfs, "/bin/sh") == inside.Seen("/usr/bin/sh", None)
    assert inside.look(rootfs, "etc/dangling") == inside.Seen("/nowhere/else", None)
    mode = inside.look(rootfs, "bin").mode
    assert mode is not None and stat.S_ISDIR(mode)
