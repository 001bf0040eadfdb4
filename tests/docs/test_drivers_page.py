"""docs/how-to/drivers.md shows what schema, examples and rules say; its commands are run with those of all pages."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator
from pages import ROOT, Page

from pytest_es_upgrade.contract import data_file, shipped_contract

PAGE = Page("docs/how-to/drivers.md")
LINES = [
    (block["what"].removeprefix("line: "), line)
    for block in PAGE.blocks
    if block["what"].startswith("line: ")
    for line in block["text"].splitlines()
]


def test_code_is_that_of_the_example():
    (block,) = [block for block in PAGE.blocks if block["what"].startswith("part of: ")]
    assert block["text"] in (ROOT / block["what"].removeprefix("part of: ")).read_text(encoding="utf-8")


@pytest.mark.parametrize(("kind", "line"), LINES)
def test_lines_are_of_the_schema(kind, line):
    Draft202012Validator(data_file("driver.schema.json")["$defs"][kind]).validate(json.loads(line))


def test_every_rule_of_drivers_is_on_the_page():
    rules = [rule for rule in shipped_contract().rules if rule.startswith("adapter.driver.")]
    assert rules
    assert all(f"| `{rule}` |" in PAGE.text for rule in rules)
