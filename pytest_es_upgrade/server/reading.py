"""From bytes to requests, each with the exact bytes it came as. No socket, no clock, no service.

Theory of operation: one parser is fed with whatever arrives. In the usual case one message ends with
the last byte that arrived, and its bytes are all that is held. Where more had come (a pipelining
client, a Content-Length that is too short), the end of the first message is looked for: it is the
shortest prefix that a fresh parser calls complete. What follows waits for its turn.
"""

from __future__ import annotations

import contextlib
import re
from bisect import bisect_left

import httptools

from ..messages import Headers, HttpRequest

_START_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (.*?)(?: HTTP/[0-9.]*)?", re.DOTALL)
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(r"\r?\n")
_UPGRADE = re.compile(rb"^upgrade(?=[ \t]*:)", re.IGNORECASE | re.MULTILINE)


class Unparsable(Exception):
    """What arrived is no HTTP; `request` holds what could be read of it, and all its bytes as `raw`."""

    def __init__(self, request: HttpRequest, problem: str) -> None:
        self.request = request
        super().__init__(problem)


class RequestReader:
    """Takes bytes, gives requests one at a time. After `Unparsable` it is of no more use."""

    def __init__(self) -> None:
        #: Whether the request that was given last leaves the connection open (Connection, HTTP/1.0).
        self.keep_alive = True
        self._given = False
        #: What the parser has seen of the request that is being read, and what it has not seen yet.
        self._held, self._unread = bytearray(), b""
        self._start(b"")

    @property
    def begun(self) -> bool:
        """Whether some of a request has arrived, and not all of it; line ends before one do not count."""
        return bool(self._held.strip(b"\r\n"))

    def hold(self, data: bytes) -> None:
        """Keep bytes for later: an earlier request is still being answered."""
        self._unread += data

    def receive(self, data: bytes) -> HttpRequest | None:
        """The first request that these bytes complete, or None if more must come.

        Further requests may be held already: ask again with `b""`. Raises `Unparsable`.
        """
        if self._unread:
            data, self._unread = self._unread + data, b""
        if not data:
            return None
        self._held += data
        problem = self._feed(data)
        if self._message.complete:
            return self._taken()
        if problem:
            raise Unparsable(self.taken_so_far(), problem)
        return None

    def asked_to_continue(self) -> bool:
        """Whether the client waits for 100 Continue (RFC 9110 section 10.1.1); True only once per request."""
        asked, self._message.expects_continue = self._message.expects_continue, False
        return asked and not self._message.body

    def taken_so_far(self) -> HttpRequest:
        """What has arrived of a request that is not complete, as far as it can be read."""
        return as_far_as_read(bytes(self._held), b"".join(self._message.body))

    def rest(self) -> HttpRequest | None:
        """What is left where nothing more will come, or None. Line ends after a request are no request."""
        return self.taken_so_far() if self.begun or (self._held and not self._given) else None

    def _start(self, unread: bytes) -> None:
        self._held.clear()
        self._unread = unread
        self._upgrade = False
        self._message: _Message = _Message()
        self._parser = httptools.HttpRequestParser(self._message)

    def _feed(self, data: bytes) -> str | None:
        """Feed the parser; returns what is wrong, if anything."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return None if self._parser.get_method() == b"CONNECT" else self._feed_without_upgrade()
        except httptools.HttpParserError as error:
            return str(error)
        return None

    def _feed_without_upgrade(self) -> str | None:
        # The parser ends a message that offers an upgrade (`Upgrade: h2c`, as Java's HttpClient sends
        # with every first request) at its head, and leaves the body to the protocol upgraded to. This
        # server upgrades to nothing: it reads the same bytes with that header under another name.
        self._upgrade = True
        self._message = _Message()
        self._parser = httptools.HttpRequestParser(self._message)
        return self._feed(_without_upgrade(bytes(self._held)))

    def _taken(self) -> HttpRequest:
        held, message = bytes(self._held), self._message
        raw = held[: self._length(held, message)]
        # An Upgrade header went to the parser under another name: the headers are read anew.
        headers = as_far_as_read(raw, b"").headers if self._upgrade else tuple(message.headers)
        target = b"".join(message.url).decode("latin-1")
        body = message.body[0] if len(message.body) == 1 else b"".join(message.body)
        # Not asked of the parser: it may have seen the start of the next request already.
        start_line = raw.lstrip(b"\r\n").partition(b"\r\n")[0].decode("latin-1")
        method = start_line.partition(" ")[0]
        self.keep_alive = _stays_open(start_line, message.connection)
        self._given = True
        self._start(held[len(raw) :])
        return HttpRequest(method, target, headers, body, raw)

    def _length(self, held: bytes, message: _Message) -> int:
        body_at = held.find(b"\r\n\r\n") + 4
        if not message.chunked and body_at + sum(map(len, message.body)) == len(held):
            return len(held)  # nearly always, and without parsing twice
        if not self._completes(held, len(held) - 1):
            return len(held)
        return bisect_left(range(len(held)), 1, key=lambda length: self._completes(held, length))

    def _completes(self, held: bytes, length: int) -> bool:
        message = _Message()
        # The error is of what follows the first message; CONNECT is an upgrade, and whole by then.
        with contextlib.suppress(httptools.HttpParserError, httptools.HttpParserUpgrade):
            seen = _without_upgrade(held) if self._upgrade else held
            httptools.HttpRequestParser(message).feed_data(memoryview(seen)[:length])
        return message.complete


class _Message:
    """What the parser tells of the first message; the start of a second one stops it."""

    __slots__ = ("body", "chunked", "complete", "connection", "expects_continue", "headers", "in_head", "url")

    def __init__(self) -> None:
        self.url: list[bytes] = []
        self.headers: list[tuple[str, str]] = []
        self.body: list[bytes] = []
        self.complete = self.chunked = self.expects_continue = False
        self.in_head = True
        self.connection = ""

    def on_message_begin(self) -> None:
        if self.complete:
            raise _SecondMessage

    def on_url(self, url: bytes) -> None:
        self.url.append(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_head:  # trailers are left in the raw bytes
            self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        self.in_head = False
        fields = {name.lower(): value.lower() for name, value in self.headers}
        self.expects_continue = fields.get("expect") == "100-continue"
        self.chunked = "transfer-encoding" in fields
        self.connection = fields.get("connection", "")

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        self.complete = True


class _SecondMessage(Exception):
    """Raised within the parser, which wraps it into an HttpParserError."""


def as_far_as_read(raw: bytes, body: bytes) -> HttpRequest:
    """A request made of bytes that are no HTTP, or not all of it: what looks like its parts is taken for them."""
    head = _EMPTY_LINE.split(raw.lstrip(b"\r\n"), maxsplit=1)[0].decode("latin-1")
    start, *lines = _LINE_END.split(head)
    match = _START_LINE.fullmatch(start)
    method, target = match.groups() if match else ("", "")
    return HttpRequest(method, target, _headers(lines), body, raw)


def _stays_open(start_line: str, connection: str) -> bool:
    words = [word.strip() for word in connection.split(",")]
    if start_line.endswith("HTTP/1.0"):
        return "keep-alive" in words
    return "close" not in words and not start_line.startswith("CONNECT ")


def _headers(lines: list[str]) -> Headers:
    pairs = (line.partition(":") for line in lines if ":" in line)
    return tuple((name, value.strip(" \t")) for name, _, value in pairs)


def _without_upgrade(data: bytes) -> bytes:
    """The same bytes, with any Upgrade header in the head under a name of the same length."""
    head, empty_line, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"Xpgrade", head) + empty_line + rest
