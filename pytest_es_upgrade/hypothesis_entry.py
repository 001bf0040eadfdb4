"""What Hypothesis calls when it is imported (entry point `hypothesis`): `st.from_type(UpgradeRequest)` works.

Whoever imports Hypothesis pays for this module, so the strategy is made on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from .messages import UpgradeRequest


def register() -> None:
    """Tell Hypothesis what an `UpgradeRequest` is made of; doing it twice does nothing."""
    from hypothesis import strategies as st

    from .messages import UpgradeRequest

    st.register_type_strategy(UpgradeRequest, _requests)


def _requests(_type: type[UpgradeRequest]) -> SearchStrategy[UpgradeRequest]:
    from .strategies import valid_requests

    return valid_requests()
