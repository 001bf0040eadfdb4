"""What the fixtures give, beside the stand-in itself."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from ..contract import Contract, shipped_contract
from ..errors import ClientHung
from ..messages import Endpoint, HttpRequest, HttpResponse, Outcome, UpgradeRequest, Violation
from ..plans import Send
from ..rules.told import check_told
from ..samples import sample
from ..service import Service
from ..suite.case import BOUND
from .run import run_of
from .stage import LiveStage
from .standin import ServiceUser, StandIn

if TYPE_CHECKING:
    from requests import PreparedRequest
    from typing_extensions import Self

#: Where `es_upgrade_responses` lives; a name that is reserved for tests (RFC 6761).
MOCK_URL = "http://es-upgrade.test"

_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


class ClientUnderTest:
    """One client on one stand-in."""

    def __init__(self, stage: LiveStage, name: str) -> None:
        """`name` is the client's, as --es-upgrade-client has it."""
        self.name = name
        self._stage = stage

    def call(self, request: UpgradeRequest) -> Outcome:
        """Make a call and wait for its outcome. Raises `AdapterFault` where the factory fails, and nothing else."""
        try:
            return self._stage.call(request).outcome
        except ClientHung:
            return Outcome("hung")


@contextmanager
def client_under_test(request: pytest.FixtureRequest, stand_in: StandIn) -> Iterator[ClientUnderTest]:
    """The fixture `es_upgrade_client`."""
    client = getattr(request, "param", None)
    if client is None:
        problem = run_of(request.config).problem
        pytest.fail(problem or "no client is named; add --es-upgrade-client=MODULE:FACTORY", pytrace=False)
    with LiveStage(shipped_contract(), client, stand_in, BOUND) as stage:
        yield ClientUnderTest(stage, client.name)


@dataclass(frozen=True)
class Sample:
    """A documented answer: its name, the answer, and what is to become of it."""

    contract: Contract
    name: str
    response: HttpResponse

    @classmethod
    def of(cls, name: str) -> Sample:
        """The documented sample of that name."""
        contract = shipped_contract()
        return cls(contract, name, sample(contract, name))

    def check(self, outcome: Outcome) -> list[Violation]:
        """Every rule that the outcome of a call breaks which got this answer; empty where it is right."""
        return check_told(self.contract, self.response, outcome)


class Responses(ServiceUser):
    """The stand-in behind `responses`; a context manager. Needs no socket, and `requests` as the client's library."""

    def __init__(self) -> None:
        """`mock` is the `responses.RequestsMock`, to add more to; it may be left unused."""
        import responses

        super().__init__(Service(shipped_contract(), time.monotonic))
        self.endpoint = Endpoint(MOCK_URL)
        self.mock = responses.RequestsMock(assert_all_requests_are_fired=False)

    def __enter__(self) -> Self:
        self.mock.__enter__()
        for method in _METHODS:
            url = re.compile(rf"{re.escape(MOCK_URL)}(/.*|\?.*|$)", re.DOTALL)
            self.mock.add_callback(method, url, callback=self._answer, content_type=None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.mock.__exit__(kind, error, trace)

    def _answer(self, prepared: PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        import requests

        if self._service.refusing:
            raise requests.ConnectionError("the connection is refused (fault 'refuse')")
        plan = self._service.connected()
        if plan is None:
            plan = self._service.received(_as_sent(prepared)).plan
        whole = any(isinstance(step, Send) and step.whole for step in plan.steps)
        if plan.response is None or not whole:
            raise requests.ConnectionError(f"no whole answer came (fault {plan.fault!r})")
        return plan.response.status, dict(plan.response.headers), plan.response.body


def _as_sent(prepared: PreparedRequest) -> HttpRequest:
    """The request as `requests` would have put it on the wire; what the socket's layer adds is added."""
    headers = [(_text(name), _text(value)) for name, value in prepared.headers.items()]
    if "Host" not in prepared.headers:
        headers.insert(0, ("Host", urlsplit(str(prepared.url)).netloc))
    return HttpRequest(str(prepared.method), prepared.path_url, tuple(headers), _body(prepared.body))


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _body(body: Any) -> bytes:
    """The bytes of whatever `requests` takes as data; files and generators give theirs in pieces."""
    if body is None:
        return b""
    if isinstance(body, (bytes, str)):
        return body.encode() if isinstance(body, str) else body
    return b"".join(map(_body, body))
