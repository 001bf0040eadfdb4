"""Right clients, however different, are accused of nothing at level must, and every case can judge them."""

from __future__ import annotations

import pytest
from judging import FAMILIES, judged, of_family

from tests.clients.plain import PlainClient
from tests.clients.right import RIGHT


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_client_breaks_no_rule_of_level_must(name: str, family: str) -> None:
    """Beside that nothing is left undecided: a right client lets every question be put."""
    found = []
    for case in of_family(family):
        judgement = judged(RIGHT[name], case)
        broken = [violation for violation in judgement.violations if violation.rule.level == "must"]
        found += [f"{case.id}: {violation}" for violation in broken]
        if judgement.not_testable is not None:
            found.append(f"{case.id}: not testable: {judgement.not_testable}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_plain_client_breaks_no_rule_at_all(family: str) -> None:
    """So whatever a client that is made of it is accused of comes from its own change."""
    found = [
        f"{case.id}: {violation}" for case in of_family(family) for violation in judged(PlainClient, case).violations
    ]
    assert not found, "\n".join(found)
