# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports, as action plugins use them, and a controller without jsonschema."""

from __future__ import annotations

import importlib
import sys
import typing as t

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci import validate
from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci.report import Report


def test_one_error_is_one_line() -> None:
    assert Report(("a is 1, expected 2",)).message("spec") == "spec: a is 1, expected 2"


def test_several_errors_are_a_list() -> None:
    assert Report(("one", "two")).message("spec") == "spec: 2 errors\n- one\n- two"


def test_warnings_are_passed_on() -> None:
    warned: t.List[str] = []
    Report(warnings=("a is ignored", "b is ignored")).raise_or_warn(warned.append, "spec")
    assert warned == ["spec: a is ignored", "spec: b is ignored"]


def test_errors_fail_with_what_every_failure_has() -> None:
    warned: t.List[str] = []
    with pytest.raises(AnsibleActionFail, match="spec: one") as caught:
        Report(("one",), ("w",)).raise_or_warn(warned.append, "spec")
    assert warned == ["spec: w"]
    result = caught.value.result
    assert (result["failed"], result["changed"], result["failure_kind"], result["status"]) == (
        True,
        False,
        "usage",
        None,
    )
    assert (result["msg"], result["errors"], result["rc"], result["stdout_lines"]) == ("spec: one", ["one"], None, [])


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[None]:
    """Take jsonschema away."""

    def refuse(name: str) -> t.NoReturn:
        raise ImportError(name)

    validate._validator.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(importlib, "import_module", refuse)
        yield
    validate._validator.cache_clear()


@pytest.mark.usefixtures("bare")
def test_without_jsonschema_the_message_says_how_to_get_it() -> None:
    with pytest.raises(validate.MissingLibraryError) as caught:
        validate.validate_config({})
    assert str(caught.value).endswith(f"Install it: {sys.executable} -m pip install jsonschema")


@pytest.mark.usefixtures("bare")
def test_preloading_does_without() -> None:
    validate.preload()


def test_validators_are_made_once() -> None:
    assert validate._validator("config") is validate._validator("config")
