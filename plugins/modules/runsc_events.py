#!/usr/bin/python

# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collect the statistics of gVisor containers over a time."""

from __future__ import annotations

DOCUMENTATION = r"""
module: runsc_events
short_description: Collect the statistics of gVisor containers over a time
version_added: 0.1.0
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
description:
  - Samples the use of CPU, memory and processes of running containers, all at the same time, and returns the samples with their
    least, mean and greatest values.
  - For one sample, M(gvisor.runsc.runsc_info) with O(gvisor.runsc.runsc_info#module:gather=stats) is enough.
  - The collection of a container ends with the container.
  - The task fails if a container that lives delivers too little, because its sandbox hangs for example. What was collected is
    returned all the same.
options:
  name:
    description: The ids of the containers. One that does not exist, or has not been started, is an error; one that has ended has no samples.
    type: list
    elements: str
    aliases: [id]
  pattern:
    description: A shell pattern of ids, instead of O(name). Those that do not run, or are frozen, are left out.
    type: str
  interval:
    description: Seconds between two samples.
    type: int
    default: 1
  duration:
    description: Seconds to collect. This or O(samples) must be given; with both, what comes first ends it.
    type: float
  samples:
    description: How many samples to collect of each container. The first comes at once.
    type: int
extends_documentation_fragment:
  - gvisor.runsc.runsc
attributes:
  check_mode:
    details:
      - It collects in check mode as well, since it changes nothing.
  diff_mode:
    support: none
notes:
  - The use of CPU and memory is that which gVisor counts inside. runsc reports neither limits nor kills at them; RV(containers)
    has the kills from the control group of the host.
seealso:
  - module: gvisor.runsc.runsc_info
"""

EXAMPLES = r"""
- name: What does the load do to it?
  gvisor.runsc.runsc_events:
    name: [web-1]
    network: none
    duration: 5
  register: load

- name: It stays within its share
  ansible.builtin.assert:
    that: load.containers[0].summary.memory_usage.max < 512 * 1024 * 1024
"""

RETURN = r"""
containers:
  description: What was collected, in the order of O(name), or of the ids.
  returned: success, or when a container has delivered too little
  type: list
  elements: dict
  contains:
    id:
      description: The id.
      type: str
      returned: always
      sample: web-1
    samples:
      description: The samples. C(time) is seconds since the begin, C(cpu_ns) nanoseconds of CPU since the start of the container,
        C(cpu_percent) the share of one core since the sample before, C(memory_usage) bytes, C(pids) the number of processes.
      type: list
      elements: dict
      returned: always
      sample: [{"time": 0.05, "cpu_ns": 91961009, "cpu_percent": null, "memory_usage": 2027520, "pids": 1}]
    summary:
      description: Least, mean and greatest value of C(cpu_percent), C(memory_usage) and C(pids); null where there were none.
      type: dict
      returned: always
      sample: {"memory_usage": {"min": 2027520, "mean": 2027520.0, "max": 2027520}}
    ended:
      description: Whether the container ended before the collection.
      type: bool
      returned: always
      sample: false
    reason:
      description: Why it ended, C(stopped), C(deleted) or C(out of memory); empty if it did not.
      type: str
      returned: always
      sample: ""
    oom_kills:
      description: How often the kernel of the host killed something in the sandbox at its memory limit meanwhile.
      type: int
      returned: always
      sample: 0
    errors:
      description: What runsc said that was no sample, and why samples are missing.
      type: list
      elements: str
      returned: always
      sample: []
commands:
  description: The runsc commands that were run, with exit codes and milliseconds.
  returned: with C(-vvv) and above
  type: list
  elements: dict
  sample: [{"cmd": ["/usr/bin/runsc", "--root=/var/run/runsc", "events", "--interval=1", "web-1"], "rc": -9, "ms": 5031.0}]
"""

from ansible_collections.gvisor.runsc.plugins.module_utils.events_task import events_task
from ansible_collections.gvisor.runsc.plugins.module_utils.module import Spec, run_module

ARGUMENTS: Spec = {
    "name": {"type": "list", "elements": "str", "aliases": ["id"]},
    "pattern": {"type": "str"},
    "interval": {"type": "int", "default": 1},
    "duration": {"type": "float"},
    "samples": {"type": "int"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, events_task, mutually_exclusive=[("name", "pattern")], required_one_of=[("name", "pattern")])


if __name__ == "__main__":
    main()
