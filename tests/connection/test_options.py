# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each option from each of its sources, and what it does."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.gvisor.runsc.tests.connection.support import Site
from ansible_collections.gvisor.runsc.tests.modules.support import Json


def _call(site: Site, **changes: Any) -> str:
    """Return the arguments of runsc for one command."""
    shim = site.shim()
    assert site.ran("true", **{"ansible_runsc_path": str(shim), **changes}).rc == 0
    (call,) = shim.with_suffix(".calls").read_text(encoding="utf-8").splitlines()
    return call


def test_the_flags_of_runsc(near: Site) -> None:
    near.make()
    call = _call(near, ansible_runsc_extra_args=f"--debug --debug-log='{near.folder}/my logs/'")
    assert f"--root={near.root} --platform={near.version.platform} --network=none --debug" in call
    assert list((near.folder / "my logs").iterdir())
    assert "--network" not in _call(near, ansible_runsc_network=None, ansible_runsc_extra_args=["--debug=false"])
    assert "--platform" not in _call(near, ansible_runsc_platform=None)


@pytest.mark.parametrize("flags", ["debug", "--root=/elsewhere", ["--log", "/x"], "--a 'b"])
def test_flags_that_can_not_be_given(near: Site, flags: Any) -> None:
    with pytest.raises(AnsibleError, match=r"ansible_runsc_extra_args|can't be split"):
        near.ran("true", ansible_runsc_extra_args=flags)


def test_a_relative_root(near: Site) -> None:
    with pytest.raises(AnsibleError, match="ansible_runsc_root: 'run' is not an absolute path"):
        near.ran("true", ansible_runsc_root="run")


def test_the_privilege_command_comes_first(site: Site) -> None:
    site.make()
    gate = site.folder / "gate"
    gate.write_text(
        '#!/bin/sh\necho noise; echo noise >&2\necho "$1" >>"$0.used"; shift\nexec "$@"\n', encoding="utf-8"
    )
    gate.chmod(0o755)
    ran = site.ran("cat", b"data", ansible_runsc_privilege_command=f"{gate} 'two words'")
    assert ran == (0, b"data", b"")
    assert (site.folder / "gate.used").read_text(encoding="utf-8") == "two words\n"
    reason = site.unreachable(ansible_runsc_privilege_command="/bin/sh -c 'echo not allowed >&2; exit 1'")
    assert "not allowed" in reason


def test_environment_variables(near: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    near.make()
    given = {
        "ROOT": str(near.root),
        "PATH": near.version.path,
        "PLATFORM": near.version.platform,
        "NETWORK": "none",
        "USER": "1234",
        "EXECUTABLE": "/bin/ash",
        "EXTRA_ARGS": "--debug=false",
        "TRANSPORT": "local",
        "PRIVILEGE_COMMAND": "env",
        "TIMEOUT": "77",
        "PIPELINING": "no",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"ANSIBLE_RUNSC_{name}", value)
    unset: Json = dict.fromkeys([name for name in near.variables() if name != "ansible_runsc_container"])
    connection = near.connection(**unset)
    assert connection.exec_command("id -u; echo $0", sudoable=False) == (0, b"1234\n/bin/ash\n", b"")
    assert connection.get_option("timeout") == 77
    assert connection.is_pipelining_enabled() is False


def test_settings_in_a_file(near: Site) -> None:
    near.make()
    lines = {
        "root": near.root,
        "path": near.version.path,
        "platform": near.version.platform,
        "network": "none",
        "user": "1234",
        "executable": "/bin/ash",
        "extra_args": "--debug=false",
        "transport": "local",
        "privilege_command": "env",
        "timeout": "77",
        "pipelining": "no",
    }
    file = near.folder / "ansible.cfg"
    text = "".join(f"{name} = {value}\n" for name, value in lines.items())
    file.write_text(f"[runsc_connection]\n{text}", encoding="utf-8")
    unset: Json = dict.fromkeys([name for name in near.variables() if name.startswith("ansible_runsc_")])
    inventory = near.inventory({near.id: {}}, **unset)
    raw = ("all", "-m", "raw", "-a", "id -u; echo $0")
    output = near.ansible("ansible", *raw, inventory=inventory, environment={"ANSIBLE_CONFIG": str(file)})
    assert "1234\n/bin/ash" in output


def test_the_keyword_remote_user(site: Site) -> None:
    """Here it is the user in the container. Over ssh it is the user on the node, for whom the inventory has a variable."""
    site.make()
    keywords = {"remote_user": "app"}
    rc, out, _err = site.connection(keywords=keywords).exec_command("id -u", sudoable=False)
    assert (rc, out) == (0, b"0\n" if site.way else b"1234\n")
    assert site.connection(keywords=keywords, ansible_runsc_user="55").get_option("remote_user") == "55"


@pytest.mark.parametrize(("given", "expected"), [({}, True), ({"ansible_pipelining": "no"}, False)])
def test_pipelining_is_on_unless_it_is_switched_off(shared: Site, given: Json, expected: bool) -> None:
    connection = shared.connection(**given)
    assert connection.get_option("pipelining") is expected
    assert connection.is_pipelining_enabled() is expected
