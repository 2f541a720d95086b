# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch every runsc version that this Debian release offers, without installing any.

usage: fetch_runsc.py FOLDER [--refresh]

Each upstream version goes to ``FOLDER/<label>/runsc``, and ``FOLDER/versions.json`` lists them, oldest first::

    [{"label": "runsc-20240729", "version": "0.0~20240729.0", "package": "0.0~20240729.0-4", "path": "/...",
      "platform": "systrap"}]

The mirror is the one that the machine's own apt uses. The suites may be more than the machine has switched on
(backports), so apt gets a state of its own below FOLDER, and the machine's configuration stays as it is.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

# Where runsc is found, by release. A release that is not listed here is asked for its own.
SUITES = {"bookworm": ("bookworm", "bookworm-backports"), "trixie": ("trixie",)}
ETC_APT = Path("/etc/apt")
# gVisor's own preference: systrap replaced ptrace as its default as soon as it existed.
PLATFORMS = ("systrap", "ptrace")
# Seconds. The package is 25 MB; a mirror that needs longer than this is of no use to a test run.
APT_DEADLINE = 300


class FetchError(Exception):
    """What went wrong, for the person who runs this."""


@dataclass(frozen=True)
class Mirror:
    """Where the machine's apt gets a release from, and the key file that it trusts for that ("" for apt's default)."""

    uri: str
    signed_by: str


@dataclass(frozen=True)
class Version:
    """One fetched runsc, as the tests get to know it."""

    label: str
    version: str
    package: str
    path: str
    platform: str


def run(argv: list[str], *, cwd: Path | None = None) -> str:
    """Run a command and return its standard output.

    Raises FetchError with the command's own message when it fails or takes longer than APT_DEADLINE.
    """
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            env=environment,
            check=False,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=APT_DEADLINE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchError(f"{shlex.join(argv)}: {error}") from error
    if done.returncode:
        raise FetchError(f"{shlex.join(argv)}: exit {done.returncode}\n{done.stderr.strip()}")
    return done.stdout


def release_codename() -> str:
    """Return the code name of this Debian release."""
    os_release = Path("/etc/os-release").read_text(encoding="utf-8")
    fields = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    codename = fields.get("VERSION_CODENAME", "").strip('"')
    if fields.get("ID", "").strip('"') != "debian" or not codename:
        raise FetchError("this fetches Debian's packages, but /etc/os-release does not name a Debian release")
    return codename


def deb822_stanzas(text: str) -> Iterator[dict[str, str]]:
    """Yield the stanzas of a ``.sources`` file, keys in lower case, continued lines joined by newlines."""
    for block in re.split(r"\n\s*\n", text):
        stanza: dict[str, str] = {}
        key = ""
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace() and key:
                stanza[key] += "\n" + line.strip()
            elif ":" in line:
                name, value = line.split(":", 1)
                key = name.strip().lower()
                stanza[key] = value.strip()
        if stanza:
            yield stanza


def one_line_stanzas(text: str) -> Iterator[dict[str, str]]:
    """Yield the ``deb`` lines of a ``.list`` file in the shape of deb822 stanzas."""
    pattern = re.compile(r"\s*(deb)\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)")
    for line in text.splitlines():
        match = pattern.match(line)
        if not match:
            continue
        kind, options, uri, suite, components = match.groups()
        pairs = dict(pair.split("=", 1) for pair in (options or "").split() if "=" in pair)
        yield {"types": kind, "uris": uri, "suites": suite, "components": components, **pairs}


def machine_stanzas() -> Iterator[dict[str, str]]:
    """Yield every source that the machine's apt is configured with."""
    parts = ETC_APT / "sources.list.d"
    for path in sorted(parts.glob("*.sources")):
        yield from deb822_stanzas(path.read_text(encoding="utf-8"))
    for path in (ETC_APT / "sources.list", *sorted(parts.glob("*.list"))):
        if path.is_file():
            yield from one_line_stanzas(path.read_text(encoding="utf-8"))


def find_mirror(stanzas: Iterable[dict[str, str]], codename: str) -> Mirror:
    """Return the first enabled source that carries the release itself."""
    for stanza in stanzas:
        switched_off = stanza.get("enabled", "yes").lower() in {"no", "false", "0"}
        offers = codename in stanza.get("suites", "").split() and "main" in stanza.get("components", "").split()
        if switched_off or not offers or "deb" not in stanza.get("types", "").split():
            continue
        signed_by = stanza.get("signed-by", "")
        # A key written out in the source file itself has no place in the one-line format. apt's own keys do then.
        return Mirror(stanza["uris"].split()[0], signed_by if signed_by.startswith("/") else "")
    raise FetchError(f"no source below {ETC_APT} carries {codename} main: nothing to fetch runsc from")


def private_apt(folder: Path, mirror: Mirror, suites: Iterable[str]) -> list[str]:
    """Lay out an apt state below ``folder``; return the options that make apt's programs use it alone."""
    option = f"[signed-by={mirror.signed_by}] " if mirror.signed_by else ""
    sources = folder / "sources.list"
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    sources.write_text("".join(f"deb {option}{mirror.uri} {suite} main\n" for suite in suites), encoding="utf-8")
    settings = {
        "Dir::Etc::SourceList": str(sources),
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": str(folder / "lists"),
        "Dir::Cache": str(folder / "cache"),
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        # apt's own user could not write below a folder of somebody else.
        "APT::Sandbox::User": "root",
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def offered_packages(madison: str) -> dict[str, str]:
    """Return the newest package of each upstream version, by upstream version, oldest first.

    ``madison`` is the output of ``apt-cache madison``, which apt sorts newest first.
    """
    found: dict[str, str] = {}
    for line in madison.splitlines():
        fields = [field.strip() for field in line.split("|")]
        if len(fields) == 3 and fields[2].endswith("Packages"):
            found.setdefault(fields[1].rsplit("-", 1)[0], fields[1])
    return dict(reversed(found.items()))


def label_of(upstream: str) -> str:
    """Return the folder name for an upstream version: ``0.0~20240729.0`` gives ``runsc-20240729``."""
    date = re.search(r"\d{8}", upstream)
    return "runsc-" + (date.group() if date else re.sub(r"[^0-9A-Za-z.]+", "-", upstream))


def best_platform(binary: Path) -> str:
    """Return the platform to use with this runsc, from what it lists itself."""
    listed = run([str(binary), "help", "platforms"]).split()
    for platform in PLATFORMS:
        if platform in listed:
            return platform
    raise FetchError(f"{binary} help platforms lists none of {', '.join(PLATFORMS)}: {' '.join(listed)}")


def fetch(folder: Path, options: list[str], upstream: str, package: str) -> Version:
    """Download one package and put its runsc in place."""
    label = label_of(upstream)
    target = folder / label / "runsc"
    with tempfile.TemporaryDirectory(dir=folder) as name:
        work = Path(name)
        run(["apt-get", *options, "download", f"runsc={package}"], cwd=work)
        run(["dpkg-deb", "-x", str(next(work.glob("runsc_*.deb"))), str(work / "tree")])
        target.parent.mkdir(exist_ok=True)
        # Renamed into place: a sandbox of an earlier run may still execute the old file.
        (work / "tree/usr/bin/runsc").replace(target)
    target.chmod(0o755)
    target.parent.chmod(0o755)
    return Version(label, upstream, package, str(target), best_platform(target))


def fetch_all(folder: Path) -> list[Version]:
    """Fetch all versions that this release offers into ``folder``."""
    codename = release_codename()
    options = private_apt(folder / "apt", find_mirror(machine_stanzas(), codename), SUITES.get(codename, (codename,)))
    run(["apt-get", *options, "-o", "APT::Update::Error-Mode=any", "update"])
    packages = offered_packages(run(["apt-cache", *options, "madison", "runsc"]))
    if not packages:
        raise FetchError(f"{codename} offers no runsc for this architecture")
    return [fetch(folder, options, upstream, package) for upstream, package in packages.items()]


def stored(manifest: Path) -> list[Version]:
    """Return the versions of an earlier run; none when any of their files is gone."""
    if not manifest.is_file():
        return []
    versions = [Version(**entry) for entry in json.loads(manifest.read_text(encoding="utf-8"))]
    return versions if all(os.access(version.path, os.X_OK) for version in versions) else []


def main() -> None:
    """Fetch what is missing, write the manifest, and say which versions there are."""
    parser = argparse.ArgumentParser(description="Fetch every runsc version that this Debian release offers.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--refresh", action="store_true", help="ask the mirror again though all is there")
    arguments = parser.parse_args()
    folder = arguments.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    manifest = folder / "versions.json"
    try:
        versions = [] if arguments.refresh else stored(manifest)
        if not versions:
            versions = fetch_all(folder)
            text = json.dumps([asdict(version) for version in versions], indent=2)
            manifest.write_text(text + "\n", encoding="utf-8")
    except FetchError as error:
        sys.exit(f"fetch_runsc.py: {error}")
    shutil.rmtree(folder / "apt", ignore_errors=True)
    for version in versions:
        print(f"{version.label}: Debian package {version.package}, platform {version.platform}")
    if len(versions) == 1:
        print("This Debian release offers one runsc version only: the tests run on that one.")


if __name__ == "__main__":
    main()
