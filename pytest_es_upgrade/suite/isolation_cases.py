"""Family `isolation`: calls, threads and clients do not touch each other.

No case waits for more than one call to have arrived: a client may serve calls one after the other. What
a call sends and gets beside others is compared with what it sends and gets alone, at another service.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import combinations

from ..contract import Contract, Target
from ..errors import NotTestable
from ..faults import FAULTS
from ..messages import Endpoint, Exchange, UpgradeRequest, Violation
from ..rules.sent import check_sent
from ..rules.text import cut, shown
from ..rules.told import check_told, said_by
from ..stage import Call, Stage
from ..values import TOKEN
from .asking import full_call, insists_on_a_version, plain_call, reached, versioned_targets
from .attempts import attempts, played, token
from .case import Case

Check = Callable[[Stage], Iterable[Violation]]
#: What is wrong with a call, by rule and place.
Found = Mapping[tuple[str, str], Violation]

#: Seconds that a client has to close.
_CLOSING = 5.0
_AT_ONCE = 16


def isolation_cases(_contract: Contract) -> list[Case]:
    """All cases of the family."""
    return [*_client_cases(), *_call_cases(), *_together_cases(), *_token_cases(), *_usable_cases()]


# --- two clients ------------------------------------------------------------------------------------


def _client_cases() -> Iterator[Case]:
    orders = {"in_turn": "ABAB", "last_made_first": "BA", "one_many_times": "AAABBBA", "many_calls": "AB" * 10}
    for name, order in orders.items():
        title = f"Two clients of two endpoints send to their own, called in the order {order}."
        yield Case(f"isolation.clients.endpoints.{name}", title, ("isolation.endpoint",), _own_endpoints(order))
    title = "Two clients show their own credentials."
    yield Case("isolation.clients.credentials", title, ("isolation.credentials",), _own_credentials)
    title = "Two clients get their own answers."
    yield Case("isolation.clients.answers", title, ("isolation.own_answer",), _own_answers)
    title = "What one client was asked is not in what another one sends."
    yield Case("isolation.clients.values", title, ("isolation.own_request",), _own_values)


def _two(stage: Stage, order: str) -> Iterator[tuple[Stage, Stage, Call]]:
    """For each letter a call on the client of that endpoint: its stage, the other one, and the call."""
    other = stage.beside()
    sides = {"A": (stage, other, stage.open()), "B": (other, stage, other.open())}
    for number, letter in enumerate(order):
        own, foreign, client = sides[letter]
        request = plain_call(stage.contract, f"es-cn-{letter.lower()}{number:014}")
        _add(own, request, number)
        yield own, foreign, own.call(request, client)


def _add(stage: Stage, request: UpgradeRequest, number: int) -> None:
    """Add the request's instance; each number fails other checks, so that sixteen answers can be told apart."""
    checks = stage.contract.enum("validateType")
    subsets = [subset for size in range(len(checks) + 1) for subset in combinations(checks, size)]
    stage.add_instance(request.instance_id, failing=subsets[number % len(subsets)])


def _own_endpoints(order: str) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        arrived = 0
        for own, foreign, call in _two(stage, order):
            strays = [one.request for one in foreign.journal if call.request.instance_id in one.request.path]
            arrived += len(call.exchanges) + len(strays)
            for request in strays[:1]:
                got = f"{request.method} {request.path} at {foreign.endpoint.netloc}"
                yield stage.contract.violation("isolation.endpoint", "request", got, f"it at {own.endpoint.netloc}")
        if not arrived:
            raise NotTestable("nothing reached an endpoint; tried: two clients, called in turn")

    return check


def _own_credentials(stage: Stage) -> Iterator[Violation]:
    some = False
    for own, foreign, call in _two(stage, "ABAB"):
        for exchange in call.exchanges:
            some = some or _shows(exchange, own.endpoint) or _shows(exchange, foreign.endpoint)
            if _shows(exchange, foreign.endpoint):
                got, expected = foreign.endpoint.access_key_id, own.endpoint.access_key_id
                yield stage.contract.violation("isolation.credentials", "request", got, expected)
    if not some:
        raise NotTestable("no access key id is on the wire; tried: two clients with two pairs of credentials")


def _shows(exchange: Exchange, endpoint: Endpoint) -> bool:
    request = exchange.request
    return endpoint.access_key_id in f"{request.target} {request.headers} {request.body!r}"


def _own_answers(stage: Stage) -> Iterator[Violation]:
    """What two clients share they share with any third: nothing here can be called alone."""
    contract, calls = stage.contract, [reached(call) for _, _, call in _two(stage, "ABBA")]
    for call in calls:
        wrong = _told(contract, call)
        for other in calls:
            if wrong and not _told(contract, replace(call, exchanges=other.exchanges)):
                got = f"the answer to {other.request.instance_id}"
                expected = f"that to {call.request.instance_id}"
                yield contract.violation("isolation.own_answer", "answer", got, expected)


def _own_values(stage: Stage) -> Iterator[Violation]:
    contract, other = stage.contract, stage.beside()
    bare = UpgradeRequest("es-cn-bare0000000000", *contract.targets[-1])
    alone = _sent(contract, other.call(bare))
    given = replace(full_call(contract, "es-cn-given000000000"), dry_run=False)
    reached(stage.call(given))
    for side in (stage, other):
        call = side.call(bare, side.open())
        yield from _only_here(contract, "isolation.own_request", _sent(contract, call), alone)
        yield from _foreign_token(contract, call, {TOKEN})


# --- many calls of one client -----------------------------------------------------------------------


def _call_cases() -> Iterator[Case]:
    rules = ("isolation.own_request", "isolation.own_answer")
    title = "One client for many calls: each sends its own values, and gets its own answer."
    yield Case("isolation.calls.many", title, rules, _many_calls)
    title = "A token that was given once does not come back in a later call."
    yield Case("isolation.calls.token_not_kept", title, ("isolation.own_request",), _token_not_kept)
    title = "The caller's request stays as it was, whatever happens to the call."
    yield Case("isolation.calls.request_unchanged", title, ("client.request_changed",), _unchanged)


def _requests(
    contract: Contract, targets: Sequence[Target] | None = None, *, real: bool = False
) -> list[UpgradeRequest]:
    """Calls that differ in everything; `real` ones are upgrades, all of them. Without `targets` each has a version."""
    dry_runs = (None,) if real else (True, False, None)
    targets = targets or versioned_targets(contract)
    return [
        UpgradeRequest(
            f"es-cn-own{number:012}",
            *targets[-1 if real else number % len(targets)],
            client_token=f"token-of-call-{number}" if number % 3 else None,
            dry_run=dry_runs[number % len(dry_runs)],
        )
        for number in range(_AT_ONCE)
    ]


def _many_calls(stage: Stage) -> Iterator[Violation]:
    contract, alone = stage.contract, stage.beside()
    for number, request in enumerate(_requests(contract, contract.targets)[::2]):
        for side in (stage, alone):
            _add(side, request, number)
        fresh, call = alone.call(request, alone.open()), stage.call(request)
        if insists_on_a_version(fresh) and insists_on_a_version(call):
            continue
        reached(fresh)
        yield from _only_here(contract, "isolation.own_request", _sent(contract, call), _sent(contract, fresh))
        yield from _only_here(contract, "isolation.own_answer", _told(contract, call), _told(contract, fresh))


def _token_not_kept(stage: Stage) -> Iterator[Violation]:
    contract = stage.contract
    stage.call(replace(plain_call(contract, "es-cn-given000000000"), client_token=TOKEN))
    later = reached(stage.call(plain_call(contract, "es-cn-later000000000")))
    yield from _foreign_token(contract, later, {TOKEN})


def _foreign_token(contract: Contract, call: Call, given: AbstractSet[str]) -> Iterator[Violation]:
    """A token that was given to other calls stands in this one, which was given none."""
    for exchange in call.exchanges[:1]:
        sent = token(contract, exchange.request)
        if sent in given:
            got = f"{shown(sent)}, which was given to another call"
            yield contract.violation("isolation.own_request", "query.clientToken", got, "none, or a new one")


def _unchanged(stage: Stage) -> Iterator[Violation]:
    """The question is answered by what is looked at in every case."""
    request = full_call(stage.contract)
    for fault in ("unavailable_503", "close_early", "half_body"):
        stage.fail_with(fault)
        stage.call(request)
    stage.reply_with("InstanceNotFound")
    stage.call(request)
    stage.call_together([full_call(stage.contract, f"es-cn-same{number:011}") for number in range(4)])
    if not stage.journal:
        raise NotTestable("nothing reached the wire; tried: calls with everything given")
    yield from ()


# --- calls at the same time -------------------------------------------------------------------------


def _together_cases() -> Iterator[Case]:
    rules = ("isolation.own_request", "isolation.own_answer", "isolation.exception")
    titles = {
        "dry_runs_and_upgrades": "Sixteen calls at once: each sends its own request, and gets its own answer.",
        "upgrades": "Sixteen upgrades at once: each sends its own request, and gets its own answer.",
        "half_refused": "Sixteen calls at once, half of them refused: each gets its own answer or error.",
    }
    for name, title in titles.items():
        check = _together(real=name == "upgrades", refused=name == "half_refused")
        yield Case(f"isolation.together.{name}", title, rules, check)
    title = "Sixteen calls at once on a client that was called before."
    yield Case("isolation.together.used_client", title, rules, _together(real=True, refused=True, used=True))


def _together(*, real: bool, refused: bool, used: bool = False) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        contract, requests, alone = stage.contract, _requests(stage.contract, real=real), stage.beside()
        for side in (stage, alone):
            for number, request in enumerate(requests):
                if number % 2 or not refused:
                    _add(side, request, number)
        if used:
            stage.call(requests[1])
            alone.call(requests[1])
        calls = stage.call_together(requests)
        if not any(call.exchanges for call in calls):
            raise NotTestable(f"nothing reached the wire; tried: {_AT_ONCE} calls at once")
        given = {request.client_token for request in requests} - {None}
        for call in calls:
            yield from _beside_others(contract, call, alone.call(call.request, alone.open()))
            if call.request.client_token is None:
                yield from _foreign_token(contract, call, given)

    return check


def _beside_others(contract: Contract, call: Call, alone: Call) -> Iterator[Violation]:
    yield from _only_here(contract, "isolation.own_request", _sent(contract, call), _sent(contract, alone))
    yield from _only_here(contract, "isolation.own_answer", _told(contract, call), _told(contract, alone))
    if _told_success(call) != _told_success(alone) and not _told_success(call):
        error = call.outcome.error
        got = f"{error.type}: {error.message or error.text}" if error else call.outcome.kind
        expected = "a success, as when it is called alone"
        yield contract.violation("isolation.exception", f"call {call.request.instance_id}", cut(got), expected)


def _told_success(call: Call) -> bool:
    return call.outcome.kind == "ok" and call.outcome.error is None


def _sent(contract: Contract, call: Call) -> Found:
    """What is wrong with the requests of a call, against what was asked."""
    found = [one for exchange in call.exchanges for one in check_sent(contract, call.request, exchange.request)]
    if not call.exchanges and _told_success(call):
        found.append(contract.violation("sent.call", "call", "a success, and no request of its own", "one POST"))
    return {(one.rule.id, one.where): one for one in found}


def _told(contract: Contract, call: Call) -> Found:
    """What is wrong with the outcome of a call, against its own answer. That it raised something else is no answer."""
    answer = attempts(contract, call)[-1].response if call.exchanges else None
    error = call.outcome.error
    if answer is None:
        return {}
    if _told_success(call):
        return {(one.rule.id, one.where): one for one in check_told(contract, answer, call.outcome)}
    own = said_by(answer)["code"]
    if error is None or error.code == own or error.code not in [row.code for row in contract.errors]:
        return {}
    found = contract.violation("error.code", "error.code", shown(error.code), f"{answer.status} {own or ''}")
    return {("error.code", "error.code"): found}


def _only_here(contract: Contract, rule: str, found: Found, alone: Found) -> Iterator[Violation]:
    """What is wrong here and was not when the call was made alone, as one rule."""
    for key in found.keys() - alone.keys():
        yield contract.violation(rule, found[key].where, found[key].got, found[key].expected)


# --- tokens -----------------------------------------------------------------------------------------


def _token_cases() -> Iterator[Case]:
    title = "Clients of two endpoints do not share the tokens that they make."
    yield Case("isolation.tokens.two_endpoints", title, ("idempotency.token_unique",), _tokens_of_two)
    title = "Calls at once, with tokens and without: the tokens that the client makes are nobody else's."
    yield Case("isolation.tokens.together", title, ("idempotency.token_unique",), _tokens_together)


def _tokens_of_two(stage: Stage) -> Iterator[Violation]:
    yield from _unique(stage.contract, [call for _, _, call in _two(stage, "ABAB")])


def _tokens_together(stage: Stage) -> Iterator[Violation]:
    yield from _unique(stage.contract, stage.call_together(_requests(stage.contract)))


def _unique(contract: Contract, calls: Sequence[Call]) -> Iterator[Violation]:
    sent = [token(contract, exchange.request) for call in calls for exchange in call.exchanges[:1]]
    shared = [one for one in dict.fromkeys(sent) if one is not None and sent.count(one) > 1]
    for one in shared[:1]:
        got = f"{sent.count(one)} of {len(sent)} calls had {shown(one)}"
        yield contract.violation("idempotency.token_unique", "query.clientToken", got, "a token for each")
    made = [call for call in calls if call.request.client_token is None and call.exchanges]
    if all(token(contract, call.exchanges[0].request) is None for call in made):
        raise NotTestable("the client makes no clientToken; tried: calls without a clientToken")


# --- what stays usable ------------------------------------------------------------------------------


def _usable_cases() -> Iterator[Case]:
    for fault in ("reset_after_reading", "close_early", "half_body", "half_head", "reset_before_reading", "garbage"):
        title = f"A client is usable after a call in which {FAULTS[fault].title}."
        yield Case(f"isolation.usable.after_{fault}", title, ("isolation.usable",), _after(fault))
    title = "A client is usable after another one was closed."
    yield Case("isolation.usable.after_a_neighbour_closed", title, ("isolation.usable",), _neighbour_closed)


def _after(fault: str) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        request = plain_call(stage.contract)
        stage.ready_again(request.instance_id)
        played(stage, request, fault)
        again = stage.call(request)
        yield from _usable(stage, again, f"after {fault}")

    return check


def _neighbour_closed(stage: Stage) -> Iterator[Violation]:
    request = plain_call(stage.contract)
    stage.ready_again(request.instance_id)
    first, second = stage.open(), stage.open()
    for client in (first, second):
        reached(stage.call(request, client))
    first.close(lambda: _CLOSING)
    yield from _usable(stage, stage.call(request, second), "after another client was closed")


def _usable(stage: Stage, call: Call, when: str) -> Iterator[Violation]:
    if not _told_success(stage.call(call.request, stage.open())):
        raise NotTestable(f"a fresh client gets no success through either; tried: a plain call {when}")
    if not _told_success(call):
        error = call.outcome.error
        got = f"{error.type}: {error.message or error.text}" if error else call.outcome.kind
        yield stage.contract.violation("isolation.usable", "call", cut(got), f"a success, as of a fresh client, {when}")
