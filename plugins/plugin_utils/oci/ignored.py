# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runsc passes over in silence. A document with it is right, but does not do what it says."""

from __future__ import annotations

import typing as t

from ...module_utils.annotations import FLAG_PREFIX
from ..suggestions import did_you_mean, near
from .checks import Document, Setting
from .explain import Finding
from .looking import an_object, at, number, objects, texts
from .names import BIND_OPTIONS, CAPABILITY_SETS, MOUNT_TYPES, OVERRIDABLE_FLAGS
from .places import Path, shown

# Below that the host kills the sandbox before its first program runs, or soon after.
_LEAST_MEMORY = 16 * 2**20

_PROCESS_FIELDS = {
    "apparmorProfile": "gVisor has no AppArmor",
    "scheduler": "gVisor has one scheduler",
    "ioPriority": "gVisor has no priorities for input and output",
    "execCPUAffinity": "gVisor does not bind commands to CPUs",
}
_EXEC_FIELDS = {
    **_PROCESS_FIELDS,
    "rlimits": "runsc exec sets no limits",
    "selinuxLabel": "gVisor has no SELinux",
    "oomScoreAdj": "the sandbox keeps that of its container",
}
_CONFIG_FIELDS: dict[tuple[str, ...], str] = {
    **{("process", name): reason for name, reason in _PROCESS_FIELDS.items()},
    ("domainname",): "gVisor has no domain name to set",
    ("linux", "mountLabel"): "gVisor has no SELinux",
    ("linux", "sysctl"): "gVisor's kernel keeps its own values",
    ("linux", "maskedPaths"): "all of gVisor's /proc and /sys can be seen",
    ("linux", "readonlyPaths"): "what the container may write stays writable",
    ("linux", "personality"): "gVisor has one personality",
    ("linux", "intelRdt"): "runsc does not set it",
    ("linux", "timeOffsets"): "gVisor has no time namespaces",
    ("hooks", "createContainer"): "runsc does not run these hooks",
    ("hooks", "startContainer"): "runsc does not run these hooks",
}


_TOO_NEW = "with which runsc of 2022 does not start"  # seen: "cannot read client sync file: EOF", and nothing else
_CAPABILITIES = {
    "CAP_NET_RAW": "which runsc takes away without the flag net-raw",
    "CAP_BPF": _TOO_NEW,
    "CAP_CHECKPOINT_RESTORE": _TOO_NEW,
    "CAP_PERFMON": _TOO_NEW,
}


def exec_warnings(process: Document, setting: Setting) -> t.Iterator[Finding]:
    """Yield what runsc exec ignores of an OCI Process."""
    for name, reason in _EXEC_FIELDS.items():
        if process.get(name):
            yield _ignored(("process", name), reason)
    yield from _process(process, setting)


def config_warnings(config: Document, setting: Setting) -> t.Iterator[Finding]:
    """Yield what runsc ignores of a configuration."""
    for path, reason in _CONFIG_FIELDS.items():
        if at(config, *path):
            yield _ignored(path, reason)
    yield from _process(an_object(config, "process"), setting)
    yield from _mounts(config)
    yield from _linux(config, setting)
    yield from _flags(config, setting)


def _ignored(path: Path, reason: str) -> Finding:
    return Finding(path, f"is ignored by runsc: {reason}", is_error=False)


def _process(process: Document, setting: Setting) -> t.Iterator[Finding]:
    if process.get("noNewPrivileges") is False:
        yield _ignored(("process", "noNewPrivileges"), "most versions never let a program gain privileges")
    if at(process, "user", "umask") is not None:
        yield _ignored(("process", "user", "umask"), "the mask is 0022 at first")
    yield from _capabilities(process, setting)


def _capabilities(process: Document, setting: Setting) -> t.Iterator[Finding]:
    """Warn of a capability once, in the first set that has it."""
    warned: set[str] = set()
    for name in CAPABILITY_SETS:
        for index, capability in enumerate(texts(at(process, "capabilities", name))):
            reason = _CAPABILITIES.get(capability)
            if not reason or capability in warned or (capability == "CAP_NET_RAW" and setting.has("net-raw")):
                continue
            warned.add(capability)
            yield Finding(("process", "capabilities", name, index), f"is {capability!r}, {reason}", is_error=False)


def _mounts(config: Document) -> t.Iterator[Finding]:
    for index, mount in objects(config.get("mounts")):
        kind = mount.get("type")
        if kind in MOUNT_TYPES or BIND_OPTIONS.intersection(texts(mount.get("options"))):
            continue
        if kind is None or isinstance(kind, str):
            words = f"{shown(kind)}{did_you_mean(near(kind, MOUNT_TYPES))}" if kind else "missing"
            text = f"is {words}, and runsc leaves such a mount out; it knows {', '.join(MOUNT_TYPES)}"
            yield Finding(("mounts", index, "type"), text, is_error=False)


def _linux(config: Document, setting: Setting) -> t.Iterator[Finding]:
    for index, namespace in objects(at(config, "linux", "namespaces")):
        if namespace.get("type") == "time":
            yield _ignored(("linux", "namespaces", index), "gVisor has no time namespaces")
    if at(config, "linux", "seccomp") and not setting.has("oci-seccomp"):
        yield _ignored(("linux", "seccomp"), "it takes the filter with the flag oci-seccomp only")
    limit = number(at(config, "linux", "resources", "memory", "limit"))
    if limit is not None and 0 < limit < _LEAST_MEMORY:
        here: Path = ("linux", "resources", "memory", "limit")
        text = f"is {limit}, with which the sandbox itself can hardly start; it takes about {_LEAST_MEMORY} bytes"
        yield Finding(here, text, is_error=False)


def _flags(config: Document, setting: Setting) -> t.Iterator[Finding]:
    if setting.has("allow-flag-override"):
        return
    for name in an_object(config, "annotations"):
        flag = name[len(FLAG_PREFIX) :]
        if name.startswith(FLAG_PREFIX) and flag not in OVERRIDABLE_FLAGS:
            text = f"sets the flag {flag!r}, which runsc refuses without the flag allow-flag-override"
            yield Finding(("annotations", name), f"{text}{did_you_mean(near(flag, OVERRIDABLE_FLAGS))}", is_error=False)
