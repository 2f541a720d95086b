# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running one command in a sandbox of its own, of which nothing is left. No Ansible in here.

Even where this process is killed: runsc is killed with it, and the sandbox with runsc. Only files are left then, and the
next such command removes them. It knows them by their names, which hold the process that they belonged to.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
import threading
import typing as t

from . import accounts
from . import bundle as bundles
from .lifecycle import STOPPED
from .locks import container_lock
from .planning import Desired
from .process_values import check_chdir, check_environment, check_streams, merge_env
from .reconcile import Outcome, converge
from .reconcile_error import ReconcileError
from .runsc import cgroups, procfs, statedir
from .runsc.client import Runsc
from .runsc.errors import AlreadyExistsError, RunscError, SandboxGoneError, UsageError
from .runsc.exec_command import check_process
from .runsc.invoke import private_folder
from .runsc.options import CreateOptions
from .runsc.process import Completed

# Says in the record of a container with a name given by the user that it is one of ours.
ANNOTATION = "io.github.gvisor-ansible.run"
_NAMES = re.compile(r"run-(?P<namespace>\d+)-(?P<pid>\d+)-[0-9a-f]{8}")
_LOCK_PATIENCE = 60.0  # seconds for another task with the same name
_FILESTORE = ".gvisor.filestore."
_ENDED_REMEDY = (
    "Leave out detach to run it to its end, or set keep_exit_status if it may end at any time; stdout_file and stderr_file "
    "keep what it writes"
)


class Job(t.NamedTuple):
    """What is to be run. C(None) means as the bundle says, for C(args), C(env), C(chdir) and C(user)."""

    bundle: str
    name: str | None = None
    args: list[str] | None = None
    env: dict[str, str] | None = None
    chdir: str | None = None
    user: str | None = None
    input: bytes | None = None
    creates: str | None = None
    removes: str | None = None
    timeout: float = 600.0
    output_limit: int | None = None
    detach: bool = False
    options: CreateOptions = CreateOptions()

    @property
    def changes_bundle(self) -> bool:
        """Whether the container is to be another one than the bundle says."""
        return any(value is not None for value in (self.args, self.env, self.chdir, self.user))


class Done(t.NamedTuple):
    """What came of it. C(completed) is None where nothing was run, and C(reason) says why, or is empty in check mode."""

    name: str
    completed: Completed | None
    start: datetime.datetime
    end: datetime.datetime
    reason: str = ""
    warnings: t.Sequence[str] = ()


def run_job(
    runsc: Runsc, job: Job, *, check_mode: bool = False, clean: t.Callable[[Runsc, str], None] | None = None
) -> Done:
    """Run the command to its end. In check mode nothing is run.

    :param clean: removes what killed tasks have left for a root file system; L(sweep) without it.
    :raises UsageError: what is asked for makes no sense.
    :raises AlreadyExistsError: there is another container of that name.
    :raises RunscError: runsc failed, as opposed to the command, or the deadline passed. No sandbox is left.
    """
    start = datetime.datetime.now()
    check(job)
    name = job.name or new_name()
    if check_mode and bundles.is_to_come(job.bundle):
        return Done(name, None, start, datetime.datetime.now(), _reason_to_skip(job), [bundles.to_come(job.bundle)])
    config = configure(job)
    reason = _reason_to_skip(job)
    if reason or check_mode:
        if job.name and not reason:
            _check_free(runsc, job.name)
        return Done(name, None, start, datetime.datetime.now(), reason)
    runsc.check_flags()
    (clean or sweep)(runsc, config["root"]["path"])
    with _lock(runsc, job.name), private_folder() as folder:
        _make_room(runsc, name)
        _write_config(folder, config)
        completed = runsc.run(
            name, folder, input=job.input, timeout=job.timeout, end_with_us=True, output_limit=job.output_limit
        )
    return Done(name, completed, start, datetime.datetime.now())


def start_job(runsc: Runsc, job: Job, *, check_mode: bool = False) -> tuple[Outcome | None, str]:
    """Bring a container that runs the command to the state running; it goes on. One that exists already is left as it is.

    :returns: what was done, or None and the reason why nothing was needed.
    """
    check(job)
    if job.name is None:
        raise UsageError("name: none given, and a detached command needs one", remedy="Give the id of the container")
    desired = Desired(job.name, "running", job.bundle, job.options, may_end=job.options.keep_exit_status)
    is_to_come = check_mode and bundles.is_to_come(job.bundle)
    config = {} if is_to_come else configure(job)
    reason = _reason_to_skip(job)
    if reason:
        return None, reason
    try:
        if is_to_come or not job.changes_bundle:
            return converge(runsc, desired, check_mode=check_mode), ""
        with private_folder() as folder:
            _write_config(folder, config)
            return converge(runsc, desired._replace(bundle=folder), check_mode=check_mode), ""
    except ReconcileError as exc:
        if isinstance(exc.error, SandboxGoneError) and exc.found.status == STOPPED:
            exc.error.remedy = _ENDED_REMEDY
        raise


def check(job: Job) -> None:
    """:raises UsageError: options that don't go together, or values that can't be right."""
    if not os.path.isabs(job.bundle):
        raise UsageError(f"bundle: {job.bundle!r} is not absolute", remedy="Give an absolute path")
    if job.timeout <= 0:
        raise UsageError(f"timeout: {job.timeout!r} is not positive", remedy="Give a number of seconds")
    if job.output_limit is not None and job.output_limit < 1:
        raise UsageError(f"output_limit: {job.output_limit!r} is not positive", remedy="Give a number of bytes")
    check_streams(job.detach, job.input, job.options.stdout, job.options.stderr)
    if job.options.keep_exit_status and not job.detach:
        raise UsageError("keep_exit_status: for a detached command only", remedy="Set detach, or use the returned rc")
    check_environment("env", job.env or {})
    check_chdir(job.chdir)
    for option, path in (("creates", job.creates), ("removes", job.removes)):
        if path is not None and not os.path.isabs(path):
            raise UsageError(f"{option}: {path!r} is not absolute", remedy="Give an absolute path on the managed node")


def configure(job: Job) -> dict[str, t.Any]:
    """Return the configuration of the container: that of the bundle, with what the job changes, and absolute paths.

    :raises UsageError: the bundle is wrong, or does not fit.
    """
    config = bundles.read_config(job.bundle)
    bundles.check_document(config, job.bundle)
    rootfs = os.path.join(job.bundle, config["root"]["path"])
    config["root"]["path"] = rootfs
    for mount in config.get("mounts") or []:
        if bundles.is_bind(mount or {}):
            mount["source"] = os.path.join(job.bundle, mount["source"])
    if not job.detach and bundles.is_member(config):
        raise UsageError(
            f"bundle: {job.bundle!r} is for a member of another sandbox", remedy="Use detach, or runsc_container"
        )
    process = config["process"]
    if job.args is not None:
        process["args"] = job.args
    if job.env is not None:
        process["env"] = merge_env(process.get("env") or [], job.env)
    if job.chdir is not None:
        process["cwd"] = job.chdir
    if job.user is not None:
        process["user"] = _user(job.user, rootfs)
    check_process(process)
    _check_config(config, job)
    if not job.detach:
        config["annotations"] = {**(config.get("annotations") or {}), ANNOTATION: "true"}
    return config


def _check_config(config: t.Mapping[str, t.Any], job: Job) -> None:
    """:raises UsageError: no container can come from it, or runsc would change the bundle."""
    bundles.check_root(config, job.bundle)
    problem = "" if job.args is None else bundles.program_problem(config, job.bundle)
    if job.args is not None and problem:
        raise UsageError(f"argv: {job.args[0]!r} can't be run", remedy=f"{problem}; correct it, or PATH in env")
    bundles.check_config(config, job.bundle)
    problem = bundles.folder_problem(config, job.bundle)
    if problem:
        option = "bundle: process.cwd" if job.chdir is None else "chdir"
        raise UsageError(
            f"{option}: {config['process']['cwd']!r} can't be the working directory",
            remedy=f"{problem}; give another, or make it there",
        )


def _user(user: str, rootfs: str) -> dict[str, t.Any]:
    numbers = accounts.numbers(user)
    return numbers if numbers and ":" in user else accounts.from_rootfs(user, rootfs)


def _reason_to_skip(job: Job) -> str:
    if job.creates is not None and os.path.lexists(job.creates):
        return f"{job.creates} exists"
    if job.removes is not None and not os.path.lexists(job.removes):
        return f"{job.removes} does not exist"
    return ""


def _lock(runsc: Runsc, name: str | None) -> t.ContextManager[None]:
    """The lock of the container; nobody else can have a name that was made up."""
    return container_lock(runsc.root, name, _LOCK_PATIENCE) if name else contextlib.nullcontext()


def _make_room(runsc: Runsc, name: str) -> None:
    """Remove what is left of an earlier job of this name. :raises AlreadyExistsError: it is something else, or lives."""
    runsc.await_creators(name)
    if _check_free(runsc, name):
        runsc.delete(name, force=True)


def _check_free(runsc: Runsc, name: str) -> bool:
    """Return whether the name is that of an earlier job that is dead. :raises AlreadyExistsError: it is something else's."""
    path = runsc.existing().get(name)
    record = statedir.read(path) if path else None
    if record is None:
        return False
    if runsc.is_live(record) or (record.spec.get("annotations") or {}).get(ANNOTATION) is None:
        raise AlreadyExistsError(
            f"name: there is a container {name!r} already under the root {runsc.root}",
            remedy="Choose another name, or none; or remove it first",
            container=name,
        )
    return True


def _write_config(folder: str, config: t.Mapping[str, t.Any]) -> None:
    path = os.path.join(folder, bundles.CONFIG)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
        json.dump(config, file, ensure_ascii=False)


def new_name() -> str:
    """Return a name that nobody else has, of constant length for one process, so that none is a prefix of another one."""
    return f"run-{procfs.pid_namespace()}-{os.getpid()}-{os.urandom(4).hex()}"


def is_left_behind(name: str) -> bool:
    """Whether a name was made by L(new_name) in a process that is gone. Process ids of other namespaces say nothing."""
    found = _NAMES.fullmatch(name)
    if not found or int(found["namespace"]) != procfs.pid_namespace():
        return False
    return procfs.stat(int(found["pid"])) is None


def sweep(runsc: Runsc, rootfs: str) -> None:
    """Remove what jobs left whose process was killed: records, control groups, and files in this root file system."""
    existing = runsc.existing()
    for name in filter(is_left_behind, statedir.ids_of_files(runsc.root)):
        with contextlib.suppress(RunscError):  # whoever else removes it at the same time is welcome
            if name in existing:
                runsc.delete(name, force=True)
            statedir.remove(runsc.root, name)
    cgroups.remove_folders(cgroups.top_folders(is_left_behind), 0.0)
    with contextlib.suppress(OSError):
        for file in os.listdir(rootfs):
            name = file[len(_FILESTORE) :]
            if file.startswith(_FILESTORE) and is_left_behind(name) and not procfs.find_sentries(name):
                statedir.remove_filestore(rootfs, name)


class Sweeper:
    """Calls L(sweep) once for each root file system, whichever thread comes first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._swept: set[str] = set()

    def __call__(self, runsc: Runsc, rootfs: str) -> None:
        """Do it, unless it was done."""
        with self._lock:
            if rootfs not in self._swept:
                sweep(runsc, rootfs)
                self._swept.add(rootfs)
