"""contracts/exchanges.json and docs/contract/cases.json: what is shown as right is right, and as wrong is wrong."""

from __future__ import annotations

import json
import re
from importlib import import_module

import pytest
from pages import ROOT

from pytest_es_upgrade import HttpResponse, check_request, check_response
from pytest_es_upgrade.cli.explaining import Catalogue, why_without
from pytest_es_upgrade.contract import shipped_contract
from pytest_es_upgrade.server.reading import RequestReader, Unparsable

CONTRACT = shipped_contract()
CATALOGUE = Catalogue(CONTRACT)
FILE = ROOT / "contracts" / "exchanges.json"
CASES = json.loads((ROOT / "docs" / "contract" / "cases.json").read_text(encoding="utf-8"))["cases"]
EXCHANGES = {rule: CATALOGUE.exchanges(rule) for rule in CONTRACT.rules if CATALOGUE.exchanges(rule) is not None}
AGAIN = "record it anew: make exchanges"

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(ROOT)
    WRONG = import_module("tests.clients.wrong").WRONG

#: A rule about a request that only the endpoint makes wrong: check_request does not know it.
OF_THE_ENDPOINT = "request.http.host_port"
CUT = re.compile(r"… \(\d+ characters\)$")


def sent(side):
    """The requests of a side, as they were on the wire."""
    for call in side["calls"]:
        for exchange in (one for one in call["exchanges"] if one["sent"] is not None):
            reader = RequestReader()
            try:
                first = reader.receive(exchange["sent"].encode())
            except Unparsable as broken:
                first = broken.request
            yield first if first is not None else reader.rest()


def answers(side):
    """The answers of a side that are recorded whole."""
    for call in side["calls"]:
        for exchange in call["exchanges"]:
            text = exchange["answered"] or ""
            if "\r\n" in text and not CUT.search(text):
                head, _, body = text.partition("\r\n\r\n")
                status, *lines = head.split("\r\n")
                headers = tuple(tuple(line.split(": ", 1)) for line in lines)
                yield HttpResponse(int(status.split()[1]), headers, body.encode())


def broken_by(messages, check):
    return {found.rule.id for message in messages for found in check(message)}


def test_every_rule_has_a_right_and_a_wrong_exchange_or_a_reason():
    without = {rule for rule in CONTRACT.rules if why_without(rule)}
    assert EXCHANGES.keys() | without == CONTRACT.rules.keys(), AGAIN
    assert not EXCHANGES.keys() & without


def test_every_rule_that_a_wrong_client_is_for_has_both():
    assert {wrong.breaks for wrong in WRONG.values()} <= EXCHANGES.keys(), AGAIN


@pytest.mark.parametrize("rule", EXCHANGES)
def test_the_wrong_client_is_one_that_breaks_that_rule_in_that_case(rule):
    record = EXCHANGES[rule]
    if record["case"] is None:
        assert rule.startswith("response.")
        return
    wrong = WRONG[record["wrong"]["client"]]
    assert wrong.breaks == rule, AGAIN
    assert record["wrong"]["mistake"] == " ".join(wrong.factory.__doc__.split()), AGAIN
    assert record["case"] in CATALOGUE.rule(rule)["cases"]["all"], AGAIN
    assert "violation" in record["wrong"]


@pytest.mark.parametrize(
    "rule", [rule for rule in EXCHANGES if rule.startswith("request.") and rule != OF_THE_ENDPOINT]
)
def test_a_rule_about_a_request_is_broken_by_the_wrong_one_alone(rule):
    assert rule in broken_by(sent(EXCHANGES[rule]["wrong"]), check_request)
    assert broken_by(sent(EXCHANGES[rule]["right"]), check_request) == set()


@pytest.mark.parametrize("rule", [rule for rule in EXCHANGES if rule.startswith("response.")])
def test_a_rule_about_an_answer_is_broken_by_the_wrong_one_alone(rule):
    assert rule in broken_by(answers(EXCHANGES[rule]["wrong"]), check_response)
    assert list(answers(EXCHANGES[rule]["right"])) != []
    assert broken_by(answers(EXCHANGES[rule]["right"]), check_response) == set()


@pytest.mark.parametrize("rule", EXCHANGES)
def test_what_is_shown_as_right_sends_what_is_right(rule):
    assert broken_by(sent(EXCHANGES[rule]["right"]), check_request) <= {rule}


def test_every_case_is_there_with_both_sides_or_kills_nothing():
    assert list(CASES) == list(CATALOGUE.cases), AGAIN
    matrix = (
        (ROOT / "docs/explanation/kill-matrix.md").read_text(encoding="utf-8").partition("## Cases that kill none")[2]
    )
    idle = set(re.findall(r"`([\w.]+)`", matrix))
    assert {case for case, row in CASES.items() if "wrong" not in row} == idle, AGAIN
    for case, row in CASES.items():
        assert row["right"], case
        assert "wrong" not in row or WRONG[row["wrong"]["client"]].breaks == row["wrong"]["rule"], AGAIN


def test_the_file_is_of_moderate_size_and_has_nothing_of_the_machine_that_made_it():
    text = FILE.read_text(encoding="utf-8")
    assert FILE.stat().st_size < 300_000
    assert set(re.findall(r"(?:127\.0\.0\.1|localhost)(?::|%3A)(\d+)", text)) <= {"9200", "9201", "9202"}
    assert not re.search(r"/(home|root|tmp|work)/", text)
