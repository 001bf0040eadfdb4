"""The configuration of `es-upgrade serve`: a YAML file, held against `contracts/serve.schema.json`.

What the schema cannot say, such as which versions there are, the service itself refuses. Either way a
mistake is one line that names the file, the line, the key, and what is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from ..contract import data_file
from ..errors import UsageProblem
from ..messages import HttpResponse
from ..samples import json_response
from ..standin import StandIn
from ..yaml_text import YamlMapping, near, parse_yaml, problem_at, read_text, shown

_KIND = "config file"
SCHEMA = "serve.schema.json"

_Path = tuple[str | int, ...]


Step = Callable[[StandIn], None]


@dataclass(frozen=True)
class Config:
    """What a file says: fields of the `Endpoint`, and what is to be told to the service, one after the other.

    A step raises `UsageProblem`, with its place in the file, where the service does not take it.
    """

    endpoint: Mapping[str, Any] = field(default_factory=dict)
    steps: Sequence[Step] = ()


#: As without a file.
NO_CONFIG = Config()


def read_config(path: Path) -> Config:
    """Read a file. Raises `UsageProblem` where it cannot be read, or breaks the schema."""
    return parse_config(read_text(path, _KIND), str(path))


def parse_config(text: str, name: str) -> Config:
    """What that text says; `name` is the file's, for messages. Raises `UsageProblem`."""
    document = parse_yaml(text, name, _KIND)
    if document is None:  # nothing but comments
        return NO_CONFIG
    problem = next(Draft202012Validator(data_file(SCHEMA)).iter_errors(document), None)
    if problem is not None:
        raise _at(document, name, tuple(problem.absolute_path), _words(problem))
    for place, told in _unsendable(document, ()):
        raise _at(document, name, place, told)
    endpoint = {_FIELDS[key]: value for key, value in (document.get("endpoint") or {}).items()}
    return Config(endpoint, list(_steps(document, name)))


def _steps(document: Any, name: str) -> Iterator[Step]:
    for part, make in _PARTS.items():
        rows = document.get(part) or ()
        for key, row in rows.items() if isinstance(rows, dict) else enumerate(rows):
            yield _placed(make(key, row or {}), partial(_at, document, name, (part, key)))


def _placed(step: Step, at: Callable[[str], UsageProblem]) -> Step:
    def placed(stand_in: StandIn) -> None:
        try:
            step(stand_in)
        except UsageProblem as problem:
            raise at(str(problem)) from None

    return placed


#: Key of `endpoint` → the field of `Endpoint`.
_FIELDS = {"accessKeyId": "access_key_id", "accessKeySecret": "access_key_secret", "regionId": "region_id"}


def _instance(id_: str, values: Mapping[str, Any]) -> Step:
    state = dict(values)
    if state.pop("ready_again", False):
        return lambda stand_in: stand_in.ready_again(id_)
    return lambda stand_in: stand_in.add_instance(id_, **state)


def _reply(_number: int, row: Mapping[str, Any]) -> Step:
    answer = row["reply"] if isinstance(row["reply"], str) else _response(row["reply"])
    return lambda stand_in: stand_in.reply_with(answer, row.get("times"))


def _response(answer: Mapping[str, Any]) -> HttpResponse:
    headers = [
        (name, value)
        for name, values in answer.get("headers", {}).items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    if "json" not in answer:
        return HttpResponse(answer["status"], tuple(headers), answer.get("body", "").encode())
    document = json_response(answer["status"], answer["json"])
    own = {name.lower() for name, _ in headers}
    kept = [header for header in document.headers if header[0].lower() not in own]
    return replace(document, headers=(*kept, *headers))


def _fault(_number: int, row: Mapping[str, Any]) -> Step:
    options = row.get("options") or {}
    return lambda stand_in: stand_in.fail_with(row["fault"], row.get("times", 1), **options)


_PARTS: Mapping[str, Callable[[Any, Mapping[str, Any]], Step]] = {
    "instances": _instance,
    "replies": _reply,
    "faults": _fault,
}


# --- mistakes ---------------------------------------------------------------------------------------


def _at(document: Any, name: str, path: _Path, text: str) -> UsageProblem:
    line, owner = None, document
    for key in path:
        if isinstance(owner, YamlMapping):
            line = owner.lines.get(key, line)
        owner = owner[key]
    where = ".".join(map(str, path))
    return problem_at(_KIND, name, line, f"{where}: {text}" if where else text)


def _unsendable(value: Any, path: _Path) -> Iterator[tuple[_Path, str]]:
    """What YAML can hold, and neither JSON nor a body: where, and what to say. The schema sees no such thing."""
    if isinstance(value, str):
        if not _is_utf8(value):
            yield path, f"half of a character (a surrogate) cannot be sent, got {shown(value)}"
    elif isinstance(value, dict):
        for key, member in value.items():
            if not isinstance(key, str):
                yield path, f"a key is a text, got {shown(key)}{_in_quotes(key)}"
            yield from _unsendable(key, path)
            yield from _unsendable(member, (*path, key))
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _unsendable(entry, (*path, number))
    elif not (value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))):
        yield path, f"JSON has no such value, got {shown(value)}{_in_quotes(value)}"


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _words(problem: ValidationError) -> str:
    asked: Any = problem.validator_value
    return _WORDS[str(problem.validator)](asked, problem.instance, problem.schema)


def _type(asked: Any, got: Any, _schema: Any) -> str:
    names = [asked] if isinstance(asked, str) else asked
    expected = " or ".join(_NAMES[name] for name in names)
    return f"expected {expected}, got {shown(got)}{_in_quotes(got) if 'string' in names else ''}"


def _in_quotes(got: Any) -> str:
    """The advice for what YAML takes for something else than a text."""
    unquoted = isinstance(got, (int, float, date)) and not isinstance(got, bool)
    return f'; write it in quotes: "{got}"' if unquoted else ""


_NAMES = {
    "string": "a text",
    "object": "a mapping",
    "array": "a list",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


def _members(_asked: Any, got: Any, schema: Any) -> str:
    known = list(schema["properties"])
    unknown = next(str(key) for key in got if key not in known)
    return f"there is no member {unknown!r}; {near(unknown, known)}"


def _values(asked: Any, got: Any, _schema: Any) -> str:
    return f"got {shown(got)}; {near(str(got), asked)}"


def _required(asked: Any, got: Any, _schema: Any) -> str:
    missing = next(key for key in asked if key not in got)
    return f"there is no {missing!r}, which is needed"


def _exclusive(asked: Any, _got: Any, _schema: Any) -> str:
    return f"there are {' and '.join(map(repr, asked['required']))}, which exclude each other; keep one"


def _bound(what: str, asked: Any, got: Any, _schema: Any) -> str:
    return f"expected {what} {asked}, got {shown(got)}"


#: Keyword of JSON Schema → what is said where it is broken: asked, got, and the schema around it.
_WORDS: Mapping[str, Callable[[Any, Any, Any], str]] = {
    "type": _type,
    "additionalProperties": _members,
    "enum": _values,
    "required": _required,
    "not": _exclusive,
    "minimum": partial(_bound, "at least"),
    "maximum": partial(_bound, "at most"),
}
