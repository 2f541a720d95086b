# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes wrong is told in one message that names the option and its value, with its kind, and never as a traceback."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gvisor.runsc.tests.modules.support import BUSYBOX, Json, Place

CONTAINER, EXEC, INFO = "runsc_container", "runsc_exec", "runsc_info"
LONG = "x" * 86

# (module, failure_kind, options, what the message has to say). "{folder}" stands for the test's own folder.
REFUSED: list[tuple[str, str, Json, list[str]]] = [
    # The binary.
    (CONTAINER, "unsupported", {"runsc_path": "/nonexistent/runsc"}, ["runsc_path", "'/nonexistent/runsc'", "Install"]),
    (CONTAINER, "unsupported", {"runsc_path": "nosuchrunsc"}, ["runsc_path", "'nosuchrunsc' in PATH", "Install"]),
    (INFO, "unsupported", {"runsc_path": "/nonexistent/runsc"}, ["runsc_path", "'/nonexistent/runsc'"]),
    (CONTAINER, "unsupported", {"runsc_path": "{folder}/plain"}, ["runsc_path", "{folder}/plain", "not executable"]),
    (INFO, "unsupported", {"runsc_path": "{folder}/garbage"}, ["{folder}/garbage", "can't be run"]),
    (CONTAINER, "unsupported", {"runsc_path": "/bin/ls"}, ["runsc_path: '/bin/ls' is not runsc", "Give the path"]),
    (INFO, "unsupported", {"runsc_path": "/etc"}, ["runsc_path: '/etc' is a folder"]),
    (INFO, "runtime", {"runsc_path": "/bin/true"}, ["Is runsc_path really runsc?"]),
    # The root, and flags.
    (CONTAINER, "usage", {"root": "relative/root"}, ["root: 'relative/root' is not absolute"]),
    (INFO, "usage", {"root": "."}, ["root: '.' is not absolute"]),
    (INFO, "usage", {"root": "{folder}/plain"}, ["root: '{folder}/plain' is not a folder"]),
    (CONTAINER, "usage", {"root": "/run/runsc-service-web"}, ["root", "the systemd unit web.service", "Use systemctl"]),
    (CONTAINER, "usage", {"root": "/var/run/runsc-service-a"}, ["root: '/var/run/runsc-service-a'", "a.service"]),
    (CONTAINER, "usage", {"config": {"host_uds": "all"}}, ["config: 'host_uds'", "Write it as 'host-uds'"]),
    (
        CONTAINER,
        "unsupported",
        {"config": {"file-acces": "x"}},
        ["config", "'file-acces'", "did you mean 'file-access'"],
    ),
    (EXEC, "unsupported", {"config": {"debgu": True}}, ["config", "'debgu'", "did you mean 'debug'"]),
    (INFO, "unsupported", {"config": {"zzzzzz": 1}}, ["config", "'zzzzzz'", "runsc flags"]),
    (CONTAINER, "usage", {"config": {"bad name": 1}}, ["config", "'bad name'"]),
    (CONTAINER, "usage", {"config": {"debug": [1]}}, ["config", "'debug'", "[1]"]),
    (CONTAINER, "usage", {"config": {"root": "/x"}}, ["config", "'root'", "option"]),
    (CONTAINER, "usage", {"config": {"log": "/x"}}, ["config", "'log'", "option"]),
    (CONTAINER, "usage", {"config": {"network": "host"}}, ["config", "'network'"]),
    (CONTAINER, "usage", {"config": {"platform": "kvm"}}, ["config", "'platform'"]),
    (
        CONTAINER,
        "unsupported",
        {"platform": "vax"},
        ["platform: this runsc has no platform 'vax'", "Correct the platform"],
    ),
    (CONTAINER, "usage", {"config": {"file-access": "sideways"}}, ["config: 'file-access' can't be 'sideways'"]),
    (CONTAINER, "usage", {"config": {"debug": "maybe"}}, ["config: 'debug' can't be 'maybe'"]),
    (CONTAINER, "usage", {"timeout": 0}, ["timeout", "0"]),
    # Ids.
    (CONTAINER, "usage", {"name": ""}, ["name: '' is not a container id"]),
    (CONTAINER, "usage", {"name": "web*"}, ["name: 'web*'", "letters"]),
    (CONTAINER, "usage", {"name": "*", "state": "absent"}, ["name: '*'"]),
    (CONTAINER, "usage", {"name": "a/b", "state": "absent"}, ["name: 'a/b'"]),
    (CONTAINER, "usage", {"name": "[a]", "state": "stopped"}, ["name: '[a]'"]),
    (CONTAINER, "usage", {"name": "-f"}, ["name: '-f'"]),
    (CONTAINER, "usage", {"name": "ä"}, ["name: 'ä'"]),
    (CONTAINER, "usage", {"name": "a\n"}, ["name: 'a\\n'"]),
    (CONTAINER, "usage", {"name": LONG}, [f"name: '{LONG}' has 86 characters", "85"]),
    (EXEC, "usage", {"name": "w?b"}, ["name: 'w?b'"]),
    (EXEC, "sandbox_gone", {"name": "nobody"}, ["there is no container 'nobody'", "{folder}/root"]),
    # The bundle.
    (CONTAINER, "usage", {"bundle": None}, ["bundle: none given"]),
    (CONTAINER, "usage", {"bundle": "relative"}, ["bundle: 'relative' is not absolute"]),
    (
        CONTAINER,
        "usage",
        {"bundle": "{folder}/no-json"},
        ["bundle: '{folder}/no-json/config.json' is not JSON", "line 1"],
    ),
    (CONTAINER, "usage", {"bundle": "{folder}/list"}, ["bundle: '{folder}/list/config.json' holds list"]),
    (CONTAINER, "usage", {"bundle": "{folder}/latin"}, ["bundle: '{folder}/latin/config.json' is not JSON", "utf-8"]),
    (
        CONTAINER,
        "usage",
        {"bundle": "{folder}/no-rootfs"},
        ["root.path in '{folder}/no-rootfs/config.json'", "'missing'"],
    ),
    (CONTAINER, "usage", {"bundle": "{folder}/no-args"}, ["process.args in '{folder}/no-args/config.json' is []"]),
    (CONTAINER, "usage", {"bundle": "{folder}/odd-args"}, ["process.args[0] in", "is 1", "Give a text"]),
    (CONTAINER, "usage", {"bundle": "{folder}/no-cwd"}, ["process.cwd in", "'tmp'"]),
    (CONTAINER, "usage", {"bundle": "{folder}/odd-mount"}, ["mounts[0].destination in", "'proc'"]),
    (CONTAINER, "usage", {"bundle": "{folder}/odd-user"}, ["process.user in", "'root'", "Give an object"]),
    (CONTAINER, "usage", {"bundle": "{folder}/odd-env"}, ["process.env in", "(not shown)", "Give a list"]),
    (CONTAINER, "usage", {"bundle": "{folder}/odd-limit"}, ["linux.resources.memory.limit in", "True", "whole number"]),
    (CONTAINER, "usage", {"bundle": "{folder}/null-mount"}, ["mounts[0].destination in", "None"]),
    (CONTAINER, "usage", {"bundle": "{folder}/no-source"}, ["mounts[0].source in", "'/nonexistent/source'"]),
    (CONTAINER, "usage", {"bundle": "{folder}/plain"}, ["bundle: '{folder}/plain' is not a folder"]),
    (CONTAINER, "usage", {"bundle": "{folder}/no-program"}, ["process.args[0] in", "'nosuch'", "no such program"]),
    (CONTAINER, "usage", {"bundle": "{folder}/no-right"}, ["process.args[0] in", "'/etc'", "can't be executed"]),
    # Files.
    (CONTAINER, "usage", {"debug_log": "/nonexistent/x/"}, ["debug_log: the folder of '/nonexistent/x' does not"]),
    (CONTAINER, "usage", {"stdin": "/nonexistent/file"}, ["stdin: there is no '/nonexistent/file'"]),
    *(
        (CONTAINER, "usage", {option: "/nonexistent/file"}, [f"{option}: ", "'/nonexistent/file'"])
        for option in ("stdin", "stdout", "stderr", "pid_file", "user_log", "console_socket")
    ),
    (CONTAINER, "usage", {"stdin": "/"}, ["stdin: '/' is neither a file"]),
    (CONTAINER, "usage", {"console_socket": "/dev/null"}, ["console_socket: '/dev/null' is not a socket"]),
    (CONTAINER, "usage", {"stdout": "{folder}"}, ["stdout: '{folder}' is neither a file"]),
    *(
        (EXEC, "usage", {option: "/nonexistent/file", "detach": True}, [f"{option}: ", "'/nonexistent/file'"])
        for option in ("pid_file", "internal_pid_file", "stdout_file", "stderr_file")
    ),
    (EXEC, "usage", {"internal_pid_file": "{folder}"}, ["internal_pid_file: '{folder}' is neither a file"]),
    (EXEC, "usage", {"console_socket": "/dev/null", "tty": True, "detach": True}, ["console_socket: '/dev/null'"]),
    (EXEC, "usage", {"log": "/nonexistent/log"}, ["log: the folder of '/nonexistent/log' does not exist"]),
    (INFO, "usage", {"log": "{folder}"}, ["log: '{folder}' is neither a file"]),
    # Times and signals.
    (CONTAINER, "usage", {"stop_signal": "BOGUS"}, ["stop_signal: 'BOGUS'"]),
    (CONTAINER, "usage", {"stop_signal": "0"}, ["stop_signal: '0'"]),
    (CONTAINER, "usage", {"stop_signal": "34"}, ["stop_signal: '34'"]),
    *(
        (CONTAINER, "usage", {option: -1}, [f"{option}: -1.0 is negative"])
        for option in ("stop_timeout", "create_timeout", "delete_timeout")
    ),
    (CONTAINER, "usage", {"restore_from": "/x", "state": "created"}, ["restore_from", "'created'"]),
    (CONTAINER, "usage", {"restore_from": "{folder}/missing"}, ["restore_from: '{folder}/missing/checkpoint.img'"]),
    (CONTAINER, "usage", {"restore_from": "{folder}/empty-image"}, ["restore_from", "empty"]),
    # Commands.
    (EXEC, "usage", {"argv": None, "command": "echo 'open"}, ["command", "echo 'open", "Close the quotes"]),
    (EXEC, "usage", {"argv": []}, ["argv: [] is not a command"]),
    (EXEC, "usage", {"argv": None, "command": " "}, ["command: ' ' is not a command"]),
    (EXEC, "usage", {"chdir": "relative"}, ["chdir: 'relative' is not absolute"]),
    (EXEC, "usage", {"env": {"A=B": "x"}}, ["env: 'A=B'"]),
    (EXEC, "usage", {"env": {"": "x"}}, ["env: ''"]),
    (EXEC, "usage", {"env": {"A": "x\0"}}, ["env: the value of 'A' holds a NUL"]),
    (EXEC, "usage", {"capabilities": ["CAP_NET_ADMIM"]}, ["did you mean 'CAP_NET_ADMIN'?", "Give a name such as"]),
    (EXEC, "usage", {"env": {"A": 1}}, ["env: the value of 'A' is 1"]),
    (EXEC, "usage", {"env": {"A": None}}, ["env: the value of 'A' is None"]),
    (EXEC, "usage", {"secret_env": {"B": 77777}}, ["secret_env: the value of 'B'"]),
    (EXEC, "usage", {"timeout": -1}, ["timeout"]),
    (INFO, "usage", {"annotations": {"a": 1}}, ["annotations: the value of 'a' is 1"]),
]


def _prepare(folder: Path, config: Json) -> None:
    """Make the files that REFUSED names."""
    (folder / "plain").write_text("", encoding="utf-8")
    (folder / "garbage").write_bytes(b"\x7fELF garbage")
    (folder / "garbage").chmod(0o755)
    changes: dict[str, Callable[[Json], Any]] = {
        "no-rootfs": lambda spec: spec["root"].update(path="missing"),
        "no-program": lambda spec: spec["process"].update(args=["nosuch"]),
        "no-right": lambda spec: spec["process"].update(args=["/etc"]),
        "no-args": lambda spec: spec["process"].update(args=[]),
        "odd-args": lambda spec: spec["process"].update(args=[1]),
        "no-cwd": lambda spec: spec["process"].update(cwd="tmp"),
        "odd-mount": lambda spec: spec["mounts"][0].update(destination="proc"),
        "odd-user": lambda spec: spec["process"].update(user="root"),
        "odd-env": lambda spec: spec["process"].update(env={"TOKEN": "hunter2"}),
        "odd-limit": lambda spec: spec["linux"].update(resources={"memory": {"limit": True}}),
        "null-mount": lambda spec: spec.update(mounts=[None]),
        "no-source": lambda spec: spec.update(
            mounts=[{"destination": "/x", "type": "bind", "source": "/nonexistent/source"}]
        ),
    }
    texts = {"no-json": b'{"a": }', "list": b"[]", "latin": b'{"a": "\xe4"}'}
    for name, change in changes.items():
        spec = json.loads(json.dumps(config))
        change(spec)
        texts[name] = json.dumps(spec).encode()
    for name, text in texts.items():
        (folder / name).mkdir()
        (folder / name / "config.json").write_bytes(text)
    (folder / "empty-image").mkdir()
    (folder / "empty-image/checkpoint.img").touch()


@pytest.fixture(scope="module")
def refusing(shared_place: Place) -> Place:
    """A place with what REFUSED names."""
    _prepare(shared_place.folder, shared_place.config)
    return shared_place


def _filled(value: Any, folder: Path) -> Any:
    return json.loads(json.dumps(value).replace("{folder}", str(folder)))


@pytest.mark.parametrize(
    ("module", "kind", "options", "says"), REFUSED, ids=[f"{case[0]}-{case[2]}"[6:60] for case in REFUSED]
)
def test_it_is_refused(refusing: Place, module: str, kind: str, options: Json, says: list[str]) -> None:
    least: dict[str, Json] = {
        CONTAINER: {"name": refusing.id, "bundle": str(refusing.bundle)},
        EXEC: {"name": refusing.id, "argv": ["id"]},
        INFO: {},
    }
    defaults = least[module]
    for check in (True, False) if module == CONTAINER else (False,):
        result = refusing.bad(module, kind, check=check, **{**defaults, **_filled(options, refusing.folder)})
        for text in _filled(says, refusing.folder):
            assert text in result["msg"]
        assert "\n" not in result["msg"].strip()
        assert len(result["msg"]) < 600
    assert refusing.listed() == {}
    assert not refusing.root.exists()  # not even a lock, or a root, was left


@pytest.mark.parametrize(
    ("module", "options", "says"),
    [
        (CONTAINER, {"network": "bridge"}, "network"),
        (CONTAINER, {"state": "started"}, "state"),
        (CONTAINER, {"recreate": "sometimes"}, "recreate"),
        (CONTAINER, {"force": "perhaps"}, "force"),
        (CONTAINER, {"timeout": "soon"}, "timeout"),
        (CONTAINER, {"name": None}, "name"),
        (CONTAINER, {"nosuchoption": 1}, "nosuchoption"),
        (EXEC, {"argv": None}, "argv"),
        (EXEC, {"command": "id"}, "argv|command"),
        (EXEC, {"additional_gids": ["wheel"]}, "additional_gids"),
        (INFO, {"gather": ["everything"]}, "gather"),
        (INFO, {"status": ["dead"]}, "status"),
    ],
)
def test_ansible_itself_refuses_it(refusing: Place, module: str, options: Json, says: str) -> None:
    least: dict[str, Json] = {
        CONTAINER: {"name": refusing.id},
        EXEC: {"name": refusing.id, "argv": ["id"]},
        INFO: {},
    }
    defaults = least[module]
    result = refusing.module(module, **{**defaults, **options})
    assert result["failed"]
    assert says in result["msg"]


def test_an_id_that_begins_another(place: Place) -> None:
    # runsc matches ids by prefix: once both exist, it could not tell the shorter one from the longer (gVisor issue 4553).
    place.container(name=f"{place.prefix}web-1")
    for name in ("web", "web-1-b"):
        for check in (True, False):
            refused = place.bad(
                CONTAINER, "unsupported", name=place.prefix + name, bundle=str(place.bundle), check=check
            )
            assert place.prefix + name in refused["msg"]
            assert f"{place.prefix}web-1" in refused["msg"]
            assert refused["status"] == "absent"
    # Nor does any of these act on the one that exists.
    for name in (f"{place.prefix}w", f"{place.prefix}web-"):
        assert place.container(name=name, state="absent")["changed"] is False
        assert place.container(name=name, state="stopped", bundle=None)["changed"] is False
        place.bad(EXEC, "sandbox_gone", name=name, argv=["id"])
    assert place.listed() == {f"{place.prefix}web-1": "running"}


def test_siblings_that_begin_each_other(place: Place) -> None:
    # Made past the collection, they are seen, and the longer one can be used; the shorter one comes after it.
    short, long = f"{place.prefix}app", f"{place.prefix}app-2"
    place.container(name=short)
    place.run_detached(long)
    assert {found["id"]: found["status"] for found in place.info()["containers"]} == {short: "running", long: "running"}
    assert place.container(name=short)["changed"] is False
    place.exec("true", name=long)
    for check in (True, False):
        refused = place.bad(CONTAINER, "unsupported", name=short, state="absent", check=check)
        assert (short in refused["msg"], long in refused["msg"], refused["status"]) == (True, True, "running")
    place.bad(EXEC, "unsupported", name=short, argv=["true"])
    assert place.listed() == {short: "running", long: "running"}
    assert place.container(name=long, state="absent")["changed"]
    assert place.container(name=short, state="absent")["changed"]


def test_without_root_rights(place: Place) -> None:
    place.container()
    place.root.chmod(0o700)
    try:
        nobody: Json = {
            "uid": 65534,
            "runsc_path": "/bin/true",
            "environment": {"HOME": "/nonexistent", "TMPDIR": "/tmp"},
        }
        for module, options in (
            (CONTAINER, {"name": place.id, "bundle": str(place.bundle)}),
            (CONTAINER, {"name": place.id, "state": "absent"}),
            (EXEC, {"name": place.id, "argv": ["id"]}),
            (INFO, {}),
        ):
            for check in (True, False):
                refused = place.bad(module, "runtime", check=check, **nobody, **options)
                assert f"root: {str(place.root)!r} can't be " in refused["msg"]
                assert "Run as root" in refused["msg"]
        new = {"name": place.id, "bundle": str(place.bundle), "root": "/var/nobody-may-write-here/root"}
        refused = place.bad(CONTAINER, "runtime", **nobody, **new)
        assert f"root: {new['root']!r} can't be written" in refused["msg"]
    finally:
        place.root.chmod(0o711)
    assert place.listed() == {place.id: "running"}


def test_runscs_own_words_come_back(place: Place) -> None:
    """A failure that only runsc can know of: its message, its exit code, and nothing left."""
    programs = place.folder / "programs"
    programs.mkdir()
    (programs / "script").write_text("#!/nonexistent/program\n", encoding="ascii")
    (programs / "script").chmod(0o755)
    mount = {"destination": "/programs", "type": "bind", "source": str(programs)}
    place.write_config({"process": {"args": ["/programs/script"]}, "mounts": [*place.config["mounts"], mount]})
    failed = place.bad(CONTAINER, "runtime", name=place.id, bundle=str(place.bundle))
    assert "/programs/script" in failed["msg"]
    assert "no such file or directory" in failed["msg"]
    assert (failed["rc"], failed["status"], failed["actions"]) == (128, "absent", [])
    assert failed["cmd"][0] == place.version.path
    assert place.listed() == {}
    # The same when it had been created before: started once in vain, it can't be started again, so it is removed.
    place.container(state="created")
    failed = place.bad(CONTAINER, "runtime", name=place.id)
    assert "/programs/script" in failed["msg"]
    assert (failed["status"], place.listed()) == ("absent", {})
    place.write_config()
    assert place.container()["actions"] == ["create", "start"]


def test_a_container_that_ends_at_once(place: Place) -> None:
    place.write_config({"process": {"args": ["true"]}})
    failed = place.bad(CONTAINER, "sandbox_gone", name=place.id, bundle=str(place.bundle))
    assert place.id in failed["msg"]
    assert (failed["status"], failed["actions"], failed["changed"]) == ("stopped", ["create", "start"], True)
    assert os.listdir(place.tmp) == []


def test_a_program_that_is_not_there_costs_no_container(place: Place) -> None:
    place.container()
    place.write_config({"process": {"args": ["nosuch"]}})
    for check in (True, False):
        told = place.bad(CONTAINER, "usage", name=place.id, bundle=str(place.bundle), recreate="on-change", check=check)
        assert "There is no such program in" in told["msg"]
        assert (told["status"], told["changed"], told["actions"]) == ("running", False, [])
    assert place.exec("true")["rc"] == 0


def test_a_bundle_that_is_missing(place: Place) -> None:
    """Check mode hopes for a task that makes it; see test_bundle_options."""
    missing = place.folder / "missing"
    told = place.bad(CONTAINER, "usage", name=place.id, bundle=str(missing))
    assert f"bundle: '{missing}/config.json' can't be read: No such file" in told["msg"]
    assert not place.root.exists()


def test_check_mode_writes_no_logs(place: Place) -> None:
    logs = place.folder / "logs"
    place.container()
    options: Json = {"debug_log": f"{logs}/", "log": str(place.folder / "log"), "check": True}
    place.container(state="paused", **options)
    place.exec("true", creates="/etc", **options)
    place.info(**options)
    assert not logs.exists()
    assert not (place.folder / "log").exists()
    place.container(state="paused", **{**options, "check": False})
    assert list(logs.iterdir())


def test_a_damaged_record_is_told_by_exec_too(place: Place) -> None:
    place.container()
    text = place.record().read_text(encoding="utf-8")
    place.record().write_text("{", encoding="ascii")
    told = place.bad(EXEC, "runtime", name=place.id, argv=["true"])
    place.record().write_text(text, encoding="utf-8")
    assert f"container {place.id!r} can't be used: its state file" in told["msg"]
    assert (told["status"], "state absent" in told["msg"]) == ("broken", True)


def test_the_output_of_a_timeout_is_stripped(place: Place) -> None:
    place.container()
    options: Json = {"name": place.id, "argv": ["sh", "-c", "echo one; echo; sleep 60"], "timeout": 0.5}
    assert place.bad(EXEC, "timeout", **options)["stdout"] == "one"
    assert place.bad(EXEC, "timeout", **options, strip_empty_ends=False)["stdout"] == "one\n\n"


def test_no_ls_to_look_with(place: Place) -> None:
    place.container(bundle=str(_bundle_without_ls(place)))
    told = place.bad(EXEC, "usage", name=place.id, argv=["busybox", "true"], creates="/x")
    assert f"creates: container {place.id!r} has no ls" in told["msg"]


def _bundle_without_ls(place: Place) -> Path:
    rootfs = place.folder / "bare"
    (rootfs / "bin").mkdir(parents=True)
    shutil.copy(BUSYBOX, rootfs / "bin/busybox")
    bundle = place.folder / "bare-bundle"
    return place.write_config({"root": {"path": str(rootfs)}, "process": {"args": ["busybox", "sleep", "100"]}}, bundle)


def test_a_making_that_takes_too_long_names_its_option(place: Place) -> None:
    shim = place.shim('case " $* " in *" run "*) exec sleep 1000;; esac')
    options: Json = {"name": place.id, "bundle": str(place.bundle), "runsc_path": str(shim), "create_timeout": 0.5}
    assert "Raise create_timeout" in place.bad(CONTAINER, "timeout", **options)["msg"]


def test_the_host_itself_refuses(place: Place) -> None:
    place.container()
    told = place.bad(EXEC, "runtime", name=place.id, argv=["true"], pid_file="/proc/version")
    assert told["msg"].startswith("the host refused: ")
    assert ("/proc/version" in told["msg"], told["status"]) == (True, "running")
