"""Family `idempotency`: the token and retries; what is lost when, what is sent again, and what the caller is told.

Whether a client repeats at all is found out by provoking it. What it does not do is not testable, with
what was tried; that it starts one upgrade at most, and says nothing that it cannot know, holds for all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from email.utils import formatdate
from typing import Any

from ..contract import Contract
from ..errors import NotTestable
from ..faults import FAULTS
from ..messages import Exchange, UpgradeRequest, Violation
from ..rules.sent import check_sent
from ..rules.text import cut
from ..rules.told import check_told, told_error
from ..samples import error_response, sample
from ..stage import Call, Stage
from ..values import TOKEN
from .asking import full_call, only, plain_call, reached, slug
from .attempts import CALL_RULES, attempts, call_violations, played, token
from .case import Case

Check = Callable[[Stage], Iterable[Violation]]

#: Seconds: the endpoint's timeout, and the bound of a call, where no answer comes.
SHORT_TIMEOUT, SHORT_BOUND = 0.4, 6.0

#: Faults of other families: they take long, or need a second host. A refused connection is no fault of an answer.
_ELSEWHERE = ("slow_head", "slow_body", "endless_head", "endless_body", "redirect_other_host", "refuse")
#: The faults that a call is met with, by name.
MET = tuple(name for name in FAULTS if name not in _ELSEWHERE)

#: What makes clients repeat a call, the most usual first.
PROVOKERS = (
    "reset_after_reading",
    "unavailable_503",
    "throttled_429",
    "close_early",
    "bad_gateway_html",
    "half_body",
    "half_head",
    "garbage",
)
#: So many attempts or redirects of one call are taken for having no bound. Libraries stop at 10 and 30 by default,
#: and one may lie upon another.
_MOST_ATTEMPTS, _MOST_REDIRECTS = 50, 400
#: Seconds by which two arrivals may seem closer than what lay between them: clocks of different resolution.
_CLOCKS = 0.05


def idempotency_cases(contract: Contract) -> list[Case]:
    """All cases of the family."""
    return [
        *_token_cases(),
        *_lost_cases(),
        *_certain_cases(),
        *_row_cases(),
        *_attempt_cases(contract),
        *_refusal_cases(contract),
        *_waiting_cases(),
        *_bound_cases(),
    ]


# --- what provokes a client -------------------------------------------------------------------------


def provoked(stage: Stage, request: UpgradeRequest, faults: Sequence[str] = PROVOKERS) -> str:
    """The first of these faults after which the client makes a second attempt at that call.

    It is found out at a service of its own. Raises `NotTestable` with what was tried.
    """
    other = stage.beside()
    other.ready_again(request.instance_id)
    client = other.open()
    for fault in faults:
        call, _ = played(other, request, fault, client=client)
        if len(attempts(stage.contract, call)) > 1:
            return fault
    raise NotTestable(f"the client made no second attempt; tried: {', '.join(faults)}, with {_given(request)}")


def _given(request: UpgradeRequest) -> str:
    return "a clientToken" if request.client_token is not None else "no clientToken"


def _without_token(contract: Contract) -> UpgradeRequest:
    return plain_call(contract)


def _with_token(contract: Contract) -> UpgradeRequest:
    return replace(plain_call(contract), client_token=TOKEN)


_TOKENS: Mapping[str, Callable[[Contract], UpgradeRequest]] = {
    "with_token": _with_token,
    "without_token": _without_token,
}


def _repeated(stage: Stage, request: UpgradeRequest) -> tuple[Call, int]:
    """A call that the client repeats, on a service whose instance is ready for a second upgrade."""
    fault = provoked(stage, request)
    stage.ready_again(request.instance_id)
    return _surely_repeated(stage, fault, *played(stage, request, fault))


def _surely_repeated(stage: Stage, fault: str, call: Call, started: int) -> tuple[Call, int]:
    """That call, if it was repeated: a client may have a budget of retries. Raises `NotTestable`."""
    if len(attempts(stage.contract, call)) < 2:
        raise NotTestable(f"the client repeated another call, and not this one; tried: {fault}")
    return call, started


# --- tokens -----------------------------------------------------------------------------------------


def _token_cases() -> Iterator[Case]:
    yield Case(
        "idempotency.token.given.every_attempt",
        "A token that the caller gave is sent as it is in every attempt.",
        ("sent.client_token", "idempotency.retry_token"),
        _given_in_every_attempt,
    )
    yield Case(
        "idempotency.token.given.called_again",
        "A caller who repeats a call under its token gets the first answer, and no second upgrade.",
        ("sent.call", "sent.client_token", "idempotency.started_once", "answer.own"),
        _called_again,
    )
    yield Case(
        "idempotency.token.made.form",
        "A token that the client makes is ASCII, not empty and at most 64 characters long.",
        ("sent.made_token", "sent.absent"),
        _made_form,
    )
    yield Case(
        "idempotency.token.made.every_attempt",
        "A token that the client makes is the same in every attempt of a call.",
        ("idempotency.retry_token", "idempotency.token_kept", "idempotency.started_once"),
        _made_in_every_attempt,
    )
    for name, (whose, differ) in _MADE.items():
        title = f"Tokens that the client makes are different for different calls ({whose})."
        yield Case(f"idempotency.token.made.{name}", title, ("idempotency.token_unique",), _unique(differ))
    yield Case(
        "idempotency.token.made.equal_calls",
        "Two equal calls do not share a token that the client made.",
        ("idempotency.token_of_content",),
        _equal_calls,
    )


def _given_in_every_attempt(stage: Stage) -> Iterator[Violation]:
    call, started = _repeated(stage, _with_token(stage.contract))
    for exchange in attempts(stage.contract, call):
        found = check_sent(stage.contract, call.request, exchange.request, stage.endpoint)
        yield from only(("sent.client_token",), found)
    yield from only(("idempotency.retry_token",), call_violations(stage.contract, call, started))


def _called_again(stage: Stage) -> Iterator[Violation]:
    contract, request = stage.contract, _with_token(stage.contract)
    stage.ready_again(request.instance_id)
    first = reached(stage.call(request))
    again = stage.call(request)
    if not again.exchanges:
        # the first answer is what the service would give, so that a client may have kept it
        if again.outcome.answer is None or again.outcome.answer != first.outcome.answer:
            got = f"{again.outcome.kind}, nothing was sent"
            yield contract.violation("sent.call", "call", got, "one POST, or the first answer")
        return
    found = check_sent(contract, request, attempts(contract, again)[-1].request, stage.endpoint)
    yield from only(("sent.client_token",), found)
    if stage.upgrades_started > 1:
        got = f"{stage.upgrades_started} upgrades by two calls with clientToken {TOKEN!r}"
        yield contract.violation("idempotency.started_once", "started", got, "one upgrade")
    if _amiss(contract, first) != _amiss(contract, again):
        error = again.outcome.error
        got = f"{again.outcome.kind}: {error.message if error else again.outcome.result!r}"
        yield contract.violation("answer.own", "call", cut(got), "the first answer, which the service gave again")


def _amiss(contract: Contract, call: Call) -> set[str]:
    """The rules that the outcome of a call breaks which the service answered with a success."""
    answer = attempts(contract, call)[-1].response
    return {found.rule.id for found in check_told(contract, answer, call.outcome)} if answer else set()


def _made(stage: Stage, calls: Iterable[Call]) -> list[Any]:
    """The tokens that the client made for calls without one. Raises `NotTestable` where one has none."""
    found = [token(stage.contract, exchange.request) for call in calls for exchange in call.exchanges[:1]]
    if not found or None in found:
        raise NotTestable("the client makes no clientToken for each call; tried: calls without a clientToken")
    return found


def _made_form(stage: Stage) -> Iterator[Violation]:
    call = stage.call(_without_token(stage.contract))
    _made(stage, [call])
    for exchange in call.exchanges:
        found = check_sent(stage.contract, call.request, exchange.request, stage.endpoint)
        yield from only(("sent.made_token", "sent.absent"), found)


def _made_in_every_attempt(stage: Stage) -> Iterator[Violation]:
    request = _without_token(stage.contract)
    _made(stage, [stage.call(request)])
    call, started = _repeated(stage, request)
    rules = ("idempotency.retry_token", "idempotency.token_kept", "idempotency.started_once")
    yield from only(rules, call_violations(stage.contract, call, started))


def _different(contract: Contract, number: int = 8) -> list[UpgradeRequest]:
    return [plain_call(contract, f"es-cn-token{index:012}") for index in range(number)]


def _one_after_another(stage: Stage) -> list[Call]:
    return [stage.call(request) for request in _different(stage.contract)]


def _other_content(stage: Stage) -> list[Call]:
    """One instance, and another version and type each time; those that mean the same by default are equal calls."""
    targets = [target for target in stage.contract.targets if None not in target]
    return [stage.call(replace(plain_call(stage.contract), version=v, type=t)) for v, t in targets]


def _clients_made_anew(stage: Stage) -> list[Call]:
    return [stage.call(request, stage.open()) for request in _different(stage.contract, 4)]


def _in_threads(stage: Stage) -> list[Call]:
    return stage.call_together(_different(stage.contract, 16))


def _after_a_check(stage: Stage) -> list[Call]:
    request = _without_token(stage.contract)
    return [stage.call(replace(request, dry_run=True)), stage.call(request)]


_MADE: Mapping[str, tuple[str, Callable[[Stage], list[Call]]]] = {
    "one_after_another": ("of one client, within one second", _one_after_another),
    "other_content": ("of one instance, to another version or type", _other_content),
    "clients_made_anew": ("of clients that are made anew", _clients_made_anew),
    "threads": ("at the same time", _in_threads),
    "after_a_check": ("a dry run, and the upgrade after it", _after_a_check),
}


def _unique(differ: Callable[[Stage], list[Call]]) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        made = _made(stage, differ(stage))
        shared = [one for one in dict.fromkeys(made) if made.count(one) > 1]
        if shared:
            got = f"{len(made)} calls, of which {made.count(shared[0])} had {shared[0]!r}"
            yield stage.contract.violation("idempotency.token_unique", "query.clientToken", got, "a token for each")

    return check


def _equal_calls(stage: Stage) -> Iterator[Violation]:
    request = _without_token(stage.contract)
    made = _made(stage, [stage.call(request), stage.call(request), stage.call(request, stage.open())])
    if len(set(made)) < len(made):
        got = f"{made[0]!r}, {made[1]!r}, and {made[2]!r} of a client made anew"
        yield stage.contract.violation("idempotency.token_of_content", "query.clientToken", got, "a token for each")


# --- one thing is lost ------------------------------------------------------------------------------


def _lost_cases() -> Iterator[Case]:
    for fault in MET:
        for name, ask in _TOKENS.items():
            title = (
                f"{name.replace('_', ' ').capitalize()}: {FAULTS[fault].title}, and no second upgrade is started, "
                "and nothing reported that is not so."
            )
            case = Case(f"idempotency.lost.{fault}.{name}", title, CALL_RULES, _lost(ask, fault))
            yield replace(case, timeout=SHORT_TIMEOUT, bound=SHORT_BOUND) if fault == "silence" else case
    yield Case(
        "idempotency.lost.refuse",
        "The connection is refused, and no upgrade is reported as started.",
        ("idempotency.success_without_start",),
        _refused,
    )


def _lost(ask: Callable[[Contract], UpgradeRequest], *faults: str) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        request = ask(stage.contract)
        stage.ready_again(request.instance_id)
        call, started = played(stage, request, *faults)
        yield from call_violations(stage.contract, call, started)

    return check


def _refused(stage: Stage) -> Iterator[Violation]:
    reached(stage.call(plain_call(stage.contract)))
    stage.fail_with("refuse")
    before = stage.upgrades_started
    call = stage.call(plain_call(stage.contract, "es-cn-refused00000000"))
    found = call_violations(stage.contract, call, stage.upgrades_started - before)
    yield from only(("idempotency.success_without_start",), found)


# --- what is certain --------------------------------------------------------------------------------


def _certain_cases() -> Iterator[Case]:
    """The instance is activating from the first upgrade on, as it would be."""
    for fault in MET:
        if FAULTS[fault].acted_on and fault != "silence":  # which takes time, and is asked about above
            title = f"The upgrade runs, and {FAULTS[fault].title}: it is not reported as refused."
            yield Case(f"idempotency.certain.{fault}", title, CALL_RULES, _certain(fault))


def _certain(fault: str) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        request = _without_token(stage.contract)
        stage.add_instance(request.instance_id)
        call, started = played(stage, request, fault)
        yield from call_violations(stage.contract, call, started)

    return check


# --- several things are lost, one after the other ----------------------------------------------------

_ROWS = (
    ("answer_lost_after_start", "answer_lost_after_start"),
    ("answer_lost_after_start", "throttled_429"),
    ("answer_lost_after_start", "unavailable_503"),
    ("close_early", "bad_gateway_html"),
    ("reset_after_reading", "answer_lost_after_start"),
    ("unavailable_503", "answer_lost_after_start"),
    ("throttled_429", "half_body"),
    ("bad_gateway_html", "half_head"),
    ("redirect_307", "answer_lost_after_start"),
    ("unavailable_503", "half_body", "throttled_429"),
    ("reset_after_reading", "close_early", "reset_after_reading"),
)


def _row_cases() -> Iterator[Case]:
    for row in _ROWS:
        for name, ask in _TOKENS.items():
            title = f"{name.replace('_', ' ').capitalize()}, and one thing after the other: {', then '.join(row)}."
            yield Case(f"idempotency.row.{'.'.join(row)}.{name}", title, CALL_RULES, _lost(ask, *row))


# --- attempts ---------------------------------------------------------------------------------------


def _attempt_cases(contract: Contract) -> Iterator[Case]:
    yield Case(
        "idempotency.attempts.same_request",
        "Attempts of one call that gives everything differ in nonce, date and signature alone.",
        ("idempotency.same_request", "idempotency.retry_token"),
        _same_request,
    )
    yield Case(
        "idempotency.attempts.nonce",
        "Every attempt has a nonce of its own, where there is one.",
        ("idempotency.nonce",),
        _nonce,
    )
    later = {slug(row.code): sample(contract, row.code) for row in contract.errors}
    later["forbidden"] = error_response(403, "Forbidden.RAM", "User not authorized to operate on the resource.")
    for name, answer in later.items():
        title = f"A later attempt that is answered with {answer.status} ({name.replace('_', ' ')}) is no success."

        def check(stage: Stage, answer: Any = answer) -> Iterator[Violation]:
            request = _with_token(stage.contract)
            fault = provoked(stage, request)
            stage.reply_with(answer)
            # What acts on the request takes an answer from the script as well, and starts nothing with it.
            call, _ = _surely_repeated(stage, fault, *played(stage, request, fault))
            yield from only(("error.as_success",), told_error(stage.contract, answer, call.outcome))

        yield Case(f"idempotency.attempts.later_error.{name}", title, ("error.as_success",), check)


def _same_request(stage: Stage) -> Iterator[Violation]:
    request = replace(full_call(stage.contract), dry_run=False)
    call, started = _repeated(stage, request)
    rules = ("idempotency.same_request", "idempotency.retry_token")
    yield from only(rules, call_violations(stage.contract, call, started))


def _nonce(stage: Stage) -> Iterator[Violation]:
    call, _ = _repeated(stage, _with_token(stage.contract))
    tried = attempts(stage.contract, call)
    nonces = [_nonces(exchange) for exchange in tried]
    if not all(nonces):
        raise NotTestable("the client sends no nonce; tried: a call that it repeats")
    shared = set(nonces[0]).intersection(*nonces[1:])
    if shared:
        got = f"{', '.join(sorted(shared))} in {len(tried)} attempts"
        yield stage.contract.violation("idempotency.nonce", "header", got, "another nonce in each attempt")


def _nonces(exchange: Exchange) -> list[str]:
    named = [*exchange.request.headers, *exchange.request.query]
    return [f"{name}={value}" for name, value in named if "nonce" in name.lower()]


# --- refusals ---------------------------------------------------------------------------------------

#: status → a code; 408 and 429 may be repeated.
_REFUSALS: Mapping[int, str] = {
    400: "InvalidParameter",
    401: "InvalidAccessKeyId.Inactive",
    403: "Forbidden.RAM",
    404: "InvalidAction.NotFound",
    405: "UnsupportedHTTPMethod",
    409: "ConcurrencyUpdateInstanceConflict",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "UnprocessableEntity",
}


def _refusal_cases(contract: Contract) -> Iterator[Case]:
    refusals = {str(status): error_response(status, code, "No.") for status, code in _REFUSALS.items()}
    refusals |= {slug(row.code): sample(contract, row.code) for row in contract.errors}
    for name, answer in refusals.items():

        def check(stage: Stage, answer: Any = answer) -> Iterator[Violation]:
            stage.reply_with(answer, times=_MOST_ATTEMPTS)
            stage.reply_with("all_passed")
            tried = attempts(stage.contract, reached(stage.call(_with_token(stage.contract))))
            if len(tried) > 1:
                got = f"{len(tried)} attempts, for the answer was {answer.status}"
                yield stage.contract.violation("idempotency.refusal_repeated", "request", got, "one attempt")

        title = f"What is refused with {answer.status} ({name.replace('_', ' ')}) is not asked again."
        yield Case(f"idempotency.refused.{name}", title, ("idempotency.refusal_repeated",), check)


# --- waiting ----------------------------------------------------------------------------------------


def _waiting_cases() -> Iterator[Case]:
    for fault in ("throttled_429", "unavailable_503"):
        for form in ("seconds", "date"):
            title = f"Retry-After as {form} is heeded, where {FAULTS[fault].title}."
            id_ = f"idempotency.retry_after.{fault}.{form}"
            yield Case(id_, title, ("idempotency.retry_after",), _wait(fault, form))


def _wait(fault: str, form: str) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        request = _with_token(stage.contract)
        provoked(stage, request, (fault,))
        client = stage.open()
        earlier = replace(request, instance_id="es-cn-before00000000", client_token=TOKEN[::-1])
        before = reached(stage.call(earlier, client)).exchanges[-1]
        # Whoever waits until that second waits longer than what is left of it from here, and `before` was earlier.
        now = time.time()
        until = int(now) + 2
        least, value = (1.0, 1) if form == "seconds" else (until - now, formatdate(until, usegmt=True))
        stage.fail_with(fault, retry_after=value)
        tried = attempts(stage.contract, stage.call(request, client))
        if len(tried) < 2:
            raise NotTestable(f"the client does not wait but gives up; tried: {fault} with Retry-After as {form}")
        waited = tried[1].started - (tried[0].started if form == "seconds" else before.ended)
        if waited < least - _CLOCKS:
            got = f"the next attempt after {waited:.2f} s, for Retry-After was {value}"
            yield stage.contract.violation("idempotency.retry_after", "request", got, f"not before {least:.2f} s")

    return check


# --- bounds -----------------------------------------------------------------------------------------


def _bound_cases() -> Iterator[Case]:
    for fault in ("reset_after_reading", "close_early", "unavailable_503", "throttled_429", "bad_gateway_html"):
        title = f"The number of attempts is bounded, though every time {FAULTS[fault].title}."
        yield Case(f"idempotency.bounded.{fault}", title, ("idempotency.bounded",), _bounded(fault, _MOST_ATTEMPTS))
    title = "The number of redirects that are followed is bounded."
    check = _bounded("redirect_307", _MOST_REDIRECTS)
    yield Case("idempotency.bounded.redirect_307", title, ("idempotency.bounded",), check)


def _bounded(fault: str, most: int) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        options = {"retry_after": 0} if "retry_after" in FAULTS[fault].options else {}
        stage.fail_with(fault, most, **options)
        tried = attempts(stage.contract, stage.call(_with_token(stage.contract)))
        if len(tried) < 2:
            raise NotTestable(f"the client made no second attempt; tried: {fault}, {most} times")
        if not stage.script_left:
            got = f"{len(tried)} attempts at one call"
            yield stage.contract.violation("idempotency.bounded", "request", got, f"fewer than {most}")

    return check
