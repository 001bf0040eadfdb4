"""The service as its server and its user see it: it journals each request and decides on a plan for it.

Which answer is due is looked for in this order: a fault that acts before the service does, the user's
script, the state machine. A fault that acts after bends what was due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..contract import Contract
from ..errors import UsageProblem
from ..faults import Due, Fault, altered, answer_plan, check_options, fault, fault_plan
from ..messages import Exchange, HttpRequest, HttpResponse
from ..plans import Plan
from ..rules import check_request
from ..rules.request import read_wire
from ..samples import sample
from .choices import choice_answer
from .instances import Call, Instances
from .script import Script


class Reply(NamedTuple):
    """What a server is to do, and the journal entry to call `Service.ended` with afterwards (None: none)."""

    plan: Plan
    entry: int | None


@dataclass(frozen=True)
class _Scripted:
    """An answer of the user's, made into a plan once; `response` is None where it came as a plan."""

    plan: Plan
    response: HttpResponse | None


@dataclass(frozen=True)
class _Failure:
    fault: Fault
    options: Mapping[str, Any]


class Service:
    """One stand-in service. All calls come from one thread; attributes may be read from any.

    `clock` gives seconds, from whenever; the journal counts from the moment the service was made.
    """

    def __init__(self, contract: Contract, clock: Callable[[], float]) -> None:
        #: Whether connections are to be refused (fault `refuse`); the listener's owner looks at it.
        self.refusing = False
        self._contract = contract
        self._clock = clock
        self._began = clock()
        self._instances = Instances(contract)
        self._answers: Script[_Scripted] = Script()
        self._faults: Script[_Failure] = Script()
        self._connection_faults: Script[_Failure] = Script()
        self._journal: list[Exchange] = []

    # --- for the user ---

    @property
    def journal(self) -> tuple[Exchange, ...]:
        """Everything that has arrived so far, oldest first; a request stands here before its answer is sent."""
        return tuple(self._journal)

    @property
    def upgrades_started(self) -> int:
        """How many upgrades were started so far."""
        return self._instances.upgrades_started

    @property
    def script_left(self) -> int:
        """How many times of scripted answers and faults are not used up."""
        return self._answers.left + self._faults.left + self._connection_faults.left

    def reply_with(self, answer: str | HttpResponse | Plan, times: int | None = None) -> None:
        """Answer what arrives with a sample by name, a response or a plan, `times` requests or for ever.

        Several queue up; one that is for ever ends where another is added. Such an answer changes
        nothing in the service. Raises `UnknownName` for a sample.
        """
        if isinstance(answer, str):
            answer = sample(self._contract, answer)
        if isinstance(answer, Plan):
            scripted = _Scripted(answer, None)
        elif isinstance(answer, HttpResponse):
            scripted = _Scripted(answer_plan(answer), answer)
        else:
            raise UsageProblem(f"reply_with takes the name of a sample, an HttpResponse or a Plan, got {answer!r}")
        self._answers.add(scripted, times)

    def add_instance(
        self,
        id: str,  # noqa: A002 - the public interface's name
        *,
        version: str = "6.3",
        kernel: str | None = None,
        activating: bool = False,
        failing: Iterable[str] = (),
    ) -> None:
        """Add an instance, or put a known one in another state. Until the first, every id exists at 6.3.

        `failing` names the checks that do not pass. Raises `UnknownName` or `UsageProblem`.
        """
        self._instances.add(id, version, kernel, activating=activating, failing=failing)

    def fail_with(self, fault_name: str, times: int = 1, **options: Any) -> None:
        """Play that fault on the next `times` answers (or connections); several queue up.

        `refuse` holds from now on, whatever `times` is. A plan given to `reply_with` is performed as it
        is, and uses up no fault. Raises `UnknownName` or `UsageProblem`.
        """
        row = fault(fault_name)
        check_options(row, options)
        queue = self._connection_faults if row.place == "connection" else self._faults
        if row.place == "listener":
            self.refusing = True
        else:
            queue.add(_Failure(row, options), times)

    # --- for the server ---

    def connected(self) -> Plan | None:
        """A connection is there and nothing of a request is read: the plan of a fault, or None to read on."""
        failure = self._connection_faults.take()
        return fault_plan(failure.fault.name, Due(HttpResponse(200))) if failure else None

    def received(self, request: HttpRequest) -> Reply:
        """A whole request has come."""
        return self._journaled(request, self._plan(request))

    def unparsable(self, request: HttpRequest) -> Reply:
        """Bytes have come that are no HTTP; `request` holds what could be read of them."""
        return self._refused(request, "malformed-request")

    def stalled(self, request: HttpRequest) -> Reply:
        """The announced bytes of a request stopped coming; `request` holds what came."""
        return self._refused(request, "stalled-request")

    def unanswered(self, request: HttpRequest) -> None:
        """A request came, whole or not, and its connection ended before an answer or will bring none."""
        self._journaled(request, Plan(()))

    def ended(self, entry: int) -> None:
        """The plan of that entry was performed, or cut short by its connection's end."""
        begun = self._journal[entry]
        self._journal[entry] = Exchange(begun.request, begun.response, begun.started, self._now(), begun.fault)

    def _now(self) -> float:
        return self._clock() - self._began

    def _journaled(self, request: HttpRequest, plan: Plan) -> Reply:
        now = self._now()
        self._journal.append(Exchange(request, plan.response, now, now, plan.fault))
        return Reply(plan, len(self._journal) - 1)

    def _refused(self, request: HttpRequest, choice: str) -> Reply:
        answer = choice_answer(self._contract, choice, self._request_id())
        return self._journaled(request, answer_plan(altered(answer, Connection="close")))

    def _plan(self, request: HttpRequest) -> Plan:
        failure = self._faults.peek()
        if failure is not None and not failure.fault.acted_on:
            self._faults.take()
            return self._failed(request, failure, self._nothing_done())
        scripted = self._answers.take()
        if scripted is not None and (scripted.response is None or (failure is None and _is_plain(request))):
            return scripted.plan
        response = scripted.response if scripted is not None else None
        response = _as_asked(request, response or self._decided(request))
        if failure is None:
            return answer_plan(response, head_only=request.method == "HEAD")
        self._faults.take()
        return self._failed(request, failure, response)

    def _failed(self, request: HttpRequest, failure: _Failure, response: HttpResponse) -> Plan:
        due = Due(response, request.target, head_only=request.method == "HEAD")
        return fault_plan(failure.fault.name, due, **failure.options)

    def _nothing_done(self) -> HttpResponse:
        """What a fault that acts before the service does is given as due: no more than a RequestId."""
        return choice_answer(self._contract, "invalid-request", self._request_id())

    def _decided(self, request: HttpRequest) -> HttpResponse:
        """The state machine's answer: a broken rule of level must is refused, anything else is a call."""
        broken = {
            found.rule.id: found for found in check_request(request, self._contract) if found.rule.level == "must"
        }
        for rule, choice in _CHOICE_FOR_RULE.items():
            if rule in broken:
                answer = choice_answer(self._contract, choice, self._request_id())
                return altered(answer, Allow=self._contract.method) if answer.status == 405 else answer
        if broken:
            first = next(iter(broken.values()))
            detail = f"{first.rule.id} at {first.where}: got {first.got}, expected {first.expected}"
            return choice_answer(self._contract, "invalid-request", self._request_id(), detail)
        _, document = read_wire(self._contract, request)
        return self._instances.call(Call.of(self._contract, document), self._request_id())

    def _request_id(self) -> str:
        """A RequestId in the shape of the page's, another one for every request of this service."""
        number = len(self._journal) + 1
        return f"{number:08X}-2017-4613-8000-{number:012X}"


#: Rules whose breaking is told by a status of its own, the more telling first.
_CHOICE_FOR_RULE: Mapping[str, str] = {"request.path": "unknown-path", "request.method": "unknown-method"}


def _is_plain(request: HttpRequest) -> bool:
    """Whether an answer goes out as it is, without regard to the request."""
    return request.method != "HEAD" and not _asks_to_close(request)


def _as_asked(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The answer with `Connection: close` where the client asked for it (RFC 9112 section 9.6)."""
    add = _asks_to_close(request) and not response.header("Connection")
    return altered(response, Connection="close") if add else response


def _asks_to_close(request: HttpRequest) -> bool:
    return "close" in (request.header("Connection") or "").lower()
