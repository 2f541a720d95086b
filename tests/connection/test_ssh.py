# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is ssh's own: its options work as users know them, and its failures are told as such."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.tests.connection.support import Site, Sshd, quoted
from ansible_collections.gvisor.runsc.tests.modules.support import processes

PASSWORD = "open sesame"
HASH = "$6$saltsalt$e/5XKibXPLqVcfjpD.ouauaJrAOL5V0uo80Lt7n7EbRdRiCx3HbQ90yjOHr.G0T.mx79PEMRy8nmtr0qSYhQp1"
_NUMBERS = itertools.count()


@pytest.fixture
def remote(near: Site, sshd: Sshd) -> Iterator[Site]:
    """A running container on a node that is reached by ssh."""
    near.way = sshd.variables
    near.make()
    yield near


@pytest.fixture
def password_sshd(base: Path) -> Iterator[Sshd]:
    """An sshd that wants root's password, which is another one for it than for the rest of this machine."""
    server = Sshd(base / f"s{next(_NUMBERS)}", PasswordAuthentication="yes", PubkeyAuthentication="no")
    shadow = server.folder / "shadow"
    shadow.write_text(f"root:{HASH}:20000:0:99999:7:::\n", encoding="utf-8")
    with server.serving(f"mount --bind {shadow} /etc/shadow"):
        yield server
    shutil.rmtree(server.folder)


def test_one_connection_serves_many_commands(remote: Site, sshd: Sshd) -> None:
    def logins() -> int:
        return sshd.log.read_text(encoding="utf-8").count("Accepted publickey")

    assert remote.out("echo first") == "first\n"
    before = logins()
    assert remote.out("echo second") == "second\n"
    assert logins() == before
    connection = remote.connection()
    connection.reset()
    assert connection.exec_command("echo third", sudoable=False)[1] == b"third\n"
    assert logins() == before + 1


def test_without_one_that_is_kept_open(remote: Site) -> None:
    assert remote.ran("cat", b"data", ansible_ssh_args="-o ControlMaster=no") == (0, b"data", b"")


def test_a_terminal_that_the_options_ask_for_is_not_made(remote: Site) -> None:
    data = bytes(range(256))
    assert remote.ran("cat", data, ansible_ssh_extra_args="-tt -o ControlPath=none") == (0, data, b"")


def test_through_a_jump_host(remote: Site, sshd: Sshd) -> None:
    key = str(sshd.folder / "user")
    known = f"UserKnownHostsFile={sshd.folder / 'known'}"
    proxy = quoted(
        "ssh", "-F", "/dev/null", "-i", key, "-o", known, "-p", str(sshd.port), "-W", "%h:%p", "root@127.0.0.1"
    )
    arguments = f"-F /dev/null -o {known} -o ControlPath=none -o ProxyCommand={quoted(proxy)}"
    before = sshd.log.read_text(encoding="utf-8").count("Accepted publickey")
    assert remote.out("echo there", ansible_ssh_common_args=arguments) == "there\n"
    assert sshd.log.read_text(encoding="utf-8").count("Accepted publickey") == before + 2


@pytest.mark.parametrize("variable", ["ansible_password", "ansible_ssh_pass"])
def test_a_password(remote: Site, password_sshd: Sshd, variable: str) -> None:
    remote.way = {**password_sshd.variables, "ansible_ssh_private_key_file": None}
    assert remote.ran("cat", b"data", **{variable: PASSWORD}) == (0, b"data", b"")
    assert remote.ran("cat", b"data", **{variable: PASSWORD}) == (0, b"data", b"")
    remote.connection().reset()
    assert "Permission denied" in remote.unreachable(**{variable: "shut sesame"})
    assert not any(PASSWORD in " ".join(words) for _pid, words in processes())


def test_a_host_key_that_is_not_known(remote: Site, sshd: Sshd) -> None:
    fresh = {"ansible_ssh_common_args": "-F /dev/null -o UserKnownHostsFile=/dev/null -o ControlPath=none"}
    assert "Host key verification failed" in remote.unreachable(**fresh)
    assert remote.out("echo there", ansible_host_key_checking=False, **fresh) == "there\n"


def test_a_node_that_is_not_there(remote: Site) -> None:
    reason = remote.unreachable(ansible_port=1)
    assert reason.startswith("Failed to connect to the host via ssh: ") and "Connection refused" in reason


def test_connecting_is_tried_again_where_the_user_wants_that(remote: Site) -> None:
    ssh = remote.folder / "ssh"
    ssh.write_text(
        '#!/bin/sh\necho >>"$0.used"\n[ "$(wc -l <"$0.used")" -gt 1 ] || exit 255\nexec ssh "$@"\n', encoding="utf-8"
    )
    ssh.chmod(0o755)
    changed = {"ansible_ssh_executable": str(ssh)}
    assert "Failed to connect" in remote.unreachable(**changed)
    (remote.folder / "ssh.used").unlink()
    assert remote.ran("cat; exit 255", b"data", ansible_ssh_retries=1, **changed) == (255, b"data", b"")
    assert len((remote.folder / "ssh.used").read_text(encoding="utf-8")) == 2


def test_a_login_shell_that_talks(base: Path, near: Site) -> None:
    server = Sshd(base / f"s{next(_NUMBERS)}", SetEnv=f"BASH_ENV={base}/talk TMPDIR={near.tmp}")
    (base / "talk").write_text("echo welcome; echo welcome >&2\n", encoding="utf-8")
    near.way = server.variables
    near.make()
    with server.serving():
        assert near.ran("cat", b"data") == (0, b"data", b"")
        assert "the login on the node worked, but no command could be run there" in near.unreachable(
            ansible_runsc_privilege_command="/no/sudo"
        )
    shutil.rmtree(server.folder)
