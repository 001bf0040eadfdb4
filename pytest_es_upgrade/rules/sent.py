"""What a client was asked, against what it put on the wire.

Values asked for may be invalid; these rules only say whether they were passed on as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..contract import Contract, Parameter
from ..messages import Endpoint, Exchange, HttpRequest, UpgradeRequest, Violation
from .http import http_violations
from .rendering import is_falsy, meaning, renders
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
        callers = _callers_doing(contract, asked, document)
        by_itself = [found for found in by_itself if callers.isdisjoint(_about(found))]
    host = _host(contract, sent, endpoint) if endpoint else ()
    rest = (*_fidelity(contract, asked, document), *_elsewhere(contract, asked, document))
    return [*by_itself, *host, *rest, *_injected(contract, asked, sent)]


def _callers_doing(contract: Contract, asked: UpgradeRequest, document: Document) -> set[tuple[str, str]]:
    """What is no fault of the client's: rule and place of what the caller's values break, and more.

    That is field and place of every value that stands on the wire as the caller gave it. Whatever it breaks
    is the caller's doing, also where it is of the wrong type and was sent as its text. Not so the spelling
    of a Boolean, which is the client's.
    """
    broken = {(found.rule.id, found.where) for found in _by_schema(contract, asked_document(contract, asked))}
    as_given = {}
    for name, wanted in asked.given().items():
        parameter = contract.parameters[name]
        spelled_by_client = parameter.texts and isinstance(wanted, bool)
        if not spelled_by_client and _as_given(parameter, wanted, _sent(parameter, wanted, document)):
            as_given[parameter.field] = _where(parameter)
    pairing = {("pairing", as_given["type"])} if {"version", "type"} <= as_given.keys() else set()
    return {*broken, *as_given.items(), *pairing}


def _about(found: Violation) -> Iterator[tuple[str, str]]:
    """A rule of a request by itself, and what it is about (the field in its id, or `pairing`), with the place."""
    yield found.rule.id, found.where
    yield found.rule.id.split(".")[1], found.where


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
        if not isinstance(document.get(parameter.place), dict):
            continue  # that place could not be read, which is a violation of its own
        wanted = getattr(asked, parameter.field)
        got = _sent(parameter, wanted, document)
        if wanted is None and parameter.place != "path":
            yield from _not_given(contract, parameter, got)
        elif not _as_given(parameter, wanted, got):
            yield from _altered(contract, parameter, wanted, got)
        elif got is _ABSENT and wanted is False:
            yield contract.violation("sent.dry_run_default", _where(parameter), "nothing", "false, as given")


def _sent(parameter: Parameter, wanted: Any, document: Document) -> Any:
    """What was sent as that parameter. The first item of a list may go as `name[]`, `name[0]` or `name.1`."""
    place = document.get(parameter.place)
    sent = place if isinstance(place, dict) else {}
    if parameter.name in sent or isinstance(wanted, str):
        return sent.get(parameter.name, _ABSENT)
    of_item = re.compile(re.escape(parameter.name) + r"[\[.]")
    return next((value for name, value in sent.items() if of_item.match(name)), _ABSENT)


def _where(parameter: Parameter) -> str:
    return "path" if parameter.place == "path" else f"{parameter.place}.{parameter.name}"


def _not_given(contract: Contract, parameter: Parameter, got: Any) -> Iterator[Violation]:
    if got is _ABSENT:
        return
    where = _where(parameter)
    if parameter.texts and got is False:
        yield contract.violation("sent.dry_run_default", where, "false", "nothing, for nothing was given")
    elif parameter.default is not None and got == parameter.default:
        yield contract.violation("sent.type_default", where, shown(got), "nothing, for nothing was given")
    elif parameter.name != "clientToken" or got is None or str(got).lower() in _WORDS_FOR_NOTHING:
        yield contract.violation("sent.absent", where, shown(got), "nothing, for nothing was given")
    elif any(True for _ in _by_schema(contract, {"query": {parameter.name: got}})):
        limit = f"at most {contract.token_length} ASCII characters"
        yield contract.violation("sent.made_token", where, shown(got), limit)


def _altered(contract: Contract, parameter: Parameter, wanted: Any, got: Any) -> Iterator[Violation]:
    where, rule = _where(parameter), f"sent.{parameter.field}"
    if _reads_as_none(parameter, wanted) and not _wrong_for_none(contract, parameter, got):
        rule = "sent.empty_value"
    if got is _ABSENT:
        yield contract.violation(rule, where, "nothing", shown(wanted))
    elif _comparable(parameter, wanted, got):
        yield contract.violation(rule, where, shown(got), shown(wanted))


def _as_given(parameter: Parameter, wanted: Any, got: Any) -> bool:
    """Whether what was sent is what was asked, as it is or as something that stands for it."""
    if parameter.texts:
        return _means_as_given(wanted, got)
    if isinstance(wanted, str):
        return _same_text(wanted, got)
    # No id at all is of the wrong type too. As an empty segment, or as `null`, it is the text of nothing,
    # names no instance, and is the service's to refuse: official SDKs send either.
    if got is _ABSENT:
        no_item = isinstance(wanted, (list, tuple, dict)) and not wanted
        return parameter.place == "query" and no_item  # a list goes as a parameter for each item
    return renders(wanted, got)


def _means_as_given(wanted: Any, got: Any) -> bool:
    """A Boolean is sent as it is, but for False, which may be left out.

    Anything else must not come to mean the opposite, nor a word become another. What has no obvious meaning
    has none to be turned round.
    """
    if isinstance(wanted, bool):
        return got is wanted or (got is _ABSENT and not wanted)
    means = meaning(wanted)
    if got is _ABSENT:
        return means is not True
    return means in (None, meaning(got)) or (meaning(got) is None and not isinstance(wanted, str))


def _same_text(wanted: str, got: Any) -> bool:
    """Half of a surrogate pair has no UTF-8; its three bytes are taken for it."""
    return bool(wanted == got) or wanted.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape") == got


def _reads_as_none(parameter: Parameter, wanted: Any) -> bool:
    """The empty token, and 0, False or an empty list where a text belongs: many take them for "not given".

    An empty version or type is a text like any other, and without it another upgrade is asked for.
    """
    return is_falsy(wanted) and (parameter.name == "clientToken" or not isinstance(wanted, str))


def _wrong_for_none(contract: Contract, parameter: Parameter, got: Any) -> bool:
    """Whether that would be wrong where nothing was given; a token of the client's own or a default is not."""
    return any(found.rule.level == "must" for found in _not_given(contract, parameter, got))


def _comparable(parameter: Parameter, wanted: Any, got: Any) -> bool:
    """A string sent as a number, or a Boolean as a strange word, breaks the rule on its type, which says more."""
    valid_type = isinstance(wanted, bool if parameter.texts else str)
    return not valid_type or isinstance(wanted, type(got))


def _elsewhere(contract: Contract, asked: UpgradeRequest, document: Document) -> Iterator[Violation]:
    values = {value: name for name, value in asked.given().items() if isinstance(value, str) and value}
    for place in ("query", "body"):
        sent = document.get(place)
        for name, value in sent.items() if isinstance(sent, dict) else ():
            if name not in contract.parameters and isinstance(value, str) and value in values:
                expected = f"{values[value]} in its own place alone"
                yield contract.violation("sent.elsewhere", f"{place}.{name}", shown(value), expected)


def _injected(contract: Contract, asked: UpgradeRequest, sent: HttpRequest) -> Iterator[Violation]:
    """A line end in a value ended a header or the request line, and what followed it became a header."""
    for name, value in asked.given().items():
        for line in _LINE_END.split(value)[1:] if isinstance(value, str) else ():
            key, colon, text = line.partition(":")
            for found in sent.header_values(key.strip()) if colon else ():
                if found.startswith(text.strip()):
                    expected = f"{name} encoded in its own place, or refused"
                    yield contract.violation("sent.header_injected", f"header.{key}", shown(found), expected)


_LINE_END = re.compile(r"[\r\n]+")


__all__ = ["check_number", "check_request", "check_sent", "upgrade_requests"]
