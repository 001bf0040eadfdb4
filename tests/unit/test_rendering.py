"""What may stand on the wire for a value of the wrong type, and what a word means that stands for a Boolean."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest

from pytest_es_upgrade.rules.rendering import is_falsy, meaning, renders

TOKEN = uuid.UUID("5a2cff0e-5718-45b5-9d4d-70b3ff6e2c41")


class Hostile:
    """Raises whatever is asked of it."""

    def __bool__(self):
        raise RuntimeError("no")

    __str__ = __eq__ = __bool__
    __hash__ = None


#: value → what stands for it, and what is another value
FORMS = [
    (6.7, [6.7, "6.7", '"6.7"'], ["6.70", "6", 6, 7, "6,7", True, None]),
    (6.0, [6, 6.0, "6", "6.0"], ["6.1", "06"]),
    (12345, [12345, "12345", 12345.0], ["12345.0", "0", "", 1234]),
    (0, [0, "0", ""], ["1", False, "00"]),
    (Decimal("6.7"), [6.7, "6.7"], [6.70001, "6.70"]),
    (True, [True, "true", "True", "1"], [False, "false", 1, "yes", "", None]),
    (False, [False, "false", "False", "0", ""], [True, "true", 0, None]),
    (None, ["", "null", "None", "nil", "undefined", None], ["es-cn-a", "0", 0]),
    (b"text", ["text", "b'text'", "dGV4dA==", [116, 101, 120, 116], '"text"'], ["tex", "b'tex'", [116], "", 5]),
    (["text"], [["text"], "text", "['text']", '["text"]', "[text]"], [[], "tex", "text,text", "", {"text": "text"}]),
    ((1, 2), [[1, 2], "1,2", "(1, 2)"], [[2, 1], "2,1", 12]),
    ([], [[], "[]", ""], ["[object]", "0", ["x"]]),
    (
        {"text": "other"},
        [{"text": "other"}, '{"text": "other"}', "text=other", "map[text:other]", "text", "[object Object]"],
        ["other", {"text": "text"}, ["text"], "[object Array]"],
    ),
    (TOKEN, [str(TOKEN), f'"{TOKEN}"'], [TOKEN.hex, str(TOKEN)[:16]]),
    (Hostile(), [], ["x", 1, ["x"]]),
]


@pytest.mark.parametrize(("wanted", "right", "wrong"), FORMS, ids=[type(form[0]).__name__ for form in FORMS])
def test_a_value_of_the_wrong_type_goes_as_its_text_or_its_json(wanted, right, wrong):
    assert [got for got in right if not renders(wanted, got)] == []
    assert [got for got in wrong if renders(wanted, got)] == []


@pytest.mark.parametrize("value", [True, "true", "True", " YES ", '"true"', "on", "1", 1, 1.0, b"true"])
def test_what_reads_as_true(value):
    assert meaning(value) is True


@pytest.mark.parametrize("value", [False, "false", "False", "no", "off", "0", 0, 0.0, "", [], (), {}, b"false"])
def test_what_reads_as_false(value):
    assert meaning(value) is False


@pytest.mark.parametrize("value", [2, 1.5, "maybe", "null", [True], {"dryRun": True}, None, object()])
def test_what_has_no_obvious_meaning(value):
    assert meaning(value) is None


def test_what_is_taken_for_nothing():
    assert all(map(is_falsy, (0, False, "", [], {}, None, b"", 0.0)))
    assert not any(map(is_falsy, (1, "0", [0], Hostile())))
