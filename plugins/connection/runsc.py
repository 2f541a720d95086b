# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: runsc
short_description: Run tasks in gVisor sandboxes
version_added: "0.1.0"
author:
  - gvisor.runsc maintainers (@gvisor-ansible)
description:
  - Makes a container of gVisor's C(runsc) a host for Ansible, so that any role or playbook can be applied to it.
  - The container may be on the controller, or on any machine that is reached by ssh.
  - Commands and files go through C(runsc exec) only, never through the root file system on the node. A link that a
    container has planted leads nowhere but into that container.
  - A container that is paused, stopped or missing is reported as unreachable at once, with the reason.
  - A command is killed in the container when the play that has started it is killed.
extends_documentation_fragment:
  - connection_pipelining
requirements:
  - On the node, C(runsc) from 2022-12 or newer and a POSIX shell with the usual small programs (coreutils or busybox). It
    needs no Python.
  - In the container, a POSIX shell and C(cat); and what modules need, which is Python for most of them.
notes:
  - With O(transport=ssh), the node is reached by P(ansible.builtin.ssh#connection). All of the variables, keywords and
    settings of that, such as C(ansible_host), C(ansible_user) and C(ansible_ssh_common_args), have their meaning for the
    node.
  - With pipelining, which is on unless it is switched off, a task is one process of C(runsc). A user who is given by name
    costs one more.
  - gVisor does not honour the set-user-ID bit, so C(su) and C(sudo) work in a container from root to another user only.
    The become method P(gvisor.runsc.runsc#become) works without them, in both directions.
  - Text of commands is shown from C(-vvvvv) on only, and never for a task with C(no_log). No password is.
seealso:
  - plugin: gvisor.runsc.runsc
    plugin_type: become
  - plugin: ansible.builtin.ssh
    plugin_type: connection
  - module: gvisor.runsc.runsc_container
options:
  container:
    description:
      - The name of the container. It must be the whole name, although C(runsc) itself takes the beginning of one.
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_runsc_container
  transport:
    description:
      - Where the container is.
    type: str
    default: local
    choices:
      local: On the controller.
      ssh: On the machine that P(ansible.builtin.ssh#connection) connects to.
    vars:
      - name: ansible_runsc_transport
    env:
      - name: ANSIBLE_RUNSC_TRANSPORT
    ini:
      - section: runsc_connection
        key: transport
  root:
    description:
      - The folder on the node in which C(runsc) keeps its containers.
    type: str
    default: /var/run/runsc
    vars:
      - name: ansible_runsc_root
    env:
      - name: ANSIBLE_RUNSC_ROOT
    ini:
      - section: runsc_connection
        key: root
  runsc_path:
    description:
      - The C(runsc) binary on the node, a path or a name in C(PATH).
    type: str
    default: runsc
    vars:
      - name: ansible_runsc_path
    env:
      - name: ANSIBLE_RUNSC_PATH
    ini:
      - section: runsc_connection
        key: path
  platform:
    description:
      - The platform that the container was created with, as for the option of that name of
        M(gvisor.runsc.runsc_container). C(runsc exec) gets along without it.
    type: str
    vars:
      - name: ansible_runsc_platform
    env:
      - name: ANSIBLE_RUNSC_PLATFORM
    ini:
      - section: runsc_connection
        key: platform
  network:
    description:
      - The network that the container was created with. C(runsc exec) gets along without it.
    type: str
    vars:
      - name: ansible_runsc_network
    env:
      - name: ANSIBLE_RUNSC_NETWORK
    ini:
      - section: runsc_connection
        key: network
  extra_args:
    description:
      - Further global flags of C(runsc), a list, or a text that is split as a shell would do it.
      - For example V(--debug --debug-log=/var/log/runsc/).
    type: raw
    default: []
    vars:
      - name: ansible_runsc_extra_args
    env:
      - name: ANSIBLE_RUNSC_EXTRA_ARGS
    ini:
      - section: runsc_connection
        key: extra_args
  remote_user:
    description:
      - The user in the container who runs the tasks, by number or name, with a group after a colon if need be, such as
        V(1000), V(1000:1000) or V(app).
      - Without it, the user of the container's own process.
      - The keyword C(remote_user) means this user with O(transport=local). With O(transport=ssh) it means the user who
        logs in on the node, as does the variable C(ansible_user).
    type: str
    vars:
      - name: ansible_runsc_user
    env:
      - name: ANSIBLE_RUNSC_USER
    ini:
      - section: runsc_connection
        key: user
    keyword:
      - name: remote_user
  executable:
    description:
      - The shell in the container that runs the commands. It must be a POSIX shell.
    type: str
    default: /bin/sh
    vars:
      - name: ansible_runsc_executable
    env:
      - name: ANSIBLE_RUNSC_EXECUTABLE
    ini:
      - section: runsc_connection
        key: executable
  privilege_command:
    description:
      - What makes a command run as root on the node, put in front of it, such as V(sudo -n). It must not ask for anything.
      - Without it, the user who logs in on the node, or with O(transport=local) who runs Ansible, must be allowed to use
        C(runsc), which mostly means root.
    type: str
    default: ""
    vars:
      - name: ansible_runsc_privilege_command
    env:
      - name: ANSIBLE_RUNSC_PRIVILEGE_COMMAND
    ini:
      - section: runsc_connection
        key: privilege_command
  timeout:
    description:
      - Within how many seconds C(runsc) must have started a command in the container, and a become method must have
        succeeded. How long the command then takes is another matter.
      - This finds sandboxes that hang.
    type: int
    default: 10
    vars:
      - name: ansible_runsc_timeout
    env:
      - name: ANSIBLE_TIMEOUT
      - name: ANSIBLE_RUNSC_TIMEOUT
    ini:
      - section: defaults
        key: timeout
      - section: runsc_connection
        key: timeout
    cli:
      - name: timeout
  pipelining:
    default: true
    env:
      - name: ANSIBLE_PIPELINING
      - name: ANSIBLE_RUNSC_PIPELINING
    ini:
      - section: defaults
        key: pipelining
      - section: connection
        key: pipelining
      - section: runsc_connection
        key: pipelining
    vars:
      - name: ansible_pipelining
      - name: ansible_runsc_pipelining
"""

EXAMPLES = r"""
# An inventory with a container on the controller, and one on a machine that is reached by ssh, as a user who may use sudo.
# Tasks on these hosts run in the containers.
sandboxes:
  hosts:
    web-1:
    db-1:
      ansible_runsc_transport: ssh
      ansible_host: node7.example.com
      ansible_user: admin
      ansible_runsc_privilege_command: sudo -n
  vars:
    ansible_connection: gvisor.runsc.runsc
    ansible_become_method: gvisor.runsc.runsc
    ansible_python_interpreter: /usr/bin/python3
"""

import contextlib
import io
import shlex
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.playbook.play_context import PlayContext
from ansible.plugins.become import BecomeBase
from ansible.plugins.connection import ConnectionBase
from ansible.plugins.loader import connection_loader
from ansible.utils.display import Display

from ansible_collections.gvisor.runsc.plugins.plugin_utils.connection import transfer, users
from ansible_collections.gvisor.runsc.plugins.plugin_utils.connection.conversation import Sink
from ansible_collections.gvisor.runsc.plugins.plugin_utils.connection.document import User, request
from ansible_collections.gvisor.runsc.plugins.plugin_utils.connection.escalation import Escalation
from ansible_collections.gvisor.runsc.plugins.plugin_utils.connection.node import NOTHING, Bytes, Data, Node
from ansible_collections.gvisor.runsc.plugins.plugin_utils.connection.transport import Local, Ssh

display = Display()

BECOME = "gvisor.runsc.runsc"
SSH = "ansible.builtin.ssh"


class Connection(ConnectionBase):
    """A container of runsc. There is no state between two commands, so there is nothing to connect."""

    transport = "gvisor.runsc.runsc"
    has_pipelining = True
    has_tty = False

    def __init__(self, play_context: PlayContext, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(play_context, *args, **kwargs)
        self._ssh: t.Any = None
        self._found_node: Node | None = None
        self._users: dict[str, User] = {}

    # Options

    def _resolve_option_variables(self, variables: dict[str, t.Any], templar: t.Any) -> dict[str, t.Any]:
        """Return the values of the variables that the options have, with those of ssh where that is used."""
        options: dict[str, t.Any] = super()._resolve_option_variables(variables, templar)
        transport = C.config.get_config_value(
            "transport", plugin_type="connection", plugin_name=self._load_name, variables=options
        )
        if transport == "ssh":
            options = {**self._new_ssh()._resolve_option_variables(variables, templar), **options}
        return options

    def set_options(
        self,
        task_keys: dict[str, t.Any] | None = None,
        var_options: dict[str, t.Any] | None = None,
        direct: dict[str, t.Any] | None = None,
    ) -> None:
        """Set the options, and those of ssh: its keywords are not ours then."""
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        self._ssh = self._found_node = None
        if self.get_option("transport") == "ssh":
            own = {name: value for name, value in (task_keys or {}).items() if name != "remote_user"}
            super().set_options(task_keys=own, var_options=var_options, direct=direct)
            self._ssh = self._new_ssh()
            self._ssh.set_options(task_keys=task_keys, var_options=var_options)

    def _new_ssh(self) -> t.Any:
        return connection_loader.get(SSH, self._play_context, shell=self._shell)

    def set_become_plugin(self, plugin: BecomeBase) -> None:
        """Tell our own become method that its connection is the right one."""
        super().set_become_plugin(plugin)
        if plugin.name == BECOME:
            t.cast("t.Any", plugin).connected = True

    @property
    def _node(self) -> Node:
        if self._found_node is None:
            option = self.get_option
            flags = [f"--{name}={option(name)}" for name in ("platform", "network") if option(name)]
            self._found_node = Node(
                Ssh(self._ssh) if self._ssh else Local(),
                container=option("container"),
                root=option("root"),
                runsc=option("runsc_path"),
                global_flags=[*flags, *_words(option("extra_args"))],
                seconds=option("timeout"),
                privilege=_words(option("privilege_command")),
            )
        return self._found_node

    # Users

    def _user(self, sudoable: bool) -> User | None:
        """Return who runs a command; None is the container's own user."""
        if sudoable and self.become and self.become.name == BECOME:
            return self._find(self.become.get_option("become_user", playcontext=self._play_context))
        try:
            return self._find(self.get_option("remote_user"))
        except AnsibleConnectionFailure:
            raise
        except AnsibleError as exc:  # who can't log in can't reach the host; who can't become somebody else has failed
            raise AnsibleConnectionFailure(f"ansible_runsc_user: {exc}") from exc

    def _find(self, name: str | None) -> User | None:
        if not name:
            return None
        if name not in self._users:
            self._users[name] = users.parse(name) or self._ask_for(name)
        return self._users[name]

    def _ask_for(self, name: str) -> User:
        answer = io.BytesIO()
        self._node.run(request(self.get_option("executable"), users.QUESTION, users.ROOT), answer)
        return users.find(name, answer.getvalue().decode("utf-8", "surrogateescape"))

    # What Ansible calls

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a command in the container."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        if not self._play_context.no_log:
            display.vvvvv(f"COMMAND {cmd}", host=self._play_context.remote_addr)
        escalation = Escalation.of(self.become, self.get_option("timeout")) if sudoable else None
        output = io.BytesIO()
        data = Bytes(in_data) if in_data else NOTHING
        rc, stderr = self._run(cmd, output, data, sudoable=sudoable, escalation=escalation)
        return rc, output.getvalue(), stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file into the container."""
        super().put_file(in_path, out_path)
        display.vvv(f"PUT {in_path} TO {out_path}", host=self._play_context.remote_addr)
        with contextlib.closing(transfer.File(in_path)) as file:
            rc, stderr = self._run(transfer.writing(out_path, file.mode), io.BytesIO(), file)
        _check_transfer(rc, stderr, in_path, out_path)

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file out of the container."""
        super().fetch_file(in_path, out_path)
        display.vvv(f"FETCH {in_path} TO {out_path}", host=self._play_context.remote_addr)
        with transfer.draft(out_path) as file:
            rc, stderr = self._run(transfer.reading(in_path), file)
            _check_transfer(rc, stderr, in_path, out_path)

    def _run(
        self,
        command: str,
        sink: Sink,
        data: Data = NOTHING,
        *,
        sudoable: bool = False,
        escalation: Escalation | None = None,
    ) -> tuple[int, bytes]:
        asked = request(self.get_option("executable"), command, self._user(sudoable))
        return self._node.run(asked, sink, data, escalation)

    def reset(self) -> None:
        """Forget what is known of the container, and close a connection that ssh keeps open."""
        self._users.clear()
        if self._ssh:
            self._ssh.reset()
        self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._ssh:
            self._ssh.close()
        self._connected = False


def _words(value: t.Any) -> list[str]:
    """Return the words of an option that is a list, or a text to be split as a shell does it."""
    if isinstance(value, (list, tuple)):
        return [str(word) for word in value]
    try:
        return shlex.split(str(value or ""))
    except ValueError as exc:
        raise AnsibleError(f"{value!r} can't be split into words: {exc}. Close its quotes") from exc


def _check_transfer(rc: int, stderr: bytes, source: str, destination: str) -> None:
    if rc:
        said = stderr.decode("utf-8", "replace").strip()
        raise AnsibleError(f"failed to transfer file {source} to {destination}: {said or f'exit code {rc}'}")
