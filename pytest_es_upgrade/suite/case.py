"""What a case is, and how one is judged.

A case is data and a small check function over a `Stage`. It yields violations, raises `NotTestable`
where it could not decide, and knows nothing of pytest, of servers or of factories.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ..contract import Contract
from ..errors import ClientFault, NotTestable
from ..messages import LEVELS, Level, Violation
from ..stage import Stage
from .ambient import ambient_violations

#: Seconds within which a call that gets no whole answer has to end, where the case says nothing else.
BOUND = 15.0


@dataclass(frozen=True)
class Case:
    """One question of the suite.

    `id` is stable and begins with the family; `title` says in one sentence what the case decides;
    `rules` are the ids that its check may find broken. `timeout` is the endpoint's, in seconds;
    `bound` is how long a call may take that gets no whole answer. `always` cases run even for a
    client that never gets through.
    """

    id: str
    title: str
    rules: tuple[str, ...]
    check: Callable[[Stage], Iterable[Violation]]
    timeout: float = 10.0
    bound: float = BOUND
    always: bool = False

    @property
    def family(self) -> str:
        """The first word of the id."""
        return self.id.partition(".")[0]

    def level(self, contract: Contract) -> Level:
        """The strictest level among its rules."""
        return min((contract.rule(rule).level for rule in self.rules), key=LEVELS.index)


@dataclass(frozen=True)
class Judgement:
    """What a case found: violations, or the reason why it could not be decided."""

    violations: tuple[Violation, ...] = ()
    not_testable: str | None = None


def judge(case: Case, stage: Stage) -> Judgement:
    """Run a case. Whatever the client does is in the judgement; an exception from here is this kit's bug."""
    found: list[Violation] = []
    reason = None
    try:
        found.extend(case.check(stage))
    except NotTestable as problem:
        reason = str(problem)
    except ClientFault as problem:
        found.append(_fault(stage, problem))
    found.extend(ambient_violations(stage))
    return Judgement(tuple(_unique(found)), None if found else reason)


def _fault(stage: Stage, problem: ClientFault) -> Violation:
    expected = {
        "client.hangs": "the call to end once its answer has come",
        "client.timeout": "the call to give up after endpoint.timeout",
        "adapter.factory": "a client",
        "adapter.callable": "something callable",
    }
    return stage.contract.violation(problem.rule, "call", str(problem), expected[problem.rule])


def _unique(found: Iterable[Violation]) -> Iterator[Violation]:
    """Several calls of one case tend to break a rule in the same way: it is told once."""
    return iter(dict.fromkeys(found))
