"""A right client with nothing hidden: every byte that it sends, and every step by which it reads, is a method.

Wrong clients are made of it by overriding one method each. It breaks no rule of any level, so that
whatever a wrong client is accused of comes from its one change.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from pytest_es_upgrade import Endpoint, UpgradeRequest

Document = dict[str, Any]

_STATUS_LINE = re.compile(r"HTTP/1\.[01] ([1-5][0-9]{2})(?: .*)?")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]+)[ \t]*(?:;.*)?")


class UpgradeError(Exception):
    """An error answer, or an answer that is no success of this operation."""

    def __init__(self, code: str, message: str, http_status: int | None = None, request_id: str | None = None) -> None:
        self.code, self.message, self.http_status, self.request_id = code, message, http_status, request_id
        super().__init__(f"{code}: {message} (HTTP {http_status}, RequestId {request_id})")


class BrokenAnswer(ConnectionError):
    """What came is no HTTP answer, or not all of one."""


class Answer(NamedTuple):
    """An answer as it was read: header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class PlainClient:
    """One attempt per call on a connection of its own; follows nothing, keeps nothing."""

    method = "POST"
    protocol = "HTTP/1.1"

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def __call__(self, asked: UpgradeRequest) -> Any:
        return self.told(self.answer(asked))

    # --- what is sent ---

    def request(self, asked: UpgradeRequest) -> bytes:
        body = self.body(asked)
        lines = [f"{self.method} {self.target(asked)} {self.protocol}"]
        lines += [f"{name}: {value}" for name, value in self.headers(asked, body)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.framed(body)

    def target(self, asked: UpgradeRequest) -> str:
        query = self.query(asked)
        return self.path(asked) + (f"?{query}" if query else "")

    def path(self, asked: UpgradeRequest) -> str:
        return f"/openapi/instances/{self.segment(asked.instance_id)}/actions/upgrade-version"

    def segment(self, instance_id: str) -> str:
        return segment(instance_id)

    def query(self, asked: UpgradeRequest) -> str:
        return urlencode(self.parameters(asked), quote_via=quote, safe="")

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        return list(parameters(asked).items())

    def body(self, asked: UpgradeRequest) -> bytes:
        return json.dumps(self.members(asked), allow_nan=False).encode()

    def members(self, asked: UpgradeRequest) -> Document:
        return members(asked)

    def headers(self, asked: UpgradeRequest, body: bytes) -> list[tuple[str, str]]:
        return [
            *self.host(),
            *self.media_type(),
            ("Accept", "application/json"),
            *self.length(body),
            ("Connection", "close"),
        ]

    def host(self) -> list[tuple[str, str]]:
        return [("Host", self.endpoint.netloc)]

    def media_type(self) -> list[tuple[str, str]]:
        return [("Content-Type", "application/json")]

    def length(self, body: bytes) -> list[tuple[str, str]]:
        return [("Content-Length", str(len(body)))]

    def framed(self, body: bytes) -> bytes:
        return body

    # --- how it travels ---

    def answer(self, asked: UpgradeRequest) -> Answer:
        return self.exchange((self.endpoint.host, self.endpoint.port), self.request(asked))

    def exchange(self, address: tuple[str, int], request: bytes) -> Answer:
        with self.connected(address) as connection:
            connection.sendall(request)
            return self.received(connection)

    def connected(self, address: tuple[str, int]) -> socket.socket:
        connection = socket.create_connection(address, self.endpoint.timeout)
        return connection if self.endpoint.scheme == "http" else self.secured(connection)

    def secured(self, connection: socket.socket) -> socket.socket:
        return self.tls().wrap_socket(connection, server_hostname=self.endpoint.host)

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.endpoint.ca_file)

    def received(self, connection: socket.socket, held: bytes = b"") -> Answer:
        """The answer on that connection, of which `held` was read already; the timeout is for all of it."""
        until = time.monotonic() + self.endpoint.timeout
        while True:
            answer = self.parse(held, ended=False) if held else None
            if answer is not None:
                return answer
            connection.settimeout(max(until - time.monotonic(), 0.001))
            data = connection.recv(65536)
            held += data
            if not data:
                return self.ended(held)

    def ended(self, held: bytes) -> Answer:
        answer = self.parse(held, ended=True)
        if answer is None:
            raise BrokenAnswer("the connection was closed")
        return answer

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        return parse_answer(held, ended=ended)

    # --- what the caller is told ---

    def told(self, answer: Answer) -> Any:
        if self.is_failure(answer):
            raise self.failure(answer)
        return self.document(answer)

    def is_failure(self, answer: Answer) -> bool:
        return not 200 <= answer.status < 300

    def document(self, answer: Answer) -> Any:
        return read_success(answer.status, answer.body)

    def failure(self, answer: Answer) -> BaseException:
        return read_failure(answer.status, answer.body)


# --- steps that all right clients share ------------------------------------------------------------


def url(asked: UpgradeRequest, endpoint: Endpoint) -> str:
    """The URL of a call, encoded, with its query."""
    plain = PlainClient(endpoint)
    return endpoint.url + plain.target(asked)


def segment(instance_id: str) -> str:
    """The id as one segment of a path. Dot segments are refused: many HTTP libraries take them out."""
    if instance_id in ("", ".", ".."):
        raise ValueError(f"no id of an instance: {instance_id!r}")
    return quote(instance_id, safe="")


def parameters(asked: UpgradeRequest) -> dict[str, str]:
    """What goes into the query, as text."""
    found = {}
    if asked.client_token is not None:
        if not isinstance(asked.client_token, str):
            raise TypeError(f"client_token is text, not {asked.client_token!r}")
        found["clientToken"] = asked.client_token
    if asked.dry_run is not None:
        if not isinstance(asked.dry_run, bool):
            raise TypeError(f"dry_run is True or False, not {asked.dry_run!r}")
        found["dryRun"] = "true" if asked.dry_run else "false"
    return found


def members(asked: UpgradeRequest) -> Document:
    """What goes into the body."""
    given = {"version": asked.version, "type": asked.type}
    return {name: value for name, value in given.items() if value is not None}


def checked(status: int, body: bytes) -> Document:
    """The documented success, or an exception: for every answer that was read whole."""
    if not 200 <= status < 300:
        raise read_failure(status, body)
    return read_success(status, body)


def read_success(status: int, body: bytes) -> Document:
    """The body of a 2xx as the documented document; raises where it is none."""
    try:
        document = json.loads(body.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as problem:
        raise UpgradeError("InvalidAnswer", f"the body is no JSON: {problem}", status) from problem
    if not _is_success(document):
        raise _refusal(status, document, "the body is not that of a success")
    return document  # type: ignore[no-any-return]  # a dict, as _is_success says


def read_failure(status: int, body: bytes) -> UpgradeError:
    """An error answer as an exception, whatever its body is."""
    try:
        document = json.loads(body.decode())
    except (ValueError, RecursionError):
        document = None
    return _refusal(status, document, f"the service answered {status}")


def _is_success(document: Any) -> bool:
    return (
        isinstance(document, dict)
        and isinstance(document.get("RequestId"), str)
        and isinstance(document.get("Result"), (list, dict))
    )


def _refusal(status: int, document: Any, message: str) -> UpgradeError:
    said = document if isinstance(document, dict) else {}
    code = said.get("Code")
    return UpgradeError(
        code if isinstance(code, str) else f"HTTP{status}",
        str(said.get("Message", message)),
        status,
        said.get("RequestId"),
    )


def _unique(pairs: list[tuple[str, Any]]) -> Document:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a member stands twice")
    return found


# --- HTTP answers ----------------------------------------------------------------------------------


def parse_answer(held: bytes, *, ended: bool, interim: range = range(100, 200)) -> Answer | None:
    """The answer in the bytes that came so far, or None if more must come. Raises `BrokenAnswer`.

    `ended` says that the connection was closed. Statuses in `interim` are passed over.
    """
    while True:
        head, empty_line, rest = held.partition(b"\r\n\r\n")
        if not empty_line:
            _insist_on_more(held, ended=ended)
            return None
        status, headers = _head(head)
        if status not in interim:
            break
        held = rest
    body = b"" if status in (204, 304) or status < 200 else _body(headers, rest, ended=ended)
    return None if body is None else Answer(status, headers, body)


def _insist_on_more(held: bytes, *, ended: bool) -> None:
    if ended or not b"HTTP/1.".startswith(held[:7]):
        raise BrokenAnswer(f"no whole answer came: {held[:80]!r}")


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    start, *lines = head.decode("latin-1").split("\r\n")
    found = _STATUS_LINE.fullmatch(start)
    if found is None:
        raise BrokenAnswer(f"no status line: {start[:80]!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        key, text = name.lower(), value.strip(" \t")
        if not colon or (key == "content-length" and headers.get(key, text) != text):
            raise BrokenAnswer(f"no header: {line[:80]!r}")
        headers[key] = text
    return int(found[1]), headers


def _body(headers: Mapping[str, str], rest: bytes, *, ended: bool) -> bytes | None:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = _dechunked(rest)
    elif "content-length" in headers:
        length = int(headers["content-length"])
        body = rest[:length] if len(rest) >= length else None
    else:
        body = rest if ended else None
    if body is None and ended:
        raise BrokenAnswer(f"the body ended early: {len(rest)} bytes came")
    return body


def _dechunked(rest: bytes) -> bytes | None:
    body = b""
    while True:
        line, end, after = rest.partition(b"\r\n")
        if not end:
            return None
        size = _CHUNK_SIZE.fullmatch(line)
        if size is None:
            raise BrokenAnswer(f"no size of a chunk: {line[:80]!r}")
        length = int(size[1], 16)
        if length == 0:
            return body if after.startswith(b"\r\n") or b"\r\n\r\n" in after else None
        if len(after) < length + 2:
            return None
        body, rest = body + after[:length], after[length + 2 :]
