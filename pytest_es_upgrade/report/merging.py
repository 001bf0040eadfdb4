"""Several reports as one: of runs on many machines, or of clients that exclude each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..errors import UsageProblem
from ..results import report_document

if TYPE_CHECKING:
    from ..results import Json

#: What has to be the same in all of them, and what it is called.
_SHARED: Mapping[str, str] = {
    "format": "are of different formats",
    "contract": "judge by different contracts",
    "kit": "were made by different versions of this kit",
    "profile": "were made with different profiles",
    "level": "were made at different levels",
}


def merge(reports: Sequence[tuple[str, Json]]) -> Json:
    """One report of these `(name, document)`, at least one: clients and cases in the order in which they first come.

    Raises `UsageProblem` where they are no parts of one run: made by different contracts or otherwise,
    with one name for two clients, or with two verdicts on one client and case.
    """
    (first_name, first), *others = reports
    for name, document in others:
        for key, differ in _SHARED.items():
            if document.get(key) != first.get(key):
                words = f"{_words(first.get(key))} and {_words(document.get(key))}"
                raise UsageProblem(f"{first_name} and {name} {differ}: {words}")
    _refuse_two_clients_of_a_name(reports)
    _refuse_two_verdicts(reports)
    clients = [(client["name"], client["adapter"]) for _, client in _clients(reports)]
    heading = {key: value for key, value in first.items() if key not in ("format", "clients")}
    ends = [document["ended"] for _, document in reports if "ended" in document]
    if ends:
        heading["ended"] = max(ends)
    return report_document(heading, dict.fromkeys(clients), _results(reports), _order(reports), _extents(reports))


def _clients(reports: Sequence[tuple[str, Json]]) -> Iterator[tuple[str, Json]]:
    """Every client, with the name of the report that it is in."""
    return ((name, client) for name, document in reports for client in document["clients"])


def _refuse_two_clients_of_a_name(reports: Sequence[tuple[str, Json]]) -> None:
    seen: dict[str, tuple[str, str]] = {}
    for name, client in _clients(reports):
        file, adapter = seen.setdefault(client["name"], (name, client["adapter"]))
        if adapter != client["adapter"]:
            raise UsageProblem(
                f"{client['name']!r} is {adapter} in {file} and {client['adapter']} in {name}; "
                f"name them apart: --es-upgrade-client=NAME=MODULE:FACTORY"
            )


def _refuse_two_verdicts(reports: Sequence[tuple[str, Json]]) -> None:
    seen: dict[tuple[str, str], tuple[str, str]] = {}
    for name, client in _clients(reports):
        for case in client["cases"]:
            file, verdict = seen.setdefault((client["name"], case["id"]), (name, case["verdict"]))
            if verdict != case["verdict"]:
                raise UsageProblem(
                    f"{client['name']}: {case['id']} is {verdict} in {file} and {case['verdict']} in {name}; "
                    f"merge the reports of one run only, or give the clients names of their own"
                )


def _results(reports: Sequence[tuple[str, Json]]) -> Iterator[Json]:
    # the first of equal results is kept, as the last of a run is
    for _, client in reversed(list(_clients(reports))):
        for case in client["cases"]:
            yield {"client": client["name"], "adapter": client["adapter"], "case": case}


def _extents(reports: Sequence[tuple[str, Json]]) -> dict[tuple[str, str], Json]:
    """Client → how much of the suite all parts together have run; nothing where no part says so."""
    parts: dict[tuple[str, str], list[Json]] = {}
    for _, client in _clients(reports):
        parts.setdefault((client["name"], client["adapter"]), []).append(client)
    return {client: _extent(told) for client, told in parts.items() if any("of" in one for one in told)}


def _extent(parts: Sequence[Json]) -> Json:
    """A case that one part has not reached may stand in another: what none has is missing."""
    ran = {case["id"] for part in parts for case in part["cases"]}
    of = max(part.get("of", 0) for part in parts)
    missing = max(part.get("selected", 0) - len(part["cases"]) for part in parts)
    selected = max(len(ran), min(of, len(ran) + missing))
    stopped = any(part.get("interrupted") for part in parts) and len(ran) < of
    return {"selected": selected, "of": max(of, len(ran)), "interrupted": stopped}


def _order(reports: Sequence[tuple[str, Json]]) -> list[str]:
    ids = (case["id"] for _, client in _clients(reports) for case in client["cases"])
    return list(dict.fromkeys(ids))


def _words(value: object) -> str:
    """A value of the heading on one line: of a contract, its version and the beginning of its hash."""
    if not isinstance(value, Mapping):
        return str(value)
    digest = f" ({value['sha256'][:12]})" if "sha256" in value else ""
    return f"{value.get('operation') or value['name']} {value['version']}{digest}"
