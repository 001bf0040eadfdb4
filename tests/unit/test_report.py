"""Reports as files; what Markdown says."""

from __future__ import annotations

import json

import pytest

from pytest_es_upgrade.contract import shipped_contract
from pytest_es_upgrade.errors import UsageProblem
from pytest_es_upgrade.report import WRITERS, as_markdown, check_path, write
from pytest_es_upgrade.report.as_json import json_text
from pytest_es_upgrade.report.as_markdown import markdown_text
from pytest_es_upgrade.report.words import verdict_sentence
from pytest_es_upgrade.results import report_document

QUOTE = shipped_contract().rules["sent.dry_run"].quote
FOUND = {
    "rule": "sent.dry_run",
    "level": "must",
    "where": "query.dryRun",
    "got": "`nothing`",
    "expected": "True",
    "quote": QUOTE,
}


def case(case_id, verdict, reason=None, violations=(), calls=(), **members):
    return {
        "id": case_id,
        "family": case_id.partition(".")[0],
        "title": f"Decides {case_id}, <b>so</b> *to* say.",
        "verdict": verdict,
        "reason": reason,
        "violations": list(violations),
        "calls": list(calls),
        "upgrades_started": 0,
        "level": "must",
        **members,
    }


def call(*exchanges):
    request = {"instance_id": "es-cn-a"}
    return {"request": request, "outcome": {"kind": "ok", "result": 1, "error": None}, "exchanges": list(exchanges)}


def exchange(body, status=None):
    sent = {"method": "POST", "target": "/x", "headers": [], "body": body, "raw": ""}
    answered = None if status is None else {"status": status, "headers": [], "body": ""}
    return {"request": sent, "response": answered, "started": 0.0, "ended": 0.1, "fault": None}


def document(*cases, clients=("plain",)):
    heading = {"contract": {"operation": "Op", "version": "1", "sha256": "f" * 64}, "profile": "quick", "level": "must"}
    results = [{"client": name, "adapter": f"m:{name}", "case": one} for name in clients for one in cases]
    return report_document(heading, [(name, f"m:{name}") for name in clients], results)


EVERYTHING = (
    case("request.a", "failed", None, [FOUND], [call(), call(exchange("{}", 200))], alone="pytest a"),
    case("request.b", "failed", "a date has passed", [FOUND], [call(exchange({"base64": "/w=="}))]),
    case("request.g", "failed", "nothing sent", [FOUND], [call()]),
    case("request.h", "failed", None, [FOUND], [call()]),
    case("request.c", "stale", "remove it", [], [call(exchange({"text": "long", "size": 5000}))]),
    case("response.d", "known", "an old bug", link="https://example.org/1"),
    case("response.e", "tolerated", "below level must: x"),
    case("error.f", "passed"),
    *(case(f"error.{n}", "not_testable", f"not reached; tried: {n}") for n in range(12)),
)

VERDICT = (
    "`m:plain` breaks the contract at level must: 5 of 8 judged cases did not pass, beside 1 known deviation; "
    "12 of 20 cases could not be decided."
)


def test_markdown_says_what_did_not_pass():
    lines = markdown_text(document(*EVERYTHING)).splitlines()
    for line in [
        "# Op 1: contract tests",
        "**plain breaks the contract.** Level `must`, profile `quick`, contract `ffffffffffff`.",
        "## plain",
        VERDICT,
        "| family | passed | failed | tolerated | known | stale | not_testable |",
        "| request |  | 4 |  |  | 1 |  |",
        "#### Broken rule: “the dryRun that was asked for is the one that is sent” (must, 4 cases)",
        f"> {QUOTE}",
        "- **request.a** (failed): Decides request.a, \\<b\\>so\\</b\\> \\*to\\* say.",
        "  - `sent.dry_run` (must) at `query.dryRun`: got `` `nothing` ``, expected `True`",
        "  - on the wire: `POST /x {}`, answered 200; outcome `ok`",
        "  - alone: `pytest a`",
        "  - a date has passed",
        "  - on the wire: `POST /x \\xff`, not answered; outcome `ok`",
        "  - nothing was on the wire; outcome `ok`",
        "- and request.h",
        "#### an entry of the known file is needed no more (must, 1 case)",
        "  - on the wire: `POST /x long`, not answered; outcome `ok`",
        "- an old bug (https://example.org/1): response.d",
        "- below level must: x: response.e",
        f"- not reached: {', '.join(f'error.{number}' for number in range(10))} and 2 more",
    ]:
        assert line in lines


def test_markdown_tells_several_clients_side_by_side_first():
    lines = markdown_text(document(*EVERYTHING, clients=("one", "an|other"))).splitlines()
    assert lines[2:9] == [
        "**2 of 2 clients break the contract.** Level `must`, profile `quick`, contract `ffffffffffff`.",
        "",
        "| family | one | an\\|other |",
        "|---|---|---|",
        "| request | **4 failed**, **1 stale** | **4 failed**, **1 stale** |",
        "| response | 1 known, 1 tolerated | 1 known, 1 tolerated |",
        "| error | 12 not testable, 1 passed | 12 not testable, 1 passed |",
    ]
    assert "| family | passed | failed | tolerated | known | stale | not_testable |" not in lines


def test_markdown_without_clients():
    assert "**No client was judged.**" in markdown_text(document(clients=()))


def test_markdown_is_below_what_summaries_may_be(monkeypatch):
    long = "x" * 5000
    cases = [case(f"a.{n}", "not_testable", f"{n} {long}") for n in range(2000)]
    text = markdown_text(document(*EVERYTHING, *cases))
    assert len(text.encode()) < 1 << 20
    assert text.endswith("for it would be too long here: the JSON report has all.*\n")
    assert "- **request.a** (failed)" not in text
    assert "## plain" in text
    monkeypatch.setattr(as_markdown, "MOST_BYTES", 1900)
    text = markdown_text(document(*EVERYTHING))
    assert "- **request.a** (failed)" in text
    assert "- **request.g** (failed)" not in text


@pytest.mark.parametrize(
    ("cases", "sentence"),
    [
        ([], "was not judged: no case was run"),
        ([case("a.b", "not_testable", "x")], "could not be judged: none of 1 case could be decided"),
        ([case("a.b", "passed")], "keeps the contract at level must in 1 judged case"),
        (
            [case("a.b", "passed"), case("a.c", "stale", "x")],
            "keeps the contract at level must in 2 judged cases, but 1 entry of the known file is stale: remove it",
        ),
        (
            [case("a.b", "stale", "x"), case("a.c", "stale", "x"), case("a.d", "known", "y")],
            (
                "keeps the contract at level must in 2 judged cases, "
                "but 2 entries of the known file are stale: remove them, beside 1 known deviation"
            ),
        ),
        (
            [case("a.b", "failed", "x"), case("a.c", "stale", "x")],
            "breaks the contract at level must: 2 of 2 judged cases did not pass",
        ),
        ([case("a.b", "passed"), case("a.c", "tolerated", "x")], "keeps the contract at level must in 2 judged cases"),
    ],
)
def test_the_verdict_is_a_sentence(cases, sentence):
    assert verdict_sentence(document(*cases)["clients"][0], "must") == sentence


@pytest.mark.parametrize(
    ("extent", "words"),
    [
        ({}, ""),
        ({"of": 1}, ""),
        ({"of": 2}, "; 1 of 2 cases was not run"),
        ({"of": 9}, "; 8 of 9 cases were not run"),
        ({"of": 9, "selected": 5, "interrupted": False}, "; 8 of 9 cases were not run"),
        ({"of": 9, "selected": 9, "interrupted": True}, "; stopped after 1 of 9 cases"),
        ({"of": 9, "interrupted": True}, "; stopped after 1 of 9 cases"),
        ({"of": 9, "selected": 5, "interrupted": True}, "; stopped after 1 of 5 chosen cases, of 9 that there are"),
    ],
)
def test_the_sentence_says_what_was_not_run(extent, words):
    client = document(case("a.b", "passed"))["clients"][0] | extent
    assert verdict_sentence(client, "must") == f"keeps the contract at level must in 1 judged case{words}"
    client = document(case("a.b", "not_testable", "x"))["clients"][0] | extent
    assert verdict_sentence(client, "must") == f"could not be judged: none of 1 case could be decided{words}"
    client = document()["clients"][0] | extent
    assert verdict_sentence(client, "must") == "was not judged: no case was run"


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_report_takes_the_place_of_an_older_one(tmp_path, suffix):
    path = tmp_path / f"report{suffix.upper()}"
    path.write_text("old")
    check_path(path)
    assert path.read_text() == "old"
    write(path, document(*EVERYTHING))
    assert path.read_text(encoding="utf-8") == WRITERS[suffix](document(*EVERYTHING))
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_is_as_public_as_other_files(tmp_path):
    write(tmp_path / "report.md", document(*EVERYTHING))
    (tmp_path / "other").touch()
    assert (tmp_path / "report.md").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_json_is_the_document(tmp_path):
    write(tmp_path / "r.json", document(*EVERYTHING))
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8")) == document(*EVERYTHING)


def test_json_has_a_line_for_each_case():
    text = json_text(document(*EVERYTHING))
    lines = [json.loads(line.removesuffix(",")) for line in text.splitlines() if line.startswith('{"')]
    assert lines == document(*EVERYTHING)["clients"][0]["cases"]
    assert text.endswith("}\n")


def test_json_of_nothing():
    nothing = document(*EVERYTHING) | {"clients": []}
    assert json.loads(json_text(nothing)) == nothing
    unjudged = document()
    assert json.loads(json_text(unjudged)) == unjudged


def test_a_report_that_fails_leaves_nothing_behind(tmp_path):
    path = tmp_path / "report.md"
    path.mkdir()
    with pytest.raises(OSError, match=r"report\.md"):
        write(path, document(*EVERYTHING))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("r.xml", "unknown suffix '.xml'; expected one of .json, .html, .md"),
        ("r", "unknown suffix ''"),
        ("no/r.md", "there is no folder"),
        ("folder.md", "is a folder"),
    ],
)
def test_a_path_is_refused_beforehand(tmp_path, name, problem):
    (tmp_path / "folder.md").mkdir()
    with pytest.raises(UsageProblem, match=problem):
        check_path(tmp_path / name)


def test_where_everything_passed_markdown_is_short():
    assert markdown_text(document(case("a.b", "passed"))).splitlines()[-3:] == [
        "| family | passed | failed | tolerated | known | stale | not_testable |",
        "|---|---:|---:|---:|---:|---:|---:|",
        "| a | 1 |  |  |  |  |  |",
    ]
