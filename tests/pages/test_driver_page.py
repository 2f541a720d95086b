# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/driver.md: its example runs, and its table names the methods that there are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ansible_collections.gvisor.runsc.plugins.module_utils.runsc.client import Runsc

TREE = Path(__file__).parents[2]
PAGE = (TREE / "docs/driver.md").read_text(encoding="utf-8")

# What the class has beside its subcommands.
HELPERS = {
    "await_creators",
    "check_checkpoint_options",
    "check_flags",
    "error_log",
    "existing",
    "failure",
    "global_arguments",
    "invoke",
    "is_live",
    "oom_kills",
    "path",
    "record",
    "refuse_status",
    "resumes_in_place",
    "version_of_sandbox",
}


def test_the_table_names_every_method() -> None:
    lines = PAGE[PAGE.index("| Go |") :].splitlines()[2:]
    documented = {name for line in lines for name in line.split("|")[2].strip().split(", ")}
    assert documented == {name for name in dir(Runsc) if not name.startswith("_")} - HELPERS


def test_the_example_runs(environment: dict[str, str], tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    (bundle / "rootfs/bin").mkdir(parents=True)
    (bundle / "rootfs/bin/echo").write_bytes(Path(environment["BUSYBOX"]).read_bytes())
    (bundle / "rootfs/bin/echo").chmod(0o755)
    (bundle / "rootfs/bin/sleep").symlink_to("echo")
    config = {"ociVersion": "1.0.2", "process": {"args": ["/bin/sleep", "60"], "cwd": "/"}, "root": {"path": "rootfs"}}
    config["linux"] = {"namespaces": [{"type": kind} for kind in ("pid", "network", "mount")]}
    (bundle / "config.json").write_text(json.dumps(config), encoding="utf-8")
    example = PAGE.split("```python\n")[1].split("```")[0]
    done = subprocess.run(
        [sys.executable, "-c", f"bundle = {str(bundle)!r}\n{example}"],
        cwd=TREE,
        env=environment,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("hello\n\nrunning\nruntime\n", "")
