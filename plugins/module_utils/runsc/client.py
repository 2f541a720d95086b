# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A complete client of the runsc command line, usable by itself in a Python shell::

>>> import sys; sys.path.insert(0, "plugins/module_utils")
>>> from runsc.client import Runsc
>>> runsc = Runsc(config={"network": "none"})
>>> runsc.create("web", "/srv/web")
>>> runsc.start("web")
>>> runsc.exec("web", {"args": ["/bin/echo", "hello"]}).completed.stdout.text
'hello\\n'
>>> runsc.delete("web", force=True)
"""

from __future__ import annotations

from .exec_command import ExecCommand
from .image_commands import ImageCommands
from .observe_commands import ObserveCommands


class Runsc(ImageCommands, ExecCommand, ObserveCommands):
    """runsc with one set of global flags: one method for each subcommand.

    :param command: the binary, a path or a name in PATH.
    :param root: the folder in which runsc keeps its containers (C(--root)), made absolute.
    :param log: file to which runsc appends its own errors (C(--log)).
    :param log_format: its format, C(text) or C(json).
    :param config: any further global flags, by name: C({"network": "none", "debug": True}).
    :param pdeath_signal: number of the signal that runsc gets when this process ends.
    :param setpgid: start runsc in a process group of its own, but in the session of this process. Without it every call
        gets a session of its own: versions before 2023-03 lose the container when its creator's session ends.
    :param monitor: told of every runsc process.
    :param timeout: seconds that a call may take which has no longer deadline of its own.
    :param output_limit: bytes of output that are kept, of each stream; the rest is read and dropped.
    :param cache_folder: where answers about the binary's abilities are kept; None keeps none.
    """
