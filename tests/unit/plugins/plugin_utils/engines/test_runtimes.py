# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runtimes that a user wants, made complete or refused."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gvisor.runsc.plugins.plugin_utils.engines.runtimes import EngineError, complete

REFUSED: list[tuple[t.Any, str]] = [
    ("runsc", "docker_runtimes: 'runsc' is not a list"),
    (["runsc"], "docker_runtimes[0]: 'runsc' is not a dictionary. Give it as 'name: runsc'"),
    ([{}], "docker_runtimes[0].name: None is not a name"),
    ([{"name": "a/b"}], "docker_runtimes[0].name: 'a/b' is not a name"),
    ([{"name": "-x"}], "docker_runtimes[0].name: '-x' is not a name"),
    ([{"name": "a.b"}], "docker_runtimes[0].name: 'a.b' is not a name"),
    ([{"name": "runc"}], "docker_runtimes[0].name: 'runc' is a runtime that engines know by themselves"),
    ([{"name": "a"}, {"name": "a"}], "docker_runtimes: 'a' is there twice"),
    ([{"name": "a", "path": "runsc"}], "docker_runtimes[0].path: 'runsc' is not an absolute path"),
    ([{"name": "a", "state": "gone"}], "docker_runtimes[0].state: 'gone' is not a state"),
    ([{"name": "a", "flag": {}}], "docker_runtimes[0]: there is no option 'flag'. There are name, path, flags, state"),
    ([{"name": "a", "flags": ["x"]}], "docker_runtimes[0].flags: ['x'] is not a dictionary"),
    (
        [{"name": "a", "flags": {"debug_log": "/x"}}],
        "docker_runtimes[0].flags: 'debug_log' is not the name of a runsc flag",
    ),
    ([{"name": "a", "flags": {"debug": None}}], "docker_runtimes[0].flags: the value of 'debug' is None"),
]


def test_defaults() -> None:
    (runtime,) = complete([{"name": "runsc"}], "docker_runtimes", "/usr/bin/runsc")
    assert runtime.is_wanted
    assert runtime == ("runsc", "/usr/bin/runsc", [], "present")


def test_flags_become_arguments_in_a_stable_order() -> None:
    flags = {"platform": "kvm", "debug": True, "num-network-channels": 2}
    (runtime,) = complete([{"name": "a", "path": "/r", "flags": flags, "state": "absent"}], "x", "/usr/bin/runsc")
    assert not runtime.is_wanted
    assert runtime == ("a", "/r", ["--debug=true", "--num-network-channels=2", "--platform=kvm"], "absent")


@pytest.mark.parametrize(("given", "message"), REFUSED)
def test_refused_with_its_place(given: t.Any, message: str) -> None:
    with pytest.raises(EngineError) as error:
        complete(given, "docker_runtimes", "/usr/bin/runsc")
    assert str(error.value).startswith(message)
