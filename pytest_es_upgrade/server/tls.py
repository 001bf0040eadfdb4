"""Certificates for loopback, made on the fly: a good one, and one of each kind that a client has to refuse.

One authority for the process, made on first use, and one file: what `Endpoint.ca_file` names. It is
removed by `forget`, or when the process ends; a process that a signal kills, as SIGTERM kills pytest,
leaves it. Nobody sweeps up after others: containers that share a folder do not see each other's
processes. The library that makes them, trustme, is an extra.
"""

from __future__ import annotations

import os
import shutil
import ssl
import tempfile
import threading
import weakref
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import MissingExtra
from ..plans import Certificate

#: What a URL of this kit may call its host.
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
#: A name that is reserved for tests (RFC 6761), so that nobody's host has it.
_OTHER_NAME = "other-host.test"


class Authority:
    """A certificate authority, its file, and the contexts by which a server shows its certificates."""

    def __init__(self) -> None:
        """Raises `MissingExtra` where trustme is not installed."""
        self._trustme = _trustme()
        self._ca = self._trustme.CA()
        folder = tempfile.mkdtemp(prefix="es-upgrade-")
        self._remove = weakref.finalize(self, _remove, folder, os.getpid())
        #: The PEM file to trust.
        self.ca_file = str(Path(folder, "ca.pem"))
        self._ca.cert_pem.write_to_path(self.ca_file)
        self._contexts: dict[Certificate, ssl.SSLContext] = {}

    def context(self, certificate: Certificate) -> ssl.SSLContext:
        """What a server shakes hands with to show that certificate."""
        if certificate not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            _ISSUED[certificate](self).configure_cert(context)
            self._contexts[certificate] = context
        return self._contexts[certificate]

    def close(self) -> None:
        """Remove the file. Doing it twice does nothing."""
        self._remove()

    @cached_property
    def _now(self) -> datetime:
        return datetime.now(timezone.utc)

    def _good(self) -> Any:
        return self._ca.issue_cert(*_LOOPBACK)

    def _untrusted(self) -> Any:
        return self._trustme.CA().issue_cert(*_LOOPBACK)

    def _expired(self) -> Any:
        days = {"not_before": self._now - timedelta(days=30), "not_after": self._now - timedelta(days=1)}
        return self._ca.issue_cert(*_LOOPBACK, **days)

    def _wrong_name(self) -> Any:
        return self._ca.issue_cert(_OTHER_NAME)


#: All but the one thing that their name says are the same: trusted, in date, and for loopback.
_ISSUED: Mapping[Certificate, Callable[[Authority], Any]] = {
    "good": Authority._good,  # noqa: SLF001 - the table of its methods
    "untrusted": Authority._untrusted,  # noqa: SLF001
    "expired": Authority._expired,  # noqa: SLF001
    "wrong_name": Authority._wrong_name,  # noqa: SLF001
}

_lock = threading.Lock()
_shared: list[Authority] = []


def authority() -> Authority:
    """The process's authority, made on first use. Raises `MissingExtra`."""
    with _lock:
        if not _shared:
            _shared.append(Authority())
        return _shared[0]


def forget() -> None:
    """Remove the authority's file; the next use makes another one."""
    with _lock:
        while _shared:
            _shared.pop().close()


def _trustme() -> Any:
    try:
        # By name: a type checker must not need the extra either.
        return import_module("trustme")
    except ImportError:
        raise MissingExtra("TLS", "trustme", "tls") from None


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # a fork's end is not the file's
        shutil.rmtree(folder, ignore_errors=True)
