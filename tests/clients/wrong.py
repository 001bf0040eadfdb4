"""Wrong clients: each is a right one with one change, a mistake that people really make.

The docstring says the mistake; the decorator says which rule it breaks, and in which family of cases
that has to be seen. `WRONG` is the table of them all, by name.
"""

from __future__ import annotations

from . import (
    wrong_answers,
    wrong_dry_run,
    wrong_errors,
    wrong_inputs,
    wrong_isolation,
    wrong_programs,
    wrong_requests,
    wrong_retrying,
    wrong_signing,
    wrong_transport,
)
from .table import WRONG, Wrong

#: The modules that enter their clients into the table when they are imported.
MODULES = (
    wrong_requests,
    wrong_answers,
    wrong_errors,
    wrong_inputs,
    wrong_programs,
    wrong_retrying,
    wrong_signing,
    wrong_dry_run,
    wrong_isolation,
    wrong_transport,
)

__all__ = ["MODULES", "WRONG", "Wrong"]
