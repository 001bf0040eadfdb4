"""`es-upgrade serve`: one stand-in as a process, for tests in any language.

It says on standard output where it listens, in one line of JSON, and ends on SIGINT or SIGTERM, or when its
terminal is closed, with exit code 0. Until then it needs nobody.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from ..errors import UsageProblem
from ..messages import Endpoint, Exchange, ServiceEvent
from ..results import Redactor, event_json
from ..server import end
from ..standin import StandIn
from .config import NO_CONFIG, read_config

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..plans import Certificate

#: Seconds between two looks for a signal where waiting cannot be interrupted (Windows).
_LOOK = 0.5

#: What ends it, of what there is on this system: SIGHUP where the terminal is closed, SIGBREAK on Windows.
_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]


def serve_until_told(
    port: int,
    certificate: Certificate | None,
    config: Path | None,
    journal: Path | None,
    *,
    check_signatures: bool = False,
) -> None:
    """Serve until a signal comes, or the journal takes no more.

    Raises `UsageProblem` for what cannot be: a file, a port, a missing extra, an output that takes nothing.
    """
    settings = read_config(config) if config else NO_CONFIG
    with ExitStack() as open_:
        told = open_.enter_context(_signals())
        lines = open_.enter_context(Journal(journal, told.set)) if journal else None
        open_.callback(end)
        stand_in = open_.enter_context(_stand_in(port, certificate))
        stand_in.endpoint = replace(stand_in.endpoint, **settings.endpoint)
        if check_signatures:
            stand_in.check_signatures()
        for step in settings.steps:
            step(stand_in)
        if lines is not None:
            stand_in.watch(_writing(lines, stand_in.endpoint.access_key_secret))
        _announce(json.dumps(ready(stand_in.endpoint)))
        while not told.wait(_LOOK):
            pass


def ready(endpoint: Endpoint) -> dict[str, str | None]:
    """Where the service is, and with which test credentials: what the first line says."""
    return {
        "url": endpoint.url,
        "caFile": endpoint.ca_file,
        "accessKeyId": endpoint.access_key_id,
        "accessKeySecret": endpoint.access_key_secret,
        "regionId": endpoint.region_id,
    }


def _stand_in(port: int, certificate: Certificate | None) -> StandIn:
    try:
        return StandIn(port=port, certificate=certificate)
    except OSError as problem:
        raise UsageProblem(f"--port={port} cannot be listened at: {problem.strerror}") from None


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """An event that they set, in place of ending the process."""
    told = threading.Event()
    # Under nohup the terminal may be closed. A script's `serve &` has SIGINT ignored too, and is to end with it.
    heeded = [one for one in _ENDING if one == signal.SIGINT or signal.getsignal(one) is not signal.SIG_IGN]
    before = {number: signal.signal(number, lambda *_: told.set()) for number in heeded}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _announce(line: str) -> None:
    output: TextIO | None = sys.stdout
    if output is None:  # the process began so
        raise _unheard("it is closed")
    try:
        output.write(line + "\n")
        output.flush()
    except OSError as problem:
        with suppress(OSError):
            output.close()  # else the interpreter tries once more at its end, and tells of it in its own way
        raise _unheard(problem.strerror) from None


def _unheard(why: str | None) -> UsageProblem:
    return UsageProblem(f"standard output, which the ready line is for, cannot be written: {why}")


class Journal:
    """The file of `--journal`; a context manager, whose end raises `UsageProblem` where not all could be written."""

    def __init__(self, path: Path, stop: Callable[[], None]) -> None:
        """`stop` is called where a line cannot be written. Raises `UsageProblem` for a path that cannot."""
        self._path, self._stop = path, stop
        self._problem: OSError | None = None
        try:
            self._file = path.open("w", encoding="utf-8")
        except OSError as problem:
            raise self._unwritable(problem) from None

    def write(self, line: str) -> None:
        """Write a line; whoever reads along sees whole lines, as they come."""
        with self._attempt():
            self._file.write(line + "\n")
            self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._attempt():
            self._file.close()
        if self._problem is not None and error is None:
            raise self._unwritable(self._problem)

    @contextmanager
    def _attempt(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            self._problem = self._problem or problem
            self._stop()

    def _unwritable(self, problem: OSError) -> UsageProblem:
        return UsageProblem(f"--journal={self._path} cannot be written: {problem.strerror}")


def _writing(lines: Journal, secret: str) -> Callable[[Exchange | None, ServiceEvent], None]:
    redact = Redactor(secret)

    def write(exchange: Exchange | None, event: ServiceEvent) -> None:
        lines.write(json.dumps(event_json(event, exchange, redact), ensure_ascii=False))

    return write
