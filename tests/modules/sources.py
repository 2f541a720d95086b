# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Things to make bundles from: a small root file system, archives and images of it."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

from ansible_collections.gvisor.runsc.tests.modules.support import PATIENCE, make_rootfs

PASSWD = "root:x:0:0:root:/:/bin/sh\nweb:x:1234:4321::/tmp:/bin/sh\n"
GROUP = "root:x:0:\nweb:x:4321:\nlogs:x:77:web\ntapes:x:78:root,web\n"


def call(*argv: object) -> str:
    """Run a program that must not fail, and return what it prints."""
    words = [str(word) for word in argv]
    done = subprocess.run(
        words, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def make_source(folder: Path) -> Path:
    """Make a root file system with accounts and a file that tells it apart."""
    make_rootfs(folder)
    (folder / "etc/passwd").write_text(PASSWD, encoding="ascii")
    (folder / "etc/group").write_text(GROUP, encoding="ascii")
    (folder / "etc/motd").write_text("one\n", encoding="ascii")
    folder.chmod(0o755)
    return folder


def make_archive(rootfs: Path, archive: Path) -> Path:
    """Pack a root file system; the name says how it is compressed."""
    call("tar", "--create", "--auto-compress", f"--file={archive}", f"--directory={rootfs}", ".")
    return archive


def make_layout(rootfs: Path, layout: Path, *config: str, tag: str = "one") -> str:
    """Make an image of a root file system in an OCI layout, and return its name. C(config) are options of umoci config."""
    if not layout.exists():
        call("umoci", "init", "--layout", layout)
    image = f"{layout}:{tag}"
    call("umoci", "new", "--image", image)
    call("umoci", "insert", "--image", image, rootfs, "/")
    if config:
        call("umoci", "config", "--image", image, *config)
    return f"oci:{image}"


def copy_image(source: str, destination: str) -> str:
    """Copy an image to another kind of storage, and return its new name."""
    call("skopeo", "copy", "--quiet", source, destination)
    return destination


def write_tar(path: Path, *members: tarfile.TarInfo | tuple[str, bytes]) -> Path:
    """Write an archive of members as they are, however bad; a pair is a file and its content."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            archive.addfile(info, io.BytesIO(member[1]))
    return path


def member(name: str, kind: bytes, target: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    """Return a member of an archive that is no plain file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, target, mode
    info.devmajor, info.devminor = 1, 3
    return info
