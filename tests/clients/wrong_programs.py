"""Clients that are wrong as programs, whatever they are asked: they exit, hang, babble or go elsewhere."""

from __future__ import annotations

import base64
import contextlib
import logging
import socket
import sys

from pytest_es_upgrade import UpgradeRequest

from .plain import Answer, PlainClient, UpgradeError
from .table import wrong
from .wrong_errors import Telling


@wrong("client.exits", "error", case="error.documented.instance_not_found")
class ExitsOnError(PlainClient):
    """sys.exit in a library."""

    def failure(self, answer: Answer) -> BaseException:
        return SystemExit(f"the service answered {answer.status}")


@wrong("client.exits", "error", case="error.documented.instance_activating")
class InterruptsOnError(PlainClient):
    """A KeyboardInterrupt, to get through every `except Exception` of the caller."""

    def failure(self, _answer: Answer) -> BaseException:
        return KeyboardInterrupt()


class FatalError(SystemExit):
    """An exit that has a name of its own."""


@wrong("client.exits", "error", case="error.documented.instance_not_found")
class ExitsUnderAnotherName(PlainClient):
    """An exception class that was derived from SystemExit, for its exit code."""

    def failure(self, answer: Answer) -> BaseException:
        return FatalError(f"the service answered {answer.status}")


@wrong("client.secret", "error", case="error.secret")
class SecretInTheError(Telling):
    """The whole configuration is in the error's text."""

    def error(self, error: UpgradeError) -> BaseException:
        said = f"{error.message} (endpoint {self.endpoint.url}, secret {self.endpoint.access_key_secret})"
        return UpgradeError(error.code, said, error.http_status, error.request_id)


@wrong("client.secret", "error", case="error.secret")
class SecretPrinted(Telling):
    """What was used to sign is printed when the service refuses."""

    def error(self, error: UpgradeError) -> BaseException:
        sys.stderr.write(f"refused: {vars(self.endpoint)}\n")
        return error


@wrong("client.secret", "error", case="error.secret")
class SecretLogged(Telling):
    """The same, to a log."""

    def error(self, error: UpgradeError) -> BaseException:
        logging.getLogger("upgrade").warning("refused: %s", vars(self.endpoint))
        return error


@wrong("client.secret", "request", case="request.secret")
class SecretInAHeader(PlainClient):
    """The secret is sent as if it were a bearer token."""

    def headers(self, asked: UpgradeRequest, body: bytes) -> list[tuple[str, str]]:
        return [*super().headers(asked, body), ("Authorization", f"Bearer {self.endpoint.access_key_secret}")]


@wrong("client.secret", "request", case="request.secret")
class SecretAsPassword(PlainClient):
    """HTTP's Basic authentication, where the service wants a signature."""

    def headers(self, asked: UpgradeRequest, body: bytes) -> list[tuple[str, str]]:
        pair = f"{self.endpoint.access_key_id}:{self.endpoint.access_key_secret}"
        return [*super().headers(asked, body), ("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")]


@wrong("client.secret", "request", case="request.secret")
class SecretInTheQuery(PlainClient):
    """The secret is a parameter."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        return [*super().parameters(asked), ("AccessKeySecret", self.endpoint.access_key_secret)]


@wrong("client.request_changed", "request", level="should", case="request.left_as_it_was")
class CallersRequestChanged(PlainClient):
    """Defaults are written into the caller's own request."""

    def request(self, asked: UpgradeRequest) -> bytes:
        sent = super().request(asked)
        object.__setattr__(asked, "dry_run", False)
        return sent


@wrong("client.endpoint", "request", case="request.endpoint_only")
class HostHardCoded(PlainClient):
    """The public address of a region in the code."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        return self.exchange(("elasticsearch.cn-hangzhou.aliyuncs.com", 80), self.request(asked))


@wrong("client.endpoint", "request", case="request.endpoint_only")
class CallsHomeToo(PlainClient):
    """Every call is also told to a collector."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        with contextlib.suppress(OSError):
            socket.create_connection(("198.51.100.7", 443), 0.2).close()
        return super().answer(asked)


@wrong("client.timeout", "error", level="should", case="error.no_answer.silence")
class WaitsForEver(PlainClient):
    """No timeout at all, the default of many libraries."""

    def exchange(self, address: tuple[str, int], request: bytes) -> Answer:
        with socket.create_connection(address) as connection:
            connection.sendall(request)
            held = b""
            while True:
                data = connection.recv(65536)
                held += data
                answer = self.parse(held, ended=not data)
                if answer is not None:
                    return answer


@wrong("client.hangs", "response", case="response.all_passed")
class ReadsUntilTheEnd(PlainClient):
    """The end of the answer is taken to be the end of the connection, which the server keeps open."""

    def headers(self, asked: UpgradeRequest, body: bytes) -> list[tuple[str, str]]:
        return [pair for pair in super().headers(asked, body) if pair[0] != "Connection"]

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        return super().parse(held, ended=ended) if ended else None
