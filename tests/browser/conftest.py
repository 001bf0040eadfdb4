"""One browser for all tests of a module."""

from __future__ import annotations

import pytest
from browser import chromium


# Not of the session: as long as it is open, its event loop counts as running in this thread, and no other can run.
@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened
