# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation that all modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """Options for reaching runsc, and attributes."""

    DOCUMENTATION = r"""
options:
  root:
    description:
      - The folder in which runsc keeps its containers, its C(--root). Two roots do not see each other's containers.
      - Always passed to runsc, so that C(XDG_RUNTIME_DIR) has no influence.
    type: path
    default: /var/run/runsc
  runsc_path:
    description:
      - The runsc binary, as a path or as a name in C(PATH).
    type: path
    default: runsc
  platform:
    description:
      - How the sandbox intercepts system calls, C(--platform). The binary says which ones it has (see
        M(gvisor.runsc.runsc_info)); V(systrap) is the default of versions since 2023, V(ptrace) of earlier ones.
      - On a host without usable virtualisation, V(kvm) can hang; the deadline of M(gvisor.runsc.runsc_container) ends that.
    type: str
  network:
    description:
      - The network of the sandbox, C(--network). V(sandbox) is gVisor's own network stack, V(host) is the host's, V(none) is a
        loopback interface only.
      - Without it runsc decides, which means V(sandbox).
    type: str
    choices: [sandbox, host, none]
  config:
    description:
      - Further global flags of runsc, by their names without dashes, for example C(overlay2) or C(directfs).
      - Give the same flags in every task about a container. Flags that the binary lacks are refused by name before anything
        is started.
    type: dict
    default: {}
  log:
    description:
      - File to which runsc appends its own errors, C(--log).
    type: path
  debug_log:
    description:
      - Where runsc writes its debug logs, C(--debug-log). A path that ends in C(/) is a folder for one file a command.
      - Set C(debug=true) in O(config) as well to have much more in them.
    type: path
  timeout:
    description:
      - Seconds that a call of runsc may take which normally takes 30 milliseconds. A sandbox that does not answer in that
        time is reported.
    type: float
    default: 30.0
attributes:
  check_mode:
    support: full
    description: Can run in check mode and say what would change, without changing it.
  diff_mode:
    support: full
    description: Returns what has changed, or would change in check mode, when asked by C(--diff).
  platform:
    platforms: linux
    support: full
    description: Where it runs.
requirements:
  - runsc on the managed node, from 2022-12 or newer
  - root on the managed node, for example by C(become)
notes:
  - Needs no Python package on the managed node.
  - What a runsc binary can do is asked once and kept in C(/var/cache/gvisor.runsc), until the binary changes.
  - "Every failure of the module itself has RV(ignore:failure_kind), one of V(usage), V(runtime), V(command), V(timeout),
    V(oom), V(sandbox_gone) and V(unsupported), and RV(ignore:status), the status in which the container was found."
"""
