"""What a client returned, as the document of the operation under the page's names.

Wrappers are walked breadth first. The first RequestId and the first Result that are found make the
answer; they may lie at different depths. Everything beside Result stays where it was.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from .shapes import ERRORS, WRAPPERS, is_a, is_value, opened, plain, safely, same

#: The documented names, level by level: normalised → as on the page.
_TOP = {"requestid": "RequestId", "result": "Result"}
_CHECK = {"validatetype": "validateType", "status": "status", "validateresult": "validateResult"}
_ERROR = {"errortype": "errorType", "errorcode": "errorCode", "errormsg": "errorMsg"}

_CHECK_ONLY = frozenset(("validatetype", "validateresult"))
_MOST_NODES = 100  # of wrappers that are looked into
_MOST_ELEMENTS = 20  # of a tuple or list that is a wrapper, such as (status, document)

_Document = dict[str, Any]


def read_answer(value: Any) -> Any | None:
    """The document found in whatever a client returned, in plain JSON values and wire names, or None.

    A list of checks is `{"Result": [...]}` without a RequestId; an error document is None. Never
    raises, calls nothing but the conversions named in `shapes`.
    """
    return safely(_Search(value).answer)


def shows_checks(members: Any) -> bool:
    """Whether these members are a check's, or those of an error within one."""
    return isinstance(members, dict) and not {"validatetype", "validateresult", "errortype"}.isdisjoint(
        map(same, members)
    )


class _Search:
    """One walk over an answer and its wrappers, and what it has found so far."""

    def __init__(self, value: Any) -> None:
        self.queue = deque([value])
        self.request_id: Any = None
        self.identified: _Document | None = None  # where the RequestId was
        self.result: tuple[_Document, Any] | None = None  # where the Result was, and it
        self.odd_result: tuple[_Document, Any] | None = None  # null, or of no shape that the page knows

    def answer(self) -> Any | None:
        for _ in range(_MOST_NODES):
            if not self.queue or (self.identified is not None and self.result is not None):
                break
            self._visit(self.queue.popleft())
        return self._document()

    def _visit(self, value: Any) -> None:
        members = None if is_a(value, BaseException) else opened(value)
        if isinstance(members, dict):
            self._look_into(members)
        elif members and shows_checks(opened(members[0])):
            self.result = self.result or ({}, members)
        elif members:
            self.queue.extend(members[:_MOST_ELEMENTS])

    def _look_into(self, members: _Document) -> None:
        by_name = _by_name(members)
        found = members.get(by_name.get("requestid", ""))
        if self.identified is None and found is not None and is_value(found):
            self.request_id, self.identified = found, members
        if "result" in by_name:
            self._judge_result(members, by_name["result"])
        elif shows_checks(members) and "errortype" not in by_name:
            self.result = self.result or ({}, members)  # a lone check: Result is a struct in the page's table
        self.queue.extend(members[by_name[name]] for name in WRAPPERS if name in by_name and name != "result")

    def _judge_result(self, members: _Document, key: str) -> None:
        inner = opened(members[key])
        if isinstance(inner, list) or (isinstance(inner, dict) and _is_struct(inner)):
            self.result = self.result or (members, inner)
            return
        if inner is not None:
            self.queue.append(inner)
        if key == "Result":
            self.odd_result = self.odd_result or (members, members[key])

    def _document(self) -> _Document | None:
        members, result = self.result or self.odd_result or (self.identified, None)
        if members is None or (self.result is None and not self._may_do_without_result(members)):
            return None
        document = _renamed(members, _TOP)
        if self.result or self.odd_result:
            document["Result"] = _checks(result)
        # An envelope may have an id of its own; the one beside Result is the document's.
        request_id = document.pop("RequestId", None)
        if request_id is None:
            request_id = self.request_id
        if request_id is not None:
            document["RequestId"] = request_id
        return plain(document)  # type: ignore[no-any-return]  # a dict in, a dict out

    def _may_do_without_result(self, members: _Document) -> bool:
        """An error document is none of the operation; nor is what has neither a RequestId nor a Result."""
        names = _by_name(members)
        is_error = any(name in names for name in ("code", "errorcode", *ERRORS))
        return not is_error and (self.identified is not None or "Result" in members)


def _by_name(members: _Document) -> dict[str, str]:
    """Normalised name → the key as it is. The page's own spelling goes before any other, then the first."""
    found = {same(key): key for key in reversed(members)}
    return found | {name: wire for name, wire in _TOP.items() if wire in members}


def _is_struct(members: _Document) -> bool:
    """Whether this is Result as one object (the page's table), and not a wrapper around a document."""
    names = set(map(same, members))
    if names.isdisjoint(_CHECK_ONLY):
        return names.isdisjoint(WRAPPERS) and names.isdisjoint(_TOP) and ("status" in names or not names)
    return True


def _checks(result: Any) -> Any:
    members = opened(result) if not is_a(result, str) else None
    if isinstance(members, list):
        return [_check(member) for member in members]
    return _check(result)


def _check(value: Any) -> Any:
    members = _nested(value)
    if not isinstance(members, dict):
        return value
    check = _renamed(members, _CHECK)
    if "validateResult" in check:
        check["validateResult"] = _errors(check["validateResult"])
    return check


def _errors(value: Any) -> Any:
    members = _nested(value)
    if isinstance(members, list):
        return [_error(member) for member in members]
    return _error(value)


def _error(value: Any) -> Any:
    members = _nested(value)
    return _renamed(members, _ERROR) if isinstance(members, dict) else value


def _nested(value: Any) -> Any:
    """As `opened`, but text within a document is text, even where it reads like JSON."""
    return None if is_a(value, str, bytes, bytearray) else opened(value)


def _renamed(members: _Document, names: dict[str, str]) -> _Document:
    """The members under the page's names; a second spelling of a name stays as it is."""
    if frozenset(names.values()).issuperset(members):
        return dict(members)  # as the page spells them: nearly always so
    document: _Document = {}
    for key, value in members.items():
        wire = names.get(same(key), key)
        taken = wire != key and (wire in members or wire in document)
        document[key if taken else wire] = value
    return document
