# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ids mean exactly one container, though runsc matches prefixes and patterns."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import (
    AmbiguousIdError,
    NotFoundError,
    RunscError,
    UsageError,
)
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.process import Stdio, run
from ansible_collections.gvisor.runsc.tests.system.conftest import MakeBundle
from ansible_collections.gvisor.runsc.tests.system.support import PATIENCE, new_id

TRUE = {"args": ["/bin/true"]}

# Every method that takes the id of an existing container.
METHODS: dict[str, Callable[[Runsc, str], object]] = {
    "state": lambda runsc, name: runsc.state(name),
    "start": lambda runsc, name: runsc.start(name),
    "exec": lambda runsc, name: runsc.exec(name, TRUE),
    "kill": lambda runsc, name: runsc.kill(name, "KILL"),
    "stop": lambda runsc, name: runsc.stop(name, "KILL"),
    "pause": lambda runsc, name: runsc.pause(name),
    "resume": lambda runsc, name: runsc.resume(name),
    "wait": lambda runsc, name: runsc.wait(name),
    "delete": lambda runsc, name: runsc.delete(name),
    "ps": lambda runsc, name: runsc.ps(name),
    "top": lambda runsc, name: runsc.top(name),
    "stats": lambda runsc, name: runsc.stats(name),
    "events": lambda runsc, name: next(iter(runsc.events(name))),
    "usage": lambda runsc, name: runsc.usage(name),
    "debug_stacks": lambda runsc, name: runsc.debug_stacks(name),
    "checkpoint": lambda runsc, name: runsc.checkpoint(name, "/nonexistent/image"),
}


def test_a_prefix_of_an_id_addresses_nobody(runsc: Runsc, start: Callable[..., str]) -> None:
    container = start()
    for name, method in METHODS.items():
        with pytest.raises(NotFoundError) as caught:
            method(runsc, container[:-1])
        assert caught.value.kind == "sandbox_gone", name
    assert runsc.state(container).status == "running"


def test_runsc_itself_would_have_taken_the_prefix(runsc: Runsc, start: Callable[..., str]) -> None:
    """Where this fails, runsc has mended issue 4553, and the checks of ids can be relaxed."""
    container = start()
    argv = [runsc.path, *runsc.global_arguments(), "state", container[:-1]]
    assert run(argv, timeout=10).rc == 0


def test_deleting_a_prefix_by_force_deletes_nobody(runsc: Runsc, start: Callable[..., str]) -> None:
    container = start()
    runsc.delete(container[:-1], force=True)
    assert runsc.state(container).status == "running"


@pytest.mark.parametrize("pattern", ["*", "?", "t*", "[t]x", "t{1,2}"])
def test_a_pattern_is_no_id(runsc: Runsc, start: Callable[..., str], pattern: str) -> None:
    container = start()
    for method in METHODS.values():
        with pytest.raises(UsageError, match="is not a container id"):
            method(runsc, pattern)
    with pytest.raises(UsageError):
        runsc.delete(pattern, force=True)
    assert runsc.state(container).status == "running"


@pytest.mark.parametrize("name", ["", "-x", ".", "..", "a/b", "a b", "ä", "x" * 86, "a\n"])
def test_what_can_not_be_an_id_is_refused_before_runsc_sees_it(runsc: Runsc, bundle: MakeBundle, name: str) -> None:
    folder = bundle()
    for attempt in (lambda: runsc.create(name, folder), lambda: runsc.state(name)):
        with pytest.raises(UsageError, match="name: "):
            attempt()


def test_an_id_of_85_characters_works(runsc: Runsc, bundle: MakeBundle) -> None:
    container = new_id() + "x" * (85 - len(new_id()))
    runsc.create(container, bundle())
    assert runsc.state(container).id == container


def test_siblings_that_would_hide_each_other_are_refused(
    runsc: Runsc, start: Callable[..., str], bundle: MakeBundle
) -> None:
    container = start()
    folder = bundle()
    for sibling in (container + "-2", container[:-1]):
        for make in (runsc.create, runsc.run_detached, runsc.run):
            with pytest.raises(AmbiguousIdError, match="prefix"):
                make(sibling, folder)
    assert [found.id for found in runsc.list()] == [container]


def test_siblings_made_by_others_are_not_mistaken_for_each_other(
    runsc: Runsc, start: Callable[..., str], bundle: MakeBundle
) -> None:
    container = start()
    longer = container + "-2"
    argv = [runsc.path, *runsc.global_arguments(), "run", "--detach", f"--bundle={bundle()}", longer]
    null = Stdio(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert run(argv, timeout=PATIENCE, stdio=null).rc == 0

    for name, method in METHODS.items():
        with pytest.raises(AmbiguousIdError) as caught:
            method(runsc, container)
        assert longer in str(caught.value), name
    with pytest.raises(AmbiguousIdError):
        runsc.delete(container, force=True)
    assert {found.id: found.status for found in runsc.list()} == {container: "running", longer: "running"}

    runsc.delete(longer, force=True)
    assert runsc.state(container).status == "running"


def test_a_container_may_be_called_like_a_word_on_the_sentrys_command_line(
    runsc: Runsc, start: Callable[..., str], bundle: MakeBundle
) -> None:
    """The sentry runs as "runsc-sandbox ... boot ... ID": a failed create of "boot" must not end other sandboxes."""
    container = start()
    folder = bundle("/nonexistent")
    with pytest.raises(RunscError):
        runsc.run_detached("boot", folder)
    runsc.delete("boot", force=True)
    assert runsc.state(container).status == "running"
