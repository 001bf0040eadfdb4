"""What is said of a client, a verdict or a level, in every report the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..results import Json

#: Where this kit is at home, for whoever was handed a report of it.
KIT = "https://github.com/pytest-es-upgrade/pytest-es-upgrade"

#: Verdict → what it stands for, for readers who see it for the first time.
VERDICT_WORDS: Mapping[str, str] = {
    "passed": "every check held",
    "failed": "a rule at the chosen level or above was broken",
    "tolerated": "only a rule below the chosen level was broken, or the page can be read in more than one way",
    "known": "failed, and listed as known by whoever runs the suite, with a reason",
    "stale": "listed as known, and every rule held: the entry has to go",
    "not_testable": "could not be decided, with the reason; never counted as passed",
}

#: Level → what it stands for.
LEVEL_WORDS: Mapping[str, str] = {
    "must": "the client's maintainer would accept it as a bug, backed by the page, an RFC or a signature's algorithm",
    "should": "the page implies it, or clients that are safe to use do it",
    "may": "worth knowing",
}

#: How the place of a violation begins → what it means.
PLACES: Mapping[str, str] = {
    "method": "the method of the request",
    "path": "the path of the request",
    "query": "a parameter in the query of the request",
    "header": "a header",
    "body": "a member in the body of the request",
    "request": "the request as a whole",
    "attempt": "one attempt of the call",
    "started": "the upgrades that the service started",
    "answer": "a part of the answer, as it reached the caller",
    "status": "the status of the answer",
    "error": "what the caller can tell of the error",
    "call": "how the call ended for its caller",
    "connection": "a connection that the client opened",
    "output": "what the client printed or logged",
}

#: The verdicts in the order in which a reader wants to see them.
WORST_FIRST = ("failed", "stale", "known", "tolerated", "not_testable", "passed")

#: Verdicts of a case that did not pass.
WRONG = ("failed", "stale")


def verdict_sentence(client: Json, level: str) -> str:
    """What is to be said of a client in one sentence."""
    counts = client["summary"]
    total = sum(counts.values())
    undecided = counts["not_testable"]
    if not total:
        return "was not judged: no case was run"
    not_run = _not_run(client)
    if undecided == total:
        return f"could not be judged: none of {number(total, 'case')} could be decided{not_run}"
    beside = f", beside {number(counts['known'], 'known deviation')}" if counts["known"] else ""
    beside += f"; {undecided} of {total} cases could not be decided" if undecided else ""
    beside += not_run
    if counts["failed"]:
        wrong, judged = counts["failed"] + counts["stale"], total - undecided
        return f"breaks the contract at level {level}: {wrong} of {judged} judged cases did not pass{beside}"
    right = counts["passed"] + counts["tolerated"] + counts["stale"]  # where an entry is stale, every rule held
    return f"keeps the contract at level {level} in {number(right, 'judged case')}{_stale(counts['stale'])}{beside}"


def _stale(count: int) -> str:
    if not count:
        return ""
    entries = "1 entry of the known file is stale: remove it"
    return f", but {entries if count == 1 else f'{count} entries of the known file are stale: remove them'}"


def is_partial(client: Json) -> bool:
    """Whether there are cases that were not run; reports of older kits do not say."""
    run: int = sum(client["summary"].values())
    return 0 < run < int(client.get("of", 0))


def _not_run(client: Json) -> str:
    if not is_partial(client):
        return ""
    run, of = sum(client["summary"].values()), int(client["of"])
    if not client.get("interrupted"):
        return f"; {of - run} of {number(of, 'case')} {'was' if of - run == 1 else 'were'} not run"
    selected = int(client.get("selected", of))
    if selected < of:
        return f"; stopped after {run} of {number(selected, 'chosen case')}, of {of} that there are"
    return f"; stopped after {run} of {number(of, 'case')}"


def number(count: int, what: str) -> str:
    """A count with its noun."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def families(cases: Iterable[Json]) -> dict[str, list[Json]]:
    """The cases by family, in their order."""
    by_family: dict[str, list[Json]] = {}
    for case in cases:
        by_family.setdefault(case["family"], []).append(case)
    return by_family


#: What the sentence on a client comes down to, the worst first.
JUDGEMENTS = ("broken", "unjudged", "unfinished", "stale", "kept")


def judgement(client: Json) -> str:
    """One of `JUDGEMENTS`: `unfinished` where the run was stopped, `stale` where the known file alone is wrong."""
    counts = client["summary"]
    if counts["failed"]:
        return "broken"
    if sum(counts.values()) == counts["not_testable"]:
        return "unjudged"
    if client.get("interrupted") and is_partial(client):
        return "unfinished"
    return "stale" if counts["stale"] else "kept"
