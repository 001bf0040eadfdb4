"""What the fixtures give, beside the stand-in itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from ..contract import Contract, shipped_contract
from ..errors import ClientHung, StillWaiting
from ..messages import Endpoint, HttpResponse, Outcome, UpgradeRequest, Violation
from ..rules.told import check_told
from ..samples import sample
from ..service import Service
from ..standin import ServiceUser, StandIn
from ..suite.case import BOUND
from ..suite.scripts import call_checked
from .options import NO_CLIENT
from .run import run_of
from .stage import LiveStage

if TYPE_CHECKING:
    from responses import RequestsMock
    from typing_extensions import Self

    from .mocked import Mock

_T = TypeVar("_T")

#: Where `es_upgrade_responses` lives; a name that is reserved for tests (RFC 6761).
MOCK_URL = "http://es-upgrade.test"


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
        except (ClientHung, StillWaiting):
            return Outcome("hung")

    def check(self, request: UpgradeRequest) -> list[Violation]:
        """Make a call, and list every rule that it breaks by its attempts, the upgrades it started, and what was told.

        The service has to answer for itself, or by its faults; what `reply_with` answers is for `call`.
        Raises `AdapterFault` and `ClientHung`.
        """
        return call_checked(self._stage, request)[1]

    def keep(self) -> None:
        """Nothing of a client can be kept."""

    def reset(self) -> None:
        """Close the client; the next call makes one anew. In a test under `@given` it is done before every example."""
        self._stage.renew()


@contextmanager
def client_under_test(request: pytest.FixtureRequest, stand_in: StandIn) -> Iterator[ClientUnderTest]:
    """The fixture `es_upgrade_client`."""
    client = getattr(request, "param", None)
    if client is None:
        problem = run_of(request.config).problem
        pytest.fail(problem or NO_CLIENT, pytrace=False)
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
        from .mocked import REQUESTS

        super().__init__(Service(shipped_contract(), time.monotonic, time.time))
        self.endpoint = Endpoint(MOCK_URL)
        self._lock = threading.RLock()
        self._further: list[Mock] = []
        self.mock = self._mock(REQUESTS)
        self._kept_mocks: list[_Mocked] = []

    def keep(self) -> None:
        """Remember how things stand, `mock` included, for `reset`."""
        super().keep()
        self._kept_mocks = [_Mocked(mock) for mock in (self.mock, *self._further)]

    def reset(self) -> None:
        """Go back to how things stood when the test function began, `mock` included."""
        super().reset()
        for kept in self._kept_mocks:
            kept.put_back()

    def patch(self, target: str) -> Mock:
        """Reach a client that carries a `requests` of its own, by the path of its `HTTPAdapter.send`.

        `patch("aliyunsdkcore.vendored.requests.adapters.HTTPAdapter.send")` is for Alibaba Cloud's classic
        SDK. It holds from now on, until the end of the test or of a `with` over what is returned: another
        `responses.RequestsMock`. Exceptions are those of that copy. Raises `UsageProblem` for a wrong path.
        """
        further = self._mock(target)
        further.start()
        self._further.append(further)
        return further

    def __enter__(self) -> Self:
        self.mock.__enter__()
        self.keep()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for further in self._further:
            further.stop()
        self.mock.__exit__(kind, error, trace)

    def _do(self, function: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
        with self._lock:
            return function(*args, **kwargs)

    def _mock(self, target: str) -> Mock:
        from ..server.in_memory import MemorySocket
        from .mocked import Mock

        return Mock(target, self.endpoint.host, lambda: MemorySocket(self._service, self._lock))


class _Mocked:
    """What a `responses.RequestsMock` has in it at one moment: responses, calls, and what passes through."""

    def __init__(self, mock: RequestsMock) -> None:
        self._mock = mock
        self._registered = tuple(mock.registered())
        self._passing = mock.passthru_prefixes
        self._calls = [(calls, tuple(calls)) for calls in (mock.calls, *(one.calls for one in self._registered))]

    def put_back(self) -> None:
        mock = self._mock
        mock.reset()
        mock.passthru_prefixes = self._passing
        for response in self._registered:
            mock.add(response)
        for calls, before in self._calls:
            calls.reset()
            for call in before:
                calls.add_call(call)
