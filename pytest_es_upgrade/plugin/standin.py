"""The stand-in that tests are given: one service, and the server that it is reached through."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..contract import Contract, shipped_contract
from ..messages import Endpoint, Exchange, HttpResponse
from ..server import Server, serve
from ..service import Service

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..plans import Plan


class ServiceUser:
    """What a test may say to a service, however the service is reached."""

    endpoint: Endpoint

    def __init__(self, service: Service) -> None:
        """The service is spoken to through `_do`, which runs a function of it in its own thread."""
        self._service = service

    def _do(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        function(*args, **kwargs)

    @property
    def journal(self) -> tuple[Exchange, ...]:
        """Everything that has arrived so far, oldest first."""
        return self._service.journal

    @property
    def upgrades_started(self) -> int:
        """How many upgrades the service has started."""
        return self._service.upgrades_started

    @property
    def script_left(self) -> int:
        """How many of the scripted answers and faults are not used up."""
        return self._service.script_left

    def reply_with(self, answer: str | HttpResponse | Plan, times: int | None = None) -> None:
        """Answer whatever arrives, `times` requests or for ever, with a sample by name, a response or a plan.

        Raises `UnknownName` for a name that is no sample's.
        """
        self._do(self._service.reply_with, answer, times)

    def add_instance(
        self,
        id: str,  # noqa: A002 - the public interface's name
        *,
        version: str = "6.3",
        kernel: str | None = None,
        activating: bool = False,
        failing: Iterable[str] = (),
    ) -> None:
        """Add an instance; until the first, every id exists at 6.3. `failing` names checks that do not pass.

        Raises `UnknownName` or `UsageProblem`, naming what there is.
        """
        self._do(self._service.add_instance, id, version=version, kernel=kernel, activating=activating, failing=failing)

    def fail_with(self, fault: str, times: int = 1, **options: Any) -> None:
        """Play that fault on the next `times` answers. Raises `UnknownName` or `UsageProblem`."""
        self._do(self._service.fail_with, fault, times, **options)


class StandIn(ServiceUser):
    """A service behind a server of its own, on loopback; a context manager."""

    def __init__(self, contract: Contract | None = None, timeout: float = 10.0, host: str = "127.0.0.1") -> None:
        """`timeout` is the endpoint's, in seconds; `host` is the name of loopback that its URL has."""
        super().__init__(Service(contract or shipped_contract(), time.monotonic))
        self.server: Server = serve(self._service)
        #: Set where a client has hung: it may come back to its port, which nobody else may have until the end.
        self.abandoned = False
        self.netloc = f"{host}:{self.server.port}"
        self.endpoint = Endpoint(f"http://{self.netloc}", timeout=timeout)

    def _do(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.server.call(function, *args, **kwargs)

    @property
    def journal(self) -> tuple[Exchange, ...]:
        """Everything that has arrived so far, oldest first."""
        self.server.settle()
        return self._service.journal

    @property
    def read_so_far(self) -> tuple[Exchange, ...]:
        """The journal as it stands, without waiting for what is on its way."""
        return self._service.journal

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the port back. Raises what went wrong within the service, if anything did."""
        if self.abandoned:
            self.server.abandon()
        else:
            self.server.close()
