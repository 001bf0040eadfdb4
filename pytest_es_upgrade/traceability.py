"""From the sentences of the page to rules: what is checked, and what is not, with the reason.

A sentence is traced to each rule that quotes it, in full or in part. What no rule quotes has to be
listed in `contracts/untraced.yaml`; a test holds that nothing is left over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

from .contract import Contract


class Statement(NamedTuple):
    """One sentence, table row or code block of the page, and the heading it stands under."""

    section: str
    text: str


class Trace(NamedTuple):
    """A statement, the ids of the rules that check it, the readings that quote it, and why nothing does."""

    statement: Statement
    rules: tuple[str, ...]
    readings: tuple[str, ...]
    reason: str | None


def statements(page: str) -> Iterator[Statement]:
    """Everything that the page says, piece by piece, in its order. Headings and table rules say nothing."""
    section = ""
    for number, block in enumerate(page.split("```")):
        if number % 2:
            yield Statement(section, " ".join(block.split()))
            continue
        lines = [line for line in map(str.strip, block.splitlines()) if line]
        for line, following in zip_longest(lines, lines[1:], fillvalue=""):
            if line.startswith("#"):
                section = line.lstrip("# ")
            elif _TABLE_RULE.fullmatch(following):
                yield Statement(section, line)
            elif not _TABLE_RULE.fullmatch(line):
                yield from (Statement(section, text) for text in _sentences(line))


_TABLE_RULE = re.compile(r"\|[|-]+\|")


def _sentences(line: str) -> Iterator[str]:
    """A table row is its cells, then the sentences of its last cell; an item of a list is one sentence."""
    cells = re.match(r"\|(?:[^|]*\|)+?(?=[^|]*\|?$)", line)
    row = cells.group() if cells else ""
    if row:
        yield row
    text = line[len(row) :].strip(" |-\u00a0")
    yield from filter(None, (sentence.strip() for sentence in re.split(r"(?<=[.!?])\s+", text)))


def trace(contract: Contract) -> list[Trace]:
    """Every statement of the page with what it is traced to."""
    rows = contract.documents["rules.yaml"]
    quotes = [(id_, quote) for id_, row in rows.items() for quote in (row["quote"], *row.get("also", ()))]
    told = [(reading.id, quote) for reading in contract.readings.values() for quote in reading.quotes]
    reasons = {" ".join(row["quote"].split()): row["reason"] for row in contract.documents["untraced.yaml"]}
    return [
        Trace(
            statement,
            _quoting(statement.text, quotes),
            _quoting(statement.text, told),
            next((reason for quote, reason in reasons.items() if _overlap(quote, statement.text)), None),
        )
        for statement in statements(contract.documents["page.md"])
    ]


def _quoting(text: str, quotes: list[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(id_ for id_, quote in quotes if _overlap(" ".join(quote.split()), text)))


def _overlap(quote: str, text: str) -> bool:
    return quote in text or text in quote
