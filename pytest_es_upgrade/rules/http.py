"""What RFC 9112 asks of a request, judged on the bytes as they came where there are any."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httptools

from ..contract import Contract
from ..messages import Headers, HttpRequest, Violation, first_header, header_values
from .recent import remembered
from .text import shown

# RFC 3986 section 3.3 and 3.4, and what WHATWG URLs leave raw beside that: clients in the wild send
# such characters, and servers take them. A '#', a blank or a control character ends or splits a target.
_RAW = r"[!$&-;=?-Z_a-z~\[\]\\^`{|}\"<>]*"
_TARGET = re.compile(rf"{_RAW}(?:%[0-9A-Fa-f]{{2}}{_RAW})*")
_HOST_HEADER = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::[0-9]*)?")

_VERSION = re.compile(rb" HTTP/[0-9]\.[0-9]")


def http_violations(contract: Contract, request: HttpRequest, *, parsed: bool = False) -> Iterator[Violation]:
    """The rules `request.http.*` that a request breaks by itself; `parsed`: its bytes are known to be one message."""
    if request.raw:
        yield from _framing(contract, request.raw, parsed=parsed)
    yield from _target(contract, request)
    # with raw bytes at hand the parser has judged the length already
    yield from _head(request, contract, request.headers, None if request.raw else request.body)


def _framing(contract: Contract, raw: bytes, *, parsed: bool) -> Iterator[Violation]:
    line = raw.lstrip(b"\r\n").partition(b"\n")[0].rstrip(b"\r")
    if not _VERSION.fullmatch(line[-9:]):
        # the parser takes it for HTTP/0.9; a line end within a target makes such a line
        yield contract.violation("request.http.syntax", "request", shown(line), "a request line that ends in HTTP/1.1")
        return
    if not parsed:
        yield from _parsing(contract, raw)


def _parsing(contract: Contract, raw: bytes) -> Iterator[Violation]:
    reader = _Reader()
    parser = httptools.HttpRequestParser(reader)
    try:
        parser.feed_data(raw)
    except httptools.HttpParserUpgrade:
        return  # an Upgrade header: the message itself was read to its end
    except httptools.HttpParserError as error:
        yield contract.violation("request.http.syntax", "request", f"{shown(raw)}: {error}", "an HTTP/1.1 request")
        return
    if not reader.complete:
        yield contract.violation(
            "request.http.length", "request", f"{len(raw)} bytes, and then no more", "the whole message"
        )


class _Reader:
    """Notes that a message came to its end."""

    complete = False

    def on_message_complete(self) -> None:
        self.complete = True


@remembered
def _head(contract: Contract, headers: Headers, body: bytes | None) -> tuple[Violation, ...]:
    """What the headers break by themselves, and held against a body where there is one."""
    by_hand = not headers and body is not None  # a request made to look at its target and body alone
    return (*_length(contract, headers, body), *(() if by_hand else _host(contract, headers)))


def _length(contract: Contract, headers: Headers, body: bytes | None) -> Iterator[Violation]:
    announced = header_values(headers, "Content-Length")
    chunked = "chunked" in (first_header(headers, "Transfer-Encoding") or "").lower()
    where = "header.Content-Length"
    if len(set(announced)) > 1 or (announced and chunked):
        got = " and ".join(map(shown, [*announced, *(["chunked"] if chunked else [])]))
        yield contract.violation("request.http.length", where, got, "one way of telling the length")
    elif announced and body is not None and announced[0].strip() != str(len(body)):
        yield contract.violation("request.http.length", where, shown(announced[0]), f"{len(body)}")


def _target(contract: Contract, request: HttpRequest) -> Iterator[Violation]:
    target = request.target
    if not _TARGET.fullmatch(target):
        at = _TARGET.match(target).end()  # type: ignore[union-attr]  # the pattern matches the empty text
        expected = "a target without blanks, control characters, '#' or a bare '%'"
        got = f"{shown(target)} with {shown(target[at : at + 3])} at {at}"
        yield contract.violation("request.http.syntax", "path", got, expected)
    if not target.startswith("/"):
        form = "request.http.target_form" if "://" in target.partition("?")[0] else "request.http.syntax"
        yield contract.violation(form, "path", shown(target), "a target that begins with /")


def _host(contract: Contract, headers: Headers) -> Iterator[Violation]:
    hosts = header_values(headers, "Host")
    if len(hosts) != 1:
        yield contract.violation("request.http.host", "header.Host", shown(hosts), "one Host header")
    elif not _HOST_HEADER.fullmatch(hosts[0].strip()):
        yield contract.violation("request.http.host", "header.Host", shown(hosts[0]), "host or host:port")
