# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Doing many things at the same time: in which order, how many at once, and what a failure or an interruption means.

No test relies on time: workers wait for each other, with a deadline after which the test fails.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import typing as t

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils import parallel
from ansible_collections.gvisor.runsc.plugins.module_utils.parallel import CONTINUE, SERIAL, STOP, for_each
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import procfs
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.process import run

PATIENCE = 30.0


class Work:
    """Notes which items were begun, and how many there were at the same time."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.at_once = 0
        self.most_at_once = 0
        self.seen_at_once: list[int] = []  # when each item was begun
        self.lock = threading.Lock()

    def __enter__(self) -> Work:
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.seen_at_once.append(self.at_once)
        return self

    def __exit__(self, *exc: object) -> None:
        with self.lock:
            self.at_once -= 1

    def __call__(self, item: int) -> bool:
        self.begun.append(item)
        with self:
            succeeded = self.do(item)
        self.ended.append(item)
        return succeeded

    def do(self, item: int) -> bool:
        """Succeed."""
        return True


def met(barrier: threading.Barrier) -> None:
    """Wait until as many workers are here as the barrier needs. :raises BrokenBarrierError: they don't come."""
    barrier.wait(PATIENCE)


@pytest.mark.parametrize("workers", [1, 2, 7, 50])
def test_each_item_is_worked_on_once_and_begun_in_order(workers: int) -> None:
    work = Work()
    assert for_each(range(40), work, workers) == []
    assert sorted(work.ended) == list(range(40))
    if workers == 1:
        assert work.begun == list(range(40))
    assert work.most_at_once <= workers


@pytest.mark.parametrize("workers", [1, 4])
def test_items_are_taken_in_their_order(workers: int) -> None:
    taken: dict[int, list[int]] = {}

    def note(item: int) -> bool:
        taken.setdefault(threading.get_ident(), []).append(item)
        return True

    for_each(range(200, 0, -1), note, workers)
    # What one thread takes after another item was behind that in the list.
    assert all(items == sorted(items, reverse=True) for items in taken.values())


def test_as_many_work_at_once_as_asked_for_and_no_more() -> None:
    barrier = threading.Barrier(3)

    class Together(Work):
        def do(self, item: int) -> bool:
            met(barrier)  # breaks unless three are at work at the same time
            return True

    work = Together()
    for_each(range(9), work, 3)
    assert work.most_at_once == 3


def test_no_thread_and_no_descriptor_is_left() -> None:
    before = threading.active_count()
    descriptors = len(os.listdir("/proc/self/fd"))
    for_each(range(20), Work(), 5)
    assert threading.active_count() == before
    assert len(os.listdir("/proc/self/fd")) == descriptors


@pytest.mark.parametrize("workers", [1, 3])
def test_all_are_done_though_one_fails(workers: int) -> None:
    class Failing(Work):
        def do(self, item: int) -> bool:
            return item != 0

    work = Failing()
    assert for_each(range(10), work, workers, CONTINUE) == []
    assert sorted(work.ended) == list(range(10))


def test_nothing_is_begun_after_a_failure_if_it_is_to_stop() -> None:
    barrier = threading.Barrier(2)
    failed = threading.Event()

    class Failing(Work):
        def do(self, item: int) -> bool:
            if item < 2:
                met(barrier)  # both are under way
            if item == 0:
                failed.set()
                return False
            assert failed.wait(PATIENCE)
            while not crew_is_over():
                time.sleep(0.001)
            return True

    crews: list[t.Any] = []
    original = parallel._Crew.run

    def crew_is_over() -> bool:
        return bool(crews[0]._is_over)

    def noted(crew: t.Any) -> t.Any:
        crews.append(crew)
        return original(crew)

    work = Failing()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel._Crew, "run", noted)
        left = for_each(range(10), work, 2, STOP)
    assert left == list(range(2, 10))
    assert sorted(work.ended) == [0, 1]  # what was under way is brought to its end


def test_alone_it_stops_at_the_first_failure_too() -> None:
    assert for_each(range(5), lambda item: item != 2, 1, STOP) == [3, 4]


def test_after_a_failure_the_rest_is_done_one_at_a_time() -> None:
    barrier = threading.Barrier(3)

    class Failing(Work):
        def do(self, item: int) -> bool:
            if item < 3:
                met(barrier)
            return item >= 3  # all three fail

    work = Failing()
    assert for_each(range(30), work, 3, SERIAL) == []
    assert sorted(work.ended) == list(range(30))
    # At most two are still on their way when the first failure is known.
    assert work.most_at_once == 3
    assert set(work.seen_at_once[5:]) == {1}


class Broken(Exception):
    """What a worker raises."""


@pytest.mark.parametrize("workers", [1, 3])
def test_an_exception_ends_everything_and_is_raised_here(workers: int) -> None:
    class Raising(Work):
        def do(self, item: int) -> bool:
            if item == 1:
                raise Broken(item)
            return True

    work = Raising()
    before = threading.active_count()
    with pytest.raises(Broken):
        for_each(range(1000), work, workers)
    assert len(work.begun) < 1000
    assert threading.active_count() == before


def test_the_others_finish_what_they_do_when_one_raises() -> None:
    barrier = threading.Barrier(2)
    raised = threading.Event()

    class Raising(Work):
        def do(self, item: int) -> bool:
            met(barrier)
            if item == 0:
                raised.set()
                raise Broken(item)
            assert raised.wait(PATIENCE)
            return True

    work = Raising()
    with pytest.raises(Broken):
        for_each(range(2), work, 2)
    assert work.ended == [1]


def _interrupt_when(condition: t.Callable[[], bool], number: int = signal.SIGINT) -> threading.Thread:
    """Send a signal to this process as soon as the condition holds."""
    main = threading.main_thread().ident

    def watch() -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.001)
        if main:
            signal.pthread_kill(main, number)

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_reaches_every_worker(number: int) -> None:
    undone: list[int] = []

    class Waiting(Work):
        def do(self, item: int) -> bool:
            try:
                run(["sleep", "1000"], timeout=1000)
            except KeyboardInterrupt:
                run(["true"], timeout=PATIENCE)  # who undoes something may start processes for it
                undone.append(item)
                raise
            return True

    def handler(_number: int, _frame: object) -> t.NoReturn:
        raise KeyboardInterrupt

    work = Waiting()
    before = threading.active_count()
    previous = signal.signal(number, handler)
    watcher = _interrupt_when(lambda: work.at_once == 3, number)
    try:
        with pytest.raises(KeyboardInterrupt):
            for_each(range(10), work, 3)
    finally:
        signal.signal(number, previous)
        watcher.join()
    assert sorted(work.begun) == [0, 1, 2]
    assert sorted(undone) == [0, 1, 2]
    assert threading.active_count() == before


def test_an_interruption_reaches_who_polls() -> None:
    work = Work()

    def poll(item: int) -> bool:
        with work:
            return procfs.poll(lambda: False, 1000)

    watcher = _interrupt_when(lambda: work.at_once == 2)
    with pytest.raises(KeyboardInterrupt):
        for_each(range(2), poll, 2)
    watcher.join()


# A program of its own, since the threads of pytest-xdist would let the signal through.
INTERRUPTED = """
import os, signal, threading
from ansible_collections.gvisor.runsc.plugins.module_utils.parallel import for_each
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import procfs
start = threading.Thread.start
started = []
def start_and_be_interrupted(thread):
    start(thread)
    started.append(thread)
    if len(started) == {number}:
        os.kill(os.getpid(), signal.SIGINT)
threading.Thread.start = start_and_be_interrupted
try:
    for_each(range(3), lambda item: procfs.poll(lambda: False, 1000), 3)
except KeyboardInterrupt:
    print(len(started), "started,", threading.active_count() - 1, "left")
"""


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_signal_waits_until_all_threads_have_been_started(number: int) -> None:
    """The first of them would let it through, and the count of those that run would be wrong for ever."""
    assert _said(INTERRUPTED.format(number=number)) == b"3 started, 0 left\n"


# The signal ends no wait, as one that comes just before the wait does not: another thread is given it.
AT_A_BAD_MOMENT = """
import os, signal, sys, threading, time
from ansible_collections.gvisor.runsc.plugins.module_utils.parallel import for_each
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import procfs
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.process import run
def interrupt():
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    while sys._current_frames()[main].f_code.co_name not in ("_wait", "select"):
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGINT)
main = threading.get_ident()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
threading.Thread(target=interrupt).start()
try:
    {waits}
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize(
    "waits",
    ["for_each(range(2), lambda item: procfs.poll(lambda: False, 1000), 2)", "run(['sleep', '1000'], timeout=1000)"],
)
def test_a_signal_at_a_bad_moment(waits: str) -> None:
    assert _said(AT_A_BAD_MOMENT.format(waits=waits)) == b"interrupted\n"


def _said(program: str) -> bytes:
    return subprocess.run(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=PATIENCE,
    ).stdout


def test_there_is_a_core() -> None:
    assert parallel.cores() == len(os.sched_getaffinity(0))
