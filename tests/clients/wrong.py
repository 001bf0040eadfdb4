"""Wrong clients: each is a right one with one change, a mistake that people really make.

The docstring says the mistake; the decorator says which rule it breaks, and in which family of cases
that has to be seen. `WRONG` is the table of them all, by name.
"""

from __future__ import annotations

from . import wrong_answers, wrong_errors, wrong_programs, wrong_requests
from .table import WRONG, Wrong

#: The modules that enter their clients into the table when they are imported.
MODULES = (wrong_requests, wrong_answers, wrong_errors, wrong_programs)

__all__ = ["MODULES", "WRONG", "Wrong"]
