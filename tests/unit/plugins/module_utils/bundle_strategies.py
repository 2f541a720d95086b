# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hypothesis strategies for the options of runsc_bundle, as Ansible hands them to the module."""

from __future__ import annotations

import typing as t

from hypothesis import strategies as st

from ansible_collections.gvisor.runsc.plugins.module_utils.process_values import CAPABILITIES

_WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
_NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
_PLACES = _PATHS.map(lambda path: f"/mnt{path}")  # a place for a mount where nothing else is mounted
_TOO_NEW = ("CAP_BPF", "CAP_CHECKPOINT_RESTORE", "CAP_PERFMON")  # runsc of 2022 does not start with one of them
_CAPABILITIES = st.lists(st.sampled_from(sorted(set(CAPABILITIES) - set(_TOO_NEW))), unique=True, max_size=4)
_SIZES = st.integers(64, 900).map(lambda number: f"{number}M")
_RLIMITS = st.builds(
    lambda kind, soft, more: {"type": kind, "soft": soft, "hard": soft + more},
    st.sampled_from(["nofile", "nproc", "RLIMIT_CORE", "msgqueue"]),
    st.integers(64, 2000),  # with fewer open files no program starts
    st.integers(0, 2000),
)
_ENV = st.dictionaries(_NAMES.map(str.upper).filter(lambda name: name != "PATH"), _WORDS, max_size=3)


def _by_type(limits: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    return list({limit["type"]: limit for limit in limits}.values())


def options(places: st.SearchStrategy[str] = _PLACES) -> st.SearchStrategy[dict[str, t.Any]]:
    """Return a strategy for options that make a right configuration, on any host with one CPU or more.

    :param places: absolute paths for mounts.
    """
    optional: dict[str, st.SearchStrategy[t.Any]] = {
        "env": _ENV,
        "secret_env": _ENV,
        "workdir": st.just("/"),
        "user": st.one_of(st.integers(0, 2**31).map(str), st.tuples(st.integers(0, 9), st.integers(0, 9)).map(_pair)),
        "additional_gids": st.lists(st.integers(0, 70000), max_size=3),
        "capabilities": st.fixed_dictionaries({}, optional={"add": _CAPABILITIES, "drop": _CAPABILITIES}),
        "rlimits": st.lists(_RLIMITS, max_size=3).map(_by_type),
        "tmpfs": st.lists(places, unique=True, max_size=2),
        "hostname": _NAMES,
        "no_new_privileges": st.booleans(),
        "readonly": st.booleans(),
        "memory": _SIZES.map(lambda size: f"1{size}"),
        "cpus": st.floats(0.05, 4),
        "cpu_shares": st.integers(2, 4096),
        "cpuset": st.just("0"),
        "pids_limit": st.integers(300, 5000),
        "annotations": st.dictionaries(_NAMES.map(lambda name: f"org.example.{name}"), _WORDS, max_size=2),
        "network": st.sampled_from(["none", "sandbox"]),
    }
    return st.fixed_dictionaries({"args": st.just(["sleep", "1000"])}, optional=optional)


def _pair(numbers: tuple[int, int]) -> str:
    return f"{numbers[0]}:{numbers[1]}"
