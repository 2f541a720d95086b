#!/usr/bin/python

# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remove what is dead under a root of runsc."""

from __future__ import annotations

DOCUMENTATION = r"""
module: runsc_prune
short_description: Remove what is dead under a root of runsc
version_added: 0.1.0
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
description:
  - Removes containers that have stopped, and what crashes, killed tasks and lost records have left behind.
  - Touches nothing that is not proven to be runsc's, or this collection's, and dead. What lives, what hangs, and what belongs to
    another O(root) stays.
  - Check mode lists exactly what would be removed.
options:
  kinds:
    description:
      - What to remove; all of it without this option.
      - V(container), containers that have stopped, with all that runsc keeps of them. runsc can't start them again.
      - V(record), records of containers that can't be read, and of which nothing runs.
      - V(sandbox), running sandboxes whose record is gone. runsc can neither see nor end them.
      - V(gofer), running file servers of sandboxes that are gone.
      - V(socket), V(lock) and V(exit_status), files under O(root) of containers that are gone, and locks of killed tasks.
      - V(overlay), files in the root file systems of O(bundles) that backed the writable layer of sandboxes that are gone.
      - V(image), folders that killed tasks of M(gvisor.runsc.runsc_checkpoint) have left in O(images), and that nobody can use.
        They hold the memory of containers, with the secrets in it.
      - V(cgroup), empty control groups that killed tasks of this collection have left.
      - V(folder), private temporary folders of killed tasks.
    type: list
    elements: str
    choices: [container, record, sandbox, gofer, socket, lock, exit_status, overlay, image, cgroup, folder]
  pattern:
    description:
      - Only what belongs to ids that match this shell pattern. What has no id, gofers and folders, is left alone then.
    type: str
  older_than:
    description:
      - Only what is older than so many seconds. The age of a process counts from its start, that of a file from its last change.
      - The age of a container counts from its end where its exit code was kept (O(gvisor.runsc.runsc_container#module:keep_exit_status)).
        Elsewhere nobody knows when it ended, and it counts from the last time that it was created, started, paused or resumed.
    type: float
    default: 0.0
  bundles:
    description: Absolute paths of bundles whose root file systems are looked at for V(overlay).
    type: list
    elements: path
  images:
    description:
      - Absolute paths of folders that hold checkpoint images, in which is looked for V(image). Whole images are never removed. A
        folder that does not exist holds none.
      - What may be the only copy of a container's memory stays, and is returned in RV(kept).
    type: list
    elements: path
extends_documentation_fragment:
  - gvisor.runsc.runsc
notes:
  - Files and gofers younger than five seconds are left alone; somebody may just be making their container.
  - Of a sandbox that is dead and whose record is gone, control groups are removed only where a task of this collection was killed
    that worked on it. Nothing else proves that they were runsc's. Empty ones do no harm but for their limits, which the next
    container of that name would have.
  - A sandbox that has a record in another mount namespace, or that lives in another pid namespace, is not an orphan. It belongs
    to a container on this host that runs runsc itself.
seealso:
  - module: gvisor.runsc.runsc_container
  - module: gvisor.runsc.runsc_info
"""

EXAMPLES = r"""
- name: What would be removed?
  gvisor.runsc.runsc_prune:
  check_mode: true

- name: Remove jobs that ended more than a day ago, or, if their exit codes were not kept, that are older than a day
  gvisor.runsc.runsc_prune:
    kinds: [container]
    pattern: job-*
    older_than: 86400
"""

RETURN = r"""
pruned:
  description: What was removed, or would be in check mode.
  returned: always, but for mistakes in the options
  type: list
  elements: dict
  contains:
    kind:
      description: What it is, as in O(kinds).
      type: str
      returned: always
      sample: container
    id:
      description: The id of the container or sandbox; empty if it has none.
      type: str
      returned: always
      sample: job-1
    reason:
      description: Why it is dead.
      type: str
      returned: always
      sample: it has stopped
    age:
      description: Seconds.
      type: float
      returned: always
      sample: 86460.5
    path:
      description: Its file; empty for a process.
      type: str
      returned: always
      sample: /var/run/runsc/job-1_sandbox:job-1.state
    pid:
      description: Its process id on the host; -1 for a file.
      type: int
      returned: always
      sample: -1
kept:
  description: What can't be used but is not proven to be dead, or what somebody else works on, in the same form.
  returned: always, but for mistakes in the options
  type: list
  elements: dict
  sample: []
failures:
  description: What could not be removed, in the same form. The task fails then, after the rest was removed.
  returned: always, but for mistakes in the options
  type: list
  elements: dict
  sample: []
commands:
  description: The runsc commands that were run, with exit codes and milliseconds.
  returned: with C(-vvv) and above
  type: list
  elements: dict
  sample: [{"cmd": ["/usr/bin/runsc", "--root=/var/run/runsc", "delete", "job-1"], "rc": 0, "ms": 31.0}]
"""

from ansible_collections.gvisor.runsc.plugins.module_utils.module import Spec, run_module
from ansible_collections.gvisor.runsc.plugins.module_utils.prune_task import prune_task

ARGUMENTS: Spec = {
    "kinds": {
        "type": "list",
        "elements": "str",
        "choices": [
            *("container", "record", "sandbox", "gofer", "socket", "lock", "exit_status", "overlay", "image", "cgroup"),
            "folder",
        ],
    },
    "pattern": {"type": "str"},
    "older_than": {"type": "float", "default": 0.0},
    "bundles": {"type": "list", "elements": "path"},
    "images": {"type": "list", "elements": "path"},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, prune_task)


if __name__ == "__main__":
    main()
