"""The end of a session: reports are written, and no run is green for what it did not judge."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..report import write
from ..results import Json, merged, report_document
from .run import Run, run_of

if TYPE_CHECKING:
    from ..stage import Client

#: Exit codes of a run that would be taken for a good one.
_GREEN = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


@dataclass(frozen=True)
class Ending:
    """What the terminal tells: the report, the files that have it, and why the run is not green."""

    document: Json
    written: tuple[Path, ...] = ()
    complaints: tuple[str, ...] = ()


def finish(session: pytest.Session, results: Sequence[Json]) -> Ending:
    """Write the reports and set the exit code, in the process that has all results."""
    run = run_of(session.config)
    results = merged(results)
    document = _document(run, results)
    if run.problem:
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
        ending = Ending(document, (), (run.problem,))
    else:
        written, failures = _write(run, document) if run.settings.asked or results else ((), [])
        ending = Ending(document, written, (*_complaints(run, document, results), *failures))
        if ending.complaints and session.exitstatus in _GREEN:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    _tell_without_terminal(session.config, ending)
    return ending


def _document(run: Run, results: Sequence[Json]) -> Json:
    settings = run.settings
    contract = settings.contract
    clients: tuple[Client, ...] = settings.clients if settings.asked else ()
    told = {"operation": contract.operation, "version": contract.version, "sha256": contract.sha256}
    return report_document(
        {"contract": told, "profile": settings.profile, "level": settings.level},
        [(client.name, client.adapter) for client in clients],
        results,
        settings.case_ids,
    )


def _write(run: Run, document: Json) -> tuple[tuple[Path, ...], list[str]]:
    failures = {path: failure for path in run.settings.reports if (failure := _failure(path, document))}
    return tuple(path for path in run.settings.reports if path not in failures), list(failures.values())


def _failure(path: Path, document: Json) -> str | None:
    try:
        write(path, document)
    except OSError as problem:
        return f"the report {path} could not be written: {problem.strerror}"
    return None


def _complaints(run: Run, document: Json, results: Sequence[Json]) -> Iterator[str]:
    if run.settings.asked and not results:
        yield "no case was run, so nothing was judged"
    for reason, clients in _given_up(results).items():
        yield f"{', '.join(clients)}: {reason}"
    for client in document["clients"]:
        name, cases = client["name"], client["cases"]
        if cases and client["summary"]["not_testable"] == len(cases):
            yield f"{name}: none of its {len(cases)} cases could be decided"
        for entry in run.settings.known.stale_wildcards(name, cases, run.settings.case_ids):
            yield f"{name}: {entry.key} in {run.settings.known.name} is stale, no case needs it: remove that entry"


def _given_up(results: Sequence[Json]) -> dict[str, list[str]]:
    """Reason and advice → the clients; hundreds of cases have the same."""
    reasons: dict[str, list[str]] = {}
    for result in results:
        if result["given_up"] is not None:
            names = reasons.setdefault(f"{result['given_up']['reason']}; {result['given_up']['advice']}", [])
            if result["client"] not in names:
                names.append(result["client"])
    return reasons


def _tell_without_terminal(config: pytest.Config, ending: Ending) -> None:
    """A word why, also with `-p no:terminal`."""
    if config.pluginmanager.get_plugin("terminalreporter") is None:
        for complaint in ending.complaints:
            sys.stderr.write(f"es-upgrade: {complaint}\n")
