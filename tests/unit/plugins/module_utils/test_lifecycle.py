# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state machine: every plan ends where it should, by steps that runsc takes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.gvisor.runsc.plugins.module_utils import lifecycle
from ansible_collections.gvisor.runsc.plugins.module_utils.lifecycle import (
    ABSENT,
    BROKEN,
    CREATE,
    CREATED,
    DELETE,
    FORCE_DELETE,
    PAUSE,
    PAUSED,
    PLANS,
    RESTORE,
    RESUME,
    RUNNING,
    SATISFIED_BY,
    START,
    STATES,
    STATUSES,
    STEPS,
    STOP,
    STOPPED,
    plan,
    simulate,
)

EVERY_CELL = list(itertools.product(STATUSES, STATES))

# The design's table, written out once more by hand: what users were promised.
PROMISED = {
    ABSENT: ["-", "delete", "stop delete", "force_delete", "delete"],
    CREATED: ["create", "-", "-", "-", "delete create"],
    RUNNING: ["create start", "start", "-", "resume", "delete create start"],
    PAUSED: ["create start pause", "start pause", "pause", "-", "delete create start pause"],
    STOPPED: ["-", "-", "stop", "resume stop", "-"],
}


@pytest.mark.parametrize("asked", STATES)
def test_the_table_is_the_promised_one(asked: str) -> None:
    found = [" ".join(PLANS[asked][status]) or "-" for status in (ABSENT, CREATED, RUNNING, PAUSED, STOPPED)]
    assert found == PROMISED[asked]


def test_the_table_is_complete() -> None:
    assert set(PLANS) == set(STATES)
    assert all(set(row) == set(STATUSES) for row in PLANS.values())
    assert set(STEPS) == {step for row in PLANS.values() for steps in row.values() for step in steps} | {RESTORE}


@given(
    cell=st.sampled_from(EVERY_CELL),
    recreate=st.booleans(),
    restore=st.booleans(),
    force=st.booleans(),
)
@settings(deadline=None)
def test_every_plan_ends_in_the_state_asked_by_steps_that_runsc_takes(
    cell: tuple[str, str], recreate: bool, restore: bool, force: bool
) -> None:
    found, asked = cell
    end = simulate(found, plan(found, asked, recreate=recreate, restore=restore, force=force))
    assert end in SATISFIED_BY[asked]


@given(cell=st.sampled_from(EVERY_CELL), force=st.booleans(), restore=st.booleans())
@settings(deadline=None)
def test_a_second_plan_is_empty(cell: tuple[str, str], force: bool, restore: bool) -> None:
    found, asked = cell
    end = simulate(found, plan(found, asked, force=force, restore=restore))
    assert plan(end, asked, force=force, restore=restore) == ()


@given(cell=st.sampled_from(EVERY_CELL), restore=st.booleans())
@settings(deadline=None)
def test_a_satisfied_state_takes_no_steps(cell: tuple[str, str], restore: bool) -> None:
    found, asked = cell
    assert (plan(found, asked, restore=restore) == ()) == (found in SATISFIED_BY[asked])


@pytest.mark.parametrize("asked", [CREATED, RUNNING, PAUSED])
@pytest.mark.parametrize("found", [CREATED, RUNNING, PAUSED, STOPPED])
def test_recreate_removes_what_exists_and_makes_it_anew(found: str, asked: str) -> None:
    steps = plan(found, asked, recreate=True)
    removed = next(index for index, step in enumerate(steps) if step in (DELETE, FORCE_DELETE))
    assert CREATE in steps[removed:]


@pytest.mark.parametrize("asked", [ABSENT, STOPPED])
@pytest.mark.parametrize("found", STATUSES)
def test_recreate_means_nothing_where_nothing_is_to_exist(found: str, asked: str) -> None:
    assert plan(found, asked, recreate=True) == plan(found, asked)


def test_recreate_of_a_running_container_stops_it_in_order() -> None:
    assert plan(RUNNING, RUNNING, recreate=True) == (STOP, DELETE, CREATE, START)


@pytest.mark.parametrize(
    ("found", "asked", "steps"),
    [
        (ABSENT, RUNNING, (RESTORE,)),
        (ABSENT, PAUSED, (RESTORE, PAUSE)),
        (CREATED, RUNNING, (DELETE, RESTORE)),
        (STOPPED, RUNNING, (DELETE, RESTORE)),
        (PAUSED, RUNNING, (RESUME,)),
        (RUNNING, RUNNING, ()),
    ],
)
def test_restore_takes_the_place_of_create_and_start(found: str, asked: str, steps: tuple[str, ...]) -> None:
    assert plan(found, asked, restore=True) == steps


def test_force_skips_the_stop_signal() -> None:
    assert plan(RUNNING, ABSENT, force=True) == (FORCE_DELETE,)
    assert plan(RUNNING, RUNNING, recreate=True, force=True) == (FORCE_DELETE, CREATE, START)


def test_force_changes_nothing_where_nothing_is_removed() -> None:
    assert plan(RUNNING, STOPPED, force=True) == (STOP,)
    assert plan(PAUSED, RUNNING, force=True) == (RESUME,)


def test_a_broken_container_is_only_ever_removed_by_force() -> None:
    assert all(PLANS[asked][BROKEN][0] == FORCE_DELETE for asked in STATES)


def test_simulate_refuses_a_step_that_runsc_refuses() -> None:
    with pytest.raises(KeyError):
        simulate(STOPPED, [lifecycle.START])
