"""The pytest plugin: options, hooks and fixtures.

The rule of this module: when it is loaded, which is in every session of everybody who has the
package installed, it imports the standard library and pytest alone, and a hook that has nothing to do
returns at once. What there is to do is done in the modules beside it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..messages import Endpoint
    from ..standin import StandIn
    from .ending import Ending
    from .examples import Resettable
    from .fixtures import ClientUnderTest, Responses, Sample
    from .items import Judged
    from .run import Run

#: Option → how the command line reads it, the ini type, what `--help` says.
OPTIONS: Mapping[str, tuple[dict[str, Any], Any, str]] = {
    "": ({"action": "store_true"}, "bool", "run the contract suite against the clients named by -client and -driver"),
    "-client": (
        {"action": "append", "metavar": "[NAME=]MODULE:FACTORY"},
        "linelist",
        "a client under test; may be repeated",
    ),
    "-driver": (
        {"action": "append", "metavar": "[NAME=]COMMAND"},
        "linelist",
        "a client under test in any language, as a process that speaks JSON lines; may be repeated",
    ),
    "-case": (
        {"action": "append", "metavar": "GLOB"},
        "linelist",
        "run these cases alone, such as 'request.*'; may be repeated",
    ),
    "-profile": (
        {"choices": ["quick", "ci", "nightly"]},
        "string",
        "how many generated examples to try (default: quick)",
    ),
    "-level": (
        {"choices": ["must", "should", "may"]},
        "string",
        "a broken rule of this level or above fails its case (default: must)",
    ),
    "-known": ({"metavar": "FILE"}, "string", "YAML file of known deviations, each with its reason"),
    "-report": (
        {"action": "append", "metavar": "PATH"},
        "linelist",
        "write a report there, by its suffix .html, .md or .json; may be repeated",
    ),
    "-strict": ({"action": "store_true"}, "bool", "a case that is not testable fails, too"),
}

RUN: pytest.StashKey[Run] = pytest.StashKey()
RESULTS: pytest.StashKey[dict[str, Any]] = pytest.StashKey()
ENDING: pytest.StashKey[Ending] = pytest.StashKey()
JUDGED: pytest.StashKey[Judged | None] = pytest.StashKey()
RESETTABLE: pytest.StashKey[list[Resettable]] = pytest.StashKey()
DISGUISE: pytest.StashKey[pytest.MonkeyPatch] = pytest.StashKey()

#: Where pytest ended like that, it has said why.
_NO_VERDICT = (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERNAL_ERROR)

#: Under this key a worker tells the controller what is wrong with the options.
PROBLEM = "es_upgrade_problem"
#: Under this one what its clients were like when they were ended.
LAST_WORDS = "es_upgrade_last_words"


# --- hooks ----------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, each also as an ini key: `--es-upgrade-client` is `es_upgrade_client`."""
    group = parser.getgroup("es-upgrade", "contract tests for clients of UpgradeEngineVersion (pytest-es-upgrade)")
    for name, (how, ini_type, text) in OPTIONS.items():
        group.addoption(f"--es-upgrade{name}", default=None, help=text, **how)
        parser.addini(f"es_upgrade{name.replace('-', '_')}", text, type=ini_type, default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; where the suite is asked for, see that every option makes sense."""
    config.addinivalue_line("markers", "es_upgrade: a case of the UpgradeEngineVersion contract suite, for one client.")
    collector = _Collector()
    config.stash[RESULTS] = collector.results
    if not hasattr(config, "workerinput"):  # the controller hears of a worker's results
        config.pluginmanager.register(collector, "es_upgrade_results")
    if (given(config) or config.getini("es_upgrade")) and not _only_asks(config):
        from .run import Run

        config.stash[RUN] = run = Run(config)
        if run.problem:
            raise pytest.UsageError(run.problem)


def pytest_unconfigure() -> None:
    """End the servers' thread and remove their files, where there are any."""
    import sys

    server = sys.modules.get("pytest_es_upgrade.server")
    if server is not None:
        server.end()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make the cases, samples and clients of functions that ask for them."""
    if not _PARAMETRIZED.isdisjoint(metafunc.fixturenames):
        from .items import parametrize

        parametrize(metafunc, _PARAMETRIZED.intersection(metafunc.fixturenames))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the suite's items before anybody selects among them."""
    run = config.stash.get(RUN, None)
    if run is not None:
        from .items import complete

        complete(session, run, items)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Let the fixtures know where the test function begins and, where Hypothesis runs it, each of its examples."""
    __tracebackhide__ = True
    if RESETTABLE not in item.stash and not _may_ask_later(item):
        return (yield)
    from .examples import each_example_anew

    with each_example_anew(item):
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Hypothesis has looked at the test's fixtures by now: they are shown to everybody else as they are."""
    disguise = pyfuncitem.stash.get(DISGUISE, None)
    if disguise is not None:
        disguise.undo()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put a case's result on its report, with the outcome that the verdict stands for."""
    report = yield
    judged = item.stash.get(JUDGED, None) if call.when == "call" else None
    if judged is not None:
        judged.put_on(report)
    return report


def pytest_report_header(config: pytest.Config) -> str | None:
    """Which clients are asked what; nothing where the suite was not asked for."""
    run = config.stash.get(RUN, None)
    if run is None or not run.settings.asked:
        return None
    from .terminal import header

    return header(run.settings)


def pytest_assertrepr_compare(config: pytest.Config, op: str, left: object, right: object) -> list[str] | None:
    """Show violations, and why an outcome is of its kind, where a test compares them."""
    import sys

    if op != "==" or "pytest_es_upgrade.messages" not in sys.modules:
        return None
    from .asserting import explanation

    return explanation(left, right, whole=config.get_verbosity() > 1)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear from an xdist worker what it found wrong while it collected, and when it ended its clients."""
    told = getattr(node, "workeroutput", {})
    if told.get(PROBLEM) or told.get(LAST_WORDS):
        from .run import run_of

        run_of(node.config).hear(told.get(PROBLEM), told.get(LAST_WORDS))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the reports, and let no run be green for what it did not judge."""
    config = session.config
    if RUN in config.stash:
        config.stash[RUN].end_clients()
    results = config.stash[RESULTS]
    if config.option.collectonly or hasattr(config, "workerinput") or session.exitstatus in _NO_VERDICT:
        return
    if results or RUN in config.stash:
        from .ending import finish

        config.stash[ENDING] = finish(session, list(results.values()))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    """Print the table before pytest's own sections, and the verdicts after them."""
    ending = config.stash.get(ENDING, None)
    if ending is None:
        return (yield)
    from .terminal import print_table, print_verdicts

    print_table(terminalreporter, ending)
    try:
        return (yield)
    finally:
        print_verdicts(terminalreporter, ending)


def given(config: pytest.Config) -> list[str]:
    """The options of this plugin that are on the command line."""
    names = [f"--es-upgrade{name}" for name in OPTIONS]
    return [name for name in names if config.getoption(name) is not None]


class _Collector:
    """Collects the results that come on reports: in the controller, those of every worker."""

    def __init__(self) -> None:
        #: nodeid → the last result, for a test may be run again.
        self.results: dict[str, Any] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        result = getattr(report, "es_upgrade", None)
        if result is not None:
            self.results[report.nodeid] = json.loads(result)


def _may_ask_later(item: pytest.Item) -> bool:
    """Whether Hypothesis runs it and it can ask for a fixture in its body, with `request.getfixturevalue`."""
    return hasattr(getattr(item, "obj", None), "hypothesis") and "request" in getattr(item, "fixturenames", ())


def _only_asks(config: pytest.Config) -> bool:
    """Whether pytest shows its help or version, and runs nothing."""
    return bool(getattr(config.option, "help", False) or getattr(config.option, "version", 0))


# --- fixtures -------------------------------------------------------------------------------------

_PARAMETRIZED = frozenset(("es_upgrade_case", "es_upgrade_sample", "es_upgrade_client"))


@pytest.fixture
def es_upgrade_server(request: pytest.FixtureRequest) -> Iterator[StandIn]:
    """A stand-in for UpgradeEngineVersion on loopback; point your client at `es_upgrade_server.endpoint.url`.

    `journal` is what has arrived, `reply_with("InstanceNotFound", times=1)` answers with a sample by
    name, an `HttpResponse` or a plan, `add_instance(id, activating=True)` says what there is (until
    the first, every id exists at version 6.3), `fail_with("reset_after_reading")` plays a fault, and
    `upgrades_started` counts. Made anew for every test, on a port of its own.

    Under Hypothesis's `@given` every example begins with what the test's fixtures have set up, and with
    nothing of an earlier example; `reset()` does the same in rounds of your own.
    """
    from ..standin import StandIn
    from .examples import resettable

    with StandIn() as server, resettable(request.node, server):
        yield server


@pytest.fixture
def es_upgrade_endpoint(es_upgrade_server: StandIn) -> Endpoint:
    """The `Endpoint` of `es_upgrade_server`: `url`, `access_key_id`, `access_key_secret`, `region_id`, `timeout`.

    A client under test sends to `url`, with these test credentials.
    """
    return es_upgrade_server.endpoint


@pytest.fixture
def es_upgrade_responses(request: pytest.FixtureRequest) -> Iterator[Responses]:
    """The stand-in behind the library `responses`, without a socket: `requests` calls to its `endpoint.url` reach it.

    The same methods as `es_upgrade_server`, and `mock`, the `responses.RequestsMock`, to add more to.
    `raw` of journaled requests is empty, and HTTP framing is not judged.

    Examples under `@given` begin as those of `es_upgrade_server` do, `mock` included.
    """
    from .examples import resettable
    from .fixtures import Responses

    with Responses() as stand_in, resettable(request.node, stand_in):
        yield stand_in


@pytest.fixture
def es_upgrade_sample(request: pytest.FixtureRequest) -> Sample:
    """Every answer that the page documents, one after the other: `name`, `response`, and `check(outcome)`.

    `es_upgrade_server.reply_with(es_upgrade_sample.response)` has it answered;
    `es_upgrade_sample.check(outcome)` lists the rules that an `Outcome` for it breaks.
    """
    from .fixtures import Sample

    return Sample.of(request.param)


@pytest.fixture
def es_upgrade_client(request: pytest.FixtureRequest, es_upgrade_server: StandIn) -> Iterator[ClientUnderTest]:
    """Every client of --es-upgrade-client, on `es_upgrade_server`: `call(UpgradeRequest("es-cn-x"))` is an `Outcome`.

    The call is blocking, for async clients too, and raises nothing that the client raises: that is in
    `outcome.error`. The same bounds and guards hold as in the suite.

    Under Hypothesis's `@given` the client is made anew for every example. Where one has hung, it keeps the port
    that it was given, and later examples have another: read `es_upgrade_server.endpoint` within the test.
    """
    from .examples import resettable
    from .fixtures import client_under_test

    with client_under_test(request, es_upgrade_server) as client, resettable(request.node, client):
        yield client


@pytest.fixture
def es_upgrade_case(request: pytest.FixtureRequest) -> Callable[[], None]:
    """One case of the contract suite for one client, as a call; for `test_es_upgrade_contract` alone.

    `from pytest_es_upgrade.suite import test_es_upgrade_contract` in a test module runs every case there.
    """
    from .items import case_of

    return case_of(request)


@pytest.fixture
def es_upgrade_client_factory() -> None:
    """Override it beside an imported `test_es_upgrade_contract` to return a factory: it is the client under test.

    The factory takes an `Endpoint` and returns what is called with an `UpgradeRequest`. Clients that
    --es-upgrade-client names on the command line come before it.
    """
