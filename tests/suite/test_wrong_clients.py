"""Every wrong client is found out by the rule that it breaks, and the right one that it is made of is not."""

from __future__ import annotations

import pytest
from judging import CASES, CONTRACT, judged, of_family

from pytest_es_upgrade.suite import Case, Judgement
from tests.clients.wrong import WRONG, Wrong

#: Rules that no wrong client here breaks: rule → why.
WITHOUT = {
    "request.client_token.type": "what travels in a query is text, whatever its type was before",
    "request.instance_id.type": "what travels in a path is text, whatever its type was before",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_client_is_found_out_by_its_rule(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A case sees the mistake, at the level of the rule, and not in the right client beside it."""
    wrong = WRONG[name]
    if wrong.breaks == "client.hangs":
        monkeypatch.setattr("pytest_es_upgrade.plugin.stage.AFTER_ANSWER", 1.0)
    for case in _questions(wrong):
        levels = _levels(judged(wrong.factory, case), wrong.breaks)
        if levels:
            assert levels == {wrong.level}
            assert not _levels(judged(wrong.right, case), wrong.breaks)
            return
    pytest.fail(f"{name} breaks {wrong.breaks}, and {wrong.case or f'no case of family {wrong.family}'} did not see it")


def _questions(wrong: Wrong) -> list[Case]:
    """The case that has to see it; where none is named, those of its family that ask for its rule."""
    if wrong.case is not None:
        return [CASES[wrong.case]]
    return [case for case in of_family(wrong.family) if wrong.breaks in case.rules]


def _levels(judgement: Judgement, rule: str) -> set[str]:
    """At which levels a client was accused by that rule; empty where it was not."""
    return {violation.rule.level for violation in judgement.violations if violation.rule.id == rule}


def test_every_named_case_is_one_of_the_clients_family() -> None:
    """A case that was given another id is to be named anew."""
    named = {name: wrong for name, wrong in WRONG.items() if wrong.case is not None}
    assert not [name for name, wrong in named.items() if wrong.case not in CASES]
    assert not [name for name, wrong in named.items() if CASES[str(wrong.case)].family != wrong.family]


def test_every_rule_that_a_client_can_break_is_broken_by_one() -> None:
    """A rule that nobody ever broke is a rule that nobody knows to work."""
    own = ("idempotency.", "dry_run.", "isolation.", "transport.", "signature.")
    prefixes = ("request.", "sent.", "answer.", "error.", "client.", *own)
    rules = {rule for rule in CONTRACT.rules if rule.startswith(prefixes)}
    assert rules - {wrong.breaks for wrong in WRONG.values()} == set(WITHOUT)


def test_every_wrong_client_says_its_mistake() -> None:
    """The docstring is what a reader learns from the table."""
    assert not [name for name, wrong in WRONG.items() if not wrong.factory.__doc__]
