"""The pages of docs/contract/: the page's statements, every rule, every case, readings and choices."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_es_upgrade.cli.explaining import Catalogue, side_lines, why_without
from pytest_es_upgrade.contract import Contract, Reading
from pytest_es_upgrade.suite import AMBIENT_RULES, Case
from pytest_es_upgrade.traceability import trace

HERE = Path(__file__).parent
GENERATED = "<!-- generated: python docs/generate.py -->"

#: Family of rules → what they are about.
RULE_FAMILIES: Mapping[str, str] = {
    "message": "What is passed to `check_request` and `check_response`.",
    "request": "A request by itself: as a piece of HTTP, and as the page describes it.",
    "sent": "What was asked of the client, against what it sent.",
    "signature": "The signature of a request that has one.",
    "response": "An answer by itself. No client is judged by these: they are for whoever makes answers.",
    "answer": "A documented answer, against what the caller got.",
    "error": "Anything but a documented success, against what the caller got.",
    "idempotency": "One call, however many attempts it takes.",
    "dry_run": "A check does not start an upgrade, and an upgrade is not turned into a check.",
    "isolation": "Calls, threads and clients do not touch each other.",
    "transport": "HTTP and TLS as they are.",
    "client": "The client as a program. Every case may find these broken.",
    "adapter": "What stands between suite and client: faults of the adapter, not of the client.",
}
#: Family of cases → the question it asks of a client.
CASE_FAMILIES: Mapping[str, str] = {
    "request": "Is what is put on the wire what the page says, and what was asked for?",
    "response": "Do documented answers reach the caller whole?",
    "error": "Is anything else told as an error that callers can tell apart?",
    "input": "Are invalid and awkward values refused, or sent as they are?",
    "idempotency": "Whatever is lost, and when: is one upgrade started at most, and nothing reported that is not so?",
    "dry_run": "Does asking start nothing, and is what is to start not turned into asking?",
    "isolation": "Do calls, threads and clients keep to themselves what is theirs?",
    "transport": "Are answers read as HTTP has them, and certificates looked at?",
    "signature": "Of a client that signs: is what it signs what it sends?",
    "fuzz": "The same questions, on generated calls and answers.",
}
#: Cases of a rule that are linked one by one.
MOST_LINKS = 6


class ContractPages:
    """The pages by their paths below docs/."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.catalogue = Catalogue(contract)
        text = (HERE / "contract" / "cases.json").read_text(encoding="utf-8")
        self.recorded: Mapping[str, Any] = json.loads(text)["cases"]

    def pages(self) -> Iterator[tuple[str, str]]:
        """Every page: (path, text)."""
        yield "contract/index.md", _page(self._index())
        yield "contract/page.md", _page(self._documented())
        yield "contract/traceability.md", _page(self._traceability())
        yield "contract/readings.md", _page(self._readings())
        yield "contract/choices.md", _page(self._choices())
        for family in RULE_FAMILIES:
            yield f"contract/rules/{family}.md", _page(self._rules(family))
        for family in CASE_FAMILIES:
            yield f"contract/cases/{family}.md", _page(self._cases(family))

    # --- the page and what is made of it ---

    def _index(self) -> Iterator[str]:
        yield from ("# Contract and cases", "")
        yield from prose(
            "What the kit knows: [the documented page](page.md), word for word; the rules that were made of it, and "
            "the cases that ask for them. `es-upgrade explain NAME` says the same in a terminal."
        )
        yield from ("| rules | | |", "|---|---|---|")
        for family, about in RULE_FAMILIES.items():
            count = sum(rule.partition(".")[0] == family for rule in self.contract.rules)
            yield f"| [{family}](rules/{family}.md) | {count} | {about} |"
        yield from ("", "| cases | | |", "|---|---|---|")
        for family, about in CASE_FAMILIES.items():
            yield f"| [{family}](cases/{family}.md) | {len(self._of(family))} | {about} |"
        yield ""
        yield from prose(
            "[Traceability](traceability.md) goes the other way, from every statement of the page to its rules. Where "
            "the page contradicts itself or says nothing there is a [reading](readings.md); what a service has to "
            "decide all the same is one of the [choices](choices.md)."
        )

    def _documented(self) -> Iterator[str]:
        """The page with headings one level deeper, for it is quoted."""
        yield from ("# The documented page", "")
        yield from prose(
            "`contracts/page.md`, as the vendor publishes it. Quotes of rules and readings stand here word for word."
        )
        fenced = False
        for line in self.contract.documents["page.md"].strip().splitlines():
            fenced = fenced != line.startswith("```")
            if not fenced and line.startswith("-   "):
                yield line
            else:
                yield (f"#{line}" if line.startswith("#") and not fenced else line).rstrip()

    def _traceability(self) -> Iterator[str]:
        yield from ("# Traceability", "")
        yield from prose(
            "Every statement of the documented page, in its order, with the rules that check it, the readings that "
            "quote it, or the reason why nothing does. A test holds that no statement is left over and that every "
            "quote stands in the page."
        )
        yield from ("| section | statement | rules | readings, or why it is not checked |", "|---|---|---|---|")
        for row in trace(self.contract):
            rules = ", ".join(map(_rule_link, row.rules))
            rest = ", ".join(f"[`{reading}`](readings.md#{reading})" for reading in row.readings)
            rest = "; ".join(filter(None, [rest, "" if row.rules else row.reason]))
            yield f"| {row.statement.section} | {_escaped(row.statement.text)} | {rules} | {rest} |"

    def _readings(self) -> Iterator[str]:
        yield from ("# Readings", "")
        yield from prose(
            "Where the page contradicts itself or says nothing: what this kit takes it to mean, and what it "
            "tolerates. A client that follows a tolerated reading is `tolerated`, whatever the level. From "
            "`contracts/readings.yaml`."
        )
        for reading in self.contract.readings.values():
            yield from self._reading(reading)

    def _reading(self, reading: Reading) -> Iterator[str]:
        yield from (f"## {reading.id}", "", reading.about, "")
        yield from (f"> {_escaped(quote)}" for quote in reading.quotes)
        yield from ("", f"Taken: {reading.taken}", "")
        yield from (f"- Tolerated: {text}" for text in reading.tolerated)
        yield from [""] * bool(reading.tolerated)
        if reading.rules:
            yield from (f"Broken by such a client: {', '.join(map(_rule_link, reading.rules))}.", "")

    def _choices(self) -> Iterator[str]:
        yield from ("# Choices", "")
        yield from prose(
            "What the page leaves open and a service has to decide. Every row is this kit's choice and nobody else's: "
            "no client is judged by it, and the real service may do otherwise. From `contracts/choices.json`."
        )
        for name, row in self.contract.documents["choices.json"].items():
            yield from (f"## {name}", "", _escaped(row["question"]), "")
            yield from (f"This kit's choice: {_escaped(row['choice'])}", "", f"Why: {_escaped(row['why'])}", "")
            if "answer" in row:
                answer = row["answer"]
                yield from (f'Answered: {answer["status"]} `{answer["code"]}`, "{_escaped(answer["message"])}"', "")
            if "value" in row:
                yield from (f"Gone by: `{json.dumps(row['value'])}`", "")

    # --- rules ---

    def _rules(self, family: str) -> Iterator[str]:
        rules = [rule for rule in self.contract.rules if rule.partition(".")[0] == family]
        yield from (f"# Rules: {family}", "", RULE_FAMILIES[family], "")
        if any(self.catalogue.exchanges(rule) for rule in rules):
            yield from prose(
                "In the exchanges, `>` was sent, `<` was answered, `*` is what the service did, and `=` how the call "
                "ended for its caller. They are records of clients that run in this project's tests; the wrong one "
                "stands in the [kill matrix](../../explanation/kill-matrix.md) under its name."
            )
        for rule in rules:
            yield from self._rule(self.catalogue.rule(rule))

    def _rule(self, rule: Mapping[str, Any]) -> Iterator[str]:
        yield from _heading(rule["id"])
        yield from (f"**{rule['level']}** · {_escaped(rule['title'])}", "", f"> {_escaped(rule['quote'])}", "")
        yield from (f"{_source(rule['source'])}", "", f"**Why it matters.** {_escaped(rule['why'])}", "")
        if rule["hint"]:
            yield from (f"**What to do.** {_escaped(rule['hint'])}", "")
        if rule["reading"]:
            yield from (f"Tolerated by the reading [{rule['reading']}](../readings.md#{rule['reading']}).", "")
        yield from self._exchanges(rule)
        yield from self._asked_by(rule)

    def _exchanges(self, rule: Mapping[str, Any]) -> Iterator[str]:
        exchanges = rule["exchanges"]
        if exchanges is None:
            yield from (f"No exchange is shown: {why_without(rule['id'])}", "")
            return
        wrong = exchanges["wrong"]
        yield from ("Right:", "", *_block(side_lines(exchanges["right"])), "")
        about = f": {_escaped(wrong['mistake'])} (`{wrong['client']}`)" if "mistake" in wrong else ":"
        yield from (f"Wrong{about}", "", *_block(side_lines(wrong)), "")

    def _asked_by(self, rule: Mapping[str, Any]) -> Iterator[str]:
        every, made_for = rule["cases"]["all"], rule["cases"]["made_for"]
        if rule["id"] in AMBIENT_RULES:
            such_as = f", such as {_links(made_for)}" if made_for else ""
            yield from (f"Cases: all may find it{such_as}.", "")
        elif every:
            linked = made_for[:MOST_LINKS] or every[:MOST_LINKS]
            counts = _counts(case for case in every if case not in linked)
            more = f"; and {counts}" if counts else ""
            yield from (f"Cases: {_links(linked)}{more}.", "")

    # --- cases ---

    def _of(self, family: str) -> list[Case]:
        return [case for case in self.catalogue.cases.values() if case.family == family]

    def _cases(self, family: str) -> Iterator[str]:
        cases = self._of(family)
        sets = list(dict.fromkeys(case.rules for case in cases))
        yield from (f"# Cases: {family}", "", CASE_FAMILIES[family], "")
        yield from prose(
            "Each with what a right client does, and a wrong one that the case finds. `…` in a request line stands "
            f"for `{_PATH}`; `→` is what came back, then how the call ended."
        )
        yield from ("## Which rules are asked for", "")
        yield from prose("Beside [those of every case](../rules/client.md):")
        for number, rules in enumerate(sets, 1):
            linked = ", ".join(_rule_link(rule, "../rules/") for rule in rules)
            yield f'- <a id="rules-{number}"></a>Set {number}: {linked}'
        yield from ("", "## The cases", "")
        for case in cases:
            yield from self._case(case, sets.index(case.rules) + 1)

    def _case(self, case: Case, number: int) -> Iterator[str]:
        recorded, chief = self.recorded[case.id], self.catalogue.chief(case)
        rule = self.contract.rule(chief)
        yield from _heading(case.id, "###")
        yield from (f"**{case.level(self.contract)}** · {_escaped(case.title)}", "")
        yield from prose(
            f"Rule {_rule_link(chief, '../rules/')}: “{_escaped(rule.quote)}” All that is asked: [set "
            f"{number}](#rules-{number})."
        )
        lines = ["right", *_indented(recorded["right"])]
        if "wrong" in recorded:
            wrong = recorded["wrong"]
            lines += [f"wrong ({wrong['client']}: {wrong['mistake']})", *_indented(wrong["lines"])]
        yield from (*_block(lines), "")
        if "wrong" not in recorded:
            yield from prose(f"No wrong client is made for it; [here is why]({_NO_WRONG}).")


#: Where the reasons stand why some cases find no wrong client.
_NO_WRONG = "../../explanation/kill-matrix.md#cases-that-kill-none"
#: What `…` stands for in the records of cases.
_PATH = "/openapi/instances/es-cn-n6w1o1x0w001c0000/actions/upgrade-version"


def prose(text: str) -> Iterator[str]:
    """A paragraph, and the empty line behind it."""
    yield from textwrap.wrap(text, 118, break_long_words=False, break_on_hyphens=False)
    yield ""


def _page(lines: Iterable[str]) -> str:
    return "\n".join([GENERATED, "", *lines]).rstrip() + "\n"


def _heading(id_: str, level: str = "##") -> Iterator[str]:
    """A heading with an anchor that is the id itself, dots and all; the site makes one of both."""
    yield from (f'<a id="{id_}"></a>', "", f"{level} `{id_}`", "")


def _block(lines: Iterable[str]) -> Iterator[str]:
    yield from prose("```text")
    yield from (_shown(line) for line in lines)
    yield from prose("```")


def _shown(line: str) -> str:
    """Without characters that a page cannot hold, and with none that ends the block."""
    text = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in line)
    return text.replace("```", "` ` `").rstrip()


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _source(source: str) -> str:
    name, _, section = source.partition(": ")
    if name != "page":
        return f"Source: {source}."
    return f"Source: the page, [{section}](../page.md#{section.lower().replace(' ', '-')})."


def _rule_link(rule: str, folder: str = "rules/") -> str:
    return f"[`{rule}`]({folder}{rule.partition('.')[0]}.md#{rule})"


def _links(cases: Sequence[str]) -> str:
    return ", ".join(f"[`{case}`](../cases/{case.partition('.')[0]}.md#{case})" for case in cases)


def _counts(cases: Iterable[str]) -> str:
    counts: dict[str, int] = {}
    for case in cases:
        family = case.partition(".")[0]
        counts[family] = counts.get(family, 0) + 1
    return ", ".join(f"{count} of [{family}](../cases/{family}.md)" for family, count in counts.items())


def _escaped(text: str) -> str:
    """Text as Markdown shows it: code stays code."""
    pieces = re.split(r"(`[^`]+`)", text)
    return "".join(piece if number % 2 else _plain(piece) for number, piece in enumerate(pieces))


def _plain(text: str) -> str:
    return re.sub(r"([*\[\]_|#])", r"\\\1", text).replace("<", "&lt;")
