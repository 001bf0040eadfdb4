"""Where the examples go: to every pair and boundary soon, to no rejected draw ever, and after the contract."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import Phase, find, given, seed, settings
from hypothesis.statistics import collector

from pytest_es_upgrade import UpgradeRequest, check_request, check_response, shipped_contract, strategies
from pytest_es_upgrade.contract import Contract
from pytest_es_upgrade.errors import UnknownName
from pytest_es_upgrade.strategies import (
    awkward_requests,
    client_tokens,
    error_responses,
    invalid_client_tokens,
    invalid_requests,
    malformed_responses,
    mismatched_targets,
    success_responses,
    valid_requests,
)
from pytest_es_upgrade.values import INSTANCE_ID

CONTRACT = shipped_contract()


def class_of_token(token):
    return {None: "absent"}.get(token) or {1: "one", 64: "limit"}.get(len(token), "between")


@pytest.mark.parametrize("number", range(40))
def test_every_pair_of_choices_turns_up_within_200_examples(number):
    """Pairwise over target, class of token and dryRun; lengths 1 and 64 are classes of their own."""
    calls = []

    @seed(number)
    @settings(max_examples=200, phases=[Phase.generate], database=None, deadline=None)
    @given(valid_requests())
    def collect(call):
        calls.append(((call.version, call.type), class_of_token(call.client_token), call.dry_run))

    collect()
    dimensions = (CONTRACT.targets, ("absent", "one", "between", "limit"), (None, True, False))
    for one, other in itertools.combinations(range(3), 2):
        wanted = set(itertools.product(dimensions[one], dimensions[other]))
        assert wanted == {(call[one], call[other]) for call in calls}


@pytest.mark.parametrize("name", strategies.__all__)
def test_nothing_is_filtered_and_no_health_check_fires(name):
    """Every draw becomes an example: none is rejected, none runs out of what it may draw."""
    statistics = []

    @settings(max_examples=300, phases=[Phase.generate], database=None, derandomize=True, suppress_health_check=())
    @given(getattr(strategies, name)())
    def draw(value):
        pass

    with collector.with_value(statistics.append):
        draw()
    statuses = Counter(case["status"] for case in statistics[0]["generate-phase"]["test-cases"])
    assert statuses["invalid"] == 0
    assert statuses["valid"] > 0.8 * statuses.total()  # the rest ran out of room while Hypothesis began small


def test_no_strategy_rejects_in_its_source():
    """What `filter` and `assume` throw away is nowhere to be seen, so it is looked for where it would be written."""
    from pytest_es_upgrade.strategies import answers, malformed, requests

    for module in (answers, malformed, requests):
        source = Path(module.__file__).read_text(encoding="utf-8")
        assert ".filter(" not in source
        assert "assume(" not in source


def altered_contract():
    """Another edition: a third version with a type of its own, shorter tokens, another check, another error."""
    documents = CONTRACT.altered_documents()
    request, success = documents["request.schema.json"], documents["success.schema.json"]
    request["$defs"]["version"]["then"]["enum"] = ["7.10", "ali1.2.0", "beta"]
    request["$defs"]["type"]["then"]["enum"] = ["engineVersion", "aliVersion", "previewVersion"]
    request["$defs"]["clientToken"]["maxLength"] = 12
    rows = request["properties"]["body"]["allOf"]
    rows[0]["if"]["properties"]["version"]["const"] = "7.10"
    rows.append(
        {
            "if": {
                "properties": {"version": {"const": "beta"}, "type": {"$ref": "#/$defs/type"}},
                "required": ["version", "type"],
            },
            "then": {"properties": {"type": {"const": "previewVersion", "x-rule": {"const": "request.pairing"}}}},
        }
    )
    success["$defs"]["check"]["properties"]["validateType"]["then"]["enum"].append("checkLicense")
    success["$defs"]["error"]["properties"]["errorType"]["then"]["enum"].append("clusterLicense")
    documents["errors.yaml"].append(
        {"code": "LicenseExpired", "status": 409, "message": "The licence has expired.", "description": ""}
    )
    return Contract(documents)


def test_strategies_follow_another_contract():
    other = altered_contract()
    asked, answered = [], []

    @settings(max_examples=500, derandomize=True, deadline=None, database=None)
    @given(
        valid_requests(contract=other),
        invalid_requests(contract=other),
        success_responses(contract=other),
        error_responses(contract=other),
        malformed_responses(contract=other),
    )
    def collect(valid, invalid, success, error, malformed):
        assert check_request(valid, other) == []
        assert [found.rule.id for found in check_request(invalid[0], other)] == [invalid[1]]
        assert check_response(success, other) == check_response(error, other) == []
        assert {found.rule.id for found in check_response(malformed[0], other)} == {malformed[1]}
        asked.append(valid)
        answered.append(success.body + error.body)

    collect()
    assert ("beta", "previewVersion") in {(call.version, call.type) for call in asked}
    lengths = {len(call.client_token) for call in asked if call.client_token}
    assert (min(lengths), max(lengths)) == (1, 12)
    text = b"".join(answered)
    assert b"checkLicense" in text
    assert b"clusterLicense" in text
    assert b"LicenseExpired" in text
    assert find(invalid_client_tokens(contract=other), lambda pair: pair[1].endswith("length"))[0] == "x" * 13
    assert "6.7" not in {call.version for call in asked}
    wanted = (("beta", "aliVersion"), "request.pairing")
    assert find(mismatched_targets(contract=other), lambda pair: pair == wanted) == wanted


def test_a_falsifying_example_is_code_to_paste():
    """Neither the call of a hidden function nor an object at an address."""

    @settings(max_examples=300, derandomize=True, database=None)
    @given(request=valid_requests(), pair=invalid_requests(rule="request.version.value"), answer=success_responses())
    def fails(request, pair, answer):
        assert not request.dry_run

    with pytest.raises(AssertionError) as caught:
        fails()
    shown = "".join("".join(caught.value.__notes__).split())
    plain = "version=None,type=None,client_token=None,dry_run=True"
    assert f"request=UpgradeRequest(instance_id='{INSTANCE_ID}',{plain}" in shown
    assert "pair=(UpgradeRequest(instance_id=" in shown
    assert "answer=HttpResponse(status=200,headers=((" in shown


def in_a_process(code):
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_hypothesis_knows_a_call_by_its_type():
    """Without importing the strategies; and whoever imports Hypothesis does not load them."""
    code = (
        "import sys, hypothesis\n"
        "assert 'pytest_es_upgrade.strategies' not in sys.modules and 'yaml' not in sys.modules\n"
        "from hypothesis import strategies as st, find\n"
        "from pytest_es_upgrade import UpgradeRequest\n"
        "print(find(st.from_type(UpgradeRequest), lambda call: call.version))"
    )
    assert in_a_process(code).strip() == str(UpgradeRequest(INSTANCE_ID, "6.7"))


def with_limit(limit):
    documents = CONTRACT.altered_documents()
    documents["request.schema.json"]["$defs"]["clientToken"]["maxLength"] = limit
    return Contract(documents)


def with_one_version():
    documents = CONTRACT.altered_documents()
    schema = documents["request.schema.json"]
    schema["$defs"]["version"]["then"]["enum"] = ["6.7"]
    schema["$defs"]["type"]["then"]["enum"] = ["engineVersion"]
    schema["properties"]["body"]["allOf"] = schema["properties"]["body"]["allOf"][:1]
    return Contract(documents)


def with_three_statuses():
    documents = CONTRACT.altered_documents()
    documents["success.schema.json"]["$defs"]["check"]["properties"]["status"]["then"]["enum"].append("skipped")
    return Contract(documents)


def with_one_error_type():
    documents = CONTRACT.altered_documents()
    member = documents["success.schema.json"]["$defs"]["error"]["properties"]["errorType"]
    member["then"]["enum"] = ["clusterDisk"]
    return Contract(documents)


def without_documented_errors():
    documents = CONTRACT.altered_documents()
    documents["errors.yaml"] = []
    return Contract(documents)


ALTERED = {
    **{f"tokens of {limit}": lambda limit=limit: with_limit(limit) for limit in (1, 2, 7, 12, 500)},
    "one version": with_one_version,
    "three statuses": with_three_statuses,
    "one error type": with_one_error_type,
    "no documented errors": without_documented_errors,
}


@pytest.mark.parametrize("alter", ALTERED.values(), ids=ALTERED)
def test_every_strategy_follows_every_altered_contract(alter):
    other = alter()
    few = settings(max_examples=150, derandomize=True, deadline=None, database=None)

    @few
    @given(valid_requests(contract=other), awkward_requests(contract=other), client_tokens(contract=other))
    def conform(valid, awkward, token):
        assert check_request(valid, other) == check_request(awkward, other) == []
        assert check_request(UpgradeRequest("es-cn-a", client_token=token), other) == []

    @few
    @given(invalid_requests(contract=other), invalid_client_tokens(contract=other))
    def break_one(invalid, token):
        assert [found.rule.id for found in check_request(invalid[0], other)] == [invalid[1]]
        request = UpgradeRequest("es-cn-a", client_token=token[0])
        assert [found.rule.id for found in check_request(request, other)] == [token[1]]

    @few
    @given(success_responses(contract=other), error_responses(contract=other), malformed_responses(contract=other))
    def answer(success, error, malformed):
        assert check_response(success, other) == check_response(error, other) == []
        assert {found.rule.id for found in check_response(malformed[0], other)} == {malformed[1]}

    conform()
    break_one()
    answer()
    assert mismatched_targets(contract=other).is_empty == (not other.mismatched_targets)


def test_a_rule_that_is_no_text_is_an_unknown_name_too():
    with pytest.raises(UnknownName, match="that a caller's values can break 5"):
        invalid_requests(rule=5)
