"""What is looked at in every case, whatever its question is: the client as a program.

It neither ends the process, nor shows the secret, nor goes elsewhere, nor changes what it was given.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

from ..messages import Violation
from ..rules.text import cut, shown
from ..stage import Stage

#: The rules that every case may find broken beside its own.
AMBIENT_RULES = (
    "client.hangs",
    "client.timeout",
    "sent.call",
    "client.exits",
    "client.endpoint",
    "client.secret",
    "client.request_changed",
    "adapter.factory",
    "adapter.callable",
    "adapter.driver.start",
    "adapter.driver.ended",
    "adapter.driver.line",
    "adapter.driver.id",
)


def ambient_violations(stage: Stage) -> Iterator[Violation]:
    """The violations of the rules that hold in every case."""
    yield from _exits(stage)
    yield from _escapes(stage)
    yield from _secrets(stage)
    for text in stage.changed_requests:
        yield stage.contract.violation("client.request_changed", "call", cut(text), "the request as it was given")


def _exits(stage: Stage) -> Iterator[Violation]:
    for call in stage.calls:
        error = call.outcome.error
        if error is not None and error.exits:
            got = shown(f"{error.type}: {error.message or error.text}")
            yield stage.contract.violation("client.exits", "call", got, "an exception that a caller can handle")


def _escapes(stage: Stage) -> Iterator[Violation]:
    for address in stage.escapes:
        expected = f"{stage.endpoint.url}; the attempt was stopped before anything left this machine"
        yield stage.contract.violation("client.endpoint", "connection", f"an attempt to reach {address}", expected)


def _secrets(stage: Stage) -> Iterator[Violation]:
    forms = _forms(stage.endpoint.access_key_id, stage.endpoint.access_key_secret)
    places = [("output", stage.said)]
    places += [("error", call.outcome.error.text) for call in stage.calls if call.outcome.error]
    for exchange in (*stage.journal, *stage.elsewhere):
        request = exchange.request
        wire = request.raw.decode("latin-1") or f"{request.target}\n{request.headers}\n{request.body!r}"
        places.append(("request", wire))
    for where, text in places:
        at = next((text.index(form) for form in forms if form in text), None)
        if at is not None:
            got = cut(text[max(0, at - 40) : at] + "***")
            yield stage.contract.violation("client.secret", where, got, "no access key secret")


def _forms(key_id: str, secret: str) -> tuple[str, ...]:
    """The secret as it is, and in the coding of HTTP's Basic authentication, alone or behind the id."""
    pairs = (secret, f"{key_id}:{secret}")
    return (secret, *(base64.b64encode(text.encode()).decode().rstrip("=") for text in pairs))
