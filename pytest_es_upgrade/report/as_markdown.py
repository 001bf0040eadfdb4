"""The report as Markdown, for a pull request or a job summary: the verdict, a table, what did not pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..results import VERDICTS, summary

if TYPE_CHECKING:
    from ..results import Json

#: Characters of a request or answer that are shown.
_SHOWN = 300


def markdown_text(document: Json) -> str:
    """The whole report."""
    return "\n".join(_document(document)).rstrip() + "\n"


def _document(document: Json) -> Iterator[str]:
    contract = document["contract"]
    yield f"# {contract['operation']} {contract['version']}: contract tests"
    yield ""
    yield f"Level `{document['level']}`, profile `{document['profile']}`, contract `{contract['sha256'][:12]}`."
    if not document["clients"]:
        yield from ("", "No client was judged.")
    for client in document["clients"]:
        yield from ("", f"## {_text(client['name'])}", "")
        yield from _client(client, document["level"])


def verdict_sentence(client: Json, level: str) -> str:
    """What is to be said of a client in one sentence."""
    counts = client["summary"]
    total = sum(counts.values())
    undecided = counts["not_testable"]
    wrong = counts["failed"] + counts["stale"]
    if not total:
        return "was not judged: no case was run"
    if undecided == total:
        return f"could not be judged: none of {total} cases could be decided"
    beside = f", beside {_number(counts['known'], 'known deviation')}" if counts["known"] else ""
    beside += f"; {undecided} of {total} cases could not be decided" if undecided else ""
    if wrong:
        return f"breaks the contract at level {level}: {wrong} of {total - undecided} judged cases did not pass{beside}"
    right = counts["passed"] + counts["tolerated"]
    return f"keeps the contract at level {level} in {_number(right, 'judged case')}{beside}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _client(client: Json, level: str) -> Iterator[str]:
    yield f"`{client['adapter']}` {verdict_sentence(client, level)}."
    yield ""
    yield from _table(client["cases"])
    for title, verdicts, lines in _SECTIONS:
        chosen = [case for case in client["cases"] if case["verdict"] in verdicts]
        if chosen:
            yield from ("", f"### {title}", "")
            yield from lines(chosen)


def _table(cases: Iterable[Json]) -> Iterator[str]:
    families: dict[str, list[Json]] = {}
    for case in cases:
        families.setdefault(case["family"], []).append(case)
    yield f"| family | {' | '.join(VERDICTS)} |"
    yield f"|---|{'---:|' * len(VERDICTS)}"
    for family, members in families.items():
        yield f"| {family} | {' | '.join(str(count or '') for count in summary(members).values())} |"


def _details(cases: Iterable[Json]) -> Iterator[str]:
    for case in cases:
        yield f"- **{case['id']}** ({case['verdict']}): {_text(case['title'])}"
        if case["reason"]:
            yield f"  - {_text(case['reason'])}"
        for found in case["violations"]:
            got, expected = _code(found["got"]), _code(found["expected"])
            yield f"  - `{found['rule']}` ({found['level']}) at {_code(found['where'])}: got {got}, expected {expected}"
            yield f"    > {_text(found['quote'])}"
        yield from _wire(case["calls"])


def _wire(calls: list[Json]) -> Iterator[str]:
    """The last call, which is the one that ended a case that went wrong."""
    for call in calls[-1:]:
        for exchange in call["exchanges"][-1:]:
            request, response = exchange["request"], exchange["response"]
            answer = f"answered {response['status']}" if response else "not answered"
            line = f"{request['method']} {_plain(request['target'])} {_plain(request['body'])}".strip()
            yield f"  - on the wire: {_code(line)}, {answer}; outcome `{call['outcome']['kind']}`"
        if not call["exchanges"]:
            yield f"  - nothing was on the wire; outcome `{call['outcome']['kind']}`"


def _with_reasons(cases: Iterable[Json]) -> Iterator[str]:
    """Cases of one reason together: three hundred of them may have the same."""
    by_reason: dict[str, list[str]] = {}
    for case in cases:
        by_reason.setdefault(case["reason"], []).append(case["id"])
    for reason, ids in by_reason.items():
        some = ", ".join(ids[:10]) + (f" and {len(ids) - 10} more" if len(ids) > 10 else "")
        yield f"- {_text(reason)}: {some}"


_SECTIONS: tuple[tuple[str, tuple[str, ...], Callable[[Iterable[Json]], Iterator[str]]], ...] = (
    ("What did not pass", ("failed", "stale"), _details),
    ("Known", ("known",), _with_reasons),
    ("Tolerated", ("tolerated",), _with_reasons),
    ("Not testable", ("not_testable",), _with_reasons),
)


def _plain(value: Any) -> str:
    """A text of a result, which is an object where it was cut or no text."""
    if isinstance(value, Mapping):
        return str(value.get("text") or f"base64 {value.get('base64')}")
    return str(value)


def _code(text: str) -> str:
    """As code on one line, whatever is in it."""
    text = " ".join(text.split())[:_SHOWN]
    longest = max((len(run) for run in "".join(c if c == "`" else " " for c in text).split()), default=0)
    fence = "`" * (longest + 1)
    blank = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{blank}{text or ' '}{blank}{fence}"


def _text(text: str) -> str:
    """As words on one line: what Markdown and HTML would take for their own is escaped."""
    for sign in "\\`*_[]<>|#":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
