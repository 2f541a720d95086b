# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test an OCI configuration."""

from __future__ import annotations

DOCUMENTATION = r"""
name: oci_config
short_description: Whether something is a valid OCI configuration for runsc
version_added: 0.1.0
description:
  - Validates the content of a C(config.json)
    on the controller, and says nothing but whether it is right.
  - For what is wrong with it see P(gvisor.runsc.oci_errors#filter).
positional: _input
options:
  _input:
    description: The OCI configuration, as an object.
    type: raw
    required: true
  network:
    description:
      - The network with which runsc will be called, for what depends on it.
      - Without it, that is not checked.
    type: str
    choices: [sandbox, host, none]
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
  - plugin: gvisor.runsc.oci_process
    plugin_type: test
"""

EXAMPLES = r"""
- name: The bundle is fit for runsc with the host's network
  ansible.builtin.assert:
    that: my_config is gvisor.runsc.oci_config(network='host')
    fail_msg: "{{ my_config | gvisor.runsc.oci_errors(network='host') }}"
  vars:
    my_config:
      ociVersion: 1.0.2
      process:
        args: [sleep, "60"]
        cwd: /
      root:
        path: rootfs
"""

RETURN = r"""
_value:
  description: V(true) if there is no error. Warnings do not count.
  type: bool
"""

import typing as t

from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci.validate import validate_config


def oci_config(config: t.Any, network: str | None = None, flags: dict[str, t.Any] | None = None) -> bool:
    """Return whether there is no error in it."""
    return not validate_config(config, network=network, flags=flags).errors


class TestModule:
    """What Ansible loads."""

    def tests(self) -> dict[str, t.Callable[..., bool]]:
        """Return the test by its name."""
        return {"oci_config": oci_config}
