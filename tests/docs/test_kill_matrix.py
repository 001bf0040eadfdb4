"""The kill matrix is of the clients and cases that there are: after a change it is to be written anew."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from pytest_es_upgrade.contract import shipped_contract
from pytest_es_upgrade.suite import cases

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "kill-matrix.md").read_text(encoding="utf-8")
CLIENTS, CASES = PAGE.split("## Cases\n", 1)
AGAIN = "write it anew: make kill-matrix"

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(ROOT)
    WRONG = import_module("tests.clients.wrong").WRONG


def rows(text: str) -> dict[str, list[str]]:
    """The rows of the tables of a text, by what stands in the first cell."""
    lines = re.findall(r"^\| `([^`]+)` \| (.*) \|$", text, re.MULTILINE)
    return {name: re.split(r"(?<!\\) \| ", rest) for name, rest in lines}


def test_every_wrong_client_is_in_it_with_its_mistake_and_rule() -> None:
    told = {name: (mistake.replace("\\", ""), rule) for name, (mistake, rule, _, _) in rows(CLIENTS).items()}
    entered = {
        name: (" ".join(wrong.factory.__doc__.split()).replace("<", "&lt;"), f"`{wrong.breaks}` ({wrong.level})")
        for name, wrong in WRONG.items()
    }
    assert told == {name: (mistake.replace("\\", ""), rule) for name, (mistake, rule) in entered.items()}, AGAIN


def test_every_case_is_in_it() -> None:
    assert list(rows(CASES)) == [case.id for case in cases(shipped_contract())], AGAIN


def test_every_wrong_client_is_killed() -> None:
    assert {fate for _, _, fate, _ in rows(CLIENTS).values()} == {"killed"}


def test_every_case_kills_a_client_or_is_given_a_reason() -> None:
    idle = {name for name, (kills, _, _) in rows(CASES).items() if kills == "-"}
    reasons = CASES.partition("## Cases that kill none")[2]
    assert not [name for name in idle if f"`{name}`" not in reasons]
