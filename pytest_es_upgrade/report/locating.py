"""Which exchange of a case a violation is about, and where in it.

Violations do not say which exchange they are about: it is looked for, as a reader would, by what was got.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import unquote_plus

from ..messages import WIRE_NAMES, HttpRequest
from ..results import Json
from .wire import Span, answer_spans, answer_text, plain, request_spans, request_text

#: The name of the token on the wire.
TOKEN = WIRE_NAMES["client_token"]

#: How `where` names one attempt, and a place in it.
_ATTEMPT = re.compile(r"attempt (\d+)(?:: (.*))?", re.DOTALL)
#: What a violation's `got` may begin with where it is about one attempt.
_OF_ATTEMPT = re.compile(r"attempt (\d+) ")
#: What a text of a violation quotes, and words in it that are no common ones.
_QUOTED = re.compile(r"b?'((?:[^'\\]|\\.)+)'|\b(?=\w*\d)(\w{6,})\b")
#: How values that were too long are cut in such a text.
_CUT = " \u2026"


class Mark(NamedTuple):
    """A place that a violation names, in an attempt of a call (-1: in none of them)."""

    call: int
    attempt: int
    where: str


def token_of(exchange: Json) -> str | None:
    """The token on the wire; None where there is none."""
    request = HttpRequest(exchange["request"]["method"], plain(exchange["request"]["target"]))
    return next((value for name, value in request.query if name == TOKEN and value), None)


def located(calls: Sequence[Json], found: Json) -> Mark:
    """Where a violation points to: an attempt, or else how a call ended."""
    where, got = found["where"], found["got"]
    numbered = _ATTEMPT.fullmatch(where)
    if numbered:
        return _nth_attempt(calls, int(numbered.group(1)), numbered.group(2) or "", got)
    if where == "started":
        return _last_started(calls)
    of_attempt = _OF_ATTEMPT.match(got)
    if of_attempt:
        return _nth_attempt(calls, int(of_attempt.group(1)), where, got)
    return _best(calls, found) or Mark(_ended(calls, where, got), -1, where)


def _nth_attempt(calls: Sequence[Json], number: int, where: str, got: str) -> Mark:
    """That attempt of the call that the text tells of, or else of the last one that has so many."""
    having = [call for call, one in enumerate(calls) if len(one["exchanges"]) >= number]
    if not having:
        return Mark(len(calls) - 1, -1, where)
    told = [call for call in having if _names(got, calls[call]["exchanges"][number - 1])]
    return Mark((told or having)[-1], number - 1, where)


def _names(got: str, exchange: Json) -> bool:
    """Whether a text names the target or the token of that request."""
    token = token_of(exchange)
    return plain(exchange["request"]["target"]) in got or (token is not None and repr(token) in got)


def _last_started(calls: Sequence[Json]) -> Mark:
    """The attempt that started the last upgrade of all."""
    for call in reversed(range(len(calls))):
        for attempt, exchange in reversed(list(enumerate(calls[call]["exchanges"]))):
            if (exchange.get("done") or {}).get("done") == "started":
                return Mark(call, attempt, "")
    return Mark(len(calls) - 1, -1, "started")


def _best(calls: Sequence[Json], found: Json) -> Mark | None:
    """The attempt that shows what was got, of a call that asked for what was expected.

    Of several the first: there it began. Where none shows it, the last that has the place at all, which ended the
    case; None where no attempt has.
    """
    where = found["where"]
    scored = [
        ((shows, _asked_for(one["request"], where, found["expected"])), Mark(call, attempt, where))
        for call, one in enumerate(calls)
        for attempt, exchange in enumerate(one["exchanges"])
        for shows in [_shows(exchange, where, found["got"])]
        if shows is not None
    ]
    if not scored:
        return None
    best = max(score for score, _ in scored)
    marks = [mark for score, mark in scored if score == best]
    return marks[0] if best[0] else marks[-1]


def _shows(exchange: Json, where: str, got: str) -> bool | None:
    """Whether what was got stands at that place of the exchange; None where it says nothing of that place."""
    stretches = _stretches(exchange, where)
    if got == "nothing" and where.partition(".")[0] in ("query", "header", "body"):
        return not stretches
    return any(_tells(got, stretch) for stretch in stretches) if stretches else None


def _stretches(exchange: Json, where: str) -> list[str]:
    request, answer = spans_of(exchange, where)
    text = request_text(exchange["request"])
    stretches = [text[start:end] for start, end in request]
    if answer:
        text = answer_text(exchange["response"])
        stretches += [text[start:end] for start, end in answer]
    return stretches


def _tells(got: str, stretch: str) -> bool:
    """Whether a text about what was got speaks of that stretch of a message, however it spells it."""
    named = [one or other for one, other in _QUOTED.findall(got)]
    told = [text.partition(_CUT)[0].lower() for text in (got, *named)]
    spelled = (stretch.lower(), unquote_plus(stretch).lower())
    return stretch in got or any(text and text in spelling for text in told for spelling in spelled)


def _asked_for(request: Json, where: str, expected: str) -> bool:
    """Whether a call asked for what was expected at that place."""
    name = "InstanceId" if where == "path" else where.rpartition(".")[2]
    field = next((field for field, wire in WIRE_NAMES.items() if wire == name), None)
    return field is not None and repr(request.get(field)).partition(_CUT)[0].startswith(expected.partition(_CUT)[0])


def _ended(calls: Sequence[Json], where: str, got: str) -> int:
    """The call whose end it is about: the one that is named and told of; else the last, which ended the case."""
    named = where.partition(" ")[2]
    scored = [((call["request"]["instance_id"] == named, _is_told_of(call, got)), n) for n, call in enumerate(calls)]
    return max(scored, default=(None, -1))[1]


def _is_told_of(call: Json, got: str) -> bool:
    error = call["outcome"]["error"]
    return error is not None and bool(error["message"]) and plain(error["message"]) in got


def spans_of(exchange: Json, where: str) -> tuple[list[Span], list[Span]]:
    """The places of request and answer that `where` names; of an attempt as a whole its token, or its first line."""
    text = request_text(exchange["request"])
    response = exchange["response"]
    if not where:
        return request_spans(text, f"query.{TOKEN}") or request_spans(text, "request"), []
    request = request_spans(text, where)
    return request, [] if response is None or request else answer_spans(answer_text(response), where)
