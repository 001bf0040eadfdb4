"""The report as JSON: the document itself (design, "JSON report")."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..results import Json

_text = partial(json.dumps, ensure_ascii=False)


def json_text(document: Json) -> str:
    """The whole report, one case to a line, which can be looked for and cut out.

    Not by `indent`, with which Python takes several times as long: reports of several clients have many megabytes.
    """
    clients = [_object(client, cases=_array(map(_text, client["cases"]))) for client in document["clients"]]
    return _object(document, clients=_array(clients)) + "\n"


def _object(members: Mapping[str, Any], **texts: str) -> str:
    """An object, one member to a line; of those in `texts` the text is made already."""
    lines = (f"{_text(name)}: {texts[name] if name in texts else _text(value)}" for name, value in members.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def _array(texts: Iterable[str]) -> str:
    return "[\n" + ",\n".join(texts) + "\n]"
