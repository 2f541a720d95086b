# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/connection.md: its playbooks and commands run as written, and print what is shown."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator

from ansible_collections.gvisor.runsc.tests.docs import support
from ansible_collections.gvisor.runsc.tests.docs.support import DOCS, Machine

ENVIRONMENT = {"ANSIBLE_COLLECTIONS_PATH": str(support.COLLECTIONS), "ANSIBLE_LOCALHOST_WARNING": "0"}
SSH = "-F /dev/null -i {key} -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o ControlMaster=no"


@contextlib.contextmanager
def _node(machine: Machine) -> Iterator[dict[str, str]]:
    """The machine is also node7.example.com, into which root may log in by a key; yields the settings of its user."""
    keys = machine.folder / "keys"
    keys.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / name], check=True)
    (keys / "hosts").write_text("127.0.0.1 localhost node7.example.com\n", encoding="ascii")
    options = {
        "HostKey": str(keys / "host"),
        "AuthorizedKeysFile": str(keys / "user.pub"),
        "ListenAddress": "127.0.0.1",
        "PidFile": "none",
        "StrictModes": "no",
        "SetEnv": f"PATH={machine.environment['PATH']}",
    }
    arguments = " ".join(f"-o '{name} {value}'" for name, value in options.items())
    machine.run(
        f"{support.BUSYBOX} ip link set lo up; mkdir -p /run/sshd; mount --bind {keys}/hosts /etc/hosts;"
        f" setsid /usr/sbin/sshd -f /dev/null {arguments} </dev/null >/dev/null 2>&1"
    )
    yield {"ANSIBLE_SSH_ARGS": SSH.format(key=keys / "user")}


def test_the_page_can_be_followed(machine: Machine) -> None:
    archive = os.environ["DEBIAN_ROOTFS"]
    machine.run(f"touch /srv/debian.tar; mount --bind {archive} /srv/debian.tar")
    printed = ""
    shown = 0
    with _node(machine) as settings:
        for block in support.blocks(DOCS / "connection.md"):
            if block.language == "yaml":
                (machine.work / block.file_name).write_text(block.text, encoding="utf-8")
            elif block.language == "shell":
                printed = machine.run(block.text, environment={**ENVIRONMENT, **settings}).stdout
            else:
                shown += 1
                assert support.matches(block.text, printed), printed
        again = machine.run("ansible-playbook -i hosts.yml site.yml", environment={**ENVIRONMENT, **settings}).stdout
    assert shown == 2 and "changed=0" in again
