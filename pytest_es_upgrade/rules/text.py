"""How values are shown to people: their repr, cut in the middle where it is long."""

from __future__ import annotations

import re
from typing import Any

LONGEST = 120
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+(?=>)")


def shown(value: Any) -> str:
    """The repr of a value, with its type where that is the point, at most `LONGEST` characters."""
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - a value may come from a client, its repr may raise anything
        text = f"<{type(value).__name__} whose repr raised {type(error).__name__}>"
    # where an object lies in memory is no part of what it is, and differs on every run
    return cut(_ADDRESS.sub("", text))


def cut(text: str, longest: int = LONGEST) -> str:
    """The text, or its two ends with the number of characters that were left out."""
    if len(text) <= longest:
        return text
    half = (longest - 20) // 2
    return f"{text[:half]} …{len(text) - 2 * half} more… {text[-half:]}"
