# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make an OCI bundle, after the configuration that its options give was validated here on the controller."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action.normal import ActionModule as NormalAction

from ansible_collections.gvisor.runsc.plugins.module_utils.bundle_config import Found, build_config, parse
from ansible_collections.gvisor.runsc.plugins.module_utils.module import COMMON
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import UsageError
from ansible_collections.gvisor.runsc.plugins.modules.runsc_bundle import ARGUMENTS, RULES
from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci.looking import plain
from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci.report import failure
from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci.validate import (
    MissingLibraryError,
    preload,
    validate_config,
)

preload()

# What the managed node alone knows, in the form that it will have: the program of an image, and its user's number.
_UNKNOWN = Found(image={"Cmd": ["the-image's-own"]})


class ActionModule(NormalAction):
    """The module of the same name, run as any other."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Validate, then run the module. Options that make no configuration are a failed result."""
        try:
            self._validate()
        except AnsibleActionFail as exc:
            return dict(exc.result)  # Ansible asks neither failed_when nor until about what is raised
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        return result

    def _validate(self) -> None:
        checked = ArgumentSpecValidator({**COMMON, **ARGUMENTS}, **RULES).validate(plain(self._task.args))
        params = checked.validated_parameters
        if checked.error_messages or params["state"] == "absent":
            return  # the module says what is wrong with the options as such
        try:
            options = parse(params)
            config = build_config(options, _UNKNOWN if params["image"] else _UNKNOWN._replace(image={}))
            report = validate_config(config, network=params["network"], flags=params["config"])
        except (UsageError, MissingLibraryError) as exc:
            raise AnsibleActionFail(str(exc), result=failure(str(exc))) from exc
        report.raise_or_warn(self._display.warning, "spec" if params["spec"] else "config.json")
