# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The prompt and the success of a become method, such as su or sudo, that runs in the container."""

from __future__ import annotations

import re

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.become import BecomeBase


class Escalation:
    """Watches the output of a become method, and answers its prompt.

    The data of the command must wait until the method has succeeded, or it would be read as the password.

    :param seconds: how long it may take.
    """

    def __init__(self, become: BecomeBase, seconds: float) -> None:
        self.seconds = seconds
        self._become = become
        self._answered: tuple[int, ...] | None = None  # how much output there was when the password was sent
        self._succeeded = False

    @classmethod
    def of(cls, become: BecomeBase | None, seconds: float) -> Escalation | None:
        """Return the one that a command needs: none, unless a become method has built it."""
        return cls(become, seconds) if become and (become.success or become.prompt) else None

    @property
    def done(self) -> bool:
        """True once the command itself runs."""
        return self._succeeded

    def look(self, stdout: bytes, stderr: bytes) -> bytes | None:
        """Look at all output so far; return the answer to send, or None where there is none to send now.

        :raises AnsibleError: the password is wrong or missing.
        """
        become = self._become
        outputs = (stdout, stderr)
        if any(become.check_success(output) for output in outputs):
            self._succeeded = True
            return b"\n" if self._answered is None else None
        if any(become.check_incorrect_password(output) for output in outputs):
            raise AnsibleError(f"Incorrect {become.name} password")
        if any(become.check_missing_password(output) for output in outputs):
            raise AnsibleError(f"Missing {become.name} password")
        fresh = [output[seen:] for output, seen in zip(outputs, self._answered or (0, 0), strict=True)]
        if not (become.prompt and any(become.check_password_prompt(output) for output in fresh)):
            return None
        if self._answered:
            raise AnsibleError(f"Incorrect {become.name} password")
        password: str | None = become.get_option("become_pass")
        if not password:
            raise AnsibleError(f"Missing {become.name} password")
        self._answered = (len(stdout), len(stderr))
        return b"p" + password.encode("utf-8", "surrogateescape") + b"\n"

    def too_late(self, stdout: bytes, stderr: bytes) -> AnsibleConnectionFailure:
        """Return the error for a method that neither prompts nor succeeds."""
        said = self.strip(stdout + stderr).decode("utf-8", "replace").strip()
        return AnsibleConnectionFailure(
            f"Timeout ({self.seconds:g} s) waiting for {self._become.name} to succeed: {said}"
        )

    def strip(self, output: bytes) -> bytes:
        """Return the output without the prompt, the mark of success, and what precedes them."""
        return _after(self._become.success, _after(self._become.prompt, output))


def _after(mark: object, output: bytes) -> bytes:
    """Return what follows the first line with a mark; everything if there is none. Some prompts are only known when seen."""
    if not mark or not isinstance(mark, str):
        return output
    return re.sub(rb"\A.*?" + re.escape(mark.encode()) + rb"[ \t]*\r?\n?", b"", output, count=1, flags=re.DOTALL)
