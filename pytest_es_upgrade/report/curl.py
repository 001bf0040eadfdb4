"""The same request as a line for the shell: `curl`, to a stand-in that `es-upgrade serve` has started."""

from __future__ import annotations

import base64
import re
import shlex
from typing import Any

from ..results import REDACTED, Json
from .wire import plain, size_of, visible

#: Where the line sends to, and what has to be listening there.
BASE = "http://127.0.0.1:8080"
SERVE = "es-upgrade serve --port 8080"

#: Headers that curl makes itself, or that belong to one attempt and its signature.
_LEFT_OUT = re.compile(
    r"host|content-length|transfer-encoding|connection|expect|accept-encoding|user-agent|authorization|date|x-acs-"
    r"(?:date|content-sha256|signature.*|credentials.*|security.*|accesskey.*)",
    re.IGNORECASE,
)
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


def curl_line(request: Json, kept: str = "") -> str | None:
    """The line that sends that request; `kept` is a header that the matter is about. None where it cannot be sent so:
    a part of it is not in the report, or it holds what no shell can pass on.
    """
    target, body = plain(request["target"]), plain(request["body"])
    if not _can_be_sent(request, target, body):
        return None
    words = ["curl", "--include", "--request", request["method"], "--path-as-is", "--globoff"]
    names = set()
    for name, value in request["headers"]:
        if name.lower() == kept.lower() or not _LEFT_OUT.fullmatch(name):
            names.add(name.lower())
            words += ["--header", f"{name}: {plain(value)}" if plain(value).strip() else f"{name};"]
    if body and "content-type" not in names:
        words += ["--header", "Content-Type:"]  # else curl would say that it is a form
    data, before = _body(request["body"], body)
    as_url = target.startswith("/") and "#" not in target  # which curl would take for a fragment
    words += [*data, *([f"{BASE}{target}"] if as_url else ["--request-target", target, BASE])]
    return before + shlex.join(words)


def _can_be_sent(request: Json, target: str, body: str) -> bool:
    texts = [target, request["method"], *(f"{name}{plain(value)}" for name, value in request["headers"])]
    parts = [request["target"], request["body"], *(value for _, value in request["headers"])]
    if (
        any(size_of(part) for part in parts)
        or REDACTED in target + body
        or (visible(body) != body and not _is_bytes(request["body"]))
    ):
        return False
    return bool(_PRINTABLE.fullmatch(target) and request["method"]) and all(text.isprintable() for text in texts)


def _is_bytes(value: Any) -> bool:
    return isinstance(value, dict) and "base64" in value


def _body(value: Any, text: str) -> tuple[list[str], str]:
    """Words for the body, and what has to come before the line; what is no text is piped in."""
    if _is_bytes(value):
        coded = base64.b64encode(base64.b64decode(value["base64"])).decode()
        return ["--data-binary", "@-"], f"printf %s {coded} | base64 -d | "
    return (["--data-raw", text] if text else []), ""
