# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The schema of the section C(linux) of a configuration."""

from __future__ import annotations

from . import names
from .pieces import (
    INT64_MAX,
    INT64_MIN,
    UINT32_MAX,
    UINT64_MAX,
    Schema,
    absolute_path,
    boolean,
    choice,
    fields,
    integer,
    listing,
    mapping,
    some_text,
    text,
)

_CPUS = text("a list of numbers and ranges, such as 0-3,7", r"\A(\d+(-\d+)?(,\d+(-\d+)?)*)?\Z")
_BYTES = integer(-1, INT64_MAX, "a number of bytes, or -1 for unlimited")
_DEVICE_NUMBER = integer(0, UINT32_MAX)
_WEIGHT = integer(10, 1000)
_ANY_INT64 = integer(INT64_MIN, INT64_MAX)

ID_MAPPINGS = listing(
    fields(
        "containerID, hostID, size",
        ["containerID", "hostID", "size"],
        containerID=integer(0, UINT32_MAX),
        hostID=integer(0, UINT32_MAX),
        size=integer(1, UINT32_MAX),
    ),
    "a list of mappings",
)

_NAMESPACE = fields(
    "type and path",
    ["type"],
    type=choice(names.NAMESPACES),
    path=absolute_path("an absolute path, such as /run/netns/name"),
)

_DEVICE = fields(
    "path, type, major, minor",
    ["path", "type"],
    path=absolute_path("an absolute path inside the container"),
    type=choice(names.DEVICE_TYPES),
    major=_DEVICE_NUMBER,
    minor=_DEVICE_NUMBER,
    fileMode=integer(0, 0o7777),
    uid=integer(0, UINT32_MAX),
    gid=integer(0, UINT32_MAX),
)

_DEVICE_RULE = fields(
    "allow, type, major, minor, access",
    ["allow"],
    allow=boolean(),
    type=choice(names.RULE_TYPES),
    major=_ANY_INT64,
    minor=_ANY_INT64,
    access=text("some of the letters r, w and m", r"\A[rwm]*\Z"),
)

_MEMORY = fields(
    "limits in bytes",
    limit=_BYTES,
    reservation=_BYTES,
    swap=_BYTES,
    kernel=_BYTES,
    kernelTCP=_BYTES,
    swappiness=integer(0, 100),
    disableOOMKiller=boolean(),
    useHierarchy=boolean(),
    checkBeforeUpdate=boolean(),
)

_CPU = fields(
    "shares, quota, period, cpus, ...",
    shares=integer(0, UINT64_MAX),
    quota=_ANY_INT64,
    burst=integer(0, UINT64_MAX),
    period=integer(0, UINT64_MAX),
    realtimeRuntime=_ANY_INT64,
    realtimePeriod=integer(0, UINT64_MAX),
    cpus=_CPUS,
    mems=_CPUS,
    idle=integer(0, 1),
)


def _per_device(**values: Schema) -> Schema:
    return listing(
        fields("major, minor, ...", ["major", "minor"], major=_DEVICE_NUMBER, minor=_DEVICE_NUMBER, **values),
        "a list of devices with their values",
    )


_RATES = _per_device(rate=integer(0, UINT64_MAX))
_BLOCK_IO = fields(
    "weights and rates",
    weight=_WEIGHT,
    leafWeight=_WEIGHT,
    weightDevice=_per_device(weight=_WEIGHT, leafWeight=_WEIGHT),
    throttleReadBpsDevice=_RATES,
    throttleWriteBpsDevice=_RATES,
    throttleReadIOPSDevice=_RATES,
    throttleWriteIOPSDevice=_RATES,
)

_NETWORK = fields(
    "classID and priorities",
    classID=integer(0, UINT32_MAX),
    priorities=listing(
        fields("name, priority", ["name", "priority"], name=some_text("a name"), priority=integer(0, UINT32_MAX)),
        "a list of priorities",
    ),
)

_RESOURCES = fields(
    "memory, cpu, pids, ...",
    devices=listing(_DEVICE_RULE, "a list of rules for devices"),
    memory=_MEMORY,
    cpu=_CPU,
    pids=fields("limit", ["limit"], limit=integer(INT64_MIN, INT64_MAX, "a whole number, or -1 for unlimited")),
    blockIO=_BLOCK_IO,
    hugepageLimits=listing(
        fields(
            "pageSize, limit",
            ["pageSize", "limit"],
            pageSize=text("a size such as 2MB", r"\A[1-9][0-9]*[KMG]B\Z"),
            limit=integer(0, UINT64_MAX),
        ),
        "a list of limits",
    ),
    network=_NETWORK,
    rdma=mapping(
        fields("hcaHandles, hcaObjects", hcaHandles=integer(0, UINT32_MAX), hcaObjects=integer(0, UINT32_MAX)),
        "an object with limits by device",
    ),
    unified=mapping(text("a text; quote numbers"), "an object with texts by name of a file in cgroup v2"),
)

_SYSCALL_ARGUMENT = fields(
    "index, value, op",
    ["index", "value", "op"],
    index=integer(0, 5),
    value=integer(0, UINT64_MAX),
    valueTwo=integer(0, UINT64_MAX),
    op=choice(names.SECCOMP_OPERATORS),
)

_SECCOMP = fields(
    "defaultAction, architectures, syscalls, ...",
    ["defaultAction"],
    defaultAction=choice(names.SECCOMP_ACTIONS),
    defaultErrnoRet=integer(0, UINT32_MAX),
    architectures=listing(choice(names.SECCOMP_ARCHITECTURES), "a list of architectures"),
    flags=listing(choice(names.SECCOMP_FLAGS), "a list of flags"),
    listenerPath=text(),
    listenerMetadata=text(),
    syscalls=listing(
        fields(
            "names, action, ...",
            ["names", "action"],
            names=listing(some_text("the name of a system call"), "a list of system calls", minimum=1),
            action=choice(names.SECCOMP_ACTIONS),
            errnoRet=integer(0, UINT32_MAX),
            args=listing(_SYSCALL_ARGUMENT, "a list of conditions"),
        ),
        "a list of rules",
    ),
)

_OFFSET = fields("secs, nanosecs", secs=_ANY_INT64, nanosecs=integer(0, 999_999_999))

LINUX: Schema = fields(
    "the Linux section",
    namespaces=listing(_NAMESPACE, "a list of namespaces"),
    uidMappings=ID_MAPPINGS,
    gidMappings=ID_MAPPINGS,
    timeOffsets=fields("boottime, monotonic", boottime=_OFFSET, monotonic=_OFFSET),
    devices=listing(_DEVICE, "a list of devices"),
    cgroupsPath=text("a path, or slice:prefix:name with systemd"),
    resources=_RESOURCES,
    rootfsPropagation=choice(("", *names.PROPAGATIONS), f"one of {', '.join(names.PROPAGATIONS)}"),
    seccomp=_SECCOMP,
    sysctl=mapping(text("a text; quote numbers"), "an object with texts by name"),
    maskedPaths=listing(absolute_path("an absolute path"), "a list of absolute paths"),
    readonlyPaths=listing(absolute_path("an absolute path"), "a list of absolute paths"),
    mountLabel=text(),
    personality=fields(
        "domain", ["domain"], domain=choice(names.PERSONALITIES), flags=listing(text(), "a list of texts")
    ),
    intelRdt=fields(
        "closID, l3CacheSchema, ...",
        closID=text(),
        l3CacheSchema=text(),
        memBwSchema=text(),
        enableCMT=boolean(),
        enableMBM=boolean(),
    ),
)
