# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What options do that a playbook shows badly: deadlines, large and odd outputs, private files, and their absence."""

from __future__ import annotations

import json
import stat
import time

import pytest

from ansible_collections.gvisor.runsc.tests.modules.support import Json, Place, subcommands


def _hanging(place: Place, subcommand: str) -> str:
    """Return a runsc whose subcommand never ends, as that of a platform which can't work here does."""
    return str(place.shim(f'case " $* " in *" {subcommand} "*) exec sleep 1000;; esac'))


@pytest.mark.parametrize("subcommand", ["run", "create", "start"])
def test_a_making_that_hangs_is_undone(place: Place, subcommand: str) -> None:
    state = "created" if subcommand == "create" else "running"
    if subcommand == "start":
        place.container(state="created")
    began = time.monotonic()
    told = place.bad(
        "runsc_container",
        "timeout",
        name=place.id,
        state=state,
        bundle=str(place.bundle),
        runsc_path=_hanging(place, subcommand),
        create_timeout=0.5,
    )
    assert time.monotonic() - began < 5
    assert "did not end within 0.5 s" in told["msg"]
    assert place.id in told["msg"]
    assert (told["status"], place.listed(), place.sandboxes()) == ("absent", {}, [])
    assert place.container()["changed"]


def test_a_platform_that_hangs_here(place: Place) -> None:
    """With a usable /dev/kvm this platform just works, and without one it hangs, or runsc refuses it."""
    began = time.monotonic()
    options: Json = {"name": place.id, "bundle": str(place.bundle), "platform": "kvm", "create_timeout": 1}
    result = place.module("runsc_container", **options)
    assert time.monotonic() - began < 10
    if result.get("failed"):
        assert result["failure_kind"] in ("timeout", "runtime", "unsupported", "sandbox_gone")
        assert place.id in result["msg"]
        assert (result["status"], place.listed(), place.sandboxes()) == ("absent", {}, [])
    else:
        assert result["container"]["status"] == "running"


def test_a_deletion_that_hangs_is_finished(place: Place) -> None:
    pid = place.container(state="created")["container"]["pid"]
    began = time.monotonic()
    options: Json = {
        "state": "absent",
        "delete_timeout": 0.5,
        "runsc_path": _hanging(place, "delete"),
        "name": place.id,
    }
    told = place.module("runsc_container", **options)
    assert time.monotonic() - began < 5
    assert (told["failure_kind"], told["status"]) == ("timeout", "created")
    assert "did not end within 0.5 s" in told["msg"]
    assert place.container(**options, force=True)["container"]["status"] == "absent"
    assert pid not in place.sandboxes()


def test_a_look_that_hangs_is_told(place: Place) -> None:
    place.container()
    told = place.bad("runsc_container", "runtime", name=place.id, timeout=0.5, runsc_path=_hanging(place, "state"))
    assert (told["status"], "did not end within 0.5 s" in told["msg"]) == ("broken", True)


def test_stop_timeout_of_zero(place: Place) -> None:
    place.write_config({"process": {"args": ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]}})
    place.container()
    began = time.monotonic()
    assert place.container(state="stopped", stop_timeout=0)["actions"] == ["stop"]
    assert time.monotonic() - began < 3


def test_the_root_of_the_environment_is_not_used(place: Place) -> None:
    runtime = place.folder / "runtime"
    runtime.mkdir()
    environment = {"XDG_RUNTIME_DIR": str(runtime)}
    place.container(environment=environment)
    assert place.listed() == {place.id: "running"}
    assert place.exec("echo", "hello", environment=environment)["stdout"] == "hello"
    assert place.info(environment=environment)["containers"][0]["id"] == place.id
    assert list(runtime.iterdir()) == []


def test_private_files_are_private_and_gone(place: Place) -> None:
    place.container()
    runtime = place.folder / "runtime"
    runtime.mkdir()
    shim = place.shim(
        f'for f in {runtime}/*/process.json; do stat -c "%a %n" "$f" "${{f%/*}}" >>{place.folder}/modes; done'
    )
    options = {
        "secret_env": {"TOKEN": "hunter2"},
        "runsc_path": str(shim),
        "environment": {"XDG_RUNTIME_DIR": str(runtime)},
    }
    assert place.exec("sh", "-c", 'echo "<$TOKEN>"', **options)["stdout"] == "<********>"
    modes = [line.split()[0] for line in (place.folder / "modes").read_text(encoding="utf-8").splitlines()]
    assert modes == ["600", "700"]
    assert (list(runtime.iterdir()), list(place.tmp.iterdir())) == ([], [])
    assert "hunter2" not in shim.with_suffix(".calls").read_text(encoding="utf-8")


def test_secrets_are_masked_everywhere(place: Place) -> None:
    place.container()
    secret = {"TOKEN": "hunter2-hunter2"}
    script = 'echo "out $TOKEN"; echo "err $TOKEN" >&2; exit 3'
    told = place.bad("runsc_exec", "command", name=place.id, argv=["sh", "-c", script], secret_env=secret, verbosity=4)
    assert "hunter2" not in json.dumps(told)
    assert (told["stdout"], told["stderr"]) == ("out ********", "err ********")
    told = place.bad("runsc_exec", "runtime", name=place.id, argv=["/hunter2-hunter2"], secret_env=secret)
    assert "hunter2" not in json.dumps(told)


def test_more_output_than_is_kept(place: Place) -> None:
    place.container()
    result = place.exec(
        "sh", "-c", "head -c 5000000 /dev/zero | tr '\\0' x; head -c 4194304 /dev/zero | tr '\\0' y >&2"
    )
    assert (len(result["stdout"]), result["stdout_truncated"]) == (4194304, True)
    assert (result["stderr_truncated"], result["rc"]) == (False, 0)
    assert set(result["stdout"]) == {"x"}
    assert result["stderr"] == "y" * 4194304


def test_a_large_input(place: Place) -> None:
    place.container()
    text = "0123456789abcdef" * 65536
    result = place.exec("sh", "-c", "wc -c; echo done", stdin=text, stdin_add_newline=False)
    assert result["stdout_lines"] == ["1048576", "done"]
    # Nor does it matter if nobody reads it.
    assert place.exec("true", stdin=text)["rc"] == 0


def test_output_of_a_grandchild_is_not_waited_for(place: Place) -> None:
    place.container()
    began = time.monotonic()
    assert place.exec("sh", "-c", "sleep 30 & echo begun")["stdout"] == "begun"
    assert time.monotonic() - began < 5


def test_a_container_holds_no_pipe_of_the_task(place: Place) -> None:
    """Else the task, and whoever reads its output, would wait for the container's end."""
    place.write_config({"process": {"args": ["sh", "-c", "while :; do echo noise; echo noise >&2; sleep 0.1; done"]}})
    began = time.monotonic()
    with place.started("runsc_container", name=place.id, bundle=str(place.bundle)) as process:
        out, err = process.communicate(timeout=20)
    assert (json.loads(out)["changed"], err) == (True, "")
    place.exec("sleep", "100", detach=True)
    assert time.monotonic() - began < 5


def test_logs_are_appended_to(place: Place) -> None:
    logs = [place.folder / "new", place.folder / "kept"]
    logs[1].write_text("earlier\n", encoding="utf-8")
    logs[1].chmod(0o600)
    for log, mode, begin in zip(logs, (0o640, 0o600), ("", "earlier\n"), strict=True):
        for word in ("first", "second"):
            place.write_config({"process": {"args": ["sh", "-c", f"echo {word}; echo {word} >&2; sleep 1000"]}})
            place.container(recreate="always", stdout=str(log), stderr=str(log))
            place.wait_for(log, f"{word}\n{word}\n")
        assert log.read_text(encoding="utf-8") == f"{begin}first\nfirst\nsecond\nsecond\n"
        assert stat.S_IMODE(log.stat().st_mode) == mode


def test_an_id_is_another_name_of_name(place: Place) -> None:
    assert place.good("runsc_container", id=place.id, bundle=str(place.bundle))["container"]["id"] == place.id
    assert place.good("runsc_exec", id=place.id, command="echo hello")["stdout"] == "hello"
    assert [one["id"] for one in place.info(id=[place.id])["containers"]] == [place.id]


def test_a_container_may_be_given_as_long_a_name_as_runsc_takes(place: Place) -> None:
    name = place.prefix + "x" * (85 - len(place.prefix))
    made = place.container(name=name)
    assert (len(name), made["container"]["id"]) == (85, name)
    assert place.exec("echo", "alive", name=name)["stdout"] == "alive"
    assert place.container(name=name, state="absent")["changed"]


def test_the_features_of_the_binary_are_asked_once(place: Place) -> None:
    shim = place.shim()
    first = place.info(runsc_path=str(shim))
    asked = len(subcommands(shim))
    second = place.info(runsc_path=str(shim))
    assert subcommands(shim)[asked:] == ["list"]
    assert {key: first[key] for key in ("version", "platforms", "features")} == {
        key: second[key] for key in ("version", "platforms", "features")
    }
    assert first["version"]["runsc"] == place.version.version
