"""The stage of a live run: joins a stand-in and the client under test, and watches both.

Every call is bounded: by the time since the last byte of a whole answer, or, while none was sent, by
the time since the call began. What the client does on the side (prints, sockets, variables) is
watched for as long as the stage stands.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ..client.environment import clean_environment
from ..client.loopback import guard
from ..client.said import said
from ..contract import Contract
from ..errors import ClientHung
from ..messages import Endpoint, Exchange, HttpResponse, Outcome, UpgradeRequest
from ..stage import Call, Client, Deadline, OpenClient
from .standin import StandIn

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..plans import Plan

#: Seconds after the last byte of a whole answer within which a call has to end.
AFTER_ANSWER = 5.0
#: Seconds that a client may take to close.
CLOSING = 5.0


class LiveStage:
    """A `Stage` over a stand-in and a client; a context manager. It closes the clients, not the stand-in."""

    def __init__(self, contract: Contract, client: Client, stand_in: StandIn, bound: float) -> None:
        """`bound` is how long a call may take that gets no whole answer, in seconds."""
        self.contract = contract
        self.endpoint: Endpoint = stand_in.endpoint
        self._client, self._stand_in, self._bound = client, stand_in, bound
        self._opened: list[OpenClient] = []
        self._calls: list[Call] = []
        self._other: StandIn | None = None
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
            for opened in self._opened:
                opened.close(_within(CLOSING))
            if self._other is not None:
                self._other.close()

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
        """Bytes of application data that have arrived at the case's port or at the other host."""
        return sum(stand_in.server.bytes_arrived for stand_in in self._stand_ins())

    @property
    def upgrades_started(self) -> int:
        """How many upgrades the service has started."""
        return self._stand_in.upgrades_started

    def reply_with(self, answer: str | HttpResponse | Plan, times: int | None = None) -> None:
        """Answer whatever arrives next with a sample by name, a response or a plan."""
        self._stand_in.reply_with(answer, times)

    def refuse_connections(self) -> None:
        """Stop listening: from now on the case's port refuses every connection."""
        self._stand_in.server.refuse()

    def other_host(self) -> str:
        """`host:port` of a second stand-in under another name of loopback."""
        if self._other is None:
            self._other = StandIn(self.contract, self.endpoint.timeout, "localhost")
            # Whoever is led there is told a success: that no service of the caller's gave it is the point.
            self._other.reply_with("all_passed")
        return self._other.netloc

    def _settle(self) -> None:
        for stand_in in self._stand_ins():
            stand_in.server.settle()

    def _stand_ins(self) -> list[StandIn]:
        return [self._stand_in] if self._other is None else [self._stand_in, self._other]

    # --- calls --------------------------------------------------------------------------------------

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every call that was made so far, one that hung included."""
        return tuple(self._calls)

    def open(self) -> OpenClient:
        """A further client, made anew. Raises `AdapterFault`, or `ClientHung` where the factory does not return."""
        try:
            opened = self._client.open(self.endpoint, _within(self._bound))
        except ClientHung:
            self._abandon()
            raise
        self._opened.append(opened)
        self._settle()  # a factory may have sent something
        return opened

    def call(self, request: UpgradeRequest, client: OpenClient | None = None) -> Call:
        """Make one call, on the case's first client where none is given. Raises `ClientHung`."""
        opened = client or self._first()
        before, arrived, began = len(self.journal), self.bytes_arrived, time.monotonic()
        outcome = opened.call(request, self._deadline(began))
        self._settle()
        outcome = _refined(outcome, reached=self.bytes_arrived > arrived)
        made = Call(request, outcome, self.journal[before:])
        self._record([made], began)
        return made

    def call_together(self, requests: Sequence[UpgradeRequest], client: OpenClient | None = None) -> list[Call]:
        """Make several calls at once; what was on the wire is told apart by the id in the path. Raises `ClientHung`."""
        opened = client or self._first()
        before, began = len(self.journal), time.monotonic()
        outcomes = opened.call_together(requests, self._deadline(began))
        self._settle()
        arrived = self.journal[before:]
        known = {str(request.instance_id) for request in requests}
        strays = [exchange for exchange in arrived if known.isdisjoint(_segments(exchange))]
        made = []
        for request, outcome in zip(requests, outcomes, strict=True):
            own = tuple(exchange for exchange in arrived if str(request.instance_id) in _segments(exchange))
            # What names none of the ids may be anybody's: nobody is said to have sent nothing then.
            made.append(Call(request, _refined(outcome, reached=bool(own or strays)), own))
        self._record(made, began)
        return made

    def _first(self) -> OpenClient:
        return self._opened[0] if self._opened else self.open()

    def _deadline(self, began: float) -> Deadline:
        def left() -> float:
            answered = self._answered_since(began)
            end = began + self._bound if answered is None else answered + AFTER_ANSWER
            return end - time.monotonic()

        return left

    def _answered_since(self, began: float) -> float | None:
        times = [stand_in.server.last_whole_answer for stand_in in self._stand_ins()]
        return max((at for at in times if at is not None and at >= began), default=None)

    def _record(self, made: Sequence[Call], began: float) -> None:
        self._calls += made
        hung = [call for call in made if call.outcome.kind == "hung"]
        if not hung:
            return
        self._abandon()
        which = hung[0].request.as_code()
        if self._answered_since(began) is not None:
            raise ClientHung("client.hangs", f"{which} had not ended {AFTER_ANSWER:g} s after its whole answer")
        raise ClientHung("client.timeout", f"{which} had not ended {self._bound:g} s after it began, without an answer")

    def _abandon(self) -> None:
        for stand_in in self._stand_ins():
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
        return tuple(change for opened in self._opened for change in getattr(opened, "changed_requests", ()))


def _within(seconds: float) -> Callable[[], float]:
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def _refined(outcome: Outcome, *, reached: bool) -> Outcome:
    """A client cannot tell whether anything reached the wire; the server can."""
    return replace(outcome, kind="rejected") if outcome.kind == "failed" and not reached else outcome


def _segments(exchange: Exchange) -> list[str]:
    return [unquote(segment) for segment in exchange.request.path.split("/")]
