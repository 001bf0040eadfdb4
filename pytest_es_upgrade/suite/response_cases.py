"""Family `response`: documented answers reach the caller whole.

Each case is an answer and the rule that is broken where the client does not take it; how the answer
and what the caller got are compared stands in `rules.told`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..contract import Contract
from ..faults import serialize
from ..messages import HttpResponse, Violation
from ..plans import Plan, Send
from ..rules.told import told_error, told_success
from ..samples import (
    DERIVED_REQUEST_ID,
    check_entry,
    checks_response,
    error_response,
    json_response,
    sample,
    success_document,
)
from ..stage import Stage
from .asking import key, plain_call, slug
from .case import Case

#: What may be found in any documented answer.
WHOLE = (
    "answer.delivered",
    "answer.request_id",
    "answer.request_id_of_list",
    "answer.lost",
    "answer.changed",
    "answer.order",
    "answer.invented",
    "answer.failed_check_raised",
    "sent.call",
)

#: Name → a text that comes back as it was.
_TEXTS: Mapping[str, str] = {
    "chinese": "\u96c6\u7fa4\u72b6\u6001\u4e0d\u5065\u5eb7",
    "emoji": "cluster \U0001f534 is not healthy \U0001f937\u200d\u2642\ufe0f",
    "combining": "cafe\u0301 and caf\u00e9",
    "right_to_left": "\u05d0\u05e9\u05db\u05d5\u05dc \u202eabc\u202c",
    "control": "tab\there, newline\nthere, bell\u0007, del\u007f",
    "line_separators": "one\u2028two\u2029three\u0085four",
    "html_entities": "&lt;b&gt;5 &amp;&nbsp;&#39;x&#39; <script>alert(1)</script>",
    "blanks_at_ends": "  blanks before, and after \t",
    "quotes_and_backslashes": 'say "no" to C:\\temp\\new and \\u0041',
    "percent_and_braces": "100% of {name} and %(name)s and ${name}",
    "looks_like_json": '{"Code": "InstanceNotFound"}',
    "word_null": "null",
    "word_true": "true",
    "number": "6.70",
    "empty": "",
    "no_break_space": "\u00a0no-break\u3000space\ufeff",
    "outside_the_plane": "\U0002070e \U0010ffff",
    "null_character": "before\u0000after",
}


def response_cases(contract: Contract) -> list[Case]:
    """All cases of the family."""
    return [
        *_whole_cases(contract),
        *_spelling_cases(contract),
        *_open_cases(contract),
        *_reading_cases(contract),
        *_sequence_cases(),
    ]


def _case(id_: str, title: str, response: HttpResponse, refused: str = "answer.delivered") -> Case:
    rules = tuple(dict.fromkeys((refused, *WHOLE)))

    def check(stage: Stage) -> Iterator[Violation]:
        stage.reply_with(response)
        call = stage.call(plain_call(stage.contract))
        yield from told_success(stage.contract, response, call.outcome, refused)

    return Case(id_, title, rules, check)


# --- answers as the page shows them -----------------------------------------------------------------


def _whole_cases(contract: Contract) -> Iterator[Case]:
    yield _case(
        "response.sample.success",
        "The documented sample reaches the caller whole, byte for byte as it stands on the page.",
        sample(contract, "success"),
    )
    yield _case(
        "response.sample.table_examples",
        "The values that the table of response parameters shows reach the caller.",
        sample(contract, "table_examples"),
    )
    yield _case("response.all_passed", "Checks that all passed reach the caller.", sample(contract, "all_passed"))
    yield _case("response.empty_list", "A Result without a check is no error.", sample(contract, "nothing_checked"))
    for name, checks in _results(contract).items():
        yield _case(f"response.{name}", f"{_RESULT_TITLES[name.partition('.')[0]]} ({name}).", checks_response(checks))
    for name, request_id in _REQUEST_IDS.items():
        answer = checks_response([_failed(contract, 0)], request_id)
        yield _case(f"response.request_id.{name}", f"The RequestId {request_id!r} reaches the caller as it is.", answer)


_REQUEST_IDS = {
    "masked": "F99407AB-2FA9-489E-A259-40CF6DC****",
    "lower_case": "f99407ab-2fa9-489e-a259-40cf6dc00000",
    "digits": "0012345",
    "long": "F99407AB" * 16,
}

_RESULT_TITLES = {
    "check": "One check of that kind and status reaches the caller",
    "error_type": "A check that failed with an error of that type reaches the caller",
    "several_errors": "All errors of one check reach the caller, in order",
    "same_check_twice": "Several entries of one check are not merged",
    "long_list": "A long list reaches the caller, whole and in order",
    "reversed_list": "The checks stay in the order in which they came",
    "equal_errors": "Equal errors are not merged",
    "passed_with_errors": "A passed check that names errors stays passed, and keeps them",
    "failed_without_errors": "A failed check that names no error stays failed",
    "big_message": "A message of 100,000 characters is not cut",
    "text": "Any text reaches the caller as it is",
}


def _failed(contract: Contract, index: int) -> dict[str, Any]:
    return check_entry(contract.enum("validateType")[index], failed=True, contract=contract)


def _error(contract: Contract, **changes: str) -> dict[str, str]:
    entry = success_document(contract)["Result"][0]["validateResult"][0]
    return {**entry, **changes}


def _with_errors(contract: Contract, *errors: dict[str, str]) -> dict[str, Any]:
    return {**_failed(contract, 0), "validateResult": list(errors)}


def _results(contract: Contract) -> dict[str, list[dict[str, Any]]]:
    """Name → the Result of an answer."""
    kinds = contract.enum("validateType")
    each = {
        f"check.{slug(kind)}.{status}": [check_entry(kind, failed=status != "success", contract=contract)]
        for kind in kinds
        for status in contract.enum("status")
    }
    types = {
        f"error_type.{slug(type_)}": [_with_errors(contract, _error(contract, errorType=type_))]
        for type_ in contract.enum("errorType")
    }
    numbered = [_error(contract, errorCode=f"Code{n}", errorMsg=f"message {n}") for n in range(9, -1, -1)]
    texts = {
        f"text.{name}": [_with_errors(contract, _error(contract, errorCode="Code" + text, errorMsg=text))]
        for name, text in _TEXTS.items()
    }
    many = [_with_errors(contract, _error(contract, errorMsg=f"check {n}")) for n in range(60)]
    return {
        **each,
        **types,
        "several_errors": [_with_errors(contract, *numbered)],
        "same_check_twice": [_with_errors(contract, numbered[0]), _with_errors(contract, numbered[1])],
        "long_list": many,
        "reversed_list": success_document(contract)["Result"][::-1],
        "equal_errors": [_with_errors(contract, numbered[0], numbered[0], numbered[1], numbered[0])],
        "passed_with_errors": [{**_with_errors(contract, numbered[0]), "status": contract.enum("status")[0]}],
        "failed_without_errors": [_with_errors(contract)],
        "big_message": [_with_errors(contract, _error(contract, errorMsg="0123456789" * 10_000))],
        **texts,
    }


# --- the same answer, spelled otherwise -------------------------------------------------------------


def _spelling_cases(contract: Contract) -> Iterator[Case]:
    document = success_document(contract)
    spelled: Mapping[str, tuple[str, bytes]] = {
        "compact": ("without white space", json.dumps(document, separators=(",", ":")).encode()),
        "white_space": ("with white space of every kind", _spaced(document)),
        "escapes": ("with every letter escaped", _escaped(document)),
        "members_reversed": ("with the members in reverse order", json.dumps(_reversed(document)).encode()),
        "members_sorted": ("with the members sorted", json.dumps(document, sort_keys=True).encode()),
    }
    for name, (how, body) in spelled.items():
        answer = replace(sample(contract, "success"), body=body)
        yield _case(f"response.json.{name}", f"The documented sample, {how}, reaches the caller whole.", answer)
    content_types = {"upper_case": "Application/JSON; Charset=UTF-8", "no_charset": "application/json"}
    for name, value in content_types.items():
        answer = replace(sample(contract, "success"), headers=(("Content-Type", value),))
        yield _case(f"response.content_type.{name}", f"An answer of type {value!r} reaches the caller whole.", answer)


def _spaced(document: Any) -> bytes:
    text = json.dumps(document, indent="\t", separators=(" \r\n,", " \t:\n "))
    return f"\r\n\t {text} \n\r\n".encode()


def _escaped(document: Any) -> bytes:
    """The same JSON with every character of every text as an escape of six characters."""

    def write(value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ",".join(f"{json.dumps(key)}:{write(item)}" for key, item in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ",".join(map(write, value)) + "]"
        return '"' + "".join(f"\\u{ord(letter):04X}" for letter in value) + '"'

    return write(document).encode()


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(item) for key, item in reversed(value.items())}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


# --- what a service may add or leave out ------------------------------------------------------------


def _open_cases(contract: Contract) -> Iterator[Case]:
    document = success_document(contract)
    for name, changed in _extended(document).items():
        title = f"Further members do no harm ({name.replace('_', ' ')})."
        yield _case(f"response.extra_members.{name}", title, json_response(200, changed), "answer.extra_members")
    new_values = {
        "status": [{**_failed(contract, 0), "status": "warning"}],
        # One that passed: an exception that names a failed check may be about its failure.
        "validate_type": [check_entry("checkClusterLicense", failed=False, contract=contract)],
        "error_type": [_with_errors(contract, _error(contract, errorType="clusterLicense"))],
        "error_code": [_with_errors(contract, _error(contract, errorCode="ClusterLicenseExpired"))],
        "status_capital": [{**_failed(contract, 0), "status": "Failed"}],
    }
    for name, checks in new_values.items():
        title = f"A value that the page does not name is passed on ({name.replace('_', ' ')})."
        yield _case(f"response.open_values.{name}", title, checks_response(checks), "answer.open_values")
    passed = check_entry(contract.enum("validateType")[0], failed=False, contract=contract)
    absent = {key: value for key, value in passed.items() if key != "validateResult"}
    for name, check in {"empty": passed, "null": {**passed, "validateResult": None}, "absent": absent}.items():
        title = f"A passed check whose validateResult is {name} is read."
        refused = "answer.delivered" if name == "empty" else "answer.optional_member"
        yield _case(f"response.validate_result.{name}", title, checks_response([check]), refused)


def _extended(document: Mapping[str, Any]) -> dict[str, Any]:
    more = {"extra": {"nested": [1, None, {"status": "x"}]}, "Headers": {"X-Total-Count": 4}, "plugins": []}
    checks = document["Result"]
    in_errors = [
        {**check, "validateResult": [{**error, **more} for error in check["validateResult"]]} for check in checks
    ]
    return {
        "at_the_top": {**more, **document},
        "in_a_check": {**document, "Result": [{**check, **more} for check in checks]},
        "in_an_error": {**document, "Result": in_errors},
    }


# --- where the page is open -------------------------------------------------------------------------


def _reading_cases(contract: Contract) -> Iterator[Case]:
    struct = json.loads(sample(contract, "struct").body)["Result"]
    entry = success_document(contract)["Result"][0]
    shapes = {
        "result": {**struct, "validateResult": [struct["validateResult"]]},
        "validate_result": [{**entry, "validateResult": entry["validateResult"][0]}],
        "both": struct,
    }
    for name, checks in shapes.items():
        title = f"A single object in place of a list is read as one entry ({name.replace('_', ' ')})."
        yield _reading_case(f"response.struct.{name}", title, checks_response(checks), "answer.struct")
    for status in (201, 202):
        title = f"A documented success under {status} is read whole, or refused."
        answer = checks_response([_failed(contract, 0)], status=status)
        yield _reading_case(f"response.status_{status}", title, answer, "answer.accepted", may_refuse=True)
    yield _interim_case("response.interim.continue_100", 100, "answer.delivered", contract)
    yield _interim_case("response.interim.processing_102", 102, "answer.interim", contract)
    yield _interim_case("response.interim.early_hints_103", 103, "answer.interim", contract)


def _reading_case(id_: str, title: str, response: HttpResponse, rule: str, *, may_refuse: bool = False) -> Case:
    """Whatever is amiss with such an answer breaks one rule, of a level below must."""

    def check(stage: Stage) -> Iterator[Violation]:
        stage.reply_with(response)
        outcome = stage.call(plain_call(stage.contract)).outcome
        if may_refuse and outcome.kind != "ok":
            return
        for violation in told_success(stage.contract, response, outcome):
            yield stage.contract.violation(rule, violation.where, violation.got, violation.expected)

    return Case(id_, title, (rule,), check)


def _interim_case(id_: str, status: int, refused: str, contract: Contract) -> Case:
    answer = sample(contract, "success")
    plan = Plan((Send(f"HTTP/1.1 {status} Interim\r\n\r\n".encode()), Send(serialize(answer), whole=True)), answer)

    def check(stage: Stage) -> Iterator[Violation]:
        stage.reply_with(plan)
        outcome = stage.call(plain_call(stage.contract)).outcome
        for violation in told_success(stage.contract, answer, outcome, refused):
            kept = violation.rule.id if refused == "answer.delivered" else refused
            yield stage.contract.violation(kept, violation.where, violation.got, violation.expected)

    return Case(id_, f"The answer that follows an interim {status} is the one that is read.", (refused, *WHOLE), check)


# --- several calls ----------------------------------------------------------------------------------


def _sequence_cases() -> Iterator[Case]:
    sequences: Sequence[tuple[str, str, Callable[[Contract], Sequence[HttpResponse]]]] = (
        ("two_answers", "Two calls on one client get two answers, each its own.", _two_answers),
        ("same_call_twice", "The second of two equal calls gets the second answer.", _two_answers),
        (
            "error_then_success",
            "A success after an error is a success, and nothing of the error is left.",
            _error_first,
        ),
        (
            "success_then_error",
            "An error after a success is an error, and nothing of the success is left.",
            _error_last,
        ),
        ("shorter_then", "Nothing of a long answer is left in a short one.", _long_then_short),
    )
    for name, title, answers in sequences:
        same = name == "same_call_twice"
        yield Case(f"response.calls.{name}", title, ("answer.own", "error.own"), _in_turn(answers, same_call=same))


def _in_turn(
    answers: Callable[[Contract], Sequence[HttpResponse]], *, same_call: bool
) -> Callable[[Stage], Iterable[Violation]]:
    def check(stage: Stage) -> Iterator[Violation]:
        contract = stage.contract
        for number, answer in enumerate(answers(contract)):
            stage.reply_with(answer)
            id_ = "es-cn-same00000000000" if same_call else f"es-cn-call{number:012}"
            outcome = stage.call(plain_call(contract, id_)).outcome
            alone = stage.call(plain_call(contract, id_), stage.open()).outcome
            told, rule = (told_error, "error.own") if answer.status >= 400 else (told_success, "answer.own")
            wrong, wrong_alone = ({key(v): v for v in told(contract, answer, o)} for o in (outcome, alone))
            for new in wrong.keys() - wrong_alone.keys():
                violation = wrong[new]
                yield contract.violation(rule, violation.where, violation.got, violation.expected)

    return check


def _numbered(contract: Contract, number: int) -> HttpResponse:
    error = _error(contract, errorCode=f"Code{number}", errorMsg=f"message {number}")
    return checks_response([_with_errors(contract, error)], DERIVED_REQUEST_ID[:-1] + str(number))


def _two_answers(contract: Contract) -> Sequence[HttpResponse]:
    return [_numbered(contract, number) for number in (1, 2, 3)]


def _error_first(contract: Contract) -> Sequence[HttpResponse]:
    return [error_response(400, "InstanceActivating", "Instance is activating."), _numbered(contract, 1)]


def _error_last(contract: Contract) -> Sequence[HttpResponse]:
    return [_numbered(contract, 1), error_response(404, "InstanceNotFound", "The instanceId provided does not exist.")]


def _long_then_short(contract: Contract) -> Sequence[HttpResponse]:
    return [sample(contract, "success"), checks_response([], DERIVED_REQUEST_ID), _numbered(contract, 2)]
