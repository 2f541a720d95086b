# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""List what is wrong with an OCI document."""

from __future__ import annotations

DOCUMENTATION = r"""
name: oci_errors
short_description: What is wrong with an OCI document, as a list of messages
version_added: 0.1.0
description:
  - Validates the content of a C(config.json), or an OCI Process, on the controller.
  - Each message names a place in the document, what stands there, and what was expected. All are returned at once.
  - Values of environment variables are never in a message.
positional: _input
options:
  _input:
    description: The document, as an object.
    type: raw
    required: true
  document:
    description: Of which kind it is.
    type: str
    choices: [config, process]
    default: config
  network:
    description:
      - The network with which runsc will be called, for what depends on it.
      - Without it, that is not checked.
    type: str
    choices: [sandbox, host, none]
  flags:
    description: Further global flags of runsc by name, as the option O(gvisor.runsc.runsc_container#module:config) has them.
    type: dict
  warnings:
    description: Return what runsc would ignore in silence, instead of what is wrong.
    type: bool
    default: false
requirements:
  - jsonschema on the controller
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
seealso:
  - plugin: gvisor.runsc.oci_config
    plugin_type: test
  - plugin: gvisor.runsc.oci_process
    plugin_type: test
"""

EXAMPLES = r"""
- name: Say all that is wrong with a bundle
  ansible.builtin.assert:
    that: my_config is gvisor.runsc.oci_config
    fail_msg: "{{ my_config | gvisor.runsc.oci_errors }}"
  vars:
    my_config:
      ociVersion: 1.0.2
      process:
        args: [id]
        cwd: tmp
      root:
        path: rootfs
  # process.cwd is 'tmp', expected an absolute path inside the container

- name: Say what runsc would ignore
  ansible.builtin.debug:
    msg: "{{ my_process | gvisor.runsc.oci_errors(document='process', warnings=true) }}"
  vars:
    my_process:
      args: [id]
      apparmorProfile: docker-default
  # process.apparmorProfile is ignored by runsc: gVisor has no AppArmor
"""

RETURN = r"""
_value:
  description: The messages; an empty list if there is nothing to say.
  type: list
  elements: str
  sample: ["process.cwd is 'tmp', expected an absolute path inside the container"]
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci.validate import validate_config, validate_process


def oci_errors(
    value: t.Any,
    document: str = "config",
    network: str | None = None,
    flags: dict[str, t.Any] | None = None,
    warnings: bool = False,
) -> list[str]:
    """Return the messages. :raises AnsibleFilterError: there is no such kind of document."""
    if document not in ("config", "process"):
        raise AnsibleFilterError(f"oci_errors: document is {document!r}, expected 'config' or 'process'")
    if document == "process":
        report = validate_process(value, flags=flags)
    else:
        report = validate_config(value, network=network, flags=flags)
    return list(report.warnings if warnings else report.errors)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, t.Callable[..., list[str]]]:
        """Return the filter by its name."""
        return {"oci_errors": oci_errors}
