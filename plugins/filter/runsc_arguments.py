# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turn runsc's flags into arguments."""

from __future__ import annotations

DOCUMENTATION = r"""
name: runsc_arguments
short_description: runsc's global flags as a list of arguments
version_added: 0.1.0
description:
  - Turns flags by name, as the modules of this collection take them, into arguments for a command line or for the
    configuration of a container engine.
positional: _input
options:
  _input:
    description:
      - The flags by name. Values are text, numbers or booleans.
    type: dict
    required: true
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
seealso:
  - plugin: gvisor.runsc.runsc_runtimes
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show what becomes of flags
  ansible.builtin.debug:
    msg: "{{ {'network': 'none', 'debug': true} | gvisor.runsc.runsc_arguments }}"
  # ["--debug=true", "--network=none"]
"""

RETURN = r"""
_value:
  description: The arguments in alphabetical order, so that the same flags give the same list.
  type: list
  elements: str
  sample: ["--debug=true", "--network=none"]
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.gvisor.runsc.plugins.plugin_utils.engines.runtimes import EngineError, arguments


def runsc_arguments(flags: t.Any) -> list[str]:
    """Return the arguments. :raises AnsibleFilterError: a name or a value can't be that of a flag."""
    try:
        return arguments(flags, "flags")
    except EngineError as exc:
        raise AnsibleFilterError(str(exc)) from exc


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, t.Callable[..., list[str]]]:
        """Return the filter by its name."""
        return {"runsc_arguments": runsc_arguments}
