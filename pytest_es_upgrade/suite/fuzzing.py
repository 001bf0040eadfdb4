"""Generated examples put to a client: searched for one that fails, shrunk, played once more, told as code.

Hypothesis searches and shrinks; what is added here is what a client under test asks for on top of it:

- one rule is pursued. The first that fails is the one that shrinking holds on to; what else breaks on
  the way is told beside it;
- every example begins anew: no call, script, token or journal entry of another one is left;
- the result is that of one more play of the simplest example. Where that differs, the client does,
  and the case is flaky: both outcomes are told;
- shrinking and waiting are bounded, and a client that hangs is not asked again.
"""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Generic, TypeVar
from unittest import SkipTest
from unittest.mock import patch

from hypothesis import Phase, Verbosity, core, find, settings
from hypothesis.errors import Flaky as HypothesisFlaky
from hypothesis.errors import NoSuchExample
from hypothesis.strategies import SearchStrategy

from ..errors import ClientFault, Flaky, NotTestable, StillWaiting
from ..messages import Violation
from ..rules.text import cut
from ..stage import Call, Generation, OpenClient, Stage
from .ambient import ambient_violations

T = TypeVar("T")

#: What is asked about one example: it makes its calls on the stage, and yields what they break.
Question = Callable[[Stage, T], Iterable[Violation]]

_PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)


def ask_all(
    stage: Stage, strategy: SearchStrategy[T], question: Question[T], as_code: Callable[[T], str]
) -> Iterator[Violation]:
    """Put examples to the client, as many as `stage.generation` says, and yield what one of them breaks.

    What is yielded, and the calls that the stage has in the end, are those of the simplest example that
    fails; where none does, those of the first that breaks a rule which does not fail the case. Its code
    is in `stage.example`. Raises `Flaky`, and `NotTestable` where no example could be decided.
    """
    stage.open()
    yield from ambient_violations(stage)  # of making the client, which no example would show again
    search = _Search(stage, question)
    simplest = search.simplest(strategy)
    if search.fault is not None:
        stage.example = as_code(search.fault.example)
        raise search.fault.problem
    told: set[str] = set()
    if simplest is not None:
        stage.example = as_code(simplest.example)
        violations, alone = search.again(simplest)
        stage.example += "" if alone else _NOT_ALONE
        told = {violation.rule.id for violation in violations}
        yield from violations
    elif search.minor:
        first = next(iter(search.minor.values()))
        stage.example = as_code(first.example)
        search.play(first.example)
    elif why := search.why_undecided():
        raise NotTestable(why)
    yield from (one.violation for rule, one in search.minor.items() if rule not in told)


_NOT_ALONE = "\n# A client made anew keeps the rule in this call: something of an earlier call is left in a used one."


@dataclass(frozen=True)
class _Found(Generic[T]):
    """An example with a violation that it showed, and how its calls ended."""

    example: T
    violation: Violation
    told: str


@dataclass(frozen=True)
class _Fault(Generic[T]):
    """An example that ended the case."""

    example: T
    problem: ClientFault | StillWaiting


@dataclass
class _Search(Generic[T]):
    """One search: which rule is pursued, what fulfils it most simply, and what else was seen."""

    stage: Stage
    question: Question[T]
    best: _Found[T] | None = None
    #: rule → the first example that showed it, of rules that are not pursued
    minor: dict[str, _Found[T]] = field(default_factory=dict)
    fault: _Fault[T] | None = None
    #: Why the last example that could not be decided was not.
    reason: str | None = None
    undecided: int = 0
    decided: int = 0
    missed: int = 0
    _shrinks: int = 0
    _began: float = field(default_factory=time.monotonic)

    def simplest(self, strategy: SearchStrategy[T]) -> _Found[T] | None:
        """The simplest example that fails, or None."""
        generation = self.stage.generation
        # What was seen is in `best`, and is played once more in any case.
        # SkipTest: a profile of Hypothesis may have no phase that makes examples.
        with _seeded(generation.seed), contextlib.suppress(NoSuchExample, HypothesisFlaky, SkipTest):
            find(strategy, self._fails, settings=_settings(generation), database_key=generation.key)
        return self.best

    def why_undecided(self) -> str | None:
        """Why nothing can be said where nothing was found: too few examples were asked, or decided."""
        wanted = self.stage.generation.examples
        if self.missed:
            return f"{self.missed} of {wanted} examples were not asked within {self.stage.generation.seconds:g} s"
        if self.undecided > self.decided:
            return f"{self.undecided} of {self.undecided + self.decided} examples could not be decided: {self.reason}"
        return None if self.decided else "no example was made; has the profile of Hypothesis the phase generate?"

    def play(self, example: T, client: OpenClient | None = None) -> list[Violation]:
        """What an example breaks, on a stage that begins anew. Raises `NotTestable` and `ClientFault`."""
        self.stage.begin_anew(client)
        return [*self.question(self.stage, example), *ambient_violations(self.stage)]

    def again(self, found: _Found[T]) -> tuple[list[Violation], bool]:
        """What the simplest example breaks when it is played once more, and whether a new client breaks it too.

        What was pursued is first. Raises `Flaky` where neither the new client nor the used one breaks it.
        """
        rule = found.violation.rule.id
        violations = self._on_a_new_client(found.example)
        alone = violations is None or rule in _ids(violations)
        try:
            if violations is None or not alone:
                violations = self.play(found.example)
            then = f"{', '.join(_ids(violations)) or 'no rule'} was broken ({_told(self.stage.calls)})"
        except (ClientFault, NotTestable) as problem:
            violations, then = [], str(problem)
        if rule not in _ids(violations):
            first = f"it broke {rule} at {found.violation.where}: got {found.violation.got} ({found.told})"
            raise Flaky(f"the same call twice: first {first}; then {then}")
        return sorted(violations, key=lambda violation: violation.rule.id != rule), alone

    def _on_a_new_client(self, example: T) -> list[Violation] | None:
        """What an example breaks on a client that is made anew; None where none can be made or asked."""
        try:
            return self.play(example, self.stage.open())
        except (ClientFault, NotTestable):
            return None

    def _fails(self, example: T) -> bool:
        if self.fault is not None:
            return False
        if self._is_over():
            self.missed += self.best is None
            return self.best is not None and example == self.best.example
        self.stage.examples_asked += self.best is None
        try:
            violations = self.play(example)
        except (ClientFault, StillWaiting) as problem:  # the client is gone with it
            self.fault = _Fault(example, problem)
            return False
        except NotTestable as problem:
            self.reason = str(problem)
            self.undecided += 1
            return False
        self.decided += 1
        return self._pursue(example, violations)

    def _pursue(self, example: T, violations: list[Violation]) -> bool:
        told = _told(self.stage.calls)
        failing = [violation for violation in violations if self.stage.generation.fails(violation)]
        pursued = self.best.violation.rule.id if self.best else failing[0].rule.id if failing else None
        chosen = next((violation for violation in failing if violation.rule.id == pursued), None)
        for violation in violations:
            if violation.rule.id != pursued:
                self.minor.setdefault(violation.rule.id, _Found(example, violation, told))
        if chosen is None:
            return False
        self.best = _Found(example, chosen, told)
        return True

    def _is_over(self) -> bool:
        """Whether what may be spent is spent: from then on the best that was found is all that fails."""
        self._shrinks += self.best is not None
        generation = self.stage.generation
        return self._shrinks > generation.shrinks or time.monotonic() - self._began > generation.seconds


def _seeded(seed: str | None) -> contextlib.AbstractContextManager[object]:
    """The same examples each time, in the way of `--hypothesis-seed`.

    `derandomize`, `@seed` and `find(random=…)` all do without the example database, and what was found
    is to be asked first next time. Nothing public does both.
    """
    if seed is None:
        return contextlib.nullcontext()
    return patch.object(core, "global_force_seed", Random(seed).getrandbits(64))  # noqa: S311 - no secret


def _settings(generation: Generation) -> settings:
    """Hypothesis's settings as its profile and options have them, but for the number of examples."""
    with warnings.catch_warnings():  # of a folder that cannot be written: then there is no database
        warnings.simplefilter("ignore")
        default = settings()
        default.database  # noqa: B018 - it is looked for now
    return settings(
        default,
        max_examples=generation.examples,
        phases=[phase for phase in default.phases if phase in _PHASES],
        deadline=None,
        derandomize=False,
        verbosity=Verbosity.quiet if default.verbosity == Verbosity.normal else default.verbosity,
    )


def _ids(violations: Iterable[Violation]) -> list[str]:
    return list(dict.fromkeys(violation.rule.id for violation in violations))


def _told(calls: Iterable[Call]) -> str:
    """How calls ended, in a few words each."""
    return ", ".join(map(_outcome, calls)) or "no call"


def _outcome(call: Call) -> str:
    outcome = call.outcome
    if outcome.error is not None:
        return cut(f"{outcome.kind}: {outcome.error.type}: {outcome.error.message or outcome.error.text}")
    return f"{outcome.kind}: {type(outcome.result).__name__} returned"
