"""A pytest plugin and contract-testing kit for clients of Alibaba Cloud Elasticsearch UpgradeEngineVersion.

Everything here is imported on first use: pytest loads this package in every session of everybody
who has it installed, and must not pay for what it does not ask for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .contract import Contract, shipped_contract
    from .messages import (
        Endpoint,
        ErrorInfo,
        Exchange,
        HttpRequest,
        HttpResponse,
        Outcome,
        Rule,
        ServiceEvent,
        UpgradeRequest,
        Violation,
    )
    from .rules import check_request, check_response

#: The one place that has it: the build reads it here.
__version__ = "0.1.0"

__all__ = [
    "Contract",
    "Endpoint",
    "ErrorInfo",
    "Exchange",
    "HttpRequest",
    "HttpResponse",
    "Outcome",
    "Rule",
    "ServiceEvent",
    "UpgradeRequest",
    "Violation",
    "check_request",
    "check_response",
    "shipped_contract",
]

_HOMES = dict.fromkeys(__all__, "messages") | {
    "Contract": "contract",
    "shipped_contract": "contract",
    "check_request": "rules",
    "check_response": "rules",
}

if not TYPE_CHECKING:  # a type checker that saw it would accept every misspelt name

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
