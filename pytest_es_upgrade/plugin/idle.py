"""What was asked for and has no effect: it is said in a warning, for silence would be taken for consent.

An ini file, with its `addopts`, is a standing wish and may ask for what one session does not use. A typed line may not.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING

import pytest

from ..known import KnownFile
from . import given

if TYPE_CHECKING:
    from .run import Run

#: These name clients, which the fixture `es_upgrade_client` has too.
_CLIENTS = ("--es-upgrade-client", "--es-upgrade-driver")


def warn_of_what_is_idle(run: Run, items: Iterable[pytest.Item], judged: Collection[str]) -> None:
    """Warn of it; `judged` are the names of the clients that the suite is run for.

    Raises `PytestConfigWarning` where the session's filters make errors of warnings.
    """
    one_of_many = getattr(run.config, "workerinput", {}).get("workerid", "gw0") != "gw0"
    with warnings.catch_warnings(record=one_of_many):  # every worker finds the same: one tells, all stop at an error
        for text in _idle_in_the_suite(run, judged) if judged else _idle_without_the_suite(run, items):
            # Of no line of code: it is the command's, and pytest shows the line.
            warnings.warn_explicit(pytest.PytestConfigWarning(text), None, "pytest-es-upgrade", 1)


def _idle_without_the_suite(run: Run, items: Iterable[pytest.Item]) -> Iterator[str]:
    fixture = any("es_upgrade_client" in getattr(item, "fixturenames", ()) for item in items)
    options = [option for option in _typed(run.config) if not (fixture and option in _CLIENTS)]
    if options:
        yield f"{', '.join(options)}: no effect without --es-upgrade, or a module that imports test_es_upgrade_contract"


def _idle_in_the_suite(run: Run, judged: Collection[str]) -> Iterator[str]:
    settings, options = run.settings, _typed(run.config)
    if "--es-upgrade-profile" in options and not any(case.family == "fuzz" for case in settings.cases):
        yield (
            f"--es-upgrade-profile={settings.profile}: no effect, for none of the chosen cases generates examples; "
            "those that do are fuzz.*"
        )
    yield from _idle_known(settings.known, judged, named="--es-upgrade-known" in options)


def _idle_known(known: KnownFile, judged: Collection[str], *, named: bool) -> Iterator[str]:
    """Of a file that was `named` in the command: that it is about others; in any: that a name looks misspelt."""
    if not known.clients or not known.clients.keys().isdisjoint(judged):
        return  # of its clients some are run today, others another day
    misspelt = {client: near for client in known.clients if (near := _near(client, judged))}
    for client, name in misspelt.items():
        yield f"{known.name}: its client {client!r} is not run; did you mean {name!r}?"
    if named and not misspelt:
        about, run_for = _named(known.clients), _named(judged)
        yield f"{known.name}: no effect, for it is about {about}, and the suite is run for {run_for}"


def _near(client: str, judged: Collection[str]) -> str | None:
    """A name that it may be a slip for. Names that differ in digits alone are those of two releases."""
    near = get_close_matches(client, judged, 1, 0.8)
    return near[0] if near and _without_digits(near[0]) != _without_digits(client) else None


def _without_digits(name: str) -> str:
    return "".join(letter for letter in name if not letter.isdigit())


def _typed(config: pytest.Config) -> list[str]:
    """The options of this plugin that somebody typed; in a worker of xdist, to its controller."""
    words = getattr(config, "workerinput", {}).get("mainargv") or config.invocation_params.args
    return [name for name in given(config) if any(str(word).partition("=")[0] == name for word in words)]


def _named(clients: Iterable[str]) -> str:
    return " and ".join(repr(client) for client in sorted(clients))
