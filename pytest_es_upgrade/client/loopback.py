"""No socket leaves this machine while a guard is up; attempts to are refused and written down.

An audit hook sees every connect, datagram and name lookup of Python's own sockets in every thread,
before a packet is sent. A hook cannot be taken away again, so one is added with the first guard and
does nothing while none is up. Not seen: sockets of C libraries, and a host name that is given to
`socket.connect` itself, which resolves it before the hook is asked (usual clients look it up first).
"""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Attempt:
    """One attempt to leave: `host` as it was given, `port` where one was, and the `event` that showed it."""

    host: str
    port: int | None
    event: str

    def __str__(self) -> str:
        """`host:port`, or the host alone."""
        return self.host if self.port is None else f"{self.host}:{self.port}"


#: The attempts of one guard, in order; filled while it is up.
Attempts = list[Attempt]


class LeftLoopbackError(ConnectionRefusedError):
    """Raised instead of a connection to anywhere but loopback."""


class LookupLeftLoopbackError(socket.gaierror):
    """Raised instead of a name lookup that would ask a name server."""


_guards: list[Attempts] = []
_lock = threading.Lock()
_thread = threading.local()


@contextmanager
def guard() -> Iterator[Attempts]:
    """Refuse whatever leaves loopback; gives the list of attempts. Guards nest, the innermost counts.

    An attempt counts for the guard that its thread was adopted by, else for the innermost one.
    """
    _install()
    attempts: Attempts = []
    with _lock:
        _guards.append(attempts)
    try:
        yield attempts
    finally:
        with _lock:
            # By identity: two guards without attempts are equal lists.
            _guards[:] = [other for other in _guards if other is not attempts]


def current() -> Attempts | None:
    """The innermost guard's attempts, to `adopt` further threads with; None while no guard is up."""
    innermost = _guards[-1:]  # at one stroke, for other threads may put guards up and down
    return innermost[0] if innermost else None


def adopt(attempts: Attempts | None) -> None:
    """Let the calling thread's attempts count there from now on, and be refused even when that guard is gone.

    So a thread that its case abandoned neither blames a later case nor ever reaches the world.
    """
    _thread.owner = attempts


@cache
def _install() -> None:
    sys.addaudithook(_hook)


def _hook(event: str, given: tuple[Any, ...]) -> None:
    judge = _JUDGES.get(event)
    if judge is None:
        return
    owner = getattr(_thread, "owner", None)
    attempts = owner if owner is not None else current()
    if attempts is not None:
        judge(attempts, event, given)


def _judge_address(attempts: Attempts, event: str, given: tuple[Any, ...]) -> None:
    sock, address = given
    if getattr(sock, "family", None) not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple):
        return  # AF_UNIX and the like stay on the machine; a connected datagram socket names no address
    attempt = Attempt(_text(address[0]), address[1] if len(address) > 1 else None, event)
    if not _is_loopback(attempt.host):
        attempts.append(attempt)
        raise LeftLoopbackError(f"{attempt} is not loopback; while the contract suite runs, clients stay there")


def _judge_lookup(attempts: Attempts, event: str, given: tuple[Any, ...]) -> None:
    named = given[0][0] if isinstance(given[0], tuple) else given[0]  # getnameinfo gives an address
    attempt = Attempt(_text(named), _port(given[1]) if event == "socket.getaddrinfo" else None, event)
    if not _stays_here(attempt.host, reverse=event in _REVERSE):
        attempts.append(attempt)
        raise LookupLeftLoopbackError(
            socket.EAI_NONAME, f"{attempt} is not loopback; while the contract suite runs, no other name is looked up"
        )


_REVERSE = ("socket.gethostbyaddr", "socket.getnameinfo")
_JUDGES: dict[str, Callable[[Attempts, str, tuple[Any, ...]], None]] = {
    "socket.connect": _judge_address,
    "socket.sendto": _judge_address,
    "socket.sendmsg": _judge_address,
    "socket.getaddrinfo": _judge_lookup,
    "socket.gethostbyname": _judge_lookup,
    "socket.gethostbyaddr": _judge_lookup,
    "socket.getnameinfo": _judge_lookup,
}


def _text(host: Any) -> str:
    """The host as text; None is the wildcard, as in `getaddrinfo`."""
    return (
        "" if host is None else host.decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else str(host)
    )


def _port(port: Any) -> int | None:
    text = _text(port)
    return int(text) if text.isascii() and text.isdigit() else None


def _stays_here(host: str, *, reverse: bool) -> bool:
    """Whether looking this up asks no name server: a name of this machine, or (forward) an address."""
    name = host.rstrip(".").lower()
    if name in ("", "localhost", socket.gethostname().lower()) or name.endswith(".localhost"):
        return True
    return _is_loopback(host) if reverse else _address(host) is not None


def _is_loopback(host: str) -> bool:
    """Whether connecting there stays on this machine; the unspecified addresses are loopback to connect to."""
    if host.lower() in ("", "localhost"):
        return True
    address = _address(host)
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return address is not None and (address.is_loopback or address.is_unspecified)


def _address(host: str) -> Any:
    """The address that a literal means, or None for a name. Old short forms such as `127.1` count."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ip_address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None
