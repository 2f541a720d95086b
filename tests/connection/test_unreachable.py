# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A container that can't be used is an unreachable host, at once, and the reason is told."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest
from ansible.errors import AnsibleError

from ansible_collections.gvisor.runsc.plugins.plugin_utils.connection.conversation import Outcome
from ansible_collections.gvisor.runsc.plugins.plugin_utils.connection.failures import failure
from ansible_collections.gvisor.runsc.plugins.plugin_utils.connection.frames import FrameReader
from ansible_collections.gvisor.runsc.plugins.plugin_utils.connection.node import SCRIPT
from ansible_collections.gvisor.runsc.tests.connection.support import Site
from ansible_collections.gvisor.runsc.tests.modules.support import eventually, subcommands


@pytest.mark.parametrize(
    ("status", "reason", "remedy"),
    [
        ("created", "not started", "Start the container"),
        ("paused", "in state paused", "Resume the container"),
        ("stopped", "in state stopped", "Create it anew"),
        ("absent", "it does not exist under the root", "ansible_runsc_container"),
    ],
)
def test_the_status_is_the_reason(site: Site, status: str, reason: str, remedy: str) -> None:
    shim = site.shim()
    if status != "absent":
        site.make(changes={"process": {"args": ["sleep", "1000" if status != "stopped" else "0"]}})
    if status == "stopped":
        eventually(lambda: site.listed()[site.id] == "stopped", "it has stopped")
    elif status == "paused":
        site.runsc("pause", site.id)
    elif status == "created":
        site.remove()
        nothing = subprocess.DEVNULL
        flags = [f"--root={site.root}", "--network=none", f"--platform={site.version.platform}"]
        argv = [site.version.path, *flags, "create", f"--bundle={site.bundle}", site.id]
        subprocess.run(argv, check=True, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
    said = site.unreachable(ansible_runsc_path=str(shim))
    assert said.startswith(f"container {site.id!r} can't be used: ")
    assert reason in said and remedy in said
    assert len(subcommands(shim)) <= 1
    if status == "paused":  # the older version panics when it has to remove a paused one
        site.runsc("resume", site.id)


def test_removed_between_two_commands(site: Site) -> None:
    site.make()
    connection = site.connection()
    assert connection.exec_command("true", sudoable=False)[0] == 0
    site.remove()
    assert "it does not exist" in site.unreachable()
    site.make()
    assert connection.exec_command("true", sudoable=False)[0] == 0


def test_the_sandbox_dies_under_the_command(near: Site) -> None:
    near.make()
    reason = near.unreachable("kill -KILL 1; sleep 100")
    assert "sandbox ended" in reason
    assert near.listed()[near.id] == "stopped"


def test_ids_are_matched_exactly(site: Site) -> None:
    shim = site.shim()
    longer = site.make(f"{site.id}-2")
    path = {"ansible_runsc_path": str(shim)}
    assert "it does not exist" in site.unreachable(**path)
    site.make()
    said = site.unreachable(**path)
    assert f"{longer!r} starts with this one" in said
    assert subcommands(shim) == []
    assert site.out("echo reached", ansible_runsc_container=longer) == "reached\n"
    site.remove(longer)
    assert site.out("echo reached") == "reached\n"


@pytest.mark.parametrize("name", ["*", "a/../b", "", "--help", "a" * 90])
def test_what_is_no_id(near: Site, name: str) -> None:
    with pytest.raises(AnsibleError, match="ansible_runsc_container: "):
        near.ran("true", ansible_runsc_container=name)


def test_a_sandbox_that_hangs(site: Site) -> None:
    site.make()
    (sentry,) = site.sandboxes()
    os.kill(sentry, signal.SIGSTOP)
    try:
        reason = ""
        try:
            site.ran("cat", b"x" * (1 << 20), ansible_runsc_timeout=1)
        except AnsibleError as failure:
            reason = str(failure)
        assert "it did not start the command within 1 s" in reason and "ansible_runsc_timeout" in reason
        assert site.clients() == []
    finally:
        os.kill(sentry, signal.SIGCONT)
    assert site.out("echo again") == "again\n"


def test_no_runsc(shared: Site) -> None:
    said = shared.unreachable(ansible_runsc_path="/no/such/runsc")
    assert "there is no program '/no/such/runsc' on its node" in said and "ansible_runsc_path" in said


def test_a_flag_that_runsc_does_not_know(shared: Site) -> None:
    assert "flag provided but not defined: -nonsense" in shared.unreachable(ansible_runsc_extra_args="--nonsense")


def test_a_damaged_record(site: Site) -> None:
    site.make()
    record = site.record()
    content = record.read_text(encoding="utf-8")
    record.write_text("{}", encoding="utf-8")
    assert "is damaged or of an unknown format" in site.unreachable()
    record.write_text(content, encoding="utf-8")
    assert site.out("echo again") == "again\n"


def test_a_user_who_may_not_use_runsc(near: Site) -> None:
    near.make()
    near.root.chmod(0o711)
    argv = ["/bin/sh", "-c", SCRIPT, "sh", "TOKEN", str(near.root), near.id, "9", "0", near.version.path]
    done = subprocess.run(
        argv, input=b"{}\n\n", capture_output=True, check=True, user=65534, group=65534, extra_groups=[]
    )
    reader = FrameReader("TOKEN")
    reader.feed(done.stderr)
    said = str(failure(Outcome(True, reader.verdict, b"", b"", 0), "local", near.id, root=near.root, seconds=9))
    assert "can't be read by the user who runs runsc" in said and "ansible_runsc_privilege_command" in said
