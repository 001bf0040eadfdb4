"""From the published schemas to violations: the keyword that fails names its rule (`x-rule`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from ..contract import Contract
from ..messages import Violation
from .conforming import Predicate, predicate
from .text import shown

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

Path = tuple[str | int, ...]

#: Those of a `Contract`, each read from its file where it is first asked for.
_SCHEMAS = ("request_schema", "success_schema", "error_schema")

#: How a keyword's value reads in "expected …".
_EXPECTED: Mapping[str, Callable[[Any], str]] = {
    "enum": lambda value: "one of " + ", ".join(map(shown, value)),
    "const": shown,
    "type": lambda value: " or ".join([value] if isinstance(value, str) else value),
    "maxLength": lambda value: f"at most {value} characters",
    "minLength": lambda value: f"at least {value} character",
    "pattern": lambda _: "ASCII characters only",
    "not": lambda value: f"no {value['type']}" if value else "nothing of that name",
}


def schema_violations(contract: Contract, schema: Mapping[str, Any], instance: Any, place: str) -> Iterator[Violation]:
    """Every rule that the instance breaks by that schema. `place` is how to say where: see `_PLACES`."""
    conforms = _predicate(contract, str(schema["$id"]))
    if conforms is not None and conforms(instance):
        return
    for error in _validator(contract, str(schema["$id"])).iter_errors(instance):
        rule_id = error.schema["x-rule"][error.validator]
        for path, got, expected in _findings(error):
            yield contract.violation(rule_id, _PLACES[place](path), got, expected)


@lru_cache(maxsize=32)
def _predicate(contract: Contract, schema_id: str) -> Predicate | None:
    return predicate(_schema(contract, schema_id))


@lru_cache(maxsize=32)
def _validator(contract: Contract, schema_id: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(_schema(contract, schema_id))


def _schema(contract: Contract, schema_id: str) -> Mapping[str, Any]:
    by_turns: Iterator[Mapping[str, Any]] = (getattr(contract, name) for name in _SCHEMAS)
    schema = next(schema for schema in by_turns if schema["$id"] == schema_id)
    referenced: Mapping[str, Any] = _without_references(schema, schema.get("$defs", {}))
    return referenced


def _without_references(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """The schema with every `#/$defs/NAME` in its place: looking them up takes longer than all the rest."""
    if isinstance(schema, list):
        return [_without_references(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _without_references(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    named = ("$id", "$defs")
    return {key: _without_references(value, definitions) for key, value in schema.items() if key not in named}


def _findings(error: ValidationError) -> Iterable[tuple[Path, str, str]]:
    """(where, got, expected) of a failed keyword; several where it speaks of several members."""
    # jsonschema fills these in lazily, and its types say that they might be unset
    keyword, value, schema, instance = cast(
        "tuple[str, Any, Mapping[str, Any], Any]",
        (error.validator, error.validator_value, error.schema, error.instance),
    )
    path = tuple(error.absolute_path)
    if keyword == "required":
        # it reports each missing member by itself, and names it only in its message
        missing = next(name for name in value if error.message.startswith(repr(name)))
        return [((*path, missing), "nothing", f"{missing} to be there")]
    if keyword == "additionalProperties":
        known = schema.get("properties", {})
        extra = [name for name in instance if name not in known and not _patterned(name, schema)]
        return [((*path, name), shown(instance[name]), "nothing of that name") for name in extra]
    return [(path, shown(instance), _EXPECTED[keyword](value))]


def _patterned(name: str, schema: Mapping[str, Any]) -> bool:
    return any(re.search(pattern, name) for pattern in schema.get("patternProperties", ()))


def _request_place(path: Path) -> str:
    return "path" if path[:1] == ("path",) else ".".join(map(str, path))


def _answer_place(path: Path) -> str:
    return "answer." + "".join(f"/{part}" for part in path)


_PLACES = {"request": _request_place, "answer": _answer_place}
