#!/usr/bin/python

# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wait for a gVisor container, or a process in it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: runsc_wait
short_description: Wait for a gVisor container, and learn how it ended
version_added: 0.1.0
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
description:
  - Waits until a container has ended and returns its exit code, until it is in another status, or until one of its processes has
    ended.
  - runsc forgets the exit code of a container when its sandbox ends. It is known if this module was waiting at that moment, or if
    the container was made with O(gvisor.runsc.runsc_container#module:keep_exit_status), or if the container is a further one of
    a sandbox that lives. Otherwise RV(exit_status) is null.
  - It fails if it takes longer than O(timeout). The exit code makes no difference; look at RV(exit_status) with C(failed_when).
options:
  name:
    description: The id of the container.
    type: str
    required: true
    aliases: [id]
  until:
    description:
      - What to wait for. V(stopped) is the end of the container; it must exist when the wait begins, and that it is removed counts
        as its end.
      - The others wait for a status, also of a container that does not exist yet.
    type: str
    default: stopped
    choices: [absent, created, running, paused, stopped]
  pid:
    description:
      - Wait for the end of this process instead of a status of the container, so O(until) must not be given. It must still exist;
        only the exit code of the first process, 1, is known later, if it was kept.
    type: int
  pid_namespace:
    description:
      - Whose number O(pid) is.
      - V(sandbox), that of the sandbox, as M(gvisor.runsc.runsc_info) and M(gvisor.runsc.runsc_exec) show it.
      - V(container), the one that the process itself and its neighbours see. Both are the same in the first container of a
        sandbox.
    type: str
    default: sandbox
    choices: [container, sandbox]
  timeout:
    description: Seconds to wait. The container goes on unharmed afterwards.
    type: float
    default: 300.0
extends_documentation_fragment:
  - gvisor.runsc.runsc
attributes:
  check_mode:
    details:
      - It waits in check mode as well, since it changes nothing.
  diff_mode:
    support: none
seealso:
  - module: gvisor.runsc.runsc_run
  - module: gvisor.runsc.runsc_container
  - module: ansible.builtin.wait_for
"""

EXAMPLES = r"""
- name: Wait for the end of a job, and fail if it failed
  gvisor.runsc.runsc_wait:
    name: job-1
    network: none
    timeout: 30
  register: job
  failed_when: job.failed or job.exit_status != 3

- name: Wait until another play has removed it
  gvisor.runsc.runsc_wait:
    name: job-2
    network: none
    until: absent
"""

RETURN = r"""
exit_status:
  description: Exit code of the container or the process; 128 and the signal's number if a signal ended it. Null if nothing has
    ended, or if nobody knows.
  returned: success
  type: int
  sample: 0
oom_killed:
  description: Whether the kernel of the host killed the sandbox at its memory limit, during the wait or before.
  returned: success
  type: bool
  sample: false
status:
  description: The status of the container.
  returned: always
  type: str
  sample: stopped
elapsed:
  description: Seconds that it took.
  returned: success
  type: float
  sample: 2.041
commands:
  description: The runsc commands that were run, with exit codes and milliseconds.
  returned: with C(-vvv) and above
  type: list
  elements: dict
  sample: [{"cmd": ["/usr/bin/runsc", "--root=/var/run/runsc", "wait", "job-1"], "rc": 0, "ms": 2031.0}]
"""

from ansible_collections.gvisor.runsc.plugins.module_utils.module import Spec, run_module
from ansible_collections.gvisor.runsc.plugins.module_utils.wait_task import wait_task

ARGUMENTS: Spec = {
    "name": {"type": "str", "required": True, "aliases": ["id"]},
    "until": {
        "type": "str",
        "default": "stopped",
        "choices": ["absent", "created", "running", "paused", "stopped"],
    },
    "pid": {"type": "int"},
    "pid_namespace": {"type": "str", "default": "sandbox", "choices": ["container", "sandbox"]},
    "timeout": {"type": "float", "default": 300.0},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, wait_task)


if __name__ == "__main__":
    main()
