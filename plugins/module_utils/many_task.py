# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules that handle many things at once share: how to go about it, and their result."""

from __future__ import annotations

import threading
import typing as t

from .module import Spec, failure
from .observation import glance
from .parallel import CONTINUE, SERIAL, STOP, Batch, cores, for_each
from .runsc.client import Runsc
from .runsc.errors import RunscError, UsageError

T = t.TypeVar("T")

FULL, CHANGED, SUMMARY = "full", "changed", "summary"

OPTIONS: Spec = {
    "parallel": {"type": "int"},
    "fail_fast": {"type": "bool", "default": False},
    "serial_on_error": {"type": "bool", "default": False},
    "result": {"type": "str", "default": FULL, "choices": [FULL, CHANGED, SUMMARY]},
}
EXCLUSIVE = ("fail_fast", "serial_on_error")

# What a failure tells, of which that of the whole task tells the same about the first one.
_FAILURE = ("failure_kind", "status", "rc", "cmd", "stdout", "stderr", "stdout_lines", "stderr_lines")


def batch(params: t.Mapping[str, t.Any]) -> Batch:
    """Return the options that say how to go about it. :raises UsageError: one makes no sense."""
    parallel = cores() if params["parallel"] is None else params["parallel"]
    if parallel < 1:
        raise UsageError(f"parallel: {parallel!r} is not positive", remedy="Give a number, 1 or more")
    if params["fail_fast"] and params["serial_on_error"]:
        raise UsageError("fail_fast: serial_on_error is given, too", remedy="Choose what a failure means for the rest")
    on_failure = STOP if params["fail_fast"] else SERIAL if params["serial_on_error"] else CONTINUE
    return Batch(parallel, on_failure)


class Tally:
    """Counts the results of single things, and keeps those that are to be returned.

    :param noun: what the things are called, in the plural.
    :param wanted: C(full), C(changed) or C(summary).
    """

    def __init__(self, noun: str, wanted: str) -> None:
        self._noun = noun
        self._wanted = wanted
        self._first_failure: tuple[int, str, dict[str, t.Any]] | None = None
        self.counts = {"total": 0, "changed": 0, "unchanged": 0, "failed": 0, "not_begun": 0}
        self.changed = False

    def add(self, name: str, result: dict[str, t.Any] | None, place: int = 0) -> bool:
        """Count one result, None being that of what was not begun. Return whether it is to be kept.

        :param place: that in the list, where results do not come in its order.
        """
        self.counts["total"] += 1
        if result is None:
            self.counts["not_begun"] += 1
            return self._wanted != SUMMARY
        changed, failed = bool(result.get("changed")), bool(result.get("failed"))
        self.changed = self.changed or changed
        self.counts["failed" if failed else "changed" if changed else "unchanged"] += 1
        if failed and (self._first_failure is None or place < self._first_failure[0]):
            self._first_failure = (place, name, result)
        return failed or self._wanted == FULL or (changed and self._wanted == CHANGED)

    def result(self, interrupted: bool = False) -> dict[str, t.Any]:
        """Return the counts, in words as well, and, where something failed, what the first failure tells."""
        facts: dict[str, t.Any] = {"changed": self.changed, "summary": self.counts, "msg": self._line()}
        if interrupted:
            facts.update(failed=True, failure_kind="runtime", status=None)
            facts["msg"] += "; interrupted, and what was under way was undone"
        if self._first_failure:
            _place, name, first = self._first_failure
            facts.update({key: first[key] for key in _FAILURE if key in first}, failed=True)
            facts["msg"] += f". The first failure is that of {name!r}: {first['msg']}"
        return facts

    def _line(self) -> str:
        counted = [f"{self.counts[word]} {word.replace('_', ' ')}" for word in ("changed", "unchanged")]
        counted += [
            f"{self.counts[word]} {word.replace('_', ' ')}" for word in ("failed", "not_begun") if self.counts[word]
        ]
        return f"{self.counts['total']} {self._noun}: {', '.join(counted)}"


def failed(runsc: Runsc, error: Exception, container: str | None = None) -> dict[str, t.Any]:
    """Return the result of one thing that failed before anything was changed."""
    if not isinstance(error, RunscError):  # nothing that runsc said
        error = RunscError(f"the host refused: {error}")
    name = error.container or container
    return {**failure(error, glance(runsc, name) if name else None), "changed": False}


def do_all(
    items: t.Sequence[T],
    one: t.Callable[[T], dict[str, t.Any]],
    how: Batch,
    tally: Tally,
    label: t.Callable[[T], str],
) -> tuple[dict[str, t.Any], dict[int, dict[str, t.Any]]]:
    """Do one thing after the other, several at the same time.

    :param one: returns the result of one thing, a failed one as well.
    :returns: the result for all, and the single ones that are to be returned, by their place in the list.
    """
    kept: dict[int, dict[str, t.Any]] = {}
    under_way: set[int] = set()
    finished: set[int] = set()
    lock = threading.Lock()

    def add(index: int, result: dict[str, t.Any] | None) -> None:
        with lock:
            if tally.add(label(items[index]), result, index):
                kept[index] = {"changed": False, "not_begun": True} if result is None else result
            finished.add(index)

    def work(index: int) -> bool:
        under_way.add(index)
        result = one(items[index])
        add(index, result)
        return not result.get("failed")

    interrupted = False
    try:
        for_each(range(len(items)), work, how.parallel, how.on_failure)
    except KeyboardInterrupt:
        interrupted = True
    undone = {**failure(RunscError("interrupted; what was under way was undone"), None), "changed": True}
    for index in sorted(set(range(len(items))) - finished):
        add(index, dict(undone) if index in under_way else None)
    return tally.result(interrupted), dict(sorted(kept.items()))
