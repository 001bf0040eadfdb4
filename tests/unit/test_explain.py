"""What a failure says of itself, where there is more than fits."""

from __future__ import annotations

from pytest_es_upgrade.messages import Exchange, HttpRequest, Outcome, UpgradeRequest
from pytest_es_upgrade.plugin.explain import explain
from pytest_es_upgrade.results import Decision
from pytest_es_upgrade.stage import Call


def test_a_long_message_is_cut_and_says_how_much_is_missing():
    sent = HttpRequest("POST", "/", raw=b"POST / HTTP/1.1\r\n\r\n" + b"x" * 2000)
    call = Call(UpgradeRequest("es-cn-a"), Outcome("ok"), (Exchange(sent, None, 0.0, 0.0),))
    told = explain(Decision("failed"), [], [call], "pytest", "the example").splitlines()
    assert told[-1] == "    … 519 bytes more"
    assert len(told[-2]) < 1500
