"""One session's run in one process: which cases it has, how one is run, and which clients were given up."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from ..client.environment import clean_environment
from ..client.loading import try_once
from ..client.loopback import guard
from ..contract import shipped_contract
from ..errors import ClientFault, UsageProblem
from ..messages import UpgradeRequest
from ..results import Decision, Json, Redactor, call_json, decide, failing_violations, violation_json
from ..samples import documented_samples, sample_request
from ..suite import Case, judge
from ..suite.asking import plain_call
from ..suite.case import BOUND
from . import RUN, given
from .explain import explain
from .options import Settings, read_settings
from .stage import LiveStage
from .standin import StandIn

if TYPE_CHECKING:
    import pytest

    from ..stage import Client

#: So many cases may end by a call that hangs after its answer; then the client is given up.
MOST_HANGS = 3


def run_of(config: pytest.Config) -> Run:
    """The session's run, made on first use."""
    if RUN not in config.stash:
        config.stash[RUN] = Run(config)
    return config.stash[RUN]


class Run:
    """What the session's processes know each for themselves."""

    def __init__(self, config: pytest.Config) -> None:
        """What is wrong with the options is in `problem`, and nothing will be run then."""
        self.config = config
        self.worker = hasattr(config, "workerinput")
        self.problem: str | None = None
        self.settings = Settings(shipped_contract())
        try:
            self.settings = read_settings(config)
            if not (self.worker and given(config)):  # else the controller has tried them
                _try_clients(self.settings)
        except UsageProblem as problem:
            self.problem = str(problem)
        self._states: dict[tuple[str, str], _ClientState] = {}

    @cached_property
    def today(self) -> date:
        """The date that entries of the known file are held against."""
        return datetime.now().astimezone().date()

    def result(self, client: Client, case: Case, command: str) -> tuple[Json, str]:
        """The result of a case as it travels, and what to print where it does not pass.

        `command` is the line that runs this case alone. An exception from here is this kit's bug.
        """
        state = self._states.setdefault((client.name, client.adapter), _ClientState())
        if not state.tried:
            state.tried = True
            state.given_up = _trial(self.settings, client)
        if state.given_up is not None and not (case.always and state.given_up.always_runs):
            return self._not_run(client, case, state.given_up, command)
        result, text = self._run(client, case, command)
        if state.given_up is not None and result["case"]["verdict"] == "not_testable":
            return self._not_run(client, case, state.given_up, command)  # one reason for all of them
        state.hangs += any(found["rule"] == "client.hangs" for found in result["case"]["violations"])
        if state.hangs >= MOST_HANGS:
            state.given_up = _HANGS
        return result, text

    def _run(self, client: Client, case: Case, command: str) -> tuple[Json, str]:
        settings = self.settings
        began = time.perf_counter()
        with StandIn(settings.contract, case.timeout) as stand_in:
            with LiveStage(settings.contract, client, stand_in, case.bound) as stage:
                judgement = judge(case, stage)
            seconds = time.perf_counter() - began
            known = settings.known.deviation(client.name, case.id, self.today)
            decision = decide(
                judgement.violations, judgement.not_testable, settings.level, known, settings.tolerated_rules
            )
            redact = Redactor(stage.endpoint.access_key_secret)
            result = self._case(case, decision, redact, seconds) | {
                "violations": [violation_json(found, redact) for found in judgement.violations],
                "calls": [call_json(call.request, call.outcome, call.exchanges, redact) for call in stage.calls],
                "upgrades_started": stage.upgrades_started,
            }
            failing = failing_violations(judgement.violations, settings.level, settings.tolerated_rules)
            text = redact.text(explain(decision, failing, stage.calls, command))
        return self._result(client, result, None), text

    def _not_run(self, client: Client, case: Case, given_up: _GivenUp, command: str) -> tuple[Json, str]:
        decision = Decision("not_testable", given_up.reason)
        result = self._case(case, decision, Redactor(""), 0.0)
        return self._result(client, result, given_up), explain(decision, [], (), command)

    def _case(self, case: Case, decision: Decision, redact: Redactor, seconds: float) -> Json:
        return {
            "id": case.id,
            "family": case.family,
            "level": case.level(self.settings.contract),
            "rules": list(case.rules),
            "title": case.title,
            "verdict": decision.verdict,
            "reason": None if decision.reason is None else redact.text(decision.reason),
            "seconds": round(seconds, 4),
            "violations": [],
            "calls": [],
            "upgrades_started": 0,
            "example": None,
        }

    def _result(self, client: Client, case: Json, given_up: _GivenUp | None) -> Json:
        told = None if given_up is None else {"reason": given_up.reason, "advice": given_up.advice}
        return {"client": client.name, "adapter": client.adapter, "case": case, "given_up": told}


@dataclass(frozen=True)
class _GivenUp:
    """Why no further case of a client is run, and the one thing to do; `always_runs`: but for `always` cases."""

    reason: str
    advice: str
    always_runs: bool = False


_HANGS = _GivenUp(
    f"client hangs: {MOST_HANGS} calls had not ended long after their whole answer",
    "let a call end with its answer; the first cases that failed by client.hangs show which calls hang",
)


@dataclass
class _ClientState:
    """What this process has learnt of a client."""

    tried: bool = False
    hangs: int = 0
    given_up: _GivenUp | None = None


def _try_clients(settings: Settings) -> None:
    """Raises `UsageProblem` where a factory does not do its part."""
    if not settings.clients:
        return
    with clean_environment(), guard(), StandIn(settings.contract) as stand_in:
        for client in settings.clients:
            try_once(client, stand_in.endpoint)


def _trial(settings: Settings, client: Client) -> _GivenUp | None:
    """Why a client cannot be judged at all: nothing of it reaches the wire. None where something does.

    Beside the documented call a plain one is tried: the page's own example is masked with asterisks,
    which a client may refuse.
    """
    contract = settings.contract
    answer = documented_samples(contract)[0]
    requests = (sample_request(contract), plain_call(contract))
    tried = []
    for request in requests:
        with StandIn(contract) as stand_in, LiveStage(contract, client, stand_in, BOUND) as stage:
            stage.reply_with(answer)
            words = _words(stage, request)
            if stage.bytes_arrived:
                return None
            tried.append(_same_everywhere(words, stand_in))
            if any(call.outcome.kind == "hung" for call in stage.calls):
                break
    reason = f"nothing of it ever reaches the wire: {tried[0]}"
    return _GivenUp(
        reason, "make the adapter send to endpoint.url; one call of it by hand shows the error", always_runs=True
    )


def _words(stage: LiveStage, request: UpgradeRequest) -> str:
    """What became of a call, for somebody who wonders why nothing was sent."""
    try:
        outcome = stage.call(request).outcome
    except ClientFault as fault:
        return str(fault)
    if stage.escapes:
        return f"it tried to reach {stage.escapes[0]}, which was stopped"
    if outcome.error is not None:
        return f"{request.as_code()} raised {outcome.error.type}: {outcome.error.message or outcome.error.text}"
    return f"{request.as_code()} returned {type(outcome.result).__name__}"


def _same_everywhere(words: str, stand_in: StandIn) -> str:
    """Without what differs between processes: ports and addresses."""
    secret = stand_in.endpoint.access_key_secret
    words = " ".join(Redactor(secret).text(words).split()).replace(str(stand_in.server.port), "PORT")
    return re.sub(r"\b0x[0-9a-fA-F]+", "0x…", words)[:500]
