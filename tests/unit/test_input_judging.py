"""What a client made of one call's values, whatever they are: judged by the wire, the answers and the outcome."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from pytest_es_upgrade import Endpoint, ErrorInfo, Exchange, HttpRequest, Outcome, UpgradeRequest, shipped_contract
from pytest_es_upgrade.samples import error_response, sample, success_document
from pytest_es_upgrade.stage import Call
from pytest_es_upgrade.suite.input_judging import input_violations

CONTRACT = shipped_contract()
ENDPOINT = Endpoint("http://127.0.0.1:8080")
ID = "es-cn-a"

SUCCESS = sample(CONTRACT, "success")
REFUSAL = error_response(400, "InvalidParameter", "The request breaks a rule of the contract.")

RETURNED = Outcome("ok", result=success_document(CONTRACT), answer=success_document(CONTRACT))
NONE = Outcome("ok")
CODE = Outcome("ok", result="InvalidParameter", error=ErrorInfo("str", code="InvalidParameter"))
REJECTED = Outcome("rejected", error=ErrorInfo("ValueError", message="no such version", text="no such version"))
RAISED = Outcome("failed", error=ErrorInfo("ApiError", text="something went wrong"))

VALID = UpgradeRequest(ID, "6.7", "engineVersion")
INVALID = UpgradeRequest(ID, "6.70", "engineVersion")
MASKED = UpgradeRequest("es-cn-a****", "6.7", "engineVersion")
BLANK = UpgradeRequest(ID, "6.7", "engineVersion", client_token="a b")
EMPTY = UpgradeRequest(ID, "6.7", "engineVersion", client_token="")


def sent(answer, version="6.70", host="127.0.0.1:8080", query="", method="POST"):
    """An exchange of the operation with that version in it."""
    target = f"/openapi/instances/{ID}/actions/upgrade-version{query}"
    body = json.dumps({"version": version, "type": "engineVersion"}).encode()
    headers = (("Host", host), ("Content-Type", "application/json"))
    return Exchange(HttpRequest(method, target, headers, body), answer, 0.0, 0.0)


CASES = {
    # nothing on the wire
    "invalid and refused": (INVALID, REJECTED, [], []),
    "awkward and refused": (BLANK, REJECTED, [], []),
    "empty token and refused": (EMPTY, REJECTED, [], []),
    "masked and refused": (MASKED, REJECTED, [], []),
    "refused by a value": (INVALID, CODE, [], []),
    "valid and refused": (VALID, REJECTED, [], ["sent.call"]),
    "valid and refused by a value": (VALID, CODE, [], ["sent.call"]),
    "nothing to upgrade to and refused": (UpgradeRequest(ID), REJECTED, [], ["sent.call_without_version"]),
    "nothing told": (INVALID, NONE, [], ["error.nothing_sent_as_success"]),
    "success told, and nothing sent": (VALID, RETURNED, [], ["error.nothing_sent_as_success"]),
    # sent as it is
    "sent and refused by the service": (INVALID, RAISED, [sent(REFUSAL)], []),
    "refusal told by a value": (INVALID, CODE, [sent(REFUSAL)], []),
    "refusal told as a success": (INVALID, RETURNED, [sent(REFUSAL)], ["error.as_success"]),
    "sent and done": (INVALID, RETURNED, [sent(SUCCESS)], []),
    "done and raised": (INVALID, RAISED, [sent(SUCCESS)], ["answer.delivered"]),
    "no answer": (INVALID, RAISED, [sent(None)], []),
    "no answer, and a success told": (INVALID, RETURNED, [sent(None)], ["error.no_answer_as_success"]),
    # another value
    "altered and refused": (INVALID, RAISED, [sent(REFUSAL, "6.7")], ["sent.version"]),
    "altered and done": (INVALID, RETURNED, [sent(SUCCESS, "6.7")], ["sent.version"]),
    "altered on a second try": (INVALID, RETURNED, [sent(REFUSAL), sent(SUCCESS, "6.7")], ["sent.version"]),
    "moved": (EMPTY, RAISED, [sent(REFUSAL, "6.7")], ["sent.empty_value"]),
    # how often is another question
    "twice": (INVALID, RAISED, [sent(REFUSAL), sent(REFUSAL)], []),
    "after a look": (INVALID, RAISED, [sent(REFUSAL, method="GET"), sent(REFUSAL)], []),
    "done, and then refused": (VALID, RETURNED, [sent(SUCCESS, "6.7"), sent(REFUSAL, "6.7")], []),
}


def judged(request, outcome, exchanges, elsewhere=()):
    stage = SimpleNamespace(contract=CONTRACT, endpoint=ENDPOINT, elsewhere=elsewhere)
    found = input_violations(stage, Call(request, outcome, tuple(exchanges)))
    return [violation.rule.id for violation in found]


@pytest.mark.parametrize(("request_", "outcome", "exchanges", "rules"), CASES.values(), ids=CASES)
def test_what_became_of_a_call(request_, outcome, exchanges, rules):
    assert judged(request_, outcome, exchanges) == rules


def test_what_reached_another_host_is_judged_too():
    led_away = sent(SUCCESS, host="localhost:9")
    assert judged(INVALID, RETURNED, [], (led_away,)) == ["request.http.host", "error.no_answer_as_success"]
