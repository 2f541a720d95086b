# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only place that knows AnsibleModule: shared options, their way to the driver, results and errors on their way back."""

from __future__ import annotations

import os
import signal
import typing as t

from ansible.module_utils.basic import AnsibleModule

from . import archive  # noqa: F401  # pylint: disable=unused-import  # the first: it makes the others cheaper
from .files import check_files
from .observation import glance
from .reconcile_error import ReconcileError
from .runsc.client import Runsc
from .runsc.errors import RunscError, UsageError
from .runsc.invoke import DEFAULT_ROOT, TIMEOUT
from .runsc.monitor import Recorder
from .runsc.process import Completed

Spec = t.Dict[str, t.Dict[str, t.Any]]
Rules = t.Dict[str, t.Any]
Task = t.Callable[["ModuleLike", Runsc], t.Dict[str, t.Any]]

COMMANDS_VERBOSITY = 3  # from -vvv on, the result holds the commands that were run

# The options that every module has. Documented in the fragment gvisor.runsc.runsc.
COMMON: Spec = {
    "root": {"type": "path", "default": DEFAULT_ROOT},
    "runsc_path": {"type": "path", "default": "runsc"},
    "platform": {"type": "str"},
    "network": {"type": "str", "choices": ["sandbox", "host", "none"]},
    "config": {"type": "dict", "default": {}},
    "log": {"type": "path"},
    "debug_log": {"type": "path"},
    "timeout": {"type": "float", "default": TIMEOUT},
}

# Options that are global flags of runsc with another spelling.
_FLAG_OPTIONS = {"platform": "platform", "network": "network", "debug_log": "debug-log"}


class ModuleLike(t.Protocol):
    """What a task may use of AnsibleModule."""

    params: dict[str, t.Any]
    check_mode: bool
    _diff: bool

    def warn(self, warning: str) -> None:
        """Show a warning to the user."""

    def set_owner_if_different(self, path: str, owner: str | None, changed: bool) -> bool:
        """Change the owner of a file if it is another; C(None) leaves it. Return whether anything changed."""

    def set_group_if_different(self, path: str, group: str | None, changed: bool) -> bool:
        """The same for its group."""

    def set_mode_if_different(self, path: str, mode: t.Any, changed: bool) -> bool:
        """The same for its mode."""


def run_module(spec: Spec, task: Task, **rules: t.Any) -> None:
    """Parse the options, run the task with a client made from them, and leave with its result or its error.

    :param spec: the module's own options; the shared ones are added.
    :param rules: further arguments of AnsibleModule, such as C(required_if).
    """
    module = AnsibleModule(argument_spec={**COMMON, **spec}, supports_check_mode=True, **rules)
    recorder = Recorder() if module._verbosity >= COMMANDS_VERBOSITY else None
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup, for example
            signal.signal(number, _interrupt)  # so that what is under way is undone when the task is cancelled
    runsc: Runsc | None = None
    try:
        runsc = client(module.params, recorder, check_mode=module.check_mode, has_own_timeout="timeout" in spec)
        result = task(module, runsc)
    except ReconcileError as exc:
        result = {**failure(exc.error, exc.found.status), "changed": bool(exc.actions), "actions": exc.actions}
    except RunscError as exc:
        result = failure(exc, _status(runsc, exc.container))
    except (OSError, ValueError) as exc:  # a full disk, a path with a NUL character: nothing that runsc said
        result = failure(RunscError(f"the host refused: {exc}"), _status(runsc, module.params.get("name")))
    except KeyboardInterrupt:
        error = RunscError("interrupted; what was under way was undone")
        result = failure(error, _status(runsc, module.params.get("name")))
    if recorder:
        result["commands"] = [call.as_dict() for call in recorder.calls]
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(failed=False, **result)  # or Ansible would take an rc that is not 0 for a failure


def client(
    params: t.Mapping[str, t.Any], recorder: Recorder | None, *, check_mode: bool = False, has_own_timeout: bool = False
) -> Runsc:
    """Make the client that the options describe. In check mode runsc writes no logs.

    :param has_own_timeout: the option C(timeout) is that of a command or a wait, and says nothing about other calls.
    :raises UsageError: one of them makes no sense.
    """
    if not os.path.isabs(params["root"]):
        raise UsageError(f"root: {params['root']!r} is not absolute", remedy="Give an absolute path")
    if params["timeout"] <= 0:
        raise UsageError(f"timeout: {params['timeout']!r} is not positive", remedy="Give a number of seconds")
    if os.path.exists(params["root"]) and not os.path.isdir(params["root"]):
        raise UsageError(f"root: {params['root']!r} is not a folder", remedy="Give another path")
    check_files({"log": params["log"], "debug_log": (params["debug_log"] or "").rstrip("/")})
    config = dict(params["config"])
    for option, flag in _FLAG_OPTIONS.items():
        if params[option] is None:
            continue
        if flag in config:
            raise UsageError(f"config: {flag!r} is given by the option {option!r} too", remedy="Keep one of them")
        config[flag] = params[option]
    runsc = Runsc(
        params["runsc_path"],
        params["root"],
        None if check_mode else params["log"],
        config={name: value for name, value in config.items() if name != "debug-log" or not check_mode},
        monitor=recorder,
        timeout=TIMEOUT if has_own_timeout else params["timeout"],
    )
    if params["config"]:
        runsc.features.require_flags(set(runsc.config) - set(_FLAG_OPTIONS.values()))
    return runsc


def failure(error: RunscError, status: str | None) -> dict[str, t.Any]:
    """Return what every failure of a module carries; C(status) is that of the container, as far as it is known."""
    return {"failed": True, "msg": str(error), "failure_kind": error.kind, "status": status, **output(error.completed)}


def _status(runsc: Runsc | None, container: t.Any) -> str | None:
    """Return the status for the report of a failure, if it is about one container."""
    return glance(runsc, container) if runsc and isinstance(container, str) else None


def output(completed: Completed | None) -> dict[str, t.Any]:
    """Return a process's result as ansible.builtin.command names it; of no process, the same keys without values."""
    if completed is None:
        return {"rc": None, "cmd": [], "stdout": "", "stderr": "", "stdout_lines": [], "stderr_lines": []}
    stdout, stderr = text(completed.stdout.data), text(completed.stderr.data)
    return {
        "rc": exit_code(completed.rc),
        "cmd": list(completed.argv),
        "stdout": stdout,
        "stderr": stderr,
        "stdout_lines": stdout.splitlines(),
        "stderr_lines": stderr.splitlines(),
    }


def exit_code(rc: int) -> int:
    """Return 128 and the number of the signal that ended a process, as a shell does, where Python has it negative."""
    return rc if rc >= 0 else 128 - rc


def text(data: bytes) -> str:
    """Decode output for a result; bytes that are not UTF-8 become C(\\xNN), which every terminal and JSON parser can take."""
    return data.decode("utf-8", "backslashreplace")


def _interrupt(number: int, frame: t.Any) -> t.NoReturn:
    raise KeyboardInterrupt
