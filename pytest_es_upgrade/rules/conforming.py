"""Whether a value conforms to a schema, yes or no: nearly all do, and that is seen without `jsonschema`.

Two rules of this module: it agrees with `jsonschema` on every keyword of its table, and a schema with
any other keyword has no predicate. Why a value does not conform is for `jsonschema` to say, which is
slower by a factor of ten, and takes longer to import than a server to answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

Predicate = Callable[[Any], bool]

#: Keywords that say nothing of a value, and those that are read with the keyword before them.
_SILENT = frozenset(("$schema", "$id", "$defs", "$comment", "title", "description", "default", "examples", "x-rule"))
_READ_ALONG = frozenset(("then", "else", "patternProperties", "additionalProperties"))

_TYPES: Mapping[str, Predicate] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}


class _NoPredicate(Exception):
    """The schema says something that this module does not know."""


def predicate(schema: Mapping[str, Any]) -> Predicate | None:
    """What tells of a value whether it conforms to that schema (without references), or None."""
    try:
        return _all(schema)
    except (_NoPredicate, KeyError):
        return None


def _anything(_value: Any) -> bool:
    return True


def _all(schema: Any) -> Predicate:
    if not isinstance(schema, dict):
        return _anything if schema else lambda _: False  # `true` and `false` are schemas too
    if "patternProperties" in schema or "additionalProperties" in schema:
        schema = {"properties": {}, **schema}
    if not schema.keys() - _SILENT - _READ_ALONG <= _KEYWORDS.keys():
        raise _NoPredicate
    return _every([make(schema[keyword], schema) for keyword, make in _KEYWORDS.items() if keyword in schema])


def _every(checks: Iterable[Predicate]) -> Predicate:
    """All of them at once, with as few calls as can be, for these run with every request."""
    checks = [check for check in checks if check is not _anything] or [_anything]
    if len(checks) == 1:
        return checks[0]
    if len(checks) == 2:
        first, second = checks
        return lambda value: first(value) and second(value)

    def every(value: Any) -> bool:
        for check in checks:  # noqa: SIM110 - half the time of all()
            if not check(value):
                return False
        return True

    return every


def _type(names: Any, _schema: Any) -> Predicate:
    if isinstance(names, str):
        return _TYPES[names]
    checks = [_TYPES[name] for name in names]
    return lambda value: any(check(value) for check in checks)


def _enum(values: Any, _schema: Any) -> Predicate:
    if not all(isinstance(value, str) for value in values):
        raise _NoPredicate  # 1 and true are equal in Python, and not in JSON
    return lambda value: isinstance(value, str) and value in values


def _min_length(limit: Any, _schema: Any) -> Predicate:
    return lambda value: not isinstance(value, str) or len(value) >= limit


def _max_length(limit: Any, _schema: Any) -> Predicate:
    return lambda value: not isinstance(value, str) or len(value) <= limit


def _pattern(pattern: Any, _schema: Any) -> Predicate:
    search = re.compile(pattern).search
    return lambda value: not isinstance(value, str) or search(value) is not None


def _required(names: Any, _schema: Any) -> Predicate:
    needed = frozenset(names)
    return lambda value: not isinstance(value, dict) or needed <= value.keys()


def _properties(properties: Any, schema: Any) -> Predicate:
    by_name = {name: _all(one) for name, one in properties.items()}
    by_pattern = [(re.compile(name), _all(one)) for name, one in schema.get("patternProperties", {}).items()]
    of_others = _all(schema.get("additionalProperties", True))
    if not by_pattern and of_others is _anything:
        return _named_members(tuple(by_name.items()))

    @lru_cache(maxsize=64)
    def of_member(name: str) -> Predicate:
        checks = [by_name[name]] if name in by_name else []
        checks += [check for pattern, check in by_pattern if pattern.search(name)]
        return _every(checks or [of_others])

    def members(value: Any) -> bool:
        if isinstance(value, dict):
            for name, one in value.items():
                if not of_member(name)(one):
                    return False
        return True

    return members


def _named_members(checks: tuple[tuple[str, Predicate], ...]) -> Predicate:
    """Of an object whose other members may be anything: they are not looked at."""

    def members(value: Any) -> bool:
        if isinstance(value, dict):
            for name, check in checks:
                if name in value and not check(value[name]):
                    return False
        return True

    return members


def _items(schema: Any, _schema: Any) -> Predicate:
    check = _all(schema)
    return lambda value: not isinstance(value, list) or all(check(one) for one in value)


def _not(schema: Any, _schema: Any) -> Predicate:
    check = _all(schema)
    return lambda value: not check(value)


def _if(schema: Any, whole: Any) -> Predicate:
    condition, then, otherwise = (_all(one) for one in (schema, whole.get("then", True), whole.get("else", True)))
    if "type" in whole and schema == {"type": whole["type"]}:
        return then  # what has another type does not conform anyway
    if otherwise is _anything:
        return lambda value: not condition(value) or then(value)
    return lambda value: then(value) if condition(value) else otherwise(value)


def _all_of(schemas: Any, _schema: Any) -> Predicate:
    return _every([_all(one) for one in schemas])


#: In the order in which they are looked at, which is the dearer ones last.
_KEYWORDS: Mapping[str, Callable[[Any, Any], Predicate]] = {
    "type": _type,
    "enum": _enum,
    "const": lambda value, schema: _enum([value], schema),
    "minLength": _min_length,
    "maxLength": _max_length,
    "pattern": _pattern,
    "required": _required,
    "properties": _properties,
    "items": _items,
    "not": _not,
    "if": _if,
    "allOf": _all_of,
}
