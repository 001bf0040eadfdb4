"""Every way in which an answer fails to be a documented one, by the rule that it breaks.

A table of small functions, each from a documented success document (a fresh copy) to an answer that
breaks its rule and no other. Where the page is open (a single object in place of a list, 201, another
status of a documented error) nothing stands here: such an answer is neither right nor wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ..contract import Contract
from ..messages import Headers, HttpResponse
from ..samples import DERIVED_REQUEST_ID, JSON_HEADERS, error_response, json_response

Document = dict[str, Any]


class Malformed(NamedTuple):
    """One way of breaking `rule`: `make` takes a document of at least one failed check, and a number to vary by."""

    rule: str
    name: str
    make: Callable[[Document, int], HttpResponse]


def malformed(contract: Contract) -> Mapping[str, tuple[Malformed, ...]]:
    """Rule → the ways of breaking it."""
    found: dict[str, tuple[Malformed, ...]] = {}
    for row in _rows(contract):
        found[row.rule] = (*found.get(row.rule, ()), row)
    return found


def failed_document(contract: Contract) -> Document:
    """A success document of failed checks alone, an error for each type that the contract names; what is bent."""
    kinds, types = contract.enum("validateType"), contract.enum("errorType")
    failed = contract.enum("status")[1]
    errors = [{"errorType": type_, "errorCode": "Code", "errorMsg": "message"} for type_ in types]
    checks = [
        {"validateType": kind, "status": failed, "validateResult": errors[number :: len(kinds)]}
        for number, kind in enumerate(kinds)
    ]
    return {"Result": checks, "RequestId": DERIVED_REQUEST_ID}


def _rows(contract: Contract) -> Iterator[Malformed]:
    for tables in (_BYTES, _STATUSES, _HEADERS, _documents(contract), _errors()):
        for rule, ways in tables.items():
            for name, make in ways.items():
                yield Malformed(rule, name, make)


_Make = Callable[[Document, int], HttpResponse]
_Table = Mapping[str, Mapping[str, _Make]]


# --- bytes that are no JSON object in UTF-8 ---------------------------------------------------------


def _body(make: Callable[[bytes, int], bytes]) -> _Make:
    return lambda document, number: HttpResponse(200, JSON_HEADERS, make(_dumped(document), number))


def _dumped(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _bytes(data: bytes) -> _Make:
    return _body(lambda _body, _number: data)


def _in_the_first_string(body: bytes, data: bytes) -> bytes:
    return body.replace(b'"status":"', b'"status":"' + data, 1)


_BYTES: _Table = {
    "response.body.json": {
        "empty": _bytes(b""),
        "blank": _bytes(b" \r\n"),
        "truncated": _body(lambda body, number: body[: 1 + number % (len(body) - 1)]),
        "html": _bytes(b"<html><body><h1>Please sign in</h1></body></html>"),
        "xml": _bytes(b'<?xml version="1.0"?><UpgradeEngineVersionResponse/>'),
        "words": _bytes(b"OK"),
        "form": _bytes(b"RequestId=1&Result=%5B%5D"),
        "single_quotes": _body(lambda body, _: body.replace(b'"', b"'")),
        "comma_at_the_end": _body(lambda body, _: body[:-1] + b",}"),
        "two_documents": _body(lambda body, _: body + body),
        "comment": _body(lambda body, _: b"/* 200 */" + body),
        "prefix": _body(lambda body, _: b")]}',\n" + body),
        "callback": _body(lambda body, _: b"callback(" + body + b");"),
        "not_a_number": _body(lambda body, _: body[:-1] + b',"extra":NaN}'),
        "line_feed_in_a_string": _body(lambda body, _: _in_the_first_string(body, b"\n")),
    },
    "response.body.utf8": {
        "byte_order_mark": _body(lambda body, _: b"\xef\xbb\xbf" + body),
        "latin1": _body(lambda body, _: _in_the_first_string(body, b"\xe9")),
        "half_a_character": _body(lambda body, _: _in_the_first_string(body, b"\xe9\x9b")),
        "surrogate": _body(lambda body, _: _in_the_first_string(body, b"\xed\xa0\xbd")),
        "utf16": _body(lambda body, _: body.decode().encode("utf-16")),
        "compressed_and_not_said": _body(lambda body, _: b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + body[:20]),
    },
    "response.body.duplicate": {
        "request_id": _body(lambda body, _: b'{"RequestId":"other",' + body[1:]),
        "result": _body(lambda body, _: b'{"Result":[],' + body[1:]),
        "status": _body(lambda body, _: body.replace(b'"status":', b'"status":"success","status":', 1)),
    },
    "response.body.object": {
        "null": _bytes(b"null"),
        "true": _bytes(b"true"),
        "number": _bytes(b"200"),
        "string": _bytes(b'"ok"'),
        "empty_list": _bytes(b"[]"),
        "list_of_documents": _body(lambda body, _: b"[" + body + b"]"),
        "encoded_twice": _body(lambda body, _: _dumped(body.decode())),
    },
}


# --- statuses and headers ---------------------------------------------------------------------------


def _status(status: int) -> _Make:
    return lambda document, _number: HttpResponse(status, JSON_HEADERS, _dumped(document))


def _with(headers: Headers, body: Callable[[bytes], bytes] = bytes) -> _Make:
    return lambda document, _number: HttpResponse(200, headers, body(_dumped(document)))


def _announced(length: Callable[[int, int], int]) -> _Make:
    """A body under another Content-Length than its own; the sender closes, for nothing else ends it."""

    def make(document: Document, number: int) -> HttpResponse:
        body = _dumped(document)
        announced = str(length(len(body), number))
        return HttpResponse(200, (*JSON_HEADERS, ("Content-Length", announced), ("Connection", "close")), body)

    return make


_STATUSES: _Table = {
    # 304 is not among them: without a condition in the request there is no such answer.
    "response.http_status": {f"status_{status}": _status(status) for status in (203, 206, 300, 301, 302, 303, 307, 308)}
    | {"status_204": lambda _document, _number: HttpResponse(204)},
    "response.http.length": {
        "longer_than_the_body": _announced(lambda length, number: length + 1 + number % 1000),
        "shorter_than_the_body": _announced(lambda length, number: number % length),
    },
}

_HEADERS: _Table = {
    "response.content_encoding": {
        "gzip_that_is_none": _with((*JSON_HEADERS, ("Content-Encoding", "gzip"))),
        "unknown": _with((*JSON_HEADERS, ("Content-Encoding", "x-secret")), lambda body: body[::-1]),
    },
    "response.content_type": {
        "absent": _with(()),
        "html": _with((("Content-Type", "text/html;charset=utf-8"),)),
        "text": _with((("Content-Type", "text/plain"),)),
        "form": _with((("Content-Type", "application/x-www-form-urlencoded"),)),
    },
}


# --- JSON objects of another shape ------------------------------------------------------------------

#: Name → what is no text.
_NO_TEXT: Mapping[str, Any] = {
    "null": None,
    "number": 5,
    "true": True,
    "list": ["text"],
    "object": {"text": "text"},
}
_NO_LIST: Mapping[str, Any] = {"number": 5, "true": True, "false": False, "text": "success"}
_NO_OBJECT: Mapping[str, Any] = {"null": None, "number": 5, "text": "success", "list": []}


def _documents(contract: Contract) -> _Table:
    table: dict[str, dict[str, _Make]] = {
        "response.members": {
            "empty_object": _altered(lambda document, _: document.clear()),
            "no_request_id": _altered(lambda document, _: document.pop("RequestId")),
            "no_result": _altered(lambda document, _: document.pop("Result")),
            "other_names": _altered(lambda document, _: document.update(requestId=document.pop("RequestId"))),
            "wrapped": lambda document, _: json_response(200, {"data": document}),
            "error_body": lambda _document, _number: error_response(200, _CODE, "No."),
        },
        "response.request_id": {name: _put("document", "RequestId", value) for name, value in _NO_TEXT.items()},
        "response.result.type": {
            **{name: _put("document", "Result", value) for name, value in {**_NO_LIST, "null": None}.items()},
            **{f"entry_{name}": _entry("document", "Result", value) for name, value in _NO_OBJECT.items()},
        },
        "response.check.members": {
            "no_validate_type": _altered(lambda document, number: _check(document, number).pop("validateType")),
            "no_status": _altered(lambda document, number: _check(document, number).pop("status")),
        },
        "response.validate_result.type": {
            **{name: _put("check", "validateResult", value) for name, value in _NO_LIST.items()},
            **{f"entry_{name}": _entry("check", "validateResult", value) for name, value in _NO_OBJECT.items()},
        },
    }
    for rule, (place, member, documented) in _LEAVES.items():
        table[f"response.{rule}.type"] = {name: _put(place, member, value) for name, value in _NO_TEXT.items()}
        if documented:
            undocumented = _undocumented(contract.enum(member))
            table[f"response.{rule}.value"] = {name: _put(place, member, value) for name, value in undocumented.items()}
    return table


#: Word of the rule → where it stands, its name, and whether the page names its values.
_LEAVES: Mapping[str, tuple[str, str, bool]] = {
    "validate_type": ("check", "validateType", True),
    "status": ("check", "status", True),
    "error_type": ("error", "errorType", True),
    "error_code": ("error", "errorCode", False),
    "error_msg": ("error", "errorMsg", False),
}


def _undocumented(documented: tuple[str, ...]) -> dict[str, str]:
    first = documented[0]
    words = {"empty": "", "unknown": "unknown", "capital": first.capitalize(), "upper_case": first.upper()}
    return {name: text for name, text in {**words, "blank": f"{first} "}.items() if text not in documented}


def _altered(alter: Callable[[Document, int], Any]) -> _Make:
    def make(document: Document, number: int) -> HttpResponse:
        alter(document, number)
        return json_response(200, document)

    return make


def _put(place: str, member: str, value: Any) -> _Make:
    return _altered(lambda document, number: _PLACES[place](document, number).update({member: value}))


def _entry(place: str, member: str, value: Any) -> _Make:
    def alter(document: Document, number: int) -> None:
        entries = _PLACES[place](document, number)[member]
        entries.insert(number % (len(entries) + 1), value)

    return _altered(alter)


def _check(document: Document, number: int) -> Document:
    checks: list[Document] = document["Result"]
    return checks[number % len(checks)]


def _error(document: Document, number: int) -> Document:
    errors = [error for check in document["Result"] for error in check["validateResult"]]
    found: Document = errors[number % len(errors)]
    return found


_PLACES: Mapping[str, Callable[[Document, int], Document]] = {
    "document": lambda document, _number: document,
    "check": _check,
    "error": _error,
}


# --- errors of another shape ------------------------------------------------------------------------

#: A code that no table names, so that it goes with any status.
_CODE = "OperationDenied"
_ERROR_STATUSES = (400, 403, 404, 429, 500, 502, 503, 504)


def _errors() -> _Table:
    told = json.loads(error_response(400, _CODE, "No.").body)

    def error(**changes: Any) -> _Make:
        return lambda _document, _number: json_response(400, {**told, **changes})

    def without(*names: str) -> _Make:
        left = {name: value for name, value in told.items() if name not in names}
        return lambda _document, _number: json_response(400, left)

    def body(data: bytes) -> _Make:
        return lambda _document, number: HttpResponse(
            _ERROR_STATUSES[number % len(_ERROR_STATUSES)], JSON_HEADERS, data
        )

    return {
        "response.error.body": {
            "empty": body(b""),
            "html": body(b"<html><body><h1>502 Bad Gateway</h1></body></html>"),
            "truncated": body(b'{"Code":"Ins'),
            "null": body(b"null"),
            "list": body(b"[]"),
            "empty_object": body(b"{}"),
            "the_success_document": lambda document, number: json_response(
                _ERROR_STATUSES[number % len(_ERROR_STATUSES)], document
            ),
            "no_code": without("Code"),
            "no_message": without("Message"),
        },
        "response.error.code": {
            "empty": error(Code=""),
            **{name: error(Code=value) for name, value in _NO_TEXT.items()},
        },
        "response.error.message": {name: error(Message=value) for name, value in _NO_TEXT.items()},
        "response.error.request_id": {name: error(RequestId=value) for name, value in _NO_TEXT.items()},
    }
