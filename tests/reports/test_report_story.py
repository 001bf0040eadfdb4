"""What happened in a case, as it is told: which attempt is pointed to, tokens and letters, what is left out."""

from __future__ import annotations

import pytest
from documents import PATH, answer, call, capital, case, error, exchange, long, request, retried, violation

from pytest_es_upgrade.report.story import MOST_CALLS, story
from pytest_es_upgrade.report.story import _summary as summary_of


def told(*calls, **found):
    return story(case("a.b", "failed", *calls, violations=[found] if found else []))


def found(where, got="nothing", expected="x"):
    return {"rule": "request.method", "level": "must", "where": where, "got": got, "expected": expected, "quote": "q"}


def flags(shown):
    """(call, attempt) of all that is pointed to; attempt None is how the call ended."""
    ends = [(call.number, None) for call in shown.calls if call.flagged]
    return ends + [(call.number, one.number) for call in shown.calls for one in call.attempts if one.flagged]


def marks(shown):
    messages = [
        message for call in shown.calls for one in call.attempts for message in (one.request, one.response) if message
    ]
    return [piece.text for message in messages for piece in message.pieces if piece.marked]


def test_two_attempts_that_started_two_upgrades():
    shown = story(retried())
    assert shown.upgrades == 2
    (only,) = shown.calls
    first, second = only.attempts
    assert (first.token, second.token) == (("A", "first"), ("B", "second"))
    assert (first.token_changed, second.token_changed) == (False, True)
    assert (first.done, second.done) == ("upgrade #1 started", "upgrade #2 started")
    assert first.fault == "the connection is closed within the body of the answer (half_body)"
    assert flags(shown) == [(1, 2)]
    assert marks(shown) == ["clientToken=second"]
    assert shown.curl is None  # one request shows neither two upgrades nor another token


def test_the_attempt_that_shows_what_was_got_is_the_one_pointed_to():
    shown = story(capital())
    assert flags(shown) == [(2, 1)]
    assert marks(shown) == ["dryRun=True"]
    assert [call.has_flags for call in shown.calls] == [False, True, False]
    assert "dryRun=True" in shown.curl


ONE = exchange(request(f"{PATH}?a=1"), answer(body='{"Result": [{"status": "x"}]}'), "started")
TWO = exchange(request(f"{PATH}?a=2", headers=(("Host", "h"), ("X-Date", "today"))), None, "nothing", "silence", at=1.0)


@pytest.mark.parametrize(
    ("where", "got", "pointed", "marked"),
    [
        ("query.a", "'1'", [(1, 1)], ["a=1"]),
        ("query.a", "'3'", [(1, 2)], ["a=2"]),
        ("query.b", "nothing", [(1, 1)], []),
        ("query.a", "nothing", [(1, 2)], ["a=2"]),
        ("query.b", "'1'", [(1, None)], []),
        ("query.a", "2 of 2 calls had '2'", [(1, 2)], ["a=2"]),
        ("query.a", "attempt 2 without a=1: /x", [(1, 2)], ["a=2"]),
        ("query.a", "attempt 9 without a=1: /x", [(1, None)], []),
        ("query.a", "a=1 in the query", [(1, 1)], ["a=1"]),
        ("header.X-Date", "'TODAY', 3 s ago", [(1, 2)], ["X-Date: today"]),
        ("path", f"'{PATH[:20]} \u2026900 more\u2026 x'", [(1, 1)], [PATH]),
        ("answer./Result/0/status", "'y'", [(1, 1)], ['"status": "x"']),
        ("answer./Result/0/status", "'x'", [(1, 1)], ['"status": "x"']),
        ("header.X-Date", "'today'", [(1, 2)], ["X-Date: today"]),
        ("started", "2 upgrades", [(1, 1)], [f"POST {PATH}?a=1 HTTP/1.1"]),
        ("attempt 2: query.a", "'2'", [(1, 2)], ["a=2"]),
        ("attempt 2: header.None", "'2'", [(1, 2)], []),
        ("attempt 2", "this and that", [(1, 2)], [f"POST {PATH}?a=2 HTTP/1.1"]),
        ("attempt 7", "this and that", [(1, None)], []),
        ("call", "this and that", [(1, None)], []),
        ("error.code", "nothing", [(1, None)], []),
    ],
)
def test_what_a_violation_points_to(where, got, pointed, marked):
    shown = told(call(ONE, TWO), **found(where, got))
    assert flags(shown) == pointed
    assert marks(shown) == marked


def test_the_call_that_asked_for_what_was_expected_comes_before_its_twin():
    calls = [call(exchange(request("/x/es-cn-a"), answer()), instance_id=asked) for asked in ("es-cn-a", "es-cn-a;b")]
    assert flags(told(*calls, **found("path", "'es-cn-a'", "'es-cn-a;b'"))) == [(2, 1)]
    calls = [call(exchange(request(), answer()), dry_run=asked) for asked in (None, True, False)]
    assert flags(told(*calls, **found("query.dryRun", "nothing", "True"))) == [(2, 1)]


def test_an_attempt_is_that_of_the_call_that_is_told_of():
    calls = [call(exchange(request(f"{PATH}?clientToken={token}"), answer())) for token in ("one", "two", "three")]
    assert flags(told(*calls, **found("attempt 1", "attempt 1 (clientToken 'two', silence)"))) == [(2, 1)]
    assert flags(told(*calls, **found("query.dryRun", f"attempt 1 without it: {PATH}?clientToken=one"))) == [(1, 1)]
    assert flags(told(*calls, **found("attempt 1", "another"))) == [(3, 1)]


def test_the_end_of_a_call_is_that_of_the_one_that_is_named_or_told_of():
    ends = [call(kind="failed", error=error(message=text), instance_id=f"es-{text}") for text in ("one", "two", None)]
    assert flags(told(*ends, call(), **found("call", "'E: two'"))) == [(2, None)]
    assert flags(told(*ends, call(), **found("call es-one", "E: x"))) == [(1, None)]
    twice = [call(kind="failed", error=error(message="busy")), call(), call(instance_id="es-b")]
    assert flags(told(*twice, **found("call es-cn-a", "E: busy"))) == [(1, None)]
    assert flags(told(*ends, call(), **found("call", "returned"))) == [(4, None)]


def test_without_an_upgrade_or_a_call_nothing_is_pointed_to_on_the_wire():
    assert flags(told(call(TWO), **found("started"))) == [(1, None)]
    assert flags(told(call(exchange(request(), answer())), **found("started"))) == [(1, None)]
    assert told(**found("call")).calls == ()


def test_a_header_that_the_matter_is_about_stays_in_the_curl_line():
    shown = told(call(exchange(request(headers=(("Date", "today"),)), answer())), **found("header.date", "today"))
    assert "'Date: today'" in shown.curl
    shown = told(call(exchange(request(headers=(("Date", "today"),)), answer())))
    assert "Date" not in shown.curl


def test_what_is_long_is_cut_and_what_is_much_left_out():
    shown = story(long())
    assert (len(shown.calls), shown.more) == (MOST_CALLS, 4)
    first = shown.calls[0]
    assert [one.number for one in first.attempts] == [1, 2, 3, 4, 5, 6, 7, 20]
    assert first.more == 12
    assert "(5,002 characters)" in first.asked
    assert first.attempts[0].token.letter == "A"
    assert first.attempts[0].response.size == 5_000_000
    assert first.attempts[0].curl is None
    assert shown.curl is not None


def test_the_calls_that_are_pointed_to_are_among_those_shown():
    calls = [call(exchange(request(f"{PATH}?a={number}"), answer())) for number in range(20)]
    shown = told(*calls, **found("query.a", "'3'"))
    assert [one.number for one in shown.calls] == [4, 16, 17, 18, 19, 20]


def test_tokens_beyond_the_alphabet_have_numbers():
    calls = [call(exchange(request(f"{PATH}?clientToken={number}"), answer())) for number in range(28)]
    shown = told(*calls)
    assert [one.attempts[0].token.letter for one in shown.calls][-2:] == ["A1", "B1"]


def test_a_connection_of_which_nothing_was_read_is_an_attempt():
    shown = told(call(ONE, unread=[{"at": -1.0, "fault": None}, {"at": 2.0, "fault": "from another version"}]))
    first, second, third = shown.calls[0].attempts
    assert (first.line, first.fault, first.answer, first.lost) == (None, "", "no answer", True)
    assert (second.token_changed, third.token_changed) == (False, False)
    assert third.fault == "from another version"
    assert not third.has_marks


def test_documents_without_what_the_service_did():
    bare = exchange(request(), answer())
    del bare["done"]
    one = call(bare)
    del one["unread"]
    assert told(one).calls[0].attempts[0].done == ""


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ({"kind": "hung"}, ()),
        (
            {"result": {"type": "m.Answer", "members": {"a": [1, {"b": None}]}}},
            (("value", "Answer(a=[1, {b: None}])"),),
        ),
        ({"result": {"type": "m.Answer", "repr": "x"}}, (("value", "{type: 'm.Answer', repr: 'x'}"),)),
        (
            {"kind": "failed", "error": error(message="m", http_status=400)},
            (("type", "E"), ("message", "m"), ("http status", "400")),
        ),
        (
            {"kind": "failed", "error": error(type={"text": "long", "size": 5000}, code="C")},
            (("type", "long"), ("code", "C")),
        ),
    ],
)
def test_what_the_caller_was_told(outcome, words):
    assert told(call(ONE, **outcome)).calls[0].told == words


def test_an_error_that_does_not_tell_says_so():
    shown = story(case("a.b", "failed", call(ONE, kind="failed", error=error()), violations=[
        violation("error.code", "error.code", "nothing", "'X'")
    ]))  # fmt: skip
    assert shown.calls[0].told == (("type", "E"), ("code", "not to be found"))


def test_kinds_of_another_version_are_told_as_they_are():
    assert told(call(ONE, kind="new")).calls[0].ended == "new"


@pytest.mark.parametrize(
    ("returned", "shown"),
    [
        ({"type": "a.b.Answer", "members": {"x": 1}}, "Answer(x=1)"),
        ({"type": "envelope", "members": [{"x": 1}]}, "{type: 'envelope', members: [{x: 1}]}"),
        ({"type": "envelope", "members": {}, "more": 1}, "{type: 'envelope', members: {}, more: 1}"),
    ],
)
def test_what_only_looks_like_an_object_is_a_document(returned, shown):
    assert summary_of(returned) == shown
