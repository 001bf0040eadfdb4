"""What a client was asked, against what it sent."""

from __future__ import annotations

import json

import pytest

from pytest_es_upgrade import Endpoint, Exchange, HttpRequest, UpgradeRequest, shipped_contract
from pytest_es_upgrade.rules.sent import check_number, check_sent

CONTRACT = shipped_contract()
ENDPOINT = Endpoint("http://127.0.0.1:8080")


def sent(id_="es-1", query="", body=None, host="127.0.0.1:8080", method="POST"):
    target = f"/openapi/instances/{id_}/actions/upgrade-version" + (f"?{query}" if query else "")
    headers = (("Host", host), ("Content-Type", "application/json"))
    return HttpRequest(method, target, headers, b"" if body is None else json.dumps(body).encode())


def ids(violations):
    return [violation.rule.id for violation in violations]


def ask(**values):
    return UpgradeRequest("es-1", **values)


CASES = {
    "nothing": (ask(), sent(), []),
    "empty object": (ask(), sent(body={}), []),
    "everything": (
        ask(version="6.7", type="engineVersion", client_token="a b", dry_run=True),
        sent(query="clientToken=a+b&dryRun=true", body={"version": "6.7", "type": "engineVersion"}),
        [],
    ),
    "other id": (ask(), sent("es-2"), ["sent.instance_id"]),
    "id encoded twice": (UpgradeRequest("es*1"), sent("es%252A1"), ["sent.instance_id"]),
    "other token": (ask(client_token="a b"), sent(query="clientToken=ab"), ["sent.client_token"]),
    "token lost": (ask(client_token="a"), sent(), ["sent.client_token"]),
    "dry run lost": (ask(dry_run=True), sent(), ["sent.dry_run"]),
    "dry run turned": (ask(dry_run=True), sent(query="dryRun=false"), ["sent.dry_run"]),
    "dry run as a word": (ask(dry_run=True), sent(query="dryRun=yes"), ["request.dry_run.type"]),
    "dry run in capitals": (ask(dry_run=True), sent(query="dryRun=TRUE"), ["request.dry_run.form"]),
    "false left out": (ask(dry_run=False), sent(), ["sent.dry_run_default"]),
    "false put in": (ask(), sent(query="dryRun=false"), ["sent.dry_run_default"]),
    "true put in": (ask(), sent(query="dryRun=true"), ["sent.absent"]),
    "version lost": (ask(version="6.7"), sent(body={}), ["sent.version"]),
    "other version": (ask(version="6.7"), sent(body={"version": "ali1.2.0"}), ["sent.version"]),
    "version as number": (ask(version="6.7"), sent(body={"version": 6.7}), ["request.version.type"]),
    "version put in": (ask(), sent(body={"version": "6.7"}), ["sent.absent"]),
    "null": (ask(), sent(body={"version": None}), ["request.version.type", "sent.absent"]),
    "default type": (ask(version="6.7"), sent(body={"version": "6.7", "type": "engineVersion"}), ["sent.type_default"]),
    "other type": (ask(type="engineVersion"), sent(body={"type": "aliVersion"}), ["sent.type"]),
    "own token": (ask(), sent(query="clientToken=4711"), []),
    "own empty token": (ask(), sent(query="clientToken="), ["sent.absent"]),
    "None as token": (ask(), sent(query="clientToken=None"), ["sent.absent"]),
    "own long token": (
        ask(),
        sent(query="clientToken=" + "x" * 65),
        ["request.client_token.length", "sent.made_token"],
    ),
    "elsewhere": (
        ask(version="6.7"),
        sent(query="v=6.7", body={"version": "6.7"}),
        ["request.extra", "sent.elsewhere"],
    ),
    "id elsewhere": (ask(), sent(body={"id": "es-1"}), ["request.extra", "sent.elsewhere"]),
    "extra": (ask(), sent(query="x=1", body={"y": 5}), ["request.extra", "request.extra"]),
    "other host": (ask(), sent(host="elasticsearch.example"), ["request.http.host"]),
    "no port": (ask(), sent(host="127.0.0.1"), ["request.http.host_port"]),
    "body is a list": (ask(version="6.7"), sent(body=["6.7"]), ["request.body.object"]),
    # what was asked is invalid, and passed on as it is: the caller's doing
    "invalid token": (ask(client_token="x" * 65), sent(query="clientToken=" + "x" * 65), []),
    "invalid token in lower case": (
        ask(client_token="X" * 65),
        sent(query="clientToken=" + "x" * 65),
        ["sent.client_token"],
    ),
    "unknown version": (ask(version="6.70"), sent(body={"version": "6.70"}), []),
    "mismatch": (ask(version="6.7", type="aliVersion"), sent(body={"version": "6.7", "type": "aliVersion"}), []),
    "float as number": (ask(version=6.7), sent(body={"version": 6.7}), []),
    "float as text": (ask(version=6.7), sent(body={"version": "6.7"}), []),
    "float changed": (ask(version=6.7), sent(body={"version": "6.70"}), ["request.version.value", "sent.version"]),
    "float as a text in JSON's quotes": (ask(version=6.7), sent(body={"version": '"6.7"'}), []),
    "bytes as they are printed": (ask(version=b"6.7"), sent(body={"version": "b'6.7'"}), []),
    "float in a bad pair": (ask(version=6.7, type="aliVersion"), sent(body={"version": 6.7, "type": "aliVersion"}), []),
    "float as text in a bad pair": (
        ask(version=6.7, type="aliVersion"),
        sent(body={"version": "6.7", "type": "aliVersion"}),
        [],
    ),
    "half of a bad pair mended": (
        ask(version="6.7", type="aliVersion"),
        sent(body={"version": "6.7", "type": "engineVersion"}),
        ["sent.type"],
    ),
    "bad pair made": (
        ask(version="6.7", type="engineVersion"),
        sent(body={"version": "6.7", "type": "aliVersion"}),
        ["request.pairing", "sent.type"],
    ),
    "empty token lost": (ask(client_token=""), sent(), ["sent.empty_value"]),
    "own token for the empty one": (ask(client_token=""), sent(query="clientToken=4711"), ["sent.empty_value"]),
    "null for the empty token": (ask(client_token=""), sent(query="clientToken=null"), ["sent.client_token"]),
    "empty token sent": (ask(client_token=""), sent(query="clientToken="), []),
    "empty version lost": (ask(version=""), sent(body={}), ["sent.version"]),
    "zero lost": (ask(version=0), sent(body={}), ["sent.empty_value"]),
    "zero for the default": (ask(type=0), sent(body={"type": "engineVersion"}), ["sent.empty_value"]),
    "number lost": (ask(version=6.7), sent(body={}), ["sent.version"]),
    "list in brackets": (
        ask(client_token=["a"]),
        sent(query="clientToken[]=a"),
        ["request.extra"],
    ),
    "list with numbers": (ask(client_token=["a"]), sent(query="clientToken.1=a"), ["request.extra"]),
    "list of no item": (ask(client_token=[]), sent(), []),
    "list of no item in the body": (ask(version=[]), sent(body={}), ["sent.empty_value"]),
    "text in brackets": (
        ask(client_token="a"),
        sent(query="clientToken[]=a"),
        ["request.extra", "sent.client_token", "sent.elsewhere"],
    ),
    "no id": (UpgradeRequest(None), sent(""), []),
    "no id as null": (UpgradeRequest(None), sent("null"), []),
    "another id for none": (UpgradeRequest(None), sent("es-2"), ["sent.instance_id"]),
    "surrogate": (UpgradeRequest("es-\ud83d"), sent("es-%ED%A0%BD"), []),
    "surrogate replaced": (UpgradeRequest("es-\ud83d"), sent("es-%EF%BF%BD"), ["sent.instance_id"]),
    # what stands for a Boolean must not come to mean the opposite
    "a word for true": (ask(dry_run="yes"), sent(query="dryRun=true"), []),
    "the word itself": (ask(dry_run="yes"), sent(query="dryRun=yes"), []),
    "its letter case": (ask(dry_run="True"), sent(query="dryRun=True"), []),
    "another word": (ask(dry_run="yes"), sent(query="dryRun=maybe"), ["sent.dry_run"]),
    "true for false": (ask(dry_run="false"), sent(query="dryRun=true"), ["sent.dry_run"]),
    "false for true": (ask(dry_run="true"), sent(query="dryRun=false"), ["sent.dry_run"]),
    "true lost": (ask(dry_run=1), sent(), ["sent.dry_run"]),
    "false word left out": (ask(dry_run="no"), sent(), []),
    "zero for true": (ask(dry_run=1), sent(query="dryRun=0"), ["sent.dry_run"]),
    "a word of the client's": (ask(dry_run=[]), sent(query="dryRun=Array"), []),
    "no obvious meaning": (ask(dry_run=2), sent(query="dryRun=false"), []),
    "bool as text": (ask(version=True), sent(body={"version": "true"}), []),
}


@pytest.mark.parametrize(("asked", "request_", "rules"), CASES.values(), ids=CASES)
def test_asked_against_sent(asked, request_, rules):
    assert ids(check_sent(CONTRACT, asked, request_, ENDPOINT)) == rules


class Hostile:
    """Raises whatever is asked of it."""

    def __bool__(self):
        raise RuntimeError("no")

    __str__ = __repr__ = __eq__ = __bool__
    __hash__ = None


def test_values_that_raise_whatever_is_asked_of_them_are_judged_too():
    hostile = Hostile()
    found = check_sent(CONTRACT, UpgradeRequest(*[hostile] * 5), sent(query="clientToken=a", body={"version": "x"}))
    assert {"sent.instance_id", "sent.client_token", "sent.version", "sent.type"} <= set(ids(found))


LINE_END = "a\r\nX-Injected: 1"


@pytest.mark.parametrize(
    ("header", "rules"),
    [
        (("X-Injected", "1"), ["sent.header_injected"]),
        (("x-injected", "1 HTTP/1.1"), ["sent.header_injected"]),
        (("X-Injected", "2"), []),
        (("X-Other", "1"), []),
    ],
)
def test_a_line_end_that_begins_a_header(header, rules):
    whole = sent(query="clientToken=a%0D%0AX-Injected%3A%201")
    with_header = HttpRequest(whole.method, whole.target, (*whole.headers, header))
    assert ids(check_sent(CONTRACT, ask(client_token=LINE_END), with_header)) == rules


def test_a_line_that_is_no_header_begins_none():
    whole = sent(query="clientToken=a%0D%0AX-Injected")
    with_header = HttpRequest(whole.method, whole.target, (*whole.headers, ("X-Injected", "")))
    assert check_sent(CONTRACT, ask(client_token="a\r\nX-Injected"), with_header) == []


def test_without_an_endpoint_the_host_is_not_compared():
    assert check_sent(CONTRACT, ask(), sent(host="anywhere")) == []


def exchanges(*requests):
    return [Exchange(request, None, 0.0, 0.0) for request in requests]


NUMBERS = {
    "one": ([sent()], []),
    "none": ([], []),
    "a probe first": ([sent(method="HEAD"), sent()], ["sent.extra_call"]),
    "a dry run first": ([sent(query="dryRun=true"), sent()], ["sent.extra_call"]),
    "twice": ([sent(), sent()], ["sent.once"]),
    "twice under one token": ([sent(query="clientToken=a"), sent(query="clientToken=a")], ["sent.extra_call"]),
    "twice under two tokens": ([sent(query="clientToken=a"), sent(query="clientToken=b")], ["sent.once"]),
    "twice a dry run": ([sent(query="dryRun=true"), sent(query="dryRun=true")], ["sent.extra_call"]),
    "gets alone": ([sent(method="GET"), sent(method="GET")], ["sent.once"]),
}


@pytest.mark.parametrize(("requests", "rules"), NUMBERS.values(), ids=NUMBERS)
def test_how_many_requests_one_call_may_send(requests, rules):
    assert ids(check_number(CONTRACT, exchanges(*requests))) == rules
