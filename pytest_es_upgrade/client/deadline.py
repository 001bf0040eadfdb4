"""How long a call may take, as every client is told it: the seconds that are left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..stage import Deadline


def within(seconds: float) -> Deadline:
    """A deadline so many seconds from now."""
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()
