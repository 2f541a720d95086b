# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each thing that a validation looks at, by a document that is wrong, or ignored, in that one thing."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils import process_values
from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci import names
from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci.validate import validate_config, validate_process

Document = t.Dict[str, t.Any]

# One of every kind of section, each as it should be.
CONFIG: Document = {
    "ociVersion": "1.0.2-dev",
    "process": {
        "terminal": False,
        "user": {"uid": 1, "gid": 2, "additionalGids": [3]},
        "args": ["sleep", "60"],
        "env": ["PATH=/bin", "TOKEN=hunter2"],
        "cwd": "/",
        "capabilities": {
            "bounding": ["CAP_KILL", "CAP_CHOWN"],
            "effective": ["CAP_KILL"],
            "permitted": ["CAP_KILL"],
            "inheritable": ["CAP_CHOWN"],
            "ambient": [],
        },
        "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 4096}],
        "noNewPrivileges": True,
        "oomScoreAdj": 100,
    },
    "root": {"path": "rootfs", "readonly": True},
    "hostname": "web",
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "size=64k"]},
        {"destination": "/data", "type": "bind", "source": "/srv/data", "options": ["rbind", "ro"]},
    ],
    "hooks": {"createRuntime": [{"path": "/bin/true", "args": ["true"], "env": ["A=b"], "timeout": 5}]},
    "annotations": {
        "io.kubernetes.cri.container-type": "container",
        "io.kubernetes.cri.sandbox-id": "pod",
        "dev.gvisor.flag.debug": "true",
        "dev.gvisor.spec.mount.data.source": "/srv/data",
        "dev.gvisor.spec.mount.data.type": "bind",
        "dev.gvisor.spec.mount.data.share": "pod",
        "dev.gvisor.spec.rootfs.source": "/srv/rootfs",
        "dev.gvisor.spec.rootfs.type": "bind",
    },
    "linux": {
        "namespaces": [
            {"type": "pid"},
            {"type": "network", "path": "/run/netns/x"},
            {"type": "mount"},
            {"type": "user"},
        ],
        "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}],
        "gidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}],
        "devices": [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3, "fileMode": 438}],
        "cgroupsPath": "/web",
        "resources": {
            "memory": {"limit": 268435456, "swap": 268435456, "reservation": -1},
            "cpu": {"shares": 512, "quota": 50000, "period": 100000, "cpus": "0-1,3"},
            "pids": {"limit": 100},
            "blockIO": {"weight": 10, "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 600}]},
            "hugepageLimits": [{"pageSize": "2MB", "limit": 0}],
            "devices": [{"allow": False, "access": "rwm"}],
            "unified": {"memory.high": "max"},
        },
        "rootfsPropagation": "rslave",
    },
}

PROCESS: Document = {"args": ["id"], "env": ["A=b"], "user": {"uid": 0, "gid": 0}}
GONE = object()


def changed(document: Document, path: t.Sequence[t.Any], value: t.Any) -> Document:
    """Return a copy with another value at a path, or none there."""
    result = copy.deepcopy(document)
    node: t.Any = result
    for step in path[:-1]:
        node = node[step] if isinstance(node, list) else node.setdefault(step, {})
    if value is GONE:
        del node[path[-1]]
    elif isinstance(node, list) and path[-1] == len(node):
        node.append(value)
    else:
        node[path[-1]] = value
    return result


def test_a_document_with_all_sections_is_right() -> None:
    report = validate_config(CONFIG, network="host", flags={"net-raw": True})
    assert (report.errors, report.warnings) == ((), ())


def test_the_least_document_is_right() -> None:
    least = {"ociVersion": "1.2.0", "process": {"args": ["a"], "cwd": "/"}, "root": {"path": "x"}}
    assert validate_config(least) == validate_process({"args": ["a"]})


def test_null_is_a_field_that_is_not_there() -> None:
    config = changed(changed(CONFIG, ["linux", "resources"], None), ["hooks"], None)
    assert validate_config(config).errors == ()
    missing = validate_config(changed(CONFIG, ["process", "args"], None)).errors
    assert missing == ("process.args is missing, expected a list of texts, the program first",)


def test_capabilities_are_those_that_the_modules_know() -> None:
    assert names.CAPABILITIES == process_values.CAPABILITIES


CRI = "io.kubernetes.cri."
HINT = "dev.gvisor.spec.mount.data."
ROOTFS = "dev.gvisor.spec.rootfs."

# A path, what is put there, and the beginning of the one error that this makes.
WRONG: t.List[t.Tuple[t.Sequence[t.Any], t.Any, str]] = [
    (["ociVersion"], "2.0.0", "ociVersion is '2.0.0', expected a version 1.x.y"),
    (["ociVersion"], GONE, "ociVersion is missing"),
    (["process"], GONE, "process is missing, expected an object"),
    (["root", "path"], "", "root.path is '', expected the folder"),
    (["solaris"], {}, "solaris is for another system"),
    (["vm"], {"kernel": {}}, "vm is for another system"),
    (["mouts"], [], "mouts is no field of an OCI document (did you mean 'mounts'?)"),
    (["process", "Cwd"], "/", "process.Cwd is no field of an OCI document (did you mean 'process.cwd'?)"),
    (["linux", "resources", "memmory"], {}, "linux.resources.memmory is no field"),
    (["process", "args"], [], "process.args is an empty list, expected a list of texts, the program first"),
    (["process", "args"], "sleep 60", "process.args is 'sleep 60', expected a list"),
    (["process", "args", 0], "", "process.args[0] is '', expected the program"),
    (["process", "args", 1], 60, "process.args[1] is 60, expected a text"),
    (["process", "args", 1], "a\0b", "process.args[1] is 'a\\x00b', expected a text without NUL characters"),
    (["process", "args", 1], None, "process.args[1] is null, expected a text"),
    (["process", "args", 1], True, "process.args[1] is true, expected a text"),
    (["process", "cwd"], "tmp", "process.cwd is 'tmp', expected an absolute path inside the container"),
    (["process", "cwd"], GONE, "process.cwd is missing"),
    (["process", "user"], "root", "process.user is 'root', expected an object: uid"),
    (["process", "user", "uid"], -1, "process.user.uid is -1, expected the number"),
    (["process", "user", "uid"], 2**32, "process.user.uid is 4294967296"),
    (["process", "user", "gid"], 1.0, "process.user.gid is 1.0"),
    (["process", "user", "additionalGids", 0], "wheel", "process.user.additionalGids[0] is 'wheel'"),
    (["process", "terminal"], "true", "process.terminal is 'true', expected true or false"),
    (["process", "oomScoreAdj"], 2000, "process.oomScoreAdj is 2000, expected a whole number from -1000 to 1000"),
    (["process", "selinuxLabel"], "x", "process.selinuxLabel is 'x', expected nothing"),
    (["process", "rlimits", 0, "soft"], 5000, "process.rlimits[0].soft is 5000, expected no more than hard"),
    (["process", "rlimits", 0, "hard"], -1, "process.rlimits[0].hard is -1"),
    (["process", "rlimits", 1], {"type": "RLIMIT_NOFILE", "soft": 1, "hard": 1}, "process.rlimits[1].type is"),
    (["mounts", 0, "destination"], "proc", "mounts[0].destination is 'proc', expected an absolute path"),
    (["mounts", 0, "destination"], "/", "mounts[0].destination is '/', expected a folder below the root"),
    (["mounts", 0, "destination"], "/tmp/", "mounts[1].destination is '/tmp', expected another than in mounts[0]"),
    (["mounts", 2, "source"], GONE, "mounts[2].source is missing"),
    (["mounts", 1, "options"], "ro", "mounts[1].options is 'ro', expected a list of texts"),
    (["hooks", "poststop"], [{"path": "true"}], "hooks.poststop[0].path is 'true', expected an absolute path on"),
    (["hooks", "createRuntime", 0, "timeout"], 0, "hooks.createRuntime[0].timeout is 0, expected a number of seconds"),
    (["annotations", "a.b"], 1, 'annotations["a.b"] is 1, expected a text; quote numbers and booleans'),
    (["annotations", "a"], None, "annotations.a is null"),
    (["annotations", ""], "x", 'annotations[""] has an empty name'),
    (["annotations", CRI + "container-type"], "sandbx", f"annotations[\"{CRI}container-type\"] is 'sandbx'"),
    (["annotations", CRI + "container-type"], GONE, f'annotations["{CRI}container-type"] is missing'),
    (["annotations", CRI + "sandbox-id"], GONE, f'annotations["{CRI}sandbox-id"] is missing'),
    (["annotations", "io.kubernetes.cri-o.ContainerType"], "sandbox", 'annotations["io.kubernetes.cri-o.ContainerT'),
    (["annotations", HINT + "share"], "nobody", f"annotations[\"{HINT}share\"] is 'nobody', expected one of container"),
    (["annotations", HINT + "share"], GONE, f'annotations["{HINT}share"] is missing'),
    (["annotations", HINT + "shared"], "pod", f'annotations["{HINT}shared"] is no annotation of gVisor'),
    (["annotations", "dev.gvisor.spec.mount.x"], "1", 'annotations["dev.gvisor.spec.mount.x"] has no name and key'),
    (["annotations", ROOTFS + "source"], "x", f"annotations[\"{ROOTFS}source\"] is 'x', expected an absolute path"),
    (["annotations", ROOTFS + "type"], GONE, f'annotations["{ROOTFS}type"] is missing'),
    (["linux", "namespaces", 0, "type"], "pids", "linux.namespaces[0].type is 'pids', expected one of pid,"),
    (["linux", "namespaces", 4], {"type": "pid"}, "linux.namespaces[4].type is 'pid', expected another than in"),
    (["linux", "namespaces", 1, "path"], "x", "linux.namespaces[1].path is 'x', expected an absolute path"),
    (["linux", "namespaces", 1, "path"], GONE, "linux.namespaces[1] is a new network namespace, expected none"),
    (["linux", "namespaces", 3], {"type": "uts"}, "linux.uidMappings is a list, expected none without"),
    (["linux", "uidMappings"], GONE, "linux.uidMappings is missing"),
    (["linux", "devices", 0, "path"], "dev/x", "linux.devices[0].path is 'dev/x'"),
    (["linux", "devices", 0, "type"], "z", "linux.devices[0].type is 'z', expected one of c, b, u, p"),
    (["linux", "rootfsPropagation"], "shared", "linux.rootfsPropagation is 'shared', expected one of private"),
    (["linux", "resources", "memory", "limit"], "1g", "linux.resources.memory.limit is '1g', expected a number of"),
    (["linux", "resources", "memory", "swap"], 1, "linux.resources.memory.swap is 1, expected at least the limit"),
    (["linux", "resources", "cpu", "cpus"], "0-x", "linux.resources.cpu.cpus is '0-x'"),
    (["linux", "resources", "cpu", "quota"], 10, "linux.resources.cpu.quota is 10, expected at least 1000"),
    (["linux", "resources", "cpu", "period"], 10, "linux.resources.cpu.period is 10, expected 1000 to"),
    (["linux", "seccomp"], {"defaultAction": "allow"}, "linux.seccomp.defaultAction is 'allow', expected one of SCMP"),
]


@pytest.mark.parametrize(("path", "value", "beginning"), WRONG, ids=[row[2][:50] for row in WRONG])
def test_one_wrong_thing_is_one_error(path: t.Sequence[t.Any], value: t.Any, beginning: str) -> None:
    errors = validate_config(changed(CONFIG, path, value), network="host").errors
    assert errors[0].startswith(beginning)
    assert len(errors) == 1 or path == ["linux", "namespaces", 3]  # there the other mapping is wrong as well


SUGGESTED = [
    (["process", "capabilities", "bounding", 0], "CAP_NET_BIND_SERVICES", "CAP_NET_BIND_SERVICE"),
    (["process", "capabilities", "bounding", 0], "net_admin", "CAP_NET_ADMIN"),
    (["process", "capabilities", "bounding", 0], "cap_kil", "CAP_KILL"),
    (["process", "rlimits", 0, "type"], "NOFILE", "RLIMIT_NOFILE"),
    (["process", "rlimits", 0, "type"], "RLIMIT_NOFILES", "RLIMIT_NOFILE"),
    (["linux", "namespaces", 0, "type"], "Network", "network"),
    (["linux", "namespaces", 0, "type"], "networks", "network"),
    (["linux", "rootfsPropagation"], "rslav", "rslave"),
    (["annotations", "dev.gvisor.spec.mount.data.sharee"], "pod", "dev.gvisor.spec.mount.data.share"),
]


@pytest.mark.parametrize(("path", "value", "meant"), SUGGESTED, ids=[row[1] for row in SUGGESTED])
def test_what_was_probably_meant_is_suggested(path: t.Sequence[t.Any], value: str, meant: str) -> None:
    assert any(f"(did you mean '{meant}'?)" in error for error in validate_config(changed(CONFIG, path, value)).errors)


@pytest.mark.parametrize("name", ["effective", "inheritable"])
def test_a_set_of_capabilities_lies_in_another(name: str) -> None:
    errors = validate_config(changed(CONFIG, ["process", "capabilities", name], ["CAP_SYS_ADMIN"])).errors
    assert [error.split(", expected")[0] for error in errors] == [f"process.capabilities.{name}[0] is 'CAP_SYS_ADMIN'"]


def test_sandbox_networking_needs_a_namespace() -> None:
    config = changed(CONFIG, ["linux", "namespaces"], [{"type": "pid"}])
    for name in ("uidMappings", "gidMappings"):
        config = changed(config, ["linux", name], GONE)
    assert validate_config(config, network="none").errors == validate_config(config).errors == ()
    assert (
        validate_config(config, network="sandbox").errors[0].startswith("linux.namespaces has none of type 'network'")
    )
    assert validate_config(config, flags={"--network": "sandbox"}).errors != ()


def test_a_path_for_systemd_has_three_parts() -> None:
    flags = {"systemd-cgroup": True}
    errors = validate_config(CONFIG, flags=flags).errors
    assert errors == ("linux.cgroupsPath is '/web', expected slice:prefix:name, since the flag systemd-cgroup is on",)
    assert not validate_config(changed(CONFIG, ["linux", "cgroupsPath"], "a:b:c"), flags=flags).errors


IGNORED: t.List[t.Tuple[t.Sequence[t.Any], t.Any, str]] = [
    (["x-comment"], "by me", "x-comment is no field of an OCI document that runsc knows; it is ignored"),
    (["linux", "netDevices"], {}, "linux.netDevices is no field"),
    (["domainname"], "x", "domainname is ignored"),
    (["process", "apparmorProfile"], "x", "process.apparmorProfile is ignored by runsc: gVisor has no AppArmor"),
    (["process", "scheduler"], {"policy": "SCHED_RR"}, "process.scheduler is ignored"),
    (["process", "noNewPrivileges"], False, "process.noNewPrivileges is ignored"),
    (["process", "user", "umask"], 63, "process.user.umask is ignored"),
    (["process", "capabilities", "bounding", 2], "CAP_NET_RAW", "process.capabilities.bounding[2] is 'CAP_NET_RAW'"),
    (
        ["process", "capabilities", "bounding", 2],
        "CAP_BPF",
        "process.capabilities.bounding[2] is 'CAP_BPF', with which",
    ),
    (["mounts", 1, "type"], "tmpsf", "mounts[1].type is 'tmpsf' (did you mean 'tmpfs'?), and runsc leaves"),
    (["mounts", 1, "type"], GONE, "mounts[1].type is missing, and runsc leaves"),
    (["hooks", "startContainer"], [{"path": "/x"}], "hooks.startContainer is ignored"),
    (["linux", "seccomp"], {"defaultAction": "SCMP_ACT_ALLOW"}, "linux.seccomp is ignored by runsc: it takes"),
    (["linux", "maskedPaths"], ["/proc/kcore"], "linux.maskedPaths is ignored"),
    (["linux", "sysctl"], {"a.b": "1"}, "linux.sysctl is ignored"),
    (["linux", "namespaces", 4], {"type": "time"}, "linux.namespaces[4] is ignored"),
    (["linux", "resources", "memory"], {"limit": 8388608}, "linux.resources.memory.limit is 8388608, with which"),
    (["annotations", "dev.gvisor.flag.network"], "host", 'annotations["dev.gvisor.flag.network"] sets the flag'),
]


@pytest.mark.parametrize(("path", "value", "beginning"), IGNORED, ids=[row[2][:50] for row in IGNORED])
def test_what_is_ignored_is_a_warning(path: t.Sequence[t.Any], value: t.Any, beginning: str) -> None:
    report = validate_config(changed(CONFIG, path, value))
    assert report.errors == ()
    assert [warning[: len(beginning)] for warning in report.warnings] == [beginning]


def test_flags_make_warnings_needless() -> None:
    config = changed(CONFIG, ["linux", "seccomp"], {"defaultAction": "SCMP_ACT_ALLOW"})
    config = changed(config, ["annotations", "dev.gvisor.flag.network"], "host")
    config = changed(config, ["process", "capabilities", "bounding", 2], "CAP_NET_RAW")
    flags = {"oci-seccomp": True, "allow-flag-override": "true", "net-raw": True}
    assert len(validate_config(config).warnings) == 3
    assert validate_config(config, flags=flags).warnings == ()


ENVIRONMENTS: t.List[t.Any] = [
    "TOKEN=hunter2",
    ["hunter2"],
    ["TOKEN=hunter2\0"],
    {"TOKEN": "hunter2"},
    [{"TOKEN": "hunter2"}],
    [["hunter2"]],
    [b"hunter2"],
]


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_no_value_of_the_environment_is_shown(env: t.Any) -> None:
    for errors in (
        validate_config(changed(CONFIG, ["process", "env"], env)).errors,
        validate_process({"args": ["a"], "env": env}).errors,
        validate_config(changed(CONFIG, ["hooks", "createRuntime", 0, "env"], env)).errors,
    ):
        assert len(errors) == 1
        assert "env" in errors[0] and "hunter2" not in errors[0]


@pytest.mark.parametrize("document", ["TOKEN=hunter2", ["TOKEN=hunter2"], 5, None])
def test_what_is_no_object_is_said_to_be_none(document: t.Any) -> None:
    errors = (*validate_config(document).errors, *validate_process(document).errors)
    assert len(errors) == 2
    assert errors[0].startswith("the document is ") and errors[1].startswith("process is ")
    assert "hunter2" not in str(errors)


def test_a_process_for_exec_needs_a_command_only() -> None:
    assert validate_process(PROCESS).errors == validate_process({"args": ["a"], "cwd": "", "env": None}).errors == ()
    assert validate_process({}).errors == ("process.args is missing, expected a list of texts, the program first",)
    assert validate_process({"args": ["a"], "cwd": "x"}).errors[0].startswith("process.cwd is 'x'")


def test_exec_ignores_more() -> None:
    process = {**PROCESS, "rlimits": [{"type": "RLIMIT_CPU", "soft": 1, "hard": 1}], "selinuxLabel": "x"}
    report = validate_process(process)
    assert report.errors == ()
    assert [warning.split(" is ")[0] for warning in report.warnings] == ["process.rlimits", "process.selinuxLabel"]
