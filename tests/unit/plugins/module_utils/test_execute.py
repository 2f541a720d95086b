# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From options to a Process document."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gvisor.runsc.plugins.module_utils import process_values
from ansible_collections.gvisor.runsc.plugins.module_utils.execute import Request, build_process, check
from ansible_collections.gvisor.runsc.plugins.module_utils.process_values import merge_env
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import RunscError, UsageError
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.exec_command import ExecResult, complete_process
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.options import ExecOptions
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.process import Completed, Output
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.statedir import Record

OWN = {"user": {"uid": 5, "gid": 6}, "env": ["PATH=/bin", "A=1"], "cwd": "/srv", "args": ["x"]}

PASSWD = """root:x:0:0:root:/root:/bin/sh
app:x:1000:1001:The app:/home/app:/bin/sh
broken line
root:x:0:
app:x:1001:
wheel:x:10:app,other
audio:x:29:app
"""


class FakeRunsc:
    """Answers the two questions that building a document asks; the answers are those of a real container."""

    def __init__(self, accounts: str = PASSWD, error: RunscError | None = None) -> None:
        self.asked: list[list[str]] = []
        self._accounts = accounts
        self._error = error

    def record(self, name: str) -> Record:
        return Record(name, name, "/x", spec={"process": OWN})

    def exec(self, name: str, process: dict[str, t.Any], **unused: t.Any) -> ExecResult:
        self.asked.append(process["args"])
        if self._error:
            raise self._error
        return ExecResult(Completed([], 0, Output(self._accounts.encode(), 0), Output(), 0.0), 2)


def build(runsc: FakeRunsc | None = None, **options: t.Any) -> dict[str, t.Any]:
    request = Request("web-1", options.pop("process", {"args": ["id"]}), **options)
    return build_process(t.cast("t.Any", runsc or FakeRunsc()), request)


def test_nothing_given_leaves_all_to_the_container() -> None:
    assert build() == {"args": ["id"]}


def test_env_goes_over_the_containers_own() -> None:
    assert build(env={"A": "2", "B": ""})["env"] == ["PATH=/bin", "A=2", "B="]


def test_an_empty_env_changes_nothing_but_is_not_the_same_as_none_of_a_document() -> None:
    assert build(env={})["env"] == OWN["env"]
    assert build(process={"args": ["id"], "env": ["X=1"]}, env={"Y": "2"})["env"] == ["X=1", "Y=2"]


def test_merge_env_keeps_order_and_replaces() -> None:
    assert merge_env(["A=1", "B=2", "A=3"], {"A": "4"}) == ["B=2", "A=4"]


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("1000", {"uid": 1000, "gid": 0}),
        ("1000:7", {"uid": 1000, "gid": 7}),
    ],
)
def test_numbers_need_no_process(user: str, expected: dict[str, int]) -> None:
    runsc = FakeRunsc()
    assert build(runsc, user=user)["user"] == expected
    assert runsc.asked == []


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("app", {"uid": 1000, "gid": 1001, "additionalGids": [10, 29]}),
        ("app:wheel", {"uid": 1000, "gid": 10}),
        ("app:5", {"uid": 1000, "gid": 5}),
        ("7:audio", {"uid": 7, "gid": 29}),
        ("root", {"uid": 0, "gid": 0}),
    ],
)
def test_names_are_looked_up_in_one_process(user: str, expected: dict[str, t.Any]) -> None:
    runsc = FakeRunsc()
    assert build(runsc, user=user)["user"] == expected
    assert runsc.asked == [["cat", "/etc/passwd", "/etc/group"]]


@pytest.mark.parametrize("user", ["nobody", "app:nogroup", "", ":5", "app:"])
def test_an_unknown_user_is_an_error_that_names_it(user: str) -> None:
    with pytest.raises(UsageError, match="user: "):
        build(user=user)


def test_no_cat_is_an_error_with_a_way_out() -> None:
    missing = RunscError('error finding executable "cat" in PATH [/bin]: no such file or directory')
    with pytest.raises(UsageError, match="Give numbers"):
        build(FakeRunsc(error=missing), user="app")


def test_additional_gids_go_over_the_containers_user() -> None:
    assert build(additional_gids=[3])["user"] == {"uid": 5, "gid": 6, "additionalGids": [3]}
    assert build(additional_gids=[])["user"]["additionalGids"] == []


def test_no_capabilities_is_not_the_same_as_not_given() -> None:
    assert "capabilities" not in build()
    assert set(map(tuple, build(capabilities=[])["capabilities"].values())) == {()}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"env": {"A": 1}}, "env: the value of 'A' is 1"),
        ({"env": {"A": True}}, "Quote it"),
        ({"env": {"A=B": "1"}}, "env: 'A=B'"),
        ({"capabilities": ["NET_ADMIN"]}, "did you mean 'CAP_NET_ADMIN'"),
        ({"capabilities": ["CAP_NET_BIND_SERVICES"]}, "did you mean 'CAP_NET_BIND_SERVICE'"),
        ({"capabilities": ["cap_kill"]}, "did you mean 'CAP_KILL'"),
        ({"chdir": "tmp"}, "chdir: 'tmp' is not absolute"),
        ({"tty": True}, "tty: "),
        ({"options": ExecOptions(console_socket="/x", detach=True)}, "console_socket: "),
        ({"options": ExecOptions(input=b"", detach=True)}, "stdin: "),
        ({"options": ExecOptions(stdout="/x")}, "stdout_file: "),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, t.Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(Request("web-1", {"args": ["id"]}, **options))
    assert message in str(caught.value)


def test_every_capability_has_its_name_once() -> None:
    assert len(set(process_values.CAPABILITIES)) == len(process_values.CAPABILITIES) == 41


@pytest.mark.parametrize("args", [None, [], [""], "id", [1], ["a", None]])
def test_a_document_without_a_command_is_refused(args: t.Any) -> None:
    with pytest.raises(UsageError, match=r"process\.args"):
        complete_process({"args": args}, FakeRunsc().record("x"))


@pytest.mark.parametrize(("key", "value"), [("env", "A=1"), ("cwd", 5), ("user", "root"), ("terminal", "yes")])
def test_a_document_with_wrong_types_is_refused(key: str, value: t.Any) -> None:
    with pytest.raises(UsageError, match=rf"process\.{key}"):
        complete_process({"args": ["id"], key: value}, FakeRunsc().record("x"))


def test_a_document_is_completed_from_the_container() -> None:
    full = complete_process({"args": ["id"], "cwd": ""}, FakeRunsc().record("x"))
    assert full == {"args": ["id"], "user": {"uid": 5, "gid": 6}, "env": ["PATH=/bin", "A=1"], "cwd": "/srv"}
    assert complete_process({"args": ["id"], "env": []}, FakeRunsc().record("x"))["env"] == []
