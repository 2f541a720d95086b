# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fail when a test report holds no test, or a test that was skipped.

usage: check_junit.py REPORT...

pytest is content with skipped tests, so a machine that lacks something would turn a test off unnoticed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree


def complaints(report: Path) -> list[str]:
    """Return what is wrong with a JUnit XML report, one line each."""
    cases = list(ElementTree.parse(report).iter("testcase"))
    if not cases:
        return [f"{report.name}: no test was run"]
    found = []
    for case in cases:
        for skipped in case.iter("skipped"):
            name = f"{case.get('classname')}.{case.get('name')}"
            found.append(f"{report.name}: skipped {name}: {skipped.get('message') or 'no reason given'}")
    return found


def main() -> None:
    """Print the complaints about the reports named on the command line; exit 1 when there is one."""
    if len(sys.argv) < 2:
        sys.exit("usage: check_junit.py REPORT...")
    found = [line for report in sys.argv[1:] for line in complaints(Path(report))]
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
