"""Under Hypothesis each example begins where the test function began.

A function-scoped fixture is made once for all examples of a test, and Hypothesis refuses that where a
test asks for one by name, since what one example leaves there the next one finds. What the fixtures
of this plugin give is therefore put back before every example: to what other fixtures and `setUp` had
made of it, not to nothing. Those fixtures alone are kept from Hypothesis's check while it looks; any
other fixture meets it as ever.

All of this goes through the function's `hypothesis.inner_test`, which is there for plugins, and through
its `__signature__`. Nothing is imported of Hypothesis, and where a version of it has no `inner_test`, its check
says what it always says.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import pytest

from . import DISGUISE, RESETTABLE

_FIXTURES = (
    "es_upgrade_client",
    "es_upgrade_endpoint",
    "es_upgrade_responses",
    "es_upgrade_sample",
    "es_upgrade_server",
)


class Resettable(Protocol):
    """What a fixture gives that tests leave their traces in."""

    def keep(self) -> None:
        """Remember how things stand."""

    def reset(self) -> None:
        """Put them back so."""


@contextmanager
def resettable(item: pytest.Item, one: Resettable) -> Iterator[None]:
    """Put `one` back before every example of that item, until the fixture that gives it ends."""
    ones = item.stash.setdefault(RESETTABLE, [])
    ones.append(one)
    try:
        yield
    finally:
        ones.remove(one)


@contextmanager
def each_example_anew(item: pytest.Item) -> Iterator[None]:
    """Around the call of a test: how its fixtures stand now is what each example begins with."""
    for one in item.stash.get(RESETTABLE, ()):
        one.keep()
    test: Any = getattr(item, "obj", None)
    if not hasattr(getattr(test, "hypothesis", None), "inner_test"):
        yield
        return
    with _disguised(item), _preceded(test.hypothesis, _Beginning(item)):
        yield


class _Beginning:
    """The beginning of an example, called in each."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self._is_first = True

    def __call__(self) -> None:
        # Looked up in each: a test may ask for a fixture by `getfixturevalue` in its body.
        ones = self._item.stash.get(RESETTABLE, [])
        if self._is_first:
            self._is_first = False
            for one in ones:  # again, for `setUp` of a `unittest.TestCase` or `setup_example` have run since
                one.keep()
        for one in reversed(ones):  # a client before the server that it talks to
            one.reset()


@contextmanager
def _preceded(handle: Any, begin: Callable[[], None]) -> Iterator[None]:
    function = handle.inner_test

    @functools.wraps(function)
    def preceded(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        begin()
        return function(*args, **kwargs)

    @functools.wraps(function)
    async def async_preceded(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        begin()
        return await function(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        # What runs coroutines for Hypothesis, such as anyio's plugin, looks at what is there.
        patch.setattr(handle, "inner_test", async_preceded if inspect.iscoroutinefunction(function) else preceded)
        yield


# --- Hypothesis's check of function-scoped fixtures ---------------------------------------------------


@contextmanager
def _disguised(item: Any) -> Iterator[None]:
    """Until pytest calls the function, its signature is without the fixtures that are put back."""
    signature = inspect.signature(item.function)
    shown = [row for name, row in signature.parameters.items() if not _is_ours(item, name)]
    with pytest.MonkeyPatch.context() as disguise:
        disguise.setattr(item.function, "__signature__", signature.replace(parameters=shown), raising=False)
        item.stash[DISGUISE] = disguise
        yield


def _is_ours(item: Any, name: str) -> bool:
    """Whether that argument is what this plugin's fixture gave, for a fixture can be overridden."""
    if name not in _FIXTURES:
        return False
    from ..messages import Endpoint
    from .fixtures import Sample

    value = item.funcargs[name]
    return isinstance(value, (Endpoint, Sample)) or any(value is one for one in item.stash.get(RESETTABLE, ()))
