# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changing the user in the container: by su with a password, by sudo where it asks for none, by our own become method."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.playbook.play_context import PlayContext
from ansible.plugins.become import BecomeBase
from ansible.plugins.connection import ConnectionBase
from ansible.plugins.loader import become_loader, connection_loader

from ansible_collections.gvisor.runsc.tests.connection.support import PLUGIN, Site
from ansible_collections.gvisor.runsc.tests.modules.support import Json

PASSWORD = "open sesame"
HASH = "$6$saltsalt$e/5XKibXPLqVcfjpD.ouauaJrAOL5V0uo80Lt7n7EbRdRiCx3HbQ90yjOHr.G0T.mx79PEMRy8nmtr0qSYhQp1"
# As Debian has it, but for the line that spares root the question: gVisor does not honour set-user-ID, so only root can su.
PAM = "auth required pam_unix.so\naccount required pam_permit.so\nsession required pam_permit.so\n"


@pytest.fixture(scope="module", autouse=True)
def password(debian: Path) -> Iterator[None]:
    """The user daemon has a password, for which su asks everybody."""
    (debian / "etc/hosts").write_text("127.0.0.1 localhost\n", encoding="utf-8")  # or sudo complains
    shadow, pam = debian / "etc/shadow", debian / "etc/pam.d/su"
    before = shadow.read_text(encoding="utf-8"), pam.read_text(encoding="utf-8")
    shadow.write_text(before[0].replace("daemon:*:", f"daemon:{HASH}:"), encoding="utf-8")
    pam.write_text(PAM, encoding="utf-8")
    yield
    shadow.write_text(before[0], encoding="utf-8")
    pam.write_text(before[1], encoding="utf-8")


def _become(connection: ConnectionBase, method: str, **options: Any) -> BecomeBase:
    become = become_loader.get(method)
    assert isinstance(become, BecomeBase)
    become.set_options(direct=options)
    connection.set_become_plugin(become)
    return become


def _run(site: Site, method: str, command: str, data: bytes | None, **options: Any) -> tuple[int, str, str]:
    """Run a command as Ansible does, by a become method."""
    timeout = options.pop("timeout", None)
    connection = site.connection(**({"ansible_runsc_timeout": timeout} if timeout else {}))
    become = _become(connection, method, **options)
    rc, out, err = connection.exec_command(become.build_become_command(command, connection._shell), in_data=data)
    return rc, out.decode(), err.decode()


def test_su_with_a_password(distribution: Site) -> None:
    become: Json = {"become_user": "daemon", "become_flags": "-s /bin/sh", "become_pass": PASSWORD}
    assert _run(distribution, "su", "id -un", None, **become) == (0, "daemon\n", "")
    assert _run(distribution, "su", "cat; id -un >&2; exit 7", b"data", **become) == (7, "data", "daemon\n")
    with pytest.raises(AnsibleError, match="Incorrect su password"):
        _run(distribution, "su", "id -un", None, **{**become, "become_pass": "shut sesame"})
    with pytest.raises(AnsibleError, match="Missing su password"):
        _run(distribution, "su", "id -un", None, **{**become, "become_pass": None})
    assert not any("su daemon" in line for line in distribution.inside())


def test_sudo_without_a_password(distribution: Site) -> None:
    become: Json = {"become_user": "daemon", "become_flags": "-H -S -n", "become_pass": None}
    assert _run(distribution, "sudo", "cat; id -un >&2; exit 7", b"data", **become) == (7, "data", "daemon\n")


def test_a_password_that_nobody_asks_for_is_not_sent(distribution: Site) -> None:
    become: Json = {"become_user": "daemon", "become_flags": "-H -S", "become_pass": PASSWORD}
    assert _run(distribution, "sudo", "cat", b"data", **become) == (0, "data", "")


def test_a_method_that_never_ends(distribution: Site) -> None:
    become: Json = {"become_user": "daemon", "become_flags": "", "become_exe": "sleep 4321 #", "become_pass": PASSWORD}
    with pytest.raises(AnsibleConnectionFailure, match=r"Timeout .* waiting for su to succeed"):
        _run(distribution, "su", "true", None, timeout=2, **become)
    assert not any("sleep 4321" in line for line in distribution.inside())


def test_a_method_that_asks_again(shared: Site) -> None:
    twice = "sh -c 'for time in 1 2; do printf Password: >&2; read -r answer; done' #"
    with pytest.raises(AnsibleError, match="Incorrect su password"):
        _run(shared, "su", "true", None, become_user="app", become_exe=twice, become_flags="", become_pass=PASSWORD)


def test_a_method_that_is_not_there(distribution: Site) -> None:
    become: Json = {"become_user": "daemon", "become_exe": "/no/su", "become_flags": "", "become_pass": "x"}
    rc, out, err = _run(distribution, "su", "true", None, **become)
    assert (rc, out) == (127, "") and "/no/su" in err


def test_our_own_method_needs_neither(shared: Site) -> None:
    assert _run(shared, PLUGIN, "id -u; id -G; cat", b"data", become_user="app") == (0, "1234\n4321 77 78\ndata", "")
    connection = shared.connection(ansible_runsc_user="app")
    become = _become(connection, PLUGIN)
    command = become.build_become_command("id -u", connection._shell)
    assert connection.exec_command(command) == (0, b"0\n", b"")
    assert connection.exec_command("id -u", sudoable=False) == (0, b"1234\n", b"")


@pytest.mark.parametrize(
    ("name", "value"),
    [("ansible_become_user", "app"), ("ansible_runsc_become_user", "1234"), ("ANSIBLE_RUNSC_BECOME_USER", "app")],
)
def test_where_our_own_method_takes_the_user_from(
    near: Site, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    near.make()
    connection = near.connection()
    become = _become(connection, PLUGIN)
    if name.isupper():
        monkeypatch.setenv(name, value)
    become.set_options(var_options={} if name.isupper() else {name: value})
    command = become.build_become_command("id -u", connection._shell)
    assert connection.exec_command(command) == (0, b"1234\n", b"")


@pytest.mark.parametrize(("user", "kind"), [("nobody-here", "user"), ("app:none", "group")])
def test_our_own_method_fails_for_who_is_not_there(shared: Site, user: str, kind: str) -> None:
    with pytest.raises(AnsibleError, match=f"there is no {kind} '.*' in the container") as failure:
        _run(shared, PLUGIN, "id", None, become_user=user)
    assert not isinstance(failure.value, AnsibleConnectionFailure)  # the host is there, and other tasks may go on


def test_our_own_method_refuses_other_connections() -> None:
    connection = connection_loader.get("ansible.builtin.local", PlayContext())
    with pytest.raises(AnsibleError, match="works with the connection of the same name only"):
        _become(connection, PLUGIN).build_become_command("id", connection._shell)
