"""A client implementation that is reached through a Python factory: opened, called, closed, bounded.

Factory, calls and close of one case share one thread that is not the main one. Nothing that client
code raises gets out of here: it becomes an `Outcome`, an `AdapterFault`, or `close_error`.
"""

from __future__ import annotations

import copy
import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from ..errors import AdapterFault, ClientHung
from ..messages import Endpoint, Outcome, UpgradeRequest
from .answers import read_answer
from .failures import read_error, read_error_value
from .shapes import safely
from .threads import CaseThread, Ended, nothing

if TYPE_CHECKING:
    from ..stage import Deadline

Call = Callable[[UpgradeRequest], Any]


class FactoryClient:
    """A client under test behind `factory(endpoint)`, which returns what is called with a request.

    `name` is what the run calls it, `adapter` the `MODULE:FACTORY` it came from.
    """

    option = "--es-upgrade-client"

    def __init__(self, name: str, adapter: str, factory: Callable[[Endpoint], Any]) -> None:
        """`factory` may be a function, a coroutine function, a class or any other callable."""
        self.name, self.adapter, self.factory = name, adapter, factory

    def __repr__(self) -> str:
        """As it would be made again."""
        return f"FactoryClient({self.name!r}, {self.adapter!r})"

    def open(self, endpoint: Endpoint, deadline: Deadline) -> OpenFactoryClient:
        """A new client for that endpoint, in a thread of its own.

        Raises `AdapterFault`: `adapter.factory` where the factory raises, `adapter.callable` where it
        returns nothing callable; `ClientHung` (`client.timeout`) where it does not return in time.
        """
        thread = CaseThread(f"client {self.name}")
        making = _Making(self.factory, endpoint)
        with _directory_kept():
            made = thread.do(making, lambda ended: (ended.value, self._fault(ended, endpoint)), deadline)
        if made is None:
            raise ClientHung("client.timeout", f"the factory {self.adapter} did not return in time")
        call, fault = made
        if fault is not None:
            thread.end(nothing, deadline)
            raise fault
        return OpenFactoryClient(thread, call, on_loop=making.was_async)

    def end(self) -> None:
        """Nothing is held over cases."""

    def _fault(self, ended: Ended, endpoint: Endpoint) -> AdapterFault | None:
        if ended.raised is not None:
            advice = _signature_advice(self.factory, endpoint)
            return AdapterFault("adapter.factory", f"the factory {self.adapter} raised {told(ended.raised)}{advice}")
        if not callable(ended.value):
            return AdapterFault(
                "adapter.callable",
                f"the factory {self.adapter} returned {shown(ended.value)}, expected a callable that takes an "
                "UpgradeRequest; let it return the inner function",
            )
        return None


class OpenFactoryClient:
    """A client that was opened for one endpoint. Nothing raises; what goes wrong is in the outcome."""

    #: What went wrong while the client was closed, or None.
    close_error: str | None

    #: Each request that the client changed, as `before became after`.
    changed_requests: list[str]

    def __init__(self, thread: CaseThread, call: Call, *, on_loop: bool) -> None:
        """`on_loop` runs plain calls within the event loop, for clients whose factory was async."""
        self.close_error = None
        self.changed_requests = []
        self._thread = thread
        self._call: Call | None = call
        self._on_loop = on_loop

    def call(self, request: UpgradeRequest, deadline: Deadline) -> Outcome:
        """One call; `hung` where it did not end before the deadline, and from then on at once."""
        if self._thread.abandoned or self._call is None:
            return Outcome("hung")
        one = _Calling(self._call, request)
        with _directory_kept():
            outcome = self._thread.do(one, _outcome, deadline, on_loop=self._on_loop)
        return self._noted([one], [outcome])[0]

    def call_together(self, requests: Sequence[UpgradeRequest], deadline: Deadline) -> list[Outcome]:
        """All calls at once, each in a thread or task of its own; outcomes in the order of requests."""
        if self._thread.abandoned or self._call is None:
            return [Outcome("hung") for _ in requests]
        callings = [_Calling(self._call, request) for request in requests]
        with _directory_kept():
            outcomes = self._thread.do_together(callings, _outcome, deadline, on_loop=self._on_loop)
        return self._noted(callings, outcomes)

    def close(self, deadline: Deadline) -> None:
        """Let the client release what it holds (`aclose`, else `close`), then end its thread.

        Errors are kept in `close_error`. A client that has hung is left alone.
        """
        call, self._call = self._call, None
        if self._thread.abandoned or call is None:
            return
        with _directory_kept():
            raised = self._thread.end(lambda: _closed(call), deadline)
        self.close_error = told(raised) if raised is not None else None

    def _noted(self, callings: list[_Calling], outcomes: list[Outcome | None]) -> list[Outcome]:
        self.changed_requests += [change for one in callings if (change := one.change()) is not None]
        return [Outcome("hung") if outcome is None else outcome for outcome in outcomes]


class _Making:
    """The factory, called; remembers whether it was async, since then its calls expect the loop."""

    def __init__(self, factory: Callable[[Endpoint], Any], endpoint: Endpoint) -> None:
        self._factory, self._endpoint = factory, endpoint
        self.was_async = False

    def __call__(self) -> Any:
        made = self._factory(self._endpoint)
        self.was_async = isawaitable(made)
        return made


class _Calling:
    """One call: what it is made with, and whether the client changed that.

    The client gets a copy: what the caller holds stays as it was, whatever the client does.
    """

    def __init__(self, call: Call, request: UpgradeRequest) -> None:
        self._call, self._request = call, copy.copy(request)
        self._before = self._look()

    def __call__(self) -> Any:
        return self._call(self._request)

    def change(self) -> str | None:
        after = self._look()
        return None if after == self._before else f"{self._before} became {after}"

    def _look(self) -> str:
        return str(safely(lambda: repr(vars(self._request))))


def _outcome(ended: Ended) -> Outcome:
    """The caller's view; whether something had reached the wire before it failed is for others to say."""
    if ended.raised is not None:
        return Outcome("failed", error=read_error(ended.raised))
    value = ended.value
    return Outcome("ok", result=value, answer=read_answer(value), error=read_error_value(value))


def _closed(call: Call) -> Any:
    close = getattr(call, "aclose", None) or getattr(call, "close", None)
    return close() if callable(close) else None


@contextmanager
def _directory_kept() -> Iterator[None]:
    """A client that changes the working directory has done so for the length of its call only."""
    before = safely(os.getcwd)
    try:
        yield
    finally:
        if before is not None and safely(os.getcwd) != before:
            with suppress(OSError):
                os.chdir(before)


def told(raised: BaseException) -> str:
    """An exception on one line of bearable length: its type and what it says."""
    words = " ".join(str(safely(str, raised) or "").split())
    return f"{type(raised).__name__}: {words[:300]}" if words else type(raised).__name__


def shown(value: Any) -> str:
    """A value on one line of bearable length: its repr and type."""
    words = " ".join(str(safely(repr, value)).split())
    return "None" if value is None else f"{words[:100]} ({type(value).__name__})"


def _signature_advice(factory: Callable[[Endpoint], Any], endpoint: Endpoint) -> str:
    """What to do where a factory cannot be called with one endpoint; empty where it can."""
    signature = safely(inspect.signature, factory)
    if signature is None or safely(signature.bind, endpoint) is not None:
        return ""
    return f"; a factory takes one argument, the Endpoint, and not {signature}"
