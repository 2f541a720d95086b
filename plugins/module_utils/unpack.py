# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs that make root file systems: skopeo and umoci for images, tar for archives, cp for folders.

Each has a deadline, and is stopped with all that it started when what it writes grows above a limit.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import time
import typing as t

from .runsc.errors import DeadlineError, RunscError, UnsupportedError, UsageError
from .runsc.monitor import Monitor
from .runsc.process import Completed, run

# What skopeo can read from. A name without one of them is what people write for docker.
TRANSPORTS = ("containers-storage", "dir", "docker", "docker-archive", "docker-daemon", "oci", "oci-archive", "sif")
_LOCAL = ("dir", "docker-archive", "oci", "oci-archive", "sif")
_PACKAGES = {"skopeo": "skopeo", "umoci": "umoci", "tar": "tar", "cp": "coreutils"}  # the same in Debian and Fedora
_RAW_LIMIT = 16 * 1024 * 1024  # bytes of a manifest or a configuration
_SUBCOMMANDS = ("inspect", "copy", "raw", "unpack")
_LOG_MESSAGE = re.compile(r'level=(?:fatal|error) msg="((?:[^"\\]|\\.)*)"')
_NOTICE = re.compile(r"Removing leading|Exiting with failure status|is not recoverable")  # of tar, and no reason
_LINES = 3  # of what a program complains about; archives can have thousands of wrong members
_PATIENT = 20  # the guard may take one part of so many of the time


class Limits(t.NamedTuple):
    """How long a program may take, in seconds, and how much it may write, in bytes; -1 is as much as there is room for."""

    timeout: float
    size: int


class Access(t.NamedTuple):
    """How to reach a registry: a file with credentials, and whether its certificate has to be right."""

    auth_file: str | None = None
    tls_verify: bool = True


class Tools:
    """The programs, run with one pair of limits. A monitor sees each of them start and end."""

    def __init__(self, limits: Limits, access: Access = Access(), monitor: Monitor | None = None) -> None:
        self._limits = limits
        self._access = access
        self._monitor = monitor

    def image_digest(self, image: str) -> str:
        """Return the digest of an image's manifest, as a registry has it. Nothing but the manifest is fetched."""
        return f"sha256:{hashlib.sha256(self._inspect('--raw', image)).hexdigest()}"

    def image_config(self, image: str) -> dict[str, t.Any]:
        """Return the part of an image's configuration that says how to run it."""
        try:
            document = json.loads(self._inspect("--config", image))
            config = document.get("config") or {}
        except (ValueError, AttributeError) as exc:
            raise RunscError(f"image: the configuration of {image!r} is not JSON: {exc}") from exc
        return _checked(config, image)

    def _inspect(self, what: str, image: str) -> bytes:
        argv = ["skopeo", "inspect", what, *self._reach("--tls-verify"), image]
        return self._run(argv, f"image: {image!r}", limit=_RAW_LIMIT).stdout.data

    def unpack_image(self, image: str, staging: str, rootfs: str) -> None:
        """Unpack an image into a new folder C(rootfs). C(staging) is a folder for what is needed on the way."""
        layout = os.path.join(staging, "image")
        require("umoci")
        # An OCI layout can't hold the signatures that are checked while copying.
        options = ["--quiet", "--remove-signatures", *self._reach("--src-tls-verify")]
        copy = ["skopeo", f"--tmpdir={staging}", "copy", *options, image, f"oci:{layout}:image"]
        self._run(copy, f"image: {image!r}", staging=staging)
        self._run(["umoci", "raw", "unpack", f"--image={layout}:image", rootfs], f"image: {image!r}", staging=staging)
        shutil.rmtree(layout)

    def unpack_archive(self, archive: str, staging: str, rootfs: str) -> None:
        """Unpack a tar archive, compressed in any way that tar knows, into the existing folder C(rootfs).

        GNU tar refuses C(..), takes the slash from absolute names, and writes through no link of the archive.
        """
        argv = ["tar", "--extract", f"--file={archive}", f"--directory={rootfs}", "--force-local", "--numeric-owner"]
        argv += ["--same-owner", "--preserve-permissions", "--xattrs", "--xattrs-include=*"]
        self._run(argv, f"archive: {archive!r}", staging=staging)

    def copy_folder(self, folder: str, staging: str, rootfs: str) -> None:
        """Copy a folder, as it is, into the existing folder C(rootfs); other file systems mounted in it are left out."""
        argv = ["cp", "--archive", "--one-file-system", "--reflink=auto", "--", os.path.join(folder, "."), rootfs]
        self._run(argv, f"rootfs: {folder!r}", staging=staging)

    def _reach(self, verify: str) -> list[str]:
        """Return how to reach a registry. Without the flag C(verify) the exceptions in the host's registries.conf hold."""
        credentials = [f"--authfile={self._access.auth_file}"] if self._access.auth_file else []
        return credentials if self._access.tls_verify else [f"{verify}=false", *credentials]

    def _run(self, argv: list[str], subject: str, *, staging: str = "", limit: int = 65536) -> Completed:
        """:raises RunscError: it failed, in its own words, or took too long, or wrote too much."""
        path = require(argv[0])
        guard = _Guard(staging, self._limits.size, subject) if staging and self._limits.size > 0 else None
        completed = run(
            [path, *argv[1:]],
            timeout=self._limits.timeout,
            monitor=self._monitor,
            limit=limit,
            guard=guard,
            # Or it would write on where the next task cleans up after one that was killed.
            parent_death_signal=signal.SIGKILL,
        )
        name = " ".join([argv[0], *(word for word in argv[1:4] if word in _SUBCOMMANDS)])
        if completed.timed_out:
            raise DeadlineError(
                f"{subject}: {name} did not end within {self._limits.timeout:g} s",
                remedy="Give it more time with unpack_timeout",
                completed=completed,
            )
        if completed.rc != 0:
            said = _essence(completed.stderr.text) or f"it ended with exit code {completed.rc} and said nothing"
            raise RunscError(
                f"{subject}: {name} failed: {said}",
                remedy="Check that it is what you mean; nothing was changed",
                completed=completed,
            )
        if guard:
            guard.look()
        return completed


def _essence(text: str) -> str:
    """Return the message of a program without what its log format puts around it (skopeo's C(level=fatal msg="..."))."""
    found = _LOG_MESSAGE.findall(text)
    if found:
        return str(found[-1]).replace('\\"', '"')
    lines = [line for line in text.splitlines() if line.strip() and not _NOTICE.search(line)]
    return "; ".join(lines[:_LINES])


def require(program: str) -> str:
    """Return the path of a program. :raises UnsupportedError: it is not installed; the message names its package."""
    path = shutil.which(program)
    if path:
        return path
    raise UnsupportedError(
        f"{program} is not installed on the managed node",
        remedy=f"Install the package {_PACKAGES[program]!r}, for example with ansible.builtin.package",
    )


def check_reference(image: str) -> str:
    """Return the transport of an image's name. :raises UsageError: it has none, or a path in it is not absolute."""
    transport, colon, rest = image.partition(":")
    if not colon or transport not in TRANSPORTS:
        raise UsageError(
            f"image: {image!r} does not say where it is",
            remedy=f"For a registry write 'docker://{image}'; other ways are {', '.join(f'{name}:' for name in _LOCAL)}",
        )
    if transport in _LOCAL and not rest.startswith("/"):
        raise UsageError(f"image: the path in {image!r} is not absolute", remedy=f"Write {transport}:/path")
    if transport == "docker" and not rest.startswith("//"):
        raise UsageError(f"image: {image!r} lacks the slashes", remedy=f"Write docker://{rest}")
    return transport


def _checked(config: t.Any, image: str) -> dict[str, t.Any]:
    """Return an image's configuration, if it can become that of a container. Whoever made the image may be anybody."""
    for key, (kind, is_good) in _IMAGE_FIELDS.items():
        value = config.get(key) if isinstance(config, dict) else config
        if value is not None and not (isinstance(value, kind) and is_good(value)):
            raise RunscError(
                f"image: {key} in the configuration of {image!r} is {value!r}", remedy="Use an image that can run"
            )
    return dict(config)


def _all_texts(values: t.Iterable[t.Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _is_path(path: str) -> bool:
    return path.startswith("/") and bool(path.strip("/"))


# What a container takes over from its image: the type, and what has to hold for the value.
_IMAGE_FIELDS: dict[str, tuple[type, t.Callable[[t.Any], bool]]] = {
    **{key: (list, _all_texts) for key in ("Entrypoint", "Cmd", "Env")},
    **{key: (str, lambda _text: True) for key in ("User", "StopSignal")},
    "WorkingDir": (str, lambda path: not path or path.startswith("/")),
    "Volumes": (dict, lambda volumes: all(_is_path(path) for path in volumes)),
    "Labels": (dict, lambda labels: _all_texts(labels.values())),
    "ExposedPorts": (dict, _all_texts),
}


class _Guard:
    """Looks how much a folder holds, less often the longer that takes."""

    def __init__(self, folder: str, limit: int, subject: str) -> None:
        self._folder = folder
        self._limit = limit
        self._subject = subject
        self._next = 0.0

    def __call__(self) -> None:
        """Look, if it is time."""
        began = time.monotonic()
        if began < self._next:
            return
        self.look()
        self._next = began + _PATIENT * (time.monotonic() - began)

    def look(self) -> None:
        """:raises RunscError: it holds too much."""
        if disk_usage(self._folder) > self._limit:
            raise RunscError(
                f"{self._subject}: what is unpacked takes more than max_size, {self._limit} bytes",
                remedy="Raise max_size if you trust the source",
            )


def disk_usage(folder: str) -> int:
    """Return the bytes that a folder takes on disk, holes in files not counted, hard links once each."""
    used = 0
    folders = [folder]
    seen: set[tuple[int, int]] = set()
    while folders:
        try:
            entries = list(os.scandir(folders.pop()))
        except OSError:  # it went away while we look
            continue
        for entry in entries:
            try:
                info = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif info.st_nlink > 1:
                if (info.st_dev, info.st_ino) in seen:
                    continue
                seen.add((info.st_dev, info.st_ino))
            used += info.st_blocks * 512
    return used
