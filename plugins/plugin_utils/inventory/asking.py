# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking many nodes at once, each by a process of its own, so that none that hangs can hold up the others."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import secrets
import signal
import time
import typing as t
from multiprocessing.connection import Connection, wait

from ansible.errors import AnsibleError
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from . import frames, questions
from .containers import Facts, facts_of
from .frames import NodeError
from .nodes import Node, Variables

Asked = t.Tuple[Node, Variables]  # with the variables that lead to it, without templates


class Told(t.NamedTuple):
    """What a node told of its containers, what it could not tell, with the reasons, and the roots that it lacks."""

    facts: list[Facts]
    problems: list[str]
    absent: t.Sequence[str] = ()


_PROCESSES = multiprocessing.get_context("fork")
_SAID = 500  # characters of what a shell said that are shown


def ask_all(asked: t.Sequence[Asked], timeout: float, at_once: int) -> list[Told]:
    """Ask every node, and return what each told, in the same order.

    :param timeout: seconds for each node. :param at_once: how many are asked at the same time.
    """
    told: dict[int, Told] = {}
    running: dict[Connection, _Question] = {}
    waiting = list(enumerate(asked))
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                question = _Question(*waiting.pop(0), timeout)
                running[question.pipe] = question
            first = min(question.deadline for question in running.values())
            for pipe in wait(list(running), max(0.0, first - time.monotonic())):
                question = running.pop(t.cast(Connection, pipe))
                told[question.number] = question.read()
            for question in [late for late in running.values() if late.deadline <= time.monotonic()]:
                del running[question.pipe]
                told[question.number] = Told([], [f"it did not answer within {timeout:g} s"])
                question.end()
    finally:
        for question in running.values():
            question.end()
    return [told[number] for number in range(len(asked))]


class _Question:
    """A process that asks one node, in a session of its own, which ends with it."""

    def __init__(self, number: int, asked: Asked, timeout: float) -> None:
        self.number = number
        self.deadline = time.monotonic() + timeout
        self.pipe, far_end = _PROCESSES.Pipe(duplex=False)
        self._process = _PROCESSES.Process(target=_answer, args=(far_end, *asked, timeout))
        self._process.start()
        far_end.close()

    def read(self) -> Told:
        """Return what it found out."""
        try:
            told = t.cast(Told, self.pipe.recv())
        except EOFError:
            told = Told([], ["the process that asked it was ended"])
        self.end()
        return told

    def end(self) -> None:
        """End it, with all that it has started."""
        self.pipe.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._process.pid:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()  # it may have no session of its own yet
        self._process.join()
        self._process.close()


def _answer(pipe: Connection, node: Node, variables: Variables, timeout: float) -> None:
    """Ask one node and send what it told."""
    os.setsid()
    try:
        told = _told(_ask(node, variables, timeout))
    except (NodeError, AnsibleError) as exc:
        told = Told([], [str(exc)])
    except Exception as exc:
        told = Told([], [f"{type(exc).__name__}: {exc}"])
    pipe.send(told)


def _told(answer: frames.Answer) -> Told:
    told = Told([], [], [root.path for root in answer.roots if root.is_absent])
    for root in answer.roots:
        try:
            told.facts.extend(facts_of(root, answer))
        except NodeError as exc:
            told.problems.append(str(exc))
    return told


def _ask(node: Node, variables: Variables, timeout: float) -> frames.Answer:
    mark = secrets.token_hex(16)
    seconds = questions.list_seconds(timeout, len(node.roots))
    connection = _connect(node, variables)
    code, output, said = connection.exec_command(
        questions.command(node.privilege_command),
        in_data=questions.script(mark, node.runsc_path, node.roots, seconds),
        sudoable=False,
    )
    try:
        return frames.parse(output, mark, node.roots, node.runsc_path)
    except NodeError as exc:
        if code == 0:
            raise
        words = (said + output).decode("utf-8", "replace").strip()[-_SAID:]
        raise NodeError(f"its shell ended with {code}: {words}") from exc


def _connect(node: Node, variables: Variables) -> t.Any:
    """Return ansible-core's own connection to a node, with options from its variables, the environment and ansible.cfg."""
    context = PlayContext()
    context.remote_addr = node.name
    # Releases before 2.19 want a standard input here.
    connection = connection_loader.get(f"ansible.builtin.{node.transport}", context, os.devnull)
    connection.set_options(var_options={"ansible_host": node.name, **variables})
    return connection
