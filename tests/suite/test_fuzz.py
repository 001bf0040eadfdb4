"""The family `fuzz` on right clients and on wrong ones: nobody is accused for nothing, and what is found is simple."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings
from judging import CASES, judged, of_family

from pytest_es_upgrade.messages import Endpoint, UpgradeRequest, Violation
from pytest_es_upgrade.stage import Generation
from tests.clients.plain import PlainClient
from tests.clients.right import RIGHT
from tests.clients.wrong import WRONG


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> Iterator[None]:
    """What one client failed by is not what another one is asked first."""
    before = settings.get_current_profile_name()
    settings.register_profile("nothing kept", database=None)
    settings.load_profile("nothing kept")
    yield
    settings.load_profile(before)


def generation(examples: int, seed: str = "tests") -> Generation:
    """Fails at level must, as the suite does by default."""
    return Generation(examples, 300, 60.0, seed, b"", _is_must)


def _is_must(violation: Violation) -> bool:
    return violation.rule.level == "must"


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_client_is_accused_of_nothing(name: str) -> None:
    """As few examples as `quick` has; the profiles with more are for whoever changes a strategy."""
    found = []
    for case in of_family("fuzz"):
        judgement = judged(RIGHT[name], case, generation(30))
        broken = [violation for violation in judgement.violations if violation.rule.level == "must"]
        found += [f"{case.id}: {violation}" for violation in broken]
        found += [f"{case.id}: {said}" for said in (judgement.not_testable, judgement.flaky) if said is not None]
    assert not found, "\n".join(found)


def test_the_plain_client_breaks_no_rule_at_all_but_those_about_documents_it_reads_past() -> None:
    """It reads a check without a status for what it is, which is worth a `should`."""
    rules = {
        violation.rule.id
        for case in of_family("fuzz")
        for violation in judged(PlainClient, case, generation(100)).violations
    }
    assert rules <= {"error.undocumented_success"}


#: Wrong client → the case that finds it, and the simplest example as its code has it.
SIMPLEST = {
    "RepeatsHalfAnswers": (
        "fuzz.stateful",
        """
    es_upgrade_server.fail_with('half_body')
    assert es_upgrade_client.check(UpgradeRequest(instance_id='es-cn-first', version='6.7')) == []
""",
    ),
    "RepeatsBadGateways": (
        "fuzz.stateful",
        """
    es_upgrade_server.fail_with('bad_gateway_html')
    assert es_upgrade_client.check(UpgradeRequest(instance_id='es-cn-first', version='6.7')) == []
""",
    ),
    "DryRunLostOnARedirect": (
        "fuzz.stateful",
        """
    es_upgrade_server.fail_with('redirect_307')
    assert es_upgrade_client.check(UpgradeRequest(instance_id='es-cn-first', version='6.7', dry_run=True)) == []
""",
    ),
}


@pytest.mark.parametrize("name", SIMPLEST)
def test_a_script_is_shrunk_to_what_a_person_would_write(name: str) -> None:
    case, code = SIMPLEST[name]
    judgement = judged(WRONG[name].factory, CASES[case], generation(400))
    assert judgement.example is not None
    assert code.strip() in judgement.example
    assert judgement.example.count("es_upgrade_client.check(") == 1


def test_a_token_that_two_calls_share_is_found_in_a_script() -> None:
    judgement = judged(WRONG["TokenOfTheClient"].factory, CASES["fuzz.stateful"], generation(400))
    assert "idempotency.token_unique" in {violation.rule.id for violation in judgement.violations}


def test_where_most_examples_reach_nothing_nothing_is_decided() -> None:
    def refusing(_endpoint: Endpoint) -> Callable[[UpgradeRequest], None]:
        def call(_asked: UpgradeRequest) -> None:
            raise ValueError("not today")

        return call

    judgement = judged(refusing, CASES["fuzz.response.success"], generation(10))
    assert judgement.violations == ()
    assert re.match(r"\d+ of \d+ examples could not be decided: ", judgement.not_testable or "")
