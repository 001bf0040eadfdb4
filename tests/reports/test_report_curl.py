"""The curl lines of a report send what was sent: tried on a stand-in, where curl is there."""

from __future__ import annotations

import subprocess

import pytest
from documents import PATH, request

from pytest_es_upgrade.report.curl import BASE, SERVE, curl_line
from pytest_es_upgrade.standin import StandIn

#: Headers that the suite's own requests have, and curl's own.
OWN = {"host", "content-length", "user-agent", "accept"}
HEADERS = (
    ("Host", "127.0.0.1:1"),
    ("Content-Type", "application/json"),
    ("X-Quotes", "a 'b' \"c\" $d `e` \\f"),
    ("X-Empty", ""),
    ("Authorization", "acs testAccessKeyId:x"),
    ("x-acs-signature-nonce", "n"),
    ("x-acs-version", "2017-06-13"),
    ("Content-Length", "2"),
)


def sent_by(line):
    with StandIn() as stand_in:
        stand_in.reply_with("all_passed")
        line = line.replace(BASE, stand_in.endpoint.url)
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 0, done.stderr
        (exchange,) = stand_in.journal
        return exchange.request


@pytest.mark.needs("sh", "curl")
@pytest.mark.parametrize(
    "made",
    [
        request(headers=HEADERS),
        request(f"{PATH}?dryRun=True&clientToken=%27%22%20a%26b&x=[1]{{2}}"),
        request("/openapi/instances/../actions/%2e%2e//upgrade-version?", ""),
        request("http://other.example/x?y", ""),
        request("*", "", method="OPTIONS"),
        request(body="@file 'quoted'\n\"more\" $HOME %41 \\n é", headers=(("Content-Type", "a/b"),)),
        request(body="no type", headers=()),
        request(body={"base64": "AP/+Cg=="}, headers=()) | {"raw": ""},
        request("/x", "{}", method="PUT"),
        request("/x?`touch", "$(touch x)", headers=(("X", "$(touch x);"),)),
    ],
    ids=lambda made: f"{made['method']} {made['target'][:30]}",
)
def test_the_line_sends_the_same(made):
    got = sent_by(curl_line(made))
    assert (got.method, got.target) == (made["method"], made["target"])
    body = made["body"]
    assert got.body == (b"\x00\xff\xfe\n" if isinstance(body, dict) else body.encode())
    left_out = {*OWN, "authorization", "x-acs-signature-nonce"}
    wanted = [(name.lower(), value) for name, value in made["headers"] if name.lower() not in left_out]
    assert [(name.lower(), value) for name, value in got.headers if name.lower() not in left_out] == wanted


@pytest.mark.parametrize(
    "made",
    [
        request({"text": "/x", "size": 5000}),
        request(body={"text": "{", "size": 5000}) | {"raw": ""},
        request("/x y"),
        request("/é"),
        request(""),
        request(method=""),
        request(headers=(("X", "a\x01b"),)),
        request(headers=(("X", {"text": "a", "size": 9000}),)) | {"raw": ""},
        request(body="\0"),
        request(body="\u202e"),
        request("/x?secret=***"),
    ],
)
def test_what_no_line_can_send_has_none(made):
    assert curl_line(made) is None


def test_what_has_to_be_listening_is_where_the_line_sends_to():
    assert SERVE.rpartition(" ")[2] == BASE.rpartition(":")[2]
