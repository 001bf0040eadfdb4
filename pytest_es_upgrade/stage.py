"""The small protocol that cases are written against, and the one that clients are reached by.

A case opens clients, makes calls, scripts the service and reads the journal; it never learns which
server or which client stands behind this. So the same cases can be pointed at another server.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from .contract import Contract
from .messages import Endpoint, Exchange, HttpResponse, Outcome, UpgradeRequest
from .plans import Plan

#: Seconds that are left to a call as of now. It may grow while the service is still answering.
Deadline = Callable[[], float]


@dataclass(frozen=True)
class Call:
    """One call that a case made: what was asked, how it ended, and what was on the wire meanwhile."""

    request: UpgradeRequest
    outcome: Outcome
    exchanges: tuple[Exchange, ...]


class OpenClient(Protocol):
    """A client that was opened for one endpoint. Never raises; what goes wrong is in the outcome."""

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

    def open(self, endpoint: Endpoint, deadline: Deadline) -> OpenClient:
        """A new client for that endpoint. Raises `AdapterFault` where the factory fails."""


class Stage(Protocol):
    """What a case sees of the world: one service of its own, and clients of the implementation under test."""

    contract: Contract
    endpoint: Endpoint

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

    def refuse_connections(self) -> None:
        """Stop listening: from now on the case's port refuses every connection."""

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
