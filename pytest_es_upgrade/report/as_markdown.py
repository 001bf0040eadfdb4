"""The report as Markdown, for a pull request or a job's summary: the verdict, a table, what did not pass.

It stays below what such places take (1 MiB at GitHub): of each broken rule the first cases are told,
and where that is too long still, fewer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from ..results import VERDICTS, summary
from .meaning import shipped_meaning
from .view import CaseView, ClientView, Problem, Reason, View, view
from .wire import plain
from .words import WRONG, families, number

if TYPE_CHECKING:
    from ..results import Json

#: Bytes that the text is kept below.
MOST_BYTES = 900_000
#: Characters of a request or answer that are shown.
_SHOWN = 300
#: What stands between why a case could not be decided, and what it tried.
_TRIED = "; tried:"
#: Cases of a broken rule that are told, and ids that are named in a line.
_CASES, _IDS = 3, 10


class _Block(NamedTuple):
    """Lines that stay together; `rank` says what goes first where the whole is too long: the highest."""

    rank: int
    lines: list[str]

    @property
    def size(self) -> int:
        return sum(len(line.encode()) + 1 for line in self.lines)


def markdown_text(document: Json) -> str:
    """The whole report."""
    lines = [line for block in _bounded(list(_document(document))) for line in block.lines]
    return "\n".join(lines).rstrip() + "\n"


def _bounded(blocks: list[_Block]) -> list[_Block]:
    """As many of them as fit, those of low rank first, in their own order."""
    by_rank = sorted(range(len(blocks)), key=lambda place: blocks[place].rank)
    sizes = accumulate(blocks[place].size for place in by_rank)
    kept = {place for place, size in zip(by_rank, sizes, strict=True) if size <= MOST_BYTES}
    left_out = len(blocks) - len(kept)
    note = (
        f"*{number(left_out, 'part')} of this report left out, for it would be too long here: the JSON report has all.*"
    )
    shown = [block for place, block in enumerate(blocks) if place in kept]
    return [*shown, _Block(0, ["", note])] if left_out else shown


def _document(document: Json) -> Iterator[_Block]:
    shown = view(document, shipped_meaning())
    contract = document["contract"]
    heading = f"Level `{document['level']}`, profile `{document['profile']}`, contract `{contract['sha256'][:12]}`."
    yield _Block(0, [f"# {contract['operation']} {contract['version']}: contract tests", ""])
    yield _Block(0, [f"**{_text(shown.headline)}.** {heading}"])
    if len(shown.clients) > 1:
        yield _Block(0, ["", *_matrix(shown)])
    for client in shown.clients:
        yield from _client(client, alone=len(shown.clients) == 1)


def _matrix(shown: View) -> Iterator[str]:
    """Families by clients, for those who compare."""
    yield f"| family | {' | '.join(_cell(client.name) for client in shown.clients)} |"
    yield f"|---|{'---|' * len(shown.clients)}"
    for family in shown.families:
        yield f"| {family} | {' | '.join(_counts(client.counts_of(family)) for client in shown.clients)} |"
    yield f"| **all** | {' | '.join(_counts(client.all_counts) for client in shown.clients)} |"


def _counts(counts: Mapping[str, int]) -> str:
    """What is wrong in bold letters."""
    told = ((verdict, f"{count} {verdict.replace('_', ' ')}") for verdict, count in counts.items())
    return ", ".join(f"**{words}**" if verdict in WRONG else words for verdict, words in told)


def _client(client: ClientView, *, alone: bool) -> Iterator[_Block]:
    yield _Block(0, ["", f"## {_text(client.name)}", "", f"{_code(client.adapter)} {client.sentence}."])
    if alone and client.cases:
        yield _Block(0, ["", *_table(one.case for one in client.cases.values())])
    if client.problems:
        yield _Block(0, ["", "### What did not pass"])
    for problem in client.problems:
        yield from _problem(problem)
    for title, verdict in (("Known", "known"), ("Tolerated", "tolerated"), ("Not testable", "not_testable")):
        reasons = [reason for reason in client.reasons if reason.verdict == verdict]
        if reasons:
            yield _Block(1, ["", f"### {title}", ""])
        yield from (_Block(1, [line]) for line in _reasons(reasons))


def _table(cases: Iterable[Json]) -> Iterator[str]:
    yield f"| family | {' | '.join(VERDICTS)} |"
    yield f"|---|{'---:|' * len(VERDICTS)}"
    for family, members in families(cases).items():
        yield f"| {family} | {' | '.join(str(count or '') for count in summary(members).values())} |"


def _problem(problem: Problem) -> Iterator[_Block]:
    """A broken rule, why it matters, where it is written, and the first cases that show it."""
    rule = problem.rule
    broken = f"Broken rule: “{_text(problem.title)}”" if rule else _text(problem.title)
    lines = ["", f"#### {broken} ({problem.level}, {number(len(problem.cases), 'case')})", ""]
    if rule:
        lines += [
            f"{_text(rule.why)} `{rule.id}`, {_text(rule.source.words)}:".lstrip(),
            "",
            f"> {_text(rule.quote)}",
            "",
        ]
    yield _Block(0, lines)
    yield from (_Block(rank, list(_details(case))) for rank, case in enumerate(problem.cases[:_CASES], 2))
    left = problem.cases[_CASES:]
    if left:
        yield _Block(1, [f"- and {_named([case.case['id'] for case in left])}"])


def _details(case: CaseView) -> Iterator[str]:
    yield f"- **{case.case['id']}** ({case.verdict}): {_text(case.case['title'])}"
    if case.reason:
        yield f"  - {_text(case.reason)}"
    for found in case.findings:
        got, expected = _code(found.got), _code(found.expected)
        yield f"  - `{found.rule.id}` ({found.level}) at {_code(found.where)}: got {got}, expected {expected}"
    yield from _wire(case.case["calls"])
    if case.case.get("alone"):
        yield f"  - alone: {_code(case.case['alone'], 2 * _SHOWN)}"


def _wire(calls: list[Json]) -> Iterator[str]:
    """The last call, which is the one that ended a case that went wrong."""
    for call in calls[-1:]:
        for exchange in call["exchanges"][-1:]:
            request, response = exchange["request"], exchange["response"]
            answer = f"answered {response['status']}" if response else "not answered"
            line = f"{request['method']} {plain(request['target'])} {plain(request['body'])}".strip()
            yield f"  - on the wire: {_code(line)}, {answer}; outcome `{call['outcome']['kind']}`"
        if not call["exchanges"]:
            yield f"  - nothing was on the wire; outcome `{call['outcome']['kind']}`"


def _reasons(reasons: Iterable[Reason]) -> Iterator[str]:
    """Cases of one reason together: three hundred of them may have the same, whatever was tried in each."""
    groups: dict[tuple[str, str], list[str]] = {}
    for reason in reasons:
        key = (reason.words.partition(_TRIED)[0], reason.link)
        groups.setdefault(key, []).extend(case.case["id"] for case in reason.cases)
    for (text, link), ids in groups.items():
        more = f" ({_text(link)})" if link else ""
        yield f"- {_text(text)}{more}: {_named(ids)}"


def _named(ids: list[str]) -> str:
    return ", ".join(ids[:_IDS]) + (f" and {len(ids) - _IDS} more" if len(ids) > _IDS else "")


def _code(text: str, most: int = _SHOWN) -> str:
    """As code on one line, whatever is in it."""
    text = " ".join(text.split())[:most]
    longest = max((len(run) for run in "".join(c if c == "`" else " " for c in text).split()), default=0)
    fence = "`" * (longest + 1)
    blank = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{blank}{text or ' '}{blank}{fence}"


def _cell(text: str) -> str:
    return _text(text) or " "


def _text(text: str) -> str:
    """As words on one line: what Markdown and HTML would take for their own is escaped."""
    for sign in "\\`*_[]<>|#":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
