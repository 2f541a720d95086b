# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Putting an OCI configuration together from the options of runsc_bundle and what an image says. Pure: nothing is looked up.

The same code runs on the managed node, which writes the result, and on the controller, which validates it before.
"""

from __future__ import annotations

import typing as t

from . import bundle_values as values
from .annotations import CONTAINERD, ROOTFS_PREFIX, STOP_SIGNAL
from .process_values import merge_env
from .runsc.errors import UsageError

Json = t.Dict[str, t.Any]
Parser = t.Callable[[str, t.Any], t.Any]

OCI_VERSION = "1.0.2"
# By its value runsc_container sees that a container was made from an earlier content of the root file system.
ROOTFS_ANNOTATION = "io.github.gvisor-ansible.rootfs.digest"
_PORTS_ANNOTATION = "org.opencontainers.image.exposedPorts"
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HOST_FILES = ("/etc/resolv.conf", "/etc/hosts")  # what a program needs to find hosts on the host's own network

# Each option that becomes a part of the configuration, and what checks and translates its value.
PARSERS: dict[str, Parser] = {
    "entrypoint": values.arguments,
    "args": values.arguments,
    "command": values.command,
    "env": values.environment,
    "secret_env": values.secret_environment,
    "workdir": values.absolute_path,
    "user": values.user,
    "additional_gids": values.group_numbers,
    "capabilities": values.capabilities,
    "rlimits": values.rlimits,
    "mounts": values.mounts,
    "volumes": values.volumes,
    "tmpfs": values.tmpfs,
    "hostname": values.hostname,
    "network_namespace": values.absolute_path,
    "memory": values.size,
    "memory_swap": values.size,
    "cpus": values.cpus,
    "cpu_shares": values.cpu_shares,
    "cpuset": values.cpuset,
    "pids_limit": values.pids_limit,
    "cgroup_path": values.some_text,
    "annotations": values.labels,
    "flag_overrides": values.flag_overrides,
    "mount_hints": values.mount_hints,
    "rootfs_overlay": values.some_text,
    "sandbox": values.some_text,
}
# Taken as they are.
_PLAIN = ("readonly", "terminal", "no_new_privileges", "container_type", "network", "spec")

_DEFAULT_MOUNTS: tuple[Json, ...] = (
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
    {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777"]},
)
_NAMESPACES = ("pid", "ipc", "uts", "mount")


class Found(t.NamedTuple):
    """What was found about the root file system: where it is, what it is made of, and what its image says.

    C(rootfs) is its path as the configuration has it, C(folder) the absolute one.
    """

    rootfs: str = "rootfs"
    folder: str = "/"
    digest: str = ""
    image: t.Mapping[str, t.Any] = {}
    user: t.Mapping[str, t.Any] = {"uid": 0, "gid": 0}
    host_files: tuple[str, ...] = HOST_FILES
    hostname: str = ""


def parse(params: t.Mapping[str, t.Any]) -> Json:
    """Return the options that were given, checked and translated.

    :raises UsageError: some make no sense. The message names all of them.
    """
    parsed: Json = {name: params[name] for name in _PLAIN if params.get(name) is not None}
    problems: list[UsageError] = []
    for option, parser in PARSERS.items():
        if params.get(option) is None:
            continue
        try:
            parsed[option] = parser(option, params[option])
        except UsageError as exc:
            problems.append(exc)
    if parsed.get("container_type") == "container" and not params.get("sandbox"):
        problems.append(UsageError("sandbox: is missing", remedy="Give the id of the sandbox that the container joins"))
    memory, swap = parsed.get("memory", -1), parsed.get("memory_swap", -1)
    if 0 < swap < memory:
        problems.append(
            UsageError(
                f"memory_swap: {params['memory_swap']!r} is less than memory", remedy="It is the sum of memory and swap"
            )
        )
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise UsageError("\n".join([f"{len(problems)} options are wrong:", *(f"- {problem}" for problem in problems)]))
    return parsed


def user_of(options: t.Mapping[str, t.Any], image: t.Mapping[str, t.Any]) -> str:
    """Return who the process runs as, as text: the option, the image's own user, or root."""
    return str(options.get("user") or image.get("User") or "0:0")


def build_config(options: Json, found: Found) -> Json:
    """Return the configuration.

    :param options: what L(parse) returned.
    :raises UsageError: nothing says which program to run.
    """
    config = {
        "ociVersion": OCI_VERSION,
        "process": _process(options, found),
        "root": {"path": found.rootfs, "readonly": options.get("readonly", False)},
        "hostname": options.get("hostname") or found.hostname,
        "mounts": _mounts(options, found),
        "annotations": _annotations(options, found),
        "linux": _linux(options),
    }
    for optional in ("hostname", "annotations"):
        if not config[optional]:
            del config[optional]
    patched: Json = merge_patch(config, options.get("spec") or {})
    process = patched.get("process")
    if isinstance(process, dict) and not process.get("args"):
        raise UsageError("args: none given, and no image names a program", remedy="Give args, command or entrypoint")
    return patched


def merge_patch(target: t.Any, patch: t.Any) -> t.Any:
    """Return C(target) with C(patch) over it, as JSON Merge Patch has it (RFC 7396): null removes, lists are replaced."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def _process(options: Json, found: Found) -> Json:
    user = dict(found.user)
    if "additional_gids" in options:
        user["additionalGids"] = options["additional_gids"]
    process = {
        "terminal": options.get("terminal", False),
        "user": user,
        "args": _args(options, found.image),
        "env": _env(options, found.image),
        "cwd": options.get("workdir") or found.image.get("WorkingDir") or "/",
        "capabilities": _capabilities(options, is_root=user.get("uid") == 0),
        "noNewPrivileges": options.get("no_new_privileges", True),
    }
    if options.get("rlimits"):
        process["rlimits"] = options["rlimits"]
    return process


def _args(options: Json, image: t.Mapping[str, t.Any]) -> list[str]:
    """As docker has it: an entrypoint of one's own drops the image's command with its entrypoint."""
    given = options.get("args", options.get("command"))
    if "entrypoint" in options:
        return [*options["entrypoint"], *(given or [])]
    return [*(image.get("Entrypoint") or []), *((image.get("Cmd") or []) if given is None else given)]


def _env(options: Json, image: t.Mapping[str, t.Any]) -> list[str]:
    base = list(image.get("Env") or [])
    if not any(entry.startswith("PATH=") for entry in base):
        base.insert(0, _PATH)
    if options.get("terminal") and not any(entry.startswith("TERM=") for entry in base):
        base.append("TERM=xterm")
    return merge_env(base, {**options.get("env", {}), **options.get("secret_env", {})})


def _capabilities(options: Json, *, is_root: bool) -> Json:
    granted = values.granted(options.get("capabilities", {}), is_root=is_root)
    return {name: list(granted) for name in ("bounding", "effective", "permitted")}


def _mounts(options: Json, found: Found) -> list[Json]:
    """Return all mounts. A later one with the same destination takes the place of an earlier one."""
    mounts = list(_DEFAULT_MOUNTS)
    if options.get("network") == "host":
        mounts += [
            {"destination": path, "type": "bind", "source": path, "options": ["rbind", "ro"]}
            for path in found.host_files
        ]
    volumes = sorted(found.image.get("Volumes") or {})
    mounts += [
        {"destination": path, "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev"]} for path in volumes
    ]
    for option in ("tmpfs", "volumes", "mounts"):
        mounts += options.get(option, [])
    return list({mount["destination"]: mount for mount in mounts}.values())


def _annotations(options: Json, found: Found) -> Json:
    image = found.image
    annotations: Json = {**(image.get("Labels") or {})}
    if image.get("StopSignal"):
        annotations[STOP_SIGNAL] = image["StopSignal"]
    if image.get("ExposedPorts"):
        annotations[_PORTS_ANNOTATION] = ",".join(sorted(image["ExposedPorts"]))
    if found.digest:
        annotations[ROOTFS_ANNOTATION] = found.digest
    kind = options.get("container_type") or ("container" if options.get("sandbox") else "")
    annotations.update({name: value for name, value in zip(CONTAINERD, (kind, options.get("sandbox"))) if value})
    if options.get("rootfs_overlay"):
        overlay = {"source": found.folder, "type": "bind", "overlay": options["rootfs_overlay"]}
        annotations.update({ROOTFS_PREFIX + key: value for key, value in overlay.items()})
    return {
        **annotations,
        **options.get("mount_hints", {}),
        **options.get("flag_overrides", {}),
        **options.get("annotations", {}),
    }


def _linux(options: Json) -> Json:
    namespaces = [{"type": kind} for kind in _NAMESPACES]
    path = options.get("network_namespace")
    if path:
        namespaces.append({"type": "network", "path": path})
    elif options.get("network") != "host":  # with a namespace of its own, network=host would be an empty network
        namespaces.append({"type": "network"})
    linux: Json = {"namespaces": namespaces}
    if options.get("cgroup_path"):
        linux["cgroupsPath"] = options["cgroup_path"]
    limits = resources(options)
    return {**linux, **({"resources": limits} if limits else {})}


def resources(options: Json) -> Json:
    """Return C(linux.resources) for what L(parse) returned; empty where no limit is given."""
    sections = {
        "memory": {"limit": options.get("memory"), "swap": options.get("memory_swap")},
        "cpu": {**options.get("cpus", {}), "shares": options.get("cpu_shares"), "cpus": options.get("cpuset")},
        "pids": {"limit": options.get("pids_limit")},
    }
    given = {
        name: {key: value for key, value in section.items() if value is not None} for name, section in sections.items()
    }
    return {name: section for name, section in given.items() if section}
