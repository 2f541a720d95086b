# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interrupting threads: each of those that receive it, once, and nobody else."""

from __future__ import annotations

import os
import select
import threading

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import interruption
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.interruption import Interruption, receiving


def _is_readable(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0)[0])


def test_a_thread_is_interrupted_once() -> None:
    sent = Interruption()
    with receiving(sent):
        interruption.check()
        sent.send()
        with pytest.raises(KeyboardInterrupt):
            interruption.check()
        interruption.check()  # what is done to undo the work is left alone
        assert interruption.descriptor() is None
    sent.close()


def test_it_can_be_watched() -> None:
    sent = Interruption()
    with receiving(sent):
        descriptor = interruption.descriptor()
        assert descriptor is not None
        assert not _is_readable(descriptor)
        sent.send()
        sent.send()
        assert _is_readable(descriptor)
    sent.close()


def test_who_does_not_receive_it_is_left_alone() -> None:
    sent = Interruption()
    with receiving(sent):
        pass
    sent.send()
    interruption.check()
    assert interruption.descriptor() is None
    sent.close()


def test_other_threads_are_left_alone_and_those_that_receive_it_are_not() -> None:
    sent = Interruption()
    told: dict[str, bool] = {}

    def work(name: str, receives: bool) -> None:
        try:
            if receives:
                with receiving(sent):
                    interruption.check()
            else:
                interruption.check()
        except KeyboardInterrupt:
            told[name] = True

    sent.send()
    threads = [threading.Thread(target=work, args=(name, name != "other")) for name in ("first", "second", "other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == {"first": True, "second": True}
    sent.close()


def test_the_descriptors_are_given_back() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _round in range(3):
        Interruption().close()
    sent = Interruption()
    sent.send()
    sent.close()
    assert len(os.listdir("/proc/self/fd")) == before
