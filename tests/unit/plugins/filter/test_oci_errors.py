# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that lists what is wrong."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.gvisor.runsc.plugins.filter.oci_errors import FilterModule

oci_errors = FilterModule().filters()["oci_errors"]
CONFIG: t.Dict[str, t.Any] = {
    "ociVersion": "1.0.2",
    "process": {"args": ["id"], "cwd": "/"},
    "root": {"path": "rootfs"},
}
NETWORK = {"linux": {"namespaces": [{"type": "network"}]}}


def test_nothing_wrong_is_an_empty_list() -> None:
    assert oci_errors(CONFIG) == oci_errors({"args": ["id"]}, document="process") == []


def test_all_errors_are_listed() -> None:
    assert len(oci_errors({**CONFIG, "hostname": 5, "mounts": {}})) == 2


def test_network_and_flags_count() -> None:
    config = {**CONFIG, **NETWORK}
    assert oci_errors(config) == []
    assert len(oci_errors(config, network="host")) == len(oci_errors(config, flags={"network": "host"})) == 1


def test_warnings_on_demand() -> None:
    assert len(oci_errors({**CONFIG, "domainname": "x"}, warnings=True)) == 1


def test_another_kind_of_document() -> None:
    with pytest.raises(AnsibleFilterError, match="document is 'state'"):
        oci_errors({}, document="state")
