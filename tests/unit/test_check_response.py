"""`check_response` is total, and says of every answer that is no documented one why it is none."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_es_upgrade import HttpResponse, check_response, shipped_contract
from pytest_es_upgrade.samples import JSON_HEADERS, error_response, json_response, sample

CONTRACT = shipped_contract()
SAMPLE = sample(CONTRACT, "success")
DOCUMENT = json.loads(SAMPLE.body)


def ids(violations):
    return [violation.rule.id for violation in violations]


def ok(document, *headers):
    return HttpResponse(
        200, (*JSON_HEADERS, *headers), document if isinstance(document, bytes) else json.dumps(document).encode()
    )


def check(**changes):
    return {"RequestId": "r", "Result": [{"validateType": "checkClusterHealth", "status": "success", **changes}]}


def in_error(**changes):
    return check(validateResult=[{"errorType": "clusterStatus", "errorCode": "c", "errorMsg": "m", **changes}])


CASES = {
    "sample": (SAMPLE, []),
    "gzip": (HttpResponse(200, (*JSON_HEADERS, ("Content-Encoding", "gzip")), gzip.compress(SAMPLE.body)), []),
    "deflate": (HttpResponse(200, (*JSON_HEADERS, ("Content-Encoding", "deflate")), zlib.compress(SAMPLE.body)), []),
    "no gzip": (ok(SAMPLE.body, ("Content-Encoding", "gzip")), ["response.content_encoding"]),
    "brotli": (ok(SAMPLE.body, ("Content-Encoding", "br")), ["response.content_encoding"]),
    "extra members": (ok({**DOCUMENT, "more": 1}), []),
    "no validateResult": (ok(check()), []),
    "null validateResult": (ok(check(validateResult=None)), []),
    "struct": (sample(CONTRACT, "struct"), ["response.result.struct", "response.validate_result.struct"]),
    "accepted": (HttpResponse(202, JSON_HEADERS, SAMPLE.body), ["response.http_status.accepted"]),
    "204": (HttpResponse(204), ["response.http_status"]),
    "302": (HttpResponse(302), ["response.http_status"]),
    "no status": (HttpResponse("200"), ["response.http_status"]),  # type: ignore[arg-type]  # on purpose
    "length": (ok(DOCUMENT, ("Content-Length", "7")), ["response.http.length"]),
    "no type": (HttpResponse(200, (), SAMPLE.body), ["response.content_type"]),
    "empty": (ok(b""), ["response.body.json"]),
    "html": (ok(b"<html>"), ["response.body.json"]),
    "bom": (ok(b"\xef\xbb\xbf{}"), ["response.body.utf8"]),
    "latin-1": (ok(b'"\xe9"'), ["response.body.utf8"]),
    "digits": (ok(b"9" * 5000), ["response.body.json"]),
    "null": (ok(None), ["response.body.object"]),
    "list": (ok([]), ["response.body.object"]),
    "no members": (ok({}), ["response.members", "response.members"]),
    "no Result": (ok({"RequestId": "r"}), ["response.members"]),
    "request id": (ok({"RequestId": 5, "Result": []}), ["response.request_id"]),
    "Result": (ok({"RequestId": "r", "Result": "x"}), ["response.result.type"]),
    "entry": (ok({"RequestId": "r", "Result": [1]}), ["response.result.type"]),
    "no status member": (
        ok({"RequestId": "r", "Result": [{"validateType": "checkClusterHealth"}]}),
        ["response.check.members"],
    ),
    "status": (ok(check(status="Success")), ["response.status.value"]),
    "status type": (ok(check(status=True)), ["response.status.type"]),
    "validateType": (ok(check(validateType="x")), ["response.validate_type.value"]),
    "validateType type": (ok(check(validateType=1)), ["response.validate_type.type"]),
    "validateResult": (ok(check(validateResult="x")), ["response.validate_result.type"]),
    "error entry": (ok(check(validateResult=["x"])), ["response.validate_result.type"]),
    "errorType": (ok(in_error(errorType="x")), ["response.error_type.value"]),
    "errorType type": (ok(in_error(errorType=1)), ["response.error_type.type"]),
    "errorCode": (ok(in_error(errorCode=1)), ["response.error_code.type"]),
    "errorMsg": (ok(in_error(errorMsg=None)), ["response.error_msg.type"]),
    "twice": (ok(SAMPLE.body[:-1] + b',"RequestId":"x"}'), ["response.body.duplicate"]),
    "documented error": (sample(CONTRACT, "InstanceNotFound"), []),
    "other status": (error_response(400, "InstanceNotFound", "m"), ["response.error.status"]),
    "other code": (error_response(503, "ServiceUnavailable", "m"), []),
    "html error": (HttpResponse(502, (), b"<html>"), ["response.error.body"]),
    "error list": (json_response(400, []), ["response.error.body"]),
    "no code": (json_response(400, {"Message": "m"}), ["response.error.body"]),
    "empty code": (json_response(400, {"Code": "", "Message": "m"}), ["response.error.code"]),
    "error types": (
        json_response(400, {"Code": 1, "Message": 2, "RequestId": 3}),
        ["response.error.code", "response.error.message", "response.error.request_id"],
    ),
    "any object": ({"Result": []}, ["message.type"]),
}


@pytest.mark.parametrize(("response", "rules"), CASES.values(), ids=CASES)
def test_answers(response, rules):
    assert ids(check_response(response)) == rules


def test_places_are_pointers():
    found = check_response(ok(in_error(errorType="x")))
    assert found[0].where == "answer./Result/0/validateResult/0/errorType"


@given(st.builds(HttpResponse, st.integers(0, 700), st.lists(st.tuples(st.text(), st.text())).map(tuple), st.binary()))
def test_any_bytes_get_a_verdict(response):
    assert all(str(violation) for violation in check_response(response))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from([*DOCUMENT, "status", "validateResult", "x"]), inner)
    ),
)


@given(JSON_VALUES, st.sampled_from([200, 202, 400, 404, 500]))
def test_any_document_gets_a_verdict(document, status):
    assert all(str(violation) for violation in check_response(json_response(status, document)))
