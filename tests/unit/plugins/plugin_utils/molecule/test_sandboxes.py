# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandboxes of a Molecule scenario, made complete or refused."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import ids
from ansible_collections.gvisor.runsc.plugins.plugin_utils.molecule import keys
from ansible_collections.gvisor.runsc.plugins.plugin_utils.molecule.sandboxes import (
    CAPABILITIES,
    PlatformError,
    Sandbox,
    Scenario,
    complete,
)

SCENARIO = Scenario("/home/ada/role", "/home/ada/.ansible/tmp/molecule.x.default")
ARCHIVE = {"archive": "/srv/debian.tar"}


def one(**given: t.Any) -> Sandbox:
    """Return the sandbox of a scenario with one platform."""
    (sandbox,) = complete(SCENARIO, [{"name": "web", **ARCHIVE, **given}], {})
    return sandbox


def test_defaults() -> None:
    sandbox = one()
    mark = SCENARIO.mark("web")
    root = f"/run/gvisor-molecule-{mark}"
    assert sandbox == Sandbox(
        name="web",
        id=f"web-{mark}",
        bundle={
            "path": f"/var/lib/gvisor-molecule-{SCENARIO.mark()}/web",
            "copy": False,
            "user": "0:0",
            "entrypoint": ["sh", "-c", "while sleep 3600; do :; done"],
            "capabilities": {"add": list(CAPABILITIES)},
            **ARCHIVE,
        },
        container={"name": f"web-{mark}", "root": root, "network": "none"},
        remains={"container": {"name": f"web-{mark}", "root": root, "network": "none"}, "own_root": True},
        variables={
            "ansible_connection": "gvisor.runsc.runsc",
            "ansible_runsc_container": f"web-{mark}",
            "ansible_runsc_root": root,
            "ansible_become_method": "gvisor.runsc.runsc",
        },
        login=f"runsc --root={root} exec web-{mark} /bin/sh",
    )


VALUES: dict[str, t.Any] = {
    "pull": "missing",
    "auth_file": "/srv/auth.json",
    "tls_verify": False,
    "env": {"A": "b"},
    "hostname": "web1",
    "capabilities": {"add": ["CAP_CHOWN"]},
    "volumes": ["/srv:/srv"],
    "tmpfs": ["/scratch"],
    "mounts": [{"destination": "/x", "type": "tmpfs"}],
    "memory": "512M",
    "cpus": 0.5,
    "spec": {"process": {"oomScoreAdj": 1}},
}


@pytest.mark.parametrize("key", [key for key in keys.FOR_THE_BUNDLE if key not in keys.SOURCES])
def test_keys_of_the_bundle(key: str) -> None:
    assert one(**{key: VALUES[key]}).bundle[key] == VALUES[key]


@pytest.mark.parametrize("source", keys.SOURCES)
def test_sources(source: str) -> None:
    (sandbox,) = complete(SCENARIO, [{"name": "web", source: "/srv/x"}], {})
    assert sandbox.bundle[source] == "/srv/x"
    assert sandbox.bundle["copy"] is (source == "rootfs")


@pytest.mark.parametrize("command", ["sleep 'in finity'", ["sleep", "in finity"]])
def test_a_command(command: t.Any) -> None:
    assert one(command=command).bundle["entrypoint"] == ["sleep", "in finity"]


def test_keys_of_each_task() -> None:
    way = {
        "root": "/srv/root",
        "runsc_path": "/opt/runsc",
        "platform": "kvm",
        "network": "host",
        "config": {"debug": True},
    }
    sandbox = one(**way)
    assert sandbox.container == {**way, "name": sandbox.id}
    assert sandbox.remains == {"container": sandbox.container, "own_root": False}
    assert sandbox.variables["ansible_runsc_root"] == "/srv/root"
    assert sandbox.variables["ansible_runsc_path"] == "/opt/runsc"
    assert sandbox.login == f"/opt/runsc --root=/srv/root exec {sandbox.id} /bin/sh"


@pytest.mark.parametrize("prepare", ["apt-get update", ["apt-get update"]])
def test_keys_of_the_host(prepare: t.Any) -> None:
    variables = one(vars={"colour": "blue", "ansible_become_method": "sudo"}, prepare=prepare, groups=["a"]).variables
    assert variables["colour"] == "blue"
    assert variables["ansible_become_method"] == "sudo"
    assert variables["molecule_prepare"] == ["apt-get update"]


def test_who_is_not_root() -> None:
    (sandbox,) = complete(SCENARIO, [{"name": "web", **ARCHIVE}], {}, "sudo -n")
    assert sandbox.variables["ansible_runsc_privilege_command"] == "sudo -n"
    assert sandbox.login.startswith("sudo -n runsc ")


def test_hosts_of_an_inventory() -> None:
    sandboxes = complete(SCENARIO, [{"name": "a", **ARCHIVE}], {"b": {"image": "docker://x"}})
    assert [sandbox.name for sandbox in sandboxes] == ["a", "b"]


def test_ids_differ() -> None:
    scenarios = [
        SCENARIO,
        SCENARIO._replace(project="/home/ada/other/role"),
        SCENARIO._replace(ephemeral="/home/ada/.ansible/tmp/molecule.x.other"),
    ]
    names = ["web", "web2", "web-2", "w" * 200, "w" * 201]
    platforms = [{"name": name, **ARCHIVE} for name in names]
    found = [sandbox.id for scenario in scenarios for sandbox in complete(scenario, platforms, {})]
    assert len(set(found)) == len(scenarios) * len(names)
    assert len({scenario.folder for scenario in scenarios}) == len(scenarios)
    for container in found:
        ids.check(container)
        ids.check_addressable(container, found)


REFUSED: list[tuple[t.Any, dict[str, t.Any], str]] = [
    ([], {}, "The scenario has no sandboxes. Give platforms in molecule.yml, or hosts"),
    (["web"], {}, "platform 'platforms[0]': 'web' is not a dictionary. Give it as 'name: web'"),
    ([ARCHIVE], {}, "platform 'platforms[0]': name: None is not a name"),
    ([{"name": "a/b", **ARCHIVE}], {}, "platform 'a/b': name: 'a/b' is not a name. Use letters"),
    ([{"name": "-a", **ARCHIVE}], {}, "platform '-a': name: '-a' is not a name"),
    ([{"name": "a"}], {}, "platform 'a': it has no root file system. Give image, such as"),
    ([{"name": "a", "image": "x", **ARCHIVE}], {}, "platform 'a': image and archive exclude each other"),
    (
        [{"name": "a", "archive": "debian.tar"}],
        {},
        "platform 'a': archive: 'debian.tar' can't be used. Give an absolute path",
    ),
    ([{"name": "a", "image": None}], {}, "platform 'a': image: None can't be used. Give a text"),
    ([{"name": "a", **ARCHIVE}] * 2, {}, "platform 'a': it is there twice"),
    ([{"name": "a", **ARCHIVE}], {"a": ARCHIVE}, "platform 'a': it is there twice"),
    (
        [{"name": "a", "privileged": True, **ARCHIVE}],
        {},
        "platform 'a': there is no key 'privileged'. There are name, image",
    ),
    (
        [{"name": "a", "Memory": "1G", **ARCHIVE}],
        {},
        "platform 'a': there is no key 'Memory' (did you mean 'memory'?).",
    ),
    ([{"name": "a", "memory": "512Mega", **ARCHIVE}], {}, "platform 'a': memory: '512Mega' is not a size. Write it as"),
    ([{"name": "a", "cpus": 0, **ARCHIVE}], {}, "platform 'a': cpus: 0 is too little"),
    ([{"name": "a", "hostname": "a b", **ARCHIVE}], {}, "platform 'a': hostname: 'a b' is not a host's name"),
    ([{"name": "a", "volumes": ["/a"], **ARCHIVE}], {}, "platform 'a': volumes[0]: '/a' is not a volume"),
    ([{"name": "a", "tmpfs": ["tmp"], **ARCHIVE}], {}, "platform 'a': tmpfs[0]: 'tmp' is not a place for a mount"),
    ([], {"a": {"groups": ["x"], **ARCHIVE}}, "platform 'a': there is no key 'groups'"),
    ([], {"a": {"vars": {}, **ARCHIVE}}, "platform 'a': there is no key 'vars'"),
    ([], {"a": {"name": "b", **ARCHIVE}}, "host 'a': molecule_sandbox: there is no key 'name': the host has one"),
    ([], {"a": "debian.tar"}, "host 'a': molecule_sandbox: 'debian.tar' is not a dictionary"),
    (
        [{"name": "a", "network": "bridge", **ARCHIVE}],
        {},
        "platform 'a': network: 'bridge' can't be used. Give one of none",
    ),
    ([{"name": "a", "memory": True, **ARCHIVE}], {}, "platform 'a': memory: True can't be used. Give a size"),
    ([{"name": "a", "cpus": "two", **ARCHIVE}], {}, "platform 'a': cpus: 'two' can't be used. Give a number"),
    ([{"name": "a", "command": [], **ARCHIVE}], {}, "platform 'a': command: [] can't be used. Give a text, or a list"),
    (
        [{"name": "a", "volumes": "/a:/b", **ARCHIVE}],
        {},
        "platform 'a': volumes: '/a:/b' can't be used. Give a list of texts",
    ),
    ([{"name": "a", "mounts": ["/a"], **ARCHIVE}], {}, "platform 'a': mounts: ['/a'] can't be used. Give a list of"),
    ([{"name": "a", "vars": "x", **ARCHIVE}], {}, "platform 'a': vars: 'x' can't be used. Give a dictionary"),
    (
        [{"name": "a", "pull": "never", **ARCHIVE}],
        {},
        "platform 'a': pull: 'never' can't be used. Give always or missing",
    ),
    (
        [{"name": "a", "tls_verify": "no", **ARCHIVE}],
        {},
        "platform 'a': tls_verify: 'no' can't be used. Give true or false",
    ),
]


@pytest.mark.parametrize(("platforms", "hosts", "message"), REFUSED)
def test_refused(platforms: t.Any, hosts: dict[str, t.Any], message: str) -> None:
    with pytest.raises(PlatformError) as refusal:
        complete(SCENARIO, platforms, hosts)
    assert str(refusal.value).startswith(message)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(PlatformError) as refusal:
        complete(SCENARIO, [{"name": "a", "image": "x", "cpu": 1}, {"name": "b"}], {})
    assert [line.partition(": ")[0] for line in str(refusal.value).splitlines()] == ["platform 'a'", "platform 'b'"]
