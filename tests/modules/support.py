# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the modules need: a place for one test, the modules as processes, and Ansible itself."""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

Json = dict[str, Any]

TREE = Path(__file__).resolve().parents[2]
COLLECTIONS = TREE.parents[2]  # the folder that holds ansible_collections/
BUSYBOX = os.environ.get("BUSYBOX", "/bin/busybox")
PATIENCE = 20.0  # seconds until a test gives up on something that takes milliseconds
PLAY_PATIENCE = 120.0  # the same for a play

RUNNER = Path(__file__).with_name("runner.py")
_NOT_FOR_MODULES = ("XDG_RUNTIME_DIR",)


def _load(path: Path) -> Any:
    """Import a file that is in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_leftovers = _load(TREE / "tests/integration/targets/setup_runsc/files/leftovers.py")

CONFIG: Json = {
    "ociVersion": "1.0.2",
    "process": {
        "user": {"uid": 0, "gid": 0},
        "args": ["sleep", "1000"],
        "env": ["PATH=/bin"],
        "cwd": "/",
        "capabilities": {kind: ["CAP_KILL"] for kind in ("bounding", "effective", "permitted")},
    },
    "root": {"path": "", "readonly": True},
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"},
    ],
    "linux": {"namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")]},
}


class RunscVersion(NamedTuple):
    """One of the runsc builds to test."""

    label: str
    version: str
    path: str
    platform: str


def versions() -> list[RunscVersion]:
    """Return the builds that the file named by RUNSC_VERSIONS_FILE lists."""
    file = Path(os.environ["RUNSC_VERSIONS_FILE"])
    entries = json.loads(file.read_text(encoding="utf-8"))
    return [RunscVersion(*(entry[field] for field in RunscVersion._fields)) for entry in entries]


def make_rootfs(folder: Path) -> Path:
    """Make a root file system of busybox alone."""
    (folder / "bin").mkdir(parents=True)
    for name in ("etc", "proc", "tmp"):
        (folder / name).mkdir()
    (folder / "bin/busybox").write_bytes(Path(BUSYBOX).read_bytes())
    (folder / "bin/busybox").chmod(0o755)
    for applet in subprocess.run([BUSYBOX, "--list"], check=True, capture_output=True, text=True).stdout.split():
        if applet != "busybox":
            (folder / "bin" / applet).symlink_to("busybox")
    return folder


def merged(base: Json, changes: Json) -> Json:
    """Return C(base) with C(changes) put over it, objects merged, everything else replaced."""
    result = copy.deepcopy(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else copy.deepcopy(value)
    return result


def eventually(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> None:
    """Wait until the condition holds. :raises AssertionError: it does not in time; C(what) says what it was."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"not within {patience:g} s: {what}"
        time.sleep(0.01)


def command_line(pid: int) -> list[str]:
    """Return the arguments of a process; none for a zombie, or if there is no such process."""
    with contextlib.suppress(OSError):
        return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")[:-1]
    return []


def processes() -> Iterator[tuple[int, list[str]]]:
    """Yield every process that has a command line."""
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (argv := command_line(int(entry))):
            yield int(entry), argv


def read_result(rc: int, out: str, err: str) -> Json:
    """Return the result that a module printed."""
    assert "Traceback" not in out + err, out + err
    assert not err, err
    result: Json = json.loads(out)
    assert rc == (1 if result.get("failed") else 0)
    return result


class Begun(NamedTuple):
    """A module that was started: its process, and the folder with its output."""

    pid: int
    place: Path


class Runner:
    """The process that runs modules, see runner.py."""

    def __init__(self) -> None:
        self._process = self._start()

    @staticmethod
    def _start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, RUNNER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
        )

    def _ask(self, request: Json) -> int:
        try:
            return self._answer(request)
        except BaseException:  # a Ctrl-C, too: the late answer would be taken for that to the next request
            self.close()
            self._process = self._start()
            raise

    def _answer(self, request: Json) -> int:
        process = self._process
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        assert select.select([process.stdout], [], [], PLAY_PATIENCE)[0], f"it takes too long: {request}"
        return int(process.stdout.readline())

    def begin(self, module: str, options: Json, environment: dict[str, str], folder: Path, uid: int = 0) -> Begun:
        """Start a module."""
        place = Path(tempfile.mkdtemp(dir=folder, prefix="result-"))
        request = {"module": module, "options": options, "environment": environment, "uid": uid}
        request.update(folder=str(folder), out=str(place / "out"), err=str(place / "err"))
        return Begun(self._ask(request), place)

    def wait(self, begun: Begun) -> int:
        """Wait for the end of a module and return its exit code."""
        return self._ask({"wait": begun.pid})

    def finish(self, begun: Begun) -> Json:
        """Wait for the end of a module and return its result."""
        rc = self.wait(begun)
        out, err = ((begun.place / stream).read_text(encoding="utf-8") for stream in ("out", "err"))
        shutil.rmtree(begun.place)
        return read_result(rc, out, err)

    def run(self, module: str, options: Json, environment: dict[str, str], folder: Path, uid: int) -> Json:
        """Run a module to its end and return its result."""
        return self.finish(self.begin(module, options, environment, folder, uid))

    def close(self) -> None:
        """End it."""
        with self._process as process:
            process.kill()


class Place:
    """Everything of one test with one version of runsc: a folder, a root in it, a bundle, and the modules as processes.

    The methods that run a module take its options as keywords. Those that say where runsc is, and its flags, are added.
    """

    def __init__(self, runner: Runner, version: RunscVersion, folder: Path, rootfs: Path, prefix: str) -> None:
        self.runner = runner
        self.version = version
        self.folder = folder
        self.root = folder / "root"
        self.bundle = folder / "bundle"
        self.tmp = folder / "tmp"
        self.prefix = prefix
        self.id = f"{prefix}a"
        self.config = merged(CONFIG, {"root": {"path": str(rootfs)}})
        self.tmp.mkdir(parents=True)
        self.write_config()

    def write_config(self, changes: Json | None = None, bundle: Path | None = None) -> Path:
        """Write a bundle's config.json, the test's own one if C(bundle) is not given; return the bundle."""
        folder = bundle or self.bundle
        folder.mkdir(exist_ok=True)
        text = json.dumps(merged(self.config, changes or {}), indent=1)
        (folder / "config.json").write_text(text, encoding="utf-8")
        return folder

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a module, or of a play."""
        kept = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_MODULES}
        return {
            **kept,
            "TMPDIR": str(self.tmp),
            "PYTHONPATH": str(COLLECTIONS),
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        }

    @property
    def common(self) -> Json:
        """The options that all modules get."""
        return {
            "root": str(self.root),
            "runsc_path": self.version.path,
            "platform": self.version.platform,
            "network": "none",
        }

    def options(self, given: Json, *, check: bool = False, verbosity: int = 0) -> Json:
        """Return the options for a module, with those that say where runsc is. One that is None is not given."""
        kept = {name: value for name, value in {**self.common, **given}.items() if value is not None}
        return {**kept, "_ansible_check_mode": check, "_ansible_diff": True, "_ansible_verbosity": verbosity}

    @contextlib.contextmanager
    def started(self, module: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
        """A module that has been started by itself, and that is killed at the end if it still runs."""
        with subprocess.Popen(
            [sys.executable, RUNNER, module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            cwd=self.folder,
            start_new_session=True,
        ) as process:
            try:
                assert process.stdin
                process.stdin.write(json.dumps(self.options(options)))
                process.stdin.close()
                process.stdin = None
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    def module(
        self,
        module: str,
        *,
        check: bool = False,
        verbosity: int = 0,
        uid: int = 0,
        environment: dict[str, str] | None = None,
        **options: Any,
    ) -> Json:
        """Run a module and return its result, a failed one as well. It must answer with one JSON object and nothing else.

        :param uid: the user who runs it. An option that is None is not given.
        """
        given = self.options(options, check=check, verbosity=verbosity)
        return self.runner.run(module, given, {**self.environment, **(environment or {})}, self.folder, uid)

    def container(self, **options: Any) -> Json:
        """Run runsc_container for the test's own id and bundle, and return what it did. It must not fail."""
        return self.good("runsc_container", **{"name": self.id, "bundle": str(self.bundle), **options})

    def exec(self, *argv: str, **options: Any) -> Json:
        """Run runsc_exec for the test's own id, and return what it did. It must not fail."""
        return self.good("runsc_exec", **{"name": self.id, "argv": list(argv) or None, **options})

    def info(self, **options: Any) -> Json:
        """Run runsc_info."""
        return self.good("runsc_info", **options)

    def good(self, module: str, **options: Any) -> Json:
        """Run a module that must not fail."""
        result = self.module(module, **options)
        assert not result.get("failed"), result
        return result

    def bad(self, module: str, kind: str, **options: Any) -> Json:
        """Run a module that must fail, with this C(failure_kind) and with all that a failure has to tell."""
        result = self.module(module, **options)
        assert result.get("failed"), result
        assert result["failure_kind"] == kind, result
        assert {"msg", "rc", "stdout", "stdout_lines", "stderr", "stderr_lines", "cmd", "status"} <= set(result)
        return result

    def runsc(self, *arguments: str) -> str:
        """Run runsc itself, past the collection, and return what it prints. It must not fail."""
        flags = [f"--root={self.root}", "--network=none", f"--platform={self.version.platform}"]
        argv = [self.version.path, *flags, *arguments]
        return subprocess.run(
            argv, check=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, timeout=PATIENCE
        ).stdout

    def run_detached(self, container: str) -> None:
        """Make a container past the collection. Its streams are no pipes: runsc would hand them on to the container."""
        flags = [f"--root={self.root}", "--network=none", f"--platform={self.version.platform}"]
        argv = [self.version.path, *flags, "run", "--detach", f"--bundle={self.bundle}", container]
        nothing = subprocess.DEVNULL
        subprocess.run(
            argv, check=True, stdin=nothing, stdout=nothing, stderr=nothing, timeout=PATIENCE, start_new_session=True
        )

    def listed(self) -> dict[str, str]:
        """Return the statuses by id, as C(runsc list) tells them."""
        return {entry["id"]: entry["status"] for entry in json.loads(self.runsc("list", "--format=json")) or []}

    def sandboxes(self) -> list[int]:
        """Return the pids of the sentries under the root, recorded or not."""
        return [pid for pid, argv in processes() if argv[0] == "runsc-sandbox" and f"--root={self.root}" in argv]

    def gofers(self) -> list[int]:
        """Return the pids of the gofers under the root."""
        return [pid for pid, argv in processes() if argv[0] == "runsc-gofer" and f"--root={self.root}" in argv]

    def record(self, container: str = "") -> Path:
        """Return the state file of a container."""
        container = container or self.id
        return self.root / f"{container}_sandbox:{container}.state"

    def shim(self, body: str = "") -> Path:
        """Return a new runsc that notes its calls in a file beside it, C(.calls), and then is the real one.

        :param body: shell commands that it runs in between.
        """
        path = self.folder / f"runsc{len(list(self.folder.glob('runsc*.calls')))}"
        text = f'#!/bin/sh\nprintf \'%s\\n\' "$*" >>"$0.calls"\n{body}\nexec {self.version.path} "$@"\n'
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        path.with_suffix(".calls").touch()
        return path

    def wait_for(self, file: Path, text: str) -> str:
        """Wait until a file holds a text, and return all that it holds."""
        eventually(lambda: file.exists() and text in file.read_text(encoding="utf-8"), f"{text!r} in {file}")
        return file.read_text(encoding="utf-8")

    def leftovers(self) -> list[str]:
        """Return what containers have left on the host, one thing a line."""
        found: list[str] = _leftovers.settled(str(self.folder), self.prefix)
        return found

    def clean(self) -> None:
        """Remove what outlives the folder, however bad it is."""
        _leftovers.remove(str(self.folder), self.prefix)


def subcommands(shim: Path) -> list[str]:
    """Return the subcommands of the calls that a shim noted: C(["list", "state"]). C(flags) is one of them."""
    calls = shim.with_suffix(".calls").read_text(encoding="utf-8").splitlines()
    return [next((word for word in call.split() if not word.startswith("-")), "") for call in calls]


def ansible(place: Place, program: str, *arguments: str, check: bool = True) -> str:
    """Run a program of ansible-core and return all that it prints.

    :param check: it must not fail.
    """
    argv = [str(Path(sys.executable).with_name(program)), *arguments]
    environment = {**place.environment, "ANSIBLE_LOCALHOST_WARNING": "0", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0"}
    done = subprocess.run(
        argv,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        env=environment,
        cwd=place.folder,
        timeout=PLAY_PATIENCE,
    )
    assert not check or done.returncode == 0, done.stdout
    return done.stdout


def play(place: Place, tasks: list[Json], **keywords: Any) -> Path:
    """Write a playbook for this machine and return its path. The group's defaults say where runsc is."""
    content = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
        "module_defaults": {"group/gvisor.runsc.runsc": place.common},
        "tasks": tasks,
        **keywords,
    }
    path = place.folder / f"play{len(list(place.folder.glob('play*')))}.yml"
    path.write_text(json.dumps([content]), encoding="utf-8")
    return path


def stop(pid: int) -> None:
    """Stop a process by a signal, so that it answers nobody."""
    os.kill(pid, signal.SIGSTOP)
