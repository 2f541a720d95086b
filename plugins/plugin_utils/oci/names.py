# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names that an OCI document may hold, as Linux and runsc know them."""

from __future__ import annotations


def _names(text: str, prefix: str = "") -> tuple[str, ...]:
    return tuple(prefix + name for name in text.split())


CAPABILITIES = _names(
    """
AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID
IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW
PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO
SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM
""",
    "CAP_",
)
CAPABILITY_SETS = ("bounding", "effective", "inheritable", "permitted", "ambient")

RLIMITS = _names(
    "AS CORE CPU DATA FSIZE LOCKS MEMLOCK MSGQUEUE NICE NOFILE NPROC RSS RTPRIO RTTIME SIGPENDING STACK", "RLIMIT_"
)

NAMESPACES = ("pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time")
DEVICE_TYPES = ("c", "b", "u", "p")
RULE_TYPES = ("a", "b", "c")
PROPAGATIONS = ("private", "rprivate", "slave", "rslave")  # runsc refuses shared and unbindable
HOOKS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")

# What the sandbox's own kernel mounts. Of any other type, runsc skips the mount and says so in its debug log only.
MOUNT_TYPES = ("bind", "proc", "sysfs", "tmpfs", "devpts", "devtmpfs", "cgroup", "mqueue", "erofs")
BIND_OPTIONS = frozenset({"bind", "rbind"})

SECCOMP_ACTIONS = _names("KILL KILL_PROCESS KILL_THREAD TRAP ERRNO TRACE ALLOW LOG NOTIFY", "SCMP_ACT_")
SECCOMP_OPERATORS = _names("NE LT LE EQ GE GT MASKED_EQ", "SCMP_CMP_")
SECCOMP_ARCHITECTURES = _names(
    """
X86 X86_64 X32 ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE S390 S390X PARISC PARISC64
RISCV64 LOONGARCH64 M68K SH SHEB
""",
    "SCMP_ARCH_",
)
SECCOMP_FLAGS = _names("TSYNC LOG SPEC_ALLOW WAIT_KILLABLE_RECV TSYNC_ESRCH NEW_LISTENER", "SECCOMP_FILTER_FLAG_")

SCHEDULERS = _names("OTHER FIFO RR BATCH ISO IDLE DEADLINE", "SCHED_")
IO_CLASSES = _names("RT BE IDLE", "IOPRIO_CLASS_")
PERSONALITIES = ("LINUX", "LINUX32")

# Flags that annotations may override without the flag allow-flag-override, in the newest runsc that was looked at.
OVERRIDABLE_FLAGS = frozenset(
    _names(
        """
allow-connected-on-save debug debug-command debug-to-user-log host-uds mount-cgroup-v2 net-disconnect-ok oci-seccomp overlay2
pause-external-networking qdisc qdisc-tbf-burst qdisc-tbf-rate reproduce-nftables strace strace-log-size strace-syscalls
"""
    )
)
