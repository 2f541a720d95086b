# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several containers in one sandbox, by the modules: their order, what one does to the others, and that none is forgotten."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gvisor.runsc.tests.modules import sources
from ansible_collections.gvisor.runsc.tests.modules.support import Json, Place, eventually, subcommands

TYPE, SANDBOX = "io.kubernetes.cri.container-type", "io.kubernetes.cri.sandbox-id"
FAMILIES = [(TYPE, SANDBOX), ("io.kubernetes.cri-o.ContainerType", "io.kubernetes.cri-o.SandboxID")]


class Pod:
    """A sandbox with two members, by the names of their bundles."""

    def __init__(self, place: Place, names: tuple[str, str] = FAMILIES[0]) -> None:
        self.place = place
        self.root, self.app, self.side = (f"{place.prefix}{name}" for name in ("root", "app", "side"))
        self._bundles: dict[str, Path] = {}
        kind, sandbox = names
        for name in (self.root, self.app, self.side):
            annotations = {kind: "sandbox" if name == self.root else "container", sandbox: self.root}
            self._bundles[name] = place.write_config({"annotations": annotations}, place.folder / f"bundle-{name}")

    def options(self, name: str, **options: Any) -> Json:
        """Return the options that bring one of them to a state."""
        return {"name": name, "bundle": str(self._bundles[name]), **options}

    def start(self) -> None:
        """Start them, the first one first."""
        for name in (self.root, self.app, self.side):
            assert self.bring(name)["actions"] == ["create", "start"]

    def bring(self, name: str, **options: Any) -> Json:
        """Bring one of them to a state; it must not fail."""
        return self.place.good("runsc_container", **self.options(name, **options))


@pytest.mark.parametrize("names", FAMILIES, ids=["containerd", "cri-o"])
def test_they_share_one_sandbox(place: Place, names: tuple[str, str]) -> None:
    pod = Pod(place, names)
    pod.start()
    assert len(place.sandboxes()) == 1
    found = {container["id"]: container["sandbox"] for container in place.info()["containers"]}
    assert found == {pod.root: pod.root, pod.app: pod.root, pod.side: pod.root}
    for name in found:
        assert pod.bring(name)["changed"] is False


def test_check_mode_hopes_for_the_sandbox(place: Place) -> None:
    """After a reboot, the check of a play that makes all of them says what it would do."""
    pod = Pod(place)
    hopeful = pod.bring(pod.app, check=True)
    assert hopeful["actions"] == ["create", "start"]
    assert f"member of sandbox '{pod.root}', which does not exist" in str(hopeful["warnings"])
    refused = place.bad("runsc_container", "usage", **pod.options(pod.app))["msg"]
    assert all(text in refused for text in ("which does not exist", "Create and start the sandbox first"))


def test_a_sandbox_that_its_members_would_not_find(place: Place) -> None:
    pod = Pod(place)
    options = {**pod.options(pod.root), "name": place.id}
    assert f"it is for sandbox '{pod.root}'" in str(place.good("runsc_container", **options)["warnings"])
    assert "warnings" not in pod.bring(pod.root)


def test_no_member_is_called_removed_that_stays(place: Place) -> None:
    pod = Pod(place)
    pod.start()
    for state in ("paused", "running", "stopped"):
        check = pod.bring(pod.root, state=state, check=True)
        assert (check["removed_members"], pod.bring(pod.root, state=state)["removed_members"]) == ([], [])
    assert len(place.listed()) == 3


def test_orders_that_would_crash_the_sandbox(place: Place) -> None:
    pod = Pod(place)
    shim = place.shim()
    failed = place.bad("runsc_container", "usage", **pod.options(pod.app, runsc_path=str(shim)))
    assert f"sandbox '{pod.root}', which does not exist" in failed["msg"]
    pod.bring(pod.root, state="created")
    failed = place.bad("runsc_container", "usage", **pod.options(pod.app, runsc_path=str(shim)))
    assert f"Start '{pod.root}' first" in failed["msg"]
    pod.bring(pod.app, state="created")
    failed = place.bad("runsc_container", "runtime", **pod.options(pod.app, runsc_path=str(shim)))
    assert f"Start '{pod.root}' first" in failed["msg"]
    assert not {"create", "run", "start"}.intersection(subcommands(shim))
    pod.bring(pod.root)
    assert pod.bring(pod.app)["actions"] == ["start"]


def test_members_go_with_their_root(place: Place) -> None:
    pod = Pod(place)
    pod.start()
    check = pod.bring(pod.root, state="absent", check=True)
    assert (check["removed_members"], len(place.listed())) == ([pod.app, pod.side], 3)
    done = pod.bring(pod.root, state="absent", stop_timeout=0.5)
    assert (done["actions"], done["removed_members"]) == (["stop", "delete"], [pod.app, pod.side])
    assert list(place.root.iterdir()) == []
    pod.start()
    replaced = pod.bring(pod.root, recreate="always", force=True)
    assert (replaced["removed_members"], place.listed()) == ([pod.app, pod.side], {pod.root: "running"})


def test_a_member_comes_and_goes_by_itself(place: Place) -> None:
    pod = Pod(place)
    pod.start()
    done = pod.bring(pod.app, state="absent", stop_timeout=0.5)
    assert (done["removed_members"], sorted(place.listed())) == ([], [pod.root, pod.side])
    assert pod.bring(pod.app)["actions"] == ["create", "start"]
    assert place.good("runsc_kill", name=pod.app, signal="KILL", wait=True)["status"] == "stopped"
    for _again in range(2):
        assert place.good("runsc_wait", name=pod.app)["exit_status"] == 137
    assert place.good("runsc_prune")["pruned"][0]["id"] == pod.app
    assert place.good("runsc_prune")["pruned"] == []
    assert place.listed() == {pod.root: "running", pod.side: "running"}


def test_the_root_dies(place: Place) -> None:
    pod = Pod(place)
    pod.start()
    os.kill(place.sandboxes()[0], signal.SIGKILL)
    eventually(lambda: not place.sandboxes(), "it is dead")
    assert [found["id"] for found in place.good("runsc_prune")["pruned"]] == [pod.app, pod.root, pod.side]
    assert list(place.root.iterdir()) == []


def test_a_pause_freezes_all(place: Place) -> None:
    pod = Pod(place)
    pod.start()
    pod.bring(pod.app, state="paused")
    for module, options in (
        ("runsc_exec", {"name": pod.side, "argv": ["true"]}),
        ("runsc_kill", {"name": pod.side}),
        ("runsc_container", pod.options(pod.side)),
        ("runsc_container", pod.options(pod.side, state="absent")),
        ("runsc_container", pod.options(pod.side, state="absent", force=True)),
        ("runsc_container", pod.options(pod.root)),
    ):
        failed = place.bad(module, "runtime", **options)
        assert f"'{options['name']}' is frozen, since '{pod.app}'" in failed["msg"], failed
    assert pod.bring(pod.app)["actions"] == ["resume"]
    assert place.good("runsc_exec", name=pod.side, argv=["echo", "again"])["stdout"] == "again"
    pod.bring(pod.side, state="paused")
    assert pod.bring(pod.side, state="absent")["actions"] == ["force_delete"]
    assert place.good("runsc_exec", name=pod.app, argv=["echo", "again"])["stdout"] == "again", "it is frozen no longer"
    assert pod.bring(pod.side, state="paused")["actions"] == ["create", "start", "pause"]
    done = pod.bring(pod.root, state="absent")
    assert (done["actions"], done["removed_members"]) == (["force_delete"], [pod.app, pod.side])
    assert list(place.root.iterdir()) == []


def test_no_waiter_for_a_member(place: Place) -> None:
    pod = Pod(place)
    pod.bring(pod.root)
    failed = place.bad("runsc_container", "usage", **pod.options(pod.app, keep_exit_status=True))
    assert "keep_exit_status: " in failed["msg"]


def test_no_one_shot_command_as_a_member(place: Place) -> None:
    pod = Pod(place)
    pod.bring(pod.root)
    failed = place.bad("runsc_run", "usage", bundle=pod.options(pod.app)["bundle"], argv=["true"])
    assert "member" in failed["msg"]
    done = place.good("runsc_run", **pod.options(pod.app, argv=["sleep", "7"], detach=True))
    assert done["container"]["sandbox"] == pod.root


def test_two_that_may_write_to_one_root_file_system(place: Place) -> None:
    rootfs = sources.make_source(place.folder / "writable")
    place.config["root"] = {"path": str(rootfs), "readonly": False}
    pod = Pod(place)
    pod.bring(pod.root)
    if "2022" in place.version.label:
        assert pod.bring(pod.app)["actions"] == ["create", "start"]
        return
    failed = place.bad("runsc_container", "runtime", **pod.options(pod.app))
    assert "make it read-only" in failed["msg"]
    assert place.listed() == {pod.root: "running"}
