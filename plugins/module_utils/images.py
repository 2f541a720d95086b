# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checkpoint images: what made one, kept in a manifest beside it, and whether one can be restored. No Ansible in here."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import tempfile
import typing as t

from .files import file_digest
from .runsc import procfs
from .runsc.client import Runsc
from .runsc.errors import RunscError, UnsupportedError, UsageError
from .runsc.image_commands import IMAGE_FILE, check_image
from .runsc.statedir import Record

MANIFEST = "gvisor.runsc.json"
IMAGE_FILES = (IMAGE_FILE, "pages.img", "pages_meta.img")

_FORMAT = 1
_UNFINISHED = f".{MANIFEST}-"
_TEXTS = ("container", "runsc", "platform", "network", "machine", "time", "bundle", "spec_digest")  # of every manifest
_OBJECTS = ("flags", "compared", "files", "digests")
_VALIDATION = "restore-spec-validation"  # the flag of a runsc that compares the specs itself
_ENFORCE = "enforce"  # its default
# Processes that were saved on the first platform die on the second, of SIGILL, within a second.
_DEADLY_MOVES = {("systrap", "ptrace")}
# Flags that say where messages go, or that the manifest has fields for.
_NOT_KEPT = ("root", "log", "debug", "alsologtostderr", "platform", "network")
_MAKE_ANEW = "Copy the image again, or make a new checkpoint"
_TRY_ANYWAY = f"to try all the same, remove {MANIFEST} from the image"

Json = t.Dict[str, t.Any]


class Image(t.NamedTuple):
    """A folder for an image: what is in it.

    :param manifest: what made the image; None if there is no manifest, or if it can't be read.
    :param files: the sizes of the image's files.
    :param strangers: what else is in the folder.
    :param problem: why it can't be restored with any runsc, or empty.
    """

    path: str
    manifest: Json | None
    files: dict[str, int]
    strangers: list[str]
    problem: str

    @property
    def complete(self) -> bool:
        """Whether all is there that the manifest names, or, without one, what runsc needs."""
        return not self.problem

    @property
    def has_manifest(self) -> bool:
        """Whether there is one, readable or not."""
        return os.path.lexists(os.path.join(self.path, MANIFEST))

    @property
    def size(self) -> int:
        """The bytes of its files."""
        return sum(self.files.values())


def inspect(path: str) -> Image | None:
    """Look at a folder. None if there is no such path. :raises UsageError: it is no folder, or can't be read."""
    try:
        names = sorted(os.listdir(path))
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise UsageError(f"path: {path!r} can't be read: {exc.strerror}", remedy="Give a folder") from exc
    sizes: dict[str, int] = {}
    for name in names:
        with contextlib.suppress(OSError):
            if name in IMAGE_FILES:
                sizes[name] = os.path.getsize(os.path.join(path, name))
    # A manifest that a killed task was writing is of no use, and in nobody's way.
    strangers = [
        name for name in names if name not in IMAGE_FILES and name != MANIFEST and not name.startswith(_UNFINISHED)
    ]
    try:
        manifest = _read_manifest(path)
    except UsageError as exc:
        return Image(path, None, sizes, strangers, exc.message)
    return Image(path, manifest, sizes, strangers, _incomplete(path, sizes, manifest))


def _incomplete(path: str, sizes: t.Mapping[str, int], manifest: Json | None) -> str:
    try:
        check_image(path, "path")
    except UsageError as exc:
        return exc.message
    for name, size in (manifest or {}).get("files", {}).items():
        if sizes.get(name) != size:
            return f"{os.path.join(path, name)!r} has {sizes.get(name, 0)} bytes, and had {size} when it was made"
    return ""


def _read_manifest(path: str) -> Json | None:
    """Return the manifest, None if there is none. :raises UsageError: it can't be understood."""
    file_path = os.path.join(path, MANIFEST)
    try:
        with open(file_path, encoding="utf-8") as file:
            manifest = json.load(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as exc:
        raise UsageError(f"{file_path!r} can't be read: {exc}", remedy=_TRY_ANYWAY.capitalize()) from exc
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
        given = manifest.get("format") if isinstance(manifest, dict) else None
        raise UsageError(f"{file_path!r} has the format {given!r}, not {_FORMAT}", remedy=_TRY_ANYWAY.capitalize())
    for fields, kind in ((_TEXTS, str), (_OBJECTS, dict)):
        for field in fields:
            if not isinstance(manifest.get(field), kind):
                raise UsageError(f"{file_path!r} has no proper {field!r}", remedy=_TRY_ANYWAY.capitalize())
    return manifest


def read_draft(path: str) -> Json | None:
    """Return the manifest in a folder in which an image was being made; None if there is none that can be understood."""
    try:
        return _read_manifest(path)
    except UsageError:
        return None


def listed(path: str) -> list[Image]:
    """Return the images at a path: itself, or those in it, in the order of their names. None for one that does not exist."""
    own = inspect(path)
    if own is None:
        return []
    if own.files or own.has_manifest:
        return [own]
    found = []
    for name in own.strangers:
        inner = os.path.join(path, name)
        if name.startswith(".") or not os.path.isdir(inner):  # hidden: what a task is just making
            continue
        image = inspect(inner)
        if image and (image.files or image.has_manifest):
            found.append(image)
    return found


def describe(runsc: Runsc, record: Record) -> Json:
    """Return the manifest of an image that is about to be made of a container. Never the environment itself."""
    running = procfs.global_flags(record.pid)
    defaults = runsc.features.flags
    return {
        "format": _FORMAT,
        "container": record.id,
        "created": record.created,
        "bundle": record.bundle,
        "runsc": runsc.version_of_sandbox(record).runsc,
        "platform": running.get("platform") or defaults.get("platform", ""),
        "network": running.get("network") or defaults.get("network", ""),
        "machine": os.uname().machine,
        "flags": {name: value for name, value in sorted(running.items()) if not name.startswith(_NOT_KEPT)},
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "spec_digest": _digest(record.spec),
        "compared": compared(record.spec),
        "files": {},
        "digests": {},
    }


def contents(image: Image) -> Json:
    """Return those fields of the manifest that tell whether an image is whole and undamaged. Reads all of it."""
    digests = {name: file_digest(os.path.join(image.path, name)) for name in image.files}
    return {"files": image.files, "digests": digests}


def write_manifest(path: str, manifest: t.Mapping[str, t.Any]) -> None:
    """Write the manifest beside an image, whole or not at all, for root alone."""
    draft, draft_path = tempfile.mkstemp(prefix=_UNFINISHED, dir=path)
    try:
        with open(draft, "w", encoding="utf-8") as file:
            json.dump(manifest, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(draft)
        os.replace(draft_path, os.path.join(path, MANIFEST))
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft_path)
        raise


def _pick(value: t.Any, fields: str) -> t.Any:
    """Return the fields of an object that have a value: runsc leaves out what is false, 0 or empty when it records."""
    if not isinstance(value, dict):
        return {}
    return {field: value[field] for field in fields.split() if value.get(field)}


def _pick_each(value: t.Any, fields: str) -> list[t.Any]:
    return [_pick(item, fields) for item in value] if isinstance(value, list) else []


def _capabilities(spec: Json) -> Json:
    picked = _pick(_member(spec, "process").get("capabilities"), "bounding effective inheritable permitted ambient")
    return {kind: sorted(map(str, names)) for kind, names in picked.items() if isinstance(names, list)}


def _seccomp(spec: Json) -> Json:
    profile = _member(spec, "linux").get("seccomp")
    picked: Json = _pick(profile, "defaultAction architectures")
    if isinstance(profile, dict) and profile.get("syscalls"):
        picked["syscalls"] = _pick_each(profile["syscalls"], "names action args")
    return picked


def _member(spec: t.Any, name: str) -> Json:
    found = spec.get(name) if isinstance(spec, dict) else None
    return found if isinstance(found, dict) else {}


# The parts of a spec that a runsc since 2025 compares when it restores, by where they are in a config.json.
_COMPARED: dict[str, t.Callable[[Json], t.Any]] = {
    "ociVersion": lambda spec: spec.get("ociVersion"),
    "process.args": lambda spec: _member(spec, "process").get("args"),
    "process.user": lambda spec: _pick(_member(spec, "process").get("user"), "uid gid umask additionalGids"),
    "process.cwd": lambda spec: _member(spec, "process").get("cwd"),
    "process.capabilities": _capabilities,
    "process.rlimits": lambda spec: _pick_each(_member(spec, "process").get("rlimits"), "type hard soft"),
    "mounts": lambda spec: _pick_each(spec.get("mounts"), "destination type options"),
    "linux.devices": lambda spec: _pick_each(
        _member(spec, "linux").get("devices"), "path type major minor fileMode uid gid"
    ),
    "linux.seccomp": _seccomp,
}


def compared(spec: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Return digests of the parts that a newer runsc compares; the same for a record and for the config.json behind it."""
    return {name: _digest(part(dict(spec))) for name, part in _COMPARED.items()}


def _digest(value: t.Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=dict)
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def check_restorable(
    runsc: Runsc, path: str, config: t.Mapping[str, t.Any] | None = None, option: str = "restore_from"
) -> list[str]:
    """Check all that is known to make a restore fail, with this binary on this host. An image without a manifest passes.

    :param config: the config.json of the bundle that it would be restored with. Without one nobody is about to restore it,
        and the content of its files is not read.
    :returns: warnings.
    :raises UsageError: there is no complete image, or the bundle is another one.
    :raises UnsupportedError: this binary or this host can't restore it.
    """
    check_image(path, option)
    manifest = _read_manifest(path)
    if manifest is None:
        return []
    missing = _incomplete(path, (inspect(path) or Image(path, None, {}, [], "")).files, manifest)
    if missing:
        raise UsageError(f"{option}: {missing}", remedy=_MAKE_ANEW)
    _check_host(runsc, path, manifest, option)
    warnings = _flag_warnings(runsc, manifest, option)
    if config is None:
        return warnings
    different = [name for name, digest in compared(config).items() if manifest["compared"].get(name) != digest]
    parts = ", ".join(different)
    if different and runsc.config.get(_VALIDATION, _ENFORCE) == _ENFORCE and _VALIDATION in runsc.features.flags:
        raise UsageError(
            f"{option}: the bundle differs from that of the image {path!r} in {parts},"
            f" and runsc {runsc.features.version.runsc} refuses that",
            remedy=f"Restore with the bundle of the checkpoint, or set the flag {_VALIDATION} in config",
        )
    _check_contents(path, manifest, option)
    if different:
        stay = "the restored processes stay as they were saved"
        warnings.append(f"{option}: the bundle differs from that of the image in {parts}; {stay}")
    return warnings


def _check_contents(path: str, manifest: Json, option: str) -> None:
    """Refuse a damaged image while the old container still runs: runsc would notice after that is gone, or never.

    The last of the checks, since it reads all of the image.
    """
    for name, expected in manifest["digests"].items():
        file_path = os.path.join(path, name)
        try:
            found = file_digest(file_path)
        except OSError as exc:
            raise UsageError(f"{option}: {file_path!r} can't be read: {exc.strerror}", remedy=_MAKE_ANEW) from exc
        if found != expected:
            raise UsageError(f"{option}: {file_path!r} is not what it was when it was made", remedy=_MAKE_ANEW)


def _check_host(runsc: Runsc, path: str, manifest: Json, option: str) -> None:
    version, machine = runsc.features.version.runsc, os.uname().machine
    if manifest["machine"] != machine:
        raise UnsupportedError(
            f"{option}: the image {path!r} was made on {manifest['machine']}, and this host is {machine}",
            remedy="Restore it on a host like that one",
        )
    if manifest["runsc"] != version:
        raise UnsupportedError(
            f"{option}: the image {path!r} was made by runsc {manifest['runsc']}, and {runsc.path} is {version}",
            remedy=f"Restore it with the version that made it; {_TRY_ANYWAY}",
        )
    platform = runsc.config.get("platform") or runsc.features.flags.get("platform", "")
    if (manifest["platform"], platform) in _DEADLY_MOVES:
        raise UnsupportedError(
            f"{option}: the image {path!r} was made on the platform {manifest['platform']},"
            f" and its processes would die on {platform}",
            remedy=f"Set platform to {manifest['platform']}",
        )


def _flag_warnings(runsc: Runsc, manifest: Json, option: str) -> list[str]:
    """Return what is otherwise than at the checkpoint, where nobody knows what comes of it."""
    defaults = runsc.features.flags
    recorded = {"network": manifest["network"], **manifest["flags"]}
    wanted = {name: value for name, value in runsc.config.items() if not name.startswith(_NOT_KEPT[:-1])}
    return [
        f"{option}: the image was made with --{name}={was}, and is to be restored with {now}"
        for name in sorted({*recorded, *wanted})
        for was, now in [(recorded.get(name, defaults.get(name, "")), wanted.get(name, defaults.get(name, "")))]
        if was != now and name in defaults
    ]


def judge(runsc: Runsc, image: Image) -> str:
    """Return why an image can't be restored with this binary on this host; empty if nothing is known against it."""
    if image.problem:
        return image.problem
    try:
        check_restorable(runsc, image.path, option="path")
    except RunscError as exc:
        return exc.message
    return ""
