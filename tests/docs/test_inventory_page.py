# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/inventory.md: its commands run as written, and print what is shown, with the machines that it names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.gvisor.runsc.tests.docs import support
from ansible_collections.gvisor.runsc.tests.docs.support import DOCS, Machine

PAGE = DOCS / "inventory.md"
# The addresses of the page, its stock on each of two machines, and a server for ssh. Each has a /run of its own.
PREPARE = """
ip link set lo up
for name in host user; do ssh-keygen -q -t ed25519 -N '' -f ../$name; done
for number in 11 12; do
    ip address add 192.0.2.$number/32 dev lo
    echo "192.0.2.$number $(cat ../host.pub)" >>../known_hosts
    cat >../sshd_$number <<END
ListenAddress 192.0.2.$number
HostKey $PWD/../host
AuthorizedKeysFile $PWD/../user.pub
StrictModes no
UsePAM no
PidFile none
SetEnv PATH=$PATH
END
done
start() {
    unshare --mount --propagation private sh -euc '
        mount -t tmpfs tmpfs /run
        mkdir -m 755 /run/sshd
        runsc --network=none run --detach --bundle="$1" "$2" </dev/null >/dev/null 2>&1
        exec /usr/sbin/sshd -D -f "$3"
    ' sh "$@" </dev/null >/dev/null 2>&1 &
}
start "$PWD/../bundle" stock-1 "$PWD/../sshd_11"
start "$PWD/../bundle" stock-2 "$PWD/../sshd_12"
for address in 192.0.2.11 192.0.2.12; do
    until ssh-keyscan -T 1 "$address" 2>/dev/null | grep -q ed25519; do sleep 0.1; done
done
"""


@pytest.fixture
def environment(machine: Machine) -> Iterator[dict[str, str]]:
    """What a reader has set up: keys for ssh, and a collection that is found."""
    machine.look("stock-1", "stock-2", "cart-1", "cart-2", "cart-test")
    machine.run(support.bundle_script(str(machine.folder / "bundle"), "sleep 1000000", hostname="stock"))
    machine.run(PREPARE)
    folder = machine.folder
    options = f"-i {folder}/user -o UserKnownHostsFile={folder}/known_hosts"
    yield {
        "ANSIBLE_COLLECTIONS_PATH": str(support.COLLECTIONS),
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_SSH_ARGS": f"{options} -o ControlMaster=no",
    }


def test_the_page_can_be_followed(machine: Machine, environment: dict[str, str]) -> None:
    printed = ""
    shown = 0
    for block in support.blocks(PAGE):
        if block.language == "yaml":
            (machine.work / block.file_name).write_text(block.text, encoding="utf-8")
        elif block.language == "shell":
            printed = machine.run(block.text, environment=environment).stdout
        else:
            shown += 1
            assert support.matches(block.text, printed), printed
    assert shown == 5
    again = machine.run("ansible-playbook shop.yml", environment=environment).stdout
    assert "changed=0" in again
