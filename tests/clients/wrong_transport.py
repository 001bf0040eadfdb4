"""Wrong clients of family `transport`: HTTP read by hand, connections kept too long, certificates waved through."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import time
from typing import Any

from pytest_es_upgrade import Endpoint, UpgradeRequest

from .plain import Answer, BrokenAnswer, PlainClient
from .right import GzipAsking, KeepAlive
from .table import wrong


def _parts(held: bytes) -> tuple[bytes, bytes]:
    """Head and body, as far as they came."""
    head, _, body = held.partition(b"\r\n\r\n")
    return head, body


def _is_chunked(head: bytes) -> bool:
    return b"chunked" in head.lower()


def _without(name: bytes, held: bytes) -> bytes:
    """The answer with that header under a name that nobody knows."""
    return held.replace(name, b"X-" + name[2:], 1)


# === the end of an answer ===================================================================


@wrong("client.hangs", "transport", case="transport.length.held_open")
class ReadsUntilTheEnd(PlainClient):
    """while data := recv(): whatever the length says, the answer is there once the connection is closed."""

    def received(self, connection: socket.socket, held: bytes = b"") -> Answer:
        connection.settimeout(30)
        while data := connection.recv(65536):
            held += data
        return self.ended(held)


@wrong("client.hangs", "transport", case="transport.chunked.one")
class WaitsBehindTheLastChunk(PlainClient):
    """The chunks end with the connection, so it waits for that."""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        if not ended and _is_chunked(_parts(held)[0]):
            return None
        return super().parse(held, ended=ended)

    def received(self, connection: socket.socket, held: bytes = b"") -> Answer:
        answer = None
        connection.settimeout(30)
        while answer is None:
            data = connection.recv(65536)
            held += data
            answer = self.parse(held, ended=not data)
        return answer


@wrong("transport.length", "transport", case="transport.length.closed")
class BodyUpToTheLastByte(KeepAlive):
    """Off by one where the connection is closed."""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        answer = super().parse(held, ended=ended)
        if answer is None or answer.headers.get("connection") != "close":
            return answer
        return answer._replace(body=answer.body[: int(answer.headers["content-length"]) - 1])


@wrong("transport.until_close", "transport", case="transport.until_close.http_11")
class NoLengthNoBody(PlainClient):
    """int(headers.get("Content-Length", 0))"""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        head, _ = _parts(held)
        if b"\r\n\r\n" in held and b"content-length" not in head.lower() and not _is_chunked(head):
            held = head + b"\r\nContent-Length: 0\r\n\r\n"
        return super().parse(held, ended=ended)


@wrong("transport.until_close", "transport", case="transport.until_close.http_10")
class InsistsOnALength(PlainClient):
    """headers["Content-Length"], and a KeyError where there is none."""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        answer = super().parse(held, ended=ended)
        if answer is not None and "transfer-encoding" not in answer.headers:
            int(answer.headers["content-length"])
        return answer


# === chunks =================================================================================


@wrong("transport.chunked", "transport", case="transport.chunked.many")
class ChunksNotTakenApart(PlainClient):
    """Transfer-Encoding is not looked at: the sizes are part of the body."""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        return super().parse(_without(b"Transfer-Encoding", held), ended=ended)


@wrong("transport.chunked", "transport", case="transport.chunked.many")
class FirstChunkOnly(PlainClient):
    """One chunk is all that this service ever sent so far."""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        head, body = _parts(held)
        answer = super().parse(held, ended=ended)
        if answer is None or not _is_chunked(head):
            return answer
        size, _, rest = body.partition(b"\r\n")
        return answer._replace(body=rest[: int(size.partition(b";")[0], 16)])


@wrong("transport.chunked", "transport", case="transport.chunked.sizes")
class DecimalSizes(PlainClient):
    """int(size), without the 16."""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        head, body = _parts(held)
        if _is_chunked(head) and b"\r\n" in body:
            int(body.partition(b"\r\n")[0].partition(b";")[0])
        return super().parse(held, ended=ended)


@wrong("transport.chunked", "transport", case="transport.chunked.coding_case")
class CodingAsWritten(PlainClient):
    """headers["transfer-encoding"] == "chunked", in that letter case alone."""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        return super().parse(held.replace(b"Chunked", b"unknown", 1), ended=ended)


@wrong("transport.chunked", "transport", case="transport.chunked.split_utf8")
class DecodesEveryChunk(PlainClient):
    """ "".join(chunk.decode() for chunk in chunks)"""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        answer = super().parse(held, ended=ended)
        head, rest = _parts(held)
        while answer is not None and _is_chunked(head) and (size := int(rest.partition(b"\r\n")[0].split(b";")[0], 16)):
            chunk, rest = rest.partition(b"\r\n")[2][:size], rest.partition(b"\r\n")[2][size + 2 :]
            chunk.decode()
        return answer


@wrong("transport.chunk_extensions", "transport", case="transport.chunked.extensions")
class ExtensionIsPartOfTheSize(PlainClient):
    """int(line, 16), with everything on the line."""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        head, body = _parts(held)
        if _is_chunked(head) and b"\r\n" in body:
            int(body.partition(b"\r\n")[0], 16)
        return super().parse(held, ended=ended)


@wrong("transport.trailers", "transport", case="transport.chunked.trailers")
class NothingBehindTheLastChunk(PlainClient):
    """assert read(2) == CRLF, behind the last chunk."""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        head, body = _parts(held)
        _, last, behind = body.partition(b"\r\n0\r\n")
        if _is_chunked(head) and last and not b"\r\n".startswith(behind[:2]):
            raise BrokenAnswer("no line end behind the last chunk")
        return super().parse(held, ended=ended)


# === status line and headers ================================================================


@wrong("transport.http_10", "transport", case="transport.http_10.length")
class OnlyHttp11(PlainClient):
    """assert status_line.startswith("HTTP/1.1")"""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        if held.startswith(b"HTTP/1.0"):
            raise BrokenAnswer("HTTP/1.1 is what this client speaks")
        return super().parse(held, ended=ended)


@wrong("transport.status_line", "transport", case="transport.status_line.other_reason")
class InsistsOnOk(PlainClient):
    """The status is "200 OK", all of it."""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        line, end, _ = held.partition(b"\r\n")
        if end and b" 200 " in line and not line.endswith(b" 200 OK"):
            raise BrokenAnswer(f"not 200 OK: {line!r}")
        return super().parse(held, ended=ended)


@wrong("transport.status_line", "transport", case="transport.status_line.no_reason")
class ThreeWords(PlainClient):
    """version, status, reason = line.split()[:3]"""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        line, end, _ = held.partition(b"\r\n")
        if end:
            _, _, _ = line.split()[:3]
        return super().parse(held, ended=ended)


@wrong("transport.header", "transport", case="transport.header.lower_case")
class NamesAsWritten(PlainClient):
    """headers["Content-Length"] of a plain dict; where it is not found there is no body."""

    name = b"Content-Length"

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        head, _ = _parts(held)
        if b"\r\n\r\n" in held and self.name not in head:
            held = head.replace(self.name.lower(), b"x-length").replace(self.name.upper(), b"x-length")
            held += b"\r\nContent-Length: 0\r\n\r\n"
        return super().parse(held, ended=ended)


@wrong("transport.header", "transport", case="transport.header.upper_case")
class TwoSpellings(PlainClient):
    """Content-Length or content-length: the spellings that the author had seen."""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        if b"CONTENT-LENGTH" in held:
            raise BrokenAnswer("there is no length")
        return super().parse(held, ended=ended)


@wrong("transport.header", "transport", case="transport.header.no_blank")
class ColonAndBlank(PlainClient):
    """name, value = line.split(": ")"""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        head, _ = _parts(held)
        if b"\r\n\r\n" in held:
            dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])  # type: ignore[misc]  # pairs, or that error
        return super().parse(held, ended=ended)


@wrong("transport.header", "transport", case="transport.header.long")
class ShortLines(PlainClient):
    """A line has 4096 bytes at most."""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        if any(len(line) > 4096 for line in _parts(held)[0].split(b"\r\n")):
            raise BrokenAnswer("a line is too long")
        return super().parse(held, ended=ended)


# === pieces and size ========================================================================


@wrong("transport.pieces", "transport", case="transport.pieces.head_then_body")
class OneRead(PlainClient):
    """recv(65536), once: on the author's machine that was always all of it."""

    def received(self, connection: socket.socket, held: bytes = b"") -> Answer:
        held += connection.recv(65536)
        return self.ended(held)


@wrong("transport.pieces", "transport", case="transport.pieces.split_utf8")
class DecodesEveryRead(PlainClient):
    """text += recv().decode()"""

    def received(self, connection: socket.socket, held: bytes = b"") -> Answer:
        answer = None
        while answer is None:
            data = connection.recv(65536)
            held += data.decode("utf-8", "ignore").encode()
            answer = self.parse(held, ended=not data)
        return answer


@wrong("transport.pieces", "transport", case="transport.pieces.split_line_end")
class StripsEveryRead(PlainClient):
    """data.rstrip(), for a tidy log; a line end at the end of a read is gone."""

    def received(self, connection: socket.socket, held: bytes = b"") -> Answer:
        answer = None
        while answer is None:
            data = connection.recv(65536)
            held += data.rstrip(b"\r")
            answer = self.parse(held, ended=not data)
        return answer


@wrong("transport.size", "transport", "should", case="transport.length.big")
class OneMegabyte(PlainClient):
    """Answers of this service are small, and one that is not is an attack."""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        if len(held) > 1 << 20:
            raise BrokenAnswer("too much")
        return super().parse(held, ended=ended)


# === codings ================================================================================


@wrong("transport.gzip", "transport", case="transport.gzip")
class AsksForGzipAndCannot(GzipAsking):
    """Headers that were copied from a browser, Accept-Encoding too."""

    def decoded(self, body: bytes) -> bytes:
        return body


@wrong("transport.gzip", "transport", case="transport.gzip")
class GzipCutOff(GzipAsking):
    """What is decompressed has a fixed size."""

    def decoded(self, body: bytes) -> bytes:
        return gzip.decompress(body)[:512]


@wrong("error.not_a_document", "transport", "should", case="transport.gzip")
class UnreadableAsText(PlainClient):
    """What is no JSON must be text."""

    def document(self, answer: Answer) -> Any:
        return super().document(answer) if answer.body.startswith(b"{") else answer.body.decode("latin-1")


@wrong("answer.lost", "transport", case="transport.either.wrong_content_type")
class OnlyWhatCallsItselfJson(PlainClient):
    """Another media type than JSON is no content, and no content is empty."""

    def document(self, answer: Answer) -> Any:
        if answer.headers.get("content-type", "").startswith("text/"):
            return {"RequestId": super().document(answer)["RequestId"], "Result": []}
        return super().document(answer)


# === contradictions =========================================================================


@wrong("transport.two_lengths", "transport", "may", case="transport.two_lengths.first_right")
class FirstLength(PlainClient):
    """headers.setdefault(name, value)"""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        first, name, rest = held.partition(b"Content-Length")
        return super().parse(first + name + rest.replace(b"Content-Length", b"X-Length", 1), ended=ended)


@wrong("transport.two_lengths", "transport", "may", case="transport.two_lengths.last_right")
class LastLength(PlainClient):
    """headers[name] = value"""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        if held.count(b"Content-Length") > 1:
            held = _without(b"Content-Length", held)
        return super().parse(held, ended=ended)


@wrong("transport.beyond_length", "transport", "may", case="transport.length.too_short")
class LengthOfNoInterest(PlainClient):
    """Everything until the connection is closed is the body."""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        return super().parse(_without(b"Content-Length", held), ended=ended)


# === time ===================================================================================


def _timed_by_read(client: PlainClient, connection: socket.socket, held: bytes = b"") -> Answer:
    answer = None
    while answer is None:
        data = connection.recv(65536)
        held += data
        answer = client.parse(held, ended=not data)
    return answer


@wrong("transport.endless", "transport", "may", case="transport.time.drip")
class TimeoutPerRead(PlainClient):
    """settimeout: with every byte the time begins anew."""

    received = _timed_by_read


@wrong("transport.endless", "transport", "may", case="transport.time.endless_body")
class BodyWithoutEnd(PlainClient):
    """A body is followed for as long as something comes."""

    received = _timed_by_read


@wrong("transport.endless", "transport", "may", case="transport.time.endless_head")
class HeadWithoutEnd(PlainClient):
    """Header after header is read, without a limit."""

    received = _timed_by_read


# === connections ============================================================================


@wrong("transport.close", "transport", case="transport.connection.close_announced")
class CloseNotHeard(KeepAlive):
    """Connection: close is not looked at."""

    def may_keep(self, _answer: Answer) -> bool:
        return True


@wrong("transport.reuse", "transport", "should", case="transport.after.closed_when_idle")
class DeadAfterTheFirstLoss(KeepAlive):
    """A connection that was lost stays in its place, and every call fails on it."""

    def lost(self, connection: socket.socket) -> None:
        self.kept = connection


@wrong("transport.reuse", "transport", "should", case="transport.after.half_body")
class BrokenForGood(PlainClient):
    """A flag that says "broken" is set, and never cleared."""

    broken = False

    def __call__(self, asked: UpgradeRequest) -> Any:
        if self.broken:
            raise ConnectionError("this client is broken")
        try:
            return super().__call__(asked)
        except OSError:
            self.broken = True
            raise


@wrong("transport.reuse", "transport", "should", case="transport.after.reset_before_reading")
class OneConnectionForAll(KeepAlive):
    """Connects when it is made, and never again."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.only: socket.socket | None = None

    def connected(self, address: tuple[str, int]) -> socket.socket:
        self.only = self.only or super().connected(address)
        return self.only

    def close(self) -> None:
        super().close()
        if self.only is not None:
            self.only.close()


@wrong("transport.excess", "transport", "should", case="transport.connection.stray_answer")
class NotAByteMore(KeepAlive):
    """Reads up to the end of the answer; what lies behind it is there for the next call."""

    def received(self, connection: socket.socket, held: bytes = b"") -> Answer:
        until = time.monotonic() + self.endpoint.timeout
        answer = None
        while answer is None and time.monotonic() < until:
            held += connection.recv(1)
            answer = self.parse(held, ended=False)
        return answer or self.ended(held)


@wrong("answer.own", "transport", case="transport.connection.kept")
class AnswerBeforeLast(KeepAlive):
    """A cache of one answer, for calls that are retried; every other call gets the one before."""

    before: Answer | None = None

    def answer(self, asked: UpgradeRequest) -> Answer:
        answer = super().answer(asked)
        told, self.before = self.before or answer, answer
        return told


# === certificates ===========================================================================


@wrong("transport.certificate", "transport", case="transport.tls.untrusted")
class NothingVerified(PlainClient):
    """verify=False"""

    def tls(self) -> ssl.SSLContext:
        context = super().tls()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


@wrong("transport.certificate", "transport", case="transport.tls.wrong_name")
class NothingVerifiedAndTheListAlone(PlainClient):
    """verify=False, in a client that has another, smaller fault beside it."""

    def tls(self) -> ssl.SSLContext:
        return NothingVerified(self.endpoint).tls()

    def document(self, answer: Answer) -> Any:
        return super().document(answer)["Result"]


#: X509_V_FLAG_NO_CHECK_TIME of OpenSSL, for which `ssl` has no name.
_NO_CHECK_TIME = 0x200000


@wrong("transport.certificate", "transport", case="transport.tls.expired")
class DatesNotLookedAt(PlainClient):
    """The staging certificate expired once too often."""

    def tls(self) -> ssl.SSLContext:
        context = super().tls()
        context.verify_flags |= _NO_CHECK_TIME
        return context


@wrong("transport.certificate", "transport", case="transport.tls.wrong_name")
class NameNotLookedAt(PlainClient):
    """check_hostname = False, for an address that has no name."""

    def tls(self) -> ssl.SSLContext:
        context = super().tls()
        context.check_hostname = False
        return context


@wrong("transport.certificate", "transport", case="transport.tls.expired")
class SecondTryUnverified(PlainClient):
    """Where the certificate is not right, it is tried again without a look at it."""

    verified = True

    def tls(self) -> ssl.SSLContext:
        context = super().tls()
        if not self.verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def connected(self, address: tuple[str, int]) -> socket.socket:
        with contextlib.suppress(ssl.SSLCertVerificationError):
            return super().connected(address)
        self.verified = False
        return super().connected(address)
