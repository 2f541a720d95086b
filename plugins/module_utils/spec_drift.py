# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is a container still what its bundle says? Compares the spec that runsc recorded at create with a bundle's config.json.

runsc writes the spec into its state file through Go structures, and changes it on the way. What it changes was found with a
config.json that sets every field, on 20221219 and 20240729:

- paths are made absolute against the bundle (C(root.path), every C(mounts[].source), even that of proc);
- what is false, zero or empty is left out;
- what its version of the specification does not know is left out;
- C(linux.cgroupsPath) is added where it is missing;
- since 2023 a user namespace with identity mappings is added.
"""

from __future__ import annotations

import os
import re
import typing as t

from .annotations import FLAG_PREFIX
from .runsc import procfs

if t.TYPE_CHECKING:
    from .runsc.client import Runsc
    from .runsc.statedir import Record

HIDDEN = "(value not shown)"

# The fields that the structures of every supported runsc have, by where they are. A field of config.json that is not
# here and not in the record was never recorded: a newer part of the specification, or none of it. "*" is any key.
_FIELDS: dict[str, str] = {
    "": "ociVersion process root hostname domainname mounts hooks annotations linux",
    "process": "terminal consoleSize user args env cwd capabilities rlimits noNewPrivileges apparmorProfile oomScoreAdj"
    " selinuxLabel",
    "process.user": "uid gid umask additionalGids",
    "process.capabilities": "bounding effective inheritable permitted ambient",
    "process.rlimits[]": "type hard soft",
    "root": "path readonly",
    "mounts[]": "destination type source options uidMappings gidMappings",
    "hooks": "prestart createRuntime createContainer startContainer poststart poststop",
    "annotations": "*",
    "linux": "uidMappings gidMappings sysctl resources cgroupsPath namespaces devices seccomp rootfsPropagation maskedPaths"
    " readonlyPaths mountLabel intelRdt personality",
    "linux.resources": "devices memory cpu pids blockIO hugepageLimits network rdma unified",
    "linux.sysctl": "*",
    "linux.resources.unified": "*",
    "linux.namespaces[]": "type path",
}

# Written by runsc although they are zero, so that a zero in the record means "not given" as well.
_ZERO_IS_NOTHING = frozenset({"user", "uid", "gid", "cwd", "allow", "ociVersion"})

# Flags that say where messages go do not make another sandbox.
_UNCOMPARED_FLAGS = ("log", "debug", "alsologtostderr")

# Values of a flag that switch nothing on, one of which is the default where the help names none.
_NOTHING = ("", "false", "none", "0", "0s")

_WHOLE_RANGE = [{"containerID": 0, "hostID": 0, "size": 4294967295}]
_MISSING = object()


class Difference(t.NamedTuple):
    """One place at which container and bundle differ, written as a person writes it: C(process.args[0])."""

    path: str
    recorded: t.Any
    wanted: t.Any


def spec_differences(record: Record, config: t.Mapping[str, t.Any], bundle: str) -> list[Difference]:
    """Return where the recorded spec of a container differs from a bundle's config.json."""
    differences: list[Difference] = []
    bundle = os.path.abspath(bundle)
    if os.path.realpath(record.bundle) == os.path.realpath(bundle):
        bundle = record.bundle  # paths in it were made absolute against this name of it
    else:
        differences.append(Difference("bundle", record.bundle, bundle))
    wanted = _as_recorded(config, record, bundle)
    _compare("", record.spec, wanted, differences)
    return differences


def flag_differences(runsc: Runsc, record: Record) -> list[Difference]:
    """Return which global flags the running sandbox of a container has otherwise than the client's.

    Read from the sentry's command line, where runsc leaves out the flags that have their default.
    """
    if not record.is_sandbox_root:
        return []
    running = procfs.global_flags(record.pid)
    overridden = record.spec.get("annotations") or {}
    differences = []
    for name, value in runsc.config.items():
        if name.startswith(_UNCOMPARED_FLAGS) or f"{FLAG_PREFIX}{name}" in overridden:
            continue
        actual = running[name] if name in running else runsc.features.flags.get(name, "")
        if actual != value and not (actual in _NOTHING and value in _NOTHING):
            differences.append(Difference(f"--{name}", actual, value))
    return differences


def as_diff(differences: t.Iterable[Difference]) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """Return the differences as before and after. Values of environment variables are not shown: they may be secrets."""
    before: dict[str, t.Any] = {}
    after: dict[str, t.Any] = {}
    for path, recorded, wanted in differences:
        hide = path.startswith("process.env")
        before[path] = HIDDEN if hide else recorded
        after[path] = f"{HIDDEN} (changed)" if hide else wanted
    return before, after


def _as_recorded(config: t.Mapping[str, t.Any], record: Record, bundle: str) -> dict[str, t.Any]:
    """Return config.json as runsc would have recorded it, as far as that can be said without its structures."""
    wanted = dict(config)
    root = config.get("root")
    if isinstance(root, dict) and isinstance(root.get("path"), str):
        wanted["root"] = dict(root, path=_absolute(root["path"], bundle))
    mounts = config.get("mounts")
    if isinstance(mounts, list):
        wanted["mounts"] = [
            dict(mount, source=_absolute(mount["source"], bundle))
            if isinstance(mount, dict) and isinstance(mount.get("source"), str) and mount["source"]
            else mount
            for mount in mounts
        ]
    linux = config.get("linux")
    wanted["linux"] = _with_additions(dict(linux) if isinstance(linux, dict) else {}, record)
    return wanted


def _with_additions(linux: dict[str, t.Any], record: Record) -> dict[str, t.Any]:
    """Add what runsc adds, where the record has it and config.json does not say otherwise."""
    recorded = record.spec.get("linux") or {}
    if not linux.get("cgroupsPath") and recorded.get("cgroupsPath") == f"/{record.id}":
        linux["cgroupsPath"] = recorded["cgroupsPath"]
    for mappings in ("uidMappings", "gidMappings"):
        if not linux.get(mappings) and recorded.get(mappings) == _WHOLE_RANGE:
            linux[mappings] = _WHOLE_RANGE
    namespaces = linux.get("namespaces") or []
    if {"type": "user"} in (recorded.get("namespaces") or []) and not any(
        isinstance(namespace, dict) and namespace.get("type") == "user" for namespace in namespaces
    ):
        linux["namespaces"] = [*namespaces, {"type": "user"}]
    return linux


def _absolute(path: str, bundle: str) -> str:
    return os.path.normpath(os.path.join(bundle, path))


def _compare(path: str, recorded: t.Any, wanted: t.Any, differences: list[Difference]) -> None:
    if isinstance(recorded, dict) and isinstance(wanted, dict):
        for key in sorted(set(recorded) | set(wanted)):
            place = f"{path}.{key}" if path else key
            if key not in recorded and not _is_recorded(path, key):
                continue
            _compare(place, recorded.get(key, _MISSING), wanted.get(key, _MISSING), differences)
    elif isinstance(recorded, list) and isinstance(wanted, list) and len(recorded) == len(wanted):
        for index, (old, new) in enumerate(zip(recorded, wanted)):
            _compare(f"{path}[{index}]", old, new, differences)
    elif not _same(path.rpartition(".")[2], recorded, wanted):
        differences.append(Difference(path, *(None if value is _MISSING else value for value in (recorded, wanted))))


def _is_recorded(path: str, key: str) -> bool:
    """True if every supported runsc would have recorded this field. Below the places listed it is taken to."""
    known = _FIELDS.get(re.sub(r"\[\d+\]", "[]", path))
    return known is None or known == "*" or key in known.split()


def _same(name: str, recorded: t.Any, wanted: t.Any) -> bool:
    if recorded is _MISSING:
        return _is_zero(wanted)
    if wanted is _MISSING:
        return _is_hollow(recorded) or (name in _ZERO_IS_NOTHING and _is_zero(recorded))
    # True == 1 in Python, but not in JSON.
    return bool(recorded == wanted and isinstance(recorded, bool) == isinstance(wanted, bool))


def _is_zero(value: t.Any) -> bool:
    """True for what Go leaves out: false, 0, empty, and structures of nothing else."""
    if isinstance(value, dict):
        return all(_is_zero(part) for part in value.values())
    return not value


def _is_hollow(value: t.Any) -> bool:
    """True for an object of nothing but such objects: C("hooks": {}) is recorded, and means what no hooks mean."""
    return isinstance(value, dict) and all(_is_hollow(part) for part in value.values())
