# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files into a container and out of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible.errors import AnsibleError, AnsibleFileNotFound

from ansible_collections.gvisor.runsc.plugins.plugin_utils.connection import transfer
from ansible_collections.gvisor.runsc.tests.connection.support import Site

ALL_BYTES = bytes(range(256)) * 3000
NAMES = ["plain", "two words", 'it\'s "quoted" `$HOME` \\', "new\nline", "汉语", "-rf", "\udcff\udcfe"]


def _file(site: Site, content: bytes, mode: int = 0o600) -> str:
    path = site.tmp / "source"
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


def test_any_name(shared: Site) -> None:
    connection = shared.connection()
    for name in NAMES:
        source, back = _file(shared, ALL_BYTES), str(shared.tmp / name)
        connection.put_file(source, f"/tmp/{name}")
        connection.fetch_file(f"/tmp/{name}", back)
        with open(os.fsencode(back), "rb") as file:
            assert file.read() == ALL_BYTES
        os.unlink(os.fsencode(back))
        assert connection.exec_command("cd /tmp; printf %s *; rm -- *", sudoable=False)[1] == os.fsencode(name)
    assert [path.name for path in shared.tmp.iterdir()] == ["source"]


def test_an_empty_file(shared: Site) -> None:
    connection = shared.connection()
    connection.put_file(_file(shared, b""), "/tmp/empty")
    connection.fetch_file("/tmp/empty", str(shared.tmp / "back"))
    assert (shared.tmp / "back").read_bytes() == b""
    assert shared.out("stat -c '%s %a' /tmp/empty; rm /tmp/empty") == "0 600\n"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_new_file_gets_the_mode_and_an_old_one_keeps_its_own(shared: Site, mode: int) -> None:
    connection = shared.connection()
    connection.put_file(_file(shared, b"new", mode), "/tmp/file")
    assert shared.out("stat -c '%s %a' /tmp/file") == f"3 {mode:o}\n"
    shared.out("chmod 0707 /tmp/file")
    connection.put_file(_file(shared, b"newer", mode), "/tmp/file")
    assert shared.out("stat -c '%s %a' /tmp/file; rm /tmp/file") == "5 707\n"


def test_a_link_at_the_destination_leads_nowhere_but_into_the_container(shared: Site) -> None:
    outside = shared.tmp / "outside"
    outside.write_text("of the host", encoding="utf-8")
    shared.out(f"mkdir -p /tmp{shared.tmp}; ln -s /tmp{outside} /tmp/inner; ln -s {outside} /tmp/outer")
    connection = shared.connection()
    connection.put_file(_file(shared, b"changed"), "/tmp/inner")
    assert shared.out(f"cat /tmp{outside}") == "changed"
    with pytest.raises(AnsibleError, match="failed to transfer file"):
        connection.put_file(_file(shared, b"changed"), "/tmp/outer")
    with pytest.raises(AnsibleError, match="failed to transfer file"):
        connection.fetch_file("/tmp/outer", str(shared.tmp / "back"))
    assert outside.read_text(encoding="utf-8") == "of the host"
    shared.out("rm -r /tmp/*")
    outside.unlink()


def test_what_is_written_is_what_the_container_sees(near: Site) -> None:
    """An overlay, the default of newer versions, hides it from the host's view of the root file system, and that from it."""
    copy = near.folder / "rootfs"
    os.symlink(near.config["root"]["path"] + "/bin", near.folder / "bin")
    (copy / "proc").mkdir(parents=True)
    (copy / "tmp").mkdir()
    (copy / "bin").mkdir()
    for path in Path(near.config["root"]["path"], "bin").iterdir():
        os.link(path, copy / "bin" / path.name, follow_symlinks=False)
    near.make(changes={"root": {"path": str(copy), "readonly": False}})
    near.connection().put_file(_file(near, b"there"), "/file")
    assert near.out("cat /file") == "there"


def test_a_missing_folder(shared: Site) -> None:
    with pytest.raises(AnsibleError, match=r"failed to transfer file .* to /tmp/none/file: .*none/file"):
        shared.connection().put_file(_file(shared, b"data"), "/tmp/none/file")
    with pytest.raises(AnsibleError, match=r"failed to transfer file /tmp/none to .*: .*none"):
        shared.connection().fetch_file("/tmp/none", str(shared.tmp / "back"))
    with pytest.raises(AnsibleError, match="can't be written: No such file or directory"):
        shared.connection().fetch_file("/bin/true", str(shared.tmp / "none/back"))
    with pytest.raises(AnsibleFileNotFound, match="file or module does not exist"):
        shared.connection().put_file(str(shared.tmp / "none"), "/tmp/file")
    with pytest.raises(AnsibleError, match="is not a regular file"):
        shared.connection().put_file(str(shared.tmp), "/tmp/file")


def test_a_file_that_can_not_be_fetched_leaves_the_old_one_alone(shared: Site) -> None:
    back = shared.tmp / "back"
    back.write_text("old", encoding="utf-8")
    with pytest.raises(AnsibleError, match="failed to transfer file"):
        shared.connection().fetch_file("/tmp/none", str(back))
    assert back.read_text(encoding="utf-8") == "old"
    assert sorted(path.name for path in shared.tmp.iterdir() if path.name != "source") == ["back"]
    back.unlink()


def test_a_full_disk(site: Site) -> None:
    mounts = [
        *site.config["mounts"],
        {"destination": "/small", "type": "tmpfs", "source": "tmpfs", "options": ["size=1m"]},
    ]
    site.make(changes={"mounts": mounts})
    connection = site.connection()
    with pytest.raises(AnsibleError, match=r"failed to transfer file .*No space left on device"):
        connection.put_file(_file(site, b"x" * (3 << 20)), "/small/file")
    connection.put_file(_file(site, b"fits"), "/small/file")
    assert site.out("cat /small/file") == "fits"


def test_a_file_that_becomes_shorter_meanwhile(near: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    near.make()
    monkeypatch.setattr(transfer.File, "pieces", lambda _file: iter([b"half"]))
    with pytest.raises(AnsibleError, match="the file became shorter while it was read: 4 bytes are missing"):
        near.connection().put_file(_file(near, b"half" * 2), "/tmp/file")
    assert "cat" not in " ".join(near.inside())
