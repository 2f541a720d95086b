# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: runsc
short_description: Change the user in a gVisor sandbox without su or sudo
version_added: "0.1.0"
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
description:
  - Lets tasks with C(become) run in a container of gVisor's C(runsc) as any of its users, also in an image that has neither
    C(su) nor C(sudo). C(runsc) starts the command as that user, so no password is needed.
  - Works with the connection P(gvisor.runsc.runsc#connection) only, and fails with any other.
seealso:
  - plugin: gvisor.runsc.runsc
    plugin_type: connection
options:
  become_user:
    description:
      - The user in the container, by number or name, with a group after a colon if need be, such as V(1000), V(1000:1000)
        or V(app). A name other than V(root) is looked up in the container, which costs one more process of C(runsc).
    type: str
    default: root
    vars:
      - name: ansible_become_user
      - name: ansible_runsc_become_user
    env:
      - name: ANSIBLE_BECOME_USER
      - name: ANSIBLE_RUNSC_BECOME_USER
    ini:
      - section: privilege_escalation
        key: become_user
      - section: runsc_become_plugin
        key: user
    keyword:
      - name: become_user
"""

EXAMPLES = r"""
# In the inventory, for hosts with ansible_connection: gvisor.runsc.runsc
sandboxes:
  vars:
    ansible_become_method: gvisor.runsc.runsc
"""

import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.become import BecomeBase


class BecomeModule(BecomeBase):
    """Leaves commands as they are: the connection asks for the user, and starts them as that one.

    The connection sets C(connected), so that a task never runs as the wrong user because another connection is in use.
    """

    name = "gvisor.runsc.runsc"
    connected = False

    def build_become_command(self, cmd: str, shell: t.Any) -> str:
        """Return the command. :raises AnsibleError: the connection is not the one that can start it as another user."""
        if not self.connected:
            raise AnsibleError(
                f"the become method {self.name} works with the connection of the same name only. Choose another one, "
                "such as su or sudo, by become_method or ansible_become_method"
            )
        return cmd
