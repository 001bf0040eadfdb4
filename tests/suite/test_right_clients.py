"""Right clients, however different, are accused of nothing at level must, and every case can judge them."""

from __future__ import annotations

import pytest
from judging import FAMILIES, PROVOKING, judged, of_family

from tests.clients.plain import PlainClient
from tests.clients.right import RIGHT
from tests.clients.right_retrying import RETRYING, Thorough


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_client_breaks_no_rule_of_level_must(name: str, family: str) -> None:
    """Beside that nothing is left undecided, but for what the client does not do, and was provoked to do."""
    found = []
    for case in of_family(family):
        judgement = judged(RIGHT[name], case)
        broken = [violation for violation in judgement.violations if violation.rule.level == "must"]
        found += [f"{case.id}: {violation}" for violation in broken]
        reason = judgement.not_testable
        if reason is not None and not (family in PROVOKING and "; tried: " in reason):
            found.append(f"{case.id}: not testable: {reason}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_plain_client_breaks_no_rule_but_that_it_does_not_sign(family: str) -> None:
    """So whatever a client that is made of it is accused of comes from its own change."""
    found = [
        f"{case.id}: {violation.rule.id} ({violation.rule.level})"
        for case in of_family(family)
        for violation in judged(PlainClient, case).violations
    ]
    assert found == (["signature.present: signature.absent (should)"] if family == "signature" else [])


@pytest.mark.parametrize("family", PROVOKING)
def test_a_client_that_does_everything_leaves_nothing_undecided(family: str) -> None:
    """So what is not testable elsewhere is so for what that client does not do."""
    found = [
        f"{case.id}: {judgement.not_testable or judgement.violations}"
        for case in of_family(family)
        for judgement in [judged(Thorough, case)]
        if judgement.not_testable or judgement.violations
    ]
    assert not found, "\n".join(found)


def test_there_are_clients_that_repeat_in_many_ways() -> None:
    assert len(RETRYING) > 20
    assert set(RETRYING) <= RIGHT.keys()
