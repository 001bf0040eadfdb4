"""A form as the object that it stands for: no client is right to send one, and what else it does can be judged."""

from __future__ import annotations

from urllib.parse import parse_qsl

from .json_text import JsonText, read_json

#: The one field that the classic SDK's `set_body` puts JSON into.
_WHOLE = "body"


def read_form(data: bytes) -> JsonText:
    """Read `application/x-www-form-urlencoded` bytes (WHATWG URL section 5.1), a member a field. Never raises."""
    try:
        pairs = parse_qsl(data.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError as error:  # UnicodeDecodeError too
        return JsonText(problem="json", detail=f"no form either: {error}")
    fields = dict(pairs)
    if list(fields) == [_WHOLE] and len(pairs) == 1:
        return read_json(fields[_WHOLE].encode())
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return JsonText(fields, twice=tuple((name, tuple(given)) for name, given in values.items() if len(given) > 1))
