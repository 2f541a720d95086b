# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validation of OCI documents on the controller, before a managed node is touched.

Two entries: L(validate_config) for a whole config.json, L(validate_process) for the Process of runsc exec. Both return all
errors and warnings at once, as a L(Report). jsonschema is needed for them, and imported by the first call.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
import typing as t

from ansible.errors import AnsibleError

from . import checks, ignored
from .checks import Setting
from .config_schema import CONFIG
from .explain import Finding, SchemaError, explain
from .looking import plain
from .pieces import Schema
from .places import Path, shown
from .process_schema import EXEC_PROCESS
from .report import Report

_PACKAGE = "jsonschema"
_SCHEMAS: dict[str, Schema] = {"config": CONFIG, "process": EXEC_PROCESS}


class MissingLibraryError(AnsibleError):
    """The controller lacks a Python package."""


class _Validator(t.Protocol):
    def iter_errors(self, instance: t.Any) -> t.Iterator[SchemaError]:
        """Yield what is wrong."""


def validate_config(config: t.Any, *, network: str | None = None, flags: t.Mapping[str, t.Any] | None = None) -> Report:
    """Validate an OCI configuration.

    :param config: what is to be the config.json. Templated values and Ansible's own types are fine.
    :param network: the C(--network) of runsc, for what depends on it. C(None) where it is not known.
    :param flags: further global flags of runsc by name, as the option C(config) of the modules has them.
    :raises MissingLibraryError: jsonschema is missing.
    """
    document = plain(config)
    setting = _setting(network, flags)
    findings = _by_schema("config", document, ())
    if isinstance(document, dict):
        findings += checks.check_config(document, setting)
        findings += ignored.config_warnings(document, setting)
    return _report(findings)


def validate_process(process: t.Any, *, flags: t.Mapping[str, t.Any] | None = None) -> Report:
    """Validate an OCI Process for runsc exec, which needs C(args) only. Places begin with C(process).

    :param process: the document.
    :param flags: as for L(validate_config).
    :raises MissingLibraryError: jsonschema is missing.
    """
    document = plain(process)
    if isinstance(document, dict) and document.get("cwd") == "":
        del document["cwd"]  # runsc takes the container's own
    findings = _by_schema("process", document, ("process",))
    if isinstance(document, dict):
        findings += checks.check_process(document)
        findings += ignored.exec_warnings(document, _setting(None, flags))
    return _report(findings)


def preload() -> None:
    """Import jsonschema and compile the schemas now, if that package is there.

    Ansible runs each task in a fork of its main process. What the main process has imported, no task has to import again,
    which takes longer than a validation. Ansible imports an action plugin in the main process, so that is the place.
    """
    with contextlib.suppress(MissingLibraryError):
        for kind in _SCHEMAS:
            _validator(kind)


@functools.cache
def _validator(kind: str) -> _Validator:
    try:
        jsonschema = importlib.import_module(_PACKAGE)
    except ImportError as exc:
        raise MissingLibraryError(
            f"the Python package {_PACKAGE} is missing on the controller, where OCI documents are validated. "
            f"Install it: {sys.executable} -m pip install {_PACKAGE}"
        ) from exc
    base = jsonschema.Draft202012Validator
    # 1.0 is a whole number to JSON Schema, and none to runsc.
    types = base.TYPE_CHECKER.redefine("integer", _is_integer)
    validator: _Validator = jsonschema.validators.extend(base, type_checker=types)(_SCHEMAS[kind])
    return validator


def _is_integer(checker: t.Any, value: t.Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _by_schema(kind: str, document: t.Any, prefix: Path) -> list[Finding]:
    validator = _validator(kind)
    if isinstance(document, dict):
        return explain(validator.iter_errors(document), prefix)
    words = "a text" if isinstance(document, str) else shown(document)  # a text may hold a whole environment
    return [Finding(prefix, f"is {words}, expected {_SCHEMAS[kind]['expected']}")]


def _setting(network: str | None, flags: t.Mapping[str, t.Any] | None) -> Setting:
    given = {str(name).lstrip("-"): value for name, value in (flags or {}).items()}
    texts = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}
    return Setting(network or texts.get("network"), texts)


def _report(findings: t.Iterable[Finding]) -> Report:
    by_path: dict[Path, Finding] = {}
    for finding in findings:
        held = by_path.get(finding.path)
        if held is None or (finding.is_error and not held.is_error):
            by_path[finding.path] = finding
    found = by_path.values()
    return Report(
        tuple(str(finding) for finding in found if finding.is_error),
        tuple(str(finding) for finding in found if not finding.is_error),
    )
