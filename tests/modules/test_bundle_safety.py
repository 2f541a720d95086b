# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""runsc_bundle: hostile sources do no harm, secrets stay secret, failures leave what was there, and say what to do."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.gvisor.runsc.tests.modules import registry, sources
from ansible_collections.gvisor.runsc.tests.modules.support import Json, Place, RunscVersion, ansible, play, versions

VICTIM = "do not touch\n"


@pytest.fixture(scope="session")
def version() -> RunscVersion:
    """One build is enough where it hardly matters which one it is."""
    return versions()[-1]


@pytest.fixture
def path(place: Place) -> Path:
    """Where the bundle of a test is to be."""
    return place.folder / "made"


@pytest.fixture
def victim(place: Place) -> Iterator[Path]:
    """A folder outside of the bundle, with a file that has to stay as it is, alone."""
    folder = place.folder / "victim"
    folder.mkdir()
    (folder / "file").write_text(VICTIM, encoding="ascii")
    yield folder
    assert (folder / "file").read_text(encoding="ascii") == VICTIM
    assert os.listdir(folder) == ["file"]


def files(folder: Path) -> set[str]:
    """Return the paths of all that is in a folder, relative to it."""
    return {str(entry.relative_to(folder)) for entry in folder.rglob("*")}


def test_absolute_names_stay_inside(place: Place, path: Path, victim: Path) -> None:
    archive = sources.write_tar(place.folder / "bad.tar", (f"{victim}/file", b"evil"), (f"{victim}/new", b"evil"))
    place.good("runsc_bundle", path=str(path), archive=str(archive), args=["x"])
    assert (path / "rootfs" / str(victim / "new").lstrip("/")).read_bytes() == b"evil"


@pytest.mark.parametrize("name", ["../../victim/file", "a/../../../victim/new"])
def test_names_that_climb_out_are_refused(place: Place, path: Path, victim: Path, name: str) -> None:
    archive = sources.write_tar(place.folder / "bad.tar", (name, b"evil"))
    told = place.bad("runsc_bundle", "runtime", path=str(path), archive=str(archive), args=["x"])
    assert f"archive: {str(archive)!r}: tar failed" in told["msg"]
    assert "'..'" in told["msg"]
    assert not path.exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_out_are_not_followed(place: Place, path: Path, victim: Path, kind: bytes) -> None:
    """A link that leads out may be in an archive, as in any root file system; nothing is written through it."""
    target = str(victim / "file" if kind == tarfile.LNKTYPE else victim)
    below = "link" if kind == tarfile.LNKTYPE else "link/file"
    members = (sources.member("link", kind, target), (below, b"evil"))
    archive = sources.write_tar(place.folder / "bad.tar", *members)
    place.module("runsc_bundle", path=str(path), archive=str(archive), args=["x"])
    relative = sources.member("link", kind, f"../../../victim{'/file' if kind == tarfile.LNKTYPE else ''}")
    archive = sources.write_tar(place.folder / "bad.tar", relative, (below, b"evil"))
    place.module("runsc_bundle", path=str(path), archive=str(archive), args=["x"])


def test_an_image_does_not_get_out_either(place: Place, path: Path, victim: Path) -> None:
    layer = sources.write_tar(
        place.folder / "layer.tar",
        sources.member("link", tarfile.SYMTYPE, str(victim)),
        ("link/new", b"evil"),
        ("../../victim/new", b"evil"),
        (f"{victim}/file", b"evil"),
        sources.member("hard", tarfile.LNKTYPE, str(victim / "file")),
        ("etc/.wh.passwd", b""),
        ("../../victim/.wh.file", b""),
    )
    image = _image_of(place, layer)
    place.module("runsc_bundle", path=str(path), image=image, args=["x"])


def _image_of(place: Place, layer: Path, *config: str) -> str:
    layout = place.folder / "layout"
    sources.call("umoci", "init", "--layout", layout)
    sources.call("umoci", "new", "--image", f"{layout}:x")
    sources.call("umoci", "raw", "add-layer", "--image", f"{layout}:x", layer)
    if config:
        sources.call("umoci", "config", "--image", f"{layout}:x", *config)
    return f"oci:{layout}:x"


@pytest.mark.parametrize("kind", ["archive", "image", "rootfs"])
def test_device_nodes_only_when_asked_for(place: Place, path: Path, kind: str) -> None:
    archive = sources.write_tar(
        place.folder / "devices.tar",
        sources.member("dev/null2", tarfile.CHRTYPE),
        sources.member("dev/disk", tarfile.BLKTYPE),
        sources.member("dev/pipe", tarfile.FIFOTYPE),
        ("bin/x", b""),
    )
    options: Json = {"path": str(path), "args": ["x"]}
    if kind == "archive":
        options["archive"] = str(archive)
    elif kind == "image":
        options["image"] = _image_of(place, archive)
    else:
        folder = place.folder / "with-devices"
        folder.mkdir()
        sources.call("tar", "-xf", archive, "-C", folder)
        options.update(rootfs=str(folder), copy=True)
    place.good("runsc_bundle", **options)
    assert sorted(os.listdir(path / "rootfs/dev")) == ["pipe"]
    kept = place.good("runsc_bundle", **options, devices=True)
    assert "rootfs" in kept["actions"]
    assert stat.S_ISCHR((path / "rootfs/dev/null2").lstat().st_mode)
    assert stat.S_ISBLK((path / "rootfs/dev/disk").lstat().st_mode)


def test_a_huge_hole_takes_no_room(place: Place, path: Path) -> None:
    folder = place.folder / "holes"
    folder.mkdir()
    with open(folder / "huge", "wb") as file:
        file.truncate(1 << 42)
    archive = place.folder / "holes.tar"
    sources.call("tar", "--create", "--sparse", f"--file={archive}", f"--directory={folder}", "huge")
    place.good("runsc_bundle", path=str(path), archive=str(archive), args=["x"], max_size="1M")
    huge = (path / "rootfs/huge").stat()
    assert (huge.st_size, huge.st_blocks) == (1 << 42, 0)


@pytest.mark.parametrize("kind", ["archive", "image"])
def test_what_grows_without_end_is_stopped(place: Place, path: Path, kind: str) -> None:
    """Four GiB of zeros in four MiB. What was there stays, and the room is free again."""
    bomb = place.folder / "bomb.tar.gz"
    size = 4 << 30
    info = tarfile.TarInfo("zeros")
    info.size = size
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        chunk = bytes(1 << 24)
        for _number in range(size >> 24):
            file.write(chunk)
    options: Json = {"path": str(path), "args": ["x"]}
    small = sources.write_tar(place.folder / "small.tar", ("small", b"x"))
    place.good("runsc_bundle", **options, archive=str(small))
    before = files(path)
    source = {"archive": str(bomb)} if kind == "archive" else {"image": _compressed_image(place, bomb)}
    told = place.bad("runsc_bundle", "runtime", **options, **source, max_size="64M")
    assert told["msg"].startswith(f"{kind}: ")
    assert f"what is unpacked takes more than max_size, {64 << 20} bytes" in told["msg"]
    assert files(path) == before


def _compressed_image(place: Place, layer: Path) -> str:
    """Return an image in which a compressed layer stands as it is; umoci would unpack and pack it."""
    import hashlib

    folder = place.folder / "bomb"
    folder.mkdir()
    digests = {}
    config: Json = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["x"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(b'not known').hexdigest()}"]},
    }
    for name, data in (("config", json.dumps(config).encode()), ("layer", layer.read_bytes())):
        digests[name] = hashlib.sha256(data).hexdigest()
        (folder / digests[name]).write_bytes(data)
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": f"sha256:{digests['config']}",
            "size": (folder / digests["config"]).stat().st_size,
        },
        "layers": [
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                "digest": f"sha256:{digests['layer']}",
                "size": layer.stat().st_size,
            }
        ],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="ascii")
    (folder / "version").write_text("Directory Transport Version: 1.1\n", encoding="ascii")
    return f"dir:{folder}"


def test_accounts_are_read_inside_only(place: Place, path: Path) -> None:
    """A passwd that is a link to the host's leads to the one of the root file system, or to none."""
    rootfs = place.folder / "links"
    sources.make_source(rootfs)
    (rootfs / "etc/passwd").rename(rootfs / "etc/accounts")
    (rootfs / "etc/passwd").symlink_to("/etc/accounts")
    options: Json = {"path": str(path), "rootfs": str(rootfs), "args": ["x"], "user": "web"}
    assert place.good("runsc_bundle", **options)["config"]["process"]["user"]["uid"] == 1234
    secret = place.folder / "host-passwd"
    secret.write_text("web:x:7:7::/:/bin/sh\n", encoding="ascii")
    for target in (str(secret), "../../host-passwd", "../../../../../../../../../../.." + str(secret), "passwd"):
        (rootfs / "etc/passwd").unlink()
        (rootfs / "etc/passwd").symlink_to(target)
        assert "no user 'web'" in place.bad("runsc_bundle", "usage", **options)["msg"]
    (rootfs / "etc/passwd").unlink()
    os.mkfifo(rootfs / "etc/passwd")
    assert "no user 'web'" in place.bad("runsc_bundle", "usage", **options)["msg"]


def test_a_failed_unpacking_changes_nothing(place: Place, path: Path) -> None:
    rootfs = sources.make_source(place.folder / "source")
    image = sources.make_layout(rootfs, place.folder / "layout", "--config.cmd=sleep")
    place.good("runsc_bundle", path=str(path), image=image)
    before = {name: (path / name).lstat().st_mtime_ns for name in files(path)}
    for blob in (place.folder / "layout/blobs/sha256").iterdir():
        data = blob.read_bytes()
        if data[:2] == b"\x1f\x8b":  # the layer
            blob.write_bytes(data[: len(data) // 2])
    broken = sources.make_layout(
        rootfs, place.folder / "other", "--config.cmd=sleep", "--config.env=A=1", tag="one"
    ).replace("other", "layout")
    told = place.bad("runsc_bundle", "runtime", path=str(path), image=broken, devices=True)
    assert told["rc"] != 0
    assert told["stderr"]
    assert {name: (path / name).lstat().st_mtime_ns for name in files(path)} == before
    assert not place.good("runsc_bundle", path=str(path), image=image)["changed"]


def test_secrets_are_seen_by_nobody(place: Place, path: Path) -> None:
    rootfs = sources.make_source(place.folder / "source")
    task: Json = {
        "gvisor.runsc.runsc_bundle": {
            "path": str(path),
            "rootfs": str(rootfs),
            "args": ["sleep", "1000"],
            "env": {"PATH": "/bin", "SHOWN": "not-hidden"},
            "secret_env": {"TOKEN": "{{ token }}"},
        }
    }
    playbook = str(play(place, [task]))

    def run(token: str, *more: str) -> str:
        return ansible(place, "ansible-playbook", "-vvvv", "--diff", "-e", f"token={token}", *more, playbook)

    for token, more in (("first-s3cret", ()), ("second-s3cret", ("--check",)), ("second-s3cret", ())):
        # The command line of ansible-playbook is told at -vvvv by nobody but the test's own arguments.
        told = run(token, *more)
        assert "s3cret" not in told.replace(f"token={token}", "")
        assert "not-hidden" in told
        assert "TOKEN=********" in told
        assert ("TOKEN=******** (changed)" in told) == (token == "second-s3cret")
    assert "changed=0" in run("second-s3cret")
    assert "TOKEN=second-s3cret" in (path / "config.json").read_text(encoding="utf-8")
    assert "s3cret" not in (path / ".gvisor.runsc.json").read_text(encoding="utf-8")
    assert (path / "config.json").stat().st_mode & 0o777 == 0o600
    place.container(bundle=str(path))
    assert place.exec("sh", "-c", "echo $TOKEN")["stdout"] == "second-s3cret"
    # A variable that is no secret any more, and one that has become one.
    result = place.good(
        "runsc_bundle", path=str(path), rootfs=str(rootfs), args=["sleep", "1000"], env={"TOKEN": "public"}
    )
    assert "second-s3cret" not in json.dumps(result)


def test_a_registry(place: Place, path: Path) -> None:
    rootfs = sources.make_source(place.folder / "source")
    image = sources.make_layout(rootfs, place.folder / "layout", "--config.cmd=sleep", "--config.cmd=1000")
    images = place.folder / "images"
    images.mkdir()
    for name in ("public", "private"):
        sources.copy_image(image, f"dir:{images}/{name}")
    auth = place.folder / "auth.json"
    with registry.registry(images) as (address, requests):
        options: Json = {"path": str(path), "image": f"docker://{address}/private:1", "auth_file": str(auth)}
        assert "auth_file: there is no file" in place.bad("runsc_bundle", "usage", **options)["msg"]
        auth.write_text("{}", encoding="ascii")
        assert "https://" in place.bad("runsc_bundle", "runtime", **options)["msg"]
        refused = place.bad("runsc_bundle", "runtime", **options, tls_verify=False)
        assert "unauthorized" in refused["msg"] or "authentication" in refused["msg"]
        _log_in(auth, address)
        made = place.good("runsc_bundle", **options, tls_verify=False, env={"PATH": "/bin"})
        assert made["image_digest"].startswith("sha256:")
        asked = len(requests)
        assert not place.good("runsc_bundle", **options, tls_verify=False, env={"PATH": "/bin"})["changed"]
        assert not any("/blobs/" in request for request in requests[asked:])
        asked = len(requests)
        missing = place.good("runsc_bundle", **options, tls_verify=False, env={"PATH": "/bin"}, pull="missing")
        assert not missing["changed"]
        assert requests[asked:] == []
        place.container(bundle=str(path))
        assert place.exec("cat", "/etc/motd")["stdout"] == "one"


def _log_in(auth: Path, address: str) -> None:
    import base64

    entry = {"auth": base64.b64encode(registry.CREDENTIALS.encode()).decode()}
    auth.write_text(json.dumps({"auths": {address: entry}}), encoding="ascii")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "relative"}, "path: 'relative' is not"),
        ({"path": "/"}, "path: '/' is not"),
        (
            {"image": "alpine:3.20"},
            "image: 'alpine:3.20' does not say where it is. For a registry write 'docker://alpine",
        ),
        ({"image": "oci:relative:tag"}, "the path in 'oci:relative:tag' is not absolute. Write oci:/path"),
        ({"image": "docker:alpine"}, "'docker:alpine' lacks the slashes. Write docker://alpine"),
        ({"archive": "/nowhere.tar"}, "archive: there is no file '/nowhere.tar'"),
        ({"rootfs": "/nowhere"}, "rootfs: there is no folder '/nowhere'"),
        (
            {"rootfs": "/usr/.", "path": "/usr/bundle", "copy": True},
            "path: the bundle '/usr/bundle' lies in its own root",
        ),
        ({"rootfs": "/usr", "path": "/usr"}, "path: the bundle '/usr' lies in its own root file system '/usr'"),
        ({"rootfs": "/usr", "path": "/usr/bundle"}, "a container must not reach its config.json"),
        ({"rootfs": "/usr/share", "path": "/usr", "copy": True}, "rootfs: '/usr/share' lies in the bundle '/usr'"),
        ({"archive": "/usr"}, "archive: '/usr' is a folder. Give it as rootfs"),
        ({"memory": "1G", "memory_swap": "512M"}, "memory_swap: '512M' is less than memory"),
        ({"copy": True, "archive": "/etc/passwd"}, "copy: there is nothing to copy"),
        ({"max_size": "lots"}, "max_size: 'lots' is not a size"),
        ({"unpack_timeout": 0}, "unpack_timeout: 0.0 is not positive"),
        ({"owner": "nobody-4711"}, "owner: the managed node has no 'nobody-4711'"),
        ({"group": "nobody-4711"}, "group: the managed node has no 'nobody-4711'"),
        ({"mode": "rwx"}, "mode: 'rwx' is not a mode"),
        ({"config_mode": "488"}, "config_mode: '488' is not a mode"),
        ({"mode": 4096}, "mode: 4096 is not a mode"),
        ({"mode": True}, "mode: True is not a mode"),
        ({"user": "who"}, "user: there is no user 'who' in /etc/passwd of the root file system"),
        ({"user": "0:who"}, "user: there is no group 'who' in /etc/group of the root file system"),
        ({"args": None}, "args: none given, and no image names a program"),
        ({"memory": "much", "cpus": 0, "user": ":"}, "3 options are wrong:"),
        ({"container_type": "container"}, "sandbox: is missing"),
    ],
)
def test_what_makes_no_sense_is_told(place: Place, path: Path, options: Json, message: str) -> None:
    rootfs = sources.make_source(place.folder / "source")
    given: Json = {"path": str(path), "args": ["ls"], **options}
    if not {"image", "archive", "rootfs"} & set(options):
        given["rootfs"] = str(rootfs)
    assert message in place.bad("runsc_bundle", "usage", **given)["msg"]
    assert not path.exists()


def test_an_archive_that_is_an_image(place: Place, path: Path) -> None:
    rootfs = sources.make_source(place.folder / "source")
    image = sources.make_layout(rootfs, place.folder / "layout")
    for transport in ("oci-archive", "docker-archive"):
        archive = place.folder / f"{transport}.tar"
        sources.copy_image(image, f"{transport}:{archive}")
        told = place.bad("runsc_bundle", "usage", path=str(path), archive=str(archive), args=["ls"])
        assert f"Give it as image: {transport}:{archive}" in told["msg"]


@pytest.mark.parametrize("program", ["skopeo", "umoci"])
def test_a_missing_tool_is_named(place: Place, path: Path, program: str) -> None:
    rootfs = sources.make_source(place.folder / "source")
    image = sources.make_layout(rootfs, place.folder / "layout", "--config.cmd=sleep")
    tools = place.folder / "tools"
    tools.mkdir()
    if program == "umoci":
        (tools / "skopeo").symlink_to(shutil.which("skopeo") or "")
    told = place.bad("runsc_bundle", "unsupported", path=str(path), image=image, environment={"PATH": str(tools)})
    assert f"{program} is not installed on the managed node. Install the package '{program}'" in told["msg"]
    assert not path.exists()


def test_a_tool_that_hangs(place: Place, path: Path) -> None:
    rootfs = sources.make_source(place.folder / "source")
    image = sources.make_layout(rootfs, place.folder / "layout", "--config.cmd=sleep")
    tools = place.folder / "tools"
    tools.mkdir()
    (tools / "umoci").write_text("#!/bin/sh\nsleep 1000\n", encoding="ascii")
    (tools / "umoci").chmod(0o755)
    path_variable = f"{tools}:{os.environ['PATH']}"
    told = place.bad(
        "runsc_bundle",
        "timeout",
        path=str(path),
        image=image,
        unpack_timeout=1,
        environment={"PATH": path_variable},
    )
    assert "umoci raw unpack did not end within 1 s. Give it more time with unpack_timeout" in told["msg"]
    assert not path.exists()


def test_an_image_with_nonsense_in_it(place: Place, path: Path) -> None:
    layer = sources.write_tar(place.folder / "layer.tar", ("x", b""))
    image = _image_of(place, layer, "--config.cmd=x", "--config.workingdir=relative")
    told = place.bad("runsc_bundle", "runtime", path=str(path), image=image)
    assert "image: WorkingDir in the configuration of" in told["msg"]
    assert "'relative'" in told["msg"]


def test_nothing_mounted_is_removed(place: Place, path: Path) -> None:
    rootfs = sources.make_source(place.folder / "source")
    options: Json = {"path": str(path), "rootfs": str(rootfs), "copy": True, "args": ["ls"]}
    place.good("runsc_bundle", **options)
    precious = place.folder / "precious place"
    precious.mkdir()
    (precious / "file").write_text("x", encoding="ascii")
    point = path / "rootfs/a mount"
    point.mkdir()
    subprocess.run(["mount", "--bind", precious, point], check=True)
    try:
        for more in ({"state": "absent"}, {"devices": True}):
            told = place.bad("runsc_bundle", "runtime", **{**options, **more})
            assert "is a mount in the bundle. Unmount it first" in told["msg"]
        assert (precious / "file").exists()
    finally:
        subprocess.run(["umount", point], check=True)
    place.good("runsc_bundle", **options, state="absent")
    assert (precious / "file").exists()
