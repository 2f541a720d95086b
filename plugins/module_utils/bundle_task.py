# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of runsc_bundle to a bundle that is asked for, and from what was done to the result."""

from __future__ import annotations

import grp
import os
import pwd
import typing as t

from .bundle import CONFIG
from .bundle_build import Outcome, Wanted, build, remove
from .bundle_values import size
from .module import ModuleLike
from .rootfs_source import ARCHIVE, FOLDER, IMAGE, IN_PLACE, Source
from .runsc.client import Runsc
from .runsc.errors import UsageError
from .unpack import Access, Limits, Tools

ATTRIBUTES = "attributes"  # the action besides those of the build


def bundle_task(module: ModuleLike, runsc: Runsc) -> dict[str, t.Any]:
    """Bring one bundle to the state that the options ask for."""
    params = module.params
    if params["state"] == "absent":
        return result(params, remove(runsc, params["path"], check_mode=module.check_mode))
    _check(params)
    limits = Limits(params["unpack_timeout"], size("max_size", params["max_size"]))
    tools = Tools(limits, Access(params["auth_file"], params["tls_verify"]), runsc.monitor)
    outcome = build(runsc, tools, wanted(params), check_mode=module.check_mode)
    if _set_attributes(module):
        outcome.actions.append(ATTRIBUTES)
    return result(params, outcome)


def _check(params: t.Mapping[str, t.Any]) -> None:
    """:raises UsageError: an option makes no sense on this host."""
    if params["unpack_timeout"] <= 0:
        raise UsageError(
            f"unpack_timeout: {params['unpack_timeout']!r} is not positive", remedy="Give a number of seconds"
        )
    if params["copy"] and not params["rootfs"]:
        raise UsageError("copy: there is nothing to copy", remedy="Name the folder with rootfs")
    if params["auth_file"] and not os.path.isfile(params["auth_file"]):
        raise UsageError(
            f"auth_file: there is no file {params['auth_file']!r}", remedy="Make it with skopeo login first"
        )
    for option, lookup in (("owner", pwd.getpwnam), ("group", grp.getgrnam)):
        name = params[option]
        if name is None or name.isdecimal():
            continue
        try:
            lookup(name)
        except KeyError as exc:
            raise UsageError(f"{option}: the managed node has no {name!r}", remedy="Make it first") from exc
    for option in ("mode", "config_mode"):
        _mode(option, params[option])


def _mode(option: str, value: t.Any) -> int | None:
    """Return a mode given in octal as a text, or as the number that YAML makes of it without quotes."""
    if value is None:
        return None
    number = value if isinstance(value, int) and not isinstance(value, bool) else None
    if isinstance(value, str) and 3 <= len(value) <= 4 and set(value) <= set("01234567"):
        number = int(value, 8)
    if number is None or not 0 <= number <= 0o7777:
        raise UsageError(f"{option}: {value!r} is not a mode", remedy="Write it in octal, such as '0750'")
    return number


def wanted(params: t.Mapping[str, t.Any]) -> Wanted:
    """Return the options as a bundle that is asked for."""
    kinds = {
        IMAGE: params["image"],
        ARCHIVE: params["archive"],
        FOLDER if params["copy"] else IN_PLACE: params["rootfs"],
    }
    source = next(Source(kind, location) for kind, location in kinds.items() if location)
    return Wanted(os.path.normpath(params["path"]), source, params, params["pull"], params["devices"])


def _set_attributes(module: ModuleLike) -> bool:
    """Give the folder and its config.json the owner, group and mode that were asked for. Return whether one was another."""
    params = module.params
    changed = False
    config = os.path.join(params["path"], CONFIG)
    for path, option in ((params["path"], "mode"), (config, "config_mode")):
        mode = _mode(option, params[option])
        changed = module.set_owner_if_different(path, params["owner"], changed)
        changed = module.set_group_if_different(path, params["group"], changed)
        changed = module.set_mode_if_different(path, mode, changed)
    return changed


def result(params: t.Mapping[str, t.Any], outcome: Outcome) -> dict[str, t.Any]:
    """Return the result of the module."""
    header = os.path.join(params["path"], CONFIG)
    return {
        "changed": bool(outcome.actions),
        "actions": outcome.actions,
        "bundle": params["path"],
        "rootfs": outcome.rootfs,
        "config": outcome.config,
        "image_digest": outcome.image_digest,
        "config_digest": outcome.config_digest,
        "outdated": list(outcome.outdated),
        "diff": {
            "before": outcome.before,
            "after": outcome.after,
            "before_header": header,
            "after_header": header,
        },
    }
