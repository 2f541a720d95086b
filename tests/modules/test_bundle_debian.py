# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""runsc_bundle with a real distribution, and with any options that make sense, on each version of runsc."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings

from ansible_collections.gvisor.runsc.tests.modules.support import Json, Place
from ansible_collections.gvisor.runsc.tests.unit.plugins.module_utils.bundle_strategies import options

ARCHIVE = os.environ["DEBIAN_ROOTFS"]
SCRIPT = """
import grp, json, os, pwd, ssl, subprocess, zipfile
memory = int(open("/proc/meminfo").readline().split()[1])
print(json.dumps({
    "user": pwd.getpwuid(os.getuid()).pw_name, "group": grp.getgrgid(os.getgid()).gr_name, "memory": memory >> 10,
    "folder": os.getcwd(), "version": open("/etc/debian_version").read(), "ids": subprocess.check_output(["id"]).decode(),
}))
"""


def test_debian_with_python(place: Place) -> None:
    bundle = place.folder / "debian"
    options: Json = {
        "path": str(bundle),
        "archive": ARCHIVE,
        "args": ["python3", "-c", "import time; time.sleep(1000)"],
        "user": "www-data",
        "workdir": "/srv",
        "memory": "400M",
        "cpus": 1,
        "pids_limit": 400,
    }
    assert place.good("runsc_bundle", **options)["actions"] == ["rootfs", "config"]
    assert not place.good("runsc_bundle", **options)["changed"]
    assert list((bundle / "rootfs/dev").glob("null")) == []  # a device node of the archive
    assert (bundle / "rootfs/usr/bin/passwd").stat().st_mode & 0o7777 == 0o4755
    place.container(bundle=str(bundle))
    found = json.loads(place.exec("python3", "-c", SCRIPT)["stdout"])
    assert (found["user"], found["group"], found["folder"], found["memory"]) == ("www-data", "www-data", "/srv", 400)
    assert found["ids"].startswith("uid=33(www-data) gid=33(www-data)")
    group = Path("/sys/fs/cgroup")
    assert (group / "memory" / place.id / "memory.limit_in_bytes").read_text(encoding="ascii").strip() == str(400 << 20)
    assert (group / "cpu" / place.id / "cpu.cfs_quota_us").read_text(encoding="ascii").strip() == "100000"
    assert (group / "pids" / place.id / "pids.max").read_text(encoding="ascii").strip() == "400"


def test_runsc_takes_any_right_options(place: Place, source: Path) -> None:
    """Few examples, since each is a sandbox; tests/unit has more, without one."""

    @settings(max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(options())
    def check(chosen: dict[str, Any]) -> None:
        bundle = place.folder / "any"
        given: Json = {**chosen, "network": "none", "path": str(bundle), "rootfs": str(source)}
        given["env"] = {**chosen.get("env", {}), "PATH": "/bin"}
        made = place.good("runsc_bundle", **given)
        container = place.container(bundle=str(bundle), recreate="always")["container"]
        assert container["status"] == "running", made["config"]
        assert not place.container(bundle=str(bundle), recreate="on-change")["changed"], made["config"]

    check()
