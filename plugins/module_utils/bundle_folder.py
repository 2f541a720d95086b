# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder of a bundle that runsc_bundle owns: what is in it, a lock on it, and changes that happen whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import types
import typing as t

from .bundle import CONFIG
from .runsc import procfs
from .runsc.errors import DeadlineError, RefusedError, RunscError, UsageError

ROOTFS = "rootfs"
CONFIG_MODE = 0o600  # an environment may hold secrets
FOLDER_MODE = 0o755
_RECORD = ".gvisor.runsc.json"  # what the bundle was made from
_STAGING = ".gvisor.runsc-staging-"  # what is being made, or was being made when a task was killed
_PREVIOUS = ".gvisor.runsc-previous-"  # root file systems that running containers still use
_LOCK_PATIENCE = 600.0  # seconds; somebody else may be unpacking an image


class Made(t.NamedTuple):
    """What a bundle was made from, kept beside it. C(source) and C(digest) are of the root file system."""

    source: list[t.Any]
    digest: str = ""
    image: t.Mapping[str, t.Any] = types.MappingProxyType({})
    secrets: t.Sequence[str] = ()  # names of variables, so that no diff shows an earlier value


def read_made(path: str) -> Made | None:
    """Return what the bundle in C(path) was made from; None if this collection did not make it."""
    try:
        with open(os.path.join(path, _RECORD), encoding="utf-8") as file:
            data = json.load(file)
        return Made(list(data["source"]), str(data["digest"]), dict(data["image"]), list(data["secrets"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError):
        return Made([])  # ours, but of another version, or damaged: made anew


def write_made(path: str, made: Made) -> None:
    """Keep what the bundle was made from."""
    document = {**made._asdict(), "image": dict(made.image)}
    write_file(os.path.join(path, _RECORD), json.dumps(document, indent=1).encode(), 0o600)


def read_config_text(path: str) -> str:
    """Return the text of the bundle's config.json; nothing if there is none."""
    try:
        with open(os.path.join(path, CONFIG), encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as exc:
        raise UsageError(f"path: {CONFIG} in {path!r} can't be read: {exc}", remedy="Remove it") from exc


def write_config(path: str, text: str) -> None:
    """Write config.json whole, with the owner and mode that it had, or for root alone."""
    write_file(os.path.join(path, CONFIG), text.encode(), CONFIG_MODE)


def write_file(path: str, data: bytes, mode: int) -> None:
    """Replace a file at once. It keeps the owner and the mode that it had; a new one gets C(mode)."""
    draft, draft_path = tempfile.mkstemp(prefix=_STAGING, dir=os.path.dirname(path))
    try:
        with open(draft, "wb") as file:
            file.write(data)
            file.flush()
            _take_over(path, draft, mode)
            os.fsync(draft)
        os.replace(draft_path, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft_path)
        raise


def _take_over(path: str, descriptor: int, mode: int) -> None:
    try:
        info = os.lstat(path)
    except FileNotFoundError:
        os.fchmod(descriptor, mode)
    else:
        os.fchown(descriptor, info.st_uid, info.st_gid)
        os.fchmod(descriptor, info.st_mode & 0o7777)


@contextlib.contextmanager
def held(path: str) -> t.Iterator[None]:
    """Lock the folder, made if it is missing; one that was made and is still empty in the end goes again.

    :raises DeadlineError: another task holds it.
    """
    made = not os.path.isdir(path)
    os.makedirs(path, exist_ok=True)
    if made:
        os.chmod(path, FOLDER_MODE)  # whatever the umask: before 2023 runsc enters it as nobody
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if not procfs.poll(lambda: _try_lock(descriptor), _LOCK_PATIENCE):
            raise DeadlineError(
                f"path: another task has been working on {path!r} for {_LOCK_PATIENCE:g} s",
                remedy="Wait for it, or look at what it is doing",
            )
        if not os.path.isdir(path):
            raise RunscError(f"path: another task removed {path!r} meanwhile", remedy="Run the play again")
        yield
    finally:
        if made:
            with contextlib.suppress(OSError):
                os.rmdir(path)
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def staging(path: str) -> t.Iterator[str]:
    """A folder in the bundle that only root can enter, removed in the end with all that is in it."""
    folder = tempfile.mkdtemp(prefix=_STAGING, dir=path)
    try:
        yield folder
    finally:
        remove_tree(folder)


def sweep(path: str, *, is_used: bool) -> None:
    """Remove what killed tasks left, and earlier root file systems unless they are used."""
    prefixes = (_STAGING,) if is_used else (_STAGING, _PREVIOUS)
    for name in os.listdir(path):
        if name.startswith(prefixes):
            remove_tree(os.path.join(path, name))


def replace_rootfs(path: str, new: str | None, *, is_used: bool) -> None:
    """Put a root file system in its place, if there is a new one.

    The earlier one is removed, or kept aside while containers use it: their files would vanish under them.
    """
    place = os.path.join(path, ROOTFS)
    refuse_mounts(place)
    aside = tempfile.mkdtemp(prefix=_PREVIOUS if is_used else _STAGING, dir=path)
    if os.path.lexists(place):
        os.rename(place, os.path.join(aside, ROOTFS))
    if new:
        os.rename(new, place)
    if not is_used:
        remove_tree(aside)


def remove_tree(path: str) -> None:
    """Remove a file or a folder with all that is in it. :raises RefusedError: something is mounted in there."""
    refuse_mounts(path)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def remove_bundle(path: str, *, with_rootfs: bool) -> None:
    """Remove what this collection put there, and the folder if nothing else is in it."""
    names = [CONFIG, *([ROOTFS] if with_rootfs else [])]
    for name in names:
        refuse_mounts(os.path.join(path, name))
    sweep(path, is_used=False)
    for name in (*names, _RECORD):  # the record last: without it the rest would be a stranger's
        remove_tree(os.path.join(path, name))
    with contextlib.suppress(OSError):
        os.rmdir(path)


def refuse_mounts(path: str) -> None:
    """:raises RefusedError: a file system is mounted at or below the path; removing it would empty that one."""
    real = os.path.realpath(path)
    for character in ("\\", " ", "\t", "\n"):  # as mountinfo writes them
        real = real.replace(character, f"\\{ord(character):03o}")
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        points = [line.split()[4] for line in file]
    for point in points:
        if point == real or point.startswith(f"{real}/"):
            raise RefusedError(f"path: {point!r} is a mount in the bundle", remedy="Unmount it first")
