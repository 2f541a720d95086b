# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""delete: harmless to others, and possible also where runsc itself hangs or refuses."""

from __future__ import annotations

from . import cgroups, procfs, rescue, statedir
from .errors import DeadlineError, NotFoundError, RunscError, StateError
from .invoke import DELETE_TIMEOUT, Invoker


class DeleteCommand(Invoker):
    """delete."""

    def delete(self, container: str, *, force: bool = False, timeout: float = DELETE_TIMEOUT) -> None:
        """Delete a container and all that runsc keeps of it.

        A recorded pid that now belongs to another process is never killed: runsc would do that, so then only the records
        are removed. What counts is whether the container is gone, not runsc's exit code: it says 2 or 128 after successes.

        :param force: kill what still runs, also what no longer answers; a container that does not exist is fine.
        :raises StateError: the container is not stopped, and C(force) is not set.
        """
        try:
            record = self.record(container)
        except NotFoundError:
            if force:
                rescue.remove_orphan(container, self.root)
                return
            raise
        if record.problem:
            self._delete_unreadable(record, force)
            return
        if not self._settle(record, force):
            rescue.purge(record, self.root)
            return
        self._delete(record, force, timeout)

    def _settle(self, record: statedir.Record, force: bool) -> bool:
        """Bring the sandbox to where runsc's delete is safe and quick; return False if runsc must not be asked at all."""
        if not record.is_sandbox_root:
            if not self.is_live(record) or rescue.names_foreign_gofer(record, self.root):
                return False
            if force and record.status == "paused":  # runsc would wait for ever for a frozen process to end
                self.invoke("resume", [record.id], container=record.id)
            return True
        if procfs.is_sentry(record.pid, record.sandbox, self.root, record.created):
            if not force:
                return True
            if not rescue.kill_sentry(record, self.root):
                raise DeadlineError(
                    f"the sandbox of container {record.id!r} (pid {record.pid}) does not die",
                    remedy="It hangs in the kernel; look at the kernel's log",
                    container=record.id,
                )
        if rescue.names_foreign_sentry(record, self.root) or rescue.names_foreign_gofer(record, self.root):
            return False
        # runsc takes a zombie for alive, and waits up to two minutes for a lazy init to reap it.
        return procfs.wait_reaped(record.pid, rescue.REAP_GRACE)

    def _delete(self, record: statedir.Record, force: bool, timeout: float) -> None:
        # A paused container stays "paused" when its sentry is dead, and is deleted with force only.
        dead = record.is_sandbox_root and procfs.is_dead(record.pid)
        arguments = ["--force", record.id] if force or (dead and record.status == "paused") else [record.id]
        # With the sentry dead there is nothing to wait for; only a lock that somebody holds for ever takes longer.
        patience = min(timeout, self.timeout) if dead else timeout
        failed: RunscError | None = None
        try:
            self.invoke("delete", arguments, container=record.id, timeout=patience)
        except RunscError as exc:
            failed = exc
        if record.id not in self.existing():
            rescue.remove_leftovers(record)
            return
        if dead or (force and record.is_sandbox_root):
            rescue.purge(record, self.root)
            return
        raise failed or RunscError(f"container {record.id!r} is still there after its delete", container=record.id)

    def _delete_unreadable(self, record: statedir.Record, force: bool) -> None:
        if not force:
            raise StateError(
                f"container {record.id!r} can't be deleted in order: {record.problem}",
                remedy="Delete it with force",
                container=record.id,
            )
        folders = rescue.kill_strays(record.id, self.root)
        rescue.purge(record, self.root)
        cgroups.remove_folders(folders, rescue.REAP_GRACE)
        rescue.remove_stale_group(record.id, self.root)
