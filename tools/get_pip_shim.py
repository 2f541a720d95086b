# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for the get-pip script that ansible-test would download.

ansible-test gives each of its virtual environments a pip by running ``get-pip-<version>.py``, which it takes from
``~/.ansible/test/cache/`` and downloads only when it is not there. A copy of this file in that place saves the
download: pip starts from the wheel that every CPython carries for ensurepip, and installs the pip that ansible-test
asks for from the package index. It is run by the oldest Python under test, hence the plain syntax.
"""

from __future__ import annotations

import ensurepip
import glob
import os
import runpy
import sys
import sysconfig

# Where CPython keeps the wheel, and where a distribution says that it keeps it instead.
WHEEL_FOLDERS = (
    os.path.join(os.path.dirname(ensurepip.__file__), "_bundled"),
    sysconfig.get_config_var("WHEEL_PKG_DIR") or "",
)
# Options of the real script that pip itself does not know.
NOT_FOR_PIP = ("--no-setuptools", "--no-wheel")


def main() -> None:
    """Run ``pip install`` with the arguments given, from the bundled wheel."""
    wheels = [wheel for folder in WHEEL_FOLDERS for wheel in glob.glob(os.path.join(folder, "pip-*.whl"))]
    if not wheels:
        sys.exit(f"{sys.executable} has no bundled pip (Debian: apt-get install python3-venv)")
    sys.path.insert(0, wheels[0])
    sys.argv = ["pip", "install"] + [arg for arg in sys.argv[1:] if arg not in NOT_FOR_PIP]
    runpy.run_module("pip", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
