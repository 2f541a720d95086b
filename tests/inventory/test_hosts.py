# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers become hosts: which, under what name, with which variables, in which groups."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.gvisor.runsc.tests.inventory.conftest import Fleet
from ansible_collections.gvisor.runsc.tests.inventory.support import PLUGIN, Ground
from ansible_collections.gvisor.runsc.tests.modules.support import Json, RunscVersion


def test_this_machine_without_ssh(fleet: Fleet) -> None:
    found = fleet.ground.listed(roots=[str(fleet.left)]).hosts
    assert set(found) == {fleet.blue, fleet.red}
    assert found[fleet.red]["ansible_connection"] == "gvisor.runsc.runsc"
    assert found[fleet.red]["ansible_runsc_transport"] == "local"
    assert "ansible_host" not in found[fleet.red]


def test_all_that_is_known_of_a_container(fleet: Fleet, version: RunscVersion) -> None:
    found = fleet.ground.listed(nodes=fleet.nodes).hosts[f"{fleet.far}@right"]
    machine = fleet.machines[1]
    created = found.pop("runsc_created")
    assert created.startswith("20") and created.endswith("Z")
    assert found == {
        **machine.variables,
        "ansible_become_method": "gvisor.runsc.runsc",
        "ansible_connection": "gvisor.runsc.runsc",
        "ansible_runsc_container": fleet.far,
        "ansible_runsc_path": version.path,
        "ansible_runsc_root": str(fleet.right),
        "ansible_runsc_transport": "ssh",
        "runsc_annotations": {"com.example.team": "blue"},
        "runsc_bundle": found["runsc_bundle"],
        "runsc_id": fleet.far,
        "runsc_image": "",
        "runsc_node": "right",
        "runsc_owner": found["runsc_owner"],
        "runsc_pid": fleet.ground.sentry(fleet.right, fleet.far),
        "runsc_root": str(fleet.right),
        "runsc_sandbox": fleet.far,
        "runsc_status": "running",
    }


def test_one_call_of_ssh_for_each_node_and_one_of_runsc_for_each_root(fleet: Fleet) -> None:
    shim = fleet.ground.shim()
    before = [machine.logins() for machine in fleet.machines]
    roots = [str(fleet.left), str(fleet.right)]
    nodes = {
        name: {**machine.variables, "ansible_runsc_path": str(shim)}
        for name, machine in zip(("left", "right"), fleet.machines, strict=True)
    }
    assert len(fleet.ground.listed(nodes=nodes, roots=roots).hosts) == 2 * 3
    assert [machine.logins() for machine in fleet.machines] == [number + 1 for number in before]
    calls = shim.with_suffix(".calls").read_text(encoding="utf-8").splitlines()
    assert sorted(calls) == sorted(2 * [f"--root={root} list --format=json" for root in roots])


def test_nothing_from_a_container_is_evaluated(fleet: Fleet) -> None:
    options: Json = {
        "roots": [str(fleet.left)],
        "include": [fleet.blue],
        "compose": {"copied": "runsc_annotations['com.example.evil']"},
        "keyed_groups": [{"key": "runsc_annotations", "prefix": "note"}],
        "hostname": "runsc_annotations['com.example.evil']",
    }
    found = fleet.ground.listed(**options, says="no name for a host").hosts
    assert found[fleet.blue]["copied"] == fleet.annotations["com.example.evil"]
    source = str(fleet.ground.write(**options))
    show = ["-m", "debug", "-a", "msg={{ [copied, runsc_annotations] }}"]
    played = fleet.ground.ansible("ansible", "-i", source, "all", "-e", "ansible_connection=local", *show)
    assert played.returncode == 0 and played.stdout.count("lookup('pipe'") == 3, played.stdout
    listed = fleet.ground.ansible("ansible-inventory", "-i", source, "--list")
    variables = json.loads(listed.stdout)["_meta"]["hostvars"][fleet.blue]
    assert variables["copied"] == {"__ansible_unsafe": fleet.annotations["com.example.evil"]}
    assert not fleet.flag.exists()


@pytest.mark.parametrize("status", ["created", "paused", "stopped"])
def test_other_statuses(fleet: Fleet, status: str) -> None:
    found = fleet.ground.listed(roots=[str(fleet.left)], statuses=[status]).hosts
    assert {name: variables["runsc_status"] for name, variables in found.items()} == {fleet.others[status]: status}


def test_patterns_and_filters(fleet: Fleet) -> None:
    def names(**options: Any) -> set[str]:
        return set(fleet.ground.listed(roots=[str(fleet.left), str(fleet.right)], **options).hosts)

    assert names(include=[f"{fleet.blue[:-1]}?"]) == {fleet.blue, fleet.red, fleet.far}
    assert names(include=[f"*{fleet.blue}", fleet.far], exclude=[f"{fleet.far}*"]) == {fleet.blue}
    team = "runsc_annotations['com.example.team'] == 'blue'"
    assert names(filters=[team]) == {fleet.blue, fleet.far}
    assert names(filters=[team, f"runsc_root == '{fleet.left}'"]) == {fleet.blue}
    assert names(filters=["runsc_annotations['com.example.evil'] is defined"]) == {fleet.blue}
    assert names(filters=["runsc_annotations['no'] == 'such'"]) == set()


def test_groups_and_composed_variables(fleet: Fleet) -> None:
    found = fleet.ground.listed(
        nodes=fleet.nodes,
        hostvars_prefix="sandbox_",
        compose={"ansible_runsc_user": "'1000:' ~ sandbox_node"},
        groups={"far away": "sandbox_node == 'right'"},
        keyed_groups=[{"key": "sandbox_annotations['com.example.team']", "prefix": "team"}],
    )
    assert found.groups["team_blue"] == {f"{fleet.blue}@left", f"{fleet.far}@right"}
    assert found.groups["team_red"] == {f"{fleet.red}@left"}
    assert found.groups["far_away"] == {f"{fleet.far}@right"}
    assert found.hosts[f"{fleet.far}@right"]["ansible_runsc_user"] == "1000:right"


def test_names_by_an_expression(fleet: Fleet) -> None:
    hostname = "runsc_node ~ '-' ~ runsc_annotations['com.example.team']"
    found = fleet.ground.listed(nodes=fleet.nodes, hostname=hostname).hosts
    assert {name: found[name]["runsc_id"] for name in found} == {
        "left-blue": fleet.blue,
        "left-red": fleet.red,
        "right-blue": fleet.far,
    }


def test_the_same_id_twice_is_two_hosts(ground: Ground) -> None:
    first, second = ground.root("first"), ground.root("second")
    name = ground.make(first, "stopped")
    ground.make(second, name=name)
    roots = [str(first), str(second)]
    both = ["running", "stopped"]
    found = ground.listed(roots=roots, statuses=both, says=f"the name '{name}' is not for one host").hosts
    assert {variables["runsc_root"]: variables["runsc_status"] for variables in found.values()} == {
        str(first): "stopped",
        str(second): "running",
    }
    assert len(found) == 2 and all(host.startswith(f"{name}@localhost@") for host in found)
    nodes = {
        node: {"ansible_connection": "local", "ansible_runsc_root": root}
        for node, root in zip(("one", "two"), roots, strict=True)
    }
    assert set(ground.listed(nodes=nodes, statuses=both).hosts) == {f"{name}@one", f"{name}@two"}
    chosen = ground.listed(roots=roots, statuses=both, hostname="runsc_id ~ '.' ~ (runsc_root | basename)").hosts
    assert set(chosen) == {f"{name}.first", f"{name}.second"}


def test_the_controller_is_never_replaced(fleet: Fleet) -> None:
    only: Json = {"roots": [str(fleet.right)], "hostname": "'localhost'"}
    found = fleet.ground.listed(**only, says="'localhost' is not for one host").hosts
    assert list(found) == [f"{fleet.far}@localhost@{str(fleet.right).strip('/').replace('/', '-')}"]


def test_the_graph(fleet: Fleet) -> None:
    source = fleet.ground.write(nodes=fleet.nodes, keyed_groups=[{"key": "runsc_node", "prefix": "on"}])
    graph = fleet.ground.ansible("ansible-inventory", "-i", str(source), "--graph").stdout
    assert f"  |--@on_right:\n  |  |--{fleet.far}@right\n" in graph


def test_other_file_names_are_not_read(fleet: Fleet) -> None:
    source = fleet.ground.write(roots=[str(fleet.left)])
    other = source.rename(source.with_name("containers.yml"))
    done = fleet.ground.ansible("ansible-inventory", "-i", str(other), "--list", ANSIBLE_INVENTORY_ENABLED=PLUGIN)
    assert fleet.blue not in done.stdout and "Unable to parse" in done.stderr
    found = fleet.ground.listed_from(other.rename(other.with_name("a.runsc.yaml"))).hosts
    assert set(found) == {fleet.blue, fleet.red}
