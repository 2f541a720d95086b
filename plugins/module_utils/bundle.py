# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading an OCI bundle, and checking all that can be checked before a container is made from it."""

from __future__ import annotations

import json
import os
import stat
import typing as t

from . import inside
from .annotations import FAMILIES, MEMBER, ROOTFS_PREFIX, SANDBOX
from .runsc import statedir
from .runsc.errors import UsageError

CONFIG = "config.json"

# What the parts of config.json have to be. runsc refuses all of it for one value of a wrong type, which would be found only
# after the container to be replaced is gone. What is not here is left to runsc; null is as good as nothing to it.
_TEXTS = [str]
_ID_MAPPINGS = [{"containerID": int, "hostID": int, "size": int}]
_SHAPE: dict[str, t.Any] = {
    "ociVersion": str,
    "hostname": str,
    "domainname": str,
    "process": {
        "terminal": bool,
        "user": {"uid": int, "gid": int, "umask": int, "additionalGids": [int]},
        "args": _TEXTS,
        "env": _TEXTS,
        "cwd": str,
        "capabilities": {
            "bounding": _TEXTS,
            "effective": _TEXTS,
            "inheritable": _TEXTS,
            "permitted": _TEXTS,
            "ambient": _TEXTS,
        },
        "rlimits": [{"type": str, "hard": int, "soft": int}],
        "noNewPrivileges": bool,
        "oomScoreAdj": int,
    },
    "root": {"path": str, "readonly": bool},
    "mounts": [{"destination": str, "type": str, "source": str, "options": _TEXTS}],
    "hooks": {},
    "annotations": {"*": str},
    "linux": {
        "uidMappings": _ID_MAPPINGS,
        "gidMappings": _ID_MAPPINGS,
        "sysctl": {"*": str},
        "cgroupsPath": str,
        "namespaces": [{"type": str, "path": str}],
        "maskedPaths": _TEXTS,
        "readonlyPaths": _TEXTS,
        "resources": {
            "memory": {"limit": int, "reservation": int, "swap": int},
            "cpu": {"shares": int, "quota": int, "period": int, "cpus": str, "mems": str},
            "pids": {"limit": int},
        },
    },
}
_KINDS = {str: "a text", int: "a whole number", bool: "true or false", list: "a list", dict: "an object"}


def read_config(bundle: str) -> dict[str, t.Any]:
    """Return the config.json of a bundle. :raises UsageError: it is missing, can't be read, or is no JSON object."""
    path = os.path.join(bundle, CONFIG)
    try:
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
    except OSError as exc:
        if os.path.isfile(bundle):
            raise UsageError(f"bundle: {bundle!r} is not a folder", remedy="Give the folder that it is in") from exc
        raise UsageError(
            f"bundle: {path!r} can't be read: {exc.strerror}",
            remedy="Give the absolute path of a folder with a config.json",
        ) from exc
    except ValueError as exc:
        raise UsageError(f"bundle: {path!r} is not JSON: {exc}", remedy="Correct it at that place") from exc
    if not isinstance(config, dict):
        raise UsageError(
            f"bundle: {path!r} holds {type(config).__name__}, not an object", remedy="Write an OCI configuration"
        )
    return config


def is_to_come(folder: str) -> bool:
    """Whether there is no bundle in a folder, but may be one when the check mode of this task is over."""
    return os.path.isabs(folder) and not os.path.isfile(folder) and not os.path.lexists(os.path.join(folder, CONFIG))


def to_come(folder: str) -> str:
    """Return the warning that goes with a prediction about a bundle that is to come."""
    return f"bundle: there is none in {folder!r} yet; the prediction is that an earlier task makes it"


class Reader:
    """Reads and checks each bundle once, however many containers are made from it. Nobody may change what it returns."""

    def __init__(self) -> None:
        self._read: dict[str, dict[str, t.Any]] = {}
        self._checked: set[str] = set()

    def read(self, bundle: str) -> dict[str, t.Any]:
        """Return its config.json, see L(read_config)."""
        if bundle not in self._read:
            self._read[bundle] = read_config(bundle)
        return self._read[bundle]

    def check(self, bundle: str) -> dict[str, t.Any]:
        """Return its config.json if a container can come from it, see L(check_config)."""
        config = self.read(bundle)
        if bundle not in self._checked:
            check_config(config, bundle)
            self._checked.add(bundle)
        return config


def check_config(config: t.Mapping[str, t.Any], bundle: str) -> None:
    """Refuse a configuration from which no container can come. runsc itself says little: "cannot read client sync file: EOF".

    :raises UsageError: with the place in config.json, its value, and what is wrong with it.
    """
    check_document(config, bundle)
    check_root(config, bundle)
    problem = program_problem(config, bundle)
    if problem:
        remedy = f"{problem}; correct it, or PATH in process.env"
        raise _wrong(bundle, "process.args[0]", config["process"]["args"][0], remedy)
    for index, mount in enumerate(config.get("mounts") or []):
        source = (mount or {}).get("source") or ""
        if is_bind(mount or {}) and not os.path.exists(os.path.join(bundle, source)):
            raise _wrong(bundle, f"mounts[{index}].source", source, "There is no such path on the host")


def check_root(config: t.Mapping[str, t.Any], bundle: str) -> None:
    """:raises UsageError: the root file system is not there."""
    rootfs = config["root"]["path"]
    if not os.path.isdir(os.path.join(bundle, rootfs)):
        raise _wrong(bundle, "root.path", rootfs, f"There is no folder {os.path.join(bundle, rootfs)!r}")


def program_problem(config: t.Mapping[str, t.Any], bundle: str) -> str:
    """Return what is wrong with the program, as far as that can be seen without the container's mounts; else nothing."""
    rootfs = os.path.join(bundle, config["root"]["path"])
    candidates = _candidates(config["process"])
    if _is_hidden(config) or not candidates:
        return ""
    is_there = False
    for candidate in candidates:
        seen = inside.look(rootfs, candidate)
        if _mount_above(config, rootfs, seen.path):
            return ""
        if seen.mode is not None and stat.S_ISREG(seen.mode) and seen.mode & 0o111:
            return ""
        is_there = is_there or seen.mode is not None
    return f"It can't be executed in {rootfs!r}" if is_there else f"There is no such program in {rootfs!r}"


def folder_problem(config: t.Mapping[str, t.Any], bundle: str) -> str:
    """Return what is wrong with the working directory, as far as that can be seen from outside; else nothing.

    runsc makes one that is missing, on the host, even in a root file system that is to be read only.
    """
    rootfs, folder = os.path.join(bundle, config["root"]["path"]), config["process"]["cwd"]
    if _is_hidden(config):
        return ""
    seen = inside.look(rootfs, folder)
    where = rootfs
    mount = _mount_above(config, rootfs, seen.path)
    if mount:
        where = os.path.join(bundle, mount.get("source") or "")
        below = os.path.relpath(seen.path, inside.look(rootfs, mount["destination"]).path)
        if not is_bind(mount) or not os.path.isdir(where):
            return ""  # only the container knows
        seen = inside.look(where, below)
        if seen.path != os.path.normpath(f"/{below}"):
            return ""  # a link in a mount may lead anywhere in the container
    if seen.mode is None:
        return f"There is no such folder in {where!r}"
    return "" if stat.S_ISDIR(seen.mode) else f"It is not a folder in {where!r}"


def _is_hidden(config: t.Mapping[str, t.Any]) -> bool:
    """Whether the root file system is in an image that only gVisor can read."""
    return (config.get("annotations") or {}).get(f"{ROOTFS_PREFIX}type") not in (None, "bind")


def _mount_above(config: t.Mapping[str, t.Any], rootfs: str, path: str) -> dict[str, t.Any] | None:
    """Return the mount that a path without links is in; the last one of several, which hides the others."""
    for mount in reversed(config.get("mounts") or []):
        place = inside.look(rootfs, str((mount or {}).get("destination", ""))).path.rstrip("/")
        if mount and f"{path}/".startswith(f"{place}/"):
            found: dict[str, t.Any] = mount
            return found
    return None


def _candidates(process: t.Mapping[str, t.Any]) -> list[str]:
    """Return the paths at which a container looks for its program."""
    program = process["args"][0]
    if "/" in program:
        return [os.path.join(process["cwd"], program)]
    paths = [entry[len("PATH=") :] for entry in process.get("env") or [] if entry.startswith("PATH=")]
    return [os.path.join(folder, program) for folder in paths[-1].split(":") if folder] if paths else []


def check_document(config: t.Mapping[str, t.Any], bundle: str) -> None:
    """Refuse what is wrong with a configuration wherever it is used. The host is not looked at. :raises UsageError: it is."""
    _check_shape(config, _SHAPE, "", bundle)
    process = config.get("process") or {}
    args, cwd = process.get("args"), process.get("cwd")
    rootfs = (config.get("root") or {}).get("path")
    if not args or not all(isinstance(argument, str) for argument in args):
        raise _wrong(bundle, "process.args", args, "Give a list of texts, the program first")
    if not cwd or not cwd.startswith("/"):
        raise _wrong(bundle, "process.cwd", cwd, "Give an absolute path inside the container")
    if not rootfs:
        raise _wrong(bundle, "root.path", rootfs, "Give the folder of the root file system")
    for index, mount in enumerate(config.get("mounts") or []):
        _check_mount(mount or {}, f"mounts[{index}]", bundle)


def _check_shape(value: t.Any, shape: t.Any, place: str, bundle: str) -> None:
    """:raises UsageError: a value, or one inside it, is not of the type that C(shape) says, see L(_SHAPE)."""
    kind = shape if isinstance(shape, type) else type(shape)
    if value is None:
        return
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _wrong(bundle, place, value, f"Give {_KINDS[kind]}")
    content: t.Any = value
    if kind is list:
        for index, part in enumerate(content):
            _check_shape(part, shape[0], f"{place}[{index}]", bundle)
    if kind is dict:
        for key, part in content.items():
            if key in shape or "*" in shape:
                _check_shape(part, shape.get(key, shape.get("*")), f"{place}.{key}" if place else key, bundle)


def _check_mount(mount: t.Mapping[str, t.Any], place: str, bundle: str) -> None:
    destination, source = mount.get("destination"), mount.get("source")
    if not destination or not destination.startswith("/"):
        raise _wrong(bundle, f"{place}.destination", destination, "Give an absolute path inside the container")
    if is_bind(mount) and not source:
        raise _wrong(bundle, f"{place}.source", source, "There is no such path on the host")


def is_bind(mount: t.Mapping[str, t.Any]) -> bool:
    """Whether a mount shows a path of the host."""
    return mount.get("type") == "bind" or not {"bind", "rbind"}.isdisjoint(mount.get("options") or [])


def _wrong(bundle: str, place: str, value: t.Any, remedy: str) -> UsageError:
    shown = "(not shown)" if place.startswith("process.env") else repr(value)  # it may hold secrets
    return UsageError(f"bundle: {place} in {os.path.join(bundle, 'config.json')!r} is {shown}", remedy=remedy)


def is_member(config: t.Mapping[str, t.Any]) -> bool:
    """Whether a container is to live in the sandbox of another one."""
    annotations = config.get("annotations")
    return isinstance(annotations, dict) and any(annotations.get(kind) == MEMBER for kind, _sandbox in FAMILIES)


def sandbox_of(config: t.Mapping[str, t.Any]) -> str:
    """Return the sandbox that a member is to live in; nothing for what gets a sandbox of its own."""
    if not is_member(config):
        return ""
    annotations = config["annotations"]
    return str(next((annotations[name] for _kind, name in FAMILIES if annotations.get(name)), ""))


def names_other_sandbox(config: t.Mapping[str, t.Any], name: str) -> list[str]:
    """Return a warning if a container makes a sandbox that its members, by what the bundle says, would not find."""
    annotations = config.get("annotations") or {}
    said = [str(annotations.get(sandbox)) for kind, sandbox in FAMILIES if annotations.get(kind) == SANDBOX]
    if not said or name in said:
        return []
    return [
        f"bundle: it is for sandbox {said[0]!r}, and the container that makes it is called {name!r}: "
        f"members of {said[0]!r} will not find it. Give both the same name"
    ]


def check_sandbox(config: t.Mapping[str, t.Any], root: str, start: bool) -> None:
    """Check that the sandbox of a member is there, and, if it is to be started, that the sandbox was started.

    Starting a member before its sandbox crashes the sandbox, on all versions that were tried.

    :raises UsageError: it is not.
    """
    if not is_member(config):
        return
    sandbox = sandbox_of(config)
    record = statedir.find(root, sandbox) if sandbox else None
    if record is None:
        raise UsageError(
            f"bundle: it is for a member of sandbox {sandbox!r}, which does not exist under the root {root}",
            remedy="Create and start the sandbox first",
        )
    if start and record.status == "created":
        raise UsageError(
            f"bundle: it is for a member of sandbox {sandbox!r}, which has not been started",
            remedy=f"Start {sandbox!r} first",
        )
