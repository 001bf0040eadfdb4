"""`check_request`: what a request, on the wire or as a caller's values, breaks of the contract.

Both kinds become one call document, `{"path": …, "query": …, "body": …}`, which the published schema
judges. What JSON Schema cannot say stands here: the path, spelling on the wire, duplicates, positions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote

from ..contract import Contract, Parameter, shipped_contract
from ..messages import Headers, HttpRequest, UpgradeRequest, Violation, first_header, header_values
from .form_text import read_form
from .http import http_violations
from .json_text import read_json
from .recent import remembered
from .schema import schema_violations
from .text import shown

Document = dict[str, Any]


def check_request(request: HttpRequest | UpgradeRequest, contract: Contract | None = None) -> list[Violation]:
    """Every rule that a request breaks; an empty list means that it conforms.

    Raises nothing, whatever it is given: an object of another type is one violation `message.type`.
    Without a contract it is judged by the shipped one.
    """
    contract = contract or shipped_contract()
    if isinstance(request, UpgradeRequest):
        return list(schema_violations(contract, contract.request_schema, asked_document(contract, request), "request"))
    if not isinstance(request, HttpRequest):
        got = f"{type(request).__name__}: {shown(request)}"
        return [contract.violation("message.type", "message", got, "an HttpRequest or an UpgradeRequest")]
    return judged_request(contract, request)[0]


def judged_request(
    contract: Contract, request: HttpRequest, *, parsed: bool = False
) -> tuple[list[Violation], Document]:
    """Every rule that a request on the wire breaks, and the call document that could be read.

    `parsed` says that its bytes, if there are any, have been read as one whole message already.
    """
    wire, document = read_wire(contract, request)
    judged = schema_violations(contract, contract.request_schema, document, "request")
    return [*http_violations(contract, request, parsed=parsed), *wire, *judged], document


def asked_document(contract: Contract, request: UpgradeRequest) -> Document:
    """The values that a caller gave, by the place where each travels."""
    document: Document = {"path": {}, "query": {}, "body": {}}
    for name, value in request.given().items():
        printable = value if isinstance(value, (str, bool, float)) else _Opaque(shown(value))
        document[contract.parameters[name].place][name] = printable
    return document


@dataclass(frozen=True)
class _Opaque:
    """Stands for a value that can conform to nothing: jsonschema prints what it refuses, and printing may raise."""

    text: str

    def __repr__(self) -> str:
        return self.text


def read_wire(contract: Contract, request: HttpRequest) -> tuple[list[Violation], Document]:
    """What a request on the wire breaks before any schema, and the call document that could be read.

    A place that could not be read is absent from the document; what was read of a body is not to be changed.
    `dryRun=True` is read as true.
    """
    parts = (request.method, request.path, request.headers, request.body)
    before, after, read = _all_but_query(request, contract, *parts)
    document = dict(read)
    return [*before, *_query(contract, request, document), *after], document


class _Rest(NamedTuple):
    """What a request breaks before and after its query, and what could be read of its path and body."""

    before: tuple[Violation, ...]
    after: tuple[Violation, ...]
    read: Document


@remembered
def _all_but_query(contract: Contract, method: str, path: str, headers: Headers, body: bytes) -> _Rest:
    """What a client sends alike in many calls."""
    read: Document = {}
    before = (*_method(contract, method), *_path(contract, path, read))
    return _Rest(before, (*_headers(contract, headers), *_body(contract, headers, body, read)), read)


def _method(contract: Contract, method: str) -> Iterator[Violation]:
    if method != contract.method:
        yield contract.violation("request.method", "method", shown(method), contract.method)


def _path(contract: Contract, path: str, document: Document) -> Iterator[Violation]:
    template, segments = contract.path_template.split("/"), path.split("/")
    sent_id = ""
    if len(segments) == len(template):
        at = template.index("{InstanceId}")
        sent_id, segments[at] = segments[at], "{InstanceId}"
    if segments != template and [unquote(sent) for sent in segments] != template:
        yield contract.violation("request.path", "path", shown(path), contract.target_path("[InstanceId]"))
        return
    document["path"] = {"InstanceId": unquote(sent_id, errors="surrogateescape")}


def _query(contract: Contract, request: HttpRequest, document: Document) -> Iterator[Violation]:
    values: dict[str, list[str]] = {}
    for name, text in request.query:
        values.setdefault(name, []).append(text)
    document["query"] = {}
    for name, texts in values.items():
        if len(texts) > 1:
            yield _twice(contract, f"query.{name}", tuple(texts))
        parameter = contract.parameters.get(name)
        if parameter is not None and parameter.place != "query":
            yield contract.violation("request.position", f"query.{name}", shown(texts[0]), f"in the {parameter.place}")
            continue
        value, slips = _read_text(contract, parameter, texts[0])
        document["query"][name] = value
        yield from slips


def _read_text(contract: Contract, parameter: Parameter | None, text: str) -> tuple[Any, list[Violation]]:
    """The value of a query text; a word in other letter case is understood, and is a slip."""
    if parameter is None or not parameter.texts:
        return text, []
    if text in parameter.texts:
        return parameter.texts[text], []
    if text.lower() in parameter.texts:
        where, expected = f"query.{parameter.name}", shown(text.lower())
        return parameter.texts[text.lower()], [
            contract.violation("request.dry_run.form", where, shown(text), expected),
        ]
    return text, []


def _headers(contract: Contract, headers: Headers) -> Iterator[Violation]:
    # `version` and `type` are words that any header may be named by; the query's names are not
    names = {name.lower() for name, row in contract.parameters.items() if row.place == "query"}
    for key, value in headers:
        if key.lower() in names:
            yield contract.violation("request.position", f"header.{key}", shown(value), "in the query")


def _body(contract: Contract, headers: Headers, data: bytes, document: Document) -> Iterator[Violation]:
    document["body"] = {}
    if not data:
        return
    media_type = first_header(headers, "Content-Type")
    yield from _media_type(contract, headers)
    text = read_json(data)
    if text.problem and _is_form(media_type):
        form = read_form(data)
        text = text if form.problem else form
    if text.problem:
        del document["body"]
        # a body of another media type is told about by that; that it is no JSON either follows from it
        if text.problem == "utf8" or _is_json(media_type):
            got = f"{shown(data)}: {text.detail}"
            yield contract.violation(f"request.body.{text.problem}", "body", got, "a JSON object in UTF-8")
        return
    for name, values in text.twice:
        yield _twice(contract, f"body.{name}", values)
    body = text.value
    if isinstance(body, dict):
        places = {name: contract.parameters[name].place for name in body if name in contract.parameters}
        for name, place in places.items():
            if place != "body":
                yield contract.violation("request.position", f"body.{name}", shown(body[name]), f"in the {place}")
        body = {name: value for name, value in body.items() if places.get(name, "body") == "body"}
    document["body"] = body


def _media_type(contract: Contract, headers: Headers) -> Iterator[Violation]:
    given = header_values(headers, "Content-Type")
    if not given:
        yield contract.violation("request.body.content_type", "header.Content-Type", "nothing", "application/json")
    for value in given:
        if not _is_json(value):
            yield contract.violation("request.body.media_type", "header.Content-Type", shown(value), "application/json")


def _is_json(content_type: str | None) -> bool:
    """`application/json`, `text/json`, or a structured suffix (RFC 6839); none at all is judged by itself."""
    if content_type is None:
        return True
    subtype = content_type.partition(";")[0].strip().lower().partition("/")[2]
    return subtype == "json" or subtype.endswith("+json")


def _is_form(content_type: str | None) -> bool:
    return (content_type or "").partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"


def _twice(contract: Contract, where: str, values: tuple[Any, ...]) -> Violation:
    rule = "request.repeated" if all(value == values[0] for value in values) else "request.duplicate"
    return contract.violation(rule, where, " and ".join(map(shown, values)), "one value")
