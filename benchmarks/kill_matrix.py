"""The kill matrix: every wrong client of tests/clients against every family, in docs/explanation/kill-matrix.md.

Run: python benchmarks/kill_matrix.py [--processes N]. Exit code 1 where a wrong client survived or is broken, or
where a case kills no wrong client and benchmarks/kill_matrix.yaml gives no reason.

A client is *killed* by a case that finds its own rule broken, the one it is entered for, at that rule's level. Each
meets every case of its family and of `fuzz` that asks for its rule, and the first of each other family; a case that
kills none of its own family is tried on those of others, until it kills one. *Broken* is a client that fails for
another reason than its own: its factory raises, it never gets through, a foreign rule is broken in every case, or it
ends in a slip of its own code. Examples are generated as the profile `quick` has them, without an example database;
so two runs write the same page.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from unittest import mock

import yaml
from hypothesis import settings

import pytest_es_upgrade
from pytest_es_upgrade.client.factory import FactoryClient
from pytest_es_upgrade.contract import shipped_contract
from pytest_es_upgrade.plugin import stage as stage_module
from pytest_es_upgrade.plugin.run import PROFILES
from pytest_es_upgrade.stage import Generation
from pytest_es_upgrade.standin import StandIn
from pytest_es_upgrade.suite import Case, cases, judge

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from tests.clients.wrong import WRONG, Wrong  # noqa: E402 - found from the root of the repository

PAGE = ROOT / "docs" / "explanation" / "kill-matrix.md"
CONTRACT = shipped_contract()
CASES = {case.id: case for case in cases(CONTRACT)}
FAMILIES = tuple(dict.fromkeys(case.family for case in CASES.values()))

#: Exceptions that no client means to raise: the wrong client itself is misspelt or unfinished.
SLIPS = ("NameError", "UnboundLocalError", "ImportError", "ModuleNotFoundError", "NotImplementedError")


# --- judging ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Finding:
    """What one case made of a client; `examples` were generated up to the one that failed, 0 where none are."""

    case: str
    broken: frozenset[str]
    decided: bool
    reached: bool
    slip: str | None
    examples: int


@dataclass(frozen=True)
class Row:
    """A wrong client and its fate: `killed`, `broken` or `survived`, and by which cases or why."""

    name: str
    fate: str
    kills: tuple[Finding, ...]
    why: str = ""


def asking(wrong: Wrong) -> list[Case]:
    """The cases that ask for a client's rule, the one it is named for first."""
    named = [CASES[wrong.case]] if wrong.case else []
    return list(dict.fromkeys([*named, *(case for case in CASES.values() if wrong.breaks in case.rules)]))


def asked_of(wrong: Wrong) -> list[Case]:
    """The cases that a client meets: of its own family and of `fuzz` all that ask for its rule, of others the first."""
    cases_ = asking(wrong)
    own = [case for case in cases_ if case.family in (wrong.family, "fuzz")]
    first = {case.family: case for case in reversed([*cases_, *CASES.values()])}
    return list(dict.fromkeys([*own, *first.values()]))


def find(name: str, case_id: str) -> Finding:
    """Judge a client by one case, on a service of its own."""
    wrong, case = WRONG[name], CASES[case_id]
    generation = Generation(
        PROFILES["quick"].examples, 0, 300.0, case.id, b"", lambda found: found.rule.id == wrong.breaks
    )
    client = FactoryClient(wrong.name, wrong.name, wrong.factory)
    patience = 1.0 if wrong.breaks == "client.hangs" else stage_module.AFTER_ANSWER
    with (
        mock.patch.object(stage_module, "AFTER_ANSWER", patience),
        StandIn(CONTRACT, case.timeout, certificate=case.certificate) as stand_in,
        stage_module.LiveStage(CONTRACT, client, stand_in, case.bound, generation) as stage,
    ):
        judgement = judge(case, stage)
        errors = [call.outcome.error.type for call in stage.calls if call.outcome.error is not None]
        return Finding(
            case.id,
            frozenset(found.rule.id for found in judgement.violations),
            judgement.not_testable is None,
            any(call.exchanges for call in stage.calls),
            next((name for name in errors if name.rpartition(".")[2] in SLIPS), None),
            stage.examples_asked,
        )


def fate_of(name: str, found: Sequence[Finding]) -> Row:
    """What all cases together made of a client."""
    wrong = WRONG[name]
    kills = tuple(one for one in found if wrong.breaks in one.broken)
    why = _broken(wrong, found)
    return Row(name, "broken" if why else "killed" if kills else "survived", kills, why)


def _broken(wrong: Wrong, found: Sequence[Finding]) -> str:
    """Why a client's failures say nothing about its own mistake; empty where they do."""
    decided = [one for one in found if one.decided]
    for one in found:
        faults = sorted(rule for rule in one.broken if rule.startswith("adapter.") and rule != wrong.breaks)
        if faults or one.slip:
            return f"{faults[0] if faults else one.slip} in {one.case}"
    if all(wrong.breaks in one.broken for one in decided):
        return "" if decided else "no case could be decided"
    if not any(one.reached for one in found):
        return "nothing of it ever reaches the wire"
    foreign = frozenset.intersection(*(one.broken for one in decided)) - {wrong.breaks}
    return f"{min(foreign)} in every case" if foreign else ""


def prepare() -> None:
    """What is drawn may depend on the modules that are loaded: each process loads them all before it begins.

    What clients print is theirs to print, and nobody's to read here.
    """
    sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - for as long as the process lives
    for module in pkgutil.walk_packages(pytest_es_upgrade.__path__, "pytest_es_upgrade."):
        if not module.name.startswith("pytest_es_upgrade.adapters."):
            importlib.import_module(module.name)
    settings.register_profile("matrix", database=None)
    settings.load_profile("matrix")


def judged(processes: int) -> list[Row]:
    """All clients, in the order of their table."""
    pairs = [(name, case.id) for name, wrong in WRONG.items() for case in asked_of(wrong)]
    found: dict[str, list[Finding]] = {name: [] for name in WRONG}
    with multiprocessing.get_context("spawn").Pool(processes, prepare) as pool:
        for (name, _), finding in zip(pairs, pool.starmap(find, pairs, chunksize=8), strict=True):
            found[name].append(finding)
        rows = [fate_of(name, findings) for name, findings in found.items()]
        idle = [case for case, names in killers(rows).items() if not names]
        for name, finding in filter(None, pool.map(first_killer, idle, chunksize=1)):
            found[name].append(finding)
    return [fate_of(name, findings) for name, findings in found.items()]


def first_killer(case_id: str) -> tuple[str, Finding] | None:
    """For a case that kills no client of its own family: the first that it kills of another one."""
    others = [
        name
        for name, wrong in WRONG.items()
        if wrong.family != CASES[case_id].family and wrong.breaks != "sent.call" and CASES[case_id] in asking(wrong)
    ]
    found = ((name, find(name, case_id)) for name in others)
    return next(((name, one) for name, one in found if WRONG[name].breaks in one.broken), None)


# --- what kills nothing -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Reason:
    """Cases that no wrong client has to be made for, by glob, and why."""

    title: str
    cases: tuple[str, ...]
    reason: str


def reasons() -> list[Reason]:
    """The groups of benchmarks/kill_matrix.yaml."""
    text = Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
    return [Reason(group["title"], tuple(group["cases"]), group["reason"]) for group in yaml.safe_load(text)]


def killers(rows: Iterable[Row]) -> dict[str, list[str]]:
    """Case → the clients that it kills.

    That nothing was sent is seen by every case, whatever it asks: it counts in the client's own family alone.
    """
    by_case: dict[str, list[str]] = {id_: [] for id_ in CASES}
    for row in rows:
        wrong = WRONG[row.name]
        for kill in row.kills if row.fate == "killed" else ():
            if wrong.breaks != "sent.call" or CASES[kill.case].family in (wrong.family, "fuzz"):
                by_case[kill.case].append(row.name)
    return by_case


def unexplained(by_case: Mapping[str, Sequence[str]], groups: Iterable[Reason]) -> list[str]:
    """What is wrong with the cases that kill nothing and with the reasons that are given."""
    idle = {id_ for id_, names in by_case.items() if not names}
    problems, excused = [], set()
    for glob in (glob for group in groups for glob in group.cases):
        matched = {id_ for id_ in idle if fnmatchcase(id_, glob)}
        excused |= matched
        if not matched:
            problems.append(f"{glob}: there is no such case, or it kills a client now; take it out of the reasons")
    return [*problems, *(f"{id_}: kills no wrong client, and no reason is given" for id_ in sorted(idle - excused))]


# --- the page ---------------------------------------------------------------------------------------

_HEAD = """# Kill matrix

Every wrong client of `tests/clients`, each a right one with one mistake, against every family of cases: which case and
rule found it out, and what each case is good for. Written by `make kill-matrix`; two runs write the same page, and a
test holds that it names every client and every case there is.

- *Killed* is a client whose own rule, the one it is entered for, was found broken. What else it breaks does not count.
- A client meets every case of its own family and of `fuzz` that asks for its rule, and one of each other family; a case
  that kills none of its own family is tried on those of others, until it kills one. So counts are of that.
- *Broken* would be one that fails for another reason: it never gets through, or its code has a slip.
- *Survived* would be one whose mistake no case sees. Either makes the command fail.
- Behind a case of `fuzz.` stands after how many generated examples (profile `quick`) the mistake was seen; every
  other case asks one thing.
"""


def page(rows: Sequence[Row], groups: Sequence[Reason]) -> str:
    """The whole page."""
    by_case = killers(rows)
    fates = [row.fate for row in rows]
    counts = ", ".join(f"{fates.count(fate)} {fate}" for fate in ("killed", "broken", "survived"))
    idle = sum(not names for names in by_case.values())
    lines = [_HEAD, f"{len(rows)} wrong clients: {counts}. {len(CASES)} cases, {idle} of which kill none.", ""]
    lines += ["## Clients", "", "| client | its mistake | its rule | fate | found by |", "|---|---|---|---|---|"]
    lines += map(_client_line, rows)
    lines += ["", "## Cases", ""]
    for family in FAMILIES:
        lines += [f"### {family}", "", "| case | kills | of rules | such as |", "|---|---|---|---|"]
        lines += [_case_line(case, by_case[case.id]) for case in CASES.values() if case.family == family]
        lines += [""]
    return "\n".join([*lines, *_idle_lines(by_case, groups)]).rstrip() + "\n"


def _client_line(row: Row) -> str:
    wrong = WRONG[row.name]
    mistake = _cell(" ".join((wrong.factory.__doc__ or "").split()))
    cells = (f"`{row.name}`", mistake, f"`{wrong.breaks}` ({wrong.level})", row.fate, row.why or _found_by(row))
    return f"| {' | '.join(cells)} |"


def _found_by(row: Row) -> str:
    """One case of each family, and how many more of it."""
    told = []
    for family in FAMILIES:
        kills = [kill for kill in row.kills if CASES[kill.case].family == family]
        if kills:
            examples = f" after {kills[0].examples}" if kills[0].examples else ""
            told.append(f"`{kills[0].case}`{examples}" + (f" and {len(kills) - 1} more" if kills[1:] else ""))
    return "; ".join(told)


def _case_line(case: Case, names: Sequence[str]) -> str:
    rules = sorted({WRONG[name].breaks for name in names})
    shown = ", ".join(f"`{rule}`" for rule in rules[:3]) + (f" and {len(rules) - 3} more" if rules[3:] else "")
    made_for = [name for name in names if WRONG[name].case == case.id]
    such_as = ", ".join(f"`{name}`" for name in list(dict.fromkeys([*made_for, *names]))[:2])
    return f"| `{case.id}` | {len(names) or '-'} | {shown} | {such_as} |"


def _idle_lines(by_case: Mapping[str, Sequence[str]], groups: Sequence[Reason]) -> Iterator[str]:
    yield from ("## Cases that kill none", "")
    yield "Why no wrong client is made for them." if groups else "There is none."
    yield ""
    for group in groups:
        idle = [id_ for id_, names in by_case.items() if not names and any(fnmatchcase(id_, g) for g in group.cases)]
        yield f"- **{group.title}** ({len(idle)}): {group.reason}: {', '.join(f'`{id_}`' for id_ in idle)}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--processes", type=int, default=2)
    rows, groups = judged(arguments.parse_args().processes), reasons()
    PAGE.write_text(page(rows, groups), encoding="utf-8")
    alive = [f"{row.name}: {row.fate}{': ' if row.why else ''}{row.why}" for row in rows if row.fate != "killed"]
    problems = [*alive, *unexplained(killers(rows), groups)]
    for problem in problems:
        print(problem)
    print(f"{PAGE.relative_to(ROOT)}: {len(rows)} wrong clients, {len(rows) - len(alive)} killed; {len(CASES)} cases")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
