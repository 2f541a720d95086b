#!/usr/bin/python

# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make an OCI bundle from an image, an archive or a folder."""

from __future__ import annotations

DOCUMENTATION = r"""
module: runsc_bundle
short_description: Make an OCI bundle from an image, an archive or a folder
version_added: 0.1.0
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
description:
  - A bundle is what a container is made from, a folder with a root file system and a C(config.json) that says what to run in
    it. This module makes one, and keeps it as the task says; M(gvisor.runsc.runsc_container) makes containers from it.
  - Nothing is written when nothing has changed. A root file system is made beside the old one and then takes its place, so
    that an image which can't be fetched or unpacked leaves everything as it was.
  - The result is validated on the controller before the managed node is touched, which needs the Python package jsonschema
    there. All errors are shown at once.
options:
  path:
    description: The folder of the bundle, an absolute path. It is made where it is missing.
    type: path
    required: true
    aliases: [bundle]
  state:
    description:
      - V(present), the bundle is there.
      - V(absent), it is not. Only what this module made is removed, and nothing while a container under O(root) uses it.
    type: str
    choices: [present, absent]
    default: present
  image:
    description:
      - Make the root file system from an image. The image's own entrypoint, command, environment, user, working directory,
        volumes, labels and stop signal hold where the options say nothing else.
      - Any name that skopeo takes, such as C(docker://registry.example.com/alpine:3.20), C(oci:/path:tag), C(oci-archive:/file),
        C(docker-archive:/file) or C(dir:/path). Paths are those of the managed node.
      - Needs C(skopeo) and C(umoci) on the managed node.
      - A volume of the image becomes an empty file system in memory, unless something else is mounted there.
    type: str
  archive:
    description:
      - Make the root file system from a tar archive on the managed node, plain or compressed in any way that its GNU C(tar)
        knows.
      - Made again when the content of the archive has changed.
    type: path
  rootfs:
    description:
      - Use this folder of the managed node as root file system, in place. This module neither changes nor removes it.
      - Containers do what they may. Before 2023, runsc itself makes missing places for mounts in it, such as C(/proc) and
        C(/tmp), with a mode of 0777. O(copy) leaves the folder alone.
    type: path
  copy:
    description:
      - Copy O(rootfs) into the bundle instead. Copied again when a name, an owner, a mode, a size or a time in it has changed.
    type: bool
    default: false
  pull:
    description:
      - When to look for another image under the same name. V(always) asks for its digest each time, V(missing) does only when
        the bundle was not made from that name.
    type: str
    choices: [always, missing]
    default: always
  auth_file:
    description: File on the managed node with credentials for registries, as C(skopeo login) writes it.
    type: path
  tls_verify:
    description:
      - Whether the certificate of a registry has to be right. V(true) leaves the exceptions that the managed node's
        C(registries.conf) makes.
    type: bool
    default: true
  devices:
    description:
      - Keep device nodes of the source. They are left out otherwise, since gVisor makes those that programs need.
    type: bool
    default: false
  max_size:
    description:
      - How much the source may take on disk when unpacked, V(-1) for as much as there is room. Units are powers of 1024.
    type: str
    default: 20G
  unpack_timeout:
    description: Seconds that each step of fetching and unpacking may take.
    type: float
    default: 600.0
  owner:
    description: Owner of the folder of the bundle and of its C(config.json). What is in the root file system keeps its own.
    type: str
  group:
    description: Group of the two.
    type: str
  mode:
    description:
      - Mode of the folder in octal, V('0755') where it is made. Before 2023, runsc enters it as the user nobody, so all have to
        be able to.
      - A program with the set-user-ID bit in a root file system is one for the host's users as well, if they can reach it. Put
        bundles from untrusted sources where only root can go, if your runsc is newer.
    type: raw
  config_mode:
    description: Mode of C(config.json) in octal, V('0600') where it is made, since its environment may hold secrets.
    type: raw
  entrypoint:
    description:
      - The first words of the command, instead of those of the image. The image's command does not follow it; give O(args).
    type: list
    elements: str
  args:
    description: The command as a list, instead of that of the image. It follows the entrypoint, if there is one.
    type: list
    elements: str
  command:
    description: The same as one text, split at blanks with quotes as in a shell. No shell runs it.
    type: str
  env:
    description:
      - Environment variables, over those of the image. The values must be texts; quote numbers and booleans.
    type: dict
  secret_env:
    description:
      - More environment variables, with values that must not be seen. They go over O(env), are kept out of logs, results and
        diffs, and stand in C(config.json).
    type: dict
  workdir:
    description: The working directory, an absolute path in the container. The root without it and without one in the image.
    type: str
  user:
    description:
      - Who runs the command, as C(uid), C(uid:gid), C(user) or C(user:group); root without it and without one in the image.
      - Names are looked up in the root file system's own C(/etc/passwd) and C(/etc/group), where no link leads out of it. A user
        alone brings its group and its supplementary groups; so does a number alone that has an account, other than with
        O(gvisor.runsc.runsc_exec#module:user).
    type: str
  additional_gids:
    description: Numbers of supplementary groups, instead of those of the user.
    type: list
    elements: int
  capabilities:
    description:
      - What the command may do besides what any user may. Root has V(CAP_AUDIT_WRITE), V(CAP_KILL) and
        V(CAP_NET_BIND_SERVICE) to begin with, others have none.
      - A server that starts as root and then becomes another user needs at least V(CAP_SETUID), V(CAP_SETGID) and often
        V(CAP_CHOWN).
    type: dict
    suboptions:
      add:
        description: Capabilities to add, V(ALL) for all that each version of runsc knows.
        type: list
        elements: str
      drop:
        description: Capabilities to take away, V(ALL) for those that it would have had without O(capabilities.add).
        type: list
        elements: str
  rlimits:
    description: Limits of the process.
    type: list
    elements: dict
    suboptions:
      type:
        description: Which limit, such as V(nofile), V(nproc) or V(RLIMIT_CORE).
        type: str
        required: true
      soft:
        description: The limit, V(-1) for none.
        type: int
        required: true
      hard:
        description: How far the process may raise it. The same as O(rlimits[].soft) without it.
        type: int
  no_new_privileges:
    description:
      - The process can't get more rights than it has, by set-user-ID programs for example. Most versions of runsc never let it,
        whatever this says.
    type: bool
    default: true
  terminal:
    description: Give the command a terminal. The container then needs O(gvisor.runsc.runsc_container#module:console_socket).
    type: bool
    default: false
  readonly:
    description: Nobody can write to the root file system. O(tmpfs) and O(volumes) make places to write to.
    type: bool
    default: false
  mounts:
    description:
      - What else is mounted. There always are C(/proc), C(/dev), C(/sys) and C(/tmp), and with O(network=host) the host's
        C(/etc/resolv.conf) and C(/etc/hosts); a mount of yours at the same place replaces such a one.
    type: list
    elements: dict
    suboptions:
      destination:
        description: Where, an absolute path in the container.
        type: str
        required: true
      type:
        description: The type of the file system. V(bind) where the options say so, required otherwise.
        type: str
      source:
        description: What is mounted. For V(bind) a path on the managed node.
        type: str
      options:
        description: Mount options.
        type: list
        elements: str
  volumes:
    description:
      - Folders and files of the managed node, in short, as C(SOURCE:DESTINATION) or C(SOURCE:DESTINATION:ro).
    type: list
    elements: str
  tmpfs:
    description: Places for empty file systems in memory, as C(DESTINATION) or C(DESTINATION:size=64m,mode=0700).
    type: list
    elements: str
  hostname:
    description: The name that the container takes its host to have. The last part of O(path) without it.
    type: str
  network_namespace:
    description: Path of a network namespace that the container joins, such as C(/run/netns/web). A new one without it.
    type: str
  memory:
    description: How much memory the sandbox may take, such as V(512M), gVisor's own included; V(-1) is no limit.
    type: str
  memory_swap:
    description: Memory and swap together; V(-1) is no limit.
    type: str
  cpus:
    description: How many CPUs it may use, such as V(1.5).
    type: float
  cpu_shares:
    description: Its weight when CPUs are scarce. V(1024) is the normal one.
    type: int
  cpuset:
    description: The CPUs that it runs on, such as V(0-3) or V(0,2).
    type: str
  pids_limit:
    description:
      - How many processes and threads of the host it may have; V(-1) is no limit. gVisor itself needs about fifty.
    type: int
  cgroup_path:
    description: Path of its control group. runsc takes C(/) and the id of the container without it.
    type: str
  annotations:
    description: Annotations. The values must be texts. They go over those that other options make.
    type: dict
  flag_overrides:
    description:
      - Global flags of runsc, by their names, for containers from this bundle only. Most need C(allow-flag-override) in
        O(gvisor.runsc.runsc_container#module:config).
    type: dict
  mount_hints:
    description: How mounts are shared by the containers of one sandbox, gVisor's C(dev.gvisor.spec.mount) annotations.
    type: list
    elements: dict
    suboptions:
      name:
        description: A name of your own for the hint.
        type: str
        required: true
      source:
        description: The source of the mount that it is about.
        type: str
        required: true
      type:
        description: The type of that mount.
        type: str
        choices: [bind, tmpfs]
        required: true
      share:
        description: Who shares it, the V(container) alone, the containers of the V(pod), or anybody, V(shared).
        type: str
        choices: [container, pod, shared]
        required: true
      options:
        description: Its mount options, with commas between them.
        type: str
  rootfs_overlay:
    description:
      - Where gVisor keeps what the container writes to its root file system, V(memory), V(self), V(none) or C(dir=/path). Before
        2023 runsc ignores it.
    type: str
  sandbox:
    description: The id of the sandbox that the container joins, or that it makes with O(container_type=sandbox).
    type: str
  container_type:
    description:
      - For several containers in one sandbox. V(sandbox) is the first, in which others live, V(container) one of the others,
        which is what O(sandbox) alone means.
    type: str
    choices: [sandbox, container]
  spec:
    description:
      - A part of an OCI configuration that is merged into the result last, for what has no option here. Objects are merged,
        everything else is replaced, and null removes (JSON Merge Patch, RFC 7396).
    type: dict
extends_documentation_fragment:
  - gvisor.runsc.runsc
notes:
  - Of the options for reaching runsc, O(network) shapes the configuration, O(root) is where users of the bundle are looked for,
    O(runsc_path) and O(config) are checked for O(flag_overrides). The others do nothing here; they are taken so that one
    C(module_defaults) can serve all modules.
  - The digest of the source is in the annotation C(io.github.gvisor-ansible.rootfs.digest), by which C(recreate=on-change) of
    M(gvisor.runsc.runsc_container) notices a new root file system. Containers that live keep the old one until then.
  - What was changed inside the root file system, by a container for example, is not looked for.
seealso:
  - module: gvisor.runsc.runsc_container
"""

EXAMPLES = r"""
- name: A bundle from an image in a registry
  gvisor.runsc.runsc_bundle:
    path: /srv/bundles/cache
    image: docker://registry.example.com/redis:7
    network: none
    capabilities:
      add: [CAP_SETUID, CAP_SETGID, CAP_CHOWN]
    memory: 256M
  register: bundle

- name: The sandbox that runs it
  gvisor.runsc.runsc_container:
    name: cache
    bundle: "{{ bundle.bundle }}"
    network: none
    recreate: on-change

- name: A bundle from an archive, for untrusted code
  gvisor.runsc.runsc_bundle:
    path: /srv/bundles/job
    archive: /srv/images/python.tar.zst
    network: none
    args: [python3, /job/main.py]
    user: nobody
    readonly: true
    volumes:
      - /srv/jobs/4711:/job:ro
    tmpfs:
      - /scratch:size=64m
    secret_env:
      TOKEN: "{{ job_token }}"
    memory: 512M
    cpus: 0.5
    pids_limit: 200

- name: A bundle with a root file system in place, and a part of OCI that has no option
  gvisor.runsc.runsc_bundle:
    path: /srv/bundles/tools
    rootfs: /srv/roots/debian
    command: sleep infinity
    spec:
      process:
        oomScoreAdj: 500

- name: No bundle
  gvisor.runsc.runsc_bundle:
    path: /srv/bundles/job
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or would be in check mode, of V(rootfs), V(config), V(attributes) and V(remove).
  returned: success
  type: list
  elements: str
  sample: [rootfs, config]
bundle:
  description: The folder of the bundle.
  returned: success
  type: str
  sample: /srv/bundles/web
rootfs:
  description: The folder of the root file system.
  returned: with O(state=present)
  type: str
  sample: /srv/bundles/web/rootfs
config:
  description: The OCI configuration. The values of O(secret_env) are masked.
  returned: with O(state=present)
  type: dict
  sample: {"ociVersion": "1.0.2", "root": {"path": "rootfs", "readonly": false}, "process": {"args": ["sleep", "100"]}}
image_digest:
  description: The digest of the image's manifest. Null without O(image).
  returned: success
  type: str
  sample: sha256:1ff6c18fbef2045af6b9c16bf034cc421a29027b800e4f9b68ae9b1cb3e9ae07
config_digest:
  description: The digest of C(config.json).
  returned: with O(state=present)
  type: str
  sample: sha256:9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0
outdated:
  description:
    - The ids of containers under O(root) that live with an earlier root file system. It is kept for them.
  returned: success
  type: list
  elements: str
  sample: [web-1]
commands:
  description: The programs that were run, with exit codes and milliseconds.
  returned: with C(-vvv) and above
  type: list
  elements: dict
  sample: [{"cmd": ["/usr/bin/skopeo", "inspect", "--raw", "oci:/srv/images/web:1"], "rc": 0, "ms": 11.0}]
"""

from ansible_collections.gvisor.runsc.plugins.module_utils.bundle_task import bundle_task
from ansible_collections.gvisor.runsc.plugins.module_utils.module import Rules, Spec, run_module

ARGUMENTS: Spec = {
    "path": {"type": "path", "required": True, "aliases": ["bundle"]},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "image": {"type": "str"},
    "archive": {"type": "path"},
    "rootfs": {"type": "path"},
    "copy": {"type": "bool", "default": False},
    "pull": {"type": "str", "choices": ["always", "missing"], "default": "always"},
    "auth_file": {"type": "path"},
    "tls_verify": {"type": "bool", "default": True},
    "devices": {"type": "bool", "default": False},
    "max_size": {"type": "str", "default": "20G"},
    "unpack_timeout": {"type": "float", "default": 600.0},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "raw"},
    "config_mode": {"type": "raw"},
    "entrypoint": {"type": "list", "elements": "str"},
    "args": {"type": "list", "elements": "str"},
    "command": {"type": "str"},
    "env": {"type": "dict"},
    "secret_env": {"type": "dict", "no_log": True},
    "workdir": {"type": "str"},
    "user": {"type": "str"},
    "additional_gids": {"type": "list", "elements": "int"},
    "capabilities": {
        "type": "dict",
        "options": {"add": {"type": "list", "elements": "str"}, "drop": {"type": "list", "elements": "str"}},
    },
    "rlimits": {
        "type": "list",
        "elements": "dict",
        "options": {
            "type": {"type": "str", "required": True},
            "soft": {"type": "int", "required": True},
            "hard": {"type": "int"},
        },
    },
    "no_new_privileges": {"type": "bool", "default": True},
    "terminal": {"type": "bool", "default": False},
    "readonly": {"type": "bool", "default": False},
    "mounts": {
        "type": "list",
        "elements": "dict",
        "options": {
            "destination": {"type": "str", "required": True},
            "type": {"type": "str"},
            "source": {"type": "str"},
            "options": {"type": "list", "elements": "str"},
        },
    },
    "volumes": {"type": "list", "elements": "str"},
    "tmpfs": {"type": "list", "elements": "str"},
    "hostname": {"type": "str"},
    "network_namespace": {"type": "str"},
    "memory": {"type": "str"},
    "memory_swap": {"type": "str"},
    "cpus": {"type": "float"},
    "cpu_shares": {"type": "int"},
    "cpuset": {"type": "str"},
    "pids_limit": {"type": "int"},
    "cgroup_path": {"type": "str"},
    "annotations": {"type": "dict"},
    "flag_overrides": {"type": "dict"},
    "mount_hints": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "source": {"type": "str", "required": True},
            "type": {"type": "str", "choices": ["bind", "tmpfs"], "required": True},
            "share": {"type": "str", "choices": ["container", "pod", "shared"], "required": True},
            "options": {"type": "str"},
        },
    },
    "rootfs_overlay": {"type": "str"},
    "sandbox": {"type": "str"},
    "container_type": {"type": "str", "choices": ["sandbox", "container"]},
    "spec": {"type": "dict"},
}

# How options go together; the action plugin asks the same.
RULES: Rules = {
    "mutually_exclusive": [("image", "archive", "rootfs"), ("args", "command")],
    "required_if": [("state", "present", ("image", "archive", "rootfs"), True)],
}


def main() -> None:
    """Run the module."""
    run_module(ARGUMENTS, bundle_task, **RULES)


if __name__ == "__main__":
    main()
