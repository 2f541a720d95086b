#!/usr/bin/python

# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Describe runsc and its containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: runsc_info
short_description: Describe runsc and its containers
version_added: 0.1.0
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
description:
  - Returns the version and the abilities of runsc, and the containers under a root, with as much detail as you ask for.
  - Never changes anything. One C(runsc list) serves however many containers.
  - A container that can't be read is reported in RV(unreadable), and the others are returned all the same.
options:
  name:
    description: Describe the containers with exactly these ids. Ids that do not exist are left out.
    type: list
    elements: str
    aliases: [id]
  pattern:
    description: Describe the containers whose id matches this shell pattern, such as V(web-*).
    type: str
  status:
    description:
      - Describe the containers with one of these statuses.
      - V(corrupt) ones have a record that can't be read, V(hanging) ones a sandbox that does not answer.
    type: list
    elements: str
    choices: [created, running, paused, stopped, corrupt, hanging]
  annotations:
    description: Describe the containers whose bundles have all these annotations, with exactly these values.
    type: dict
  gather:
    description:
      - What else to return of each container.
      - V(pids), the numbers of its processes.
      - V(processes), its processes with user, parent, times and command.
      - V(stats), one sample of CPU time, memory, processes and network counters.
      - V(spec), the OCI configuration that it was created from, as runsc recorded it. It holds the environment, and with it any
        secrets in there.
      - V(cgroup), the control group on the host, with the limits and counters that runsc itself does not report.
      - V(usage), the memory of the sandbox by what it is used for.
      - V(metrics), counters of the sandbox as text in the format of Prometheus; null with an entry in RV(unreadable) if the binary
        lacks them, as those before 2023 do.
      - V(stacks), what the threads of the sandbox are doing, as text for a bug report.
      - All but V(spec) and V(cgroup) cost a runsc process for each container.
    type: list
    elements: str
    choices: [pids, processes, stats, spec, cgroup, usage, metrics, stacks]
    default: []
extends_documentation_fragment:
  - gvisor.runsc.runsc
attributes:
  check_mode:
    details: Does the same in check mode.
  diff_mode:
    support: N/A
    details: Changes nothing.
seealso:
  - module: gvisor.runsc.runsc_container
"""

EXAMPLES = r"""
- name: All containers
  gvisor.runsc.runsc_info:
  register: sandboxes

- name: Show their names and statuses
  ansible.builtin.debug:
    msg: "{{ sandboxes.containers | items2dict(key_name='id', value_name='status') }}"

- name: What the running web servers use
  gvisor.runsc.runsc_info:
    pattern: web-*
    status: [running]
    gather: [stats, cgroup]
"""

RETURN = r"""
version:
  description: The version of runsc, of the OCI specification that it names, and the path of the binary.
  returned: success
  type: dict
  sample: {"runsc": "0.0~20240729.0", "spec": "1.0.2-dev", "path": "/usr/bin/runsc"}
platforms:
  description: The platforms that the binary was built with. The host may not be able to run all of them.
  returned: success
  type: list
  elements: str
  sample: [kvm, ptrace, systrap]
features:
  description: What the binary can do, its global flags with their defaults, and its subcommands.
  returned: success
  type: dict
  contains:
    flags:
      description: The global flags, with their defaults.
      type: dict
      returned: success
      sample: {"directfs": "true", "network": "sandbox"}
    subcommands:
      description: The names of the subcommands.
      type: list
      elements: str
      returned: success
      sample: [checkpoint, create, delete, exec]
containers:
  description: The containers, in the order of their ids.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The name.
      type: str
      returned: always
      sample: web-1
    status:
      description: V(created), V(running), V(paused), V(stopped), V(corrupt) if its record can't be read, or V(hanging) if its
        sandbox does not answer.
      type: str
      returned: always
      sample: running
    pid:
      description: Process id of the sandbox on the host; -1 if it is stopped.
      type: int
      returned: always
      sample: 4711
    bundle:
      description: The bundle that it came from.
      type: str
      returned: always
      sample: /srv/bundles/web
    annotations:
      description: The annotations of its bundle.
      type: dict
      returned: always
      sample: {"com.example.team": "blue"}
    oci_version:
      description: The version of the OCI specification that runsc names.
      type: str
      returned: always
      sample: 1.0.2-dev
    created:
      description: When it was created.
      type: str
      returned: if its record can be read
      sample: "2026-11-23T22:17:44.443379671Z"
    owner:
      description: Who created it, as C(USER) said then; often empty.
      type: str
      returned: if its record can be read
      sample: root
    exit_status:
      description:
        - Exit code of a stopped container that was made with O(gvisor.runsc.runsc_container#module:keep_exit_status), else null.
        - It is 128 and the signal's number if a signal ended the container, or its sandbox.
      type: int
      returned: if the container exists
      sample: null
    sandbox:
      description: The id of the sandbox that it lives in.
      type: str
      returned: if its record can be read
      sample: web-1
    pids:
      description: The numbers of its processes, in the sandbox's root pid namespace. Empty if it does not run.
      type: list
      elements: int
      returned: with V(pids) in O(gather)
      sample: [1, 7]
    processes:
      description: Its processes. Empty if it does not run.
      type: list
      elements: dict
      returned: with V(processes) in O(gather)
      sample:
        - {"uid": 0, "pid": 1, "ppid": 0, "pgid": -1, "cpu": 0, "tty": "?", "start_time": "22:17", "cpu_time": "0s", "command": "sleep"}
    stats:
      description: One sample, CPU times in nanoseconds, memory in bytes. Null if it does not run.
      type: dict
      returned: with V(stats) in O(gather)
      sample: {"cpu_ns": 120510664, "memory_usage": 2457600, "pids": 1, "interfaces": []}
    spec:
      description: The OCI configuration that it was created from.
      type: dict
      returned: with V(spec) in O(gather)
      sample: {"ociVersion": "1.0.2", "process": {"args": ["/bin/sleep", "1000"]}}
    cgroup:
      description: Path of its control group, its folders by controller, and limits and counters; -1 means no limit.
      type: dict
      returned: with V(cgroup) in O(gather)
      sample: {"path": "/web-1", "folders": {"memory": "/sys/fs/cgroup/memory/web-1"}, "counters": {"memory_limit": 67108864, "oom_kills": 0}}
    usage:
      description: Bytes by what they are used for, and C(total). Null if it does not run.
      type: dict
      returned: with V(usage) in O(gather)
      sample: {"Anonymous": 1048576, "System": 2097152, "Tmpfs": 0, "total": 3145728}
    metrics:
      description: Counters of the sandbox. Null if it does not run.
      type: str
      returned: with V(metrics) in O(gather)
      sample: "# HELP runsc_fs_opens Number of file opens."
    stacks:
      description: Stacks of the sandbox. Null if it does not run.
      type: str
      returned: with V(stacks) in O(gather)
      sample: "goroutine 1 [select]:"
unreadable:
  description: Containers of which something could not be read, and why.
  returned: success
  type: list
  elements: dict
  sample: [{"id": "web-2", "problem": "its state file /var/run/runsc/web-2_sandbox:web-2.state can't be read"}]
commands:
  description: The runsc commands that were run, with exit codes and milliseconds.
  returned: with C(-vvv) and above
  type: list
  elements: dict
  sample: [{"cmd": ["/usr/bin/runsc", "--root=/var/run/runsc", "list", "--format=json"], "rc": 0, "ms": 31.0}]
"""

from ansible_collections.gvisor.runsc.plugins.module_utils.info_task import info_task
from ansible_collections.gvisor.runsc.plugins.module_utils.module import Spec, run_module

ARGUMENTS: Spec = {
    "name": {"type": "list", "elements": "str", "aliases": ["id"]},
    "pattern": {"type": "str"},
    "status": {
        "type": "list",
        "elements": "str",
        "choices": ["created", "running", "paused", "stopped", "corrupt", "hanging"],
    },
    "annotations": {"type": "dict"},
    "gather": {
        "type": "list",
        "elements": "str",
        "default": [],
        "choices": ["pids", "processes", "stats", "spec", "cgroup", "usage", "metrics", "stacks"],
    },
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, info_task)


if __name__ == "__main__":
    main()
