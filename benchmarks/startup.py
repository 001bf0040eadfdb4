"""What the plugin costs a session that does not ask for it: pytest with it over the same with `-p no:es_upgrade`.

Run: python benchmarks/startup.py [pairs]. Prints the median of the ratios of interleaved pairs, and what is imported.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def run(folder: Path, *options: str) -> float:
    """Seconds of one whole pytest process over a project of one test."""
    # with bytecode off, pytest compiles its plugins anew at each start, and that is what would be measured
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - begun


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 21
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n")
        (folder / "test_one.py").write_text("def test_one():\n    pass\n")
        run(folder)
        run(folder, "-p", "no:es_upgrade")
        ratios, control, bare = [], [], []
        for _ in range(pairs):
            without = run(folder, "-p", "no:es_upgrade")
            ratios.append(run(folder) / without)
            control.append(run(folder, "-p", "no:es_upgrade") / without)
            bare.append(without)
    print(f"pytest without the plugin: {statistics.median(bare) * 1000:.0f} ms (median of {pairs})")
    print(f"with the plugin, not asked for: x {statistics.median(ratios):.3f}")
    print(f"without it again (control):     x {statistics.median(control):.3f}")


if __name__ == "__main__":
    main()
