"""`responses`, with the stand-in behind one of its URLs, for any copy of `requests`.

A call to that URL goes the whole way through that copy and its urllib3, with their own exceptions,
retries, timeouts and decoding; but for a `MemorySocket` in the place of the socket. All other URLs are
for `responses` to answer or to refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import responses

from ..errors import UsageProblem
from ..server.in_memory import MemorySocket

#: What is patched for `requests` itself.
REQUESTS = "requests.adapters.HTTPAdapter.send"
#: That of the classic SDK, which carries a `requests` of its own.
_EXAMPLE = "aliyunsdkcore.vendored.requests.adapters.HTTPAdapter.send"


class Mock(responses.RequestsMock):
    """A `RequestsMock` for one copy of `requests` that leads calls to one host to a stand-in."""

    def __init__(self, target: str, host: str, connect: Callable[[], MemorySocket]) -> None:
        """`target` is the dotted path of that copy's `HTTPAdapter.send`. Raises `UsageProblem` where there is none."""
        super().__init__(assert_all_requests_are_fired=False, target=target)
        self._host = host
        self._adapter = _adapter(target)
        self._urllib3 = self._adapter.__init__.__globals__["PoolManager"].__module__.rpartition(".")[0]
        self._send = self._adapter.send
        self._pools = _pools(self._urllib3, connect)

    def unbound_on_send(self) -> Any:
        """What stands in the place of `HTTPAdapter.send`."""
        to_others = super().unbound_on_send()

        def send(adapter: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            if urlsplit(str(request.url)).hostname != self._host:
                return to_others(adapter, request, *args, **kwargs)
            given = {**dict(zip(("stream", "timeout"), args, strict=False)), **kwargs}
            return self._answered(adapter, request, given.get("stream", False), given.get("timeout"))

        return send

    def _answered(self, adapter: Any, request: Any, stream: Any, timeout: Any) -> Any:
        # An adapter of its own for every call: without proxies, and with nothing that is kept for the next.
        own = self._adapter(max_retries=adapter.max_retries)
        own.poolmanager.pool_classes_by_scheme = self._pools
        try:
            response = self._send(own, request, stream=stream, timeout=timeout)
        except Exception as problem:
            self.calls.add(request, problem)
            raise
        self.calls.add(request, response)
        return response


def _adapter(target: str) -> Any:
    """The class whose `send` that is. Raises `UsageProblem`."""
    module, _, name = target.removesuffix(".send").rpartition(".")
    try:
        found = getattr(import_module(module), name) if target.endswith(".send") else None
    except (ImportError, AttributeError, ValueError) as problem:
        raise UsageProblem(f"there is no {target!r} ({problem}); expected a path such as {_EXAMPLE!r}") from None
    if found is None:
        raise UsageProblem(f"{target!r} is no send of an HTTPAdapter; expected a path such as {_EXAMPLE!r}")
    return found


def _pools(urllib3: str, connect: Callable[[], MemorySocket]) -> dict[str, Any]:
    """Scheme → that urllib3's pool for HTTP, whose connections are in memory, and each of which is used once.

    That of https is the same: there is nobody between client and service, and no TLS. What says how to
    speak it is left unread.
    """
    connectionpool, exceptions = import_module(f"{urllib3}.connectionpool"), import_module(f"{urllib3}.exceptions")
    about_tls = import_module(f"{urllib3}.poolmanager").SSL_KEYWORDS

    class Connection(connectionpool.HTTPConnection):  # type: ignore[misc, name-defined]  # there may be several urllib3
        def connect(self) -> None:
            try:
                self.sock = connect()
            except ConnectionRefusedError as refused:
                raise exceptions.NewConnectionError(self, f"Failed to establish a new connection: {refused}") from None

    class Pool(connectionpool.HTTPConnectionPool):  # type: ignore[misc, name-defined]  # as above
        ConnectionCls = Connection

        def _put_conn(self, conn: Any) -> None:
            # To ask whether a connection is still alive would take a file descriptor.
            if conn is not None:
                conn.close()
            super()._put_conn(conn)

    class SecureConnection(Connection):
        default_port = 443

    class SecurePool(Pool):
        scheme = "https"
        ConnectionCls = SecureConnection

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **{name: value for name, value in options.items() if name not in about_tls})

    return {"http": Pool, "https": SecurePool}
