"""Family `dry_run`: asking must not start, and what is asked for is not turned into asking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..contract import Contract
from ..faults import FAULTS
from ..messages import LEVELS, HttpResponse, UpgradeRequest, Violation
from ..rules.response import SUCCESS_STATUSES
from ..rules.told import told_error, told_success
from ..samples import error_response, sample
from ..stage import Call, OpenClient, Stage
from ..values import TOKEN
from .asking import only, plain_call, reached, slug
from .attempts import attempts, is_dry_run, played
from .case import Case
from .idempotency_cases import MET, SHORT_BOUND, SHORT_TIMEOUT

Check = Callable[[Stage], Iterable[Violation]]

_STARTED = ("dry_run.started", "sent.dry_run")
_REAL = ("dry_run.real", "sent.dry_run")
#: So many failed checks, and then one that passes: whoever asks until it does comes to an end.
_MOST_CHECKS = 10


def dry_run_cases(contract: Contract) -> list[Case]:
    """All cases of the family."""
    return [
        *_check_cases(contract),
        *_fault_cases(),
        *_refused_cases(contract),
        *_order_cases(),
        *_real_cases(),
        *_flow_cases(contract),
    ]


def _check_of(contract: Contract, instance_id: str | None = None, *, with_token: bool = False) -> UpgradeRequest:
    asked = plain_call(contract) if instance_id is None else plain_call(contract, instance_id)
    return replace(asked, dry_run=True, client_token=TOKEN if with_token else None)


def started_by_checks(contract: Contract, calls: Iterable[Call], started: int) -> Iterator[Violation]:
    """What dry runs started, and which of their requests are no dry runs. Nothing else may have been called."""
    for call in calls:
        for number, exchange in enumerate(attempts(contract, call), start=1):
            if not is_dry_run(contract, exchange.request):
                got = f"attempt {number} without dryRun=true: {exchange.request.target}"
                yield contract.violation("sent.dry_run", "query.dryRun", got, "true in every attempt of a dry run")
    if started:
        got = f"{started} upgrade{'s' * (started > 1)}"
        yield contract.violation("dry_run.started", "started", got, "none by a dry run")


# --- a check by itself ------------------------------------------------------------------------------


def _check_cases(contract: Contract) -> Iterator[Case]:
    for version, type_ in contract.targets:
        for token in (None, TOKEN):
            request = replace(_check_of(contract), version=version, type=type_, client_token=token)
            words = [slug(value) for value in (version, type_) if value] or ["nothing"]
            words += ["token"] if token else []
            title = f"A dry run starts nothing ({', '.join(words)})."
            yield Case(f"dry_run.check.{'.'.join(words)}", title, _STARTED, _starts_nothing(request))
    title = "A dry run that passes is not followed by the upgrade."
    yield Case("dry_run.check.on_a_used_client", title, _STARTED, _on_a_used_client)
    for name, failing in {"one": 1, "all": 4}.items():
        title = f"A dry run in which {name} of the checks fail{'s' * (failing == 1)} starts nothing."
        yield Case(f"dry_run.failing.{name}", title, _STARTED, _failing(failing))
    title = "A check that fails is not asked again until it passes."
    yield Case("dry_run.failing.not_repeated", title, ("dry_run.repeated",), _not_repeated)


def _starts_nothing(request: UpgradeRequest) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        stage.ready_again(request.instance_id)
        call = reached(stage.call(request))
        yield from started_by_checks(stage.contract, [call], stage.upgrades_started)

    return check


def _on_a_used_client(stage: Stage) -> Iterator[Violation]:
    request = _check_of(stage.contract)
    stage.ready_again(request.instance_id)
    calls = [reached(stage.call(request)) for _ in range(3)]
    yield from started_by_checks(stage.contract, calls, stage.upgrades_started)


def _failing(number: int) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        request = _check_of(stage.contract)
        stage.add_instance(request.instance_id, failing=stage.contract.enum("validateType")[:number])
        call = reached(stage.call(request))
        yield from started_by_checks(stage.contract, [call], stage.upgrades_started)

    return check


def _not_repeated(stage: Stage) -> Iterator[Violation]:
    stage.reply_with("success", times=_MOST_CHECKS)  # the documented one, in which every check fails
    stage.reply_with("all_passed")
    call = reached(stage.call(_check_of(stage.contract)))
    if len(call.exchanges) > 1:
        got = f"{len(call.exchanges)} requests, for the checks had failed"
        yield stage.contract.violation("dry_run.repeated", "request", got, "one")


# --- what goes wrong --------------------------------------------------------------------------------


def _fault_cases() -> Iterator[Case]:
    for fault in MET:
        title = f"A dry run starts nothing, though {FAULTS[fault].title}."
        case = Case(f"dry_run.fault.{fault}", title, _STARTED, _after(fault))
        yield replace(case, timeout=SHORT_TIMEOUT, bound=SHORT_BOUND) if fault == "silence" else case
    for row in (("reset_after_reading", "unavailable_503"), ("throttled_429", "half_body", "close_early")):
        title = f"A dry run starts nothing after {', then '.join(row)}."
        yield Case(f"dry_run.row.{'.'.join(row)}", title, _STARTED, _after(*row))


def _after(*faults: str) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        request = _check_of(stage.contract, with_token=True)
        stage.ready_again(request.instance_id)
        call, started = played(stage, request, *faults)
        yield from started_by_checks(stage.contract, [call], started)
        # a client that takes lost checks for passed ones may go on with the next call
        again = stage.call(request)
        yield from started_by_checks(stage.contract, [again], stage.upgrades_started - started)

    return check


def _refused_cases(contract: Contract) -> Iterator[Case]:
    answers = {slug(row.code): sample(contract, row.code) for row in contract.errors}
    answers["dry_run_not_supported"] = error_response(400, "InvalidParameter", "dryRun is not supported.")
    answers["forbidden"] = error_response(403, "Forbidden.RAM", "User not authorized to operate on the resource.")
    answers["method_not_allowed"] = error_response(405, "UnsupportedHTTPMethod", "This http method is not supported.")
    answers["internal_error"] = error_response(500, "InternalError", "An internal error occurred.")
    for name, answer in answers.items():
        title = f"No real call follows a dry run that is refused with {answer.status} ({name.replace('_', ' ')})."
        yield Case(f"dry_run.refused.{name}", title, _STARTED, _refused(answer))


def _refused(answer: HttpResponse) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        stage.reply_with(answer)
        call = reached(stage.call(_check_of(stage.contract)))
        yield from started_by_checks(stage.contract, [call], stage.upgrades_started)

    return check


# --- beside real calls ------------------------------------------------------------------------------


def _order_cases() -> Iterator[Case]:
    title = "A dry run starts nothing after a real call, of the same instance and of another."
    yield Case("dry_run.after_a_real_call", title, _STARTED, _after_real(None))
    title = "A dry run starts nothing after a real call under the same token."
    yield Case("dry_run.after_a_real_call.same_token", title, _STARTED, _after_real(TOKEN))
    title = "A dry run starts nothing after a real call whose answer was lost."
    yield Case("dry_run.after_a_lost_call", title, _STARTED, _after_lost)
    title = "Of dry runs and real calls at the same time, the real ones alone start upgrades."
    yield Case("dry_run.threads", title, (*_STARTED, "dry_run.real"), _in_threads)


def _after_real(token: str | None) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        real = replace(plain_call(stage.contract), client_token=token)
        other = plain_call(stage.contract, "es-cn-checked00000000")
        stage.ready_again(real.instance_id)
        stage.ready_again(other.instance_id)
        reached(stage.call(real))
        before = stage.upgrades_started
        calls = [stage.call(replace(request, dry_run=True)) for request in (real, replace(other, client_token=token))]
        yield from started_by_checks(stage.contract, calls, stage.upgrades_started - before)

    return check


def _after_lost(stage: Stage) -> Iterator[Violation]:
    request = plain_call(stage.contract)
    stage.ready_again(request.instance_id)
    played(stage, request, "answer_lost_after_start")
    before = stage.upgrades_started
    call = stage.call(replace(request, dry_run=True))
    yield from started_by_checks(stage.contract, [call], stage.upgrades_started - before)


def _in_threads(stage: Stage) -> Iterator[Violation]:
    contract = stage.contract
    requests = [plain_call(contract, f"es-cn-thread{number:09}") for number in range(16)]
    requests = [replace(request, dry_run=number % 2 == 0) for number, request in enumerate(requests)]
    for request in requests:
        stage.add_instance(request.instance_id)
    calls = stage.call_together(requests)
    checks, real = calls[0::2], calls[1::2]
    yield from started_by_checks(contract, checks, max(0, stage.upgrades_started - len(real)))
    for call in real:
        yield from _turned(contract, reached(call))


# --- a real call is a real call ---------------------------------------------------------------------


def _real_cases() -> Iterator[Case]:
    for name, dry_run in {"false": False, "not_given": None}.items():
        for with_token in (False, True):
            title = f"With dry_run {name.replace('_', ' ')} an upgrade is started{' under a token' * with_token}."
            id_ = f"dry_run.real.{name}{'.token' * with_token}"
            yield Case(id_, title, _REAL, _is_real(dry_run=dry_run, with_token=with_token))
        title = f"With dry_run {name.replace('_', ' ')} an upgrade is started, though a dry run came before."
        yield Case(
            f"dry_run.real.{name}.after_a_check", title, _REAL, _is_real(dry_run=dry_run, with_token=False, check=True)
        )
    title = "A call is real under the token that a dry run was made with."
    yield Case("dry_run.real.token_of_a_check", title, _REAL, _is_real(dry_run=None, with_token=True, check=True))
    title = "A call whose checks fail is a real one, and starts nothing."
    yield Case("dry_run.real.failing", title, _REAL, _failing_real)


def _is_real(*, dry_run: bool | None, with_token: bool, check: bool = False) -> Check:
    def check_it(stage: Stage) -> Iterator[Violation]:
        request = _check_of(stage.contract, with_token=with_token)
        stage.add_instance(request.instance_id)
        if check:
            reached(stage.call(request))
        before = stage.upgrades_started
        call = stage.call(replace(request, dry_run=dry_run))
        yield from _turned(stage.contract, call)
        if stage.upgrades_started == before and call.outcome.kind == "ok" and call.outcome.error is None:
            yield stage.contract.violation("dry_run.real", "started", "none, and a success reported", "one upgrade")
        else:
            reached(call)

    return check_it


def _turned(contract: Contract, call: Call) -> Iterator[Violation]:
    """A real call of which nothing but dry runs was sent. A check before it is judged by `sent.extra_call`."""
    sent = [exchange.request for exchange in call.exchanges]
    if sent and all(is_dry_run(contract, request) for request in sent):
        got = f"dryRun=true: {sent[0].target}"
        yield contract.violation("dry_run.real", "query.dryRun", got, "a call that is no dry run")


def _failing_real(stage: Stage) -> Iterator[Violation]:
    request = plain_call(stage.contract)
    stage.add_instance(request.instance_id, failing=stage.contract.enum("validateType")[:1])
    yield from _turned(stage.contract, reached(stage.call(request)))


# --- the flow that people follow --------------------------------------------------------------------

#: What each step does to the world before its call: the state of the instance, or None to leave it.
_STEPS: Mapping[str, tuple[bool, Mapping[str, object] | None]] = {
    "check": (True, {"failing": ("checkClusterHealth", "checkClusterSnapshot")}),
    "still failing": (False, None),
    "repaired, check": (True, {}),
    "upgrade": (False, None),
    "called too early": (False, None),
    "checked too early": (True, None),
    "done, check of the next": (True, {"version": "6.7"}),
}


def _flow_cases(contract: Contract) -> Iterator[Case]:
    wanted = ("answer.", "error.", "sent.")
    told = tuple(rule.id for rule in contract.rules.values() if rule.id.startswith(wanted) and rule.level == LEVELS[0])
    told = (*told, "answer.failed_check_raised", "error.message", "error.http_status", "error.request_id")
    rules = (*_STARTED, "dry_run.real", *(rule for rule in told if rule != "sent.dry_run"))
    flow = "check, failures, repair, check, upgrade, InstanceActivating, done"
    title = f"Every step of the flow is told as it happened: {flow}."
    yield Case("dry_run.flow", title, rules, _flow(rules))
    yield Case("dry_run.flow.fresh_clients", f"{title[:-1]}; a client for each.", rules, _flow(rules, fresh=True))
    yield Case("dry_run.flow.tokens", f"{title[:-1]}; under tokens.", rules, _flow(rules, tokens=True))


def _flow(rules: Sequence[str], *, fresh: bool = False, tokens: bool = False) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        client: OpenClient | None = None
        patch = stage.contract.targets[-1]
        for number, (name, (dry_run, state)) in enumerate(_STEPS.items()):
            request = replace(plain_call(stage.contract), dry_run=dry_run)
            if tokens:
                request = replace(request, client_token=f"step-{number}")
            if "next" in name:
                request = replace(request, version=patch[0], type=patch[1])
            if state is not None:
                stage.add_instance(request.instance_id, **state)  # type: ignore[arg-type]  # a row of the table
            client = stage.open() if fresh or client is None else client
            before = stage.upgrades_started
            call = stage.call(request, client)
            yield from only(rules, _step(stage, call, stage.upgrades_started - before))

    return check


def _step(stage: Stage, call: Call, started: int) -> Iterator[Violation]:
    contract = stage.contract
    if call.request.dry_run:
        yield from started_by_checks(contract, [call], started)
    else:
        yield from _turned(contract, call)
    answer = attempts(contract, call)[-1].response if call.exchanges else None
    if answer is None:
        got = f"{call.outcome.kind}, nothing was sent"
        yield contract.violation("sent.call", "call", got, "one POST")
    elif answer.status in SUCCESS_STATUSES:
        yield from told_success(contract, answer, call.outcome)
    else:
        yield from told_error(contract, answer, call.outcome)
