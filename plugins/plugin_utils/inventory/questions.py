# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a node is asked: one script for its shell, see questions.sh; its answer is for L(frames).

It goes to the shell's standard input, so that no login shell has to understand it, and no process list shows it.
"""

from __future__ import annotations

import shlex
import typing as t
from pathlib import Path

SHELL = "/bin/sh"

_SCRIPT = Path(__file__).with_name("questions.sh").read_text(encoding="utf-8")


def script(mark: str, runsc_path: str, roots: t.Sequence[str], list_seconds: int) -> bytes:
    """Return the script.

    :param mark: what the frames of the answer begin with; nobody on the node may be able to guess it.
    :param list_seconds: how long one C(runsc list) may take.
    """
    values = {"mark": mark, "runsc": runsc_path, "seconds": str(list_seconds)}
    lines = [f"{name}={shlex.quote(value)}" for name, value in values.items()]
    lines.append(f"set -- {shlex.join(roots)}")
    return "\n".join([*lines, _SCRIPT]).encode()


def list_seconds(timeout: float, roots: int) -> int:
    """Return how long one C(runsc list) may take, so that a node with sandboxes that hang still answers in time."""
    return max(1, min(10, int(timeout / (2 * max(1, roots)))))


def command(privilege_command: str) -> str:
    """Return the command line that starts the shell on the node, each word quoted."""
    return shlex.join([*shlex.split(privilege_command), SHELL])
