"""What the service answered, against what the caller was told."""

from __future__ import annotations

import json
import zlib

import pytest

from pytest_es_upgrade import ErrorInfo, HttpResponse, Outcome, shipped_contract
from pytest_es_upgrade.rules.told import check_told, told_no_success, told_success, told_unreadable
from pytest_es_upgrade.samples import JSON_HEADERS, checks_response, error_response, sample

CONTRACT = shipped_contract()
SAMPLE = sample(CONTRACT, "success")
DOCUMENT = json.loads(SAMPLE.body)


def ids(violations):
    return [violation.rule.id for violation in violations]


def ok(answer, result=None, error=None):
    return Outcome("ok", {} if result is None else result, answer, error)


def failed(**fields):
    return Outcome("failed", error=ErrorInfo("SomeError", **fields))


def changed(change):
    document = json.loads(SAMPLE.body)
    change(document)
    return ok(document)


def swap(document):
    document["Result"][0], document["Result"][1] = document["Result"][1], document["Result"][0]


def merge(document):
    document["Result"][1]["validateResult"].pop()


def extra(document):
    document["Result"][0]["validateResult"].append({"errorType": "x"})


SUCCESSES = {
    "whole": (ok(DOCUMENT), []),
    "tuples": (ok({**DOCUMENT, "Result": tuple(DOCUMENT["Result"])}), []),
    "further members": (ok({**DOCUMENT, "statusCode": 200}), []),
    "nothing recognised": (ok(None), ["answer.delivered"]),
    "bytes in another charset": (ok(None, result=b'{"Note":"\xe9",' + SAMPLE.body[1:]), []),
    "such bytes with a leaf changed": (
        ok(None, result=b'{"Note":"\xe9",' + SAMPLE.body[1:].replace(b"clusterStatus", b"x")),
        ["answer.changed"],
    ),
    "bytes that are no object": (ok(None, result=b'["\xe9"]'), ["answer.delivered"]),
    "bytes that are compressed": (ok(None, result=zlib.compress(SAMPLE.body)), ["answer.delivered"]),
    "no request id": (ok({"Result": DOCUMENT["Result"]}), ["answer.request_id"]),
    "list": (ok({"Result": DOCUMENT["Result"]}, result=DOCUMENT["Result"]), ["answer.request_id_of_list"]),
    "other request id": (ok({**DOCUMENT, "RequestId": "x"}), ["answer.changed"]),
    "no result": (ok({"RequestId": DOCUMENT["RequestId"]}), ["answer.lost"]),
    "one check lost": (changed(lambda d: d["Result"].pop()), ["answer.lost"]),
    "one check more": (changed(lambda d: d["Result"].append(d["Result"][0])), ["answer.invented"]),
    "swapped": (changed(swap), ["answer.order"]),
    "status": (changed(lambda d: d["Result"][0].update(status="success")), ["answer.changed"]),
    "bool status": (changed(lambda d: d["Result"][0].update(status=False)), ["answer.changed"]),
    "no status": (changed(lambda d: d["Result"][0].pop("status")), ["answer.lost"]),
    "error lost": (changed(merge), ["answer.lost"]),
    "error more": (changed(extra), ["answer.invented"]),
    "no object": (changed(lambda d: d["Result"].__setitem__(0, "checkClusterHealth")), ["answer.changed"]),
    "raised": (failed(text="boom"), ["answer.delivered"]),
    "raised a failed check": (failed(text="check failed: ClusterStatusNotHealth"), ["answer.failed_check_raised"]),
    "never sent": (Outcome("rejected", error=ErrorInfo("ValueError", text="no")), ["sent.call"]),
    "never sent, no error": (Outcome("rejected"), ["sent.call"]),
}


@pytest.mark.parametrize(("outcome", "rules"), SUCCESSES.values(), ids=SUCCESSES)
def test_a_documented_success(outcome, rules):
    assert ids(check_told(CONTRACT, SAMPLE, outcome)) == rules


def test_invented_leaves_are_told():
    answer = checks_response([{"validateType": "checkClusterHealth", "status": "success"}], "r")
    outcome = ok(
        {
            "RequestId": "r",
            "Result": [{"validateType": "checkClusterHealth", "status": "success", "validateResult": []}],
        }
    )
    assert check_told(CONTRACT, answer, outcome) == []
    error = checks_response([{"validateType": "a", "status": "failed", "validateResult": [{"errorCode": "c"}]}], "r")
    told = {"errorCode": "c", "errorMsg": "made up"}
    outcome = ok({"RequestId": "r", "Result": [{"validateType": "a", "status": "failed", "validateResult": [told]}]})
    assert ids(check_told(CONTRACT, error, outcome)) == ["answer.invented"]


def test_a_single_object_is_a_list_of_one():
    struct = sample(CONTRACT, "struct")
    as_list = json.loads(struct.body)
    as_list["Result"] = [{**as_list["Result"], "validateResult": [as_list["Result"]["validateResult"]]}]
    assert check_told(CONTRACT, struct, ok(as_list)) == []
    assert check_told(CONTRACT, struct, ok(json.loads(struct.body))) == []


def test_the_rule_of_a_refusal_is_chosen_by_the_case():
    assert ids(told_success(CONTRACT, SAMPLE, failed(text="x"), "answer.open_values")) == ["answer.open_values"]


def test_odd_results_in_the_answer_do_not_hide_a_failed_check():
    answer = checks_response(
        [{"validateType": "a", "status": "failed", "validateResult": ["x", {"errorCode": "Code7"}]}]
    )
    assert ids(check_told(CONTRACT, answer, failed(text="Code7"))) == ["answer.failed_check_raised"]


ERROR = error_response(404, "InstanceNotFound", "The instanceId provided does not exist.", "req-1")
ALL = {
    "code": "InstanceNotFound",
    "message": "The instanceId provided does not exist.",
    "http_status": 404,
    "request_id": "req-1",
}

ERRORS = {
    "all fields": (failed(**ALL), []),
    "all in the text": (failed(text=f"InstanceNotFound (404): {ALL['message']} [req-1]"), []),
    "nothing": (failed(text="it failed"), ["error.code", "error.message", "error.http_status", "error.request_id"]),
    "another code": (failed(**{**ALL, "code": "InstanceNotFoundException"}), ["error.code"]),
    "no code": (failed(**{**ALL, "code": None}), ["error.code"]),
    "success": (ok({"RequestId": "req-1", "Result": []}), ["error.as_success"]),
    "None": (ok(None), ["error.as_success"]),
    "value with code": (ok(None, error=ErrorInfo("dict", **ALL)), []),
    "value with status": (
        ok(None, error=ErrorInfo("Response", http_status=404)),
        ["error.code", "error.message", "error.request_id"],
    ),
    "value with another status": (ok(None, error=ErrorInfo("Response", http_status=500)), ["error.as_success"]),
    "rejected": (Outcome("rejected"), []),
}


@pytest.mark.parametrize(("outcome", "rules"), ERRORS.values(), ids=ERRORS)
def test_a_documented_error(outcome, rules):
    assert ids(check_told(CONTRACT, ERROR, outcome)) == rules


def test_an_error_without_a_document_has_its_status_alone():
    html = HttpResponse(502, (), b"<html>")
    assert ids(check_told(CONTRACT, html, failed(text="boom"))) == ["error.http_status"]
    assert check_told(CONTRACT, html, failed(http_status=502)) == []


UNREADABLE = {
    "raised": (b"null", failed(text="x"), []),
    "error value": (b"null", ok(None, error=ErrorInfo("E", http_status=200)), []),
    "object": (b"{}", ok(None), ["error.undocumented_success"]),
    "as it is": (b"null", ok(None), ["error.not_a_document"]),
    "list as it is": (b'[{"status":"failed"}]', ok({"Result": [{"status": "failed"}]}), ["error.not_a_document"]),
    "made up of a list": (b"[]", ok({"Result": []}), ["error.invented_document"]),
    "made up": (b"null", ok({"RequestId": None, "Result": []}), ["error.invented_document"]),
}


@pytest.mark.parametrize(("body", "outcome", "rules"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_2xx_that_is_no_documented_success(body, outcome, rules):
    assert ids(told_unreadable(CONTRACT, HttpResponse(200, JSON_HEADERS, body), outcome)) == rules


def test_204_is_no_document():
    assert ids(told_unreadable(CONTRACT, HttpResponse(204), ok(None))) == ["error.undocumented_success"]


def test_no_answer_is_no_success():
    rule = "error.no_answer_as_success"
    assert ids(told_no_success(CONTRACT, ok(None), rule, "it was reset")) == [rule]
    assert list(told_no_success(CONTRACT, failed(text="reset"), rule, "it was reset")) == []
