# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing what is dead under a root, each thing after a second look. No Ansible in here."""

from __future__ import annotations

import contextlib
import os
import shutil
import typing as t

from . import image_remains
from .locks import container_lock, lock_path
from .remains import CONTAINER, FOLDER, GOFER, GROUP, IMAGE, RECORD, SANDBOX, Filter, Remain, find
from .runsc import procfs, rescue
from .runsc.client import Runsc
from .runsc.errors import DeadlineError, RunscError

_LOCK_PATIENCE = 0.0  # seconds; what somebody works on is not dead


class Pruned(t.NamedTuple):
    """What was removed, or would be in check mode; what was left alone; and what could not be removed. Reasons included."""

    removed: list[Remain]
    kept: list[Remain]
    failed: list[Remain]


def prune(runsc: Runsc, wanted: Filter, *, check_mode: bool = False) -> Pruned:
    """Remove all that is dead and wanted. What fails does not keep the rest from being removed."""
    found = find(runsc, wanted)
    result = Pruned([], found.kept, [])
    if check_mode:
        result.removed.extend(found.dead)
        return result
    for remain in found.dead:
        try:
            with _held(runsc, remain), contextlib.suppress(FileNotFoundError):  # whoever else removed it is welcome
                if not _is_still_there(runsc, remain) or not _remove(runsc, remain):
                    result.kept.append(remain._replace(reason="it is another one by now, or gone"))
                    continue
        except DeadlineError as exc:
            result.kept.append(remain._replace(reason=exc.message))
        except (RunscError, OSError) as exc:
            result.failed.append(remain._replace(reason=str(exc)))
        else:
            result.removed.append(remain)
    return result


def _held(runsc: Runsc, remain: Remain) -> t.ContextManager[None]:
    """The lock of the container that it belongs to, so that nobody makes that anew meanwhile."""
    if not remain.id or remain.kind in (GROUP, IMAGE) or not os.path.isdir(runsc.root):
        return contextlib.nullcontext()
    return container_lock(runsc.root, remain.id, _LOCK_PATIENCE)


def _is_still_there(runsc: Runsc, remain: Remain) -> bool:
    """Look again, under the lock, at what may have changed since the first look."""
    if remain.kind not in (CONTAINER, RECORD, SANDBOX, GOFER):
        return True
    again = find(runsc, Filter((remain.kind,), only=remain.id)).dead
    return any((other.id, other.path, other.pid) == (remain.id, remain.path, remain.pid) for other in again)


def _remove(runsc: Runsc, remain: Remain) -> bool:
    """Remove it; False if it is not what it was."""
    if remain.kind == IMAGE:
        return image_remains.remove_path(remain.path)
    if remain.kind in (CONTAINER, RECORD):
        runsc.delete(remain.id, force=True)
    elif remain.kind == SANDBOX:
        rescue.remove_orphan(remain.id, runsc.root)
    elif remain.kind == GOFER:
        procfs.kill(remain.pid)
        procfs.wait_dead(remain.pid, rescue.REAP_GRACE)
    elif remain.kind == FOLDER:
        shutil.rmtree(remain.path)
    elif remain.kind == GROUP:
        os.rmdir(remain.path)  # the kernel refuses if a process is in it
    elif remain.path != lock_path(runsc.root, remain.id):  # we hold that one by now, and it goes when we release it
        os.unlink(remain.path)
    return True
