"""The service as its server and its user see it: it journals each request and decides on a plan for it.

Which answer is due is looked for in this order: a fault that acts before the service does, the user's
script, the state machine. A fault that acts after bends what was due.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from typing import Any, NamedTuple

from ..contract import Contract
from ..errors import UsageProblem
from ..faults import Due, Fault, FaultPlace, altered, answer_plan, check_answer, check_options, fault, fault_plan
from ..messages import Done, Exchange, HttpRequest, HttpResponse, ServiceEvent
from ..plans import Plan
from ..rules.request import judged_request
from ..samples import sample
from .choices import choice_answer, choice_value
from .gateway import refusal
from .instances import Call, Decision, Instances
from .script import Script


class Reply(NamedTuple):
    """What a server is to do, and the journal entry to call `Service.ended` with once (None: none)."""

    plan: Plan
    entry: int | None


class _Scripted(NamedTuple):
    """An answer of the user's, made into a plan once; `response` is None where it came as a plan."""

    plan: Plan
    response: HttpResponse | None


class _Failure(NamedTuple):
    fault: Fault
    options: Mapping[str, Any]


class Service:
    """One stand-in service. All calls come from one thread; attributes may be read from any.

    `clock` gives seconds, from whenever; the journal counts from the moment the service was made.
    `wall_clock` gives seconds since 1970 and is what a scripted date is held against, None: it may be any.
    """

    def __init__(
        self, contract: Contract, clock: Callable[[], float], wall_clock: Callable[[], float] | None = None
    ) -> None:
        #: Whether connections are refused from now on (fault `refuse`); the listener's owner looks at it.
        self.refusing = False
        #: Told of every exchange as it ends and what was done about it, and of every connection that ended before one.
        self.watcher: Callable[[Exchange | None, ServiceEvent], None] | None = None
        self._contract = contract
        self._clock = clock
        self._wall_clock = wall_clock
        self._key: tuple[str, str] | None = None
        self._began = clock()
        self._instances = Instances(contract)
        #: Ids of the instances that are put back after each request.
        self._ready_again: list[str] = []
        self._answers: Script[_Scripted] = Script()
        self._faults: Script[_Failure] = Script()
        self._journal: list[Exchange] = []
        self._events: list[ServiceEvent] = []

    # --- for the user ---

    @property
    def journal(self) -> tuple[Exchange, ...]:
        """Everything that has arrived so far, oldest first; a request stands here before its answer is sent."""
        return tuple(self._journal)

    @property
    def events(self) -> tuple[ServiceEvent, ...]:
        """What was done about everything that has arrived, oldest first; connections that a fault ended included."""
        return tuple(self._events)

    @property
    def upgrades_started(self) -> int:
        """How many upgrades were started so far."""
        return self._instances.upgrades_started

    @property
    def started(self) -> tuple[ServiceEvent, ...]:
        """The event of every upgrade that was started, oldest first."""
        return tuple(event for event in self._events if event.done == "started")

    def upgrades_of(self, instance_id: str) -> int:
        """How many upgrades of that instance were started so far."""
        return sum(event.instance_id == instance_id for event in self.started)

    def upgrades_under(self, token: str | None) -> int:
        """How many upgrades were started under that token so far, None: without one."""
        return sum(event.token == token for event in self.started)

    @property
    def script_left(self) -> int:
        """How many times of scripted answers and faults are not used up."""
        return self._answers.left + self._faults.left

    def advance(self, seconds: float) -> None:
        """Let the service's time pass, which stands still otherwise; row `activating-ends` of the choices goes by it.

        The journal's times are the server's own. Raises `UsageProblem` for what is no time.
        """
        self._instances.advance(seconds)

    def reply_with(self, answer: str | HttpResponse | Plan, times: int | None = None) -> None:
        """Answer what arrives with a sample by name, a response or a plan, `times` requests or for ever.

        Several queue up; one that is for ever ends where another is added. Such an answer changes
        nothing in the service. Raises `UnknownName` for a sample, and `UsageProblem` for a response that
        cannot be sent; a plan sends anything.
        """
        if isinstance(answer, str):
            answer = sample(self._contract, answer)
        if isinstance(answer, Plan):
            scripted = _Scripted(answer, None)
        elif isinstance(answer, HttpResponse):
            check_answer(answer)
            scripted = _Scripted(answer_plan(answer), answer)
        else:
            raise UsageProblem(f"reply_with takes the name of a sample, an HttpResponse or a Plan, got {answer!r}")
        self._answers.add(scripted, times)

    def check_signatures(self, access_key_id: str, access_key_secret: str) -> None:
        """From now on refuse what is not signed with that key. Scripted answers are given all the same."""
        self._key = (access_key_id, access_key_secret)

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

    def ready_again(self, id: str) -> None:  # noqa: A002 - as in `add_instance`
        """Add an instance that is put back to 6.3 after each request, so that every upgrade of it can be counted."""
        self.add_instance(id)
        self._ready_again.append(id)

    def fail_with(self, fault_name: str, times: int | None = 1, **options: Any) -> None:
        """Play that fault on the next `times` answers (or connections), None: on all; several are played in turn.

        `refuse` holds from its turn on, whatever `times` is. A plan given to `reply_with` is performed as
        it is, and uses up no fault. `retry_after` is 0 to 1 (seconds, rounded up: the wire has whole ones),
        a `datetime` with a time zone or the text of an HTTP-date, at most 2 s ahead.
        Raises `UnknownName` or `UsageProblem`.
        """
        row = fault(fault_name)
        check_options(row, options, self._wall_clock() if self._wall_clock else None)
        self._faults.add(_Failure(row, options), 1 if row.place == "listener" else times)
        self._look_for_refuse()

    def copy(self) -> Service:
        """Another service that stands where this one does, and goes its own way from there.

        Its journal's time goes on from where the last entry ended.
        """
        twin = copy(self)
        vars(twin).update(
            _began=self._clock() - (self._journal[-1].ended if self._journal else 0.0),
            _instances=self._instances.copy(),
            _answers=self._answers.copy(),
            _faults=self._faults.copy(),
            _ready_again=list(self._ready_again),
            _journal=list(self._journal),
            _events=list(self._events),
        )
        return twin

    def stop_failing(self) -> None:
        """Forget the faults that were scripted and are not played yet."""
        self._faults = Script()

    # --- for the server ---

    def connected(self) -> Plan | None:
        """A connection is there and nothing of a request is read: the plan of a fault, or None to read on."""
        failure = self._next_fault("connection")
        if failure is None:
            return None
        self._use_fault()
        event = ServiceEvent(None, self._now(), "nothing", fault=failure.fault.name)
        self._events.append(event)
        if self.watcher is not None:
            self.watcher(None, event)
        return fault_plan(failure.fault.name, Due(HttpResponse(200)))

    def received(self, request: HttpRequest) -> Reply:
        """A whole request has come."""
        reply = self._journaled(request, *self._plan(request))
        for instance_id in self._ready_again:
            self.add_instance(instance_id)
        return reply

    def unparsable(self, request: HttpRequest) -> Reply:
        """Bytes have come that are no HTTP; `request` holds what could be read of them."""
        return self._refused(request, "malformed-request")

    def stalled(self, request: HttpRequest) -> Reply:
        """The announced bytes of a request stopped coming; `request` holds what came."""
        return self._refused(request, "stalled-request")

    def unanswered(self, request: HttpRequest) -> None:
        """A request came, whole or not, and its connection ended before an answer or will bring none."""
        self._journaled(request, Plan(()), "nothing")
        self.ended(len(self._journal) - 1)

    def ended(self, entry: int) -> None:
        """The last bytes of that entry's answer are about to leave, its plan was performed, or its connection ended."""
        begun = self._journal[entry]
        self._journal[entry] = Exchange(begun.request, begun.response, begun.started, self._now(), begun.fault)
        if self.watcher is not None:
            event = next(event for event in reversed(self._events) if event.entry == entry)
            self.watcher(self._journal[entry], event)

    def _now(self) -> float:
        return self._clock() - self._began

    def _journaled(self, request: HttpRequest, plan: Plan, decided: Decision | Done) -> Reply:
        now, entry = self._now(), len(self._journal)
        self._journal.append(Exchange(request, plan.response, now, now, plan.fault))
        self._events.append(_event(entry, now, plan, decided))
        return Reply(plan, entry)

    def _refused(self, request: HttpRequest, choice: str) -> Reply:
        decision = self._choice(choice)
        return self._journaled(request, answer_plan(altered(decision.response, Connection="close")), decision)

    def _plan(self, request: HttpRequest) -> tuple[Plan, Decision | Done]:
        failure = self._next_fault("answer")
        if failure is not None and not failure.fault.acted_on:
            return self._failed(request, failure, self._choice("invalid-request").response), "nothing"
        scripted = self._answers.take()
        if scripted is None:
            decision = self._decided(request)
            return self._performed(request, failure, decision.response), decision
        if scripted.response is None or (failure is None and _is_plain(request)):
            return scripted.plan, "scripted"
        return self._performed(request, failure, scripted.response), "scripted"

    def _performed(self, request: HttpRequest, failure: _Failure | None, response: HttpResponse) -> Plan:
        response = _as_asked(request, response)
        if failure is None:
            return answer_plan(response, head_only=request.method == "HEAD")
        return self._failed(request, failure, response)

    def _next_fault(self, place: FaultPlace) -> _Failure | None:
        """The fault whose turn it is, if it acts at that place."""
        failure = self._faults.peek()
        return failure if failure is not None and failure.fault.place == place else None

    def _use_fault(self) -> None:
        self._faults.take()
        self._look_for_refuse()

    def _look_for_refuse(self) -> None:
        if self._next_fault("listener") is not None:
            self._faults.take()
            self.refusing = True

    def _failed(self, request: HttpRequest, failure: _Failure, response: HttpResponse) -> Plan:
        """The plan of a fault; one that comes before the service is given no more than a RequestId in what was due."""
        self._use_fault()
        due = Due(response, request.target, head_only=request.method == "HEAD")
        return fault_plan(failure.fault.name, due, **failure.options)

    def _decided(self, request: HttpRequest) -> Decision:
        """The state machine's answer: a broken rule of level must is refused, anything else is a call."""
        refused = self._key and refusal(self._contract, request, self._key)
        if refused:
            return self._choice(*refused)
        violations, document = judged_request(self._contract, request, parsed=True)
        broken = {found.rule.id: found for found in violations if found.rule.level == "must"}
        if "body" in document and choice_value(self._contract, "media-type"):
            broken.pop("request.body.media_type", None)
        if not broken:
            return self._instances.call(Call.of(self._contract, document), self._request_id())
        for rule, choice in _CHOICE_FOR_RULE.items():
            if rule in broken:
                return self._choice(choice)
        first = next(iter(broken.values()))
        detail = f"{first.rule.id} at {first.where}: got {first.got}, expected {first.expected}"
        return self._choice("invalid-request", detail)

    def _choice(self, name: str, detail: str = "") -> Decision:
        answer = choice_answer(self._contract, name, self._request_id(), detail)
        if answer.status == 405:
            answer = altered(answer, Allow=self._contract.method)
        return Decision(answer, "refused")

    def _request_id(self) -> str:
        """A RequestId in the shape of the page's, another one for every request of this service."""
        number = len(self._journal) + 1
        return f"{number:08X}-2017-4613-8000-{number:012X}"


#: Rules whose breaking is told by a status of its own, the more telling first.
_CHOICE_FOR_RULE: Mapping[str, str] = {"request.path": "unknown-path", "request.method": "unknown-method"}


def _event(entry: int, at: float, plan: Plan, decided: Decision | Done) -> ServiceEvent:
    if isinstance(decided, str):
        return ServiceEvent(entry, at, decided, fault=plan.fault)
    code = json.loads(decided.response.body)["Code"] if decided.done == "refused" else None
    instance, token = (decided.call.instance_id, decided.call.client_token or None) if decided.call else (None, None)
    return ServiceEvent(entry, at, decided.done, instance, token, decided.upgrade, code, plan.fault)


def _is_plain(request: HttpRequest) -> bool:
    """Whether an answer goes out as it is, without regard to the request."""
    return request.method != "HEAD" and not _asks_to_close(request)


def _as_asked(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The answer with `Connection: close` where the client asked for it (RFC 9112 section 9.6)."""
    add = _asks_to_close(request) and not response.header("Connection")
    return altered(response, Connection="close") if add else response


def _asks_to_close(request: HttpRequest) -> bool:
    return "close" in (request.header("Connection") or "").lower()
