"""What is said without `jsonschema` is what `jsonschema` says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pytest_es_upgrade.contract import shipped_contract
from pytest_es_upgrade.rules.conforming import predicate
from pytest_es_upgrade.rules.schema import _schema
from pytest_es_upgrade.samples import success_document

CONTRACT = shipped_contract()
SCHEMAS = {
    schema["$id"].rpartition("/")[2]: _schema(CONTRACT, schema["$id"])
    for schema in (CONTRACT.request_schema, CONTRACT.success_schema, CONTRACT.error_schema)
}

WORDS = st.sampled_from(
    ["6.7", "ali1.2.0", "engineVersion", "aliVersion", "6.8", "", "x" * 65, "\xe9", "success", "failed"]
)
SCALARS = WORDS | st.none() | st.booleans() | st.integers(-1, 2) | st.floats(allow_nan=False, width=16)
NAMES = st.sampled_from(
    [
        *(
            "path",
            "query",
            "body",
            "InstanceId",
            "clientToken",
            "dryRun",
            "version",
            "type",
            "plugins",
            "RegionId",
            "x",
        ),
        *("Result", "RequestId", "validateType", "status", "validateResult", "errorType", "errorCode", "errorMsg"),
        *("Code", "Message", "HostId"),
    ]
)
DOCUMENTS = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4))
CALLS = st.fixed_dictionaries(
    {},
    optional={
        "path": st.fixed_dictionaries({"InstanceId": SCALARS}) | DOCUMENTS,
        "query": st.dictionaries(st.sampled_from(["clientToken", "dryRun", "RegionId", "x"]), SCALARS, max_size=3),
        "body": st.dictionaries(st.sampled_from(["version", "type", "plugins", "x"]), SCALARS, max_size=3) | SCALARS,
    },
)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(document=DOCUMENTS | CALLS)
def test_both_say_the_same(schema, document):
    conforms = predicate(schema)
    assert conforms is not None
    assert conforms(document) == Draft202012Validator(schema).is_valid(document)


def test_the_documented_answer_conforms():
    assert predicate(SCHEMAS["success.schema.json"])(success_document(CONTRACT))


@pytest.mark.parametrize(
    "schema",
    [
        {"minimum": 3},
        {"properties": {"a": {"format": "date"}}},
        {"enum": ["a", 1]},
        {"const": True},
        {"type": "integer"},
        {"items": {"oneOf": []}},
    ],
)
def test_a_schema_that_says_more_has_none(schema):
    assert predicate(schema) is None


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, 1),
        ({"additionalProperties": {"type": "string"}}, {"a": "b"}),
        ({"additionalProperties": {"type": "string"}}, {"a": 1}),
        ({"patternProperties": {"^a": False}}, {"ab": 1}),
        ({"patternProperties": {"^a": False}}, "ab"),
        ({"properties": {"a": False}}, "a"),
        ({"if": {"type": "string"}, "else": {"type": "null"}}, 1),
        ({"if": {"type": "string"}, "else": {"type": "null"}}, None),
        ({"type": "string", "if": {"type": "string"}, "then": {"enum": ["a"]}}, "a"),
        ({"type": "string", "if": {"type": "string"}, "then": {"enum": ["a"]}}, "b"),
        ({"type": "string", "if": {"type": "string"}, "then": {"enum": ["a"]}}, 1),
        ({"not": {"type": ["string", "null"]}}, "a"),
        ({"items": {"type": "string"}}, ["a", 1]),
    ],
)
def test_keywords_by_themselves(schema, value):
    assert predicate(schema)(value) == Draft202012Validator(schema).is_valid(value)


def test_members_are_asked_of_objects_alone():
    """A schema that names members and no type lets everything through that is no object."""
    conforms = predicate({"properties": {"a": {"type": "string"}}})
    assert [conforms(value) for value in (3, {"a": "text"}, {"a": 3})] == [True, True, False]
