"""What a test may need and a machine may lack: one table for all tests.

`@pytest.mark.needs("node", "@alicloud/pop-core")` names programs of the table, modules of Python, or packages of npm.
Where one is lacking the test is skipped, and the end of the run says for want of what, and how many; where the
environment has `NOTHING_MAY_LACK=1`, as in `.ci/run`, it fails.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
#: Where `make test` puts packages of npm.
MODULES = ROOT / ".venv" / "node" / "node_modules"
STRICT = "NOTHING_MAY_LACK"


class Tool(NamedTuple):
    """Programs of which one has to be there for each row, and what to install on Debian."""

    programs: tuple[tuple[str, ...], ...]
    debian: str


TOOLS: Mapping[str, Tool] = {
    "sh": Tool((("sh",),), "dash"),
    "curl": Tool((("curl",),), "curl"),
    "jq": Tool((("jq",),), "jq"),
    "node": Tool((("node", "nodejs"),), "nodejs npm"),
    "java": Tool((("java",), ("javac",)), "default-jdk-headless"),  # without a compiler it runs no source file
    "chromium": Tool((("chromium", "chromium-browser", "google-chrome", "chrome"),), "chromium"),
}


#: Module → the group of dependencies that brings it.
PYTHON: Mapping[str, str] = {"playwright": "browser", "axe_playwright_python": "browser", "properdocs": "docs"}


def path_of(tool: str) -> str | None:
    """The program's path, None where it is lacking; of several programs that of the first."""
    found = [next(filter(None, map(shutil.which, names)), None) for names in TOOLS[tool].programs]
    return found[0] if all(found) else None


def lacking(needed: Iterable[str]) -> list[str]:
    """Those that are not there, of programs, modules and npm packages."""
    return [name for name in needed if not _is_there(name)]


def _is_there(name: str) -> bool:
    if name in TOOLS:
        return path_of(name) is not None
    return find_spec(name) is not None if name in PYTHON else (MODULES / name).is_dir()


def how_to_get(name: str) -> str:
    """What to do about one that is lacking."""
    if name in TOOLS:
        return f"apt-get install {TOOLS[name].debian}"
    return f"pip install --group {PYTHON[name]}" if name in PYTHON else "npm, by make test"


def paragraph(left_out: Iterable[Iterable[str]]) -> str:
    """What was left out, in words; empty where nothing was. One row for each test: what it lacked."""
    rows = [tuple(names) for names in left_out]
    counts = Counter(name for names in rows for name in names)
    if not rows:
        return ""
    told = [f"{name} ({how_to_get(name)}): {_tests(number)}" for name, number in sorted(counts.items())]
    return f"{_tests(len(rows))} left out, for these are lacking here: {'; '.join(told)}. All others were run."


def _tests(number: int) -> str:
    return f"{number} test{'' if number == 1 else 's'}"


def may_lack() -> bool:
    """Whether a test may be left out for want of a tool."""
    return os.environ.get(STRICT, "") in ("", "0")


def environment_of_a_user(*, measured: bool = True) -> dict[str, str]:
    """The environment without what this run of pytest has put there.

    A whole suite in a process of its own takes twice the time where its coverage is `measured`.
    """
    own = ("PYTEST", "COV_CORE", *(() if measured else ("COVERAGE_PROCESS",)))
    return {key: value for key, value in os.environ.items() if not key.startswith(own)}
