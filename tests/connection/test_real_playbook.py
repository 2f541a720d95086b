# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A playbook that was written for machines, in C(site): a package, users, files, templates, handlers and a service."""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
from pathlib import Path

from ansible_collections.gvisor.runsc.tests.connection.support import Site, quoted
from ansible_collections.gvisor.runsc.tests.modules.support import PATIENCE

SITE = Path(__file__).with_name("site")
HOST = "greeter1"


def _playbook(folder: Path) -> Path:
    """Copy the playbook to a folder, with the files that are no text: the package and an archive."""
    shutil.copytree(SITE, folder)
    files = folder / "roles/greeter/files"
    build = ["dpkg-deb", "--root-owner-group", "--build", folder / "package", files / "greeter.deb"]
    subprocess.run(build, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=PATIENCE)
    (folder / "past.log").write_text("2025: hello\n", encoding="utf-8")
    with tarfile.open(files / "past.tar.gz", "w:gz") as archive:
        archive.add(folder / "past.log", "past.log")
    return folder / "site.yml"


def _recap(output: str) -> dict[str, int]:
    line = re.search(rf"^{HOST} .*$", output.rpartition("PLAY RECAP")[2], re.MULTILINE)
    assert line, output
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line[0])}


def test_a_playbook_for_machines(own_distribution: Site) -> None:
    host = own_distribution
    playbook = _playbook(host.folder / "site")
    inventory = host.inventory({HOST: {}}, groups={"greeters": [HOST]})

    def play(*arguments: str) -> dict[str, int]:
        return _recap(host.ansible("ansible-playbook", *arguments, str(playbook), inventory=inventory))

    first = play()
    assert first["changed"] > 15 and first["unreachable"] == first["failed"] == first["skipped"] == 0, first
    again = play()
    assert again["changed"] == 0 and again["ok"] == first["ok"] - 2, again  # the handlers

    assert host.out("dpkg-query --show --showformat='${Status} ${Version}' greeter") == "install ok installed 1.0"
    assert host.out("id -nG ada").split() == ["ada", "operators", "auditors"]
    assert host.out("cat /etc/greeter/usual") == "Grüß Gott\n"
    assert f"host = {HOST}\n" in host.out("cat /etc/greeter/greeter.ini")
    assert host.out("cat /var/log/greeter/changes") == "Grüß Gott\n"
    # Debian's stat asks runsc of 2022 for more than it knows.
    look = "import pathlib, sys; [print(p.owner(), p.group(), oct(p.stat().st_mode)) for p in map(pathlib.Path, sys.argv[1:])]"
    seen = host.out(quoted("python3", "-c", look, "/etc/greeter/greetings.d/zh", "/home/ada/.profile"))
    assert seen.splitlines() == ["ada operators 0o100664", "ada ada 0o100644"]
    assert len([line for line in host.inside() if "http.server" in line]) == 1

    changed = play("--extra-vars", "greeter_greeting=Hallo")
    assert changed["changed"] == 3, changed  # the file, the restart and the note
    assert host.out("cat /var/log/greeter/changes") == "Grüß Gott\nHallo\n"
