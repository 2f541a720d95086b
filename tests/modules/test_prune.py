# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""runsc_prune: what is dead goes, each kind of it made for real, and what lives beside it stays."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils import prune as prune_module
from ansible_collections.gvisor.runsc.plugins.module_utils import remains
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc import cgroups, procfs
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.tests.modules import sources
from ansible_collections.gvisor.runsc.tests.modules.support import Json, Place, eventually, stop, subcommands

OLD = 60  # seconds; files younger than five are left alone


def prune(place: Place, **options: Any) -> Json:
    """Remove what is dead; it must not fail."""
    return place.good("runsc_prune", **options)


def things(result: Json, key: str = "pruned") -> list[tuple[str, str]]:
    """Return kind and id of what was removed, or of what is under another key."""
    return [(found["kind"], found["id"]) for found in result[key]]


def pruned_twice(place: Place, **options: Any) -> Json:
    """Remove what is dead: check mode says the same, and touches nothing; a second run has nothing to do."""
    before = sorted(str(path) for path in place.root.iterdir())
    check = prune(place, check=True, **options)
    assert sorted(str(path) for path in place.root.iterdir()) == before
    done = prune(place, **options)
    assert (check["changed"], things(check)) == (done["changed"], things(done))
    again = prune(place, **options)
    assert (again["changed"], again["pruned"]) == (False, [])
    return done


def aged(path: Path) -> Path:
    """Let a file be old."""
    moment = time.time() - OLD
    os.utime(path, (moment, moment), follow_symlinks=False)
    return path


@pytest.fixture
def living(place: Place) -> Iterator[dict[str, str]]:
    """Containers that are no business of a clean-up; in the end they are what they were."""
    states = {f"{place.prefix}{state}": state for state in ("created", "running", "paused")}
    pids = {name: place.container(name=name, state=state)["container"]["pid"] for name, state in states.items()}
    yield states
    assert {name: status for name, status in place.listed().items() if name in states} == states
    assert set(pids.values()) <= set(place.sandboxes())


def test_an_empty_root(place: Place) -> None:
    shim = place.shim()
    assert (prune(place, runsc_path=str(shim))["pruned"], subcommands(shim), place.root.exists()) == ([], [], False)


def test_containers_that_have_stopped(place: Place, living: dict[str, str]) -> None:
    place.container(keep_exit_status=True)
    place.container(state="stopped")
    killed = f"{place.prefix}killed"
    os.kill(place.container(name=killed, state="paused")["container"]["pid"], signal.SIGKILL)
    eventually(lambda: len(place.sandboxes()) == len(living), "it is dead")
    shim = place.shim()
    assert things(prune(place, check=True, runsc_path=str(shim))) == [("container", place.id), ("container", killed)]
    assert subcommands(shim) == []
    done = pruned_twice(place)
    assert things(done) == [("container", place.id), ("container", killed)]
    assert done["diff"]["before"].count("\n") == 2
    assert done["diff"]["after"] == ""
    assert not [path for path in place.root.iterdir() if killed in path.name or place.id in path.name]


@pytest.mark.parametrize("content", ["", "{", "{}", "[]"])
def test_records_that_can_not_be_read(place: Place, content: str) -> None:
    os.kill(place.container()["container"]["pid"], signal.SIGKILL)
    place.record().write_text(content, encoding="utf-8")
    eventually(lambda: not place.sandboxes(), "it is dead")
    assert ("record", place.id) in things(pruned_twice(place))
    assert place.container()["actions"] == ["create", "start"]


def test_an_unreadable_record_of_one_that_lives_stays(place: Place) -> None:
    place.container()
    text = place.record().read_text(encoding="utf-8")
    place.record().write_text("{", encoding="utf-8")
    done = prune(place)
    assert (things(done), things(done, "kept")) == ([], [("record", place.id)])
    assert "its sandbox lives" in done["kept"][0]["reason"]
    place.record().write_text(text, encoding="utf-8")
    assert place.listed() == {place.id: "running"}


def test_a_sandbox_whose_record_is_gone(place: Place, living: dict[str, str]) -> None:
    pid = place.container()["container"]["pid"]
    place.record().unlink()
    (orphan,) = pruned_twice(place)["pruned"]
    assert (orphan["kind"], orphan["id"], orphan["pid"]) == ("sandbox", place.id, pid)
    assert pid not in place.sandboxes()


def test_what_hangs_is_not_dead(place: Place) -> None:
    stop(place.container()["container"]["pid"])
    done = prune(place)
    assert (things(done), things(done, "kept")) == ([], [("container", place.id)])
    assert len(place.sandboxes()) == 1


def test_a_pid_that_belongs_to_another_process_by_now(place: Place) -> None:
    pid = place.container()["container"]["pid"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not place.sandboxes(), "it is dead")
    with subprocess.Popen(["sleep", "100"]) as other:
        text = place.record().read_text(encoding="utf-8").replace(str(pid), str(other.pid))
        place.record().write_text(text, encoding="utf-8")
        assert things(prune(place)) == [("container", place.id)]
        assert other.poll() is None
        other.kill()


def test_files_of_containers_that_are_gone(place: Place, living: dict[str, str]) -> None:
    gone = f"{place.prefix}gone"
    names = {
        f"runsc-{gone}.sock": "socket",
        f"{gone}_sandbox:{gone}.lock": "lock",
        f".gvisor.runsc-{gone}.lock": "lock",
        f".gvisor.runsc-{gone}.exit": "exit_status",
    }
    young = place.root / f"{gone}young_sandbox:{gone}young.lock"
    for name in names:
        aged_path = place.root / name
        aged_path.touch()
        aged(aged_path)
    young.touch()
    for path in place.root.iterdir():
        if path != young:
            aged(path)
    strange = aged(_touched(place.root / "notes.txt"))
    done = pruned_twice(place)
    assert sorted(things(done)) == sorted((kind, gone) for kind in names.values())
    assert young.exists()
    assert strange.exists()
    young.unlink()
    strange.unlink()


def _touched(path: Path) -> Path:
    path.touch()
    return path


def test_private_folders_of_killed_tasks(place: Place) -> None:
    place.container()
    argv = ["sleep", "2"]
    with place.started("runsc_exec", name=place.id, argv=argv, secret_env={"TOKEN": "s3cret"}) as process:
        eventually(lambda: list(place.tmp.glob("gvisor-runsc-*/process.json")), "the command is being run")
        process.kill()
        process.wait()
    (folder,) = place.tmp.glob("gvisor-runsc-*")
    (found,) = prune(place, kinds=["folder"])["pruned"]
    assert (found["kind"], found["path"], folder.exists()) == ("folder", str(folder), False)


def test_overlay_files(place: Place) -> None:
    rootfs = sources.make_source(place.folder / "writable")
    place.write_config({"root": {"path": str(rootfs), "readonly": False}})
    place.container()
    mine = [aged(_touched(rootfs / f".gvisor.filestore.{place.prefix}gone"))]
    theirs = [path for path in rootfs.glob(".gvisor.filestore.*") if path not in mine]
    assert things(prune(place)) == []
    assert things(pruned_twice(place, bundles=[str(place.bundle)])) == [("overlay", f"{place.prefix}gone")]
    assert list(rootfs.glob(".gvisor.filestore.*")) == theirs
    assert "bundles: 'x' is not absolute" in place.bad("runsc_prune", "usage", bundles=["x"])["msg"]


def test_what_a_killed_one_shot_task_left(place: Place) -> None:
    with place.started("runsc_run", bundle=str(place.bundle), argv=["sleep", "100"]) as process:
        eventually(lambda: "running" in place.listed().values(), "it runs")
        process.kill()
        process.communicate()
    eventually(lambda: not place.sandboxes(), "the sandbox ends")
    assert {kind for kind, _id in things(prune(place))} <= {"container", "folder", "cgroup"}
    assert list(place.root.iterdir()) == []
    assert list(place.tmp.glob("gvisor-runsc-*")) == []


def test_control_groups_of_killed_one_shot_tasks(place: Place) -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    names = [f"run-{procfs.pid_namespace()}-{pid}-00c0ffee" for pid in (process.pid, os.getpid())]
    groups = [Path(cgroups.hierarchies()["pids"], name) for name in names]
    for group in groups:
        group.mkdir()
    try:
        assert things(prune(place, pattern="run-*-00c0ffee")) == [("cgroup", names[0])]
        assert [group.exists() for group in groups] == [False, True]
    finally:
        groups[1].rmdir()


def test_a_gofer_that_nobody_needs(place: Place, living: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It can't end by itself, since it is stopped. With a look inside, since a young one would be left alone."""
    monkeypatch.setattr(remains, "_SETTLED", 0.0)
    before = set(place.gofers())
    pid = place.container()["container"]["pid"]
    (gofer,) = set(place.gofers()) - before
    runsc = Runsc(place.version.path, str(place.root))
    stop(gofer)
    assert prune_module.prune(runsc, remains.Filter(("gofer",))).removed == []
    os.kill(pid, signal.SIGKILL)
    for path in place.root.glob(f"*{place.id}*"):
        path.unlink()
    eventually(lambda: pid not in place.sandboxes(), "it is dead")
    assert [remain.pid for remain in prune_module.prune(runsc, remains.Filter(("gofer",))).removed] == [gofer]
    eventually(lambda: gofer not in place.gofers(), "it is gone")
    cgroups.remove_empty(f"/{place.id}", patience=5.0)  # nothing tells that these were runsc's


def test_filters(place: Place) -> None:
    names = [f"{place.prefix}{name}" for name in ("old", "new", "other")]
    for name in names:
        place.container(name=name)
        place.container(name=name, state="stopped")
    old, new, other = names
    aged(place.record(old))
    check: Json = {"check": True}
    assert things(prune(place, older_than=OLD - 5, **check)) == [("container", old)]
    assert things(prune(place, pattern="*e[wr]", **check)) == [("container", new), ("container", other)]
    assert things(prune(place, kinds=["lock", "socket"], **check)) == []
    assert "older_than: -1.0" in place.bad("runsc_prune", "usage", older_than=-1)["msg"]
    assert things(prune(place, pattern=old)) == [("container", old)]
    assert sorted(place.listed()) == sorted([new, other])


def test_a_long_job_is_young_when_it_has_just_ended(place: Place) -> None:
    place.container(keep_exit_status=True)
    aged(place.record())
    place.container(state="stopped")
    aged(place.record())
    assert things(prune(place, older_than=OLD - 5)) == []
    assert things(prune(place)) == [("container", place.id)]


@pytest.mark.parametrize("namespaces", [["--mount"], ["--mount", "--pid", "--fork", "--mount-proc"]], ids=len)
def test_a_sandbox_of_another_namespace_is_no_orphan(place: Place, namespaces: list[str]) -> None:
    """Docker in docker, with the same root: its sandboxes are seen in our /proc, and their records are not in our root."""
    place.root.mkdir()
    runsc = f"{place.version.path} --root={place.root} --network=none --platform={place.version.platform}"
    run = f"{runsc} run --detach --bundle={place.bundle} {place.id} </dev/null >/dev/null 2>&1"
    script = f"mount -t tmpfs tmpfs {place.root} && {run} && exec cat"
    with subprocess.Popen(["unshare", *namespaces, "sh", "-c", script], stdin=subprocess.PIPE) as other:
        try:
            eventually(lambda: place.sandboxes() and place.gofers(), "it runs")
            (gofer,) = place.gofers()
            eventually(lambda: procfs.age(gofer) > remains._SETTLED, "it is no longer young")
            assert things(prune(place)) == []
            assert place.container(state="absent")["changed"] is False
            assert place.sandboxes()
        finally:
            assert other.stdin
            for pid in place.sandboxes():
                os.kill(pid, signal.SIGKILL)
            eventually(lambda: not place.sandboxes() + place.gofers(), "it has ended")
            other.stdin.close()
            cgroups.remove_folders(cgroups.top_folders(lambda name: name == place.id), 5)


def test_one_that_is_being_worked_on_is_left_alone(place: Place) -> None:
    place.container(state="running")
    place.container(state="stopped")
    mark = place.folder / "begun"
    shim = place.shim(f'case " $* " in *" delete "*) touch {mark}; sleep 1;; esac')
    with place.started("runsc_container", name=place.id, bundle=str(place.bundle), runsc_path=str(shim)) as process:
        eventually(mark.exists, "it is being replaced")
        done = prune(place)
        process.communicate()
    assert things(done) == []
    assert place.listed() == {place.id: "running"}


def test_one_that_is_just_being_made_is_left_alone(place: Place) -> None:
    mark = place.folder / "begun"
    shim = place.shim(
        f'case " $* " in *" run "*) {place.version.path} "$@"; rc=$?; touch {mark}; sleep 1; exit $rc;; esac'
    )
    with place.started("runsc_container", name=place.id, bundle=str(place.bundle), runsc_path=str(shim)) as process:
        eventually(mark.exists, "it has been made, and its creator is there")
        assert things(prune(place)) == []
        process.communicate()
    assert place.listed() == {place.id: "running"}


def test_a_failure_does_not_keep_the_rest(place: Place) -> None:
    names = [f"{place.prefix}{name}" for name in ("bad", "good")]
    for name in names:
        place.container(name=name)
        place.container(name=name, state="stopped")
    bad, good = names
    shim = place.shim(f'case " $* " in *" delete "*{bad}*) exit 128;; esac')
    lock = place.root / f".gvisor.runsc-{bad}.lock"
    lock.mkdir()  # what can't be locked can't be removed
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: shutil.rmtree(lock))
        failed = place.bad("runsc_prune", "runtime", kinds=["container"], runsc_path=str(shim))
    assert (things(failed), things(failed, "failures")) == ([("container", good)], [("container", bad)])
    assert (failed["changed"], bad in failed["msg"]) == (True, True)
    assert things(prune(place, kinds=["container"])) == [("container", bad)]


def _left_by_a_killed_task(place: Place, name: str) -> list[Path]:
    """Leave what a task does that is killed when runsc has made its control groups, and no record yet."""
    places = cgroups.hierarchies()
    groups = [Path(places[controller]) / name for controller in ("memory", "pids")]
    place.root.mkdir(exist_ok=True)
    (place.root / f".gvisor.runsc-{name}.lock").touch()
    for group in groups:
        group.mkdir()
    (groups[0] / "memory.limit_in_bytes").write_text("49999872", encoding="ascii")
    return groups


def test_control_groups_of_a_task_that_was_killed_while_it_created(place: Place) -> None:
    gone, unknown = f"{place.prefix}gone", f"{place.prefix}unknown"
    groups = _left_by_a_killed_task(place, gone)
    strange = groups[0].with_name(unknown)
    strange.mkdir()
    try:
        done = pruned_twice(place)
        assert sorted(things(done)) == [("cgroup", gone), ("cgroup", gone), ("lock", gone)]
        assert not any(group.exists() for group in groups)
        assert strange.exists()  # nothing proves that a task of ours made it
    finally:
        strange.rmdir()


@pytest.mark.parametrize("module", ["runsc_run", "runsc_container"])
def test_the_next_task_does_not_inherit_them(place: Place, module: str) -> None:
    groups = _left_by_a_killed_task(place, place.id)
    place.write_config({"linux": {"resources": {"memory": {"limit": 134217728}}}})
    if module == "runsc_run":
        place.good(module, name=place.id, bundle=str(place.bundle), argv=["true"])
        assert not any(group.exists() for group in groups)
        return
    place.container()
    (found,) = place.info(name=[place.id], gather=["cgroup"])["containers"]
    assert found["cgroup"]["counters"]["memory_limit"] == 134217728
