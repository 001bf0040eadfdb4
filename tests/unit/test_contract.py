"""The contract is data: every quote stands in the page, and an altered contract alters everything."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from pytest_es_upgrade import Contract, HttpRequest, UpgradeRequest, check_request, check_response, shipped_contract
from pytest_es_upgrade.errors import UnknownName
from pytest_es_upgrade.samples import documented_samples, sample, sample_names, sample_request
from pytest_es_upgrade.suite import cases
from pytest_es_upgrade.traceability import statements, trace

CONTRACT = shipped_contract()
PAGE = CONTRACT.documents["page.md"]
SCHEMAS = (CONTRACT.request_schema, CONTRACT.success_schema, CONTRACT.error_schema)


def ids(violations):
    return [violation.rule.id for violation in violations]


@pytest.mark.parametrize("rule", CONTRACT.rules.values(), ids=lambda rule: rule.id)
def test_every_rule_of_the_page_quotes_it_word_for_word(rule):
    assert rule.title
    assert rule.quote
    section = rule.source.removeprefix("page: ")
    if section != rule.source:
        assert rule.quote in PAGE
        assert section in {statement.section for statement in statements(PAGE)}
    else:
        assert rule.source.startswith(("RFC ", "CWE-", "ACS3-HMAC-SHA256", "ROA HMAC-SHA1", "pytest-es-upgrade, "))


def test_further_sentences_of_rules_stand_in_the_page():
    for row in CONTRACT.documents["rules.yaml"].values():
        assert set(row) <= {"level", "title", "source", "quote", "also", "hint", "why"}
        for quote in row.get("also", ()):
            assert quote in PAGE


@pytest.mark.parametrize("reading", CONTRACT.readings.values(), ids=lambda reading: reading.id)
def test_every_reading_quotes_the_page_and_says_what_is_taken(reading):
    assert reading.quotes
    assert reading.taken
    for quote in reading.quotes:
        assert quote in PAGE
    for rule in reading.rules:
        # what is tolerated is never a must, and the report can name the reading
        assert CONTRACT.rule(rule).level == "may"
        assert CONTRACT.reading_of(rule) is reading


def test_no_statement_of_the_page_is_left_over():
    left = [row.statement for row in trace(CONTRACT) if not row.rules and not row.reason]
    assert left == []


def test_reasons_for_what_is_not_checked_quote_the_page():
    texts = [statement.text for statement in statements(PAGE)]
    for row in CONTRACT.documents["untraced.yaml"]:
        assert any(row["quote"] in text for text in texts), row["quote"]
        assert row["reason"]


def test_every_word_of_the_page_is_in_a_statement_or_a_heading():
    said = " ".join(statement.text for statement in statements(PAGE))
    for line in PAGE.splitlines():
        if not line.startswith(("#", "```", "|--")):
            for word in line.replace("|", " ").split():
                assert word.strip("-") in said.replace("|", " ")


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema["$id"].rpartition("/")[2])
def test_schemas_are_valid_and_name_known_rules(schema):
    Draft202012Validator.check_schema(schema)
    named = list(_rule_names(schema))
    assert named
    for keyword, rule, holder in named:
        assert rule in CONTRACT.rules
        assert keyword in holder


def _rule_names(schema):
    if isinstance(schema, dict):
        for keyword, rule in schema.get("x-rule", {}).items():
            yield keyword, rule, schema
        for value in schema.values():
            yield from _rule_names(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _rule_names(value)


def test_the_documented_sample_is_kept_verbatim():
    assert sample(CONTRACT, "success").body.decode() in PAGE
    verbatim = CONTRACT.documents["samples.yaml"]["requests"]["documented"]["verbatim"]
    assert verbatim in PAGE
    assert sample_request(CONTRACT).instance_id == "es-cn-n6w1o1x0w001c****"


@pytest.mark.parametrize("name", sample_names(CONTRACT))
def test_samples_conform_to_the_contract(name):
    found = check_response(sample(CONTRACT, name))
    assert [violation for violation in found if violation.rule.level != "may"] == []
    assert found == [] or name == "struct"


def test_documented_samples_are_the_success_and_each_error():
    assert documented_samples(CONTRACT) == ("success", "InstanceActivating", "InstanceNotFound")


def test_sample_requests_conform_to_the_contract():
    for name in ("documented", "table_examples"):
        assert check_request(sample_request(CONTRACT, name)) == []


def test_unknown_names_offer_the_near_ones():
    for call in (
        lambda: sample(CONTRACT, "sucess"),
        lambda: sample_request(CONTRACT, "document"),
        lambda: CONTRACT.rule("request.methd"),
        lambda: CONTRACT.enum("statuss"),
    ):
        with pytest.raises(UnknownName, match="did you mean"):
            call()


def test_targets_are_valid_open_or_mismatched():
    assert CONTRACT.targets == (
        (None, None),
        (None, "engineVersion"),
        ("6.7", None),
        ("6.7", "engineVersion"),
        ("ali1.2.0", "aliVersion"),
    )
    assert CONTRACT.open_targets == ((None, "aliVersion"), ("ali1.2.0", None))
    assert CONTRACT.mismatched_targets == (("6.7", "aliVersion"), ("ali1.2.0", "engineVersion"))


def test_the_contract_names_itself():
    assert (CONTRACT.operation, CONTRACT.version, CONTRACT.method) == ("UpgradeEngineVersion", "2017-06-13", "POST")
    assert CONTRACT.target_path("es-1") == "/openapi/instances/es-1/actions/upgrade-version"
    assert len(CONTRACT.sha256) == 64


# --- an altered contract ----------------------------------------------------------------------------


def altered(change) -> Contract:
    documents = CONTRACT.altered_documents()
    change(documents)
    return Contract(documents)


def test_a_new_version_value_is_valid_and_gets_cases_of_its_own():
    def change(documents):
        documents["request.schema.json"]["$defs"]["version"]["then"]["enum"].append("7.10")

    contract = altered(change)
    request = UpgradeRequest("es-1", "7.10", "engineVersion")
    assert ids(check_request(request)) == ["request.version.value"]
    assert check_request(request, contract) == []
    assert ("7.10", None) in contract.targets
    new = {case.id for case in cases(contract)} - {case.id for case in cases(CONTRACT)}
    assert "request.given.version_7_10.type_engine_version.token.dry_run_true" in new
    assert contract.sha256 != CONTRACT.sha256


def test_another_token_length_moves_the_limit():
    def change(documents):
        documents["request.schema.json"]["$defs"]["clientToken"]["maxLength"] = 8

    contract = altered(change)
    request = UpgradeRequest("es-1", client_token="123456789")
    assert check_request(request) == []
    assert ids(check_request(request, contract)) == ["request.client_token.length"]
    assert "request.token.length_8" in {case.id for case in cases(contract)}


def test_a_new_pairing_is_checked():
    def change(documents):
        schema = documents["request.schema.json"]
        schema["properties"]["body"]["allOf"][0]["then"]["properties"]["type"]["const"] = "aliVersion"

    contract = altered(change)
    assert ids(check_request(UpgradeRequest("es-1", "6.7", "engineVersion"), contract)) == ["request.pairing"]
    assert check_request(UpgradeRequest("es-1", "6.7", "aliVersion"), contract) == []
    assert ("6.7", None) in contract.open_targets


def test_another_path_moves_the_operation():
    def change(documents):
        documents["operation.json"]["path"] = "/v2/{InstanceId}/upgrade"

    contract = altered(change)
    request = HttpRequest("POST", "/v2/es-1/upgrade")
    assert ids(check_request(request)) == ["request.path"]
    assert check_request(request, contract) == []


def test_another_error_is_another_sample():
    def change(documents):
        documents["errors.yaml"].append(
            {"code": "InstanceLocked", "status": 423, "message": "Locked.", "description": "It is locked."}
        )

    contract = altered(change)
    assert json.loads(sample(contract, "InstanceLocked").body)["Code"] == "InstanceLocked"
    assert "error.documented.instance_locked" in {case.id for case in cases(contract)}


def test_another_status_value_is_another_answer():
    def change(documents):
        definitions = documents["success.schema.json"]["$defs"]
        definitions["check"]["properties"]["status"]["then"]["enum"] = ["passed", "failed"]

    contract = altered(change)
    assert b'"passed"' in sample(contract, "all_passed").body
    assert ids(check_response(sample(CONTRACT, "all_passed"), contract)) == ["response.status.value"] * 4


def test_the_shipped_documents_are_a_mapping():
    assert len(CONTRACT.documents) == len(set(CONTRACT.documents)) > 0
