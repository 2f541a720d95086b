# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The schema of an OCI Process: what runs in a container, with whose rights."""

from __future__ import annotations

from . import names
from .pieces import (
    INT32_MAX,
    INT32_MIN,
    UINT32_MAX,
    UINT64_MAX,
    Schema,
    absolute_path,
    boolean,
    choice,
    environment,
    fields,
    integer,
    listing,
    some_text,
    text,
)

_ID = integer(0, UINT32_MAX, "the number of a user or group, from 0 to 4294967295")
_CAPABILITY = choice(names.CAPABILITIES, "the name of a capability, such as CAP_NET_ADMIN")
_LIMIT = integer(0, UINT64_MAX, "a whole number from 0 to 18446744073709551615, which means unlimited")

_USER = fields(
    "uid, gid, additionalGids",
    uid=_ID,
    gid=_ID,
    umask=integer(0, 0o7777),
    additionalGids=listing(_ID, "a list of the numbers of groups"),
)

_CAPABILITIES = fields(
    "lists of capabilities, by set",
    **{name: listing(_CAPABILITY, "a list of capabilities") for name in names.CAPABILITY_SETS},
)

_RLIMIT = fields(
    "type, soft, hard",
    ["type", "soft", "hard"],
    type=choice(names.RLIMITS, "the name of a limit, such as RLIMIT_NOFILE"),
    soft=_LIMIT,
    hard=_LIMIT,
)

_SCHEDULER = fields(
    "policy and its parameters",
    ["policy"],
    policy=choice(names.SCHEDULERS),
    nice=integer(INT32_MIN, INT32_MAX),
    priority=integer(INT32_MIN, INT32_MAX),
    flags=listing(text(), "a list of texts"),
    runtime=integer(0, UINT64_MAX),
    deadline=integer(0, UINT64_MAX),
    period=integer(0, UINT64_MAX),
)

_PROPERTIES: dict[str, Schema] = {
    "terminal": boolean(),
    "consoleSize": fields(
        "height and width",
        ["height", "width"],
        height=integer(0, UINT64_MAX),
        width=integer(0, UINT64_MAX),
    ),
    "user": _USER,
    "args": listing(text(), "a list of texts, the program first", minimum=1),
    "env": environment(),
    "cwd": absolute_path("an absolute path inside the container"),
    "capabilities": _CAPABILITIES,
    "rlimits": listing(_RLIMIT, "a list of limits"),
    "noNewPrivileges": boolean(),
    "apparmorProfile": text(),
    "selinuxLabel": text(),
    "oomScoreAdj": integer(-1000, 1000),
    "scheduler": _SCHEDULER,
    "ioPriority": fields(
        "class and priority",
        ["class"],
        **{"class": choice(names.IO_CLASSES), "priority": integer(0, 7)},
    ),
    "execCPUAffinity": fields(
        "initial and final", initial=some_text("a list of CPUs"), final=some_text("a list of CPUs")
    ),
}

# For runsc exec: it takes from the container's own process what is not given.
EXEC_PROCESS: Schema = fields("an OCI Process", ["args"], **_PROPERTIES)
PROCESS: Schema = fields("an OCI Process", ["args", "cwd"], **_PROPERTIES)
