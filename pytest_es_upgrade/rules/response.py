"""`check_response`: what an answer breaks of the contract, a documented success or a documented error."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from ..contract import Contract, shipped_contract
from ..messages import HttpResponse, Violation
from .json_text import JsonText, read_json
from .schema import schema_violations
from .text import shown

#: Statuses with which a success may come; others than the first are a tolerated reading.
SUCCESS_STATUSES = (200, 201, 202)

_INFLATE = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def check_response(response: HttpResponse, contract: Contract | None = None) -> list[Violation]:
    """Every rule that an answer breaks; an empty list means that it conforms.

    A success conforms to the schema of a success, an answer of 400 and above to that of an error; no
    other status is an answer of this operation. Raises nothing, whatever it is given.
    """
    contract = contract or shipped_contract()
    if not isinstance(response, HttpResponse):
        got = f"{type(response).__name__}: {shown(response)}"
        return [contract.violation("message.type", "message", got, "an HttpResponse")]
    return [*_length(contract, response), *_by_status(contract, response)]


def content(response: HttpResponse) -> bytes | None:
    """The body without its content coding, or None where that cannot be undone."""
    coding = (response.header("Content-Encoding") or "identity").strip().lower()
    if coding == "identity":
        return response.body
    if coding not in _INFLATE:
        return None
    try:
        return zlib.decompress(response.body, _INFLATE[coding])
    except zlib.error:
        return None


def _length(contract: Contract, response: HttpResponse) -> Iterator[Violation]:
    announced = response.header("Content-Length")
    if announced is not None and announced.strip() != str(len(response.body)):
        where = "header.Content-Length"
        yield contract.violation("response.http.length", where, shown(announced), f"{len(response.body)}")


def _by_status(contract: Contract, response: HttpResponse) -> Iterator[Violation]:
    status = response.status
    if status in SUCCESS_STATUSES:
        if status != SUCCESS_STATUSES[0]:
            yield contract.violation("response.http_status.accepted", "status", f"{status}", "200")
        yield from _success(contract, response)
    elif isinstance(status, int) and 400 <= status <= 599:
        yield from _error(contract, response)
    else:
        expected = "200, or an error of 400 to 599"
        yield contract.violation("response.http_status", "status", shown(status), expected)


def _success(contract: Contract, response: HttpResponse) -> Iterator[Violation]:
    given = response.header("Content-Type")
    if "json" not in (given or "").lower():
        yield contract.violation("response.content_type", "header.Content-Type", shown(given), "application/json")
    body = content(response)
    if body is None:
        got = shown(response.header("Content-Encoding"))
        yield contract.violation("response.content_encoding", "header.Content-Encoding", got, "gzip, or none")
        return
    text = read_json(body)
    yield from _json(contract, body, text)
    if not text.problem:
        yield from schema_violations(contract, contract.success_schema, text.value, "answer")


def _json(contract: Contract, body: bytes, text: JsonText) -> Iterator[Violation]:
    if text.problem:
        got = f"{shown(body)}: {text.detail}"
        yield contract.violation(f"response.body.{text.problem}", "answer", got, "a JSON object in UTF-8")
    for name, values in text.twice:
        got = " and ".join(map(shown, values))
        yield contract.violation("response.body.duplicate", f"answer.{name}", got, "one value")


def _error(contract: Contract, response: HttpResponse) -> Iterator[Violation]:
    text = read_json(content(response) or b"")
    if text.problem:
        got = f"{shown(response.body)}: {text.detail}"
        yield contract.violation("response.error.body", "answer", got, "a JSON object with Code and Message")
        return
    yield from schema_violations(contract, contract.error_schema, text.value, "answer")
    code = text.value.get("Code") if isinstance(text.value, dict) else None
    for row in contract.errors:
        if code == row.code and response.status != row.status:
            yield contract.violation("response.error.status", "status", f"{response.status}", f"{row.status}")
