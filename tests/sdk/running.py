"""Running the suite against an SDK, in a process of its own, as its maintainer does."""

from __future__ import annotations

import json
import subprocess
import sys

from needs import ROOT, environment_of_a_user

KNOWN = ROOT / "examples" / "known"
#: Where `make test` lays the generations that exclude the newest, each in a folder of its own.
GENERATIONS = ROOT / ".venv" / "sdk"


def run_suite(folder, *options, known, generation=None, measured=False):
    """The finished process; its report is report.json in that folder. `measured`: coverage of it is."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    environment = environment_of_a_user(measured=measured)
    if generation:
        environment["PYTHONPATH"] = str(GENERATIONS / generation)
    suite = ["--es-upgrade", "--es-upgrade-level=should", f"--es-upgrade-known={known}"]
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *suite, "--es-upgrade-report=report.json"]
    return subprocess.run([*words, *options], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def cases_of(folder):
    """The cases of the report's only client, by id."""
    (client,) = json.loads((folder / "report.json").read_text(encoding="utf-8"))["clients"]
    return {case["id"]: case for case in client["cases"]}
