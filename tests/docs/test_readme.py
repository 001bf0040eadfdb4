"""Every block of code in README.md is run, in the order and the folder in which a reader would.

A comment above a block says what it is: `file: NAME` is written, `run: exit N` is run in a shell,
`output: CASE` is what is printed of that case, `not run: WHY` names its reason.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^<!-- (?P<what>.*?) -->\n```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCKS = [match.groupdict() for match in BLOCK.finditer(README)]


def test_every_block_says_what_it_is():
    assert len(BLOCKS) == README.count("\n```") // 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A project as the reader has it after having written every file."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "pytest.ini").write_text("[pytest]\n")
    for block in BLOCKS:
        kind, _, name = block["what"].partition(": ")
        if kind == "file":
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["text"], encoding="utf-8")
    return folder


def run(folder, command):
    program, *arguments = shlex.split(command)
    programs = {"pytest": [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"], "python": [sys.executable]}
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV_CORE"))}
    return subprocess.run(
        [*programs[program], *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


COMMANDS = [
    (block["what"], line)
    for block in BLOCKS
    if block["what"].startswith("run: ")
    for line in block["text"].splitlines()
]


@pytest.mark.parametrize(("what", "command"), COMMANDS, ids=[command for _, command in COMMANDS])
def test_commands_end_as_the_readme_says(folder, what, command):
    done = run(folder, command)
    assert done.returncode == int(re.search(r"exit (\d)", what).group(1)), done.stdout + done.stderr


def test_the_failure_that_the_readme_opens_with_is_what_is_printed(folder):
    (block,) = [block for block in BLOCKS if block["what"].startswith("output: ")]
    command = block["text"].splitlines()[-1].removeprefix("alone     ")
    assert block["what"].removeprefix("output: ") in command
    assert block["text"] in run(folder, command).stdout


def test_fixtures_of_the_readme_work(folder):
    done = run(folder, "pytest test_fixtures.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_the_workflow_runs_a_command_that_works(folder):
    workflow = yaml.safe_load((folder / ".github/workflows/contract.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["contract"]["steps"]
    (command,) = [step["run"] for step in steps if step.get("run", "").startswith("pytest ")]
    done = run(folder, command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "report.md").exists()


def test_links_within_the_repository_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)|^\[\w+\]: (\S+)$", README, re.MULTILINE):
        assert (ROOT / "".join(target)).exists(), target
    headings = {re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in README.splitlines()}
    for anchor in re.findall(r"\]\(#([^)]+)\)", README):
        assert anchor in headings
