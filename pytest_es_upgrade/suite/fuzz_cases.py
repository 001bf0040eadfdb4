"""Family `fuzz`: the questions of the other families, on generated input.

One case is one client on one port, and many examples. Hypothesis is imported when the first of them
runs, for who does not ask for this family does not pay for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ..contract import Contract
from ..errors import NotTestable
from ..messages import HttpResponse, UpgradeRequest, Violation
from ..rules import check_response
from ..rules.told import told_error, told_no_success, told_success, told_unreadable
from ..samples import JSON_HEADERS
from ..stage import Call, Stage
from . import scripts
from .asking import insists_on_a_version, plain_call, reached, rightly_refused
from .case import Case
from .input_judging import input_violations
from .request_cases import judged

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: (call, answer, the rule that the answer breaks or None)
Asked = tuple[UpgradeRequest, HttpResponse | None, str | None]


class _Fuzz(NamedTuple):
    """One case: what is decided, the rules, what is generated, and what is asked about it."""

    title: str
    rules: Callable[[Contract], Iterable[str]]
    strategy: Callable[[Contract], SearchStrategy[Asked]]
    question: Callable[[Stage, Asked], Iterable[Violation]]


def fuzz_cases(contract: Contract) -> list[Case]:
    """All cases of the family."""
    return [
        *(Case(f"fuzz.{name}", row.title, tuple(row.rules(contract)), _asking(row)) for name, row in _CASES.items()),
        Case(
            "fuzz.faults",
            "Whatever is lost of any one call: no upgrade too many, and nothing told that is not so.",
            scripts.SCRIPT_RULES,
            _any_step,
        ),
        Case(
            "fuzz.stateful",
            "Over any calls, faults and states of instances: no upgrade too many, and nothing told that is not so.",
            scripts.SCRIPT_RULES,
            _any_script,
            quick=False,
        ),
    ]


def _asking(row: _Fuzz) -> Callable[[Stage], Iterable[Violation]]:
    def check(stage: Stage) -> Iterator[Violation]:
        from .fuzzing import ask_all

        return ask_all(stage, row.strategy(stage.contract), row.question, as_code)

    return check


def _any_step(stage: Stage) -> Iterator[Violation]:
    from .fuzzing import ask_all

    contract = stage.contract
    return ask_all(stage, scripts.scripts(contract, most=1), scripts.played, lambda one: scripts.as_code(contract, one))


def _any_script(stage: Stage) -> Iterator[Violation]:
    from .fuzzing import ask_all

    contract = stage.contract
    return ask_all(stage, scripts.scripts(contract), scripts.played, lambda one: scripts.as_code(contract, one))


def as_code(asked: Asked) -> str:
    """The example as a test to paste into a module, for whoever has the fixture `es_upgrade_client`."""
    request, answer, rule = asked
    needed = {"UUID(": "from uuid import UUID", "Decimal(": "from decimal import Decimal"}
    imports = [line for text, line in needed.items() if text in request.as_code()]
    names = "UpgradeRequest" if answer is None else "HttpResponse, UpgradeRequest"
    lines = [
        *imports,
        f"from pytest_es_upgrade import {names}",
        "",
        "",
        "def test_example(es_upgrade_server, es_upgrade_client):",
        *([] if answer is None else [f"    es_upgrade_server.reply_with({_answer_code(answer)})"]),
        f"    outcome = es_upgrade_client.call({request.as_code()})" + (f"  # {rule}" if rule else ""),
        "    print(outcome, *es_upgrade_server.journal, sep='\\n')",
    ]
    return "\n".join(lines)


def _answer_code(answer: HttpResponse) -> str:
    return f"HttpResponse({answer.status}, {answer.headers!r}, {answer.body!r})"


# --- questions --------------------------------------------------------------------------------------


def _is_sent(stage: Stage, asked: Asked) -> Iterator[Violation]:
    stage.reply_with("all_passed")
    yield from judged(stage, _not_refused(stage, stage.call(asked[0])))


def _not_refused(stage: Stage, call: Call) -> Call:
    """The call. Raises `NotTestable` where it was rightly refused: then there is nothing to look at."""
    if rightly_refused(stage.contract, call):
        raise NotTestable(f"{call.request.as_code()} was refused before the wire")
    return call


def _answered(stage: Stage, asked: Asked) -> tuple[HttpResponse, Call]:
    """The call of an example under its answer. Raises `NotTestable` where nothing was sent."""
    request, answer, _ = asked
    assert answer is not None  # noqa: S101 - the strategies of these cases give one
    stage.reply_with(answer)
    call = stage.call(request)
    if insists_on_a_version(call):
        plain = plain_call(stage.contract)
        call = stage.call(replace(request, version=plain.version, type=plain.type))
    return answer, reached(_not_refused(stage, call))


def _is_told(stage: Stage, asked: Asked) -> Iterable[Violation]:
    answer, call = _answered(stage, asked)
    return told_success(stage.contract, answer, call.outcome)


def _is_told_as_error(stage: Stage, asked: Asked) -> Iterable[Violation]:
    answer, call = _answered(stage, asked)
    return told_error(stage.contract, answer, call.outcome)


def _is_no_success(stage: Stage, asked: Asked) -> Iterable[Violation]:
    answer, call = _answered(stage, asked)
    return _told_malformed(stage.contract, answer, str(asked[2]), call)


def _told_malformed(contract: Contract, answer: HttpResponse, rule: str, call: Call) -> Iterable[Violation]:
    """What a caller may not be told of an answer that breaks that rule."""
    if rule in _TOLD:
        return _TOLD[rule](contract, answer, call)
    if answer.status >= 400:
        return told_error(contract, answer, call.outcome)
    if answer.status in _REDIRECTS:
        return told_no_success(contract, call.outcome, "error.as_success", f"the answer was {answer.status}")
    if _reads_as_documented(contract, answer, rule):
        return ()
    return told_unreadable(contract, answer, call.outcome)


def _told_open_value(contract: Contract, answer: HttpResponse, call: Call) -> Iterable[Violation]:
    return told_success(contract, answer, call.outcome, refused="answer.open_values")


def _told_duplicate(contract: Contract, _answer: HttpResponse, call: Call) -> Iterable[Violation]:
    return told_no_success(contract, call.outcome, "error.duplicate_members", "a member stood twice")


def _told_length(contract: Contract, answer: HttpResponse, call: Call) -> Iterable[Violation]:
    announced = int(answer.header("Content-Length") or 0)
    if announced > len(answer.body):
        came = f"{len(answer.body)} of {announced} bytes came"
        return told_no_success(contract, call.outcome, "error.no_answer_as_success", came)
    # As far as a client can tell this answer is whole: it is one that is no JSON.
    read = HttpResponse(answer.status, answer.headers, answer.body[:announced])
    return told_unreadable(contract, read, call.outcome)


#: Rules whose breaking is told in a way of its own; a value that the page does not name is passed on.
_TOLD: Mapping[str, Callable[[Contract, HttpResponse, Call], Iterable[Violation]]] = {
    "response.status.value": _told_open_value,
    "response.validate_type.value": _told_open_value,
    "response.error_type.value": _told_open_value,
    "response.body.duplicate": _told_duplicate,
    "response.http.length": _told_length,
}

#: Without a Location there is nothing to follow, so these are errors.
_REDIRECTS = (300, 301, 302, 303, 307, 308)


def _reads_as_documented(contract: Contract, answer: HttpResponse, rule: str) -> bool:
    """Whether who reads the JSON for what it is, whatever the head says, is as right as who refuses it."""
    if answer.status != _TRANSFORMED and rule not in ("response.content_type", "response.content_encoding"):
        return False
    return not check_response(HttpResponse(200, JSON_HEADERS, answer.body), contract)


#: 203: a proxy has changed the answer on its way (RFC 9110 section 15.3.4).
_TRANSFORMED = 203


def _is_refused_or_sent(stage: Stage, asked: Asked) -> Iterable[Violation]:
    """The service itself answers: it refuses what breaks a rule of level must.

    Where the client refuses, it is asked for a plain call, so that it is known to refuse for the right reason.
    """
    call = stage.call(asked[0])
    found = list(input_violations(stage, call))
    if not found and not call.exchanges:
        reached(stage.call(plain_call(stage.contract)))
    return found


# --- what is generated ------------------------------------------------------------------------------


def _valid_calls(contract: Contract) -> SearchStrategy[Asked]:
    from hypothesis import strategies as st

    from ..strategies import valid_requests

    return st.tuples(valid_requests(contract=contract), st.none(), st.none())


def _with_successes(contract: Contract) -> SearchStrategy[Asked]:
    from hypothesis import strategies as st

    from ..strategies import success_responses, valid_requests

    return st.tuples(valid_requests(contract=contract), success_responses(contract=contract), st.none())


def _with_errors(contract: Contract) -> SearchStrategy[Asked]:
    from hypothesis import strategies as st

    from ..strategies import error_responses, valid_requests

    return st.tuples(valid_requests(contract=contract), error_responses(contract=contract), st.none())


def _with_malformed(contract: Contract) -> SearchStrategy[Asked]:
    from hypothesis import strategies as st

    from ..strategies import malformed_responses

    @st.composite
    def asked(draw: st.DrawFn) -> Asked:
        return (plain_call(contract), *draw(answers))

    answers = malformed_responses(contract=contract)
    return asked()


def _invalid_calls(contract: Contract) -> SearchStrategy[Asked]:
    from hypothesis import strategies as st

    from ..strategies import invalid_requests

    @st.composite
    def asked(draw: st.DrawFn) -> Asked:
        request, rule = draw(calls)
        return request, None, rule

    calls = invalid_requests(contract=contract)
    return asked()


def _awkward_calls(contract: Contract) -> SearchStrategy[Asked]:
    from hypothesis import strategies as st

    from ..strategies import awkward_requests

    return st.tuples(awkward_requests(contract=contract), st.none(), st.none())


def _rules(*prefixes: str) -> Callable[[Contract], Iterable[str]]:
    return lambda contract: [rule for rule in contract.rules if rule.startswith(prefixes)]


_CASES: Mapping[str, _Fuzz] = {
    "request.valid": _Fuzz(
        "Any valid call is put on the wire as the page says.",
        _rules("request.", "sent."),
        _valid_calls,
        _is_sent,
    ),
    "response.success": _Fuzz(
        "Any documented answer to any valid call reaches the caller whole.",
        _rules("answer.", "sent.call"),
        _with_successes,
        _is_told,
    ),
    "response.error": _Fuzz(
        "Any error that answers any valid call is told as one, with what it says.",
        _rules("error."),
        _with_errors,
        _is_told_as_error,
    ),
    "response.malformed": _Fuzz(
        "Any answer that is no documented one is not reported as a success.",
        _rules("error.", "answer."),
        _with_malformed,
        _is_no_success,
    ),
    "input.invalid": _Fuzz(
        "Any call with one invalid value is refused before the wire, or sent as it is and told what the service says.",
        _rules("request.", "sent.", "error.", "answer."),
        _invalid_calls,
        _is_refused_or_sent,
    ),
    "input.awkward": _Fuzz(
        "Any call with one awkward value is refused before the wire, or sent as it is and told what the service says.",
        _rules("request.", "sent.", "error.", "answer."),
        _awkward_calls,
        _is_refused_or_sent,
    ),
}
