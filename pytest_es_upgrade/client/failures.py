"""What a caller can tell from an error: code, message, HTTP status, request id, and all of its words.

An error is read as a row of *sources*, mappings of normalised names to values, in the order in which
a caller would look: the exception's own attributes and getters, the mappings that it carries, the
answer that it carries, the same of its causes, and last what its text says. Each field is the first
acceptable value in that order. Nothing here raises.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import urllib.error
from collections import deque
from dataclasses import replace
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..messages import ErrorInfo
from .answers import shows_checks
from .shapes import ERRORS, WRAPPERS, is_a, is_value, opened, safely, same, scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_Source = dict[str, Any]

_MOST_CAUSES = 50
_MOST_NODES = 200
_LONGEST_TEXT = 256 * 1024

#: What languages print for "nothing" where an SDK formats an absent value.
_ABSENT = frozenset(("", "none", "null", "undefined", "nil"))
#: Codes of envelopes that say that all is well.
_SUCCESS = frozenset(("ok", "success", "succeeded", "successful", "accepted", "created", "done"))

_GETTERS = {
    "geterrorcode": "code",
    "geterrormsg": "message",
    "geterrormessage": "message",
    "gethttpstatus": "httpstatus",
    "getrequestid": "requestid",
}
_REASON_PHRASES = frozenset(status.phrase.lower() for status in HTTPStatus)

#: Attributes that carry more of the error, beside the answer in `response`.
_CARRIERS = ("data", "args", "result", "body", "details", "info", "payload", *ERRORS)
_INSIDE = frozenset((*_CARRIERS, *WRAPPERS))
#: A property that warns when it is read, as module → name; `status` says the same there.
_DEPRECATED = {"aiohttp.client_exceptions": "code"}
#: Where libraries keep their errors about an answer that cannot be read. aiohttp gives these the status 400, and
#: what it raises from them too: no service said so, and whoever knows the library reads it as "unknown".
_PARSERS = ("aiohttp.http_exceptions",)
_STATUS_NAMES = ("httpstatus", "statuscode", "status", "httpcode", "httpstatuscode", "code")


def read_error(exception: BaseException) -> ErrorInfo:
    """What a caller can tell from an exception; fields that cannot be told are None. Never raises."""
    chain = _chain(exception)
    sources = [source for one in chain for source in safely(_sources, one) or ()]
    said = _distinct(words for one in chain for words in (safely(str, one), *(safely(_notes, one) or ())))
    info = _info(type(exception).__name__, sources, said)
    # asyncio ends a task with a BaseException of its own, which is not meant to end the program
    exits = not isinstance(exception, (Exception, asyncio.CancelledError))
    return replace(info, exits=exits)


def read_error_value(returned: Any) -> ErrorInfo | None:
    """An error that was passed back as a value, or None where the value is none.

    An error is what carries a code in words (beside no documented Result), an HTTP status of 400
    or above, or a `success` or `ok` that is false; also an exception that is
    returned, as it is or within a wrapper. Never raises.
    """
    found = safely(_error_in, returned)
    if isinstance(found, BaseException):
        return read_error(found)
    return _info(type(returned).__name__, found, []) if found else None


def read_told_error(members: dict[str, Any]) -> ErrorInfo:
    """What a caller can tell from an error that a driver told: code, message, httpStatus, requestId, type."""
    message = _text(members.get("message"))
    info = _info(_text(members.get("type")) or "error", [_normalised(members)], [message] if message else [])
    return replace(info, text="\n".join(_distinct([info.text, *map(str, members.values())])))


# Fields: what is acceptable, and under which names it is looked for, best first.


def _word(value: Any) -> str | None:
    """A code: text without blanks that is no number."""
    text = _text(value)
    return text if text and not re.search(r"\s", text) and not text.isdigit() else None


def _text(value: Any) -> str | None:
    text = scalar(value)
    return text if isinstance(text, str) and text.strip().lower() not in _ABSENT else None


def _sentence(value: Any) -> str | None:
    """A message: text that is more than what the status says anyway."""
    text = _text(value)
    return text if text and text.strip().lower() not in _REASON_PHRASES else None


def _status(value: Any) -> int | None:
    number = scalar(value)
    if isinstance(number, str) and re.fullmatch(r"[0-9]{3}", number):
        number = int(number)
    return number if type(number) is int and 100 <= number <= 599 else None


_FIELDS: dict[str, tuple[Callable[[Any], Any], tuple[str, ...]]] = {
    "code": (_word, ("code", "errorcode", "errcode", "errorname")),
    "message": (_sentence, ("message", "errormessage", "errormsg", "errmsg", "msg")),
    "http_status": (_status, _STATUS_NAMES),
    "request_id": (_text, ("requestid",)),
}
_NAMES = frozenset(name for _, names in _FIELDS.values() for name in names)


def _info(kind: str, sources: list[_Source], said: list[str]) -> ErrorInfo:
    whole = [*sources, *(source for words in said for source in _embedded(words)), *map(_in_words, said)]
    fields = {field: _first(field, whole) for field in _FIELDS}
    if fields["message"] is None and said:
        fields["message"] = said[0]
    told = (_first(field, [source]) for source in sources for field in ("code", "message", "request_id"))
    text = "\n".join(_distinct([*said, *filter(None, told)]))
    return ErrorInfo(kind, **fields, text=text[:_LONGEST_TEXT])


def _first(field: str, sources: list[_Source]) -> Any:
    accepted, names = _FIELDS[field]
    values = (accepted(source[name]) for source in sources for name in names if name in source)
    return next((value for value in values if value is not None), None)


def _distinct(texts: Iterable[Any]) -> list[str]:
    """Each text once, without those that an earlier one contains."""
    kept: list[str] = []
    for text in filter(_text, texts):
        if not any(text in other for other in kept):
            kept.append(text[:_LONGEST_TEXT])
    return kept


# The chain of causes.


def _chain(exception: BaseException) -> list[BaseException]:
    """The exception, then its causes, breadth first, each once."""
    found: dict[int, BaseException] = {}
    queue = deque([exception])
    while queue and len(found) < _MOST_CAUSES:
        one = queue.popleft()
        if id(one) not in found:
            found[id(one)] = one
            queue.extend(safely(_causes, one) or ())
    return list(found.values())


def _causes(one: BaseException) -> list[BaseException]:
    # `raise … from None` hides the context from whoever reads the error, so it is not looked at.
    context = None if one.__suppress_context__ else one.__context__
    held = [*vars(one).values(), *one.args, *(getattr(one, "exceptions", None) or ())]
    return [cause for cause in (one.__cause__, context, *held) if is_a(cause, BaseException)]


def _notes(one: BaseException) -> list[str]:
    return [note for note in getattr(one, "__notes__", ()) if isinstance(note, str)]


# The sources of one exception.


def _sources(one: BaseException) -> list[_Source]:
    members = _looked_up(one)
    carried = (members.get(name) for name in _CARRIERS)
    answer = members.get("response")
    return [members, *_nested(carried), *_looked_up_response(answer), *_nested([answer, _body_of(one)])]


def _looked_up(thing: Any) -> _Source:
    """Attributes of well-known names, by `getattr`, so that properties and slots count too; getters called."""
    found: _Source = {}
    for name in safely(dir, thing) or ():
        known = same(name)
        if (known in _NAMES or known in _CARRIERS or known == "response") and not _is_deprecated(thing, name):
            value = safely(getattr, thing, name)
            if value is not None and is_value(value):
                found.setdefault(known, value)
        elif known in _GETTERS:
            value = safely(lambda name=name: getattr(thing, name)())
            if value is not None:
                found.setdefault(_GETTERS[known], value)
    if isinstance(thing, SystemExit):
        found.pop("code", None)  # what was given to sys.exit, which is no code of a service
    if _is_about_parsing(thing):
        found = {name: value for name, value in found.items() if name not in _STATUS_NAMES}
    return found


def _is_about_parsing(thing: Any) -> bool:
    about = (thing, getattr(thing, "__cause__", None))
    return any(kind.__module__ in _PARSERS for one in about for kind in type(one).__mro__)


def _is_deprecated(thing: Any, name: str) -> bool:
    return any(_DEPRECATED.get(kind.__module__) == name for kind in type(thing).__mro__)


def _looked_up_response(answer: Any) -> list[_Source]:
    return [] if answer is None or opened(answer) is None else [_looked_up(answer)]


def _nested(things: Iterable[Any]) -> list[_Source]:
    """All mappings in these things, breadth first; JSON text is read. Lists are looked into, checks are not."""
    found: list[_Source] = []
    queue = deque(things)
    while queue and len(found) < _MOST_NODES:
        members = _members(queue.popleft())
        if isinstance(members, dict) and not shows_checks(members):
            found.append(_normalised(members))
            queue.extend(value for name, value in members.items() if _may_hold_more(name, value))
        elif isinstance(members, list):
            queue.extend(islice(members, _MOST_NODES))
    return found


def _members(value: Any) -> dict[str, Any] | list[Any] | None:
    return None if is_a(value, BaseException) else opened(value)


def _may_hold_more(name: str, value: Any) -> bool:
    """Anything of a well-known name, and built-in containers; the insides of a library's objects do not."""
    return is_a(value, dict, list, tuple, str, bytes) or same(name) in _INSIDE


def _normalised(members: dict[str, Any]) -> _Source:
    return {same(name): members[name] for name in reversed(members)}


def _body_of(one: BaseException) -> bytes | None:
    """The body of an `urllib.error.HTTPError`, which is read once and put back for the next reader."""
    if not isinstance(one, urllib.error.HTTPError) or one.fp is None:
        return None
    body = safely(one.read)
    if not isinstance(body, bytes):
        return None
    replay = io.BytesIO(body)
    vars(one).pop("read", None)  # it is bound to the old file
    one.fp = one.file = replay  # attributes are looked up in `file`
    return body


# What the text says.

_LABELLED = {
    "code": r"\b(?:error[ _]?|err[ _]?)?code['\"]?\s*[:=]\s*['\"]?([A-Za-z][\w.-]*\w)",
    "message": r"\b(?:error[ _]?)?(?:message|msg)['\"]?\s*[:=]\s*['\"]?([^'\"\n,;}]*[^'\"\s,;}])",
    "requestid": r"\brequest[ _-]?id['\"]?\s*[:=]\s*['\"]?([\w*-]+)",
}
_STATUS_IN_TEXT = (
    r"\bHTTP(?:/\d(?:\.\d)?)?(?:[ _-]?(?:status|error|code))*['\"]?\s*[:=]?\s*['\"]?([1-5]\d\d)\b(?!\.\d)",
    r"\bstatus(?:[ _-]?code)?['\"]?\s*[:=]?\s*['\"]?([1-5]\d\d)\b(?!\.\d)",
)


def _embedded(text: str) -> list[_Source]:
    """The JSON objects that a text quotes."""
    decoder = json.JSONDecoder()
    starts = islice((match.start() for match in re.finditer(r"\{", text)), 20)
    found = (safely(decoder.raw_decode, text, start) for start in starts)
    return _nested(pair[0] for pair in found if pair)


def _in_words(text: str) -> _Source:
    found: _Source = {}
    for name, pattern in _LABELLED.items():
        matches = re.finditer(pattern, text, re.IGNORECASE)
        value = next((match[1] for match in matches if match[1].lower() not in _ABSENT), None)
        if value is not None:
            found[name] = value
    for pattern in reversed(_STATUS_IN_TEXT):
        match = re.search(pattern, text, re.IGNORECASE)
        if match:
            found["httpstatus"] = match[1]
    return found


# Errors as values.


def _error_in(returned: Any) -> BaseException | list[_Source] | None:
    """The exception that the value is or wraps, or the sources of an error document, best first."""
    passed: list[_Source] = []
    queue: deque[tuple[Any, bool]] = deque([(returned, False)])
    for _ in range(_MOST_NODES):
        if not queue:
            break
        value, named_error = queue.popleft()
        if is_a(value, BaseException):
            return value  # type: ignore[no-any-return]  # `is_a` is no type guard
        members = opened(value)
        if isinstance(members, list):
            queue.extend((member, False) for member in members[:20])
        elif isinstance(members, dict) and not shows_checks(members):
            source = _normalised(members)
            passed.append(source)
            if _is_error(source):
                return [source, *_nested(_wrapped(source)), *passed[:-1]]
            queue.extend((source[name], True) for name in ERRORS if name in source)
            queue.extend((source[name], False) for name in WRAPPERS if name in source)
        elif named_error and _word(value):
            return [{"code": value}, *passed]
    return None


def _wrapped(source: _Source) -> list[Any]:
    """What an error document wraps, its `{"error": WORD}` as the code that it then is."""
    held = [source[name] for name in (*ERRORS, *WRAPPERS) if name in source]
    return [*held, *({"code": source[name]} for name in ERRORS if name in source and _word(source[name]))]


def _is_error(source: _Source) -> bool:
    status = _first("http_status", [source])
    if (status is not None and status >= 400) or source.get("success") is False or source.get("ok") is False:
        return True
    code = _first("code", [source])
    return code is not None and code.lower() not in _SUCCESS and not opened(source.get("result"))
