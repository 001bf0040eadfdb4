"""The report as one HTML file: readable without network, scripts or colour; templates are in `templates/`.

What is shown of single cases is bounded by `MOST_BYTES`: of each broken rule the first cases have their
whole story, the others as well while there is room, and then what was got and expected.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..errors import MissingExtra
from ..messages import LEVELS
from ..results import VERDICTS
from .curl import SERVE
from .meaning import Meaning, shipped_meaning
from .story import MOST_ATTEMPTS, MOST_CALLS, MOST_VIOLATIONS, story
from .view import CaseView, View, view
from .wire import visible
from .words import KIT, LEVEL_WORDS, VERDICT_WORDS, number

if TYPE_CHECKING:
    import jinja2

    from ..results import Json

#: Bytes that the file is kept below, unless the list of all cases alone is longer.
MOST_BYTES = 1_900_000
#: Cases of each problem that have their whole story before any other has room; they take half of it at most.
_FIRST = 2
#: Verdicts whose cases have details.
_DETAILED = ("failed", "stale", "known", "tolerated")


def check_library() -> None:
    """Raises `MissingExtra` where the template engine is not installed."""
    try:
        import jinja2  # noqa: F401 - that it is there is the question
    except ImportError:
        raise MissingExtra("a report as HTML", "Jinja2", "report") from None


def html_text(document: Json, meaning: Meaning | None = None) -> str:
    """The whole report. Raises `MissingExtra`."""
    check_library()
    shown = view(document, meaning or shipped_meaning())
    template = _environment().get_template("report.html.jinja")
    parts = {"style": _asset("report.css"), "script": _asset("report.js")}

    def page(details: Mapping[str, str]) -> str:
        return template.render(view=shown, document=document, details=details, **parts)

    return page(_details(shown, MOST_BYTES - len(page({}).encode())))


# --- the details of cases -----------------------------------------------------------------------------


def _details(shown: View, room: int) -> dict[str, str]:
    """Anchor → the details of that case: whole, or brief, or none where there is no room for them."""
    chosen = _Chosen(shown, room)
    cases = list(_by_importance(shown))
    chosen.add((case for rank, case in cases if rank < _FIRST), chosen.whole, room // 2)
    chosen.add((case for _, case in cases if case.anchor not in chosen.details), chosen.brief, 0)
    chosen.add((case for _, case in cases), chosen.whole, 0)
    return chosen.details


class _Chosen:
    """Details as far as there is room for them, in bytes."""

    def __init__(self, shown: View, room: int) -> None:
        self.details: dict[str, str] = {}
        self._macros: Any = _environment().get_template("case.html.jinja").module
        self._several = len(shown.clients) > 1
        self._room = room

    def whole(self, case: CaseView) -> str:
        """All that there is to say of a case."""
        return str(self._macros.whole(case, self._several, story(case.case)))

    def brief(self, case: CaseView) -> str:
        """What was got and expected."""
        return str(self._macros.brief(case, self._several))

    def add(self, cases: Iterable[CaseView], tell: Callable[[CaseView], str], spared: int) -> None:
        """Tell these cases so, until no more than `spared` bytes are left."""
        for case in cases:
            text = tell(case)
            left = self._room - len(text.encode()) + len(self.details.get(case.anchor, "").encode())
            if left < spared:
                break
            self.details[case.anchor], self._room = text, left


def _by_importance(shown: View) -> list[tuple[int, CaseView]]:
    """Cases with details, with their ranks: the first of every problem, the second of every problem, and so on."""
    places = {
        case.anchor: (rank, place)
        for client in shown.clients
        for place, problem in enumerate(client.problems)
        for rank, case in enumerate(problem.cases)
    }
    last = (len(places) + _FIRST, 0)
    cases = (case for client in shown.clients for case in client.cases.values() if case.verdict in _DETAILED)
    ranked = [(places.get(case.anchor, last), case) for case in cases]
    return [(rank, case) for (rank, _), case in sorted(ranked, key=lambda one: one[0])]


# --- templates ----------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pytest_es_upgrade.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(counted=number, spoken=_spoken, linked=_linked)
    environment.globals.update(
        VERDICTS=VERDICTS,
        LEVELS=LEVELS,
        SIGNS=_SIGNS,
        SERVE=SERVE,
        KIT=KIT,
        MOST_CALLS=MOST_CALLS,
        MOST_ATTEMPTS=MOST_ATTEMPTS,
        MOST_VIOLATIONS=MOST_VIOLATIONS,
        verdicts=VERDICT_WORDS,
        levels=LEVEL_WORDS,
    )
    return environment


#: Verdict → a sign beside its word, for those who skim.
_SIGNS: Mapping[str, str] = {
    "passed": "✓",
    "failed": "✗",
    "tolerated": "≈",
    "known": "●",
    "stale": "!",
    "not_testable": "?",
}


def _finalize(value: Any) -> Any:
    """Every text that comes into the file, whoever wrote it, shows what it is made of."""
    return visible(value) if type(value) is str else value


def _spoken(verdict: str) -> str:
    return verdict.replace("_", " ")


def _linked(link: str) -> str:
    """A link that somebody wrote, if it is one that may be followed."""
    return link if link.startswith(("https://", "http://")) else ""


class _Asset:
    """A style sheet or script as it stands in the file, and what the policy of the file knows it by."""

    def __init__(self, text: str) -> None:
        from markupsafe import Markup  # comes with Jinja2

        self.text = Markup(text)  # noqa: S704 - this package's own file
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        self.hash = f"'sha256-{digest}'"


def _asset(name: str) -> _Asset:
    loader = _environment().loader
    assert loader is not None  # noqa: S101 - made with one
    return _Asset(loader.get_source(_environment(), name)[0])
