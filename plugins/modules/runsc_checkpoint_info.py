#!/usr/bin/python

# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Describe checkpoint images."""

from __future__ import annotations

DOCUMENTATION = r"""
module: runsc_checkpoint_info
short_description: List checkpoint images, and whether they can be restored
version_added: 0.1.0
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
description:
  - Returns the images in some folders, what made them, and whether this runsc can restore them on this host.
  - Returns as well what tasks of M(gvisor.runsc.runsc_checkpoint) that were killed have left beside images. It holds the memory of
    containers, with the secrets in it, like an image.
  - Never changes anything. Images that another tool made are listed as well; nothing is known against them.
options:
  path:
    description:
      - Absolute paths, each that of an image or of a folder that holds images. One that does not exist holds none.
    type: list
    elements: path
    required: true
extends_documentation_fragment:
  - gvisor.runsc.runsc
attributes:
  check_mode:
    details: Does the same in check mode.
  diff_mode:
    support: N/A
    details: Changes nothing.
seealso:
  - module: gvisor.runsc.runsc_checkpoint
  - module: gvisor.runsc.runsc_container
"""

EXAMPLES = r"""
- name: Look for images
  gvisor.runsc.runsc_checkpoint_info:
    path: [/srv/images]
    network: none
  register: found

- name: Show those that can't be restored here, and why
  ansible.builtin.debug:
    msg: "{{ found.images | rejectattr('restorable') | items2dict(key_name='path', value_name='reason') }}"

- name: Remove what killed tasks have left, with the memory in it that nobody is going to ask for
  ansible.builtin.file:
    path: "{{ item.path }}"
    state: absent
  loop: "{{ found.remains | rejectattr('status', 'eq', 'used') }}"
  loop_control:
    label: "{{ item.path }}"
"""

RETURN = r"""
images:
  description: The images, in the order of the paths, those in one folder in the order of their names.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: Its folder.
      type: str
      returned: always
      sample: /srv/images/web-1
    size:
      description: Its bytes.
      type: int
      returned: always
      sample: 684966
    files:
      description: Its files, and their sizes.
      type: dict
      returned: always
      sample: {"checkpoint.img": 684966}
    complete:
      description: Whether all of it is there, as far as its manifest or its size can tell. The content is compared before a restore only.
      type: bool
      returned: always
      sample: true
    manifest:
      description: What made it, as M(gvisor.runsc.runsc_checkpoint) describes. Null if it was made without that module.
      type: dict
      returned: always
      sample: {"container": "web-1", "runsc": "0.0~20240729.0", "platform": "systrap", "time": "2026-11-24T08:15:02Z"}
    restorable:
      description: Whether nothing is known that keeps this runsc, with these flags, from restoring it on this host.
      type: bool
      returned: always
      sample: true
    reason:
      description: Why it can't be restored, or empty.
      type: str
      returned: always
      sample: ""
remains:
  description: The folders that tasks have left beside images, or work with just now. Their names begin with a dot.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The folder.
      type: str
      returned: always
      sample: /srv/images/.web-1.gvisor.runsc-web-1
    image:
      description: The O(ignore:path) that the task was given.
      type: str
      returned: always
      sample: /srv/images/web-1
    container:
      description: The id of the container that it was to save.
      type: str
      returned: always
      sample: web-1
    status:
      description:
        - V(used) if a task, runsc or a sandbox works on it, or if nothing proves that none does, as with one that another host may
          be writing.
        - V(pending) if it may be the only image of that memory. The next M(gvisor.runsc.runsc_checkpoint) with this name and path
          takes it over, or replaces it.
        - V(dead) if it is of no use. The next M(gvisor.runsc.runsc_checkpoint) with a path in the same folder removes it, whatever
          container that saves.
      type: str
      returned: always
      sample: dead
    reason:
      description: The same in words.
      type: str
      returned: always
      sample: the task that made it was killed, and no other can use it
    size:
      description: The bytes of what is in it.
      type: int
      returned: always
      sample: 684966
    age:
      description: For how many seconds nothing was added to it, or removed.
      type: float
      returned: always
      sample: 3600.2
commands:
  description: The runsc commands that were run, with exit codes and milliseconds.
  returned: with C(-vvv) and above
  type: list
  elements: dict
  sample: [{"cmd": ["/usr/bin/runsc", "--version"], "rc": 0, "ms": 31.0}]
"""

from ansible_collections.gvisor.runsc.plugins.module_utils.checkpoint_task import checkpoint_info_task
from ansible_collections.gvisor.runsc.plugins.module_utils.module import Spec, run_module

ARGUMENTS: Spec = {
    "path": {"type": "list", "elements": "path", "required": True},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, checkpoint_info_task)


if __name__ == "__main__":
    main()
