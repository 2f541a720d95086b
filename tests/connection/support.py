# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the connection need: sandboxes, an sshd of their own, connections in this process, and plays."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shlex
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

from ansible.errors import AnsibleConnectionFailure
from ansible.playbook.play_context import PlayContext
from ansible.plugins.connection import ConnectionBase
from ansible.plugins.loader import connection_loader, init_plugin_loader

from ansible_collections.gvisor.runsc.tests.modules.support import (
    PATIENCE,
    PLAY_PATIENCE,
    Json,
    Place,
    Runner,
    RunscVersion,
    eventually,
    processes,
)

PLUGIN = "gvisor.runsc.runsc"
CAPABILITIES = (
    *("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID"),
    *("CAP_SYS_CHROOT", "CAP_AUDIT_WRITE", "CAP_SETPCAP", "CAP_MKNOD"),
)
SECONDS = 60  # for a command to start, on a machine that may be busy

# Python has imported the collection before Ansible's loader was there, which would have looked at its meta/runtime.yml.
vars(importlib.import_module("ansible_collections.gvisor.runsc"))["_collection_meta"] = {}
init_plugin_loader()


class Ran(NamedTuple):
    """A command that was run through a connection."""

    rc: int
    stdout: bytes
    stderr: bytes


class Site(Place):
    """A place for one test, with containers that are hosts for Ansible.

    :param way: the variables that say how the node is reached.
    """

    def __init__(self, version: RunscVersion, folder: Path, rootfs: Path, prefix: str, way: Json) -> None:
        super().__init__(cast(Runner, None), version, folder, rootfs, prefix)
        self.way = way
        kinds = ("bounding", "effective", "permitted")
        self.config["process"]["capabilities"] = {kind: list(CAPABILITIES) for kind in kinds}
        self.write_config()

    def make(self, container: str = "", changes: Json | None = None) -> str:
        """Make a container of the test's bundle, and return its id."""
        if changes is not None:
            self.write_config(changes)
        self.run_detached(container or self.id)
        return container or self.id

    def remove(self, container: str = "") -> None:
        """Remove a container."""
        self.runsc("delete", "--force", container or self.id)

    def variables(self, **changes: Any) -> Json:
        """Return the variables of the host. One that is None is not set."""
        usual = {
            "ansible_connection": PLUGIN,
            "ansible_runsc_container": self.id,
            "ansible_runsc_root": str(self.root),
            "ansible_runsc_path": self.version.path,
            "ansible_runsc_platform": self.version.platform,
            "ansible_runsc_network": "none",
            "ansible_runsc_timeout": SECONDS,
            **self.way,
            **changes,
        }
        return {name: value for name, value in usual.items() if value is not None}

    def connection(self, *, keywords: Json | None = None, **changes: Any) -> ConnectionBase:
        """Return a connection in this process."""
        made = connection_loader.get(PLUGIN, PlayContext())
        assert isinstance(made, ConnectionBase)
        made.set_options(task_keys=keywords, var_options=self.variables(**changes))
        return made

    def ran(self, command: str, data: bytes | None = None, **changes: Any) -> Ran:
        """Run a command through a new connection."""
        return Ran(*self.connection(**changes).exec_command(command, in_data=data, sudoable=False))

    def out(self, command: str, **changes: Any) -> str:
        """Run a command that must not fail, and return what it prints."""
        ran = self.ran(command, **changes)
        assert ran.rc == 0, ran
        return ran.stdout.decode()

    def unreachable(self, command: str = "true", **changes: Any) -> str:
        """Try a command with a host that must be unreachable, and return the reason."""
        try:
            ran = self.ran(command, **changes)
        except AnsibleConnectionFailure as failure:
            return str(failure)
        raise AssertionError(f"it was reached: {ran}")

    def inside(self) -> list[str]:
        """Return the command lines of all processes in the container, past the plugin."""
        script = "for file in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$file; echo; done"
        return [line.strip() for line in self.runsc("exec", self.id, "/bin/sh", "-c", script).splitlines()]

    def clients(self) -> list[list[str]]:
        """Return the command lines of the processes that work under the root for us: runsc clients and the node's half."""
        found = [argv for _pid, argv in processes() if any(str(self.root) in word for word in argv)]
        return [
            argv for argv in found if argv[0] not in ("runsc-sandbox", "runsc-gofer", "tini") and "-s" not in argv[1:2]
        ]

    def inventory(self, hosts: Json | None = None, **changes: Any) -> Path:
        """Write an inventory and return its path.

        :param hosts: the variables of each host; without it the container alone, named C(sandbox).
        """
        path = self.folder / f"inventory{len(list(self.folder.glob('inventory*')))}.json"
        content = {"all": {"hosts": hosts or {"sandbox": {}}, "vars": self.variables(**changes)}}
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    def book(self, tasks: list[Json], **keywords: Any) -> Path:
        """Write a playbook for all hosts and return its path."""
        path = self.folder / f"book{len(list(self.folder.glob('book*')))}.yml"
        play = {"hosts": "all", "gather_facts": False, "tasks": tasks, **keywords}
        path.write_text(json.dumps([play]), encoding="utf-8")
        return path

    def argv(self, program: str, inventory: Path, *arguments: str) -> list[str]:
        """Return the command line of a program of ansible-core."""
        return [sys.executable, str(Path(sys.executable).with_name(program)), "-i", str(inventory), *arguments]

    def play(
        self, tasks: list[Json], *arguments: str, inventory: Path | None = None, check: bool = True, **keywords: Any
    ) -> str:
        """Run a playbook and return all that it prints. It must not fail unless C(check) is false."""
        return self.ansible(
            "ansible-playbook", *arguments, str(self.book(tasks, **keywords)), inventory=inventory, check=check
        )

    def ansible(
        self,
        program: str,
        *arguments: str,
        inventory: Path | None = None,
        check: bool = True,
        environment: dict[str, str] | None = None,
        patience: float = PLAY_PATIENCE,
    ) -> str:
        """Run a program of ansible-core and return all that it prints."""
        done = subprocess.run(
            self.argv(program, inventory or self.inventory(), *arguments),
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="surrogateescape",
            env={**self.environment, **(environment or {})},
            cwd=self.folder,
            timeout=patience,
        )
        assert not check or done.returncode == 0, done.stdout
        return done.stdout


class Sshd:
    """An sshd on the loopback address, into which root logs in with a key. It serves until the end of the context.

    :param folder: an empty folder with a short path, for its keys, its clients' sockets, and C(TMPDIR) of its sessions.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.log = folder / "log"
        folder.mkdir()
        for name in ("tmp", "cp"):
            (folder / name).mkdir(mode=0o700)
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        lines = {
            "Port": str(self.port),
            "ListenAddress": "127.0.0.1",
            "HostKey": str(folder / "host"),
            "AuthorizedKeysFile": str(folder / "user.pub"),
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PermitRootLogin": "yes",
            "PasswordAuthentication": "no",
            "MaxStartups": "100",
            "SetEnv": f"TMPDIR={folder / 'tmp'}",
            **settings,
        }
        text = "".join(f"{name} {value}\n" for name, value in lines.items())
        (folder / "config").write_text(text, encoding="utf-8")
        host_key = (folder / "host.pub").read_text(encoding="utf-8")
        (folder / "known").write_text(f"[127.0.0.1]:{self.port} {host_key}", encoding="utf-8")

    @property
    def variables(self) -> Json:
        """The variables of a host whose node is this one."""
        return {
            "ansible_runsc_transport": "ssh",
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.folder / "user"),
            "ansible_ssh_common_args": f"-F /dev/null -o UserKnownHostsFile={self.folder / 'known'}",
            "ansible_control_path_dir": str(self.folder / "cp"),
        }

    @contextlib.contextmanager
    def serving(self, before: str = "") -> Iterator[Sshd]:
        """Serve.

        :param before: a shell command that runs before sshd, both with mounts of their own.
        """
        separation = Path("/run/sshd")
        made = not separation.exists()
        separation.mkdir(mode=0o755, exist_ok=True)
        serve = f"exec /usr/sbin/sshd -D -f {self.folder / 'config'} -E {self.log}"
        argv = ["unshare", "--mount", "sh", "-c", f"{before} && {serve}"] if before else ["sh", "-c", serve]
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True) as process:
            try:
                eventually(self._listens, "sshd listens")
                yield self
            finally:
                process.terminate()
                process.wait(PATIENCE)
                for pid, words in processes():  # clients that wait for further use, sessions
                    if any(str(self.folder) in word for word in words) and pid != os.getpid():
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(pid, 15)
                if made:
                    with contextlib.suppress(OSError):
                        separation.rmdir()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a root file system, without its devices."""
    folder.mkdir()
    with tarfile.open(archive) as file:
        members = [member for member in file if not member.isdev()]
        file.extractall(folder, members, filter="fully_trusted")
    return folder


def quoted(*words: str) -> str:
    """Return words as a command for a shell."""
    return shlex.join(words)
