"""The search for an example that fails, where the client or the time puts an end to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import strategies as st
from judging import CONTRACT

from pytest_es_upgrade import Endpoint, UpgradeRequest
from pytest_es_upgrade.client.factory import FactoryClient
from pytest_es_upgrade.errors import Flaky, NotTestable
from pytest_es_upgrade.messages import Violation
from pytest_es_upgrade.plugin.stage import LiveStage
from pytest_es_upgrade.stage import Generation, Stage
from pytest_es_upgrade.standin import StandIn
from pytest_es_upgrade.suite.fuzzing import ask_all
from tests.clients.plain import Document, PlainClient

ASKED = UpgradeRequest("es-cn-a", "6.7")


def searched(factory: Callable[[Endpoint], Any], seconds: float = 60.0) -> list[Violation]:
    """What is found where every call breaks a rule, in one example that is not shrunk."""

    def question(stage: Stage, asked: UpgradeRequest) -> Iterator[Violation]:
        stage.call(asked)
        yield CONTRACT.violation("sent.call", "call", "got", "expected")

    generation = Generation(1, 0, seconds, "tests", b"", lambda _: True)
    client = FactoryClient("client", "m:f", factory)
    with StandIn(CONTRACT) as stand_in, LiveStage(CONTRACT, client, stand_in, 5.0, generation) as stage:
        return list(ask_all(stage, st.just(ASKED), question, repr))


def test_a_client_that_is_made_once_only_is_asked_again_as_it_is() -> None:
    made: list[Endpoint] = []

    def once(endpoint: Endpoint) -> PlainClient:
        made.append(endpoint)
        if len(made) > 1:
            raise RuntimeError("one client per process")
        return PlainClient(endpoint)

    assert [violation.rule.id for violation in searched(once)] == ["sent.call"]
    assert len(made) == 2


class HangsLater(PlainClient):
    """Is made once only, and answers once only."""

    made = 0

    def __init__(self, endpoint: Endpoint) -> None:
        HangsLater.made += 1
        if HangsLater.made > 1:
            raise RuntimeError("one client per process")
        super().__init__(endpoint)
        self.answered = False

    def __call__(self, asked: UpgradeRequest) -> Document:
        document = super().__call__(asked)
        if self.answered:
            threading.Event().wait()
        self.answered = True
        return document


def test_a_client_that_hangs_when_it_is_asked_again_is_flaky(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_es_upgrade.plugin.stage.AFTER_ANSWER", 1.0)
    monkeypatch.setattr(HangsLater, "made", 0)
    with pytest.raises(Flaky, match=r"first it broke sent\.call at call: .*; then .* had not ended 1 s after"):
        searched(HangsLater)


def test_where_no_time_is_left_it_is_said_how_many_were_not_asked() -> None:
    with pytest.raises(NotTestable, match=r"^1 of 1 examples were not asked within 0 s$"):
        searched(PlainClient, seconds=0.0)
