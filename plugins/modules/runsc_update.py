#!/usr/bin/python

# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Change the limits of a gVisor container that lives."""

from __future__ import annotations

DOCUMENTATION = r"""
module: runsc_update
short_description: Change the limits of a gVisor container that lives
version_added: 0.1.0
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
description:
  - Changes how much memory, CPU and how many processes of the host a container that is created or running may take, without
    ending it.
  - This needs runsc from 2026-02 or newer. With an older one the task fails and nothing is touched; make the container anew from
    a bundle with other limits then.
  - Limits are those of a sandbox. In one with several containers only the first one can be given.
  - The bundle is not changed. A container that is made anew has the limits that its bundle says.
options:
  name:
    description: The id of the container.
    type: str
    required: true
    aliases: [id]
  memory:
    description: How much memory the sandbox may take, such as V(512M), gVisor's own included; V(-1) is no limit.
    type: str
  memory_swap:
    description: Memory and swap together; V(-1) is no limit. Version 2 of control groups needs O(memory) as well.
    type: str
  cpus:
    description: How many CPUs it may use, such as V(1.5).
    type: float
  cpu_shares:
    description: Its weight when CPUs are scarce. V(1024) is the normal one. Version 2 of control groups knows coarser steps.
    type: int
  cpuset:
    description: The CPUs that it runs on, such as V(0-3) or V(0,2).
    type: str
  pids_limit:
    description:
      - How many processes and threads of the host it may have; V(-1) is no limit. gVisor itself needs about fifty.
    type: int
extends_documentation_fragment:
  - gvisor.runsc.runsc
notes:
  - Options that are not given leave their limit as it is.
  - Where the control group does not tell the present limit, which may be so for swap, the task always asks runsc, and says that
    it changed.
seealso:
  - module: gvisor.runsc.runsc_bundle
  - module: gvisor.runsc.runsc_info
"""

EXAMPLES = r"""
- name: Give it more memory, and one CPU and a half
  gvisor.runsc.runsc_update:
    name: web-1
    network: none
    memory: 1G
    cpus: 1.5
"""

RETURN = r"""
limits:
  description: The limits that were asked for, by their place in C(linux.resources) of the OCI specification.
  returned: success
  type: dict
  sample: {"memory.limit": 1073741824, "cpu.quota": 150000, "cpu.period": 100000}
commands:
  description: The runsc commands that were run, with exit codes and milliseconds.
  returned: with C(-vvv) and above
  type: list
  elements: dict
  sample: [{"cmd": ["/usr/bin/runsc", "--root=/var/run/runsc", "update", "--resources=-", "web-1"], "rc": 0, "ms": 31.0}]
"""

from ansible_collections.gvisor.runsc.plugins.module_utils.module import Spec, run_module
from ansible_collections.gvisor.runsc.plugins.module_utils.update_task import update_task

ARGUMENTS: Spec = {
    "name": {"type": "str", "required": True, "aliases": ["id"]},
    "memory": {"type": "str"},
    "memory_swap": {"type": "str"},
    "cpus": {"type": "float"},
    "cpu_shares": {"type": "int"},
    "cpuset": {"type": "str"},
    "pids_limit": {"type": "int"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, update_task)


if __name__ == "__main__":
    main()
