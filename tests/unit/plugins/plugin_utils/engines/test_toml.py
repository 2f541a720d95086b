# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing TOML: what is written is read back the same."""

from __future__ import annotations

import typing as t

import pytest
import tomllib
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.gvisor.runsc.plugins.plugin_utils.engines import toml
from ansible_collections.gvisor.runsc.plugins.plugin_utils.engines.runtimes import EngineError

# TOML's strings are Unicode without surrogates.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NAMES = TEXTS.filter(bool)
PLAIN = st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS
VALUES = PLAIN | st.lists(PLAIN, max_size=3)
TABLES = st.recursive(
    st.dictionaries(NAMES, VALUES, max_size=3),
    lambda inner: st.dictionaries(NAMES, VALUES | inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(NAMES, min_size=1, max_size=3), TABLES)
@settings(deadline=None)
def test_round_trip(keys: list[str], values: dict[str, t.Any]) -> None:
    document: t.Any = tomllib.loads(toml.table(keys, values))
    for key in keys:
        document = document[key]
    assert document == values


def test_names_are_quoted_where_they_have_to_be() -> None:
    assert toml.table(["plugins", "io.containerd.grpc.v1.cri"], {"a b": 1}) == (
        '[plugins."io.containerd.grpc.v1.cri"]\n  "a b" = 1\n'
    )


def test_what_toml_lacks_is_refused() -> None:
    with pytest.raises(EngineError, match="None has no place in TOML"):
        toml.value(None)


def test_what_is_no_toml_is_refused_with_its_place() -> None:
    with pytest.raises(EngineError, match=r"/c\.toml is not valid TOML: .*line 2.*Mend it by hand first"):
        toml.parse("a = 1\nb = c\n", "/c.toml")
