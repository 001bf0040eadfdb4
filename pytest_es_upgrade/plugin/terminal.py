"""What the terminal shows of a run: a table before pytest's own sections, the verdicts after them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..report.as_markdown import verdict_sentence
from ..results import VERDICTS, Json, summary

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from .ending import Ending

#: So many ids are named in a line; the reports have them all.
_NAMED = 8

#: Verdict → colour, where one draws attention to it.
_COLOURS: Mapping[str, str] = {"failed": "red", "stale": "red", "known": "yellow", "not_testable": "yellow"}


def print_table(terminal: pytest.TerminalReporter, ending: Ending) -> None:
    """Families by verdicts, a block for each client; nothing where no case was run, or with -q."""
    clients = [client for client in ending.document["clients"] if client["cases"]]
    if not clients or terminal.verbosity < 0:
        return
    contract = ending.document["contract"]
    terminal.write_sep(
        "=", f"es-upgrade: {contract['operation']} {contract['version']}, level {ending.document['level']}"
    )
    width = max(
        len(name)
        for client in clients
        for name in (client["name"], *(f"  {case['family']}" for case in client["cases"]))
    )
    for client in clients:
        terminal.write_line("  ".join([client["name"].ljust(width), *VERDICTS]), bold=True)
        for family, cases in _families(client["cases"]).items():
            _print_row(terminal, f"  {family}".ljust(width), summary(cases))


def print_verdicts(terminal: pytest.TerminalReporter, ending: Ending) -> None:
    """One line for each client; beside it what is known, stale and tolerated, and why the run is not green."""
    if terminal.verbosity >= 0 and (ending.document["clients"] or ending.complaints):
        terminal.write_sep("=", "es-upgrade: verdicts")
    for client in ending.document["clients"]:
        bad = client["summary"]["failed"] or client["summary"]["stale"] or not client["summary"]["passed"]
        sentence = verdict_sentence(client, ending.document["level"])
        terminal.write_line(f"es-upgrade: {client['name']} {sentence}", red=bool(bad), green=not bad)
        if terminal.verbosity >= 0:
            for line in _notes(client["cases"]):
                terminal.write_line(f"  {line}")
    for path in ending.written:
        if terminal.verbosity >= 0:
            terminal.write_line(f"es-upgrade: report in {path}")
    for complaint in ending.complaints:
        terminal.write_line(f"es-upgrade: not green: {complaint}", red=True)


def _families(cases: Iterable[Json]) -> dict[str, list[Json]]:
    families: dict[str, list[Json]] = {}
    for case in cases:
        families.setdefault(case["family"], []).append(case)
    return families


def _print_row(terminal: pytest.TerminalReporter, name: str, counts: Mapping[str, int]) -> None:
    terminal.write(name)
    for verdict, count in counts.items():
        colour = {_COLOURS[verdict]: True} if count and verdict in _COLOURS else {}
        terminal.write(f"  {count or '.':>{len(verdict)}}", **colour)
    terminal.write_line("")


def _notes(cases: Sequence[Json]) -> Iterator[str]:
    for verdict in ("stale", "known"):
        ids = [case["id"] for case in cases if case["verdict"] == verdict]
        if ids:
            yield f"{verdict}: {_some(ids)}"
    tolerated: dict[str, list[str]] = {}
    for case in cases:
        if case["verdict"] == "tolerated":
            tolerated.setdefault(case["reason"], []).append(case["id"])
    for reason, ids in tolerated.items():
        yield f"tolerated, {reason}: {_some(ids, 2)}"


def _some(ids: Sequence[str], most: int = _NAMED) -> str:
    more = f" and {len(ids) - most} more" if len(ids) > most else ""
    return ", ".join(ids[:most]) + more
