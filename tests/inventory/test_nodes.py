# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes that do not answer, that can't, or that are reached in another way; and what the cache keeps of them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.statedir import DEFAULT_ROOT
from ansible_collections.gvisor.runsc.tests.inventory.conftest import Fleet
from ansible_collections.gvisor.runsc.tests.inventory.support import Ground, Machine, once
from ansible_collections.gvisor.runsc.tests.modules.support import Json, eventually, processes


@pytest.fixture
def silent() -> Iterator[Json]:
    """The variables of a machine that takes connections, and then says nothing."""
    with socket.create_server(("127.0.0.13", 0)) as server:
        yield {"ansible_host": "127.0.0.13", "ansible_port": server.getsockname()[1]}


def clients(port: int) -> list[int]:
    """Return the pids of ssh clients that connect to a port."""
    return [pid for pid, argv in processes() if Path(argv[0]).name == "ssh" and f"Port={port}" in argv]


def test_one_unreachable_node_is_a_warning(fleet: Fleet) -> None:
    machine = fleet.machines[0]
    nodes = {**fleet.nodes, "gone": {**machine.variables, "ansible_host": "127.0.0.14"}}
    found = fleet.ground.listed(nodes=nodes, says="node gone: ").hosts
    assert set(found) == {f"{fleet.blue}@left", f"{fleet.red}@left", f"{fleet.far}@right"}
    said = fleet.ground.listed(nodes=nodes, says="Connection refused", strict=True, strict_nodes=False)
    assert set(said.hosts) == set(found)


@once
@pytest.mark.parametrize("strict", ["strict", "strict_nodes"])
def test_or_an_error(fleet: Fleet, strict: str) -> None:
    nodes = {**fleet.nodes, "gone": {**fleet.machines[0].variables, "ansible_host": "127.0.0.14"}}
    source = fleet.ground.write(nodes=nodes, **{strict: True})
    assert not fleet.ground.listed_from(source, says="node gone: ").hosts


@once
def test_an_unknown_host_key_is_not_taken(fleet: Fleet) -> None:
    variables = {**fleet.machines[1].variables, "ansible_ssh_common_args": "-o UserKnownHostsFile=none"}
    assert not fleet.ground.listed(nodes={"right": variables}, says="Host key verification failed").hosts


@once
def test_a_node_that_says_nothing(fleet: Fleet, silent: Json) -> None:
    found = fleet.ground.listed(
        nodes={"silent": silent, **fleet.nodes}, timeout=3, says="node silent: it did not answer within 3 s"
    )
    assert len(found.hosts) == 3
    eventually(lambda: not clients(silent["ansible_port"]), "the end of ssh")


@once
def test_nodes_are_asked_at_the_same_time(fleet: Fleet, silent: Json) -> None:
    nodes = {f"silent{number}": silent for number in range(3)}
    source = str(fleet.ground.write(nodes=nodes, timeout=100))
    argv = [fleet.ground.program("ansible-inventory"), "-i", source, "--list"]
    with subprocess.Popen(
        argv, env=fleet.ground.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        eventually(lambda: len(clients(silent["ansible_port"])) == 3, "three clients")
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
    eventually(lambda: not clients(silent["ansible_port"]), "the end of ssh after the interruption")


@once
def test_at_once(fleet: Fleet, silent: Json) -> None:
    nodes = {f"silent{number}": silent for number in range(2)}
    found = fleet.ground.listed(
        nodes=nodes, timeout=0.5, at_once=1, says="node silent1: it did not answer within 0.5 s"
    )
    assert "node silent0: it did not answer within 0.5 s" in found.said


def test_a_suspended_sandbox_holds_up_nobody(ground: Ground) -> None:
    root = ground.root("only")
    good, bad = ground.make(root), ground.make(root)
    with ground.suspended(root, bad):
        found = ground.listed(roots=[str(root)], says=f"container '{bad}' under {root} hangs").hosts
        assert {name: found[name]["runsc_status"] for name in found} == {good: "running"}
        shim = ground.shim()
        found = ground.listed(roots=[str(root)], statuses=["hanging"], runsc_path=str(shim)).hosts
        assert {name: found[name]["runsc_status"] for name in found} == {bad: "hanging"}
        assert not shim.with_suffix(".calls").read_text(), "runsc list was asked, which can't answer"


def test_a_record_that_is_locked_holds_up_nobody(ground: Ground) -> None:
    root = ground.root("only")
    both = {ground.make(root), ground.make(root)}
    lock = next(root.glob("*.lock"))
    with subprocess.Popen(["flock", str(lock), "sleep", "1000"], start_new_session=True) as holder:
        try:
            children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children")
            eventually(children.read_text, "a lock that is held")
            assert set(ground.listed(roots=[str(root)], timeout=4).hosts) == both
        finally:
            os.killpg(holder.pid, signal.SIGKILL)
    eventually(
        lambda: not [argv for _pid, argv in processes() if f"--root={root}" in argv and "list" in argv], "no list"
    )


@pytest.mark.parametrize("content", ['{"id": "', "{}", ""])
def test_a_record_that_makes_no_sense(ground: Ground, content: str) -> None:
    root = ground.root("only")
    good = ground.make(root)
    broken = root / "broken_sandbox:broken.state"
    broken.write_text(content, encoding="utf-8")
    try:
        found = ground.listed(roots=[str(root)], says="container 'broken'").hosts
        assert set(found) == {good}
        assert set(ground.listed(roots=[str(root)], statuses=["corrupt"]).hosts) == {"broken"}
        assert not ground.listed(roots=[str(root)], exclude=["bro*", "i*"]).hosts
    finally:
        broken.unlink()
        broken.with_suffix(".lock").unlink(missing_ok=True)


def test_a_dead_sandbox_is_stopped_whatever_runsc_says(ground: Ground) -> None:
    root = ground.root("only")
    name = ground.make(root, "paused")
    ground.kill(root, name)
    found = ground.listed(roots=[str(root)], statuses=["paused", "stopped"]).hosts
    assert found[name]["runsc_status"] == "stopped" and found[name]["runsc_pid"] == -1


def test_containers_of_one_sandbox(ground: Ground) -> None:
    root = ground.root("only")
    kind, sandbox = "io.kubernetes.cri.container-type", "io.kubernetes.cri.sandbox-id"
    first = ground.next_id()
    ground.make(root, name=first, annotations={kind: "sandbox", sandbox: first})
    second, third = (ground.make(root, annotations={kind: "container", sandbox: first}) for _number in range(2))
    ground.runsc(root, "kill", third, "KILL")
    states = ["running", "stopped"]

    def statuses() -> dict[str, str]:
        found = ground.listed(roots=[str(root)], statuses=states).hosts
        assert {variables["runsc_sandbox"] for variables in found.values()} == {first}
        return {name: variables["runsc_status"] for name, variables in found.items()}

    eventually(lambda: statuses() == {first: "running", second: "running", third: "stopped"}, "the end of the third")


def test_busybox_is_enough_on_the_node(fleet: Fleet, rootfs: Path) -> None:
    shell = fleet.ground.folder / "shell"
    shell.write_text(f"#!/bin/sh\nPATH={rootfs}/bin\nexport PATH\nexec {rootfs}/bin/busybox sh\n", encoding="utf-8")
    shell.chmod(0o755)
    assert set(fleet.ground.listed(roots=[str(fleet.left)], privilege_command=str(shell)).hosts) == {
        fleet.blue,
        fleet.red,
    }


def test_the_command_that_makes_root(fleet: Fleet) -> None:
    shim = fleet.ground.folder / "as root"
    shim.write_text('#!/bin/sh\necho "$*" >>"$0.calls"\nshift\nexec "$@"\n', encoding="utf-8")
    shim.chmod(0o755)
    command = f"'{shim}' -n"
    found = fleet.ground.listed(nodes={"right": {**fleet.nodes["right"], "ansible_runsc_privilege_command": command}})
    assert found.hosts[fleet.far]["ansible_runsc_privilege_command"] == command
    assert (fleet.ground.folder / "as root.calls").read_text(encoding="utf-8") == "-n /bin/sh\n"
    assert fleet.ground.listed(roots=[str(fleet.right)], privilege_command=command).hosts[fleet.far]
    assert (fleet.ground.folder / "as root.calls").read_text(encoding="utf-8") == "-n /bin/sh\n" * 2


@once
def test_without_root(fleet: Fleet) -> None:
    root = fleet.ground.root("secret")
    root.mkdir(parents=True)
    root.chmod(0o711)
    nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups"
    fleet.ground.listed(roots=[str(root)], privilege_command=nobody, says=f"the root {root} can't be read. Ask as root")
    root.chmod(0o700)
    below = root / "below"
    fleet.ground.listed(roots=[str(below)], privilege_command=nobody, says=f"the root {below} can't be read")
    root.rmdir()


@once
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"runsc_path": "/no/such/runsc"}, "there is no program '/no/such/runsc'"),
        ({"runsc_path": "/bin/true"}, "Is runsc_path really runsc?"),
        ({"roots": ["/etc/passwd"]}, "the root /etc/passwd is not a folder"),
        ({"roots": ["run/runsc"]}, "roots: 'run/runsc' is not absolute"),
        ({"roots": []}, "roots: there is none in it"),
        ({"privilege_command": "/bin/false"}, "its shell ended with 1"),
        ({"privilege_command": "sudo '"}, 'privilege_command: "sudo \'"'),
        ({"nodes": 5}, "nodes: 5 is neither a list nor a dictionary"),
        ({"nodes": []}, "nodes: there is none in it"),
        ({"nodes": ["a b"]}, "nodes: 'a b' is not the name of a machine"),
        ({"nodes": {"left": 5}}, "nodes: left: 5 is no dictionary"),
        ({"nodes": {"left": {"ansible_connection": "winrm"}}}, "nodes: left: ansible_connection is 'winrm'"),
        ({"timeout": 0}, "timeout: 0.0 is not positive"),
        ({"at_once": 0}, "at_once: 0 is not positive"),
        ({"statuses": ["dead"]}, "statuses"),
        ({"root": "/run/runsc"}, "'root' is not an option of gvisor.runsc.runsc_containers (did you mean 'roots'?)"),
        ({"colour": "green"}, "'colour' is not an option of gvisor.runsc.runsc_containers. 'ansible-doc -t inventory"),
    ],
)
def test_what_can_be_wrong(fleet: Fleet, options: Json, says: str) -> None:
    assert not fleet.ground.listed(**{"roots": [str(fleet.left)], **options}, says=says).hosts


@once
def test_what_can_be_wrong_with_an_expression(fleet: Fleet) -> None:
    def said(says: str, **options: Any) -> set[str]:
        return set(fleet.ground.listed(roots=[str(fleet.right)], says=says, **options).hosts)

    assert said("hostname: 'nothing' for container", hostname="nothing") == {fleet.far}
    assert said("hostname: 'nothing' for container", hostname="nothing", strict=True) == set()
    assert said("filters: 'nothing' fails for container", filters=["nothing"], strict=True) == set()
    assert said("Could not set a for host", compose={"a": "nothing"}, strict=True) == set()


@once
def test_a_root_that_does_not_exist_is_empty(fleet: Fleet) -> None:
    roots = ["/no/such/root", str(fleet.left)]
    found = fleet.ground.listed(roots=roots, strict=True, says="node localhost: the root /no/such/root does not exist")
    assert found.hosts


@once
def test_the_default_root_need_not_exist(fleet: Fleet) -> None:
    hide = "unshare --mount sh -c 'mount -t tmpfs none /run && exec \"$@\"' sh"
    assert not fleet.ground.listed(roots=[DEFAULT_ROOT], privilege_command=hide).hosts


@once
def test_nodes_of_another_inventory(fleet: Fleet) -> None:
    left, right = fleet.machines
    static = fleet.ground.folder / "static.yml"
    known: Json = {"hosts": {"left": {**left.variables, "secret": "no"}, "right": {}}, "vars": {"ansible_become": True}}
    known["hosts"]["right"] = right.variables
    static.write_text(json.dumps({"workers": known}), encoding="utf-8")
    roots = [str(fleet.right)]
    by_group = fleet.ground.listed_from(static, fleet.ground.write(nodes=["workers"], roots=roots)).hosts
    found = by_group[f"{fleet.far}@left"]
    assert set(by_group) == {"left", "right", f"{fleet.far}@left", f"{fleet.far}@right"}
    assert left.variables.items() <= found.items()
    assert not {"secret", "ansible_become"} & set(found)
    by_name = fleet.ground.listed_from(static, fleet.ground.write(nodes=["right"], roots=roots)).hosts
    assert right.variables.items() <= by_name[fleet.far].items()


@once
def test_variables_may_be_templates(fleet: Fleet) -> None:
    template = "{{ 6 * 2 * (port | int) // 12 }}"
    variables = {**fleet.nodes["right"], "ansible_port": template.replace("port", str(fleet.machines[1].port))}
    found = fleet.ground.listed(nodes={"right": variables}).hosts
    assert found[fleet.far]["ansible_port"] == variables["ansible_port"]


@once
def test_the_cache(fleet: Fleet) -> None:
    ground, machine = fleet.ground, fleet.machines[1]
    cache = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(ground.folder / "cache"),
    }
    source = ground.write(nodes={"right": fleet.nodes["right"]}, **cache)

    def logins(*, says: str = "", may_read: bool = True, nodes: Json | None = None, **options: Any) -> int:
        before = machine.logins()
        options = {"plugin": "gvisor.runsc.runsc_containers", "runsc_path": ground.version.path, **cache, **options}
        options["nodes"] = nodes or {"right": fleet.nodes["right"]}
        source.write_text(json.dumps(options), encoding="utf-8")
        assert fleet.far in "".join(ground.listed_from(source, cache=may_read, says=says).hosts)
        return machine.logins() - before

    gone = {"gone": {**machine.variables, "ansible_host": "127.0.0.14"}, **fleet.nodes}
    assert logins(nodes=gone, says="node gone") == 1
    assert logins(nodes=gone, says="node gone") == 1, "an answer that is not complete was kept"
    assert logins() == 1
    assert logins() == 0
    assert logins(statuses=["running", "stopped"]) == 0, "what is asked is the same"
    assert logins(runsc_path=os.path.join("/", ground.version.path)) == 0
    assert logins(may_read=False) == 1
    assert logins(nodes=fleet.nodes) == 1
    kept = "".join(path.read_text(encoding="utf-8") for path in (ground.folder / "cache").iterdir())
    assert "ansible_ssh" not in kept


@once
def test_a_login_shell_that_talks(fleet: Fleet, machines: tuple[Machine, Machine]) -> None:
    talk = fleet.ground.folder / "talk"
    talk.write_text('#!/bin/sh\necho Welcome\necho Warning >&2\nexec "$@"\n', encoding="utf-8")
    talk.chmod(0o755)
    assert fleet.ground.listed(nodes=fleet.nodes, privilege_command=str(talk)).hosts
