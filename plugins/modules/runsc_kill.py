#!/usr/bin/python

# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send a signal into a gVisor container."""

from __future__ import annotations

DOCUMENTATION = r"""
module: runsc_kill
short_description: Send a signal into a gVisor container
version_added: 0.1.0
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
description:
  - Sends a signal to the first process of a running container, to all of its processes, or to one of them.
  - A container that has stopped already is no change. One that does not exist, or that is created or paused, is a failure; runsc
    sends signals to running containers only.
  - To end and remove a container, M(gvisor.runsc.runsc_container) with the states V(stopped) and V(absent) is the simpler way.
options:
  name:
    description: The id of the container.
    type: str
    required: true
    aliases: [id]
  signal:
    description: A name such as V(HUP) or V(SIGHUP), or a number from 1 to 31. runsc knows no real-time signals.
    type: str
    default: TERM
  all:
    description: Send it to all processes of the container.
    type: bool
    default: false
  pid:
    description:
      - Send it to this process only. The number is that in the sandbox, as M(gvisor.runsc.runsc_info) shows it with
        O(gvisor.runsc.runsc_info#module:gather=processes), and M(gvisor.runsc.runsc_exec) as
        RV(gvisor.runsc.runsc_exec#module:internal_pid).
      - It is never a number on the host. In a further container of a sandbox it is not the number that the process itself
        sees, either.
    type: int
  wait:
    description:
      - Wait until the target has ended, the container or the process in O(pid), and fail if it does not. Without it, the task
        ends before the signal has had an effect.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait.
    type: float
    default: 10.0
extends_documentation_fragment:
  - gvisor.runsc.runsc
attributes:
  check_mode:
    details:
      - Whether a process in O(pid) exists is not looked at.
notes:
  - Unlike on Linux, V(TERM) ends a container whose first process has no handler for it.
seealso:
  - module: gvisor.runsc.runsc_container
  - module: gvisor.runsc.runsc_wait
"""

EXAMPLES = r"""
- name: Let the program read its configuration again
  gvisor.runsc.runsc_kill:
    name: web-1
    network: none
    signal: HUP

- name: End it, and wait until it has ended
  gvisor.runsc.runsc_kill:
    name: web-1
    network: none
    wait: true
    wait_timeout: 30
"""

RETURN = r"""
sent:
  description: Whether the signal was sent, or would be in check mode.
  returned: success
  type: bool
  sample: true
signal:
  description: The number of the signal.
  returned: success
  type: int
  sample: 15
status:
  description: The status of the container afterwards.
  returned: always
  type: str
  sample: running
ended:
  description: Whether the target has ended; null if nobody waited for it.
  returned: success
  type: bool
  sample: true
commands:
  description: The runsc commands that were run, with exit codes and milliseconds.
  returned: with C(-vvv) and above
  type: list
  elements: dict
  sample: [{"cmd": ["/usr/bin/runsc", "--root=/var/run/runsc", "kill", "web-1", "15"], "rc": 0, "ms": 31.0}]
"""

from ansible_collections.gvisor.runsc.plugins.module_utils.kill_task import kill_task
from ansible_collections.gvisor.runsc.plugins.module_utils.module import Spec, run_module

ARGUMENTS: Spec = {
    "name": {"type": "str", "required": True, "aliases": ["id"]},
    "signal": {"type": "str", "default": "TERM"},
    "all": {"type": "bool", "default": False},
    "pid": {"type": "int"},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "float", "default": 10.0},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, kill_task, mutually_exclusive=[("all", "pid")])


if __name__ == "__main__":
    main()
