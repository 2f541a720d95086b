# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say what a new configuration would do to containerd."""

from __future__ import annotations

DOCUMENTATION = r"""
name: containerd_differences
short_description: What is wrong with a new configuration of containerd
version_added: 0.1.0
description:
  - Compares what C(containerd config dump) said before with what it says of the new configuration. The runtimes have to be
    there as they should be, and nothing else may differ.
  - containerd would tell neither. What it does not understand in a configuration it ignores.
positional: _input
options:
  _input:
    description: The output of C(containerd config dump) with the new configuration.
    type: str
    required: true
  before:
    description: The output of C(containerd config dump) with the old one.
    type: str
    required: true
  runtimes:
    description: Runtimes as P(gvisor.runsc.runsc_runtimes#filter) returns them.
    type: list
    elements: dict
    required: true
  shim:
    description: As in P(gvisor.runsc.containerd_files#filter).
    type: str
    choices: [runsc, runc]
    default: runc
  shim_folder:
    description: As in P(gvisor.runsc.containerd_files#filter).
    type: str
    default: /etc/containerd/gvisor
  wrapper_folder:
    description: As in P(gvisor.runsc.containerd_files#filter).
    type: str
    default: /usr/local/libexec/gvisor-containerd
  pod_annotations:
    description: As in P(gvisor.runsc.containerd_files#filter).
    type: list
    elements: str
    default: ["dev.gvisor.*"]
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
seealso:
  - plugin: gvisor.runsc.containerd_files
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Fail if the new configuration does something else, too
  ansible.builtin.assert:
    that: differences | length == 0
    fail_msg: "{{ differences }}"
  vars:
    differences: >-
      {{ after.stdout | gvisor.runsc.containerd_differences(
      before=before.stdout, runtimes=[{'name': 'runsc'}] | gvisor.runsc.runsc_runtimes) }}
"""

RETURN = r"""
_value:
  description: What is wrong, a sentence each; an empty list if nothing is.
  type: list
  elements: str
  sample: ["the runtime runsc is missing", "plugins.io.containerd.grpc.v1.cri.cni.bin_dir would change"]
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.gvisor.runsc.plugins.plugin_utils.engines import containerd
from ansible_collections.gvisor.runsc.plugins.plugin_utils.engines.runtimes import EngineError, Runtime


def containerd_differences(
    after: str,
    before: str,
    runtimes: list[dict[str, t.Any]],
    shim: str = "runc",
    shim_folder: str = "/etc/containerd/gvisor",
    wrapper_folder: str = "/usr/local/libexec/gvisor-containerd",
    pod_annotations: t.Sequence[str] = ("dev.gvisor.*",),
) -> list[str]:
    """Return what is wrong. :raises AnsibleFilterError: these are no configurations."""
    folders = containerd.Folders(shim_folder, wrapper_folder)
    wanted = containerd.wanted([Runtime(**runtime) for runtime in runtimes], shim, folders, list(pod_annotations))
    try:
        return containerd.differences(str(before), str(after), wanted)
    except EngineError as exc:
        raise AnsibleFilterError(str(exc)) from exc


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, t.Callable[..., list[str]]]:
        """Return the filter by its name."""
        return {"containerd_differences": containerd_differences}
