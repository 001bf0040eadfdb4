"""One thread with one event loop for all servers of the process, and what the user's threads may ask of it.

Why asyncio with httptools: the suite opens a server for every case, so that to open and close one must
cost next to nothing, and plans need time without a thread for each connection. `benchmarks/server.py`
measures the choice; as ratios of time to it (in process, 7 rounds, one machine of two cores):

    variant             raw keep-alive client   requests.Session   open and close
    asyncio+h11         4.0                     1.2                1.1
    thread+httptools    0.8                     1.1                1.4 (11 in another run)
    bare asyncio        0.4                     0.8                -

Threads answer a raw client sooner and are dearer to open and to end in order; through a real client
all are within the noise of each other. "Bare asyncio" keeps no raw bytes, no journal and no plan: it
is what those three cost, about 20 us per request.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from ..service import Service
from .connection import Connection

_T = TypeVar("_T")

#: Turns of the loop without a byte or a connection after which nothing is under way: a connect takes
#: four from the listener to the first read.
_QUIET_TURNS = 8
#: Connects that wait to be accepted.
_BACKLOG = 128
#: Seconds; the loop's thread never waits, so that this is only met where the kit itself is broken.
_LOOP_ANSWERS_WITHIN = 30.0


class ServerLoop:
    """A daemon thread with an event loop, started on first use and again on the first use after `close`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.SelectorEventLoop
        #: Every server that still has a port, abandoned ones included.
        self.servers: set[Server] = set()

    def serve(
        self, service: Service, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> Server:
        """A server of its own for that service, on `port` of `host` (0: a free one); it accepts from now on.

        Raises OSError where it cannot have the port.
        """
        loop = self._running()
        server = Server(self, loop, service, tls=tls, host=host, port=port)
        self.servers.add(server)
        loop.call_soon_threadsafe(server.start)
        return server

    def close(self) -> None:
        """Close every server, abandoned ones too, and end the thread. What a server kept is not raised."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is None or not thread.is_alive():
                self.servers.clear()
                return
            for server in tuple(self.servers):
                self.wait_for(server.finish)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()

    def call(self, function: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
        """Run a function in the loop's thread and return what it returns, or raise what it raises."""
        results: list[_T] = []
        problems: list[Exception] = []

        def run(done: Callable[[], None]) -> None:
            try:
                results.append(function(*args, **kwargs))
            except Exception as problem:  # noqa: BLE001 - raised in the thread that asked
                problems.append(problem)
            done()

        self.wait_for(run)
        if problems:
            raise problems[0]
        return results[0]

    def wait_for(self, begin: Callable[[Callable[[], None]], None]) -> None:
        """Run `begin(done)` in the loop's thread, and wait until `done` is called there."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(begin, done.set)
        if not done.wait(_LOOP_ANSWERS_WITHIN):
            raise RuntimeError(f"the server's thread did not answer within {_LOOP_ANSWERS_WITHIN} s")

    def _running(self) -> asyncio.SelectorEventLoop:
        with self._lock:
            # Not alive: a fork copies this object, but no thread.
            if self._thread is None or not self._thread.is_alive():
                # Explicitly this one: reading a listener by add_reader is not there on Windows' default loop.
                self._loop = asyncio.SelectorEventLoop()
                self._thread = threading.Thread(target=self._run, name="es-upgrade-server", daemon=True)
                self._thread.start()
            return self._loop

    def _run(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()


class Server:
    """One port and its connections. Unless said otherwise, methods are for any thread but the loop's."""

    def __init__(  # noqa: PLR0913 - where it listens, and what for
        self,
        owner: ServerLoop,
        loop: asyncio.SelectorEventLoop,
        service: Service,
        *,
        tls: ssl.SSLContext | None,
        host: str,
        port: int,
    ) -> None:
        self.service = service
        self.loop = loop
        self.host = host
        # Listening from now on: a client may connect before the loop has come to `start`.
        self._listener = _listening(host, port)
        self.port: int = self._listener.getsockname()[1]
        #: Bytes of application data that have arrived; a connect alone is none.
        self.bytes_arrived = 0
        #: `time.monotonic()` of the last byte of the last whole answer, None before the first.
        self.last_whole_answer: float | None = None
        self.connections: set[Connection] = set()
        self._owner = owner
        self._tls = tls
        #: Bound to the port and not listening: connects are refused, and nobody else gets the port.
        self._placeholder: socket.socket | None = None
        self._admissions: set[asyncio.Task[None]] = set()
        self._activity = 0
        self._problem: Exception | None = None
        self._closed = False
        self._on_empty: Callable[[], None] | None = None

    @property
    def netloc(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"

    # --- for the user's threads ---

    def call(self, function: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
        """Run a function of the service, such as `reply_with`, in the thread that the service lives in.

        Returns what it returns and raises what it raises. A fault `refuse` takes effect with that.
        """
        return self._owner.call(lambda: self._called(functools.partial(function, *args, **kwargs)))

    def settle(self) -> None:
        """Return when all that clients had sent before the call is read and in the journal.

        Raises what a call of the service has raised meanwhile, once.
        """
        if not self._closed:
            self._owner.wait_for(self._settle)
        self._raise_problem()

    def change_to(self, service: Service) -> None:
        """Another service answers from now on, on the same port. Idle connections stay open and are its own.

        All that clients had sent before the call is still the old one's; a connection on which a request is
        under way stays the old one's too, and is ended. Raises what a call of the old service has raised, once.
        """
        if not self._closed:
            self._owner.wait_for(lambda done: self._settle(lambda: self._change_to(service, done)))
        self._raise_problem()

    def refuse(self) -> None:
        """From now on connects are refused, and connections that were open are closed."""
        if not self._closed:
            self._owner.call(self._refuse)

    def present(self, tls: ssl.SSLContext) -> None:
        """From now on shake hands with that; connections that were open are closed."""
        self._owner.call(self._present, tls)

    def abandon(self) -> None:
        """Leave the port to a client that has hung: nothing answers there, and nobody else gets it until the end."""
        self.refuse()

    def close(self) -> None:
        """End listener and connections, and give the port back. Doing it twice does nothing.

        Raises what a call of the service has raised, once.
        """
        if not self._closed:
            self._owner.wait_for(self.finish)
        self._raise_problem()

    # --- in the loop's thread ---

    def start(self) -> None:
        """Begin to accept."""
        self.loop.add_reader(self._listener, self._accept)

    def finish(self, done: Callable[[], None]) -> None:
        """Close everything; `done` is called when the last connection has ended."""
        self._closed = True
        self._close_listener()
        if self._placeholder is not None:
            self._placeholder.close()
        self._owner.servers.discard(self)
        self._on_empty = done
        self._end_connections()
        self._look_whether_empty()

    def keep(self, problem: Exception) -> None:
        """Remember the first thing that was raised, for `settle` or `close` to raise."""
        self._problem = self._problem or problem

    def connection_ended(self, connection: Connection) -> None:
        """One connection less."""
        self.connections.discard(connection)
        self._activity += 1
        self._look_whether_empty()

    def stop_listening(self) -> None:
        """From now on connects are refused; connections that are open stay so."""
        if self._placeholder is None:
            self._close_listener()
            self._placeholder = _bound(self.host, self.port)

    def end_idle_connections(self) -> None:
        """End the connections on which nothing is under way; the others end with their answer."""
        for connection in tuple(self.connections):
            if connection.idle:
                connection.drop()

    def _called(self, function: Callable[[], _T]) -> _T:
        result = function()
        if self.service.refusing and not self._closed and self._placeholder is None:
            self._refuse()
        return result

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):  # no more, or gone again
            while True:
                accepted, _ = self._listener.accept()
                accepted.settimeout(0)
                self._activity += 1
                task = self.loop.create_task(self._admit(accepted))
                self._admissions.add(task)
                task.add_done_callback(self._admitted)

    async def _admit(self, accepted: socket.socket) -> None:
        # OSError: the handshake failed (SSLError is one), or the client went away meanwhile.
        with contextlib.suppress(OSError):
            await self.loop.connect_accepted_socket(lambda: Connection(self), accepted, ssl=self._tls)

    def _admitted(self, task: asyncio.Task[None]) -> None:
        self._admissions.discard(task)
        self._activity += 1
        if self._closed:
            self._end_connections()
        self._look_whether_empty()

    def _refuse(self) -> None:
        self.stop_listening()
        self._end_connections()

    def _change_to(self, service: Service, done: Callable[[], None]) -> None:
        self.service = service
        for connection in tuple(self.connections):
            connection.change_to(service)
        if service.refusing:
            self._refuse()
        elif self._placeholder is not None:
            # The same socket listens: with a new one, somebody else could get the port in between.
            self._listener, self._placeholder = self._placeholder, None
            self._listener.listen(_BACKLOG)
            self.start()
        done()

    def _present(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._end_connections()

    def _close_listener(self) -> None:
        if self._listener.fileno() != -1:
            self.loop.remove_reader(self._listener)
            self._listener.close()

    def _end_connections(self) -> None:
        for admission in self._admissions:
            # A turn later: a task that never ran would not close the socket it was made for.
            self.loop.call_soon(admission.cancel)
        for connection in tuple(self.connections):
            connection.drop()

    def _look_whether_empty(self) -> None:
        if self._on_empty is not None and not self.connections and not self._admissions:
            done, self._on_empty = self._on_empty, None
            self.loop.call_soon(done)  # by then the last socket is closed

    def _settle(self, done: Callable[[], None], seen: int = -1, quiet: int = 0) -> None:
        now = self.bytes_arrived + self._activity
        quiet = quiet + 1 if now == seen else 0
        if quiet == _QUIET_TURNS:
            done()
        else:
            self.loop.call_soon(self._settle, done, now, quiet)

    def _raise_problem(self) -> None:
        problem, self._problem = self._problem, None
        if problem is not None:
            raise problem


def _bound(host: str, port: int) -> socket.socket:
    # The protocol is named because asyncio sets TCP_NODELAY on such sockets only: without it an answer
    # of two writes waits 40 ms for the client's delayed acknowledgement.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.settimeout(0)
    # Elsewhere than on POSIX the option means that two sockets may share a port.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(os.name == "posix"))
    try:
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def _listening(host: str, port: int) -> socket.socket:
    sock = _bound(host, port)
    sock.listen(_BACKLOG)
    return sock


_SHARED = ServerLoop()


def shared_loop() -> ServerLoop:
    """The loop that `serve` uses: one for the process."""
    return _SHARED


def serve(service: Service, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0) -> Server:
    """A server for that service in the process's shared loop, which is started where it is not running.

    Raises OSError where it cannot have the port.
    """
    return _SHARED.serve(service, tls=tls, host=host, port=port)
