"""Checks that stand in for those of the suite."""

from __future__ import annotations

from pytest_es_upgrade.contract import shipped_contract
from pytest_es_upgrade.suite.asking import plain_call


def made(stage):
    """A call that is answered at once."""
    stage.reply_with("all_passed")
    return stage.call(plain_call(stage.contract))


def fine(stage):
    made(stage)
    return ()


def breaking(rule, where="query.dryRun", got="nothing", expected="True"):
    """A check that finds that rule broken."""

    def check(stage):
        made(stage)
        yield shipped_contract().violation(rule, where, got, expected)

    return check
