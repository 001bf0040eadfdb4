"""The wheel, built from a tree without git metadata, holds the package and the contract, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("pytest_es_upgrade", "contracts", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """The files in the wheel."""
    tree = tmp_path_factory.mktemp("tree")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tree / name)
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tree / "dist"), str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (tree / "dist").glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


def test_nothing_but_the_package_is_at_the_top(names):
    top = {name.partition("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"pytest_es_upgrade"}


def test_every_module_is_there(names):
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "pytest_es_upgrade").rglob("*.py")}
    assert modules <= set(names)
    assert "pytest_es_upgrade/py.typed" in names


def test_the_contract_is_there(names):
    data = {str(path.relative_to(ROOT)) for path in (ROOT / "contracts").rglob("*") if path.suffix != ".pyc"}
    files = {name for name in data if (ROOT / name).is_file()}
    assert {f"pytest_es_upgrade/{name}" for name in files} <= set(names)


def test_the_entry_points_are_named(names):
    (name,) = [name for name in names if name.endswith("entry_points.txt")]
    assert name.startswith("pytest_es_upgrade-")
