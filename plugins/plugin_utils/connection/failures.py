# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a call that failed means for the user: an unreachable host, with the reason and what to do about it."""

from __future__ import annotations

import json
import typing as t

from ansible.errors import AnsibleConnectionFailure

from ...module_utils.runsc.errors import classify
from ...module_utils.runsc.invoke import essence
from .conversation import Outcome
from .frames import Frame
from .transport import SSH_FAILED

# What the node's half may find, and what to do about it. {} is what it said to it.
_FOUND: dict[str, tuple[str, str]] = {
    "missing": (
        "it does not exist under the root {root}",
        "Check ansible_runsc_container and ansible_runsc_root, or create it",
    ),
    "ambiguous": (
        "runsc can't address it: it matches ids by prefix, and {detail!r} starts with this one",
        "Remove {detail!r}, or keep the two under different roots",
    ),
    "denied": (
        "the root {detail} can't be read by the user who runs runsc",
        "Log in as root, or set ansible_runsc_privilege_command, to 'sudo -n' for example",
    ),
    "unreadable": (
        "its record {detail} is damaged or of an unknown format",
        "Remove the container and create it again",
    ),
    "no_runsc": ("there is no program {detail!r} on its node", "Install runsc there, or set ansible_runsc_path"),
    "no_folder": (
        "the folder {detail} can't be made on its node",
        "Look at the space in and the mode of the folder above it",
    ),
    "late": (
        "it did not start the command within {seconds:g} s",
        "The sandbox may hang, or the node is slow: raise ansible_runsc_timeout, or remove the container",
    ),
    "died": (
        "the sandbox ended while the command ran",
        "Look at its debug log, and at the kernel's log for its memory limit",
    ),
    "lost": (
        "the command was stopped, since its input ended",
        "Look at the node: something has ended our process there",
    ),
}
_OPTIONS = {
    "failed to load ": "Set ansible_runsc_executable to a shell that is in the container",
    "error finding executable": "Set ansible_runsc_executable to a shell that is in the container",
    "in state paused": "Resume the container, for example by gvisor.runsc.runsc_container with state=running",
    "in state stopped": "Create it anew, for example by gvisor.runsc.runsc_container with state=running",
    "not started": "Start the container, for example by gvisor.runsc.runsc_container with state=running",
}


def failure(outcome: Outcome, transport: str, container: str, **known: t.Any) -> AnsibleConnectionFailure:
    """Build the error for a call without an exit code of the command.

    :param known: the root, and the seconds that a command may take to start.
    """
    verdict = outcome.verdict
    if verdict is None:
        return AnsibleConnectionFailure(_not_connected(outcome, transport))
    if verdict.kind in _FOUND:
        what, remedy = (text.format(detail=verdict.detail, **known) for text in _FOUND[verdict.kind])
    else:
        what, remedy = _explain(verdict, outcome.stderr)
    return AnsibleConnectionFailure(f"container {container!r} can't be used: {what}. {remedy}")


def _not_connected(outcome: Outcome, transport: str) -> str:
    said = (outcome.before + outcome.stderr).decode("utf-8", "replace").strip() or f"exit code {outcome.rc}"
    if transport != "ssh":
        return f"the helper of the connection on this machine ended early: {said}"
    if outcome.reached:
        return f"the ssh connection was lost: {said}"
    if outcome.rc == SSH_FAILED:
        return f"Failed to connect to the host via ssh: {said}"
    return f"the login on the node worked, but no command could be run there: {said}"


def _explain(verdict: Frame, stderr: bytes) -> tuple[str, str]:
    """Return runsc's own words and a remedy. Its log is sure to be its own; its standard error is also the command's."""
    rc, _space, log = verdict.detail.partition(" ")
    message = last_message(log) or essence(stderr.decode("utf-8", "replace")) or f"runsc ended with exit code {rc}"
    remedy = classify(message)[1]
    for part, better in _OPTIONS.items():
        if part in message:
            return message, better
    return message, remedy


def last_message(log: str) -> str:
    """Return the last error in a log of runsc: JSON objects, one after the other."""
    decoder, message = json.JSONDecoder(), ""
    while log:
        try:
            entry, end = decoder.raw_decode(log)
        except ValueError:
            break
        if isinstance(entry, dict) and entry.get("level") == "error":
            message = str(entry.get("msg", ""))
        log = log[end:].lstrip()
    return message
