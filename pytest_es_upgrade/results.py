"""The result of a case: one JSON-ready value, the only source of summary, reports and exit code.

Two rules of this module: what it makes consists of plain `dict`, `list`, `str`, `int`, `float`,
`bool` and None, so that it travels between processes; and no function fails on anything that a
client returned. Texts and bytes are cut at `LONGEST`, and the secret is struck out before the cut.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, NamedTuple

from .messages import (
    LEVELS,
    Arrival,
    ErrorInfo,
    Exchange,
    HttpRequest,
    HttpResponse,
    Level,
    Outcome,
    ServiceEvent,
    UpgradeRequest,
    Violation,
)

Verdict = Literal["passed", "failed", "tolerated", "known", "stale", "not_testable"]
Json = dict[str, Any]

VERDICTS: tuple[Verdict, ...] = ("passed", "failed", "tolerated", "known", "stale", "not_testable")

#: Version of the JSON report's shape.
FORMAT = 1

#: Bytes of a body, or characters of a text, that a result holds at most.
LONGEST = 4096

#: What stands in the secret's place.
REDACTED = "***"

_MOST_ENTRIES = 200  # of one mapping or list
_DEEPEST = 12
_BIGGEST_INTEGER = 1 << 63  # beyond that, other JSON readers lose digits


# --- verdicts -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KnownDeviation:
    """What a known file says of a case: `rules` that it is limited to (empty = any), and until when it held.

    `exact` is false for a wildcard and for what is never stale; `expired` is the date that has
    passed, or None. `link` is where more is said of it, or None.
    """

    key: str
    reason: str
    rules: tuple[str, ...] = ()
    exact: bool = True
    expired: str | None = None
    link: str | None = None

    def covers(self, rule_id: str) -> bool:
        """Whether breaking that rule is known."""
        return not self.rules or rule_id in self.rules


class Decision(NamedTuple):
    """A verdict, and why; None where the violations say it."""

    verdict: Verdict
    reason: str | None = None


def decide(
    violations: Sequence[Violation],
    not_testable: str | None,
    level: Level,
    known: KnownDeviation | None,
    tolerated_rules: Mapping[str, str],
) -> Decision:
    """The verdict on a case (design, "Verdicts of a case").

    `not_testable` is the reason why nothing could be decided, or None. `tolerated_rules` gives, for
    each rule that only a reading of the page breaks, the reading's id: it never fails a case.
    """
    if not violations and not_testable is not None:
        return Decision("not_testable", not_testable)
    failing = failing_violations(violations, level, tolerated_rules)
    if failing:
        return _failed(failing, known)
    if known is not None and known.exact and not any(known.covers(found.rule.id) for found in violations):
        return Decision("stale", f"{known.key} is known ({known.reason}), and every rule held: remove that entry")
    if violations:
        return Decision("tolerated", _tolerance(violations, level, tolerated_rules))
    return Decision("passed")


def decide_flaky(told: str, known: KnownDeviation | None) -> Decision:
    """The verdict on a client that differed from itself, as it is told; known only where every rule is."""
    return _failed((), None if known is not None and known.rules else known, f"flaky: {told}")


def failing_violations(
    violations: Iterable[Violation], level: Level, tolerated_rules: Mapping[str, str]
) -> list[Violation]:
    """The violations at that level or above which no reading of the page tolerates."""
    most = LEVELS.index(level)
    return [
        found for found in violations if LEVELS.index(found.rule.level) <= most and found.rule.id not in tolerated_rules
    ]


def _failed(failing: Sequence[Violation], known: KnownDeviation | None, reason: str | None = None) -> Decision:
    if known is None:
        return Decision("failed", reason)
    if known.expired:
        return Decision(
            "failed", f"known until {known.expired} ({known.reason}), which has passed; mend it, or move the date"
        )
    others = _ids(found for found in failing if not known.covers(found.rule.id))
    if others:
        return Decision("failed", f"known is {', '.join(known.rules)} alone ({known.reason}), broken too: {others}")
    return Decision("known", known.reason)


def _tolerance(violations: Sequence[Violation], level: Level, tolerated_rules: Mapping[str, str]) -> str:
    below = _ids(found for found in violations if found.rule.id not in tolerated_rules)
    readings = dict.fromkeys(tolerated_rules[found.rule.id] for found in violations if found.rule.id in tolerated_rules)
    reasons = [f"below level {level}: {below}"] if below else []
    return "; ".join([*reasons, *(f"another reading of the page: {reading}" for reading in readings)])


def _ids(violations: Iterable[Violation]) -> str:
    return ", ".join(dict.fromkeys(found.rule.id for found in violations))


# --- values as JSON -------------------------------------------------------------------------------


class Redactor:
    """Makes plain JSON values of anything, without the secret."""

    def __init__(self, secret: str) -> None:
        """An empty `secret` strikes out nothing."""
        self._secret = secret

    def text(self, text: str) -> str:
        """The text without the secret, and such that every encoder takes it (no lone surrogates)."""
        text = text.replace(self._secret, REDACTED) if self._secret else text
        return text.encode("utf-8", "backslashreplace").decode("utf-8")

    def long_text(self, text: str) -> str | Json:
        """The same, or `{"text": its beginning, "size": characters}` where it is long."""
        text = self.text(text)
        return text if len(text) <= LONGEST else {"text": text[:LONGEST], "size": len(text)}

    def data(self, data: bytes) -> str | Json:
        """Bytes: text where they are UTF-8, else `{"base64": …}`; with `size` in bytes where they were cut."""
        size = len(data)
        data = bytes(data).replace(self._secret.encode(), REDACTED.encode()) if self._secret else bytes(data)
        cut = data[:LONGEST]
        text = _utf8(cut, whole=len(cut) == len(data))
        shown: Json = {"base64": base64.b64encode(cut).decode("ascii")} if text is None else {"text": text}
        if len(data) > LONGEST:
            return {**shown, "size": size}
        return text if text is not None else shown

    def value(self, value: Any, depth: int = 0) -> Any:
        """Whatever a client returned. What is too deep, too long or cannot be looked into is said in words."""
        try:
            return self._value(value, depth)
        except (Exception, SystemExit, GeneratorExit) as problem:  # noqa: BLE001 - a client's own code is run here
            return {"type": _type_name(value), "unreadable": type(problem).__name__}

    def _value(self, value: Any, depth: int) -> Any:
        for kind, make in self._scalars():
            if isinstance(value, kind):
                return make(value)
        if depth >= _DEEPEST:
            return {"type": _type_name(value), "unreadable": "too deep"}
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, (list, tuple, set, frozenset)):
            entries = [self.value(entry, depth + 1) for entry in islice(value, _MOST_ENTRIES)]
            return [*entries, {"more": len(value) - _MOST_ENTRIES}] if len(value) > _MOST_ENTRIES else entries
        members = getattr(value, "__dict__", None)
        if isinstance(members, dict) and members:
            return {"type": _type_name(value), "members": self._mapping(members, depth)}
        return {"type": _type_name(value), "repr": self.long_text(repr(value))}

    def _scalars(self) -> tuple[tuple[Any, Callable[[Any], Any]], ...]:
        return (
            (type(None), lambda _: None),
            (bool, bool),
            (int, lambda number: int(number) if abs(number) < _BIGGEST_INTEGER else self.text(hex(number)[:LONGEST])),
            (float, lambda number: float(number) if math.isfinite(number) else str(float(number))),
            (str, lambda text: self.long_text(str.__str__(text))),
            ((bytes, bytearray), self.data),
        )

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> Json:
        entries = islice(value.items(), _MOST_ENTRIES)
        shown = {self._key(key): self.value(entry, depth + 1) for key, entry in entries}
        return {**shown, "…": f"{len(value)} members"} if len(value) > _MOST_ENTRIES else shown

    def _key(self, key: Any) -> str:
        return self.text((key if isinstance(key, str) else repr(key))[:LONGEST])


def _utf8(data: bytes, *, whole: bool) -> str | None:
    """The text, or None; a cut may have gone through a character, which is then left out."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        through_a_character = not whole and problem.reason == "unexpected end of data"
        return data[: problem.start].decode("utf-8") if through_a_character else None


def _type_name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")


# --- results as JSON ------------------------------------------------------------------------------


def call_json(
    request: UpgradeRequest,
    outcome: Outcome,
    exchanges: Iterable[Exchange],
    redact: Redactor,
    arrivals: Sequence[Arrival] = (),
) -> Json:
    """One call of a case, as the JSON report has it. `arrivals` say what the service did about each exchange."""
    fields = ("instance_id", "version", "type", "client_token", "dry_run")
    done = {id(exchange): _done_json(event, redact) for exchange, event in arrivals}
    return {
        "request": {name: redact.value(getattr(request, name)) for name in fields},
        "outcome": {
            "kind": outcome.kind,
            "result": redact.value(outcome.result),
            "error": None if outcome.error is None else _error_json(outcome.error, redact),
        },
        "exchanges": [{**exchange_json(one, redact), "done": done.get(id(one))} for one in exchanges],
        "unread": [
            {"at": round(event.at, 6), "fault": event.fault} for exchange, event in arrivals if exchange is None
        ],
    }


def violation_json(violation: Violation, redact: Redactor) -> Json:
    """A violation, as the JSON report has it."""
    return {
        "rule": violation.rule.id,
        "level": violation.rule.level,
        "where": redact.text(violation.where),
        "got": redact.text(violation.got),
        "expected": redact.text(violation.expected),
        "quote": violation.rule.quote,
        "hint": redact.text(violation.hint),
    }


def _error_json(error: ErrorInfo, redact: Redactor) -> Json:
    names = ("type", "code", "message", "http_status", "request_id", "text")
    return {name: redact.value(getattr(error, name)) for name in names}


def exchange_json(exchange: Exchange, redact: Redactor) -> Json:
    """One journal entry, as the JSON report has it."""
    return {
        "request": _request_json(exchange.request, redact),
        "response": None if exchange.response is None else _response_json(exchange.response, redact),
        "started": round(exchange.started, 6),
        "ended": round(exchange.ended, 6),
        "fault": exchange.fault,
    }


def event_json(event: ServiceEvent, exchange: Exchange | None, redact: Redactor) -> Json:
    """What the service did about one thing that arrived, beside its exchange: a line of a journal.

    Where no request was read, there is no exchange, and `request` is None.
    """
    if exchange is None:
        at = round(event.at, 6)
        shown: Json = {"request": None, "response": None, "started": at, "ended": at, "fault": event.fault}
    else:
        shown = exchange_json(exchange, redact)
    return {**shown, "done": _done_json(event, redact)}


def _done_json(event: ServiceEvent, redact: Redactor) -> Json:
    return {
        "done": event.done,
        "instanceId": redact.value(event.instance_id),
        "token": redact.value(event.token),
        "upgrade": event.upgrade,
        "code": event.code,
    }


def _request_json(request: HttpRequest, redact: Redactor) -> Json:
    return {
        "method": redact.text(request.method),
        "target": redact.long_text(request.target),
        "headers": _headers_json(request.headers, redact),
        "body": redact.data(request.body),
        "raw": redact.data(request.raw),
    }


def _response_json(response: HttpResponse, redact: Redactor) -> Json:
    return {
        "status": response.status,
        "headers": _headers_json(response.headers, redact),
        "body": redact.data(response.body),
    }


def _headers_json(headers: Iterable[tuple[str, str]], redact: Redactor) -> list[list[Any]]:
    return [[redact.text(name), redact.long_text(value)] for name, value in headers]


# --- reports --------------------------------------------------------------------------------------


def summary(cases: Iterable[Json]) -> dict[str, int]:
    """How many of these results have each verdict."""
    counts: dict[str, int] = dict.fromkeys(VERDICTS, 0)
    for case in cases:
        counts[case["verdict"]] += 1
    return counts


def merged(results: Iterable[Json]) -> list[Json]:
    """The last result of each client and case, as `{"client", "adapter", "case", …}`, in order of arrival."""
    return list({(one["client"], one["adapter"], one["case"]["id"]): one for one in results}.values())


def report_document(
    heading: Mapping[str, Any],
    clients: Iterable[tuple[str, str]],
    results: Iterable[Json],
    order: Sequence[str] = (),
    extents: Mapping[tuple[str, str], Json] | None = None,
) -> Json:
    """The JSON report: `heading` has contract, profile and level, `clients` are (name, adapter).

    Cases stand in the order of the ids in `order`, however the run was spread. `extents` say of each
    client how much of the suite was run: `selected`, `of` and `interrupted`.
    """
    extents = extents or {}
    places = {case_id: place for place, case_id in enumerate(order)}
    by_client: dict[tuple[str, str], list[Json]] = {client: [] for client in clients}
    for one in merged(results):
        by_client.setdefault((one["client"], one["adapter"]), []).append(one["case"])
    for cases in by_client.values():
        cases.sort(key=lambda case: places.get(case["id"], len(places)))
    return {
        "format": FORMAT,
        **heading,
        "clients": [
            {
                "name": name,
                "adapter": adapter,
                **extents.get((name, adapter), {}),
                "summary": summary(cases),
                "cases": cases,
            }
            for (name, adapter), cases in by_client.items()
        ],
    }
