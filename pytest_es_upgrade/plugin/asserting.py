"""What pytest prints of a comparison that failed, where it is one of violations or of an outcome's kind."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import get_args

from ..messages import Outcome, OutcomeKind, Violation

_KINDS = get_args(OutcomeKind)

#: So many rules are named in the first line.
_NAMED = 3


def explanation(left: object, right: object, *, whole: bool) -> list[str] | None:
    """The lines for `left == right`, None where pytest's own do. `whole`: every violation with all that it says."""
    if isinstance(left, list) and isinstance(right, list):
        return _of_violations(left, right, whole=whole)
    if isinstance(left, str) and left in _KINDS:
        return _of_kinds(left, right)
    return None


def _of_violations(left: Sequence[object], right: Sequence[object], *, whole: bool) -> list[str] | None:
    both = [*left, *right]
    if not both or not all(isinstance(one, Violation) for one in both):
        return None
    lines = [*_more(left, right, "broken", whole=whole), *_more(right, left, "kept, expected broken", whole=whole)]
    return [f"{_rules(left)} == {_rules(right)}", *(lines or ["they differ in their order or number"])]


def _more(these: Sequence[object], those: Sequence[object], title: str, *, whole: bool) -> Iterator[str]:
    """What is in `these` and not in `those`. Pytest cuts what has more than eight lines, but for -vv."""
    more = [one for one in these if one not in those]
    for one in more:
        yield from f"{title}: {str(one) if whole or len(more) == 1 else repr(one)[1:-1]}".splitlines()


def _rules(violations: Sequence[object]) -> str:
    """What pytest's short summary has of a list: room for a rule or two."""
    named = [one.rule.id for one in violations[:_NAMED] if isinstance(one, Violation)]
    return f"[{', '.join(named)}{', …' if len(violations) > _NAMED else ''}]"


def _of_kinds(left: str, right: object) -> list[str] | None:
    """With the outcome itself, where only one can be meant. Pytest hands on two texts, but it stands in the frame that
    compares them; nothing there is asked for its class, for that may be a proxy that answers with an error.
    """
    values = _asserting(sys._getframe(1)).values()  # noqa: SLF001 - there is no other way to it
    outcomes = {id(value): value for value in values if type(value) is Outcome and value.kind == left}
    return [f"{left!r} == {right!r}", *map(repr, outcomes.values())] if len(outcomes) == 1 else None


def _asserting(frame: FrameType | None) -> Mapping[str, object]:
    """The names in the frame of the assertion: that which calls pytest's helper for comparisons. Empty without one."""
    while frame is not None and frame.f_code.co_name != "_call_reprcompare":
        frame = frame.f_back
    return frame.f_back.f_locals if frame is not None and frame.f_back is not None else {}
