# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A playbook that was written for machines, in C(site): a package, users, files, templates, handlers and a service."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

from ansible_collections.gvisor.runsc.tests.connection.support import Site, quoted
from ansible_collections.gvisor.runsc.tests.modules.support import PATIENCE

SITE = Path(__file__).with_name("site")
HOSTS = ("near", "far")
LONG = 600.0  # seconds until a play of two dozen tasks is given up, on a machine that may be busy


def _playbook(folder: Path) -> Path:
    """Copy the playbook to a folder, with the files that are no text: the package and an archive."""
    shutil.copytree(SITE, folder)
    files = folder / "roles/greeter/files"
    build = ["dpkg-deb", "--root-owner-group", "--build", str(folder / "package"), str(files / "greeter.deb")]
    subprocess.run(build, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=PATIENCE)
    (folder / "past.log").write_text("2025: hello\n", encoding="utf-8")
    with tarfile.open(files / "past.tar.gz", "w:gz") as archive:
        archive.add(folder / "past.log", "past.log")
    return folder / "site.yml"


def _recaps(output: str) -> list[dict[str, int]]:
    """Return the numbers of each host at the end of a play."""
    lines = [re.search(rf"^{host} .*$", output.rpartition("PLAY RECAP")[2], re.MULTILINE) for host in HOSTS]
    return [{name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line[0])} for line in lines if line]


def test_a_playbook_for_machines(two_distributions: list[Site]) -> None:
    near, far = two_distributions
    playbook = _playbook(near.folder / "site")
    hosts = {"near": near.variables(), "far": far.variables()}
    inventory = near.folder / "greeters.json"
    inventory.write_text(json.dumps({"greeters": {"hosts": hosts}}), encoding="utf-8")

    def play() -> list[dict[str, int]]:
        output = near.ansible("ansible-playbook", str(playbook), inventory=inventory, patience=LONG)
        recaps = _recaps(output)
        assert len(recaps) == 2 and not any(recap["skipped"] for recap in recaps), output
        return recaps

    first = play()
    assert all(recap["changed"] > 15 for recap in first), first
    for before, after in zip(first, play(), strict=True):
        assert (after["changed"], after["ok"]) == (0, before["ok"] - 2), (before, after)  # the two handlers
    for name, host in zip(HOSTS, two_distributions, strict=True):
        _look(name, host)


def _look(name: str, host: Site) -> None:
    """Look past the playbook at what it has done."""
    assert host.out("dpkg-query --show --showformat='${Status} ${Version}' greeter") == "install ok installed 1.0"
    assert host.out("id -nG ada").split() == ["ada", "operators", "auditors"]
    assert host.out("cat /etc/greeter/usual /var/log/greeter/changes /var/log/greeter/past.log").splitlines() == [
        "Grüß Gott",
        "Grüß Gott",
        "2025: hello",
    ]
    assert f"host = {name}\n" in host.out("cat /etc/greeter/greeter.ini")
    # Debian's stat asks runsc of 2022 for more than it knows.
    look = "import pathlib, sys; [print(p.owner(), p.group(), oct(p.stat().st_mode)) for p in map(pathlib.Path, sys.argv[1:])]"
    seen = host.out(quoted("python3", "-c", look, "/etc/greeter/greetings.d/zh", "/home/ada/.profile"))
    assert seen.splitlines() == ["ada operators 0o100664", "ada ada 0o100644"]
    assert len([line for line in host.inside() if "http.server" in line]) == 1
