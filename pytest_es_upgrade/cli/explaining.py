"""`es-upgrade explain`: what a rule or a case is about, as a JSON-ready value and as text. It needs no click.

The exchanges are records of real clients (`contracts/exchanges.json`, written by benchmarks/exchanges.py): one that
breaks the rule, and one that does the same thing right.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from ..contract import Contract, data_file
from ..errors import UnknownName
from ..messages import Rule, UpgradeRequest
from ..results import Json
from ..suite import AMBIENT_RULES, Case, cases

#: Columns of text; exchanges are shown as they were, however long their lines are.
WIDTH = 79
#: Cases of a rule that are named; of the others the number is told.
MOST_CASES = 8

#: Rules without exchanges, by how their ids begin, and why there are none.
WITHOUT: Mapping[str, str] = {
    "message.": "It is about what is passed to check_request and check_response, and never on the wire.",
    "adapter.": "It is about what stands between suite and client, and not about an exchange.",
    "request.instance_id.type": "What travels in a path is text, whatever its type was before.",
    "request.client_token.type": "What travels in a query is text, whatever its type was before.",
}


class Catalogue:
    """The rules and cases of a contract, by name."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.cases: Mapping[str, Case] = {case.id: case for case in cases(contract)}
        recorded = data_file("exchanges.json")
        self._exchanges: Mapping[str, Json] = recorded["rules"]
        self._made_for: Mapping[str, Sequence[str]] = recorded["cases"]
        self._chief: Mapping[str, str] = {case: rule for rule, ids in self._made_for.items() for case in ids if rule}

    def named(self, name: str | None) -> Json:
        """`{"rules": […], "cases": […]}`: in full for an id, in short for a family or a glob, or for all (None).

        Raises `UnknownName` with the near ones, or where none is near, with the families.
        """
        if name is not None and (name in self.contract.rules or name in self.cases):
            rules = [self.rule(name)] if name in self.contract.rules else []
            return {"rules": rules, "cases": [self.case(name)] if name in self.cases else []}
        globs = ("*",) if name is None else (name, f"{name}.*")
        found = {
            "rules": [_rule(rule) for id_, rule in self.contract.rules.items() if _matches(id_, globs)],
            "cases": [self._case(case) for id_, case in self.cases.items() if _matches(id_, globs)],
        }
        if not any(found.values()):
            families, ids = self._names()
            refused = UnknownName("rule, case or family", name, [*families, *ids])
            raise refused if refused.near else UnknownName("rule, case or family", name, families)
        return found

    def _names(self) -> tuple[list[str], list[str]]:
        """The families, and the ids of rules and cases; each stands once."""
        ids = list(dict.fromkeys((*self.contract.rules, *self.cases)))
        return list(dict.fromkeys(id_.partition(".")[0] for id_ in ids)), ids

    # --- in full ---

    def rule(self, rule_id: str) -> Json:
        """All there is to say of a rule."""
        rule, reading = self.contract.rule(rule_id), self.contract.reading_of(rule_id)
        exchanges = self.exchanges(rule_id)
        shown = [] if exchanges is None or exchanges["case"] is None else [exchanges["case"]]
        made_for = list(dict.fromkeys([*shown, *self._made_for.get(rule_id, ())]))
        asking = [case.id for case in self.cases.values() if rule_id in (*case.rules, *AMBIENT_RULES)]
        return {
            **_rule(rule),
            "source": rule.source,
            "quote": rule.quote,
            "why": self.contract.why(rule_id),
            "hint": self.contract.hint(rule_id),
            "reading": None if reading is None else reading.id,
            "exchanges": exchanges,
            "without_exchanges": why_without(rule_id),
            "cases": {"made_for": made_for, "all": asking},
        }

    def case(self, case_id: str) -> Json:
        """All there is to say of a case; `rule` is the one that it is there for first of all."""
        case = self.cases[case_id]
        chief = self.rule(self.chief(case))
        return {**self._case(case), "rules": list(case.rules), "rule": {**chief, "cases": None}}

    def chief(self, case: Case) -> str:
        """The rule whose wrong client the case finds; where there is none, the first of its strictest."""
        level = case.level(self.contract)
        strictest = next(rule for rule in case.rules if self.contract.rule(rule).level == level)
        return self._chief.get(case.id, strictest)

    def exchanges(self, rule_id: str) -> Json | None:
        """`{"case", "right", "wrong"}` of a rule, or None; rules about answers have no case."""
        record = self._exchanges.get(rule_id)
        if record is None:
            return None
        right = record["right"]
        return {"case": None, **record, "right": self._exchanges[right]["right"] if isinstance(right, str) else right}

    def _case(self, case: Case) -> Json:
        level = case.level(self.contract)
        return {"id": case.id, "family": case.family, "level": level, "title": case.title}


def why_without(rule_id: str) -> str | None:
    """Why a rule has no exchanges, or None where it has some."""
    return next((why for start, why in WITHOUT.items() if rule_id.startswith(start)), None)


def _matches(id_: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(id_, glob) for glob in globs)


def _rule(rule: Rule) -> Json:
    return {"id": rule.id, "level": rule.level, "title": rule.title}


# --- as text ----------------------------------------------------------------------------------------


def as_text(found: Json) -> Iterator[str]:
    """The lines of what `Catalogue.named` found."""
    if any("exchanges" in row for row in found["rules"]) or any("rule" in row for row in found["cases"]):
        for number, row in enumerate([*found["rules"], *found["cases"]]):
            yield from [""] * (number > 0)
            yield from (_case_text(row) if "rule" in row else _rule_text(row))
        return
    yield from _list("Rules", found["rules"])
    yield from [""] * bool(found["rules"] and found["cases"])
    yield from _list("Cases", found["cases"])


def _list(heading: str, rows: Sequence[Json]) -> Iterator[str]:
    if not rows:
        return
    yield f"{heading} ({len(rows)})"
    by_family: dict[str, list[Json]] = {}
    for row in rows:
        by_family.setdefault(row["id"].partition(".")[0], []).append(row)
    for family, members in by_family.items():
        yield from ("", f"  {family} ({len(members)})")
        width = max(len(row["id"]) for row in members)
        yield from (f"    {row['id']:<{width}}  {row['level']:<6}  {row['title']}" for row in members)


def _rule_text(rule: Json) -> Iterator[str]:
    yield from (f"Rule {rule['id']} ({rule['level']})", *_wrapped(rule["title"], "  "), "")
    yield from _told(rule)
    yield from _exchanges_text(rule)
    yield from ("", *_cases_text(rule["cases"]))


def _told(rule: Json) -> Iterator[str]:
    yield from _entry("Stated in", f"{rule['source']}: \u201c{rule['quote']}\u201d")
    yield from _entry("Why", rule["why"])
    yield from _entry("What to do", rule["hint"])
    if rule["reading"] is not None:
        yield from _entry("Tolerated", f"the page can be read otherwise: reading {rule['reading']}")


def _exchanges_text(rule: Json) -> Iterator[str]:
    exchanges = rule["exchanges"]
    if exchanges is None:
        yield from ("", *_wrapped(f"No exchange is shown: {rule['without_exchanges']}"))
        return
    yield from ("", "Right", *side_lines(exchanges["right"]))
    mistake = exchanges["wrong"].get("mistake")
    yield from ("", *_wrapped(f"Wrong: {mistake}" if mistake else "Wrong"), *side_lines(exchanges["wrong"]))


def side_lines(side: Json) -> Iterator[str]:
    """The calls of a right or wrong side, in the manner of curl: `>` was sent, `<` was answered."""
    for call in side["calls"]:
        yield f"  {UpgradeRequest(**{'instance_id': None, **call['request']}).as_code()}"
        for exchange in call["exchanges"]:
            yield from _exchange_lines(exchange)
        if not call["exchanges"]:
            yield f"    nothing {'was sent' if call['outcome'].startswith('rejected') else 'arrived at its endpoint'}"
        if "more" in call:
            yield f"    … {call['more']} attempts more"
        yield f"    = {' '.join(call['outcome'].split())}"
    if "violation" in side:
        found = side["violation"]
        yield f"  at {found['where']}: got {found['got']}, expected {found['expected']}"


def _exchange_lines(exchange: Json) -> Iterator[str]:
    sent = ["the same again"] if exchange["sent"] is None else exchange["sent"].splitlines()
    yield from (f"    > {line}".rstrip() for line in sent)
    if exchange["answered"] is not None:
        yield from (f"    < {line}".rstrip() for line in exchange["answered"].splitlines())
    notes = [exchange["done"]] if "done" in exchange else []
    notes += [f"fault {exchange['fault']}"] if "fault" in exchange else []
    if notes:
        yield f"    * {'; '.join(notes)}"


def _cases_text(told: Json) -> Iterator[str]:
    yield f"Cases ({len(told['all'])})" if told["all"] else "Cases: none, for no client is judged by its answers"
    made_for = told["made_for"]
    yield from (f"  {case}" for case in made_for[:MOST_CASES])
    rest = [case for case in told["all"] if case not in made_for[:MOST_CASES]]
    if rest:
        counts: dict[str, int] = {}
        for case in rest:
            family = case.partition(".")[0]
            counts[family] = counts.get(family, 0) + 1
        more = ", ".join(f"{count} of {family}" for family, count in counts.items())
        yield from _wrapped(f"{'and ' if made_for else ''}{more}", "  ")


def _case_text(case: Json) -> Iterator[str]:
    rule = case["rule"]
    yield from (f"Case {case['id']} ({case['level']})", *_wrapped(case["title"], "  "), "")
    yield from _entry("Rule", f"{rule['id']} ({rule['level']}): {rule['title']}")
    yield from _told(rule)
    beside = [one for one in case["rules"] if one != rule["id"]]
    if beside:
        yield from _entry("Asks too", ", ".join(beside))
    command = f"pytest --es-upgrade --es-upgrade-client=MODULE:FACTORY --es-upgrade-case={case['id']}"
    yield from ("  Run it", f"    {command}")
    yield from _exchanges_text(rule)
    exchanges = rule["exchanges"]
    if exchanges is not None and exchanges["case"] not in (None, case["id"]):
        yield from ("", *_wrapped(f"Recorded in case {exchanges['case']}, which asks for the same rule."))


def _entry(name: str, text: str) -> Iterator[str]:
    if text:
        first, *rest = textwrap.wrap(text, WIDTH - 14, break_long_words=False, break_on_hyphens=False)
        yield from (f"  {name:<12}{first}", *(f"{'':<14}{line}" for line in rest))


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
