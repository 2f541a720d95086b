#!/usr/bin/python

# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a command in a gVisor sandbox of its own."""

from __future__ import annotations

DOCUMENTATION = r"""
module: runsc_run
short_description: Run a command in a gVisor sandbox of its own
version_added: 0.1.0
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
description:
  - Makes a sandbox from an OCI bundle, runs one command in it, returns its result, and removes the sandbox. This is what to use
    for code that you do not trust and need the result of.
  - The bundle is not changed, and many tasks can use one bundle at the same time, also at several commands in one.
  - Nothing is left when the task ends, fails, takes too long or is cancelled. When the process of the task is killed, its
    sandbox ends with it; the next task that uses this module under the same O(root) removes the files that are left.
  - A O(root) of a service, which begins with C(/run/runsc-service-), is refused, see the role P(gvisor.runsc.service#role).
  - It fails if the command ends with another exit code than 0. RV(ignore:failure_kind=command) tells that from a failure of
    runsc itself, and from a sandbox that the kernel killed at the memory limit of its bundle, which is
    RV(ignore:failure_kind=oom).
  - A command that was killed by SIGKILL, and a sandbox that somebody on the host killed, can't be told apart. Both are
    RV(ignore:failure_kind=command) with RV(rc=137). So is a sandbox that the kernel killed for lack of memory on the host as a
    whole, or without control groups. A host under very heavy load may miss a kill at the limit.
  - With O(detach=true) the container is left running, and a second task with its name changes nothing. One that has ended
    meanwhile is run again, unless its exit code was kept (O(keep_exit_status)).
options:
  bundle:
    description: The absolute path of the OCI bundle, as M(gvisor.runsc.runsc_bundle) makes it.
    type: path
    required: true
  name:
    description:
      - The id of the container. Without it, one is made up that nobody else has.
      - If a container of this name exists, the task fails, unless it is what a killed task with that name left behind.
      - Needed with O(detach).
    type: str
    aliases: [id]
  argv:
    description: The command as a list, the program first. That of the bundle without O(argv) and O(command).
    type: list
    elements: str
  command:
    description: The command as one text. It is split at blanks, with quotes as in a shell, but no shell runs it.
    type: str
  env:
    description:
      - Environment variables, set in addition to those of the bundle. The values must be texts; quote numbers and booleans.
    type: dict
  secret_env:
    description:
      - More environment variables, with values that must not be seen. They go over O(env), are kept out of logs, and are masked
        wherever they occur in the result.
    type: dict
  chdir:
    description:
      - The working directory, an absolute path in the container. That of the bundle without it.
      - It must exist, unless it is in a mount that only the container can see. runsc itself would make it in the bundle.
    type: str
  user:
    description:
      - Who runs the command, as C(uid), C(uid:gid), C(user) or C(user:group). That of the bundle without it.
      - Names are looked up in the bundle's root file system. A user alone brings its group and its supplementary groups.
    type: str
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
    description: An absolute path on the managed node. If it exists, the command is not run.
    type: path
  removes:
    description: An absolute path on the managed node. If it does not exist, the command is not run.
    type: path
  timeout:
    description:
      - Seconds that the sandbox may take from its creation to the end of the command. Then it is killed, and the task fails with
        the output so far.
      - With O(detach) it has no meaning for the command, which may take as long as it likes.
    type: float
    default: 600.0
  output_limit:
    description:
      - Bytes that are kept of RV(stdout), and as many of RV(stderr). The rest is read and dropped.
    type: int
    default: 4194304
  detach:
    description: Leave the container running.
    type: bool
    default: false
  stdout_file:
    description: With O(detach), a file on the managed node to which standard output is appended. It is lost without.
    type: path
  stderr_file:
    description: The same for standard error.
    type: path
  keep_exit_status:
    description:
      - With O(detach), keep the exit code of the container for M(gvisor.runsc.runsc_wait), see
        O(gvisor.runsc.runsc_container#module:keep_exit_status). A command that ends at once is no failure then, whatever its
        exit code; look at RV(rc) with C(failed_when), or use M(gvisor.runsc.runsc_wait).
      - Without it, a command that has ended before the task has makes the task fail.
    type: bool
    default: false
extends_documentation_fragment:
  - gvisor.runsc.runsc
attributes:
  check_mode:
    details:
      - The command is not run. The bundle, O(creates) and O(removes) are looked at.
  diff_mode:
    support: partial
    details:
      - With O(detach) only.
notes:
  - To run many commands at once, use M(gvisor.runsc.runsc_runs).
  - A container that was detached with another command, environment, folder or user than its bundle says was made from a private
    bundle that is gone. Tasks that make it anew must name one.
seealso:
  - module: gvisor.runsc.runsc_runs
  - module: gvisor.runsc.runsc_bundle
  - module: gvisor.runsc.runsc_exec
  - module: gvisor.runsc.runsc_wait
"""

EXAMPLES = r"""
- name: What does this kernel say?
  gvisor.runsc.runsc_run:
    bundle: /srv/bundles/web
    network: none
    command: uname -a

- name: Count words, as nobody, in at most five seconds
  gvisor.runsc.runsc_run:
    bundle: /srv/bundles/web
    network: none
    argv: [wc, -w]
    user: nobody
    stdin: three small words
    timeout: 5

- name: A job goes on by itself
  gvisor.runsc.runsc_run:
    bundle: /srv/bundles/web
    network: none
    name: job-1
    argv: [sh, -c, "sleep 2; exit 3"]
    detach: true
    keep_exit_status: true

- name: How did it end?
  gvisor.runsc.runsc_wait:
    name: job-1
    network: none
    timeout: 30
"""

RETURN = r"""
name:
  description: The id that the container had.
  returned: when a command was run
  type: str
  sample: run-4026531836-4711-5c0ffee1
rc:
  description:
    - Exit code of the command; 128 and the signal's number if a signal ended it, or the sandbox.
    - With O(detach), 0 as long as the command runs, and its exit code when it has ended and that was kept.
  returned: when a process was run, and 0 when none was needed
  type: int
  sample: 0
stdout:
  description: Standard output. Bytes that are not UTF-8 appear as C(\xNN).
  returned: always
  type: str
  sample: Linux web 4.4.0
stdout_lines:
  description: Standard output as lines.
  returned: always
  type: list
  elements: str
  sample: ["Linux web 4.4.0"]
stdout_truncated:
  description: Whether there was more than O(output_limit).
  returned: when a command was run, also one that was cut short
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
  description: Whether there was more than O(output_limit).
  returned: when a command was run, also one that was cut short
  type: bool
  sample: false
cmd:
  description: The runsc command that ran it.
  returned: always
  type: list
  elements: str
  sample: [/usr/bin/runsc, --root=/var/run/runsc, --network=none, run, --bundle=/tmp/gvisor-runsc-1/, run-4026531836-4711-5c0ffee1]
timed_out:
  description: Whether the command was killed because it took longer than O(timeout).
  returned: always, but for mistakes in the options
  type: bool
  sample: false
start:
  description: When it started.
  returned: when a command was run, also one that was cut short
  type: str
  sample: "2026-11-23 22:17:44.443379"
end:
  description: When it ended.
  returned: when a command was run, also one that was cut short
  type: str
  sample: "2026-11-23 22:17:44.643379"
delta:
  description: How long it took, with the sandbox.
  returned: when a command was run, also one that was cut short
  type: str
  sample: "0:00:00.200000"
actions:
  description: What was done to the container, or would be done in check mode.
  returned: with O(detach=true)
  type: list
  elements: str
  sample: [create, start]
container:
  description: The container, as M(gvisor.runsc.runsc_container) returns it.
  returned: with O(detach=true)
  type: dict
  sample: {id: job-1, status: running, pid: 4711, bundle: /srv/bundles/web}
commands:
  description: The runsc commands that were run, with exit codes and milliseconds.
  returned: with C(-vvv) and above
  type: list
  elements: dict
  sample: [{"cmd": ["/usr/bin/runsc", "--root=/var/run/runsc", "run", "web-1"], "rc": 0, "ms": 181.0}]
"""

from ansible_collections.gvisor.runsc.plugins.module_utils.command_task import OPTIONS
from ansible_collections.gvisor.runsc.plugins.module_utils.module import Spec, run_module
from ansible_collections.gvisor.runsc.plugins.module_utils.run_task import run_task

ARGUMENTS: Spec = {
    **OPTIONS,
    "bundle": {"type": "path", "required": True},
    "name": {"type": "str", "aliases": ["id"]},
    "creates": {"type": "path"},
    "removes": {"type": "path"},
    "output_limit": {"type": "int", "default": 4194304},
    "keep_exit_status": {"type": "bool", "default": False},
}


def main() -> None:
    """Run the module."""
    run_module(
        ARGUMENTS,
        run_task,
        mutually_exclusive=[("argv", "command")],
        required_if=[("detach", True, ["name"])],
    )


if __name__ == "__main__":
    main()
