"""What holds for every call, whatever was lost on its way: its attempts, the upgrades it started, and what was told.

An attempt is a request that asks for what was called. A HEAD, the GET that a redirect became and a dry
run beside a real call are none. Which attempt started an upgrade follows from the journal: the service
acts on a request unless its fault comes before that, and on each token once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from ..contract import Contract
from ..errors import NotTestable
from ..faults import FAULTS, Due
from ..messages import ErrorInfo, Exchange, HttpRequest, HttpResponse, UpgradeRequest, Violation
from ..plans import Send
from ..rules.request import read_wire
from ..rules.response import SUCCESS_STATUSES
from ..rules.sent import upgrade_requests
from ..rules.text import cut, shown
from ..rules.told import said_by, told_no_success
from ..stage import Call, OpenClient, Stage

#: The rules that `call_violations` may find broken.
CALL_RULES = (
    "idempotency.started_once",
    "idempotency.retry_token",
    "idempotency.token_kept",
    "idempotency.same_request",
    "idempotency.certain",
    "idempotency.last_answer",
    "idempotency.success_without_start",
    "error.as_success",
    "error.no_answer_as_success",
)

#: A later attempt that is told this has met a busy service, and learnt nothing of the upgrade; callers know that.
_COME_AGAIN = (408, 429, *range(500, 600))
#: An answer of these says of itself that the request was not acted on; any other answer, or none, leaves it open.
_NOT_DONE = (*range(300, 500), 503)
_LONGEST_STORY = 400


def played(stage: Stage, request: UpgradeRequest, *faults: str, client: OpenClient | None = None) -> tuple[Call, int]:
    """A call during which these faults are played, one an attempt, and how many upgrades it started.

    Raises `NotTestable` where not all of them were reached.
    """
    for fault in faults:
        stage.fail_with(fault)
    before = stage.upgrades_started
    call = stage.call(request, client)
    if stage.script_left:
        reached = len(faults) - stage.script_left
        raise NotTestable(f"the call ended after {reached} of {len(faults)} faults; tried: {', '.join(faults)}")
    return call, stage.upgrades_started - before


def attempts(contract: Contract, call: Call) -> list[Exchange]:
    """The attempts of a call, in the order in which they arrived."""
    wanted = set(map(id, upgrade_requests(call.exchanges)))
    found = [exchange for exchange in call.exchanges if id(exchange.request) in wanted]
    if call.request.dry_run is True:
        return found
    return [exchange for exchange in found if not is_dry_run(contract, exchange.request)] or found


def is_dry_run(contract: Contract, request: HttpRequest) -> bool:
    """Whether a request asks for a check alone."""
    return _query(contract, request).get("dryRun") is True


def token(contract: Contract, request: HttpRequest) -> Any:
    """The clientToken of a request, None where it has none."""
    return _query(contract, request).get("clientToken")


def _query(contract: Contract, request: HttpRequest) -> dict[str, Any]:
    return read_wire(contract, request)[1].get("query", {})  # type: ignore[no-any-return]  # a document's place


def call_violations(contract: Contract, call: Call, started: int) -> Iterator[Violation]:
    """Every rule that a call breaks by its attempts and by what its caller was told.

    `started` is how many upgrades it started. The call has met the service itself, not its script alone.
    """
    tried = attempts(contract, call)
    if call.request.dry_run is not True:
        yield from _started_once(contract, tried, started)
        yield from _retry_token(contract, call.request, tried)
    yield from _same_request(contract, tried)
    if call.outcome.kind == "ok" and call.outcome.error is None:
        yield from _success(contract, call, tried, started)
    elif call.outcome.error is not None and started:
        yield from _certain(contract, call, call.outcome.error, starters(contract, tried, started))


# --- what was sent --------------------------------------------------------------------------------


def _started_once(contract: Contract, tried: Sequence[Exchange], started: int) -> Iterator[Violation]:
    if started > 1:
        by = _story(contract, tried, starters(contract, tried, started))
        yield contract.violation("idempotency.started_once", "started", f"{started} upgrades, by {by}", "one upgrade")


def _retry_token(contract: Contract, asked: UpgradeRequest, tried: Sequence[Exchange]) -> Iterator[Violation]:
    """A token that was given is the same because it is the caller's; one that the client makes, because it kept it."""
    if len(tried) < 2:
        return
    first = token(contract, tried[0].request) if asked.client_token is None else asked.client_token
    for index, exchange in enumerate(tried[1:], start=1):
        open_before = any(not surely_not_done(earlier) for earlier in tried[:index])
        sent = token(contract, exchange.request)
        as_good_as_first = first is None and not open_before  # for the earlier ones did nothing
        if (sent is None or sent != first) and not as_good_as_first:
            story = _story(contract, tried, range(index + 1))
            expected = "no further attempt without a clientToken" if first is None else f"clientToken {shown(first)}"
            harmless = asked.client_token is None and not open_before
            rule = "idempotency.token_kept" if harmless else "idempotency.retry_token"
            yield contract.violation(rule, f"attempt {index + 1}", story, expected)
            return


def _same_request(contract: Contract, tried: Sequence[Exchange]) -> Iterator[Violation]:
    for number, exchange in enumerate(tried[1:], start=2):
        before, after = _shape(contract, tried[0].request), _shape(contract, exchange.request)
        for where in before:
            if before[where] != after[where]:
                got, expected = shown(after[where]), f"{shown(before[where])} as in attempt 1"
                yield contract.violation("idempotency.same_request", f"attempt {number}: {where}", got, expected)


def _shape(contract: Contract, request: HttpRequest) -> dict[str, Any]:
    """What must be the same in every attempt. The token has a rule of its own; all else may be a signature's.

    dryRun=false and none are the same (reading `dry-run-default`).
    """
    document = read_wire(contract, request)[1]
    same = {name: value for name, value in document["query"].items() if name in contract.parameters}
    query = {name: value for name, value in same.items() if name != "clientToken" and value is not False}
    return {"method": request.method, "path": request.path, "query": query, "body": document.get("body", request.body)}


# --- what was told --------------------------------------------------------------------------------


def _success(contract: Contract, call: Call, tried: Sequence[Exchange], started: int) -> Iterator[Violation]:
    if any(_answered_with_success(exchange) for exchange in tried):
        return
    story = _story(contract, tried, range(len(tried)))
    if not started and call.request.dry_run is not True:
        yield from told_no_success(
            contract, call.outcome, "idempotency.success_without_start", f"no upgrade was started: {story}"
        )
        return
    rule = "error.as_success" if tried and is_whole(tried[-1]) else "error.no_answer_as_success"
    yield from told_no_success(contract, call.outcome, rule, f"no success was answered: {story}")


def _certain(contract: Contract, call: Call, error: ErrorInfo, by: Sequence[int]) -> Iterator[Violation]:
    """Certain is what no answer of this call said, and what a later answer said of an upgrade that ran already."""
    tried = attempts(contract, call)
    said = [said_by(exchange.response) for exchange in call.exchanges if exchange.response is not None]
    invented = {
        "error.code": error.code in {row.code for row in contract.errors} - {one["code"] for one in said},
        "error.http_status": (error.http_status or 0) >= 400 and error.http_status not in _statuses(said),
    }
    found = [("idempotency.certain", where, "which no answer said") for where, is_so in invented.items() if is_so]
    later = [exchange.response for exchange in tried[min(by, default=len(tried)) + 1 :] if exchange.response]
    for answer in later:
        if error.code is not None and said_by(answer)["code"] == error.code:
            rule = "idempotency.last_answer" if answer.status in _COME_AGAIN else "idempotency.certain"
            found.append((rule, "error.code", f"which a later attempt was told ({answer.status})"))
    for rule, where, why in dict.fromkeys(found):
        told = shown(error.code if where == "error.code" else error.http_status)
        got = f"{told}, {why}; the upgrade was started by {_story(contract, tried, by)}"
        yield contract.violation(rule, where, got, "an error that leaves open whether the upgrade was started")


def _statuses(said: Iterable[Mapping[str, Any]]) -> set[Any]:
    return {one["http_status"] for one in said}


# --- what the journal says ------------------------------------------------------------------------


def starters(contract: Contract, tried: Sequence[Exchange], started: int) -> list[int]:
    """Which of the attempts started those upgrades, by index."""
    tokens: set[Any] = set()
    found = []
    for index, exchange in enumerate(tried):
        sent = token(contract, exchange.request)
        if _acted_on(exchange) and (sent is None or sent not in tokens):
            found.append(index)
            tokens.add(sent)
    return found[:started]


def _acted_on(exchange: Exchange) -> bool:
    if exchange.fault is None:
        return _answered_with_success(exchange)
    if exchange.response is None or exchange.fault == "bad_gateway_html":  # a gateway speaks for a service behind it
        return FAULTS[exchange.fault].acted_on
    return FAULTS[exchange.fault].acted_on and exchange.response.status in SUCCESS_STATUSES


def surely_not_done(exchange: Exchange) -> bool:
    """Whether the attempt's own answer says that nothing was done."""
    return exchange.response is not None and is_whole(exchange) and exchange.response.status in _NOT_DONE


def _answered_with_success(exchange: Exchange) -> bool:
    return exchange.response is not None and is_whole(exchange) and exchange.response.status in SUCCESS_STATUSES


def is_whole(exchange: Exchange) -> bool:
    """Whether the answer went out whole, in whatever form."""
    return exchange.response is not None and (exchange.fault is None or _sends_whole(exchange.fault))


@lru_cache(maxsize=len(FAULTS))
def _sends_whole(fault: str) -> bool:
    steps = FAULTS[fault].make(Due(HttpResponse(200, body=b"{}"))).steps
    return any(isinstance(step, Send) and step.whole for step in steps)


def _story(contract: Contract, tried: Sequence[Exchange], which: Sequence[int]) -> str:
    return cut(" and ".join(_told(contract, index, tried[index]) for index in which), _LONGEST_STORY) or "no attempt"


def _told(contract: Contract, index: int, exchange: Exchange) -> str:
    sent = token(contract, exchange.request)
    words = ["no clientToken" if sent is None else f"clientToken {shown(sent)}"]
    words += ["dryRun=true"] if is_dry_run(contract, exchange.request) else []
    words += [exchange.fault] if exchange.fault else []
    words += [f"answered {exchange.response.status}"] if exchange.response is not None else ["no answer"]
    return f"attempt {index + 1} ({', '.join(words)})"
