# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What belongs to a list and is not in it goes, and nothing else. And the containers of one sandbox in one list."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gvisor.runsc.tests.modules.fleet import NAMES, Fleet
from ansible_collections.gvisor.runsc.tests.modules.support import Json, Place
from ansible_collections.gvisor.runsc.tests.modules.test_pods import SANDBOX, TYPE, Pod


@pytest.fixture
def fleet(place: Place) -> Fleet:
    """Four containers that run, two of them with an annotation."""
    made = Fleet(place)
    bundle = place.write_config({"annotations": {"team": "blue"}}, place.folder / "blue")
    made.good(names=made.names[:2], containers=[{"name": name, "bundle": str(bundle)} for name in made.names[2:]])
    return made


@pytest.mark.parametrize(
    ("kept", "purge", "gone"),
    [
        pytest.param("ab", {"pattern": "{}*"}, "cd", id="pattern"),
        pytest.param("", {"pattern": "{}[ab]"}, "ab", id="empty list"),
        pytest.param("a", {"pattern": "nobody*"}, "", id="nothing fits"),
        pytest.param("c", {"annotations": {"team": "blue"}}, "d", id="annotation"),
        pytest.param("c", {"annotations": {"team": "red"}}, "", id="other value"),
        pytest.param("", {"pattern": "{}[bc]", "annotations": {"team": "blue"}}, "c", id="both"),
    ],
)
def test_what_goes(fleet: Fleet, kept: str, purge: Json, gone: str) -> None:
    names = [fleet.place.prefix + letter for letter in kept]
    pattern = purge.get("pattern")
    wanted = {**purge, "pattern": pattern.format(fleet.place.prefix) if pattern else None}
    done = fleet.same(names=names, containers=[], purge=wanted, force=True, recreate="never")
    assert done["purged"] == [fleet.place.prefix + letter for letter in gone]
    assert set(done["diff"]["before"]) == set(done["diff"]["after"]) == set(done["purged"])
    assert all(done["diff"]["after"][name] == {"status": "absent"} for name in done["purged"])
    assert set(fleet.statuses()) == set(NAMES) - set(gone)
    assert done["summary"]["total"] == len(kept) + len(gone)
    assert fleet.same(names=names, containers=[], purge=wanted)["changed"] is False


def test_before_the_others_are_made(fleet: Fleet) -> None:
    longer = [f"{name}0" for name in fleet.names]  # runsc can't have these beside the shorter ones
    done = fleet.same(names=longer, purge={"pattern": f"{fleet.place.prefix}*"}, force=True)
    assert (done["purged"], done["summary"]["changed"]) == (fleet.names, 8)
    assert set(fleet.statuses()) == {"a0", "b0", "c0", "d0"}


def test_names_of_which_one_is_the_beginning_of_another(fleet: Fleet) -> None:
    place, name = fleet.place, fleet.names[0]
    place.run_detached(f"{name}-1")
    place.run_detached(f"{name}-1-1")
    done = fleet.same(names=fleet.names[1:], purge={"pattern": f"{name}*"}, force=True, parallel=4)
    assert sorted(done["purged"]) == [name, f"{name}-1", f"{name}-1-1"]
    assert set(fleet.statuses()) == set(NAMES[1:])


def test_a_record_that_cannot_be_read(fleet: Fleet) -> None:
    place, name = fleet.place, fleet.names[3]
    place.record(name).write_text("{", encoding="utf-8")
    assert fleet.same(names=fleet.names[:3], purge={"annotations": {"team": "blue"}})["purged"] == []
    assert fleet.same(names=fleet.names[:3], purge={"pattern": f"{place.prefix}*"})["purged"] == [name]
    assert len(place.sandboxes()) == 3


def test_what_can_not_be_purged_is_told(fleet: Fleet) -> None:
    shim = fleet.place.shim(f'case " $* " in *" delete "*" {fleet.names[0]} "*) exit 1;; esac')
    # Its sandbox is dead by then, so that its files can be removed without runsc.
    fleet.good(names=[], purge={"pattern": fleet.names[0]}, runsc_path=str(shim), force=True)
    failed = fleet.bad(
        "usage", names=[fleet.names[1]], bundle="/nonexistent", recreate="always", purge={"pattern": fleet.names[2]}
    )
    assert (failed["purged"], failed["changed"]) == ([fleet.names[2]], True)


class TestPods:
    """A sandbox with two members, all in one list, or not."""

    @pytest.fixture
    def pod(self, place: Place) -> Pod:
        """The bundles of one."""
        return Pod(place)

    def run(self, pod: Pod, states: dict[str, str], **options: Any) -> Json:
        """Predict, then do."""
        containers = [pod.options(getattr(pod, name), state=state) for name, state in states.items()]
        return Fleet(pod.place).same(names=None, containers=containers, bundle=None, **options)

    def actions(self, pod: Pod, done: Json) -> dict[str, list[str]]:
        """Return what was done to which."""
        return {name: done["containers"][getattr(pod, name)]["actions"] for name in ("root", "app", "side")}

    def test_there_and_back(self, pod: Pod) -> None:
        states = {"app": "running", "side": "created", "root": "running"}
        begun = self.actions(pod, self.run(pod, states))
        assert begun == {"root": ["create", "start"], "app": ["create", "start"], "side": ["create"]}
        assert self.run(pod, states)["changed"] is False
        assert len(pod.place.sandboxes()) == 1
        gone = self.run(pod, dict.fromkeys(states, "absent"))
        assert gone["summary"]["changed"] == 3
        assert self.actions(pod, gone) == {
            "root": ["stop", "delete"],
            "app": ["force_delete"],
            "side": ["force_delete"],
        }
        assert sorted(gone["containers"][pod.root]["removed_members"]) == sorted([pod.app, pod.side])
        assert (pod.place.sandboxes(), pod.place.listed()) == ([], {})

    def test_members_are_replaced_with_their_sandbox(self, pod: Pod) -> None:
        states = {"side": "running", "app": "running", "root": "running"}
        self.run(pod, states)
        annotations = {TYPE: "sandbox", SANDBOX: pod.root}
        pod.place.write_config({"hostname": "new", "annotations": annotations}, pod.place.folder / f"bundle-{pod.root}")
        done = self.run(pod, states, recreate="on-change")
        assert self.actions(pod, done) == {
            "root": ["stop", "delete", "create", "start"],
            "app": ["force_delete", "create", "start"],
            "side": ["force_delete", "create", "start"],
        }
        assert self.run(pod, states, recreate="on-change")["changed"] is False

    def test_they_stop_with_their_sandbox(self, pod: Pod) -> None:
        states = {"side": "running", "app": "running", "root": "running"}
        self.run(pod, states)
        done = self.run(pod, {"side": "absent", "app": "stopped", "root": "stopped"}, stop_timeout=1)
        assert self.actions(pod, done) == {"root": ["stop"], "app": ["stop"], "side": ["stop", "delete"]}
        assert pod.place.listed() == {pod.root: "stopped", pod.app: "stopped"}

    def test_what_can_not_be(self, pod: Pod) -> None:
        shim = pod.place.shim()
        for root, app in (("stopped", "running"), ("absent", "created"), ("paused", "paused"), ("created", "running")):
            containers = [pod.options(pod.app, state=app), pod.options(pod.root, state=root)]
            failed = pod.place.bad("runsc_containers", "usage", containers=containers, runsc_path=str(shim))
            assert f"{pod.app!r} is to be {app}" in failed["msg"]
        assert pod.place.listed() == {}

    def test_a_sandbox_is_not_purged_under_its_members(self, pod: Pod) -> None:
        pod.start()
        fleet = Fleet(pod.place)
        failed = fleet.bad("usage", names=[pod.app], purge={"pattern": pod.root})
        assert "would go" in failed["msg"] and "is in the list" in failed["msg"]
        failed = fleet.bad("usage", names=[], purge={"pattern": pod.root})
        assert "does not match" in failed["msg"]
        assert len(pod.place.listed()) == 3
        done = fleet.same(names=[pod.root, pod.app], purge={"pattern": f"{pod.place.prefix}*"})
        assert done["purged"] == [pod.side]
        assert sorted(fleet.same(names=[], purge={"pattern": "*"})["purged"]) == sorted([pod.root, pod.app])
