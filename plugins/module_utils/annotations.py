# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of the annotations that runsc or this collection reads: the same for who writes them and who reads them."""

from __future__ import annotations

# By who writes them, containerd and CRI-O: the annotation with the type of a container (L(SANDBOX) or L(MEMBER)), and that
# with the sandbox that it lives in.
CONTAINERD = ("io.kubernetes.cri.container-type", "io.kubernetes.cri.sandbox-id")
CRIO = ("io.kubernetes.cri-o.ContainerType", "io.kubernetes.cri-o.SandboxID")
FAMILIES = (CONTAINERD, CRIO)
SANDBOX, MEMBER = "sandbox", "container"

MOUNT_PREFIX = "dev.gvisor.spec.mount."
ROOTFS_PREFIX = "dev.gvisor.spec.rootfs."
FLAG_PREFIX = "dev.gvisor.flag."

# The signal that asks the program of an image to end; the name is that of the OCI image specification.
STOP_SIGNAL = "org.opencontainers.image.stopSignal"
