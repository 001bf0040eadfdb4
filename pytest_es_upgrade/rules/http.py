"""What RFC 9112 asks of a request, judged on the bytes as they came where there are any."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httptools

from ..contract import Contract
from ..messages import HttpRequest, Violation, header_values
from .text import shown

# RFC 3986 section 3.3 and 3.4, and what WHATWG URLs leave raw beside that: clients in the wild send
# such characters, and servers take them. A '#', a blank or a control character ends or splits a target.
_TARGET = re.compile(r"(?:[!$&-;=?-Z_a-z~\[\]\\^`{|}\"<>]|%[0-9A-Fa-f]{2})*")
_HOST_HEADER = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::[0-9]*)?")


def http_violations(contract: Contract, request: HttpRequest) -> Iterator[Violation]:
    """The rules `request.http.*` that a request breaks by itself."""
    if request.raw:
        yield from _framing(contract, request.raw)
    yield from _length(contract, request)
    yield from _target(contract, request)
    yield from _host(contract, request)


def _framing(contract: Contract, raw: bytes) -> Iterator[Violation]:
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


def _length(contract: Contract, request: HttpRequest) -> Iterator[Violation]:
    announced = header_values(request.headers, "Content-Length")
    chunked = "chunked" in (request.header("Transfer-Encoding") or "").lower()
    where = "header.Content-Length"
    if len(set(announced)) > 1 or (announced and chunked):
        got = " and ".join(map(shown, [*announced, *(["chunked"] if chunked else [])]))
        yield contract.violation("request.http.length", where, got, "one way of telling the length")
    # with raw bytes at hand the parser has judged it already
    elif announced and not request.raw and announced[0].strip() != str(len(request.body)):
        yield contract.violation("request.http.length", where, shown(announced[0]), f"{len(request.body)}")


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


def _host(contract: Contract, request: HttpRequest) -> Iterator[Violation]:
    hosts = header_values(request.headers, "Host")
    if not request.headers and not request.raw:
        return  # a request made by hand to look at its target and body alone
    if len(hosts) != 1:
        yield contract.violation("request.http.host", "header.Host", shown(hosts), "one Host header")
    elif not _HOST_HEADER.fullmatch(hosts[0].strip()):
        yield contract.violation("request.http.host", "header.Host", shown(hosts[0]), "host or host:port")
