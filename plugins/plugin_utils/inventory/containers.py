# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the answer of a node to plain facts about its containers, with the status that each really has."""

from __future__ import annotations

import json
import typing as t

from ...module_utils.bundle_config import ROOTFS_ANNOTATION
from ...module_utils.inspection import HANGING
from ...module_utils.rootfs_source import IMAGE
from ...module_utils.runsc import ids
from ...module_utils.runsc.errors import UsageError
from ...module_utils.runsc.invoke import essence
from ...module_utils.runsc.models import Container
from ...module_utils.runsc.observe_commands import CORRUPT
from ...module_utils.runsc.statedir import Record
from .frames import SUSPENDED, Answer, NodeError, Root, Sentry

Facts = t.Dict[str, t.Any]

# The statuses with which a container is of no use, and what is wrong with it.
PROBLEMS = {HANGING: "hangs: its sandbox was stopped by a signal", CORRUPT: "has a record that can't be read"}

_KILLED = 128 + 9
_NO_RECORD = Record("", "", "")

# Where engines note the image. The label of an image for its own name is no use: images inherit the labels of others.
_IMAGE_ANNOTATIONS = ("io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName")


def facts_of(root: Root, answer: Answer) -> list[Facts]:
    """Return what is known of each container under a root, in the order of their ids.

    :raises NodeError: the root can't be read, or runsc fails for another reason than one of its containers.
    """
    if root.refusal:
        raise NodeError(f"the root {root.path} {root.refusal}")
    found = _listed(root)
    containers = _from_records(root, answer.sentries) if found is None else _from_list(root, found, answer.sentries)
    return [_facts(container, root) for container in sorted(containers, key=_id) if _is_id(container.id)]


def _listed(root: Root) -> list[Container] | None:
    """Return what C(runsc list) says. None if it hung with a sandbox, or stumbled over a record, so that there is no answer."""
    if root.exit_code is None or root.exit_code == _KILLED:
        return None
    lines = root.listed.decode("utf-8", "replace").splitlines()
    document = next((line for line in reversed(lines) if line.startswith("[") or line.strip() == "null"), "")
    try:
        items = json.loads(document) or [] if root.exit_code == 0 else None
        if isinstance(items, list):
            return [container for container in map(Container.from_json, items) if container.id]
    except (ValueError, TypeError, AttributeError):
        pass
    if any(record.problem for record in root.records.values()):
        return None
    said = essence("\n".join(lines)) or f"nothing, and ended with {root.exit_code}"
    raise NodeError(f"'runsc list' for the root {root.path} says {said!r}. Is runsc_path really runsc?")


def _from_list(root: Root, listed: list[Container], sentries: t.Mapping[int, Sentry]) -> list[Container]:
    shown = [_verified(item, root.records.get(item.id, _NO_RECORD), sentries) for item in listed]
    hidden = root.names.intersection(root.records) - {item.id for item in listed}
    return shown + [Container(name, CORRUPT, -1, "", {}, "") for name in hidden]


def _verified(container: Container, record: Record, sentries: t.Mapping[int, Sentry]) -> Container:
    """Correct the status of a container whose sentry is dead, or whose pid belongs to another process by now."""
    if container.pid <= 0:
        return container
    sandbox = record.sandbox or container.id
    if container.pid in sentries and sentries[container.pid].sandbox == sandbox:
        return container
    return container._replace(status="stopped", pid=-1)


def _from_records(root: Root, sentries: t.Mapping[int, Sentry]) -> list[Container]:
    return [
        _from_record(record, sentries.get(record.pid)) for name, record in root.records.items() if name in root.names
    ]


def _from_record(record: Record, sentry: Sentry | None) -> Container:
    if record.problem:
        return Container(record.id, CORRUPT, -1, "", {}, "")
    status, pid = record.status, record.pid
    if sentry is None or sentry.sandbox != record.sandbox:
        status, pid = "stopped", -1
    elif sentry.state == SUSPENDED:
        status = HANGING
    return Container(record.id, status, pid, record.bundle, _annotations(record), "")


def _annotations(record: Record) -> dict[str, str]:
    found = record.spec.get("annotations")
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _id(container: Container) -> str:
    return container.id


def _is_id(container: str) -> bool:
    """Whether runsc can be told this id; one that begins with a dash, for example, would be a flag."""
    try:
        ids.check(container)
    except UsageError:
        return False
    return True


def _facts(container: Container, root: Root) -> Facts:
    record = root.records.get(container.id, _NO_RECORD)
    return {
        "id": container.id,
        "status": container.status,
        "pid": container.pid,
        "bundle": container.bundle,
        "annotations": container.annotations,
        "image": _image(container, root),
        "created": record.created,
        "owner": record.owner,
        "sandbox": record.sandbox or container.id,
        "root": root.path,
    }


def _image(container: Container, root: Root) -> str:
    """Return the image that a container was made from; nothing if it was not, or if nobody noted it."""
    try:
        made = json.loads(root.made.get(container.bundle, b"{}"))
        kind, location = made["source"][:2]
        # A bundle may be a newer one than that of the container.
        if kind == IMAGE and made["digest"] == container.annotations.get(ROOTFS_ANNOTATION):
            return str(location)
    except (ValueError, TypeError, KeyError):
        pass
    return next((container.annotations[name] for name in _IMAGE_ANNOTATIONS if container.annotations.get(name)), "")
