#!/usr/bin/python

# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring many gVisor containers to their states in one task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: runsc_containers
short_description: Create, start, pause, stop and remove many gVisor containers in one task
version_added: 0.1.0
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
description:
  - Does for a list of containers what M(gvisor.runsc.runsc_container) does for one, several at the same time, and in one task. A
    loop over that module costs a task for each container, about half a second, which is more than runsc needs to make one.
  - Every container is handled by the same rules, and a second run changes nothing.
  - What fails does not keep the others from being done. The task fails in the end, and returns everything that succeeded.
options:
  containers:
    description:
      - The containers. For what one does not say, the option of the same name at the top holds.
      - Names that are there twice, or of which one is the beginning of another one, are refused before anything is touched.
      - The first container of a sandbox is done before the others in it, whatever their order in the list. One that is to be
        absent goes with its sandbox, if that is removed or replaced by the same task.
    type: list
    elements: dict
    suboptions:
      name:
        description: The id of the container.
        type: str
        required: true
        aliases: [id]
      state:
        description: What it is to be, see O(gvisor.runsc.runsc_container#module:state).
        type: str
        choices: [absent, created, running, paused, stopped]
      bundle:
        description: The absolute path of its OCI bundle. Many containers can share one.
        type: path
      recreate:
        description: When to replace it, see O(gvisor.runsc.runsc_container#module:recreate).
        type: str
        choices: [never, on-change, always]
      force:
        description: Remove it without a signal first, also if it hangs, see O(gvisor.runsc.runsc_container#module:force).
        type: bool
      restore_from:
        description: The folder of a checkpoint image to make it from.
        type: path
      stop_signal:
        description: The signal that asks it to end.
        type: str
      stop_timeout:
        description: Seconds to wait after the signal before it is killed.
        type: float
      create_timeout:
        description: Seconds that creating, starting or restoring it may take.
        type: float
      delete_timeout:
        description: Seconds that its deletion may take.
        type: float
      stdin:
        description: File that it reads as its standard input.
        type: path
      stdout:
        description: File to which its standard output is appended.
        type: path
      stderr:
        description: The same for standard error.
        type: path
      pid_file:
        description: File into which runsc writes the host's process id of the sandbox.
        type: path
      user_log:
        description: File for what runsc wants to tell users.
        type: path
      keep_exit_status:
        description: Keep its exit code when it ends, see O(gvisor.runsc.runsc_container#module:keep_exit_status).
        type: bool
      console_socket:
        description: Path of a listening Unix socket that receives its terminal.
        type: path
  names:
    description:
      - The ids of further containers, for which all that is said at the top holds.
    type: list
    elements: str
  state:
    description: What the containers are to be, where they do not say it themselves.
    type: str
    default: running
    choices: [absent, created, running, paused, stopped]
  bundle:
    description: The absolute path of the OCI bundle of those that name none.
    type: path
  recreate:
    description: When to replace those that do not say it themselves.
    type: str
    default: never
    choices: [never, on-change, always]
  force:
    description: Whether those that do not say it themselves are removed without a signal, also if they hang.
    type: bool
    default: false
  stop_signal:
    description: The signal that asks a container to end.
    type: str
  stop_timeout:
    description: Seconds to wait after the signal before a container is killed.
    type: float
    default: 10.0
  create_timeout:
    description: Seconds that creating, starting or restoring one may take.
    type: float
    default: 60.0
  delete_timeout:
    description: Seconds that the deletion of one may take.
    type: float
    default: 150.0
  keep_exit_status:
    description: Whether the exit codes of containers are kept.
    type: bool
    default: false
  purge:
    description:
      - Which containers under O(root) are meant to be in the list. Those of them that are not in it become absent, before anything
        else is done. All that is given has to fit.
      - If a sandbox is to go in which something lives that is in the list, or that does not fit, the task fails before anything is
        touched.
      - RV(purged) says which went. In check mode and with C(--diff) it says exactly which would go.
    type: dict
    suboptions:
      pattern:
        description: A shell pattern for ids, for example V(web-*). V(*) is all of the root.
        type: str
      annotations:
        description:
          - Annotations, with their values, that a container has to have. One whose record can't be read has none.
        type: dict
  parallel:
    description:
      - How many containers are worked on at the same time. As many as the host has cores without it.
    type: int
  fail_fast:
    description:
      - After the first failure, begin no other container. What is under way is brought to its end, and RV(containers) says of the
        rest C(not_begun=true).
    type: bool
    default: false
  serial_on_error:
    description:
      - After the first failure, do the rest one at a time; for hosts on which too much at once may have been the reason.
    type: bool
    default: false
  result:
    description:
      - Which containers to return. V(full), all; V(changed), those that changed, failed or were not begun; V(summary), those that
        failed. RV(summary) counts all in any case.
    type: str
    default: full
    choices: [full, changed, summary]
extends_documentation_fragment:
  - gvisor.runsc.runsc
seealso:
  - module: gvisor.runsc.runsc_container
  - module: gvisor.runsc.runsc_info
"""

EXAMPLES = r"""
- name: Three sandboxes run, and no other one whose name begins with web-
  gvisor.runsc.runsc_containers:
    bundle: /srv/bundles/web
    network: none
    recreate: on-change
    names: [web-1, web-2]
    containers:
      - name: web-3
        stdout: /run/web-3.log
    purge:
      pattern: web-*

- name: Remove a hundred, and return only what failed
  gvisor.runsc.runsc_containers:
    network: none
    state: absent
    names: "{{ range(101, 201) | map('regex_replace', '^', 'web-') }}"
    parallel: 8
    result: summary
"""

RETURN = r"""
containers:
  description:
    - What came of each container, by its name. O(result) says of which.
  returned: always, but for mistakes in the options
  type: dict
  contains:
    changed:
      description: Whether it was changed, or would be.
      type: bool
      returned: always
      sample: true
    actions:
      description: The steps that were taken, or would be taken in check mode, in order.
      type: list
      elements: str
      returned: unless it failed before its first step
      sample: [create, start]
    container:
      description: The container, as M(gvisor.runsc.runsc_container) returns it.
      type: dict
      returned: if it did not fail
      sample: {id: web-1, status: running, pid: 4711, bundle: /srv/bundles/web}
    drift:
      description: Where it differs from its bundle.
      type: list
      elements: str
      returned: if it did not fail
      sample: []
    removed_members:
      description: The further containers of its sandbox that were removed with it.
      type: list
      elements: str
      returned: if it did not fail
      sample: []
    failed:
      description: That it failed.
      type: bool
      returned: if it failed
      sample: true
    msg:
      description: Why it failed.
      type: str
      returned: if it failed
      sample: "bundle: '/srv/bundles/web/config.json' can't be read: No such file or directory"
    failure_kind:
      description: The kind of the failure.
      type: str
      returned: if it failed
      sample: usage
    status:
      description: The status in which it was found after the failure.
      type: str
      returned: if it failed
      sample: absent
    not_begun:
      description: That it was left alone, because another one had failed.
      type: bool
      returned: with O(fail_fast=true)
      sample: true
purged:
  description: The ids of the containers that were not in the list and were removed, or would be in check mode.
  returned: always, but for mistakes in the options
  type: list
  elements: str
  sample: [web-4]
summary:
  description: How many containers there were, the purged ones included, and what came of them.
  returned: always, but for mistakes in the options
  type: dict
  sample: {total: 4, changed: 1, unchanged: 3, failed: 0, not_begun: 0}
msg:
  description: The same in one line, with the first failure if there is one.
  returned: always
  type: str
  sample: "4 containers: 1 changed, 3 unchanged"
commands:
  description: The runsc commands that were run, with exit codes and milliseconds.
  returned: with C(-vvv) and above
  type: list
  elements: dict
  sample: [{"cmd": ["/usr/bin/runsc", "--root=/var/run/runsc", "--network=none", "list", "--format=json"], "rc": 0, "ms": 31.0}]
"""

from ansible_collections.gvisor.runsc.plugins.module_utils.containers_task import CONTAINER, DEFAULTS, containers_task
from ansible_collections.gvisor.runsc.plugins.module_utils.many_task import OPTIONS
from ansible_collections.gvisor.runsc.plugins.module_utils.module import Spec, run_module

ARGUMENTS: Spec = {
    **DEFAULTS,
    **OPTIONS,
    "containers": {"type": "list", "elements": "dict", "options": CONTAINER},
    "names": {"type": "list", "elements": "str"},
    "purge": {"type": "dict", "options": {"pattern": {"type": "str"}, "annotations": {"type": "dict"}}},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, containers_task, required_one_of=[("containers", "names", "purge")])


if __name__ == "__main__":
    main()
