# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Properties: right options of runsc_bundle make a right configuration, and what spec makes wrong is found where it is."""

from __future__ import annotations

import typing as t

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.gvisor.runsc.plugins.module_utils.bundle_config import Found, build_config, parse
from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci.validate import validate_config
from ansible_collections.gvisor.runsc.tests.unit.plugins.module_utils.bundle_strategies import options

# Where a value of a wrong type is put by C(spec), and the place that is to be told.
_WRONG: dict[str, dict[str, t.Any]] = {
    "process.args[0]": {"process": {"args": [5]}},
    "process.cwd": {"process": {"cwd": "relative"}},
    "process.user.uid": {"process": {"user": {"uid": "web"}}},
    "mounts[0].destination": {"mounts": [{"destination": 7, "type": "tmpfs"}]},
    "linux.resources.memory.limit": {"linux": {"resources": {"memory": {"limit": "1G"}}}},
    "linux.namespaces[1].type": {"linux": {"namespaces": [{"type": "pid"}, {"type": "net"}]}},
    "root.readonly": {"root": {"readonly": "yes"}},
    'annotations["org.example.x"]': {"annotations": {"org.example.x": 1}},
}


@given(options())
@settings(deadline=None)
def test_right_options_make_a_right_configuration(chosen: dict[str, t.Any]) -> None:
    report = validate_config(build_config(parse(chosen), Found()), network=chosen.get("network"))
    assert report.errors == ()
    # What runsc does not do as it is told: it never grants privileges, and CAP_NET_RAW only with a flag.
    warned = {warning.split()[0].partition("[")[0] for warning in report.warnings}
    expected = {"process.noNewPrivileges"} if chosen.get("no_new_privileges") is False else set()
    if "CAP_NET_RAW" in chosen.get("capabilities", {}).get("add", []):
        warned = {place for place in warned if not place.startswith("process.capabilities")}
    assert warned == expected


@given(options(), st.sampled_from(sorted(_WRONG)))
@settings(deadline=None)
def test_what_spec_makes_wrong_is_found(chosen: dict[str, t.Any], place: str) -> None:
    config = build_config(parse({**chosen, "spec": _WRONG[place]}), Found())
    report = validate_config(config, network=chosen.get("network"))
    assert [error for error in report.errors if error.startswith(f"{place} ")]
