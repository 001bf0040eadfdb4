"""The stage of a live run: joins a stand-in and the client under test, and watches both.

Every call is bounded: by the time since the last byte of a whole answer, or, while none was sent, by
the time since the call began. What the client does on the side (prints, sockets, variables) is
watched for as long as the stage stands.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ..client.deadline import within
from ..client.environment import clean_environment
from ..client.loopback import guard
from ..client.said import said
from ..contract import Contract
from ..errors import AdapterFault, ClientHung, StillWaiting
from ..messages import Arrival, Endpoint, ErrorInfo, Exchange, HttpResponse, Outcome, UpgradeRequest
from ..rules import check_request
from ..stage import Call, Client, Deadline, Generation, OpenClient
from ..standin import StandIn
from ..suite.asking import versioned_targets

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..plans import Certificate, Plan

#: Seconds after the last byte of a whole answer within which a call has to end.
AFTER_ANSWER = 5.0
#: Statuses after which a client may try again, and waits before it does: a whole answer of these ends no call.
COME_AGAIN = (408, 429, *range(500, 600))
#: Seconds that a client may take to close.
CLOSING = 5.0


#: Whoever is led to another host is told a success: that no service of the caller's gave it is the point.
_ELSEWHERE = "all_passed"

#: For a stage on which nothing is generated.
UNASKED = Generation(1, 1, 1.0, seed="", key=b"", fails=lambda _: True)


class LiveStage:
    """A `Stage` over a stand-in and a client; a context manager. It closes the clients, not the stand-in."""

    def __init__(
        self,
        contract: Contract,
        client: Client,
        stand_in: StandIn,
        bound: float,
        generation: Generation = UNASKED,
    ) -> None:
        """`bound` is how long a call may take that gets no whole answer, in seconds."""
        self.contract = contract
        self.generation = generation
        self.example: str | None = None
        self.examples_asked = 0
        self.endpoint: Endpoint = stand_in.endpoint
        self._client, self._stand_in, self._bound = client, stand_in, bound
        self._opened: list[OpenClient] = []
        self._calls: list[Call] = []
        self._old_changes = 0
        self._chosen: OpenClient | None = None
        self._other: StandIn | None = None
        #: Every stand-in and every client of the case: a stage beside this one shares the lists.
        self._stand_ins, self._clients = [stand_in], list[OpenClient]()
        self._watching = ExitStack()

    def __enter__(self) -> Self:
        self._watching.enter_context(clean_environment())
        self._attempts = self._watching.enter_context(guard())
        self._said = self._watching.enter_context(said())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._watching:
            self._close_clients()
            for stand_in in self._stand_ins[1:]:
                stand_in.close()

    def renew(self) -> None:
        """Close every client and forget its calls; the next call makes one anew."""
        self._close_clients()
        for made in (self._opened, self._clients, self._calls):
            made.clear()

    def _close_clients(self) -> None:
        for opened in self._clients:
            opened.close(within(CLOSING))

    def begin_anew(self, client: OpenClient | None = None) -> None:
        """Forget all calls, and put service, script and journal back to their beginning; the port stays."""
        self._chosen = client
        self._calls.clear()
        self._said.forget()
        self._attempts.clear()
        self._old_changes = len(self._changes())
        for stand_in in self._stand_ins:
            stand_in.reset()
        if self._other is not None:
            self._other.reply_with(_ELSEWHERE)

    # --- the wire -----------------------------------------------------------------------------------
    # Every call settles what is on its way when it has ended; so nothing here has to wait again.

    @property
    def journal(self) -> tuple[Exchange, ...]:
        """Everything that has arrived so far, oldest first."""
        return self._stand_in.read_so_far

    @property
    def elsewhere(self) -> tuple[Exchange, ...]:
        """What arrived at the other host, oldest first."""
        return () if self._other is None else self._other.read_so_far

    @property
    def bytes_arrived(self) -> int:
        """Bytes of application data that have arrived at any port of the case."""
        return sum(stand_in.server.bytes_arrived for stand_in in self._stand_ins)

    @property
    def upgrades_started(self) -> int:
        """How many upgrades the service has started."""
        return self._stand_in.upgrades_started

    def reply_with(self, answer: str | HttpResponse | Plan, times: int | None = None) -> None:
        """Answer whatever arrives next with a sample by name, a response or a plan."""
        self._stand_in.reply_with(answer, times)

    def add_instance(
        self,
        id: str,  # noqa: A002 - as the service's users know it
        *,
        version: str = "6.3",
        kernel: str | None = None,
        activating: bool = False,
        failing: Iterable[str] = (),
    ) -> None:
        """Add an instance, or put a known one in another state."""
        self._stand_in.add_instance(id, version=version, kernel=kernel, activating=activating, failing=failing)

    def ready_again(self, id: str) -> None:  # noqa: A002 - as above
        """Add an instance that is ready at 6.3 anew after each request."""
        self._stand_in.ready_again(id)

    def fail_with(self, fault: str, times: int = 1, **options: Any) -> None:
        """Play that fault on the next `times` answers; several queue up."""
        self._stand_in.fail_with(fault, times, **options)

    def stop_failing(self) -> None:
        """Forget the faults that were scripted and are not played yet."""
        self._stand_in.stop_failing()

    @property
    def script_left(self) -> int:
        """How many of the scripted answers and faults are not used up."""
        return self._stand_in.script_left

    def refuse_connections(self) -> None:
        """Stop listening: from now on the case's port refuses every connection."""
        self._stand_in.server.refuse()

    def present(self, certificate: Certificate) -> None:
        """Show that certificate from now on; open connections are closed."""
        self._stand_in.present(certificate)

    def other_host(self) -> str:
        """`host:port` of a second stand-in under another name of loopback."""
        if self._other is None:
            self._other = StandIn(self.contract, self.endpoint.timeout, "localhost")
            self._other.reply_with(_ELSEWHERE)
            self._stand_ins.append(self._other)
        return self._other.netloc

    def beside(self) -> LiveStage:
        """A stage of another service, at another endpoint with other credentials; this one closes it."""
        stand_in = StandIn(self.contract, self.endpoint.timeout)
        secret = f"other-{self.endpoint.access_key_secret}"  # what looks for the one, or hides it, finds both
        stand_in.endpoint = replace(
            stand_in.endpoint, access_key_id="otherAccessKeyId", access_key_secret=secret, region_id="cn-beijing"
        )
        stage = LiveStage(self.contract, self._client, stand_in, self._bound, self.generation)
        self._stand_ins.append(stand_in)
        stage._stand_ins, stage._clients, stage._calls = self._stand_ins, self._clients, self._calls
        stage._said, stage._attempts = self._said, self._attempts
        return stage

    def _settle(self) -> None:
        for stand_in in self._stand_ins:
            stand_in.server.settle()

    # --- calls --------------------------------------------------------------------------------------

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every call that was made so far, one that hung included."""
        return tuple(self._calls)

    def open(self) -> OpenClient:
        """A further client, made anew. Raises `AdapterFault`, or `ClientHung` where the factory does not return."""
        self.endpoint = self._stand_in.endpoint  # another one once a client has hung and the stand-in was reset
        try:
            opened = self._client.open(self.endpoint, within(self._bound))
        except ClientHung:
            self._abandon()
            raise
        self._opened.append(opened)
        self._clients.append(opened)
        self._settle()  # a factory may have sent something
        return opened

    def call(self, request: UpgradeRequest, client: OpenClient | None = None) -> Call:
        """Make one call, on the case's first client where none is given. Raises `ClientHung` or `StillWaiting`, and
        for a driver `AdapterFault` and `NotTestable`.
        """
        opened = client or self._first()
        before, arrived, began = self._marks(), self.bytes_arrived, time.monotonic()
        try:
            outcome = opened.call(request, self._deadline(began))
        except AdapterFault as fault:
            self._record_broken([request], before, fault)
            raise
        self._settle()
        outcome = _refined(outcome, reached=self.bytes_arrived > arrived)
        made = Call(request, outcome, *self._since(before))
        self._record([made], began)
        return made

    def call_together(self, requests: Sequence[UpgradeRequest], client: OpenClient | None = None) -> list[Call]:
        """Make several calls at once; what was on the wire is told apart by the id in the path. Raises `ClientHung`."""
        opened = client or self._first()
        before, began = self._marks(), time.monotonic()
        try:
            outcomes = opened.call_together(requests, self._deadline(began))
        except AdapterFault as fault:
            self._record_broken(requests, before, fault)
            raise
        self._settle()
        arrived, arrivals = self._since(before)
        known = {str(request.instance_id) for request in requests}
        strays = [exchange for exchange in arrived if known.isdisjoint(_segments(exchange))]
        made = []
        for request, outcome in zip(requests, outcomes, strict=True):
            own = tuple(exchange for exchange in arrived if str(request.instance_id) in _segments(exchange))
            done = tuple(arrival for arrival in arrivals if any(arrival[0] is exchange for exchange in own))
            # What names none of the ids may be anybody's: nobody is said to have sent nothing then.
            made.append(Call(request, _refined(outcome, reached=bool(own or strays)), own, done))
        self._record(made, began)
        return made

    def _first(self) -> OpenClient:
        return self._chosen or (self._opened[0] if self._opened else self.open())

    def _deadline(self, began: float) -> Deadline:
        def left() -> float:
            answered = self._answered_since(began)
            end = began + self._bound if answered is None else answered + AFTER_ANSWER
            return end - time.monotonic()

        return left

    def _answered_since(self, began: float) -> float | None:
        times = [stand_in.server.last_whole_answer for stand_in in self._stand_ins]
        return max((at for at in times if at is not None and at >= began), default=None)

    def _marks(self) -> tuple[int, int]:
        """How much has arrived and how much was done so far, for `_since`."""
        return len(self.journal), len(self._stand_in.done_so_far)

    def _since(self, marks: tuple[int, int]) -> tuple[tuple[Exchange, ...], tuple[Arrival, ...]]:
        """What has arrived since then, and what was done about it."""
        # In this order: what a hung client sends meanwhile stands in the journal before it is an event.
        events = self._stand_in.done_so_far[marks[1] :]
        journal = self.journal
        arrivals = ((None if event.entry is None else journal[event.entry], event) for event in events)
        return journal[marks[0] :], tuple(arrivals)

    def _record_broken(self, requests: Sequence[UpgradeRequest], before: tuple[int, int], fault: AdapterFault) -> None:
        """Calls that nobody can say the end of, for whoever reads what was asked and sent."""
        self._settle()
        outcome = Outcome("failed", error=ErrorInfo(type(fault).__name__, message=str(fault)))
        self._calls += [Call(request, outcome, *self._since(before)) for request in requests]

    def _record(self, made: Sequence[Call], began: float) -> None:
        self._calls += made
        hung = [call for call in made if call.outcome.kind == "hung"]
        if not hung:
            return
        self._abandon()
        which = hung[0].request.as_code()
        if self._answered_since(began) is not None:
            status = self._last_status()
            if status in COME_AGAIN:
                waited = f"{which} had not ended {AFTER_ANSWER:g} s after the answer {status}"
                raise StillWaiting(f"{waited}, and may have been waiting to try again")
            raise ClientHung("client.hangs", f"{which} had not ended {AFTER_ANSWER:g} s after its whole answer")
        unended = f"{which} had not ended {self._bound:g} s after it began"
        if len(self._calls) == len(made) and not self.bytes_arrived and self._should_be_sent(hung[0].request):
            raise ClientHung("sent.call", f"{unended}, and nothing was sent")
        raise ClientHung("client.timeout", f"{unended}, without an answer")

    def _should_be_sent(self, request: UpgradeRequest) -> bool:
        """Whether nothing stood in the way of a call: neither its values nor a port that refuses, nor a certificate."""
        refusing = any(stand_in.server.service.refusing for stand_in in self._stand_ins)
        given = (request.version, request.type) in versioned_targets(self.contract)
        return self.endpoint.scheme == "http" and not refusing and given and not check_request(request, self.contract)

    def _last_status(self) -> int | None:
        exchange = next(iter(self.journal[-1:]), None)
        return exchange.response.status if exchange is not None and exchange.response is not None else None

    def _abandon(self) -> None:
        for stand_in in self._stand_ins:
            stand_in.abandoned = True

    # --- the client on the side ---------------------------------------------------------------------

    @property
    def said(self) -> str:
        """What the client printed and logged so far."""
        return self._said.text

    @property
    def escapes(self) -> tuple[str, ...]:
        """`host:port` of every attempt to connect to anything but loopback; all were stopped."""
        return tuple(map(str, self._attempts))

    @property
    def changed_requests(self) -> tuple[str, ...]:
        """For each request that the client changed, how it read before and after."""
        return tuple(self._changes()[self._old_changes :])

    def _changes(self) -> list[str]:
        return [change for opened in self._clients for change in getattr(opened, "changed_requests", ())]


def _refined(outcome: Outcome, *, reached: bool) -> Outcome:
    """A client cannot tell whether anything reached the wire; the server can."""
    return replace(outcome, kind="rejected") if outcome.kind == "failed" and not reached else outcome


def _segments(exchange: Exchange) -> list[str]:
    return [unquote(segment) for segment in exchange.request.path.split("/")]
