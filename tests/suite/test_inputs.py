"""The family `input` as a whole: its ids, its questions, and that a refusal counts only beside a valid twin."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from judging import CASES, CONTRACT, judged, of_family

from pytest_es_upgrade.contract import Contract
from pytest_es_upgrade.messages import Endpoint, UpgradeRequest
from pytest_es_upgrade.suite import cases
from pytest_es_upgrade.values import AWKWARD_IDS, AWKWARD_TOKENS, invalid_values
from tests.clients.plain import Answer, PlainClient, UpgradeError
from tests.clients.wrong_inputs import CutsLongTokens, TrueAlone

ID = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")


def test_ids_are_lower_case_dotted_and_unique() -> None:
    assert len(CASES) == len(cases(CONTRACT))
    assert not [case.id for case in of_family("input") if not ID.fullmatch(case.id)]


def test_every_rule_that_a_value_can_break_is_asked_for_by_every_value() -> None:
    asked = [case.id for case in of_family("input")]
    for rule, rows in invalid_values(CONTRACT).items():
        prefix = f"input.{rule.removeprefix('request.')}."
        assert len([id_ for id_ in asked if id_.startswith(prefix)]) == len(rows)
    assert len([id_ for id_ in asked if id_.startswith("input.pairing.")]) == len(CONTRACT.mismatched_targets)
    assert {f"input.awkward_id.{name}" for name in AWKWARD_IDS} <= set(asked)
    assert {f"input.awkward_token.{name}" for name in AWKWARD_TOKENS} <= set(asked)


def test_ids_follow_the_contract() -> None:
    documents = CONTRACT.altered_documents()
    documents["request.schema.json"]["$defs"]["version"]["then"]["enum"] = ["6.7", "ali1.2.0", "6.7.0"]
    asked = [case.id for case in cases(Contract(documents))]
    assert "input.version.value.6_7_three_numbers" not in asked
    assert "input.version.value.6_7_0_three_numbers" in asked


#: A case of each kind.
ONE_OF_EACH = [
    "input.version.value.6_7_three_numbers",
    "input.client_token.length.one_more",
    "input.dry_run.type.text_false",
    "input.instance_id.required.empty",
    "input.pairing.6_7_ali_version",
    "input.awkward_id.encoded_slash",
    "input.awkward_id.other_host",
    "input.awkward_token.header",
]


def refuses_all(endpoint: Endpoint) -> Callable[[UpgradeRequest], Any]:
    """Nothing is good enough for it."""

    def call(request: UpgradeRequest) -> Any:
        raise ValueError("no")

    return call


class SendsNothing(PlainClient):
    """Tells a success, and sends nothing."""

    def __call__(self, asked: UpgradeRequest) -> Any:
        return {"RequestId": "x", "Result": []}


class Puts(PlainClient):
    """Is refused by the service whatever it is asked, and does not mind."""

    method = "PUT"

    def told(self, answer: Answer) -> Any:
        try:
            return super().told(answer)
        except UpgradeError:
            return {"RequestId": "x", "Result": []}


@pytest.mark.parametrize("id_", ONE_OF_EACH)
@pytest.mark.parametrize(
    ("factory", "reason"),
    [
        (refuses_all, "the valid twin was refused too: UpgradeRequest"),
        (SendsNothing, "the valid twin did not get through: .* put nothing on the wire"),
        (Puts, "the valid twin did not get through: .* was answered 405"),
    ],
)
def test_without_a_valid_twin_that_gets_through_nothing_is_decided(
    id_: str, factory: Callable[[Endpoint], Any], reason: str
) -> None:
    judgement = judged(factory, CASES[id_])
    assert judgement.violations == ()
    assert re.match(reason, judgement.not_testable or "")


class LowersTokens(PlainClient):
    """Is wrong about valid tokens as well as about others."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        return [(name, value.lower() if name == "clientToken" else value) for name, value in super().parameters(asked)]


def test_what_the_valid_twin_is_accused_of_is_not_told_again() -> None:
    """The token is altered in every call: families that ask for plausible ones tell it."""
    assert judged(LowersTokens, CASES["input.client_token.length.uuids"]).violations == ()


@pytest.mark.parametrize(
    ("factory", "case", "got", "expected"),
    [
        (CutsLongTokens, "input.client_token.length.one_more", repr("x" * 64), repr("x" * 65)),
        (TrueAlone, "input.dry_run.type.text_yes", "nothing", "'yes'"),
    ],
)
def test_an_accusation_says_which_value(factory: Callable[[Endpoint], Any], case: str, got: str, expected: str) -> None:
    (violation,) = judged(factory, CASES[case]).violations
    assert (violation.got, violation.expected) == (got, expected)
