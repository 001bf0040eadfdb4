"""Judging a client by one case as the plugin does, without a pytest run around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_es_upgrade.client.factory import FactoryClient
from pytest_es_upgrade.contract import shipped_contract
from pytest_es_upgrade.messages import Endpoint
from pytest_es_upgrade.plugin.stage import UNASKED, LiveStage
from pytest_es_upgrade.stage import Generation
from pytest_es_upgrade.standin import StandIn
from pytest_es_upgrade.suite import Case, Judgement, cases, judge

CONTRACT = shipped_contract()
CASES = {case.id: case for case in cases(CONTRACT)}
#: The families that the clients here are made for.
FAMILIES = ("request", "response", "error", "input", "idempotency", "dry_run", "isolation", "transport", "signature")
#: Families whose questions are about what a client need not do: not testable where it does not, with what was tried.
PROVOKING = ("idempotency", "dry_run", "isolation", "signature")


def of_family(family: str) -> list[Case]:
    """The cases of a family, in their order."""
    return [case for case in CASES.values() if case.family == family]


def judged(factory: Callable[[Endpoint], Any], case: Case, generation: Generation = UNASKED) -> Judgement:
    """What a case finds of a client, on a service of its own."""
    client = FactoryClient("client", f"tests.clients:{factory.__name__}", factory)
    with (
        StandIn(CONTRACT, case.timeout, certificate=case.certificate) as stand_in,
        LiveStage(CONTRACT, client, stand_in, case.bound, generation) as stage,
    ):
        return judge(case, stage)
