# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the variables of the integration targets: integration_config.yml.

usage: integration_config.py VERSIONS_FILE BUSYBOX DEBIAN_ROOTFS [INDEX]

INDEX says which runsc version to test: 0 is the oldest, -1 the newest. Without it, all are tested.

ansible-test starts the playbooks with next to no environment, but hands them the variables of that file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    """Print a YAML document (JSON is YAML) with ``runsc_versions``, ``busybox`` and ``debian_rootfs``."""
    if len(sys.argv) not in (4, 5):
        sys.exit("usage: integration_config.py VERSIONS_FILE BUSYBOX DEBIAN_ROOTFS [INDEX]")
    versions = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    versions = [versions[int(index)] for index in sys.argv[4:]] or versions
    print(json.dumps({"runsc_versions": versions, "busybox": sys.argv[2], "debian_rootfs": sys.argv[3]}, indent=2))


if __name__ == "__main__":
    main()
