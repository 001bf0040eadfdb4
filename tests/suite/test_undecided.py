"""What a case cannot decide is not testable and never passed; what a client may refuse is not held against it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from judging import CASES, PROVOKING, judged, of_family

from pytest_es_upgrade.messages import Endpoint, UpgradeRequest
from pytest_es_upgrade.stage import Generation
from tests.clients.plain import Answer, PlainClient
from tests.clients.right import RequestsSession
from tests.clients.right_retrying import Impatient


def never_sends(endpoint: Endpoint) -> Callable[[UpgradeRequest], Any]:
    """Refuses every call before the wire."""

    def call(request: UpgradeRequest) -> Any:
        raise PermissionError(f"upgrades of {request.instance_id} are not allowed here")

    return call


def only_200(endpoint: Endpoint) -> Callable[[UpgradeRequest], Any]:
    """Takes no other success than 200."""
    inner = RequestsSession(endpoint)
    seen: list[int] = []
    inner.session.hooks["response"].append(lambda answer, **_: seen.append(answer.status_code))

    def call(request: UpgradeRequest) -> Any:
        result = inner(request)
        if seen[-1] != 200:
            raise RuntimeError(f"unexpected status {seen[-1]}")
        return result

    return call


def lost_answers(endpoint: Endpoint) -> Callable[[UpgradeRequest], Any]:
    """Loses the content of every answer."""
    plain = PlainClient(endpoint)
    return lambda request: plain(request) and {}


_CALLED: set[str] = set()


def one_call(endpoint: Endpoint) -> Callable[[UpgradeRequest], Any]:
    """Remembers for ever where it called, and refuses to do it again."""
    plain = PlainClient(endpoint)

    def call(request: UpgradeRequest) -> Any:
        if endpoint.url in _CALLED:
            raise PermissionError("once is enough")
        _CALLED.add(endpoint.url)
        return plain(request)

    return call


@pytest.mark.parametrize("case", ["error.no_answer.reset", "error.no_answer.silence", "error.then_used_again"])
def test_without_a_call_nothing_is_decided(case: str) -> None:
    judgement = judged(never_sends, CASES[case])
    assert judgement.violations == ()
    assert judgement.not_testable


@pytest.mark.parametrize("case", ["error.documented.instance_not_found", "error.ok.empty", "request.id.real"])
def test_refusing_a_valid_call_is_wrong(case: str) -> None:
    assert {violation.rule.id for violation in judged(never_sends, CASES[case]).violations} == {"sent.call"}


def test_refusing_a_call_without_a_version_is_another_reading() -> None:
    found = judged(never_sends, CASES["request.given.nothing"]).violations
    assert {violation.rule.id for violation in found} == {"sent.call_without_version"}


@pytest.mark.parametrize("case", ["request.token.plus", "request.token.blank_inside", "request.id.masked"])
def test_a_masked_id_and_a_token_that_is_easily_mangled_may_be_refused(case: str) -> None:
    assert judged(never_sends, CASES[case]).violations == ()


def without_ca_file(endpoint: Endpoint) -> PlainClient:
    """Knows no authorities but the system's."""
    return PlainClient(replace(endpoint, ca_file=None))


@pytest.mark.parametrize("certificate", ["good", "untrusted", "expired", "wrong_name"])
@pytest.mark.parametrize("factory", [never_sends, without_ca_file])
def test_who_has_no_use_for_ca_file_is_not_accused_of_any_certificate(factory: Any, certificate: str) -> None:
    judgement = judged(factory, CASES[f"transport.tls.{certificate}"])
    assert judgement.violations == ()
    assert "no use for an https endpoint with ca_file" in str(judgement.not_testable)


def test_whose_answers_are_lost_can_still_be_told_of_a_wrong_certificate() -> None:
    """What becomes of the answer is another question: it sends under the good one, and nothing under the expired."""
    assert judged(lost_answers, CASES["transport.tls.expired"]).violations == ()
    assert judged(lost_answers, CASES["transport.tls.expired"]).not_testable is None
    assert judged(lost_answers, CASES["transport.tls.good"]).violations


@pytest.mark.parametrize(
    "case",
    [
        "transport.chunked.many",
        "transport.gzip",
        "transport.two_lengths.first_right",
        "transport.time.drip",
        "transport.connection.stray_answer",
        "transport.connection.close_announced",
        "transport.connection.kept",
        "transport.after.half_body",
    ],
)
def test_without_a_call_nothing_of_transport_is_decided(case: str) -> None:
    judgement = judged(never_sends, CASES[case])
    assert judgement.violations == ()
    assert judgement.not_testable


def test_who_makes_one_call_and_no_other_is_not_judged_by_a_second() -> None:
    judgement = judged(one_call, CASES["transport.chunked.many"])
    assert judgement.violations == ()
    assert "nothing was sent by the second of two equal calls" in str(judgement.not_testable)


@pytest.mark.parametrize("status", [201, 202])
def test_another_success_than_200_may_be_refused(status: int) -> None:
    assert judged(only_200, CASES[f"response.status_{status}"]).violations == ()


def returns_at_once(endpoint: Endpoint) -> Callable[[UpgradeRequest], Any]:
    """Reports every call as done, and sends nothing."""
    return lambda request: None


@pytest.mark.parametrize("family", PROVOKING)
@pytest.mark.parametrize("factory", [never_sends, returns_at_once])
def test_no_case_passes_of_which_nothing_was_seen(factory: Callable[[Endpoint], Any], family: str) -> None:
    """A client that was not seen to do a thing has not done it right."""
    for case in of_family(family):
        judgement = judged(factory, case)
        assert judgement.violations or "; tried: " in str(judgement.not_testable), case.id


def gives_up_when_asked_to_wait(endpoint: Endpoint) -> Callable[[UpgradeRequest], Any]:
    return Impatient(endpoint)


def test_whoever_gives_up_where_it_is_asked_to_wait_does_not_wait() -> None:
    reason = judged(gives_up_when_asked_to_wait, CASES["idempotency.retry_after.throttled_429.date"]).not_testable
    assert reason == "the client does not wait but gives up; tried: throttled_429 with Retry-After as date"


def test_an_answer_that_the_client_kept_for_its_token_is_as_good_as_the_services_own() -> None:
    def keeps_answers(endpoint: Endpoint) -> Callable[[UpgradeRequest], Any]:
        inner, kept = RequestsSession(endpoint), dict[str, Any]()

        def call(request: UpgradeRequest) -> Any:
            if request.client_token not in kept:
                kept[request.client_token] = inner(request)
            return kept[request.client_token]

        return call

    assert judged(keeps_answers, CASES["idempotency.token.given.called_again"]).violations == ()


def test_no_client_is_usable_where_a_fresh_one_is_not() -> None:
    """Whoever reports no success at all was not spoilt by what happened before."""

    def never_glad(endpoint: Endpoint) -> Callable[[UpgradeRequest], Any]:
        inner = RequestsSession(endpoint)

        def call(request: UpgradeRequest) -> Any:
            raise RuntimeError(inner(request)["RequestId"])

        return call

    reason = str(judged(never_glad, CASES["isolation.usable.after_close_early"]).not_testable)
    assert reason == "a fresh client gets no success through either; tried: a plain call after close_early"


class WaitsBeforeItRepeats(PlainClient):
    """A second attempt after a busy answer, but not at once."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        answer = super().answer(asked)
        if answer.status not in (429, 503):
            return answer
        threading.Event().wait(1.0)
        return super().answer(asked)


@pytest.mark.parametrize("case", ["error.status.429", "error.status.503", "idempotency.bounded.unavailable_503"])
def test_who_waits_before_another_attempt_is_not_said_to_hang(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_es_upgrade.plugin.stage.AFTER_ANSWER", 0.5)
    judgement = judged(WaitsBeforeItRepeats, CASES[case])
    assert judgement.violations == ()
    assert "may have been waiting to try again" in str(judgement.not_testable)


def test_a_search_ends_with_a_client_that_is_still_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_es_upgrade.plugin.stage.AFTER_ANSWER", 0.5)
    generation = Generation(60, 10, 60.0, "tests", b"still waiting", lambda _: True)
    judgement = judged(WaitsBeforeItRepeats, CASES["fuzz.response.error"], generation)
    assert judgement.violations == ()
    assert "may have been waiting to try again" in str(judgement.not_testable)


class EveryOtherCall(PlainClient):
    """Has a budget: of two calls that are lost one is tried again. What it sends then is wrong."""

    calls = 0

    def answer(self, asked: UpgradeRequest) -> Answer:
        EveryOtherCall.calls += 1
        try:
            return super().answer(asked)
        except ConnectionError:
            if EveryOtherCall.calls % 2:
                return super().answer(replace(asked, client_token=f"{asked.client_token}x"))
            raise


@pytest.mark.parametrize(
    "case", ["idempotency.token.given.every_attempt", "idempotency.attempts.later_error.forbidden"]
)
def test_a_call_that_was_not_repeated_says_nothing_of_one_that_is(case: str) -> None:
    """It was provoked by another call, and this one was not tried again."""
    EveryOtherCall.calls = 0
    judgement = judged(EveryOtherCall, CASES[case])
    assert "and not this one; tried: " in str(judgement.not_testable)


class LooksAfterwards(PlainClient):
    """A look at the instance after every upgrade, whatever it says."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        answer = super().answer(asked)
        head = f"GET /openapi/instances/es-cn-a HTTP/1.1\r\nHost: {self.endpoint.netloc}\r\nConnection: close\r\n\r\n"
        self.exchange((self.endpoint.host, self.endpoint.port), head.encode())
        return answer


@pytest.mark.parametrize("family", PROVOKING)
def test_an_extra_call_is_not_taken_for_the_call_itself(family: str) -> None:
    """It is worth a `should` in the family that asks for it."""
    found = {
        f"{case.id}: {violation}"
        for case in of_family(family)
        for violation in judged(LooksAfterwards, case).violations
        if violation.rule.level == "must"
    }
    assert found == set()


def test_who_insists_on_a_token_is_asked_with_one() -> None:
    class Insists(PlainClient):
        def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
            if asked.client_token is None:
                raise ValueError("client_token is needed")
            return super().parameters(asked)

    judgement = judged(Insists, CASES["idempotency.retry_after.throttled_429.seconds"])
    assert "tried: " in str(judgement.not_testable)
