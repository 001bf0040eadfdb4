"""One process of a driver: written to, read from, and ended, so that nothing of it is left.

The rules of this module: no caller ever waits on a pipe, for the lines out and in have a thread each; whatever
the process does against the protocol is one `AdapterFault`, the first, which ends it; and what it wrote to
standard error before an answer is there with the answer, because it goes to a file and not through a pipe.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING

from ..errors import AdapterFault
from .lines import broken, read_line
from .threads import started

if TYPE_CHECKING:
    from ..messages import Outcome
    from ..stage import Deadline

#: Told of every line: `→` and one that was sent, `←` and one that came.
Watch = Callable[[str, bytes], None]

#: Seconds within which a driver ends once its input has.
ENDING = 2.0

#: Seconds after which a deadline is asked again; it grows while the service is still answering.
_ASK_AGAIN = 0.25

_READ = 1 << 16
_LONGEST_LINE = 1 << 26
#: Bytes of standard error that are kept of the end, once the file has more than the limit.
_KEPT, _LIMIT = 1 << 16, 1 << 20
#: Characters of standard error that a fault shows.
_SHOWN = 400
#: A line of these alone says nothing on standard error: Node and Python point into the line above with them.
_MARKS = " \t;|^~"


class DriverProcess:
    """A started driver. Its lines are matched to requests by id, in whatever order they come."""

    def __init__(
        self, words: Sequence[str], folder: str, environment: dict[str, str], watch: Watch | None = None
    ) -> None:
        """Start it in `folder`. Raises `OSError` where that cannot be done."""
        self._watch = watch or _unwatched
        self._waiting: dict[int, Outcome | None] = {}
        self._asked = 0
        self._fault: AdapterFault | None = None
        self._changed = threading.Condition()
        self._errors: IO[bytes] = tempfile.TemporaryFile("a+b", buffering=0)  # noqa: SIM115 - closed with the process
        self._seen, self._said, self._tail = 0, "", ""
        self._ours = False  # whether its end is asked for
        try:
            self._process = subprocess.Popen(  # noqa: S603 - to run the user's command is what is asked for
                words,
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,  # what it starts is ended with it, and Ctrl-C is for us to pass on
            )
        except BaseException:
            self._errors.close()
            raise
        self._out: SimpleQueue[bytes | None] = SimpleQueue()
        self._threads = [started(work, f"driver {self._process.pid}") for work in (self._write, self._read)]

    @property
    def fault(self) -> AdapterFault | None:
        """What the process did against the protocol, its end included; None while all is well."""
        with self._changed:
            return self._fault

    def ask(self, make: Sequence[Callable[[int], bytes]], deadline: Deadline) -> list[Outcome | None]:
        """Send these lines, each made for the id that it is given, and wait for the answers; None where it hung.

        Raises `AdapterFault` where the process breaks the protocol meanwhile. It is good for nothing more
        after that, nor where something hung. May be called from several threads.
        """
        with self._changed:
            numbers = range(self._asked + 1, self._asked + len(make) + 1)
            self._asked += len(make)
        lines = [one(number) for one, number in zip(make, numbers, strict=True)]
        with self._changed:
            self._waiting.update(dict.fromkeys(numbers))
        done = False
        try:
            for line in lines:
                self._watch("→", line)
                self._out.put(line)
            done = self._wait(numbers, deadline)
        finally:  # Ctrl-C while waiting, too
            if not done:
                self.kill()
        with self._changed:
            return [self._waiting.pop(number) for number in numbers]

    def said(self) -> str:
        """What came on standard error since this was asked last; the end of it, where it is long."""
        text, self._said = self._said + self._fresh(), ""
        return text

    @property
    def last_words(self) -> str:
        """The end of all that ever came on standard error, on one line."""
        self._said += self._fresh()
        return " | ".join(line.strip() for line in self._tail.splitlines() if line.strip(_MARKS))

    def end(self, seconds: float = ENDING) -> int | None:
        """Let its input end, and give the exit code; None where it had to be killed after those seconds."""
        self._ours = True
        self._out.put(None)
        ended = None
        with suppress(subprocess.TimeoutExpired):
            ended = self._process.wait(seconds)
        self.kill()
        return ended

    def kill(self) -> None:
        """End it and whatever it has started, at once. May be called again."""
        if self._errors.closed:
            return
        self._ours = True
        _kill_group(self._process)
        self._process.wait()
        self._out.put(None)
        for thread in self._threads:
            thread.join(_ASK_AGAIN)  # what has left the group may hold the pipes, and is nobody's to end
        self._said += self._fresh()
        self._errors.close()

    def _wait(self, numbers: Sequence[int], deadline: Deadline) -> bool:
        """Whether all these were answered before the deadline had nothing left. Raises `AdapterFault`."""
        with self._changed:
            while any(self._waiting[number] is None for number in numbers):
                if self._fault is not None:
                    raise self._fault
                left = deadline()
                if left <= 0:
                    return False
                self._changed.wait(min(left, _ASK_AGAIN))
            if self._fault is not None:  # it came together with the last answer
                raise self._fault
            return True

    def _fresh(self) -> str:
        """What has come on standard error since the last look; a file that grows without end is emptied."""
        if self._errors.closed:
            return ""
        size = os.fstat(self._errors.fileno()).st_size
        self._errors.seek(max(self._seen, size - _KEPT))
        text = self._errors.read(_KEPT).decode("utf-8", "replace")
        if size > _LIMIT:
            self._errors.truncate(0)
            size = 0
        self._seen = size
        self._tail = (self._tail + text)[-_SHOWN:]
        return text

    # All below runs in the two threads.

    def _write(self) -> None:
        stdin: IO[bytes] = self._process.stdin  # type: ignore[assignment]  # it is a pipe
        with suppress(OSError), stdin:  # a process that has ended is told by what reads
            for line in iter(self._out.get, None):
                stdin.write(line)
                stdin.flush()

    def _read(self) -> None:
        stdout: IO[bytes] = self._process.stdout  # type: ignore[assignment]  # it is a pipe
        begun: list[bytes] = []  # of a line
        size = 0
        with stdout:
            while chunk := os.read(stdout.fileno(), _READ):
                begun.append(chunk)
                size += len(chunk)
                if b"\n" in chunk:
                    *lines, rest = b"".join(begun).split(b"\n")
                    begun, size = [rest], len(rest)
                    self._take(lines)
                elif size > _LONGEST_LINE:
                    self._break(broken(b"".join(begun), f"does not end within {_LONGEST_LINE} bytes"))
                    return
        self._take(begun)
        self._break(None if self._ours else AdapterFault("adapter.driver.ended", self._how_it_ended()))

    def _take(self, lines: Sequence[bytes]) -> None:
        """Lines that came together are seen together: a second answer to one id is found with the first."""
        with self._changed:
            for line in filter(bytes.strip, lines):
                self._watch("←", line)
                try:
                    self._answered(line)
                except AdapterFault as fault:
                    self._fault = self._fault or fault
            self._changed.notify_all()

    def _answered(self, line: bytes) -> None:
        number, outcome = read_line(line)
        if self._waiting.get(number, outcome) is not None:
            twice = 1 <= number <= self._asked
            what = "has been answered before" if twice else "was never asked"
            raise broken(line, f"answers the id {number}, which {what}", "adapter.driver.id")
        self._waiting[number] = outcome

    def _break(self, fault: AdapterFault | None) -> None:
        with self._changed:
            self._fault = self._fault or fault
            self._changed.notify_all()

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(_ASK_AGAIN)
        except subprocess.TimeoutExpired:
            return "the driver closed its standard output before its input had ended"
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return f"the driver ended {how} before its input had ended"


def _unwatched(_direction: str, _line: bytes) -> None:
    """Nobody looks on."""


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    killpg = getattr(os, "killpg", None)  # Windows has none; there what a driver has started ends by itself
    with suppress(OSError):
        if killpg is None:
            process.kill()
        else:
            killpg(process.pid, signal.SIGKILL)
