"""What is concluded from the attempts of a call, on calls that were put together by hand."""

from __future__ import annotations

import pytest

from pytest_es_upgrade.contract import shipped_contract
from pytest_es_upgrade.messages import ErrorInfo, Exchange, HttpRequest, HttpResponse, Outcome, UpgradeRequest
from pytest_es_upgrade.samples import error_response, sample
from pytest_es_upgrade.stage import Call
from pytest_es_upgrade.suite.attempts import attempts, call_violations, starters

CONTRACT = shipped_contract()
ASKED = UpgradeRequest("es-cn-a", "6.7", "engineVersion")
SUCCESS = sample(CONTRACT, "all_passed")
ACTIVATING = sample(CONTRACT, "InstanceActivating")
THROTTLED = error_response(429, "Throttling.User", "no")
LOST = ("answer_lost_after_start", None)


def exchange(query="", fault=None, response=SUCCESS, method="POST", body=b'{"version":"6.7","type":"engineVersion"}'):
    target = f"/openapi/instances/es-cn-a/actions/upgrade-version{query}"
    headers = (("Host", "h"), ("Content-Type", "application/json"))
    return Exchange(HttpRequest(method, target, headers, body), response, 0.0, 0.0, fault)


def call(*exchanges, asked=ASKED, **error):
    outcome = Outcome("failed", error=ErrorInfo("Error", **error)) if error else Outcome("ok", {}, {})
    return Call(asked, outcome, exchanges)


def broken(made, started):
    return [(found.rule.id, found.where) for found in call_violations(CONTRACT, made, started)]


@pytest.mark.parametrize(
    ("exchanges", "started", "by"),
    [
        ([exchange()], 1, [0]),
        ([exchange("", "reset_after_reading", None), exchange()], 1, [1]),
        ([exchange("", *LOST), exchange()], 2, [0, 1]),
        ([exchange("?clientToken=t", *LOST), exchange("?clientToken=t")], 1, [0]),
        ([exchange("?clientToken=t", *LOST), exchange("?clientToken=u")], 2, [0, 1]),
        ([exchange("", *LOST), exchange("", None, ACTIVATING)], 1, [0]),
        ([exchange("", "half_body", ACTIVATING), exchange()], 1, [1]),
        ([exchange("", "bad_gateway_html", HttpResponse(502)), exchange("", None, ACTIVATING)], 1, [0]),
        ([exchange("", None, None), exchange()], 1, [1]),
    ],
)
def test_which_attempt_started_an_upgrade_follows_from_the_journal(exchanges, started, by):
    assert starters(CONTRACT, exchanges, started) == by


def test_a_dry_run_beside_a_real_call_is_no_attempt_at_it():
    check, real = exchange("?dryRun=true"), exchange()
    head = exchange(method="HEAD", body=b"")
    assert attempts(CONTRACT, call(head, check, real)) == [real]
    assert attempts(CONTRACT, call(check)) == [check]
    assert attempts(CONTRACT, call(check, real, asked=UpgradeRequest("es-cn-a", dry_run=True))) == [check, real]


def test_two_upgrades_are_shown_with_the_attempts_that_started_them():
    (started, retried) = call_violations(CONTRACT, call(exchange("", *LOST), exchange()), 2)
    assert started.got == (
        "2 upgrades, by attempt 1 (no clientToken, answer_lost_after_start, no answer) "
        "and attempt 2 (no clientToken, answered 200)"
    )
    assert retried.rule.id == "idempotency.retry_token"


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        (exchange("", *LOST), exchange("", None, ACTIVATING), "retry_token"),
        (exchange("", "half_body"), exchange("?clientToken=t"), "retry_token"),
        (exchange("", "bad_gateway_html", HttpResponse(502)), exchange(), "retry_token"),
        (exchange("", "throttled_429", THROTTLED), exchange(), None),
        (exchange("", "redirect_307", HttpResponse(307)), exchange(), None),
        (exchange("", "throttled_429", THROTTLED), exchange("?clientToken=t"), None),
        (exchange("?clientToken=t", "throttled_429", THROTTLED), exchange("?clientToken=u"), "token_kept"),
        (exchange("?clientToken=t", "throttled_429", THROTTLED), exchange(), "token_kept"),
        (exchange("?clientToken=t", *LOST), exchange("?clientToken=t"), None),
    ],
)
def test_what_may_have_been_acted_on_is_repeated_under_its_token_only(first, second, found):
    rules = {rule for rule, where in broken(call(first, second), 1) if where == "attempt 2"}
    kept = {"idempotency.retry_token", "idempotency.token_kept"}
    assert rules & kept == ({f"idempotency.{found}"} if found else set())


def test_a_token_of_the_callers_is_kept_in_every_attempt():
    asked = UpgradeRequest("es-cn-a", client_token="t")
    first = exchange("?clientToken=t", "throttled_429", THROTTLED)
    found = broken(call(first, exchange("?clientToken=u"), asked=asked), 1)
    assert ("idempotency.retry_token", "attempt 2") in found


@pytest.mark.parametrize(
    ("again", "where"),
    [
        (exchange("?clientToken=t&dryRun=false&nonce=2"), None),
        (exchange("?clientToken=t", body=b"{}"), "body"),
        (exchange("?clientToken=t", body=b"{"), "body"),
        (exchange("?clientToken=t&dryRun=maybe"), "query"),
        (exchange("?clientToken=t", method="PUT"), "method"),
    ],
)
def test_attempts_differ_in_what_must_differ_alone(again, where):
    found = broken(call(exchange("?clientToken=t&nonce=1", *LOST), again), 1)
    assert found == ([("idempotency.same_request", f"attempt 2: {where}")] if where else [])


@pytest.mark.parametrize(
    ("exchanges", "error", "found"),
    [
        ([exchange("", *LOST)], {"code": "ConnectionFailed"}, []),
        ([exchange("", *LOST)], {"http_status": 200}, []),
        ([exchange("", *LOST)], {"code": "InstanceActivating"}, [("idempotency.certain", "error.code")]),
        ([exchange("", *LOST)], {"http_status": 503}, [("idempotency.certain", "error.http_status")]),
        ([exchange("", "bad_gateway_html", HttpResponse(502))], {"http_status": 502}, []),
        (
            [exchange("?clientToken=t", *LOST), exchange("?clientToken=t", None, ACTIVATING)],
            {"code": "InstanceActivating", "http_status": 400},
            [("idempotency.certain", "error.code")],
        ),
        (
            [exchange("?clientToken=t", *LOST), exchange("?clientToken=t", "throttled_429", THROTTLED)],
            {"code": "Throttling.User"},
            [("idempotency.last_answer", "error.code")],
        ),
        (
            [exchange("?clientToken=t", "throttled_429", THROTTLED), exchange("?clientToken=t", *LOST)],
            {"code": "Throttling.User"},
            [],
        ),
    ],
)
def test_certain_is_what_no_answer_said_or_a_later_one(exchanges, error, found):
    assert broken(call(*exchanges, **error), 1) == found
    assert broken(call(*exchanges, **error), 0) == []


@pytest.mark.parametrize(
    ("exchanges", "started", "found"),
    [
        ([exchange()], 1, []),
        ([exchange("", "throttled_429", THROTTLED)], 0, ["idempotency.success_without_start"]),
        ([], 0, ["idempotency.success_without_start"]),
        ([exchange("", *LOST)], 1, ["error.no_answer_as_success"]),
        ([exchange("", "half_body")], 1, ["error.no_answer_as_success"]),
        ([exchange("", "bad_gateway_html", HttpResponse(502))], 1, ["error.as_success"]),
        ([exchange("", "gzip")], 1, []),
    ],
)
def test_a_success_is_one_that_was_answered(exchanges, started, found):
    assert [rule for rule, _ in broken(call(*exchanges), started)] == found


def test_a_dry_run_may_be_repeated_without_a_token_and_starts_nothing_to_be_told_of():
    asked = UpgradeRequest("es-cn-a", "6.7", "engineVersion", dry_run=True)
    lost, again = exchange("?dryRun=true", *LOST), exchange("?dryRun=true")
    assert broken(call(lost, again, asked=asked), 0) == []
    assert broken(call(lost, asked=asked), 0) == [("error.no_answer_as_success", "call")]
