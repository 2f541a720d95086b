#!/usr/bin/python

# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a command in a gVisor container."""

from __future__ import annotations

DOCUMENTATION = r"""
module: runsc_exec
short_description: Run a command in a gVisor container
version_added: 0.1.0
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
description:
  - Runs a command in a running container and returns its result, as M(ansible.builtin.command) does on a host.
  - The command is not run by a shell, and reaches the container byte by byte as you wrote it.
  - It fails if the command ends with another exit code than 0. RV(ignore:failure_kind=command) tells that from a failure of
    runsc itself, such as a program that does not exist in the container.
options:
  name:
    description: The id of the container.
    type: str
    required: true
    aliases: [id]
  argv:
    description: The command as a list, the program first.
    type: list
    elements: str
  command:
    description:
      - The command as one text. It is split at blanks, with quotes as in a shell, but no shell runs it, so that C($HOME), C(*),
        C(|) and C(>) mean nothing special.
    type: str
  process:
    description:
      - A full OCI Process document, with at least C(args). What it lacks of C(user), C(env) and C(cwd) is taken from the
        container's own process. The other options go over it.
      - It is validated on the controller, before the managed node is touched, which needs the Python package jsonschema there.
        All errors are shown at once.
      - Secrets in it are no secrets to Ansible's logs; use O(secret_env) for them.
    type: dict
  env:
    description:
      - Environment variables, set in addition to those of the container's own process. The values must be texts; quote numbers
        and booleans.
    type: dict
  secret_env:
    description:
      - More environment variables, with values that must not be seen. They go over O(env), are kept out of logs, and are masked
        wherever they occur in the result.
    type: dict
  chdir:
    description: The working directory, an absolute path in the container. The container's own one without it.
    type: str
  user:
    description:
      - Who runs the command, as C(uid), C(uid:gid), C(user) or C(user:group). A number alone has the group 0.
      - Names are looked up in the container's own files, by its own C(cat); a user's name alone brings its group and its
        supplementary groups.
      - Without it, the user of the container's own process, on all versions of runsc.
    type: str
  additional_gids:
    description: Numbers of supplementary groups.
    type: list
    elements: int
  capabilities:
    description:
      - The capabilities of the command, for example V(CAP_NET_ADMIN). An empty list means none, no list those of the container.
    type: list
    elements: str
  tty:
    description: Give the command a terminal. Needs O(console_socket) and O(detach).
    type: bool
    default: false
  console_socket:
    description: Path of a listening Unix socket on the managed node that receives the terminal.
    type: path
  stdin:
    description: Text for the command's standard input, which is empty without it.
    type: str
  stdin_add_newline:
    description: Add a newline to O(stdin).
    type: bool
    default: true
  strip_empty_ends:
    description: Remove empty lines from the end of RV(stdout) and RV(stderr).
    type: bool
    default: true
  creates:
    description:
      - A path in the container. If it exists, the command is not run. Looked up by the container's own C(ls), a relative one in
        O(chdir).
    type: str
  removes:
    description: A path in the container. If it does not exist, the command is not run.
    type: str
  detach:
    description: Return as soon as the command has started; it goes on.
    type: bool
    default: false
  stdout_file:
    description: With O(detach), a file on the managed node to which standard output is appended. It is lost without.
    type: path
  stderr_file:
    description: The same for standard error.
    type: path
  pid_file:
    description: File on the managed node for the host's process id of the runsc process that lives as long as the command.
    type: path
  internal_pid_file:
    description: File on the managed node for the process id of the command inside the sandbox.
    type: path
  timeout:
    description:
      - Seconds that the command may take. Then it is killed, inside the sandbox and with its children, and the task fails with
        the output so far.
    type: float
    default: 600.0
extends_documentation_fragment:
  - gvisor.runsc.runsc
attributes:
  check_mode:
    details:
      - The command is not run. O(creates) and O(removes) are looked up, so that the prediction is right.
  diff_mode:
    support: none
notes:
  - Of each output stream the first 4 MiB are kept. RV(stdout_truncated) and RV(stderr_truncated) say when there was more.
seealso:
  - module: gvisor.runsc.runsc_execs
  - module: gvisor.runsc.runsc_container
  - module: ansible.builtin.command
"""

EXAMPLES = r"""
- name: Ask the kernel of the sandbox who it is
  gvisor.runsc.runsc_exec:
    name: web-1
    network: none
    command: uname -a

- name: Arguments arrive as written, whatever is in them
  gvisor.runsc.runsc_exec:
    name: web-1
    network: none
    argv: [sh, -c, 'echo "$GREETING, $1" > /tmp/greeting', sh, world]
    env:
      GREETING: Hello
    creates: /tmp/greeting

- name: Feed a program, as another user
  gvisor.runsc.runsc_exec:
    name: web-1
    network: none
    argv: [sort, -n]
    user: "1000:1000"
    stdin: |
      10
      9
    timeout: 5

- name: Start something that goes on
  gvisor.runsc.runsc_exec:
    name: web-1
    network: none
    argv: [sleep, "60"]
    detach: true
"""

RETURN = r"""
rc:
  description: Exit code of the command; 128 and the signal's number if a signal ended it.
  returned: when a process was run, and 0 when none was needed
  type: int
  sample: 0
stdout:
  description: Standard output. Bytes that are not UTF-8 appear as C(\xNN).
  returned: always
  type: str
  sample: Linux web-1 4.4.0
stdout_lines:
  description: Standard output as lines.
  returned: always
  type: list
  elements: str
  sample: ["Linux web-1 4.4.0"]
stdout_truncated:
  description: Whether there was more than 4 MiB.
  returned: success
  type: bool
  sample: false
stderr:
  description: Standard error.
  returned: always
  type: str
  sample: ""
stderr_lines:
  description: Standard error as lines.
  returned: always
  type: list
  elements: str
  sample: []
stderr_truncated:
  description: Whether there was more than 4 MiB.
  returned: success
  type: bool
  sample: false
cmd:
  description: The runsc command that ran it. The command itself is in a private file that it names, and that is gone by then.
  returned: always
  type: list
  elements: str
  sample: [/usr/bin/runsc, --root=/var/run/runsc, --network=none, exec, --process=/tmp/gvisor-runsc-x1/process.json, web-1]
start:
  description: When it started.
  returned: success
  type: str
  sample: "2026-11-23 22:17:44.443379"
end:
  description: When it ended.
  returned: success
  type: str
  sample: "2026-11-23 22:17:44.474111"
delta:
  description: How long it took.
  returned: success
  type: str
  sample: "0:00:00.030732"
pid:
  description: Host's process id of the runsc process that lives as long as the command.
  returned: with O(detach=true)
  type: int
  sample: 4711
internal_pid:
  description: Process id of the command inside the sandbox.
  returned: with O(detach=true)
  type: int
  sample: 7
commands:
  description: The runsc commands that were run, with exit codes and milliseconds.
  returned: with C(-vvv) and above
  type: list
  elements: dict
  sample: [{"cmd": ["/usr/bin/runsc", "--root=/var/run/runsc", "exec", "web-1"], "rc": 0, "ms": 31.0}]
"""

from ansible_collections.gvisor.runsc.plugins.module_utils.command_task import OPTIONS
from ansible_collections.gvisor.runsc.plugins.module_utils.exec_task import exec_task
from ansible_collections.gvisor.runsc.plugins.module_utils.module import Spec, run_module

ARGUMENTS: Spec = {
    **OPTIONS,
    "name": {"type": "str", "required": True, "aliases": ["id"]},
    "process": {"type": "dict"},
    "additional_gids": {"type": "list", "elements": "int"},
    "capabilities": {"type": "list", "elements": "str"},
    "tty": {"type": "bool", "default": False},
    "console_socket": {"type": "path"},
    "creates": {"type": "str"},
    "removes": {"type": "str"},
    "pid_file": {"type": "path"},
    "internal_pid_file": {"type": "path"},
}


def main() -> None:
    """Run the module."""
    run_module(
        ARGUMENTS,
        exec_task,
        mutually_exclusive=[("argv", "command", "process")],
        required_one_of=[("argv", "command", "process")],
    )


if __name__ == "__main__":
    main()
