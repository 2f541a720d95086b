# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""containerd's configuration with runtimes in it: a drop-in where containerd merges them, or a block in its file.

containerd before 2.0 takes a section of a drop-in instead of the same section of its own file, and a table of runtimes instead
of the table that is built in. A drop-in of a few lines would lose what the user set for the CRI plugin, and the
runtime runc. There, the lines go into containerd's own file, and what is built in goes with them.
"""

from __future__ import annotations

import fnmatch
import os
import re
import typing as t
from collections.abc import Mapping, Sequence

from . import toml
from .runtimes import EngineError, Runtime

# The plugin that holds the runtimes, by the version of the configuration.
_PLUGINS = {2: "io.containerd.grpc.v1.cri", 3: "io.containerd.cri.v1.runtime"}
_MANAGED = "# Managed by Ansible, gvisor.runsc"
_BEGIN = "# BEGIN runtimes of gvisor.runsc (managed by Ansible)"
_END = "# END runtimes of gvisor.runsc"
_BLOCK = re.compile(rf"\n*^{re.escape(_BEGIN)}$.*?^{re.escape(_END)}$\n?", re.DOTALL | re.MULTILINE)
_TABLE = re.compile(r"^\s*\[", re.MULTILINE)
_IMPORTS = re.compile(r"^[ \t]*(imports|\"imports\"|'imports')[ \t]*=[ \t]*\[", re.MULTILINE)
# The file's own first entry in the dump of older versions, and what it imports, differ without a difference.
_NOT_COMPARED = ("imports",)


class Texts(t.NamedTuple):
    """What is to be in the two files; an empty text is no file."""

    config: str
    drop_in: str


class Folders(t.NamedTuple):
    """Where the files of runtimes are: those of gVisor's shim, and the programs for containerd's."""

    shim: str
    wrappers: str


class Wanted(t.NamedTuple):
    """The runtimes of containerd.

    :param runtimes: all that the user lists.
    :param tables: what containerd gets of each that is to be there, by name.
    :param shim_files: what gVisor's shim reads for each, by name.
    """

    runtimes: Sequence[Runtime]
    tables: Mapping[str, Mapping[str, t.Any]]
    shim_files: Mapping[str, str]


def wanted(runtimes: Sequence[Runtime], shim: str, folders: Folders, pod_annotations: Sequence[str]) -> Wanted:
    """Return what containerd needs of the runtimes.

    :param shim: C(runsc) for gVisor's shim, which reads the flags from a file; C(runc) for containerd's own, which calls
        a program in the place of runc.
    """
    present = [runtime for runtime in runtimes if runtime.is_wanted]
    by_gvisor = shim == "runsc"
    engine_side = _for_gvisors_shim if by_gvisor else _for_containerds_shim
    tables = {
        runtime.name: {**engine_side(runtime, folders), "pod_annotations": list(pod_annotations)} for runtime in present
    }
    return Wanted(runtimes, tables, {runtime.name: _shim_file(runtime) for runtime in present} if by_gvisor else {})


def _for_gvisors_shim(runtime: Runtime, folders: Folders) -> dict[str, t.Any]:
    options = {"TypeUrl": "io.containerd.runsc.v1.options", "ConfigPath": f"{folders.shim}/{runtime.name}.toml"}
    return {"runtime_type": "io.containerd.runsc.v1", "options": options}


def _for_containerds_shim(runtime: Runtime, folders: Folders) -> dict[str, t.Any]:
    program = f"{folders.wrappers}/{runtime.name}" if runtime.arguments else runtime.path
    return {"runtime_type": "io.containerd.runc.v2", "options": {"BinaryName": program}}


def _shim_file(runtime: Runtime) -> str:
    flags = dict(argument.removeprefix("--").split("=", 1) for argument in runtime.arguments)
    return f"{_MANAGED}\nbinary_name = {toml.value(runtime.path)}\n\n" + toml.table(["runsc_config"], flags)


def registered(text: str, dump: str, wanted: Wanted, config_path: str, drop_in_path: str | None) -> Texts:
    """Return the texts of both files. A configuration that has all in it already is the same, to the letter.

    :param text: containerd's configuration as it is.
    :param dump: what C(containerd config dump) says now.
    :param drop_in_path: where the drop-in is to be, or None for a block in the file itself.
    :raises EngineError: they can't be edited.
    """
    effective = toml.parse(dump, "The output of 'containerd config dump'")
    base = _BLOCK.sub("\n", text)
    document = toml.parse(base, config_path)
    version = document.get("version", 1) if base.strip() else effective.get("version", 2)
    if version not in _PLUGINS:
        raise EngineError(
            f"{config_path} is of version {version}, known are 2 and 3. 'containerd config migrate' shows how to bring it there"
        )
    _check_free(document, version, wanted, config_path)
    if not wanted.tables:
        return Texts(_same(base, text), "")
    if not base.strip():
        base = f"version = {version}\n"
    if drop_in_path is not None:
        drop_in = f"{_MANAGED}\nversion = {version}\n\n{_tables(version, wanted.tables)}"
        return Texts(_same(imported(base, drop_in_path, config_path), text), drop_in)
    kept = _built_in(document, effective, version, wanted)
    block = f"{_BEGIN}\n{_tables(version, {**kept, **wanted.tables})}{_END}\n"
    return Texts(base.rstrip("\n") + "\n\n" + block, "")


def imported(text: str, path: str, config_path: str) -> str:
    """Return containerd's file with an import of the folder of a path. What imports the path already stays, to the letter.

    A pattern is imported, since a file that is named and missing keeps containerd from starting.
    """
    document = toml.parse(text, config_path)
    imports = document.get("imports", [])
    if not isinstance(imports, list):
        raise EngineError(f"{config_path}: 'imports' is not a list but {imports!r}. Mend it by hand first")
    folder = os.path.dirname(config_path)
    if any(fnmatch.fnmatch(path, os.path.join(folder, entry)) for entry in imports):
        return text
    head = _TABLE.search(text)
    found = _IMPORTS.search(text, 0, head.start() if head else len(text))
    pattern = f"{os.path.dirname(path)}/*.toml"
    # A comma behind the last element is fine in TOML, so the new one can always be the first.
    new = (
        text[: found.end()] + toml.value(pattern) + ", " + text[found.end() :]
        if found
        else f"imports = [{toml.value(pattern)}]\n{text}"
    )
    if toml.parse(new, config_path) != {**document, "imports": [pattern, *imports]}:
        raise EngineError(f"{config_path}: 'imports' can't be extended. Add {pattern!r} to it by hand")
    return new


def differences(before: str, after: str, wanted: Wanted) -> list[str]:
    """Return what is wrong with the new configuration, from what C(containerd config dump) says before and after."""
    old, new = (toml.parse(text, "The output of 'containerd config dump'") for text in (before, after))
    plugin = _PLUGINS.get(new.get("version", 0), "")
    found = _runtimes(new, plugin)
    wrong = [f"the runtime {name} is missing" for name in wanted.tables if name not in found]
    wrong += [
        f"{key} of the runtime {name} is {found[name].get(key)!r} instead of {content!r}"
        for name, expected in wanted.tables.items()
        if name in found
        for key, content in expected.items()
        if not _holds(found[name].get(key), content)
    ]
    gone = [runtime.name for runtime in wanted.runtimes if not runtime.is_wanted]
    wrong += [f"the runtime {name} is still there" for name in gone if name in found]
    ours = {runtime.name for runtime in wanted.runtimes}
    wrong += [
        f"{place} would change" for place in _changes(_without(old, plugin, ours), _without(new, plugin, ours), ())
    ]
    if not plugin or plugin not in new.get("plugins", {}):
        wrong.insert(0, "the CRI plugin, which holds the runtimes, is disabled ('disabled_plugins')")
    return wrong


def _check_free(document: Mapping[str, t.Any], version: int, wanted: Wanted, path: str) -> None:
    there = _runtimes(document, _PLUGINS[version])
    for runtime in wanted.runtimes:
        if runtime.name in there:
            raise EngineError(
                f"{path}: the runtime {runtime.name!r} stands there already, put there by somebody else. "
                "Remove its lines, or choose another name"
            )


def _built_in(
    document: Mapping[str, t.Any], effective: Mapping[str, t.Any], version: int, wanted: Wanted
) -> dict[str, t.Any]:
    """Return the runtimes that containerd knows by itself, and would forget for a table of others."""
    plugin = _PLUGINS[version]
    if _runtimes(document, plugin) or effective.get("version") != version:
        return {}
    ours = {runtime.name for runtime in wanted.runtimes}
    return {
        name: content for name, content in _runtimes(effective, plugin).items() if name == "runc" and name not in ours
    }


def _tables(version: int, tables: Mapping[str, Mapping[str, t.Any]]) -> str:
    place = ["plugins", _PLUGINS[version], "containerd", "runtimes"]
    return "\n".join(toml.table([*place, name], content) for name, content in tables.items())


def _runtimes(document: Mapping[str, t.Any], plugin: str) -> dict[str, t.Any]:
    found: t.Any = document
    for key in ("plugins", plugin, "containerd", "runtimes"):
        found = found.get(key) if isinstance(found, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else {}


def _same(new: str, old: str) -> str:
    """Return the old text if the new one differs in blank lines at the end only."""
    return old if new.rstrip("\n") == old.rstrip("\n") else new


def _holds(found: t.Any, expected: t.Any) -> bool:
    """Whether all that is expected is there; containerd adds defaults to tables."""
    if isinstance(expected, Mapping):
        return isinstance(found, Mapping) and all(_holds(found.get(key), item) for key, item in expected.items())
    return bool(found == expected)


def _without(document: Mapping[str, t.Any], plugin: str, names: set[str]) -> dict[str, t.Any]:
    """Return the document without our runtimes, to compare what is left."""
    left = {key: content for key, content in document.items() if key not in _NOT_COMPARED}
    if not _runtimes(document, plugin):
        return left
    plugins = dict(left["plugins"])
    containerd = dict(plugins[plugin]["containerd"])
    containerd["runtimes"] = {name: item for name, item in containerd["runtimes"].items() if name not in names}
    plugins[plugin] = {**plugins[plugin], "containerd": containerd}
    return {**left, "plugins": plugins}


def _changes(old: t.Any, new: t.Any, place: tuple[str, ...]) -> list[str]:
    if old == new:
        return []
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return [".".join(place)]
    return [line for key in sorted({*old, *new}) for line in _changes(old.get(key), new.get(key), (*place, key))]
