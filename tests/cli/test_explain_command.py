"""`es-upgrade explain`: what is said of a rule and of a case, lists, JSON, and names that there are not."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest

from pytest_es_upgrade.cli.commands import run
from pytest_es_upgrade.cli.explaining import Catalogue, as_text
from pytest_es_upgrade.contract import Contract, shipped_contract
from pytest_es_upgrade.errors import UnknownName

CONTRACT = shipped_contract()
CATALOGUE = Catalogue(CONTRACT)


def told(name=None):
    return "\n".join(as_text(CATALOGUE.named(name)))


def test_a_rule_is_told_with_its_sentence_why_it_matters_and_both_exchanges(capsys):
    assert run(["explain", "request.dry_run.form"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Rule request.dry_run.form (should)\n  dryRun is spelled in lower case\n")
    words = " ".join(text.split())
    assert "page: Request parameters: “true indicates verification, and false indicates no verification.”" in words
    assert f"Why {CONTRACT.why('request.dry_run.form')}" in words
    assert f"What to do {CONTRACT.hint('request.dry_run.form')}" in words
    right, wrong = text.split("\nRight\n")[1].split("\nWrong: ")
    assert "&dryRun=true HTTP/1.1\n    > Host: 127.0.0.1:9200\n" in right
    assert "&dryRun=True HTTP/1.1\n" in wrong
    assert "  at query.dryRun: got 'True', expected 'true'" in wrong
    assert "\nCases (4)\n  request.dry_run.lower_case\n" in text


def test_a_case_is_told_with_its_rule_and_how_to_run_it():
    text = told("idempotency.lost.answer_lost_after_start.without_token")
    assert text.startswith("Case idempotency.lost.answer_lost_after_start.without_token (must)\n")
    assert "\n  Rule        idempotency.started_once (must): one call starts one upgrade at\n" in text
    assert "--es-upgrade-case=idempotency.lost.answer_lost_after_start.without_token\n" in text
    assert "  Asks too    idempotency.retry_token," in text
    wrong = text.partition("\nWrong: ")[2]
    assert "* started upgrade #1 of" in wrong
    assert "* started upgrade #2 of" in wrong


def test_a_case_whose_exchange_is_of_another_case_says_so():
    text = told("request.given.version_6_7")
    case = CATALOGUE.exchanges("request.method")["case"]
    assert CATALOGUE.chief(CATALOGUE.cases["request.given.version_6_7"]) == "request.method"
    assert text.endswith(f"Recorded in case {case}, which asks for the same rule.")
    assert "Recorded in" not in told(case)


def test_a_case_without_a_wrong_client_is_told_by_its_strictest_rule():
    case = CATALOGUE.cases["transport.header.many"]
    assert CATALOGUE.chief(case) in case.rules
    assert told(case.id).startswith("Case transport.header.many (must)")


def test_a_case_of_one_rule_asks_for_nothing_too():
    (alone, *_) = [case for case in CATALOGUE.cases.values() if len(case.rules) == 1]
    assert "Asks too" not in told(alone.id)


def test_a_name_of_both_a_rule_and_a_case_tells_both():
    text = told("signature.form")
    assert text.startswith("Rule signature.form (must)")
    assert "\n\nCase signature.form (must)\n" in text


@pytest.mark.parametrize("rule", ["message.type", "adapter.factory", "request.client_token.type"])
def test_a_rule_without_exchanges_says_why(rule):
    assert "\nNo exchange is shown: " in told(rule)


def test_a_rule_about_answers_has_no_case():
    assert told("response.members").endswith("\nCases: none, for no client is judged by its answers")


def test_a_rule_that_only_a_reading_breaks_names_it():
    assert "reading result-shape" in told("answer.struct")


def test_what_was_not_sent_and_what_was_cut_is_said():
    assert "    nothing was sent\n    = rejected: " in told("sent.call_without_version")
    assert "\n    > the same again\n" in told("idempotency.bounded")
    assert " attempts more\n" in told("idempotency.bounded")
    assert "\n    * fault reset_after_reading\n" in told("idempotency.retry_token")


def test_without_a_name_all_rules_and_cases_are_listed_by_family(capsys):
    assert run(["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Rules ({len(CONTRACT.rules)})"
    assert f"Cases ({len(CATALOGUE.cases)})" in lines
    assert {line.split()[0] for line in lines if line.startswith("    ")} == {*CONTRACT.rules, *CATALOGUE.cases}
    assert "  dry_run (3)" in lines
    assert "  dry_run (63)" in lines


@pytest.mark.parametrize(
    ("name", "rules", "cases"),
    [("dry_run", 3, 63), ("fuzz", 0, 8), ("answer", 15, 0), ("idempotency.lost.*_start.*", 0, 2), ("message.*", 1, 0)],
)
def test_a_family_or_a_glob_lists_what_matches(name, rules, cases):
    found = CATALOGUE.named(name)
    assert (len(found["rules"]), len(found["cases"])) == (rules, cases)
    headings = [line for line in told(name).splitlines() if line and not line.startswith(" ")]
    assert headings == [f"Rules ({rules})"] * bool(rules) + [f"Cases ({cases})"] * bool(cases)


@pytest.mark.parametrize(
    ("name", "near"), [("request.pth", "request.path"), ("idempotncy", "idempotency"), ("qqq", "")]
)
def test_an_unknown_name_ends_with_2_and_the_near_ones(name, near, capsys):
    assert run(["explain", name]) == 4
    output = capsys.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines()
    assert line.startswith(f"es-upgrade: there is no rule, case or family {name!r}; ")
    assert near in line


@pytest.mark.parametrize("name", ["", "qqq"])
def test_a_name_that_is_near_to_none_names_the_families_alone(name, capsys):
    assert run(["explain", name]) == 4
    (line,) = capsys.readouterr().err.splitlines()
    families = line.partition("; there are ")[2].split(", ")
    assert set(families) == {id_.partition(".")[0] for id_ in (*CONTRACT.rules, *CATALOGUE.cases)}
    assert len(set(families)) == len(families)


def test_an_unknown_name_is_refused_with_each_near_one_once():
    with pytest.raises(UnknownName) as refused:
        CATALOGUE.named("signature.frm")
    assert "signature.form" in refused.value.near
    assert len(set(refused.value.near)) == len(refused.value.near)


def test_json_says_the_same(capsys):
    assert run(["explain", "signature.form", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == json.loads(json.dumps(CATALOGUE.named("signature.form")))
    (rule,), (case,) = document["rules"], document["cases"]
    assert rule["quote"] == CONTRACT.rule("signature.form").quote
    assert rule["exchanges"]["wrong"]["violation"]["where"] == "header.Authorization"
    assert "signature.form" in rule["cases"]["made_for"]
    assert case["rule"]["id"] in case["rules"]


def test_json_of_the_lists_is_short(capsys):
    assert run(["explain", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [rule["id"] for rule in document["rules"]] == list(CONTRACT.rules)
    assert document["rules"][0].keys() == {"id", "level", "title"}
    assert document["cases"][0].keys() == {"id", "family", "level", "title"}


def test_every_rule_and_case_is_told_within_the_width():
    """But for what is shown as it was: exchanges, ids, and the command to copy."""
    for name in (*CONTRACT.rules, *CATALOGUE.cases):
        head = told(name).partition("\nRight\n")[0]
        for line in head.splitlines():
            assert len(line) <= 79 or "--es-upgrade-case=" in line or len(line.split()) < 4, line


def test_every_rule_says_why_it_matters():
    assert [rule for rule in CONTRACT.rules if not CONTRACT.why(rule).endswith(".")] == []


def test_a_contract_without_the_reasons_has_empty_ones():
    documents = CONTRACT.altered_documents()
    del documents["rules.yaml"]["request.path"]["why"]
    assert Contract(documents).why("request.path") == ""


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_a_pipe_that_is_closed_early_is_no_traceback(arguments):
    code = "from pytest_es_upgrade.cli import main; main()"
    command = [sys.executable, "-c", code, "explain", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""


def test_a_terminal_of_few_letters_is_told_too():
    code = "from pytest_es_upgrade.cli import main; main()"
    command = [sys.executable, "-c", code, "explain", "request.path"]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "Request syntax: \\u201c/openapi/" in " ".join(done.stdout.split())


def test_a_stream_that_cannot_be_told_is_written_to_as_it_is(monkeypatch):
    class Stream(io.StringIO):
        """Such as an application has in place of its output."""

    monkeypatch.setattr(sys, "stdout", Stream())
    assert run(["explain", "dry_run"]) == 0
    assert sys.stdout.getvalue().startswith("Rules (3)")
