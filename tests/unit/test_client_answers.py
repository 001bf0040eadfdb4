"""Whatever a client returns, the document in it is found and put under the page's names; or None."""

from __future__ import annotations

import collections
import enum
import json
import types
import uuid
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import httpx
import pytest
import requests
from alibabacloud_elasticsearch20170613 import models as tea
from darabonba.core import DaraCore
from hypothesis import given
from hypothesis import strategies as st

from pytest_es_upgrade.client import shapes
from pytest_es_upgrade.client.answers import read_answer
from pytest_es_upgrade.client.shapes import opened, parsed, plain, safely, scalar

SAMPLE = json.loads((Path(__file__).parents[2] / "contracts" / "samples" / "success.json").read_text())
ERROR = {"errorType": "clusterStatus", "errorCode": "ClusterStatusNotHealth", "errorMsg": "not health"}
CHECK = {"validateType": "checkClusterHealth", "status": "failed", "validateResult": [ERROR]}
DOCUMENT = {"Result": [CHECK], "RequestId": "F99407AB"}


class Status(str, enum.Enum):
    FAILED = "failed"


@dataclass
class DataError:
    error_type: str = "clusterStatus"
    error_code: str = "ClusterStatusNotHealth"
    error_msg: str = "not health"


@dataclass
class DataCheck:
    validate_type: str = "checkClusterHealth"
    status: str = Status.FAILED
    validate_result: tuple[DataError, ...] = (DataError(),)


@dataclass
class DataDocument:
    request_id: str = "F99407AB"
    result: list[DataCheck] = field(default_factory=lambda: [DataCheck()])


@attrs.frozen
class AttrsDocument:
    request_id: str = "F99407AB"
    result: tuple[DataCheck, ...] = (DataCheck(),)


class TupleError(NamedTuple):
    error_type: str = "clusterStatus"
    error_code: str = "ClusterStatusNotHealth"
    error_msg: str = "not health"


class TupleDocument(NamedTuple):
    Result: list[Any]
    RequestId: str = "F99407AB"


class Slotted:
    __slots__ = ("RequestID", "result")

    def __init__(self):
        self.RequestID, self.result = "F99407AB", [CHECK]


class WithProperties:
    def __init__(self):
        self._map = {"private": True}

    @property
    def request_id(self):
        return "F99407AB"

    @cached_property
    def result(self):
        return [CHECK]

    @property
    def body(self):
        raise RuntimeError("a property that raises")

    @property
    def unknown(self):
        raise AssertionError("not to be looked at")

    def data(self):
        raise AssertionError("not to be called")


class PydanticTwo:
    def __init__(self, dumped):
        self._dumped = dumped

    def model_dump(self, *, by_alias):
        assert by_alias
        return self._dumped


class PydanticOne:
    __fields__ = ()

    def dict(self, *, by_alias):
        assert by_alias
        return DOCUMENT


class BrokenModel:
    def __init__(self):
        self.RequestId, self.Result = "F99407AB", [CHECK]

    def model_dump(self, *, by_alias):
        raise UserWarning("unexpected value")


def tea_response(document):
    """As the official SDK builds it."""
    return DaraCore.from_map(tea.UpgradeEngineVersionResponse(), {"headers": {}, "statusCode": 200, "body": document})


def requests_response(content, status=200):
    response = requests.Response()
    response.status_code, response._content = status, content
    return response


WHOLE = {
    "dict": DOCUMENT,
    "snake case": {"request_id": "F99407AB", "result": [CHECK]},
    "text": json.dumps(DOCUMENT),
    "text with BOM": "\ufeff" + json.dumps(DOCUMENT),
    "bytes": json.dumps(DOCUMENT).encode(),
    "bytes with BOM": json.dumps(DOCUMENT).encode("utf-8-sig"),
    "bytearray": bytearray(json.dumps(DOCUMENT).encode()),
    "dataclass": DataDocument(),
    "attrs": AttrsDocument(),
    "named tuple": TupleDocument([CHECK | {"validateResult": [TupleError()]}]),
    "slots": Slotted(),
    "properties": WithProperties(),
    "pydantic 2": PydanticTwo(DOCUMENT),
    "pydantic 1": PydanticOne(),
    "a model whose conversion fails": BrokenModel(),
    "namespace": types.SimpleNamespace(requestId="F99407AB", Result=(CHECK,)),
    "mapping": collections.ChainMap({"RequestId": "F99407AB"}, {"Result": [CHECK]}),
    "tea": tea_response(DOCUMENT),
    "requests": requests_response(json.dumps(DOCUMENT).encode()),
    "httpx": httpx.Response(200, json=DOCUMENT),
    "body": types.SimpleNamespace(status_code=200, headers={}, body=DOCUMENT),
    "data": {"code": 0, "data": {"payload": DOCUMENT}},
    "result wraps the document": {"result": DOCUMENT, "ok": True},
    "result is text of the document": {"result": json.dumps(DOCUMENT)},
    "result wraps a body": {"result": {"status": 200, "body": DOCUMENT}},
    "tuple": (200, DOCUMENT),
    "tuple of text": (200, json.dumps(DOCUMENT)),
    "id beside the wrapper": {"requestId": "F99407AB", "data": {"result": [CHECK]}},
    "id in metadata": {"body": {"Result": [CHECK]}, "ResponseMetadata": {"RequestId": "F99407AB"}},
    "id of an envelope": {"RequestId": "envelope", "body": DOCUMENT},
    "duplicate members": '{"RequestId": "first", "Result": null, ' + json.dumps(DOCUMENT)[1:],
}


@pytest.mark.parametrize("returned", WHOLE.values(), ids=WHOLE)
def test_the_whole_document_is_found(returned):
    assert read_answer(returned) == DOCUMENT


PARTS = {
    "bare list of checks": ([CHECK, CHECK], {"Result": [CHECK, CHECK]}),
    "list of check objects": ([DataCheck()], {"Result": [CHECK]}),
    "list as text": (json.dumps([CHECK]), {"Result": [CHECK]}),
    "root model": (PydanticTwo([CHECK]), {"Result": [CHECK]}),
    "list in a wrapper": ({"data": [CHECK]}, {"Result": [CHECK]}),
    "a lone check": (DataCheck(), {"Result": CHECK}),
    "struct": ({"RequestId": "r", "Result": CHECK}, {"RequestId": "r", "Result": CHECK}),
    "struct without errors": ({"Result": {"status": "success"}}, {"Result": {"status": "success"}}),
    "struct with a struct": (
        {"Result": {"validate_type": "x", "validate_result": DataError()}},
        {"Result": {"validateType": "x", "validateResult": ERROR}},
    ),
    "empty struct": ({"result": {}}, {"Result": {}}),
    "empty list": ({"Result": []}, {"Result": []}),
    "null": ({"Result": None}, {"Result": None}),
    "null beside an id": ({"request_id": "r", "result": None}, {"RequestId": "r", "Result": None}),
    "text": ({"RequestId": "r", "Result": "done"}, {"RequestId": "r", "Result": "done"}),
    "another object": ({"Result": {"foo": 1}}, {"Result": {"foo": 1}}),
    "elements of another kind": ({"Result": [None, "x", 1]}, {"Result": [None, "x", 1]}),
    "errors of another kind": (
        {"Result": [{"validateType": "x", "validateResult": [None, "y"]}]},
        {"Result": [{"validateType": "x", "validateResult": [None, "y"]}]},
    ),
    "only an id": ({"request_id": "r"}, {"RequestId": "r"}),
    "null id": ({"RequestId": None, "Result": []}, {"Result": []}),
    "JSON-like text within": (
        {"Result": [{"validateType": "{}", "validateResult": "[]"}]},
        {"Result": [{"validateType": "{}", "validateResult": "[]"}]},
    ),
    "unknown members stay where they are": (
        {"RequestId": "r", "result": [{**CHECK, "extra": {"request_id": 1}}], "Extra": {"result": (1, 2)}},
        {"RequestId": "r", "Result": [{**CHECK, "extra": {"request_id": 1}}], "Extra": {"result": [1, 2]}},
    ),
    "both spellings": (
        {"Result": [{"Status": "x", "status": "y"}], "result": 1, "request_id": "b", "RequestId": "a"},
        {"Result": [{"Status": "x", "status": "y"}], "result": 1, "request_id": "b", "RequestId": "a"},
    ),
    "the same name twice": (
        {"request_id": "a", "requestId": "b", "Result": []},
        {"RequestId": "a", "requestId": "b", "Result": []},
    ),
    "odd leaves": (
        {"RequestId": uuid.UUID(int=0), "Result": [{"status": Status.FAILED, "x": object(), 7: b"\xff"}]},
        {"RequestId": str(uuid.UUID(int=0)), "Result": [{"status": "failed", "x": "<object>", "7": "\ufffd"}]},
    ),
}


@pytest.mark.parametrize(("returned", "answer"), PARTS.values(), ids=PARTS)
def test_what_there_is_of_a_document_is_told(returned, answer):
    assert read_answer(returned) == answer


class LosesItself:
    def to_map(self):
        return None


NOTHING = {
    "None": None,
    "True": True,
    "ok": "ok",
    "empty list": [],
    "numbers": [1, 2, 3],
    "empty text": "",
    "truncated": '{"RequestId": "x", ',
    "deep": "[" * 100_000,
    "result flag": {"result": True},
    "result ok": {"result": "ok"},
    "a result of something else": {"result": {"foo": 1}},
    "other": {"foo": {"bar": 1}},
    "error document": {"Code": "InstanceNotFound", "Message": "…", "RequestId": "r"},
    "error key": {"error": "InstanceNotFound", "requestId": "r"},
    "exception": ValueError("x"),
    "exception within": {"data": ValueError("x")},
    "a type": DataDocument,
    "generator": (n for n in range(3)),
    "model without a map": LosesItself(),
    "an answer that the SDK could not model": tea_response({"RequestId": "r", "Result": {"status": "failed"}}),
    "HTML": requests_response(b"<html>"),
    "object": object(),
}


@pytest.mark.parametrize("returned", NOTHING.values(), ids=NOTHING)
def test_what_is_no_document_is_none(returned):
    assert read_answer(returned) is None


def test_the_official_sdk_s_answer_is_the_sample():
    assert read_answer(tea_response(SAMPLE)) == SAMPLE


def test_cycles_and_depth_end():
    loop: dict[str, Any] = {"RequestId": "r"}
    loop["data"] = loop
    loop["Result"] = [loop]
    answer = read_answer(loop)
    assert answer["RequestId"] == "r"
    deep: Any = "end"
    for _ in range(100_000):
        deep = {"data": [deep]}
    assert read_answer(deep) is None
    while isinstance(deep, dict):
        deep = deep["data"].pop()


class Endless(collections.abc.Mapping):
    def __getitem__(self, key):
        return Endless()

    def __len__(self):
        return 1

    def __iter__(self):
        return iter(lambda: "data", None)


class Hostile:
    """Raises whatever is done with it."""

    @property
    def __class__(self):
        raise SystemExit

    def __getattribute__(self, name):
        raise KeyboardInterrupt


def test_endless_and_hostile_objects_do_no_harm(monkeypatch):
    monkeypatch.setattr(shapes, "_MOST_MEMBERS", 100)
    monkeypatch.setattr(shapes, "_MOST_VALUES", 1000)
    assert read_answer(Endless()) is None
    assert read_answer(Hostile()) is None
    assert read_answer({"Result": [Hostile(), Endless()]})["Result"][0] == "<Hostile>"
    assert plain(range(5000))[-1] == 99


def test_scalars_of_odd_types_are_plain():
    class Text(str):
        __slots__ = ()

        def __str__(self):
            return "overridden"

    class Whole(int):
        pass

    class Real(float):
        pass

    class Mixed(enum.Enum):
        LIST = (1, 2)
        WORD = "word"

    assert type(scalar(Text("x"))) is str
    assert [scalar(value) for value in (Text("x"), Whole(3), Real(0.5), b"y")] == ["x", 3, 0.5, "y"]
    assert [scalar(Mixed.LIST), scalar(Mixed.WORD), scalar(None), scalar([])] == ["LIST", "word", None, None]


def test_opened_keeps_to_what_was_promised():
    assert opened("{}") == {}
    assert opened(b"[1]") == [1]
    assert opened(types) is None
    assert opened(print) is None
    assert parsed('{"a": NaN') is None
    assert parsed("3") is None
    assert safely(int, "x") is None


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.builds(object)
    | st.just(DataCheck()),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.builds(
            lambda members: types.SimpleNamespace(**members),
            st.dictionaries(st.sampled_from(["result", "body"]), inner),
        )
        | st.dictionaries(
            st.sampled_from(["RequestId", "request_id", "Result", "result", "data", "body", "Code", "error", "status"])
            | st.text(),
            inner,
        )
    ),
    max_leaves=12,
)


@given(ANYTHING)
def test_any_answer_is_none_or_a_plain_document(returned):
    answer = read_answer(returned)
    assert answer is None or isinstance(answer, dict)
    json.dumps(answer)
    assert {"RequestId", "Result"} & set(answer or {"Result": None})


@given(st.lists(st.fixed_dictionaries({"validateType": st.text(), "status": st.text()}), min_size=1), st.text())
def test_any_document_is_found_in_any_wrapper(checks, request_id):
    document = {"RequestId": request_id, "Result": checks}
    for returned in (document, {"data": document}, (200, document), types.SimpleNamespace(body=json.dumps(document))):
        assert read_answer(returned) == document
