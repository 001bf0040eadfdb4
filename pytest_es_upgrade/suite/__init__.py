"""The conformance suite: cases as data, and the test function that runs them in one's own module.

`from pytest_es_upgrade.suite import test_es_upgrade_contract` is all that such a module needs.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from ..contract import Contract
from .ambient import AMBIENT_RULES
from .case import Case, Judgement, judge
from .dry_run_cases import dry_run_cases
from .error_cases import error_cases
from .fuzz_cases import fuzz_cases
from .idempotency_cases import idempotency_cases
from .input_cases import input_cases
from .isolation_cases import isolation_cases
from .request_cases import request_cases
from .response_cases import response_cases
from .signature_cases import signature_cases
from .transport_cases import transport_cases

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["AMBIENT_RULES", "Case", "Judgement", "cases", "judge", "test_es_upgrade_contract"]


@lru_cache(maxsize=4)
def cases(contract: Contract) -> tuple[Case, ...]:
    """All cases, in the order of the families; their calls and answers are made from the contract."""
    families = (
        request_cases,
        response_cases,
        error_cases,
        input_cases,
        idempotency_cases,
        dry_run_cases,
        isolation_cases,
        transport_cases,
        signature_cases,
        fuzz_cases,
    )
    return tuple(case for family in families for case in family(contract))


def test_es_upgrade_contract(es_upgrade_case: Callable[[], None]) -> None:
    """One case of the UpgradeEngineVersion contract, for one client."""
    es_upgrade_case()
