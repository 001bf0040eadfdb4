"""The stage that cases are played on, with clients of a few lines."""

from __future__ import annotations

import os
import threading
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_es_upgrade.client.factory import FactoryClient
from pytest_es_upgrade.contract import shipped_contract
from pytest_es_upgrade.errors import AdapterFault, ClientHung
from pytest_es_upgrade.messages import HttpResponse, UpgradeRequest
from pytest_es_upgrade.plans import Hold, Plan
from pytest_es_upgrade.plugin import PROBLEM
from pytest_es_upgrade.plugin.items import complete
from pytest_es_upgrade.plugin.run import Run
from pytest_es_upgrade.plugin.stage import LiveStage
from pytest_es_upgrade.plugin.standin import StandIn
from pytest_es_upgrade.server import shared_loop

ASKED = [UpgradeRequest(f"es-cn-{letter}", "6.7", "engineVersion") for letter in "abc"]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    shared_loop().close()


def post(endpoint, path, body=b"{}"):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    headers = {"Content-Type": "application/json"}
    with opener.open(urllib.request.Request(f"{endpoint.url}{path}", body, headers), timeout=5) as answer:
        return answer.read()


def path_of(asked):
    return f"/openapi/instances/{asked.instance_id}/actions/upgrade-version"


def plain(endpoint):
    return lambda asked: post(endpoint, path_of(asked))


@pytest.fixture
def stage_of():
    stages = []

    def make(factory, bound=5.0):
        stand_in = StandIn(timeout=1.0)
        stage = LiveStage(shipped_contract(), FactoryClient("client", "m:f", factory), stand_in, bound)
        stages.append((stage, stand_in))
        return stage.__enter__()

    yield make
    for stage, stand_in in stages:
        stage.__exit__(None, None, None)
        stand_in.close()


def test_a_call_has_what_was_on_the_wire_meanwhile(stage_of):
    stage = stage_of(plain)
    first, second = stage.call(ASKED[0]), stage.call(ASKED[1], stage.open())
    assert [exchange.request.path for exchange in second.exchanges] == [path_of(ASKED[1])]
    assert stage.calls == (first, second)
    assert len(stage.journal) == 2
    assert stage.upgrades_started == 2
    assert stage.elsewhere == ()


def test_calls_together_are_told_apart_by_their_ids(stage_of):
    def factory(endpoint):
        def call(asked):
            if asked == ASKED[2]:
                raise ValueError("refused")
            return post(endpoint, path_of(asked))

        return call

    calls = stage_of(factory).call_together(ASKED)
    assert [call.outcome.kind for call in calls] == ["ok", "ok", "rejected"]
    assert [[exchange.request.path for exchange in call.exchanges] for call in calls] == [
        [path_of(ASKED[0])],
        [path_of(ASKED[1])],
        [],
    ]


def test_nobody_is_said_to_have_sent_nothing_where_an_id_was_altered(stage_of):
    def factory(endpoint):
        def call(asked):
            post(endpoint, path_of(asked).upper())

        return call

    calls = stage_of(factory).call_together(ASKED[:2])
    assert [call.outcome.kind for call in calls] == ["failed", "failed"]


@pytest.mark.parametrize("together", [False, True])
def test_what_hangs_after_its_answer_is_told_from_what_gets_none(stage_of, monkeypatch, together):
    monkeypatch.setattr("pytest_es_upgrade.plugin.stage.AFTER_ANSWER", 0.05)

    def factory(endpoint):
        def call(asked):
            post(endpoint, path_of(asked))
            threading.Event().wait()

        return call

    stage = stage_of(factory)
    with pytest.raises(ClientHung, match=r"had not ended 0\.05 s after its whole answer") as hung:
        stage.call_together(ASKED[:2]) if together else stage.call(ASKED[0])
    assert hung.value.rule == "client.hangs"
    assert {call.outcome.kind for call in stage.calls} == {"hung"}

    stage = stage_of(factory, bound=0.05)
    stage.reply_with(Plan((Hold(),)))
    with pytest.raises(ClientHung, match=r"had not ended 0\.05 s after it began, without an answer") as hung:
        stage.call(ASKED[0])
    assert hung.value.rule == "client.timeout"


def test_a_hung_client_s_port_is_nobody_else_s(stage_of):
    stand_in = StandIn()
    with (
        LiveStage(
            shipped_contract(), FactoryClient("c", "m:f", lambda _: lambda _: threading.Event().wait()), stand_in, 0.05
        ) as stage,
        pytest.raises(ClientHung),
    ):
        stage.call(ASKED[0])
    stand_in.close()
    assert stand_in.server in shared_loop().servers


def test_a_factory_that_hangs(stage_of):
    stage = stage_of(lambda _: threading.Event().wait(), bound=0.05)
    with pytest.raises(ClientHung, match="did not return in time"):
        stage.call(ASKED[0])


def test_a_factory_that_raises(stage_of):
    def factory(endpoint):
        raise ValueError("no region")

    with pytest.raises(AdapterFault, match="no region"):
        stage_of(factory).call(ASKED[0])


def test_refused_connections(stage_of):
    stage = stage_of(plain)
    stage.open()
    stage.refuse_connections()
    assert stage.call(ASKED[0]).outcome.kind == "rejected"


def test_the_other_host_has_a_journal_of_its_own(stage_of):
    stage = stage_of(plain)
    other = stage.other_host()
    assert other == stage.other_host()
    assert other.startswith("localhost:")
    stage.reply_with(HttpResponse(302, (("Location", f"http://{other}/x"),)))
    stage.call(ASKED[0])
    assert [exchange.request.target for exchange in stage.elsewhere] == ["/x"]
    assert len(stage.journal) == 1


def test_what_a_client_does_on_the_side_is_seen_and_undone(monkeypatch, stage_of):
    # monkeypatch comes first, to be undone last: the stage puts back at its end what it took away
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.test")
    before = Path.cwd()

    def factory(endpoint):
        def call(asked):
            print("proxy", os.environ.get("HTTP_PROXY"))  # noqa: T201 - that is what this client does
            os.chdir("/")
            object.__setattr__(asked, "version", "6.8")
            urllib.request.urlopen("http://elasticsearch.test/")

        return call

    stage = stage_of(factory)
    assert stage.call(ASKED[0]).outcome.kind == "rejected"
    assert "proxy None" in stage.said
    assert stage.escapes == ("elasticsearch.test:80",)
    assert len(stage.changed_requests) == 1
    assert Path.cwd() == before


# --- xdist's workers, of which this process is none -----------------------------------------------------


def test_a_worker_does_not_try_clients_again(project):
    config = project.pytester.parseconfig()
    asked = SimpleNamespace(
        getoption=lambda name: ["clients:raising"] if name == "--es-upgrade-client" else None,
        getini=lambda name: None,
        invocation_params=config.invocation_params,
        rootpath=config.rootpath,
        inipath=None,
    )
    assert "no configuration" in Run(asked).problem
    asked.workerinput = {}
    assert Run(asked).problem is None


def test_a_worker_tells_the_controller_what_is_wrong():
    output, items = {}, ["item"]
    run = SimpleNamespace(worker=True, problem="wrong", config=SimpleNamespace(workeroutput=output))
    complete(SimpleNamespace(), run, items)
    assert (output, items) == ({PROBLEM: "wrong"}, [])
