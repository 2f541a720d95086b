# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Container ids: what runsc takes, and which ids get in each other's way.

Every runsc command except create, run and list matches an id as a prefix and as a glob pattern (gVisor issue 4553): with
only C(webserver-1) present, C(runsc delete --force w) deletes it. So ids are checked here before runsc sees them.
"""

from __future__ import annotations

import re
import typing as t

from .errors import AmbiguousIdError, UsageError

# The control socket's name holds the id and has room for about 90 characters of it: 85 worked, 100 did not.
MAX_LENGTH = 85
_ALLOWED = re.compile(r"[A-Za-z0-9_+.-]+")


def check(container: str, option: str = "name") -> None:
    """Refuse an id that runsc would not take, or would take for something else.

    :param option: what to call the id in the error.
    :raises UsageError: the id is empty, too long, or holds other characters than letters, digits and C(_ + - .).
    """
    if not _ALLOWED.fullmatch(container):
        raise UsageError(
            f"{option}: {container!r} is not a container id",
            remedy="Use letters, digits, '_', '+', '-' and '.' only, at least one of them",
        )
    if container in (".", ".."):
        raise UsageError(
            f"{option}: {container!r} is not a container id",
            remedy="runsc names control groups after it; use letters and digits",
        )
    if container.startswith("-"):
        raise UsageError(
            f"{option}: {container!r} starts with '-'", remedy="runsc would take it for a flag; start it with a letter"
        )
    if len(container) > MAX_LENGTH:
        raise UsageError(
            f"{option}: {container!r} has {len(container)} characters, and runsc has room for {MAX_LENGTH}",
            remedy="Choose a shorter one",
        )


def check_addressable(container: str, existing: t.Iterable[str]) -> None:
    """Refuse an id that runsc can't address exactly among C(existing), because another one starts with it.

    :raises AmbiguousIdError: runsc would answer "ambiguous", or, if C(container) were missing, act on the other one.
    """
    longer = sorted(other for other in existing if other != container and other.startswith(container))
    if longer:
        raise AmbiguousIdError(
            f"runsc can't address container {container!r}: it matches ids by prefix, and {longer[0]!r} starts with it",
            remedy=f"Remove {longer[0]!r} first, or keep the two under different roots",
            container=container,
        )


def check_new(container: str, existing: t.Iterable[str]) -> None:
    """Refuse to add an id that would make itself or another one unaddressable.

    :raises AmbiguousIdError: one of the two is a prefix of the other.
    """
    existing = list(existing)
    check_addressable(container, existing)
    shorter = sorted(other for other in existing if other != container and container.startswith(other))
    if shorter:
        raise AmbiguousIdError(
            f"creating container {container!r} would make {shorter[0]!r} unaddressable: runsc matches ids by prefix",
            remedy="Choose ids that are not prefixes of each other, or keep the two under different roots",
            container=container,
        )


def check_together(containers: t.Iterable[str], option: str) -> None:
    """Refuse a list of ids that can't all be under one root.

    :raises UsageError: one is no id, is there twice, or is the beginning of another one.
    """
    previous = None
    for container in sorted(containers):
        check(container, option)
        if container == previous:
            raise UsageError(f"{option}: {container!r} is there twice", remedy="Name each container once")
        if previous is not None and container.startswith(previous):
            raise UsageError(
                f"{option}: {container!r} starts with {previous!r}, and runsc matches ids by prefix",
                remedy="Choose ids that are not prefixes of each other, or keep the two under different roots",
            )
        previous = container
