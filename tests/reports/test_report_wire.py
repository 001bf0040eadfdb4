"""Messages as a report shows them: what cannot be seen, what is cut, and the place that a rule was broken at."""

from __future__ import annotations

import base64
import json

import pytest
from documents import PATH, SUCCESS, answer, request
from hypothesis import given
from hypothesis import strategies as st

from pytest_es_upgrade.report.wire import (
    answer_spans,
    answer_text,
    in_pieces,
    plain,
    request_spans,
    request_text,
    short,
    size_of,
    status_words,
    visible,
)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain\n\ttext é 漢", "plain\n\ttext é 漢"),
        ("\x00\r\x7f", "\\x00\\x0d\\x7f"),
        ("a\u202eb\u200b", "a\\u202eb\\u200b"),
        ("\U000e0041", "\\U000e0041"),
        ("\u2028", "\\u2028"),
    ],
)
def test_what_cannot_be_seen_is_shown(text, seen):
    assert visible(text) == seen


@pytest.mark.parametrize(
    ("value", "text", "size"),
    [
        ("text", "text", None),
        (7, "7", None),
        ({"text": "be", "size": 9}, "be", 9),
        ({"base64": base64.b64encode(b"a\xff").decode()}, "a\\xff", None),
        ({"base64": "YQ==", "size": 5}, "a", 5),
        ({}, "", None),
        ({"size": "much"}, "", None),
        ({"base64": "a"}, "{'base64': 'a'}", None),
    ],
)
def test_values_that_were_cut_or_are_no_text(value, text, size):
    assert (plain(value), size_of(value)) == (text, size)


def test_long_values_say_how_long_they_are():
    assert short("x" * 301) == f"{'x' * 300}… (301 characters)"
    assert short("x" * 300) == "x" * 300
    assert short("a\r\n\tb") == "a\\x0d\\n\\tb"


def test_a_message_without_raw_bytes_is_put_together():
    sent = request(body="{}") | {"raw": ""}
    assert request_text(sent) == f"POST {PATH} HTTP/1.1\nHost: 127.0.0.1:1\n\n{{}}"
    assert request_text(request(body="{}")) == request_text(sent)
    assert answer_text(answer(599, "no")) == "HTTP/1.1 599\nContent-Type: application/json\n\nno"
    assert status_words(404) == "404 Not Found"


# --- cut and marked -----------------------------------------------------------------------------------


def test_what_is_short_is_whole():
    assert in_pieces("abc", []) == (((("abc", False, 0)),), None, False)


def test_marks_cut_the_text():
    message = in_pieces("abcdef", [(4, 5), (1, 3), (2, 3)], 9)
    assert message.pieces == (("a", False, 0), ("bc", True, 0), ("d", False, 0), ("e", True, 0), ("f", False, 0))
    assert message.marked
    assert message.size == 9


def test_marks_at_both_ends():
    assert in_pieces("ab", [(0, 1), (1, 2)]).pieces == (("ab", True, 0),)


def test_what_is_long_is_its_beginning_and_what_is_around_the_marks():
    message = in_pieces("x" * 10_000, [(5000, 9000)])
    shown = [(len(piece.text), piece.marked, piece.left_out) for piece in message.pieces]
    assert shown == [(1200, False, 0), (0, False, 3680), (120, False, 0), (520, True, 0), (0, False, 4480)]


@given(st.text(max_size=3000), st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000)), max_size=5))
def test_pieces_are_the_text(text, spans):
    spans = [(min(span), min(max(span), len(text))) for span in spans if min(span) < len(text)]
    pieces = in_pieces(text, spans).pieces
    at = 0
    for piece in pieces:
        if piece.left_out:
            at += piece.left_out
        else:
            length = next(n for n in range(len(text) + 1) if visible(text[at : at + n]) == piece.text)
            at += length
    assert at == len(text)


# --- where a rule was broken ----------------------------------------------------------------------------

SENT = request_text(
    request(
        f"{PATH}?dryRun=True&client%54oken=a%26b&DRYRUN=1&x",
        '{"version": 6.7, "type": {"version": "inner"}, "version": "6.7"}',
        headers=(("Host", "h"), ("X-A", "one"), ("x-a", "two")),
    )
)


def at(text, spans):
    return [text[start:end] for start, end in spans]


@pytest.mark.parametrize(
    ("where", "places"),
    [
        ("method", ["POST"]),
        ("path", [PATH]),
        ("request", [SENT.partition("\n")[0]]),
        ("query.dryRun", ["dryRun=True", "DRYRUN=1"]),
        ("query.clientToken", ["client%54oken=a%26b"]),
        ("query.other", []),
        ("query", ["dryRun=True&client%54oken=a%26b&DRYRUN=1&x"]),
        ("header.x-a", ["X-A: one", "x-a: two"]),
        ("header.none", []),
        ("header", []),
        ("body", ['{"version": 6.7, "type": {"version": "inner"}, "version": "6.7"}']),
        ("body.version", ['"version": 6.7']),
        ("body.type", ['"type": {"version": "inner"}']),
        ("body.absent", []),
        ("answer./Result", []),
        ("call", []),
    ],
)
def test_places_of_a_request(where, places):
    assert at(SENT, request_spans(SENT, where)) == places


@pytest.mark.parametrize("text", ["", "POST", "garbage", "GET /x", "GET /x?dryRun=1", "\n\n", "POST  HTTP/1.1\nA: b"])
@pytest.mark.parametrize("where", ["method", "path", "request", "query.dryRun", "query", "header.A", "body", "body.x"])
def test_no_request_is_too_odd(text, where):
    for start, end in request_spans(text, where):
        assert 0 <= start <= end <= len(text)


def test_a_target_without_a_version_of_http():
    assert at("GET /x?dryRun=1", request_spans("GET /x?dryRun=1", "query.dryRun")) == ["dryRun=1"]


BODY = json.dumps({"Result": [{"a/b": 1, "status": "x"}, {"status": {"deep": []}}], "RequestId": '\\"n'}, indent=1)
ANSWERED = answer_text(answer(body=BODY, headers=(("X", "y"),)))


@pytest.mark.parametrize(
    ("where", "places"),
    [
        ("status", ["HTTP/1.1 200 OK"]),
        ("header.x", ["X: y"]),
        ("answer", [BODY]),
        ("answer.", [BODY]),
        ("answer./Result/0/a~1b", ['"a/b": 1']),
        ("answer./Result/1/status", ['"status": {\n    "deep": []\n   }']),
        ("answer./Result/1/status/deep", ['"deep": []']),
        ("answer./Result/0", ['{\n   "a/b": 1,\n   "status": "x"\n  }']),
        ("answer./RequestId", ['"RequestId": "\\\\\\"n"']),
        ("answer./Result/7", []),
        ("answer.status", ['"status": "x"', '"status": {']),
        ("method", []),
    ],
)
def test_places_of_an_answer(where, places):
    assert at(ANSWERED, answer_spans(ANSWERED, where)) == places


@pytest.mark.parametrize("body", ['{"a": ', '{"a" 1}', "{a: 1}", "[1, 2", '{"a": [}', "null", "", '{"a": nan'])
def test_no_answer_is_too_odd(body):
    text = answer_text(answer(body=body))
    for where in ("answer./a", "answer./a/0", "answer./0", "answer"):
        for start, end in answer_spans(text, where):
            assert 0 <= start <= end <= len(text)


def test_what_is_no_json_is_searched_for_the_name():
    text = answer_text(answer(body='{"a": "b", "c": "un'))
    assert at(text, answer_spans(text, "answer./x/a")) == ['"a": "b"']
    assert SUCCESS in answer_text(answer())


def test_what_is_no_base64_is_shown_as_it_is():
    assert plain({"base64": "abc"}) == "{'base64': 'abc'}"
