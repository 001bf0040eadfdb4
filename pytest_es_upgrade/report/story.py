"""What happened in a case, step by step: who asked what, what was sent, what the service did, what was told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Any, NamedTuple

from ..faults import FAULTS
from ..results import Json
from .curl import curl_line
from .locating import TOKEN, Mark, located, spans_of, token_of
from .wire import Message, Span, answer_text, in_pieces, plain, request_text, short, size_of, status_words

#: So much is shown of a case; the JSON report has the rest.
MOST_CALLS, MOST_ATTEMPTS, MOST_VIOLATIONS = 6, 8, 6
#: Characters of a returned value that are shown.
_RETURNED = 600

#: What the service did → how it is told.
_DONE: Mapping[str, str] = {
    "started": "upgrade #{upgrade} started",
    "repeated": "token known: the first answer again, nothing started",
    "dry_run": "dry run: checks answered, nothing started",
    "checks_failed": "checks failed, nothing started",
    "refused": "refused with {code}, nothing started",
    "scripted": "answered as the case has it, nothing started",
    "nothing": "the service did not act on it, nothing started",
}

#: How a call ended → how it is told.
_KINDS: Mapping[str, str] = {
    "ok": "returned",
    "rejected": "raised an error before anything was sent",
    "failed": "raised an error",
    "hung": "had not ended when it was given up",
}


class Token(NamedTuple):
    """A token on the wire, and the letter that tells it from the case's other ones; an empty letter: no token."""

    letter: str
    text: str


NO_TOKEN = Token("", "")


@dataclass(frozen=True)
class Attempt:
    """One attempt of a call: what was sent, what the service did, what was answered.

    `line` is None for a connection that ended before a request was read.
    """

    number: int
    at: str
    fault: str
    line: str | None = None
    token: Token = NO_TOKEN
    token_changed: bool = False
    body: str = ""
    done: str = ""
    started: bool = False
    answer: str = "no answer"
    flagged: bool = False
    request: Message | None = None
    response: Message | None = None
    curl: str | None = None

    @property
    def lost(self) -> bool:
        """Whether no answer was sent."""
        return self.response is None

    @property
    def has_marks(self) -> bool:
        """Whether a place is marked in what was on the wire."""
        return any(message is not None and message.marked for message in (self.request, self.response))


@dataclass(frozen=True)
class CallStory:
    """One call: what was asked for, its attempts, how it ended."""

    number: int
    asked: str
    attempts: tuple[Attempt, ...]
    more: int
    ended: str
    told: tuple[tuple[str, str], ...]
    flagged: bool

    @property
    def has_flags(self) -> bool:
        """Whether something is wrong in this call, and not in another one."""
        return self.flagged or any(attempt.flagged for attempt in self.attempts)


@dataclass(frozen=True)
class Story:
    """All that is shown of a case; `more` is how many calls are not."""

    calls: tuple[CallStory, ...]
    more: int
    upgrades: int
    curl: str | None


def story(case: Json) -> Story:
    """What happened in a case."""
    calls = case["calls"]
    marks = [located(calls, found) for found in case["violations"][:MOST_VIOLATIONS]]
    tokens = _letters(calls)
    chosen = _chosen(len(calls), [mark.call for mark in marks])
    told = tuple(_call(number, calls[number], marks, tokens) for number in chosen)
    curls = [attempt.curl for call in told for attempt in call.attempts if attempt.curl]
    first = next((a.curl for call in told for a in call.attempts if a.flagged and a.curl), None)
    curl = (first or next(iter(curls[-1:]), None)) if _is_shown_by_a_request(case["violations"]) else None
    return Story(told, len(calls) - len(chosen), case["upgrades_started"], curl)


#: How `where` begins of what a request sent by hand cannot show: it is about several, or about what the client did.
_OF_THE_CALL = re.compile(r"(?:call|started|attempt)\b")


def _is_shown_by_a_request(violations: Sequence[Json]) -> bool:
    return not violations or any(not _OF_THE_CALL.match(found["where"]) for found in violations)


def _chosen(count: int, wanted: Iterable[int]) -> list[int]:
    """Which calls are shown: those that violations are about, and then the last ones."""
    order = dict.fromkeys(chain((number for number in wanted if number >= 0), reversed(range(count))))
    return sorted(list(order)[:MOST_CALLS])


def _letters(calls: Iterable[Json]) -> dict[str, str]:
    """Token → a letter, in the order in which they came."""
    sent = (token for call in calls for one in call["exchanges"] if (token := token_of(one)) is not None)
    return {token: _letter(number) for number, token in enumerate(dict.fromkeys(sent))}


def _letter(number: int) -> str:
    return chr(ord("A") + number % 26) + (str(number // 26) if number >= 26 else "")


# --- telling it -------------------------------------------------------------------------------------


def _call(number: int, call: Json, marks: Sequence[Mark], tokens: Mapping[str, str]) -> CallStory:
    own = [mark for mark in marks if mark.call == number]
    arrivals = sorted(chain(call["exchanges"], call.get("unread", ())), key=_when)
    shown = arrivals if len(arrivals) <= MOST_ATTEMPTS else [*arrivals[: MOST_ATTEMPTS - 1], arrivals[-1]]
    attempts = [_attempt(arrivals.index(one) + 1, one, call, own, tokens) for one in shown]
    return CallStory(
        number + 1,
        _asked(call["request"]),
        tuple(_changes(attempts)),
        len(arrivals) - len(shown),
        _KINDS.get(call["outcome"]["kind"], call["outcome"]["kind"]),
        tuple(_told(call["outcome"], [mark.where for mark in own])),
        any(mark.attempt < 0 for mark in own),
    )


def _when(arrival: Json) -> float:
    return float(arrival["started"] if "request" in arrival else arrival["at"])


def _asked(request: Json) -> str:
    given = [(name, value) for name, value in request.items() if value is not None or name == "instance_id"]
    return f"UpgradeRequest({', '.join(f'{name}={_literal(value)}' for name, value in given)})"


def _literal(value: Any) -> str:
    return short(repr(plain(value)) if size_of(value) else repr(value))


def _told(outcome: Json, wheres: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What the caller was told, by its parts."""
    error = outcome["error"]
    if error is None:
        if outcome["kind"] != "hung":
            yield "value", short(_summary(outcome["result"]), _RETURNED)
        return
    yield "type", short(plain(error["type"]))
    for name in ("code", "message", "http_status", "request_id"):
        if error[name] is not None:
            yield name.replace("_", " "), short(plain(error[name]))
        elif f"error.{name}" in wheres:
            yield name.replace("_", " "), "not to be found"


def _summary(value: Any) -> str:
    """A returned value as text: an object by the last word of its type and its members."""
    if isinstance(value, dict):
        if value.keys() == {"type", "members"} and isinstance(value["members"], dict):
            return f"{str(value['type']).rpartition('.')[2]}({_members(value['members'], '=')})"
        return f"{{{_members(value, ': ')}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_summary, value))}]"
    return repr(value)


def _members(value: Json, between: str) -> str:
    return ", ".join(f"{name}{between}{_summary(member)}" for name, member in value.items())


def _attempt(number: int, arrival: Json, call: Json, marks: Sequence[Mark], tokens: Mapping[str, str]) -> Attempt:
    at, fault = f"{_when(arrival):.3f} s", _fault(arrival["fault"])
    if "request" not in arrival:
        return Attempt(number, at, fault)
    own = [mark for mark in marks if mark.attempt == call["exchanges"].index(arrival)]
    request, response, done = arrival["request"], arrival["response"], arrival.get("done") or {}
    spans = [spans_of(arrival, mark.where) for mark in own]
    token = token_of(arrival)
    kept = next((mark.where.partition(".")[2] for mark in own if mark.where.startswith("header.")), "")
    told = {key: short(str(value)) for key, value in done.items()}
    return Attempt(
        number,
        at,
        fault,
        line=short(f"{request['method']} {plain(request['target']).partition('?')[0]}"),
        token=Token(tokens[token], short(token)) if token else NO_TOKEN,
        body=short(_query_and_body(request)),
        done=_DONE[done["done"]].format(**told) if done else "",
        started=done.get("done") == "started",
        answer="no answer" if response is None else status_words(response["status"]),
        flagged=bool(own),
        request=_message(request_text(request), (one for one, _ in spans), request["raw"] or request["body"]),
        response=response and _message(answer_text(response), (one for _, one in spans), response["body"]),
        curl=curl_line(request, kept),
    )


def _query_and_body(request: Json) -> str:
    """The parameters beside the token, which has a place of its own, and the body."""
    query = plain(request["target"]).partition("?")[2]
    rest = "&".join(pair for pair in query.split("&") if pair and not pair.startswith(f"{TOKEN}="))
    return " ".join([f"?{rest}" if rest else "", *plain(request["body"]).split()]).strip()


def _message(text: str, spans: Iterable[Iterable[Span]], source: Any) -> Message:
    return in_pieces(text, chain.from_iterable(spans), size_of(source))


def _fault(name: str | None) -> str:
    if name is None:
        return ""
    row = FAULTS.get(name)
    return f"{row.title} ({name})" if row else name


def _changes(attempts: Sequence[Attempt]) -> Iterator[Attempt]:
    """The attempts, each with whether its token is another one than the one before had."""
    yield from attempts[:1]
    for before, attempt in pairwise(attempts):
        known = before.line is not None and attempt.line is not None
        yield replace(attempt, token_changed=known and before.token != attempt.token)
