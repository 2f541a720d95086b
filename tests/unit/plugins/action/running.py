# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running a task of an action plugin without a module behind it."""

from __future__ import annotations

import typing as t
from unittest import mock

import pytest
from ansible.plugins.action.normal import ActionModule as NormalAction


class Ran(t.NamedTuple):
    """A task that was run: its result, what it warned of, and whether the module was reached."""

    result: t.Any
    warnings: t.List[str]
    module_ran: bool


def run(monkeypatch: pytest.MonkeyPatch, plugin: t.Type[NormalAction], **args: t.Any) -> Ran:
    """Run a task of these arguments, with a module that only notes that it ran."""
    module = mock.Mock(return_value={"changed": True})
    monkeypatch.setattr(NormalAction, "run", module)
    action = plugin.__new__(plugin)
    action._task = mock.Mock(args=args)
    action._display = mock.Mock()
    result: t.Any = action.run(None, {})
    return Ran(result, [call.args[0] for call in action._display.warning.call_args_list], module.called)
