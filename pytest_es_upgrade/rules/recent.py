"""Parts of messages that come again and again, such as a client's headers, are judged once."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Concatenate, ParamSpec, TypeVar

from ..messages import HttpRequest

#: Bytes: longer requests are not worth the room.
_SHORT = 2048

_P = ParamSpec("_P")
_R = TypeVar("_R")


def remembered(function: Callable[_P, _R]) -> Callable[Concatenate[HttpRequest, _P], _R]:
    """The same function of parts of a request, which is given before them; the last results are remembered.

    Not those of long requests, nor of any that did not come over a socket. What is returned belongs to all
    callers, and is not to be changed. Arguments that are equal must mean the same.
    """
    cached = lru_cache(maxsize=64)(function)

    @wraps(function)
    def result(request: HttpRequest, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        if 0 < len(request.raw) <= _SHORT:
            try:
                return cached(*args, **kwargs)  # type: ignore[arg-type]  # whether they can be hashed is tried
            except (TypeError, ValueError):
                pass  # made by hand of lists or views, which have no hash
        return function(*args, **kwargs)

    return result
