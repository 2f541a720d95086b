# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this runsc binary can do, asked from the binary and never guessed from its version.

Two formats of version string exist, and distributions carry patches. The help texts are true. Asking costs about 30 ms a
question, so the answers are kept in a file for as long as the binary stays the same file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import typing as t

from .errors import UnsupportedError, UsageError
from .models import Version

_FLAG = re.compile(r"^  -{1,2}([A-Za-z][\w-]*)", re.MULTILINE)
_DEFAULT = re.compile(r"\(default (.*)\)\s*$")
# For some flags only the description says it: "sandbox (default), host, none", or "Values: none|open, default: none".
_DEFAULT_IN_WORDS = re.compile(r'"?([\w:-]+)"? \(default\)|default: ([\w:-]+)')
_SUBCOMMAND = re.compile(r"^\t([a-z][\w-]*)\s{2,}", re.MULTILINE)
_CACHE_FORMAT = 3
_BINARY = "binary"  # in the cache, beside the answers: whose they are

Ask = t.Callable[[t.Sequence[str]], str]


def default_cache_folder() -> str:
    """Return where the answers are kept: /var/cache for root, the user's own cache for others."""
    if os.geteuid() == 0:
        return "/var/cache/gvisor.runsc"
    return os.path.join(os.path.expanduser("~"), ".cache", "gvisor.runsc")


_ANY_NEWER = "Install a newer runsc"
# What to do without a subcommand that came lately; from the table of subcommands in gVisor's history.
_NEWER = {
    "update": "Install runsc of 2026-02 or newer, or change the limits in the bundle and make the container anew, for example "
    "with recreate: on-change",
}


class Features:
    """The abilities of one binary.

    :param path: absolute path of the binary.
    :param ask: runs the binary with arguments and returns all that it prints.
    :param cache_folder: where answers are kept between processes; None keeps none.
    """

    def __init__(self, path: str, ask: Ask, cache_folder: str | None = None) -> None:
        self.path = path
        self._ask = ask
        self._cache_folder = cache_folder
        self._answers: dict[str, t.Any] | None = None

    @property
    def version(self) -> Version:
        """The version of runsc and of the OCI specification that it names."""
        return Version(*self._answer("version", lambda: list(Version.from_text(self._ask(["--version"])))))

    @property
    def flags(self) -> dict[str, str]:
        """The global flags, with their defaults as text; a flag without one in the help has an empty default."""
        found = self._answer("flags", lambda: parse_flags(self._ask(["flags"])))
        return dict(found)

    @property
    def subcommands(self) -> list[str]:
        """The names of the subcommands, the debugging ones too."""
        return list(self._answer("subcommands", lambda: sorted(set(_SUBCOMMAND.findall(self._ask(["help"]))))))

    @property
    def platforms(self) -> list[str]:
        """The platforms that the binary was built with. Whether the host can run one is another question."""
        return list(self._answer("platforms", lambda: sorted(self._ask(["help", "platforms"]).split())))

    def subcommand_flags(self, subcommand: str) -> list[str]:
        """Return the flags of a subcommand; none if the binary has no such subcommand."""
        if subcommand not in self.subcommands:
            return []
        return list(self._answer(f"help {subcommand}", lambda: sorted(parse_flags(self._ask(["help", subcommand])))))

    def require_subcommand(self, subcommand: str) -> None:
        """:raises UnsupportedError: the binary lacks the subcommand."""
        if subcommand not in self.subcommands:
            raise UnsupportedError(
                f"runsc {self.version.runsc} has no subcommand {subcommand!r}",
                remedy=_NEWER.get(subcommand, _ANY_NEWER),
            )

    def require_subcommand_flag(self, subcommand: str, flag: str) -> None:
        """:raises UnsupportedError: the subcommand lacks the flag in this binary."""
        self.require_subcommand(subcommand)
        if flag not in self.subcommand_flags(subcommand):
            raise UnsupportedError(
                f"'runsc {subcommand}' of version {self.version.runsc} has no flag {flag!r}",
                remedy="Install a newer runsc",
            )

    def require_flags(self, names: t.Iterable[str], option: str = "config") -> None:
        """:raises UnsupportedError: the binary lacks one of the global flags; the error names it and a similar one."""
        unknown = sorted(set(names) - set(self.flags))
        if unknown:
            raise UnsupportedError(
                f"{option}: runsc {self.version.runsc} has no flag {unknown[0]!r}{_suggestion(unknown[0], self.flags)}",
                remedy="See 'runsc flags' for the flags that it has",
            )

    def require_platform(self, platform: str, option: str = "platform") -> None:
        """:raises UsageError: the binary was built without this platform."""
        if platform not in self.platforms:
            raise UsageError(
                f"{option}: runsc {self.version.runsc} has no platform {platform!r}",
                remedy=f"It has {', '.join(self.platforms)}",
            )

    def _answer(self, question: str, ask: t.Callable[[], t.Any]) -> t.Any:
        if self._answers is None:
            self._answers = self._load()
        if question not in self._answers:
            self._answers[question] = ask()
            self._save()
        return self._answers[question]

    def _cache_file(self) -> str:
        """The file that belongs to exactly this binary: another build at the same path has another one."""
        try:
            status = os.stat(self.path)
        except OSError:
            return ""
        identity = [
            _CACHE_FORMAT,
            os.path.realpath(self.path),
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
        ]
        digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]
        return os.path.join(self._cache_folder, f"features-{digest}.json") if self._cache_folder else ""

    def _load(self) -> dict[str, t.Any]:
        path = self._cache_file()
        try:
            with open(path, encoding="utf-8") as file:
                if os.fstat(file.fileno()).st_uid != os.geteuid():
                    return {}  # never believe what another user could have written
                answers = json.load(file)
        except (OSError, ValueError):
            return {}
        return answers if isinstance(answers, dict) else {}

    def _save(self) -> None:
        """Keep the answers. A cache that can't be written costs time, not correctness."""
        path = self._cache_file()
        if not path or not self._cache_folder:
            return
        try:
            os.makedirs(self._cache_folder, mode=0o755, exist_ok=True)
            descriptor, draft = tempfile.mkstemp(dir=self._cache_folder, prefix=".features-")
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({**(self._answers or {}), _BINARY: os.path.realpath(self.path)}, file, sort_keys=True)
            os.replace(draft, path)
            self._forget_gone_binaries()
        except (OSError, ValueError, AttributeError):  # another task may be at it, or a file is damaged
            return

    def _forget_gone_binaries(self) -> None:
        """Remove the answers of binaries that are no longer where they were."""
        for name in os.listdir(self._cache_folder or "."):
            path = os.path.join(self._cache_folder or ".", name)
            if not re.fullmatch(r"features-[0-9a-f]{32}\.json", name) or path == self._cache_file():
                continue
            with open(path, encoding="utf-8") as file:
                answers = json.load(file)
            if not os.path.exists(str(answers.get(_BINARY, ""))):
                os.unlink(path)


def parse_flags(text: str) -> dict[str, str]:
    """Return the flags that a help text of Go's flag package lists, with their defaults."""
    flags: dict[str, str] = {}
    matches = list(_FLAG.finditer(text))
    ends = [match.start() for match in matches[1:]] + [len(text)]
    for match, end in zip(matches, ends):
        flags[match.group(1)] = _default(text[match.end() : end].strip())
    return flags


def _default(description: str) -> str:
    found = _DEFAULT.search(description)
    if found:
        return found.group(1).strip('"')
    said = _DEFAULT_IN_WORDS.search(description)
    return (said.group(1) or said.group(2)) if said else ""


def _suggestion(word: str, known: t.Iterable[str]) -> str:
    import difflib  # slow to import, needed for an error only

    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
