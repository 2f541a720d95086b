# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What killed tasks have left beside images: unfinished new ones, and old ones. Both hold memory. No Ansible in here."""

from __future__ import annotations

import contextlib
import os
import time
import typing as t

from . import images, staging
from .runsc import statedir
from .staging import Staging

USED, PENDING, DEAD = "used", "pending", "dead"
_REASONS = {
    USED: "a task, a runsc or a sandbox works on it, or nothing proves that none does",
    PENDING: "the next task with this name and path may need it: there may be no other image of that memory",
    DEAD: "the task that made it was killed, and no other can use it",
}


class ImageRemain(t.NamedTuple):
    """A folder that is no image, beside the path C(image) of one. C(age) and C(size) are seconds and bytes."""

    path: str
    image: str
    container: str
    status: str
    size: int
    age: float

    @property
    def reason(self) -> str:
        """Why it has this status."""
        return _REASONS[self.status]


def find(folder: str) -> list[ImageRemain]:
    """Find all that tasks have left in a folder that holds images, or are just making there. Changes nothing."""
    found: list[ImageRemain] = []
    with contextlib.suppress(OSError):
        for each in staging.listed(os.path.realpath(folder)):
            for path in (each.path, each.aside):
                if os.path.isdir(path):
                    with staging.claimed(path) as abandoned:
                        found.append(_remain(each, path, _status(each, path) if abandoned else USED))
    return found


def beside(path: str) -> list[ImageRemain]:
    """Find what was left in a folder, and, if it is the path of an image, beside it."""
    path = os.path.realpath(path)
    return find(path) + [remain for remain in find(os.path.dirname(path)) if remain.image == path]


def remove(remain: ImageRemain, statuses: t.Collection[str] = (DEAD,)) -> bool:
    """Remove one, if it still has one of these statuses. With C(PENDING) what holds the only image of a container may go.

    :returns: whether it was removed. What is used never is.
    :raises OSError: it can't be removed.
    """
    each = Staging(remain.image, remain.container)
    with staging.claimed(remain.path) as abandoned:
        if not abandoned or _status(each, remain.path) not in statuses:
            return False
        staging.remove(remain.path)
    return True


def remove_path(path: str) -> bool:
    """Remove the one in this folder, if it is still dead. Return whether it was. :raises OSError: it can't be removed."""
    return any(remove(remain) for remain in find(os.path.dirname(path)) if remain.path == path)


def sweep(folder: str) -> None:
    """Remove what is dead in a folder that holds images, whosever it was."""
    for remain in find(folder):
        if remain.status == DEAD:
            with contextlib.suppress(OSError):  # whoever comes next tries again
                remove(remain)


def _status(each: Staging, path: str) -> str:
    """Return the status of one on which nobody works."""
    useful = _replaces_nothing(each) if path == each.aside else _may_be_taken_over(each)
    return PENDING if useful else DEAD


def _replaces_nothing(each: Staging) -> bool:
    """Whether there is no complete image where this old one was."""
    current = images.inspect(each.folder) if os.path.isdir(each.folder) else None
    return current is None or not current.complete


def _may_be_taken_over(each: Staging) -> bool:
    staged, draft = images.inspect(each.path), images.read_draft(each.path)
    if staged is None or draft is None or draft["container"] != each.container:
        return False
    if draft["files"]:
        return staged.complete
    root = draft.get("root")
    return isinstance(root, str) and staging.is_believed(each, draft, statedir.find(root, each.container))


def _remain(each: Staging, path: str, status: str) -> ImageRemain:
    size, changed = 0, time.time()
    with contextlib.suppress(OSError):  # it may be going just now
        changed = os.stat(path).st_mtime
        size = sum(entry.stat(follow_symlinks=False).st_size for entry in os.scandir(path))
    return ImageRemain(path, each.folder, each.container, status, size, max(0.0, time.time() - changed))
