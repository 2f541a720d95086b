# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandboxes of a Molecule scenario: from what its author writes to what modules and the connection are told."""

from __future__ import annotations

import hashlib
import re
import shlex
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.gvisor.runsc.plugins.plugin_utils.molecule import keys

# A name is that of a host, of a folder, and the beginning of a container's id.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_LONGEST_IN_ID = 24
# The shell is the parent of what services leave behind, and reaps it, as the first process of a machine does.
COMMAND = ("sh", "-c", "while sleep 3600; do :; done")
# What root may do in other container engines; without these few roles work.
CAPABILITIES = (
    *("CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD"),
    *("CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT"),
)


class PlatformError(Exception):
    """Something that the author of a scenario has to mend; the text says what and how."""


class Scenario(t.NamedTuple):
    """A scenario, in the one checkout that it is run from.

    :param project: the folder of the project.
    :param ephemeral: the folder where Molecule keeps what it knows of the scenario; scenarios with a shared state share it.
    """

    project: str
    ephemeral: str

    def mark(self, name: str = "") -> str:
        """Return what makes names of this scenario, or of one of its sandboxes, differ from all others on the machine."""
        whole = ":".join((self.project, self.ephemeral, name))
        return hashlib.sha256(whole.encode()).hexdigest()[:10]

    @property
    def folder(self) -> str:
        """The folder that holds the bundles."""
        return f"/var/lib/gvisor-molecule-{self.mark()}"


class Sandbox(t.NamedTuple):
    """One instance of a scenario.

    :param bundle: the options of M(gvisor.runsc.runsc_bundle).
    :param container: the options of every task about the container: its name, and how it is reached.
    :param remains: what has to be known to remove it.
    :param variables: the variables of the host.
    :param login: the command that opens a shell in it.
    """

    name: str
    id: str
    bundle: dict[str, t.Any]
    container: dict[str, t.Any]
    remains: dict[str, t.Any]
    variables: dict[str, t.Any]
    login: str


def complete(
    scenario: Scenario, platforms: t.Any, hosts: Mapping[str, t.Any], privilege_command: str = ""
) -> list[Sandbox]:
    """Return the sandboxes of a scenario.

    :param platforms: C(platforms) of molecule.yml.
    :param hosts: the variable C(molecule_sandbox) of each host of the inventory that has one.
    :param privilege_command: what makes a command run as root, for those who are not.
    :raises PlatformError: there are none, or some can't be made. All faults are told at once.
    """
    wanted: list[tuple[str, t.Any, tuple[str, ...]]] = []
    own_keys = tuple(key for key in keys.KINDS if key not in keys.FOR_INVENTORIES)
    for index, platform in enumerate(platforms if isinstance(platforms, Sequence) else []):
        name = platform.get("name") if isinstance(platform, Mapping) else None
        wanted.append((f"platforms[{index}]" if name is None else str(name), platform, ("name", *keys.KINDS)))
    wanted.extend((name, _of_host(name, given, own_keys), ("name", *own_keys)) for name, given in hosts.items())
    if not wanted:
        raise PlatformError(
            "The scenario has no sandboxes. Give platforms in molecule.yml,"
            " or hosts of the inventory the variable molecule_sandbox"
        )
    found = [f"platform {name!r}: {fault}" for name, given, known in wanted for fault in _faults(given, known)]
    names = [name for name, _given, _known in wanted]
    found.extend(
        f"platform {name!r}: it is there twice. Give each a name of its own"
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    )
    if found:
        raise PlatformError("\n".join(found))
    return [_sandbox(scenario, given, privilege_command) for _name, given, _known in wanted]


def _of_host(name: str, given: t.Any, known: Sequence[str]) -> Mapping[str, t.Any]:
    if not isinstance(given, Mapping):
        raise PlatformError(f"host {name!r}: molecule_sandbox: {given!r} is not a dictionary. Give it as 'image: ...'")
    if "name" in given:
        raise PlatformError(
            f"host {name!r}: molecule_sandbox: there is no key 'name': the host has one. There are {', '.join(known)}"
        )
    return {"name": name, **given}


def _faults(given: t.Any, known: Sequence[str]) -> list[str]:
    if not isinstance(given, Mapping):
        return [f"{given!r} is not a dictionary. Give it as 'name: {given}'"]
    found = keys.faults(given, known)
    name = given.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        found.append(f"name: {name!r} is not a name. Use letters, digits, '-', '_' and '.'")
    return found


def _sandbox(scenario: Scenario, given: Mapping[str, t.Any], privilege_command: str) -> Sandbox:
    name = given["name"]
    mark = scenario.mark(name)
    container = f"{name[:_LONGEST_IN_ID]}-{mark}"
    way = {
        "root": f"/run/gvisor-molecule-{mark}",
        "network": "none",
        **{key: given[key] for key in keys.FOR_EACH_TASK if key in given},
    }
    options = {**way, "name": container}
    variables = {
        "ansible_connection": "gvisor.runsc.runsc",
        "ansible_runsc_container": container,
        "ansible_runsc_root": way["root"],
        "ansible_become_method": "gvisor.runsc.runsc",
    }
    if "runsc_path" in way:
        variables["ansible_runsc_path"] = way["runsc_path"]
    if privilege_command:
        variables["ansible_runsc_privilege_command"] = privilege_command
    if "prepare" in given:
        variables["molecule_prepare"] = _words(given["prepare"])
    shell = [way.get("runsc_path", "runsc"), f"--root={way['root']}", "exec", container, "/bin/sh"]
    return Sandbox(
        name=name,
        id=container,
        bundle=_bundle(f"{scenario.folder}/{name}", given),
        container=options,
        remains={"container": options, "own_root": "root" not in given},
        variables={**variables, **given.get("vars", {})},
        login=shlex.join([*shlex.split(privilege_command), *shell]),
    )


def _bundle(path: str, given: Mapping[str, t.Any]) -> dict[str, t.Any]:
    command = given.get("command", COMMAND)
    return {
        "path": path,
        # Tests change what they find: a folder of the author's is never what they find.
        "copy": "rootfs" in given,
        "user": "0:0",
        # An image's own command is left out with its entrypoint.
        "entrypoint": shlex.split(command) if isinstance(command, str) else list(command),
        "capabilities": {"add": list(CAPABILITIES)},
        **{key: given[key] for key in keys.FOR_THE_BUNDLE if key in given},
    }


def _words(given: str | Sequence[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)
