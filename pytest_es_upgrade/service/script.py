"""What a user has said the service shall do: a queue, of which there is one of answers and one of faults."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from ..errors import UsageProblem

_T = TypeVar("_T")


@dataclass
class _Row(Generic[_T]):
    value: _T
    #: How often it is still to be used; None = for ever.
    left: int | None


class Script(Generic[_T]):
    """A queue of values, each to be used some times or for ever; one that is for ever ends where another follows."""

    def __init__(self, rows: Iterable[_Row[_T]] = ()) -> None:
        self._rows: deque[_Row[_T]] = deque(rows)

    def copy(self) -> Script[_T]:
        """The same queue, to be used up by itself."""
        return Script(replace(row) for row in self._rows)

    @property
    def left(self) -> int:
        """How many uses that were asked for are still to come; one that is for ever asks for none."""
        return sum(row.left or 0 for row in self._rows)

    def add(self, value: _T, times: int | None) -> None:
        """Append a value. Raises `UsageProblem` for a number of times that is none."""
        if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
            raise UsageProblem(f"times is a whole number from 1 on, or None for ever; got {times!r}")
        if self._rows and self._rows[-1].left is None:
            self._rows.pop()
        self._rows.append(_Row(value, times))

    def peek(self) -> _T | None:
        """The value whose turn it is, or None; it is not used."""
        return self._rows[0].value if self._rows else None

    def take(self) -> _T | None:
        """The value whose turn it is, or None; that is one use."""
        if not self._rows:
            return None
        row = self._rows[0]
        if row.left is not None:
            row.left -= 1
            if not row.left:
                self._rows.popleft()
        return row.value
