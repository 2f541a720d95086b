# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""runsc_checkpoint and runsc_checkpoint_info, and what runsc_container checks before it restores."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gvisor.runsc.tests.modules.support import (
    Json,
    Place,
    eventually,
    merged,
    processes,
    read_result,
    subcommands,
)

COUNTER = {"process": {"args": ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i > /tmp/n; sleep 0.05; done"]}}
MANIFEST = "gvisor.runsc.json"
OTHER = {"ptrace": "0.0~20240729.0", "systrap": "0.0~20221219.0"}  # the version that the one with this platform is not


def is_new(place: Place) -> bool:
    """Whether this runsc can leave a container running, and has the options that came with that."""
    return "20221219" not in place.version.version


def image_of(place: Place) -> Path:
    """Return the folder of the test's image; its parent exists."""
    (place.folder / "images").mkdir(exist_ok=True)
    return place.folder / "images/one"


def save(place: Place, **options: Any) -> Json:
    """Run runsc_checkpoint for the test's own container and image. It must not fail."""
    return place.good("runsc_checkpoint", **{"name": place.id, "path": str(image_of(place)), **options})


def refused(place: Place, kind: str, **options: Any) -> Json:
    """Run runsc_checkpoint, which must fail and leave the image's folder as it was."""
    before = sorted(image_of(place).parent.rglob("*"))
    result = place.bad("runsc_checkpoint", kind, **{"name": place.id, "path": str(image_of(place)), **options})
    assert sorted(image_of(place).parent.rglob("*")) == before
    return result


def images(place: Place, *paths: Path, **options: Any) -> list[Json]:
    """Run runsc_checkpoint_info; without paths for the folder of the test's images."""
    result = place.good(
        "runsc_checkpoint_info", path=[str(path) for path in paths or [image_of(place).parent]], **options
    )
    assert result["changed"] is False
    found: list[Json] = result["images"]
    return found


def count(place: Place) -> int:
    """Return how far the counter is. The shell empties the file before it writes, so the number may be missing."""
    return int(place.exec("sh", "-c", "until read -r n </tmp/n; do :; done; echo $n")["stdout"])


def counting(place: Place) -> int:
    """Run the counter, and return a number that it has passed."""
    place.write_config(COUNTER)
    place.container()
    eventually(lambda: place.exec("cat", "/tmp/n")["stdout"] not in ("", "1", "2"), "it counts")
    return count(place)


def edit_manifest(place: Place, **changes: Any) -> Path:
    """Change fields of the image's manifest."""
    file = image_of(place) / MANIFEST
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), **changes}), encoding="utf-8")
    return file


def pid(place: Place) -> int:
    """Return the pid of the test's running container."""
    (found,) = place.info(name=[place.id])["containers"]
    assert found["status"] == "running"
    number: int = found["pid"]
    return number


def test_a_round_trip(place: Place) -> None:
    reached = counting(place)
    predicted = save(place, check=True)
    assert not image_of(place).exists()
    done = save(place)
    again = save(place)
    for key in ("changed", "actions", "path", "diff"):
        assert predicted[key] == done[key]
    assert (done["changed"], done["actions"]) == (True, ["checkpoint"])
    assert predicted["container"]["status"] == done["container"]["status"] == "stopped"
    assert done["diff"]["before"] == {"image": "none", "status": "running"}
    assert (predicted["manifest"], predicted["image_size"]) == (None, None)
    assert (again["changed"], again["actions"], again["manifest"]) == (False, [], done["manifest"])
    assert again["diff"]["before"] == again["diff"]["after"]
    image = image_of(place)
    assert sorted(path.name for path in image.parent.iterdir()) == ["one"]
    assert image.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in image.iterdir()} == {0o600}
    assert done["image_size"] == sum(done["manifest"]["files"].values()) == (image / "checkpoint.img").stat().st_size

    place.container(state="absent")
    assert save(place)["changed"] is False, "the image is there, whatever the container does"
    shim = place.shim()
    back = place.container(restore_from=str(image), runsc_path=str(shim))
    assert (back["actions"], back.get("warnings", [])) == (["restore"], [])
    assert "restore" in subcommands(shim)
    at_once = count(place)
    assert at_once >= reached
    eventually(lambda: count(place) > at_once, "it goes on")
    assert at_once < reached + 200, "it goes on from there"


def test_the_manifest_says_what_made_the_image(place: Place) -> None:
    place.write_config({"process": {"env": ["PATH=/bin", "TOKEN=hunter2"]}})
    made = place.container()["container"]
    # The binary was replaced under the running sandbox; what counts is the one that the sandbox runs.
    replaced = place.shim('case "$*" in --version) printf "runsc version 9\\nspec: 1.0.2\\n"; exit;; esac')
    found = save(place, runsc_path=str(replaced))["manifest"]
    assert (found["format"], found["container"], found["bundle"]) == (1, place.id, str(place.bundle))
    assert (found["runsc"], found["platform"]) == (place.version.version, place.version.platform)
    assert (found["network"], found["created"], list(found["files"])) == ("none", made["created"], ["checkpoint.img"])
    assert found["time"].endswith("Z") and found["time"][:4] >= "2026"
    assert json.loads((image_of(place) / MANIFEST).read_text(encoding="utf-8")) == found
    assert "hunter2" not in json.dumps(found)


def test_leave_running(place: Place) -> None:
    reached = counting(place)
    before = pid(place)
    if not is_new(place):
        for check in (True, False):
            told = refused(place, "unsupported", leave_running=True, check=check)
            assert "would destroy container" in told["msg"]
        assert pid(place) == before
        return
    predicted = save(place, leave_running=True, check=True)
    done = save(place, leave_running=True)
    assert predicted["diff"] == done["diff"]
    assert (done["container"]["status"], done["container"]["pid"]) == ("running", before)
    assert count(place) >= reached
    place.container(state="paused")
    replaced = save(place, leave_running=True, force=True)
    assert (replaced["changed"], replaced["container"]["status"]) == (True, "paused")
    place.container()
    assert pid(place) == before
    last = count(place)
    eventually(lambda: count(place) > last, "it goes on")
    place.container(recreate="always", restore_from=str(image_of(place)), force=True)
    assert count(place) >= reached


NEWER_OPTIONS: list[tuple[Json, int]] = [
    ({"compression": "flate-best-speed"}, 1),
    ({"exclude_committed_zero_pages": True, "compression": "none"}, 3),
    ({"direct": True, "compression": "none"}, 3),
    ({"compression": "none"}, 3),
]


def test_options_of_newer_versions(place: Place) -> None:
    before = place.container()["container"]["pid"]
    shim = place.shim()
    for options, files in NEWER_OPTIONS:
        if not is_new(place):
            first = next(iter(options))
            told = refused(place, "unsupported", **{first: options[first]})
            assert f"has no flag {first.replace('_', '-')!r}" in told["msg"]
            continue
        done = save(place, leave_running=True, force=True, runsc_path=str(shim), **options)
        assert len(done["manifest"]["files"]) == files
        calls = shim.with_suffix(".calls").read_text(encoding="utf-8").splitlines()
        call = [line for line in calls if " checkpoint --" in line][-1]
        for option, value in options.items():
            assert f"--{option.replace('_', '-')}" + ("" if value is True else f"={value}") in call
    assert pid(place) == before
    if is_new(place):
        back = place.container(restore_from=str(image_of(place)), recreate="always", force=True)
        assert back["container"]["status"] == "running"


def test_a_paused_one(place: Place) -> None:
    place.container(state="paused")
    done = save(place)
    assert done["diff"]["before"]["status"] == "paused"
    assert done["container"]["status"] == "stopped"
    assert place.container(restore_from=str(image_of(place)))["container"]["status"] == "running"


def test_what_has_nothing_to_save(place: Place) -> None:
    for check in (True, False):
        assert "there is no container" in refused(place, "sandbox_gone", check=check)["msg"]
        assert not place.root.exists()
    place.container(state="created")
    for check in (True, False):
        told = refused(place, "runtime", check=check)
        assert "has not been started" in told["msg"]
        assert told["status"] == "created"
    place.container()
    place.container(state="stopped")
    assert "is stopped" in refused(place, "runtime")["msg"]
    assert "is stopped" in refused(place, "runtime", force=True)["msg"]


BAD: list[tuple[Json, str]] = [
    ({"path": "here"}, "path: 'here' is not absolute"),
    ({"name": "a/b"}, "name: 'a/b'"),
    ({"checkpoint_timeout": 0}, "checkpoint_timeout: 0 is not positive"),
    ({"path": "{folder}/file"}, "file' can't be read: Not a directory"),
    ({"path": "{folder}/nowhere/one"}, "the folder of '{folder}/nowhere/one' does not exist"),
    ({"path": "{folder}"}, "which is no part of an image"),
    ({"path": "{folder}", "force": True}, "which is no part of an image"),
]


def test_bad_options(place: Place) -> None:
    (place.folder / "file").touch()
    before = place.container()["container"]["pid"]
    for options, words in BAD:
        text = json.dumps(options).replace("{folder}", str(place.folder))
        assert words.replace("{folder}", str(place.folder)) in refused(place, "usage", **json.loads(text))["msg"]
    assert pid(place) == before
    missing = str(place.folder / "nowhere/one")
    assert save(place, check=True, path=missing)["changed"] is True, "an earlier task may make it"


def test_an_image_that_is_somebody_elses(place: Place) -> None:
    place.container()
    save(place)
    place.container()
    before = pid(place)
    manifest = (image_of(place) / MANIFEST).read_text(encoding="utf-8")
    edit_manifest(place, container="other-1")
    assert "holds an image of container 'other-1'" in refused(place, "usage")["msg"]
    for text in ("{", "[]", '{"format": 2}', json.dumps({**json.loads(manifest), "flags": 1})):
        (image_of(place) / MANIFEST).write_text(text, encoding="utf-8")
        assert MANIFEST in refused(place, "usage")["msg"]
        assert (
            MANIFEST
            in place.bad(
                "runsc_container", "usage", name=place.id, restore_from=str(image_of(place)), recreate="always"
            )["msg"]
        )
    (image_of(place) / MANIFEST).unlink()
    assert "without a manifest" in refused(place, "usage")["msg"]
    assert pid(place) == before
    replaced = save(place, force=True)
    assert (replaced["changed"], replaced["diff"]["before"]["image"]) == (True, "without a manifest")
    assert [path.name for path in image_of(place).parent.iterdir()] == ["one"]
    assert save(place)["changed"] is False


def test_what_a_failed_attempt_left_is_replaced(place: Place) -> None:
    image_of(place).mkdir()
    for size in (None, 0):
        if size is not None:
            (image_of(place) / "checkpoint.img").touch()
        place.container()
        assert save(place)["changed"] is True
        shutil.rmtree(image_of(place))
        image_of(place).mkdir()
    place.container()
    save(place)
    file = image_of(place) / "checkpoint.img"
    file.write_bytes(file.read_bytes()[:-1])
    assert (
        "bytes, and had"
        in place.bad("runsc_container", "usage", name=place.id, restore_from=str(image_of(place)))["msg"]
    )
    place.container()
    done = save(place)
    assert (done["changed"], done["diff"]["before"]["image"]) == (True, "incomplete")


def test_force_keeps_the_old_image_until_the_new_one_is_there(place: Place) -> None:
    place.container()
    save(place)
    old = {path.name: path.read_bytes() for path in image_of(place).iterdir()}
    place.container()
    shim = place.shim('case " $* " in *" checkpoint --"*) echo "checkpoint failed: no" >&2; exit 128;; esac')
    assert "checkpoint failed: no" in refused(place, "runtime", force=True, runsc_path=str(shim))["msg"]
    assert {path.name: path.read_bytes() for path in image_of(place).iterdir()} == old
    assert pid(place) > 0
    assert save(place, force=True)["changed"] is True
    assert (image_of(place) / "checkpoint.img").read_bytes() != old["checkpoint.img"]


def test_a_disk_that_is_too_small(place: Place) -> None:
    """Runsc would write until the disk is full, fail, and have ended the container."""
    before = place.container()["container"]["pid"]
    answer = '{"Total": 9000000000000000000}'
    shim = place.shim(f'case " $* " in *" usage "*) echo \'{answer}\'; exit 0;; esac')
    for check in (True, False):
        told = refused(place, "runtime", runsc_path=str(shim), check=check)
        assert "bytes are free in" in told["msg"] and "9000000000008388608" in told["msg"]
    assert pid(place) == before


def test_a_failure_that_ended_the_container(place: Place) -> None:
    place.container()
    body = f'{place.version.path} "$@"; echo \'{{"level": "error", "msg": "no space left"}}\' >${{2#--log=}}; exit 128'
    shim = place.shim(f'case " $* " in *" checkpoint --"*) {body};; esac')
    log = place.folder / "log"
    told = refused(place, "runtime", runsc_path=str(shim), log=str(log))
    assert "no space left" in told["msg"] and "is lost" in told["msg"]
    assert told["status"] == "stopped"
    assert "no space left" in log.read_text(encoding="utf-8")
    assert "nothing left to save" in refused(place, "runtime")["msg"]


def end_session(place: Place) -> None:
    """End the command of the session, and wait until its streams are closed."""
    script = "ps -o pid,args | while read pid args; do [ \"$args\" = 'sleep 555' ] && kill $pid; done; true"
    place.exec("sh", "-c", script)
    eventually(lambda: "sleep 555" not in place.exec("ps", "-o", "args")["stdout"], "the session has ended")


def test_a_live_exec_session(place: Place) -> None:
    """Gvisor issue 11439: the image could not be restored, and the container would be lost."""
    before = place.container()["container"]["pid"]
    place.exec("true")
    # A process that let go of the streams of its exec keeps nobody from a restore.
    place.exec("sh", "-c", "sleep 444 </dev/null >/dev/null 2>&1 &")
    place.exec("sleep", "555", detach=True)
    for check in (True, False):
        told = refused(place, "unsupported", check=check)
        assert "sleep 555" in told["msg"] and "11439" in told["msg"]
        assert "444" not in told["msg"]
    end_session(place)
    place.exec("sh", "-c", "sleep 555 & exit 0")  # nobody's child now, but it still has the streams
    assert "sleep 555" in refused(place, "unsupported")["msg"]
    end_session(place)
    assert pid(place) == before
    save(place)
    assert place.container(restore_from=str(image_of(place)))["container"]["status"] == "running"
    # What has closed the streams is restored, and then killed by a newer version.
    assert ("sleep 444" in place.exec("ps", "-o", "args")["stdout"]) is not is_new(place)


def test_a_session_without_streams(place: Place) -> None:
    place.container()
    place.exec("sh", "-c", "exec sleep 555 </dev/null >/dev/null 2>&1", detach=True)
    if is_new(place):
        assert "sleep 555" in refused(place, "unsupported")["msg"]
        return
    save(place)
    place.container(restore_from=str(image_of(place)))
    assert "sleep 555" in place.exec("ps", "-o", "args")["stdout"]


def test_a_session_is_found_without_trace(place: Place) -> None:
    place.container()
    shim = str(place.shim('case " $* " in *" trace "*) echo "no trace" >&2; exit 128;; esac'))
    place.exec("sleep", "555", detach=True)
    assert "sleep" in refused(place, "unsupported", runsc_path=shim)["msg"]
    end_session(place)
    assert save(place, runsc_path=shim)["changed"] is True


def test_a_sandbox_of_several(place: Place) -> None:
    kind, sandbox = "io.kubernetes.cri.container-type", "io.kubernetes.cri.sandbox-id"
    place.write_config({"annotations": {kind: "sandbox", sandbox: place.id}})
    place.container()
    member = f"{place.prefix}b"
    bundle = place.write_config({"annotations": {kind: "container", sandbox: place.id}}, place.folder / "member")
    place.container(name=member, bundle=str(bundle))
    for name in (place.id, member):
        assert "lives in one sandbox with" in refused(place, "unsupported", name=name)["msg"]
    assert place.listed() == {place.id: "running", member: "running"}
    place.container(name=member, state="absent", force=True)


def test_a_restore_that_cannot_work_harms_nobody(place: Place) -> None:
    place.container()
    made = save(place)["manifest"]
    before = place.container()["container"]["pid"]
    changes: list[tuple[str, Json, str]] = [
        ("unsupported", {"runsc": OTHER[place.version.platform]}, "was made by runsc"),
        ("unsupported", {"machine": "vax"}, "was made on vax"),
        ("usage", {"files": {"checkpoint.img": 7}}, "had 7 when it was made"),
    ]
    options = {"name": place.id, "restore_from": str(image_of(place)), "recreate": "always"}
    for kind, change, words in changes:
        edit_manifest(place, **{**made, **change})
        for check in (True, False):
            told = place.bad("runsc_container", kind, check=check, **options)
            assert words in told["msg"] and told["status"] == "running"
            assert told.get("changed", False) is False
        (found,) = images(place)
        assert not found["restorable"] and words in found["reason"]
    assert pid(place) == before


def test_a_damaged_image_harms_nobody(place: Place) -> None:
    """It has its size still, so that runsc alone would notice, when the old container is gone."""
    place.container()
    made = save(place)["manifest"]
    before = place.container()["container"]["pid"]
    file = image_of(place) / "checkpoint.img"
    content = bytearray(file.read_bytes())
    assert made["digests"][file.name] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    for check in (True, False):
        options = {"name": place.id, "restore_from": str(image_of(place)), "recreate": "always"}
        told = place.bad("runsc_container", "usage", check=check, **options)
        assert "checkpoint.img' is not what it was when it was made" in told["msg"]
    assert pid(place) == before


def test_a_platform_on_which_it_would_die(place: Place) -> None:
    place.container()
    save(place)
    before = place.container()["container"]["pid"]
    edit_manifest(place, platform="systrap")
    options = {"name": place.id, "restore_from": str(image_of(place)), "recreate": "always", "platform": "ptrace"}
    told = place.bad("runsc_container", "unsupported", **options)
    assert "its processes would die on ptrace" in told["msg"]
    assert pid(place) == before


# What a newer runsc compares, as a person or a tool may write it, with much that runsc does not record.
RICH: Json = {
    "process": {
        "user": {"uid": 0, "gid": 0, "additionalGids": []},
        "capabilities": {"inheritable": [], "ambient": []},
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 99, "soft": 99}],
        "future": 1,
    },
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc", "options": []},
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=1777"]},
    ],
    "linux": {
        "devices": [{"path": "/dev/zero", "type": "c", "major": 1, "minor": 5, "fileMode": 438, "uid": 0, "gid": 0}],
        "seccomp": {
            "defaultAction": "SCMP_ACT_ALLOW",
            "architectures": ["SCMP_ARCH_X86_64"],
            "syscalls": [{"names": ["swapon"], "action": "SCMP_ACT_ERRNO", "args": [], "errnoRet": 1}],
        },
    },
}


def test_another_bundle(place: Place) -> None:
    place.write_config(RICH)
    place.container()
    save(place)
    options = {"recreate": "always", "restore_from": str(image_of(place))}
    assert place.container(**options).get("warnings", []) == []
    free = {"process": {"env": ["PATH=/bin", "A=b"]}, "hostname": "other"}  # may be another one
    place.write_config(merged(RICH, free))
    assert place.container(check=True, **options).get("warnings", []) == []
    place.write_config(merged(merged(RICH, free), {"process": {"args": ["sleep", "7"], "rlimits": []}}))
    checked = place.container(check=True, **options)
    (warning,) = checked["warnings"]
    assert "differs from that of the image in process.args, process.rlimits; the restored" in str(warning)
    # A newer runsc compares them itself, by default.
    flag = "restore-spec-validation"
    help_text = f'case "$*" in flags) printf \'  -{flag} string\\n    \\tx (default "enforce")\\n\';; esac'
    unknown = f'for a; do shift; case "$a" in --{flag}=*) ;; *) set -- "$@" "$a";; esac; done'
    newer = str(place.shim(f"{help_text}\n{unknown}"))
    before = pid(place)
    told = place.bad("runsc_container", "usage", name=place.id, bundle=str(place.bundle), runsc_path=newer, **options)
    assert "differs from that of the image" in told["msg"] and "process.args, process.rlimits" in told["msg"]
    assert pid(place) == before
    lenient = place.container(check=True, runsc_path=newer, config={flag: "ignore"}, **options)
    assert "process.args" in str(lenient["warnings"])


def test_other_flags_are_warned_of(place: Place) -> None:
    place.container(config={"host-uds": "open"} if is_new(place) else {"fsgofer-host-uds": True})
    save(place)
    place.container(state="absent")
    predicted = place.container(restore_from=str(image_of(place)), check=True)
    assert len(predicted["warnings"]) == 1 and "host-uds" in str(predicted["warnings"])


def _clients(place: Place) -> list[int]:
    return [number for number, argv in processes() if "checkpoint" in argv and f"--root={place.root}" in argv]


@pytest.mark.parametrize(
    ("number", "moment"), [(signal.SIGKILL, "before"), (signal.SIGKILL, "after"), (signal.SIGTERM, "after")]
)
def test_a_task_that_is_ended_in_the_middle(place: Place, number: signal.Signals, moment: str) -> None:
    place.container()
    mark = place.folder / "mark"
    pause = f"touch {mark}; sleep 0.3"
    real = f'{place.version.path} "$@"; rc=$?'
    body = f"{pause}; {real}; exit $rc" if moment == "before" else f"{real}; {pause}; exit $rc"
    shim = place.shim(f'case " $* " in *" checkpoint --"*) {body};; esac')
    options = {"name": place.id, "path": str(image_of(place)), "runsc_path": str(shim)}
    with place.started("runsc_checkpoint", **options) as process:
        eventually(mark.exists, "checkpoint has begun")
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        if number == signal.SIGTERM:
            told = read_result(process.returncode, out, err)
            assert "interrupted" in told["msg"] and "it takes over what is complete" in told["msg"]
            assert told["failure_kind"] == "runtime"
    assert not image_of(place).exists()
    done = save(place)
    assert (done["changed"], done["container"]["status"]) == (True, "stopped")
    assert _clients(place) == []
    assert [path.name for path in image_of(place).parent.iterdir()] == ["one"]
    assert save(place)["changed"] is False
    if moment == "after":  # by the time it was killed, the sandbox had ended
        assert place.container(restore_from=str(image_of(place)))["container"]["status"] == "running"


def test_what_a_killed_task_left_is_believed_only_with_reason(place: Place) -> None:
    place.container()
    staging = image_of(place).parent / f".one.gvisor.runsc-{place.id}"

    def left(**changes: Any) -> None:
        save(place, path=str(image_of(place).parent / "made"), force=True)
        manifest = json.loads((image_of(place).parent / "made" / MANIFEST).read_text(encoding="utf-8"))
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        shutil.rmtree(staging, ignore_errors=True)
        shutil.copytree(image_of(place).parent / "made", staging)
        (staging / MANIFEST).write_text(
            json.dumps({**manifest, "boot": boot, "files": {}, **changes}), encoding="utf-8"
        )

    for changes in ({"boot": "another"}, {"created": "2020-01-01T00:00:00Z"}, {"container": "other-1"}):
        left(**changes)
        assert "nothing left to save" in refused(place, "runtime")["msg"]
        place.container()
    left()
    log = staging / "runsc.log"
    log.write_text('{"level": "error", "msg": "checkpoint failed"}', encoding="utf-8")
    assert "nothing left to save" in refused(place, "runtime")["msg"]
    log.unlink()
    assert save(place, check=True)["changed"] is True
    assert not image_of(place).exists()
    assert save(place)["changed"] is True
    assert not staging.exists()
    assert "boot" not in images(place, image_of(place))[0]["manifest"]


def test_a_checkpoint_that_takes_too_long(place: Place) -> None:
    place.container()
    before = pid(place)
    shim = place.shim('case " $* " in *" checkpoint --"*) sleep 5;; esac')
    options = {"name": place.id, "path": str(image_of(place)), "checkpoint_timeout": 0.2}
    late = place.bad("runsc_checkpoint", "timeout", runsc_path=str(shim), **options)
    assert "checkpoint_timeout" in late["msg"]
    assert pid(place) == before
    assert save(place)["changed"] is True


def test_a_list_of_images(place: Place) -> None:
    folder = image_of(place).parent
    assert images(place, folder, folder / "missing", check=True) == []
    place.container()
    made = save(place)
    (folder / "foreign").mkdir()
    shutil.copy(image_of(place) / "checkpoint.img", folder / "foreign")
    (folder / "empty").mkdir()
    (folder / "half").mkdir()
    (folder / "half/checkpoint.img").touch()
    (folder / "torn").mkdir()
    (folder / "torn" / MANIFEST).write_text("{", encoding="utf-8")
    (folder / "file").touch()
    shutil.copytree(image_of(place), folder / ".hidden.gvisor.runsc-x")
    found = images(place)
    assert [Path(image["path"]).name for image in found] == ["foreign", "half", "one", "torn"]
    assert [image["restorable"] for image in found] == [True, False, True, False]
    assert [image["complete"] for image in found] == [True, False, True, False]
    assert [image["manifest"] for image in found] == [None, None, made["manifest"], None]
    assert (found[2]["size"], found[2]["files"]) == (made["image_size"], made["manifest"]["files"])
    assert [bool(image["reason"]) for image in found] == [False, True, False, True]
    assert images(place, folder / "one", folder) == [found[2], found[0], found[1], found[3]]
    assert images(place, folder, check=True) == found
    assert "is not absolute" in place.bad("runsc_checkpoint_info", "usage", path=["here"])["msg"]
    assert "can't be read" in place.bad("runsc_checkpoint_info", "usage", path=[str(folder / "file")])["msg"]
    assert save(place, path=str(folder / "one"), check=True)["changed"] is False
