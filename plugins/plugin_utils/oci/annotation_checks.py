# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Annotations that runsc reads: those that make a sandbox of several containers, and gVisor's own."""

from __future__ import annotations

import re
import typing as t

from ...module_utils.annotations import FAMILIES, MEMBER, MOUNT_PREFIX, ROOTFS_PREFIX, SANDBOX
from ..suggestions import did_you_mean, near
from .explain import Finding
from .looking import an_object
from .places import Path, shown

_TYPES = (SANDBOX, MEMBER)


class _Hint(t.NamedTuple):
    """Annotations that belong together: their names, and by name a pattern and the same in words."""

    names: tuple[str, ...]
    required: tuple[str, ...]
    values: dict[str, tuple[str, str]]


_MOUNT = _Hint(
    ("source", "type", "share", "options", "directfs"),
    ("source", "type", "share"),
    {
        "type": (r"bind|tmpfs", "one of bind, tmpfs"),
        "share": (r"container|pod|shared", "one of container, pod, shared"),
    },
)
_ROOTFS = _Hint(
    ("source", "type", "overlay", "options", "size"),
    ("source", "type"),
    {
        "source": (r"(?s)/.*", "an absolute path"),
        "type": (r"bind|erofs", "one of bind, erofs"),
        "overlay": (r"(?s)none|memory|self|dir=/.*", "one of none, memory, self, dir=/path"),
    },
)


def check_annotations(config: dict[str, t.Any]) -> t.Iterator[Finding]:
    """Check the annotations of a configuration."""
    annotations = {name: value for name, value in an_object(config, "annotations").items() if isinstance(value, str)}
    yield from _sandbox(annotations)
    yield from _disagreements(annotations)
    yield from _mount_hints(annotations)
    hint = {name[len(ROOTFS_PREFIX) :]: value for name, value in annotations.items() if name.startswith(ROOTFS_PREFIX)}
    if hint:
        yield from _hint(ROOTFS_PREFIX, hint, _ROOTFS)


def _here(name: str) -> Path:
    return ("annotations", name)


def _sandbox(annotations: dict[str, str]) -> t.Iterator[Finding]:
    for kind_name, sandbox_name in FAMILIES:
        kind, sandbox = annotations.get(kind_name), annotations.get(sandbox_name)
        if kind is not None and kind not in _TYPES:
            suggestion = did_you_mean(near(kind, _TYPES))
            yield Finding(_here(kind_name), f"is {shown(kind)}, expected one of sandbox, container{suggestion}")
        if kind == "container" and not sandbox:
            yield Finding(_here(sandbox_name), "is missing, expected the id of the sandbox that the container joins")
        if sandbox is not None and kind is None:
            text = f"is missing, expected sandbox or container, since {sandbox_name} is given"
            yield Finding(_here(kind_name), text)


def _disagreements(annotations: dict[str, str]) -> t.Iterator[Finding]:
    for first, second in zip(*FAMILIES, strict=True):
        values = annotations.get(first), annotations.get(second)
        if None not in values and values[0] != values[1]:
            yield Finding(_here(second), f"is {shown(values[1])}, expected {shown(values[0])}, as {first} says")


def _mount_hints(annotations: dict[str, str]) -> t.Iterator[Finding]:
    hints: dict[str, dict[str, str]] = {}
    for name, value in annotations.items():
        if not name.startswith(MOUNT_PREFIX):
            continue
        mount, dot, key = name[len(MOUNT_PREFIX) :].partition(".")
        if mount and dot:
            hints.setdefault(mount, {})[key] = value
        else:
            yield Finding(_here(name), f"has no name and key, expected {MOUNT_PREFIX}NAME.KEY")
    for mount, hint in hints.items():
        yield from _hint(f"{MOUNT_PREFIX}{mount}.", hint, _MOUNT)


def _hint(prefix: str, given: dict[str, str], rules: _Hint) -> t.Iterator[Finding]:
    for key, value in given.items():
        if key not in rules.names:
            meant = near(key, rules.names)
            suggestion = did_you_mean(prefix + meant if meant else None)
            text = f"is no annotation of gVisor, expected one of {', '.join(rules.names)}{suggestion}"
            yield Finding(_here(prefix + key), text)
            continue
        pattern, words = rules.values.get(key, (r"(?s).*", ""))
        if not re.fullmatch(pattern, value):
            yield Finding(_here(prefix + key), f"is {shown(value)}, expected {words}")
    for key in rules.required:
        if not given.get(key):
            yield Finding(_here(prefix + key), f"is missing, expected it beside the others that begin with {prefix}")
