"""Strategies for answers, as bytes and headers, and for faults. How draws are spent stands in `requests`."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st

from ..contract import Contract, shipped_contract
from ..faults import FAULTS
from ..messages import HttpResponse
from ..samples import DERIVED_REQUEST_ID, JSON_HEADERS, error_response, sample
from .malformed import failed_document, malformed
from .requests import chosen

_Document = dict[str, Any]

# --- successes --------------------------------------------------------------------------------------

#: More checks than that say nothing new; the page knows four.
_MOST_CHECKS = 4


def success_responses(*, contract: Contract | None = None) -> st.SearchStrategy[HttpResponse]:
    """Documented successes: up to four checks, passed and failed, with any text, in any spelling of the same JSON.

    The simplest is an empty Result. Members come in any order, with white space, as escapes, with further
    members beside them; `validateResult` of a passed check is a list, null or absent. Status is 200.
    """
    return _success_responses(contract or shipped_contract())


@lru_cache(maxsize=8)
def _success_responses(contract: Contract) -> st.SearchStrategy[HttpResponse]:
    kinds, shapes = st.sampled_from(contract.enum("validateType")), st.sampled_from(tuple(_shapes(contract)))
    lists = st.lists(st.tuples(kinds, shapes), max_size=_MOST_CHECKS)
    ids, spellings = st.sampled_from(_REQUEST_IDS), st.sampled_from(_SPELLINGS)

    @st.composite
    def answer(draw: st.DrawFn) -> HttpResponse:
        checks, text = draw(lists), draw(_texts())
        result = [shape(kind, text) for kind, shape in checks]
        document = {"Result": result, "RequestId": draw(ids)}
        return HttpResponse(200, JSON_HEADERS, draw(spellings)(document))

    return answer()


@lru_cache(maxsize=1)
def _texts() -> st.SearchStrategy[str]:
    """What a message may say: any short text, and as often one that clients lose something of."""
    return st.one_of(st.text(max_size=30), st.sampled_from(tuple(HURTING_TEXTS.values())))


#: Name → a text that clients escape, trim, cut, normalise or take for something else.
HURTING_TEXTS: Mapping[str, str] = {
    "html": "&lt;b&gt;5 &amp;&nbsp;&#39;x&#39;",
    "combining": "cafe\u0301 and caf\u00e9",
    "blanks_at_ends": "  before, and after \t",
    "line_ends": "one\r\ntwo\nthree\u2028four",
    "null_character": "before\0after",
    "outside_the_plane": "\U0001f534 and \U0010ffff",
    "escapes": 'C:\\temp\\new and \\u0041 and "no"',
    "templates": "100% of {name} and %(name)s and ${name}",
    "word_null": "null",
    "number": "1e5",
    "of_300": "0123456789" * 30,
    "of_5000": "0123456789" * 500,
}

_REQUEST_IDS = (DERIVED_REQUEST_ID, "F99407AB-2FA9-489E-A259-40CF6DC****", "f99407ab2fa9489ea25940cf6dc", "0012345")

#: A check of that kind, with that text where there is one to say.
_Shape = Callable[[str, str], _Document]


def _shapes(contract: Contract) -> Iterator[_Shape]:
    """What a check may look like, the simplest first."""
    passed, failure = contract.enum("status")[:2]
    types = contract.enum("errorType")
    yield lambda kind, _text: {"validateType": kind, "status": passed, "validateResult": []}
    yield lambda kind, _text: {"validateType": kind, "status": passed}
    yield lambda kind, _text: {"status": passed, "validateResult": None, "validateType": kind}
    yield lambda kind, _text: {"validateType": kind, "status": failure, "validateResult": []}
    for type_ in types:
        yield _failed(failure, [{"errorType": type_}], repeat=1)
    yield _failed(failure, [{"errorType": type_} for type_ in types[:2]], repeat=1)
    yield _failed(failure, [{}], repeat=2)
    yield _failed(passed, [{"errorType": types[0]}], repeat=1)


def _failed(status: str, errors: list[_Document], *, repeat: int) -> _Shape:
    """A check with errors whose message is the text, and whose code ends in it."""

    def shape(kind: str, text: str) -> _Document:
        told = [{**error, "errorCode": f"Code{text}", "errorMsg": text} for error in errors * repeat]
        return {"validateType": kind, "status": status, "validateResult": told}

    return shape


def _plain(document: _Document) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _spaced(document: _Document) -> bytes:
    return json.dumps(document, indent="\t", separators=(" ,\r\n", " : ")).encode()


def _extended(document: _Document) -> bytes:
    """With members that the page does not name, at every level, before and after those that it does."""
    more = {"extra": {"nested": [1, None, {"status": "x"}]}}
    checks = [{**more, **check, "plugins": []} for check in document["Result"]]
    return _plain({**more, **document, "Result": checks, "plugins": []})


_SPELLINGS: tuple[Callable[[_Document], bytes], ...] = (
    _plain,
    lambda document: json.dumps(document).encode(),
    lambda document: json.dumps(document, sort_keys=True, ensure_ascii=False).encode(),
    lambda document: _plain(dict(reversed(document.items()))),
    _spaced,
    _extended,
)


# --- errors -----------------------------------------------------------------------------------------


def error_responses(*, contract: Contract | None = None) -> st.SearchStrategy[HttpResponse]:
    """Errors that conform: the documented ones with their status, and others from 400 to 504, with any message.

    The simplest is the first row of the page's table. A body is an object with Code, Message
    and RequestId.
    """
    return _error_responses(contract or shipped_contract())


@lru_cache(maxsize=8)
def _error_responses(contract: Contract) -> st.SearchStrategy[HttpResponse]:
    documented = tuple(sample(contract, row.code) for row in contract.errors)
    statuses = st.sampled_from((*(None,) * (len(_OTHER_ERRORS) if documented else 0), *_OTHER_ERRORS))
    ids = st.sampled_from(_REQUEST_IDS)

    @st.composite
    def answer(draw: st.DrawFn) -> HttpResponse:
        status = draw(statuses)
        if status is None:
            return draw(st.sampled_from(documented))
        return error_response(status, _OTHER_ERRORS[status], draw(_texts()), draw(ids))

    return answer()


#: Status → a code as the service's neighbours and gateways give it.
_OTHER_ERRORS: Mapping[int, str] = {
    400: "InvalidParameter",
    401: "InvalidAccessKeyId.Inactive",
    403: "Forbidden.RAM",
    405: "UnsupportedHTTPMethod",
    408: "RequestTimeout",
    409: "ConcurrencyUpdateInstanceConflict",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    429: "Throttling.User",
    500: "InternalError",
    501: "NotImplemented",
    502: "BadGateway",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}


# --- neither ----------------------------------------------------------------------------------------


def malformed_responses(
    rule: str | None = None, *, contract: Contract | None = None
) -> st.SearchStrategy[tuple[HttpResponse, str]]:
    """Answers with the id of the one rule that each breaks; with `rule`, those that break that one.

    Every way in which an answer is no documented one: bytes that are no JSON (`response.body.json`), another
    status, a length that is not the body's, members missing or of another type, values that the page does
    not name, errors without a code. Raises `UnknownName` for a rule that no answer here breaks.
    """
    contract = contract or shipped_contract()
    return _malformed_responses(contract, chosen(rule, tuple(malformed(contract)), "that an answer can break"))


@lru_cache(maxsize=64)
def _malformed_responses(contract: Contract, rules: tuple[str, ...]) -> st.SearchStrategy[tuple[HttpResponse, str]]:
    tables = malformed(contract)
    drawn_rules = st.sampled_from(rules)
    ways = {one: st.sampled_from(tables[one]) for one in rules}
    numbers = st.integers(0, 9999)
    whole = failed_document(contract)

    @st.composite
    def answer(draw: st.DrawFn) -> tuple[HttpResponse, str]:
        broken = draw(drawn_rules)
        way, number = draw(ways[broken]), draw(numbers)
        return way.make(copy.deepcopy(whole), number), broken

    return answer()


def faults() -> st.SearchStrategy[str]:
    """The name of a fault, as `es_upgrade_server.fail_with` takes it: `'refuse'`, `'answer_lost_after_start'`, …"""
    return st.sampled_from(tuple(FAULTS))
