# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print one table: what the collection takes, beside what raw runsc or a task that does nothing takes, and their ratio.

usage: PYTHONPATH=<folder that holds ansible_collections> python ratios.py [SANDBOXES]

SANDBOXES is how many there are at the same time, 100 without it. As root. RUNSC_VERSIONS_FILE and DEBIAN_ROOTFS are those of
the tests. It ends well whatever the ratios are: they depend on the machine, and a test that fails when others use it helps
nobody.
"""

from __future__ import annotations

import sys

from ansible_collections.gvisor.runsc.tests.benchmarks import connection, tasks
from ansible_collections.gvisor.runsc.tests.benchmarks.support import (
    HEADER,
    Row,
    base_folder,
    bench,
    print_table,
    say,
    told,
)
from ansible_collections.gvisor.runsc.tests.modules.support import versions

FLEET = 100
# Of the fleet. On systrap an idle sandbox of 2024 takes 2 % of a core: a hundred of them would leave nothing of two cores.
PLATFORM = "ptrace"
PARTS = (tasks.start_up, tasks.bulk, tasks.nothing, tasks.processes)


def main() -> None:
    """Measure and print."""
    fleet = int(sys.argv[1]) if len(sys.argv) > 1 else FLEET
    rows: list[Row] = []
    with base_folder() as base:
        for version in versions():
            with bench(version._replace(platform=PLATFORM), base) as place:
                for part in PARTS:
                    say(f"{version.label}: {part.__name__}")
                    rows += told(part(place, fleet))
        rows += told(connection.rows(base))
    operations = list(dict.fromkeys(row.operation for row in rows))
    rows.sort(key=lambda row: operations.index(row.operation))
    print_table(HEADER, [row.cells() for row in rows])


if __name__ == "__main__":
    main()
