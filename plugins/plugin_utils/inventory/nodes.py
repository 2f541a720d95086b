# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The machines that run sandboxes: what the option C(nodes) says of them, and the variables that lead to them."""

from __future__ import annotations

import os
import shlex
import typing as t

from ansible.constants import LOCALHOST
from ansible.inventory.data import InventoryData
from ansible.inventory.helpers import get_group_vars
from ansible.utils.vars import combine_vars

from ...module_utils.runsc.errors import UsageError

Variables = t.Dict[str, t.Any]

# The connections that reach a node, by their names, as the connection plugin of the collection calls them.
_TRANSPORTS = {
    "local": "local",
    "ansible.builtin.local": "local",
    "ssh": "ssh",
    "ansible.builtin.ssh": "ssh",
    "smart": "ssh",
}
# Of a node that another inventory source describes, the variables that lead to it, and that lead from it to runsc.
_LEADING = ("ansible_connection", "ansible_host", "ansible_port", "ansible_user", "ansible_password")
_LEADING_PREFIXES = ("ansible_ssh_", "ansible_runsc_")


class Node(t.NamedTuple):
    """A machine that runs sandboxes, and how to ask it."""

    name: str
    transport: str  # local or ssh
    variables: Variables  # as given, perhaps with templates
    roots: list[str]
    runsc_path: str
    privilege_command: str


def read_nodes(given: t.Any, inventory: InventoryData) -> dict[str, Variables]:
    """Return the variables of each node, by name, in the order in which they were given.

    :param given: a list of names, or a dictionary of names with variables.
    :param inventory: what earlier sources said. A name there lends its variables, the name of a group stands for its hosts.
    :raises UsageError: it is neither.
    """
    pairs = list(given.items()) if isinstance(given, t.Mapping) else [(name, None) for name in _names(given)]
    found: dict[str, Variables] = {}
    for name, variables in pairs:
        _check_name(name)
        if not isinstance(variables or {}, t.Mapping):
            raise UsageError(
                f"nodes: {name}: {variables!r} is no dictionary", remedy="Give variables, such as ansible_host"
            )
        for host in _hosts(name, inventory):
            found[host] = {**_known(host, inventory), **(variables or {})}
    if not found:
        raise UsageError("nodes: there is none in it", remedy="Name one, or leave the option out for this machine")
    return found


def _names(given: t.Any) -> list[t.Any]:
    if isinstance(given, str):
        return [given]
    if isinstance(given, list):
        return given
    raise UsageError(
        f"nodes: {given!r} is neither a list nor a dictionary", remedy="Give names, or names with variables"
    )


def _check_name(name: t.Any) -> None:
    if not isinstance(name, str) or not name or any(char.isspace() for char in name) or name.startswith("-"):
        raise UsageError(f"nodes: {name!r} is not the name of a machine", remedy="Give names, or names with variables")


def _hosts(name: str, inventory: InventoryData) -> list[str]:
    if name in inventory.groups and name not in inventory.hosts:
        return [host.name for host in inventory.groups[name].get_hosts()]
    return [name]


def _known(name: str, inventory: InventoryData) -> Variables:
    host = inventory.hosts.get(name)
    if host is None:
        return {}
    variables = combine_vars(get_group_vars(host.get_groups()), host.vars)
    return {key: value for key, value in variables.items() if key in _LEADING or key.startswith(_LEADING_PREFIXES)}


def make_node(name: str, variables: Variables, resolved: Variables, options: Variables) -> Node:
    """Return a node whose variables make sense.

    :param resolved: the variables without templates. :param options: what holds where they say nothing.
    :raises UsageError: one of them makes no sense.
    """
    transport = str(resolved.get("ansible_connection") or ("local" if name in LOCALHOST else "ssh"))
    if transport not in _TRANSPORTS:
        raise UsageError(
            f"nodes: {name}: ansible_connection is {transport!r}", remedy="A node is reached by 'local' or by 'ssh'"
        )
    root = resolved.get("ansible_runsc_root")
    roots = [str(root)] if root else [str(path) for path in options["roots"]]
    for path in roots:
        if not os.path.isabs(path):
            raise UsageError(f"roots: {path!r} is not absolute", remedy="Give an absolute path")
    if not roots:
        raise UsageError("roots: there is none in it", remedy="Give one, or leave the option out")
    privilege = str(resolved.get("ansible_runsc_privilege_command") or options["privilege_command"] or "")
    try:
        shlex.split(privilege)
    except ValueError as exc:
        raise UsageError(f"privilege_command: {privilege!r}: {exc}", remedy="Balance the quotes") from exc
    runsc_path = str(resolved.get("ansible_runsc_path") or options["runsc_path"])
    return Node(
        name, _TRANSPORTS[transport], variables, [os.path.normpath(path) for path in roots], runsc_path, privilege
    )


def connection_variables(node: Node, container: str, root: str) -> Variables:
    """Return the variables by which the connection plugin reaches a container."""
    found = {key: value for key, value in node.variables.items() if key != "ansible_connection"}
    found.update(
        ansible_connection="gvisor.runsc.runsc",
        ansible_runsc_container=container,
        ansible_runsc_transport=node.transport,
        ansible_runsc_root=root,
        ansible_runsc_path=node.runsc_path,
    )
    found.setdefault("ansible_become_method", "gvisor.runsc.runsc")  # works in images without su and sudo
    if node.privilege_command:
        found["ansible_runsc_privilege_command"] = node.privilege_command
    if node.transport == "ssh":
        found.setdefault("ansible_host", node.name)
    return found
