# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take every step of the state machine once, and print as JSON, for each, the actions and the runsc commands that it took.

usage: steps.py BUNDLE IMAGE
"""

from __future__ import annotations

import json
import sys

from ansible_collections.gvisor.runsc.plugins.module_utils.planning import Desired
from ansible_collections.gvisor.runsc.plugins.module_utils.reconcile import converge
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.errors import subcommand_of
from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.monitor import Recorder

NAME = "steps-1"
WAY = ("created", "running", "paused", "running", "stopped", "absent", "running")


def main() -> None:
    """Go the way, then restore a checkpoint, and remove it while it is paused."""
    bundle, image = sys.argv[1:]
    taken = []

    def go(state: str, restore_from: str | None = None) -> None:
        recorder = Recorder()
        runsc = Runsc(config={"network": "none"}, monitor=recorder)
        outcome = converge(runsc, Desired(NAME, state, bundle, restore_from=restore_from))
        taken.append((outcome.actions, [subcommand_of(call.argv) for call in recorder.calls]))

    for state in WAY:
        go(state)
    Runsc(config={"network": "none"}).checkpoint(NAME, image)
    go("absent")
    go("running", restore_from=image)
    go("paused")
    go("absent")
    print(json.dumps(taken))


if __name__ == "__main__":
    main()
