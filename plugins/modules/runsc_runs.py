#!/usr/bin/python

# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run many commands, each in a gVisor sandbox of its own."""

from __future__ import annotations

DOCUMENTATION = r"""
module: runsc_runs
short_description: Run many commands in one task, each in a gVisor sandbox of its own
version_added: 0.1.0
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
description:
  - Does for a list of jobs what M(gvisor.runsc.runsc_run) does for one, several at the same time, and in one task. Each job has
    its own sandbox and its own deadline, and nothing is left of it.
  - What fails does not keep the other jobs from being run. The task fails in the end, and returns everything.
options:
  jobs:
    description:
      - The jobs. For what one does not say, the option of the same name at the top holds, as a whole; a job with a command of
        its own takes neither O(argv) nor O(command) from there.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The id of the container. Without it, one is made up that nobody else has.
        type: str
        aliases: [id]
      creates:
        description: An absolute path on the managed node. If it exists, the command is not run.
        type: path
      removes:
        description: An absolute path on the managed node. If it does not exist, the command is not run.
        type: path
      bundle:
        description: The absolute path of the OCI bundle. Jobs can share one.
        type: path
      argv:
        description: The command as a list, the program first. That of the bundle without O(jobs[].argv) and O(jobs[].command).
        type: list
        elements: str
      command:
        description: The command as one text. It is split at blanks, with quotes as in a shell, but no shell runs it.
        type: str
      env:
        description: Environment variables, set in addition to those of the bundle. The values must be texts.
        type: dict
      secret_env:
        description: More environment variables, with values that must not be seen, see O(gvisor.runsc.runsc_run#module:secret_env).
        type: dict
      chdir:
        description: The working directory, an absolute path in the container. That of the bundle without it.
        type: str
      user:
        description: Who runs the command, see O(gvisor.runsc.runsc_run#module:user).
        type: str
      stdin:
        description: Text for the command's standard input, which is empty without it.
        type: str
      stdin_add_newline:
        description: Add a newline to the standard input.
        type: bool
      strip_empty_ends:
        description: Remove empty lines from the end of the outputs.
        type: bool
      timeout:
        description: Seconds that the job may take from the creation of its sandbox on. Then it is killed, and has failed.
        type: float
      output_limit:
        description: Bytes that are kept of each output stream. The rest is read and dropped.
        type: int
  bundle:
    description: The absolute path of the OCI bundle of the jobs that name none. Jobs can share one.
    type: path
  argv:
    description: The command as a list, the program first. That of the bundle without O(argv) and O(command).
    type: list
    elements: str
  command:
    description: The command as one text. It is split at blanks, with quotes as in a shell, but no shell runs it.
    type: str
  env:
    description: Environment variables, set in addition to those of the bundle. The values must be texts.
    type: dict
  secret_env:
    description: More environment variables, with values that must not be seen, see O(gvisor.runsc.runsc_run#module:secret_env).
    type: dict
  chdir:
    description: The working directory, an absolute path in the container. That of the bundle without it.
    type: str
  user:
    description: Who runs the command, see O(gvisor.runsc.runsc_run#module:user).
    type: str
  stdin:
    description: Text for the command's standard input, which is empty without it.
    type: str
  stdin_add_newline:
    description: Add a newline to the standard input.
    type: bool
    default: true
  strip_empty_ends:
    description: Remove empty lines from the end of the outputs.
    type: bool
    default: true
  timeout:
    description: Seconds that each job may take from the creation of its sandbox on. Then it is killed, and has failed.
    type: float
    default: 600.0
  output_limit:
    description: Bytes that are kept of each output stream of each job. The rest is read and dropped.
    type: int
    default: 65536
  parallel:
    description:
      - How many jobs run at the same time. As many as the host has cores without it.
    type: int
  fail_fast:
    description:
      - After the first failure, begin no other one. What is under way is brought to its end, and RV(results) says of the rest
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
      - The commands are not run. The bundles, O(jobs[].creates) and O(jobs[].removes) are looked at.
  diff_mode:
    support: none
seealso:
  - module: gvisor.runsc.runsc_run
  - module: gvisor.runsc.runsc_containers
"""

EXAMPLES = r"""
- name: Run what three people sent in, two at a time, at most ten seconds each
  gvisor.runsc.runsc_runs:
    bundle: /srv/bundles/web
    network: none
    argv: [sh]
    jobs:
      - stdin: echo 1
      - stdin: wc -w /etc/passwd
      - stdin: sleep 0.1; echo 3
    parallel: 2
    timeout: 10
  register: programs

- name: Say what they printed
  ansible.builtin.debug:
    msg: "{{ programs.results | map(attribute='stdout') }}"
"""

RETURN = r"""
results:
  description:
    - What came of each job, in the order of O(jobs), with all that M(gvisor.runsc.runsc_run) returns. O(result) says of which.
  returned: always, but for mistakes in the options
  type: list
  elements: dict
  contains:
    index:
      description: The place of the job in O(jobs), from 0.
      type: int
      returned: always
      sample: 0
    name:
      description: The id that the container had.
      type: str
      returned: if it was run
      sample: run-4026531836-4711-5c0ffee1
    timed_out:
      description: Whether it was killed because it took too long.
      type: bool
      returned: if it was begun
      sample: false
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
  description: How many jobs there were, and what came of them. A command that was run counts as changed.
  returned: always, but for mistakes in the options
  type: dict
  sample: {total: 3, changed: 2, unchanged: 0, failed: 1, not_begun: 0}
msg:
  description: The same in one line, with the first failure if there is one.
  returned: always
  type: str
  sample: "3 jobs: 3 changed, 0 unchanged"
commands:
  description: The runsc commands that were run, with exit codes and milliseconds.
  returned: with C(-vvv) and above
  type: list
  elements: dict
  sample: [{"cmd": ["/usr/bin/runsc", "--root=/var/run/runsc", "run", "web-1"], "rc": 0, "ms": 31.0}]
"""

from ansible_collections.gvisor.runsc.plugins.module_utils.many_task import OPTIONS
from ansible_collections.gvisor.runsc.plugins.module_utils.module import Spec, run_module
from ansible_collections.gvisor.runsc.plugins.module_utils.runs_task import DEFAULTS, JOB, runs_task

ARGUMENTS: Spec = {
    **DEFAULTS,
    **OPTIONS,
    "jobs": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": JOB,
        "mutually_exclusive": [("argv", "command")],
    },
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, runs_task, mutually_exclusive=[("argv", "command")])


if __name__ == "__main__":
    main()
