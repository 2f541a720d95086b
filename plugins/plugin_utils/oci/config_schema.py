# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The schema of a whole OCI configuration, the config.json of a bundle, of version 1.2 of the specification, for Linux."""

from __future__ import annotations

from . import names
from .linux_schema import ID_MAPPINGS, LINUX
from .pieces import (
    INT32_MAX,
    Schema,
    absolute_path,
    boolean,
    environment,
    fields,
    integer,
    listing,
    mapping,
    some_text,
    text,
)
from .process_schema import PROCESS

_MOUNT = fields(
    "destination, type, source, options",
    ["destination"],
    destination=absolute_path("an absolute path inside the container"),
    type=text("the type of a file system, such as bind, tmpfs or proc"),
    source=text("a path or a name"),
    options=listing(some_text("an option of mount"), "a list of texts"),
    uidMappings=ID_MAPPINGS,
    gidMappings=ID_MAPPINGS,
)

_HOOK = fields(
    "path, args, env, timeout",
    ["path"],
    path=absolute_path("an absolute path on the host"),
    args=listing(text(), "a list of texts"),
    env=environment(),
    timeout=integer(1, INT32_MAX, "a number of seconds, 1 or more"),
)

CONFIG: Schema = fields(
    "an OCI configuration",
    ["ociVersion", "process", "root"],
    ociVersion=text("a version 1.x.y of the OCI runtime specification", r"\A1\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?\Z"),
    process=PROCESS,
    root=fields(
        "path and readonly",
        ["path"],
        path=some_text("the folder of the root file system"),
        readonly=boolean(),
    ),
    hostname=text(),
    domainname=text(),
    mounts=listing(_MOUNT, "a list of mounts"),
    hooks=fields("lists of hooks, by stage", **{name: listing(_HOOK, "a list of hooks") for name in names.HOOKS}),
    annotations=mapping(text("a text; quote numbers and booleans"), "an object with texts by name"),
    linux=LINUX,
)

# Sections for other systems. runsc refuses some of them and passes over the others; no Linux container can have them.
FOREIGN = frozenset({"solaris", "windows", "vm", "zos", "freebsd"})
