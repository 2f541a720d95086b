# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Register runsc in containerd's configuration."""

from __future__ import annotations

DOCUMENTATION = r"""
name: containerd_files
short_description: The files with which containerd knows runtimes
version_added: 0.1.0
description:
  - Works out the content of containerd's configuration file, of a drop-in beside it, and of the files of gVisor's shim.
  - All else is kept. If nothing has to change, the results are the given texts, to the letter.
  - Configurations of the versions 2 and 3 are known.
  - The role P(gvisor.runsc.containerd#role) does all that is around it.
positional: _input
options:
  _input:
    description: The text of the configuration file; an empty one is that of a file that is not there.
    type: str
    required: true
  runtimes:
    description: Runtimes as P(gvisor.runsc.runsc_runtimes#filter) returns them.
    type: list
    elements: dict
    required: true
  dump:
    description: The output of C(containerd config dump).
    type: str
    required: true
  path:
    description: Where the configuration file is.
    type: str
    default: /etc/containerd/config.toml
  drop_in:
    description:
      - Where the drop-in is to be. Without it, the runtimes go into the configuration file itself, as containerd before
        version 2.0 needs it.
    type: str
  shim:
    description:
      - V(runsc) for gVisor's own shim, C(containerd-shim-runsc-v1).
      - V(runc) for containerd's, which runs runsc in the place of runc.
    type: str
    choices: [runsc, runc]
    default: runc
  shim_folder:
    description: Where the files of gVisor's shim are.
    type: str
    default: /etc/containerd/gvisor
  wrapper_folder:
    description: Where the programs are that run runsc with flags, for containerd's shim.
    type: str
    default: /usr/local/libexec/gvisor-containerd
  pod_annotations:
    description: Patterns of the annotations of a pod that runsc gets to see.
    type: list
    elements: str
    default: ["dev.gvisor.*"]
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
seealso:
  - plugin: gvisor.runsc.runsc_runtimes
    plugin_type: filter
  - plugin: gvisor.runsc.containerd_differences
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show what would become of a configuration
  ansible.builtin.debug:
    msg: "{{ text | gvisor.runsc.containerd_files(runtimes=runtimes | gvisor.runsc.runsc_runtimes, dump=text) }}"
  vars:
    text: |
      version = 2
    runtimes:
      - name: runsc
"""

RETURN = r"""
_value:
  description: The texts. An empty one is that of a file that is not to be there.
  type: dict
  contains:
    config:
      description: The text of the configuration file.
      type: str
    drop_in:
      description: The text of the drop-in.
      type: str
    shim:
      description: The texts of the files of gVisor's shim, by the name of the runtime.
      type: dict
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.gvisor.runsc.plugins.plugin_utils.engines import containerd
from ansible_collections.gvisor.runsc.plugins.plugin_utils.engines.runtimes import EngineError, Runtime


def containerd_files(
    text: str,
    runtimes: list[dict[str, t.Any]],
    dump: str,
    path: str = "/etc/containerd/config.toml",
    drop_in: str | None = None,
    shim: str = "runc",
    shim_folder: str = "/etc/containerd/gvisor",
    wrapper_folder: str = "/usr/local/libexec/gvisor-containerd",
    pod_annotations: t.Sequence[str] = ("dev.gvisor.*",),
) -> dict[str, t.Any]:
    """Return the texts of the files. :raises AnsibleFilterError: they can't be edited."""
    if shim not in ("runsc", "runc"):
        raise AnsibleFilterError(f"containerd_files: shim is {shim!r}, expected 'runsc' or 'runc'")
    folders = containerd.Folders(shim_folder, wrapper_folder)
    wanted = containerd.wanted([Runtime(**runtime) for runtime in runtimes], shim, folders, list(pod_annotations))
    try:
        texts = containerd.registered(str(text), str(dump), wanted, path, drop_in or None)
    except EngineError as exc:
        raise AnsibleFilterError(str(exc)) from exc
    return {"config": texts.config, "drop_in": texts.drop_in, "shim": wanted.shim_files}


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, t.Callable[..., dict[str, t.Any]]]:
        """Return the filter by its name."""
        return {"containerd_files": containerd_files}
