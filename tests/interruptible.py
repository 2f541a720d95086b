# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plugin of pytest for all tests that start sandboxes: they clean up also when they are asked to end."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Take both signals for a Ctrl-C. SIGINT as well, since a shell lets what it starts in the background ignore it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
