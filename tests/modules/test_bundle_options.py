# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""runsc_bundle: what each option does to a container, seen from inside it and from the host."""

from __future__ import annotations

import json
import os
import socket
import threading
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.tests.modules.support import Json, Place, versions

NEWER = [version.label for version in versions() if "2022" not in version.label]


class Bundle:
    """A bundle of one test, and the container from it."""

    def __init__(self, place: Place, source: Path) -> None:
        self.place = place
        self.path = place.folder / "made"
        self.source = source

    def make(self, **options: object) -> Json:
        """Make the bundle; it sleeps and nobody can write to its root file system, if the options do not say otherwise."""
        given: Json = {"path": str(self.path), "rootfs": str(self.source), "args": ["sleep", "1000"], "readonly": True}
        given.update({"env": {"PATH": "/bin"}, **options})
        made: Json = self.place.good("runsc_bundle", **given)
        assert not self.place.good("runsc_bundle", **given)["changed"]
        return made

    def run(self, *, runsc: Json | None = None, **options: object) -> Json:
        """Make the bundle and run a container from it; return the configuration."""
        made = self.make(**options)
        self.place.container(bundle=str(self.path), **(runsc or {}))
        config: Json = made["config"]
        return config

    def ask(self, script: str) -> str:
        """Return what a shell script in the container prints."""
        printed: str = self.place.exec("sh", "-c", script)["stdout"]
        return printed

    def cgroup(self, controller: str, name: str, group: str = "") -> str:
        """Return a file of the container's control group."""
        path = Path("/sys/fs/cgroup") / controller / (group or self.place.id).lstrip("/") / name
        return path.read_text(encoding="ascii").strip()


@pytest.fixture
def bundle(place: Place, source: Path) -> Bundle:
    """A bundle."""
    return Bundle(place, source)


def test_defaults(bundle: Bundle) -> None:
    bundle.run(env={})
    found = bundle.ask("id -u; hostname; pwd; echo $PATH; grep -E '^(CapEff|NoNewPrivs)' /proc/self/status").split("\n")
    assert found[:3] == ["0", "made", "/"]
    assert found[3] == "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    # KILL is 5, NET_BIND_SERVICE is 10, AUDIT_WRITE is 29.
    assert int(found[4].split()[1], 16) == 1 << 5 | 1 << 10 | 1 << 29
    mounts = bundle.ask("cat /proc/mounts")
    assert all(f" {place} " in mounts for place in ("/proc", "/dev", "/sys", "/tmp"))
    assert bundle.ask("touch /tmp/x; ls /tmp; touch /x 2>&1 | grep -o 'Read-only'").split() == ["x", "Read-only"]


def test_process(bundle: Bundle) -> None:
    config = bundle.run(
        command="sh -c 'echo $GREETING >/tmp/greeting; sleep 1000'",
        args=None,
        env={"PATH": "/bin", "GREETING": "hello, world"},
        workdir="/etc",
        user="web:logs",
        additional_gids=[5, 6],
        rlimits=[{"type": "nofile", "soft": 100, "hard": 200}, {"type": "RLIMIT_CORE", "soft": -1}],
        hostname="other",
        no_new_privileges=False,
    )
    assert config["process"]["args"][:2] == ["sh", "-c"]
    assert not config["process"]["noNewPrivileges"]
    assert config["process"]["rlimits"][1]["hard"] == 2**64 - 1
    own = json.loads(bundle.place.record().read_text(encoding="utf-8"))["spec"]["process"]
    assert own["user"] == {"uid": 1234, "gid": 77, "additionalGids": [5, 6]}
    assert own["cwd"] == "/etc"
    limits = "ulimit -Sn; ulimit -Hn; ulimit -c"
    assert bundle.ask(f"cat /tmp/greeting; id -u; id -G; pwd; hostname; {limits}").split("\n") == [
        "hello, world",
        "1234",
        "77 5 6",
        "/etc",
        "other",
        "100",
        "200",
        "unlimited",
    ]


@pytest.mark.parametrize(
    ("user", "expected"),
    [("web", "1234 4321 77 78"), ("1234", "1234 4321 77 78"), ("web:0", "1234 0"), ("77:tapes", "77 78"), ("9", "9 0")],
)
def test_users(bundle: Bundle, user: str, expected: str) -> None:
    process = bundle.make(user=user)["config"]["process"]
    found = [process["user"]["uid"], process["user"]["gid"], *process["user"].get("additionalGids", [])]
    assert found == [int(number) for number in expected.split()]
    # Who is not root has no capabilities of its own.
    assert process["capabilities"]["effective"] == []


def test_capabilities(bundle: Bundle) -> None:
    def granted(**options: object) -> list[str]:
        sets = bundle.make(**options)["config"]["process"]["capabilities"]
        assert sets["bounding"] == sets["effective"] == sets["permitted"]
        names: list[str] = sets["effective"]
        return names

    assert granted(capabilities={"drop": ["ALL"]}) == []
    assert granted(capabilities={"add": ["CAP_CHOWN"], "drop": ["ALL"]}) == ["CAP_CHOWN"]
    assert granted(capabilities={"add": ["CAP_CHOWN"]}, user="5") == ["CAP_CHOWN"]
    assert len(granted(capabilities={"add": ["ALL"], "drop": ["CAP_SYS_ADMIN"]})) == 37
    assert granted(capabilities={"add": ["ALL", "CAP_BPF"]})[4] == "CAP_BPF"
    bundle.run(capabilities={"add": ["ALL"]})
    bundle.place.container(bundle=str(bundle.path), state="absent")
    bundle.run(capabilities={"add": ["CAP_CHOWN"], "drop": ["CAP_KILL"]})
    status = bundle.ask("grep CapEff /proc/self/status; touch /tmp/a && chown 5 /tmp/a && echo changed")
    assert int(status.split()[1], 16) == 1 << 0 | 1 << 10 | 1 << 29
    assert status.endswith("changed")


def test_mounts(bundle: Bundle) -> None:
    shared = bundle.place.folder / "shared"
    shared.mkdir(mode=0o777)
    shared.chmod(0o777)
    (shared / "file").write_text("from the host", encoding="ascii")
    bundle.run(
        volumes=[f"{shared}:/shared", f"{shared}/file:/ro/file:ro"],
        tmpfs=["/scratch:size=1m,mode=0700", "/run"],
        mounts=[
            {"destination": "/also", "type": "bind", "source": str(shared), "options": ["rbind", "ro"]},
            {"destination": "/tmp", "type": "tmpfs", "options": ["size=64k"]},
        ],
    )
    assert bundle.ask("cat /shared/file /ro/file /also/file") == "from the host" * 3
    assert bundle.ask("echo x >/shared/new; echo x >/run/y && echo made; (echo x >/also/new) 2>&1 | grep -o Read") == (
        "made\nRead"
    )
    assert (shared / "new").exists()
    # Mounted once: a mount of the user takes the place of the default one.
    assert bundle.ask("grep -c ' /tmp ' /proc/mounts") == "1"
    assert bundle.ask("ls -ld /scratch").startswith("drwx------")


def test_a_writable_rootfs(bundle: Bundle) -> None:
    copied = bundle.run(copy=True, readonly=False)
    assert copied["root"] == {"path": "rootfs", "readonly": False}
    assert bundle.ask("echo x >/etc/new && cat /etc/new") == "x"


def test_terminal(bundle: Bundle) -> None:
    config = bundle.make(terminal=True)["config"]
    assert config["process"]["terminal"] is True
    assert "TERM=xterm" in config["process"]["env"]


def test_limits(bundle: Bundle) -> None:
    group = f"/{bundle.place.prefix}g"
    bundle.run(
        memory="256M",
        memory_swap="512MiB",
        cpus=0.5,
        cpu_shares=512,
        cpuset="0",
        pids_limit=300,
        cgroup_path=group,
    )
    assert bundle.cgroup("memory", "memory.limit_in_bytes", group) == str(256 << 20)
    assert bundle.cgroup("memory", "memory.memsw.limit_in_bytes", group) == str(512 << 20)
    assert bundle.cgroup("cpu", "cpu.cfs_quota_us", group) == "50000"
    assert bundle.cgroup("cpu", "cpu.shares", group) == "512"
    assert bundle.cgroup("cpuset", "cpuset.cpus", group) == "0"
    assert bundle.cgroup("pids", "pids.max", group) == "300"
    assert bundle.ask("free -m | grep Mem: | tr -s ' ' | cut -d ' ' -f 2; nproc").split() == ["256", "1"]


def test_no_limits(bundle: Bundle) -> None:
    resources = bundle.make(memory="-1", memory_swap="-1", pids_limit=-1)["config"]["linux"]["resources"]
    assert resources == {"memory": {"limit": -1, "swap": -1}, "pids": {"limit": -1}}


def test_a_sandbox_of_two(bundle: Bundle) -> None:
    place = bundle.place
    bundle.make(sandbox=place.id, container_type="sandbox", rlimits=[])
    place.container(bundle=str(bundle.path))
    second = Bundle(place, bundle.source)
    second.path = place.folder / "second"
    made = second.make(sandbox=place.id)
    assert made["config"]["annotations"]["io.kubernetes.cri.container-type"] == "container"
    member = f"{place.prefix}b"
    place.container(name=member, bundle=str(second.path))
    found = place.info(name=[place.id, member])["containers"]
    assert [container["sandbox"] for container in found] == [place.id, place.id]
    place.container(name=member, bundle=str(second.path), state="absent")


def test_annotations(bundle: Bundle) -> None:
    hint = {"name": "data", "source": "/srv/data", "type": "bind", "share": "pod", "options": "rw"}
    config = bundle.run(
        annotations={"com.example.owner": "me"},
        flag_overrides={"debug": True},
        mount_hints=[hint],
        rootfs_overlay="memory",
        runsc={"config": {"allow-flag-override": True}},
    )
    assert config["annotations"] == {
        "com.example.owner": "me",
        "dev.gvisor.flag.debug": "true",
        **{f"dev.gvisor.spec.mount.data.{key}": hint[key] for key in ("source", "type", "share", "options")},
        "dev.gvisor.spec.rootfs.source": str(bundle.source),
        "dev.gvisor.spec.rootfs.type": "bind",
        "dev.gvisor.spec.rootfs.overlay": "memory",
    }
    state = json.loads(bundle.place.runsc("state", bundle.place.id))
    assert state["annotations"]["com.example.owner"] == "me"


def test_a_flag_override_takes_effect(bundle: Bundle) -> None:
    """Seen in a debug log that only this flag asks for; runsc takes it only where it is told to."""
    logs = bundle.place.folder / "logs"
    bundle.make(flag_overrides={"debug": True, "debug-log": f"{logs}/"})
    options: Json = {"name": bundle.place.id, "bundle": str(bundle.path)}
    assert "flag override" in bundle.place.bad("runsc_container", "usage", **options)["msg"]
    bundle.place.container(**options, config={"allow-flag-override": True})
    assert list(logs.iterdir())
    wrong: Json = {"path": str(bundle.path), "rootfs": str(bundle.source), "flag_overrides": {"strase": 1}}
    told = bundle.place.bad("runsc_bundle", "unsupported", **wrong)["msg"]
    assert told.startswith("flag_overrides: ")
    assert "'strase' (did you mean 'strace'?)" in told


def test_the_overlay_of_the_rootfs(bundle: Bundle) -> None:
    """Versions since 2023 keep what is written in memory, then; earlier ones write to the folder itself."""
    bundle.run(copy=True, readonly=False, rootfs_overlay="memory")
    bundle.ask("echo x >/etc/written")
    on_host = (bundle.path / "rootfs/etc/written").exists()
    assert on_host == (bundle.place.version.label not in NEWER)
    if not on_host:
        assert not list((bundle.path / "rootfs").glob(".gvisor.filestore*"))


def test_networks(bundle: Bundle) -> None:
    def namespaces(**options: object) -> list[Json]:
        found: list[Json] = bundle.make(**options)["config"]["linux"]["namespaces"]
        return [entry for entry in found if entry["type"] == "network"]

    assert namespaces() == [{"type": "network"}]
    assert namespaces(network="host") == []
    assert namespaces(network_namespace="/run/netns/x") == [{"type": "network", "path": "/run/netns/x"}]


def test_the_hosts_network(bundle: Bundle) -> None:
    bundle.run(network="host", runsc={"network": "host"})
    assert bundle.ask("cat /etc/resolv.conf") == Path("/etc/resolv.conf").read_text(encoding="utf-8").strip()
    assert bundle.ask("cat /etc/hosts") == Path("/etc/hosts").read_text(encoding="utf-8").strip()
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_greet, args=(server,), daemon=True).start()
        assert bundle.ask(f"nc 127.0.0.1 {server.getsockname()[1]} </dev/null") == "hello from the host"


def _greet(server: socket.socket) -> None:
    connection, _address = server.accept()
    with connection:
        connection.sendall(b"hello from the host")


def test_spec_is_merged_last(bundle: Bundle) -> None:
    config = bundle.run(
        hostname="before", spec={"hostname": None, "process": {"cwd": "/etc", "oomScoreAdj": 7}, "mounts": []}
    )
    assert "hostname" not in config
    assert config["mounts"] == []
    assert (config["process"]["cwd"], config["process"]["oomScoreAdj"]) == ("/etc", 7)
    own = json.loads(bundle.place.record().read_text(encoding="utf-8"))["spec"]["process"]
    assert own["oomScoreAdj"] == 7


def test_owner_and_mode(bundle: Bundle) -> None:
    given: Json = {"owner": "nobody", "group": "12", "mode": "0711", "config_mode": "0640"}
    predicted = bundle.place.good(
        "runsc_bundle", path=str(bundle.path), rootfs=str(bundle.source), args=["ls"], **given, check=True
    )
    assert predicted["actions"] == ["config", "attributes"]
    assert bundle.make(**given)["actions"] == predicted["actions"]
    folder, config = bundle.path.stat(), (bundle.path / "config.json").stat()
    assert (folder.st_uid, folder.st_gid, folder.st_mode & 0o7777) == (65534, 12, 0o711)
    assert (config.st_uid, config.st_gid, config.st_mode & 0o7777) == (65534, 12, 0o640)
    assert bundle.make(**given, hostname="new")["actions"] == ["config"]
    assert (bundle.path / "config.json").stat().st_mode & 0o7777 == 0o640
    assert bundle.make(**{**given, "mode": "0700"}, hostname="new")["actions"] == ["attributes"]
    assert os.stat(bundle.path).st_mode & 0o7777 == 0o700
    # Without quotes, YAML makes the number of it that was meant.
    assert bundle.make(**{**given, "mode": 0o750}, hostname="new")["actions"] == ["attributes"]
    assert os.stat(bundle.path).st_mode & 0o7777 == 0o750


def test_a_limit_below_what_the_sandbox_takes(bundle: Bundle) -> None:
    bundle.make(memory="4M")
    told = bundle.place.bad("runsc_container", "oom", name=bundle.place.id, bundle=str(bundle.path))
    assert "Raise the memory limit of the bundle" in told["msg"]


def test_check_mode_trusts_that_a_bundle_will_be_there(bundle: Bundle) -> None:
    options: Json = {"name": bundle.place.id, "bundle": str(bundle.path), "check": True}
    predicted = bundle.place.good("runsc_container", **options)
    assert predicted["actions"] == ["create", "start"]
    assert "bundle: there is none in" in str(predicted["warnings"])
    bundle.make()
    assert "warnings" not in bundle.place.good("runsc_container", **options)
    done = bundle.place.container(bundle=str(bundle.path))
    assert (done["actions"], done["container"]["status"]) == (predicted["actions"], predicted["container"]["status"])
