#!/usr/bin/python

# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a command in many gVisor containers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: runsc_execs
short_description: Run a command in many gVisor containers in one task
version_added: 0.1.0
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
description:
  - Does for many containers what M(gvisor.runsc.runsc_exec) does for one, several at the same time, and in one task.
  - What fails in one container does not keep the command from being run in the others. The task fails in the end, and returns
    everything.
options:
  names:
    description:
      - The ids of the containers. Each of them has to run; else that is its failure.
    type: list
    elements: str
  pattern:
    description: A shell pattern for ids, for example V(web-*). The command is run in those of O(root) that fit and run.
      None at all is a warning.
    type: str
  annotations:
    description: Annotations, with their values, that the containers have to have, instead of O(pattern) or in addition to it.
    type: dict
  argv:
    description: The command as a list, the program first.
    type: list
    elements: str
  command:
    description: The command as one text. It is split at blanks, with quotes as in a shell, but no shell runs it.
    type: str
  env:
    description: Environment variables, set in addition to those of the container's own process. The values must be texts.
    type: dict
  secret_env:
    description: More environment variables, with values that must not be seen, see O(gvisor.runsc.runsc_exec#module:secret_env).
    type: dict
  chdir:
    description: The working directory, an absolute path in the container. The container's own one without it.
    type: str
  user:
    description: Who runs the command, see O(gvisor.runsc.runsc_exec#module:user).
    type: str
  additional_gids:
    description: Numbers of supplementary groups.
    type: list
    elements: int
  capabilities:
    description: The capabilities of the command, see O(gvisor.runsc.runsc_exec#module:capabilities).
    type: list
    elements: str
  stdin:
    description: Text for the command's standard input, which is empty without it.
    type: str
  stdin_add_newline:
    description: Add a newline to O(stdin).
    type: bool
    default: true
  strip_empty_ends:
    description: Remove empty lines from the end of the outputs.
    type: bool
    default: true
  creates:
    description: A path in the container. Where it exists, the command is not run.
    type: str
  removes:
    description: A path in the container. Where it does not exist, the command is not run.
    type: str
  detach:
    description: Return as soon as the command has started everywhere; it goes on.
    type: bool
    default: false
  stdout_file:
    description: With O(detach), a file on the managed node to which the standard output of all is appended.
    type: path
  stderr_file:
    description: The same for standard error.
    type: path
  timeout:
    description: Seconds that the command may take in each container. Then it is killed there, with its children.
    type: float
    default: 600.0
  output_limit:
    description: Bytes that are kept of each output stream in each container. The rest is read and dropped.
    type: int
    default: 65536
  parallel:
    description:
      - How many containers the command runs in at the same time. As many as the host has cores without it.
    type: int
  fail_fast:
    description:
      - After the first failure, begin no other one. What is under way is brought to its end, and RV(containers) says of the rest
        C(not_begun=true).
    type: bool
    default: false
  serial_on_error:
    description:
      - After the first failure, do the rest one at a time; for hosts on which too much at once may have been the reason.
    type: bool
    default: false
  result:
    description:
      - Which results to return. V(full), all; V(changed), those of commands that were run, failed or were not begun; V(summary),
        those that failed. RV(summary) counts all in any case, and what is not returned is not kept in memory either.
    type: str
    default: full
    choices: [full, changed, summary]
extends_documentation_fragment:
  - gvisor.runsc.runsc
attributes:
  check_mode:
    details:
      - The command is not run. O(creates) and O(removes) are looked up, so that the prediction is right.
  diff_mode:
    support: none
seealso:
  - module: gvisor.runsc.runsc_exec
  - module: gvisor.runsc.runsc_containers
"""

EXAMPLES = r"""
- name: Ask every kernel who it is, at most five seconds each
  gvisor.runsc.runsc_execs:
    pattern: web-*
    network: none
    command: uname -a
    timeout: 5
  register: kernels

- name: Say what they answered
  ansible.builtin.debug:
    msg: "{{ item.key }}: {{ item.value.stdout }}"
  loop: "{{ kernels.containers | dict2items }}"

- name: Leave a note in two of them, once
  gvisor.runsc.runsc_execs:
    names: [web-1, web-2]
    network: none
    argv: [touch, /tmp/note]
    creates: /tmp/note
"""

RETURN = r"""
containers:
  description:
    - What came of the command in each container, by name, with all that M(gvisor.runsc.runsc_exec) returns. O(result) says of
      which.
  returned: always, but for mistakes in the options
  type: dict
  contains:
    changed:
      description: Whether the command was run, or would be.
      type: bool
      returned: always
      sample: true
    rc:
      description: Exit code of the command.
      type: int
      returned: if it was begun
      sample: 0
    stdout:
      description: Standard output.
      type: str
      returned: if it was begun
      sample: Linux web 4.4.0
    stderr:
      description: Standard error.
      type: str
      returned: if it was begun
      sample: ""
    failed:
      description: That it failed.
      type: bool
      returned: if it failed
      sample: true
    msg:
      description: Why it failed, or why it was not run.
      type: str
      returned: if it failed or was not run
      sample: the command ended with exit code 1 in container 'web-2'
    failure_kind:
      description: The kind of the failure.
      type: str
      returned: if it failed
      sample: command
    not_begun:
      description: That it was left alone, because another one had failed.
      type: bool
      returned: with O(fail_fast=true)
      sample: true
summary:
  description: How many containers there were, and what came of them. A command that was run counts as changed.
  returned: always, but for mistakes in the options
  type: dict
  sample: {total: 3, changed: 2, unchanged: 0, failed: 1, not_begun: 0}
msg:
  description: The same in one line, with the first failure if there is one.
  returned: always
  type: str
  sample: "3 containers: 3 changed, 0 unchanged"
commands:
  description: The runsc commands that were run, with exit codes and milliseconds.
  returned: with C(-vvv) and above
  type: list
  elements: dict
  sample: [{"cmd": ["/usr/bin/runsc", "--root=/var/run/runsc", "exec", "web-1"], "rc": 0, "ms": 31.0}]
"""

from ansible_collections.gvisor.runsc.plugins.module_utils.command_task import OPTIONS as COMMAND_OPTIONS
from ansible_collections.gvisor.runsc.plugins.module_utils.execs_task import execs_task
from ansible_collections.gvisor.runsc.plugins.module_utils.many_task import OPTIONS as MANY_OPTIONS
from ansible_collections.gvisor.runsc.plugins.module_utils.module import Spec, run_module

ARGUMENTS: Spec = {
    **COMMAND_OPTIONS,
    **MANY_OPTIONS,
    "names": {"type": "list", "elements": "str"},
    "pattern": {"type": "str"},
    "annotations": {"type": "dict"},
    "additional_gids": {"type": "list", "elements": "int"},
    "capabilities": {"type": "list", "elements": "str"},
    "creates": {"type": "str"},
    "removes": {"type": "str"},
    "output_limit": {"type": "int", "default": 65536},
}


def main() -> None:
    """Run the module."""
    run_module(
        ARGUMENTS,
        execs_task,
        mutually_exclusive=[("argv", "command"), ("names", "pattern"), ("names", "annotations")],
        required_one_of=[("argv", "command"), ("names", "pattern", "annotations")],
    )


if __name__ == "__main__":
    main()
