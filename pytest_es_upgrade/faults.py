"""What can go wrong with an answer, by name: each fault makes a plan from the answer that was due.

Two rules of this module: a fault decides nothing about the service (whether the request was acted on
before the fault is a column of the table), and nothing here waits or writes: time is a `Pause`, bytes
are a `Send`. Two faults are no plans of an answer: `refuse` acts on the listener, and
`reset_before_reading` on a connection that has said nothing yet.
"""

from __future__ import annotations

import gzip as gzip_coding
import inspect
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Literal, NamedTuple

from .errors import UnknownName, UsageProblem
from .messages import Headers, HttpResponse
from .plans import Close, Hold, Pause, Plan, Reset, Send, Step

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_JSON = ("Content-Type", "application/json; charset=utf-8")
#: `endless_*`: this many pieces of 1 KiB, one every so many seconds, outlast every bound of the suite.
_ENDLESS_PIECES, _ENDLESS_PERIOD = 6000, 0.02
#: Retry-After beyond this many seconds would make a patient client's test slow for nothing.
_LONGEST_RETRY_AFTER = 1
#: A date has no fractions of a second: one that is surely a second ahead is up to two seconds ahead.
_FURTHEST_DATE = 2
_REDIRECTS = (301, 302, 303, 307, 308)

#: Seconds from 0 to 1 (sent as 0 or 1, rounded up), a moment with its time zone, or the text of an HTTP-date.
RetryAfter = float | datetime | str
FaultPlace = Literal["listener", "connection", "answer"]


class Due(NamedTuple):
    """The answer that was due, and the target of the request that it answers (for redirects)."""

    response: HttpResponse
    target: str = "/"
    head_only: bool = False

    @property
    def head(self) -> bytes:
        """The answer's head as on the wire, with its empty line."""
        return self.whole[: self.whole.index(b"\r\n\r\n") + 4]

    @property
    def whole(self) -> bytes:
        """The answer as on the wire."""
        return serialize(self.response, head_only=self.head_only)


class Fault(NamedTuple):
    """One row of the table: what happens, where it acts, and whether the service acts on the request before it.

    `make` takes what was due, and the fault's options as keywords. `acted_on` says whether the request
    does what it asks for (starts an upgrade) before the fault; if not, nothing has happened.
    """

    name: str
    title: str
    make: Callable[..., Plan]
    acted_on: bool = True
    place: FaultPlace = "answer"

    @property
    def options(self) -> tuple[str, ...]:
        """Names of the keywords that `fault_plan` takes for this fault."""
        parameters = inspect.signature(self.make).parameters.values()
        return tuple(parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY)


def fault(name: str) -> Fault:
    """The fault of that name. Raises `UnknownName` with the near ones."""
    if name not in tuple(FAULTS):
        raise UnknownName("fault", str(name), FAULTS)
    return FAULTS[name]


def fault_plan(name: str, due: Due, **options: Any) -> Plan:
    """What a server does in place of sending what was due.

    The plan's `response` is the answer that was meant, or None where not one byte of an answer is
    sent. Raises `UnknownName` for a fault, `UsageProblem` for an option that there is not.
    """
    row = fault(name)
    check_options(row, options)
    return replace(row.make(due, **options), fault=name)


def check_options(row: Fault, options: Mapping[str, Any], now: float | None = None) -> None:
    """Raises `UsageProblem` for an option that the fault does not have, or whose value cannot be.

    `now`, in seconds since 1970, is what a date is held against; None: it may be any.
    """
    for option, value in options.items():
        if option not in row.options:
            known = ", ".join(row.options) or "none"
            raise UsageProblem(f"fault {row.name!r} has no option {option!r}; its options: {known}")
        fits, expected = _OPTIONS[option]
        if not fits(value):
            raise UsageProblem(f"fault {row.name!r}: {option}={value!r}: expected {expected}")
    date = options.get("retry_after")
    if now is not None and isinstance(date, (str, datetime)) and _moment(date).timestamp() > now + _FURTHEST_DATE:
        raise UsageProblem(f"retry_after={date!r} is more than {_FURTHEST_DATE} s ahead")


def check_answer(response: HttpResponse) -> None:
    """Raises `UsageProblem` for an answer that cannot be put on the wire as it is, naming the field."""
    for field, (fits, expected) in _FIELDS.items():
        value = getattr(response, field)
        if not fits(value):
            raise UsageProblem(f"HttpResponse.{field} is {expected}, got {value!r} ({type(value).__name__})")


def answer_plan(response: HttpResponse, *, head_only: bool = False) -> Plan:
    """The plain plan: send the answer whole, and close the connection where the answer says so."""
    send = Send(serialize(response, head_only=head_only), whole=True)
    closes = (response.header("Connection") or "").lower() == "close"
    return Plan((send, Close()) if closes else (send,), response)


def serialize(response: HttpResponse, *, head_only: bool = False) -> bytes:
    """The answer's bytes on the wire, HTTP/1.1.

    Content-Length is added where the headers name no framing; `Transfer-Encoding: chunked` makes the
    body one chunk. `head_only` leaves the body away, as the answer to HEAD does. Statuses that have
    no content (1xx, 204, 304) get neither length nor body.
    """
    headers, body = response.headers, response.body
    names = {name.lower() for name, _ in headers}
    if response.status < 200 or response.status in (204, 304):
        body = b""
    elif "transfer-encoding" in names:
        body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    elif "content-length" not in names:
        headers = (*headers, ("Content-Length", str(len(body))))
    return _head(response.status, headers) + (b"" if head_only else body)


def _head(status: int, headers: Headers, end: str = "\r\n") -> bytes:
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    return f"HTTP/1.1 {status} {_REASONS.get(status, '')}\r\n{lines}{end}".encode("latin-1", "replace")


def altered(
    response: HttpResponse, body: bytes | None = None, *, without: Iterable[str] = (), **headers: str
) -> HttpResponse:
    """The response with another body (its length is then computed anew), and headers replaced or left out.

    Keywords are header names with `_` for `-`.
    """
    new = {name.replace("_", "-"): value for name, value in headers.items()}
    gone = {name.lower() for name in (*new, *without, *(["content-length"] if body is not None else []))}
    kept = tuple((name, value) for name, value in response.headers if name.lower() not in gone)
    return replace(response, headers=(*kept, *new.items()), body=response.body if body is None else body)


# --- on the listener and on a fresh connection ---


def _no_connection(_due: Due) -> Plan:
    return Plan((Reset(),))


# --- no answer, or not all of it ---


def _reset(_due: Due) -> Plan:
    return Plan((Reset(),))


def _close_early(_due: Due) -> Plan:
    return Plan((Close(),))


def _silence(_due: Due) -> Plan:
    return Plan((Hold(),))


def _half_head(due: Due) -> Plan:
    return Plan((Send(due.head[: len(due.head) // 2]), Close()), due.response)


def _half_body(due: Due) -> Plan:
    body = due.whole[len(due.head) :]
    return Plan((Send(due.head + body[: len(body) // 2]), Close()), due.response)


def _length_too_long(due: Due) -> Plan:
    body = due.response.body
    lying = altered(due.response, without=["Transfer-Encoding"], Content_Length=str(len(body) + 16))
    return Plan((Send(serialize(lying)), Close()), due.response)


def _length_too_short(due: Due) -> Plan:
    body = due.response.body
    lying = altered(due.response, without=["Transfer-Encoding"], Content_Length=str(len(body) // 2))
    # As far as the client can tell this answer is whole: it has no reason to wait for more.
    return Plan((Send(serialize(lying), whole=True), Close()), due.response)


def _bad_chunk(due: Due) -> Plan:
    head = _chunked_head(due.response)
    half = due.response.body[: len(due.response.body) // 2]
    return Plan((Send(head + _chunk(half) + b"zz\r\n" + due.response.body), Close()), due.response)


def _garbage(_due: Due) -> Plan:
    return Plan((Send(b"\x00\xff\x15 this is no HTTP\r\n\r\n\x00"), Close()))


# --- time ---


def _slow_head(due: Due, *, seconds: float = 0.5) -> Plan:
    return _halting(due, len(due.head) // 2, seconds)


def _slow_body(due: Due, *, seconds: float = 0.5) -> Plan:
    return _halting(due, len(due.head) + len(due.response.body) // 2, seconds)


def _halting(due: Due, at: int, seconds: float) -> Plan:
    return Plan((Send(due.whole[:at]), Pause(seconds), Send(due.whole[at:], whole=True)), due.response)


def _byte_by_byte(due: Due) -> Plan:
    *most, last = (due.whole[at : at + 1] for at in range(len(due.whole)))
    # A pause of nothing is still a turn of the server's loop: every byte is a write of its own.
    steps = [step for byte in most for step in (Send(byte), Pause(0.0))]
    return Plan((*steps, Send(last, whole=True)), due.response)


def _endless_head(due: Due, *, period: float = _ENDLESS_PERIOD) -> Plan:
    start = _head(due.response.status, due.response.headers, end="")
    return Plan(_endless(start, b"X-Filler: %b\r\n" % (b"x" * 1024), period), due.response)


def _endless_body(due: Due, *, period: float = _ENDLESS_PERIOD) -> Plan:
    return Plan(_endless(_chunked_head(due.response), _chunk(b" " * 1024), period), due.response)


def _endless(start: bytes, piece: bytes, period: float) -> tuple[Step, ...]:
    return (Send(start), *(Send(piece), Pause(period)) * _ENDLESS_PIECES, Hold())


# --- another answer than the one that was due ---


def _continue_100(due: Due) -> Plan:
    return Plan((Send(_head(100, ())), *answer_plan(due.response, head_only=due.head_only).steps), due.response)


def _redirect(status: int) -> Callable[..., Plan]:
    def make(due: Due, *, location: str | None = None) -> Plan:
        return answer_plan(HttpResponse(status, (("Location", due.target if location is None else location),)))

    return make


def _redirect_other_host(due: Due, *, to: str = "http://127.0.0.2:9", status: int = 307) -> Plan:
    """`to` is scheme, host and port of the other host; by default one that nothing listens at."""
    return answer_plan(HttpResponse(status, (("Location", to + due.target),)))


def _throttled(due: Due, *, retry_after: RetryAfter | None = None) -> Plan:
    return _service_error(due, 429, "Throttling.User", "Request was denied due to user flow control.", retry_after)


def _unavailable(due: Due, *, retry_after: RetryAfter | None = None) -> Plan:
    return _service_error(due, 503, "ServiceUnavailable", "The service is temporarily unavailable.", retry_after)


def _service_error(due: Due, status: int, code: str, message: str, retry_after: RetryAfter | None) -> Plan:
    headers = (_JSON,) if retry_after is None else (_JSON, ("Retry-After", _as_sent(retry_after)))
    body = {"RequestId": _request_id(due.response), "Code": code, "Message": message}
    return answer_plan(HttpResponse(status, headers, json.dumps(body).encode()), head_only=due.head_only)


def _as_sent(retry_after: RetryAfter) -> str:
    """Whole seconds, either way (RFC 9110 section 10.2.3): a number is rounded up, of a date the rest is cut off."""
    if isinstance(retry_after, datetime):
        return format_datetime(_moment(retry_after), usegmt=True)
    return retry_after if isinstance(retry_after, str) else str(math.ceil(retry_after))


def _moment(date: datetime | str) -> datetime:
    return (parsedate_to_datetime(date) if isinstance(date, str) else date).astimezone(timezone.utc)


def _is_retry_after(value: Any) -> bool:
    if isinstance(value, str):
        try:
            return value.endswith(" GMT") and _is_header_text(value) and bool(parsedate_to_datetime(value))
        except ValueError:
            return False
    if isinstance(value, datetime):
        return value.tzinfo is not None
    return value is None or (_is_duration(value) and value <= _LONGEST_RETRY_AFTER)


def _is_duration(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value) and value >= 0


#: What a header can carry: Latin-1, and nothing that ends its line.
_HEADER_TEXT = re.compile(r"[\x01-\x09\x0b\x0c\x0e-\xff]*")
_TEXT = "a text in Latin-1 without line breaks"


def _is_header_text(value: Any) -> bool:
    return isinstance(value, str) and _HEADER_TEXT.fullmatch(value) is not None


def _is_header(value: Any) -> bool:
    pair = isinstance(value, (tuple, list)) and len(value) == 2 and all(map(_is_header_text, value))
    return pair and bool(value[0])


def _is_status(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 999


#: field of an `HttpResponse` → whether a value fits, and what does
_FIELDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "status": (_is_status, "a whole number of three digits"),
    "headers": (
        lambda value: isinstance(value, (tuple, list)) and all(map(_is_header, value)),
        "a tuple of pairs, name and value, texts in Latin-1, without line breaks",
    ),
    "body": (lambda value: isinstance(value, bytes), "bytes"),
}

#: option → whether a value fits, and what does
_OPTIONS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "seconds": (_is_duration, "a number of seconds from 0 on"),
    "period": (_is_duration, "a number of seconds from 0 on"),
    "location": (lambda value: value is None or _is_header_text(value), f"{_TEXT}, the Location header as sent"),
    "to": (_is_header_text, f"{_TEXT}, scheme, host and port of the other host"),
    "status": (lambda value: value in _REDIRECTS, f"one of {', '.join(map(str, _REDIRECTS))}"),
    "retry_after": (
        _is_retry_after,
        f"0 to {_LONGEST_RETRY_AFTER} (seconds), a datetime with a time zone, or the text of an HTTP-date (RFC 9110)",
    ),
}


def _request_id(response: HttpResponse) -> str:
    try:
        return str(json.loads(response.body)["RequestId"])
    except (ValueError, KeyError, TypeError):
        return "00000000-0000-4000-8000-000000000000"


def _bad_gateway_html(due: Due) -> Plan:
    page = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
    answer = HttpResponse(502, (("Content-Type", "text/html"),), page)
    return answer_plan(answer, head_only=due.head_only)


# --- the answer that was due, in an unusual form ---


def _reshaped(change: Callable[[HttpResponse], HttpResponse]) -> Callable[[Due], Plan]:
    def make(due: Due) -> Plan:
        return answer_plan(change(due.response), head_only=due.head_only)

    return make


def _gzip(response: HttpResponse) -> HttpResponse:
    return altered(response, gzip_coding.compress(response.body, mtime=0), Content_Encoding="gzip")


def _latin1(response: HttpResponse) -> HttpResponse:
    body = _with_first_member(response.body, b'"Note":"caf\xe9"')
    return altered(response, body, Content_Type="application/json; charset=iso-8859-1")


def _duplicate_members(response: HttpResponse) -> HttpResponse:
    return altered(response, _with_first_member(response.body, b'"RequestId":"DUPLICATE"'))


def _with_first_member(body: bytes, member: bytes) -> bytes:
    before, brace, after = body.partition(b"{")
    return before + brace + member + (b"" if after.lstrip().startswith(b"}") else b",") + after


def _chunked_head(response: HttpResponse) -> bytes:
    chunked = altered(response, without=["Content-Length"], Transfer_Encoding="chunked")
    return _head(chunked.status, chunked.headers)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


_ROWS = (
    Fault("refuse", "the connection is refused", _no_connection, acted_on=False, place="listener"),
    Fault(
        "reset_before_reading",
        "the connection is reset before the request is read",
        _no_connection,
        acted_on=False,
        place="connection",
    ),
    Fault("reset_after_reading", "the connection is reset, nothing was done", _reset, acted_on=False),
    # The same on the wire, but not in the world: what the request asked for has been done.
    Fault("answer_lost_after_start", "what was asked is done, and the answer is lost", _reset),
    Fault("half_head", "the connection is closed within the head of the answer", _half_head),
    Fault("half_body", "the connection is closed within the body of the answer", _half_body),
    Fault("close_early", "the connection is closed without an answer", _close_early),
    Fault("length_too_long", "Content-Length is larger than the body", _length_too_long),
    Fault("length_too_short", "Content-Length is smaller than the body", _length_too_short),
    Fault("bad_chunk", "the second chunk has no size", _bad_chunk),
    Fault("garbage", "the answer is no HTTP", _garbage),
    Fault("slow_head", "a pause within the head", _slow_head),
    Fault("slow_body", "a pause within the body", _slow_body),
    Fault("byte_by_byte", "the answer comes in pieces of one byte", _byte_by_byte),
    Fault("endless_head", "header follows header, without end", _endless_head),
    Fault("endless_body", "chunk follows chunk, without end", _endless_body),
    # To act and then say nothing is the dangerous reading of silence, so it is the one taken.
    Fault("silence", "no answer ever comes", _silence),
    Fault("continue_100", "100 Continue comes before the answer", _continue_100),
    Fault("redirect_302", "302 to the same target", _redirect(302), acted_on=False),
    Fault("redirect_303", "303 to the same target", _redirect(303), acted_on=False),
    Fault("redirect_307", "307 to the same target", _redirect(307), acted_on=False),
    Fault("redirect_308", "308 to the same target", _redirect(308), acted_on=False),
    Fault("redirect_other_host", "307 to another host", _redirect_other_host, acted_on=False),
    Fault("throttled_429", "429, the request was not acted on", _throttled, acted_on=False),
    Fault("unavailable_503", "503, the request was not acted on", _unavailable, acted_on=False),
    # A gateway speaks for a service behind it, which may well have acted.
    Fault("bad_gateway_html", "502 with a page of HTML", _bad_gateway_html),
    Fault("gzip", "the answer is compressed, asked for or not", _reshaped(_gzip)),
    Fault(
        "wrong_content_type",
        "the answer calls itself HTML",
        _reshaped(lambda response: altered(response, Content_Type="text/html")),
    ),
    Fault(
        "no_content_type",
        "the answer names no media type",
        _reshaped(lambda response: altered(response, without=["Content-Type"])),
    ),
    Fault("duplicate_members", "a member of the answer stands twice", _reshaped(_duplicate_members)),
    Fault(
        "bom",
        "a byte order mark before the JSON",
        _reshaped(lambda response: altered(response, b"\xef\xbb\xbf" + response.body)),
    ),
    Fault("latin1", "the answer is Latin-1 and says so", _reshaped(_latin1)),
)

#: name → fault, in the order of the documentation.
FAULTS: Mapping[str, Fault] = {row.name: row for row in _ROWS}
