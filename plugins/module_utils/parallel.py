# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Doing many things at the same time, each in a thread that waits for processes. No Ansible in here.

Threads suffice, since the work is done by runsc; and forking beside them is safe, since what a child does before it becomes
runsc takes no lock that another thread may hold.
"""

from __future__ import annotations

import collections
import os
import select
import signal
import threading
import typing as t

from .runsc.interruption import LONGEST_WAIT, Interruption, receiving

T = t.TypeVar("T")

# What a failure means for those that have not begun yet: they are done all the same, one at a time from then on, or not at all.
CONTINUE, SERIAL, STOP = "continue", "serial", "stop"

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PAUSE = 0.05  # seconds between two looks of a thread that waits for its turn


class Batch(t.NamedTuple):
    """How to go about many things: how many at the same time, and what a failure means for those not yet begun."""

    parallel: int = 1
    on_failure: str = CONTINUE


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def for_each(
    items: t.Iterable[T], work: t.Callable[[T], bool], workers: int = 1, on_failure: str = CONTINUE
) -> list[T]:
    """Work on each item, several at a time, begun in their order, and return those that were not begun.

    When this thread is interrupted, by a signal for example, every worker is as well. It goes on when all have undone what
    they were doing.

    :param work: says whether it succeeded. An exception that it raises ends everything, and is raised here.
    """
    queue = collections.deque(items)
    if workers == 1 or len(queue) < 2:
        while queue:
            if not work(queue.popleft()) and on_failure == STOP:
                break
        return list(queue)
    return _Crew(queue, work, min(workers, len(queue)), on_failure).run()


class _Crew(t.Generic[T]):
    """Threads that share one queue.

    A signal may interrupt the thread that waits for them anywhere, also in the middle of taking a lock, which would then
    be held for ever. So that one takes none while they work.
    """

    def __init__(self, queue: t.Deque[T], work: t.Callable[[T], bool], size: int, on_failure: str) -> None:
        self._queue = queue
        self._work = work
        self._size = size
        self._limit = size  # of the items that are being worked on at the same time
        self._under_way = 0
        self._threads = 0  # that have not ended
        self._on_failure = on_failure
        self._is_over = False
        self._raised: BaseException | None = None
        self._changed = threading.Condition()
        self._gate = threading.Lock()  # held until all threads have been started
        self._end_of_all, self._last_one = os.pipe()  # the first can be read from when the last thread has ended
        self._interruption = Interruption()

    def run(self) -> list[T]:
        threads: list[threading.Thread] = []
        try:
            self._start_all(threads)
            self._wait()
        except BaseException:
            self._is_over = True
            self._interruption.send()
            self._wait()
            raise
        finally:
            for thread in threads:
                thread.join()
            os.close(self._end_of_all)
            self._interruption.close()
        if self._raised:
            raise self._raised
        return list(self._queue)

    def _start_all(self, threads: list[threading.Thread]) -> None:
        """Start the threads. A signal waits until it is known which run: no thread lets one through before."""
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self._gate.acquire()
        try:
            for _number in range(self._size):
                self._start(threads, mask)
        except RuntimeError:  # the host has no room for more
            if not threads:
                raise
        finally:
            self._gate.release()
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _start(self, threads: list[threading.Thread], mask: t.Iterable[t.Any]) -> None:
        self._count(1)
        try:
            thread = threading.Thread(target=self._run, args=(mask,), daemon=True)
            thread.start()
        except BaseException:
            self._count(-1)
            raise
        threads.append(thread)

    def _run(self, mask: t.Iterable[t.Any]) -> None:
        try:
            with self._gate:
                pass
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)  # what this thread starts inherits it
            with receiving(self._interruption):
                while self._take():
                    pass
        except KeyboardInterrupt:
            pass  # the thread that waits for this one knows
        except BaseException as exc:
            self._raised = self._raised or exc
            self._is_over = True
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._changed:
            self._threads += change
            self._changed.notify_all()
            if not self._threads:
                os.close(self._last_one)

    def _wait(self) -> None:
        """Wait until all threads have done their work.

        Not by joining them: after a join that was interrupted, Python before 3.13 takes a thread that still works for one
        that has ended.
        """
        end = select.poll()
        end.register(self._end_of_all)
        while not end.poll(LONGEST_WAIT * 1000):
            pass

    def _may_go_on(self) -> bool:
        return self._is_over or not self._queue or self._under_way < self._limit

    def _take(self) -> bool:
        """Take the next item and work on it; False if there is none for this thread."""
        with self._changed:
            while not self._changed.wait_for(self._may_go_on, _PAUSE):
                pass  # who interrupts tells nobody
            if self._is_over or not self._queue:
                return False
            item = self._queue.popleft()
            self._under_way += 1
        succeeded = False
        try:
            succeeded = self._work(item)
        finally:
            with self._changed:
                self._under_way -= 1
                if not succeeded and self._on_failure == SERIAL:
                    self._limit = 1
                if not succeeded and self._on_failure == STOP:
                    self._is_over = True
                self._changed.notify_all()
        return True
