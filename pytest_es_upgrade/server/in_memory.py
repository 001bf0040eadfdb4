"""A connection without a socket: what a client writes is answered when it reads, in its own thread.

The same reader and the same plans as behind a port. Time is not waited for: a pause that a client's
timeout would not outlast is a timeout at once, any other is nothing. Where a client without a timeout
would wait for ever, it gets a timeout too.
"""

from __future__ import annotations

import errno
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, ClassVar

from ..messages import HttpRequest
from ..plans import Close, Hold, Pause, Plan, Reset, Send, Step
from ..service import Reply, Service
from .reading import RequestReader, Unparsable


class MemorySocket:
    """What `http.client` needs of a socket, connected to a service."""

    def __init__(self, service: Service, lock: AbstractContextManager[Any]) -> None:
        """`lock` is held while the service is spoken to. Raises `ConnectionRefusedError` where it refuses."""
        self._service = service
        self._lock = lock
        self._reader = RequestReader()
        self._timeout: float | None = None
        self._waited = 0.0
        self._steps: Iterator[Step] | None = None
        self._entry: int | None = None
        self._fault: str | None = None
        self._unread = b""
        #: What every read comes to from now on: nothing, or an exception.
        self._end: Callable[[], bytes] | None = None
        with lock:
            if service.refusing:
                raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused (fault 'refuse')")
            self._begin_plan(service.connected(), None)

    def settimeout(self, seconds: float | None) -> None:
        """From now on a read that would wait that long is a timeout, None: one that would wait for ever."""
        self._timeout = seconds

    def sendall(self, data: bytes) -> None:
        """Take bytes of a request; a whole one is answered, and what comes after its answer has begun is lost."""
        with self._lock:
            if self._steps is not None:
                return
            try:
                request = self._reader.receive(bytes(data))
            except Unparsable as broken:
                self._begin(self._service.unparsable(_without_raw(broken.request)))
                return
            if request is not None:
                self._begin(self._service.received(_without_raw(request)))

    def makefile(self, _mode: str = "rb", *_: Any, **__: Any) -> io.BufferedReader:
        """A stream of what is answered. To close it closes nothing else."""
        return io.BufferedReader(_Stream(self))

    def read(self, most: int) -> bytes:
        """Some bytes, at most that many, or none where the connection has ended.

        Raises `TimeoutError`, and `ConnectionResetError` where the plan resets.
        """
        self._waited = 0.0
        with self._lock:
            if self._steps is None:
                # The client waits for an answer and has more to send: it never will.
                self._begin(self._service.stalled(_without_raw(self._reader.taken_so_far())))
            while not self._unread and self._end is None:
                self._perform()
        if not self._unread and self._end is not None:
            return self._end()
        data, self._unread = self._unread[:most], self._unread[most:]
        return data

    def close(self) -> None:
        """The client is done; what it has sent and never read an answer to is journaled. Twice is once."""
        with self._lock:
            rest = self._reader.rest() if self._steps is None else None
            self._steps = self._steps or iter(())
            if rest is not None:
                self._service.unanswered(_without_raw(rest))
            self._end_reply()

    def _begin(self, reply: Reply) -> None:
        self._begin_plan(reply.plan, reply.entry)

    def _begin_plan(self, plan: Plan | None, entry: int | None) -> None:
        if plan is not None:
            self._steps, self._entry, self._fault = iter(plan.steps), entry, plan.fault

    def _perform(self) -> None:
        step = next(self._steps or iter(()), None)
        if step is None:
            self._end_reply()
            self._end = self._time_out if self._reader.keep_alive else self._finish
        else:
            self._performers[type(step)](self, step)

    def _end_reply(self) -> None:
        entry, self._entry = self._entry, None
        if entry is not None:
            self._service.ended(entry)

    def _send(self, step: Send) -> None:
        self._unread += step.data

    def _pause(self, step: Pause) -> None:
        self._waited += step.seconds
        if self._timeout is not None and self._waited >= self._timeout:
            self._end = self._time_out

    def _reset(self, _step: Reset) -> None:
        self._end = self._reset_by_peer

    def _close(self, _step: Close) -> None:
        self._end = self._finish

    def _hold(self, _step: Hold) -> None:
        self._end = self._time_out

    def _finish(self) -> bytes:
        return b""

    def _time_out(self) -> bytes:
        raise TimeoutError(f"no answer came{self._by_fault}")

    def _reset_by_peer(self) -> bytes:
        raise ConnectionResetError(errno.ECONNRESET, f"Connection reset by peer{self._by_fault}")

    @property
    def _by_fault(self) -> str:
        return f" (fault {self._fault!r})" if self._fault else ""

    _performers: ClassVar[Mapping[type[Step], Callable[[MemorySocket, Any], None]]] = {
        Send: _send,
        Pause: _pause,
        Reset: _reset,
        Close: _close,
        Hold: _hold,
    }


class _Stream(io.RawIOBase):
    def __init__(self, sock: MemorySocket) -> None:
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._sock.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _without_raw(request: HttpRequest) -> HttpRequest:
    """Framing is the business of a library here, and nobody's to be judged."""
    return replace(request, raw=b"")
