# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test an OCI Process."""

from __future__ import annotations

DOCUMENTATION = r"""
name: oci_process
short_description: Whether something is a valid OCI Process for runsc exec
version_added: 0.1.0
description:
  - Validates what the option O(gvisor.runsc.runsc_exec#module:process) takes
    on the controller, and says nothing but whether it is right.
  - For what is wrong with it see P(gvisor.runsc.oci_errors#filter).
positional: _input
options:
  _input:
    description: The OCI Process, as an object.
    type: raw
    required: true
  flags:
    description: Further global flags of runsc by name, as the option O(gvisor.runsc.runsc_container#module:config) has them.
    type: dict
requirements:
  - jsonschema on the controller
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
seealso:
  - plugin: gvisor.runsc.oci_errors
    plugin_type: filter
  - plugin: gvisor.runsc.oci_config
    plugin_type: test
"""

EXAMPLES = r"""
- name: The command is one that runsc can run
  ansible.builtin.assert:
    that: my_process is gvisor.runsc.oci_process
    fail_msg: "{{ my_process | gvisor.runsc.oci_errors(document='process') }}"
  vars:
    my_process:
      args: [id]
      user:
        uid: 1000
        gid: 1000
"""

RETURN = r"""
_value:
  description: V(true) if there is no error. Warnings do not count.
  type: bool
"""

import typing as t

from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci.validate import validate_process


def oci_process(process: t.Any, flags: dict[str, t.Any] | None = None) -> bool:
    """Return whether there is no error in it."""
    return not validate_process(process, flags=flags).errors


class TestModule:
    """What Ansible loads."""

    def tests(self) -> dict[str, t.Callable[..., bool]]:
        """Return the test by its name."""
        return {"oci_process": oci_process}
