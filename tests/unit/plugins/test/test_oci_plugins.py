# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tests for use in conditions."""

from __future__ import annotations

import typing as t

from ansible_collections.gvisor.runsc.plugins.test import oci_config, oci_process

is_config = oci_config.TestModule().tests()["oci_config"]
is_process = oci_process.TestModule().tests()["oci_process"]
CONFIG: t.Dict[str, t.Any] = {
    "ociVersion": "1.0.2",
    "process": {"args": ["id"], "cwd": "/"},
    "root": {"path": "rootfs"},
    "linux": {"namespaces": [{"type": "network"}]},
}


def test_a_config() -> None:
    assert is_config(CONFIG) and is_config(CONFIG, network="none") and is_config({**CONFIG, "domainname": "warned of"})
    assert not is_config({}) and not is_config("text") and not is_config(CONFIG, network="host")
    assert not is_config(CONFIG, flags={"network": "host"})


def test_a_process() -> None:
    assert is_process({"args": ["id"]}) and is_process({"args": ["id"], "rlimits": []}, flags={})
    assert not is_process({}) and not is_process(None) and not is_process(CONFIG)
