"""Family `transport`: HTTP as it is, however an answer is framed, cut into pieces, timed or secured.

A case about the form of an answer has a twin: the same answer in its plainest form, by its length, on
a client of its own. Only what the twin does not show comes from the form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from ..contract import Contract
from ..errors import ClientHung, NotTestable
from ..faults import Due, altered, answer_plan, fault_plan, serialize
from ..messages import Endpoint, HttpResponse, Violation
from ..plans import Certificate, Close, Hold, Pause, Plan, Send, Step
from ..rules.told import told_no_success, told_success, told_unreadable
from ..samples import DERIVED_REQUEST_ID, check_entry, checks_response, sample
from ..stage import Call, OpenClient, Stage
from .asking import plain_call
from .case import Case
from .response_cases import WHOLE

#: Seconds: the endpoint's timeout where no whole answer comes in time, and how long such a call may take.
_SHORT_TIMEOUT, _SHORT_BOUND = 0.3, 2.0
#: Seconds between two pieces that have to be read apart.
_APART = 0.05
#: Seconds between the pieces of an endless answer: fast enough to meet every sane limit within the bound.
_ENDLESS_PERIOD = 0.002

Check = Callable[[Stage], Iterable[Violation]]
Make = Callable[[HttpResponse], Plan]


def transport_cases(contract: Contract) -> list[Case]:  # noqa: ARG001 - one signature for all families
    """All cases of the family."""
    return [
        *_form_cases(),
        *_open_cases(),
        *_contradiction_cases(),
        *_time_cases(),
        *_connection_cases(),
        *_tls_cases(),
    ]


# --- the form of an answer --------------------------------------------------------------------------


class _Form(NamedTuple):
    """A way to send an answer: the rule that a client breaks which does not read it, and how it is made."""

    title: str
    rule: str
    make: Make
    answer: Callable[[Contract], HttpResponse]
    #: The twin's answer, where that is another one.
    twin: Callable[[Contract], HttpResponse] | None = None


def _documented(contract: Contract) -> HttpResponse:
    return sample(contract, "success")


def _chinese(contract: Contract) -> HttpResponse:
    """An answer in which most characters take several bytes."""
    check = check_entry(contract.enum("validateType")[0], failed=True, contract=contract)
    error = {**check["validateResult"][0], "errorMsg": "\u96c6\u7fa4\u72b6\u6001\u4e0d\u5065\u5eb7\U0001f534" * 8}
    return checks_response([{**check, "validateResult": [error]}])


def _big(contract: Contract) -> HttpResponse:
    check = check_entry(contract.enum("validateType")[0], failed=True, contract=contract)
    error = {**check["validateResult"][0], "errorMsg": "0123456789" * 500_000}
    return checks_response([{**check, "validateResult": [error]}])


def _form_cases() -> Iterator[Case]:
    for name, form in _FORMS.items():
        yield Case(f"transport.{name}", form.title, (form.rule,), _read(form))
    title = "An answer in gzip is read where the client asked for it, and not misread where it did not."
    rules = ("transport.gzip", "error.invented_document", "error.not_a_document")
    yield Case("transport.gzip", title, rules, _gzip)


def _read(form: _Form) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        answer = form.answer(stage.contract)
        twin = (form.twin or form.answer)(stage.contract)
        for found in _beyond_twin(stage, answer, form.make(answer), twin):
            yield stage.contract.violation(form.rule, found.where, found.got, found.expected)

    return check


def _beyond_twin(
    stage: Stage, answer: HttpResponse, plan: Plan, twin: HttpResponse | None = None, *, may_refuse: bool = False
) -> Iterator[Violation]:
    """What a client makes of an answer in that form, and does not make of it (or of its twin) in the plainest one."""
    twin = twin or answer
    stage.reply_with(twin)
    before = stage.call(plain_call(stage.contract), stage.open())
    if not _succeeded(before):
        raise NotTestable("an answer in its plainest form does not get through; response.sample tells why")
    seen = {_key(found) for found in told_success(stage.contract, twin, before.outcome)}
    stage.reply_with(plan)
    call = stage.call(plain_call(stage.contract), stage.open())
    if not call.exchanges:
        raise NotTestable(f"nothing was sent by the second of two equal calls: {_words(call)}")
    if may_refuse and not _succeeded(call):
        return
    yield from (found for found in told_success(stage.contract, answer, call.outcome) if _key(found) not in seen)


def _key(violation: Violation) -> tuple[str, str]:
    return violation.rule.id, violation.where


def _succeeded(call: Call) -> bool:
    return call.outcome.kind == "ok" and call.outcome.error is None


def _words(call: Call) -> str:
    error = call.outcome.error
    return call.outcome.kind if error is None else f"{error.type}: {error.message or error.text}"


def _gzip(stage: Stage) -> Iterator[Violation]:
    contract = stage.contract
    answer = _documented(contract)
    stage.reply_with(answer)
    asking = stage.call(plain_call(contract), stage.open())
    if not asking.exchanges:
        raise NotTestable(f"nothing was sent, so that nothing was asked for: {_words(asking)}")
    asked = asking.exchanges[-1].request.header("Accept-Encoding") or ""
    plan = fault_plan("gzip", Due(answer))
    if _accepts_gzip(asked):
        for found in _beyond_twin(stage, answer, plan):
            got = f"{found.got} after Accept-Encoding: {asked}"
            yield contract.violation("transport.gzip", found.where, got, found.expected)
        return
    stage.reply_with(plan)
    outcome = stage.call(plain_call(contract), stage.open()).outcome
    if any(told_success(contract, answer, outcome)):  # else it was read unasked, which is as right as an error
        yield from told_unreadable(contract, plan.response or answer, outcome)


def _accepts_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding names gzip, or any coding, and not with a weight of 0 (RFC 9110 section 12.5.3)."""
    weights = {}
    for entry in accepted.lower().split(","):
        coding, _, weight = entry.partition(";")
        weights[coding.strip()] = weight.replace(" ", "").removeprefix("q=").strip("0.") != "" or not weight
    return weights.get("gzip", weights.get("*", False))


# How bytes are put together. An answer's own headers stay; only what frames the body differs.


def _head(answer: HttpResponse, *framing: str, start: str = "HTTP/1.1 200 OK") -> bytes:
    lines = [start, *(f"{name}: {value}" for name, value in answer.headers), *framing, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _length(answer: HttpResponse) -> str:
    return f"Content-Length: {len(answer.body)}"


def _whole(answer: HttpResponse, data: bytes, *after: Step) -> Plan:
    return Plan((Send(data, whole=True), *after), answer)


def _framed(*framing: str, start: str = "HTTP/1.1 200 OK", length: bool = True, after: tuple[Step, ...] = ()) -> Make:
    """An answer under that status line, with those headers, by its length where `length` says so."""

    def make(answer: HttpResponse) -> Plan:
        lines = (_length(answer), *framing) if length else framing
        return _whole(answer, _head(answer, *lines, start=start) + answer.body, *after)

    return make


def _chunked(  # noqa: PLR0913 - what may differ in chunks, by name
    size: int = 1 << 20,
    *,
    form: str = "{:x}",
    coding: str = "Transfer-Encoding: chunked",
    extension: str = "",
    trailers: str = "",
    after: tuple[Step, ...] = (),
) -> Make:
    """An answer in chunks of that many bytes; `form` is how a size is written."""

    def make(answer: HttpResponse) -> Plan:
        pieces = [answer.body[at : at + size] for at in range(0, len(answer.body), size)]
        chunks = [f"{form.format(len(piece))}{extension}\r\n".encode() + piece + b"\r\n" for piece in pieces]
        last = f"0{extension}\r\n{trailers}\r\n".encode()
        return _whole(answer, _head(answer, coding) + b"".join(chunks) + last, *after)

    return make


def _header(text: Callable[[HttpResponse], bytes]) -> Make:
    return lambda answer: _whole(answer, text(answer) + answer.body)


def _lower(answer: HttpResponse) -> bytes:
    return _head(answer, _length(answer)).replace(b"Content-", b"content-").replace(b"Length", b"length")


def _upper(answer: HttpResponse) -> bytes:
    return _head(answer, _length(answer).upper()).replace(b"Content-Type", b"CONTENT-TYPE")


def _no_blank(answer: HttpResponse) -> bytes:
    return _head(answer, _length(answer)).replace(b": ", b":")


def _blanks(answer: HttpResponse) -> bytes:
    # No tab around the length: a parser that is strict there (Node's) guards against smuggling.
    return _head(answer, f"Content-Length:   {len(answer.body)}  ", "X-Tabs: \t text \t", "X-Empty:")


def _cut(*places: Callable[[bytes], int], make: Make | None = None) -> Make:
    """An answer whose bytes come with a pause at those places."""

    def cut(answer: HttpResponse) -> Plan:
        plan = make(answer) if make else answer_plan(answer)
        data = b"".join(step.data for step in plan.steps if isinstance(step, Send))
        at = [0, *sorted(place(data) for place in places)]
        most = [(Send(data[start:end]), Pause(_APART)) for start, end in pairwise(at)]
        steps = (*(step for pair in most for step in pair), Send(data[at[-1] :], whole=True))
        return Plan(steps, answer)

    return cut


def _within(text: bytes, offset: int) -> Callable[[bytes], int]:
    return lambda data: data.index(text) + offset


def _played(name: str, **options: float) -> Make:
    return lambda answer: fault_plan(name, Due(answer), **options)


_FORMS: Mapping[str, _Form] = {
    "length.held_open": _Form(
        "An answer ends where its Content-Length says, though the connection stays open.",
        "transport.length",
        _framed(after=(Hold(),)),
        _documented,
    ),
    "length.closed": _Form(
        "An answer with a Content-Length whose connection is then closed is read.",
        "transport.length",
        _framed("Connection: close", after=(Close(),)),
        _documented,
    ),
    "length.big": _Form("An answer of 5 MB is read.", "transport.size", answer_plan, _big, twin=_documented),
    "chunked.one": _Form(
        "An answer in one chunk is read, and ends with the last one, of no bytes.",
        "transport.chunked",
        _chunked(after=(Hold(),)),
        _documented,
    ),
    "chunked.many": _Form("An answer in many chunks is read.", "transport.chunked", _chunked(26), _documented),
    "chunked.one_byte": _Form(
        "An answer in chunks of one byte is read.", "transport.chunked", _chunked(1), _documented
    ),
    "chunked.split_utf8": _Form(
        "A character that is spread over two chunks is one character.", "transport.chunked", _chunked(7), _chinese
    ),
    "chunked.sizes": _Form(
        "Sizes of chunks in capitals and with leading zeros are read.",
        "transport.chunked",
        _chunked(0x2F, form="00{:X}"),
        _documented,
    ),
    "chunked.coding_case": _Form(
        "The coding's name is read in any letter case.",
        "transport.chunked",
        _chunked(26, coding="transfer-encoding: Chunked"),
        _documented,
    ),
    "chunked.extensions": _Form(
        "Extensions of chunks are passed over.",
        "transport.chunk_extensions",
        _chunked(300, extension=';name=value;other="a;b"'),
        _documented,
    ),
    "chunked.trailers": _Form(
        "Trailers are read or passed over, and are no part of the body.",
        "transport.trailers",
        _chunked(300, trailers="X-Checksum: 0123456789abcdef\r\nX-Other: 1\r\n", after=(Hold(),)),
        _documented,
    ),
    "until_close.http_11": _Form(
        "An answer without a length ends with its connection.",
        "transport.until_close",
        _framed("Connection: close", length=False, after=(Close(),)),
        _documented,
    ),
    "until_close.http_10": _Form(
        "An answer of HTTP/1.0 without a length ends with its connection.",
        "transport.until_close",
        _framed(start="HTTP/1.0 200 OK", length=False, after=(Close(),)),
        _documented,
    ),
    "http_10.length": _Form(
        "An answer of HTTP/1.0 is read.",
        "transport.http_10",
        _framed(start="HTTP/1.0 200 OK", after=(Close(),)),
        _documented,
    ),
    "http_10.keep_alive": _Form(
        "An answer of HTTP/1.0 that keeps the connection is read.",
        "transport.http_10",
        _framed("Connection: keep-alive", start="HTTP/1.0 200 OK", after=(Hold(),)),
        _documented,
    ),
    "status_line.no_reason": _Form(
        "A status line without a reason is read.",
        "transport.status_line",
        _framed(start="HTTP/1.1 200 "),
        _documented,
    ),
    "status_line.other_reason": _Form(
        "A status line with any reason is read.",
        "transport.status_line",
        _framed(start="HTTP/1.1 200 As you wish"),
        _documented,
    ),
    "header.lower_case": _Form(
        "Names of headers are read in lower case.", "transport.header", _header(_lower), _documented
    ),
    "header.upper_case": _Form(
        "Names of headers are read in capitals.", "transport.header", _header(_upper), _documented
    ),
    "header.no_blank": _Form(
        "A header's value may stand right behind the colon.", "transport.header", _header(_no_blank), _documented
    ),
    "header.blanks": _Form(
        "Blanks and tabs around a header's value are no part of it, and a value may be empty.",
        "transport.header",
        _header(_blanks),
        _documented,
    ),
    "header.many": _Form(
        "Fifty further headers, some of them twice, do no harm.",
        "transport.header",
        _framed(*(f"X-Header-{number % 40}: {number}" for number in range(50))),
        _documented,
    ),
    "header.long": _Form(
        "A header of 6,000 characters does no harm.", "transport.header", _framed(f"X-Long: {'x' * 6000}"), _documented
    ),
    "pieces.one_byte": _Form(
        "An answer that comes byte by byte is read.", "transport.pieces", _played("byte_by_byte"), _documented
    ),
    "pieces.slow_head": _Form(
        "An answer that halts within its head is read.",
        "transport.pieces",
        _played("slow_head", seconds=_APART),
        _documented,
    ),
    "pieces.slow_body": _Form(
        "An answer that halts within its body is read.",
        "transport.pieces",
        _played("slow_body", seconds=_APART),
        _documented,
    ),
    "pieces.head_then_body": _Form(
        "A body that comes after its head is waited for.",
        "transport.pieces",
        _cut(_within(b"\r\n\r\n", 4)),
        _documented,
    ),
    "pieces.split_line_end": _Form(
        "A line end that is spread over two pieces is one line end.",
        "transport.pieces",
        _cut(_within(b"\r\n", 1), _within(b"\r\n\r\n", 3)),
        _documented,
    ),
    "pieces.split_chunk_size": _Form(
        "A size of a chunk that is spread over two pieces is one number.",
        "transport.pieces",
        _cut(_within(b"\r\n\r\n", 5), make=_chunked(0x123)),
        _documented,
    ),
    "pieces.split_utf8": _Form(
        "A character that is spread over two pieces is one character.",
        "transport.pieces",
        _cut(_within("\u72b6".encode(), 1), _within("\U0001f534".encode(), 2)),
        _chinese,
    ),
}


# --- forms that may be refused ----------------------------------------------------------------------


def _open_cases() -> Iterator[Case]:
    for name, (title, make) in _OPEN.items():
        yield Case(f"transport.either.{name}", title, WHOLE, _read_or_refused(make))


def _read_or_refused(make: Make) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        answer = _documented(stage.contract)
        yield from _beyond_twin(stage, answer, make(answer), may_refuse=True)

    return check


def _length_and_chunked(answer: HttpResponse) -> Plan:
    both = altered(answer, Content_Length="17", Transfer_Encoding="chunked")
    return _whole(answer, serialize(both), Close())


_OPEN: Mapping[str, tuple[str, Make]] = {
    "bom": ("JSON behind a byte order mark is read or refused, not misread.", _played("bom")),
    "latin1": ("JSON in Latin-1 is read or refused, not misread.", _played("latin1")),
    "wrong_content_type": ("JSON that calls itself HTML is read or refused, not lost.", _played("wrong_content_type")),
    "no_content_type": ("JSON without a media type is read or refused, not lost.", _played("no_content_type")),
    "length_and_chunked": (
        "An answer with chunks and a Content-Length is read by its chunks, or refused.",
        _length_and_chunked,
    ),
}


# --- answers that contradict themselves -------------------------------------------------------------


def _contradiction_cases() -> Iterator[Case]:
    lengths: Mapping[str, tuple[str, int, int]] = {
        "first_right": ("the second is longer", 0, 20),
        "last_right": ("the first is shorter", -20, 0),
    }
    for name, (how, first, second) in lengths.items():
        title = f"An answer with two different Content-Lengths is no success ({how})."
        check = _no_success(_two_lengths(first, second), "transport.two_lengths", "there were two lengths")
        yield Case(f"transport.two_lengths.{name}", title, ("transport.two_lengths",), check)
    title = "What comes behind the announced length is no part of the answer."
    came = "the announced length ends within the document"
    check = _no_success(_played("length_too_short"), "transport.beyond_length", came)
    yield Case("transport.length.too_short", title, ("transport.beyond_length",), check)


def _two_lengths(first: int, second: int) -> Make:
    def make(answer: HttpResponse) -> Plan:
        lines = [f"Content-Length: {len(answer.body) + more}" for more in (first, second)]
        return _whole(answer, _head(answer, *lines) + answer.body, Close())

    return make


def _no_success(make: Make, rule: str, came: str) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        stage.reply_with(make(_documented(stage.contract)))
        call = stage.call(plain_call(stage.contract))
        if not call.exchanges:
            raise NotTestable(f"nothing was sent: {_words(call)}")
        yield from told_no_success(stage.contract, call.outcome, rule, came)

    return check


# --- time -------------------------------------------------------------------------------------------


def _time_cases() -> Iterator[Case]:
    endless: Mapping[str, tuple[str, Make]] = {
        "drip": ("An answer that comes in drops, and takes longer than the timeout, is given up.", _drip),
        "endless_body": ("A body without end is given up.", _played("endless_body", period=_ENDLESS_PERIOD)),
        "endless_head": ("A head without end is given up.", _played("endless_head", period=_ENDLESS_PERIOD)),
    }
    rules = ("transport.endless", "error.no_answer_as_success")
    for name, (title, make) in endless.items():
        check = _given_up(make)
        yield Case(f"transport.time.{name}", title, rules, check, timeout=_SHORT_TIMEOUT, bound=_SHORT_BOUND)


#: Seconds that a drip takes: well beyond the timeout of one attempt, while no single wait comes near it.
_DRIPPING, _DROPS = 1.0, 20


def _drip(answer: HttpResponse) -> Plan:
    data = serialize(answer)
    size = -(-len(data) // (_DROPS + 1))
    drops = [data[at : at + size] for at in range(0, len(data), size)]
    most = tuple(step for drop in drops[:-1] for step in (Send(drop), Pause(_DRIPPING / _DROPS)))
    return Plan((*most, Send(drops[-1], whole=True)), answer)


def _given_up(make: Make) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        plan = make(_documented(stage.contract))
        stage.reply_with(plan)
        expected = f"an error once endpoint.timeout, {stage.endpoint.timeout:g} s, is over"
        try:
            call = stage.call(plain_call(stage.contract))
        except ClientHung as hung:
            if hung.rule != "client.timeout":
                raise
            yield stage.contract.violation("transport.endless", "call", str(hung), expected)
            return
        if not call.exchanges:
            raise NotTestable(f"nothing was sent: {_words(call)}")
        ends = any(isinstance(step, Send) and step.whole for step in plan.steps)
        if not ends:
            yield from told_no_success(stage.contract, call.outcome, "error.no_answer_as_success", "it has no end")
        elif _succeeded(call):
            got = f"the answer was followed for {_DRIPPING:g} s"
            yield stage.contract.violation("transport.endless", "call", got, expected)

    return check


# --- connections ------------------------------------------------------------------------------------


def _connection_cases() -> Iterator[Case]:
    yield Case(
        "transport.connection.close_announced",
        "A connection whose close was announced is not used again.",
        ("transport.close",),
        _close_announced,
    )
    yield Case(
        "transport.connection.stray_answer",
        "What comes behind an answer is not the answer to the next call.",
        ("transport.excess",),
        _stray_answer,
    )
    yield Case(
        "transport.connection.kept",
        "Chunked answers with trailers on a connection that is kept are each their own call's.",
        ("answer.own", "transport.reuse"),
        _kept,
    )
    rules = ("transport.reuse", "answer.own")
    for name, (how, make) in _LOST.items():
        title = f"A client can be used again after {how}."
        short = name == "silence"
        case = Case(f"transport.after.{name}", title, rules, _used_again(make))
        yield case if not short else Case(case.id, title, rules, case.check, timeout=_SHORT_TIMEOUT, bound=_SHORT_BOUND)
    title = "A client can be used again after its connection was reset before anything was read."
    yield Case("transport.after.reset_before_reading", title, rules, _used_again(None))


def _closed_when_idle(answer: HttpResponse) -> Plan:
    return _whole(answer, serialize(answer), Close())


_LOST: Mapping[str, tuple[str, Make]] = {
    "closed_when_idle": ("its connection was closed between two calls", _closed_when_idle),
    "reset_after_reading": ("its connection was reset", _played("reset_after_reading")),
    "answer_lost_after_start": ("the answer was lost", _played("answer_lost_after_start")),
    "close_early": ("its connection was closed without an answer", _played("close_early")),
    "half_head": ("half of a head", _played("half_head")),
    "half_body": ("half of a body", _played("half_body")),
    "length_too_long": ("a body that was shorter than announced", _played("length_too_long")),
    "length_too_short": ("a body that was longer than announced", _played("length_too_short")),
    "bad_chunk": ("a chunk without a size", _played("bad_chunk")),
    "garbage": ("an answer that was no HTTP", _played("garbage")),
    "silence": ("an answer that never came", _played("silence")),
}


def _numbered(number: int) -> HttpResponse:
    """An answer that is known again."""
    return checks_response([], DERIVED_REQUEST_ID[:-1] + str(number))


def _used_again(make: Make | None) -> Check:
    """`make` bends the first answer; None is a reset before the second request is read."""

    def check(stage: Stage) -> Iterator[Violation]:
        client = stage.open()
        if make is not None:
            stage.reply_with(make(_numbered(1)), times=1)
        stage.reply_with(_numbered(2))
        stage.call(plain_call(stage.contract), client)
        if make is None:
            stage.fail_with("reset_before_reading")
            stage.call(plain_call(stage.contract), client)
        if stage.script_left:
            raise NotTestable("the call ended before anything was sent, so that nothing could be lost")
        yield from _own_answer(stage, client, 2)

    return check


#: Calls after a lost connection of which one has to get through. One may meet what is left of that connection;
#: the others are for clients whose timeout was short, on a machine that is busy.
_COMES_BACK_WITHIN = 4


def _own_answer(stage: Stage, client: OpenClient, number: int) -> Iterator[Violation]:
    """The next call gets the answer of that number; errors are right, as long as it comes back."""
    for _ in range(_COMES_BACK_WITHIN):
        call = stage.call(plain_call(stage.contract), client)
        if _succeeded(call):
            yield from _is_own(stage, call, number)
            return
    fresh = stage.call(plain_call(stage.contract), stage.open())
    if not _succeeded(fresh):
        raise NotTestable("a fresh client does not get through either; response.empty_list tells why")
    expected = f"one of {_COMES_BACK_WITHIN} calls after that to get through, as on a fresh client"
    yield stage.contract.violation("transport.reuse", "call", _words(call), expected)


def _is_own(stage: Stage, call: Call, number: int, rule: str = "answer.own") -> Iterator[Violation]:
    answer = call.outcome.answer
    got, expected = answer and answer.get("RequestId"), DERIVED_REQUEST_ID[:-1] + str(number)
    others = {DERIVED_REQUEST_ID[:-1] + str(other) for other in range(10)} - {expected}
    if got in others:
        yield stage.contract.violation(rule, "answer./RequestId", repr(got), repr(expected))


def _close_announced(stage: Stage) -> Iterator[Violation]:
    answer = _numbered(1)
    for name, plan in (
        ("kept", answer_plan(answer)),
        ("closed", _whole(answer, _head(answer, _length(answer), "Connection: close") + answer.body, Close())),
    ):
        stage.reply_with(plan)
        client = stage.open()
        calls = [stage.call(plain_call(stage.contract), client) for _ in range(2)]
        if all(map(_succeeded, calls)):
            continue
        if name == "kept" or not _succeeded(calls[0]):
            raise NotTestable(f"two calls in a row do not get through anyhow: {_words(calls[-1])}")
        got = f"the call after the close: {_words(calls[1])}"
        yield stage.contract.violation("transport.close", "connection", got, "a new connection for the next request")


def _stray_answer(stage: Stage) -> Iterator[Violation]:
    client = stage.open()
    # In one write: whoever reads the one has the other at hand.
    both = Plan((Send(serialize(_numbered(1)) + serialize(_numbered(3)), whole=True),), _numbered(1))
    stage.reply_with(both, times=1)
    stage.reply_with(_numbered(2))
    call = stage.call(plain_call(stage.contract), client)
    if not call.exchanges:
        raise NotTestable(f"nothing was sent: {_words(call)}")
    for _ in range(2):  # an error is right, and what is left over may come later
        yield from _is_own(stage, stage.call(plain_call(stage.contract), client), 2, "transport.excess")


def _kept(stage: Stage) -> Iterator[Violation]:
    client = stage.open()
    for number in range(1, 5):
        stage.reply_with(_chunked(9, trailers="X-Checksum: 0123\r\n")(_numbered(number)))
        yield from _own_answer(stage, client, number)


# --- TLS --------------------------------------------------------------------------------------------

_REFUSED: Mapping[Certificate, str] = {
    "untrusted": "A certificate of an authority that is not in ca_file",
    "expired": "A certificate that has expired",
    "wrong_name": "A certificate for another name than the endpoint's",
}


def _tls_cases() -> Iterator[Case]:
    title = "A certificate of the authority in ca_file, in date and for the endpoint's name, is accepted."
    yield Case("transport.tls.good", title, WHOLE, _accepted, certificate="good")
    rules = ("transport.certificate", "error.no_answer_as_success")
    for kind, what in _REFUSED.items():
        title = f"{what} is refused before anything is sent."
        yield Case(f"transport.tls.{kind}", title, rules, _refused(kind, what), certificate="good")


def _accepted(stage: Stage) -> Iterator[Violation]:
    answer = sample(stage.contract, "all_passed")
    stage.reply_with(answer)
    call = stage.call(plain_call(stage.contract))
    if not call.exchanges:
        raise NotTestable(
            f"the client has no use for an https endpoint with ca_file: with the good certificate nothing was sent, "
            f"{_told(stage.endpoint, call)}"
        )
    yield from told_success(stage.contract, answer, call.outcome)


def _refused(kind: Certificate, what: str) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        list(_accepted(stage))  # what becomes of the answer is judged by transport.tls.good
        stage.present(kind)
        before = len(stage.journal)
        call = stage.call(plain_call(stage.contract), stage.open())
        for exchange in stage.journal[before:][:1]:
            got = f"{exchange.request.method} {exchange.request.path} was sent"
            yield stage.contract.violation("transport.certificate", "connection", got, f"nothing sent: {what.lower()}")
        yield from told_no_success(
            stage.contract, call.outcome, "error.no_answer_as_success", "the certificate was not right"
        )

    return check


def _told(endpoint: Endpoint, call: Call) -> str:
    return f"and the call to {endpoint.scheme}://{endpoint.host} ended with {_words(call)}"
