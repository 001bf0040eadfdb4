"""The table of what the page leaves open, `contracts/choices.json`, as the service reads it.

Every row is this kit's choice and nobody else's: no client is judged by it. `answer` is what the service
answers, `value` what it goes by; the other members say to people what is decided, and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ..contract import Contract
from ..messages import HttpResponse
from ..samples import error_response


def choice_value(contract: Contract, name: str) -> Any:
    """What the service goes by in that row."""
    return _row(contract, name)["value"]


def choice_answer(contract: Contract, name: str, request_id: str, detail: str = "") -> HttpResponse:
    """The answer of that row; `detail` is added to its message."""
    answer: Mapping[str, Any] = _row(contract, name)["answer"]
    message = f"{answer['message']} {detail}" if detail else answer["message"]
    return error_response(answer["status"], answer["code"], message, request_id)


@lru_cache(maxsize=64)
def _row(contract: Contract, name: str) -> Mapping[str, Any]:
    row: Mapping[str, Any] = contract.documents["choices.json"][name]
    return row
