"""How large the reports of 300 cases of 8 clients are, and how much processor time making them takes.

Run: python benchmarks/report.py [rounds]. The very first time has the imports and the template's compilation in it.
Exits with 1 where the HTML is over 2 MB, or takes more than 500 ms otherwise.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "reports"))

from documents import many  # noqa: E402 - where it is, is said above

from pytest_es_upgrade.report import WRITERS  # noqa: E402 - as above

#: What is tried: of how many cases one did not pass.
FAILING = (30, 3, 1)
MOST_BYTES, MOST_MS = 2_000_000, 500


def timed(make: Callable[[Any], str], document: Any) -> tuple[str, float]:
    """What is made, and in how many milliseconds of this processor."""
    begun = time.process_time()
    text = make(document)
    return text, (time.process_time() - begun) * 1000


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    good = True
    print(f"{'report':8} {'did not pass':>12} {'KB':>7} {'first ms':>9} {'ms':>6}")
    for failing in FAILING:
        document = many(300, 8, failing)
        for suffix, make in WRITERS.items():
            text, first = timed(make, document)
            median = statistics.median(timed(make, document)[1] for _ in range(rounds))
            size = len(text.encode())
            print(f"{suffix:8} {f'1 of {failing}':>12} {size / 1000:7.0f} {first:9.0f} {median:6.0f}")
            good &= suffix != ".html" or (size <= MOST_BYTES and median <= MOST_MS)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
