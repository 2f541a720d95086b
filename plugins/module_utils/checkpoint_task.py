# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of runsc_checkpoint and runsc_checkpoint_info to an image, or a list of them, and to the result."""

from __future__ import annotations

import os
import typing as t

from . import image_remains, images
from .checkpoint import ACTION, Request, Saved, save
from .image_remains import ImageRemain
from .images import Image
from .lifecycle import STOPPED
from .module import ModuleLike
from .runsc.client import Runsc
from .runsc.errors import UsageError
from .runsc.options import CheckpointOptions


def checkpoint_task(module: ModuleLike, runsc: Runsc) -> dict[str, t.Any]:
    """Save one container into an image."""
    wanted = request(module.params)
    return result(wanted, save(runsc, wanted, check_mode=module.check_mode), module.check_mode)


def request(params: t.Mapping[str, t.Any]) -> Request:
    """Return the options as a request."""
    options = CheckpointOptions(**{option: params[option] for option in CheckpointOptions._fields})
    return Request(params["name"], params["path"], options, params["force"], params["checkpoint_timeout"])


def result(wanted: Request, saved: Saved, check_mode: bool) -> dict[str, t.Any]:
    """Return the result of the module. In check mode, the container with the status that it would have."""
    status = saved.after.status
    if check_mode and saved.changed and not wanted.options.leave_running:
        status = STOPPED
    image = _image(saved.previous)
    # Beside "path", Ansible itself puts the owner, the mode and the "size" of that folder into the result.
    return {
        "changed": saved.changed,
        "actions": [ACTION] if saved.changed else [],
        "path": wanted.path,
        "manifest": saved.image.manifest if saved.image else None,
        "image_size": saved.image.size if saved.image else None,
        "container": {"id": wanted.name, **saved.after.as_dict(), "status": status},
        "diff": {
            "before": {"image": image, "status": saved.before.status},
            "after": {"image": "a new one" if saved.changed else image, "status": status},
        },
    }


def _image(image: Image | None) -> str:
    if image is None or not image.files:
        return "none"
    if not image.complete:
        return "incomplete"
    return f"of {image.manifest['time']}" if image.manifest else "without a manifest"


def checkpoint_info_task(module: ModuleLike, runsc: Runsc) -> dict[str, t.Any]:
    """Describe the images in some folders."""
    found: dict[str, Image] = {}
    remains: dict[str, ImageRemain] = {}
    for path in module.params["path"]:
        if not os.path.isabs(path):
            raise UsageError(f"path: {path!r} is not absolute", remedy="Give an absolute path")
        for image in images.listed(os.path.normpath(path)):
            found.setdefault(image.path, image)
        remains.update((remain.path, remain) for remain in image_remains.beside(path))
    return {
        "changed": False,
        "images": [_described(runsc, image) for image in found.values()],
        "remains": [{**remain._asdict(), "reason": remain.reason} for remain in remains.values()],
    }


def _described(runsc: Runsc, image: Image) -> dict[str, t.Any]:
    reason = images.judge(runsc, image)
    return {
        "path": image.path,
        "size": image.size,
        "files": image.files,
        "complete": image.complete,
        "manifest": image.manifest,
        "restorable": not reason,
        "reason": reason,
    }
