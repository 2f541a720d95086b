# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From options to an OCI configuration: what each of them becomes, and what is said about a wrong one."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils import bundle_values as values
from ansible_collections.gvisor.runsc.plugins.module_utils.bundle_config import (
    PARSERS,
    Found,
    build_config,
    merge_patch,
    parse,
)
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import UsageError

IMAGE = {"Entrypoint": ["/entry"], "Cmd": ["a", "b"], "Env": ["PATH=/bin", "A=1"], "WorkingDir": "/srv"}


def built(image: t.Mapping[str, t.Any] | None = None, **options: t.Any) -> dict[str, t.Any]:
    """Return the configuration that options make."""
    given = options if image is not None or "spec" in options else {"args": ["sleep"], **options}
    return build_config(parse(given), Found(image=image or {}))


@pytest.mark.parametrize(
    ("options", "args"),
    [
        ({}, ["/entry", "a", "b"]),
        ({"args": []}, ["/entry"]),
        ({"args": ["c"]}, ["/entry", "c"]),
        ({"command": "'c d'"}, ["/entry", "c d"]),
        ({"entrypoint": ["x"]}, ["x"]),
        ({"entrypoint": [], "args": ["c"]}, ["c"]),
    ],
)
def test_the_command_is_that_of_docker(options: dict[str, t.Any], args: list[str]) -> None:
    assert built(IMAGE, **options)["process"]["args"] == args


def test_the_environment() -> None:
    env = built(IMAGE, env={"A": "2", "B": ""}, secret_env={"B": "3"})["process"]["env"]
    assert env == ["PATH=/bin", "A=2", "B=3"]
    assert built()["process"]["env"] == ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]


def test_what_was_not_given_is_not_what_is_empty() -> None:
    assert "additionalGids" not in built()["process"]["user"]
    assert built(additional_gids=[])["process"]["user"]["additionalGids"] == []
    assert built(IMAGE, workdir="/")["process"]["cwd"] == "/"
    assert built(IMAGE)["process"]["cwd"] == "/srv"


def test_nothing_to_run() -> None:
    with pytest.raises(UsageError, match="args: none given"):
        built({})


def test_the_volumes_of_an_image() -> None:
    def mounts(**options: t.Any) -> dict[str, str]:
        image = {"Cmd": ["x"], "Volumes": {"/data": {}, "/tmp": {}}}
        return {mount["destination"]: mount["type"] for mount in built(image, **options)["mounts"]}

    assert mounts() == {"/proc": "proc", "/dev": "tmpfs", "/sys": "sysfs", "/tmp": "tmpfs", "/data": "tmpfs"}
    assert mounts(volumes=["/srv:/data"])["/data"] == "bind"


@pytest.mark.parametrize(
    ("value", "size"),
    [("1", 1), ("512M", 512 << 20), ("2g", 2 << 30), ("1 KiB", 1024), ("3TB", 3 << 40), (77, 77), ("-1", -1)],
)
def test_sizes(value: t.Any, size: int) -> None:
    assert values.size("memory", value) == size


# RFC 7396, appendix A
@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch(target: t.Any, patch: t.Any, result: t.Any) -> None:
    assert merge_patch(target, patch) == result


WRONG: list[tuple[str, t.Any, str]] = [
    ("entrypoint", ["a\0"], "holds NUL"),
    ("args", ["a\0"], "holds NUL"),
    ("command", "'", "can't be split"),
    ("env", {"A": 1}, "the value of 'A' is 1"),
    ("secret_env", {"A": 4711}, "the value of 'A' is no text"),
    ("workdir", "tmp", "'tmp' is not an absolute path"),
    ("user", "a:b:c", "'a:b:c' is not a user"),
    ("additional_gids", [-1], "-1 is not the number of a group"),
    ("capabilities", {"add": ["CAP_NET_BIND_SERVICES"]}, "did you mean 'CAP_NET_BIND_SERVICE'"),
    ("rlimits", [{"type": "files", "soft": 1}], "rlimits[0].type: 'files' is not a limit"),
    ("rlimits", [{"type": "core", "soft": 3, "hard": 2}], "rlimits[0].soft: 3 is above hard, 2"),
    ("rlimits", [{"type": "core", "soft": -1, "hard": 2}], "rlimits[0].soft: -1 is above hard, 2"),
    ("rlimits", [{"type": "core", "soft": 1}, {"type": "CORE", "soft": 1}], "rlimits[1].type: 'CORE' is given twice"),
    ("rlimits", [{"type": "core", "soft": -2}], "-2 is not a limit"),
    ("mounts", [{"destination": "x", "type": "tmpfs"}], "mounts[0].destination: 'x' is not a place for a mount"),
    ("mounts", [{"destination": "/x", "type": "bind"}], "mounts[0].source: None is no source of a bind mount"),
    ("mounts", [{"destination": "/x"}], "mounts[0].type: None is no type"),
    ("volumes", ["/a"], "volumes[0]: '/a' is not a volume"),
    ("volumes", ["/a:/b", "/c:/b/"], "volumes: '/b' is mounted twice"),
    ("volumes", ["data:/b"], "volumes[0]: 'data:/b' is not a volume"),
    ("volumes", ["/a:/b:rox"], "volumes[0]: 'rox' is not a mount option"),
    ("volumes", ["/a:/b:size=5"], "volumes[0]: 'size=5' is not a mount option"),
    ("tmpfs", ["/a:size=huge"], "tmpfs[0]: 'size=huge' is not a mount option"),
    ("tmpfs", ["/a:rbind"], "tmpfs[0]: 'rbind' is not a mount option"),
    ("tmpfs", ["/a:mode=999"], "tmpfs[0]: 'mode=999' is not a mount option"),
    ("tmpfs", ["/"], "tmpfs[0]: '/' is not a place for a mount"),
    ("hostname", "a b", "'a b' is not a host's name"),
    ("network_namespace", "web", "'web' is not an absolute path"),
    ("memory", "lots", "'lots' is not a size"),
    ("memory_swap", "0", "'0' is not a size"),
    ("cpus", 0.001, "0.001 is too little"),
    ("cpu_shares", 1, "1 is too little"),
    ("cpuset", "a", "'a' is not a list of CPUs"),
    ("pids_limit", 0, "0 is not a limit"),
    ("cgroup_path", "", "is empty"),
    ("annotations", {"a": 1}, "is the value of 'a', and no text"),
    ("flag_overrides", {"debug": []}, "is no value for the flag 'debug'"),
    ("mount_hints", [{"name": "a.b", "source": "/"}], "mount_hints[0].name: 'a.b' is no name"),
    ("rootfs_overlay", "", "is empty"),
    ("sandbox", "", "is empty"),
]


@pytest.mark.parametrize(("option", "value", "message"), WRONG)
def test_what_makes_no_sense_is_told(option: str, value: t.Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse({option: value})
    assert str(caught.value).startswith(option)
    assert message in str(caught.value)
    assert "4711" not in str(caught.value)


def test_every_option_has_a_wrong_value() -> None:
    assert {option for option, _value, _message in WRONG} == set(PARSERS)


def test_all_problems_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        parse({"memory": "x", "cpus": 0, "cpuset": "y"})
    lines = str(caught.value).splitlines()
    assert lines[0] == "3 options are wrong:"
    assert [line.split(":")[0] for line in lines[1:]] == ["- memory", "- cpus", "- cpuset"]
