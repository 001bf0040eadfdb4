"""Strict JSON: UTF-8 without a byte order mark, no NaN, and members that stand twice are noticed."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

BOM = b"\xef\xbb\xbf"


class JsonText(NamedTuple):
    """What could be read of some bytes: the value, or which rule of JSON they break and how.

    `problem` is None, `utf8` or `json`; `twice` holds, per object in which a member stood twice,
    the member's name and the values that were given.
    """

    value: Any = None
    problem: str | None = None
    detail: str = ""
    twice: tuple[tuple[str, tuple[Any, ...]], ...] = ()


def read_json(data: bytes) -> JsonText:
    """Read some bytes as JSON. Never raises."""
    if data.startswith(BOM):
        return JsonText(problem="utf8", detail="a byte order mark")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return JsonText(problem="utf8", detail=f"byte {data[error.start]:#04x} at {error.start}, which is no UTF-8")
    twice: list[tuple[str, tuple[Any, ...]]] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name in found if sum(name == key for key, _ in pairs) > 1]
            twice.extend((name, tuple(value for key, value in pairs if key == name)) for name in names)
        return found

    try:
        value = json.loads(text, object_pairs_hook=members, parse_constant=_no_constant)
    except RecursionError:
        return JsonText(problem="json", detail="nesting deeper than can be read")
    except ValueError as error:  # JSONDecodeError, and integers of too many digits
        return JsonText(problem="json", detail=str(error))
    return JsonText(value, twice=tuple(twice))


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
