"""What `make demo` runs: the suite against Alibaba Cloud's own Python SDK, on the embedded service.

At level `should`, so that every deviation is shown with the sentence that it breaks. Deviations are
what is to be expected: the demo fails only where there was no verdict.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REPORT = ROOT / "report"

#: pytest's exit code where a verdict was reached, and something deviates
DEVIATES = 1

SUITE = [
    *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--es-upgrade"),
    "--es-upgrade-client=official-python=pytest_es_upgrade.adapters.alibabacloud:client",
    "--es-upgrade-level=should",
    *(f"--es-upgrade-report={REPORT / name}" for name in ("demo.html", "demo.json", "demo.md")),
]


def main() -> int:
    """Exit code 0 when the run reached a verdict."""
    REPORT.mkdir(exist_ok=True)
    code = subprocess.run(SUITE, cwd=HERE, check=False).returncode
    known = "examples/known/alibabacloud-5.yaml"
    print("\nEach failure above is a deviation of the SDK from the page, with the sentence that it breaks.")
    print(f"The same in CI, where these are known and only a new one fails: --es-upgrade-known={known}")
    return 0 if code == DEVIATES else 1


if __name__ == "__main__":
    sys.exit(main())
