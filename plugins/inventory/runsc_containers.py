# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The containers of gVisor as an inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: runsc_containers
short_description: gVisor containers as inventory hosts
version_added: 0.1.0
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
description:
  - Lists the containers of this machine, or of a list of machines that ssh reaches, and makes each a host that tasks can
    run in at once, by P(gvisor.runsc.runsc#connection).
  - The name of the file must end in C(.runsc.yml) or C(.runsc.yaml).
  - All machines are asked at the same time, each with one ssh call and one C(runsc list) for each root. They need runsc and
    a POSIX shell, no Python.
  - One machine that does not answer is a warning, and the others are listed all the same, unless O(strict_nodes) is set. A
    container that hangs, or whose record can't be read, does not keep the others from being listed either; a warning names
    it.
  - What comes from a container, such as its annotations, is never evaluated as a template.
extends_documentation_fragment:
  - constructed
  - inventory_cache
options:
  plugin:
    description: The name of this plugin, so that no other one reads the file.
    type: str
    required: true
    choices: [gvisor.runsc.runsc_containers]
  nodes:
    description:
      - The machines that run the containers. A list of names, or a dictionary of names with variables, as below C(hosts) of
        an inventory in YAML.
      - V(localhost) is the machine that Ansible runs on. Any other one is reached by P(ansible.builtin.ssh#connection),
        with the variables that it knows, such as C(ansible_host), C(ansible_port), C(ansible_user) and
        C(ansible_ssh_common_args), and with the same settings of C(ansible.cfg) and of the environment.
        C(ansible_connection), V(local) or V(ssh), says otherwise.
      - C(ansible_runsc_root), C(ansible_runsc_path) and C(ansible_runsc_privilege_command) are those of one machine, where
        it differs from O(roots), O(runsc_path) and O(privilege_command).
      - The variables are given to each host of the machine, too, so that tasks reach it in the same way.
      - A name that is a host of an inventory source that was read before has the variables that lead to that host. The name
        of a group of such hosts stands for all of them.
    type: raw
    default: [localhost]
  roots:
    description:
      - The folders in which runsc keeps its containers, its C(--root), on each node.
      - One that does not exist has no containers. Other than the default one it is worth a warning.
    type: list
    elements: str
    default: [/var/run/runsc]
  runsc_path:
    description: The runsc binary on the nodes, as a path or as a name in C(PATH).
    type: str
    default: runsc
  privilege_command:
    description:
      - A command that runs its arguments as root, without asking for a password, for nodes on which the user who is logged
        in is another one. Given to the hosts, too.
    type: str
    default: ''
  include:
    description: Only containers whose id matches one of these shell patterns, such as V(web-*).
    type: list
    elements: str
    default: ['*']
  exclude:
    description: No containers whose id matches one of these shell patterns.
    type: list
    elements: str
    default: []
  statuses:
    description:
      - Only containers with one of these statuses. Tasks can run in V(running) ones only.
      - V(hanging) is one whose sandbox was stopped by a signal, V(corrupt) one whose record runsc can't read.
    type: list
    elements: str
    choices: [created, running, paused, stopped, hanging, corrupt]
    default: [running]
  filters:
    description:
      - Only containers for which all these Jinja expressions are true. They may use the variables of the host.
      - One that can't be evaluated, since there is no such annotation for example, counts as false, or is an error if
        O(strict).
    type: list
    elements: str
    default: []
  hostname:
    description:
      - A Jinja expression for the name of the host. It may use the variables of the host.
      - Without it, the name is the id of the container. With several O(nodes) it is C(id@node), for example C(web-1@node1),
        since different nodes may have containers of the same name.
      - Containers that would get the same name, such as those with the same id under several O(roots), all get the name
        C(id@node@root) instead, with a warning.
      - What can't be evaluated, or is no name for a host, is an error if O(strict), else a warning, and the name is that
        without O(hostname).
    type: str
    default: ''
  hostvars_prefix:
    description: What the names of the host variables about the container begin with.
    type: str
    default: runsc_
  timeout:
    description: Seconds in which a node must have answered, from the start of the connection on.
    type: float
    default: 30.0
  at_once:
    description: How many nodes are asked at the same time.
    type: int
    default: 20
  strict_nodes:
    description:
      - Whether a node that can't be asked is an error, so that the file is no inventory at all.
      - Without it, that is what O(strict) says.
      - Ansible itself goes on after such an error, unless C(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED) is set.
    type: bool
requirements:
  - runsc on the nodes, from 2022-12 or newer
  - root on the nodes, by the user who logs in or by O(privilege_command)
notes:
  - "Host variables, with the default O(hostvars_prefix): C(runsc_id), C(runsc_status), C(runsc_bundle),
    C(runsc_annotations) (a dictionary), C(runsc_image), C(runsc_created), C(runsc_owner), C(runsc_sandbox) (the id of the
    sandbox that it lives in), C(runsc_pid) (of that sandbox, on the node), C(runsc_root) and C(runsc_node)."
  - C(runsc_image) is the image that M(gvisor.runsc.runsc_bundle) made the bundle from, or the one that a container engine
    has noted in the annotations; it is empty if there is none.
  - What the cache keeps is used for the same nodes and roots only. An answer that is not complete is not kept.
  - Only runsc itself knows that a container other than the first of its sandbox has ended. Where another container under
    the same root hangs, runsc can't be asked, and such a one is still called V(running).
  - C(ansible_become_method) is P(gvisor.runsc.runsc#become), which works in images without C(su) and C(sudo), unless the
    variables of the node say otherwise.
seealso:
  - plugin: gvisor.runsc.runsc
    plugin_type: connection
  - module: gvisor.runsc.runsc_info
"""

EXAMPLES = r"""
# sandboxes.runsc.yml: the running containers of this machine
plugin: gvisor.runsc.runsc_containers
---
# fleet.runsc.yml: those of two machines, in groups by team
plugin: gvisor.runsc.runsc_containers
nodes:
  left:
    ansible_host: 192.0.2.11
    ansible_user: deploy
    ansible_runsc_privilege_command: sudo -n
  right:
    ansible_host: 192.0.2.12
    ansible_user: root
exclude: ["*-test"]
keyed_groups:
  - key: runsc_annotations['com.example.team'] | default('none')
    prefix: team
---
# paused.runsc.yml: what does not run, for a look with ansible-inventory
plugin: gvisor.runsc.runsc_containers
roots: [/var/run/runsc, /run/containerd/runsc/k8s.io]
statuses: [created, paused, stopped]
filters:
  - runsc_annotations['com.example.tier'] == 'web'
hostname: runsc_annotations['com.example.name'] | default(runsc_id)
compose:
  ansible_runsc_user: "'1000:1000'"
groups:
  old: runsc_created < '2026-01-01'
"""

import fnmatch
import typing as t

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import UsageError
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.statedir import DEFAULT_ROOT
from ansible_collections.gvisor.runsc.plugins.plugin_utils.inventory import naming
from ansible_collections.gvisor.runsc.plugins.plugin_utils.inventory.asking import Asked, Told, ask_all
from ansible_collections.gvisor.runsc.plugins.plugin_utils.inventory.containers import PROBLEMS, Facts
from ansible_collections.gvisor.runsc.plugins.plugin_utils.inventory.naming import Place
from ansible_collections.gvisor.runsc.plugins.plugin_utils.inventory.nodes import (
    Node,
    Variables,
    connection_variables,
    make_node,
    read_nodes,
)
from ansible_collections.gvisor.runsc.plugins.plugin_utils.suggestions import did_you_mean, near


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Asks the nodes, or the cache, and makes hosts of their containers."""

    NAME = "gvisor.runsc.runsc_containers"
    inventory: InventoryData

    def verify_file(self, path: str) -> bool:
        """Whether the file is meant for this plugin."""
        return bool(super().verify_file(path)) and path.endswith((".runsc.yml", ".runsc.yaml"))

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """Add the containers to the inventory."""
        super().parse(inventory, loader, path, cache)
        self._check_names(self._read_config_data(path))
        try:
            self._add_hosts(self._facts(self._nodes(), self.get_cache_key(path), may_read=cache))
        except UsageError as exc:
            raise AnsibleParserError(str(exc)) from exc

    def _check_names(self, config: t.Mapping[str, t.Any]) -> None:
        """Refuse what is no option. Ansible ignores it, so that a root that is mistyped, for example, would go unnoticed."""
        known = self.option_definitions
        for name in config:
            if name not in known:
                raise AnsibleParserError(
                    f"{name!r} is not an option of {self.NAME}{did_you_mean(near(name, known))}. "
                    f"'ansible-doc -t inventory {self.NAME}' lists them"
                )

    def _nodes(self) -> list[Asked]:
        """Return the nodes, with the variables that lead to them, without templates."""
        for option in ("timeout", "at_once"):
            if self.get_option(option) <= 0:
                raise UsageError(f"{option}: {self.get_option(option)} is not positive", remedy="Give a greater number")
        options = {name: self.get_option(name) for name in ("roots", "runsc_path", "privilege_command")}
        asked = []
        for name, variables in read_nodes(self.get_option("nodes"), self.inventory).items():
            resolved = self.templar.template(variables)
            asked.append((make_node(name, variables, resolved, options), resolved))
        return asked

    def _facts(self, asked: list[Asked], key: str, *, may_read: bool) -> list[tuple[Node, list[Facts]]]:
        """Return what is known of the containers of each node: from the cache, if that may be and if it has them."""
        questions = [_question(node, resolved) for node, resolved in asked]
        uses_cache = self.get_option("cache")
        known = self._cache.get(key) if uses_cache and may_read else None
        if not known or known["questions"] != questions:
            told = ask_all(asked, self.get_option("timeout"), self.get_option("at_once"))
            known = {"questions": questions, "facts": [part.facts for part in told]}
            problems = [
                f"node {node.name}: {problem}"
                for (node, _resolved), part in zip(asked, told, strict=True)
                for problem in part.problems
            ]
            self._report(problems)
            self._tell_of_absent(asked, told)
            if uses_cache and not problems:
                self._cache[key] = known
        return list(zip([node for node, _resolved in asked], known["facts"], strict=True))

    def _report(self, problems: list[str]) -> None:
        strict = self.get_option("strict_nodes")
        if problems and (self.get_option("strict") if strict is None else strict):
            raise AnsibleParserError("\n".join(problems))
        for problem in problems:
            self.display.warning(f"{self.NAME}: {problem}")

    def _tell_of_absent(self, asked: list[Asked], told: list[Told]) -> None:
        """Warn of roots that somebody named and that are not there. runsc makes its own one with the first container."""
        for (node, _resolved), part in zip(asked, told, strict=True):
            for root in part.absent:
                if root != DEFAULT_ROOT:
                    self.display.warning(f"{self.NAME}: node {node.name}: the root {root} does not exist")

    def _add_hosts(self, known: list[tuple[Node, list[Facts]]]) -> None:
        """Make hosts of the containers that are wanted, each with a name of its own."""
        variables: dict[Place, Variables] = {}
        for node, facts in known:
            self._warn_of_broken(node, facts)
            for container in filter(self._is_wanted, facts):
                place = Place(node.name, container["root"], container["id"])
                found = self._variables(node, container)
                if self._meets_filters(place, found):
                    variables[place] = found
        several = len(known) > 1
        names, clashes = naming.unique_names(
            {place: self._name(place, found, several_nodes=several) for place, found in variables.items()}
        )
        for name in clashes:
            self.display.warning(
                f"{self.NAME}: the name {name!r} is not for one host; it gets a longer one, see hostname"
            )
        for place, found in variables.items():
            self._add_host(names[place], found)

    def _warn_of_broken(self, node: Node, facts: list[Facts]) -> None:
        left_out = [
            f"container {container['id']!r} under {container['root']} {PROBLEMS[container['status']]}"
            for container in facts
            if container["status"] in PROBLEMS
            and self._matches(container["id"])
            and container["status"] not in self.get_option("statuses")
        ]
        for problem in left_out:
            self.display.warning(f"{self.NAME}: node {node.name}: left out {problem}")

    def _matches(self, container: str) -> bool:
        def is_in(patterns: list[str]) -> bool:
            return any(fnmatch.fnmatchcase(container, pattern) for pattern in patterns)

        return is_in(self.get_option("include")) and not is_in(self.get_option("exclude"))

    def _is_wanted(self, container: Facts) -> bool:
        return container["status"] in self.get_option("statuses") and self._matches(container["id"])

    def _variables(self, node: Node, container: Facts) -> Variables:
        """Return the variables of a host. Who makes a container chooses much of them, so they must not be templates."""
        prefix = self.get_option("hostvars_prefix")
        safe = wrap_var({**container, "node": node.name})
        connection = connection_variables(node, safe["id"], container["root"])
        return {**connection, **{f"{prefix}{name}": value for name, value in safe.items()}}

    def _meets_filters(self, place: Place, variables: Variables) -> bool:
        for condition in self.get_option("filters"):
            try:
                result = self._compose(condition, variables)
            except Exception as exc:
                if self.get_option("strict"):
                    raise AnsibleParserError(f"filters: {condition!r} fails for container {place.id!r}: {exc}") from exc
                return False
            if not (boolean(result, strict=False) if isinstance(result, str) else result):
                return False
        return True

    def _name(self, place: Place, variables: Variables, *, several_nodes: bool) -> str:
        default = naming.default_name(place, several_nodes=several_nodes)
        expression = self.get_option("hostname")
        if not expression:
            return default
        try:
            name = str(self._compose(expression, variables))
            problem = "" if naming.is_valid(name) else f"is {name!r}, which is no name for a host"
        except AnsibleError as exc:
            name, problem = "", f"fails: {exc}"
        if not problem:
            return name
        message = f"hostname: {expression!r} for container {place.id!r} {problem}"
        if self.get_option("strict"):
            raise AnsibleParserError(message)
        self.display.warning(f"{self.NAME}: {message}")
        return default

    def _add_host(self, name: str, variables: Variables) -> None:
        strict = self.get_option("strict")
        self.inventory.add_host(name)
        for variable, value in variables.items():
            self.inventory.set_variable(name, variable, value)
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)


def _question(node: Node, resolved: Variables) -> list[t.Any]:
    """Return what tells one question to a node from another, as plain data without secrets."""
    leading = [str(resolved.get(name, "")) for name in ("ansible_host", "ansible_port", "ansible_user")]
    return [node.name, node.transport, *leading, node.roots, node.runsc_path, node.privilege_command]
