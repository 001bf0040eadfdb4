"""What the terminal shows of a run: a table before pytest's own sections, the verdicts after them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..report.words import families, judgement, number, verdict_sentence
from ..results import VERDICTS, Json, summary

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from .ending import Ending
    from .options import Settings

#: So many ids are named in a line; with -v, and in the reports, they are all.
_NAMED, _NAMED_TOLERATED = 8, 2

#: Verdict → colour, where one draws attention to it.
_COLOURS: Mapping[str, str] = {"failed": "red", "stale": "red", "known": "yellow", "not_testable": "yellow"}


def header(settings: Settings) -> str:
    """What will be asked of whom."""
    clients = ", ".join(client.name for client in settings.clients)
    asked = number(len(settings.cases), "case")
    return f"es-upgrade: {clients}; {asked}, level {settings.level}, profile {settings.profile}"


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
    columns = _columns(clients, shutil.get_terminal_size().columns - width)
    for client in clients:
        terminal.write_line("  ".join([client["name"].ljust(width), *columns]), bold=True)
        for family, cases in families(client["cases"]).items():
            counts = summary(cases)
            _print_row(terminal, f"  {family}".ljust(width), {verdict: counts[verdict] for verdict in columns})


def print_verdicts(terminal: pytest.TerminalReporter, ending: Ending) -> None:
    """One line for each client; beside it what is known, stale and tolerated, and why the run is not green.

    With -q without what is beside it, with -qq why it is not green alone.
    """
    if terminal.verbosity >= 0 and (ending.document["clients"] or ending.complaints):
        terminal.write_sep("=", "es-upgrade: verdicts")
    for client in ending.document["clients"] if terminal.verbosity >= -1 else ():
        _print_verdict(terminal, client, ending.document["level"])
    for path in ending.written if terminal.verbosity >= 0 else ():
        terminal.write_line(f"es-upgrade: report in {path}")
    for note in ending.notes if terminal.verbosity >= -1 else ():
        terminal.write_line(f"es-upgrade: {note}", yellow=True)
    for complaint in ending.complaints:
        terminal.write_line(f"es-upgrade: not green: {complaint}", red=True)


def _print_verdict(terminal: pytest.TerminalReporter, client: Json, level: str) -> None:
    counts = client["summary"]
    bad = bool(counts["failed"] or counts["stale"] or not counts["passed"])
    colour = "red" if bad else "yellow" if judgement(client) == "unfinished" else "green"
    terminal.write_line(f"es-upgrade: {client['name']} {verdict_sentence(client, level)}", **{colour: True})
    for line in _notes(client["cases"], every=terminal.verbosity > 0) if terminal.verbosity >= 0 else ():
        terminal.write_line(f"  {line}")


def _columns(clients: Iterable[Json], room: int) -> Sequence[str]:
    """All verdicts; those that were reached where the terminal is narrow."""
    if sum(len(f"  {verdict}") for verdict in VERDICTS) <= room:
        return VERDICTS
    return [verdict for verdict in VERDICTS if any(client["summary"][verdict] for client in clients)]


def _print_row(terminal: pytest.TerminalReporter, name: str, counts: Mapping[str, int]) -> None:
    terminal.write(name)
    for verdict, count in counts.items():
        colour = {_COLOURS[verdict]: True} if count and verdict in _COLOURS else {}
        terminal.write(f"  {count or '.':>{len(verdict)}}", **colour)
    terminal.write_line("")


def _notes(cases: Sequence[Json], *, every: bool) -> Iterator[str]:
    for verdict in ("stale", "known"):
        ids = [case["id"] for case in cases if case["verdict"] == verdict]
        if ids:
            yield f"{verdict}: {_some(ids, len(ids) if every else _NAMED)}"
    tolerated: dict[str, list[str]] = {}
    for case in cases:
        if case["verdict"] == "tolerated":
            tolerated.setdefault(case["reason"], []).append(case["id"])
    for reason, ids in tolerated.items():
        yield f"tolerated, {reason}: {_some(ids, len(ids) if every else _NAMED_TOLERATED)}"


def _some(ids: Sequence[str], most: int) -> str:
    more = f" and {len(ids) - most} more" if len(ids) > most else ""
    return ", ".join(ids[:most]) + more
