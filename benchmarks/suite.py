"""How long a whole run of the suite takes: the process, over a bare pytest start of the same environment.

Run: python benchmarks/suite.py [rounds]. Clients are those of tests/clients/right.py.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = ("RequestsSession", "HttpClient", "urllib_request", "raw_socket", "aiohttp_session")


def run(*options: str) -> float:
    """Seconds of one whole pytest process in an empty project."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pytest.ini").write_text("[pytest]\n")
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
            cwd=folder,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
        seconds = time.perf_counter() - begun
    if done.returncode != (pytest.ExitCode.OK if options else pytest.ExitCode.NO_TESTS_COLLECTED):
        sys.exit(done.stdout + done.stderr)  # a run that did not do its work is no measurement
    return seconds


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    suites = {name: ["--es-upgrade", f"--es-upgrade-client=tests.clients.right:{name}"] for name in CLIENTS}
    rows: dict[str, list[float]] = {name: [] for name in ("bare pytest", *suites)}
    for _ in range(rounds):
        rows["bare pytest"].append(run())
        for name, options in suites.items():
            rows[name].append(run(*options))
    bare = statistics.median(rows["bare pytest"])
    for name, seconds in rows.items():
        median = statistics.median(seconds)
        print(f"{name:20} {median:6.2f} s   x {median / bare:.1f}")


if __name__ == "__main__":
    main()
