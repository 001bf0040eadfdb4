"""Imports `tests.clients`, whatever pytest was started with.

By that name, and not as `clients`: the plugin's tests have modules of that name within this process.
The root of the repository is on `sys.path` for this one import: left there, the metadata that a build
leaves in it would be a second installation of the plugin in the eyes of pytest runs within this one.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(Path(__file__).parents[2])
    for module in ("right", "right_inputs", "right_retrying", "wrong"):
        import_module(f"tests.clients.{module}")
