# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests against a real runsc need: its versions, bundles, ids, and a look at what is left behind."""

from __future__ import annotations

import contextlib
import copy
import itertools
import json
import os
import re
import signal
import time
import typing as t
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import cgroups
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import RunscError
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.monitor import Recorder

BUSYBOX = os.environ.get("BUSYBOX", "/bin/busybox")
APPLETS = (
    *(
        "cat",
        "chmod",
        "date",
        "dd",
        "echo",
        "env",
        "false",
        "grep",
        "head",
        "id",
        "kill",
        "ls",
        "mkdir",
        "nc",
        "printf",
    ),
    *("ps", "pwd", "rm", "sh", "sleep", "stat", "test", "touch", "tr", "true", "wc", "yes"),
)
PATIENCE = 20.0  # seconds until a test gives up on something that takes milliseconds

SPEC: dict[str, t.Any] = {
    "ociVersion": "1.0.2",
    "process": {
        "user": {"uid": 0, "gid": 0},
        "args": ["/bin/sleep", "1000"],
        "env": ["PATH=/bin", "GREETING=hello"],
        "cwd": "/",
        "capabilities": {kind: ["CAP_KILL"] for kind in ("bounding", "effective", "permitted")},
    },
    "root": {"path": "rootfs"},
    "hostname": "sandbox",
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"},
    ],
    "linux": {"namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")]},
}

LIMIT = 64 * 1024 * 1024  # bytes of memory for what L(limited) limits
# What is on a tmpfs is in the memory of the sentry.
EAT = ["/bin/dd", "if=/dev/zero", "of=/tmp/eaten", "bs=1M", "count=300"]


def limited(**linux: t.Any) -> dict[str, t.Any]:
    """Return the part of a specification that limits the memory."""
    return {**SPEC["linux"], "resources": {"memory": {"limit": LIMIT}}, **linux}


# The id of the sandbox must be unique on the host: before 2023 control sockets are named after it alone, whatever the root
# is. No id is a prefix of another one.
_IDS = (f"t{os.getpid():07d}x{number:04d}" for number in itertools.count())


class RunscVersion(t.NamedTuple):
    """One of the runsc builds to test."""

    label: str
    version: str
    path: str
    platform: str

    @property
    def date(self) -> int:
        """The day of the release, such as 20240729."""
        found = re.search(r"\d{8}", self.version)
        return int(found.group()) if found else 99999999


def versions() -> list[RunscVersion]:
    """Return the builds that the file named by RUNSC_VERSIONS_FILE lists."""
    file = Path(os.environ["RUNSC_VERSIONS_FILE"])
    return [
        RunscVersion(*(str(entry[field]) for field in RunscVersion._fields)) for entry in json.loads(file.read_text())
    ]


def new_id() -> str:
    """Return a container id that nobody else has."""
    return next(_IDS)


def make_bundle(
    folder: Path, args: Iterable[str] = (), *, process: dict[str, t.Any] | None = None, **spec: t.Any
) -> Path:
    """Make an OCI bundle with busybox in it.

    :param args: the command. :param process: changes to the process. :param spec: changes to the specification.
    """
    binaries = folder / "rootfs" / "bin"
    binaries.mkdir(parents=True)
    # Older versions make /dev and /sys when they start a container, but not when they restore one.
    for name in ("dev", "etc", "proc", "sys", "tmp"):
        (folder / "rootfs" / name).mkdir()
    (folder / "rootfs" / "etc" / "passwd").write_text("root:x:0:0:root:/:/bin/sh\napp:x:1234:4321:app:/tmp:/bin/sh\n")
    (folder / "rootfs" / "tmp").chmod(0o1777)
    (binaries / "busybox").write_bytes(_busybox())
    (binaries / "busybox").chmod(0o755)
    for applet in APPLETS:
        (binaries / applet).symlink_to("busybox")
    write_spec(folder, args, process=process, **spec)
    return folder


def write_spec(
    folder: Path, args: Iterable[str] = (), *, process: dict[str, t.Any] | None = None, **spec: t.Any
) -> None:
    """Write the config.json of a bundle. The parameters are those of L(make_bundle)."""
    config = copy.deepcopy(SPEC)
    if args:
        config["process"]["args"] = list(args)
    config["process"].update(process or {})
    config.update(spec)
    (folder / "config.json").write_text(json.dumps(config))


_CACHE: dict[str, bytes] = {}


def _busybox() -> bytes:
    if BUSYBOX not in _CACHE:
        _CACHE[BUSYBOX] = Path(BUSYBOX).read_bytes()
    return _CACHE[BUSYBOX]


def eventually(condition: Callable[[], object], timeout: float = PATIENCE) -> bool:
    """Ask until the answer is yes or the time is up; return the last answer."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def processes(text: str) -> dict[int, list[str]]:
    """Return the arguments of every process on the host that has C(text) among them, by pid."""
    found = {}
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if entry.isdigit() and int(entry) != os.getpid():
                argv = Path("/proc", entry, "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
                if any(text in argument for argument in argv):
                    found[int(entry)] = argv
    return found


def runsc_processes(root: str) -> dict[int, list[str]]:
    """Return the arguments of every runsc process, sentries and gofers too, that works under this root, by pid."""
    return {pid: argv for pid, argv in processes(root).items() if f"--root={root}" in argv}


def control_groups(text: str) -> list[str]:
    """Return the folders of control groups, also nested once, with C(text) in their name."""
    found = []
    for mountpoint in sorted(set(cgroups.hierarchies().values())):
        found += [str(path) for path in Path(mountpoint).glob(f"*{text}*")]
        found += [str(path) for path in Path(mountpoint).glob(f"*/*{text}*")]
    return found


class Calls:
    """Counts the runsc processes of a client while a context lasts."""

    def __init__(self, runsc: Runsc) -> None:
        self._recorder = t.cast(Recorder, runsc.monitor)
        self._start = len(self._recorder.calls)

    @property
    def subcommands(self) -> list[str]:
        """The subcommands that ran since this object was made."""
        return [
            next((argument for argument in call.argv[1:] if not argument.startswith("-")), "")
            for call in self._recorder.calls[self._start :]
        ]


def clean_up(runsc: Runsc) -> list[str]:
    """Delete every container of a root by force and end what is left; return what should not have been there."""
    complaints = []
    for container in sorted(runsc.existing(), key=len, reverse=True):  # an id before its prefixes
        try:
            runsc.delete(container, force=True)
        except RunscError as exc:
            complaints.append(f"{container} can't be deleted: {exc}")
    # The gofer of a killed sandbox, or a client of it, may need a moment to notice.
    if not eventually(lambda: not runsc_processes(runsc.root), 5):
        left = runsc_processes(runsc.root)
        complaints += [f"process left: {argv}" for argv in left.values()]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    left_files = os.listdir(runsc.root) if os.path.isdir(runsc.root) else []
    return complaints + [f"file left under the root: {name}" for name in left_files]


def remove_groups(text: str, keep: Collection[str] = ()) -> list[str]:
    """Remove the control groups with C(text) in their name, but for those of the containers in C(keep).

    :returns: which there were.
    """
    found = [folder for folder in control_groups(text) if not any(container in folder for container in keep)]
    for folder in reversed(found):
        with contextlib.suppress(OSError):
            os.rmdir(folder)
    return found


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Suspend a process with SIGSTOP while the context lasts."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def text_of(runsc: Runsc, container: str, *args: str, **options: t.Any) -> str:
    """Run a command in a container and return its standard output."""
    result = runsc.exec(container, {"args": list(args)}, **options)
    assert result.completed.rc == 0, result
    return result.completed.stdout.text
