"""What a case cannot decide is not testable and never passed; what a client may refuse is not held against it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from judging import CASES, judged

from pytest_es_upgrade.messages import Endpoint, UpgradeRequest
from tests.clients.right import RequestsSession


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


@pytest.mark.parametrize("status", [201, 202])
def test_another_success_than_200_may_be_refused(status: int) -> None:
    assert judged(only_200, CASES[f"response.status_{status}"]).violations == ()
