# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a root file system comes from: what identifies its content, and how it is made in a folder of its own."""

from __future__ import annotations

import hashlib
import os
import stat
import typing as t

from .files import file_digest
from .runsc.errors import RunscError, UsageError
from .unpack import Tools, check_reference

IMAGE, ARCHIVE, FOLDER, IN_PLACE = "image", "archive", "copy", "rootfs"
# Where each container has something mounted. Before 2023, runsc makes what is missing with mode 0777, on the host.
_MOUNT_POINTS = {"dev": 0o755, "proc": 0o755, "sys": 0o755, "tmp": 0o1777}
# An archive that holds an image, not a root file system: what lies at its top, and what takes it.
_IMAGE_ARCHIVES = {"oci-layout": "oci-archive", "manifest.json": "docker-archive"}


class Source(t.NamedTuple):
    """Where the content comes from, one of L(IMAGE), L(ARCHIVE), L(FOLDER), L(IN_PLACE), and its name or path."""

    kind: str
    location: str

    @property
    def option(self) -> str:
        """The option that named it."""
        return IN_PLACE if self.kind == FOLDER else self.kind


def check_source(source: Source, path: str) -> None:
    """Check what can be checked without reading the source. :raises UsageError: it can't be one."""
    if source.kind == IMAGE:
        check_reference(source.location)
        return
    if not os.path.isabs(source.location):
        raise UsageError(f"{source.option}: {source.location!r} is not absolute", remedy="Give an absolute path")
    is_there = os.path.isfile if source.kind == ARCHIVE else os.path.isdir
    if source.kind == ARCHIVE and os.path.isdir(source.location):
        raise UsageError(f"archive: {source.location!r} is a folder", remedy="Give it as rootfs")
    if not is_there(source.location):
        kind = "file" if source.kind == ARCHIVE else "folder"
        raise UsageError(
            f"{source.option}: there is no {kind} {source.location!r} on the managed node", remedy="Make it first"
        )
    if source.kind != ARCHIVE:
        _check_apart(source, os.path.realpath(path), os.path.realpath(source.location))


def _check_apart(source: Source, path: str, folder: str) -> None:
    """:raises UsageError: the container could write to its own bundle, or the folder would be copied into itself."""
    common = os.path.commonpath([path, folder])
    if common == folder:
        raise UsageError(
            f"path: the bundle {path!r} lies in its own root file system {folder!r}",
            remedy="Put the bundle elsewhere: a container must not reach its config.json",
        )
    if common == path and source.kind == FOLDER:
        raise UsageError(
            f"rootfs: {folder!r} lies in the bundle {path!r}", remedy="Copy from another folder, or use it in place"
        )


def identify(source: Source, tools: Tools) -> str:
    """Return a digest that changes with the content of the source; nothing for a folder that is used in place."""
    if source.kind == IMAGE:
        return tools.image_digest(source.location)
    if source.kind == ARCHIVE:
        return _archive_digest(source.location)
    if source.kind == FOLDER:
        return f"sha256:{_folder_digest(source.location)}"
    return ""


def make(source: Source, tools: Tools, staging: str, *, devices: bool) -> str:
    """Make the root file system in the folder C(staging), which nobody else may enter, and return its path.

    :param devices: keep device nodes. Without them, what a stranger packed can't open the host's disks.
    """
    rootfs = os.path.join(staging, "rootfs")
    if source.kind == IMAGE:
        tools.unpack_image(source.location, staging, rootfs)
    else:
        os.mkdir(rootfs)
        fill = {ARCHIVE: tools.unpack_archive, FOLDER: tools.copy_folder}[source.kind]
        fill(source.location, staging, rootfs)
    if source.kind == ARCHIVE:
        _refuse_image(source.location, rootfs)
    os.chmod(rootfs, 0o755)  # whatever the source says: nobody but root could enter the container's root otherwise
    if not devices:
        _remove_devices(rootfs)
    for name, mode in _MOUNT_POINTS.items():
        if not os.path.lexists(os.path.join(rootfs, name)):
            os.mkdir(os.path.join(rootfs, name))
            os.chmod(os.path.join(rootfs, name), mode)
    return rootfs


def _refuse_image(archive: str, rootfs: str) -> None:
    names = os.listdir(rootfs)
    if any(name in names for name in ("bin", "usr", "etc")):
        return
    for name, transport in _IMAGE_ARCHIVES.items():
        if name in names:
            raise UsageError(
                f"archive: {archive!r} holds an image, not a root file system",
                remedy=f"Give it as image: {transport}:{archive}",
            )


def _remove_devices(rootfs: str) -> None:
    for folder, _folders, files in os.walk(rootfs):
        for name in files:
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            if stat.S_ISBLK(mode) or stat.S_ISCHR(mode):
                os.unlink(path)


def _archive_digest(path: str) -> str:
    try:
        return file_digest(path)
    except OSError as exc:
        raise RunscError(f"archive: {path!r} can't be read: {exc.strerror}", remedy="Look at the disk") from exc


def _folder_digest(path: str) -> str:
    """Return a digest of names, kinds, owners, sizes and times; the content of files is not read."""
    digest = hashlib.sha256()
    device = os.lstat(path).st_dev
    for folder, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(folders + files):
            full = os.path.join(folder, name)
            info = os.lstat(full)
            is_folder = stat.S_ISDIR(info.st_mode)
            target = os.readlink(full) if stat.S_ISLNK(info.st_mode) else ""
            # A folder's own size and time change with what is in it, and also without a reason.
            size, time = (0, 0) if is_folder else (info.st_size, info.st_mtime_ns)
            facts = (os.path.relpath(full, path), info.st_mode, info.st_uid, info.st_gid, size, time, target)
            digest.update(repr(facts).encode("utf-8", "surrogateescape"))
        folders[:] = [name for name in folders if os.lstat(os.path.join(folder, name)).st_dev == device]
    return digest.hexdigest()
