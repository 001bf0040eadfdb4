"""Right clients that repeat a call, in every sane way, or that are careful not to.

`Patient` does it by hand, each step a method, so that wrong ones can be made of it by overriding one.
The others leave it to a library. Waiting is short: what is judged is that they wait, not for how long.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
import httpx
import requests
import tenacity
import urllib3
import yarl
from requests.adapters import HTTPAdapter

from pytest_es_upgrade import Endpoint, UpgradeRequest

from .plain import Answer, Document, PlainClient, UpgradeError, checked, url
from .right import RIGHT, Call, Signing, asyncio_streams, right, tls

#: The names of the clients of this module.
RETRYING: list[str] = []

#: Statuses that say "come again": the request was not acted on, or nobody knows.
BUSY = (408, 429, 500, 502, 503, 504)


_Factory = TypeVar("_Factory", bound=Callable[..., Any])


def retrying(factory: _Factory) -> _Factory:
    """Enter a factory into the table of right clients, and into the list of this module's."""
    RETRYING.append(factory.__name__)
    return right(factory)


class OutcomeUnknown(Exception):
    """No attempt brought an answer of the call's own, and one of them may have been acted on."""


# --- by hand ---------------------------------------------------------------------------------------


@retrying
class Patient(PlainClient):
    """Tries three times, under the caller's token or one of its own, and says where the outcome is unknown."""

    attempts = 3
    wait = 0.001

    def __call__(self, asked: UpgradeRequest) -> Any:
        return self.told(self.answer(self.prepared(asked)))

    def prepared(self, asked: UpgradeRequest) -> UpgradeRequest:
        return replace(asked, client_token=self.token(asked)) if asked.client_token is None else asked

    def token(self, _asked: UpgradeRequest) -> str | None:
        return str(uuid.uuid4())

    def answer(self, asked: UpgradeRequest) -> Answer:
        lost: Exception | None = None
        answer: Answer | None = None
        for number in range(self.attempts):
            if number:
                self.pause(number, answer)
            try:
                answer = self.attempt(asked, number)
            except (OSError, UpgradeError) as problem:
                answer, lost = None, self.unanswered(problem)
            else:
                if not self.is_busy(answer):
                    return answer
                lost = lost or self.open_after(answer)
            if not self.may_repeat(asked, answer):
                break
        return self.given_up(answer, lost)

    def attempt(self, asked: UpgradeRequest, number: int) -> Answer:
        return self.exchange((self.endpoint.host, self.endpoint.port), self.attempt_request(asked, number))

    def attempt_request(self, asked: UpgradeRequest, _number: int) -> bytes:
        return self.request(asked)

    def unanswered(self, problem: Exception) -> Exception:
        return problem

    def is_busy(self, answer: Answer) -> bool:
        return answer.status in BUSY

    def open_after(self, answer: Answer) -> Exception | None:
        """Why it is not known whether a request was acted on that was answered so."""
        return None if answer.status in (408, 429, 503) else self.failure(answer)  # type: ignore[return-value]  # an exception

    def may_repeat(self, asked: UpgradeRequest, _answer: Answer | None) -> bool:
        return asked.client_token is not None

    def pause(self, number: int, answer: Answer | None) -> None:
        asked_for = None if answer is None else retry_after(answer.headers.get("retry-after"))
        time.sleep(self.wait * 2**number if asked_for is None else asked_for)

    def given_up(self, answer: Answer | None, lost: Exception | None) -> Answer:
        if lost is not None:
            raise OutcomeUnknown("the upgrade may have been started") from self.cause(lost)
        assert answer is not None
        return answer

    def cause(self, lost: Exception) -> Exception:
        return lost


def retry_after(value: str | None) -> float | None:
    """The seconds that a Retry-After asks for, None where there is none or it cannot be read."""
    if value is None:
        return None
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


@retrying
class NeverRepeats(PlainClient):
    """Gives up at once, and makes a token all the same, for the caller to see in the error."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        given = dict(super().parameters(asked))
        return list({"clientToken": uuid.uuid4().hex, **given}.items())


@retrying
class SayingUnknown(PlainClient):
    """Gives up at once, and names what it does not know."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        try:
            return super().answer(asked)
        except OSError as problem:
            raise OutcomeUnknown(f"no answer: {problem}") from problem


@retrying
class WithTokenOnly(Patient):
    """Repeats a call only under a token that the caller gave; makes none."""

    def token(self, asked: UpgradeRequest) -> str | None:
        return asked.client_token  # type: ignore[no-any-return]  # text, or None


@retrying
class BusyOnly(WithTokenOnly):
    """Repeats what a busy service did not act on, and nothing that was lost."""

    def is_busy(self, answer: Answer) -> bool:
        return answer.status in (429, 503)

    def may_repeat(self, _asked: UpgradeRequest, answer: Answer | None) -> bool:
        return answer is not None


@retrying
class LostOnly(Patient):
    """Repeats what was lost, and takes every answer for one."""

    def is_busy(self, answer: Answer) -> bool:
        return False


@retrying
class Impatient(Patient):
    """Gives up where it is asked to wait."""

    def may_repeat(self, asked: UpgradeRequest, answer: Answer | None) -> bool:
        waits = answer is not None and "retry-after" in answer.headers
        return super().may_repeat(asked, answer) and not waits


@retrying
class Jittered(Impatient):
    """Waits longer each time, and never as long as another client."""

    attempts = 5

    def pause(self, number: int, answer: Answer | None) -> None:
        super().pause(number, answer)
        time.sleep(random.uniform(0, self.wait * 2**number))


@retrying
class SignsEachAttempt(Patient, Signing):
    """Signs every attempt anew, with a nonce of its own."""


@retrying
class TokenFromTimeAndChance(Impatient):
    """Makes its tokens of the time, a counter and 64 random bits, 40 characters long."""

    def token(self, _asked: UpgradeRequest) -> str:
        return f"up-{time.time_ns():020}-{random.getrandbits(64):016x}"


@retrying
class FollowsAndRepeats(Impatient):
    """Follows a 307 or 308 on its own host with the same POST, three times at most, and repeats what is lost."""

    def attempt(self, asked: UpgradeRequest, number: int) -> Answer:
        answer = super().attempt(asked, number)
        for _ in range(3):
            location = urlsplit(answer.headers.get("location", ""))
            if answer.status not in (307, 308) or location.netloc not in ("", self.endpoint.netloc):
                break
            answer = super().attempt(asked, number)
        return answer


@retrying
class UntilADeadline(Impatient):
    """Repeats until a time is over, and not a number of times."""

    attempts = 1000
    seconds = 0.05

    def answer(self, asked: UpgradeRequest) -> Answer:
        self.until = time.monotonic() + self.seconds
        return super().answer(asked)

    def may_repeat(self, asked: UpgradeRequest, answer: Answer | None) -> bool:
        return super().may_repeat(asked, answer) and time.monotonic() < self.until

    def pause(self, _number: int, _answer: Answer | None) -> None:
        time.sleep(self.seconds / 5)


@retrying
class Thorough(FollowsAndRepeats, Signing):
    """Does everything that can be asked about: makes tokens, repeats, follows, waits, signs each attempt."""

    def may_repeat(self, asked: UpgradeRequest, answer: Answer | None) -> bool:
        return Patient.may_repeat(self, asked, answer)


@retrying
class RememberedTokens(Impatient):
    """Keeps a token until its call has ended for sure: the caller's second try of a lost call is the same call."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.open: dict[UpgradeRequest, str] = {}

    def __call__(self, asked: UpgradeRequest) -> Any:
        token = self.open.setdefault(asked, str(uuid.uuid4()))
        told = super().__call__(replace(asked, client_token=asked.client_token or token))
        self.open.pop(asked, None)
        return told


# --- by a library ----------------------------------------------------------------------------------


def _body(asked: UpgradeRequest) -> bytes:
    return PlainClient(Endpoint("http://unused")).body(asked)


_JSON = {"Content-Type": "application/json", "Accept": "application/json"}


@retrying
def tenacity_retries(endpoint: Endpoint) -> Call:
    """`tenacity`, exponential with jitter; what was lost is raised as it was."""
    plain = PlainClient(endpoint)

    @tenacity.retry(
        retry=tenacity.retry_if_exception_type(OSError),
        stop=tenacity.stop_after_attempt(4),
        wait=tenacity.wait_random_exponential(multiplier=0.001, max=0.01),
        reraise=True,
    )
    def attempt(asked: UpgradeRequest) -> Document:
        return plain(asked)  # type: ignore[no-any-return]  # a document

    def call(asked: UpgradeRequest) -> Document:
        return attempt(replace(asked, client_token=asked.client_token or str(uuid.uuid4())))

    return call


@retrying
def tenacity_unwrapped(endpoint: Endpoint) -> Call:
    """`tenacity`, whose own RetryError reaches the caller."""
    plain = PlainClient(endpoint)

    def call(asked: UpgradeRequest) -> Document:
        keyed = replace(asked, client_token=asked.client_token or str(uuid.uuid4()))
        retrier = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(OSError), stop=tenacity.stop_after_attempt(3)
        )
        return retrier(plain, keyed)  # type: ignore[no-any-return]  # a document

    return call


_RETRY = urllib3.Retry(
    total=3,
    status_forcelist=(429, 502, 503, 504),
    allowed_methods=("POST",),
    backoff_factor=0.001,
    redirect=False,
    raise_on_status=False,  # the last answer has a code, the exception would have none
)


@retrying
class Urllib3Retry:
    """`urllib3.Retry`, which repeats a POST only where it has a token."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.pool = urllib3.PoolManager(ssl_context=tls(endpoint.ca_file), timeout=endpoint.timeout, maxsize=4)

    def __call__(self, asked: UpgradeRequest) -> Document:
        answer = self.pool.request(
            "POST",
            url(asked, self.endpoint),
            body=_body(asked),
            headers=_JSON,
            redirect=False,
            retries=_RETRY if asked.client_token else False,
        )
        return checked(answer.status, answer.data)

    def close(self) -> None:
        self.pool.clear()


@retrying
class RequestsAdapterRetry:
    """`requests` with urllib3's Retry in its adapter; every call has a token."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.session = requests.Session()
        self.session.verify = endpoint.ca_file or True
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, HTTPAdapter(max_retries=_RETRY))

    def __call__(self, asked: UpgradeRequest) -> Document:
        keyed = replace(asked, client_token=asked.client_token or str(uuid.uuid4()))
        answer = self.session.post(
            url(keyed, self.endpoint),
            data=_body(keyed),
            headers=_JSON,
            timeout=self.endpoint.timeout,
            allow_redirects=False,
        )
        return checked(answer.status_code, answer.content)

    def close(self) -> None:
        self.session.close()


@retrying
class HttpxTransportRetries:
    """`httpx` with its transport's retries: of connects that fail, and of nothing else."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        transport = httpx.HTTPTransport(retries=2, verify=tls(endpoint.ca_file))
        self.client = httpx.Client(transport=transport, timeout=endpoint.timeout, trust_env=False)

    def __call__(self, asked: UpgradeRequest) -> Document:
        answer = self.client.post(url(asked, self.endpoint), content=_body(asked), headers=_JSON)
        return checked(answer.status_code, answer.content)

    def close(self) -> None:
        self.client.close()


@retrying
class AiohttpRetry:
    """`aiohttp`, repeated by hand where the connection broke or the service is busy."""

    attempts = 3

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.session: aiohttp.ClientSession | None = None

    async def __call__(self, asked: UpgradeRequest) -> Document:
        if self.session is None:
            self.session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=tls(self.endpoint.ca_file)),
                timeout=aiohttp.ClientTimeout(total=self.endpoint.timeout),
            )
        keyed = replace(asked, client_token=asked.client_token or str(uuid.uuid4()))
        lost: Exception | None = None
        for number in range(self.attempts):
            try:
                status, wait, body = await self.attempt(self.session, keyed)
            except (aiohttp.ClientError, asyncio.TimeoutError) as problem:
                lost, wait = problem, None
            else:
                if status not in BUSY or (number == self.attempts - 1 and lost is None):
                    return checked(status, body)
            await asyncio.sleep(retry_after(wait) or 0.001)
        assert lost is not None
        raise lost

    async def attempt(self, session: aiohttp.ClientSession, asked: UpgradeRequest) -> tuple[int, str | None, bytes]:
        target = yarl.URL(url(asked, self.endpoint), encoded=True)
        async with session.post(target, data=_body(asked), headers=_JSON, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Retry-After"), await answer.read()

    async def aclose(self) -> None:
        if self.session is not None:
            await self.session.close()


@retrying
def asyncio_retry(endpoint: Endpoint) -> Any:
    """An asyncio stream, and a second attempt under the caller's token alone."""
    once = asyncio_streams(endpoint)

    async def call(asked: UpgradeRequest) -> Document:
        try:
            return await once(asked)
        except (OSError, asyncio.TimeoutError):
            if asked.client_token is None:
                raise
        await asyncio.sleep(0.001)
        return await once(asked)

    return call


__all__ = ["BUSY", "RETRYING", "RIGHT", "OutcomeUnknown", "Patient", "SignsEachAttempt", "WithTokenOnly", "retry_after"]
