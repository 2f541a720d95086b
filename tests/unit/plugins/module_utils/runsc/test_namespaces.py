# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose sandbox a process is, by the pid namespaces that it is in."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import namespaces


@pytest.mark.parametrize(
    ("numbers", "is_ours"),
    [
        ("7", True),
        ("7\t1", True),  # the first process of a namespace of its own: some platforms do that
        ("7\t5", False),  # somebody in a container made it
        ("7\t5\t1", False),
    ],
)
def test_a_sandbox_is_ours_if_our_runsc_made_it(tmp_path: pathlib.Path, numbers: str, is_ours: bool) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/status").write_text(f"Name:\trunsc-sandbox\nNSpid:\t{numbers}\nThreads:\t24\n")
    assert namespaces.is_ours(7, str(tmp_path)) is is_ours


def test_what_an_old_kernel_does_not_tell_counts_as_ours(tmp_path: pathlib.Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/status").write_text("Name:\trunsc-sandbox\n")
    assert namespaces.is_ours(7, str(tmp_path))
    assert namespaces.is_ours(8, str(tmp_path))
