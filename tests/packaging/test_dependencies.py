"""The table of dependencies says what pyproject.toml says, and the licences are those of the packages."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata

import pytest
from lowest import ROOT, lowest, project, requirements, tomllib

PAGE = (ROOT / "docs" / "explanation" / "dependencies.md").read_text(encoding="utf-8")
#: package → its cells, the last of which tells what happens without it
ROWS = {cells[0]: cells for cells in re.findall(r"^\| `([\w-]+)` \| (\S+) \| (.*) \|$", PAGE, re.MULTILINE)}
NAMES = [requirement.name for requirement in requirements()]


def test_every_dependency_has_its_row_with_the_lowest_version():
    told = {name: cells[1] for name, cells in ROWS.items()}
    assert told == dict(line.split("==") for line in lowest())


def test_every_extra_is_named_and_all_brings_them():
    extras = project()["optional-dependencies"]
    for name in extras.keys() - {"all"}:
        assert f"| `{name}` |" in PAGE
    assert extras["all"] == [f"pytest-es-upgrade[{','.join(name for name in extras if name != 'all')}]"]


def test_every_group_is_named():
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    assert [name for name in groups if f"| `{name}` |" not in PAGE] == []


#: Packages that name their licence by a classifier alone, which tells no number of clauses.
_BY_CLASSIFIER = {"License :: OSI Approved :: BSD License": "BSD-3-Clause"}


@pytest.mark.parametrize("name", NAMES)
def test_the_licence_is_the_one_that_the_package_names(name):
    told = metadata.metadata(name)
    classified = [_BY_CLASSIFIER[one] for one in told.get_all("Classifier", []) if one in _BY_CLASSIFIER]
    licence = told["License-Expression"] or told["License"] or classified[0]
    assert f" | {licence} | " in " | ".join(["", *ROWS[name], ""])


def test_the_lowest_versions_are_printed_as_constraints():
    words = [sys.executable, str(ROOT / "tests" / "packaging" / "lowest.py")]
    printed = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    assert "pytest==8.0\n" in printed
    assert len(printed.splitlines()) == len(NAMES)
