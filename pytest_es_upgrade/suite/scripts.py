"""Scripts of calls: several calls, faults and states of the service, and what holds at every step.

A script is a state machine's run written down: steps that each put an instance in some state, let some
faults be played, and make one call. Being plain values they shrink like any other example, and print as
a test to run. A fault that a call did not come to is forgotten with it: steps that depend on what is left
of earlier ones shrink badly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..contract import Contract
from ..messages import UpgradeRequest, Violation
from ..rules.sent import check_sent
from ..rules.told import check_told
from ..stage import Call, Stage
from ..values import TOKEN
from .asking import only
from .attempts import CALL_RULES, attempts, call_violations, is_whole, token
from .dry_run_cases import started_by_checks

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

#: The rules that a script may find broken.
SCRIPT_RULES = (
    *CALL_RULES,
    "dry_run.started",
    "idempotency.token_unique",
    "sent.instance_id",
    "sent.client_token",
    "sent.dry_run",
    "sent.version",
    "sent.type",
    "sent.absent",
    "answer.delivered",
)

_IDS = ("es-cn-first", "es-cn-second")
#: None, and two of the caller's own; without one is where clients start twice.
_TOKENS = (None, TOKEN, None, TOKEN[::-1])
_DRY_RUNS = (None, True, False)
_MOST_STEPS = 6
_MOST_FAULTS = 3
#: What loses a call or an answer, or sends it on. The others take their time, hold the port for good, or are
#: answers in another form: each has cases of its own.
_FAULTS = (
    "reset_after_reading",
    "answer_lost_after_start",
    "close_early",
    "half_body",
    "half_head",
    "unavailable_503",
    "throttled_429",
    "bad_gateway_html",
    "reset_before_reading",
    "garbage",
    "bad_chunk",
    "length_too_long",
    "length_too_short",
    "redirect_302",
    "redirect_303",
    "redirect_307",
    "redirect_308",
)
#: What a client was asked is in every attempt as it was.
_SENT = ("sent.instance_id", "sent.client_token", "sent.dry_run", "sent.version", "sent.type", "sent.absent")


@dataclass(frozen=True)
class Step:
    """One call, before it the state that its instance is put in (None: none), and the faults that are played."""

    request: UpgradeRequest
    state: str | None = None
    faults: tuple[str, ...] = ()


Script = Sequence[Step]


def _states(contract: Contract) -> Mapping[str, Mapping[str, Any]]:
    """State of an instance → the keywords of `add_instance`."""
    return {
        "ready": {},
        "failing": {"failing": [contract.enum("validateType")[0]]},
        "activating": {"activating": True},
        "upgraded": {"version": contract.versions[0]},
    }


#: Ready, and put back to that after each request, so that every upgrade is counted.
_READY_AGAIN = "ready again"


def scripts(contract: Contract, most: int = _MOST_STEPS) -> SearchStrategy[Script]:
    """Scripts of one step to `most`; the simplest is one plain call.

    The calls are a table, and not made of their parts: a step of few draws is one that shrinking takes out whole.
    """
    from hypothesis import strategies as st

    requests = [
        UpgradeRequest(id_, version, type_, token, dry_run)
        for dry_run in _DRY_RUNS
        for token in _TOKENS
        for version, type_ in contract.targets
        for id_ in _IDS
        if version is not None
    ]
    steps = st.builds(
        Step,
        st.sampled_from(requests),
        st.sampled_from((None, _READY_AGAIN, *_states(contract))),
        st.lists(st.sampled_from(_FAULTS), max_size=_MOST_FAULTS).map(tuple),
    )
    return st.lists(steps, min_size=1, max_size=most)


def played(stage: Stage, script: Script) -> Iterator[Violation]:
    """Play a script, and yield what any of its calls breaks: of the wire, of the world, of what was told."""
    stage.add_instance(_IDS[0])
    stage.add_instance(_IDS[1])
    made: list[tuple[Call, Any]] = []
    for step in script:
        stage.stop_failing()
        _prepare(stage, step)
        call, broken = call_checked(stage, step.request)
        yield from broken
        if step.request.client_token is None and call.exchanges:
            made.append((call, token(stage.contract, call.exchanges[0].request)))
    yield from _tokens_apart(stage.contract, made)


def call_checked(stage: Stage, request: UpgradeRequest) -> tuple[Call, list[Violation]]:
    """Make a call of a service that answers for itself; what it breaks by what was sent, started and told."""
    contract, before = stage.contract, stage.upgrades_started
    call = stage.call(request)
    started = stage.upgrades_started - before
    found = list(started_by_checks(contract, [call], started)) if request.dry_run is True else []
    for exchange in attempts(contract, call):
        found += only(_SENT, check_sent(contract, request, exchange.request))
    return call, [*found, *call_violations(contract, call, started), *_told(contract, call)]


def _prepare(stage: Stage, step: Step) -> None:
    id_ = step.request.instance_id
    if step.state == _READY_AGAIN:
        stage.ready_again(id_)
    elif step.state is not None:
        stage.add_instance(id_, **_states(stage.contract)[step.state])
    for fault in step.faults:
        stage.fail_with(fault)


def _told(contract: Contract, call: Call) -> Iterator[Violation]:
    """What one attempt that met no fault was answered is what the caller is told."""
    tried = attempts(contract, call)
    if len(call.exchanges) != 1 or len(tried) != 1 or tried[0].fault is not None or not is_whole(tried[0]):
        return
    answer = tried[0].response
    assert answer is not None  # noqa: S101 - what is whole is an answer
    yield from only(("error.as_success", "answer.delivered"), check_told(contract, answer, call.outcome))


def _tokens_apart(contract: Contract, made: Sequence[tuple[Call, Any]]) -> Iterator[Violation]:
    """No two calls share a token that the client made."""
    tokens = [one for _, one in made if one is not None]
    shared = [one for one in dict.fromkeys(tokens) if tokens.count(one) > 1]
    differ = {call.request for call, one in made if shared and one == shared[0]}
    if len(differ) > 1:
        got = f"{tokens.count(shared[0])} calls, each with {shared[0]!r}"
        yield contract.violation("idempotency.token_unique", "query.clientToken", got, "a token for each")


def as_code(contract: Contract, script: Script) -> str:
    """The script as a test to run, for whoever has the fixture `es_upgrade_client`."""
    lines = [
        "from pytest_es_upgrade import UpgradeRequest",
        "",
        "",
        "def test_script(es_upgrade_server, es_upgrade_client):",
        *(f"    es_upgrade_server.add_instance({id_!r})" for id_ in _IDS),
        *_steps_code(contract, script),
        f"    assert es_upgrade_server.upgrades_started <= {sum(step.request.dry_run is not True for step in script)}",
    ]
    return "\n".join(lines)


def _steps_code(contract: Contract, script: Script) -> Iterator[str]:
    for step, earlier in zip(script, (None, *script), strict=False):
        if earlier is not None and earlier.faults:
            yield "    es_upgrade_server.stop_failing()"
        yield from _step_code(contract, step)


def _step_code(contract: Contract, step: Step) -> Iterator[str]:
    id_ = step.request.instance_id
    if step.state == _READY_AGAIN:
        yield f"    es_upgrade_server.ready_again({id_!r})"
    elif step.state is not None:
        options = "".join(f", {name}={value!r}" for name, value in _states(contract)[step.state].items())
        yield f"    es_upgrade_server.add_instance({id_!r}{options})"
    for fault in step.faults:
        yield f"    es_upgrade_server.fail_with({fault!r})"
    yield f"    assert es_upgrade_client.check({step.request.as_code()}) == []"
