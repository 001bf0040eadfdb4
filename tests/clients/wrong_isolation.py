"""Wrong clients of family `isolation`: what belongs to a call or a client is kept where others find it.

Where it takes two calls at once, a pause of a few hundredths of a second stands for a slow machine.
"""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from dataclasses import replace
from typing import Any, ClassVar

from pytest_es_upgrade import Endpoint, UpgradeRequest

from .plain import Answer, PlainClient, UpgradeError
from .right import Signing, TokenMaking
from .table import wrong

_SLOW = 0.03

# === two clients ============================================================================


@wrong("isolation.endpoint", "isolation", case="isolation.clients.endpoints.last_made_first")
class EndpointOfTheModule(PlainClient):
    """configure(endpoint): the last one wins, for every client that there is."""

    current: ClassVar[Endpoint]

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        EndpointOfTheModule.current = endpoint

    def answer(self, asked: UpgradeRequest) -> Answer:
        address = self.current.host, self.current.port
        return self.exchange(address, self.request(asked))


class _ByPort(PlainClient):
    """As its base, with the address that it connects to as a method."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        return self.exchange(self.address(), self.request(asked))

    def address(self) -> tuple[str, int]:
        return self.endpoint.host, self.endpoint.port


@wrong("isolation.endpoint", "isolation", case="isolation.clients.endpoints.in_turn")
class PoolByHost(_ByPort):
    """Connections are pooled by host, and the port is no part of the key."""

    pool: ClassVar[dict[str, tuple[Endpoint, tuple[str, int]]]] = {}
    alive: ClassVar[list[Endpoint]] = []

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        # A new case begins where no client of this class is left.
        if not self.alive:
            self.pool.clear()
        self.alive.append(endpoint)

    def address(self) -> tuple[str, int]:
        return self.pool.setdefault(self.endpoint.host, (self.endpoint, super().address()))[1]

    def close(self) -> None:
        self.alive.remove(self.endpoint)


@wrong("isolation.endpoint", "isolation", case="isolation.clients.endpoints.many_calls")
class EndpointsInRotation(_ByPort):
    """Every endpoint that was ever configured is one of a cluster, and calls are spread over them."""

    known: ClassVar[list[Endpoint]] = []

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.known.append(endpoint)
        self.turns = itertools.count()

    def address(self) -> tuple[str, int]:
        chosen = self.known[(next(self.turns) // 3) % len(self.known)]
        return chosen.host, chosen.port

    def close(self) -> None:
        self.known.remove(self.endpoint)


@wrong("isolation.credentials", "isolation", case="isolation.clients.credentials")
class CredentialsOfTheModule(Signing):
    """The credentials are set once for the program; the last ones win."""

    current: ClassVar[Endpoint]

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        CredentialsOfTheModule.current = endpoint

    def headers(self, asked: UpgradeRequest, body: bytes) -> list[tuple[str, str]]:
        own = self.endpoint
        self.endpoint = replace(
            own, access_key_id=self.current.access_key_id, access_key_secret=self.current.access_key_secret
        )
        try:
            return super().headers(asked, body)
        finally:
            self.endpoint = own


@wrong("isolation.own_answer", "isolation", case="isolation.clients.answers")
class AnswersOfTheModule(PlainClient):
    """Every answer goes through one variable of the module, which keeps the first of every two."""

    last: ClassVar[list[Any]] = []

    def told(self, answer: Answer) -> Any:
        told = super().told(answer)
        if not self.last:
            self.last.append(told)
            return told
        return self.last.pop()


@wrong("isolation.own_request", "isolation", case="isolation.clients.values")
class DefaultsOfTheModule(PlainClient):
    """What was given once is the default of every client from then on."""

    token: ClassVar[dict[str, Any]] = {}
    clients: ClassVar[list[object]] = []

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.clients.append(self)

    def request(self, asked: UpgradeRequest) -> bytes:
        if asked.client_token is not None:
            self.token["given"] = asked.client_token
        return super().request(replace(asked, client_token=self.token.get("given")))

    def close(self) -> None:
        self.clients.remove(self)
        if not self.clients:
            self.token.clear()


# === many calls =============================================================================


@wrong("isolation.own_request", "isolation", case="isolation.calls.token_not_kept")
class TokenKept(PlainClient):
    """The token of an earlier call is kept for calls without one."""

    kept: str | None = None

    def request(self, asked: UpgradeRequest) -> bytes:
        self.kept = asked.client_token or self.kept
        return super().request(replace(asked, client_token=self.kept))


@wrong("isolation.own_request", "isolation", case="isolation.calls.many")
class TargetKept(PlainClient):
    """A call without a version goes to the version of the call before."""

    kept: tuple[Any, Any] = (None, None)

    def request(self, asked: UpgradeRequest) -> bytes:
        if (asked.version, asked.type) == (None, None):
            asked = replace(asked, version=self.kept[0], type=self.kept[1])
        self.kept = asked.version, asked.type
        return super().request(asked)


@wrong("isolation.own_request", "isolation", case="isolation.calls.many")
class DryRunKept(PlainClient):
    """Parameters are put into one dictionary, which is never emptied."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.query_of_all: dict[str, str] = {}

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        self.query_of_all.update(super().parameters(asked))
        return list(self.query_of_all.items())


@wrong("isolation.own_answer", "isolation", case="isolation.calls.many")
class AnswersBehind(PlainClient):
    """The answer of the call before is told, from the second call on."""

    before: Any = None

    def told(self, answer: Answer) -> Any:
        now = super().told(answer)
        before, self.before = self.before, now
        return now if before is None else before


@wrong("isolation.own_answer", "isolation", case="isolation.calls.many")
class ChecksAdded(PlainClient):
    """The list of checks is a member of the client, and grows."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.checks: list[Any] = []

    def document(self, answer: Answer) -> Any:
        document = super().document(answer)
        self.checks.extend(document["Result"])
        return {**document, "Result": list(self.checks)}


@wrong("client.request_changed", "isolation", level="should", case="isolation.calls.request_unchanged")
class RequestReused(PlainClient):
    """After an error the token is taken out of the caller's request, so that the next call gets a new one."""

    def __call__(self, asked: UpgradeRequest) -> Any:
        try:
            return super().__call__(asked)
        except OSError:
            object.__setattr__(asked, "client_token", None)
            raise


# === calls at the same time =================================================================


@wrong("isolation.own_request", "isolation", case="isolation.together.upgrades")
class RequestOfTheClient(PlainClient):
    """The call that is being made is a member of the client."""

    asked: UpgradeRequest

    def __call__(self, asked: UpgradeRequest) -> Any:
        self.asked = asked
        time.sleep(_SLOW)
        return super().__call__(self.asked)


@wrong("isolation.own_request", "isolation", case="isolation.together.dry_runs_and_upgrades")
class BodyOfTheClient(PlainClient):
    """The body is a buffer of the client, written first and sent a moment later."""

    buffer: bytes = b""

    def body(self, asked: UpgradeRequest) -> bytes:
        self.buffer = super().body(asked)
        time.sleep(_SLOW)
        return self.buffer


@wrong("isolation.own_request", "isolation", case="isolation.together.used_client")
class QueryOfTheClient(PlainClient):
    """The query is a member of the client."""

    text: str = ""

    def query(self, asked: UpgradeRequest) -> str:
        self.text = super().query(asked)
        time.sleep(_SLOW)
        return self.text


@wrong("isolation.own_request", "isolation", case="isolation.together.dry_runs_and_upgrades")
class TokenOfAnother(TokenMaking):
    """The token of the last call is in a member of the client, and a call without one takes it."""

    token: str | None = None

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        self.token = asked.client_token or self.token
        time.sleep(_SLOW)
        return super().parameters(replace(asked, client_token=asked.client_token or self.token))


@wrong("isolation.own_answer", "isolation", case="isolation.together.upgrades")
class AnswerOfTheClient(PlainClient):
    """The answer is a member of the client, and read a moment later."""

    last: Answer

    def answer(self, asked: UpgradeRequest) -> Answer:
        self.last = super().answer(asked)
        time.sleep(_SLOW)
        return self.last


@wrong("isolation.own_answer", "isolation", case="isolation.together.half_refused")
class ErrorOfTheClient(PlainClient):
    """The last error is a member of the client, and whoever looks finds it."""

    error: BaseException | None = None

    def told(self, answer: Answer) -> Any:
        if self.is_failure(answer):
            self.error = self.failure(answer)
        time.sleep(_SLOW)
        if self.error is not None:
            raise self.error
        return super().told(answer)


@wrong("isolation.own_answer", "isolation", case="isolation.together.half_refused")
class ErrorsForgiven(PlainClient):
    """The last success is a member of the client; an error meanwhile is told as that."""

    success: Any = None

    def told(self, answer: Answer) -> Any:
        if not self.is_failure(answer):
            self.success = super().told(answer)
        time.sleep(_SLOW)
        return self.success or super().told(answer)


@wrong("isolation.own_request", "isolation", case="isolation.together.upgrades")
class OneCallForAll(PlainClient):
    """Calls that come while one is under way share its answer, as reads may."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.lock, self.under_way, self.shared = threading.Lock(), False, threading.Event()
        self.result: Any = None

    def __call__(self, asked: UpgradeRequest) -> Any:
        with self.lock:
            first, self.under_way = not self.under_way, True
        if first:
            time.sleep(_SLOW)
            self.result = super().__call__(asked)
            self.shared.set()
            with self.lock:
                self.under_way = False
            return self.result
        self.shared.wait(5)
        return self.result


@wrong("isolation.exception", "isolation", level="should", case="isolation.together.upgrades")
class BusyWhenCalledTwice(PlainClient):
    """A client that is being called refuses a second call."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.lock = threading.Lock()

    def __call__(self, asked: UpgradeRequest) -> Any:
        if not self.lock.acquire(blocking=False):
            raise UpgradeError("Busy", "a call is under way")
        try:
            time.sleep(_SLOW)
            return super().__call__(asked)
        finally:
            self.lock.release()


@wrong("isolation.exception", "isolation", level="should", case="isolation.together.dry_runs_and_upgrades")
class FewConnections(PlainClient):
    """Four calls may be under way; the fifth is told that the pool is empty, at once."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.pool = threading.Semaphore(4)

    def answer(self, asked: UpgradeRequest) -> Answer:
        if not self.pool.acquire(blocking=False):
            raise UpgradeError("PoolEmpty", "no connection is free")
        try:
            time.sleep(_SLOW)
            return super().answer(asked)
        finally:
            self.pool.release()


# === tokens =================================================================================


class _Numbering(TokenMaking):
    """As its base, with the token that is made as a method."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        return super().parameters(replace(asked, client_token=asked.client_token or self.token()))

    def token(self) -> str:
        return uuid.uuid4().hex


@wrong("idempotency.token_unique", "isolation", case="isolation.tokens.two_endpoints")
class NumberedByTheClient(_Numbering):
    """Each client numbers its calls, and two clients have the same numbers."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.numbers = itertools.count(1)

    def token(self) -> str:
        return f"call-{next(self.numbers)}"


@wrong("idempotency.token_unique", "isolation", case="isolation.tokens.together")
class NumberedWithoutALock(_Numbering):
    """A number is read, and written a moment later."""

    number = 0

    def token(self) -> str:
        number = self.number
        time.sleep(_SLOW)
        self.number = number + 1
        return f"{id(self)}-{number}"


# === what stays usable ======================================================================


class _Breaking(PlainClient):
    """As its base, with what ends the client for good as a method."""

    broken: Exception | None = None

    def answer(self, asked: UpgradeRequest) -> Answer:
        if self.broken is not None:
            raise self.broken
        try:
            return super().answer(asked)
        except (OSError, UpgradeError) as problem:
            self.broken = self.ended_by(problem)
            raise

    def ended_by(self, _problem: Exception) -> Exception | None:
        return None


@wrong("isolation.usable", "isolation", level="should", case="isolation.usable.after_reset_after_reading")
class DeadAfterAReset(_Breaking):
    """The connection is kept for good, and so is what broke it."""

    def ended_by(self, problem: Exception) -> Exception | None:
        return problem if isinstance(problem, ConnectionResetError) else None


@wrong("isolation.usable", "isolation", level="should", case="isolation.usable.after_half_body")
class DeadAfterHalfAnAnswer(_Breaking):
    """After half an answer nobody knows where the next one begins, so nothing is read any more."""

    def ended_by(self, problem: Exception) -> Exception | None:
        return problem if "ended early" in str(problem) else None


@wrong("isolation.usable", "isolation", level="should", case="isolation.usable.after_close_early")
class OpenForEver(_Breaking):
    """A circuit breaker that opens at the first loss, and has no clock to close it."""

    def ended_by(self, _problem: Exception) -> Exception | None:
        return UpgradeError("CircuitOpen", "too many losses")


@wrong("isolation.usable", "isolation", level="should", case="isolation.usable.after_a_neighbour_closed")
class PoolOfTheModule(PlainClient):
    """All clients share a pool: making one opens it, and the first that is closed closes it."""

    closed: ClassVar[set[str]] = set()

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.closed.discard(endpoint.netloc)

    def answer(self, asked: UpgradeRequest) -> Answer:
        if self.endpoint.netloc in self.closed:
            raise UpgradeError("PoolClosed", "the pool is closed")
        return super().answer(asked)

    def close(self) -> None:
        self.closed.add(self.endpoint.netloc)
