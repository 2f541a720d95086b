# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""runsc_run: one command in a sandbox of its own, of which nothing is left, whatever happens."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gvisor.runsc.tests.modules.support import (
    Json,
    Place,
    eventually,
    make_rootfs,
    processes,
    read_result,
    subcommands,
)

LIMIT = 64 * 1024 * 1024  # bytes of memory
EAT = ["dd", "if=/dev/zero", "of=/tmp/eaten", "bs=1M", "count=300"]  # a tmpfs is in the memory of the sandbox


def run(place: Place, *argv: str, **options: Any) -> Json:
    """Run a command; it must not fail."""
    return place.good("runsc_run", **{"bundle": str(place.bundle), "argv": list(argv) or None, **options})


def fails(place: Place, kind: str, *argv: str, **options: Any) -> Json:
    """Run a command; it must fail in this way."""
    return place.bad("runsc_run", kind, **{"bundle": str(place.bundle), "argv": list(argv) or None, **options})


def nothing_is_left(place: Place) -> None:
    """Assert that the root is empty, and that nothing works for it."""
    eventually(lambda: not [pid for pid, argv in processes() if f"--root={place.root}" in argv], "all processes end")
    assert os.listdir(place.root) == []
    assert list(place.tmp.glob("gvisor-runsc-*")) == []


def test_the_result_of_a_command(place: Place) -> None:
    shim = place.shim()
    done = run(place, "sh", "-c", "echo out; echo err >&2", runsc_path=str(shim))
    assert (done["changed"], done["rc"], done["stdout"], done["stderr"], done["timed_out"]) == (
        True,
        0,
        "out",
        "err",
        False,
    )
    assert done["name"].startswith("run-")
    assert {"start", "end", "delta", "cmd"} <= set(done)
    assert [call for call in subcommands(shim) if call == "run"] == ["run"]
    nothing_is_left(place)
    failed = fails(place, "command", "sh", "-c", "echo out; exit 7")
    assert (failed["rc"], failed["stdout"], failed["changed"], failed["status"]) == (7, "out", True, "absent")
    assert fails(place, "command", "sh", "-c", "kill -9 $$")["rc"] == 137


def test_one_process_of_runsc(place: Place) -> None:
    run(place, "true")  # what the binary can do is known now
    shim = place.shim()
    run(place, "true", runsc_path=str(shim), verbosity=3)
    again = len(subcommands(shim))
    run(place, "true", runsc_path=str(shim))
    assert subcommands(shim)[again:] == ["run"]


def test_the_bundle_gives_what_the_options_do_not(place: Place) -> None:
    script = 'echo "$PWD $OWN $BOTH $(id -u):$(id -g)"'
    process = {"args": ["sh", "-c", script], "env": ["PATH=/bin", "OWN=1", "BOTH=own"], "cwd": "/tmp"}
    place.write_config({"process": {**process, "user": {"uid": 5, "gid": 6}}})
    text = (place.bundle / "config.json").read_text(encoding="utf-8")
    assert run(place)["stdout"] == "/tmp 1 own 5:6"
    assert run(place, env={"BOTH": "given"}, chdir="/bin", user="7:8")["stdout"] == "/bin 1 given 7:8"
    assert run(place, command="echo 'two words'")["stdout"] == "two words"
    assert (place.bundle / "config.json").read_text(encoding="utf-8") == text


def test_users_by_name(place: Place, source: Path) -> None:
    place.write_config({"root": {"path": str(source), "readonly": True}})
    accounts = (source / "etc/passwd").read_text(encoding="utf-8").splitlines()
    name, _secret, uid, gid = next(line for line in accounts if not line.startswith("root")).split(":")[:4]
    assert run(place, "sh", "-c", "id -u; id -g", user=name)["stdout_lines"] == [uid, gid]
    assert "nosuch" in fails(place, "usage", "id", user="nosuch")["msg"]


def test_a_relative_root_and_mount(place: Place) -> None:
    (place.bundle / "data").mkdir()
    (place.bundle / "data/file").write_text("here", encoding="utf-8")
    root = os.path.relpath(place.config["root"]["path"], place.bundle)
    mount = {"destination": "/tmp", "type": "bind", "source": "data"}
    place.write_config({"root": {"path": root, "readonly": True}, "mounts": [mount]})
    assert run(place, "cat", "/tmp/file")["stdout"] == "here"


def test_streams(place: Place) -> None:
    assert run(place, "cat", stdin="text")["stdout"] == "text"
    assert run(place, "wc", "-c", stdin="text")["stdout"] == "5"
    assert run(place, "wc", "-c", stdin="text", stdin_add_newline=False)["stdout"] == "4"
    assert run(place, "echo", "x", strip_empty_ends=False)["stdout"] == "x\n"
    # A runsc that is not known yet is asked what it can do; that answer is not cut.
    shim = str(place.shim())
    cut = run(place, "sh", "-c", "echo 123456789; echo abc >&2", output_limit=4, runsc_path=shim)
    assert (cut["stdout"], cut["stdout_truncated"], cut["stderr"], cut["stderr_truncated"]) == (
        "1234",
        True,
        "abc",
        False,
    )
    assert run(place, "printf", "\\377\\n")["stdout"] == "\\xff"


def test_secrets_are_seen_nowhere(place: Place) -> None:
    done = run(place, "sh", "-c", 'echo "it is $TOKEN"; sleep 0.3', secret_env={"TOKEN": "hunter2secret"})
    assert "hunter2secret" not in json.dumps({key: done[key] for key in done if key != "invocation"})
    with place.started(
        "runsc_run", bundle=str(place.bundle), argv=["sleep", "5"], secret_env={"T": "hunter2"}
    ) as process:
        eventually(lambda: list(place.tmp.glob("gvisor-runsc-*/config.json")), "the private bundle is written")
        (config,) = place.tmp.glob("gvisor-runsc-*/config.json")
        assert (config.stat().st_mode & 0o777, config.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        eventually(place.sandboxes, "the sandbox runs")
        assert "hunter2" not in str([argv for _pid, argv in processes()])
        process.send_signal(signal.SIGTERM)
        process.communicate()
    nothing_is_left(place)


def test_conditions(place: Place) -> None:
    file = place.folder / "made"
    assert run(place, "true", creates=str(file))["changed"] is True
    skipped = run(place, "true", removes=str(file))
    assert (skipped["changed"], skipped["msg"]) == (False, f"not run, since {file} does not exist")
    file.symlink_to("nowhere")
    assert run(place, "true", creates=str(file))["msg"] == f"not run, since {file} exists"
    assert run(place, "true", removes=str(file))["changed"] is True
    assert "creates: 'x' is not absolute" in fails(place, "usage", "true", creates="x")["msg"]


def test_check_mode_runs_nothing(place: Place) -> None:
    shim = place.shim()
    done = run(place, "touch", "/tmp/x", runsc_path=str(shim), check=True)
    assert (done["changed"], subcommands(shim)) == (True, [])
    assert (
        "argv: 'nosuch' can't be run. There is no such program in" in fails(place, "usage", "nosuch", check=True)["msg"]
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"bundle": "relative"}, "bundle: 'relative' is not absolute"),
        ({"bundle": "/nonexistent"}, "can't be read"),
        ({"root": "/run/runsc-service-web"}, "belongs to the systemd unit web.service"),
        ({"argv": []}, "argv: [] is not a command"),
        ({"argv": None, "command": "'"}, "command: "),
        ({"env": {"A": 1}}, "env: the value of 'A'"),
        ({"chdir": "tmp"}, "chdir: 'tmp' is not absolute"),
        ({"timeout": 0}, "timeout: 0.0 is not positive"),
        ({"output_limit": 0}, "output_limit: 0 is not positive"),
        ({"stdout_file": "/tmp/x"}, "stdout_file: for a detached command only"),
        ({"keep_exit_status": True}, "keep_exit_status: for a detached command only"),
        ({"name": "a*"}, "'a*' is not a container id"),
        ({"detach": True, "name": "x", "stdin": "x"}, "stdin: a detached command"),
        ({"argv": ["nosuch"]}, "argv: 'nosuch' can't be run. There is no such program in"),
    ],
    ids=str,
)
def test_mistakes(place: Place, options: Json, says: str) -> None:
    assert says in fails(place, "usage", **{"argv": ["true"], **options})["msg"]
    assert not place.root.exists() or os.listdir(place.root) == []


def test_a_deadline(place: Place) -> None:
    failed = fails(place, "timeout", "sh", "-c", "echo begun; sleep 1000", timeout=1, output_limit=4)
    assert (failed["timed_out"], failed["changed"], failed["stdout"]) == (True, True, "begu")
    assert (failed["rc"], failed["stdout_truncated"], failed["stderr_truncated"]) == (137, True, False)
    assert failed["name"] in failed["msg"]
    assert {"start", "end", "delta"} <= set(failed)
    assert failed["msg"].endswith("raise the timeout. No container is left")
    nothing_is_left(place)


def test_the_sandbox_is_killed(place: Place) -> None:
    with place.started("runsc_run", bundle=str(place.bundle), argv=["sleep", "100"]) as process:
        eventually(lambda: "running" in place.listed().values(), "it runs")
        os.kill(place.sandboxes()[0], signal.SIGKILL)
        out, err = process.communicate(timeout=30)
    result = read_result(process.returncode, out, err)
    # runsc says the same of a command that was killed inside.
    assert (result["failed"], result["failure_kind"], result["rc"]) == (True, "command", 137)
    assert result["msg"].endswith("it was killed by SIGKILL, or its sandbox was from outside")
    nothing_is_left(place)


# The limit of memory


def limited(place: Place, **linux: Any) -> None:
    """Let the bundle have a limit of memory."""
    place.write_config({"linux": {"resources": {"memory": {"limit": LIMIT}}, **linux}})


@pytest.mark.parametrize("named", [False, True])
def test_the_memory_is_used_up(place: Place, named: bool) -> None:
    limited(place, **({"cgroupsPath": f"/{place.id}-group"} if named else {}))
    failed = fails(place, "oom", *EAT)
    assert (failed["rc"], failed["changed"], failed["status"], failed["timed_out"]) == (137, True, "absent", False)
    assert {"start", "end", "delta", "stdout_truncated"} <= set(failed)
    name = failed["name"]
    assert failed["msg"] == (
        f"the sandbox of container '{name}' was killed at its memory limit. Raise the memory limit of the bundle"
    )
    nothing_is_left(place)
    assert not list(Path("/sys/fs/cgroup").glob(f"*/{place.id}*"))


def test_the_memory_is_used_up_while_nobody_looks(place: Place) -> None:
    """runsc removes the group, with its counter, a moment after the kill. The host may be too busy to look in between."""
    limited(place)
    with place.started(
        "runsc_run", bundle=str(place.bundle), argv=["sh", "-c", f"sleep 1; {' '.join(EAT)}"]
    ) as process:
        eventually(lambda: "memory.oom_control" in str(descriptors(process.pid)), "it is attached to the group")
        eventually(lambda: "running" in place.listed().values(), "it runs")
        process.send_signal(signal.SIGSTOP)
        eventually(lambda: not place.sandboxes() and not groups(place), "runsc has tidied up")
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate(timeout=30)
    assert read_result(process.returncode, out, err)["failure_kind"] == "oom"
    nothing_is_left(place)


def test_a_kill_below_the_limit_is_no_lack_of_memory(place: Place) -> None:
    limited(place)
    assert fails(place, "command", "sh", "-c", "kill -9 $$")["rc"] == 137
    assert run(place, "echo", "fine")["stdout"] == "fine"
    nothing_is_left(place)


def descriptors(pid: int) -> list[str]:
    """Return what the descriptors of a process lead to."""
    found = []
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
    return found


def groups(place: Place) -> list[str]:
    """Return the control groups of the sandboxes that runsc processes under the root make."""
    names = [argv[-1] for _pid, argv in processes() if f"--root={place.root}" in argv and "run" in argv]
    return [name for name in names if Path("/sys/fs/cgroup/memory", name).exists()]


# The working directory and the program


@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize(
    ("folder", "says"),
    [
        ("/nowhere", "There is no such folder in"),
        ("/bin/../nowhere", "There is no such folder in"),
        ("/bins/nowhere", "There is no such folder in"),
        ("/data/nowhere", "There is no such folder in"),
        ("/bin/sh", "It is not a folder in"),
        ("/bin/sh/sub", "There is no such folder in"),
    ],
)
def test_a_working_directory_that_is_not_there(place: Place, folder: str, says: str, detach: bool) -> None:
    """runsc would make it, on the host, even if the root file system is read only."""
    rootfs = own_rootfs(place)
    before = sorted(rootfs.rglob("*"))
    name = {"name": place.id, "detach": True} if detach else {}
    for check in (True, False):
        failed = fails(place, "usage", "pwd", chdir=folder, check=check, **name)
        assert failed["msg"].startswith(f"chdir: '{folder}' can't be the working directory. {says}")
    place.write_config({"process": {"cwd": folder}})
    assert fails(place, "usage", "pwd", **name)["msg"].startswith(f"bundle: process.cwd: '{folder}'")
    assert sorted(rootfs.rglob("*")) == before
    assert not place.root.exists() or os.listdir(place.root) == []


@pytest.mark.parametrize(
    ("folder", "found"), [("/link", "/tmp"), ("/data/sub", "/data/sub"), ("/data/link", "/data/sub"), ("/bins", "/bin")]
)
def test_a_working_directory_that_is_there(place: Place, folder: str, found: str) -> None:
    rootfs = own_rootfs(place)
    before = sorted(rootfs.rglob("*"))
    assert run(place, "pwd", chdir=folder)["stdout"] == found
    assert sorted(rootfs.rglob("*")) == before


def own_rootfs(place: Place) -> Path:
    """Give the test's bundle a root file system of its own, with a link and a mount in it."""
    rootfs = make_rootfs(place.bundle / "rootfs")
    (rootfs / "link").symlink_to("/tmp")
    (rootfs / "bins").symlink_to("/bin")
    (rootfs / "data").mkdir()
    for folder in ("sys", "dev"):
        (rootfs / folder).mkdir()
    (place.bundle / "data/sub").mkdir(parents=True)
    (place.bundle / "data/link").symlink_to("/data/sub")  # leads there in the container only
    mount = {"destination": "/data", "type": "bind", "source": "data", "options": ["rw"]}
    place.config["root"]["path"] = "rootfs"
    place.config["mounts"].append(mount)
    place.write_config()
    return rootfs


@pytest.mark.parametrize("program", ["/etc/plain", "/bin", "plain"])
def test_a_program_that_can_not_be_executed(place: Place, program: str) -> None:
    rootfs = own_rootfs(place)
    (rootfs / "etc/plain").write_text("text", encoding="utf-8")
    failed = fails(place, "usage", program, env={"PATH": "/bin:/etc"})
    assert failed["msg"].startswith(f"argv: '{program}' can't be run. It can't be executed in")


@pytest.mark.parametrize("named", [False, True])
def test_the_module_is_killed(place: Place, named: bool) -> None:
    """The sandbox ends with it, and the next task removes the files."""
    name = {"name": place.id} if named else {}
    with place.started("runsc_run", bundle=str(place.bundle), argv=["sleep", "100"], **name) as process:
        eventually(lambda: "running" in place.listed().values(), "it runs")
        process.kill()
        process.communicate()
    eventually(lambda: not place.sandboxes(), "the sandbox ends")
    assert run(place, "echo", "again", **name)["stdout"] == "again"
    nothing_is_left(place)


def test_another_container_of_that_name_is_not_touched(place: Place) -> None:
    place.container()
    failed = fails(place, "runtime", "true", name=place.id)
    assert f"name: there is a container '{place.id}' already" in failed["msg"]
    assert failed["timed_out"] is False
    assert fails(place, "runtime", "true", name=place.id, check=True)["msg"] == failed["msg"]
    place.container(state="stopped")
    fails(place, "runtime", "true", name=place.id)
    assert place.listed() == {place.id: "stopped"}


def test_detached(place: Place) -> None:
    out = place.folder / "out"
    options: Json = {"name": place.id, "detach": True, "stdout_file": str(out), "stderr_file": str(out)}
    script = ["sh", "-c", 'echo "$A"; echo err >&2; sleep 100']
    assert run(place, *script, env={"A": "set"}, **options, check=True)["actions"] == ["create", "start"]
    first = run(place, *script, env={"A": "set"}, **options)
    assert (first["changed"], first["container"]["status"]) == (True, "running")
    place.wait_for(out, "set\nerr\n")
    again = run(place, *script, env={"A": "set"}, **options)
    assert (again["changed"], again["container"]["pid"]) == (False, first["container"]["pid"])
    assert run(place, "true", **options, creates=str(out))["msg"] == f"not run, since {out} exists"
    assert list(place.tmp.glob("gvisor-runsc-*")) == []
    assert "bundle" in place.module("runsc_container", name=place.id, recreate="always")["msg"]
    assert place.listed() == {place.id: "running"}


@pytest.mark.parametrize("detach", [False, True])
def test_check_mode_hopes_for_a_bundle_to_come(place: Place, detach: bool) -> None:
    to_come = str(place.folder / "to-come")
    done = run(place, "true", bundle=to_come, name=place.id, detach=detach, check=True)
    assert done["changed"] is True
    assert f"there is none in '{to_come}' yet" in str(done["warnings"])
    assert "config.json" in fails(place, "usage", "true", bundle=to_come, name=place.id, detach=detach)["msg"]


def test_detached_as_the_bundle_says(place: Place) -> None:
    done = run(place, name=place.id, detach=True, timeout=0.01)  # which is that of a command, not of runsc's calls
    assert done["container"]["bundle"] == str(place.bundle)
    assert place.container(recreate="on-change")["changed"] is False


@pytest.mark.parametrize("code", [0, 3])
def test_a_detached_job_that_ends_at_once(place: Place, code: int) -> None:
    script = ["sh", "-c", f"exit {code}"]
    would = run(place, *script, name=place.id, detach=True, keep_exit_status=True, check=True)
    assert (would["msg"], would["changed"]) == ("it would run, but this is check mode", True)
    done = run(place, *script, name=place.id, detach=True, keep_exit_status=True)
    ended = f"it has ended with exit code {code}"
    told = (done["changed"], done["container"]["status"], done["msg"], done["rc"])
    assert told in ((True, "stopped", ended, code), (True, "running", "it runs", 0))
    assert place.good("runsc_wait", name=place.id)["exit_status"] == code
    again = run(place, *script, name=place.id, detach=True, keep_exit_status=True)
    assert (again["changed"], again["container"]["exit_status"]) == (False, code)
    # Ansible takes a result with such an rc for a failure unless it says that it is none.
    assert (again["msg"], again["rc"], again["failed"]) == (ended, code, False)
    place.container(state="absent")
    failed = fails(place, "sandbox_gone", *script, name=place.id, detach=True)
    assert failed["status"] == "stopped"
    assert "Leave out detach to run it to its end, or set keep_exit_status" in failed["msg"]
    assert "stdout_file and stderr_file" in failed["msg"]


def test_a_hundred_at_a_time(place: Place) -> None:
    """In bounded memory, and each gets its own output."""
    count = 100
    script = "echo $N; echo >/tmp/file$N; ls /tmp"
    children = []
    for number in range(count):
        options = place.options({"bundle": str(place.bundle), "argv": ["sh", "-c", script], "env": {"N": str(number)}})
        children.append(place.runner.begin("runsc_run", options, place.environment, place.folder))
    for number, child in enumerate(children):
        result = place.runner.finish(child)
        assert not result.get("failed"), result
        assert result["stdout_lines"] == [str(number), f"file{number}"]
    nothing_is_left(place)
