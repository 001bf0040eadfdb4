"""What a client prints and logs while it is called, for the rule that no secret may be among it.

Everything still gets where it was meant to go; here it is only written down as well.
"""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 4 * 1024 * 1024  # characters; a client that prints without end fills no memory


class Said:
    """The words of one recording; `text` is all of them so far, and stays when the recording is over."""

    def __init__(self) -> None:
        """Nothing said yet."""
        self.forget()

    def forget(self) -> None:
        """As if nothing had been said."""
        self._pieces: list[str] = []
        self._left = _LONGEST

    @property
    def text(self) -> str:
        """Standard output, standard error and log records, in the order in which they came."""
        return "".join(self._pieces)

    def add(self, piece: str) -> None:
        """Write a piece down, as far as there is room."""
        if self._left > 0:
            self._pieces.append(piece[: self._left])
            self._left -= len(piece)


@contextmanager
def said() -> Iterator[Said]:
    """Record what is printed to `sys.stdout` and `sys.stderr` and logged by any logger, in all threads."""
    recording = Said()
    tees = {name: _Tee(getattr(sys, name), recording) for name in ("stdout", "stderr")}
    handler = _Handler(recording)
    loggers = _loggers()
    for name, tee in tees.items():
        setattr(sys, name, tee)
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield recording
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        for name, tee in tees.items():
            if getattr(sys, name) is tee:  # else someone has put another stream there, which is theirs
                setattr(sys, name, tee.stream)
            tee.recording = Said()  # whoever still holds the tee writes through it, unrecorded


class _Tee:
    """A text stream that writes down what goes through it. Anything but `write` is the stream's own."""

    def __init__(self, stream: Any, recording: Said) -> None:
        self.stream, self.recording = stream, recording

    def write(self, text: str) -> int:
        self.recording.add(str(text))
        return self.stream.write(text) if self.stream is not None else len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class _Handler(logging.Handler):
    def __init__(self, recording: Said) -> None:
        super().__init__()
        self._recording = recording

    def emit(self, record: logging.LogRecord) -> None:
        """The message with its traceback. A record that cannot be formatted is a client's mistake, not ours."""
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - `repr` of foreign arguments
            text = f"{record.msg} {record.args}" if isinstance(record.msg, str) else ""
        self._recording.add(f"{text}\n")


def _loggers() -> list[logging.Logger]:
    """The root logger, and those which keep their records to themselves."""
    known = list(logging.Logger.manager.loggerDict.values())
    own = [logger for logger in known if isinstance(logger, logging.Logger) and not logger.propagate]
    return [logging.getLogger(), *own]
