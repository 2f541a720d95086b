# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that runsc keeps under its root: one C(CONTAINER_sandbox:SANDBOX.state) for each container, a lock beside it,
and since 2023 a socket for each sandbox. Read to know what C(runsc list) hides; removed only for what is proven dead.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import types
import typing as t

DEFAULT_ROOT = "/var/run/runsc"  # what runsc itself uses when XDG_RUNTIME_DIR is not set

_INFIX = "_sandbox:"
_STATE = ".state"
_LOCK = ".lock"
_REWRITE = 0.2  # seconds that runsc takes at most to write a file
_FRESH = 2.0  # seconds since its last change after which nobody writes it any more
_PAUSE = 0.002  # seconds between two looks


class Record(t.NamedTuple):
    """A state file, last C(written) at so many seconds since the epoch.

    C(problem) is empty, or says why the rest could not be read.
    """

    id: str
    sandbox: str
    path: str
    status: str = ""
    pid: int = -1
    gofer_pid: int = -1
    bundle: str = ""
    created: str = ""
    owner: str = ""
    spec: t.Mapping[str, t.Any] = types.MappingProxyType({})
    cgroup: str = ""
    socket: str = ""
    problem: str = ""
    written: float = 0.0

    @property
    def is_sandbox_root(self) -> bool:
        """True if the container is the first of its sandbox, the one that the others live in."""
        return self.id == self.sandbox


def names(root: str) -> dict[str, str]:
    """Return the path of the state file of each container under C(root), by id. No file is opened.

    :raises PermissionError: the folder may not be read.
    """
    try:
        files = os.listdir(root)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {
        name.rpartition(_INFIX)[0]: os.path.join(root, name)
        for name in files
        if name.endswith(_STATE) and _INFIX in name
    }


def sandbox_of(path: str) -> str:
    """Return the id of the sandbox that a state file names."""
    return os.path.basename(path).rpartition(_INFIX)[2][: -len(_STATE)]


def ids_of_files(root: str) -> set[str]:
    """Return the ids in the names of runsc's files under C(root), also of those that have lost their state file."""
    try:
        files = os.listdir(root)
    except (FileNotFoundError, NotADirectoryError):
        return set()
    return {name.rpartition(_INFIX)[0] for name in files if _INFIX in name}


def read(path: str) -> Record | None:
    """Read one state file. None if it is gone meanwhile; a file that makes no sense becomes a record with a problem.

    runsc empties the file and then writes it, so one that makes no sense just after a change is given a moment.
    """
    deadline = time.monotonic() + _REWRITE
    while True:
        record = _read(path)
        if not record or not record.problem or time.time() - record.written > _FRESH or time.monotonic() > deadline:
            return record
        time.sleep(_PAUSE)


def _read(path: str) -> Record | None:
    try:
        with open(path, "rb") as file:
            return parse(path, file.read())._replace(written=os.fstat(file.fileno()).st_mtime)
    except FileNotFoundError:
        return None
    except OSError as exc:
        return _unreadable(path, exc)


def parse(path: str, content: bytes) -> Record:
    """Read the content of the state file at C(path), which may be on another machine."""
    try:
        return _parse(*_ids_in(path), path, json.loads(content.decode("utf-8")))
    except (ValueError, TypeError, AttributeError) as exc:
        return _unreadable(path, exc)


def _ids_in(path: str) -> tuple[str, str]:
    """Return the ids of the container and of its sandbox, as the name of a state file tells them."""
    container, _infix, rest = os.path.basename(path).rpartition(_INFIX)
    return container, rest[: -len(_STATE)]


def _unreadable(path: str, reason: Exception) -> Record:
    return Record(*_ids_in(path), path, problem=f"its state file {path} can't be read: {reason}")


def _parse(container: str, sandbox: str, path: str, data: dict[str, t.Any]) -> Record:
    if data.get("id") != container:
        return Record(container, sandbox, path, problem=f"its state file {path} does not describe it")
    sentry = data.get("sandbox") or {}
    spec = data.get("spec") or {}
    return Record(
        id=container,
        sandbox=sandbox,
        path=path,
        status=str(data.get("status", "")),
        pid=int(sentry.get("pid") or -1),
        gofer_pid=int(data.get("goferPid") or -1),
        bundle=str(data.get("bundleDir", "")),
        created=str(data.get("createdAt", "")),
        owner=str(data.get("owner", "")),
        spec=spec,
        cgroup=str((spec.get("linux") or {}).get("cgroupsPath", "")),
        socket=str(sentry.get("controlSocketPath", "")),
    )


def find(root: str, container: str) -> Record | None:
    """Read the state file of the container with exactly this id; None if there is none."""
    path = names(root).get(container)
    return read(path) if path else None


def read_all(root: str) -> list[Record]:
    """Read every state file under C(root), in the order of their ids."""
    records = (read(path) for _id, path in sorted(names(root).items()))
    return [record for record in records if record]


def state_path(root: str, container: str) -> str:
    """Return the path of the state file of a container that is the first one of its sandbox."""
    return os.path.join(root, f"{container}{_INFIX}{container}{_STATE}")


def exit_path(root: str, container: str) -> str:
    """Return the path of the file in which the exit code of a container is kept, under a name that runsc does not look for."""
    return os.path.join(root, f".gvisor.runsc-{container}.exit")


def remove_exit(root: str, container: str) -> None:
    """Forget the exit code of a container."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(exit_path(root, container))


def remove(root: str, container: str) -> None:
    """Remove the files of a container whose processes are proven dead, also those of a create that was cut short."""
    try:
        files = os.listdir(root)
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in files:
        if name.startswith(container + _INFIX) and name.endswith((_STATE, _LOCK)):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(root, name))
    remove_socket(root, container)
    remove_exit(root, container)


def remove_socket(root: str, sandbox: str, recorded: str = "") -> None:
    """Remove the control socket of a dead sandbox, where it belongs and where its record says that it is.

    Left behind, it makes runsc put the socket of the next sandbox of that name elsewhere, in /var/run for example.
    """
    for path in (os.path.join(root, f"runsc-{sandbox}.sock"), recorded):
        if os.path.basename(path) == f"runsc-{sandbox}.sock":
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


def filestore_size(record: Record) -> int:
    """Return the bytes on the host's disk of the files that back the writable file systems of a container since 2023."""
    mounts = record.spec.get("mounts") or []
    folders = {(record.spec.get("root") or {}).get("path"), *(mount.get("source") for mount in mounts)}
    size = 0
    for folder in folders:
        with contextlib.suppress(OSError):
            size += 512 * os.lstat(os.path.join(folder or "", f".gvisor.filestore.{record.sandbox}")).st_blocks
    return size


def remove_filestore(rootfs: str, sandbox: str) -> None:
    """Remove the file that backs a writable root file system since 2023, if it is there and a regular file.

    Left behind, it makes the next create with the same id fail ("repeated submounts").
    """
    path = os.path.join(rootfs, f".gvisor.filestore.{sandbox}")
    if os.path.isfile(path) and not os.path.islink(path):
        with contextlib.suppress(OSError):
            os.unlink(path)
