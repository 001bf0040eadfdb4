"""The command `es-upgrade`. Its library, click, is an extra; without it the command says what to install."""

from __future__ import annotations

import sys
from importlib import import_module

from ..errors import MissingExtra

#: As pytest's own for wrong usage.
USAGE_ERROR = 4


def main() -> None:
    """Run the command with the process's arguments, and end with its exit code."""
    try:
        import_module("click")
    except ImportError:
        sys.stderr.write(f"{MissingExtra('es-upgrade', 'click', 'cli')}\n")
        raise SystemExit(USAGE_ERROR) from None
    from .commands import run

    raise SystemExit(run(sys.argv[1:]))
