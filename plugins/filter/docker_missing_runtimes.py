# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say with which runtimes a running dockerd is behind."""

from __future__ import annotations

DOCUMENTATION = r"""
name: docker_missing_runtimes
short_description: With which runtimes a running dockerd is behind
version_added: 0.1.0
description:
  - Compares the runtimes that a running dockerd knows with those that it should know.
  - dockerd answers a reload with success even if it refuses the new configuration, so this is how to find out.
positional: _input
options:
  _input:
    description: What C(docker info) says of runtimes, by name.
    type: dict
    required: true
  runtimes:
    description: Runtimes as P(gvisor.runsc.runsc_runtimes#filter) returns them.
    type: list
    elements: dict
    required: true
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
seealso:
  - plugin: gvisor.runsc.docker_daemon_json
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Ask docker for its runtimes
  ansible.builtin.command:
    argv: [docker, info, --format, "{{ '{{json .Runtimes}}' }}"]
  register: info
  changed_when: false

- name: Fail unless docker knows the runtime
  ansible.builtin.assert:
    that: not info.stdout | from_json | gvisor.runsc.docker_missing_runtimes(runtimes=runtimes | gvisor.runsc.runsc_runtimes)
  vars:
    runtimes:
      - name: runsc
"""

RETURN = r"""
_value:
  description: The names of those that are missing, that have another path or other arguments, or that should be gone.
  type: list
  elements: str
  sample: [runsc]
"""

import typing as t

from ansible_collections.gvisor.runsc.plugins.plugin_utils.engines import docker
from ansible_collections.gvisor.runsc.plugins.plugin_utils.engines.runtimes import Runtime


def docker_missing_runtimes(info: t.Any, runtimes: list[dict[str, t.Any]]) -> list[str]:
    """Return the names of the runtimes that dockerd does not know as they should be."""
    return docker.missing(info, [Runtime(**runtime) for runtime in runtimes])


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, t.Callable[..., list[str]]]:
        """Return the filter by its name."""
        return {"docker_missing_runtimes": docker_missing_runtimes}
