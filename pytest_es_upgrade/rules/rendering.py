"""Values of the wrong type on the wire: the page shows no form of them, so any sensible one will do.

A caller who gives a number, a list or bytes where a text belongs has no right to one spelling of it.
`renders` says whether what was sent is a text or a JSON value that some language or library makes of
it; `meaning` says whether a value that stands where a Boolean belongs reads as true or as false.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

#: What languages print for nothing. The empty text may stand for anything that is taken for nothing.
_NOTHING = ("none", "null", "nil", "<nil>", "undefined")
#: What languages print for a Boolean; PHP has numbers.
_BOOLEANS: Mapping[bool, tuple[str, ...]] = {True: ("true", "1"), False: ("false", "0")}
#: What JavaScript prints for any object.
_SOME_OBJECT = "[object Object]"
#: How Go begins to print a mapping.
_GO_MAP = "map["

_MEANINGS: Mapping[str, bool] = {
    **dict.fromkeys(("true", "t", "1", "1.0", "yes", "y", "on"), True),
    **dict.fromkeys(("false", "f", "0", "0.0", "no", "n", "off", "", "[]", "{}"), False),
}


def renders(wanted: Any, got: Any) -> bool:
    """Whether `got`, a text or a JSON value, may stand for `wanted`, which is of the wrong type. Never raises."""
    return _is_form_of(wanted, got) or (
        isinstance(got, str) and got.startswith('"') and got.endswith('"') and _is_form_of(wanted, got[1:-1])
    )


def _is_form_of(wanted: Any, got: Any) -> bool:
    if _equal(wanted, got) or (got == "" and is_falsy(wanted)):
        return True
    if isinstance(wanted, (bytes, bytearray)):
        return _renders_bytes(bytes(wanted), got)
    if isinstance(wanted, (list, tuple, dict)):
        return isinstance(got, str) and _renders_container(wanted, got)
    if isinstance(wanted, bool):
        return isinstance(got, str) and got.lower() in _BOOLEANS[wanted]
    if wanted is None:
        return isinstance(got, str) and got.lower() in _NOTHING
    return not isinstance(got, bool) and str(got) in (_text(wanted), _as_whole(wanted))


def meaning(value: Any) -> bool | None:
    """True or False where the value reads as it, however it is written; None where that is not obvious."""
    if isinstance(value, (bytes, bytearray)):
        value = bytes(value).decode("latin-1")
    if isinstance(value, (str, bool, int, float, list, tuple, dict)):
        text = str(list(value) if isinstance(value, tuple) else value)
        return _MEANINGS.get(text.strip(' "').lower())
    return None


def is_falsy(value: Any) -> bool:
    """Whether many languages take the value for "not given": 0, false, what is empty. Never raises."""
    try:
        return not value
    except Exception:  # noqa: BLE001 - a caller may ask with anything, and its __bool__ may raise anything
        return False


def _equal(wanted: Any, got: Any) -> bool:
    """Equal as JSON values: a Boolean is no number, and a tuple is a list."""
    wanted = list(wanted) if isinstance(wanted, tuple) else wanted
    try:
        return isinstance(wanted, bool) == isinstance(got, bool) and bool(wanted == got)
    except Exception:  # noqa: BLE001 - a caller may ask with anything, and its __eq__ may raise anything
        return False


def _renders_bytes(wanted: bytes, got: Any) -> bool:
    """As the text that they hold, as Python prints them, in base64 as JSON mappers write them, or as numbers."""
    if isinstance(got, list):
        return got == list(wanted)
    return got in (wanted.decode("latin-1"), wanted.decode("utf-8", "replace"), _text(wanted), _base64(wanted))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _renders_container(wanted: Any, got: str) -> bool:
    """The same words in the same order: every language puts other signs around them. Or the keys alone."""
    words = _words(got.removeprefix(_GO_MAP))
    return got == _SOME_OBJECT or words in (_words(_text(wanted)), _words(" ".join(map(_text, wanted))))


def _as_whole(wanted: Any) -> str | None:
    """A number as languages print it that have no point in whole ones."""
    return str(int(wanted)) if isinstance(wanted, float) and wanted.is_integer() else None


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _text(value: Any) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a caller may ask with anything, and its __str__ may raise anything
        return ""
