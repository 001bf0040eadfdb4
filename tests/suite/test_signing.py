"""Signatures where they are looked at: who does not sign is asked once, and a service that checks lets the right in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from judging import CASES, CONTRACT, judged, of_family

from pytest_es_upgrade.messages import Endpoint, UpgradeRequest
from pytest_es_upgrade.standin import StandIn
from tests.clients.plain import PlainClient, UpgradeError
from tests.clients.right import RoaAsSdksDo, RoaSigning, Signing, SigningEverything
from tests.clients.right_retrying import Thorough
from tests.clients.wrong_signing import KeyInTheCode, NoNonce, SignsBeforeEncoding, SignsWithRsa, VersionOfTheEngine

OTHERS = [case for case in of_family("signature") if case.id != "signature.present"]
ASKED = UpgradeRequest("es-cn-a", "6.7", "engineVersion", client_token="a&b", dry_run=False)


@pytest.mark.parametrize(
    ("factory", "why"),
    [
        (PlainClient, "the client does not sign; tried: "),
        (SignsWithRsa, "the client signs with ACS3-RSA-SHA256, which is not verified here; tried: "),
    ],
)
def test_what_is_not_signed_is_not_judged(factory: Callable[[Endpoint], Any], why: str) -> None:
    for case in OTHERS:
        judgement = judged(factory, case)
        assert judgement.violations == ()
        assert str(judgement.not_testable).startswith(why), case.id


@pytest.mark.parametrize("factory", [RoaSigning, Signing, SigningEverything, Thorough])
def test_of_who_signs_everything_is_judged_but_what_it_does_not_do(factory: Callable[[Endpoint], Any]) -> None:
    open_ones = [case.id for case in of_family("signature") if judged(factory, case).not_testable]
    attempts = ["signature.attempts.right", "signature.attempts.nonce"]
    assert open_ones == ([] if factory is Thorough else attempts)


def test_without_a_nonce_none_can_be_used_twice() -> None:
    """The older scheme asks for none; the newer one does, and a rule of its own says so."""
    for factory in (RoaAsSdksDo, NoNonce):
        reason = judged(factory, CASES["signature.nonce_new.equal_calls"]).not_testable
        assert str(reason).startswith("the client sends no nonce; tried: ")


class RepeatsOnce(Thorough):
    """Has a budget for all its clients."""

    spent: ClassVar[list[int]] = []

    def may_repeat(self, asked: UpgradeRequest, answer: Any) -> bool:
        may = super().may_repeat(asked, answer) and not self.spent
        self.spent.append(1)
        return may


def test_a_repetition_that_did_not_come_again_is_not_judged() -> None:
    reason = judged(RepeatsOnce, CASES["signature.attempts.right"]).not_testable
    assert str(reason).startswith("the client repeated a call once, and did not when it was asked again; tried: ")


# --- a service that checks --------------------------------------------------------------------------


@pytest.mark.parametrize("factory", [RoaAsSdksDo, RoaSigning, Signing, SigningEverything, Thorough, NoNonce])
def test_who_signs_right_is_let_in(factory: Callable[[Endpoint], Any]) -> None:
    with StandIn(CONTRACT) as stand_in:
        stand_in.check_signatures()
        assert factory(stand_in.endpoint)(ASKED)["Result"]
        assert stand_in.upgrades_started == 1


@pytest.mark.parametrize(
    ("factory", "status", "code"),
    [
        (PlainClient, 403, "MissingSignature"),
        (KeyInTheCode, 404, "InvalidAccessKeyId.NotFound"),
        (SignsBeforeEncoding, 403, "SignatureDoesNotMatch"),
        (SignsWithRsa, 403, "SignatureDoesNotMatch"),
    ],
)
def test_who_does_not_sign_right_is_refused_and_starts_nothing(
    factory: Callable[[Endpoint], Any], status: int, code: str
) -> None:
    with StandIn(CONTRACT) as stand_in:
        stand_in.check_signatures()
        with pytest.raises(UpgradeError) as raised:
            factory(stand_in.endpoint)(ASKED)
        assert (raised.value.http_status, raised.value.code) == (status, code)
        assert stand_in.upgrades_started == 0


@pytest.mark.parametrize("factory", [PlainClient, KeyInTheCode, SignsBeforeEncoding, VersionOfTheEngine])
def test_everybody_is_let_in_unless_the_service_is_told_to_check(factory: Callable[[Endpoint], Any]) -> None:
    with StandIn(CONTRACT) as stand_in:
        assert factory(stand_in.endpoint)(ASKED)["Result"]
