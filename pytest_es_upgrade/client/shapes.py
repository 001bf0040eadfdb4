"""What an arbitrary object is made of: names, documents and plain JSON values.

The rules of this module: nothing here raises, whatever the object does when it is looked at; nothing
is called but the conversions that are named here; every walk is bounded in depth and in number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from enum import Enum
from functools import cached_property, lru_cache
from itertools import islice
from types import FunctionType, MemberDescriptorType, ModuleType
from typing import Any
from uuid import UUID

#: Keys under which a wrapper keeps what the service said; normalised as `same` does.
WRAPPERS = (
    *("body", "data", "content", "result", "response", "payload", "value", "document", "answer", "output"),
    *("json", "text", "model", "parsed", "rawbody", "entity", "item", "ok", "res", "resp"),
    *("metadata", "meta", "responsemetadata"),
)
#: Keys under which a caller is handed an error as a value.
ERRORS = ("error", "err", "exception", "failure", "errors")

_DOCUMENT = ("requestid", "status", "validatetype", "validateresult", "errorcode", "errormsg", "errortype")
_STATUSES = ("code", "errormessage", "message", "msg", "httpstatus", "statuscode", "httpcode")

#: Properties that are evaluated where an object has them; all others are left alone, for they may do
#: anything. `text` is not among them: where there is one there is `content`, and decoding is slow.
_PROPERTIES = frozenset((*WRAPPERS, *ERRORS, *_DOCUMENT, *_STATUSES)) - {"text"}

_MOST_MEMBERS = 200_000  # of one container: the biggest answer of the suite has 60,000 entries
_MOST_VALUES = 1_000_000
_DEEPEST = 100
_NAMELESS = (type, ModuleType, FunctionType, str, bytes, bytearray, memoryview, int, float, complex, Enum)
_MADE_BY_CLASS_STATEMENT = 1 << 9  # Py_TPFLAGS_HEAPTYPE: the insides of a generator are no members
_AS_TEXT = (UUID, Decimal, date, time)


@lru_cache(4096)
def same(name: str) -> str:
    """The name as names are compared: without case and underscores."""
    return name.replace("_", "").lower()


def safely(work: Callable[..., Any], *given: Any) -> Any:
    """What `work(*given)` returns, or None where it raises anything at all."""
    try:
        return work(*given)
    except BaseException:  # noqa: BLE001 - foreign code runs here, and may even raise SystemExit
        return None


def opened(value: Any) -> dict[str, Any] | list[Any] | None:
    """The object's members by name, or its elements, one level deep; None where it has neither.

    JSON text and bytes are read; models are converted by their own means (`to_map`, `model_dump`,
    `dict`), other objects by their attributes, slots and well-known properties.
    """
    return parsed(value) if is_a(value, str, bytes, bytearray) else _members(value)


def is_a(value: Any, *kinds: type) -> bool:
    """As `isinstance`, but for an object that lies about its class, or raises when it is asked."""
    return issubclass(type(value), kinds)


def parsed(text: str | bytes | bytearray) -> dict[str, Any] | list[Any] | None:
    """The JSON object or array that the text is, or None. Of duplicate keys the last one wins."""
    start = text[:64].lstrip()[:1]
    if start not in ("{", "[", "\ufeff", b"{", b"[", b"\xef"):
        return None
    value = safely(json.loads, text.lstrip("\ufeff") if isinstance(text, str) else text)
    return value if isinstance(value, (dict, list)) else None


def plain(value: Any) -> Any:
    """The same as plain JSON values. What has no such form becomes the name of its type in `<>`."""
    return _Plain().of(value)


def scalar(value: Any) -> str | int | float | bool | None:
    """The plain text, number or bool that this is (Enums: their value; bytes: as UTF-8), or None."""
    found = _scalar(value)
    return None if found is _NOT_SCALAR else found


def is_value(value: Any) -> bool:
    """Whether this is data rather than behaviour: methods and the like are none."""
    return not callable(value)


class _Plain:
    """One conversion: the number of values that it may still make, and the containers that it is within."""

    def __init__(self) -> None:
        self.left = _MOST_VALUES
        self.within: list[int] = []

    def of(self, value: Any) -> Any:
        self.left -= 1
        if type(value) in _PLAIN:
            return value
        found = _scalar(value)
        if found is not _NOT_SCALAR:
            return found
        if len(self.within) >= _DEEPEST or self.left <= 0 or id(value) in self.within:
            return f"<{type(value).__name__}>"
        self.within.append(id(value))
        found = self._of_members(value)
        self.within.pop()
        return found

    def _of_members(self, value: Any) -> Any:
        members = _members(value)
        if isinstance(members, dict):
            return {key: self.of(member) for key, member in members.items()}
        if members is not None:
            return [self.of(member) for member in members]
        return f"<{type(value).__name__}>"


_NOT_SCALAR = object()
_PLAIN = frozenset((str, bool, int, float, type(None)))


def _scalar(value: Any) -> Any:
    """The JSON scalar that the value is, or the marker. Subclasses are reduced to their base's value."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    found = None if kind is dict or kind is list else safely(_odd_scalar, value)
    return _NOT_SCALAR if found is None else found


def _odd_scalar(value: Any) -> Any:
    if isinstance(value, Enum):
        inner = _scalar(value.value)
        return value.name if inner is _NOT_SCALAR else inner
    for kind, reduce in _REDUCERS:
        if isinstance(value, kind):
            return reduce(value)
    return None


def _decoded(value: bytes | bytearray) -> str:
    return bytes(value).decode("utf-8", "replace")


#: Type → how to get the plain value out of a subclass that may have overridden everything.
_REDUCERS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    ((bytes, bytearray), _decoded),
    (_AS_TEXT, str),
)


def _members(value: Any) -> dict[str, Any] | list[Any] | None:
    kind = type(value)
    # What JSON parsers make needs no conversion. Long answers are nearly all of this kind.
    if (kind is dict and all(type(key) is str for key in value)) or (kind is list and len(value) <= _MOST_MEMBERS):
        return value  # type: ignore[no-any-return]  # it was looked at by hand
    for conversion in _CONVERSIONS:
        found = safely(conversion, value)
        if found is not None:
            return found  # type: ignore[no-any-return]  # `safely` cannot tell
    return None


def _from_mapping(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, Mapping):
        return None
    return {_key(key): member for key, member in islice(value.items(), _MOST_MEMBERS)}


def _key(key: Any) -> str:
    scalar = _scalar(key)
    return scalar if type(scalar) is str else str(scalar)


def _from_named_tuple(value: Any) -> dict[str, Any] | None:
    names = getattr(type(value), "_fields", None)
    return dict(zip(names, value, strict=False)) if isinstance(value, tuple) and names is not None else None


def _from_sequence(value: Any) -> list[Any] | None:
    if not isinstance(value, Sequence) or isinstance(value, _NAMELESS):
        return None
    return list(islice(value, _MOST_MEMBERS))


def _from_tea_model(value: Any) -> dict[str, Any] | None:
    """A Tea model that could not be built from an answer keeps the raw one in its private `_map`, and
    `to_map` gives that out; its attributes, which callers use, hold nothing. So it is read by these.
    """
    if not callable(getattr(type(value), "to_map", None)) or getattr(value, "_map", None) is not None:
        return None
    return _from_mapping(value.to_map())


def _from_pydantic(value: Any) -> dict[str, Any] | list[Any] | None:
    kind = type(value)
    if callable(getattr(kind, "model_dump", None)):
        return _members(value.model_dump(by_alias=True))
    if callable(getattr(kind, "dict", None)) and hasattr(kind, "__fields__"):
        return _members(value.dict(by_alias=True))
    return None


def _from_object(value: Any) -> dict[str, Any] | None:
    if isinstance(value, _NAMELESS):
        return None
    members = {name: member for name, member in _attributes(value) if not name.startswith("_") and is_value(member)}
    return members or None


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    """Instance attributes first, then slots and well-known properties, in the order of definition."""
    own = safely(vars, value) or {}
    yield from ((name, member) for name, member in list(own.items()) if isinstance(name, str))
    for kind in reversed(type(value).__mro__):
        for name, descriptor in list(vars(kind).items()):
            if name not in own and kind.__flags__ & _MADE_BY_CLASS_STATEMENT and _readable(name, descriptor):
                yield from ((name, member) for member in _read(value, name))


def _readable(name: str, descriptor: Any) -> bool:
    if isinstance(descriptor, MemberDescriptorType):
        return True
    return isinstance(descriptor, (property, cached_property)) and same(name) in _PROPERTIES


def _read(value: Any, name: str) -> list[Any]:
    """The attribute's value as a list of one, or of none where there is no reading it."""
    return safely(lambda: [getattr(value, name)]) or []


#: Tried in this order; the first that finds members wins. A conversion that raises counts as none.
_CONVERSIONS: tuple[Callable[[Any], dict[str, Any] | list[Any] | None], ...] = (
    _from_mapping,
    _from_named_tuple,
    _from_sequence,
    _from_tea_model,
    _from_pydantic,
    _from_object,
)
