"""What is generated and what the contract says agree, by this kit's checks and by an independent validator."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from independent import request_rules, schema_rules
from pydantic_core import from_json

from pytest_es_upgrade import HttpResponse, UpgradeRequest, check_request, check_response, shipped_contract
from pytest_es_upgrade.errors import UnknownName
from pytest_es_upgrade.faults import FAULTS
from pytest_es_upgrade.strategies import (
    awkward_requests,
    client_tokens,
    error_responses,
    faults,
    instance_ids,
    invalid_client_tokens,
    invalid_requests,
    malformed_responses,
    mismatched_targets,
    success_responses,
    upgrade_targets,
    valid_requests,
)
from pytest_es_upgrade.strategies.malformed import malformed
from pytest_es_upgrade.strategies.requests import breakable_rules
from pytest_es_upgrade.values import AWKWARD_IDS, AWKWARD_TOKENS

CONTRACT = shipped_contract()
often = settings(max_examples=400, derandomize=True, deadline=None)


def broken(message):
    check = check_response if isinstance(message, HttpResponse) else check_request
    return [violation.rule.id for violation in check(message)]


# --- calls ------------------------------------------------------------------------------------------


@often
@given(valid_requests())
def test_valid_calls_break_no_rule(request):
    assert broken(request) == []
    assert request_rules(CONTRACT, request) == []
    assert (request.version, request.type) in CONTRACT.targets


@often
@given(awkward_requests())
def test_awkward_calls_break_no_rule_and_hold_an_awkward_value(request):
    assert broken(request) == []
    assert request_rules(CONTRACT, request) == []
    id_, token = request.instance_id, request.client_token or ""
    by_name = id_ in AWKWARD_IDS.values() or request.client_token in AWKWARD_TOKENS.values()
    assert by_name or not id_.isascii() or not set(id_ + token).isdisjoint("/?#% \\.&+;:@=\r\n\t\0\x1b\x1f\x7f")


@often
@given(invalid_requests())
def test_an_invalid_call_breaks_its_rule_and_no_other(pair):
    request, rule = pair
    assert broken(request) == [rule]
    assert request_rules(CONTRACT, request) == [rule]


@pytest.mark.parametrize("rule", breakable_rules(CONTRACT))
def test_every_rule_that_values_can_break_can_be_asked_for(rule):
    @settings(max_examples=80, derandomize=True, deadline=None)
    @given(invalid_requests(rule=rule))
    def every(pair):
        assert pair[1] == rule
        assert broken(pair[0]) == request_rules(CONTRACT, pair[0]) == [rule]

    every()


def test_every_rule_of_a_value_in_the_schema_is_broken_by_a_strategy():
    """What the schema says of the five values; the rest of the request's rules are about the wire."""
    definitions = CONTRACT.request_schema["$defs"].values()
    rules = {
        rule for one in definitions for part in (one, one.get("then", {})) for rule in part.get("x-rule", {}).values()
    }
    assert set(breakable_rules(CONTRACT)) == rules | {"request.pairing"}


def test_an_unknown_rule_is_told_with_the_near_ones():
    with pytest.raises(UnknownName, match=r"request\.version\.values.*did you mean 'request\.version\.value'"):
        invalid_requests(rule="request.version.values")
    with pytest.raises(UnknownName, match=r"that an answer can break 'response\.body\.jsn'.*'response\.body\.json'"):
        malformed_responses(rule="response.body.jsn")


@often
@given(client_tokens(), instance_ids(), upgrade_targets())
def test_parts_of_calls_make_valid_calls(token, id_, target):
    assert broken(UpgradeRequest(id_, *target, client_token=token)) == []


@often
@given(invalid_client_tokens(), mismatched_targets())
def test_invalid_parts_break_their_rule(token, target):
    assert broken(UpgradeRequest("es-cn-a", client_token=token[0])) == [token[1]]
    assert broken(UpgradeRequest("es-cn-a", *target[0])) == [target[1]]


# --- the finite part, enumerated --------------------------------------------------------------------

#: class of a value → an example, and the rules that it breaks
TOKENS = {
    "absent": (None, []),
    "empty": ("", []),
    "one": ("0", []),
    "limit": ("0" * 64, []),
    "one_more": ("0" * 65, ["request.client_token.length"]),
    "no_ascii": ("\u00e9", ["request.client_token.ascii"]),
    "both": ("\u00e9" * 65, ["request.client_token.length", "request.client_token.ascii"]),
    "number": (0, ["request.client_token.type"]),
}
DRY_RUNS = {
    "absent": (None, []),
    "true": (True, []),
    "false": (False, []),
    "text": ("true", ["request.dry_run.type"]),
    "number": (1, ["request.dry_run.type"]),
}
VERSIONS = {
    "absent": (None, []),
    "engine": ("6.7", []),
    "patch": ("ali1.2.0", []),
    "near": ("6.70", ["request.version.value"]),
    "number": (6.7, ["request.version.type"]),
}
TYPES = {
    "absent": (None, []),
    "engine": ("engineVersion", []),
    "patch": ("aliVersion", []),
    "near": ("EngineVersion", ["request.type.value"]),
    "number": (1, ["request.type.type"]),
}


def test_the_finite_part_is_judged_as_the_page_says():
    """Pairs x presence x dryRun x classes of tokens: every combination, by both judges, and by the table above."""
    mismatched = {("engine", "patch"), ("patch", "engine")}
    count = 0
    for version, type_, token, dry_run in itertools.product(VERSIONS, TYPES, TOKENS, DRY_RUNS):
        picked = (VERSIONS[version], TYPES[type_], TOKENS[token], DRY_RUNS[dry_run])
        request = UpgradeRequest("es-cn-a", *(value for value, _ in picked))
        expected = sorted(rule for _, rules in picked for rule in rules)
        expected += ["request.pairing"] if (version, type_) in mismatched else []
        assert sorted(broken(request)) == sorted(request_rules(CONTRACT, request)) == sorted(expected), request
        count += 1
    assert count == 5 * 5 * 8 * 5


def test_every_pair_of_documented_values_is_valid_mismatched_or_open():
    """The table of the interface, word for word; what is open is in no strategy."""
    valid = {(None, None), (None, "engineVersion"), ("6.7", None), ("6.7", "engineVersion"), ("ali1.2.0", "aliVersion")}
    mismatched = {("6.7", "aliVersion"), ("ali1.2.0", "engineVersion")}
    open_ = {("ali1.2.0", None), (None, "aliVersion")}
    assert (set(CONTRACT.targets), set(CONTRACT.mismatched_targets), set(CONTRACT.open_targets)) == (
        valid,
        mismatched,
        open_,
    )
    assert drawn(upgrade_targets()) == valid
    assert drawn(mismatched_targets()) == {(pair, "request.pairing") for pair in mismatched}
    invalid = st.one_of(invalid_requests(), st.tuples(st.one_of(valid_requests(), awkward_requests()), st.none()))
    asked = [request for request, rule in examples(invalid, 2000) if rule not in _OF_A_PAIR]
    assert open_.isdisjoint([(request.version, request.type) for request in asked])


#: Rules by which version or type is no documented value: then the two are no pair.
_OF_A_PAIR = ("request.version.type", "request.version.value", "request.type.type", "request.type.value")


def examples(strategy, count=200):
    found = []

    @settings(max_examples=count, derandomize=True, deadline=None, database=None)
    @given(strategy)
    def collect(value):
        found.append(value)

    collect()
    return found


def drawn(strategy, count=200):
    return set(examples(strategy, count))


# --- answers ----------------------------------------------------------------------------------------


@often
@given(success_responses())
def test_successes_conform(response):
    assert broken(response) == []
    assert response.status == 200
    assert schema_rules(CONTRACT.success_schema, from_json(response.body)) == []


@often
@given(error_responses())
def test_errors_conform(response):
    assert broken(response) == []
    assert response.status >= 400
    assert schema_rules(CONTRACT.error_schema, from_json(response.body)) == []


MALFORMED = [row for rows in malformed(CONTRACT).values() for row in rows]


@pytest.mark.parametrize("row", MALFORMED, ids=lambda row: f"{row.rule}.{row.name}")
def test_a_malformed_answer_breaks_its_rule_and_no_other(row):
    for number in (0, 1, 2, 3, 5, 8, 17, 100, 9999):
        document = json.loads(CONTRACT.documents["samples/success.json"])
        response = row.make(document, number)
        assert set(broken(response)) == {row.rule}, (number, response)
        assert set(second_opinion(response, row.rule)) == {row.rule}, (number, response)


def second_opinion(response, rule):
    """By the schemas where the rule is one of theirs; else by what another JSON parser makes of the body."""
    schema = CONTRACT.error_schema if response.status >= 400 else CONTRACT.success_schema
    if rule.startswith(("response.body.json", "response.body.utf8")):
        with pytest.raises(ValueError):
            strictly(response.body)
        return [rule]
    if f'"{rule}"' in json.dumps(schema) and not (rule == "response.error.body" and not is_json(response.body)):
        return schema_rules(schema, from_json(response.body))
    if rule == "response.body.object":
        return [rule] * (not isinstance(from_json(response.body), dict))
    if rule == "response.http_status":
        return [rule] * (response.status not in (200, 201, 202) and response.status < 400)
    if rule == "response.http.length":
        return [rule] * (int(response.header("Content-Length")) != len(response.body))
    return [rule]  # what a header says, or a member that stands twice: this kit's own check is all there is


def strictly(body):
    return json.loads(body.decode("utf-8"), parse_constant=lambda name: int("no " + name))


def is_json(body):
    try:
        return from_json(body) is not from_json
    except ValueError:
        return False


@often
@given(malformed_responses())
def test_malformed_answers_break_their_rule(pair):
    assert set(broken(pair[0])) == {pair[1]}


def test_every_rule_that_an_answer_can_break_is_broken_by_a_strategy():
    """But for those of a reading, where the page is open, and who breaks them is right as well."""
    readings = {rule for reading in CONTRACT.readings.values() for rule in reading.rules}
    rules = {rule for rule in CONTRACT.rules if rule.startswith("response.")}
    assert set(malformed(CONTRACT)) == rules - readings
    for rule in rules - readings:
        assert {pair[1] for pair in examples(malformed_responses(rule=rule), 20)} == {rule}


def test_faults_are_the_names_of_faults():
    assert drawn(faults(), 400) == set(FAULTS)
