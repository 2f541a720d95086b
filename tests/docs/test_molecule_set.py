# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What docs/molecule.md says of keys, of what create and destroy promise, and of faults; in sandboxes of busybox."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.plugins.plugin_utils.molecule import keys
from ansible_collections.gvisor.runsc.plugins.plugin_utils.molecule.sandboxes import Scenario
from ansible_collections.gvisor.runsc.tests.docs import support
from ansible_collections.gvisor.runsc.tests.docs.projects import ENVIRONMENT, Project, write
from ansible_collections.gvisor.runsc.tests.docs.support import Json, Machine

LOOK = (
    "hostname; cat /proc/1/cmdline | tr '\\0' ' '; echo; echo $COLOUR; cat /shared/word; mount; "
    "touch /written || echo read-only; chown 1 /scratch/one || echo may not; cat /scratch/*"
)
CONVERGE = f"""
- hosts: all
  gather_facts: false
  tasks:
    - raw: {json.dumps(LOOK)}
      register: seen
    - copy:
        content: "{{{{ {{'seen': seen.stdout_lines, 'groups': group_names, 'tint': tint | default('none')}} | to_json }}}}"
        dest: "{{{{ lookup('env', 'MOLECULE_SCENARIO_DIRECTORY') }}}}/{{{{ inventory_hostname }}}}.json"
        mode: "0644"
      delegate_to: localhost
"""


@pytest.fixture(scope="module")
def box(machine: Machine) -> Path:
    """A folder with a root file system of busybox, in C(box/rootfs), in C(box.tar), and in the image C(layout:1)."""
    machine.run(
        f"""
        cd /srv
        {support.bundle_script("box", "sleep 1")}
        mkdir -p box/rootfs/shared box/rootfs/scratch box/rootfs/more box/rootfs/proc box/rootfs/tmp
        tar -C box/rootfs -cf box.tar .
        umoci init --layout layout
        umoci new --image layout:1
        umoci config --image layout:1 --config.entrypoint /no/such/program --config.env COLOUR=grey
        umoci insert --image layout:1 box/rootfs /
        mkdir shared; echo hello >shared/word
        printf '#!/bin/sh\\necho "$*" >>/srv/calls\\nexec {machine.version.path} "$@"\\n' >shim; chmod 755 shim
        """
    )
    return Path("/srv")


def _platforms(version: support.RunscVersion) -> list[Json]:
    way = {
        "runsc_path": "/srv/shim",
        "root": "/srv/root",
        "platform": version.platform,
        "config": {"debug-log": "/srv/logs/"},
    }
    return [
        {
            "name": "box",
            "rootfs": "/srv/box/rootfs",
            "command": "sleep 1234",
            "env": {"COLOUR": "blue"},
            "hostname": "boxed",
            "volumes": ["/srv/shared:/shared:ro"],
            "tmpfs": ["/scratch"],
            "mounts": [{"destination": "/more", "type": "tmpfs", "source": "tmpfs"}],
            "spec": {"root": {"readonly": True}},
            "memory": "512M",
            "cpus": 0.5,
            "groups": ["squares"],
            "children": ["cubes"],
            "vars": {"tint": "dark"},
            "prepare": ["echo first >/scratch/one", "echo second >/scratch/two"],
            **way,
        },
        {
            "name": "pictured",
            "image": "oci:/srv/layout:1",
            "pull": "missing",
            "network": "host",
            "prepare": "echo first >/scratch/one",
        },
        {
            "name": "packed",
            "archive": "/srv/box.tar",
            "capabilities": {"drop": ["ALL"]},
            "prepare": "touch /scratch/one",
        },
    ]


def _changed(printed: str, host: str = "localhost") -> int:
    found = re.search(rf"^{host} +: .* changed=(\d+) .* failed=0 ", printed, re.MULTILINE)
    assert found, printed
    return int(found[1])


def _image(machine: Machine, project: Project) -> str:
    """Return the image that the inventory plugin says the sandbox was made from."""
    (note,) = (machine.folder / "home/.ansible/tmp").glob("molecule.*.keys")
    root = f"/run/gvisor-molecule-{Scenario(str(project.folder), str(note)).mark('pictured')}"
    source = project.folder / "example.runsc.yml"
    write(source, json.dumps({"plugin": "gvisor.runsc.runsc_containers", "roots": [root]}))
    listed = machine.run(f"ansible-inventory -i {source} --list", environment=ENVIRONMENT).stdout
    ((_name, variables),) = json.loads(listed)["_meta"]["hostvars"].items()
    image = variables["runsc_image"]
    return str(image["__ansible_unsafe"] if isinstance(image, dict) else image)


def test_keys(machine: Machine, project: Project, box: Path) -> None:
    platforms = _platforms(machine.version)
    # How credentials and certificates are treated takes a registry to see; that they get to the bundle is tested apart.
    assert {key for platform in platforms for key in platform} == {"name", *keys.KINDS} - {"auth_file", "tls_verify"}
    project.scenario("keys", {"platforms": platforms}, converge=CONVERGE)
    project.molecule(machine, "converge", "-s", "keys")
    scenario = project.folder / "molecule/keys"
    boxed, pictured, packed = (json.loads((scenario / f"{entry['name']}.json").read_text()) for entry in platforms)

    assert boxed["seen"][:4] == ["boxed", "sleep 1234 ", "blue", "hello"]
    assert {place for place in ("/more", "/scratch", "/shared") if f" {place} " in " ".join(boxed["seen"])} == {
        *("/more", "/scratch", "/shared")
    }
    assert "read-only" in boxed["seen"] and boxed["seen"][-2:] == ["first", "second"]
    assert {"squares", "cubes", "molecule_sandboxes"} <= set(boxed["groups"]) and boxed["tint"] == "dark"
    (folder,) = project.folders(machine)
    resources = json.loads((folder / "box/config.json").read_text(encoding="utf-8"))["linux"]["resources"]
    assert resources["memory"]["limit"] == 512 << 20 and resources["cpu"]["quota"] / resources["cpu"]["period"] == 0.5
    calls = machine.run("cat /srv/calls; ls /srv/logs /srv/root").stdout
    assert {"exec", "start"} <= set(calls.split()) or {"exec", "run"} <= set(calls.split()), calls
    assert f" --platform={machine.version.platform} " in calls and "runsc.log" in calls and ".state" in calls
    # A sentry's last word is the id; with ptrace, the processes in the sandbox look like it.
    sentries = {line.split()[-1]: line for line in machine.look()["processes"] if line.startswith("runsc-sandbox")}
    assert [name for name in sentries if name.startswith("box-")] and len(sentries) == 3
    assert ["--network=host" in line for name, line in sorted(sentries.items())] == [False, False, True]

    assert pictured["seen"][0] == "pictured" and pictured["seen"][1].startswith("sh -c while sleep")
    assert pictured["seen"][2] == "grey" and "may not" not in pictured["seen"]
    assert packed["seen"][0] == "packed" and "may not" in packed["seen"]
    machine.run("test ! -e /srv/box/rootfs/written")

    assert _image(machine, project) == "oci:/srv/layout:1"

    state = next(folder for folder in (machine.folder / "home/.ansible/tmp").glob("molecule.*.keys")) / "state.yml"
    state.write_text(state.read_text().replace("created: true", "created: false"), encoding="utf-8")
    again = project.molecule(machine, "create", "-s", "keys").stdout
    assert _changed(again) == 0

    project.molecule(machine, "destroy", "-s", "keys")
    left = project.left(machine)
    assert left == []
    machine.run("rmdir /srv/root || { ls -la /srv/root >&2; false; }")


def test_what_is_made_by_half_is_removed(machine: Machine, project: Project, box: Path) -> None:
    made = {"name": "made", "archive": "/srv/box.tar"}
    project.scenario("half", {"platforms": [made, {"name": "missing", "archive": "/srv/no.tar"}]}, converge=CONVERGE)
    printed = project.molecule(machine, "create", "-s", "half", check=False).stdout
    assert "/srv/no.tar" in printed and "(item=missing)" in printed
    (folder,) = project.folders(machine)
    assert (folder / "made/config.json").exists()
    # What is no longer in molecule.yml is removed, too.
    project.scenario("half", {"platforms": [{"name": "other", "archive": "/srv/box.tar"}]})
    project.molecule(machine, "destroy", "-s", "half")
    assert project.left(machine) == []
    assert _changed(project.molecule(machine, "destroy", "-s", "half").stdout) == 0


def test_for_users_who_are_not_root(machine: Machine, project: Project, box: Path) -> None:
    """Root may use sudo as well, and so stands for them. Variables of the role go before molecule.yml."""
    variables = {
        # sudo has a PATH of its own, in which runsc may be another one.
        "molecule_platforms": [{"name": "given", "archive": "/srv/box.tar", "runsc_path": str(machine.version.path)}],
        "molecule_privilege_command": "sudo -n",
    }
    playbooks = {
        name: json.dumps([{"import_playbook": f"gvisor.runsc.molecule.{name}", "vars": variables}])
        for name in ("create", "destroy")
    }
    converge = "- hosts: molecule_sandboxes\n  gather_facts: false\n  tasks:\n    - raw: touch /written\n"
    project.scenario("sudo", {"platforms": [{"name": "other", "image": "no"}]}, converge=converge, **playbooks)
    shim = machine.folder / "bin/sudo"
    shim.write_text('#!/bin/sh\necho "$1 $2 $3" >>/srv/sudone\nexec /usr/bin/sudo "$@"\n', encoding="utf-8")
    shim.chmod(0o755)
    project.molecule(machine, "converge", "-s", "sudo")
    assert [path.name for folder in project.folders(machine) for path in folder.glob("[!.]*")] == ["given"]
    # The connection; that the tasks of the role become root is skipped by Ansible for who is root.
    assert "-n /bin/sh -c" in machine.run("cat /srv/sudone").stdout.splitlines()
    instance_config = next((machine.folder / "home/.ansible/tmp").glob("molecule.*.sudo")) / "instance_config.yml"
    assert f"sudo -n {machine.version.path} --root=" in instance_config.read_text(encoding="utf-8")
    project.molecule(machine, "destroy", "-s", "sudo")
    assert project.left(machine) == []


def test_what_runsc_does_not_know_is_refused_before_anything_is_noted(
    machine: Machine, project: Project, box: Path
) -> None:
    platform = {"name": "one", "archive": "/srv/box.tar", "config": {"no-such-flag": "1"}}
    project.scenario("typo", {"platforms": [platform]}, converge=CONVERGE)
    printed = project.molecule(machine, "create", "-s", "typo", check=False).stdout
    assert "no-such-flag" in printed and project.left(machine) == []
    project.molecule(machine, "destroy", "-s", "typo")


def test_faults_are_told(machine: Machine, project: Project) -> None:
    platforms = [{"name": "one", "archive": "/srv/box.tar", "privileged": True}, {"name": "two"}]
    project.scenario("faults", {"platforms": platforms})
    done = project.molecule(machine, "create", "-s", "faults", check=False)
    assert done.rc != 0
    assert "platform 'one': there is no key 'privileged'. There are name, image" in done.stdout
    assert "platform 'two': it has no root file system. Give image, such as" in done.stdout
    assert project.left(machine) == []


def test_without_molecule(machine: Machine, project: Project) -> None:
    write(project.folder / "create.yml", "- import_playbook: gvisor.runsc.molecule.create\n")
    environment = {"ANSIBLE_COLLECTIONS_PATH": str(support.COLLECTIONS)}
    done = machine.run(f"ansible-playbook {project.folder}/create.yml 2>&1", check=False, environment=environment)
    assert done.rc != 0 and "Run this by 'molecule create' or 'molecule destroy'" in done.stdout
