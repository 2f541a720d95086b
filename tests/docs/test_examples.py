# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The EXAMPLES of modules run as they are written, on a machine that has what they speak of."""

from __future__ import annotations

import importlib
import json

import yaml

from ansible_collections.gvisor.runsc.tests.docs import support
from ansible_collections.gvisor.runsc.tests.docs.support import Json, Machine

# In this order: the last example of runsc_kill ends the container.
MODULES = (
    *("runsc_run", "runsc_wait", "runsc_events", "runsc_info"),
    *("runsc_checkpoint", "runsc_checkpoint_info", "runsc_prune", "runsc_kill"),
)
JOB = {"name": "job-1", "bundle": "/srv/bundles/web", "network": "none", "detach": True, "keep_exit_status": True}
ENVIRONMENT = {"ANSIBLE_COLLECTIONS_PATH": str(support.COLLECTIONS), "ANSIBLE_LOCALHOST_WARNING": "0"}


def examples(module: str) -> list[Json]:
    """Return the tasks in the examples of a module."""
    text = importlib.import_module(f"ansible_collections.gvisor.runsc.plugins.modules.{module}").EXAMPLES
    tasks: list[Json] = yaml.safe_load(text)
    return tasks


def run(machine: Machine, tasks: list[Json]) -> None:
    """Run tasks, of which none may fail."""
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
    (machine.work / "examples.yml").write_text(json.dumps(play), encoding="utf-8")
    printed = machine.run("ansible-playbook examples.yml", environment=ENVIRONMENT, patience=300).stdout
    assert f"ok={len(tasks)}" in printed, printed
    assert "failed=0" in printed


def test_the_examples_run(machine: Machine) -> None:
    machine.run(support.bundle_script("/srv/bundles/web", "sh -c trap:HUP;sleep;600"))
    script = """
        mkdir -p /srv/bundles/web/rootfs/etc
        echo nobody:x:65534:65534:::/bin/sh >/srv/bundles/web/rootfs/etc/passwd
        mkdir -p /srv/images/.lost.gvisor.runsc-lost~old  # what a killed task left
        touch -d '1 hour ago' /srv/images/.lost.gvisor.runsc-lost~old
        sed -i 's/trap:HUP;sleep;600/trap : HUP; while :; do sleep 0.1; done/' /srv/bundles/web/config.json
    """
    machine.run(script)
    begin = [{"gvisor.runsc.runsc_container": {"name": "web-1", "bundle": "/srv/bundles/web", "network": "none"}}]
    # The example of runsc_wait waits for a job that has not been waited for yet.
    again = {"gvisor.runsc.runsc_run": {**JOB, "argv": ["sh", "-c", "exit 3"]}}
    remove = {"gvisor.runsc.runsc_container": {"name": "job-1", "state": "absent", "network": "none"}}
    tasks = [*begin, *examples("runsc_run"), remove, again]
    for module in MODULES[1:]:
        tasks += examples(module)
    run(machine, tasks)
    assert machine.run("ls -A /srv/images").stdout.split() == ["web-1"]


def test_the_examples_for_many_run(machine: Machine) -> None:
    machine.run(support.bundle_script("/srv/bundles/web", "sleep 600"))
    machine.run("mkdir -p /srv/bundles/web/rootfs/etc; echo three small words >/srv/bundles/web/rootfs/etc/passwd")
    make, remove = examples("runsc_containers")
    run(machine, [make, *examples("runsc_execs"), *examples("runsc_runs"), remove])
