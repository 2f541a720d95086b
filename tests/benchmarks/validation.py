# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what a validation adds to a task, and fail above 30 ms.

usage: PYTHONPATH=<folder that holds ansible_collections> python validation.py

The time of a task without validation is that of a fork, in which Ansible runs each of them: the least that any task takes.
What jsonschema takes to be imported is shown as well. The main process of a play pays that once, when it loads the plugin.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

LIMIT = 30.0  # milliseconds
ROUNDS = 30

# As an engine writes it: the default capabilities in four sets, eight mounts, limits.
_CAPABILITIES = "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID"
CAPABILITIES = [f"CAP_{name}" for name in _CAPABILITIES.split()]
TYPICAL: dict[str, Any] = {
    "ociVersion": "1.0.2",
    "process": {
        "user": {"uid": 1000, "gid": 1000, "additionalGids": [10, 20]},
        "args": ["/usr/bin/python3", "-m", "http.server"],
        "env": [f"VARIABLE_{number}=value" for number in range(20)],
        "cwd": "/srv",
        "capabilities": {name: CAPABILITIES for name in ("bounding", "effective", "permitted", "inheritable")},
        "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 1024}],
        "noNewPrivileges": True,
    },
    "root": {"path": "rootfs", "readonly": True},
    "hostname": "web",
    "mounts": [{"destination": f"/m{n}", "type": "tmpfs", "source": "tmpfs", "options": ["ro"]} for n in range(8)],
    "annotations": {f"org.example.{number}": "x" for number in range(5)},
    "linux": {
        "namespaces": [{"type": name} for name in ("pid", "network", "ipc", "uts", "mount")],
        "resources": {"memory": {"limit": 2**28}, "cpu": {"quota": 50000, "period": 100000}, "pids": {"limit": 100}},
        "maskedPaths": [f"/proc/{number}" for number in range(10)],
    },
}


def forked(work: Callable[[], object]) -> float:
    """Return the milliseconds that a fork takes which does this."""
    began = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    os.waitpid(pid, 0)
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Measure, print, and exit 1 above the limit."""
    began = time.perf_counter()
    from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci.validate import preload, validate_config

    preload()
    loaded = (time.perf_counter() - began) * 1000
    assert not validate_config(TYPICAL).errors
    without = statistics.median(forked(lambda: None) for _round in range(ROUNDS))
    validated = statistics.median(forked(lambda: validate_config(TYPICAL)) for _round in range(ROUNDS))
    added = validated - without
    print(f"loading jsonschema and the schemas, once a play: {loaded:.1f} ms")
    print(f"a forked task: {without:.1f} ms, with validation {validated:.1f} ms: ratio {validated / without:.2f}")
    print(f"added to a task: {added:.1f} ms, limit {LIMIT:.0f} ms")
    if added > LIMIT:
        sys.exit(f"a validation adds more than {LIMIT:.0f} ms")


if __name__ == "__main__":
    main()
