"""The suite as pytest items: from a collector of the plugin's own, and from one's own test module.

The collector hangs on the session and on no file. (A path of this package among the arguments is
silently lost where the environment lies inside the project, for pytest does not collect there.)
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from ..client.factory import FactoryClient
from ..contract import shipped_contract
from ..messages import LEVELS
from ..samples import documented_samples
from . import JUDGED, PROBLEM
from .idle import warn_of_what_is_idle
from .options import NO_CLIENT
from .run import run_of

if TYPE_CHECKING:
    from ..results import Json
    from ..stage import Client
    from ..suite import Case
    from .run import Run

_FUNCTION = "test_es_upgrade_contract"
_FACTORY = "es_upgrade_client_factory"


class Pair(NamedTuple):
    """What one item runs; `client` is None where it comes from an overridden `es_upgrade_client_factory`."""

    client: Client | None
    case: Case

    @property
    def client_name(self) -> str:
        """What the client is called in ids and reports."""
        return self.client.name if self.client is not None else _FACTORY


# --- items of the plugin's own ----------------------------------------------------------------------


class Suite(pytest.Collector):
    """All (client, case) pairs that no test module has."""

    def __init__(self, *, pairs: list[Pair], **kwargs: Any) -> None:
        """`pairs` in the order in which they are to run."""
        super().__init__(**kwargs)
        self._pairs = pairs

    def collect(self) -> Iterator[pytest.Item]:
        """The items."""
        for pair in self._pairs:
            name = f"{_FUNCTION}[{_id(pair)}]"
            # Spelt out: since 9.2 pytest takes a name with brackets for another id than the same text
            # read back from its cache, and --lf would find nothing.
            yield CaseItem.from_parent(self, name=name, nodeid=f"{self.nodeid}::{name}", pair=pair)


class CaseItem(pytest.Item):
    """One case for one client."""

    def __init__(self, *, pair: Pair, **kwargs: Any) -> None:
        """`pair` names its client."""
        super().__init__(**kwargs)
        self.pair = pair
        self.add_marker(pytest.mark.es_upgrade)

    def runtest(self) -> None:
        """Run it; the result is on the report."""
        assert self.pair.client is not None  # noqa: S101 - only a module's items get theirs from a fixture
        _run(self, self.pair.client, self.pair.case)

    def reportinfo(self) -> tuple[os.PathLike[str], None, str]:
        """Under the collector's name, as in the nodeid; there is no such file."""
        return self.config.rootpath / "es_upgrade", None, self.name


def complete(session: pytest.Session, run: Run, items: list[pytest.Item]) -> None:
    """Take out pairs that are there twice, add those that are missing, and speak up where options do nothing."""
    if run.problem:
        _stop(run, items)
        return
    there = _without_doubles(items)
    settings = run.settings
    pairs = [Pair(client, case) for client in settings.clients for case in settings.cases] if settings.asked else []
    missing = [pair for pair in pairs if _key(pair) not in there]
    try:
        warn_of_what_is_idle(run, items, {name for name, _, _ in [*there, *map(_key, missing)]})
    except pytest.PytestConfigWarning as warning:  # warnings are errors in this project: a clear one
        run.problem = str(warning)
        _stop(run, items)
        return
    if settings.asked:
        suite = Suite.from_parent(session, name="es_upgrade", nodeid="es_upgrade", pairs=missing)
        items.extend(session.genitems(suite))


def _stop(run: Run, items: list[pytest.Item]) -> None:
    if not run.worker:
        raise pytest.UsageError(run.problem)
    # A worker's UsageError would be the controller's internal error: it is told, and ends the session.
    items.clear()
    run.config.workeroutput[PROBLEM] = run.problem  # type: ignore[attr-defined]  # xdist's, in workers


def _without_doubles(items: list[pytest.Item]) -> set[tuple[str, str, str]]:
    there: set[tuple[str, str, str]] = set()
    kept = []
    for item in items:
        pair = _pair_of(item)
        key = None if pair is None else _key(pair, item)
        if key is None or key not in there:
            kept.append(item)
        if key is not None:
            there.add(key)
    items[:] = kept
    return there


def _pair_of(item: pytest.Item) -> Pair | None:
    callspec = getattr(item, "callspec", None)
    pair = callspec.params.get("es_upgrade_case") if callspec is not None else None
    return pair if isinstance(pair, Pair) else None


def _key(pair: Pair, item: pytest.Item | None = None) -> tuple[str, str, str]:
    """Name, adapter, case; an overridden fixture's adapter is the module that it is in."""
    if pair.client is not None:
        return pair.client.name, pair.client.adapter, pair.case.id
    return _FACTORY, _module_of(item), pair.case.id


def _module_of(item: pytest.Item | None) -> str:
    return f"{item.nodeid.partition('::')[0]}::{_FACTORY}" if item is not None else _FACTORY


# --- items of a test module -------------------------------------------------------------------------


def parametrize(metafunc: pytest.Metafunc, names: Iterable[str]) -> None:
    """Give a function its cases, samples or clients."""
    for name in sorted(names):
        if not any(name in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")):
            _PARAMETERS[name](metafunc)


def _parametrize_cases(metafunc: pytest.Metafunc) -> None:
    run = run_of(metafunc.config)
    clients: tuple[Client | None, ...] = run.settings.clients
    if _is_overridden(metafunc) and not run.settings.clients_insist:
        clients = (None,)
    elif not clients and not run.problem:
        run.problem = f"{metafunc.definition.nodeid}: {NO_CLIENT}, or a fixture {_FACTORY} beside it"
    pairs = [Pair(client, case) for client in clients for case in run.settings.cases]
    params = [pytest.param(pair, id=_id(pair), marks=pytest.mark.es_upgrade) for pair in pairs]
    metafunc.parametrize("es_upgrade_case", params, indirect=True)


def _is_overridden(metafunc: pytest.Metafunc) -> bool:
    """Whether that module or a conftest has a fixture of its own in place of the plugin's."""
    # pytest has no public way to ask; the attribute is there in all versions since 3.
    manager = metafunc.definition.session._fixturemanager  # noqa: SLF001
    definition: Any = metafunc.definition
    seen_from = definition if pytest.version_tuple >= (8, 1) else definition.nodeid
    return len(manager.getfixturedefs(_FACTORY, seen_from) or ()) > 1


def _parametrize_samples(metafunc: pytest.Metafunc) -> None:
    names = documented_samples(shipped_contract())
    params = [_param("es_upgrade_sample", name, name) for name in names]
    metafunc.parametrize("es_upgrade_sample", params, indirect=True)


def _parametrize_clients(metafunc: pytest.Metafunc) -> None:
    clients = run_of(metafunc.config).settings.clients
    if clients:  # else the fixture says that there is none
        params = [_param("es_upgrade_client", client, client.name) for client in clients]
        metafunc.parametrize("es_upgrade_client", params, indirect=True)


def _param(fixture: str, value: Any, id_: str) -> Any:
    """A parameter with the mark of one that was written above the test.

    By that mark Hypothesis tells apart what it has learnt of one client and of another, and takes them
    for no sign of a flaky test.
    """
    return pytest.param(value, id=id_, marks=pytest.mark.parametrize(fixture, [value], indirect=True))


_PARAMETERS: dict[str, Callable[[pytest.Metafunc], None]] = {
    "es_upgrade_case": _parametrize_cases,
    "es_upgrade_client": _parametrize_clients,
    "es_upgrade_sample": _parametrize_samples,
}


def case_of(request: pytest.FixtureRequest) -> Callable[[], None]:
    """The fixture `es_upgrade_case`."""
    pair: Pair = request.param
    client = pair.client
    if client is None:
        factory = request.getfixturevalue(_FACTORY)
        client = FactoryClient(_FACTORY, _module_of(request.node), factory)
    return lambda: _run(request.node, client, pair.case)


def _id(pair: Pair) -> str:
    return f"{pair.client_name}:{pair.case.id}"


# --- running and reporting --------------------------------------------------------------------------


@dataclass(frozen=True)
class Judged:
    """A case's result on its item, from where it goes onto the report."""

    result: Json
    text: str
    path: Path
    strict: bool

    @property
    def outcome(self) -> str:
        """Pytest's outcome for the verdict."""
        verdict = self.result["case"]["verdict"]
        return "failed" if verdict == "not_testable" and self.strict else _OUTCOMES[verdict]

    def put_on(self, report: pytest.TestReport) -> None:
        """Let the report say what the verdict stands for."""
        reason = self.result["case"]["reason"]
        # As text: xdist takes long over anything else. Reports carry what plugins put on them.
        report.es_upgrade = json.dumps(self.result)  # type: ignore[attr-defined]
        report.outcome = "skipped" if self.outcome == "xfailed" else self.outcome  # type: ignore[assignment]
        if self.outcome == "failed":
            self._name_in_one_line(report)
        else:
            report.longrepr = None if self.outcome == "passed" else self.text
        if self.outcome == "xfailed":
            report.wasxfail = reason
        elif self.outcome == "skipped":
            report.longrepr = (str(self.path), None, f"Skipped: {reason}")  # type: ignore[assignment]  # no line

    def _name_in_one_line(self, report: pytest.TestReport) -> None:
        """Pytest's own representation of `raise_for`, with a message that fits a line.

        Where `CI` is set, pytest's short summary has the message whole; JUnit's attribute of that name always has.
        """
        crash = report.longrepr.reprcrash  # type: ignore[union-attr]  # of an exception that was raised
        crash.path, crash.lineno, crash.message = str(self.path), 1, self.text.partition("\n")[0]

    def raise_for(self) -> None:
        """For whoever looks at the exception, such as --pdb, and not at the report."""
        exceptions: dict[str, Callable[[str], BaseException]] = {
            "failed": lambda text: pytest.fail.Exception(text, pytrace=False),
            "skipped": pytest.skip.Exception,
            "xfailed": pytest.xfail.Exception,
        }
        if self.outcome in exceptions:
            raise exceptions[self.outcome](self.text)


_OUTCOMES = {
    "passed": "passed",
    "tolerated": "passed",
    "failed": "failed",
    "stale": "failed",
    "known": "xfailed",
    "not_testable": "skipped",
}


def _run(item: pytest.Item, client: Client, case: Case) -> None:
    item.stash[JUDGED] = None  # of an earlier run of the same item
    run = run_of(item.config)
    result, text = run.result(client, case, _command(item, client, case))
    _put_properties(item, result)
    item.stash[JUDGED] = judged = Judged(result, text, Path(item.reportinfo()[0]), run.settings.strict)
    judged.raise_for()


#: How the properties of an item begin, which pytest writes beside it under --junitxml.
_PROPERTY = "es_upgrade_"


def _put_properties(item: pytest.Item, result: Json) -> None:
    """What an item stands for, as pytest's `record_property` would put it; of an earlier run of it nothing stays."""
    case = result["case"]
    broken = {found["rule"]: found["level"] for found in case["violations"]}
    told = [("case", case["id"]), ("client", result["client"]), ("verdict", case["verdict"]), ("level", case["level"])]
    if broken:
        told.append(("broken_level", min(broken.values(), key=LEVELS.index)))
    others = [(name, value) for name, value in item.user_properties if not name.startswith(_PROPERTY)]
    named = [*told, *(("rule", rule) for rule in broken)]
    item.user_properties[:] = [*others, *((f"{_PROPERTY}{name}", value) for name, value in named)]


def _command(item: pytest.Item, client: Client, case: Case) -> list[str]:
    """The words that run this case alone; what it takes to see its result again is added to them."""
    if client.name == _FACTORY and not isinstance(item, CaseItem):
        return ["pytest", item.nodeid]
    named = f"{client.option}={client.name}={client.adapter}"
    return ["pytest", "--es-upgrade", named, f"--es-upgrade-case={case.id}", "-m", "es_upgrade"]
