"""`check_request` is total, and every rule of a request can be broken by itself."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_es_upgrade import HttpRequest, UpgradeRequest, Violation, check_request
from pytest_es_upgrade.contract import Contract, shipped_contract
from pytest_es_upgrade.messages import Endpoint
from pytest_es_upgrade.rules.text import shown

PATH = "/openapi/instances/es-1/actions/upgrade-version"
HOST = ("Host", "127.0.0.1:8080")
JSON = ("Content-Type", "application/json")


def ids(violations):
    return [violation.rule.id for violation in violations]


def post(target=PATH, *headers, body=b"", method="POST"):
    return HttpRequest(method, target, (HOST, *headers), body)


def as_json(text, *headers):
    return post(PATH, JSON, *headers, body=text if isinstance(text, bytes) else text.encode())


RIGHT = [
    post(),
    post(PATH + "?clientToken=a%20b&dryRun=true"),
    post(PATH + "?clientToken=a+b&dryRun=false&"),
    post(PATH + "?clientToken="),
    post("/openapi/instances/es%2D1%2F%23/actions/upgrade%2Dversion"),
    post("/openapi/instances/es-cn-n6w1o1x0w001c****/actions/upgrade-version"),
    as_json("{}"),
    as_json('{"version":"6.7"}'),
    as_json('{"version":"ali1.2.0"}'),
    as_json('{"type":"aliVersion"}'),
    as_json(' {"type" : "aliVersion", "version": "ali1.2.0"}\n'),
    post(PATH, ("Content-Type", "application/json; charset=utf-8"), body=b'{"version":"6.7","type":"engineVersion"}'),
    post(PATH, ("Content-Type", "application/vnd.api+json"), body=b"{}"),
    post(PATH, ("Content-Type", "application/x-www-form-urlencoded")),
    HttpRequest("POST", PATH),
]


@pytest.mark.parametrize("request_", RIGHT, ids=lambda request: shown(request.target + request.body.decode()))
def test_right_requests_break_nothing(request_):
    assert check_request(request_) == []


WRONG = {
    "method": (post(method="PUT"), ["request.method"], "method"),
    "trailing slash": (post(PATH + "/"), ["request.path"], "path"),
    "other operation": (post("/openapi/instances/es-1/actions/restart"), ["request.path"], "path"),
    "raw slash in id": (post("/openapi/instances/a/b/actions/upgrade-version"), ["request.path"], "path"),
    "empty id": (post("/openapi/instances//actions/upgrade-version"), ["request.instance_id.required"], "path"),
    "hash": (post("/openapi/instances/a#b/actions/upgrade-version"), ["request.http.syntax"], "path"),
    "bare percent": (post("/openapi/instances/a%/actions/upgrade-version"), ["request.http.syntax"], "path"),
    "no slash": (post("openapi"), ["request.http.syntax", "request.path"], "path"),
    "absolute": (post("http://h" + PATH), ["request.http.target_form"], "path"),
    "no host": (HttpRequest("POST", PATH, (JSON,)), ["request.http.host"], "header.Host"),
    "two hosts": (post(PATH, HOST), ["request.http.host"], "header.Host"),
    "url as host": (HttpRequest("POST", PATH, (("host", "http://h"),)), ["request.http.host"], "header.Host"),
    "length": (post(PATH, ("Content-Length", "3")), ["request.http.length"], "header.Content-Length"),
    "two lengths": (
        post(PATH, ("Content-Length", "0"), ("Content-Length", "1")),
        ["request.http.length"],
        "header.Content-Length",
    ),
    "length and chunked": (
        post(PATH, ("Content-Length", "0"), ("Transfer-Encoding", "chunked")),
        ["request.http.length"],
        "header.Content-Length",
    ),
    "long token": (post(PATH + "?clientToken=" + "x" * 65), ["request.client_token.length"], "query.clientToken"),
    "non-ASCII token": (post(PATH + "?clientToken=%C3%A9"), ["request.client_token.ascii"], "query.clientToken"),
    "non-UTF-8 token": (post(PATH + "?clientToken=%E9"), ["request.client_token.ascii"], "query.clientToken"),
    "capital": (post(PATH + "?dryRun=True"), ["request.dry_run.form"], "query.dryRun"),
    "number": (post(PATH + "?dryRun=1"), ["request.dry_run.type"], "query.dryRun"),
    "twice": (post(PATH + "?dryRun=true&dryRun=false"), ["request.duplicate"], "query.dryRun"),
    "repeated": (post(PATH + "?dryRun=true&dryRun=true"), ["request.repeated"], "query.dryRun"),
    "version in query": (post(PATH + "?version=6.7"), ["request.position"], "query.version"),
    "token in header": (post(PATH, ("clienttoken", "x")), ["request.position"], "header.clienttoken"),
    "token in body": (as_json('{"clientToken":"x"}'), ["request.position"], "body.clientToken"),
    "id in body": (as_json('{"InstanceId":"x"}'), ["request.position"], "body.InstanceId"),
    "unknown": (post(PATH + "?force=true"), ["request.extra"], "query.force"),
    "unknown member": (as_json('{"force":true}'), ["request.extra"], "body.force"),
    "region": (post(PATH + "?RegionId=cn-hangzhou"), ["request.sdk_extra"], "query.RegionId"),
    "plugins": (as_json('{"plugins":[]}'), ["request.sdk_extra"], "body.plugins"),
    "form": (
        post(PATH, ("Content-Type", "application/x-www-form-urlencoded"), body=b"version=6.7"),
        ["request.body.media_type"],
        "header.Content-Type",
    ),
    "no type": (post(body=b"{}"), ["request.body.content_type"], "header.Content-Type"),
    "no json": (as_json("{'version': '6.7'}"), ["request.body.json"], "body"),
    "nan": (as_json('{"version": NaN}'), ["request.body.json"], "body"),
    "deep": (as_json("[" * 100_000), ["request.body.json"], "body"),
    "latin-1": (as_json(b'{"version":"\xe9"}'), ["request.body.utf8"], "body"),
    "bom": (as_json(b"\xef\xbb\xbf{}"), ["request.body.utf8"], "body"),
    "list": (as_json("[]"), ["request.body.object"], "body"),
    "member twice": (as_json('{"version":"6.7","version":"ali1.2.0"}'), ["request.duplicate"], "body.version"),
    "number as version": (as_json('{"version":6.7}'), ["request.version.type"], "body.version"),
    "null type": (as_json('{"type":null}'), ["request.type.type"], "body.type"),
    "unknown version": (as_json('{"version":"6.8"}'), ["request.version.value"], "body.version"),
    "unknown type": (as_json('{"type":"EngineVersion"}'), ["request.type.value"], "body.type"),
    "pair": (as_json('{"version":"6.7","type":"aliVersion"}'), ["request.pairing"], "body.type"),
    "unparsable": (
        HttpRequest("", "", raw=b"\x16\x03\x01"),
        ["request.http.syntax", "request.http.syntax", "request.http.host", "request.method", "request.path"],
        "request",
    ),
    "no version of HTTP": (
        HttpRequest("POST", PATH, (HOST,), raw=f"POST {PATH}\r\nHost: x\r\n\r\n".encode()),
        ["request.http.syntax"],
        "request",
    ),
    "incomplete": (
        HttpRequest("POST", PATH, (HOST,), raw=b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"),
        ["request.http.length"],
        "request",
    ),
    "any object": ("POST", ["message.type"], "message"),
}


@pytest.mark.parametrize(("request_", "rules", "where"), WRONG.values(), ids=WRONG)
def test_wrong_requests_break_their_rule_alone(request_, rules, where):
    found = check_request(request_)
    assert ids(found) == rules
    assert found[0].where == where


VALUES = {
    "valid": (UpgradeRequest("es-1", "6.7", "engineVersion", "x" * 64, dry_run=True), []),
    "id alone": (UpgradeRequest("es-1"), []),
    "awkward": (UpgradeRequest("a/../b\n", client_token=""), []),
    "no id": (UpgradeRequest(""), ["request.instance_id.required"]),
    "None as id": (UpgradeRequest(None), ["request.instance_id.type"]),
    "number as token": (UpgradeRequest("x", client_token=7), ["request.client_token.type"]),
    "surrogate": (UpgradeRequest("x", client_token="\ud800"), ["request.client_token.ascii"]),
    "newline before": (UpgradeRequest("x", client_token="\u00e9\n"), ["request.client_token.ascii"]),
    "text as bool": (UpgradeRequest("x", dry_run="true"), ["request.dry_run.type"]),
    "one as bool": (UpgradeRequest("x", dry_run=1), ["request.dry_run.type"]),
    "float": (UpgradeRequest("x", version=6.7), ["request.version.type"]),
    "pair": (UpgradeRequest("x", "ali1.2.0", "engineVersion"), ["request.pairing"]),
    "open": (UpgradeRequest("x", "ali1.2.0"), []),
    "open too": (UpgradeRequest("x", type="aliVersion"), []),
    "unknown pair": (UpgradeRequest("x", "9", "aliVersion"), ["request.version.value"]),
}


@pytest.mark.parametrize(("request_", "rules"), VALUES.values(), ids=VALUES)
def test_values_of_a_caller(request_, rules):
    assert ids(check_request(request_)) == rules


def test_an_upgrade_header_is_read_to_its_end():
    raw = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n".encode()
    assert check_request(HttpRequest("POST", PATH, (("Host", "x"),), raw=raw)) == []


def test_a_violation_says_everything():
    text = str(check_request(post(PATH + "?dryRun=True"))[0])
    for part in ("request.dry_run.form", "should", "query.dryRun", "'True'", "'true'", "page: ", "no verification."):
        assert part in text


ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.lists(st.text())
LATIN = st.text(st.characters(max_codepoint=255))


@given(st.builds(UpgradeRequest, ANYTHING, ANYTHING, ANYTHING, ANYTHING, ANYTHING))
def test_any_values_get_a_verdict(request_):
    assert all(isinstance(violation, Violation) and str(violation) for violation in check_request(request_))


@given(
    st.builds(
        HttpRequest,
        LATIN,
        LATIN | st.sampled_from(["", "?", "clientToken=%ff&dryRun", "a=b"]).map((PATH + "?").__add__),
        st.lists(st.tuples(LATIN | st.sampled_from(["Host", "Content-Type", "Content-Length"]), LATIN)).map(tuple),
        st.binary() | st.recursive(ANYTHING, st.lists).map(lambda value: repr(value).encode("utf-8", "replace")),
        st.binary(),
    )
)
def test_any_bytes_get_a_verdict(request_):
    assert all(str(violation) for violation in check_request(request_))


@given(ANYTHING)
def test_any_object_is_one_violation(value):
    assert ids(check_request(value)) == ["message.type"]


class Unprintable:
    def __repr__(self):
        raise RuntimeError


def test_a_value_that_cannot_be_printed_is_named_by_its_type():
    assert "Unprintable" in shown(Unprintable())
    assert ids(check_request(UpgradeRequest(Unprintable()))) == ["request.instance_id.type"]
    assert len(shown("x" * 10_000)) <= 120


def test_messages_know_their_parts():
    endpoint = Endpoint("https://localhost")
    assert (endpoint.scheme, endpoint.host, endpoint.port, endpoint.netloc) == ("https", "localhost", 443, "localhost")
    assert Endpoint("http://127.0.0.1:81").port == 81
    assert Endpoint("http://h").port == 80
    assert "Secret" not in repr(endpoint)
    assert UpgradeRequest("x", dry_run=False).as_code() == "UpgradeRequest(instance_id='x', dry_run=False)"
    assert post("http://h/p?x=1").path == "/p"
    assert post("/p/http://h/q").path == "/p/http://h/q"


def test_a_body_that_came_before_is_judged_as_at_first():
    asked = as_json('{"version":"6.7","clientToken":"t"}')
    assert ids(check_request(asked)) == ids(check_request(asked)) == ["request.position"]


def test_a_request_made_by_hand_of_lists_is_judged_like_any_other():
    body, raw = bytearray(b'{"version":"6.7"}'), on_the_wire(as_json("")).raw
    for bytes_ in ({}, {"raw": raw}):
        assert check_request(HttpRequest("POST", PATH, [list(HOST), list(JSON)], body, **bytes_)) == []
        assert ids(check_request(HttpRequest("POST", PATH, [list(HOST), list(HOST)], body, **bytes_))) == [
            "request.http.host",
            "request.body.content_type",
        ]


def test_a_request_made_by_hand_may_have_none_for_its_body():
    assert check_request(HttpRequest("POST", PATH, (HOST, JSON), None)) == []


def test_violations_are_told_in_the_order_of_the_request():
    twice = as_json('{"InstanceId":"x"}')
    asked = HttpRequest("PUT", f"{PATH}?clientToken=a&clientToken=b", (*twice.headers, ("dryRun", "1")), twice.body)
    assert [(found.rule.id, found.where) for found in check_request(asked)] == [
        ("request.method", "method"),
        ("request.duplicate", "query.clientToken"),
        ("request.position", "header.dryRun"),
        ("request.position", "body.InstanceId"),
    ]


def on_the_wire(request):
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers)
    line = f"{request.method} {request.target} HTTP/1.1\r\n"
    return replace(request, raw=f"{line}{head}\r\n".encode() + request.body)


def test_long_messages_are_not_remembered():
    tracemalloc.start()
    try:
        for number in range(100):
            check_request(on_the_wire(post(f"{PATH}/{number}", ("X-Long", f"{number}" * 20000))))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000


def test_a_template_may_end_in_the_id():
    documents = shipped_contract().altered_documents()
    documents["operation.json"]["path"] = "/instances/{InstanceId}"
    contract = Contract(documents)
    assert check_request(post("/instances/es%2D1"), contract) == []
    assert ids(check_request(post("/instances"), contract)) == ["request.path"]
