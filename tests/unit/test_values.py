"""Values to ask with: each breaks what it says and nothing else, and all of them follow the contract."""

from __future__ import annotations

import pytest

from pytest_es_upgrade import UpgradeRequest, check_request
from pytest_es_upgrade.contract import Contract, shipped_contract
from pytest_es_upgrade.values import (
    AWKWARD_IDS,
    AWKWARD_TOKENS,
    INSTANCE_ID,
    INSTANCE_IDS,
    TOKENS,
    invalid_values,
    surroundings,
)

CONTRACT = shipped_contract()
INVALID = [row for rows in invalid_values(CONTRACT).values() for row in rows]


def broken(request, contract=CONTRACT):
    return [violation.rule.id for violation in check_request(request, contract)]


@pytest.mark.parametrize("row", INVALID, ids=lambda row: f"{row.rule}.{row.name}")
def test_an_invalid_value_breaks_its_rule_alone_in_every_valid_call(row):
    for asked in surroundings(CONTRACT):
        assert broken(row.request(asked)) == [row.rule]
        assert broken(row.twin(asked)) == []


def test_the_values_that_hurt_are_among_them():
    values = {row.rule: [other.value for other in INVALID if other.rule == row.rule] for row in INVALID}
    assert {"6.7.0", "6.70", "6.7 ", "ali1.2", "Ali1.2.0", "6", "engineVersion", ""} <= set(
        values["request.version.value"]
    )
    assert {"EngineVersion", "engineversion", "engine_version", "6.7"} <= set(values["request.type.value"])
    assert {65, 10_000} <= {len(token) for token in values["request.client_token.length"]}
    assert 6.7 in values["request.version.type"]
    assert "true" in values["request.dry_run.type"]


def test_names_are_unique_within_a_rule():
    for rows in invalid_values(CONTRACT).values():
        assert len({row.name for row in rows}) == len(rows)
        assert len({repr(row.value) for row in rows}) == len(rows)


@pytest.mark.parametrize("id_", [*INSTANCE_IDS.values(), *AWKWARD_IDS.values()])
def test_plausible_and_awkward_ids_break_no_rule(id_):
    assert broken(UpgradeRequest(id_)) == []


@pytest.mark.parametrize("token", [*TOKENS.values(), *AWKWARD_TOKENS.values()])
def test_plausible_and_awkward_tokens_break_no_rule(token):
    assert broken(UpgradeRequest(INSTANCE_ID, client_token=token)) == []


def test_they_follow_another_contract():
    documents = CONTRACT.altered_documents()
    definitions = documents["request.schema.json"]["$defs"]
    definitions["version"]["then"]["enum"] = ["6.7", "6.7.0", "6.70", "latest"]
    definitions["clientToken"]["maxLength"] = 10
    altered = Contract(documents)
    rows = invalid_values(altered)
    assert "6.7.0" not in [row.value for row in rows["request.version.value"]]
    assert "latest" not in [row.value for row in rows["request.version.value"]]
    assert "6.700" in [row.value for row in rows["request.version.value"]]
    for row in (row for rule in rows for row in rows[rule] if rule != "request.version.value"):
        asked = UpgradeRequest(INSTANCE_ID, "6.7", "engineVersion")
        assert broken(row.request(asked), altered) == [row.rule]
        assert broken(row.twin(asked), altered) == []
