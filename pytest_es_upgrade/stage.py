"""The small protocol that cases are written against, and the one that clients are reached by.

A case opens clients, makes calls, scripts the service and reads the journal; it never learns which
server or which client stands behind this. So the same cases can be pointed at another server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .contract import Contract
from .messages import Arrival, Endpoint, Exchange, HttpResponse, Outcome, UpgradeRequest, Violation
from .plans import Certificate, Plan

#: Seconds that are left to a call as of now. It may grow while the service is still answering.
Deadline = Callable[[], float]


@dataclass(frozen=True)
class Call:
    """One call that a case made: what was asked, how it ended, and what was on the wire meanwhile.

    `arrivals` are for whoever reads the report, and empty where nobody told; no case looks at them.
    """

    request: UpgradeRequest
    outcome: Outcome
    exchanges: tuple[Exchange, ...]
    arrivals: tuple[Arrival, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True)
class Generation:
    """How examples are generated for a case.

    `examples` is how many, `shrinks` how many calls may be spent on the simplest one that fails, and
    `seconds` how long all of it may take. With a `seed` the examples are the same each time; without one
    Hypothesis decides. Under `key` the example database keeps what failed. `fails` tells whether a
    violation would fail the case: that is what is searched for and shrunk.
    """

    examples: int
    shrinks: int
    seconds: float
    seed: str | None
    key: bytes
    fails: Callable[[Violation], bool]


class OpenClient(Protocol):
    """A client that was opened for one endpoint. What goes wrong is in the outcome.

    Calls of a driver raise `AdapterFault` where it breaks its protocol, and `NotTestable` for values that
    do not reach it; nothing else raises.
    """

    def call(self, request: UpgradeRequest, deadline: Deadline) -> Outcome:
        """One call. The kind of an outcome that raised is `failed`; the stage knows about the wire."""

    def call_together(self, requests: Sequence[UpgradeRequest], deadline: Deadline) -> list[Outcome]:
        """All calls at once, each in a thread or task of its own; outcomes in the order of requests."""

    def close(self, deadline: Deadline) -> None:
        """Let the client release what it holds. A client that has hung is left alone."""


class Client(Protocol):
    """A client implementation under test: a Python factory, or a driver process."""

    name: str
    adapter: str
    #: The option that names it, as `OPTION=NAME=ADAPTER`.
    option: str

    def open(self, endpoint: Endpoint, deadline: Deadline) -> OpenClient:
        """A new client for that endpoint. Raises `AdapterFault` where the factory fails."""

    def end(self) -> str | None:
        """Give back what is held over the cases of a session; a note on what was odd about that, or None."""


class Stage(Protocol):
    """What a case sees of the world: one service of its own, and clients of the implementation under test."""

    contract: Contract
    endpoint: Endpoint
    generation: Generation
    #: The code of the generated example that the case is about, once there is one.
    example: str | None
    #: How many generated examples were put to the client, up to the first that fails.
    examples_asked: int

    def begin_anew(self, client: OpenClient | None = None) -> None:
        """Forget all calls, and put service, script and journal back to their beginning; the port stays.

        From then on `call` uses that client, or the case's first again.
        """

    @property
    def journal(self) -> tuple[Exchange, ...]:
        """Everything that has arrived so far, oldest first."""

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every call that the case has made so far."""

    @property
    def upgrades_started(self) -> int:
        """How many upgrades the service has started."""

    def open(self) -> OpenClient:
        """A further client, made anew; `call` without one uses the case's first."""

    def call(self, request: UpgradeRequest, client: OpenClient | None = None) -> Call:
        """Make one call. Raises `ClientHung` where it does not end in time."""

    def call_together(self, requests: Sequence[UpgradeRequest], client: OpenClient | None = None) -> list[Call]:
        """Make several calls at once on one client; their ids must differ, so that the wire can be told apart."""

    def reply_with(self, answer: str | HttpResponse | Plan, times: int | None = None) -> None:
        """Answer whatever arrives next (`times` requests, or all) with a sample by name, a response or a plan."""

    def add_instance(
        self,
        id: str,  # noqa: A002 - as the service's users know it
        *,
        version: str = "6.3",
        kernel: str | None = None,
        activating: bool = False,
        failing: Iterable[str] = (),
    ) -> None:
        """Add an instance, or put a known one in another state; until the first, every id exists at 6.3."""

    def ready_again(self, id: str) -> None:  # noqa: A002 - as above
        """Add an instance that is ready at 6.3 anew after each request, as if it had been restored meanwhile.

        So a second upgrade of one call is started and counted, where `InstanceActivating` would hide it.
        """

    def fail_with(self, fault: str, times: int = 1, **options: Any) -> None:
        """Play that fault on the next `times` answers; several queue up."""

    def stop_failing(self) -> None:
        """Forget the faults that were scripted and are not played yet."""

    @property
    def script_left(self) -> int:
        """How many of the scripted answers and faults are not used up."""

    def beside(self) -> Stage:
        """A stage of another service, at another endpoint with other credentials, for the same implementation.

        Its calls stand among those of this one, in the order in which they were made.
        """

    def refuse_connections(self) -> None:
        """Stop listening: from now on the case's port refuses every connection."""

    def present(self, certificate: Certificate) -> None:
        """Show that certificate from now on, where the service speaks TLS; open connections are closed."""

    def other_host(self) -> str:
        """`host:port` of a second listener under another name of loopback; it answers everything with a success."""

    @property
    def elsewhere(self) -> tuple[Exchange, ...]:
        """What arrived at the other host, oldest first."""

    @property
    def said(self) -> str:
        """What the client printed and logged so far."""

    @property
    def escapes(self) -> tuple[str, ...]:
        """`host:port` of every attempt to connect to anything but loopback; all were stopped."""

    @property
    def changed_requests(self) -> tuple[str, ...]:
        """For each request that the client changed, how it read before and after."""
