# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads inventories as Ansible's programs do. A process of its own, since Ansible changes how Python imports things.

Each line of standard input is a request, an object with C(sources), C(environment) and C(cache). It is answered with a line:
an object with C(hosts), their variables by name, C(groups), their hosts by name, and C(said), all warnings. What starts once
serves all requests, each in a fork.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import Any

from ansible import context
from ansible.inventory.manager import InventoryManager
from ansible.module_utils.common.collections import ImmutableDict
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import connection_loader, init_plugin_loader, inventory_loader


def read(sources: list[str], cache: bool) -> dict[str, Any]:
    """Read an inventory."""
    with tempfile.TemporaryFile() as errors:
        os.dup2(errors.fileno(), 2)
        manager = InventoryManager(DataLoader(), sources, cache=cache)
        errors.seek(0)
        said = " ".join(errors.read().decode().split())
    hosts = {
        host.name: {name: value for name, value in host.vars.items() if not name.startswith("inventory_")}
        for host in manager.get_hosts()
    }
    groups = {name: [host.name for host in group.hosts] for name, group in manager.groups.items()}
    return {"hosts": hosts, "groups": groups, "said": said}


def main() -> None:
    """Serve until standard input ends."""
    init_plugin_loader(os.environ["ANSIBLE_COLLECTIONS_PATH"].split(":"))
    context.CLIARGS = ImmutableDict()  # type: ignore[assignment]
    for name in ("auto", "yaml", "gvisor.runsc.runsc_containers"):
        inventory_loader.get(name)
    for name in ("local", "ssh"):
        connection_loader.get(f"ansible.builtin.{name}", class_only=True)
    for line in sys.stdin:
        request = json.loads(line)
        if not (pid := os.fork()):
            os.environ.clear()
            os.environ.update(request["environment"])
            print(json.dumps(read(request["sources"], request["cache"])), flush=True)
            os._exit(0)
        _pid, status = os.waitpid(pid, 0)
        if status:
            print("null", flush=True)


if __name__ == "__main__":
    main()
