"""What a client was asked, against what it put on the wire.

Values asked for may be invalid; these rules only say whether they were passed on as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..contract import Contract, Parameter
from ..messages import Endpoint, Exchange, HttpRequest, UpgradeRequest, Violation
from .http import http_violations
from .request import Document, asked_document, check_request, read_wire
from .schema import schema_violations
from .text import shown

_ABSENT = object()

#: Texts that stand for "nothing" in some language, and are values on the wire.
_WORDS_FOR_NOTHING = ("", "none", "null", "nil", "undefined", "<nil>", "nan", "false")


def check_sent(
    contract: Contract, asked: UpgradeRequest, sent: HttpRequest, endpoint: Endpoint | None = None
) -> list[Violation]:
    """Every rule that a request breaks which a client sent because it was asked for that call.

    The rules of the request by itself are among them, but for values that were asked for as they are:
    passing on an invalid token is the caller's doing.
    """
    wire, document = read_wire(contract, sent)
    by_itself = [*http_violations(contract, sent), *wire, *_by_schema(contract, document)]
    if by_itself:
        asked_for = _as_asked(contract, asked)
        by_itself = [found for found in by_itself if (found.rule.id, found.where) not in asked_for]
    host = _host(contract, sent, endpoint) if endpoint else ()
    return [*by_itself, *host, *_fidelity(contract, asked, document), *_elsewhere(contract, asked, document)]


def _as_asked(contract: Contract, asked: UpgradeRequest) -> set[tuple[str, str]]:
    """What the caller's values break by themselves, as rule and place."""
    return {(found.rule.id, found.where) for found in _by_schema(contract, asked_document(contract, asked))}


def upgrade_requests(exchanges: Iterable[Exchange]) -> list[HttpRequest]:
    """The requests that are attempts at the operation: an extra HEAD or GET beside them is judged by itself."""
    requests = [exchange.request for exchange in exchanges]
    return [request for request in requests if request.method not in _SAFE_METHODS] or requests


_SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")


def check_number(contract: Contract, exchanges: Sequence[Exchange]) -> list[Violation]:
    """The rules on how many requests one call may send that is answered at once with a success."""
    attempts = upgrade_requests(exchanges)
    if len(exchanges) < 2:
        return []
    got = ", ".join(f"{exchange.request.method} {exchange.request.path}" for exchange in exchanges)
    if len(attempts) > 1 and _may_start_twice(contract, attempts):
        return [contract.violation("sent.once", "started", f"{len(attempts)} requests: {got}", "one POST")]
    return [contract.violation("sent.extra_call", "request", f"{len(exchanges)} requests: {got}", "one POST")]


def _may_start_twice(contract: Contract, attempts: Sequence[HttpRequest]) -> bool:
    queries = [read_wire(contract, attempt)[1].get("query", {}) for attempt in attempts]
    real = [query.get("clientToken") for query in queries if query.get("dryRun") is not True]
    return len(real) > 1 and (None in real or len(set(map(str, real))) > 1)


def _by_schema(contract: Contract, document: Document) -> Iterator[Violation]:
    return schema_violations(contract, contract.request_schema, document, "request")


def _host(contract: Contract, sent: HttpRequest, endpoint: Endpoint) -> Iterator[Violation]:
    host = (sent.header("Host") or "").strip().lower()
    if host == endpoint.netloc.lower() or not host:
        return
    rule = "request.http.host_port" if host == endpoint.host.lower() else "request.http.host"
    yield contract.violation(rule, "header.Host", shown(host), shown(endpoint.netloc))


def _fidelity(contract: Contract, asked: UpgradeRequest, document: Document) -> Iterator[Violation]:
    for parameter in contract.parameters.values():
        sent = document.get(parameter.place, _ABSENT)
        if not isinstance(sent, dict):
            continue  # that place could not be read, which is a violation of its own
        wanted, got = getattr(asked, parameter.field), sent.get(parameter.name, _ABSENT)
        if wanted is None and parameter.place != "path":
            yield from _not_given(contract, parameter, got)
        else:
            yield from _given(contract, parameter, wanted, got)


def _not_given(contract: Contract, parameter: Parameter, got: Any) -> Iterator[Violation]:
    if got is _ABSENT:
        return
    where = f"{parameter.place}.{parameter.name}"
    if parameter.texts and got is False:
        yield contract.violation("sent.dry_run_default", where, "false", "nothing, for nothing was given")
    elif parameter.default is not None and got == parameter.default:
        yield contract.violation("sent.type_default", where, shown(got), "nothing, for nothing was given")
    elif parameter.name != "clientToken" or got is None or str(got).lower() in _WORDS_FOR_NOTHING:
        yield contract.violation("sent.absent", where, shown(got), "nothing, for nothing was given")
    elif any(True for _ in _by_schema(contract, {"query": {parameter.name: got}})):
        limit = f"at most {contract.token_length} ASCII characters"
        yield contract.violation("sent.made_token", where, shown(got), limit)


def _given(contract: Contract, parameter: Parameter, wanted: Any, got: Any) -> Iterator[Violation]:
    rule = f"sent.{parameter.field}"
    where = "path" if parameter.place == "path" else f"{parameter.place}.{parameter.name}"
    if got is _ABSENT and parameter.texts and wanted is False:
        yield contract.violation("sent.dry_run_default", where, "nothing", "false, as given")
    elif got is _ABSENT:
        yield contract.violation(rule, where, "nothing", shown(wanted))
    elif not _same(wanted, got) and _comparable(wanted, got):
        yield contract.violation(rule, where, shown(got), shown(wanted))


def _same(wanted: Any, got: Any) -> bool:
    """A value of the wrong type may go as its JSON or as its text: there is no documented form of it."""
    return bool(wanted == got and isinstance(wanted, bool) == isinstance(got, bool)) or (
        not isinstance(wanted, (str, bool)) and str(wanted) == str(got)
    )


def _comparable(wanted: Any, got: Any) -> bool:
    """A string sent as a number, or a Boolean as a strange word, breaks the rule on its type, which says more."""
    return isinstance(wanted, type(got)) or not isinstance(wanted, (str, bool))


def _elsewhere(contract: Contract, asked: UpgradeRequest, document: Document) -> Iterator[Violation]:
    values = {value: name for name, value in asked.given().items() if isinstance(value, str) and value}
    for place in ("query", "body"):
        sent = document.get(place)
        for name, value in sent.items() if isinstance(sent, dict) else ():
            if name not in contract.parameters and isinstance(value, str) and value in values:
                expected = f"{values[value]} in its own place alone"
                yield contract.violation("sent.elsewhere", f"{place}.{name}", shown(value), expected)


__all__ = ["check_number", "check_request", "check_sent", "upgrade_requests"]
