"""Code, message, status, request id and words are told from whatever a client raises or passes back."""

from __future__ import annotations

import asyncio
import io
import json
import types
import urllib.error
from email.message import Message
from http import HTTPStatus

import aiohttp
import httpx
import pytest
import requests
from aiohttp.client_reqrep import RequestInfo
from aiohttp.http_exceptions import BadStatusLine
from alibabacloud_tea_openapi import exceptions as openapi
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from Tea.exceptions import RetryError, TeaException, UnretryableException
from yarl import URL

from pytest_es_upgrade.client.failures import read_error, read_error_value
from pytest_es_upgrade.messages import ErrorInfo

TEXT = "The instanceId provided does not exist."
BODY = {"Code": "InstanceNotFound", "Message": TEXT, "RequestId": "F99407AB", "HostId": "h"}
FIELDS = ("InstanceNotFound", TEXT, 404, "F99407AB")


def fields(info):
    return (info.code, info.message, info.http_status, info.request_id)


class OddError(Exception):
    """An exception with whatever attributes."""

    def __init__(self, *args, **attributes):
        super().__init__(*args)
        vars(self).update(attributes)


class ClassicError(Exception):
    """As `aliyun-python-sdk-core` raises."""

    def get_error_code(self):
        return "InstanceNotFound"

    def get_error_msg(self):
        return TEXT

    def get_http_status(self):
        return 404

    def get_request_id(self):
        return "F99407AB"


class BrokenGetters(OddError):
    def get_error_code(self):
        raise RuntimeError

    @property
    def message(self):
        raise RuntimeError


def http_error(body=None):
    body = json.dumps(BODY).encode() if body is None else body
    return urllib.error.HTTPError("http://127.0.0.1/", 404, "Not Found", Message(), io.BytesIO(body))


def requests_error():
    response = requests.Response()
    response.status_code, response._content = 404, json.dumps(BODY).encode()
    return requests.HTTPError("404 Client Error: Not Found for url: http://127.0.0.1/", response=response)


def httpx_error():
    request = httpx.Request("POST", "http://127.0.0.1/")
    return httpx.HTTPStatusError("Client error", request=request, response=httpx.Response(404, json=BODY))


def caused(cause, outer=None):
    error = outer or RuntimeError("the upgrade failed")
    error.__cause__ = cause
    return error


def in_context(cause):
    error = RuntimeError("while handling it")
    error.__context__ = cause
    return error


WHOLE = {
    "tea-openapi": openapi.ClientException(
        code="InstanceNotFound", message=TEXT, status_code=404, request_id="F99407AB", data={"x": 1}
    ),
    "tea 0.3": TeaException(
        {"code": "InstanceNotFound", "message": TEXT, "data": {"statusCode": 404, "RequestId": "F99407AB"}}
    ),
    "tea retries": UnretryableException(
        None, openapi.ServerException(code="InstanceNotFound", message=TEXT, status_code=404, request_id="F99407AB")
    ),
    "classic": ClassicError(),
    "requests": requests_error(),
    "httpx": httpx_error(),
    "urllib": http_error(),
    "digits": OddError(code="InstanceNotFound", msg=TEXT, statusCode="404", requestId="F99407AB"),
    "enum": OddError(error_code="InstanceNotFound", error_msg=TEXT, status=HTTPStatus.NOT_FOUND, request_id="F99407AB"),
    "number as code": OddError(code=404, error_code="InstanceNotFound", error_message=TEXT, request_id="F99407AB"),
    "data": OddError(data={**BODY, "httpStatus": 404}),
    "args": OddError({"error": {**BODY, "http_code": "404"}}),
    "JSON in args": OddError("failed", json.dumps({**BODY, "status": 404})),
    "body as text": OddError(body=json.dumps(BODY), http_status=404),
    "body as model": OddError(
        body=types.SimpleNamespace(code="InstanceNotFound", message=TEXT, request_id="F99407AB"), status=404
    ),
    "boto": OddError(
        response={
            "Error": {"Code": "InstanceNotFound", "Message": TEXT},
            "ResponseMetadata": {"HTTPStatusCode": 404, "RequestId": "F99407AB"},
        }
    ),
    "response with data": OddError(response=types.SimpleNamespace(status=404, data=json.dumps(BODY).encode())),
    "errors in a list": OddError(errors=[BODY], status_code=404),
    "cause": caused(ClassicError()),
    "context": in_context(ClassicError()),
    "attribute": OddError("x", inner_exception=ClassicError()),
    "argument": OddError(ClassicError()),
    "absent words": caused(ClassicError(), OddError(code="None", message="undefined", request_id="", status="null")),
    "broken getters": caused(ClassicError(), BrokenGetters("x")),
    "JSON in the text": OddError(f"failed: HTTP 404: {json.dumps(BODY)}"),
    "labels in the text": OddError(f"Code: InstanceNotFound, Status: 404, RequestId: F99407AB, Message: {TEXT}"),
    "a dict in the text": OddError(
        f"Response: {{'code': 'InstanceNotFound', 'message': '{TEXT}', 'request_id': 'F99407AB', 'statusCode': 404}}"
    ),
    "absent labels": OddError(f"code: None code=InstanceNotFound HTTP status: 404 requestId=F99407AB message={TEXT}"),
}


@pytest.mark.parametrize("raised", WHOLE.values(), ids=WHOLE)
def test_all_fields_are_found(raised):
    info = read_error(raised)
    assert fields(info) == FIELDS
    assert "InstanceNotFound" in info.text
    assert TEXT in info.text
    assert info.type == type(raised).__name__


def test_a_group_s_members_are_causes():
    group = type("Group", (Exception,), {"exceptions": property(lambda self: (ValueError("x"), ClassicError()))})
    assert fields(read_error(group("several"))) == FIELDS


def test_what_is_hidden_from_the_reader_is_not_found():
    error = in_context(ClassicError())
    error.__suppress_context__ = True  # as `raise … from None` does
    assert fields(read_error(error)) == (None, "while handling it", None, None)


def test_a_status_that_a_library_gives_to_what_it_cannot_parse_is_no_status_of_an_answer():
    """aiohttp calls a malformed answer 400, as if the service had refused the call."""
    info = RequestInfo(URL("http://h/"), "POST", CIMultiDictProxy(CIMultiDict()), URL("http://h/"))
    error = aiohttp.ClientResponseError(info, (), status=400, message="Bad status line")
    assert read_error(error).http_status == 400
    error.__cause__ = BadStatusLine("\x00")
    assert read_error(error).http_status is None
    assert read_error(error).message == "Bad status line"
    assert read_error(BadStatusLine("\x00")).http_status is None


def test_aiohttp_tells_the_status_without_a_warning():
    info = RequestInfo(URL("http://127.0.0.1/"), "POST", CIMultiDictProxy(CIMultiDict()), URL("http://127.0.0.1/"))
    error = aiohttp.ClientResponseError(info, (), status=404, message="Not Found")
    assert read_error(error).http_status == 404
    assert read_error(error).code is None


def test_an_http_error_s_body_can_still_be_read_by_others():
    error = http_error()
    assert read_error(error) == read_error(error)
    assert error.read() == json.dumps(BODY).encode()
    error.close()


def test_an_http_error_without_a_body_is_read_too():
    bare = urllib.error.HTTPError("http://127.0.0.1/", 404, "Not Found", Message(), None)
    bare.fp = None
    assert fields(read_error(bare)) == (None, "HTTP Error 404: Not Found", 404, None)
    broken = http_error()
    broken.close()
    assert read_error(broken).http_status == 404
    html = http_error(b"<html>")
    assert fields(read_error(html)) == (None, "HTTP Error 404: Not Found", 404, None)
    html.close()


NOTHING = {
    "plain": (ValueError("no such thing"), "no such thing"),
    "silent": (ValueError(), None),
    "exit": (SystemExit("boom"), "boom"),
    "exit code": (SystemExit(404), "404"),
    "cancelled": (asyncio.CancelledError(), None),
    "refused": (ConnectionRefusedError(111, "Connection refused"), "[Errno 111] Connection refused"),
    "sdk without anything": (UnretryableException(None, RetryError("reset")), "RetryError('reset')"),
    "a check": (OddError("check failed", data=[{"errorType": "clusterStatus", "errorCode": "X"}]), "check failed"),
    "HTTP version": (ValueError("bad HTTP/1.1 line, sent 404 bytes"), "bad HTTP/1.1 line, sent 404 bytes"),
    "numbers": (OddError("x", status=7, status_code="failed", code="404.5 x", http_status=True), "x"),
}


@pytest.mark.parametrize(("raised", "message"), NOTHING.values(), ids=NOTHING)
def test_nothing_is_invented(raised, message):
    info = read_error(raised)
    assert (info.code, info.request_id) == (None, None)
    assert info.message == message
    assert info.http_status is None
    assert str(raised) in info.text


def test_the_text_holds_the_words_of_the_whole_chain():
    inner = ValueError("inner words")
    inner.__notes__ = ["a note", 7]
    text = read_error(caused(inner, OddError("outer words", message="said elsewhere"))).text
    assert text.splitlines() == ["outer words", "inner words", "a note", "said elsewhere"]


def test_cycles_end():
    first, second = OddError("first"), OddError("second")
    first.__cause__, second.__cause__, first.data = second, first, {"loop": None}
    first.data["loop"] = first.data
    assert read_error(first).text == "first\nsecond"


class HostileError(Exception):
    def __str__(self):
        raise KeyboardInterrupt

    def __getattribute__(self, name):
        raise SystemExit

    def __dir__(self):
        raise GeneratorExit


def test_hostile_exceptions_do_no_harm():
    assert read_error(HostileError()) == ErrorInfo("HostileError")
    assert read_error_value(HostileError()) == ErrorInfo("HostileError")


def test_huge_texts_are_cut():
    assert len(read_error(ValueError("x" * 10_000_000)).text) <= 256 * 1024


ERRORS = {
    "document": {**BODY, "status": 404},
    "text": json.dumps({**BODY, "httpStatus": 404}),
    "model": types.SimpleNamespace(code="InstanceNotFound", message=TEXT, http_status=404, request_id="F99407AB"),
    "wrapper": {"statusCode": 404, "body": BODY},
    "envelope": {"ok": False, "error": {**BODY, "status_code": 404}, "data": None},
    "word": {"error": "InstanceNotFound", "message": TEXT, "status": 404, "requestId": "F99407AB"},
    "numeric code": {"code": 404, "error": BODY},
    "go": (None, {**BODY, "status": 404}),
    "requests": requests_error().response,
    "httpx": httpx_error().response,
    "exception": ClassicError(),
    "wrapped exception": {"ok": None, "err": ClassicError()},
    "empty result": {**BODY, "Result": [], "status": 404},
}


@pytest.mark.parametrize("returned", ERRORS.values(), ids=ERRORS)
def test_an_error_that_is_passed_back_is_told(returned):
    info = read_error_value(returned)
    assert fields(info) == FIELDS
    assert "InstanceNotFound" in info.text


def test_an_error_word_alone_is_a_code():
    assert fields(read_error_value({"data": {"error": "InstanceNotFound"}})) == ("InstanceNotFound", None, None, None)


CHECK = {
    "validateType": "x",
    "status": "failed",
    "validateResult": [{"errorType": "t", "errorCode": "C", "errorMsg": "m"}],
}
NO_ERRORS = {
    "None": None,
    "text": "InstanceNotFound",
    "document": {"Result": [CHECK], "RequestId": "r"},
    "wrapper": {"statusCode": 200, "body": {"Result": [CHECK], "RequestId": "r"}},
    "checks": [CHECK],
    "errors of checks": CHECK["validateResult"],
    "envelope": {"code": "OK", "message": "success", "error": None, "data": {"Result": [CHECK]}},
    "numbers": {"code": "200", "data": {"code": 0, "status": 200}},
    "words for an error": {"error": "something went wrong"},
    "a code beside the document": {"Code": "Extra", "Result": [CHECK]},
}


@pytest.mark.parametrize("returned", NO_ERRORS.values(), ids=NO_ERRORS)
def test_what_is_no_error_is_none(returned):
    assert read_error_value(returned) is None


def test_the_search_for_an_error_ends():
    loop = {}
    loop["data"] = loop
    assert read_error_value(loop) is None


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.builds(object)
    | st.builds(ClassicError),
    lambda inner: (
        st.lists(inner)
        | st.builds(
            lambda members: types.SimpleNamespace(**members), st.dictionaries(st.sampled_from(["error", "body"]), inner)
        )
        | st.dictionaries(
            st.sampled_from(["Code", "code", "message", "status", "error", "data", "RequestId"]) | st.text(), inner
        )
    ),
    max_leaves=12,
)


def assert_well_formed(info):
    assert all(value is None or isinstance(value, str) for value in (info.code, info.message, info.request_id))
    assert info.http_status is None or 100 <= info.http_status <= 599
    assert isinstance(info.text, str)


@given(st.lists(ANYTHING), st.dictionaries(st.sampled_from(["code", "status", "data", "response", "x"]), ANYTHING))
def test_any_exception_can_be_read(args, attributes):
    assert_well_formed(read_error(OddError(*args, **attributes)))


@given(ANYTHING)
def test_any_value_can_be_read(returned):
    info = read_error_value(returned)
    if info is not None:
        assert_well_formed(info)


@given(st.from_regex(r"[A-Z][a-z]{2,9}(\.[A-Z][a-z]{2,9})?", fullmatch=True), st.integers(400, 599))
def test_any_code_and_status_is_found_wherever_it_is(code, status):
    for raised in (
        OddError(code=code, status=status),
        OddError({"Code": code, "status": status}),
        OddError(f"HTTP {status}: Code: {code}, done"),
        caused(OddError(error_code=code, http_status=str(status))),
    ):
        info = read_error(raised)
        if code.lower() not in ("none", "null", "undefined", "nil"):
            assert (info.code, info.http_status) == (code, status)
