"""What the contract adds to a report: a rule's words and source, its place in the page, and why it matters.

Rules that the contract does not have (of another version, say) are told by what the report itself says of them.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from ..contract import Contract, Reading, data_file, shipped_contract

#: How the name of a source begins → where it can be read, with the number and the section that follow.
_LINKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"RFC (\d+) section ([\d.]+)"), "https://www.rfc-editor.org/rfc/rfc{}#section-{}"),
    (re.compile(r"CWE-(\d+)"), "https://cwe.mitre.org/data/definitions/{}.html"),
)
_PAGE = "page: "


class Source(NamedTuple):
    """Where a rule's sentence stands: in words, and as a link (empty: nowhere that could be linked to)."""

    words: str
    link: str


@dataclass(frozen=True)
class Told:
    """What is told of a rule: `why` it matters, and the reading of the page under which it never fails a client.

    `gravity` is smaller for what harms more.
    """

    id: str
    title: str
    quote: str
    source: Source
    why: str
    gravity: int
    reading: Reading | None


class Piece(NamedTuple):
    """A piece of the page: its text, whether it is quoted, and the anchor that points to it (empty: none)."""

    text: str
    quoted: bool
    anchor: str


class Meaning:
    """The words of one contract for reports."""

    def __init__(self, contract: Contract) -> None:
        """Quotes are looked for in the contract's own copy of the page."""
        self._contract = contract
        self.sha256 = contract.sha256
        self._page = str(contract.documents["page.md"])

    @property
    def address(self) -> str:
        """Where the page itself sends its readers for this operation; empty where it names no place."""
        found = re.search(rf"https://[^\s)]*{re.escape(self._contract.operation)}[^\s)]*", self._page)
        return found.group() if found else ""

    def rule(self, rule_id: str, quote: str = "") -> Told:
        """What is told of that rule; `quote` is what the report has, for a rule that the contract has not."""
        known = self._contract.rules.get(rule_id)
        grave = _grave()
        return Told(
            rule_id,
            known.title if known else "",
            known.quote if known else quote,
            self._source(known.source, known.quote) if known else Source("a rule of another version of this kit", ""),
            self._contract.why(rule_id),
            [*grave, ""].index(_longest(grave, rule_id)),
            self._contract.reading_of(rule_id),
        )

    def _source(self, source: str, quote: str) -> Source:
        if source.startswith(_PAGE):
            section = source.removeprefix(_PAGE)
            start = self._page.find(quote)
            words = f"the page, section “{section}”, line {self._line(start)}"
            return Source(words, f"#{self._anchor(start)}") if start >= 0 else Source(source, "")
        for pattern, link in _LINKS:
            found = pattern.match(source)
            if found:
                return Source(source, link.format(*found.groups()))
        return Source(source, "")

    def page(self, quotes: Iterable[str]) -> list[Piece]:
        """The page in pieces, so that what is quoted can be marked and pointed to."""
        starts = {self._page.find(quote): quote for quote in sorted(quotes, key=len) if quote in self._page}
        spans = [(start, start + len(quote)) for start, quote in starts.items()]
        edges = sorted({0, len(self._page), *(edge for span in spans for edge in span)})
        return [
            Piece(
                self._page[start:end],
                any(begin <= start and end <= stop for begin, stop in spans),
                self._anchor(start) if start in starts else "",
            )
            for start, end in pairwise(edges)
        ]

    def _line(self, start: int) -> int:
        return self._page.count("\n", 0, start) + 1

    def _anchor(self, start: int) -> str:
        return f"page-{self._line(start)}-{start - self._page.rfind(chr(10), 0, start)}"


def _longest(known: Container[str], rule_id: str) -> str:
    """Which of these is the id, or the longest beginning of it that ends at a dot; empty where none is."""
    while rule_id and rule_id not in known:
        rule_id = rule_id.rpartition(".")[0]
    return rule_id


@lru_cache(maxsize=1)
def _grave() -> list[str]:
    rules: list[str] = data_file("grave.yaml")
    return rules


@lru_cache(maxsize=1)
def shipped_meaning() -> Meaning:
    """That of the contract that travels with the package."""
    return Meaning(shipped_contract())
