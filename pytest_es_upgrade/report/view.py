"""From the document to what a reader sees: clients, what is wrong with each, the matrix, every case.

What is wrong is told rule by rule, the gravest first, and each case under the first rule that fails it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..messages import LEVELS
from ..results import Json
from .meaning import Meaning, Piece, Told
from .wire import short
from .words import JUDGEMENTS, PLACES, WORST_FIRST, WRONG, families, is_partial, judgement, verdict_sentence

#: Characters of a long text that a violation tells.
_TOLD = 600


class Finding(NamedTuple):
    """One broken rule of a case."""

    rule: Told
    level: str
    where: str
    got: str
    expected: str
    hint: str

    @property
    def place(self) -> str:
        """What `where` means, or empty where it says so itself."""
        return PLACES.get(self.where.partition(".")[0].partition(" ")[0], "")


@dataclass(frozen=True, eq=False)
class CaseView:
    """One case of one client; `anchor` is its place in the report."""

    anchor: str
    client: str
    case: Json
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> str:
        """The verdict."""
        return str(self.case["verdict"])

    @property
    def level(self) -> str:
        """The strictest level of what was broken, or else of what the case asks."""
        broken = [found.level for found in self.findings if found.level in LEVELS]
        return min(broken, key=LEVELS.index) if broken else str(self.case.get("level", ""))

    @property
    def reason(self) -> str:
        """Why that verdict, or empty."""
        return short(self.case["reason"] or "", _TOLD)


@dataclass(frozen=True, eq=False)
class Problem:
    """One thing that is wrong with a client: a broken rule (None: none is named), and the cases that show it."""

    anchor: str
    title: str
    rule: Told | None
    level: str
    hint: str
    cases: tuple[CaseView, ...]


class Reason(NamedTuple):
    """Cases of one verdict for one reason; `link` tells more where there is one."""

    verdict: str
    text: str
    link: str
    rules: tuple[Told, ...]
    cases: tuple[CaseView, ...]

    @property
    def below(self) -> tuple[Told, ...]:
        """The rules below the level that are broken here."""
        return tuple(rule for rule in self.rules if rule.reading is None) if self.verdict == "tolerated" else ()

    @property
    def words(self) -> str:
        """The reason, with rules by their titles in place of their ids."""
        level, _, rest = self.text.partition(": ")
        if not self.below or not level.startswith("below level "):
            return self.text
        _, separator, readings = rest.partition("; ")
        titles = ", ".join(f"“{rule.title or rule.id}” ({rule.id})" for rule in self.below)
        return f"{level}: {titles}{separator}{readings}"


@dataclass(frozen=True, eq=False)
class ClientView:
    """One client."""

    anchor: str
    name: str
    adapter: str
    counts: dict[str, int]
    total: int
    of: int
    is_partial: bool
    judgement: str
    sentence: str
    problems: tuple[Problem, ...]
    reasons: tuple[Reason, ...]
    cases: dict[str, CaseView] = field(repr=False)

    @property
    def below(self) -> set[str]:
        """The ids of the rules below the level that it breaks."""
        return {rule.id for reason in self.reasons for rule in reason.below}

    def counts_of(self, family: str) -> dict[str, int]:
        """Verdict → how many cases of that family, of those that there are, what is wrong first."""
        verdicts = [one.verdict for one in self.cases.values() if one.case["family"] == family]
        return {verdict: verdicts.count(verdict) for verdict in WORST_FIRST if verdict in verdicts}

    @property
    def all_counts(self) -> dict[str, int]:
        """The same of all families together."""
        return {verdict: self.counts[verdict] for verdict in WORST_FIRST if self.counts[verdict]}


@dataclass(frozen=True, eq=False)
class View:
    """The whole report."""

    document: Json
    clients: tuple[ClientView, ...]
    families: tuple[str, ...]
    #: Case id → its title, of all clients together, by family.
    rows: dict[str, dict[str, str]]
    page: tuple[Piece, ...]
    #: Where the page sends its readers, or empty.
    address: str
    #: Whether the words here are those of the very contract that the clients were judged by.
    same_contract: bool

    @property
    def worst_first(self) -> list[ClientView]:
        """The clients, those that break the contract before those that could not be judged to the end or keep it."""
        return sorted(self.clients, key=lambda client: JUDGEMENTS.index(client.judgement))

    @property
    def headline(self) -> str:
        """The verdict in a sentence."""
        judged = [client.judgement for client in self.clients]
        broken = judged.count("broken")
        if not judged:
            return "No client was judged"
        if len(judged) == 1:
            (client,) = self.clients
            part = f" in {client.total} of {client.of} cases" if client.is_partial and judged[0] == "kept" else ""
            return f"{client.name} {_HEADLINES[judged[0]]}{part}"
        if broken:
            return f"{broken} of {len(judged)} clients {'breaks' if broken == 1 else 'break'} the contract"
        kept = judged.count("kept") + judged.count("stale")
        whole = "All" if kept == len(judged) else f"{kept} of"
        whole_run = kept < len(judged) or not any(client.is_partial for client in self.clients)
        part = "" if whole_run else " in the cases that were run"
        return f"{whole} {len(judged)} clients {'keeps' if kept == 1 else 'keep'} the contract{part}"


#: What the sentence on a client comes down to → how the report is headed.
_HEADLINES = {
    "broken": "breaks the contract",
    "unjudged": "could not be judged",
    "unfinished": "was not judged to the end",
    "stale": "keeps the contract, but the known file is stale",
    "kept": "keeps the contract",
}


def view(document: Json, meaning: Meaning) -> View:
    """What is shown of a document."""
    level = document["level"]
    anchors: dict[str, int] = {}
    clients = tuple(_client(client, level, meaning, _anchor(client["name"], anchors)) for client in document["clients"])
    rows: dict[str, dict[str, str]] = {}
    for client in document["clients"]:
        for family, cases in families(client["cases"]).items():
            rows.setdefault(family, {}).update({case["id"]: case["title"] for case in cases})
    quotes = {
        quote
        for client in clients
        for case in client.cases.values()
        for found in case.findings
        for quote in (found.rule.quote, *(found.rule.reading.quotes if found.rule.reading else ()))
    }
    same = document["contract"]["sha256"] == meaning.sha256
    return View(document, clients, tuple(rows), rows, tuple(meaning.page(quotes)), meaning.address, same)


def _anchor(name: str, used: dict[str, int]) -> str:
    """A client's name, with a number where another one has it (of two test modules, say)."""
    used[name] = used.get(name, 0) + 1
    return name if used[name] == 1 else f"{name}~{used[name]}"


def _client(client: Json, level: str, meaning: Meaning, anchor: str) -> ClientView:
    cases = {
        case["id"]: CaseView(f"{anchor}:{case['id']}", client["name"], case, tuple(_findings(case, meaning)))
        for case in client["cases"]
    }
    return ClientView(
        anchor,
        client["name"],
        client["adapter"],
        client["summary"],
        len(cases),
        client.get("of", len(cases)),
        is_partial(client),
        judgement(client),
        verdict_sentence(client, level),
        tuple(_problems(cases.values(), level, anchor)),
        tuple(_reasons(cases.values())),
        cases,
    )


def _findings(case: Json, meaning: Meaning) -> Iterator[Finding]:
    for found in case["violations"]:
        yield Finding(
            meaning.rule(found["rule"], found["quote"]),
            found["level"],
            short(found["where"]),
            short(found["got"], _TOLD),
            short(found["expected"], _TOLD),
            found.get("hint", ""),
        )


# --- what is wrong ----------------------------------------------------------------------------------


def _problems(cases: Iterable[CaseView], level: str, anchor: str) -> Iterator[Problem]:
    groups: dict[str, list[tuple[CaseView, Finding | None]]] = {}
    for case in cases:
        if case.verdict in WRONG:
            first = _failing(case, level)
            groups.setdefault(first.rule.id if first else case.verdict, []).append((case, first))
    for key in sorted(groups, key=lambda key: _gravity(groups[key])):
        members, (_, first) = tuple(case for case, _ in groups[key]), groups[key][0]
        title = (first.rule.title or first.rule.id) if first else _NO_RULE[key]
        yield Problem(
            f"{anchor}:rule:{key}",
            title,
            first.rule if first else None,
            first.level if first else members[0].level,
            first.hint if first else "",
            members,
        )


#: Verdict → title, where no rule is named.
_NO_RULE = {
    "stale": "an entry of the known file is needed no more",
    "failed": "the client did not do the same twice",
}


def _failing(case: CaseView, level: str) -> Finding | None:
    """The violation that fails a case: at that level or above, and no other reading of the page."""
    most = LEVELS.index(level)
    for found in case.findings if case.verdict == "failed" else ():
        if found.rule.reading is None and (found.level not in LEVELS or LEVELS.index(found.level) <= most):
            return found
    return None


def _gravity(members: Sequence[tuple[CaseView, Finding | None]]) -> tuple[float, int, int]:
    """What comes first: what harms most, then by level, then what most cases show."""
    _, found = members[0]
    if found is None:
        return (math.inf, len(LEVELS), -len(members))
    return (found.rule.gravity, LEVELS.index(found.level) if found.level in LEVELS else len(LEVELS), -len(members))


def _reasons(cases: Iterable[CaseView]) -> Iterator[Reason]:
    """What is known, tolerated and not testable, by reason: hundreds of cases may have the same."""
    groups: dict[tuple[str, str, str], list[CaseView]] = {}
    for case in cases:
        if case.verdict in ("known", "tolerated", "not_testable"):
            link = case.case.get("link", "")
            groups.setdefault((case.verdict, case.reason, link), []).append(case)
    for verdict in ("known", "tolerated", "not_testable"):
        for (of, text, link), members in groups.items():
            if of == verdict:
                rules = {found.rule.id: found.rule for case in members for found in case.findings}
                yield Reason(verdict, text, link, tuple(rules.values()), tuple(members))
