# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state machine: from the status that was found to the state that was asked for, as a table of steps.

Pure: no I/O, no clock, no Ansible. The documentation's table is checked against L(PLANS).
"""

from __future__ import annotations

import typing as t

# What a container can be found as. BROKEN: runsc has a record of it, but it can't be used (its sandbox hangs, or the record
# can't be read); the only way on is to remove it by force.
ABSENT, CREATED, RUNNING, PAUSED, STOPPED, BROKEN = "absent", "created", "running", "paused", "stopped", "broken"
STATUSES = (ABSENT, CREATED, RUNNING, PAUSED, STOPPED, BROKEN)

# What can be asked for.
STATES = (ABSENT, CREATED, RUNNING, PAUSED, STOPPED)

# The steps between them.
CREATE, START, RESTORE, PAUSE, RESUME, STOP, DELETE, FORCE_DELETE = (
    "create",
    "start",
    "restore",
    "pause",
    "resume",
    "stop",
    "delete",
    "force_delete",
)

Plan = t.Tuple[str, ...]

# PLANS[asked][found]. A stopped gVisor container can't be started again, so it is deleted and created anew.
PLANS: dict[str, dict[str, Plan]] = {
    ABSENT: {
        ABSENT: (),
        CREATED: (DELETE,),
        RUNNING: (STOP, DELETE),
        PAUSED: (FORCE_DELETE,),
        STOPPED: (DELETE,),
        BROKEN: (FORCE_DELETE,),
    },
    CREATED: {
        ABSENT: (CREATE,),
        CREATED: (),
        RUNNING: (),
        PAUSED: (),
        STOPPED: (DELETE, CREATE),
        BROKEN: (FORCE_DELETE, CREATE),
    },
    RUNNING: {
        ABSENT: (CREATE, START),
        CREATED: (START,),
        RUNNING: (),
        PAUSED: (RESUME,),
        STOPPED: (DELETE, CREATE, START),
        BROKEN: (FORCE_DELETE, CREATE, START),
    },
    PAUSED: {
        ABSENT: (CREATE, START, PAUSE),
        CREATED: (START, PAUSE),
        RUNNING: (PAUSE,),
        PAUSED: (),
        STOPPED: (DELETE, CREATE, START, PAUSE),
        BROKEN: (FORCE_DELETE, CREATE, START, PAUSE),
    },
    STOPPED: {
        ABSENT: (),
        CREATED: (),
        RUNNING: (STOP,),
        PAUSED: (RESUME, STOP),
        STOPPED: (),
        BROKEN: (FORCE_DELETE,),
    },
}

# The statuses that count as what was asked: "created" means exists and can be or has been started; "stopped" means that
# nothing runs.
SATISFIED_BY: dict[str, frozenset[str]] = {
    state: frozenset(status for status, steps in PLANS[state].items() if not steps) for state in STATES
}

# STEPS[step][found] is the status after the step; runsc refuses the step in any other status.
STEPS: dict[str, dict[str, str]] = {
    CREATE: {ABSENT: CREATED},
    START: {CREATED: RUNNING},
    RESTORE: {ABSENT: RUNNING},
    PAUSE: {RUNNING: PAUSED},
    RESUME: {PAUSED: RUNNING},
    STOP: {RUNNING: STOPPED},
    DELETE: {CREATED: ABSENT, STOPPED: ABSENT},
    FORCE_DELETE: {status: ABSENT for status in STATUSES},
}


def plan(found: str, asked: str, *, recreate: bool = False, restore: bool = False, force: bool = False) -> Plan:
    """Return the steps that lead from the status C(found) to the state C(asked).

    :param recreate: replace what exists, also where it would do. Only where a container is to exist and be usable: for
        the states absent and stopped there is nothing to make anew.
    :param restore: make the container from a checkpoint image instead of creating and starting it.
    :param force: remove by force, without a stop signal, wherever something is to be removed.
    """
    steps = PLANS[asked][found]
    if recreate and asked not in (ABSENT, STOPPED) and found != ABSENT:
        steps = PLANS[ABSENT][found] + PLANS[asked][ABSENT]
    if restore and START in steps:
        steps = _restoring(found, steps)
    return _forced(steps) if force else steps


def _restoring(found: str, steps: Plan) -> Plan:
    """Restoring makes a container; one that is only created is no use for that on all versions, so it goes first."""
    if CREATE not in steps:
        steps = PLANS[ABSENT][found] + (CREATE,) + steps
    return tuple(RESTORE if step == CREATE else step for step in steps if step != START)


def _forced(steps: Plan) -> Plan:
    if DELETE not in steps and FORCE_DELETE not in steps:
        return steps
    kept = tuple(step for step in steps if step not in (STOP, RESUME))
    return tuple(FORCE_DELETE if step == DELETE else step for step in kept)


def simulate(found: str, steps: t.Iterable[str]) -> str:
    """Return the status after the steps. :raises KeyError: runsc would refuse one of them."""
    for step in steps:
        found = STEPS[step][found]
    return found
