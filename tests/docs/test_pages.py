"""Every block of code of README and docs is run, in the order and the folder in which a reader would."""

from __future__ import annotations

import re

import pytest
import yaml
from pages import PAGES, WRITTEN, Page, run

README = Page("README.md")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Page → a project as its reader has it."""
    return {page.name: page.write_files(tmp_path_factory.mktemp("page")) for page in PAGES}


@pytest.fixture
def folder(folders):
    return folders["README.md"]


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_every_block_says_what_it_is(page):
    assert len(page.blocks) == page.text.count("\n```") // 2


def test_every_kind_of_block_is_one_that_a_test_looks_at():
    kinds = {block["what"].partition(":")[0] for page in WRITTEN for block in page.blocks}
    run_here = {"file", "run", "output", "part of", "not run"}
    elsewhere = {"change", "printed", "served", "shell", "ready line", "line", "report", "known"}
    assert kinds == run_here | elsewhere


COMMANDS = [(page.name, what, command) for page in PAGES for what, command in page.commands]


@pytest.mark.parametrize(("page", "what", "command"), COMMANDS, ids=[f"{row[0]}: {row[2]}" for row in COMMANDS])
def test_commands_end_as_the_page_says(folders, page, what, command):
    done = run(folders[page], command)
    assert done.returncode == int(re.search(r"exit (\d)", what).group(1)), done.stdout + done.stderr


OUTPUTS = [(page.name, block) for page in PAGES for block in page.blocks if block["what"].startswith("output: ")]


@pytest.mark.parametrize(("page", "block"), OUTPUTS, ids=[f"{page}: {block['what']}" for page, block in OUTPUTS])
def test_what_a_page_shows_is_what_is_printed(folders, page, block):
    """The command is in the output itself; ports are nobody's business."""
    line = next(line for line in block["text"].splitlines() if line.startswith("alone     "))
    command = line.removeprefix("alone     ")
    assert block["what"].removeprefix("output: ") in command
    assert plain(block["text"]) in plain(run(folders[page], command).stdout)


def plain(text):
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)


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
