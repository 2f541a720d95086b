# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many containers in one task: the same as one by one, with few calls of runsc."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.gvisor.runsc.tests.modules.support import Json, Place, subcommands

NAMES = ("a", "b", "c", "d")


class Fleet:
    """The containers of one test."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.names = [place.prefix + name for name in NAMES]

    def options(self, given: Json) -> Json:
        """Return options for all of them, from the test's bundle, in two at a time."""
        defaults = {"names": self.names, "bundle": str(self.place.bundle), "parallel": 2}
        return {name: value for name, value in {**defaults, **given}.items() if value is not None}

    def good(self, **options: Any) -> Json:
        """Run runsc_containers for them; it must not fail."""
        return self.place.good("runsc_containers", **self.options(options))

    def bad(self, kind: str, **options: Any) -> Json:
        """The same; it must fail."""
        return self.place.bad("runsc_containers", kind, **self.options(options))

    def same(self, **options: Any) -> Json:
        """Predict, then do: both must say the same. Return what was done."""
        predicted, done = self.good(check=True, **options), self.good(**options)
        assert comparable(predicted) == comparable(done)
        return done

    def statuses(self) -> dict[str, str]:
        """Return the statuses by the last letter of the name."""
        return {name[len(self.place.prefix) :]: status for name, status in self.place.listed().items()}


def comparable(result: Json) -> Json:
    """Return what a prediction and a run have to have in common."""
    containers = {
        name: {**found, "container": found.get("container", {}).get("status")}
        for name, found in result["containers"].items()
    }
    kept = ("changed", "summary", "msg", "purged", "diff")
    return {**{key: result[key] for key in kept}, "containers": containers}


@pytest.fixture
def fleet(place: Place) -> Iterator[Fleet]:
    """Four names, of which nothing exists yet."""
    yield Fleet(place)


def test_from_nothing_and_back(fleet: Fleet) -> None:
    done = {}
    for state, changed in (
        ("created", True),
        ("running", True),
        ("paused", True),
        ("running", True),
        ("running", False),
    ):
        done = fleet.same(state=state)
        assert fleet.statuses() == dict.fromkeys(NAMES, state)
        assert {found["changed"] for found in done["containers"].values()} == {changed} == {done["changed"]}
        assert {found["container"]["status"] for found in done["containers"].values()} == {state}
    for name in fleet.names:
        alone = fleet.place.container(name=name)
        one = {key: alone[key] for key in ("changed", "actions", "container", "drift", "removed_members")}
        assert done["containers"][name] == one
    assert fleet.same(state="stopped")["summary"]["changed"] == 4
    gone = fleet.same(state="absent")
    assert (fleet.statuses(), gone["msg"]) == ({}, "4 containers: 4 changed, 0 unchanged")
    assert fleet.same(state="absent")["changed"] is False


def test_few_calls(fleet: Fleet) -> None:
    shim = fleet.place.shim()
    fleet.good(runsc_path=str(shim))
    # No name exists; four are made; what came of them.
    calls = [call for call in subcommands(shim) if call not in ("flags", "help", "")]
    assert sorted(calls) == ["list", "list", "run", "run", "run", "run"]
    before = len(subcommands(shim))
    fleet.good(runsc_path=str(shim), recreate="on-change")
    assert subcommands(shim)[before:] == ["list"]
