"""What no client of the tables can be made to do at will, decided on a stage of a few lines."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_es_upgrade.contract import shipped_contract
from pytest_es_upgrade.errors import ClientHung
from pytest_es_upgrade.messages import Endpoint
from pytest_es_upgrade.suite import cases

CONTRACT = shipped_contract()
CASES = {case.id: case for case in cases(CONTRACT)}


def hung(rule):
    def call(_request):
        raise ClientHung(rule, "it had not ended")

    return SimpleNamespace(
        contract=CONTRACT, endpoint=Endpoint("http://127.0.0.1:1"), reply_with=lambda _plan: None, call=call
    )


def test_an_endless_answer_that_is_followed_is_worth_knowing():
    (found,) = CASES["transport.time.endless_body"].check(hung("client.timeout"))
    assert (found.rule.id, found.rule.level) == ("transport.endless", "may")


def test_a_hang_after_a_whole_answer_stays_one():
    with pytest.raises(ClientHung) as ended:
        list(CASES["transport.time.drip"].check(hung("client.hangs")))
    assert ended.value.rule == "client.hangs"
