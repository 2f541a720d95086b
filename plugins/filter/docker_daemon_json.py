# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Register runsc in docker's daemon.json."""

from __future__ import annotations

DOCUMENTATION = r"""
name: docker_daemon_json
short_description: The text of docker's daemon.json with runtimes registered in it
version_added: 0.1.0
description:
  - Adds runtimes to the text of a C(daemon.json), changes them and removes them. All else is kept, in its order.
  - If nothing has to change, the result is the given text, to the letter.
  - A text that is not valid JSON is refused, with the line and column.
  - The role P(gvisor.runsc.docker#role) does all that is around it.
positional: _input
options:
  _input:
    description: The text; an empty one is that of a file that is not there.
    type: str
    required: true
  runtimes:
    description: Runtimes as P(gvisor.runsc.runsc_runtimes#filter) returns them.
    type: list
    elements: dict
    required: true
  default_runtime:
    description: The runtime of containers that name none. Without it, what stands there stays.
    type: str
  path:
    description: Where the text is from, for messages.
    type: str
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
seealso:
  - plugin: gvisor.runsc.runsc_runtimes
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show what would become of a daemon.json
  ansible.builtin.debug:
    msg: "{{ text | gvisor.runsc.docker_daemon_json(runtimes=runtimes | gvisor.runsc.runsc_runtimes) }}"
  vars:
    text: '{"log-driver": "journald"}'
    runtimes:
      - name: runsc
        flags:
          platform: systrap
  # {"log-driver": "journald", "runtimes": {"runsc": {"path": "/usr/bin/runsc", "runtimeArgs": ["--platform=systrap"]}}}
  # in several lines
"""

RETURN = r"""
_value:
  description: The new text.
  type: str
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.gvisor.runsc.plugins.plugin_utils.engines import docker
from ansible_collections.gvisor.runsc.plugins.plugin_utils.engines.runtimes import EngineError, Runtime


def docker_daemon_json(
    text: str, runtimes: list[dict[str, t.Any]], default_runtime: str | None = None, path: str = ""
) -> str:
    """Return the new text. :raises AnsibleFilterError: the text can't be edited."""
    try:
        return docker.registered(str(text), [Runtime(**runtime) for runtime in runtimes], default_runtime, path)
    except EngineError as exc:
        raise AnsibleFilterError(str(exc)) from exc


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, t.Callable[..., str]]:
        """Return the filter by its name."""
        return {"docker_daemon_json": docker_daemon_json}
