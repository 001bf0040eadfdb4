"""The stand-in that tests are given: one service, and the server that it is reached through."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from .contract import Contract, shipped_contract
from .messages import Endpoint, Exchange, HttpResponse, ServiceEvent
from .server import Server, authority, serve
from .service import Service

if TYPE_CHECKING:
    from typing_extensions import Self

    from .plans import Certificate, Plan

_T = TypeVar("_T")


class ServiceUser(ABC):
    """What a test may say to a service, however the service is reached."""

    endpoint: Endpoint

    def __init__(self, service: Service) -> None:
        """The service is spoken to through `_do`, which runs a function of it in its own thread."""
        self._service, self._kept = service, service.copy()

    def keep(self) -> None:
        """Remember how things stand, for `reset`. The plugin does so when a test function begins."""
        self._kept = self._do(self._service.copy)

    def reset(self) -> None:
        """Go back to how things stood when the test function began: what fixtures had set up, and nothing since.

        Journal, answers, faults, instances, tokens and counts; the endpoint stays. In a test under
        Hypothesis's `@given` it is done before every example. Call it yourself where a test
        has rounds of its own, such as in the `__init__` of a state machine.
        """
        self._service = self._kept.copy()

    @abstractmethod
    def _do(self, function: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
        """Call a function of the service where nothing else uses it meanwhile."""

    @property
    def journal(self) -> tuple[Exchange, ...]:
        """Everything that has arrived so far, oldest first."""
        return self._service.journal

    @property
    def upgrades_started(self) -> int:
        """How many upgrades the service has started."""
        return self._service.upgrades_started

    @property
    def events(self) -> tuple[ServiceEvent, ...]:
        """What was done about everything that has arrived; `str(event)` says it, `journal[event.entry]` came."""
        return self._service.events

    @property
    def started(self) -> tuple[ServiceEvent, ...]:
        """The event of every upgrade that was started: `instance_id`, `token`, `upgrade`, `entry`."""
        return self._service.started

    def upgrades_of(self, instance_id: str) -> int:
        """How many upgrades of that instance the service has started."""
        return self._service.upgrades_of(instance_id)

    def upgrades_under(self, token: str | None) -> int:
        """How many upgrades were started under that token, None: without one."""
        return self._service.upgrades_under(token)

    def advance(self, seconds: float) -> None:
        """Let the service's time pass: after 1800 seconds an upgrade has ended. Raises `UsageProblem`.

        It stands still otherwise, and nobody waits. The choice `activating-ends` goes by it.
        """
        self._do(self._service.advance, seconds)

    @property
    def script_left(self) -> int:
        """How many of the scripted answers and faults are not used up."""
        return self._service.script_left

    def watch(self, ended: Callable[[Exchange | None, ServiceEvent], None] | None) -> None:
        """Have every exchange told as it ends, with what was done, in the service's own thread; None: no longer.

        There is no exchange where a connection ended before a request was read. It is told before the last bytes
        of a whole answer leave, which wait for it; what it raises is raised by the next `settle` or `close`.
        """
        self._do(setattr, self._service, "watcher", ended)

    def reply_with(self, answer: str | HttpResponse | Plan, times: int | None = None) -> None:
        """Answer whatever arrives, `times` requests or for ever, with a sample by name, a response or a plan.

        Raises `UnknownName` for a name that is no sample's, and `UsageProblem` for a response that cannot be sent.
        """
        self._do(self._service.reply_with, answer, times)

    def check_signatures(self) -> None:
        """From now on refuse every request that is not signed with the endpoint's access key.

        Signed right is what verifies under ACS3-HMAC-SHA256 or ROA HMAC-SHA1; scripted answers are given all the same.
        """
        self._do(self._service.check_signatures, self.endpoint.access_key_id, self.endpoint.access_key_secret)

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

    def ready_again(self, id: str) -> None:  # noqa: A002 - as in `add_instance`
        """Add an instance that is put back to 6.3 after each request, so that every upgrade of it is counted."""
        self._do(self._service.ready_again, id)

    def fail_with(self, fault: str, times: int | None = 1, **options: Any) -> None:
        """Play that fault on the next `times` answers, None: on all; several are played in the order they came.

        `retry_after` of `throttled_429` and `unavailable_503` is 0 to 1 (seconds, sent rounded up to whole
        ones), a `datetime` with a time zone, or the text of an HTTP-date; a date is at most 2 s ahead.
        `slow_head` and `slow_body` take `seconds`, redirects `location`, `redirect_other_host` takes `to` and `status`.
        Raises `UnknownName` or `UsageProblem`.
        """
        self._do(self._service.fail_with, fault, times, **options)

    def stop_failing(self) -> None:
        """Forget the faults that were scripted and are not played yet."""
        self._do(self._service.stop_failing)


class StandIn(ServiceUser):
    """A service behind a server of its own, on loopback; a context manager."""

    def __init__(
        self,
        contract: Contract | None = None,
        timeout: float = 10.0,
        host: str = "127.0.0.1",
        certificate: Certificate | None = None,
        port: int = 0,
    ) -> None:
        """`timeout` is the endpoint's, in seconds; `host` is the name of loopback that its URL has.

        With a `certificate` it speaks TLS and shows that one; `endpoint.ca_file` is what a client has
        to trust. `port` 0 is any free one. Raises `MissingExtra` for TLS without its library, and
        OSError where the port is taken.
        """
        super().__init__(Service(contract or shipped_contract(), time.monotonic, time.time))
        self._host, self._timeout, self._certificate = host, timeout, certificate
        self._serve(port)

    def _serve(self, port: int = 0) -> None:
        issuer = authority() if self._certificate else None
        tls = issuer.context(self._certificate) if issuer and self._certificate else None
        self.server: Server = serve(self._service, tls=tls, port=port)
        #: Set where a client has hung: it may come back to its port, which nobody else may have until the end.
        self.abandoned = False
        self.netloc = f"{self._host}:{self.server.port}"
        scheme = "http" if issuer is None else "https"
        ca_file = None if issuer is None else issuer.ca_file
        self.endpoint = Endpoint(f"{scheme}://{self.netloc}", ca_file=ca_file, timeout=self._timeout)

    def reset(self) -> None:
        """Go back to how things stood when the test function began: what fixtures had set up, and nothing since.

        On the same port, where a client may keep its idle connections; a request that is under way is
        not answered any more. Where a client of `es_upgrade_client` has hung, it keeps that port for itself,
        and `endpoint` is another one from now on.
        """
        super().reset()
        if self.abandoned:
            self.server.abandon()
            self._serve()
        else:
            self.server.change_to(self._service)

    def _do(self, function: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
        return self.server.call(function, *args, **kwargs)

    @property
    def journal(self) -> tuple[Exchange, ...]:
        """Everything that has arrived so far, oldest first."""
        self.server.settle()
        return self._service.journal

    @property
    def events(self) -> tuple[ServiceEvent, ...]:
        """What was done about everything that has arrived so far, oldest first."""
        self.server.settle()
        return self._service.events

    @property
    def read_so_far(self) -> tuple[Exchange, ...]:
        """The journal as it stands, without waiting for what is on its way."""
        return self._service.journal

    @property
    def done_so_far(self) -> tuple[ServiceEvent, ...]:
        """The events as they stand, without waiting for what is on its way."""
        return self._service.events

    def present(self, certificate: Certificate) -> None:
        """Show that certificate from now on. Connections that were open are closed."""
        self.server.present(authority().context(certificate))

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
