# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many short jobs at the same time, again and again: threads start processes that prepare themselves beside other threads.

What a child does between fork and exec must wait for no other thread: it would hang in one of many rounds.
"""

from __future__ import annotations

import os

from ansible_collections.gvisor.runsc.plugins.module_utils.parallel import for_each
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.process import Stdio, run
from ansible_collections.gvisor.runsc.tests.modules.support import Place

JOBS, AT_ONCE, ROUNDS = 8, 8, 2
PROCESSES = 600


def test_no_job_hangs_and_no_result_is_lost(place: Place) -> None:
    for _round in range(ROUNDS):
        jobs = [{"argv": ["sh", "-c", f"cat; echo {number}; exit {number % 2}"]} for number in range(JOBS)]
        result = place.module(
            "runsc_runs", bundle=str(place.bundle), jobs=jobs, stdin="in", parallel=AT_ONCE, timeout=100
        )
        found = [(one["index"], one["rc"], one["stdout"]) for one in result["results"]]
        assert found == [(number, number % 2, f"in\n{number}") for number in range(JOBS)], result["msg"]
        assert os.listdir(place.root) == []


def test_no_process_that_ends_with_its_thread_hangs_or_is_lost(place: Place) -> None:
    # The same way of starting processes without sandboxes, hence many more of them. SIGKILL to a process that is still wanted,
    # because the thread that started it has ended, would show as a result that is not 0.
    said: dict[int, tuple[int, bytes]] = {}

    def work(number: int) -> bool:
        done = run(["echo", str(number)], timeout=60, stdio=Stdio(), parent_death_signal=9)
        said[number] = (done.rc, done.stdout.data)
        return not done.timed_out

    assert for_each(range(PROCESSES), work, AT_ONCE) == []
    assert said == {number: (0, f"{number}\n".encode()) for number in range(PROCESSES)}
