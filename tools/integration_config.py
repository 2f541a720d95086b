# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the variables of the integration targets: integration_config.yml.

usage: integration_config.py VERSIONS_FILE BUSYBOX DEBIAN_ROOTFS [FIRST_VERSION]

FIRST_VERSION is the index of the first runsc version to test, such as -1 for the newest only.

ansible-test starts the playbooks with next to no environment, but hands them the variables of that file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    """Print a YAML document (JSON is YAML) with ``runsc_versions``, ``busybox`` and ``debian_rootfs``."""
    if len(sys.argv) not in (4, 5):
        sys.exit("usage: integration_config.py VERSIONS_FILE BUSYBOX DEBIAN_ROOTFS [FIRST_VERSION]")
    versions = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))[int(*sys.argv[4:]) :]
    print(json.dumps({"runsc_versions": versions, "busybox": sys.argv[2], "debian_rootfs": sys.argv[3]}, indent=2))


if __name__ == "__main__":
    main()
