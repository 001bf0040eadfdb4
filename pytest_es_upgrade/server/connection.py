"""One connection: bytes in, requests to the service, its plans performed. Everything runs in the loop's thread.

A connection is in one of four states:

    READING     bytes go to the reader; a complete request goes to the service
    PERFORMING  a plan is under way; what arrives is held until its turn
    ANSWERED    nothing will be answered any more (`Hold`); requests are journaled as unanswered
    DRAINING    a request was refused before its end; bytes are thrown away until the client closes

Plans are performed by callbacks: a plan that only sends costs one write, and neither task nor timer.
"""

from __future__ import annotations

import asyncio
import enum
import functools
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, cast

from ..plans import Close, Hold, Pause, Reset, Send, Step
from ..service import Reply, Service
from .reading import RequestReader, Unparsable

if TYPE_CHECKING:
    from .loop import Server

#: Seconds without a byte after which an unfinished request is given up (408).
STALLED_AFTER = 1.0
#: Seconds that a client has to close whose request was refused before its end; then the server does.
DRAINING_FOR = 1.0

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
#: `struct linger`: on, with no time. A socket that is closed so sends RST.
_RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class _State(enum.Enum):
    READING = enum.auto()
    PERFORMING = enum.auto()
    ANSWERED = enum.auto()
    DRAINING = enum.auto()


def _guarded(method: Callable[..., None]) -> Callable[..., None]:
    """What is raised within must not be lost in the loop: the user's next `settle` or `close` raises it."""

    @functools.wraps(method)
    def guarded(self: Connection, *args: Any) -> None:
        try:
            method(self, *args)
        except Exception as problem:  # noqa: BLE001 - whatever it is, the user's thread is to see it
            self.fail(problem)

    return guarded


class Connection(asyncio.Protocol):
    """Reads requests and performs the plans that the service answers them with."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._service = server.service
        self._reader = RequestReader()
        self._state = _State.READING
        self._transport: asyncio.Transport
        self._steps: Iterator[Step] = iter(())
        #: The journal entry of the request that is being answered.
        self._entry: int | None = None
        self._request_unfinished = False
        #: For a stalled request, a pause or the end of draining: never two at once.
        self._timer: asyncio.TimerHandle | None = None
        self._last_byte = 0.0
        self._writable = True
        self._whole_unsent = False

    # --- what the loop calls ---

    @_guarded
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected (and, with TLS, shaken hands)."""
        self._transport = cast("asyncio.Transport", transport)
        # Whatever the kernel does not take at once calls pause_writing, and resume_writing once it did:
        # plans wait for slow clients, and it is known when the last byte of a whole answer has left.
        # (Not 0: at that, asyncio's TLS pauses and resumes in turn with nothing left to write.)
        self._transport.set_write_buffer_limits(high=1, low=0)
        self._server.connections.add(self)
        self._meet_connection_fault()

    @_guarded
    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        self._server.bytes_arrived += len(data)
        if self._state is _State.READING:
            if not self._reader.begun:
                self._meet_connection_fault()
            self._advance(data)
        elif self._state is _State.PERFORMING:
            self._reader.hold(data)
        elif self._state is _State.ANSWERED:
            self._journal_unanswered(data)

    def eof_received(self) -> bool:
        """The client is done with the connection: it is closed, and a plan that is not performed yet with it."""
        return False

    def pause_writing(self) -> None:
        """The client does not take what is written as fast as it comes."""
        self._writable = False

    @_guarded
    def resume_writing(self) -> None:
        """Everything that was written has left."""
        self._writable = True
        if self._whole_unsent:
            self._note_whole()
        # A turn later: asyncio calls this within a write, and ends a transport twice that is closed meanwhile.
        self._server.loop.call_soon(self._go_on)

    @_guarded
    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The connection has ended. What was never answered is journaled all the same."""
        self._stop_timer()
        self._server.connection_ended(self)
        self._end_reply()
        if not self._request_unfinished:
            self._journal_unanswered(b"")
            rest = self._reader.rest()
            if rest is not None:
                self._service.unanswered(rest)

    # --- what the server calls ---

    @property
    def idle(self) -> bool:
        """Whether no request is being read or answered."""
        return self._state is _State.READING and not self._reader.begun

    def drop(self) -> None:
        """End the connection at once; nothing more is written."""
        self._transport.abort()

    def change_to(self, service: Service) -> None:
        """Belong to another service from now on; where a request is under way, end instead."""
        if self._state is _State.READING and not self._reader.begun:
            self._service = service
        else:
            self.drop()

    def fail(self, problem: Exception) -> None:
        """Keep what was raised for the user, and end the connection."""
        self._server.keep(problem)
        self._transport.abort()

    # --- requests ---

    def _meet_connection_fault(self) -> None:
        """Before a request is read, on a new connection or on a used one, the service may end it."""
        plan = self._service.connected()
        if plan is not None:
            self._begin(Reply(plan, None))

    def _advance(self, data: bytes) -> None:
        """Answer the requests that are complete, one after the other, until one has to wait."""
        while self._state is _State.READING and not self._transport.is_closing():
            try:
                request = self._reader.receive(data)
            except Unparsable as broken:
                self._refuse(self._service.unparsable(broken.request))
                return
            if request is None:
                self._await_more()
                return
            self._begin(self._service.received(request))
            data = b""

    def _await_more(self) -> None:
        if self._reader.begun:
            if self._reader.asked_to_continue():
                self._transport.write(_CONTINUE)
            self._last_byte = time.monotonic()
            if self._timer is None:
                self._start_timer(STALLED_AFTER, self._look_for_stall)

    @_guarded
    def _look_for_stall(self) -> None:
        """Runs about once a second, however many pieces come meanwhile."""
        self._timer = None
        left = self._last_byte + STALLED_AFTER - time.monotonic()
        if left > 0:
            self._start_timer(left, self._look_for_stall)
        else:
            self._refuse(self._service.stalled(self._reader.taken_so_far()))

    def _refuse(self, reply: Reply) -> None:
        """Answer a request that did not come to its end, or not to one that can be told."""
        self._request_unfinished = True
        self._begin(reply)

    def _journal_unanswered(self, data: bytes) -> None:
        try:
            request = self._reader.receive(data)
            while request is not None:
                self._service.unanswered(request)
                request = self._reader.receive(b"")
        except Unparsable as broken:
            self._service.unanswered(broken.request)
            self._reader = RequestReader()

    # --- plans ---

    def _begin(self, reply: Reply) -> None:
        self._stop_timer()
        self._state = _State.PERFORMING
        self._steps, self._entry = iter(reply.plan.steps), reply.entry
        if self._service.refusing:
            # Before the client can know that its turn has come, or its next connect might still get through.
            self._server.stop_listening()
        self._perform()

    def _perform(self) -> None:
        """Perform steps until one has to wait, or none is left."""
        while self._may_perform():
            step = next(self._steps, None)
            if step is None:
                self._end_reply()
                self._next_request()
            else:
                self._performers[type(step)](self, step)

    def _may_perform(self) -> bool:
        waiting = self._timer is not None or not self._writable
        return self._state is _State.PERFORMING and not waiting and not self._transport.is_closing()

    def _end_entry(self) -> None:
        entry, self._entry = self._entry, None
        if entry is not None:
            self._service.ended(entry)

    def _end_reply(self) -> None:
        self._end_entry()
        if self._service.refusing:
            self._transport.abort()
            self._server.end_idle_connections()

    def _next_request(self) -> None:
        self._state = _State.READING
        if not self._reader.keep_alive:
            self._transport.close()

    def _send(self, step: Send) -> None:
        try:
            if step.whole:
                # Before they leave: whoever has its answer finds the journal complete.
                self._end_entry()
        finally:  # what a watcher raises takes no answer from the client
            self._transport.write(step.data)
        if step.whole and self._writable:
            self._note_whole()
        elif step.whole:
            self._whole_unsent = True

    def _note_whole(self) -> None:
        self._whole_unsent = False
        self._server.last_whole_answer = time.monotonic()

    def _pause(self, step: Pause) -> None:
        self._start_timer(step.seconds, self._continue)

    @_guarded
    def _continue(self) -> None:
        self._timer = None
        self._go_on()

    @_guarded
    def _go_on(self) -> None:
        self._perform()
        self._advance(b"")

    def _reset(self, _step: Reset) -> None:
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()

    def _close(self, _step: Close) -> None:
        if self._request_unfinished and self._transport.can_write_eof():
            # To close with bytes unread, or still to come, would send RST, and that can overtake the answer.
            with suppress(OSError):  # a client that has reset its side is no longer connected
                self._transport.write_eof()
            self._state = _State.DRAINING
            self._start_timer(DRAINING_FOR, self._transport.close)
        else:
            self._transport.close()

    def _hold(self, _step: Hold) -> None:
        self._state = _State.ANSWERED
        self._journal_unanswered(b"")

    def _start_timer(self, seconds: float, callback: Callable[[], object]) -> None:
        self._timer = self._server.loop.call_later(seconds, callback)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    _performers: ClassVar[Mapping[type[Step], Callable[[Connection, Any], None]]] = {
        Send: _send,
        Pause: _pause,
        Reset: _reset,
        Close: _close,
        Hold: _hold,
    }
