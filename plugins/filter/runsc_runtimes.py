# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the runtimes of a container engine complete."""

from __future__ import annotations

DOCUMENTATION = r"""
name: runsc_runtimes
short_description: The runtimes of a container engine, checked and with their defaults
version_added: 0.1.0
description:
  - Checks the runtimes that the roles P(gvisor.runsc.docker#role), P(gvisor.runsc.containerd#role) and
    P(gvisor.runsc.podman#role) register, and completes them. The roles use it; playbooks seldom need it.
positional: _input
options:
  _input:
    description:
      - The runtimes. Each has a C(name), and may have the C(path) of runsc, its global C(flags) by name, and a C(state),
        V(present) or V(absent).
    type: list
    elements: dict
    required: true
  option:
    description: What to call the list in messages.
    type: str
    default: runtimes
  path:
    description: The runsc of a runtime that names none.
    type: str
    default: /usr/bin/runsc
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
seealso:
  - plugin: gvisor.runsc.docker_daemon_json
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show a complete runtime
  ansible.builtin.debug:
    msg: "{{ [{'name': 'runsc', 'flags': {'network': 'host'}}] | gvisor.runsc.runsc_runtimes }}"
  # [{"name": "runsc", "path": "/usr/bin/runsc", "arguments": ["--network=host"], "state": "present"}]
"""

RETURN = r"""
_value:
  description: The runtimes in their order. Each has C(name), C(path), C(arguments) and C(state).
  type: list
  elements: dict
  sample: [{"name": "runsc", "path": "/usr/bin/runsc", "arguments": ["--network=host"], "state": "present"}]
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.gvisor.runsc.plugins.plugin_utils.engines.runtimes import EngineError, complete


def runsc_runtimes(runtimes: t.Any, option: str = "runtimes", path: str = "/usr/bin/runsc") -> list[dict[str, t.Any]]:
    """Return the complete runtimes. :raises AnsibleFilterError: one can't be registered."""
    try:
        return [runtime._asdict() for runtime in complete(runtimes, option, path)]
    except EngineError as exc:
        raise AnsibleFilterError(str(exc)) from exc


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, t.Callable[..., list[dict[str, t.Any]]]]:
        """Return the filter by its name."""
        return {"runsc_runtimes": runsc_runtimes}
