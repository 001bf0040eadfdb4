"""What is released, built from a tree without git metadata: what is in it, and what is not."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

import pytest_es_upgrade

ROOT = Path(__file__).resolve().parents[2]
VERSION = pytest_es_upgrade.__version__
#: What a release is of, beside these files of the top.
FOLDERS = ("pytest_es_upgrade", "contracts", "tests", "docs", "examples", "benchmarks", ".ci", ".github")
FILES = (
    "ARCHITECTURE.md CHANGELOG.md CONTRIBUTING.md LICENSE MANIFEST.in Makefile README.md SECURITY.md pyproject.toml "
    "setup.py"
)


def build(tree, into, *options):
    """What building said; the wheel is built from the sdist, where it is not named alone."""
    words = [sys.executable, "-m", "build", "--outdir", str(into), *options, str(tree)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def copy(tree):
    """The repository without git metadata, and without what building leaves in it."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES.split():
        shutil.copy(ROOT / name, tree)
    return tree


def release(folder):
    """Build the sdist and the wheel that is made from it, then the wheel of the tree."""
    said = build(copy(folder / "tree"), folder / "of_sdist")
    said += build(copy(folder / "another"), folder / "of_tree", "--wheel")
    (folder / "said.txt").write_text(said, encoding="utf-8")


@pytest.fixture(scope="module")
def built(made_once):
    """The sdist, the wheel that is built from it, that of the tree, and what building them said."""
    folder = made_once("release", release)
    (sdist,), (of_sdist,) = (folder / "of_sdist").glob("*.tar.gz"), (folder / "of_sdist").glob("*.whl")
    wheel, said = folder / "of_tree" / of_sdist.name, (folder / "said.txt").read_text(encoding="utf-8")
    return SimpleNamespace(sdist=sdist, wheel=wheel, of_sdist=of_sdist, said=said)


@pytest.fixture(scope="module")
def in_wheel(built):
    return contents(built.wheel)


@pytest.fixture(scope="module")
def in_sdist(built):
    """The names, below the folder that an sdist has."""
    with tarfile.open(built.sdist) as archive:
        names = [member.name for member in archive.getmembers() if member.isfile()]
    assert {name.partition("/")[0] for name in names} == {f"pytest_es_upgrade-{VERSION}"}
    return {name.partition("/")[2] for name in names}


def contents(wheel):
    """name → bytes"""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def files(folder):
    """What the repository has below a folder, from its root."""
    found = [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(ROOT).as_posix() for path in found}


def test_the_wheel_is_the_package_and_the_contract_and_nothing_else(in_wheel):
    info = f"pytest_es_upgrade-{VERSION}.dist-info"
    about = {f"{info}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt")}
    contract = {f"pytest_es_upgrade/{name}" for name in files("contracts")}
    assert set(in_wheel) == files("pytest_es_upgrade") | contract | about | {f"{info}/licenses/LICENSE"}
    assert "pytest_es_upgrade/py.typed" in in_wheel
    assert "pytest_es_upgrade/contracts/samples/success.json" in in_wheel


def test_the_sdist_has_all_that_it_takes_to_build_and_test_it(in_sdist):
    ours = set().union(*map(files, FOLDERS)) | set(FILES.split())
    made = {
        name for name in in_sdist if name.partition("/")[0] in ("PKG-INFO", "setup.cfg", "pytest_es_upgrade.egg-info")
    }
    assert in_sdist - made == ours


def test_the_sdist_builds_the_wheel_of_the_tree(built, in_wheel):
    assert contents(built.of_sdist) == in_wheel


def test_building_warns_of_nothing(built):
    assert "Warning" not in built.said


def test_pypi_takes_it(built):
    words = [sys.executable, "-m", "twine", "check", "--strict", built.sdist, built.wheel]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_metadata(in_wheel):
    about = in_wheel[f"pytest_es_upgrade-{VERSION}.dist-info/METADATA"].decode()
    for line in (
        f"Version: {VERSION}",
        "License-Expression: Apache-2.0",
        "License-File: LICENSE",
        "Requires-Python: >=3.10",
        "Project-URL: Changelog, ",
        "Project-URL: Documentation, ",
        "Project-URL: Issues, ",
        "Project-URL: Source, ",
        "Provides-Extra: all",
    ):
        assert re.search(f"^{re.escape(line)}", about, re.MULTILINE), line
    names = in_wheel[f"pytest_es_upgrade-{VERSION}.dist-info/entry_points.txt"].decode()
    assert re.findall(r"^\[(.*)\]$", names, re.MULTILINE) == ["console_scripts", "hypothesis", "pytest11"]


def test_the_description_is_the_readme_and_its_links_lead_out_of_pypi(in_wheel):
    shown = in_wheel[f"pytest_es_upgrade-{VERSION}.dist-info/METADATA"].decode().partition("\n\n")[2]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    github = re.compile(
        r"https://github\.com/pytest-es-upgrade/pytest-es-upgrade/(?:blob|raw)/main/(?:README\.md(?=#))?"
    )
    assert github.sub("", shown).strip() == readme.strip()
    targets = [one[1] for one in re.finditer(r"\]\((\S+?)\)", re.sub(r"(?ms)^```.*?^```$", "", shown))]
    assert [target for target in targets if not target.startswith("https://")] == []
    assert len(targets) > 30
    assert (
        "](https://github.com/pytest-es-upgrade/pytest-es-upgrade/raw/main/docs/how-to/pictures/first-screen.png)"
        in shown
    )
    assert "\n[page]: https://github.com/pytest-es-upgrade/pytest-es-upgrade/blob/main/contracts/page.md" in shown


def test_the_version_stands_in_one_place():
    """The build reads it there, the changelog has a section for it, and the installed package is of it."""
    assert metadata.version("pytest-es-upgrade") == VERSION
    assert f'\nversion = "{VERSION}"' not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (newest, *_) = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest == VERSION
