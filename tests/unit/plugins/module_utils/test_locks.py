# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock of a container."""

from __future__ import annotations

import multiprocessing
import os
import pathlib
import signal

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.locks import abandoned, container_lock, lock_path
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import DeadlineError, RunscError

ROUNDS = 200


def test_it_excludes_the_second_and_leaves_nothing(tmp_path: pathlib.Path) -> None:
    root = str(tmp_path / "root")
    with container_lock(root, "web-1", 1):
        assert pathlib.Path(lock_path(root, "web-1")).exists()
        with pytest.raises(DeadlineError, match="web-1"), container_lock(root, "web-1", 0.05):
            raise AssertionError("two at once")
        with container_lock(root, "web-2", 0.05):
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_existed_or_is_in_use_stays(tmp_path: pathlib.Path) -> None:
    with container_lock(str(tmp_path), "web-1", 1):
        pass
    assert tmp_path.exists()
    root = tmp_path / "root"
    with container_lock(str(root), "web-1", 1):
        (root / "record").touch()
    assert [entry.name for entry in root.iterdir()] == ["record"]


def test_a_root_that_cannot_be_made_is_an_error_with_its_name(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunscError, match="root: "), container_lock(str(tmp_path / "file" / "x"), "web-1", 1):
        raise AssertionError("locked")


def _count(root: str, counter: str) -> None:
    path = pathlib.Path(counter)
    for _unused in range(ROUNDS):
        with container_lock(root, "web-1", 30):
            path.write_text(str(int(path.read_text()) + 1))


def test_many_processes_never_hold_it_at_once(tmp_path: pathlib.Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    arguments = (str(tmp_path / "root"), str(counter))
    workers = [multiprocessing.Process(target=_count, args=arguments) for _unused in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert counter.read_text() == str(3 * ROUNDS)


def _die_holding(root: str) -> None:
    with container_lock(root, "web-1", 1):
        os.kill(os.getpid(), signal.SIGKILL)


def test_it_ends_with_a_process_that_was_killed(tmp_path: pathlib.Path) -> None:
    root = str(tmp_path / "root")
    victim = multiprocessing.Process(target=_die_holding, args=(root,))
    victim.start()
    victim.join()
    assert pathlib.Path(lock_path(root, "web-1")).exists()
    with container_lock(root, "web-1", 1):
        pass
    assert not pathlib.Path(lock_path(root, "web-1")).exists()


def test_a_lock_that_nobody_holds_tells_of_a_killed_task(tmp_path: pathlib.Path) -> None:
    root = str(tmp_path)
    pathlib.Path(lock_path(root, "web-1")).touch()
    (tmp_path / "notes.lock").touch()
    with container_lock(root, "web-2", 1):
        assert abandoned(root) == {"web-1"}
    assert abandoned(str(tmp_path / "none")) == set()
