# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs modules, each in a process of its own, without importing them anew each time: that would take most of the time.

usage: runner.py [MODULE]

Reads requests from standard input, one JSON object a line: to start a module, which is answered with its process id, and to
wait for such a process, which is answered with its exit code. With MODULE, runs that module alone, in this very process, with
its options from standard input.

As on a managed node, a module gets its options through ansible.module_utils.basic.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from typing import Any

from ansible.module_utils import basic

MODULES = {
    name: importlib.import_module(f"ansible_collections.gvisor.runsc.plugins.modules.{name}")
    for name in (
        "runsc_bundle",
        "runsc_checkpoint",
        "runsc_checkpoint_info",
        "runsc_container",
        "runsc_containers",
        "runsc_events",
        "runsc_exec",
        "runsc_execs",
        "runsc_info",
        "runsc_kill",
        "runsc_prune",
        "runsc_run",
        "runsc_runs",
        "runsc_update",
        "runsc_wait",
    )
}


def run(module: str, options: dict[str, Any]) -> None:
    """Be the module. Ends with SystemExit."""
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    MODULES[module].main()


def become(request: dict[str, Any]) -> None:
    """Turn this process into one that was started for the request: streams, environment, folder, user."""
    os.setsid()
    for descriptor, path, flags in ((0, os.devnull, os.O_RDONLY), (1, request["out"], os.O_WRONLY | os.O_CREAT)):
        os.dup2(os.open(path, flags, 0o644), descriptor)
    os.dup2(os.open(request["err"], os.O_WRONLY | os.O_CREAT, 0o644), 2)
    os.environ.clear()
    os.environ.update(request["environment"])
    tempfile.tempdir = None
    os.chdir(request["folder"])
    if request["uid"]:
        os.setgroups([])
        os.setgid(request["uid"])
        os.setuid(request["uid"])


def main() -> None:
    """Serve until standard input ends."""
    if len(sys.argv) == 2:
        run(sys.argv[1], json.load(sys.stdin))
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            print(os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1]), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            become(request)
            run(request["module"], request["options"])
        print(pid, flush=True)


if __name__ == "__main__":
    main()
