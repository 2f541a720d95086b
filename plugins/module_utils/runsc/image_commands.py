# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""checkpoint and restore, update, and port-forward: what not every version of runsc can do."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
import typing as t

from . import rescue, statedir
from .errors import AlreadyExistsError, RunscError, StateError, UnsupportedError, UsageError
from .invoke import CREATE_TIMEOUT, ErrorLog
from .lifecycle_commands import LifecycleCommands, container_stdio
from .models import Version
from .options import CheckpointOptions, CreateOptions
from .process import Stdio, kill_group, run, spawn

IMAGE_FILE = "checkpoint.img"


class ImageCommands(LifecycleCommands):
    """checkpoint, restore, update and port-forward."""

    @property
    def resumes_in_place(self) -> bool:
        """True if a checkpoint can leave the container running. Told by a flag that came with that ability.

        Before, C(checkpoint --leave-running) destroyed the container and restored it as its own child, in the foreground.
        """
        return "compression" in self.features.subcommand_flags("checkpoint")

    def checkpoint(
        self,
        container: str,
        image_path: str,
        options: CheckpointOptions = CheckpointOptions(),
        *,
        timeout: float = CREATE_TIMEOUT,
        log: ErrorLog | None = None,
    ) -> None:
        """Save the memory of a running container into a folder, which is made if needed; the container ends by that.

        :param log: where runsc's own errors are kept, for who can't wait for its end.
        :raises UnsupportedError: the binary lacks an option, or can't leave the container running without destroying it.
        :raises AlreadyExistsError: the folder holds an image already.
        """
        record = self.record(container)
        image_path = os.path.abspath(image_path)
        self.check_checkpoint_options(container, options)
        if os.path.lexists(os.path.join(image_path, IMAGE_FILE)):
            raise AlreadyExistsError(
                f"{image_path!r} holds a checkpoint image already", remedy="Choose another folder", container=container
            )
        if record.status not in ("running", "paused"):
            raise StateError(
                f"container {container!r} is {record.status}", remedy="Start it first", container=container
            )
        arguments = [f"--image-path={image_path}", *options.arguments(), container]
        self.invoke("checkpoint", arguments, container=container, timeout=timeout, log=log)
        if record.status == "paused" and record.is_sandbox_root and not options.leave_running:
            rescue.kill_sentry(record, self.root)  # runsc leaves it paused, to end as soon as it is resumed

    def check_checkpoint_options(self, container: str, options: CheckpointOptions) -> None:
        """:raises UnsupportedError: the binary lacks an option, or can't leave the container running."""
        if options.leave_running and not self.resumes_in_place:
            raise UnsupportedError(
                f"runsc {self.features.version.runsc} would destroy container {container!r}"
                " to leave it running after a checkpoint",
                remedy="Install a newer runsc, or checkpoint without leave_running and restore",
                container=container,
            )
        for flag in options.flags():
            self.features.require_subcommand_flag("checkpoint", flag)

    def version_of_sandbox(self, record: statedir.Record) -> Version:
        """Return the version of the binary that a live sandbox runs, which may have been replaced on the disk since."""
        if self.is_live(record):
            completed = run([f"/proc/{record.pid}/exe", "--version"], timeout=self.timeout, monitor=self.monitor)
            with contextlib.suppress(RunscError):
                return Version.from_text(completed.stdout.text + completed.stderr.text)
        return self.features.version

    def restore(
        self,
        container: str,
        bundle: str,
        image_path: str,
        options: CreateOptions = CreateOptions(),
        *,
        direct: bool = False,
        timeout: float = CREATE_TIMEOUT,
    ) -> None:
        """Create a container from a checkpoint image; it runs on from there. Exit code 0 proves only that it was loaded.

        :param direct: read the image past the page cache.
        :raises AlreadyExistsError: the id exists; some versions would destroy what exists.
        :raises UsageError: there is no image, or an empty one, as a failed checkpoint leaves it.
        """
        check_image(image_path)
        if direct:
            self.features.require_subcommand_flag("restore", "direct")
        self._check_absent(container)
        arguments = [f"--bundle={os.path.abspath(bundle)}", f"--image-path={os.path.abspath(image_path)}", "--detach"]
        arguments += [*options.arguments(), *(["--direct"] if direct else []), container]
        guard = rescue.CreateGuard(container, os.path.abspath(bundle), self.root, self.processes)
        try:
            with container_stdio(options) as stdio, self.error_log() as log:
                self.invoke(
                    "restore",
                    arguments,
                    container=container,
                    timeout=timeout,
                    stdio=stdio,
                    log=log,
                    launch=self._launch(container, options),
                )
        except BaseException as exc:
            self._undo(guard, container, exc)
            raise

    def update(self, container: str, resources: t.Mapping[str, t.Any]) -> None:
        """Change the limits of a live container's sandbox, given as C(linux.resources) of the OCI specification.

        :raises UnsupportedError: the binary is from before 2026-02.
        """
        self.features.require_subcommand("update")
        self.record(container)
        self.invoke(
            "update",
            ["--resources=-", container],
            container=container,
            stdio=Stdio(input=json.dumps(resources).encode()),
        )

    @contextlib.contextmanager
    def port_forward(self, container: str, ports: str = "", *, stream: str = "") -> t.Iterator[subprocess.Popen[bytes]]:
        """Forward a local port, C(LOCAL:REMOTE), or a Unix socket C(stream) with C(ports) naming the remote port, as long as
        the context lasts. Yields the process that does it.

        :raises UnsupportedError: the binary is from before 2023-04.
        """
        self.features.require_subcommand("port-forward")
        self.record(container)
        if not ports:
            raise UsageError("ports: none given", remedy="Give LOCAL:REMOTE")
        flags = [f"--stream={os.path.abspath(stream)}"] if stream else []
        argv = [self.path, *self.global_arguments(), "port-forward", *flags, container, ports]
        process = spawn(argv, Stdio(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        started = time.monotonic()
        if self.monitor:
            self.monitor.started(argv, process.pid)
        try:
            yield process
        finally:
            kill_group(process)
            rc = process.wait()
            if self.monitor:
                self.monitor.ended(argv, process.pid, rc, time.monotonic() - started)


def check_image(image_path: str, option: str = "image_path") -> None:
    """:raises UsageError: the folder holds no checkpoint image that could be restored."""
    image = os.path.join(image_path, IMAGE_FILE)
    try:
        size = os.path.getsize(image)
    except OSError as exc:
        raise UsageError(
            f"{option}: {image!r} can't be read: {exc.strerror}", remedy="Give the folder of a checkpoint"
        ) from exc
    if size == 0:
        raise UsageError(
            f"{option}: {image!r} is empty, the checkpoint that made it failed", remedy="Make a new checkpoint"
        )
