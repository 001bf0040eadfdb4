"""What the service answered, against what the caller was told.

Three questions: did a documented answer reach the caller whole (`told_success`), was an error told
as one (`told_error`), and was nothing reported as a success that no service gave (`told_no_success`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..contract import Contract
from ..messages import ErrorInfo, HttpResponse, Outcome, Violation
from .json_text import read_json
from .response import SUCCESS_STATUSES, content
from .text import shown

Check = Mapping[str, Any]

CHECK_LEAVES = ("validateType", "status")
ERROR_LEAVES = ("errorType", "errorCode", "errorMsg")


def check_told(contract: Contract, response: HttpResponse, outcome: Outcome) -> list[Violation]:
    """Every rule that an outcome breaks, of a call that got that answer: a documented success or an error."""
    if response.status in SUCCESS_STATUSES:
        return list(told_success(contract, response, outcome))
    return list(told_error(contract, response, outcome))


def told_success(
    contract: Contract, response: HttpResponse, outcome: Outcome, refused: str = "answer.delivered"
) -> Iterator[Violation]:
    """A documented success reached the caller whole. `refused` is the rule that is broken where it raised."""
    document = read_json(content(response) or b"").value
    if outcome.kind == "rejected":
        yield contract.violation("sent.call", "call", _raised(outcome.error), "the request to be sent")
    elif outcome.kind == "failed":
        rule = "answer.failed_check_raised" if _tells_failed_check(contract, document, outcome.error) else refused
        yield contract.violation(rule, "call", _raised(outcome.error), "the answer to be returned")
    else:
        yield from _returned_whole(contract, document, outcome)


def _returned_whole(contract: Contract, document: Mapping[str, Any], outcome: Outcome) -> Iterator[Violation]:
    read = outcome if outcome.answer is not None else replace(outcome, answer=_undecoded(outcome.result))
    if read.answer is None:
        yield contract.violation("answer.delivered", "answer", shown(outcome.result), "the documented members")
    else:
        yield from _compare(contract, document, read)


def _undecoded(result: Any) -> Any:
    """What is in bytes that are JSON but for their charset: who is given them as they came has all of it."""
    value = read_json(result.decode("latin-1").encode()).value if isinstance(result, bytes) else None
    return value if isinstance(value, dict) else None


def told_error(contract: Contract, response: HttpResponse, outcome: Outcome) -> Iterator[Violation]:
    """An answer that is no success was told as an error, with what it said."""
    told = outcome.error
    if outcome.kind == "ok" and not _tells_of(told, response):
        yield contract.violation(
            "error.as_success", "call", _returned(outcome), f"an error, for the answer was {response.status}"
        )
        return
    if told is None:
        return
    said = said_by(response)
    for field, rule in _TOLD.items():
        expected = said[field]
        if expected is not None and not _tells(told, field, expected):
            got = f"{_raised(told)}, with {field}={getattr(told, field)!r}"
            yield contract.violation(rule, f"error.{field}", got, shown(expected))


def told_no_success(contract: Contract, outcome: Outcome, rule: str, came: str) -> Iterator[Violation]:
    """Nothing that reads as a success was returned, for what came was none."""
    if outcome.kind == "ok" and outcome.error is None:
        yield contract.violation(rule, "call", _returned(outcome), f"an error, for {came}")


def told_unreadable(contract: Contract, response: HttpResponse, outcome: Outcome) -> Iterator[Violation]:
    """A 2xx answer that is no documented success was told as an error; levels as in the catalogue."""
    if outcome.kind != "ok" or outcome.error is not None:
        return
    text = read_json(response.body)
    if isinstance(text.value, dict) or response.status == 204:
        rule = "error.undocumented_success"
    else:
        rule = "error.invented_document" if _is_made_up(outcome.answer, response.body) else "error.not_a_document"
    yield contract.violation(rule, "call", _returned(outcome), f"an error, for the body was {shown(response.body)}")


def _is_made_up(answer: Any, body: bytes) -> bool:
    """Whether a document is of the client's own making, and no lenient reading of these bytes.

    Many readers take NaN, a byte order mark or a comma too many; what they return then was in the body.
    """
    text = _ascii(body.decode(json.detect_encoding(body), "replace"))
    leaves = list(_leaves(answer))
    return answer is not None and not (leaves and all(_ascii(leaf) in text for leaf in leaves))


def _ascii(text: str) -> str:
    """The text without what decoders disagree about."""
    return "".join(letter for letter in text if letter.isascii())


def _leaves(value: Any) -> Iterator[str]:
    """The texts within a document, those of no length left out."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for entry in value:
            yield from _leaves(entry)
    elif isinstance(value, str) and value:
        yield value


# --- a success ------------------------------------------------------------------------------------


def _compare(contract: Contract, document: Mapping[str, Any], outcome: Outcome) -> Iterator[Violation]:
    answer = outcome.answer
    sent_id, got_id = document["RequestId"], answer.get("RequestId")
    if got_id is None:
        only_list = isinstance(outcome.result, (list, tuple))
        rule = "answer.request_id_of_list" if only_list else "answer.request_id"
        yield contract.violation(rule, "answer./RequestId", "nothing", shown(sent_id))
    elif got_id != sent_id:
        yield contract.violation("answer.changed", "answer./RequestId", shown(got_id), shown(sent_id))
    if answer.get("Result") is None:
        yield contract.violation("answer.lost", "answer./Result", "nothing", shown(document["Result"]))
        return
    expected, got = _entries(document["Result"]), _entries(answer["Result"])
    yield from _compare_lists(contract, "answer./Result", expected, got, CHECK_LEAVES)


def _compare_lists(
    contract: Contract, where: str, expected: Sequence[Any], got: Sequence[Any], leaves: Sequence[str]
) -> Iterator[Violation]:
    """Two lists of checks or of errors: lost, invented, moved or changed entries."""
    plain_expected, plain_got = ([_plain(entry) for entry in entries] for entries in (expected, got))
    if plain_expected == plain_got:
        return
    if len(got) != len(expected):
        rule = "answer.lost" if len(got) < len(expected) else "answer.invented"
        yield contract.violation(rule, where, f"{len(got)} entries: {shown(got)}", f"{len(expected)} entries")
    elif sorted(plain_expected) == sorted(plain_got):
        yield contract.violation("answer.order", where, shown(got), f"the order {shown(expected)}")
    else:
        for index, (entry, other) in enumerate(zip(expected, got, strict=True)):
            yield from _compare_entry(contract, f"{where}/{index}", entry, other, leaves)


def _compare_entry(
    contract: Contract, where: str, expected: Check, got: Any, leaves: Sequence[str]
) -> Iterator[Violation]:
    if not isinstance(got, Mapping):
        yield contract.violation("answer.changed", where, shown(got), shown(expected))
        return
    for name in leaves:
        before, after = expected.get(name), got.get(name)
        if before == after and type(before) is type(after):
            continue
        rule = "answer.lost" if after is None else "answer.invented" if before is None else "answer.changed"
        yield contract.violation(rule, f"{where}/{name}", shown(after), shown(before))
    if leaves is CHECK_LEAVES:
        lists = (_entries(expected.get("validateResult")), _entries(got.get("validateResult")))
        yield from _compare_lists(contract, f"{where}/validateResult", *lists, ERROR_LEAVES)


def _entries(value: Any) -> list[Any]:
    """A list as it is, a single object as a list of it (reading `result-shape`), null as empty."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _plain(entry: Any) -> str:
    """An entry by its documented leaves alone, comparable and sortable."""
    if not isinstance(entry, Mapping):
        return shown(entry)
    leaves = {name: entry.get(name) for name in (*CHECK_LEAVES, *ERROR_LEAVES)}
    inner = [_plain(error) for error in _entries(entry.get("validateResult"))]
    return json.dumps([leaves, inner], sort_keys=True, default=shown)


def _tells_failed_check(contract: Contract, document: Any, error: ErrorInfo | None) -> bool:
    """Whether an exception speaks of a check that failed: by its name, or by the code of one of its errors."""
    checks = _mappings(document.get("Result")) if isinstance(document, Mapping) else []
    passed = contract.enum("status")[0]
    failed = [check for check in checks if check.get("status") != passed]
    words = [check.get("validateType") for check in failed]
    words += [entry.get("errorCode") for check in checks for entry in _mappings(check.get("validateResult"))]
    texts = [word for word in words if isinstance(word, str) and word]
    return error is not None and any(_has_word(error, form) for text in texts for form in _forms(text))


def _mappings(value: Any) -> list[Check]:
    return [entry for entry in _entries(value) if isinstance(entry, Mapping)]


def _forms(text: str) -> Iterator[str]:
    """A text as it is, and as it is written within other text: by Python, and in JSON."""
    yield from (text, repr(text)[1:-1], json.dumps(text)[1:-1])


# --- an error -------------------------------------------------------------------------------------

#: field of ErrorInfo → the rule that asks for it, most important first
_TOLD = {
    "code": "error.code",
    "message": "error.message",
    "http_status": "error.http_status",
    "request_id": "error.request_id",
}


def said_by(response: HttpResponse) -> dict[str, Any]:
    """What an error answer says under the names of `ErrorInfo`, as far as it does: else None."""
    document = read_json(content(response) or b"").value
    document = document if isinstance(document, dict) else {}
    texts = {"code": "Code", "message": "Message", "request_id": "RequestId"}
    said = {field: document.get(name) for field, name in texts.items()}
    said = {field: value if isinstance(value, str) and value else None for field, value in said.items()}
    return {**said, "http_status": response.status}


def _tells_of(told: ErrorInfo | None, response: HttpResponse) -> bool:
    """Whether a returned value carries the error: its code, or its status."""
    said = said_by(response)
    return told is not None and any(
        said[field] is not None and _tells(told, field, said[field]) for field in ("code", "http_status")
    )


def _tells(told: ErrorInfo, field: str, expected: Any) -> bool:
    return bool(getattr(told, field) == expected) or _has_word(told, str(expected))


def _has_word(told: ErrorInfo, word: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(word)}(?![\w])", f"{told.message or ''}\n{told.text}") is not None


def _raised(told: ErrorInfo | None) -> str:
    return "nothing raised" if told is None else shown(f"{told.type}: {told.message or told.text}")


def _returned(outcome: Outcome) -> str:
    reads_as = "" if outcome.answer is None else f", which reads as {shown(outcome.answer)}"
    return f"{shown(outcome.result)} returned{reads_as}"
