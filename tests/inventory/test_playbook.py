# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three sandboxes on two machines, managed by a playbook with the inventory alone: nothing else is configured."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.tests.inventory.support import Ground, Machine
from ansible_collections.gvisor.runsc.tests.modules.support import eventually, merged, processes

SITE = """
- name: What any host can be told
  hosts: team_blue
  gather_subset: ["!all", "!min", distribution]
  tasks:
    - name: A file from a template, with what is known of the container and of the sandbox
      ansible.builtin.copy:
        content: "{{ runsc_id }} on {{ runsc_node }} is {{ ansible_facts.distribution }}\\n"
        dest: /srv/who am I
        mode: "0640"

    - name: A command
      ansible.builtin.shell:
        cmd: cat '/srv/who am I'; uname -r
      register: said
      changed_when: false

    - name: What it says
      ansible.builtin.debug:
        msg: "{{ said.stdout_lines | join(' ') }}"
"""


@pytest.fixture(scope="session")
def debian(base: Path) -> Path:
    """The root file system of a Debian with python3. Bundles mount it read-only."""
    folder = base / "debian"
    folder.mkdir()
    tar = ["tar", "-C", str(folder), "--exclude=./dev/*", "-xf", os.environ["DEBIAN_ROOTFS"]]
    subprocess.run(tar, check=True, stdin=subprocess.DEVNULL, timeout=120)
    return folder


@pytest.fixture
def disconnected(ground: Ground) -> Iterator[None]:
    """Log out in the end, which Ansible's ssh does by itself after a minute."""
    yield
    for control in ground.folder.glob("home/.ansible/cp/*"):
        argv = ["ssh", "-O", "exit", "-o", f"ControlPath={control}", "machine"]
        subprocess.run(argv, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=20)
    eventually(lambda: not [pid for pid, argv in processes() if str(ground.folder / "home") in argv[0]], "the logout")


@pytest.mark.usefixtures("disconnected")
def test_three_sandboxes_on_two_machines(ground: Ground, debian: Path, machines: tuple[Machine, Machine]) -> None:
    tmpfs = [{"destination": place, "type": "tmpfs", "source": "tmpfs"} for place in ("/srv", "/tmp", "/root")]
    proc = {"destination": "/proc", "type": "proc", "source": "proc"}
    env = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
    debian_spec = {"root": {"path": str(debian)}, "mounts": [proc, *tmpfs], "process": {"env": env}}
    ground.config = merged(ground.config, debian_spec)
    roots = {name: ground.root(name) for name in ("left", "right")}
    blue = {"com.example.team": "blue"}
    wanted = {f"{ground.make(roots[node], annotations=blue)}@{node}" for node in ("left", "left", "right")}
    ground.make(roots["right"], annotations={"com.example.team": "red"})
    nodes = {
        name: {**machine.variables, "ansible_runsc_root": str(roots[name])}
        for name, machine in zip(("left", "right"), machines, strict=True)
    }
    keyed = [{"key": "runsc_annotations['com.example.team']", "prefix": "team"}]
    inventory = ground.write(nodes=nodes, keyed_groups=keyed).rename(ground.folder / "example.runsc.yml")
    (ground.folder / "site.yml").write_text(SITE, encoding="utf-8")
    environment = {name: value for name, value in ground.environment.items() if name != "ANSIBLE_SSH_ARGS"}

    def play() -> str:
        argv = [ground.program("ansible-playbook"), "-i", inventory.name, "site.yml"]
        done = subprocess.run(
            argv,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            cwd=ground.folder,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    printed = play()
    assert dict(re.findall(r"^(\S+) +: .* changed=(\d+) ", printed, re.M)) == dict.fromkeys(wanted, "1"), printed
    for host in wanted:
        name, _at, node = host.partition("@")
        assert f'"msg": "{name} on {node} is Debian 4.4.0"' in printed, printed
    again = play()
    assert dict(re.findall(r"^(\S+) +: .* changed=(\d+) ", again, re.M)) == dict.fromkeys(wanted, "0"), again
