"""A client implementation that is reached through a driver: a process in any language that speaks JSON lines.

One process serves all cases of a session, and is started anew where it has hung, died or broken the
protocol. It is a process of its own: the guard that keeps clients on loopback cannot see into it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AdapterFault, UsageProblem
from ..messages import Endpoint, Outcome, UpgradeRequest
from .environment import cleaned
from .lines import request_line
from .process import ENDING, DriverProcess, Watch

if TYPE_CHECKING:
    from ..stage import Deadline

_FORM = "[NAME=]COMMAND, such as 'node_sdk=node tests/driver.js'"
_LATE = f"the driver did not end within {ENDING:g} s of the end of its input, and was killed"
_NAME = re.compile(r"[A-Za-z0-9._-]+")


class DriverClient:
    """A client under test behind a command. `name` is what the run calls it, `adapter` the command as it was given."""

    option = "--es-upgrade-driver"

    def __init__(self, name: str, adapter: str, words: Sequence[str], folder: str, watch: Watch | None = None) -> None:
        """`words` are those of the command, which is run in `folder`; `watch` is told of every line."""
        self.name, self.adapter = name, adapter
        self._words, self._folder, self._watch = words, folder, watch
        self._process: DriverProcess | None = None

    def __repr__(self) -> str:
        """As it would be made again."""
        return f"DriverClient({self.name!r}, {self.adapter!r})"

    @property
    def runs(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    def open(self, endpoint: Endpoint, deadline: Deadline) -> OpenDriverClient:  # noqa: ARG002 - as factories have it
        """A client for that endpoint; the process is started where there is none.

        Raises `AdapterFault`: `adapter.driver.start` where it cannot be, and what the process did against
        the protocol since its last answer.
        """
        self._running()
        return OpenDriverClient(self, endpoint)

    def ask(self, endpoint: Endpoint, requests: Sequence[UpgradeRequest], deadline: Deadline) -> list[Outcome]:
        """The outcomes of calls that are made at once; those that are `hung` have cost the process its life.

        Raises `AdapterFault` where the process breaks the protocol, `NotTestable` for what JSON cannot carry.
        """
        process = self._running()
        makes = [partial(request_line, endpoint=endpoint, request=request) for request in requests]
        try:
            outcomes = process.ask(makes, deadline)
        except AdapterFault as fault:
            self._drop(process)
            raise _told(fault, process) from None
        finally:
            _pass_on(process)
        if None in outcomes:
            self._drop(process)
        return [outcome or Outcome("hung") for outcome in outcomes]

    def end(self) -> str | None:
        """End the process; a note where it did not end with its input. It is started anew when needed.

        Raises `AdapterFault` for what it did against the protocol since its last answer.
        """
        process, self._process = self._process, None
        if process is None:
            return None
        code = process.end()
        _pass_on(process)
        if process.fault is not None:
            raise _told(process.fault, process)
        return _LATE if code is None else None

    def _running(self) -> DriverProcess:
        if self._process is None:
            self._process = self._started()
            return self._process  # what it does wrong at once is told by its first call
        process = self._process
        fault = process.fault
        if fault is not None:
            self._drop(process)
            _pass_on(process)
            raise _told(fault, process)
        return process

    def _started(self) -> DriverProcess:
        try:
            return DriverProcess(self._words, self._folder, cleaned(os.environ), self._watch)
        except OSError as problem:
            words = f"the driver {self.adapter} cannot be started: {problem.strerror}"
            raise AdapterFault("adapter.driver.start", words) from None

    def _drop(self, process: DriverProcess) -> None:
        process.kill()
        self._process = None


class OpenDriverClient:
    """A driver with one endpoint. What hung stays hung; the next one that is opened has a new process."""

    def __init__(self, client: DriverClient, endpoint: Endpoint) -> None:
        """`client` has the process, which others use as well."""
        self._client, self._endpoint = client, endpoint
        self._hung = False

    def call(self, request: UpgradeRequest, deadline: Deadline) -> Outcome:
        """One call; `hung` where it was not answered before the deadline, and from then on at once.

        Raises `AdapterFault` where the driver breaks its protocol, `NotTestable` for what JSON cannot carry.
        """
        return self.call_together([request], deadline)[0]

    def call_together(self, requests: Sequence[UpgradeRequest], deadline: Deadline) -> list[Outcome]:
        """All requests are sent before the first answer is waited for; outcomes in the order of requests."""
        if self._hung:
            return [Outcome("hung") for _ in requests]
        outcomes = self._client.ask(self._endpoint, requests, deadline)
        self._hung = any(outcome.kind == "hung" for outcome in outcomes)
        return outcomes

    def close(self, deadline: Deadline) -> None:
        """Nothing: the process stays for the next case."""


def load_driver(text: str, folder: str, watch: Watch | None = None) -> DriverClient:
    """The client that an option's value names; its command is run in `folder`, and `watch` told of every line.

    Raises `UsageProblem` where it names no command, and where there is none of that name.
    """
    given, named, rest = text.partition("=")
    name, command = (given, rest.strip()) if named and not re.search(r"[\s'\"]", given) else (None, text.strip())
    words = _words(text, command)
    program = _program(text, words[0], folder)
    name = _name(words, folder) if name is None else name
    if not _NAME.fullmatch(name):
        raise UsageProblem(
            f"driver {text!r}: the name {name!r} is not made of A-Z a-z 0-9 . _ - alone; expected {_FORM}"
        )
    return DriverClient(name, command, [program, *words[1:]], folder, watch)


def _words(text: str, command: str) -> list[str]:
    posix = os.name == "posix"
    try:
        words = shlex.split(command, posix=posix)
    except ValueError as problem:
        raise UsageProblem(f"driver {text!r}: {problem}; expected {_FORM}") from None
    if not words:
        raise UsageProblem(f"driver {text!r} names no command; expected {_FORM}")
    # Backslashes are folders on Windows, so quotes are not taken away there.
    return words if posix else [word.strip("\"'") for word in words]


def _program(text: str, word: str, folder: str) -> str:
    """The path of the program. One that is given with a folder is found from where the driver is run."""
    path = str(Path(folder, word)) if Path(word).name != word else word
    found = shutil.which(path)
    if found is None:
        why = "may not be executed" if Path(folder, word).is_file() else "is no command that is found"
        raise UsageProblem(
            f"driver {text!r}: {word!r} {why}; check its spelling, PATH, and the folder that it is run in"
        )
    return found


def _name(words: Sequence[str], folder: str) -> str:
    """The stem of the driver's file: the program, where it lies in the folder, else its first argument that is one."""
    own = [] if Path(words[0]).is_absolute() else [words[0]]  # else it is an interpreter
    files = [word for word in (*own, *words[1:]) if Path(folder, word).is_file()]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", Path([*files, words[0]][0]).stem)


def _told(fault: AdapterFault, process: DriverProcess) -> AdapterFault:
    """The fault, with what the process had said."""
    words = process.last_words
    return AdapterFault(fault.rule, f"{fault}; on standard error: {words or 'nothing'}")


def _pass_on(process: DriverProcess) -> None:
    """What the driver said on standard error is said on ours: pytest shows it with the failure."""
    said = process.said()
    if said:
        with suppress(ValueError, OSError):  # at the end of a session it may be closed
            sys.stderr.write(said)
