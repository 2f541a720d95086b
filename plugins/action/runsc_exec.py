# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a command in a gVisor container, after its OCI Process was validated here on the controller."""

from __future__ import annotations

import contextlib
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.validation import check_type_dict
from ansible.plugins.action.normal import ActionModule as NormalAction

from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci.report import failure
from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci.validate import (
    MissingLibraryError,
    preload,
    validate_process,
)

preload()


class ActionModule(NormalAction):
    """The module of the same name, run as any other. Only the option C(process) is looked at before."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Validate, then run the module. A document that is wrong, or can't be validated, is a failed result."""
        process = self._task.args.get("process")
        try:
            if process is not None:
                self._validate(process)
        except AnsibleActionFail as exc:
            return dict(exc.result)  # Ansible asks neither failed_when nor until about what is raised
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        return result

    def _validate(self, process: t.Any) -> None:
        with contextlib.suppress(TypeError):  # a text is JSON, as for the module; one that is not gets its own message
            process = check_type_dict(process)
        flags = self._task.args.get("config")
        try:
            report = validate_process(process, flags=flags if isinstance(flags, dict) else None)
        except MissingLibraryError as exc:
            raise AnsibleActionFail(str(exc), result=failure(str(exc))) from exc
        report.raise_or_warn(self._display.warning, "process")
