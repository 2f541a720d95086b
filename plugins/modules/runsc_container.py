#!/usr/bin/python

# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring one gVisor container to a state."""

from __future__ import annotations

DOCUMENTATION = r"""
module: runsc_container
short_description: Create, start, pause, stop and remove a gVisor container
version_added: 0.1.0
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
description:
  - Brings one container of runsc, gVisor's OCI runtime, to the state that you ask for, and changes nothing if it is there
    already.
  - The container is made from an OCI bundle, a folder with a C(config.json) and a root file system.
  - Names are matched exactly, although runsc itself matches prefixes and patterns.
  - Containers of services, under a O(root) that begins with C(/run/runsc-service-), are systemd's to make and to remove, and are
    refused here, see the role P(gvisor.runsc.service#role).
  - A container that hangs, or whose record is damaged, is reported, and removed when O(state=absent) or O(force=true).
options:
  name:
    description:
      - The id of the container. Letters, digits, C(_ + - .), at most 85 characters.
      - In one O(root), no name may be the beginning of another one, since runsc could not tell them apart.
      - With runsc before 2023, names must be unique on the host even if O(root) differs.
    type: str
    required: true
    aliases: [id]
  state:
    description:
      - V(absent), it does not exist. A running one gets O(stop_signal) first.
      - With the first container of a sandbox, the further ones in it end. When it is removed or replaced, they are removed as
        well, see RV(removed_members).
      - V(created), it exists, and can be started or has been started.
      - V(running), its command runs. One that ends within the moment in which it is looked at is a failure, whatever its exit
        code; to run a command that ends, use M(gvisor.runsc.runsc_exec) in a container whose own command waits.
      - V(paused), it runs but is frozen, with everything else in its sandbox. Only the container that was paused can be resumed;
        the others of its sandbox can't be used before.
      - V(stopped), nothing of it runs. One that does not exist counts as stopped.
      - A gVisor container that has stopped can't be started again. It is deleted and created anew for V(running), V(paused) and
        V(created).
    type: str
    default: running
    choices: [absent, created, running, paused, stopped]
  bundle:
    description:
      - The absolute path of the OCI bundle. Needed when the container has to be created.
      - In check mode, one that is not there is taken for one that an earlier task makes, with a warning.
      - Without it, a container that is replaced is made from the bundle that it came from.
    type: path
  recreate:
    description:
      - When to replace a container that exists, for the states V(created), V(running) and V(paused).
      - V(never), whatever its bundle says.
      - V(on-change), if the C(config.json) of its bundle differs from what the container was created from, or the flags in
        O(platform), O(network) and O(config) from those that its sandbox runs with. RV(drift) lists what differs.
      - V(always), every time.
      - What is needed for the new container, its program included, is checked before the old one is touched. What can't be seen
        without running it may still fail; the old container is gone then, and the failure has RV(ignore:changed=true).
    type: str
    default: never
    choices: [never, on-change, always]
  force:
    description:
      - Remove without sending O(stop_signal) first.
      - For states other than V(absent), also replace a container that can't be used because it hangs or its record is
        damaged. Without it such a container is an error.
    type: bool
    default: false
  restore_from:
    description:
      - Make the container from the checkpoint image in this folder instead of starting its command afresh.
      - Only when it has to be made; a container that runs stays as it is.
      - If M(gvisor.runsc.runsc_checkpoint) made the image, what is known to make a restore fail is refused before the container
        that is there is touched, such as an image of another version of runsc, or one that was damaged. If the bundle or the
        flags are not those of the checkpoint, a warning says so.
    type: path
  stop_signal:
    description:
      - The signal that asks the container to end, a name or a number from 1 to 31.
      - Without it, the one that its image asks for by the annotation C(org.opencontainers.image.stopSignal), or C(TERM).
    type: str
  stop_timeout:
    description:
      - Seconds to wait after O(stop_signal) before the container is killed. A warning says so when it was.
    type: float
    default: 10.0
  create_timeout:
    description:
      - Seconds that creating, starting or restoring may take. Afterwards what was begun is removed.
    type: float
    default: 60.0
  delete_timeout:
    description:
      - Seconds that a deletion may take.
    type: float
    default: 150.0
  stdin:
    description:
      - File that the container reads as its standard input. C(/dev/null) without it.
    type: path
  stdout:
    description:
      - File to which the standard output of the container is appended. Without it the output is lost.
    type: path
  stderr:
    description:
      - The same for standard error.
    type: path
  pid_file:
    description:
      - File into which runsc writes the host's process id of the sandbox.
    type: path
  user_log:
    description:
      - File for what runsc wants to tell users, such as system calls that it does not support.
    type: path
  keep_exit_status:
    description:
      - Keep the exit code of the container when it ends, for M(gvisor.runsc.runsc_wait) and M(gvisor.runsc.runsc_info), until
        the container is removed. runsc itself forgets it at once.
      - A small process stays with the sandbox for that, of about 5 MB, and ends with it. It matters when the container is made;
        one that exists is not replaced because of it.
      - Not for the further containers of a sandbox; runsc knows how they ended as long as the sandbox lives.
    type: bool
    default: false
  console_socket:
    description:
      - Path of a listening Unix socket that receives the terminal of a container with C(process.terminal) in its bundle.
    type: path
extends_documentation_fragment:
  - gvisor.runsc.runsc
seealso:
  - module: gvisor.runsc.runsc_containers
  - module: gvisor.runsc.runsc_exec
  - module: gvisor.runsc.runsc_info
"""

EXAMPLES = r"""
- name: A sandbox without a network runs
  gvisor.runsc.runsc_container:
    name: web-1
    bundle: /srv/bundles/web
    network: none
    stdout: /var/log/web-1.log
    stderr: /var/log/web-1.log

- name: The same, made anew when its bundle has changed
  gvisor.runsc.runsc_container:
    name: web-1
    bundle: /srv/bundles/web
    network: none
    recreate: on-change

- name: Freeze it, with all its processes
  gvisor.runsc.runsc_container:
    name: web-1
    network: none
    state: paused

- name: It goes on
  gvisor.runsc.runsc_container:
    name: web-1
    network: none

- name: Remove it; it gets five seconds to end by itself
  gvisor.runsc.runsc_container:
    name: web-1
    network: none
    state: absent
    stop_timeout: 5
"""

RETURN = r"""
container:
  description:
    - What runsc says about the container, and what only its record says. In check mode, what would be so; the values that can't
      be known before are those of the container that exists.
  returned: success
  type: dict
  contains:
    id:
      description: The name.
      type: str
      returned: always
      sample: web-1
    status:
      description: V(absent), V(created), V(running), V(paused) or V(stopped).
      type: str
      returned: always
      sample: running
    pid:
      description: Process id of the sandbox on the host; -1 if it is stopped.
      type: int
      returned: if the container exists
      sample: 4711
    bundle:
      description: The bundle that it came from.
      type: str
      returned: if the container exists
      sample: /srv/bundles/web
    annotations:
      description: The annotations of its bundle.
      type: dict
      returned: if the container exists
      sample: {"com.example.team": "blue"}
    oci_version:
      description: The version of the OCI specification that runsc names.
      type: str
      returned: if the container exists
      sample: 1.0.2-dev
    created:
      description: When it was created.
      type: str
      returned: if the container exists
      sample: "2026-11-23T22:17:44.443379671Z"
    owner:
      description: Who created it, as C(USER) said then; often empty.
      type: str
      returned: if the container exists
      sample: root
    exit_status:
      description: Exit code of a stopped container that was made with O(keep_exit_status), else null. 128 and the signal's number if a signal
        ended it, or its sandbox.
      type: int
      returned: if the container exists
      sample: null
    sandbox:
      description: The id of the sandbox that it lives in, its own id unless the bundle says otherwise.
      type: str
      returned: if the container exists
      sample: web-1
actions:
  description: The steps that were taken, or would be taken in check mode, in order. Empty if nothing changed.
  returned: always
  type: list
  elements: str
  sample: [stop, delete, create, start]
drift:
  description: Where the container differs from its bundle, and with O(recreate=on-change) from the flags. Empty if it does not,
    or if O(state) is V(absent) or V(stopped).
  returned: success
  type: list
  elements: str
  sample: ["process.args[0]", "--network"]
removed_members:
  description: The further containers of its sandbox, which were removed with it, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [web-1-logs]
commands:
  description: The runsc commands that were run, with exit codes and milliseconds.
  returned: with C(-vvv) and above
  type: list
  elements: dict
  sample: [{"cmd": ["/usr/bin/runsc", "--root=/var/run/runsc", "--network=none", "state", "web-1"], "rc": 0, "ms": 31.0}]
"""

from ansible_collections.gvisor.runsc.plugins.module_utils.container_task import OPTIONS, container_task
from ansible_collections.gvisor.runsc.plugins.module_utils.module import Spec, run_module

ARGUMENTS: Spec = {"name": {"type": "str", "required": True, "aliases": ["id"]}, **OPTIONS}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, container_task)


if __name__ == "__main__":
    main()
