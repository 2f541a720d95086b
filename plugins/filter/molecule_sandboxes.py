# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the sandboxes of a Molecule scenario complete."""

from __future__ import annotations

DOCUMENTATION = r"""
name: molecule_sandboxes
short_description: Make the sandboxes of a Molecule scenario complete
version_added: 0.1.0
description:
  - Checks what a Molecule scenario says of its instances, and says what modules and the connection have to be told for each.
  - All faults are told at once, with the platform and the key of each.
positional: _input
options:
  _input:
    description: C(platforms) of C(molecule.yml). C(docs/molecule.md) of the collection lists the keys.
    type: list
    elements: dict
    required: true
  hosts:
    description: The variables of the hosts of the inventory. Those that have C(molecule_sandbox) are instances, too.
    type: dict
    default: {}
  project:
    description: The folder of the project. Together with O(ephemeral) it makes ids that nothing else on the machine has.
    type: str
    required: true
  ephemeral:
    description: The folder in which Molecule keeps what it knows of the scenario.
    type: str
    required: true
  privilege_command:
    description: What makes a command run as root, for users who are not.
    type: str
    default: ""
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
seealso:
  - plugin: gvisor.runsc.runsc
    plugin_type: connection
"""

EXAMPLES = r"""
- name: Say which sandboxes a scenario has
  ansible.builtin.debug:
    msg: "{{ platforms | gvisor.runsc.molecule_sandboxes(project='/home/me/role', ephemeral='/home/me/.ansible/tmp/x') }}"
  vars:
    platforms:
      - name: debian
        archive: /srv/debian.tar
"""

RETURN = r"""
_value:
  description: The sandboxes.
  type: list
  elements: dict
  contains:
    name:
      description: The name of the instance.
      type: str
      sample: debian
    id:
      description: The id of the container.
      type: str
      sample: debian-6dd67a2cf4
    bundle:
      description: The options of M(gvisor.runsc.runsc_bundle).
      type: dict
      sample: {"path": "/var/lib/gvisor-molecule-0ab1c4d9e2/debian", "archive": "/srv/debian.tar"}
    container:
      description: The options of each task about the container.
      type: dict
      sample: {"name": "debian-6dd67a2cf4", "root": "/run/gvisor-molecule-6dd67a2cf4", "network": "none"}
    remains:
      description: What has to be known to remove it.
      type: dict
      sample: {"container": {"name": "debian-6dd67a2cf4"}, "own_root": true}
    variables:
      description: The variables of the host.
      type: dict
      sample: {"ansible_connection": "gvisor.runsc.runsc", "ansible_runsc_container": "debian-6dd67a2cf4"}
    login:
      description: The command that opens a shell in it.
      type: str
      sample: runsc --root=/run/gvisor-molecule-6dd67a2cf4 exec debian-6dd67a2cf4 /bin/sh
"""

import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleFilterError

from ansible_collections.gvisor.runsc.plugins.plugin_utils.molecule.sandboxes import PlatformError, Scenario, complete

_VARIABLE = "molecule_sandbox"


def molecule_sandboxes(
    platforms: t.Any,
    project: str,
    ephemeral: str,
    hosts: Mapping[str, Mapping[str, t.Any]] | None = None,
    privilege_command: str = "",
) -> list[dict[str, t.Any]]:
    """Return the sandboxes. :raises AnsibleFilterError: what the scenario says can't be done."""
    variables = hosts or {}
    given = {name: variables[name][_VARIABLE] for name in variables if _VARIABLE in variables[name]}
    try:
        made = complete(Scenario(project, ephemeral), platforms, given, privilege_command)
    except PlatformError as exc:
        raise AnsibleFilterError(str(exc)) from exc
    return [sandbox._asdict() for sandbox in made]


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, t.Callable[..., list[dict[str, t.Any]]]]:
        """Return the filter by its name."""
        return {"molecule_sandboxes": molecule_sandboxes}
