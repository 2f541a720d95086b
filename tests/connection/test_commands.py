# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands in a container: their exit codes, streams, users and surroundings."""

from __future__ import annotations

import pytest

from ansible_collections.gvisor.runsc.tests.connection.support import Site, quoted

ALL_BYTES = bytes(range(256))


def test_exit_codes_are_exact(shared: Site) -> None:
    connection = shared.connection()
    for code in (0, 1, 2, 126, 127, 128, 137, 254, 255):
        assert connection.exec_command(f"exit {code}", sudoable=False)[0] == code
    assert connection.exec_command("kill -KILL $$", sudoable=False)[0] == 137
    assert connection.exec_command("no-such-program", sudoable=False)[0] == 127


def test_a_failed_command_is_no_unreachable_host(shared: Site) -> None:
    words = "loading container: file does not exist"
    ran = shared.ran(f"echo {words!r} >&2; exit 128")
    assert (ran.rc, ran.stderr.decode()) == (128, f"{words}\n")


def test_streams_are_apart_and_hold_any_bytes(shared: Site) -> None:
    ran = shared.ran("cat; printf 'no line end' >&2", ALL_BYTES)
    assert (ran.rc, ran.stdout, ran.stderr) == (0, ALL_BYTES, b"no line end")
    ran = shared.ran("cat >&2", ALL_BYTES)
    assert (ran.rc, ran.stdout, ran.stderr) == (0, b"", ALL_BYTES)


def test_much_data_both_ways_at_once(shared: Site) -> None:
    data = ALL_BYTES * 8192
    assert shared.ran("cat", data) == (0, data, b"")


def test_a_command_need_not_read_its_input(shared: Site) -> None:
    assert shared.ran("true", ALL_BYTES * 8192) == (0, b"", b"")


def test_without_input_there_is_none(shared: Site) -> None:
    assert shared.ran("cat; test -t 0 || echo no terminal") == (0, b"no terminal\n", b"")


def test_a_background_process_does_not_delay_the_end(near: Site) -> None:
    near.make()
    assert near.ran("sleep 100 & echo started") == (0, b"started\n", b"")


@pytest.mark.parametrize("text", ["汉语", "\udcff\udcfe", "a'b\"c\nd", "$HOME `id` \\ *", "one, two", "detach"])
def test_commands_may_hold_any_text(shared: Site, text: str) -> None:
    ran = shared.ran(quoted("printf", "%s", text))
    assert ran == (0, text.encode("utf-8", "surrogateescape"), b"")


def test_the_containers_own_user_folder_and_environment(site: Site) -> None:
    user = {"uid": 1234, "gid": 4321, "additionalGids": [77]}
    site.make(changes={"process": {"user": user, "cwd": "/tmp", "env": ["PATH=/bin", 'cwd":"/proc=x', "A=b,c"]}})
    assert site.out("id; pwd; echo $A $HOME").splitlines() == [
        "uid=1234(app) gid=4321(app) groups=77(logs)",
        "/tmp",
        "b,c /home/app",
    ]


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("1234", "uid=1234(app) gid=0(root) app /home/app"),
        ("1234:4321", "uid=1234(app) gid=4321(app) app /home/app"),
        ("app", "uid=1234(app) gid=4321(app) groups=77(logs),78(tapes) app /home/app"),
        ("app:logs", "uid=1234(app) gid=77(logs) app /home/app"),
        ("root", "uid=0(root) gid=0(root) root /"),
        ("55", "uid=55 gid=0(root) /"),
    ],
)
def test_another_user(shared: Site, user: str, expected: str) -> None:
    assert " ".join(shared.out("id; echo $USER $HOME", ansible_runsc_user=user).split()) == expected


def test_a_user_who_is_not_there(shared: Site) -> None:
    assert "there is no user 'nobody-here' in the container" in shared.unreachable(ansible_runsc_user="nobody-here")
    assert "there is no group 'none' in the container" in shared.unreachable(ansible_runsc_user="app:none")


def test_another_shell(shared: Site) -> None:
    assert shared.out("echo $0", ansible_runsc_executable="/bin/ash") == "/bin/ash\n"
    reason = shared.unreachable(ansible_runsc_executable="/bin/zsh")
    assert "failed to load /bin/zsh" in reason and "ansible_runsc_executable" in reason


def test_in_a_pod(site: Site) -> None:
    def annotations(kind: str) -> dict[str, str]:
        return {
            f"io.kubernetes.cri.{name}": value for name, value in (("container-type", kind), ("sandbox-id", site.id))
        }

    site.make(changes={"annotations": annotations("sandbox")})
    member = site.make(f"{site.prefix}b", changes={"annotations": annotations("container"), "hostname": "member"})
    assert site.out("touch /tmp/here; ls /tmp", ansible_runsc_container=member) == "here\n"
    assert site.out("ls /tmp") == ""
    site.remove(member)
