# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys of a platform: which there are, what each may hold, and where it goes."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.gvisor.runsc.plugins.module_utils import bundle_values
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import UsageError
from ansible_collections.gvisor.runsc.plugins.plugin_utils.suggestions import did_you_mean, near

SOURCES = ("image", "archive", "rootfs")
NETWORKS = ("none", "host", "sandbox")
# What M(gvisor.runsc.runsc_bundle) gets as it is.
FOR_THE_BUNDLE = (
    *(*SOURCES, "pull", "auth_file", "tls_verify"),
    *("env", "hostname", "capabilities", "volumes", "tmpfs", "mounts", "memory", "cpus", "spec"),
)
# What each task about the sandbox gets as it is.
FOR_EACH_TASK = ("runsc_path", "root", "platform", "network", "config")
# What molecule itself makes the inventory of, and what an inventory says in its own way.
FOR_MOLECULE = ("name", "groups", "children")
FOR_INVENTORIES = (*FOR_MOLECULE, "vars")


class Kind(t.NamedTuple):
    """What a key may hold.

    :param remedy: what to give instead of something else.
    """

    holds: Callable[[t.Any], bool]
    remedy: str


def is_text(value: t.Any) -> bool:
    """Whether it is a text that is not empty."""
    return isinstance(value, str) and bool(value)


def _is_list(value: t.Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes)) and all(map(is_text, value))


def _is_number(value: t.Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


TEXT = Kind(is_text, "Give a text")
PATH = Kind(
    lambda value: is_text(value) and value.startswith("/"),
    "Give an absolute path; ${MOLECULE_SCENARIO_DIRECTORY} and ${MOLECULE_PROJECT_DIRECTORY} begin one",
)
TEXTS = Kind(_is_list, "Give a list of texts")
WORDS = Kind(lambda value: is_text(value) or (_is_list(value) and bool(value)), "Give a text, or a list of texts")
DICTIONARY = Kind(lambda value: isinstance(value, Mapping), "Give a dictionary")

KINDS: dict[str, Kind] = {
    "image": TEXT,
    "archive": PATH,
    "rootfs": PATH,
    "command": WORDS,
    "env": DICTIONARY,
    "volumes": TEXTS,
    "tmpfs": TEXTS,
    "memory": Kind(lambda value: is_text(value) or _is_number(value), "Give a size, such as 512M"),
    "cpus": Kind(_is_number, "Give a number, such as 0.5"),
    "hostname": TEXT,
    "capabilities": DICTIONARY,
    "mounts": Kind(
        lambda value: isinstance(value, Sequence) and all(isinstance(mount, Mapping) for mount in value),
        "Give a list of dictionaries, each with a destination",
    ),
    "spec": DICTIONARY,
    "pull": Kind(lambda value: value in ("always", "missing"), "Give always or missing"),
    "auth_file": PATH,
    "tls_verify": Kind(lambda value: isinstance(value, bool), "Give true or false"),
    "runsc_path": TEXT,
    "root": PATH,
    "platform": TEXT,
    "network": Kind(lambda value: value in NETWORKS, f"Give one of {', '.join(NETWORKS)}"),
    "config": DICTIONARY,
    "vars": DICTIONARY,
    "prepare": WORDS,
    "groups": TEXTS,
    "children": TEXTS,
}

# What M(gvisor.runsc.runsc_bundle) would find out only when all sandboxes before this one are made.
VALUES: dict[str, Callable[[str, t.Any], object]] = {
    "volumes": bundle_values.volumes,
    "tmpfs": bundle_values.tmpfs,
    "memory": bundle_values.size,
    "cpus": bundle_values.cpus,
    "hostname": bundle_values.hostname,
}


def faults(given: Mapping[str, t.Any], known: Sequence[str]) -> list[str]:
    """Return what is wrong with the keys of one platform, and what to do about each.

    :param known: the keys that there are.
    """
    found = []
    for key, value in given.items():
        if key not in known:
            found.append(f"there is no key {str(key)!r}{did_you_mean(near(key, known))}. There are {', '.join(known)}")
        elif key in KINDS and not KINDS[key].holds(value):
            found.append(f"{key}: {value!r} can't be used. {KINDS[key].remedy}")
        elif key in VALUES:
            found.extend(_faults_of_value(key, value))
    sources = [key for key in SOURCES if key in given]
    if not sources:
        found.append(
            "it has no root file system. Give image, such as docker://docker.io/library/debian:12,"
            " archive, the path of a tar archive, or rootfs, the path of a folder"
        )
    elif len(sources) > 1:
        found.append(f"{' and '.join(sources)} exclude each other. Give one of them")
    return found


def _faults_of_value(key: str, value: t.Any) -> list[str]:
    try:
        VALUES[key](key, value)
    except UsageError as exc:
        return [str(exc)]
    return []
