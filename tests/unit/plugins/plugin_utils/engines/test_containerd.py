# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""containerd's configuration. What containerd says here was recorded from 1.6.20 and 2.1.9, and shortened."""

from __future__ import annotations

import typing as t

import pytest
import tomllib

from ansible_collections.gvisor.runsc.plugins.plugin_utils.engines import containerd, toml
from ansible_collections.gvisor.runsc.plugins.plugin_utils.engines.runtimes import EngineError, Runtime

RUNSC = Runtime("runsc", "/usr/bin/runsc", ["--network=none"], "present")
PLAIN = Runtime("plain", "/usr/bin/runsc", [], "present")
GONE = Runtime("runsc", "/usr/bin/runsc", [], "absent")
FOLDERS = containerd.Folders("/etc/containerd/gvisor", "/wrappers")
CONFIG = "/etc/containerd/config.toml"
DROP_IN = "/etc/containerd/conf.d/gvisor.toml"
# Debian's own.
DEBIAN = """\
version = 2

[plugins]
  [plugins."io.containerd.grpc.v1.cri"]
    [plugins."io.containerd.grpc.v1.cri".cni]
      bin_dir = "/usr/lib/cni"
"""
OLD_PLUGIN = "io.containerd.grpc.v1.cri"
NEW_PLUGIN = "io.containerd.cri.v1.runtime"
RUNC = {"runtime_type": "io.containerd.runc.v2", "pod_annotations": [], "options": {"BinaryName": "", "IoGid": 0}}


def dump(
    version: int, runtimes: t.Mapping[str, t.Any], imports: t.Sequence[str] = (), bin_dir: str = "/usr/lib/cni"
) -> str:
    """Return what 'containerd config dump' says."""
    plugin = {2: OLD_PLUGIN, 3: NEW_PLUGIN}[version]
    content = {"cni": {"bin_dir": bin_dir}, "containerd": {"default_runtime_name": "runc", "runtimes": runtimes}}
    return f"version = {version}\nimports = {toml.value(list(imports))}\n" + toml.table(["plugins", plugin], content)


def want(*runtimes: Runtime, shim: str = "runc") -> containerd.Wanted:
    return containerd.wanted(runtimes, shim, FOLDERS, ["dev.gvisor.*"])


def runtimes_of(text: str, plugin: str) -> dict[str, t.Any]:
    found = tomllib.loads(text)["plugins"][plugin]["containerd"]["runtimes"]
    assert isinstance(found, dict)
    return found


OLD_DUMP = dump(2, {"runc": RUNC}, ["/etc/containerd/config.toml"])
NEW_DUMP = dump(3, {"runc": RUNC})


def test_by_containerds_shim_flags_need_a_wrapper() -> None:
    assert want(RUNSC, PLAIN, GONE._replace(name="x")).tables == {
        "runsc": {
            "runtime_type": "io.containerd.runc.v2",
            "options": {"BinaryName": "/wrappers/runsc"},
            "pod_annotations": ["dev.gvisor.*"],
        },
        "plain": {
            "runtime_type": "io.containerd.runc.v2",
            "options": {"BinaryName": "/usr/bin/runsc"},
            "pod_annotations": ["dev.gvisor.*"],
        },
    }


def test_by_gvisors_shim_flags_go_into_its_file() -> None:
    wanted = want(RUNSC, shim="runsc")
    options = {"TypeUrl": "io.containerd.runsc.v1.options", "ConfigPath": "/etc/containerd/gvisor/runsc.toml"}
    assert wanted.tables["runsc"]["runtime_type"] == "io.containerd.runsc.v1"
    assert wanted.tables["runsc"]["options"] == options
    assert tomllib.loads(wanted.shim_files["runsc"]) == {
        "binary_name": "/usr/bin/runsc",
        "runsc_config": {"network": "none"},
    }


def test_the_block_keeps_the_file_and_what_is_built_in() -> None:
    new = containerd.registered(DEBIAN, OLD_DUMP, want(RUNSC), CONFIG, None)
    assert new.drop_in == ""
    assert new.config.startswith(DEBIAN)
    assert tomllib.loads(new.config)["plugins"][OLD_PLUGIN]["cni"] == {"bin_dir": "/usr/lib/cni"}
    assert runtimes_of(new.config, OLD_PLUGIN) == {"runc": RUNC, **want(RUNSC).tables}


def test_the_block_is_the_same_the_second_time_and_goes_without_a_trace() -> None:
    once = containerd.registered(DEBIAN, OLD_DUMP, want(RUNSC), CONFIG, None).config
    later = dump(2, {"runc": RUNC, **want(RUNSC).tables})
    assert containerd.registered(once, later, want(RUNSC), CONFIG, None).config == once
    assert containerd.registered(once, later, want(GONE), CONFIG, None).config == DEBIAN


def test_runtimes_that_a_user_wrote_are_no_defaults() -> None:
    text = DEBIAN + f'[plugins."{OLD_PLUGIN}".containerd.runtimes.kata]\nruntime_type = "io.containerd.kata.v2"\n'
    new = containerd.registered(text, dump(2, {"kata": {}}), want(RUNSC), CONFIG, None)
    assert list(runtimes_of(new.config, OLD_PLUGIN)) == ["kata", "runsc"]


def test_the_drop_in_is_imported_and_has_the_version_of_the_file() -> None:
    new = containerd.registered(DEBIAN, NEW_DUMP, want(RUNSC), CONFIG, DROP_IN)
    assert new.config == f'imports = ["/etc/containerd/conf.d/*.toml"]\n{DEBIAN}'
    assert tomllib.loads(new.drop_in)["version"] == 2
    assert runtimes_of(new.drop_in, OLD_PLUGIN) == want(RUNSC).tables
    assert containerd.registered(new.config, NEW_DUMP, want(RUNSC), CONFIG, DROP_IN) == new
    assert containerd.registered(new.config, NEW_DUMP, want(GONE), CONFIG, DROP_IN) == (new.config, "")


def test_a_new_file_has_the_version_that_containerd_speaks() -> None:
    new = containerd.registered("", NEW_DUMP, want(RUNSC), CONFIG, DROP_IN)
    assert tomllib.loads(new.config) == {"version": 3, "imports": ["/etc/containerd/conf.d/*.toml"]}
    assert runtimes_of(new.drop_in, NEW_PLUGIN) == want(RUNSC).tables
    assert containerd.registered("", NEW_DUMP, want(GONE), CONFIG, DROP_IN) == ("", "")


def test_a_block_becomes_a_drop_in_when_containerd_is_new() -> None:
    old = containerd.registered(DEBIAN, OLD_DUMP, want(RUNSC), CONFIG, None).config
    new = containerd.registered(old, NEW_DUMP, want(RUNSC), CONFIG, DROP_IN)
    assert tomllib.loads(new.config)["plugins"][OLD_PLUGIN] == {"cni": {"bin_dir": "/usr/lib/cni"}}
    assert "runsc" in new.drop_in


@pytest.mark.parametrize(
    "text",
    [
        'imports = ["/etc/containerd/conf.d/*.toml"]\n',
        'imports = ["/x.toml", "conf.d/gvisor.toml"]\n',
    ],
)
def test_what_imports_it_already_stays(text: str) -> None:
    assert containerd.imported(text, DROP_IN, CONFIG) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "imports = []\n",
        '# imports = ["x"]\nimports = ["/a.toml"]\n[grpc]\nimports = ["no"]\n',
        'imports = [\n  "/a.toml", # one\n  "/b.toml",\n]\n',
        '[grpc]\n  address = "x"\n',
        '"imports" = ["/a.toml"]\n',
    ],
)
def test_an_import_is_added_and_nothing_else_changes(text: str) -> None:
    new = tomllib.loads(containerd.imported(text, DROP_IN, CONFIG))
    old = tomllib.loads(text)
    assert new == {**old, "imports": ["/etc/containerd/conf.d/*.toml", *old.get("imports", [])]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('root = "/x"\n', "/etc/containerd/config.toml is of version 1, known are 2 and 3"),
        ("version = 4\n", "/etc/containerd/config.toml is of version 4, known are 2 and 3"),
        ("version = 2\nimports = 3\n", "/etc/containerd/config.toml: 'imports' is not a list but 3"),
        ("version = \n", "/etc/containerd/config.toml is not valid TOML"),
        (
            f'version = 2\n[plugins."{OLD_PLUGIN}".containerd.runtimes.runsc]\n',
            "/etc/containerd/config.toml: the runtime 'runsc' stands there already, put there by somebody else",
        ),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(EngineError) as error:
        containerd.registered(text, OLD_DUMP, want(RUNSC), CONFIG, DROP_IN)
    assert str(error.value).startswith(message)


def test_what_containerd_makes_of_it_is_right() -> None:
    # It adds defaults to a table.
    tables = {name: {**table, "snapshotter": ""} for name, table in want(RUNSC).tables.items()}
    after = dump(2, {"runc": RUNC, **tables}, ["/etc/containerd/config.toml", DROP_IN])
    assert containerd.differences(OLD_DUMP, after, want(RUNSC)) == []
    assert containerd.differences(after, after, want(RUNSC)) == []
    assert containerd.differences(after, OLD_DUMP, want(GONE)) == []


def test_containerd_1_takes_a_section_of_a_drop_in_for_the_whole() -> None:
    after = dump(2, want(RUNSC).tables, bin_dir="/opt/cni/bin")
    assert containerd.differences(OLD_DUMP, after, want(RUNSC)) == [
        "plugins.io.containerd.grpc.v1.cri.cni.bin_dir would change",
        "plugins.io.containerd.grpc.v1.cri.containerd.runtimes.runc would change",
    ]


def test_what_is_missing_wrong_or_still_there_is_said() -> None:
    assert containerd.differences(OLD_DUMP, OLD_DUMP, want(RUNSC)) == ["the runtime runsc is missing"]
    other = dump(2, {"runc": RUNC, **want(RUNSC, shim="runsc").tables})
    assert containerd.differences(OLD_DUMP, other, want(RUNSC)) == [
        "runtime_type of the runtime runsc is 'io.containerd.runsc.v1' instead of 'io.containerd.runc.v2'",
        "options of the runtime runsc is {'TypeUrl': 'io.containerd.runsc.v1.options', "
        "'ConfigPath': '/etc/containerd/gvisor/runsc.toml'} instead of {'BinaryName': '/wrappers/runsc'}",
    ]
    assert containerd.differences(other, other, want(GONE)) == ["the runtime runsc is still there"]


def test_a_disabled_plugin_comes_first() -> None:
    disabled = "version = 2\n[plugins]\n"
    assert containerd.differences(disabled, disabled, want(RUNSC))[0].startswith(
        "the CRI plugin, which holds the runtimes, is disabled"
    )
