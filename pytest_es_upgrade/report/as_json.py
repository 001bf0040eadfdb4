"""The report as JSON: the document itself (design, "JSON report")."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..results import Json


def json_text(document: Json) -> str:
    """The whole report, one member to a line, so that two runs can be compared by lines."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
