"""What is printed of a case that did not pass: at most eight lines, each a line of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from unicodedata import category

from ..faults import serialize

if TYPE_CHECKING:
    from ..messages import Exchange, Outcome, Violation
    from ..results import Decision
    from ..stage import Call

_MOST_LINES = 8

#: Bytes of a request or an answer that are shown.
_MOST_BYTES = 1500

#: Characters of a line; the one to run is never cut.
_LONGEST = 240


def explain(
    decision: Decision, failing: Sequence[Violation], calls: Sequence[Call], command: str, example: str | None = None
) -> str:
    """Call, wire, outcome, rule, what was got, the quote, a hint, and how to run the case alone.

    Of a generated example there is more behind that: its code, and the bytes of the exchange.
    """
    lines = [f"{decision.verdict.replace('_', ' '):<9} {decision.reason}"] if decision.reason else []
    if failing:
        lines += list(_broken(failing, calls))[: _MOST_LINES - 1 - len(lines)]
    shown = [*map(_one_line, lines), f"alone     {command}"]
    return "\n".join(shown if example is None else [*shown, "", *_generated(example, calls)])


def _generated(example: str, calls: Sequence[Call]) -> Iterator[str]:
    yield "the simplest example, as a test of your own:"
    yield from (f"    {line}".rstrip() for line in example.splitlines())
    for number, exchange in enumerate((one for call in calls for one in call.exchanges), 1):
        yield f"request {number} on the wire:"
        yield from _raw(exchange.request.raw)
        if exchange.response is not None:
            yield f"answer {number}:"
            yield from _raw(serialize(exchange.response))


def _raw(data: bytes) -> Iterator[str]:
    """The bytes as text, cut where they are long."""
    text = data[:_MOST_BYTES].decode("utf-8", "backslashreplace")
    yield from (f"    {_printable(line)}".rstrip() for line in text.splitlines())
    if len(data) > _MOST_BYTES:
        yield f"    … {len(data) - _MOST_BYTES} bytes more"


def _broken(failing: Sequence[Violation], calls: Sequence[Call]) -> Iterator[str]:
    first, others = failing[0], dict.fromkeys(found.rule.id for found in failing[1:])
    others.pop(first.rule.id, None)
    # First and without a word before it, because the short test summary shows how a failure begins.
    yield f"{first.rule.id} ({first.rule.level}): {first.rule.title}"
    yield from _call(first, calls)
    yield f"got       {first.got}, expected {first.expected} (at {first.where})"
    yield f"source    {first.rule.source}: \u201c{first.rule.quote}\u201d"
    if others:
        yield f"broken too: {', '.join(others)}"
    elif first.hint:
        yield f"hint      {first.hint}"


def _call(violation: Violation, calls: Sequence[Call]) -> Iterator[str]:
    if not calls:
        yield "call      none was made"
        return
    call = telling(violation, calls)
    place = f"  (call {list(calls).index(call) + 1} of {len(calls)})" if len(calls) > 1 else ""
    yield f"call      {call.request.as_code()}{place}"
    yield f"sent      {' | '.join(map(_exchange, call.exchanges)) or 'nothing'}"
    yield f"outcome   {_outcome(call.outcome)}"


def telling(violation: Violation, calls: Sequence[Call]) -> Call:
    """The call that a violation seems to be about, for it does not say so itself.

    One that shows what was got; else one that asked for what was expected; else the last, which is
    the one that ended the case.
    """
    got, name = violation.got.strip("'\""), violation.where.rpartition(".")[2]
    shows = [call for call in calls if any(got in _exchange(one) for one in call.exchanges)]
    asked = [call for call in calls if repr(call.request.given().get(name)) == violation.expected]
    return (shows or asked or calls)[0 if shows or asked else -1]


def _exchange(exchange: Exchange) -> str:
    request = exchange.request
    body = f" {request.body.decode('utf-8', 'backslashreplace')}" if request.body else ""
    answer = f"answered {exchange.response.status}" if exchange.response else "not answered"
    fault = f", {exchange.fault}" if exchange.fault else ""
    return f"{request.method} {request.target}{body} ({answer}{fault})"


def _outcome(outcome: Outcome) -> str:
    if outcome.error is not None:
        return f"{outcome.kind}: {outcome.error.type}: {outcome.error.message or outcome.error.text}"
    return outcome.kind if outcome.kind == "hung" else f"{outcome.kind}: {type(outcome.result).__name__} returned"


def _printable(text: str) -> str:
    """The text with control characters as escapes: they are shown, and not performed by the terminal."""
    return "".join(repr(letter)[1:-1] if category(letter) == "Cc" else letter for letter in text)


def _one_line(text: str) -> str:
    text = _printable(" ".join(text.splitlines()))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
