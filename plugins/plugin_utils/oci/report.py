# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a validation found, and how it reaches the user."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.errors import AnsibleActionFail


@dataclasses.dataclass(frozen=True)
class Report:
    """All errors and warnings about one document, each with its place in it."""

    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def message(self, option: str) -> str:
        """Return one text about all errors. :param option: the option that carried the document."""
        if len(self.errors) == 1:
            return f"{option}: {self.errors[0]}"
        return "\n".join([f"{option}: {len(self.errors)} errors", *(f"- {error}" for error in self.errors)])

    def raise_or_warn(self, warn: t.Callable[[str], None], option: str) -> None:
        """Pass on each warning; then fail, if there are errors. To be used in an action plugin::

            report = validate_config(config, network=args.get("network"), flags=args.get("config") or {})
            report.raise_or_warn(self._display.warning, "spec")

        C(run) of the plugin has to catch it and return its C(result): C(failed_when) and C(until) look at results only.

        :param warn: takes one warning, as C(Display.warning) does.
        :param option: the option of the module that carried the document.
        :raises AnsibleActionFail: with the keys that each failure of the collection's modules has, and the list C(errors).
        """
        for warning in self.warnings:
            warn(f"{option}: {warning}")
        if self.errors:
            message = self.message(option)
            raise AnsibleActionFail(message, result=failure(message, errors=list(self.errors)))


def failure(message: str, **more: t.Any) -> dict[str, t.Any]:
    """Return the result of a task that failed before anything was run: what the modules return when an option is wrong."""
    process: dict[str, t.Any] = {
        "rc": None,
        "cmd": [],
        "stdout": "",
        "stderr": "",
        "stdout_lines": [],
        "stderr_lines": [],
    }
    return {
        "failed": True,
        "changed": False,
        "msg": message,
        "failure_kind": "usage",
        "status": None,
        **process,
        **more,
    }
