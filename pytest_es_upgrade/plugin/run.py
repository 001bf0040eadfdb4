"""One session's run in one process: which cases it has, how one is run, and which clients were given up."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..client.environment import clean_environment
from ..client.loading import try_once
from ..client.loopback import guard
from ..contract import shipped_contract
from ..errors import AdapterFault, ClientHung, MissingExtra, UsageProblem
from ..messages import LEVELS, UpgradeRequest, Violation
from ..results import (
    Decision,
    Json,
    KnownDeviation,
    Redactor,
    call_json,
    decide,
    decide_flaky,
    failing_violations,
    violation_json,
)
from ..samples import documented_samples, sample_request
from ..stage import Generation
from ..standin import StandIn
from ..suite import Case, Judgement, judge
from ..suite.asking import plain_call
from ..suite.case import BOUND
from . import LAST_WORDS, RUN, given
from .explain import explain
from .options import DEFAULTS, Settings, read_settings
from .stage import LiveStage

if TYPE_CHECKING:
    import pytest

    from ..stage import Client


class Profile(NamedTuple):
    """How many `examples` a case is asked with, how many calls shrinking may make, and how long all may take.

    `fixed`: whether the examples are the same each time.
    """

    examples: int
    shrinks: int
    seconds: float
    fixed: bool


#: A second for each example: a real SDK took a quarter of one on a busy machine, and no verdict is to depend on that.
PROFILES: Mapping[str, Profile] = {
    "quick": Profile(examples=30, shrinks=300, seconds=30.0, fixed=True),
    "ci": Profile(examples=150, shrinks=1000, seconds=150.0, fixed=True),
    "nightly": Profile(examples=1000, shrinks=3000, seconds=1000.0, fixed=False),
}

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
        #: What clients did wrong when no case could be failed by it any more, and what is worth a note.
        self.last_words = LastWords([], [])
        self.settings = Settings(shipped_contract())
        try:
            self.settings = read_settings(config)
            if not (self.worker and given(config)):  # else the controller has tried them
                _try_clients(self.settings, keep=self.worker or config.getoption("dist", "no") == "no")
        except UsageProblem as problem:
            self.problem = str(problem)
        self._states: dict[tuple[str, str], _ClientState] = {}
        config.add_cleanup(self.end_clients)  # a session that never began has no other end

    def end_clients(self) -> None:
        """Let every client give back what it holds over cases; a worker's words travel to the controller."""
        for client in self.settings.clients:
            self._end(client)
        if self.worker:
            self.config.workeroutput[LAST_WORDS] = tuple(self.last_words)  # type: ignore[attr-defined]  # xdist's, in workers

    def _end(self, client: Client) -> None:
        try:
            note = client.end()
        except AdapterFault as fault:
            self.last_words.faults.append(f"{client.name}: {fault}")
        else:
            self.last_words.notes.extend([f"{client.name}: {note}"] if note else [])

    def hear(self, problem: str | None, words: tuple[list[str], list[str]] | None) -> None:
        """What a worker tells when it has ended."""
        self.problem = self.problem or problem
        for own, heard in zip(self.last_words, words or ((), ()), strict=True):
            own.extend(heard)

    @cached_property
    def today(self) -> date:
        """The date that entries of the known file are held against."""
        return datetime.now().astimezone().date()

    def result(self, client: Client, case: Case, command: Sequence[str]) -> tuple[Json, str]:
        """The result of a case as it travels, and what to print where it does not pass.

        `command` are the words that run this case alone. An exception from here is this kit's bug.
        """
        state = self._states.setdefault((client.name, client.adapter), _ClientState())
        if not state.tried:
            state.tried = True
            state.given_up = _trial(self.settings, client)
        if state.given_up is not None and not (case.always and state.given_up.always_runs):
            return self._not_run(client, case, state.given_up.reason, state.given_up, command)
        result, text = self._run(client, case, command)
        if state.given_up is not None and result["case"]["verdict"] == "not_testable":
            # one reason for all of them
            return self._not_run(client, case, state.given_up.reason, state.given_up, command)
        state.hangs += _hangs(result["case"])
        if state.hangs >= MOST_HANGS:
            state.given_up = _HANGS
        return result, text

    def _run(self, client: Client, case: Case, command: Sequence[str]) -> tuple[Json, str]:
        settings = self.settings
        began = time.perf_counter()
        known = settings.known.deviation(client.name, case.id, self.today)
        generation = self._generation(client, case, known)
        try:
            opened = StandIn(settings.contract, case.timeout, certificate=case.certificate)
        except MissingExtra as missing:
            return self._not_run(client, case, str(missing), None, command)
        with opened as stand_in:
            with LiveStage(settings.contract, client, stand_in, case.bound, generation) as stage:
                judgement = judge(case, stage)
            seconds = time.perf_counter() - began
            decision = self._decision(judgement, known)
            alone = self._alone(command, case, decision, judgement.violations)
            redact = Redactor(stage.endpoint.access_key_secret)
            result = (
                self._case(case, decision, redact, seconds, alone)
                | _known_json(known, redact)
                | {
                    "violations": [violation_json(found, redact) for found in judgement.violations],
                    "calls": [
                        call_json(call.request, call.outcome, call.exchanges, redact, call.arrivals)
                        for call in stage.calls
                    ],
                    "upgrades_started": stage.upgrades_started,
                    "example": None if judgement.example is None else redact.text(judgement.example),
                }
            )
            failing = failing_violations(judgement.violations, settings.level, settings.tolerated_rules)
            text = redact.text(explain(decision, failing, stage.calls, alone, judgement.example))
        return self._result(client, result, None), text

    def _decision(self, judgement: Judgement, known: KnownDeviation | None) -> Decision:
        if judgement.flaky is not None:
            return decide_flaky(judgement.flaky, known)
        settings = self.settings
        return decide(judgement.violations, judgement.not_testable, settings.level, known, settings.tolerated_rules)

    def _generation(self, client: Client, case: Case, known: KnownDeviation | None) -> Generation:
        """How many examples the profile wants, and which violations of them are worth shrinking."""
        settings = self.settings
        profile = PROFILES[settings.profile]

        def fails(violation: Violation) -> bool:
            covered = known is not None and bool(known.rules) and known.covers(violation.rule.id)
            return not covered and bool(failing_violations([violation], settings.level, settings.tolerated_rules))

        key = f"es-upgrade {client.name} {case.id}".encode()
        seed = case.id if profile.fixed and not settings.seeded else None
        return Generation(profile.examples, profile.shrinks, profile.seconds, seed, key, fails)

    def _not_run(
        self, client: Client, case: Case, reason: str, given_up: _GivenUp | None, command: Sequence[str]
    ) -> tuple[Json, str]:
        decision = Decision("not_testable", reason)
        alone = self._alone(command, case, decision, ())
        result = self._case(case, decision, Redactor(""), 0.0, alone)
        return self._result(client, result, given_up), explain(decision, [], (), alone)

    def _alone(self, command: Sequence[str], case: Case, decision: Decision, violations: Sequence[Violation]) -> str:
        """The line that shows this result again, to paste into a shell: options are named that are not the defaults."""
        settings = self.settings
        options: dict[str, str] = {"-level": settings.level}
        if decision.verdict == "tolerated":  # what is below the level is shown at its own
            options["-level"] = self._strictest(violations)
        if decision.verdict in ("known", "stale"):
            options["-known"] = self._from_here(settings.known.name)
        if case.family == "fuzz":
            options["-profile"] = settings.profile
        chosen = {name: value for name, value in options.items() if value != DEFAULTS.get(name)}
        return shlex.join([*command, *(f"--es-upgrade{name}={value}" for name, value in chosen.items())])

    def _strictest(self, violations: Sequence[Violation]) -> str:
        """The level of the strictest broken rule; the session's where a reading of the page tolerates them all."""
        below = failing_violations(violations, LEVELS[-1], self.settings.tolerated_rules)
        return min((found.rule.level for found in below), key=LEVELS.index, default=self.settings.level)

    def _from_here(self, name: str) -> str:
        """A path as it is typed where pytest was started, if it lies there."""
        with suppress(ValueError):
            return Path(name).relative_to(self.config.invocation_params.dir).as_posix()
        return name

    def _case(self, case: Case, decision: Decision, redact: Redactor, seconds: float, alone: str) -> Json:
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
            "alone": redact.text(alone),
        }

    def _result(self, client: Client, case: Json, given_up: _GivenUp | None) -> Json:
        told = None if given_up is None else {"reason": given_up.reason, "advice": given_up.advice}
        return {"client": client.name, "adapter": client.adapter, "case": case, "given_up": told}


def _known_json(known: KnownDeviation | None, redact: Redactor) -> Json:
    """Where more is said of a known deviation, if anywhere."""
    return {"link": redact.text(known.link)} if known is not None and known.link is not None else {}


class LastWords(NamedTuple):
    """What is told of clients when they are ended: `faults` are not green, `notes` are."""

    faults: list[str]
    notes: list[str]


@dataclass(frozen=True)
class _GivenUp:
    """Why no further case of a client is run, and the one thing to do; `always_runs`: but for `always` cases."""

    reason: str
    advice: str
    always_runs: bool = False


_HANGS = _GivenUp(
    f"client hangs: {MOST_HANGS} calls had not ended, long after their whole answer or before anything was sent",
    "let a call end with its answer; the first cases that failed by client.hangs or sent.call show which calls hang",
)


def _hangs(case: Json) -> bool:
    """Whether a call of the case hung in a way of level must."""
    rules = {found["rule"] for found in case["violations"]}
    hung = any(call["outcome"]["kind"] == "hung" for call in case["calls"])
    return "client.hangs" in rules or (hung and "sent.call" in rules)


#: Option → what to do about a client of which nothing reaches the wire.
_SENDS_NOTHING = {
    "--es-upgrade-client": "make the adapter send to endpoint.url; one call of it by hand shows the error",
    "--es-upgrade-driver": "make the driver send to endpoint.url; es-upgrade driver COMMAND tries it alone",
}

#: Rules that a driver breaks by answering in a wrong way: each case tells how.
_ANSWERED = ("adapter.driver.line", "adapter.driver.id")


@dataclass
class _ClientState:
    """What this process has learnt of a client."""

    tried: bool = False
    hangs: int = 0
    given_up: _GivenUp | None = None


def _try_clients(settings: Settings, *, keep: bool) -> None:
    """Raises `UsageProblem` where a factory does not do its part. Without `keep` nothing stays: it is for workers."""
    if not settings.clients:
        return
    with clean_environment(), guard(), StandIn(settings.contract) as stand_in:
        for client in settings.clients:
            try_once(client, stand_in.endpoint)
            if not keep:
                with suppress(AdapterFault):
                    client.end()


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
            try:
                words = _words(stage, request)
            except AdapterFault as fault:
                if fault.rule in _ANSWERED:
                    return None
                words = str(fault)
            if stage.bytes_arrived:
                return None
            tried.append(_same_everywhere(words, stand_in))
            if any(call.outcome.kind == "hung" for call in stage.calls):
                break
    reason = f"nothing of it ever reaches the wire: {tried[0]}"
    return _GivenUp(reason, _SENDS_NOTHING[client.option], always_runs=True)


def _words(stage: LiveStage, request: UpgradeRequest) -> str:
    """What became of a call, for somebody who wonders why nothing was sent."""
    try:
        outcome = stage.call(request).outcome
    except ClientHung as fault:
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
