"""The stage that cases are played on, with clients of a few lines."""

from __future__ import annotations

import os
import threading
import urllib.request
from dataclasses import replace
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
from pytest_es_upgrade.server import shared_loop
from pytest_es_upgrade.standin import StandIn

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


def test_a_renewed_stage_makes_its_client_anew(stage_of):
    made = []
    stage = stage_of(lambda endpoint: made.append(endpoint) or plain(endpoint))
    stage.call(ASKED[0])
    stage.call(ASKED[1])
    stage.renew()
    assert stage.calls == ()
    stage.call(ASKED[2])
    assert len(made) == 2


def test_what_begins_anew_is_the_other_host_too(stage_of):
    stage = stage_of(plain)
    other = f"http://{stage.other_host()}"
    post(SimpleNamespace(url=other), "/")
    stage.begin_anew()
    assert stage.elsewhere == ()
    answer = post(SimpleNamespace(url=other), "/")
    assert (b"checkClusterHealth" in answer, len(stage.elsewhere)) == (True, 1)


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

    stage = stage_of(factory, bound=0.4)
    stage.reply_with(Plan((Hold(),)))
    with pytest.raises(ClientHung, match=r"had not ended 0\.4 s after it began, without an answer") as hung:
        stage.call(ASKED[0])
    assert hung.value.rule == "client.timeout"


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(
    ("request_", "script", "rule"),
    [
        (ASKED[0], None, "sent.call"),
        (replace(ASKED[0], version="6.8"), None, "client.timeout"),  # a client may think about that one for long
        (ASKED[0], "refuse", "client.timeout"),
    ],
)
def test_what_hangs_and_has_sent_nothing(stage_of, together, request_, script, rule):
    """No hang is a pass: a valid call that could be sent has to be."""
    stage = stage_of(lambda _: lambda _: threading.Event().wait(), bound=0.4)
    if script:
        stage.fail_with(script)
    with pytest.raises(ClientHung, match=r"had not ended 0\.4 s after it began") as hung:
        stage.call_together([request_]) if together else stage.call(request_)
    assert hung.value.rule == rule


def test_a_hung_client_s_port_is_nobody_else_s(stage_of):
    stand_in = StandIn()
    with (
        LiveStage(
            shipped_contract(), FactoryClient("c", "m:f", lambda _: lambda _: threading.Event().wait()), stand_in, 0.4
        ) as stage,
        pytest.raises(ClientHung),
    ):
        stage.call(ASKED[0])
    stand_in.close()
    assert stand_in.server in shared_loop().servers


def test_a_factory_that_hangs(stage_of):
    stage = stage_of(lambda _: threading.Event().wait(), bound=0.4)
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


def test_a_stage_beside_has_a_service_and_credentials_of_its_own(stage_of):
    changed = []

    def factory(endpoint):
        changed.append((endpoint.access_key_id, endpoint.access_key_secret))
        return lambda asked: post(endpoint, path_of(asked))

    stage = stage_of(factory)
    other = stage.beside()
    first, second = stage.call(ASKED[0]), other.call(ASKED[1])
    assert len(set(changed)) == 2
    assert stage.endpoint.netloc != other.endpoint.netloc
    assert [len(one.journal) for one in (stage, other)] == [1, 1]
    assert [one.upgrades_started for one in (stage, other)] == [1, 1]
    assert stage.calls == other.calls == (first, second)
    assert stage.endpoint.access_key_secret in other.endpoint.access_key_secret


def test_a_call_that_goes_to_the_stage_beside_has_reached_the_wire(stage_of):
    endpoints = []

    def factory(endpoint):
        endpoints.append(endpoint)

        def call(asked):
            post(endpoints[-1], path_of(asked))
            raise ValueError("too late")

        return call

    stage = stage_of(factory)
    stage.open()
    stage.beside().open()
    call = stage.call(ASKED[0])
    assert (call.outcome.kind, call.exchanges) == ("failed", ())


def test_instances_and_faults_are_scripted(stage_of):
    stage = stage_of(plain)
    stage.add_instance(ASKED[0].instance_id, failing=["checkClusterHealth"])
    stage.fail_with("unavailable_503", 2, retry_after=1)
    assert stage.script_left == 2
    assert stage.call(ASKED[0]).outcome.error.http_status == 503
    assert stage.script_left == 1
    assert stage.call(ASKED[1]).exchanges[0].fault == "unavailable_503"
    assert b"failed" in stage.call(ASKED[0]).outcome.result
    assert stage.call(ASKED[1]).outcome.error.code == "InstanceNotFound"
    assert stage.upgrades_started == 0


def test_an_instance_that_is_ready_again_can_be_upgraded_twice(stage_of):
    stage = stage_of(plain)
    stage.ready_again(ASKED[0].instance_id)
    for _ in range(2):
        stage.call(ASKED[0])
    assert stage.upgrades_started == 2


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
        getoption=lambda name, default=None: ["clients:raising"] if name == "--es-upgrade-client" else default,
        getini=lambda name: None,
        add_cleanup=lambda work: None,
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
