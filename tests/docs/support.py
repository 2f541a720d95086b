# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests of the documentation need: its pages as blocks, and a machine to do on what they say."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

TREE = Path(__file__).resolve().parents[2]
COLLECTIONS = Path(__file__).absolute().parents[5]  # the folder that holds ansible_collections/, maybe by a link
DOCS = TREE / "docs"
BUSYBOX = os.environ.get("BUSYBOX", "/bin/busybox")
Json = dict[str, Any]
PATIENCE = 240.0  # seconds until a test gives up on one command


class RunscVersion(NamedTuple):
    """One of the runsc builds to test."""

    label: str
    version: str
    path: str
    platform: str

    @property
    def is_default_platform(self) -> bool:
        """Whether the platform to test with is the one that this build takes by itself."""
        day = int("".join(re.findall(r"\d{8}", self.version)) or 99999999)
        return self.platform == ("ptrace" if day < 20230621 else "systrap")


def versions() -> list[RunscVersion]:
    """Return the builds that the file named by RUNSC_VERSIONS_FILE lists."""
    entries = json.loads(Path(os.environ["RUNSC_VERSIONS_FILE"]).read_text(encoding="utf-8"))
    return [RunscVersion(*(str(entry[field]) for field in RunscVersion._fields)) for entry in entries]


class Done(NamedTuple):
    """A command that has ended."""

    rc: int
    stdout: str
    stderr: str


class Machine:
    """This machine with processes, mounts, a network, C(/run), C(/srv) and C(/var/cache) that nobody else has.

    So a page can be followed word by word, with the names and places that it uses, whatever else runs here, and what it
    leaves behind is all that there is. At the end of the context, or of this process, every process on it ends.

    :param folder: an empty folder that all users can enter: home, temporary files, and where commands run.
    """

    def __init__(self, folder: Path, version: RunscVersion) -> None:
        self.folder = folder
        self.version = version
        self.work = folder / "work"
        for place in (self.work, folder / "home", folder / "tmp", folder / "bin"):
            place.mkdir()
        (folder / "bin/runsc").symlink_to(version.path)
        mounts = " && ".join(f"mount -t tmpfs tmpfs {place}" for place in ("/run", "/srv", "/var/cache"))
        # cat ends when this process does, and with the first process of a pid namespace every other one in it.
        script = f"{mounts} && echo ready && exec cat >/dev/null"
        argv = [
            "unshare",
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "--mount-proc",
            "--propagation",
            "private",
            "--",
            "tini",
            "-s",
            "--",
            "sh",
            "-c",
        ]
        self._holder = subprocess.Popen([*argv, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._init = 0
        self._names: set[str] = set()

    def __enter__(self) -> Machine:
        """Wait until it is there."""
        assert self._holder.stdout
        assert self._holder.stdout.readline() == "ready\n", "this machine has no namespaces for tests"
        pid = self._holder.pid
        self._init = int(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii"))
        return self

    def __exit__(self, *_error: object) -> None:
        """End every process."""
        if self._holder.poll() is None:
            records = Path(f"/proc/{self._init}/root/run/runsc").glob("*.state")
            self._names.update(record.name.partition("_sandbox:")[0] for record in records)
            os.kill(self._init or self._holder.pid, signal.SIGKILL)
        self._holder.communicate(timeout=PATIENCE)
        # They outlive the machine, and would be in the way of the next one.
        eventually(lambda: not [group for group in control_groups(self._names) if not _removed(group)])

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every command. Nothing of the tester's own gets through."""
        places = [str(self.folder / "bin"), os.path.dirname(sys.executable), "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        return {
            "PATH": ":".join(places),
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "LC_ALL": "C.UTF-8",
            "USER": "root",
            "PYTHONPYCACHEPREFIX": os.environ["PYTHONPYCACHEPREFIX"],
        }

    def argv(self, script: str) -> list[str]:
        """Return the command that runs a shell script on this machine."""
        entering = ["nsenter", f"--target={self._init}", "--mount", "--net", "--pid", f"--wd={self.work}"]
        return [*entering, "--", "bash", "-eu", "-o", "pipefail", "-c", script]

    def run(
        self,
        script: str,
        *,
        check: bool = True,
        environment: Mapping[str, str] | None = None,
        patience: float = PATIENCE,
    ) -> Done:
        """Run a shell script.

        :param check: it must not fail.
        :param environment: more variables.
        :param patience: seconds until it is given up.
        """
        done = subprocess.run(
            self.argv(script),
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            env={**self.environment, **(environment or {})},
            timeout=patience,
        )
        assert not check or done.returncode == 0, f"{script}\nrc {done.returncode}\n{done.stdout}\n{done.stderr}"
        return Done(done.returncode, done.stdout, done.stderr)

    def look(self, *names: str) -> dict[str, list[str]]:
        """Return all that there is on this machine; of control groups, which all machines here share, those so named."""
        self._names.update(names)
        looking = TREE / "tests/docs/look.py"
        done = self.run(f"{sys.executable} {looking} {self.folder} {' '.join(names)}")
        found: dict[str, list[str]] = json.loads(done.stdout)
        return found


def eventually(condition: Callable[[], object]) -> None:
    """Wait until the condition holds. :raises AssertionError: it does not in time."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def control_groups(names: Collection[str]) -> Iterator[str]:
    """Yield the folders of the control groups with these names, the innermost first."""
    for folder, _folders, _files in os.walk("/sys/fs/cgroup", topdown=False):
        if os.path.basename(folder) in names:
            yield folder


def _removed(group: str) -> bool:
    with contextlib.suppress(OSError):
        os.rmdir(group)
    return not os.path.exists(group)


class Block(NamedTuple):
    """A fenced block of a page: its language, its text, and the heading that it stands under."""

    language: str
    text: str
    heading: str

    @property
    def file_name(self) -> str:
        """The name in the comment of its first line, as C(# hello.yml); empty if there is none."""
        found = re.match(r"# ([\w.-]+\.\w+)\n", self.text)
        return found.group(1) if found else ""


def blocks(page: Path, heading: str = "") -> list[Block]:
    """Return the fenced blocks of a page in order; with C(heading), only those under it."""
    found, current = [], ""
    for title, language, text in re.findall(
        r"^#+ (.*)$|^```(\w+)\n((?:.*\n)*?)```$", page.read_text(encoding="utf-8"), re.M
    ):
        if title:
            current = title
        elif not heading or current == heading:
            found.append(Block(language, text, current))
    assert found, f"{page.name} has no blocks"
    return found


def tables(page: Path, heading: str) -> Iterator[list[str]]:
    """Yield the rows of the table under a heading, as cells; the headings of the columns first."""
    section = re.split(rf"^#+ {re.escape(heading)}$", page.read_text(encoding="utf-8"), flags=re.M)[1]
    rows = [line for line in re.split(r"^#+ ", section, flags=re.M)[0].splitlines() if line.startswith("|")]
    for row in rows:
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
        if not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            yield cells


# What differs from run to run, and from version to version, and says nothing about whether a page is right.
_VOLATILE = (
    (r"\*{3,}$", "***"),  # what Ansible fills a headline with
    (r"0\.0~\d{8}\.0", "VERSION"),
    (r"\b(pid\W+)\d+", r"\1PID"),
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z?", "TIME"),
    (r"\d:\d\d:\d\d\.\d+", "DURATION"),
    (r"\[ *\d+\.\d{6}\]", "[UPTIME]"),
    (r"/\S*/runsc\b", "RUNSC"),
    (r"[ \t]+", " "),
)


def settled(text: str) -> list[str]:
    """Return the lines of an output with what is volatile made equal, and without empty ones."""
    for pattern, replacement in _VOLATILE:
        text = re.sub(pattern, replacement, text, flags=re.M)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def matches(shown: str, actual: str) -> bool:
    """Return whether an output is what a page shows. A line of C(...) in the page stands for any lines."""
    return _match([line.strip() if line.strip() == "..." else line for line in settled(shown)], settled(actual))


def _match(shown: list[str], actual: list[str]) -> bool:
    if not shown:
        return not actual
    if shown[0] == "...":
        return any(_match(shown[1:], actual[start:]) for start in range(len(actual) + 1))
    return bool(actual) and shown[0] == actual[0] and _match(shown[1:], actual[1:])


def bundle_script(folder: str, command: str, *, hostname: str = "sandbox", resources: Json | None = None) -> str:
    """Return the shell commands that make a bundle with all of busybox.

    :param resources: the limits of its control group, C(linux.resources) of config.json.
    """
    namespaces = [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")]
    config = {
        "ociVersion": "1.0.2",
        "process": {"args": command.split(), "env": ["PATH=/bin"], "cwd": "/"},
        "root": {"path": "rootfs"},
        "hostname": hostname,
        "mounts": [
            {"destination": place, "type": kind, "source": kind}
            for place, kind in (("/proc", "proc"), ("/tmp", "tmpfs"))
        ],
        "linux": {"namespaces": namespaces, "resources": resources or {}},
    }
    return f"""
        mkdir -p {folder}/rootfs/bin
        cp {BUSYBOX} {folder}/rootfs/bin/busybox
        chroot {folder}/rootfs /bin/busybox --install -s /bin
        echo '{json.dumps(config)}' >{folder}/config.json
    """


def make_repository(folder: Path) -> None:
    """Make a git repository of the project's files, as they are now."""
    subprocess.run([sys.executable, str(TREE / "tools/sync_tree.py"), str(folder)], check=True, timeout=PATIENCE)
    shutil.rmtree(folder / ".git", ignore_errors=True)
    author = ["-c", "user.name=tests", "-c", "user.email=tests@localhost"]
    for command in (["init", "-q"], ["add", "--all"], [*author, "commit", "-q", "-m", "all"]):
        subprocess.run(["git", *command], cwd=folder, check=True, timeout=PATIENCE)
