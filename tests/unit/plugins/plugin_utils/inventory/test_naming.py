# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of hosts: one for each container, and none that means something else."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import UsageError
from ansible_collections.gvisor.runsc.plugins.plugin_utils.inventory import naming
from ansible_collections.gvisor.runsc.plugins.plugin_utils.inventory.naming import Place

LEFT = Place("left", "/var/run/runsc", "web")
RIGHT = Place("right", "/var/run/runsc", "web")
OTHER = Place("left", "/run/other", "web")


def test_default_names() -> None:
    assert naming.default_name(LEFT, several_nodes=False) == "web"
    assert naming.default_name(LEFT, several_nodes=True) == "web@left"
    assert naming.default_name(Place("fe80::1", "/r", "web"), several_nodes=True) == "web@fe80--1"


def test_names_that_are_wanted_once_are_given() -> None:
    assert naming.unique_names({LEFT: "a", RIGHT: "b"}) == ({LEFT: "a", RIGHT: "b"}, [])


def test_nobody_gets_a_name_that_two_want() -> None:
    names, clashes = naming.unique_names({LEFT: "a", OTHER: "a", RIGHT: "b"})
    assert names == {LEFT: "web@left@var-run-runsc", OTHER: "web@left@run-other", RIGHT: "b"}
    assert clashes == ["a"]


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "all", "ungrouped"])
def test_nobody_gets_the_name_of_the_controller_or_of_all(name: str) -> None:
    assert naming.unique_names({LEFT: name}) == ({LEFT: "web@left@var-run-runsc"}, [name])


def test_two_hosts_never_become_one() -> None:
    with pytest.raises(UsageError, match="hostname: 2 containers would be 'web@left@a-b'"):
        naming.unique_names({Place("left", "/a/b", "web"): "x", Place("left", "/a-b", "web"): "x"})


NAMES = st.text("ab.", min_size=1, max_size=3)
PLACES = st.builds(Place, NAMES, NAMES.map("/{}".format), NAMES)


@settings(deadline=None)
@given(st.sets(PLACES))
def test_default_names_tell_nodes_apart(places: t.Set[Place]) -> None:
    wanted = {place: naming.default_name(place, several_nodes=True) for place in places}
    names, _clashes = naming.unique_names(wanted)
    assert len(set(names.values())) == len(places)
    assert all(naming.is_valid(name) or name.startswith(".") for name in names.values())


@pytest.mark.parametrize("name", ["web-1", "web_1@left", "1.2.3.4", "a+b"])
def test_names_of_hosts(name: str) -> None:
    assert naming.is_valid(name)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "-a", "!a", "{{ a }}", "a/b", "a,b", "a\n", "[1:3]", "*"])
def test_other_names(name: str) -> None:
    assert not naming.is_valid(name)
