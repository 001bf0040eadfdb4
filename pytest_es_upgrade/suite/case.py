"""What a case is, and how one is judged.

A case is data and a small check function over a `Stage`. It yields violations, raises `NotTestable`
where it could not decide, and knows nothing of pytest, of servers or of factories.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ..contract import Contract
from ..errors import ClientFault, Flaky, NotTestable
from ..messages import LEVELS, Level, Violation
from ..plans import Certificate
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
    client that never gets through. Where `quick` is false, the profile of that name leaves the case out,
    unless it is named in full. With a `certificate` the service speaks TLS and shows that one at first.
    """

    id: str
    title: str
    rules: tuple[str, ...]
    check: Callable[[Stage], Iterable[Violation]]
    timeout: float = 10.0
    bound: float = BOUND
    always: bool = False
    quick: bool = True
    certificate: Certificate | None = None

    @property
    def family(self) -> str:
        """The first word of the id."""
        return self.id.partition(".")[0]

    def level(self, contract: Contract) -> Level:
        """The strictest level among its rules."""
        return min((contract.rule(rule).level for rule in self.rules), key=LEVELS.index)


@dataclass(frozen=True)
class Judgement:
    """What a case found: violations, or why it could not be decided, or how the client differs from itself.

    `example` is the code of the generated example that this is about, None where nothing was generated.
    """

    violations: tuple[Violation, ...] = ()
    not_testable: str | None = None
    flaky: str | None = None
    example: str | None = None


def judge(case: Case, stage: Stage) -> Judgement:
    """Run a case. Whatever the client does is in the judgement; an exception from here is this kit's bug."""
    found: list[Violation] = []
    not_testable = flaky = None
    try:
        found.extend(case.check(stage))
    except NotTestable as problem:
        not_testable = str(problem)
    except Flaky as problem:
        flaky = str(problem)
    except ClientFault as problem:
        found.append(fault_violation(stage, problem))
    found.extend(ambient_violations(stage))
    return Judgement(tuple(_unique(found)), None if found else not_testable, flaky, stage.example)


def fault_violation(stage: Stage, problem: ClientFault) -> Violation:
    """The violation that a fault of client or adapter stands for."""
    expected = {
        "client.hangs": "the call to end once its answer has come",
        "client.timeout": "the call to give up after endpoint.timeout",
        "sent.call": "the request to be sent",
        "adapter.factory": "a client",
        "adapter.callable": "something callable",
        "adapter.driver.start": "a process",
        "adapter.driver.ended": "an answer to every request",
        "adapter.driver.line": "one JSON object a line, with id and either result or error",
        "adapter.driver.id": "one answer to each request",
    }
    return stage.contract.violation(problem.rule, "call", str(problem), expected[problem.rule])


def _unique(found: Iterable[Violation]) -> Iterator[Violation]:
    """Several calls of one case tend to break a rule in the same way: it is told once."""
    return iter(dict.fromkeys(found))
