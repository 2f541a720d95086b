# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading an OCI bundle, and checking all that can be checked before a container is made from it."""

from __future__ import annotations

import json
import os
import typing as t

from .runsc import statedir
from .runsc.errors import UsageError

# Annotations by which containerd and CRI-O say that a container is to live in the sandbox of another one.
_TYPE_ANNOTATIONS = ("io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType")
_SANDBOX_ANNOTATIONS = ("io.kubernetes.cri.sandbox-id", "io.kubernetes.cri-o.SandboxID")


def read_config(bundle: str) -> dict[str, t.Any]:
    """Return the config.json of a bundle. :raises UsageError: it is missing, can't be read, or is no JSON object."""
    path = os.path.join(bundle, "config.json")
    try:
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
    except OSError as exc:
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


def check_config(config: t.Mapping[str, t.Any], bundle: str) -> None:
    """Refuse a configuration from which no container can come. runsc itself says little: "cannot read client sync file: EOF".

    :raises UsageError: with the place in config.json, its value, and what is wrong with it.
    """
    process = config.get("process")
    process = process if isinstance(process, dict) else {}
    args, cwd = process.get("args"), process.get("cwd")
    root = config.get("root")
    rootfs = root.get("path") if isinstance(root, dict) else None
    if not isinstance(args, list) or not args or not all(isinstance(argument, str) for argument in args):
        raise _wrong(bundle, "process.args", args, "Give a list of texts, the program first")
    if not isinstance(cwd, str) or not cwd.startswith("/"):
        raise _wrong(bundle, "process.cwd", cwd, "Give an absolute path inside the container")
    if not isinstance(rootfs, str) or not rootfs:
        raise _wrong(bundle, "root.path", rootfs, "Give the folder of the root file system")
    if not os.path.isdir(os.path.join(bundle, rootfs)):
        raise _wrong(bundle, "root.path", rootfs, f"There is no folder {os.path.join(bundle, rootfs)!r}")
    mounts = config.get("mounts")
    for index, mount in enumerate(mounts if isinstance(mounts, list) else []):
        destination = mount.get("destination") if isinstance(mount, dict) else None
        if not isinstance(destination, str) or not destination.startswith("/"):
            raise _wrong(
                bundle, f"mounts[{index}].destination", destination, "Give an absolute path inside the container"
            )


def _wrong(bundle: str, place: str, value: t.Any, remedy: str) -> UsageError:
    return UsageError(f"bundle: {place} in {os.path.join(bundle, 'config.json')!r} is {value!r}", remedy=remedy)


def check_sandbox(config: t.Mapping[str, t.Any], root: str, start: bool) -> None:
    """Check that the sandbox of a member is there, and, if it is to be started, that the sandbox was started.

    Starting a member before its sandbox crashes the sandbox, on all versions that were tried.

    :raises UsageError: it is not.
    """
    annotations = config.get("annotations")
    annotations = annotations if isinstance(annotations, dict) else {}
    if not any(annotations.get(name) == "container" for name in _TYPE_ANNOTATIONS):
        return
    sandbox = next((annotations[name] for name in _SANDBOX_ANNOTATIONS if annotations.get(name)), "")
    record = statedir.find(root, str(sandbox)) if sandbox else None
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
