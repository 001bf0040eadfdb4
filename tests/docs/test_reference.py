"""What how-to, reference and explanation show beside commands that run: workflows, files, report, tables, help."""

from __future__ import annotations

import json
import re
import shlex

import pytest
import yaml
from pages import EVERY, WRITTEN, Page, run

from pytest_es_upgrade.cli.commands import command
from pytest_es_upgrade.contract import shipped_contract
from pytest_es_upgrade.faults import FAULTS
from pytest_es_upgrade.known import load_known
from pytest_es_upgrade.plugin import OPTIONS
from pytest_es_upgrade.suite import AMBIENT_RULES, cases

CONTRACT = shipped_contract()
CASES = {case.id: case for case in cases(CONTRACT)}

BLOCKS = [(page.name, block) for page in EVERY for block in page.blocks]


def blocks(kind):
    return [block for _, block in BLOCKS if block["what"].partition(": ")[0] == kind]


def workflow_lines():
    """(page, line) of every line that a CI file on a page runs."""
    for name, block in BLOCKS:
        if block["what"].startswith("file: .git"):
            for line in _run_lines(yaml.safe_load(block["text"])):
                yield name, line


def _run_lines(document):
    if isinstance(document, dict):
        for key, value in document.items():
            if key in ("run", "script"):
                yield from [value] if isinstance(value, str) else value
            else:
                yield from _run_lines(value)
    elif isinstance(document, list):
        for value in document:
            yield from _run_lines(value)


LINES = list(workflow_lines())


def test_there_are_workflows_of_both_kinds():
    names = {block["what"] for _, block in BLOCKS}
    assert {
        "file: .github/workflows/contract.yml",
        "file: .gitlab-ci.yml",
        "file: .github/workflows/matrix.yml",
    } <= names
    assert len(LINES) > 10


@pytest.mark.parametrize(("page", "line"), LINES)
def test_a_workflow_has_only_options_and_commands_that_there_are(page, line):
    program, *arguments = shlex.split(line)
    assert program in {"pip", "pytest", "cat", "es-upgrade"}, page
    options = [argument.partition("=")[0] for argument in arguments if argument.startswith("--es-upgrade")]
    assert {option.removeprefix("--es-upgrade") for option in options} <= OPTIONS.keys()
    if program == "es-upgrade":
        assert arguments[0] in command.commands


def test_options_that_a_page_names_are_there():
    for page in WRITTEN:
        for option in re.findall(r"--es-upgrade((?:-[a-z]+)?)(?=[^a-z-]|$)", page.text):
            assert option in OPTIONS, f"{page.name}: --es-upgrade{option}"


def test_rules_and_cases_that_a_page_names_are_there():
    families = {id_.partition(".")[0] for id_ in (*CONTRACT.rules, *CASES)}
    names = {*CONTRACT.rules, *CASES}
    suffixes = {".md", ".py", ".yaml", ".json", ".js", ".xml", ".url", ".log"}
    for page in WRITTEN:
        for name in re.findall(r"`([a-z_]+(?:\.[a-z0-9_]+)+)`", page.text):
            if name.partition(".")[0] not in families or any(name.endswith(suffix) for suffix in suffixes):
                continue
            known = name in names or any(other.startswith(f"{name}.") for other in names)
            assert known or name.partition(".")[0] in {"request", "answer", "error", "response"}, f"{page.name}: {name}"


def test_the_ini_file_is_read(pytester_folder):
    (block,) = blocks("ini")
    (pytester_folder / "pytest.ini").write_text(block["text"])
    (pytester_folder / "contract_client.py").write_text("def client(endpoint):\n    return lambda request: {}\n")
    done = run(pytester_folder, "pytest --es-upgrade-case=request.method --collect-only -q")
    keys = re.findall(r"^(es_upgrade\w*)", block["text"], re.MULTILINE)
    assert {f"es_upgrade{name.replace('-', '_')}" for name in OPTIONS} >= set(keys)
    assert "[mine:" in done.stdout or "no case matches" in done.stdout + done.stderr, done.stdout + done.stderr


@pytest.fixture
def pytester_folder(tmp_path):
    return tmp_path


def test_known_files_of_pages_are_right(tmp_path):
    found = [*blocks("known"), *(block for block in blocks("file") if "known" in block["what"])]
    assert len(found) > 3
    for block in found:
        path = tmp_path / "known.yaml"
        path.write_text(block["text"])
        load_known(path, tuple(CASES), tuple(CONTRACT.rules))


def test_the_report_has_the_fields_that_the_page_shows(tmp_path):
    """A client that sends dryRun=True, judged by that case."""
    (block,) = blocks("report")
    Page("docs/how-to/known-deviations.md").write_files(tmp_path)
    line = "pytest --es-upgrade --es-upgrade-client=contract_client:client --es-upgrade-level=should"
    done = run(tmp_path, f"{line} --es-upgrade-case=request.dry_run.lower_case --es-upgrade-report=report.json")
    assert done.returncode == 1, done.stdout
    shown, real = json.loads(block["text"]), json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert list(differences(shown, real)) == []


def differences(shown, real, path=""):
    """Members that the page shows and a report has not, or the other way round, and values that are told and differ."""
    if isinstance(shown, dict) and shown:
        subset = path.endswith(("outcome", "calls/0/request"))
        if not (shown.keys() <= real.keys() if subset else shown.keys() == real.keys()):
            yield path, sorted(shown.keys() ^ real.keys())
        for name in shown.keys() & real.keys():
            yield from differences(shown[name], real[name], f"{path}/{name}")
    elif isinstance(shown, list) and shown:
        if isinstance(shown[0], dict):
            yield from differences(shown[0], real[0], f"{path}/0")
    elif isinstance(shown, str) and shown != "..." and shown != real:
        yield path, real


def test_the_table_of_faults_says_what_has_begun():
    text = Page("docs/explanation/idempotency.md").text
    rows = re.findall(r"^\| [^|]+ \| (yes|no) \| (.+) \|$", text, re.MULTILINE)
    told = {name: begun == "yes" for begun, names in rows for name in re.findall(r"`(\w+)`", names)}
    assert len(told) > 15
    assert told == {name: FAULTS[name].acted_on for name in told}


def test_every_option_is_in_the_table_of_the_readme_and_of_the_reference():
    for name in ("README.md", "docs/reference/options.md"):
        text = Page(name).text
        assert [option for option in OPTIONS if f"| `--es-upgrade{option}" not in text] == []


def test_every_help_text_is_no_wider_than_a_terminal():
    shown = blocks("help")
    assert {block["what"].removeprefix("help: es-upgrade").strip() for block in shown} == {"", *command.commands}
    assert [line for block in shown for line in block["text"].splitlines() if len(line) > 80] == []


def test_levels_of_the_explanation_are_those_of_the_rules():
    """The rules behind the table of behaviours and levels."""
    levels = {rule: CONTRACT.rule(rule).level for rule in CONTRACT.rules}
    assert levels["request.dry_run.form"] == "should"
    assert (
        levels["request.dry_run.type"]
        == levels["error.invented_document"]
        == levels["idempotency.retry_token"]
        == "must"
    )
    assert levels["error.not_a_document"] == levels["signature.absent"] == "should"
    assert levels["signature.value"] == "must"
    assert set(AMBIENT_RULES) <= levels.keys()


def test_the_example_of_the_strategies_is_a_test():
    """Its own tests run what it shows, at a pace that a busy machine keeps."""
    lines = Page("docs/reference/strategies.md").text.partition("<a id")[0].splitlines()
    made = {}
    exec("\n".join(line[4:] for line in lines if line.startswith("    ")), made)
    assert made["test_whatever_is_asked_the_answer_arrives"].hypothesis
