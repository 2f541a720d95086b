# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""runsc_bundle: each source, what it changes and when, and that a container comes from it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils import bundle_folder
from ansible_collections.gvisor.runsc.plugins.module_utils.bundle_build import Wanted, build
from ansible_collections.gvisor.runsc.plugins.module_utils.rootfs_source import Source
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.unpack import Limits, Tools
from ansible_collections.gvisor.runsc.tests.modules import sources
from ansible_collections.gvisor.runsc.tests.modules.support import Json, Place, eventually, processes

CMD = ("--config.cmd=sleep", "--config.cmd=1000", "--config.env=PATH=/bin")


class Sources:
    """One root file system in all the forms that a bundle can be made from, in a folder that the tests leave as it is."""

    def __init__(self, folder: Path) -> None:
        self.rootfs = sources.make_source(folder / "source")
        layout = folder / "layout"
        config = [*CMD, "--config.user=web", "--config.workingdir=/tmp", "--config.stopsignal=SIGINT"]
        config += ["--config.volume=/data", "--config.label=who=me"]
        self.image = sources.make_layout(self.rootfs, layout, *config)
        self.given: dict[str, Json] = {
            "in place": {"rootfs": str(self.rootfs)},
            "copy": {"rootfs": str(self.rootfs), "copy": True},
            "tar": {"archive": str(sources.make_archive(self.rootfs, folder / "source.tar"))},
            "tar.gz": {"archive": str(sources.make_archive(self.rootfs, folder / "source.tar.gz"))},
            "tar.xz": {"archive": str(sources.make_archive(self.rootfs, folder / "source:2.tar.xz"))},
            "oci": {"image": self.image},
            "docker-archive": {"image": sources.copy_image(self.image, f"docker-archive:{folder}/docker.tar")},
            "oci-archive": {"image": sources.copy_image(self.image, f"oci-archive:{folder}/oci.tar")},
            "dir": {"image": sources.copy_image(self.image, f"dir:{folder}/dir")},
        }


@pytest.fixture(scope="session")
def given(base: Path) -> Sources:
    """All sources."""
    folder = base / "sources"
    folder.mkdir()
    return Sources(folder)


@pytest.fixture
def path(place: Place) -> Iterator[Path]:
    """Where the bundle of a test is to be. Nothing but what belongs to a bundle may be in it in the end."""
    bundle = place.folder / "made"
    yield bundle
    for record in place.root.glob("*.state"):
        place.container(name=record.name.partition("_sandbox:")[0], state="absent", force=True)
    names = {entry.name for entry in bundle.glob("*")} | {entry.name for entry in place.folder.glob(".gvisor*")}
    assert names <= {"config.json", "rootfs", ".gvisor.runsc.json"}


KINDS = ["in place", "copy", "tar", "tar.gz", "tar.xz", "oci", "docker-archive", "oci-archive", "dir"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_container_comes_from_each_source(place: Place, given: Sources, path: Path, kind: str) -> None:
    options: Json = {"path": str(path), **given.given[kind], "args": ["sleep", "1000"], "env": {"PATH": "/bin"}}
    predicted = place.good("runsc_bundle", **options, check=True)
    assert not path.exists()
    made = place.good("runsc_bundle", **options)
    for key in ("changed", "actions", "config", "config_digest", "image_digest", "rootfs", "diff"):
        assert predicted[key] == made[key], key
    assert made["actions"] == (["config"] if kind == "in place" else ["rootfs", "config"])
    assert made["bundle"] == str(path)
    assert made["rootfs"] == (str(given.rootfs) if kind == "in place" else str(path / "rootfs"))
    assert json.loads((path / "config.json").read_text(encoding="utf-8")) == made["config"]
    assert (path / "config.json").stat().st_mode & 0o777 == 0o600
    assert path.stat().st_mode & 0o777 == 0o755
    again = place.good("runsc_bundle", **options)
    assert (again["changed"], again["actions"], again["config_digest"]) == (False, [], made["config_digest"])
    place.container(bundle=str(path))
    assert place.exec("cat", "/etc/motd")["stdout"] == "one"
    place.container(bundle=str(path), state="absent")
    assert place.good("runsc_bundle", path=str(path), state="absent", check=True)["actions"] == ["remove"]
    assert path.exists()
    assert place.good("runsc_bundle", path=str(path), state="absent")["changed"]
    assert not path.exists()
    assert (given.rootfs / "etc/motd").exists()
    assert not place.good("runsc_bundle", path=str(path), state="absent")["changed"]


def test_an_image_says_how_it_runs(place: Place, given: Sources, path: Path) -> None:
    made = place.good("runsc_bundle", path=str(path), image=given.image)
    process = made["config"]["process"]
    assert process["args"] == ["sleep", "1000"]
    assert process["user"] == {"uid": 1234, "gid": 4321, "additionalGids": [77, 78]}
    assert process["cwd"] == "/tmp"
    assert "PATH=/bin" in process["env"]
    assert made["config"]["annotations"]["who"] == "me"
    assert made["config"]["annotations"]["io.github.gvisor-ansible.rootfs.digest"] == made["image_digest"]
    place.container(bundle=str(path))
    found = place.exec("sh", "-c", "id -u; id -G; pwd; grep ' /data ' /proc/mounts")["stdout_lines"]
    assert found[:3] == ["1234", "4321 77 78", "/tmp"]
    assert " tmpfs " in found[3]
    shim = place.shim()
    place.container(bundle=str(path), state="stopped", runsc_path=str(shim))
    calls = shim.with_suffix(".calls").read_text(encoding="utf-8")
    assert f" kill {place.id} 2\n" in calls or (" kill " in calls and " 15\n" not in calls)


def test_options_go_over_the_image(place: Place, given: Sources, path: Path) -> None:
    entry = sources.make_layout(
        given.rootfs, place.folder / "layout", "--config.entrypoint=sleep", "--config.cmd=7", "--config.env=A=image"
    )
    options: Json = {"path": str(path), "image": entry}

    def process(**more: object) -> Json:
        found: Json = place.good("runsc_bundle", **options, **more)["config"]["process"]
        return found

    assert process()["args"] == ["sleep", "7"]
    assert process(args=["8"])["args"] == ["sleep", "8"]
    assert process(command="8 '9 10'")["args"] == ["sleep", "8", "9 10"]
    assert process(entrypoint=["echo"])["args"] == ["echo"]
    assert process(entrypoint=[], args=["ls"])["args"] == ["ls"]
    env = process(env={"A": "mine", "B": "x y"})["env"]
    assert [entry for entry in env if not entry.startswith("PATH=")] == ["A=mine", "B=x y"]


def test_a_new_image_under_the_same_name(place: Place, given: Sources, path: Path) -> None:
    rootfs = place.folder / "changing"
    shutil.copytree(given.rootfs, rootfs, symlinks=True)
    layout = place.folder / "layout"
    image = sources.make_layout(rootfs, layout, *CMD)
    options: Json = {"path": str(path), "image": image}
    first = place.good("runsc_bundle", **options)
    place.container(bundle=str(path), recreate="on-change")
    (rootfs / "etc/motd").write_text("two\n", encoding="ascii")
    sources.make_layout(rootfs, layout, *CMD)
    assert not place.good("runsc_bundle", **options, pull="missing")["changed"]
    second = place.good("runsc_bundle", **options)
    assert second["actions"] == ["rootfs", "config"]
    assert second["image_digest"] != first["image_digest"]
    assert (first["outdated"], second["outdated"]) == ([], [place.id])
    # The container that lives still has the files that it was made from, by way of the host.
    assert place.exec("cat", "/etc/motd")["stdout"] == "one"
    assert [entry for entry in path.iterdir() if entry.name.startswith(".gvisor.runsc-previous-")]
    assert not place.good("runsc_bundle", **options)["changed"]
    assert place.exec("ls", "/bin/cat")["rc"] == 0
    assert place.exec("cat", "/etc/passwd")["stdout"].startswith("root:")
    replaced = place.container(bundle=str(path), recreate="on-change")
    assert replaced["actions"] == ["stop", "delete", "create", "start"]
    assert place.exec("cat", "/etc/motd")["stdout"] == "two"
    assert not place.good("runsc_bundle", **options)["changed"]
    assert not [entry for entry in path.iterdir() if entry.name.startswith(".gvisor.runsc-previous-")]


@pytest.mark.parametrize("kind", ["copy", "tar", "image"])
def test_a_source_that_only_root_can_enter(place: Place, given: Sources, path: Path, kind: str) -> None:
    """As an archive of a temporary folder has it. Before 2023, runsc enters it as nobody."""
    rootfs = place.folder / "closed"
    shutil.copytree(given.rootfs, rootfs, symlinks=True)
    rootfs.chmod(0o700)
    options: Json = {"path": str(path), "args": ["sleep", "1000"], "env": {"PATH": "/bin"}}
    if kind == "image":
        options["image"] = sources.make_layout(rootfs, place.folder / "layout")
    elif kind == "tar":
        options["archive"] = str(sources.make_archive(rootfs, place.folder / "closed.tar"))
    else:
        options.update(rootfs=str(rootfs), copy=True)
    place.good("runsc_bundle", **options, user="web")
    place.container(bundle=str(path))
    assert place.exec("id", "-u")["stdout"] == "1234"


@pytest.mark.parametrize("kind", ["copy", "tar"])
def test_a_changed_source_is_taken_again(place: Place, given: Sources, path: Path, kind: str) -> None:
    rootfs = place.folder / "changing"
    shutil.copytree(given.rootfs, rootfs, symlinks=True)
    archive = place.folder / "changing.tar"
    sources.make_archive(rootfs, archive)
    options: Json = {"path": str(path), "args": ["sleep", "1"]}
    options.update({"archive": str(archive)} if kind == "tar" else {"rootfs": str(rootfs), "copy": True})
    place.good("runsc_bundle", **options)
    (path / "rootfs/etc/motd").write_text("a container wrote this\n", encoding="ascii")
    assert not place.good("runsc_bundle", **options)["changed"]
    (rootfs / "etc/motd").write_text("two!\n", encoding="ascii")
    sources.make_archive(rootfs, archive)
    assert place.good("runsc_bundle", **options, check=True)["actions"] == ["rootfs", "config"]
    assert place.good("runsc_bundle", **options)["actions"] == ["rootfs", "config"]
    assert (path / "rootfs/etc/motd").read_text(encoding="ascii") == "two!\n"


def test_another_kind_of_source(place: Place, given: Sources, path: Path) -> None:
    def made(**options: object) -> list[str]:
        actions: list[str] = place.good("runsc_bundle", path=str(path), args=["sleep", "1000"], **options)["actions"]
        return actions

    assert made(**given.given["oci"]) == ["rootfs", "config"]
    assert made(**given.given["tar"]) == ["rootfs", "config"]
    assert made(**given.given["in place"]) == ["config"]
    assert not (path / "rootfs").exists()
    assert made(**given.given["copy"]) == ["rootfs", "config"]
    shutil.rmtree(path / "rootfs")
    assert made(**given.given["copy"]) == ["rootfs"]
    (path / ".gvisor.runsc.json").write_text("{", encoding="ascii")
    assert made(**given.given["copy"]) == ["rootfs"]


def test_a_rootfs_made_by_hand_in_the_bundle(place: Place, given: Sources, path: Path) -> None:
    shutil.copytree(given.rootfs, path / "rootfs", symlinks=True)
    options: Json = {"path": str(path), "args": ["sleep", "1000"]}
    refused = place.bad("runsc_bundle", "runtime", **options, **given.given["tar"])
    assert "there is a rootfs in" in refused["msg"]
    made = place.good("runsc_bundle", **options, rootfs=str(path / "rootfs"))
    assert made["config"]["root"]["path"] == "rootfs"
    refused = place.bad("runsc_bundle", "runtime", **options, **given.given["tar"])
    assert "there is a rootfs in" in refused["msg"]
    place.good("runsc_bundle", path=str(path), state="absent")
    assert sorted(os.listdir(path)) == ["rootfs"]
    (path / "config.json").write_text("{}", encoding="ascii")
    assert "not made by this module" in place.bad("runsc_bundle", "runtime", path=str(path), state="absent")["msg"]


def test_a_bundle_in_use_is_not_removed(place: Place, given: Sources, path: Path) -> None:
    place.good("runsc_bundle", path=str(path), image=given.image)
    place.container(bundle=str(path))
    refused = place.bad("runsc_bundle", "runtime", path=str(path), state="absent")
    assert f"is used by {place.id}" in refused["msg"]
    assert place.exec("true")["rc"] == 0


def test_a_killed_task_is_finished_by_the_next(place: Place, given: Sources, path: Path) -> None:
    options: Json = {"path": str(path), "image": given.image}
    tools = place.folder / "tools"
    tools.mkdir()
    (tools / "umoci").write_text("#!/bin/sh\nexec sleep 1000\n", encoding="ascii")
    (tools / "umoci").chmod(0o755)
    before, os.environ["PATH"] = os.environ["PATH"], f"{tools}:{os.environ['PATH']}"
    try:
        with place.started("runsc_bundle", **options) as process:
            eventually(lambda: _sleepers(tools), "the image is being unpacked")
            process.kill()
            process.wait()
    finally:
        os.environ["PATH"] = before
    eventually(lambda: not _sleepers(tools), "what the killed task had started is gone")
    assert not (path / "config.json").exists()
    assert place.good("runsc_bundle", **options)["actions"] == ["rootfs", "config"]
    assert not list(path.glob(".gvisor.runsc-staging-*"))


def _sleepers(tools: Path) -> list[int]:
    """Return what the killed task has started."""
    found = [pid for pid, argv in processes() if argv[:2] == ["sleep", "1000"]]
    return [pid for pid in found if os.fsencode(tools) in Path(f"/proc/{pid}/environ").read_bytes()]


def test_a_disk_that_is_full_in_between(
    place: Place, given: Sources, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was made before is not taken for a stranger's."""

    def full(_path: str, _text: str) -> None:
        raise OSError("no space left")

    runsc = Runsc(place.version.path, str(place.root), cache_folder=None)
    tools = Tools(Limits(60, -1))
    wanted = Wanted(str(path), Source("copy", str(given.rootfs)), {"args": ["sleep", "1000"]})
    with monkeypatch.context() as patch:
        patch.setattr(bundle_folder, "write_config", full)
        with pytest.raises(OSError, match="no space left"):
            build(runsc, tools, wanted)
    assert (path / "rootfs").is_dir()
    assert build(runsc, tools, wanted).actions == ["rootfs", "config"]


def test_a_new_rootfs_for_any_reason_leaves_the_old_to_its_users(place: Place, given: Sources, path: Path) -> None:
    options: Json = {"path": str(path), "image": given.image}
    place.good("runsc_bundle", **options)
    place.container(bundle=str(path))
    with_devices = place.good("runsc_bundle", **options, devices=True)
    assert (with_devices["actions"], with_devices["outdated"]) == (["rootfs", "config"], [place.id])
    assert not place.good("runsc_bundle", **options, devices=True)["changed"]
    assert place.exec("cat", "/etc/motd")["stdout"] == "one"
    assert place.container(bundle=str(path), recreate="on-change")["changed"]
    assert place.good("runsc_bundle", **options, devices=True)["outdated"] == []


def test_the_same_image_elsewhere(place: Place, given: Sources, path: Path) -> None:
    other = sources.copy_image(given.image, f"oci:{place.folder}/copy:other")
    place.good("runsc_bundle", path=str(path), image=given.image)
    assert not place.good("runsc_bundle", path=str(path), image=other)["changed"]


def test_two_tasks_at_once(place: Place, given: Sources, path: Path) -> None:
    options: Json = {"path": str(path), "image": given.image}
    with place.started("runsc_bundle", **options) as first, place.started("runsc_bundle", **options) as second:
        results = [json.loads(process.communicate(timeout=60)[0]) for process in (first, second)]
    assert sorted(result["changed"] for result in results) == [False, True]
