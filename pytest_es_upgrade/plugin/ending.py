"""The end of a session: reports are written, and no run is green for what it did not judge."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .. import __version__
from ..report import number, write
from ..results import Json, merged, report_document
from . import RESULTS
from .items import Pair
from .run import Run, run_of

if TYPE_CHECKING:
    from ..stage import Client
    from .options import Settings

_NAME = "pytest-es-upgrade"

#: Exit codes of a run that would be taken for a good one.
_GREEN = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


@dataclass(frozen=True)
class Ending:
    """What the terminal tells: the report, the files that have it, and why the run is not green."""

    document: Json
    written: tuple[Path, ...] = ()
    complaints: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def finish(session: pytest.Session, results: Sequence[Json]) -> Ending:
    """Write the reports and set the exit code, in the process that has all results."""
    run = run_of(session.config)
    results = merged(results)
    document = _document(session, run, results)
    if run.problem:
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
        ending = Ending(document, (), (run.problem,))
    else:
        written, failures = _write(run, document) if run.settings.asked or results else ((), [])
        complaints = (*_complaints(run, document, results), *run.last_words.faults, *failures)
        ending = Ending(document, written, complaints, tuple(run.last_words.notes))
        if ending.complaints and session.exitstatus in _GREEN:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    _tell_without_terminal(session.config, ending)
    return ending


def _document(session: pytest.Session, run: Run, results: Sequence[Json]) -> Json:
    settings = run.settings
    contract = settings.contract
    clients: tuple[Client, ...] = settings.clients if settings.asked else ()
    told = {"operation": contract.operation, "version": contract.version, "sha256": contract.sha256}
    kit = {"name": _NAME, "version": __version__}
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    named = [(client.name, client.adapter) for client in clients]
    return report_document(
        {"contract": told, "profile": settings.profile, "level": settings.level, "kit": kit, "ended": now},
        named,
        results,
        settings.case_ids,
        _extents(session, settings, named, results),
    )


# --- how much of the suite was run ------------------------------------------------------------------


def _extents(
    session: pytest.Session, settings: Settings, clients: Sequence[tuple[str, str]], results: Sequence[Json]
) -> dict[tuple[str, str], Json]:
    """Client → how many cases were `selected` for it, `of` how many, and whether the run was stopped before their end.

    What was run is counted by results: neither deselected items nor tests beside the suite's tell it.
    """
    ran: dict[tuple[str, str], set[str]] = {client: set() for client in clients}
    for one in results:
        ran.setdefault((one["client"], one["adapter"]), set()).add(one["case"]["id"])
    every, waiting, stopped = set(settings.profile_ids), _waiting(session), _is_stopped(session)
    # In xdist's controller there are no items: that there was a selection by other options is not known there.
    spread = session.config.pluginmanager.has_plugin("dsession")
    least = len(settings.cases) if stopped and spread else 0
    selected = {client: max(len(ids) + waiting[client[0]], least) for client, ids in ran.items()}
    return {
        client: {
            "selected": selected[client],
            "of": len(every | ids),
            "interrupted": stopped and len(ids) < selected[client],
        }
        for client, ids in ran.items()
    }


def _is_stopped(session: pytest.Session) -> bool:
    """Whether somebody ended the run early: Ctrl-C, -x, a limit of failures or of time."""
    return bool(session.shouldstop or session.shouldfail) or session.exitstatus == pytest.ExitCode.INTERRUPTED


def _waiting(session: pytest.Session) -> Mapping[str, int]:
    """Client → how many chosen cases have no result."""
    results = session.config.stash[RESULTS]
    items = [item for item in getattr(session, "items", ()) if item.nodeid not in results]
    return Counter(name for item in items if (name := _client_of(item)) is not None)


def _client_of(item: pytest.Item) -> str | None:
    """The name of the client that an item of the suite is for; None of any other test."""
    callspec = getattr(item, "callspec", None)
    pair = callspec.params.get("es_upgrade_case") if callspec is not None else getattr(item, "pair", None)
    return pair.client_name if isinstance(pair, Pair) else None


# --- files ------------------------------------------------------------------------------------------


def _write(run: Run, document: Json) -> tuple[tuple[Path, ...], list[str]]:
    failures = {path: failure for path in run.settings.reports if (failure := _failure(path, document))}
    return tuple(path for path in run.settings.reports if path not in failures), list(failures.values())


def _failure(path: Path, document: Json) -> str | None:
    try:
        write(path, document)
    except OSError as problem:
        return f"the report {path} could not be written: {problem.strerror}"
    except Exception as problem:  # noqa: BLE001 - a slip of one format of ours takes neither the others nor the verdict
        return f"the report {path} could not be written: {type(problem).__name__}: {problem}; please tell the project"
    return None


def _complaints(run: Run, document: Json, results: Sequence[Json]) -> Iterator[str]:
    if run.settings.asked and not results:
        yield "no case was run, so nothing was judged"
    for reason, clients in _given_up(results).items():
        yield f"{', '.join(clients)}: {reason}"
    for client in document["clients"]:
        name, cases = client["name"], client["cases"]
        if cases and client["summary"]["not_testable"] == len(cases):
            yield f"{name}: none of its {number(len(cases), 'case')} could be decided"
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
