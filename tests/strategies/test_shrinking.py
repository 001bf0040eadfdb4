"""What a failure shrinks to is what a person would have written. Every result is named here."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import find, settings

from pytest_es_upgrade import UpgradeRequest
from pytest_es_upgrade.samples import DERIVED_REQUEST_ID, JSON_HEADERS
from pytest_es_upgrade.strategies import (
    awkward_requests,
    client_tokens,
    error_responses,
    faults,
    instance_ids,
    invalid_client_tokens,
    invalid_requests,
    malformed_responses,
    mismatched_targets,
    success_responses,
    upgrade_targets,
    valid_requests,
)
from pytest_es_upgrade.values import INSTANCE_ID

SIMPLEST = UpgradeRequest(INSTANCE_ID)
IN_AN_INVALID_CALL = UpgradeRequest(INSTANCE_ID)


def minimal(strategy, condition=lambda _: True):
    return find(strategy, condition, settings=settings(max_examples=5000, derandomize=True, database=None))


@pytest.mark.parametrize(
    ("condition", "simplest"),
    [
        (lambda _: True, SIMPLEST),
        (lambda call: call.client_token is not None, replace(SIMPLEST, client_token="0")),
        (lambda call: "+" in (call.client_token or ""), replace(SIMPLEST, client_token="+")),
        (lambda call: " " in (call.client_token or ""), replace(SIMPLEST, client_token=" ")),
        pytest.param(
            *(lambda call: len(call.client_token or "") > 1, replace(SIMPLEST, client_token="00")),
            marks=pytest.mark.highest,
        ),
        (lambda call: len(call.client_token or "") == 64, replace(SIMPLEST, client_token="0" * 64)),
        (lambda call: call.client_token == "null", replace(SIMPLEST, client_token="null")),
        (lambda call: call.dry_run is not None, replace(SIMPLEST, dry_run=True)),
        (lambda call: call.dry_run is False, replace(SIMPLEST, dry_run=False)),
        (lambda call: call.type == "aliVersion", replace(SIMPLEST, version="ali1.2.0", type="aliVersion")),
        (lambda call: call.version and call.dry_run, replace(SIMPLEST, version="6.7", dry_run=True)),
        (lambda call: "*" in call.instance_id, UpgradeRequest("es-cn-n6w1o1x0w001c****")),
        (lambda call: not call.instance_id.islower(), UpgradeRequest("ES-CN-N6W1O1X0W001C0000")),
    ],
)
def test_valid_calls(condition, simplest):
    assert minimal(valid_requests(), condition) == simplest


@pytest.mark.parametrize(
    ("rule", "changed"),
    {
        "request.instance_id.required": {"instance_id": ""},
        "request.instance_id.type": {"instance_id": 12345},
        "request.client_token.type": {"client_token": 12345},
        "request.client_token.length": {"client_token": "x" * 65},
        "request.client_token.ascii": {"client_token": "token-\u00e9"},
        "request.dry_run.type": {"dry_run": "true"},
        "request.version.type": {"version": 12345},
        "request.version.value": {"version": ""},
        "request.type.type": {"type": 12345},
        "request.type.value": {"type": ""},
        "request.pairing": {"version": "6.7", "type": "aliVersion"},
    }.items(),
)
def test_invalid_calls(rule, changed):
    assert minimal(invalid_requests(rule=rule)) == (replace(IN_AN_INVALID_CALL, **changed), rule)


@pytest.mark.parametrize(
    ("condition", "changed"),
    [
        (lambda call: len(str(call.client_token)) > 65, {"client_token": "x" + " " * 65}),
        (lambda call: call.version and call.version != call.version.strip(), {"version": "6.7 "}),
        (lambda call: isinstance(call.version, float), {"version": 1.5}),
        (lambda call: call.version == 6.7, {"version": 6.7}),
        (lambda call: call.dry_run == "false", {"dry_run": "false"}),
    ],
)
def test_invalid_calls_of_a_kind(condition, changed):
    def holds(pair):
        try:
            return condition(pair[0])
        except AttributeError:
            return False

    found = minimal(invalid_requests(), holds)[0]
    if "client_token" in changed:  # which of the longer ones it is depends on where the search began
        assert replace(found, client_token=None) == IN_AN_INVALID_CALL
    else:
        assert found == replace(IN_AN_INVALID_CALL, **changed)


@pytest.mark.parametrize(
    ("condition", "changed"),
    [
        (lambda _: True, {"instance_id": "es-cn/a"}),
        (lambda call: ".." in call.instance_id, {"instance_id": ".."}),
        (lambda call: call.client_token == "", {"client_token": ""}),
        (lambda call: "\0" in (call.client_token or ""), {"client_token": "a\0b"}),
    ],
)
def test_awkward_calls(condition, changed):
    assert minimal(awkward_requests(), condition) == replace(IN_AN_INVALID_CALL, **changed)


@pytest.mark.parametrize(
    ("strategy", "simplest"),
    [
        (client_tokens(), "0"),
        (instance_ids(), INSTANCE_ID),
        (upgrade_targets(), (None, None)),
        (mismatched_targets(), (("6.7", "aliVersion"), "request.pairing")),
        (invalid_client_tokens(), (12345, "request.client_token.type")),
        (faults(), "refuse"),
    ],
)
def test_parts(strategy, simplest):
    assert minimal(strategy) == simplest


def document(response):
    return json.loads(response.body)


ERROR = {"errorType": "clusterStatus", "errorCode": "Code", "errorMsg": ""}
CHECK = {"validateType": "checkClusterHealth", "status": "success", "validateResult": []}


@pytest.mark.parametrize(
    ("condition", "result"),
    [
        (lambda _: True, []),
        (lambda answer: len(document(answer)["Result"]) > 1, [CHECK, CHECK]),
        (lambda answer: b"failed" in answer.body, [{**CHECK, "status": "failed"}]),
        (lambda answer: b"checkClusterSnapshot" in answer.body, [{**CHECK, "validateType": "checkClusterSnapshot"}]),
        (
            lambda answer: any(
                check["status"] == "failed" and check["validateResult"] for check in document(answer)["Result"]
            ),
            [{**CHECK, "status": "failed", "validateResult": [ERROR]}],
        ),
    ],
)
def test_successes(condition, result):
    found = minimal(success_responses(), condition)
    assert document(found) == {"Result": result, "RequestId": DERIVED_REQUEST_ID}
    assert found.headers == JSON_HEADERS
    assert found.body == json.dumps(document(found), separators=(",", ":")).encode()


def test_errors():
    assert document(minimal(error_responses()))["Code"] == "InstanceActivating"
    other = minimal(error_responses(), lambda answer: answer.status > 404)
    assert (other.status, document(other)["Message"]) == (405, "")


@pytest.mark.parametrize(
    ("rule", "status", "body"),
    [
        (None, 200, b""),
        ("response.body.object", 200, b"null"),
        ("response.members", 200, b"{}"),
        ("response.error.body", 400, b""),
    ],
)
def test_malformed_answers(rule, status, body):
    found = minimal(malformed_responses(rule=rule))[0]
    assert (found.status, found.body) == (status, body)


@pytest.mark.highest
def test_a_truncated_answer_is_cut_where_it_begins_to_matter():
    found, _ = minimal(malformed_responses(rule="response.body.json"), lambda pair: pair[0].body.startswith(b'{"R'))
    assert found.body == b'{"R'
