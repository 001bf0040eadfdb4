"""How a wrong client is entered into the table of them: what it is made of, and what it has to be accused of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pytest_es_upgrade import Endpoint

from .plain import PlainClient


@dataclass(frozen=True)
class Wrong:
    """A wrong client: its factory, the right one that it is made of, and what it has to be accused of."""

    name: str
    factory: Callable[[Endpoint], Any]
    right: Callable[[Endpoint], Any]
    breaks: str
    family: str
    level: str
    case: str | None


#: Name → wrong client.
WRONG: dict[str, Wrong] = {}

_Class = TypeVar("_Class", bound=type[PlainClient])


def wrong(breaks: str, family: str, level: str = "must", case: str | None = None) -> Callable[[_Class], _Class]:
    """Enter a class into the table. Its first base is the right client that it is made of."""

    def enter(made: _Class) -> _Class:
        WRONG[made.__name__] = Wrong(made.__name__, made, made.__bases__[0], breaks, family, level, case)
        return made

    return enter
