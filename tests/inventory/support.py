# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the inventory need: roots with containers in them, machines that ssh reaches, and Ansible's programs."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ansible_collections.gvisor.runsc.tests.modules import support
from ansible_collections.gvisor.runsc.tests.modules.support import Json, RunscVersion, eventually, merged

PLUGIN = "gvisor.runsc.runsc_containers"
PATIENCE = support.PLAY_PATIENCE
# For what has nothing to do with the version of runsc.
once = pytest.mark.parametrize(
    "version", support.versions()[-1:], indirect=True, ids=lambda version: version.label, scope="session"
)
SSHD = "/usr/sbin/sshd"
_NOTHING = subprocess.DEVNULL


class Ground:
    """A folder with roots and bundles in it, and the ids of one test.

    :param prefix: how the ids begin. None of them is the prefix of another one.
    """

    def __init__(self, reader: Reader, version: RunscVersion, folder: Path, rootfs: Path, prefix: str) -> None:
        self._reader = reader
        self.version = version
        self.folder = folder
        self.prefix = prefix
        self.config = merged(support.CONFIG, {"root": {"path": str(rootfs)}})
        self._ids = (f"{prefix}x{number:04d}" for number in itertools.count())
        self._files = itertools.count()
        (folder / "home").mkdir(parents=True)

    def root(self, name: str) -> Path:
        """Return a root, which need not exist."""
        return self.folder / "roots" / name

    def runsc(self, root: Path, *arguments: str) -> None:
        """Run runsc. Its streams are no pipes: it would hand them on to the container."""
        flags = [f"--root={root}", "--network=none", f"--platform={self.version.platform}"]
        argv = [self.version.path, *flags, *arguments]
        subprocess.run(
            argv, check=True, stdin=_NOTHING, stdout=_NOTHING, stderr=_NOTHING, timeout=PATIENCE, start_new_session=True
        )

    def next_id(self) -> str:
        """Return an id that nobody else has."""
        return next(self._ids)

    def bundle(self, annotations: dict[str, str] | None = None) -> Path:
        """Make a bundle."""
        folder = self.folder / f"bundle{next(self._files)}"
        folder.mkdir()
        # By itself runsc would put two containers with the same id into one control group.
        linux = {"cgroupsPath": f"/{self.prefix}{folder.name}"}
        config = merged(self.config, {"annotations": annotations or {}, "linux": linux})
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        return folder

    def make(
        self, root: Path, status: str = "running", *, annotations: dict[str, str] | None = None, name: str = ""
    ) -> str:
        """Make a container with a status, and return its id."""
        container = name or self.next_id()
        bundle = self.bundle(annotations)
        self.runsc(root, "create", f"--bundle={bundle}", container)
        if status != "created":
            self.runsc(root, "start", container)
        if status == "paused":
            self.runsc(root, "pause", container)
        if status == "stopped":
            self.kill(root, container)
        return container

    def sentry(self, root: Path, container: str) -> int:
        """Return the pid of the sandbox of a container."""
        record = json.loads((root / f"{container}_sandbox:{container}.state").read_text(encoding="utf-8"))
        return int(record["sandbox"]["pid"])

    def kill(self, root: Path, container: str) -> None:
        """End a sandbox from outside."""
        pid = self.sentry(root, container)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not support.command_line(pid), "the end of the sandbox")

    @contextlib.contextmanager
    def suspended(self, root: Path, container: str) -> Iterator[None]:
        """Stop a sandbox by a signal, so that it answers nobody, for a while."""
        pid = self.sentry(root, container)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def write(self, **options: Any) -> Path:
        """Write a file for the plugin and return its path."""
        path = self.folder / f"i{next(self._files)}.runsc.yml"
        path.write_text(json.dumps({"plugin": PLUGIN, "runsc_path": self.version.path, **options}), encoding="utf-8")
        return path

    def ansible(self, program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one of Ansible's programs."""
        return subprocess.run(
            [self.program(program), *arguments],
            check=False,
            capture_output=True,
            stdin=_NOTHING,
            text=True,
            env={**self.environment, **environment},
            cwd=self.folder,
            timeout=PATIENCE,
        )

    @staticmethod
    def program(name: str) -> str:
        """Return the path of one of Ansible's programs."""
        return str(Path(sys.executable).with_name(name))

    @property
    def environment(self) -> dict[str, str]:
        """The environment of Ansible's programs. They may leave a connection open for as long as they run only."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "LC_ALL": "C.UTF-8",
            "NO_COLOR": "1",
            "ANSIBLE_COLLECTIONS_PATH": str(support.COLLECTIONS),
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
            "ANSIBLE_SSH_ARGS": "-o ControlMaster=no",
            "PYTHONPYCACHEPREFIX": os.environ["PYTHONPYCACHEPREFIX"],
        }

    def listed(self, *, says: str = "", cache: bool = True, **options: Any) -> Listed:
        """Return the inventory for these options of the plugin.

        :param says: what the warnings have to hold; without it there must be none.
        """
        return self.listed_from(self.write(**options), says=says, cache=cache)

    def listed_from(self, *sources: Path, says: str = "", cache: bool = True) -> Listed:
        """The same for files that were written before. :param cache: whether the inventory cache may be read."""
        found = self._reader.read(sources, self.environment, cache=cache)
        assert says in found.said and bool(says) == bool(found.said), found.said
        return found

    def shim(self) -> Path:
        """Return a new runsc that notes its calls in a file beside it, C(.calls), and then is the real one."""
        path = self.folder / f"runsc{next(self._files)}"
        text = f'#!/bin/sh\necho "$*" >>"$0.calls"\nexec {self.version.path} "$@"\n'
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        path.with_suffix(".calls").touch()
        return path

    def leftovers(self) -> list[str]:
        """Remove the containers, and return what is left then."""
        for record in self.folder.glob("roots/*/*.state"):
            with contextlib.suppress(subprocess.CalledProcessError):  # the oldest version panics after its work is done
                self.runsc(record.parent, "delete", "--force", record.name.partition("_sandbox:")[0])
        found: list[str] = support._leftovers.settled(str(self.folder), self.prefix)
        return found + [str(path) for path in self.folder.glob("roots/*/*")]

    def clean(self) -> None:
        """Remove what outlives the folder, however bad it is."""
        support._leftovers.remove(str(self.folder), self.prefix)


class Listed(NamedTuple):
    """An inventory: the variables of each host, the hosts in each group, and all warnings."""

    hosts: dict[str, Json]
    groups: dict[str, set[str]]
    said: str


class Reader:
    """The process that reads inventories, see reader.py."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("reader.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(support.COLLECTIONS)},
        )

    def read(self, sources: Iterable[Path], environment: dict[str, str], *, cache: bool) -> Listed:
        """Read an inventory as Ansible's programs do, but without the time that their start takes."""
        process = self._process
        assert process.stdin and process.stdout
        request = {"sources": [str(source) for source in sources], "environment": environment, "cache": cache}
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        assert select.select([process.stdout], [], [], PATIENCE)[0], f"it takes too long: {request}"
        answer = json.loads(process.stdout.readline())
        assert answer, "a traceback is on standard error"
        groups = {name: set(members) for name, members in answer["groups"].items()}
        return Listed(answer["hosts"], groups, answer["said"])

    def close(self) -> None:
        """End it."""
        with self._process as process:
            process.kill()


class Machine:
    """Something that ssh takes for a machine: an sshd of its own on a loopback address, whose C(/run) is its own, too.

    :param keys: the folder with the keys of machines and of users.
    """

    def __init__(self, folder: Path, keys: Path, address: str) -> None:
        self.address = address
        self.port = _free_port(address)
        self._keys = keys
        folder.mkdir()
        self._log = folder / "log"
        settings = {
            "ListenAddress": address,
            "Port": self.port,
            "HostKey": keys / "host",
            "AuthorizedKeysFile": keys / "user.pub",
            "PidFile": "none",
            "StrictModes": "no",  # the folder of temporary files is everybody's
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
        }
        file = folder / "sshd_config"
        file.write_text("".join(f"{name} {value}\n" for name, value in settings.items()), encoding="utf-8")
        script = 'mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && exec "$@"'
        unshare = ["unshare", "--mount", "--propagation", "private", "--", "sh", "-c", script, "sh"]
        self._process = subprocess.Popen(
            [*unshare, SSHD, "-D", "-E", str(self._log), "-f", str(file)], stdin=_NOTHING, cwd=folder
        )

    def wait(self) -> None:
        """Wait until it listens."""
        eventually(lambda: self._log.exists() and "Server listening" in self._log.read_text(), "an sshd that listens")

    def logins(self) -> int:
        """Return how often somebody has logged in."""
        return self._log.read_text(encoding="utf-8").count("Accepted publickey")

    @property
    def variables(self) -> Json:
        """The variables that lead to it."""
        known_hosts = f"-o UserKnownHostsFile={self._keys / 'known_hosts'}"
        return {
            "ansible_host": self.address,
            "ansible_port": self.port,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self._keys / "user"),
            "ansible_ssh_common_args": f"{known_hosts} -o GlobalKnownHostsFile=none -o HostKeyAlias=machine",
        }

    def end(self) -> None:
        """End it. Who is logged in is logged out by the end of the client."""
        self._process.kill()
        self._process.wait(timeout=PATIENCE)


def make_keys(folder: Path) -> Path:
    """Make a pair of keys for machines and one for users."""
    folder.mkdir()
    for name in ("host", "user"):
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
        subprocess.run(argv, check=True, stdin=_NOTHING, timeout=PATIENCE)
    (folder / "known_hosts").write_text(f"machine {(folder / 'host.pub').read_text()}", encoding="utf-8")
    return folder


def _free_port(address: str) -> int:
    with socket.socket() as found:
        found.bind((address, 0))
        return int(found.getsockname()[1])
