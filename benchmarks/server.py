"""What a request costs on the loopback server, and what a server costs: `python benchmarks/server.py`.

Variants, each answering the documented sample to whatever comes, in one process with the client as a
fixture has it, all as ratios to the first (median of the ratios of interleaved rounds), on all cores and on one:

    asyncio+httptools   the server of this package
    asyncio+h11         the same with another parser behind the same reader
    thread+httptools    the same reader in a blocking thread per connection
    bound               a bare asyncio protocol with httptools that keeps no raw bytes, journal or plan
    state machine       the server of this package, every request judged by the contract and answered by the service,
                        under a token of its own
    pytest-httpserver   what most people use, where it is installed; it closes each connection, and pays for it

Then: how long the first answer takes, from making the server on: in a process that has nothing of its package
loaded (but asyncio and pytest, as any test has), in one that has its modules, and of the second server of a process.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import logging
import os
import socket
import statistics
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import h11
import httptools
import requests

from pytest_es_upgrade.contract import shipped_contract
from pytest_es_upgrade.faults import serialize
from pytest_es_upgrade.messages import HttpRequest
from pytest_es_upgrade.plans import Send
from pytest_es_upgrade.samples import sample
from pytest_es_upgrade.server import ServerLoop, connection
from pytest_es_upgrade.server.reading import RequestReader
from pytest_es_upgrade.service import Service

BODY = b'{"version":"6.7"}'
PATH = "/openapi/instances/es-cn-n6w1o1x0w001c/actions/upgrade-version?dryRun=true"


class H11Reader:
    """`RequestReader` on h11, for requests one at a time and in good order: all that is measured here."""

    keep_alive = True

    def __init__(self) -> None:
        self._parser = h11.Connection(h11.SERVER)
        self._raw, self._body = b"", b""
        self._head: h11.Request

    @property
    def begun(self) -> bool:
        return bool(self._raw)

    def receive(self, data: bytes) -> HttpRequest | None:
        if not data:
            return None
        self._raw += data
        self._parser.receive_data(data)
        while (event := self._parser.next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.Request):
                self._head = event
            elif isinstance(event, h11.Data):
                self._body += event.data
            else:
                return self._taken()
        return None

    def _taken(self) -> HttpRequest:
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in self._head.headers)
        method, target = self._head.method.decode("latin-1"), self._head.target.decode("latin-1")
        request = HttpRequest(method, target, headers, self._body, self._raw)
        self._raw, self._body = b"", b""
        # The server writes its answer itself: h11 is told that some answer was sent.
        self._parser.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
        self._parser.send(h11.EndOfMessage())
        self._parser.start_next_cycle()
        return request

    def asked_to_continue(self) -> bool:
        return False

    def rest(self) -> None:
        return None


def scripted_service() -> Service:
    service = Service(shipped_contract(), time.monotonic)
    service.reply_with("success")
    return service


@contextlib.contextmanager
def ours(loop: ServerLoop, make: Callable[[], Service] = scripted_service) -> Iterator[int]:
    server = loop.serve(make())
    try:
        yield server.port
    finally:
        server.close()


@contextlib.contextmanager
def on_h11(loop: ServerLoop) -> Iterator[int]:
    with mock.patch.object(connection, "RequestReader", H11Reader), ours(loop) as port:
        yield port


@contextlib.contextmanager
def threaded(_loop: ServerLoop) -> Iterator[int]:
    """A thread that accepts, and one for each connection."""
    service, open_sockets, threads = scripted_service(), [], []
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(sock: socket.socket) -> None:
        reader = RequestReader()
        with contextlib.suppress(OSError):
            while data := sock.recv(262144):
                request = reader.receive(data)
                while request is not None:
                    reply = service.received(request)
                    for step in reply.plan.steps:
                        assert isinstance(step, Send)
                        sock.sendall(step.data)
                    service.ended(reply.entry or 0)
                    request = reader.receive(b"")

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                open_sockets.append(sock)
                threads.append(threading.Thread(target=answer, args=(sock,), daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    yield listener.getsockname()[1]
    for sock in (listener, *open_sockets):
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()
    for thread in (accepting, *threads):
        thread.join()


class BareProtocol(asyncio.Protocol):
    """As little as answers a request."""

    answer = serialize(sample(shipped_contract(), "success"))

    def connection_made(self, transport: Any) -> None:
        self.transport, self.parser = transport, httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.transport.write(self.answer)


@contextlib.contextmanager
def bare(loop: ServerLoop) -> Iterator[int]:
    with mock.patch("pytest_es_upgrade.server.loop.Connection", side_effect=lambda _server: BareProtocol()):
        server = loop.serve(scripted_service())
        yield server.port
        server.close()


def deciding(loop: ServerLoop) -> contextlib.AbstractContextManager[int]:
    return ours(loop, lambda: Service(shipped_contract(), time.monotonic))


@contextlib.contextmanager
def pytest_httpserver(_loop: ServerLoop) -> Iterator[int]:
    from pytest_httpserver import HTTPServer

    with HTTPServer(host="127.0.0.1", port=0) as server:
        answer = sample(shipped_contract(), "success")
        server.expect_request(PATH.partition("?")[0]).respond_with_data(answer.body, 200, dict(answer.headers))
        yield server.port


VARIANTS: dict[str, Callable[[ServerLoop], contextlib.AbstractContextManager[int]]] = {
    "asyncio+httptools": ours,
    "asyncio+h11": on_h11,
    "thread+httptools": threaded,
    "bound": bare,
    "state machine": deciding,
}
with contextlib.suppress(ImportError):
    import pytest_httpserver as _installed  # noqa: F401

    VARIANTS["pytest-httpserver"] = pytest_httpserver


TOKENS = itertools.count()
#: Seconds before each burst: where threads run is decided by what they did before, and each is to begin alike.
REST = 1.0


def raw_seconds(port: int, count: int) -> float:
    """Seconds per request of one socket, which is kept as long as the server keeps it; each has a token of its own."""
    head = (
        f"HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    )
    requests_ = [f"POST {PATH}&clientToken=t{next(TOKENS)} {head}".encode() + BODY for _ in range(count)]
    sock = connected(port)
    began = time.perf_counter()
    for request in requests_:
        sock.sendall(request)
        if not whole_answer(sock):
            sock.close()
            sock = connected(port)
    seconds = (time.perf_counter() - began) / count
    sock.close()
    return seconds


def connected(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def whole_answer(sock: socket.socket) -> bool:
    """Read one answer; whether the connection is kept."""
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += sock.recv(65536)
    head = data[:end].lower()
    assert b" 200 " in head, head
    length = int(head.partition(b"content-length:")[2].split()[0])
    while len(data) < end + 4 + length:
        data += sock.recv(65536)
    return b"connection: close" not in head and not head.startswith(b"http/1.0")


def session_seconds(port: int, count: int) -> float:
    """Seconds per request of one `requests.Session`."""
    with requests.Session() as session:
        began = time.perf_counter()
        for _ in range(count):
            assert session.post(f"http://127.0.0.1:{port}{PATH}", json={"version": "6.7"}).status_code == 200
        return (time.perf_counter() - began) / count


def open_seconds(variant: Callable[[ServerLoop], contextlib.AbstractContextManager[int]], loop: ServerLoop) -> float:
    """Seconds to make a server and close it again."""
    began = time.perf_counter()
    for _ in range(5):
        with variant(loop):
            pass
    return (time.perf_counter() - began) / 5


def measured(rounds: int, count: int) -> dict[str, dict[str, list[float]]]:
    loop = ServerLoop()
    figures: dict[str, dict[str, list[float]]] = {name: {"raw": [], "session": [], "open": []} for name in VARIANTS}
    for _ in range(rounds):
        for name, variant in VARIANTS.items():
            with variant(loop) as port:
                time.sleep(REST)
                figures[name]["raw"].append(raw_seconds(port, count))
                time.sleep(REST)
                figures[name]["session"].append(session_seconds(port, count // 5))
            figures[name]["open"].append(open_seconds(variant, loop))
    loop.close()
    return figures


#: On all cores, a request is two wake-ups of another core besides; on one it is what is computed for it.
CORES: dict[str, set[int]] = {"all cores": set()}
if hasattr(os, "sched_getaffinity"):
    CORES = {"all cores": os.sched_getaffinity(0), "one core": {min(os.sched_getaffinity(0))}}

#: What is imported, and how a server is made that listens at `port`.
FIRST: dict[str, tuple[str, list[str]]] = {
    "this package": (
        "from pytest_es_upgrade.standin import StandIn",
        ["made = StandIn()", "port = made.server.port"],
    ),
    "pytest-httpserver": (
        "from pytest_httpserver import HTTPServer",
        [
            "made = HTTPServer(host='127.0.0.1')",
            "made.start()",
            f"made.expect_request({PATH.partition('?')[0]!r}).respond_with_data(b'', 200)",
            "port = made.port",
        ],
    ),
}
ROUND = """
    began = time.perf_counter() if loaded or again else began
{make}
    with socket.socket() as sock:  # not create_connection: it imports a codec
        sock.connect(("127.0.0.1", port))
        sock.sendall({request!r})
        assert b" 200 " in sock.recv(65536)
        seconds = time.perf_counter() - began
    made.close() if hasattr(made, "close") else made.clear()
"""


def first_answer_seconds(name: str, *, loaded: bool, times: int) -> float:
    """Median of the seconds to the first answer (or, with more times, the last) in processes of their own."""
    head = f"POST {PATH} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    load, make = FIRST[name]
    code = "\n".join(
        (
            "import asyncio, pytest, socket, sys, time",
            f"loaded = {loaded}",
            "began = time.perf_counter()",
            load,
            f"for again in range({times}):",
            ROUND.format(make=textwrap.indent("\n".join(make), "    "), request=head.encode() + BODY),
            "print(seconds)",
        )
    )
    # The first of them writes the bytecode of what was changed since, as any run does.
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    runs = [subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=kept) for _ in range(8)]
    return statistics.median(float(run.stdout) for run in runs[1:])


@contextlib.contextmanager
def on_cores(cores: set[int]) -> Iterator[None]:
    """Run on these, with the threads that begin meanwhile; none: where the system likes."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def print_rates(told: str, figures: dict[str, dict[str, list[float]]]) -> None:
    first = figures["asyncio+httptools"]
    print(f"{told:20}{'raw':>18}{'Session':>18}{'open + close':>18}")
    for name, row in figures.items():
        cells = (
            f"{statistics.median(row[what]) * 1e6:8.0f} us"
            f" ({statistics.median(mine / theirs for mine, theirs in zip(row[what], first[what], strict=True)):.2f})"
            for what in ("raw", "session", "open")
        )
        print(f"{name:20}" + "".join(f"{cell:>18}" for cell in cells))
    if "pytest-httpserver" in figures:
        pairs = zip(figures["pytest-httpserver"]["raw"], figures["state machine"]["raw"], strict=True)
        print(f"the state machine's rate is {statistics.median(t / m for t, m in pairs):.1f} x pytest-httpserver's")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--requests", type=int, default=1000)
    given = arguments.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    for told, cores in CORES.items():
        with on_cores(cores):
            print_rates(told, measured(given.rounds, given.requests))
    for name in [name for name in FIRST if name == "this package" or name in VARIANTS]:
        for told, loaded, times in (("cold", False, 1), ("modules loaded", True, 1), ("the second server", True, 2)):
            seconds = first_answer_seconds(name, loaded=loaded, times=times)
            print(f"first answer, {name}, {told}: {seconds * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
