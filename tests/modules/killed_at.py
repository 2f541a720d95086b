# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module that kills itself just before one of the changes that it makes to files in a folder.

usage: killed_at.py MODULE STEP FOLDER

The module's options come from standard input. C(STEP) counts from 1; where the module makes fewer changes it runs to its end.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from ansible_collections.gvisor.runsc.tests.modules import runner

_CHANGES = ("os.chmod", "os.mkdir", "os.remove", "os.rename", "os.rmdir")  # of the events that Python tells of


class _Countdown:
    def __init__(self, step: int, folder: str) -> None:
        self._left = step
        self._folder = os.path.join(folder, "")

    def next(self) -> None:
        """Note a change that is about to be made."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def look(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Look at an event of Python."""
        writes = event == "open" and bool((arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR))
        if (event in _CHANGES or writes) and self._is_inside(arguments):
            self.next()

    def _is_inside(self, arguments: tuple[Any, ...]) -> bool:
        path = arguments[0]
        if not isinstance(path, str):
            return False
        if os.path.isabs(path):
            return path.startswith(self._folder)
        folders = [number for number in arguments[1:] if isinstance(number, int) and number > 2]  # as rmtree does it
        return any(os.readlink(f"/proc/self/fd/{number}").startswith(self._folder) for number in folders)


def main() -> None:
    """Be the module."""
    module, step, folder = sys.argv[1:]
    options = json.load(sys.stdin)
    countdown = _Countdown(int(step), folder)
    sync = os.fsync

    def counted(descriptor: Any) -> None:
        countdown.next()
        sync(descriptor)

    setattr(os, "fsync", counted)  # noqa: B010  # Python tells of no event
    sys.addaudithook(countdown.look)
    runner.run(module, options)


if __name__ == "__main__":
    main()
