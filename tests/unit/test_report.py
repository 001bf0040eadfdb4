"""Reports as files, and what they say; the command."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from pytest_es_upgrade import cli
from pytest_es_upgrade.errors import UsageProblem
from pytest_es_upgrade.report import WRITERS, check_path, write
from pytest_es_upgrade.report.as_markdown import markdown_text, verdict_sentence
from pytest_es_upgrade.results import report_document

FOUND = {
    "rule": "sent.dry_run",
    "level": "must",
    "where": "query.dryRun",
    "got": "`nothing`",
    "expected": "True",
    "quote": "Whether <b>to</b> *perform*",
}


def case(case_id, verdict, reason=None, violations=(), calls=()):
    return {
        "id": case_id,
        "family": case_id.partition(".")[0],
        "title": f"Decides {case_id}.",
        "verdict": verdict,
        "reason": reason,
        "violations": list(violations),
        "calls": list(calls),
    }


def call(*exchanges):
    return {"outcome": {"kind": "ok"}, "exchanges": list(exchanges)}


def exchange(body, response=None):
    return {"request": {"method": "POST", "target": "/x", "body": body}, "response": response}


def document(*cases, clients=(("plain", "m:plain"),)):
    heading = {"contract": {"operation": "Op", "version": "1", "sha256": "f" * 64}, "profile": "quick", "level": "must"}
    results = [{"client": "plain", "adapter": "m:plain", "case": one} for one in cases]
    return report_document(heading, clients, results)


EVERYTHING = document(
    case("request.a", "failed", None, [FOUND], [call(), call(exchange("{}", {"status": 200}))]),
    case("request.b", "failed", "a date has passed", [FOUND], [call(exchange({"base64": "/w=="}))]),
    case("request.c", "stale", "remove it", [], [call(exchange({"text": "long", "size": 5000}))]),
    case("request.g", "failed", "nothing sent", [], [call()]),
    case("response.d", "known", "an old bug"),
    case("response.e", "tolerated", "below level must: x"),
    case("error.f", "passed"),
    *(case(f"error.{n}", "not_testable", "not reached") for n in range(12)),
)

VERDICT = (
    "`m:plain` breaks the contract at level must: 4 of 7 judged cases did not pass, beside 1 known deviation; "
    "12 of 19 cases could not be decided."
)


def test_markdown_says_what_did_not_pass():
    lines = markdown_text(EVERYTHING).splitlines()
    for line in [
        "# Op 1: contract tests",
        "Level `must`, profile `quick`, contract `ffffffffffff`.",
        "## plain",
        VERDICT,
        "| family | passed | failed | tolerated | known | stale | not_testable |",
        "| request |  | 3 |  |  | 1 |  |",
        "- **request.a** (failed): Decides request.a.",
        "  - `sent.dry_run` (must) at `query.dryRun`: got `` `nothing` ``, expected `True`",
        "    > Whether \\<b\\>to\\</b\\> \\*perform\\*",
        "  - on the wire: `POST /x {}`, answered 200; outcome `ok`",
        "  - a date has passed",
        "  - on the wire: `POST /x base64 /w==`, not answered; outcome `ok`",
        "  - on the wire: `POST /x long`, not answered; outcome `ok`",
        "  - nothing was on the wire; outcome `ok`",
        "- an old bug: response.d",
        "- below level must: x: response.e",
        f"- not reached: {', '.join(f'error.{number}' for number in range(10))} and 2 more",
    ]:
        assert line in lines


def test_markdown_without_clients():
    assert "No client was judged." in markdown_text(document(clients=()))


@pytest.mark.parametrize(
    ("cases", "sentence"),
    [
        ([], "was not judged: no case was run"),
        ([case("a.b", "not_testable", "x")], "could not be judged: none of 1 cases could be decided"),
        ([case("a.b", "passed")], "keeps the contract at level must in 1 judged case"),
        ([case("a.b", "passed"), case("a.c", "tolerated", "x")], "keeps the contract at level must in 2 judged cases"),
    ],
)
def test_the_verdict_is_a_sentence(cases, sentence):
    assert verdict_sentence(document(*cases)["clients"][0], "must") == sentence


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_report_takes_the_place_of_an_older_one(tmp_path, suffix):
    path = tmp_path / f"report{suffix.upper()}"
    path.write_text("old")
    check_path(path)
    assert path.read_text() == "old"
    write(path, EVERYTHING)
    assert path.read_text(encoding="utf-8") == WRITERS[suffix](EVERYTHING)
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_is_as_public_as_other_files(tmp_path):
    write(tmp_path / "report.md", EVERYTHING)
    (tmp_path / "other").touch()
    assert (tmp_path / "report.md").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_json_is_the_document(tmp_path):
    write(tmp_path / "r.json", EVERYTHING)
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8")) == EVERYTHING


def test_a_report_that_fails_leaves_nothing_behind(tmp_path):
    path = tmp_path / "report.md"
    path.mkdir()
    with pytest.raises(OSError, match=r"report\.md"):
        write(path, EVERYTHING)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("r.html", "unknown suffix '.html'; expected one of .json, .md"),
        ("r", "unknown suffix ''"),
        ("no/r.md", "there is no folder"),
        ("folder.md", "is a folder"),
    ],
)
def test_a_path_is_refused_beforehand(tmp_path, name, problem):
    (tmp_path / "folder.md").mkdir()
    with pytest.raises(UsageProblem, match=problem):
        check_path(tmp_path / name)


# --- the command ----------------------------------------------------------------------------------------


def test_the_command_without_its_library_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "click", None)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 4
    assert capsys.readouterr().err == 'es-upgrade needs click; install it with: pip install "pytest-es-upgrade[cli]"\n'


def test_the_command_is_a_group_with_a_version(monkeypatch):
    made = {}

    def group(**settings):
        made["settings"] = settings
        return lambda function: lambda: made.update(called=function() or True)

    def version_option(version, *, prog_name):
        made["version"] = f"{prog_name} {version}"
        return lambda function: function

    monkeypatch.setitem(sys.modules, "click", SimpleNamespace(group=group, version_option=version_option))
    cli.main()
    assert made["called"]
    assert made["version"].startswith("es-upgrade 0.")
    assert made["settings"] == {"context_settings": {"help_option_names": ["-h", "--help"]}}


def test_the_command_does_not_load_its_library_before_it_runs():
    code = "import sys, pytest_es_upgrade.cli; print('click' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "False\n"
