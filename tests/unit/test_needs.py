"""What is left out for want of a tool is told; where nothing may lack, it fails."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from needs import ROOT, TOOLS, lacking, paragraph

WANTING = """
import pytest

@pytest.mark.needs("node", "@of/nobody")
def test_one(): pass

@pytest.mark.needs("@of/nobody")
@pytest.mark.parametrize("number", [1, 2])
def test_two(number): pass

@pytest.mark.needs("sh")
def test_three(): pass

def test_four(): pytest.skip("for another reason")
"""


@pytest.fixture
def wanting(pytester, monkeypatch):
    """Tests that need what nobody has; `sh` is there, and `node` is not."""
    monkeypatch.delenv("NOTHING_MAY_LACK", raising=False)
    monkeypatch.setattr("needs.path_of", lambda tool: "/bin/sh" if tool == "sh" else None)
    text = (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8")
    pytester.makeconftest(text.replace('pytest_plugins = ["pytester"]', ""))
    pytester.makepyfile(test_wanting=WANTING)
    return lambda *args: pytester.runpytest_inprocess("-p", "no:randomly", "--left-out=left-out.txt", *args)


def test_it_ends_by_saying_what_was_left_out(wanting, pytester):
    result = wanting()
    result.assert_outcomes(passed=1, skipped=4)
    said = (
        "3 tests left out, for these are lacking here: @of/nobody (npm, by make test): 3 tests; "
        "node (apt-get install nodejs npm): 1 test. All others were run."
    )
    result.stdout.fnmatch_lines([said])
    assert (pytester.path / "left-out.txt").read_text(encoding="utf-8") == f"{said}\n"


def test_where_nothing_was_left_out_nothing_is_said(wanting, pytester):
    result = wanting("-k", "three or four")
    assert "left out" not in result.stdout.str()
    assert (pytester.path / "left-out.txt").read_text(encoding="utf-8") == ""


def test_where_nothing_may_lack_it_fails(wanting, monkeypatch):
    monkeypatch.setenv("NOTHING_MAY_LACK", "1")
    result = wanting()
    result.assert_outcomes(passed=1, skipped=1, errors=3)
    result.stdout.fnmatch_lines(
        ["needs @of/nobody (npm, by make test); where NOTHING_MAY_LACK is set nothing is left out"]
    )


def test_one_of_several_programs_is_enough_and_of_several_rows_all_are_needed(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}" if name in ("java", "google-chrome") else None)
    assert lacking(["chromium", "java"]) == ["java"]
    assert paragraph([]) == ""


def test_ci_installs_every_tool():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    installed = " ".join(re.findall(r'^need ("[^"]+"|\S+)', script, re.MULTILINE)).replace('"', "").split()
    assert {package for tool in TOOLS.values() for package in tool.debian.split()} <= {*installed, "dash"}
    assert "NOTHING_MAY_LACK=1" in script


def test_whoever_looks_for_a_tool_names_it_in_the_table():
    """No test decides by itself that a tool is lacking."""
    for path in (ROOT / "tests").rglob("test_*.py"):
        if path != Path(__file__):
            assert "shutil.which" not in path.read_text(encoding="utf-8"), path


@pytest.mark.needs(*TOOLS)
def test_ci_installs_nothing_where_all_is_there(tmp_path):
    """Every check is one that succeeds here, so that no network is asked in vain."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").partition("\nmake lint\n")[0]
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci" / "run").write_text(f"{script}\necho nothing more", encoding="utf-8")
    done = subprocess.run(["bash", ".ci/run"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "nothing more\n")
