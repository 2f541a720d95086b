# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what a person writes in an option of runsc_bundle to a piece of an OCI configuration. Pure: nothing is looked up.

Each function takes the value of one option, which is given, and raises L(UsageError) with the option's name.
"""

from __future__ import annotations

import posixpath
import re
import typing as t

from . import accounts
from .annotations import FLAG_PREFIX, MOUNT_PREFIX
from .process_values import CAPABILITIES, check_capability, check_environment, split_command
from .runsc.errors import UsageError

Json = t.Dict[str, t.Any]

# What `runsc spec` gives a new container: enough for most programs, and nothing with which to reach other ones.
DEFAULT_CAPABILITIES = ("CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE")
ALL = "ALL"
# Linux knows them since 5.8, and the kernel of gVisor since 2023. They let a program do nothing in there.
_TOO_NEW = ("CAP_BPF", "CAP_CHECKPOINT_RESTORE", "CAP_PERFMON")

UNLIMITED = -1
CPU_PERIOD = 100000  # microseconds, the kernel's default
_LEAST_CPUS = 0.01  # a quota of 1000 microseconds, the least that the kernel takes
_LEAST_SHARES = 2
_LONGEST_HOSTNAME = 64

_SIZE = re.compile(r"(\d+)\s*([KMGT]?)(i?B)?", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_CPUSET = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")
_RLIMIT_NAMES = """
AS CORE CPU DATA FSIZE LOCKS MEMLOCK MSGQUEUE NICE NOFILE NPROC RSS RTPRIO RTTIME SIGPENDING STACK
"""
_RLIMITS = tuple(_RLIMIT_NAMES.split())
_UNLIMITED_RLIMIT = 2**64 - 1
_ACCESS = ("ro", "rw")
_WORDS = """
async atime bind dev diratime dirsync exec noatime nodev nodiratime noexec nomand norelatime nostrictatime nosuid private rbind
relatime ro rprivate rslave rw slave strictatime suid sync
"""
_MOUNT_WORDS = tuple(_WORDS.split())
_TMPFS_VALUES = {"size": r"\d+[kmgKMG]?", "mode": r"[0-7]{3,4}", "uid": r"\d+", "gid": r"\d+"}


def wrong(option: str, value: t.Any, what: str, remedy: str) -> UsageError:
    """Return the error about the value of an option."""
    return UsageError(f"{option}: {value!r} {what}", remedy=remedy)


def size(option: str, value: t.Any) -> int:
    """Return bytes for C(512M), C(1GiB) or a number; units are powers of 1024. -1 is unlimited."""
    text = str(value).strip()
    if text == str(UNLIMITED):
        return UNLIMITED
    found = _SIZE.fullmatch(text)
    if not found or int(found.group(1)) == 0:
        raise wrong(option, value, "is not a size", "Write it as 512M, 2G, a number of bytes, or -1 for no limit")
    unit: int = 1024 ** _POWERS[found.group(2).upper()]
    return int(found.group(1)) * unit


def environment(option: str, value: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Check variables."""
    check_environment(option, value)
    return dict(value)


def secret_environment(option: str, value: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Check variables without a word about their values."""
    check_environment(option, value, secret=True)
    return dict(value)


def arguments(option: str, value: t.Sequence[str]) -> list[str]:
    """Check a list of arguments."""
    if any("\0" in argument for argument in value):
        raise wrong(option, list(value), "holds NUL", "Remove it")
    return list(value)


def command(option: str, value: str) -> list[str]:
    """Split a command."""
    return split_command(option, value, "args")


def user(option: str, value: str) -> str:
    """Check the form of a user."""
    accounts.split(value)
    return value


def group_numbers(option: str, value: t.Sequence[int]) -> list[int]:
    """Check numbers of groups."""
    for number in value:
        if not 0 <= number < 2**32:
            raise wrong(option, number, "is not the number of a group", "Give numbers from 0 to 4294967295")
    return list(value)


def absolute_path(option: str, value: str) -> str:
    """Check a path."""
    if not value.startswith("/") or "\0" in value:
        raise wrong(option, value, "is not an absolute path", "Begin it with a slash")
    return value


def capabilities(option: str, value: t.Mapping[str, t.Any]) -> dict[str, list[str]]:
    """Check names of capabilities to add and to drop."""
    for part in ("add", "drop"):
        for name in value.get(part) or []:
            if name != ALL:
                check_capability(f"{option}.{part}", name)
    return {part: list(value.get(part) or []) for part in ("add", "drop")}


def granted(changes: t.Mapping[str, t.Sequence[str]], *, is_root: bool) -> list[str]:
    """Return the capabilities of a container: the default ones, of root only, with those added and without those dropped."""
    add, drop = changes.get("add", ()), changes.get("drop", ())
    base = set(DEFAULT_CAPABILITIES) if is_root and ALL not in drop else set()
    wanted = base | (set(CAPABILITIES) - set(_TOO_NEW) if ALL in add else set())
    wanted |= set(add) - {ALL}
    return sorted(wanted - set(drop))


def rlimits(option: str, value: t.Sequence[t.Mapping[str, t.Any]]) -> list[Json]:
    """Return limits as OCI has them; C(nofile) is C(RLIMIT_NOFILE), -1 is unlimited."""
    limits: dict[str, Json] = {}
    for index, entry in enumerate(value):
        place = f"{option}[{index}]"
        name = entry["type"].upper()
        name = name[len("RLIMIT_") :] if name.startswith("RLIMIT_") else name
        if name not in _RLIMITS:
            raise wrong(f"{place}.type", entry["type"], "is not a limit", f"Use one of {', '.join(_RLIMITS).lower()}")
        soft = entry["soft"]
        hard = soft if entry.get("hard") is None else entry["hard"]
        for number in (soft, hard):
            if number < UNLIMITED:
                raise wrong(place, number, "is not a limit", "Give a number, or -1 for no limit")
        if hard != UNLIMITED and not 0 <= soft <= hard:
            raise wrong(f"{place}.soft", soft, f"is above hard, {hard}", "Lower it, or raise hard")
        if name in limits:
            raise wrong(f"{place}.type", entry["type"], "is given twice", "Keep one of them")
        limits[name] = {
            "type": f"RLIMIT_{name}",
            "hard": _UNLIMITED_RLIMIT if hard == UNLIMITED else hard,
            "soft": _UNLIMITED_RLIMIT if soft == UNLIMITED else soft,
        }
    return list(limits.values())


def mounts(option: str, value: t.Sequence[t.Mapping[str, t.Any]]) -> list[Json]:
    """Return mounts as OCI has them."""
    return _distinct(option, [_mount(f"{option}[{index}]", entry) for index, entry in enumerate(value)])


def _mount(place: str, entry: t.Mapping[str, t.Any]) -> Json:
    kind, source, options = entry.get("type"), entry.get("source"), entry.get("options")
    is_bind = kind == "bind" or bool({"bind", "rbind"}.intersection(options or []))
    if is_bind and not source:
        raise wrong(f"{place}.source", source, "is no source of a bind mount", "Give the path on the managed node")
    destination = _destination(f"{place}.destination", entry["destination"])
    mount = {"destination": destination, "type": kind or ("bind" if is_bind else ""), "source": source or kind or ""}
    if not mount["type"]:
        raise wrong(f"{place}.type", kind, "is no type of a mount", "Give one, such as bind or tmpfs")
    return {**mount, **({"options": list(options)} if options else {})}


def volumes(option: str, value: t.Sequence[str]) -> list[Json]:
    """Return bind mounts for C(SOURCE:DESTINATION) or C(SOURCE:DESTINATION:OPTION,OPTION)."""
    found = []
    for index, text in enumerate(value):
        place = f"{option}[{index}]"
        source, destination, options = [*text.split(":", 2), "", ""][:3]
        if not source.startswith("/") or not destination:
            raise wrong(
                place, text, "is not a volume", "Write SOURCE:DESTINATION or SOURCE:DESTINATION:ro, absolute paths"
            )
        given = _mount_options(place, options, {})
        access = [] if set(_ACCESS).intersection(given) else ["rw"]
        mount = {"destination": _destination(place, destination), "type": "bind", "source": source}
        found.append({**mount, "options": ["rbind", *access, *given]})
    return _distinct(option, found)


def tmpfs(option: str, value: t.Sequence[str]) -> list[Json]:
    """Return mounts of empty file systems in memory for C(DESTINATION) or C(DESTINATION:OPTION,OPTION)."""
    found = []
    for index, text in enumerate(value):
        destination, _colon, options = text.partition(":")
        given = _mount_options(f"{option}[{index}]", options, _TMPFS_VALUES)
        mount = {"destination": _destination(f"{option}[{index}]", destination), "type": "tmpfs", "source": "tmpfs"}
        found.append({**mount, "options": ["nosuid", "nodev", *given]})
    return _distinct(option, found)


def _mount_options(place: str, text: str, values: t.Mapping[str, str]) -> list[str]:
    """Split mount options. A wrong one would be told by runsc, when a container is made, without the option's name."""
    given = [part for part in text.split(",") if part]
    words = set(_MOUNT_WORDS) - ({"bind", "rbind"} if values else set())
    for part in given:
        name, equals, value = part.partition("=")
        if part not in words and not (equals and re.fullmatch(values.get(name, r"(?!)"), value)):
            known = ", ".join([*(f"{name}=" for name in values), "ro", "rw", "nosuid", "nodev", "noexec"])
            raise wrong(place, part, "is not a mount option", f"Use such as {known}; for others there is mounts")
    return given


def _destination(place: str, value: str) -> str:
    if not value.startswith("/") or posixpath.normpath(value) in ("/", "//"):
        raise wrong(place, value, "is not a place for a mount", "Give an absolute path below the root")
    return posixpath.normpath(value)


def _distinct(option: str, found: list[Json]) -> list[Json]:
    seen: set[str] = set()
    for mount in found:
        if mount["destination"] in seen:
            raise wrong(option, mount["destination"], "is mounted twice", "Keep one of the mounts")
        seen.add(mount["destination"])
    return found


def hostname(option: str, value: str) -> str:
    """Check a host's name."""
    if not value or len(value) > _LONGEST_HOSTNAME or re.search(r"[\s/\0]", value):
        raise wrong(option, value, "is not a host's name", f"Give 1 to {_LONGEST_HOSTNAME} letters, digits, - and .")
    return value


def cpus(option: str, value: float) -> Json:
    """Return the quota that gives so many CPUs."""
    if value < _LEAST_CPUS:
        raise wrong(option, value, "is too little", f"Give at least {_LEAST_CPUS}")
    return {"quota": round(value * CPU_PERIOD), "period": CPU_PERIOD}


def cpu_shares(option: str, value: int) -> int:
    """Check a weight."""
    if value < _LEAST_SHARES:
        raise wrong(option, value, "is too little", f"Give at least {_LEAST_SHARES}; 1024 is the normal weight")
    return value


def cpuset(option: str, value: str) -> str:
    """Check a list of CPUs."""
    if not _CPUSET.fullmatch(value):
        raise wrong(option, value, "is not a list of CPUs", "Write it as 0-3 or 0,2")
    return value


def pids_limit(option: str, value: int) -> int:
    """Check a number of processes."""
    if value != UNLIMITED and value < 1:
        raise wrong(option, value, "is not a limit", "Give 1 or more, or -1 for no limit")
    return value


def some_text(option: str, value: str) -> str:
    """Check that a text is not empty."""
    if not value or "\0" in value:
        raise wrong(option, value, "is empty or holds NUL", "Leave the option out, or give a value")
    return value


def labels(option: str, value: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Check annotations."""
    for name, text in value.items():
        if not isinstance(text, str):
            raise wrong(option, text, f"is the value of {name!r}, and no text", "Quote it in YAML")
    return dict(value)


def flag_overrides(option: str, value: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Return the annotations that set flags of runsc for one container."""
    found = {}
    for name, setting in value.items():
        if not isinstance(setting, (str, int, float, bool)):
            raise wrong(option, setting, f"is no value for the flag {name!r}", "Give a text, a number or a boolean")
        text = str(setting).lower() if isinstance(setting, bool) else str(setting)
        found[f"{FLAG_PREFIX}{name.lstrip('-')}"] = text
    return found


def mount_hints(option: str, value: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, str]:
    """Return the annotations that tell gVisor how a mount is shared by the containers of a sandbox."""
    found: dict[str, str] = {}
    for index, entry in enumerate(value):
        name = entry["name"]
        prefix = f"{MOUNT_PREFIX}{name}."
        if not name or "." in name or f"{prefix}source" in found:
            raise wrong(
                f"{option}[{index}].name", name, "is no name, or given twice", "Give each hint a name without dots"
            )
        for key in ("source", "type", "share", "options"):
            if entry.get(key):
                found[prefix + key] = entry[key]
    return found
