#!/usr/bin/python

# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Save a gVisor container into an image."""

from __future__ import annotations

DOCUMENTATION = r"""
module: runsc_checkpoint
short_description: Save a gVisor container into an image, from which it can go on later
version_added: 0.1.0
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
description:
  - Writes the memory of a container, with all its processes and its temporary file systems, into the folder O(path). The
    container ends by that, unless O(leave_running=true). M(gvisor.runsc.runsc_container) with O(ignore:restore_from) makes a
    container that goes on from there.
  - An image that is there already is no change, whatever the container does by now. What is in O(path) is replaced with
    O(force=true) only, or if it is a part of an image that an earlier attempt left.
  - The image appears under O(path) whole or not at all. A task that is killed, or that runs out of time, does not stop a sandbox
    that is writing its image, and neither does the end of runsc itself; the next such task takes the image over, if it is of this
    very container.
  - What tasks that were killed have left in the folder of O(path) and nobody can use is removed, whatever container they saved.
    M(gvisor.runsc.runsc_checkpoint_info) lists what is left.
  - Beside the image lies C(gvisor.runsc.json), which says what made it. M(gvisor.runsc.runsc_container) reads it before a restore,
    and refuses one that could not work.
  - The image holds all that the container had in memory, secrets as well. The folder can be entered by root alone.
options:
  name:
    description: The id of the container. It has to run or to be paused, in a sandbox of its own, unless the image is there.
    type: str
    required: true
    aliases: [id]
  path:
    description:
      - The absolute path of the folder for the image. Its parent has to exist; the folder itself need not.
      - There has to be room for all of the container's memory, compressed or not. On a full disk runsc would fail, and the container
        would be lost.
      - An image of another container in it, or one without a C(gvisor.runsc.json), is an error without O(force=true); any other
        file is one always.
    type: path
    required: true
  leave_running:
    description:
      - Let the container go on as it was, running or paused.
      - Refused with runsc from before 2024, which would destroy the container and make another one.
    type: bool
    default: false
  compression:
    description:
      - How the image is compressed. Without it runsc decides.
      - Needs runsc from 2024 or newer.
    type: str
    choices: [none, flate-best-speed]
  direct:
    description:
      - Write the memory past the page cache of the host. Has an effect with O(compression=none) only, and needs a file system that
        can do that, which tmpfs can't.
      - Needs runsc from 2024 or newer.
    type: bool
    default: false
  exclude_committed_zero_pages:
    description:
      - Leave out memory that holds nothing but zeros, at the cost of looking for it.
      - Needs runsc from 2024 or newer.
    type: bool
    default: false
  force:
    description:
      - Make a new image each time, and replace the one in O(path), whosever it is. The old one is kept until the new one is
        complete.
    type: bool
    default: false
  checkpoint_timeout:
    description: Seconds that writing the image may take.
    type: float
    default: 60.0
extends_documentation_fragment:
  - gvisor.runsc.runsc
notes:
  - A container can't be saved while a command of M(gvisor.runsc.runsc_exec) runs in it, or a process that such a command left
    behind with its input or outputs. The image could not be restored (gVisor issue 11439). Other processes that such a command
    left behind are saved, but with runsc from 2024 or newer a restore ends them.
seealso:
  - module: gvisor.runsc.runsc_checkpoint_info
  - module: gvisor.runsc.runsc_container
"""

EXAMPLES = r"""
- name: A folder for images
  ansible.builtin.file:
    path: /srv/images
    state: directory
    mode: "0700"

- name: Save the container, which ends it
  gvisor.runsc.runsc_checkpoint:
    name: web-1
    path: /srv/images/web-1
    network: none

- name: It goes on where it was, with what it had in memory
  gvisor.runsc.runsc_container:
    name: web-1
    restore_from: /srv/images/web-1
    network: none
"""

RETURN = r"""
path:
  description: The folder of the image.
  returned: success
  type: str
  sample: /srv/images/web-1
manifest:
  description: What made the image. Null in check mode if it is not there.
  returned: success
  type: dict
  contains:
    format:
      description: The format of the manifest.
      type: int
      returned: always
      sample: 1
    container:
      description: The id of the container.
      type: str
      returned: always
      sample: web-1
    created:
      description: When the container was created.
      type: str
      returned: always
      sample: "2026-11-23T22:17:44.443379671Z"
    bundle:
      description: The bundle that the container came from.
      type: str
      returned: always
      sample: /srv/bundles/web
    runsc:
      description: The version of runsc that the sandbox ran.
      type: str
      returned: always
      sample: 0.0~20240729.0
    platform:
      description: The platform of the sandbox.
      type: str
      returned: always
      sample: systrap
    network:
      description: The network of the sandbox.
      type: str
      returned: always
      sample: none
    machine:
      description: The architecture of the host.
      type: str
      returned: always
      sample: x86_64
    flags:
      description: The further global flags of the sandbox.
      type: dict
      returned: always
      sample: {"overlay2": "none"}
    time:
      description: When the image was made.
      type: str
      returned: always
      sample: "2026-11-24T08:15:02Z"
    spec_digest:
      description: The digest of the configuration that runsc recorded when the container was created.
      type: str
      returned: always
      sample: sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a
    compared:
      description: The digests of those parts of it that runsc since 2025 compares with the bundle of a restore.
      type: dict
      returned: always
      sample: {"process.args": "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"}
    files:
      description: The files of the image, and their sizes.
      type: dict
      returned: always
      sample: {"checkpoint.img": 684966}
    digests:
      description: The SHA-256 of each. M(gvisor.runsc.runsc_container) compares them before a restore.
      type: dict
      returned: always
      sample: {"checkpoint.img": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}
image_size:
  description: The bytes of the image. Null in check mode if it is not there.
  returned: success
  type: int
  sample: 684966
container:
  description: What runsc says about the container, as M(gvisor.runsc.runsc_container) returns it. In check mode, with the status that
    it would have.
  returned: success
  type: dict
  sample: {"id": "web-1", "status": "stopped", "pid": -1, "bundle": "/srv/bundles/web"}
actions:
  description: V(checkpoint), or nothing if the image is there.
  returned: success
  type: list
  elements: str
  sample: [checkpoint]
commands:
  description: The runsc commands that were run, with exit codes and milliseconds.
  returned: with C(-vvv) and above
  type: list
  elements: dict
  sample: [{"cmd": ["/usr/bin/runsc", "--root=/var/run/runsc", "--network=none", "state", "web-1"], "rc": 0, "ms": 31.0}]
"""

from ansible_collections.gvisor.runsc.plugins.module_utils.checkpoint_task import checkpoint_task
from ansible_collections.gvisor.runsc.plugins.module_utils.module import Spec, run_module

ARGUMENTS: Spec = {
    "name": {"type": "str", "required": True, "aliases": ["id"]},
    "path": {"type": "path", "required": True},
    "leave_running": {"type": "bool", "default": False},
    "compression": {"type": "str", "choices": ["none", "flate-best-speed"]},
    "direct": {"type": "bool", "default": False},
    "exclude_committed_zero_pages": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "checkpoint_timeout": {"type": "float", "default": 60.0},
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, checkpoint_task)


if __name__ == "__main__":
    main()
