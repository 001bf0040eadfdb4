"""Messages as they are shown: as text, with the places that a rule was broken at, long ones cut.

Two rules of this module: what is shown contains nothing that a browser or a terminal would act on, for
control and direction characters are written as escapes; and nothing here fails on anything a client sent.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple
from unicodedata import category
from urllib.parse import unquote_plus

from ..results import Json

Span = tuple[int, int]

#: Characters of a message that are shown from its beginning, and around what is marked.
_BEGINNING, _BEFORE, _AFTER = 1200, 120, 400
#: Characters of a short value, such as a header in a sentence.
SHORT = 300

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
_PLAIN = re.compile(r"[\n\t\x20-\x7e]*")
_DECODER = json.JSONDecoder()


class Piece(NamedTuple):
    """A piece of a message; `left_out` is how many characters are not shown in its place."""

    text: str
    marked: bool = False
    left_out: int = 0


class Message(NamedTuple):
    """A message in pieces, its size in bytes where not all of it is there, and whether anything is marked."""

    pieces: tuple[Piece, ...]
    size: int | None
    marked: bool


def visible(text: str) -> str:
    """The text with what cannot be seen, or changes the direction of reading, as escapes; lines and tabs stay."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(_escape(sign) if category(sign) in _UNSEEN and sign not in "\n\t" else sign for sign in text)


def _escape(sign: str) -> str:
    code = ord(sign)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def plain(value: Any) -> str:
    """The text of a value of a report, which is an object where it was cut or is no text."""
    if not isinstance(value, dict):
        return str(value)
    if "text" in value:
        return str(value["text"])
    try:
        return base64.b64decode(str(value.get("base64", ""))).decode("utf-8", "backslashreplace")
    except ValueError:  # of a report that was changed by hand
        return str(value)


def size_of(value: Any) -> int | None:
    """How long the value really is, where the report has a part of it."""
    size = value.get("size") if isinstance(value, dict) else None
    return size if isinstance(size, int) else None


def short(text: str, most: int = SHORT) -> str:
    """The text on its way into a line: visible, its ends of lines too, and cut with its size."""
    shown = visible(text[:most]).replace("\n", "\\n").replace("\t", "\\t")
    return f"{shown}… ({len(text):,} characters)" if len(text) > most else shown


# --- messages as text -----------------------------------------------------------------------------


def request_text(request: Json) -> str:
    """A request as it stood on the wire; put together where there was no wire."""
    raw = plain(request["raw"])
    if not raw:
        head = [f"{request['method']} {plain(request['target'])} HTTP/1.1", *_header_lines(request["headers"])]
        raw = "\n".join([*head, "", plain(request["body"])])
    return raw.replace("\r\n", "\n")


def answer_text(answer: Json) -> str:
    """An answer as it was meant."""
    status = f"HTTP/1.1 {answer['status']} {_REASONS.get(answer['status'], '')}".rstrip()
    return "\n".join([status, *_header_lines(answer["headers"]), "", plain(answer["body"]).replace("\r\n", "\n")])


def _header_lines(headers: Iterable[Sequence[Any]]) -> Iterator[str]:
    yield from (f"{name}: {plain(value)}" for name, value in headers)


def status_words(status: int) -> str:
    """Number and name of a status."""
    return f"{status} {_REASONS.get(status, '')}".rstrip()


def in_pieces(text: str, spans: Iterable[Span], size: int | None = None) -> Message:
    """The text cut into what is shown: its beginning, and what is around each mark."""
    spans = sorted(spans)
    shown = _joined([(0, _BEGINNING), *((start - _BEFORE, min(end, start + _AFTER) + _BEFORE) for start, end in spans)])
    pieces: list[Piece] = []
    done = 0
    for start, end in ((max(start, 0), min(end, len(text))) for start, end in shown):
        if start > done:
            pieces.append(Piece("", left_out=start - done))
        pieces += _marked(text, start, end, spans)
        done = max(done, end)
    if done < len(text):
        pieces.append(Piece("", left_out=len(text) - done))
    return Message(tuple(pieces), size, any(piece.marked for piece in pieces))


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Without overlaps, in order."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _marked(text: str, start: int, end: int, spans: Iterable[Span]) -> Iterator[Piece]:
    """The stretch from `start` to `end`, cut where a mark begins or ends."""
    at = start
    for begin, stop in ((max(begin, start), min(stop, end)) for begin, stop in _joined(spans)):
        if begin < stop:
            if at < begin:
                yield Piece(visible(text[at:begin]))
            yield Piece(visible(text[begin:stop]), marked=True)
            at = stop
    if at < end:
        yield Piece(visible(text[at:end]))


# --- where a rule was broken ----------------------------------------------------------------------


def request_spans(text: str, where: str) -> list[Span]:
    """The places of a request that `where` names; empty where it has none."""
    place, _, name = where.partition(".")
    line_end = text.find("\n") if "\n" in text else len(text)
    line = text[:line_end]
    method, _, rest = line.partition(" ")
    target_start, target = line_end - len(rest), rest.rpartition(" ")[0] or rest
    path = target.partition("?")[0]
    if place == "query":
        return list(_query_spans(target, target_start, name))
    if place == "header":
        return list(_header_spans(text, name))
    if place == "body":
        return _body_spans(text, [name] if name else [])
    whole = {
        "method": (0, len(method)),
        "path": (target_start, target_start + len(path)),
        "request": (0, line_end),
    }
    return [whole[place]] if place in whole else []


def answer_spans(text: str, where: str) -> list[Span]:
    """The places of an answer that `where` names; empty where it has none."""
    place, _, name = where.partition(".")
    line_end = text.find("\n")
    if place == "status":
        return [(0, line_end)]
    if place == "header":
        return list(_header_spans(text, name))
    if place != "answer":
        return []
    return _body_spans(text, [_unescaped(part) for part in name.strip("/").split("/") if part])


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def _query_spans(target: str, start: int, name: str) -> Iterator[Span]:
    """Every pair of that name, whatever its letter case; the whole query where there is no name."""
    path, _, query = target.partition("?")
    at = start + len(path) + 1
    if not name and query:
        yield at, at + len(query)
    for pair in query.split("&"):
        if name and unquote_plus(pair.partition("=")[0]).lower() == name.lower():
            yield at, at + len(pair)
        at += len(pair) + 1


def _header_spans(text: str, name: str) -> Iterator[Span]:
    """Every header line of that name."""
    head = text[: text.find("\n\n")] if "\n\n" in text else text
    if name:
        for found in re.finditer(rf"^{re.escape(name)}[ \t]*:.*$", head, re.IGNORECASE | re.MULTILINE):
            yield found.span()


def _body_spans(text: str, pointer: Sequence[str]) -> list[Span]:
    """The member at that pointer, with its name; the whole body where there is no pointer."""
    start = text.find("\n\n") + 2 if "\n\n" in text else len(text)
    if not pointer:
        return [(start, len(text))] if start < len(text) else []
    found = _pointed(text, start, pointer)
    return [found] if found else _named(text, start, pointer[-1])


def _named(text: str, start: int, name: str) -> list[Span]:
    """Members of that name anywhere, for what is no JSON or has no such pointer."""
    pattern = re.compile(rf'"{re.escape(name)}"\s*:\s*("(?:[^"\\]|\\.)*"|[^,}}\]\s]*)')
    return [found.span() for found in pattern.finditer(text, start)][:20]


def _pointed(text: str, start: int, pointer: Sequence[str]) -> Span | None:
    """Where in a JSON text the value at that pointer stands, with its name; None where there is none."""
    begin, at = start, _value_start(text, start)
    for part in pointer:
        found = _member(text, at, part)
        if found is None:
            return None
        begin, at = found
    try:
        return begin, _DECODER.raw_decode(text, at)[1]
    except ValueError:
        return None


def _member(text: str, at: int, part: str) -> Span | None:
    """Where a member (with its name) and where its value begins, in the object or list that begins at `at`."""
    opening = text[at : at + 1]
    if opening not in ("{", "["):
        return None
    number, at = 0, _value_start(text, at + 1)
    try:
        while text[at : at + 1] not in ("", "}", "]"):
            begin, key = at, str(number)
            if opening == "{":
                key, at = _DECODER.raw_decode(text, at)
                at = _value_start(text, _value_start(text, at) + 1)  # behind the colon
            if key == part:
                return begin, at
            at = _value_start(text, _DECODER.raw_decode(text, at)[1])
            at = _value_start(text, at + 1) if text[at : at + 1] == "," else at
            number += 1
    except ValueError:
        pass
    return None


def _value_start(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t", "\n", "\r") and at < len(text):
        at += 1
    return at
