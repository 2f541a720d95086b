# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Properties: whatever single thing is made wrong in a right document is found where it is."""

from __future__ import annotations

import copy
import typing as t

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci import names
from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci.config_schema import CONFIG as SCHEMA
from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci.places import place
from ansible_collections.gvisor.runsc.plugins.plugin_utils.oci.validate import validate_config, validate_process
from ansible_collections.gvisor.runsc.plugins.plugin_utils.suggestions import near

Path = t.Tuple[t.Any, ...]
CONFIG: t.Dict[str, t.Any] = {
    "ociVersion": "1.1.0",
    "process": {
        "user": {"uid": 1, "gid": 2, "additionalGids": [3, 4]},
        "args": ["sleep", "60"],
        "env": ["PATH=/bin"],
        "cwd": "/",
        "capabilities": {"bounding": ["CAP_KILL", "CAP_CHOWN"]},
        "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 4096}],
        "terminal": False,
    },
    "root": {"path": "rootfs", "readonly": True},
    "mounts": [{"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid"]}],
    "hooks": {"poststart": [{"path": "/bin/true", "args": ["true"]}]},
    "annotations": {"org.example/a.b": "c"},
    "linux": {
        "namespaces": [{"type": "pid"}, {"type": "network"}],
        "resources": {"memory": {"limit": 268435456}, "cpu": {"shares": 512}, "pids": {"limit": 100}},
    },
}


def places_of(value: t.Any, path: Path = ()) -> t.Iterator[Path]:
    """Yield the path of everything in a document but the document itself."""
    items: t.Iterable[t.Tuple[t.Any, t.Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for step, item in items:
        yield (*path, step)
        yield from places_of(item, (*path, step))


def look(document: t.Any, path: Path) -> t.Any:
    for step in path:
        document = document[step]
    return document


ALL = sorted(places_of(CONFIG), key=str)
OBJECTS = [path for path in [(), *ALL] if isinstance(look(CONFIG, path), dict) and path != ("annotations",)]
# Of a type that no place of the document has, except for objects.
STRANGERS: t.Any = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: number != int(number)),
    st.just({"": {"": []}}),
    st.just([[[]]]),
)


@given(path=st.sampled_from(ALL), stranger=STRANGERS)
@settings(max_examples=300, deadline=None)
def test_a_value_of_another_type_is_refused_where_it_is(path: Path, stranger: t.Any) -> None:
    assume(not (isinstance(stranger, dict) and isinstance(look(CONFIG, path), dict)))
    config = copy.deepcopy(CONFIG)
    look(config, path[:-1])[path[-1]] = stranger
    where = place(path)
    errors = validate_config(config).errors
    assert errors and all(error.startswith(where) for error in errors), (errors, where)


@given(path=st.sampled_from(OBJECTS), data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_misspelt_field_is_refused_and_the_right_one_suggested(path: Path, data: st.DataObject) -> None:
    known = [name for name in sorted(look(CONFIG, path)) if len(name) > 3]
    assume(known)
    name = data.draw(st.sampled_from(known))
    position = data.draw(st.integers(1, len(name) - 1))
    misspelt = name[:position] + data.draw(st.sampled_from("xqz")) + name[position:]
    config = copy.deepcopy(CONFIG)
    node = look(config, path)
    node[misspelt] = node[name]
    assert validate_config(config).errors == (
        f"{place((*path, misspelt))} is no field of an OCI document (did you mean {place((*path, name))!r}?)",
    )


def clean(text: str) -> str:
    return text.replace("\0", "")


@given(st.text(max_size=30), st.lists(st.text(), max_size=3), st.dictionaries(st.text(min_size=1), st.text()))
@settings(deadline=None)
def test_free_texts_are_free(program: str, arguments: t.List[str], annotations: t.Dict[str, str]) -> None:
    args = [clean(program) or "x", *map(clean, arguments)]
    config: t.Dict[str, t.Any] = {**CONFIG, "process": {**CONFIG["process"], "args": args}}
    config["annotations"] = {name: clean(value) for name, value in annotations.items()}
    assert validate_config(config).errors == ()


JSON: t.Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(sorted(SCHEMA["properties"])), inner),
    max_leaves=12,
)


@given(JSON)
@settings(deadline=None)
def test_any_document_is_answered_without_a_crash(document: t.Any) -> None:
    validate_config(document, network="host")
    validate_process(document)


@given(st.sampled_from(ALL), JSON)
@settings(max_examples=200, deadline=None)
def test_anything_in_any_place_is_answered_without_a_crash(path: Path, value: t.Any) -> None:
    config = copy.deepcopy(CONFIG)
    look(config, path[:-1])[path[-1]] = value
    validate_config(config, network="host")


@given(st.sampled_from(names.CAPABILITIES), st.data())
@settings(deadline=None)
def test_one_letter_too_many_in_a_capability_is_understood(name: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(4, len(name)))
    assert near(f"{name[:position]}X{name[position:]}", names.CAPABILITIES) is not None


def schemas(schema: t.Any, path: Path = ()) -> t.Iterator[t.Tuple[Path, t.Dict[str, t.Any]]]:
    """Yield every schema in a schema."""
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from schemas(inner, (*path, name))
    for name in ("items", "additionalProperties", "propertyNames"):
        if isinstance(schema.get(name), dict):
            yield from schemas(schema[name], (*path, f"<{name}>"))


def test_every_schema_says_in_words_what_it_expects() -> None:
    found = list(schemas(SCHEMA))
    assert len(found) > 150
    assert [path for path, schema in found if not schema.get("expected")] == []
