# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a schema can't say about a document: how its parts fit together, and whether they fit runsc's flags.

Each check looks at one thing, takes any document that is an object, and passes over what the schema complains about.
"""

from __future__ import annotations

import posixpath
import typing as t

from .annotation_checks import check_annotations
from .explain import Finding
from .looking import an_object, at, number, objects, texts
from .names import BIND_OPTIONS
from .places import Path, place, shown

Document = dict[str, t.Any]
Check = t.Callable[[Document, "Setting"], t.Iterator[Finding]]

_LEAST_QUOTA = 1000  # microseconds, as for the period; the kernel's bounds
_PERIODS = (1000, 1_000_000)
_SYSTEMD_PARTS = 3


class Setting(t.NamedTuple):
    """The flags with which runsc will get the document; the network is None where nobody knows."""

    network: str | None = None
    flags: t.Mapping[str, str] = {}

    def has(self, flag: str) -> bool:
        """Whether a boolean flag is on."""
        return self.flags.get(flag) in ("true", "1", "t", "T", "TRUE", "True")


def check_process(process: Document) -> t.Iterator[Finding]:
    """Check an OCI Process by itself."""
    args = process.get("args")
    if isinstance(args, list) and args[:1] == [""]:
        yield Finding(("process", "args", 0), "is '', expected the program")
    seen: dict[str, int] = {}
    for index, limit in objects(process.get("rlimits")):
        here: Path = ("process", "rlimits", index)
        soft, hard = number(limit.get("soft")), number(limit.get("hard"))
        if soft is not None and hard is not None and soft > hard >= 0:
            yield Finding((*here, "soft"), f"is {soft}, expected no more than hard, which is {hard}")
        kind = limit.get("type")
        if isinstance(kind, str) and seen.setdefault(kind, index) != index:
            first = place(("process", "rlimits", seen[kind], "type"))
            yield Finding((*here, "type"), f"is {kind!r}, expected another than in {first}")


def _process(config: Document, setting: Setting) -> t.Iterator[Finding]:
    process = an_object(config, "process")
    yield from check_process(process)
    label = process.get("selinuxLabel")
    if isinstance(label, str) and label:
        yield Finding(("process", "selinuxLabel"), f"is {shown(label)}, expected nothing: runsc refuses SELinux labels")


# A set of capabilities, and the one that has to hold each of them, or the sandbox does not start.
_SUBSETS = {"effective": "permitted", "inheritable": "bounding"}


def _capabilities(config: Document, setting: Setting) -> t.Iterator[Finding]:
    sets = an_object(config, "process", "capabilities")
    for name, bound in _SUBSETS.items():
        held = texts(sets.get(bound))
        given = sets.get(name)
        for index, capability in enumerate(given if isinstance(given, list) else []):
            if isinstance(capability, str) and capability not in held:
                here: Path = ("process", "capabilities", name, index)
                text = f"is {shown(capability)}, expected one that is in process.capabilities.{bound} too"
                yield Finding(here, text)


def _mounts(config: Document, setting: Setting) -> t.Iterator[Finding]:
    seen: dict[str, int] = {}
    for index, mount in objects(config.get("mounts")):
        here: Path = ("mounts", index)
        destination = mount.get("destination")
        if isinstance(destination, str) and destination.startswith("/"):
            clean = posixpath.normpath(destination).replace("//", "/")
            if clean == "/":
                yield Finding((*here, "destination"), f"is {destination!r}, expected a folder below the root")
            elif seen.setdefault(clean, index) != index:
                first = place(("mounts", seen[clean], "destination"))
                yield Finding((*here, "destination"), f"is {shown(destination)}, expected another than in {first}")
        is_bind = mount.get("type") == "bind" or BIND_OPTIONS.intersection(texts(mount.get("options")))
        if is_bind and mount.get("source") in (None, ""):
            yield Finding((*here, "source"), "is missing, expected the path on the host that a bind mount shows")


def _namespaces(config: Document, setting: Setting) -> t.Iterator[Finding]:
    seen: dict[str, int] = {}
    for index, namespace in objects(at(config, "linux", "namespaces")):
        kind = namespace.get("type")
        here: Path = ("linux", "namespaces", index)
        if not isinstance(kind, str):
            continue
        if seen.setdefault(kind, index) != index:
            first = place(("linux", "namespaces", seen[kind], "type"))
            yield Finding((*here, "type"), f"is {kind!r}, expected another than in {first}")
        if kind == "network" and setting.network == "host" and not namespace.get("path"):
            yield Finding(
                here,
                "is a new network namespace, expected none, or one with a path: with network=host the container "
                "would get the empty network of that namespace, not the host's",
            )
    if setting.network == "sandbox" and "network" not in seen:
        yield Finding(
            ("linux", "namespaces"),
            "has none of type 'network', expected one: with network=sandbox runsc refuses to work in the host's",
        )


def _mappings(config: Document, setting: Setting) -> t.Iterator[Finding]:
    users = [item for _index, item in objects(at(config, "linux", "namespaces")) if item.get("type") == "user"]
    for name in ("uidMappings", "gidMappings"):
        here: Path = ("linux", name)
        given = at(config, "linux", name)
        if given and not users:
            yield Finding(here, f"is {shown(given)}, expected none without a namespace of type 'user'")
        elif users and not users[0].get("path") and not given:
            yield Finding(here, "is missing, expected a mapping for the new namespace of type 'user'")


def _memory(config: Document, setting: Setting) -> t.Iterator[Finding]:
    memory = an_object(config, "linux", "resources", "memory")
    limit, swap = number(memory.get("limit")), number(memory.get("swap"))
    if limit is not None and swap is not None and 0 < swap < limit:
        here: Path = ("linux", "resources", "memory", "swap")
        yield Finding(here, f"is {swap}, expected at least the limit, {limit}: it is the sum of memory and swap")


def _cpu(config: Document, setting: Setting) -> t.Iterator[Finding]:
    cpu = an_object(config, "linux", "resources", "cpu")
    here: Path = ("linux", "resources", "cpu")
    quota, period = number(cpu.get("quota")), number(cpu.get("period"))
    if quota is not None and 0 < quota < _LEAST_QUOTA:
        text = f"is {quota}, expected at least {_LEAST_QUOTA} microseconds, or -1 for no limit"
        yield Finding((*here, "quota"), text)
    if period and not _PERIODS[0] <= period <= _PERIODS[1]:
        low, high = _PERIODS
        yield Finding((*here, "period"), f"is {period}, expected {low} to {high} microseconds")


def _cgroups_path(config: Document, setting: Setting) -> t.Iterator[Finding]:
    given = at(config, "linux", "cgroupsPath")
    if setting.has("systemd-cgroup") and isinstance(given, str) and len(given.split(":")) != _SYSTEMD_PARTS:
        here: Path = ("linux", "cgroupsPath")
        yield Finding(here, f"is {shown(given)}, expected slice:prefix:name, since the flag systemd-cgroup is on")


def _annotations(config: Document, setting: Setting) -> t.Iterator[Finding]:
    yield from check_annotations(config)


CHECKS: tuple[Check, ...] = (
    _process,
    _capabilities,
    _mounts,
    _namespaces,
    _mappings,
    _memory,
    _cpu,
    _cgroups_path,
    _annotations,
)


def check_config(config: Document, setting: Setting) -> t.Iterator[Finding]:
    """Run all checks on a configuration."""
    for check in CHECKS:
        yield from check(config, setting)
