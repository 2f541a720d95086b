# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing a bundle to what was asked for: look, stage, compare, replace. No Ansible in here."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import typing as t

from . import accounts, bundle_folder, rootfs_source
from .bundle import CONFIG, check_document
from .bundle_config import HOST_FILES, ROOTFS_ANNOTATION, Found, build_config, parse, user_of
from .bundle_folder import ROOTFS, Made
from .rootfs_source import IMAGE, IN_PLACE, Source
from .runsc import statedir
from .runsc.client import Runsc
from .runsc.errors import RefusedError, UsageError
from .unpack import Tools

MASK = "********"
UNPACK, WRITE, REMOVE = "rootfs", "config", "remove"  # actions
_LONGEST_HOSTNAME = 64
_WITH_DEVICES = "+devices"  # after the digest of a source whose device nodes were kept: it is another root file system


class Wanted(t.NamedTuple):
    """A bundle that is asked for. C(params) are the options that become its configuration."""

    path: str
    source: Source
    params: t.Mapping[str, t.Any]
    pull: str = "always"
    devices: bool = False


class Outcome(t.NamedTuple):
    """What was done, or would be in check mode. Secrets are masked in both texts of the configuration and in C(config).

    C(outdated) are the containers that live with an earlier root file system.
    """

    actions: list[str]
    config: dict[str, t.Any] | None = None
    rootfs: str | None = None
    image_digest: str | None = None
    config_digest: str | None = None
    before: str = ""
    after: str = ""
    outdated: t.Sequence[str] = ()


def check_path(path: str) -> None:
    """:raises UsageError: it can't be the folder of a bundle."""
    if not os.path.isabs(path) or os.path.normpath(path) in ("/", "//"):
        raise UsageError(
            f"path: {path!r} is not the absolute path of a folder", remedy="Give one, such as /srv/bundles/web"
        )
    if os.path.lexists(path) and not os.path.isdir(path):
        raise UsageError(f"path: {path!r} is not a folder", remedy="Give another path, or remove it")


def build(runsc: Runsc, tools: Tools, wanted: Wanted, *, check_mode: bool = False) -> Outcome:
    """Bring a bundle to what is asked for. In check mode nothing in it is touched.

    :raises UsageError: what is asked for makes no sense.
    :raises RunscError: a program that was needed failed. What was there is still there.
    """
    options = parse(wanted.params)
    if options.get("flag_overrides"):
        flags = {name.rpartition(".")[2] for name in options["flag_overrides"]}
        runsc.features.require_flags(flags, "flag_overrides")
    check_path(wanted.path)
    rootfs_source.check_source(wanted.source, wanted.path)
    _refuse_foreign(wanted)
    with _held(wanted.path, check_mode):
        return _Build(runsc, tools, wanted, options, check_mode).run()


def _held(path: str, check_mode: bool) -> t.ContextManager[None]:
    return contextlib.nullcontext() if check_mode else bundle_folder.held(path)


def _refuse_foreign(wanted: Wanted) -> None:
    """:raises RefusedError: something that this collection did not make is where the bundle is to be."""
    made = bundle_folder.read_made(wanted.path)
    foreign = [CONFIG] if made is None and os.path.lexists(os.path.join(wanted.path, CONFIG)) else []
    is_ours = made is not None and made.source[:1] != [IN_PLACE]
    if not is_ours and os.path.lexists(os.path.join(wanted.path, ROOTFS)) and wanted.source.kind != IN_PLACE:
        foreign.append(ROOTFS)
    if foreign:
        raise RefusedError(
            f"path: there is a {' and a '.join(foreign)} in {wanted.path!r} that this module did not make, and would replace",
            remedy="Remove it, or choose another path",
        )


def _is_own_place(source: Source, path: str) -> bool:
    """Whether the root file system is a folder that the user made right where a bundle has it."""
    return source.kind == IN_PLACE and os.path.realpath(source.location) == os.path.realpath(os.path.join(path, ROOTFS))


class _Build:
    """One way from the options to the bundle."""

    def __init__(self, runsc: Runsc, tools: Tools, wanted: Wanted, options: dict[str, t.Any], check_mode: bool) -> None:
        self._runsc = runsc
        self._tools = tools
        self._wanted = wanted
        self._options = options
        self._check_mode = check_mode
        self._made = bundle_folder.read_made(wanted.path)
        self._actions: list[str] = []
        self._outdated: list[str] = []

    def run(self) -> Outcome:
        """Look, and do what there is to do."""
        digest = self._digest()
        self._outdated = self._find_outdated(digest)
        self._sweep()
        if not self._has_to_unpack(digest):
            image = self._made.image if self._made else {}
            return self._configure(self._rootfs_now(), digest, image)
        self._actions.append(UNPACK)
        image = self._tools.image_config(self._wanted.source.location) if self._wanted.source.kind == IMAGE else {}
        if self._check_mode and not self._needs_accounts(image):
            return self._configure("", digest, image)
        return self._unpack(digest, image)

    def _unpack(self, digest: str, image: t.Mapping[str, t.Any]) -> Outcome:
        wanted = self._wanted
        place = os.path.dirname(wanted.path) if self._check_mode else wanted.path
        with bundle_folder.staging(_existing(place)) as folder:
            new = rootfs_source.make(wanted.source, self._tools, folder, devices=wanted.devices)
            return self._configure(new, digest, image)

    def _digest(self) -> str:
        """Return the digest that the root file system is to have; the present one where only a missing image is pulled."""
        wanted, made = self._wanted, self._made
        is_same = made is not None and made.source == self._identity()
        if made and is_same and wanted.source.kind == IMAGE and wanted.pull == "missing" and self._has_rootfs():
            return made.digest
        digest = rootfs_source.identify(wanted.source, self._tools)
        return f"{digest}{_WITH_DEVICES}" if digest and wanted.devices else digest

    def _identity(self) -> list[t.Any]:
        return [self._wanted.source.kind, self._wanted.source.location, self._wanted.devices]

    def _has_rootfs(self) -> bool:
        return os.path.isdir(os.path.join(self._wanted.path, ROOTFS))

    def _has_to_unpack(self, digest: str) -> bool:
        """Whether the content is another one. The same content under another name or path is not."""
        if self._wanted.source.kind == IN_PLACE:
            return False
        made, kind = self._made, self._wanted.source.kind
        return made is None or made.source[:1] != [kind] or made.digest != digest or not self._has_rootfs()

    def _rootfs_now(self) -> str:
        source = self._wanted.source
        return source.location if source.kind == IN_PLACE else os.path.join(self._wanted.path, ROOTFS)

    def _needs_accounts(self, image: t.Mapping[str, t.Any]) -> bool:
        user = user_of(self._options, image)
        return accounts.numbers(user) is None or ":" not in user

    def _user(self, rootfs: str, image: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        user = user_of(self._options, image)
        if not self._needs_accounts(image):
            return accounts.numbers(user) or {}
        return accounts.from_rootfs(user, rootfs)

    def _configure(self, rootfs: str, digest: str, image: t.Mapping[str, t.Any]) -> Outcome:
        """Put the configuration together, compare it with the one that is there, and replace what has to be."""
        wanted = self._wanted
        in_place = wanted.source.kind == IN_PLACE and not _is_own_place(wanted.source, wanted.path)
        hostname = os.path.basename(os.path.normpath(wanted.path))
        found = Found(
            rootfs=wanted.source.location if in_place else ROOTFS,
            folder=self._rootfs_now(),
            digest=digest,
            image=image,
            user=self._user(rootfs, image),
            host_files=tuple(path for path in HOST_FILES if os.path.exists(path)),
            hostname=hostname if len(hostname) <= _LONGEST_HOSTNAME else "",
        )
        config = build_config(self._options, found)
        check_document(config, wanted.path)
        before = bundle_folder.read_config_text(wanted.path)
        after = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
        if before != after:
            self._actions.append(WRITE)
        made = Made(self._identity(), digest, image, sorted(self._options.get("secret_env", {})))
        if not self._check_mode:
            self._commit(rootfs, after, made)
        secrets = {*made.secrets, *(self._made.secrets if self._made else ())}
        changed = _changed_variables(before, config)
        return Outcome(
            actions=self._actions,
            config=masked(config, secrets),
            rootfs=self._rootfs_now(),
            image_digest=digest.replace(_WITH_DEVICES, "") if wanted.source.kind == IMAGE else None,
            config_digest=f"sha256:{hashlib.sha256(after.encode()).hexdigest()}",
            before=masked_text(before, secrets),
            after=masked_text(after, secrets, changed),
            outdated=self._outdated,
        )

    def _commit(self, rootfs: str, text: str, made: Made) -> None:
        path = self._wanted.path
        had_own = self._made is not None and self._made.source[:1] != [IN_PLACE]
        if self._made is None:  # first of all, so that what a killed task leaves is known to be ours, and made again
            bundle_folder.write_made(path, Made([IN_PLACE] if made.source[:1] == [IN_PLACE] else []))
        if UNPACK in self._actions:
            bundle_folder.replace_rootfs(path, rootfs, is_used=bool(self._outdated))
        elif self._wanted.source.kind == IN_PLACE and had_own and not _is_own_place(self._wanted.source, path):
            bundle_folder.replace_rootfs(path, None, is_used=bool(self._outdated))
        if WRITE in self._actions:
            bundle_folder.write_config(path, text)
        if made != self._made:
            bundle_folder.write_made(path, made)

    def _sweep(self) -> None:
        if not self._check_mode:
            bundle_folder.sweep(self._wanted.path, is_used=bool(self._outdated))

    def _find_outdated(self, digest: str) -> list[str]:
        """Return the living containers that were made from a root file system of this bundle with another digest."""
        return [
            record.id
            for record in users_of(self._runsc, self._wanted.path)
            if (record.spec.get("annotations") or {}).get(ROOTFS_ANNOTATION, "") != digest
        ]


def remove(runsc: Runsc, path: str, *, check_mode: bool = False) -> Outcome:
    """Remove a bundle that this collection made; a folder that was used in place stays.

    :raises RefusedError: containers use it, or it was not made by this collection.
    """
    check_path(path)
    if not os.path.isdir(path):
        return Outcome([])
    made = bundle_folder.read_made(path)
    if made is None:
        if not os.path.lexists(os.path.join(path, CONFIG)):
            return Outcome([])
        raise RefusedError(
            f"path: the bundle in {path!r} was not made by this module",
            remedy="Remove it with ansible.builtin.file if it is yours",
        )
    users = [record.id for record in users_of(runsc, path)]
    if users:
        raise RefusedError(
            f"path: the bundle in {path!r} is used by {', '.join(users)}", remedy="Remove the containers first"
        )
    before = masked_text(bundle_folder.read_config_text(path), set(made.secrets))
    if not check_mode:
        with bundle_folder.held(path):
            bundle_folder.remove_bundle(path, with_rootfs=made.source[:1] != [IN_PLACE])
    return Outcome([REMOVE], before=before)


def users_of(runsc: Runsc, path: str) -> list[statedir.Record]:
    """Return the records of the living containers under the client's root that were made from a bundle. No process is run."""
    real = os.path.realpath(path)
    return [
        record
        for record in statedir.read_all(runsc.root)
        if record.bundle and os.path.realpath(record.bundle) == real and runsc.is_live(record)
    ]


def _changed_variables(before: str, config: dict[str, t.Any]) -> set[str]:
    """Return the names of the variables that have another value now."""
    try:
        earlier = json.loads(before)["process"]["env"]
        now = config["process"]["env"]
        return {entry.partition("=")[0] for entry in now if entry not in earlier}
    except (ValueError, TypeError, KeyError, AttributeError):
        return set()


def masked(config: dict[str, t.Any], secrets: t.Collection[str], changed: t.Collection[str] = ()) -> dict[str, t.Any]:
    """Return a configuration in which the variables with these names have no values; those that changed are marked."""
    process = config.get("process")
    env = process.get("env") if isinstance(process, dict) else None
    if not secrets or not isinstance(env, list):
        return config
    names = [str(entry).partition("=")[0] for entry in env]
    marks = {name: f"{MASK} (changed)" if name in changed else MASK for name in secrets}
    hidden = [f"{name}={marks[name]}" if name in secrets else entry for name, entry in zip(names, env)]
    return {**config, "process": {**t.cast("dict[str, t.Any]", process), "env": hidden}}


def masked_text(text: str, secrets: t.Collection[str], changed: t.Collection[str] = ()) -> str:
    """Return the text of a configuration in which the variables with these names have no values."""
    if not secrets or not text:
        return text
    try:
        config = json.loads(text)
    except ValueError:
        return MASK  # no telling where in it they are
    if not isinstance(config, dict):
        return MASK
    return json.dumps(masked(config, secrets, changed), indent=2, ensure_ascii=False) + "\n"


def _existing(folder: str) -> str:
    """Return the folder, or the nearest one above that exists."""
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder
