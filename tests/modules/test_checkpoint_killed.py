# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A checkpoint whose task or runsc is killed: the next task repairs what is left, and takes over no wrong image."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils import image_remains
from ansible_collections.gvisor.runsc.tests.modules import killed_at
from ansible_collections.gvisor.runsc.tests.modules.support import PLAY_PATIENCE, Json, Place, eventually, processes
from ansible_collections.gvisor.runsc.tests.modules.test_checkpoint import (
    MANIFEST,
    image_of,
    images,
    is_new,
    refused,
    save,
)

# Much that can't be compressed, so that writing the image takes a while.
MEGABYTES = 100
SCRIPT = f"dd if=/dev/urandom of=/tmp/x bs=1M count={MEGABYTES} && touch /tmp/full; sleep 1000"
FULL = {"process": {"args": ["sh", "-c", SCRIPT]}}


def staging(place: Place, name: str = "", image: str = "one") -> Path:
    """Return the folder in which a container's image is written; by default the test's own."""
    return image_of(place).parent / f".{image}.gvisor.runsc-{name or place.id}"


def names(place: Place) -> list[str]:
    """Return all that is beside the test's image, and the image."""
    return sorted(path.name for path in image_of(place).parent.iterdir())


def remains(place: Place) -> dict[str, str]:
    """Return the statuses of what was left beside images, by its name."""
    found = place.good("runsc_checkpoint_info", path=[str(image_of(place).parent)])["remains"]
    for remain in found:
        assert remain["reason"] and remain["age"] >= 0
        assert Path(remain["image"]).parent == Path(remain["path"]).parent == image_of(place).parent
    return {Path(remain["path"]).name: remain["status"] for remain in found}


@pytest.mark.parametrize(("state", "beneath_a_script"), [("running", False), ("running", True), ("paused", False)])
def test_runsc_is_killed_while_the_sandbox_writes(place: Place, state: str, beneath_a_script: bool) -> None:
    place.write_config(FULL)
    place.container()
    eventually(lambda: "full" in place.exec("ls", "/tmp")["stdout"], "its memory is full", PLAY_PATIENCE)
    digest = place.exec("sha256sum", "/tmp/x")["stdout"]
    place.container(state=state)
    shim = place.shim(f'case " $* " in *" checkpoint --"*) {place.version.path} "$@"; exit $?;; esac')
    path = str(shim) if beneath_a_script else place.version.path
    options = place.options({"name": place.id, "path": str(image_of(place)), "runsc_path": path})
    begun = place.runner.begin("runsc_checkpoint", options, place.environment, place.folder)
    written = staging(place) / "checkpoint.img"
    eventually(lambda: written.exists() and written.stat().st_size > 0, "the image is being written")
    (client,) = [
        pid
        for pid, argv in processes()
        if argv[0] == place.version.path and "checkpoint" in argv and f"--image-path={staging(place)}" in argv
    ]
    (sandbox,) = place.sandboxes()
    os.kill(sandbox, signal.SIGSTOP)  # lest it be faster than this test
    os.kill(client, signal.SIGKILL)
    assert remains(place) == {staging(place).name: "used"}, "the sandbox goes on"
    told = place.runner.finish(begun)
    assert (told["failed"], told["failure_kind"]) == (True, "runtime")
    assert "runsc was killed while an image" in told["msg"] and "takes over what is complete" in told["msg"]
    assert told["rc"] == 128 + signal.SIGKILL
    os.kill(sandbox, signal.SIGCONT)
    done = save(place)
    assert (done["changed"], done["container"]["status"]) == (True, "stopped")
    assert names(place) == ["one"]
    place.container(restore_from=str(image_of(place)))
    assert place.exec("sha256sum", "/tmp/x")["stdout"] == digest


def killed(place: Place, step: int, **options: Any) -> bool:
    """Run runsc_checkpoint, to be killed just before its change number C(step); return whether it was."""
    given = {"name": place.id, "path": str(image_of(place)), **options}
    done = subprocess.run(
        [sys.executable, killed_at.__file__, "runsc_checkpoint", str(step), str(image_of(place).parent)],
        check=False,
        input=json.dumps(place.options(given)),
        capture_output=True,
        text=True,
        env=place.environment,
        cwd=place.folder,
        start_new_session=True,
        timeout=PLAY_PATIENCE,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stdout + done.stderr
    return done.returncode != 0


def test_the_task_is_killed_before_each_change(place: Place) -> None:
    """It replaces an image with force, so that there are as many changes as there can be."""
    place.container()
    save(place)
    strangers, moved = 0, 0
    for step in itertools.count(1):
        container = place.container()["container"]
        if not killed(place, step, force=True):
            break
        strangers += any(f".{MANIFEST}-" in path.name for path in staging(place).glob(".*"))
        moved += not image_of(place).exists()
        repaired = place.module("runsc_checkpoint", name=place.id, path=str(image_of(place)), force=True)
        if repaired.get("failed"):
            assert "nothing left to save" in repaired["msg"], (step, repaired)
        else:
            assert (repaired["changed"], repaired["container"]["status"]) == (True, "stopped"), step
        assert names(place) == ["one"], step
        assert sorted(path.name for path in image_of(place).iterdir()) == ["checkpoint.img", MANIFEST], step
        (image,) = images(place)
        assert image["restorable"] and image["manifest"]["created"] == container["created"], step
    assert step > 15
    assert strangers >= 4, "two manifests, each before it is written, and before it gets its name"
    assert moved, "between the two renames there is no image"
    assert place.container(restore_from=str(image_of(place)))["container"]["status"] == "running"


def test_the_manifest_of_a_killed_task_is_in_nobodys_way(place: Place) -> None:
    place.container()
    save(place)
    (image_of(place) / f".{MANIFEST}-x1").touch()
    assert save(place)["changed"] is False
    place.container()
    assert save(place, force=True)["changed"] is True
    assert sorted(path.name for path in image_of(place).iterdir()) == ["checkpoint.img", MANIFEST]


def leave(place: Place, source: Path, folder: Path, **changes: Any) -> Path:
    """Leave a copy of an image where a killed task would have left it; C(bundle) marks it."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    manifest = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
    text = json.dumps({**manifest, "bundle": "left", **changes})
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("force", [False, True])
def test_an_image_of_a_former_container_is_not_taken_over(place: Place, force: bool) -> None:
    place.container()
    made = image_of(place).parent / "made"
    save(place, path=str(made))
    leave(place, made, staging(place))
    # As long as it is the same one it is the last there is of it, and also when the container is gone.
    for gone in (False, True):
        if gone:
            place.container(state="absent")
            leave(place, made, staging(place))
        assert save(place, force=force)["manifest"]["bundle"] == "left"
        shutil.rmtree(image_of(place))
    leave(place, made, staging(place))
    place.container()
    place.container(state="stopped")
    assert "nothing left to save" in refused(place, "runtime", force=force)["msg"]
    created = place.container()["container"]["created"]
    done = save(place, force=force)
    assert (done["manifest"]["created"], done["container"]["status"]) == (created, "stopped")
    assert done["manifest"]["bundle"] == str(place.bundle)
    assert names(place) == ["made", "one"]


def test_what_was_damaged_before_it_was_taken_over_does_not_become_right(place: Place) -> None:
    place.container()
    made = image_of(place).parent / "made"
    digests = save(place, path=str(made))["manifest"]["digests"]
    with (leave(place, made, staging(place)) / "checkpoint.img").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last ^ 1]))
    taken = save(place)["manifest"]
    assert (taken["bundle"], taken["digests"]) == ("left", digests)
    told = place.bad("runsc_container", "usage", name=place.id, restore_from=str(image_of(place)))
    assert "is not what it was when it was made" in told["msg"]


def test_an_image_of_a_container_that_lives(place: Place) -> None:
    created = place.container()["container"]["created"]
    made = image_of(place).parent / "made"
    if is_new(place):
        save(place, path=str(made), leave_running=True)
        leave(place, made, staging(place))
        assert save(place, leave_running=True)["manifest"]["bundle"] == "left"
        leave(place, made, staging(place))
        assert save(place, leave_running=True, force=True)["manifest"]["bundle"] == str(place.bundle)
        shutil.rmtree(image_of(place))
    else:
        save(place, path=str(made))
        created = place.container()["container"]["created"]
    leave(place, made, staging(place), created=created)
    done = save(place)
    assert (done["manifest"]["bundle"], done["container"]["status"]) == (str(place.bundle), "stopped")


def test_the_old_image_comes_back_where_the_new_one_is_not_wanted(place: Place) -> None:
    place.container()
    old = save(place)["manifest"]
    place.container()
    aside = image_of(place).rename(f"{staging(place)}~old")
    leave(place, aside, staging(place))
    assert remains(place) == {staging(place).name: "pending", aside.name: "pending"}
    assert save(place, check=True)["changed"] is False
    assert aside.exists()
    again = save(place)
    assert (again["changed"], again["manifest"]) == (False, old)
    assert names(place) == [staging(place).name, "one"]
    # A place that somebody has cleared is another thing.
    shutil.rmtree(staging(place))
    image_of(place).rename(aside)
    assert save(place)["changed"] is True
    assert names(place) == ["one"]


def draft(place: Place, made: Path, **changes: Any) -> Json:
    """Return what makes a manifest the draft of one that was written here, just now."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    namespace = os.stat("/proc/self/ns/pid").st_ino
    return {
        "container": made.name.rpartition("-")[2],
        "files": {},
        "boot": boot,
        "pid_namespace": namespace,
        "root": str(place.root),
        **changes,
    }


def pruned(place: Place, **options: Any) -> Json:
    """Prune the folder of the images, after check mode has told the same."""
    wanted = {"kinds": ["image"], "images": [str(image_of(place).parent)], **options}
    told = place.good("runsc_prune", check=True, **wanted)
    done = place.good("runsc_prune", **wanted)
    for key in ("pruned", "kept"):
        assert [found["path"] for found in told[key]] == [found["path"] for found in done[key]]
    return done


def sweep(place: Place, made: Path, expected: dict[str, str], by: str) -> None:
    """Remove what is dead, by the next checkpoint, which finds its image there, or by a clean-up."""
    if by == "checkpoint":
        assert save(place, path=str(made))["changed"] is False
        return
    assert pruned(place, pattern=f"{place.id}-nobody")["changed"] is False
    done = pruned(place)
    for remain in done["kept"]:
        assert not image_remains.remove_path(remain["path"]), "what was dead a moment ago may be in use"
    found = {Path(each["path"]).name: key for key in ("pruned", "kept") for each in done[key]}
    assert found == {name: "pruned" if status == "dead" else "kept" for name, status in expected.items()}
    assert "images: 'x' is not absolute" in place.bad("runsc_prune", "usage", images=["x"])["msg"]


@pytest.mark.parametrize("by", ["checkpoint", "prune"])
def test_what_others_have_left(place: Place, by: str) -> None:
    """It holds all that a container had in memory, and its task may never be run again."""
    place.container()
    made = image_of(place).parent / "made"
    done = save(place, path=str(made))
    machine = Path("/etc/machine-id").read_text(encoding="ascii").strip() if Path("/etc/machine-id").exists() else ""
    created = done["manifest"]["created"]
    given: dict[str, tuple[Json, str]] = {
        "complete": ({"files": done["manifest"]["files"]}, "pending"),
        "part": ({"files": {"checkpoint.img": 1}}, "dead"),
        "lost": ({}, "dead"),  # no such container
        "foreign": ({"pid_namespace": 1}, "used"),
        "elsewhere": ({"boot": "other"}, "used"),
        "torn": ({"format": 0}, "used"),
    }
    if machine:
        given["rebooted"] = ({"boot": "other", "machine_id": machine}, "dead")
    for name, (changes, _status) in given.items():
        folder = staging(place, name, "any")
        leave(place, made, folder, **draft(place, folder, **changes))
    other = staging(place, image="other")
    leave(place, made, other, **draft(place, other, container=place.id, created=created))
    expected = {staging(place, name, "any").name: status for name, (_changes, status) in given.items()}
    expected[other.name] = "pending"
    # Without a draft: a task that is just beginning, or was killed then.
    for name, status in (("fresh", "used"), ("stale", "dead")):
        staging(place, name, "any").mkdir()
        expected[staging(place, name, "any").name] = status
    # The old image is of no use beside the new one.
    for name, status in (("made", "dead"), ("missing", "pending")):
        leave(place, made, Path(f"{staging(place, 'x', name)}~old"))
        expected[f"{staging(place, 'x', name).name}~old"] = status
    # Not ours to judge.
    staging(place, "link", "any").symlink_to(made)
    staging(place, "nobody", "any").mkdir()
    os.chown(staging(place, "nobody", "any"), 65534, 65534)
    expected.update({staging(place, name, "any").name: "used" for name in ("link", "nobody")})
    for name, age in (("stale", 60), ("nobody", 60), ("fresh", -PLAY_PATIENCE)):
        os.utime(staging(place, name, "any"), (time.time() - age, time.time() - age))
    assert remains(place) == expected
    beside = place.good("runsc_checkpoint_info", path=[str(made)])["remains"]
    assert [remain["path"] for remain in beside] == [f"{staging(place, 'x', 'made')}~old"]
    # Nothing is removed by a task that only looks, or that fails.
    assert save(place, path=str(made), check=True)["changed"] is False
    refused(place, "runtime")
    assert remains(place) == expected
    sweep(place, made, expected, by)
    kept = {name: status for name, status in expected.items() if status != "dead"}
    assert remains(place) == kept
    # What its container was is no longer wanted when the container is another one.
    place.container()
    save(place, path=str(made), force=True)
    del kept[other.name]
    assert remains(place) == kept
    assert made.exists()


def test_the_folder_of_a_killed_task_is_used_as_long_as_its_runsc_runs(place: Place) -> None:
    place.container()
    save(place)
    place.container()
    mark, go = place.folder / "mark", place.folder / "go"
    shim = place.shim(f'case " $* " in *" checkpoint --"*) touch {mark}; until [ -e {go} ]; do sleep 0.01; done;; esac')
    options = {"name": place.id, "path": str(image_of(place).parent / "two"), "runsc_path": str(shim)}
    expected = {staging(place, image="two").name: "used"}
    with place.started("runsc_checkpoint", **options) as process:
        eventually(mark.exists, "checkpoint has begun")
        assert remains(place) == expected
        process.kill()
        process.wait()
        assert remains(place) == expected
        assert save(place)["changed"] is False
        assert remains(place) == expected
        go.touch()
        eventually(lambda: place.listed() == {place.id: "stopped"}, "the sandbox has written its image")
        eventually(lambda: remains(place) != expected, "its runsc has ended")
    assert list(remains(place).values()) == ["pending"]
    assert save(place, path=options["path"])["changed"] is True
    assert names(place) == ["one", "two"]
