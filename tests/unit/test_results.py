"""Verdicts, and values as JSON."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_es_upgrade.messages import (
    ErrorInfo,
    Exchange,
    HttpRequest,
    HttpResponse,
    Outcome,
    Rule,
    ServiceEvent,
    UpgradeRequest,
    Violation,
)
from pytest_es_upgrade.results import (
    LONGEST,
    KnownDeviation,
    Redactor,
    call_json,
    decide,
    event_json,
    exchange_json,
    failing_violations,
    merged,
    report_document,
    summary,
    violation_json,
)

READINGS = {"a.struct": "result-shape"}


def violation(rule="a.must", level="must"):
    return Violation(Rule(rule, level, "title", "source", "quote"), "where", "got", "expected")


MUST, SHOULD, MAY, STRUCT = (
    violation(),
    violation("a.should", "should"),
    violation("a.may", "may"),
    violation("a.struct"),
)
KNOWN = KnownDeviation("a.case", "an old bug")


@pytest.mark.parametrize(
    ("violations", "reason", "level", "known", "verdict", "why"),
    [
        ([], None, "must", None, "passed", None),
        ([], "not reached", "must", None, "not_testable", "not reached"),
        ([], "not reached", "must", KNOWN, "not_testable", "not reached"),
        ([MUST], None, "must", None, "failed", None),
        ([MUST], "not reached", "must", None, "failed", None),
        ([SHOULD], None, "must", None, "tolerated", "below level must: a.should"),
        ([SHOULD], None, "should", None, "failed", None),
        ([MAY, MAY], None, "should", None, "tolerated", "below level should: a.may"),
        ([MAY], None, "may", None, "failed", None),
        ([STRUCT], None, "may", None, "tolerated", "another reading of the page: result-shape"),
        (
            [STRUCT, SHOULD],
            None,
            "must",
            None,
            "tolerated",
            "below level must: a.should; another reading of the page: result-shape",
        ),
        ([MUST, SHOULD], None, "must", KNOWN, "known", "an old bug"),
        ([MUST], None, "must", replace(KNOWN, rules=("a.must",)), "known", "an old bug"),
        (
            [MUST],
            None,
            "must",
            replace(KNOWN, rules=("a.other",)),
            "failed",
            "known is a.other alone (an old bug), broken too: a.must",
        ),
        (
            [MUST],
            None,
            "must",
            replace(KNOWN, expired="2026-01-01"),
            "failed",
            "known until 2026-01-01 (an old bug), which has passed; mend it, or move the date",
        ),
        ([], None, "must", KNOWN, "stale", "a.case is known (an old bug), and every rule held: remove that entry"),
        ([], None, "must", replace(KNOWN, exact=False), "passed", None),
        ([SHOULD], None, "must", KNOWN, "tolerated", "below level must: a.should"),
        ([SHOULD], None, "must", replace(KNOWN, rules=("a.should",)), "tolerated", "below level must: a.should"),
    ],
)
def test_decide(violations, reason, level, known, verdict, why):
    assert decide(violations, reason, level, known, READINGS) == (verdict, why)


def test_a_known_rule_that_held_is_stale_whatever_else_is_tolerated():
    assert decide([SHOULD], None, "must", replace(KNOWN, rules=("a.must",)), {}).verdict == "stale"


def test_failing_violations():
    assert failing_violations([MUST, SHOULD, MAY, STRUCT], "should", READINGS) == [MUST, SHOULD]


# --- values as JSON ---------------------------------------------------------------------------------


class Plain:
    def __init__(self, **members):
        self.__dict__.update(members)


class Slotted:
    __slots__ = ()

    def __repr__(self):
        return "Slotted()"


class Hostile:
    __slots__ = ()

    def __repr__(self):
        raise SystemExit


class Text(str):
    __slots__ = ()

    def __str__(self):
        return "another text"


SECRET = "s3cret"
REDACT = Redactor(SECRET)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (1 << 63, "0x8000000000000000"),
        (1.5, 1.5),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        ("text", "text"),
        (Text("text"), "text"),
        ("a\udc80", "a\\udc80"),
        (f"my {SECRET}!", "my ***!"),
        (f"my {SECRET}!".encode(), "my ***!"),
        (b"text", "text"),
        (bytearray(b"text"), "text"),
        (b"\xff", {"base64": "/w=="}),
        ("x" * 5000, {"text": "x" * LONGEST, "size": 5000}),
        (b"x" * 5000, {"text": "x" * LONGEST, "size": 5000}),
        (b"\xff" * 5000, {"base64": base64.b64encode(b"\xff" * LONGEST).decode(), "size": 5000}),
        ("é".encode() * 3000 + b"x", {"text": "é" * 2048, "size": 6001}),
        (b"x" + "é".encode() * 3000, {"text": "x" + "é" * 2047, "size": 6001}),
        ({"a": [1, (2,)], 3: {4}}, {"a": [1, [2]], "3": [4]}),
        ({SECRET: SECRET}, {"***": "***"}),
        (list(range(201)), [*range(200), {"more": 1}]),
        ({str(n): n for n in range(201)}, {**{str(n): n for n in range(200)}, "…": "201 members"}),
        (Plain(a=1), {"type": f"{__name__}.Plain", "members": {"a": 1}}),
        (Slotted(), {"type": f"{__name__}.Slotted", "repr": "Slotted()"}),
        (Hostile(), {"type": f"{__name__}.Hostile", "unreadable": "SystemExit"}),
        (complex(1, 2), {"type": "complex", "repr": "(1+2j)"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values(value, expected):
    assert REDACT.value(value) == expected


def test_a_cycle_ends():
    cycle = []
    cycle.append(cycle)
    text = json.dumps(REDACT.value(cycle))
    assert text.count("[") == 12
    assert "too deep" in text


def test_without_a_secret_nothing_is_struck_out():
    assert Redactor("").value([b"text", "text"]) == ["text", "text"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.builds(Plain),
        lambda inner: (
            st.lists(inner)
            | st.tuples(inner)
            | st.dictionaries(st.text() | st.integers(), inner)
            | st.builds(Plain, a=inner)
        ),
    )
)
def test_any_value_becomes_plain_json(value):
    plain = REDACT.value(value)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    json.dumps(plain, ensure_ascii=False).encode()


def test_calls_have_the_shape_of_the_report():
    request = HttpRequest("POST", f"/x?a={SECRET}", (("Host", "h"),), b"{}", b"POST")
    exchanges = [
        Exchange(request, HttpResponse(200, (("A", "b"),), b"ok"), 0.1, 0.2),
        Exchange(request, None, 0.1, 0.2, "reset"),
    ]
    outcome = Outcome("failed", error=ErrorInfo("E", "C", "m", 400, "id", "text"))
    arrivals = [
        (None, ServiceEvent(None, 0.05, "nothing", fault="reset_before_reading")),
        (exchanges[0], ServiceEvent(0, 0.1, "started", "es-cn-x", SECRET, 1)),
    ]
    told = call_json(UpgradeRequest("es-cn-x", dry_run=True), outcome, exchanges, REDACT, arrivals)
    sent = {"method": "POST", "target": "/x?a=***", "headers": [["Host", "h"]], "body": "{}", "raw": "POST"}
    error = {"type": "E", "code": "C", "message": "m", "http_status": 400, "request_id": "id", "text": "text"}
    assert told == {
        "request": {"instance_id": "es-cn-x", "version": None, "type": None, "client_token": None, "dry_run": True},
        "outcome": {"kind": "failed", "result": None, "error": error},
        "exchanges": [
            {
                "request": sent,
                "response": {"status": 200, "headers": [["A", "b"]], "body": "ok"},
                "started": 0.1,
                "ended": 0.2,
                "fault": None,
                "done": {"done": "started", "instanceId": "es-cn-x", "token": "***", "upgrade": 1, "code": None},
            },
            {"request": sent, "response": None, "started": 0.1, "ended": 0.2, "fault": "reset", "done": None},
        ],
        "unread": [{"at": 0.05, "fault": "reset_before_reading"}],
    }
    assert call_json(UpgradeRequest("x"), Outcome("ok", result=1), [], REDACT)["outcome"]["error"] is None


def test_violations_have_the_shape_of_the_report():
    assert violation_json(replace(MUST, got=SECRET), REDACT) == {
        "rule": "a.must",
        "level": "must",
        "where": "where",
        "got": "***",
        "expected": "expected",
        "quote": "quote",
        "hint": "",
    }


# --- reports ------------------------------------------------------------------------------------------


def result(client, case_id, verdict="passed"):
    return {"client": client, "adapter": f"m:{client}", "case": {"id": case_id, "verdict": verdict}}


def test_the_last_result_of_a_case_counts():
    results = [result("a", "x", "failed"), result("b", "x"), result("a", "x")]
    assert merged(results) == [result("a", "x"), result("b", "x")]


def test_summary_counts_every_verdict():
    counts = summary([{"verdict": "passed"}, {"verdict": "passed"}, {"verdict": "stale"}])
    assert counts == {"passed": 2, "failed": 0, "tolerated": 0, "known": 0, "stale": 1, "not_testable": 0}


def test_a_report_is_in_the_order_of_the_suite():
    heading = {"contract": {"operation": "O"}, "profile": "quick", "level": "must"}
    results = [result("a", "new"), result("a", "y"), result("a", "x"), result("b", "x")]
    document = report_document(heading, [("a", "m:a"), ("idle", "m:idle")], results, ["x", "y"])
    assert [(client["name"], [case["id"] for case in client["cases"]]) for client in document["clients"]] == [
        ("a", ["x", "y", "new"]),
        ("idle", []),
        ("b", ["x"]),
    ]
    assert list(document) == ["format", "contract", "profile", "level", "clients"]
    assert document["format"] == 1


def test_a_line_of_a_journal_is_the_exchange_and_what_was_done():
    redact = Redactor("secret")
    exchange = Exchange(HttpRequest("POST", "/"), HttpResponse(200), 1.0, 2.0, "bom")
    event = ServiceEvent(0, 1.0, "started", "es-\ud800", "my-secret", 3, fault="bom")
    done = {"done": "started", "instanceId": "es-\\ud800", "token": "my-***", "upgrade": 3, "code": None}
    line = event_json(event, exchange, redact)
    assert line == {**exchange_json(exchange, redact), "done": done}
    assert json.loads(json.dumps(line)) == line


def test_what_ended_before_a_request_was_read_is_a_line_of_the_same_shape():
    line = event_json(ServiceEvent(None, 1.23456789, "nothing", fault="reset_before_reading"), None, Redactor(""))
    done = {"done": "nothing", "instanceId": None, "token": None, "upgrade": None, "code": None}
    assert line == {
        "request": None,
        "response": None,
        "started": 1.234568,
        "ended": 1.234568,
        "fault": "reset_before_reading",
        "done": done,
    }
