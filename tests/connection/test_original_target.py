# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-core's own test of connections, the integration target C(connection), passes with this one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ansible_collections.gvisor.runsc.tests.connection.support import Site, Sshd
from ansible_collections.gvisor.runsc.tests.modules.support import PLAY_PATIENCE, Json

TARGET = Path(os.environ["CORE_SOURCE"], "test/integration/targets/connection")


def test_the_original_target(near_distribution: Site, sshd: Sshd) -> None:
    """One host is here and pipelines, the other is reached by ssh and does not."""
    site = near_distribution
    folder = site.folder / "target"
    shutil.copytree(TARGET, folder)
    python = {"ansible_python_interpreter": "/usr/bin/python3"}
    hosts: Json = {
        "here": {**python, "ansible_pipelining": True},
        "there": {**python, "ansible_pipelining": False, **sshd.variables},
    }
    variables = {
        "target_hosts": "all",
        "action_prefix": "",
        "local_tmp": str(site.tmp / "here"),
        "remote_tmp": "/tmp/there",
    }
    arguments = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]
    done = subprocess.run(
        ["bash", "./test.sh", *arguments],
        check=False,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **site.environment,
            "INVENTORY": str(site.inventory(hosts)),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
        timeout=4 * PLAY_PATIENCE,
    )
    assert done.returncode == 0, done.stdout
    assert "SUCCESS: Connection vars not found" in done.stdout
    assert done.stdout.count("unreachable=0    failed=0") == 2, done.stdout
    shutil.rmtree(folder)
