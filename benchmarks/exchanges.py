"""Records a right and a wrong exchange for every rule, and for every case, with the clients of tests/clients.

Run: python benchmarks/exchanges.py [--processes N]. It writes contracts/exchanges.json (rules; in the wheel, for
`es-upgrade explain` and the pages) and docs/contract/cases.json (cases; for the pages alone).

Nothing is made up: the wrong client is one that the kill matrix says is killed by that rule, the right one is the
client that it is made of, and both meet the same case on the stand-in. For a rule about answers the plain client is
answered right and wrong. Recorded is what does not differ from run to run: ports, dates, signatures and random values
are replaced, long bodies are cut.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import re
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from kill_matrix import CASES, CONTRACT, PAGE, ROOT, WRONG, prepare

from pytest_es_upgrade.client.factory import FactoryClient
from pytest_es_upgrade.faults import serialize
from pytest_es_upgrade.messages import Exchange, HttpResponse, Outcome, ServiceEvent, UpgradeRequest, Violation
from pytest_es_upgrade.plans import Send
from pytest_es_upgrade.plugin import stage as stage_module
from pytest_es_upgrade.plugin.explain import telling
from pytest_es_upgrade.plugin.run import PROFILES
from pytest_es_upgrade.results import Redactor, call_json
from pytest_es_upgrade.rules import check_response
from pytest_es_upgrade.samples import json_response, sample
from pytest_es_upgrade.server.connection import Connection
from pytest_es_upgrade.service import Reply, Service
from pytest_es_upgrade.stage import Call, Generation
from pytest_es_upgrade.standin import StandIn
from pytest_es_upgrade.strategies.malformed import malformed
from pytest_es_upgrade.suite import judge
from tests.clients.plain import PlainClient
from tests.clients.right_retrying import Patient, WithTokenOnly

RULES_FILE = ROOT / "contracts" / "exchanges.json"
CASES_FILE = ROOT / "docs" / "contract" / "cases.json"

#: Exchanges of a call, bytes of a request or a head, and characters of other texts that are recorded.
MOST_EXCHANGES, MOST_SENT, MOST_TEXT = 3, 1500, 270
#: Rules for which the whole answer matters, and what the caller got; of other answers the status line is recorded.
ABOUT_ANSWERS = ("response.", "answer.", "error.", "transport.")
#: Rules that one call alone cannot break: the calls before the one that shows it are recorded too.
ABOUT_SEVERAL_CALLS = (
    "answer.own",
    "error.own",
    "sent.repeatable",
    "signature.nonce_new",
    "idempotency.token_",
    "isolation.",
    "transport.close",
    "transport.excess",
    "transport.reuse",
)
MOST_BEFORE = 2
#: Wrong clients that show a rule better than the one with the shortest record.
CHOSEN = {
    "idempotency.started_once": "RepeatsWhatWasReset",
    "error.as_success": "StatusNotLookedAt",
    "dry_run.started": "AppliesWhatPasses",
    "transport.header": "NamesAsWritten",
}
#: Right clients that show a rule better than the one that the wrong client is made of.
BESIDE: dict[str, Any] = {"idempotency.token_kept": Patient, "idempotency.started_once": WithTokenOnly}

Json = dict[str, Any]


# --- what is recorded -------------------------------------------------------------------------------


@contextmanager
def the_same_each_time() -> Iterator[None]:
    """Random values of the clients come from one seed, and a hung client is not waited for as long as a user would."""
    bits = random.Random(20171)

    def made_uuid() -> uuid.UUID:
        return uuid.UUID(int=bits.getrandbits(128), version=4)

    made = mock.patch.object(uuid, "uuid4", made_uuid)
    with made, mock.patch.object(stage_module, "AFTER_ANSWER", 2.0):
        random.seed(20171)
        yield


class Recorded(NamedTuple):
    """What is kept of a run, what it was accused of, and which call that was about."""

    made: Json
    found: list[Violation]
    place: int


def recorded(name: str, factory: Any, case_id: str, rule: str, place: int | None = None) -> Recorded:
    """A client's run of a case: the call that tells, and what it was accused of. `place` is that of another run."""
    case = CASES[case_id]
    examples = PROFILES["quick"].examples
    generation = Generation(examples, 200, 300.0, case.id, b"", lambda found: found.rule.id == rule)
    client = FactoryClient(name, name, factory)
    with (
        the_same_each_time(),
        written_bytes() as answered,
        StandIn(CONTRACT, case.timeout, certificate=case.certificate) as stand_in,
        stage_module.LiveStage(CONTRACT, client, stand_in, case.bound, generation) as stage,
    ):
        found = list(judge(case, stage).violations)
        journal = stand_in.journal
        events = {event.entry: event for event in stand_in.events}
        service = stand_in._service  # noqa: SLF001 - as in written_bytes
        served = [_Served(answered.get((service, number)), events[number]) for number in range(len(journal))]
        done = {id(exchange): one for exchange, one in zip(journal, served, strict=True)}
        own = [one for one in found if one.rule.id == rule]
        place = telling_place(stage.calls, own) if place is None else place
        place = min(place, len(stage.calls) - 1)
        first = place - MOST_BEFORE if rule.startswith(ABOUT_SEVERAL_CALLS) else place
        calls = stage.calls[max(first, 0) : place + 1]
        made: Json = {"calls": [shown_call(call, done, rule) for call in calls]}
        if own:
            made["violation"] = {"where": own[0].where, "got": cut(own[0].got), "expected": cut(own[0].expected)}
        return Recorded(settled(made), found, place)


def telling_place(calls: Sequence[Call], own: Sequence[Violation]) -> int:
    """The index of the call that a violation is about; of the last where there is none."""
    if not own or not calls:
        return len(calls) - 1
    where, name = own[0].where.partition(".")[::2]
    with_header = [one for one in calls if where == "header" and any(x.request.header(name) for x in one.exchanges)]
    return list(map(id, calls)).index(id(telling(own[0], with_header or calls)))


def shown_call(call: Call, done: Mapping[int, _Served], rule: str) -> Json:
    """One call: what was given, each exchange, and how it ended for its caller."""
    whole = rule.startswith(ABOUT_ANSWERS)
    given = call_json(call.request, call.outcome, (), Redactor(""))["request"]
    shown: Json = {"request": {name: value for name, value in given.items() if value is not None}}
    exchanges = call.exchanges[:MOST_EXCHANGES]
    shown["exchanges"] = [shown_exchange(one, done.get(id(one), _Served()), whole=whole) for one in exchanges]
    for before, one, row in zip(exchanges, exchanges[1:], shown["exchanges"][1:], strict=False):
        row["sent"] = None if one.request.raw == before.request.raw else row["sent"]  # the same again
    if len(call.exchanges) > MOST_EXCHANGES:
        shown["more"] = len(call.exchanges) - MOST_EXCHANGES
    return {**shown, "outcome": shown_outcome(call.outcome, whole=whole and not rule.startswith("response."))}


class _Served(NamedTuple):
    """What the server wrote, None where that is not known, and what the service did."""

    wire: bytes | None = None
    event: ServiceEvent | None = None


@contextmanager
def written_bytes() -> Iterator[dict[tuple[Service, int], bytes]]:
    """(service, entry) → the bytes that its plan writes; the journal has what was due before a fault bent it."""
    found: dict[tuple[Service, int], bytes] = {}
    begin = Connection._begin  # noqa: SLF001 - the one place that every answer goes through

    def noting(connection: Connection, reply: Reply) -> None:
        if reply.entry is not None and isinstance(reply.plan.steps, tuple):
            sent = (step.data for step in reply.plan.steps if isinstance(step, Send))
            found[connection._service, reply.entry] = b"".join(sent)  # noqa: SLF001 - the key of its journal
        begin(connection, reply)

    with mock.patch.object(Connection, "_begin", noting):
        yield found


def shown_exchange(exchange: Exchange, served: _Served, *, whole: bool) -> Json:
    """The bytes that were sent, those that were answered, and what the service did."""
    due = b"" if exchange.response is None else serialize(exchange.response)
    head, end, body = (due if served.wire is None else served.wire).partition(b"\r\n\r\n")
    told = as_text(head + end, MOST_SENT) + as_text(body, MOST_TEXT)
    shown: Json = {"sent": as_text(exchange.request.raw, MOST_SENT)}
    shown["answered"] = (told if whole else told.partition("\r\n")[0]) or None
    if exchange.fault:
        shown["fault"] = exchange.fault
    if served.event is not None and served.event.done not in ("scripted", "nothing"):
        shown["done"] = str(served.event).partition(";")[0]
    return shown


def shown_outcome(outcome: Outcome, *, whole: bool) -> str:
    """How the call ended for its caller, in one text."""
    if outcome.error is not None:
        kind = outcome.error.type.rpartition(".")[2]
        return cut(f"{outcome.kind}: {kind}: {outcome.error.message or outcome.error.text}")
    if outcome.kind == "hung" or not whole:
        return outcome.kind
    return f"{outcome.kind}: {cut(json.dumps(Redactor('').value(outcome.result), ensure_ascii=False))}"


def as_text(data: bytes, most: int) -> str:
    """Bytes for a reader: what is no UTF-8 as escapes, and not too much of it."""
    return cut(data.decode("utf-8", "backslashreplace"), most)


def cut(text: str, most: int = MOST_TEXT) -> str:
    """The beginning of a long text, with its size."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


#: What differs from run to run → what stands for it. Ports are numbered in the order in which they are met.
_PORT = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:|%3A|%253A)(\d{4,5})")
_DIFFERENT = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(?=Z|\+|\b)"), "2026-11-23T20:21:08"),
    (
        re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"),
        "Mon, 23 Nov 2026 20:21:08 GMT",
    ),
    (re.compile(r"(Signature=|signature )'?[0-9a-f]{64}'?"), r"\1<64 hexadecimal digits>"),
    (re.compile(r"'[0-9a-f]{64}'"), "<64 hexadecimal digits>"),
    (re.compile(r"(more… )[0-9a-f]{40,64}"), r"\1<hexadecimal digits>"),
    (re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{27}=(?!=)"), r"<28 characters>"),
    (re.compile(r"(next attempt after|not before) \d+\.\d\d s"), r"\1 … s"),
    (re.compile(r"\b\d{5} s after"), "28800 s after"),
    (re.compile(r"\bupgrade-\d{9}"), "upgrade-179530926"),
)


def settled(made: Json) -> Json:
    """The record without what differs from run to run."""
    text = json.dumps(made, ensure_ascii=False)
    met = dict.fromkeys(found[3] for found in _PORT.finditer(text))
    ports = {port: str(9200 + number) for number, port in enumerate(met)}
    text = _PORT.sub(lambda found: f"{found[1]}{found[2]}{ports[found[3]]}", text)
    for pattern, stands_for in _DIFFERENT:
        text = pattern.sub(stands_for, text)
    settled: Json = json.loads(text)
    return settled


# --- rules ------------------------------------------------------------------------------------------


def matrix() -> tuple[dict[str, str], dict[str, str]]:
    """From the kill matrix: wrong client → the case that kills it first, and case → the client made for it."""
    page = PAGE.read_text(encoding="utf-8")
    clients, cases = page.split("## Cases\n", 1)
    rows = re.findall(r"^\| `(\w+)` \|.*\| killed \| `([\w.]+)`", clients, re.MULTILINE)
    kills = re.findall(r"^\| `([\w.]+)` \| \d+ \|.*\| `(\w+)`(?:, `\w+`)? \|$", cases, re.MULTILINE)
    return dict(rows), dict(kills)


def of_client(name: str, case_id: str) -> tuple[str, Json] | None:
    """A wrong client and the right one beside it on a case: (rule, record), or None where it was not seen."""
    wrong = WRONG[name]
    bad = recorded(name, wrong.factory, case_id, wrong.breaks)
    right = BESIDE.get(wrong.breaks, wrong.right)
    good = recorded(right.__name__, right, case_id, wrong.breaks, bad.place)
    if not any(found.rule.id == wrong.breaks for found in bad.found) or good.found:
        return None
    mistake = " ".join((wrong.factory.__doc__ or "").split())
    record = {"case": case_id, "right": good.made, "wrong": {"client": name, "mistake": mistake, **bad.made}}
    return wrong.breaks, record


def of_answer(rule: str, wrong: HttpResponse, right: HttpResponse | None) -> Json:
    """The plain client is answered right and wrong: a rule that is about answers alone."""
    made: Json = {"right": answered(right), "wrong": answered(wrong)}
    (found, *_) = [one for one in check_response(wrong) if one.rule.id == rule]
    made["wrong"]["violation"] = {"where": found.where, "got": cut(found.got), "expected": cut(found.expected)}
    return made


def answered(response: HttpResponse | None) -> Json:
    """The plain client's call of a dry run that is answered so, or by the service itself."""
    client = FactoryClient("PlainClient", "PlainClient", PlainClient)
    with (
        the_same_each_time(),
        StandIn(CONTRACT, 2.0) as stand_in,
        stage_module.LiveStage(CONTRACT, client, stand_in, 5.0) as stage,
    ):
        stand_in.add_instance("es-cn-n6w1o1x0w001c0000", failing=("checkClusterHealth",))
        if response is not None:
            stand_in.reply_with(response)
        stage.call(UpgradeRequest("es-cn-n6w1o1x0w001c0000", "6.7", "engineVersion", dry_run=True))
        return settled({"calls": [shown_call(call, {}, "response.") for call in stage.calls]})


def of_answers() -> dict[str, Json]:
    """Every rule about answers, with the first answer of the tables that breaks it."""
    error = {"errorType": "clusterStatus", "errorCode": "ClusterStatusNotHealth", "errorMsg": "ClusterStatusNotHealth"}
    check = {"validateType": "checkClusterHealth", "status": "failed", "validateResult": [error]}
    whole = {"Result": [check], "RequestId": "F99407AB-2FA9-489E-A259-40CF6DC00000"}
    right, refused = json_response(200, whole), sample(CONTRACT, "InstanceActivating")
    wrong = {
        rule: next(way.make(json.loads(json.dumps(whole)), 40) for way in ways)
        for rule, ways in malformed(CONTRACT).items()
    }
    wrong |= {
        "response.http_status.accepted": json_response(202, whole),
        "response.result.struct": json_response(200, {**whole, "Result": check}),
        "response.validate_result.struct": json_response(
            200, {**whole, "Result": [{**check, "validateResult": error}]}
        ),
        "response.error.status": replace(refused, status=409),
    }
    return {
        rule: of_answer(rule, answer, refused if rule.startswith("response.error.") else right)
        for rule, answer in wrong.items()
        if rule.startswith("response.")
    }


def referring(rules: Mapping[str, Json]) -> dict[str, Json]:
    """The rules in the catalogue's order; a right side that stands with an earlier rule is that rule's id."""
    seen: dict[str, str] = {}
    made = {rule: dict(rules[rule]) for rule in CONTRACT.rules if rule in rules}
    for rule, record in made.items():
        text = json.dumps(record["right"])
        record["right"] = seen.get(text, record["right"])
        seen.setdefault(text, rule)
    return made


def best(made: Sequence[tuple[str, Json]]) -> dict[str, Json]:
    """For every rule the shortest record: of two that show the same the one that is read in less time."""
    by_rule: dict[str, list[Json]] = {}
    for rule, record in made:
        by_rule.setdefault(rule, []).append(record)
    return {rule: min(records, key=_length) for rule, records in by_rule.items()}


def _length(record: Json) -> tuple[bool, bool, int]:
    calls = [call for side in ("right", "wrong") for call in record[side]["calls"]]
    several = record["case"].startswith("fuzz.") or not all(call["exchanges"] for call in calls)
    return record["wrong"]["client"] not in CHOSEN.values(), several, len(json.dumps(record))


# --- cases ------------------------------------------------------------------------------------------


def of_case(case_id: str, name: str | None) -> tuple[str, Json]:
    """A case with the wrong client that is made for it, where there is one."""
    if name is None:
        return case_id, {"right": in_short(recorded("PlainClient", PlainClient, case_id, ""))}
    wrong = WRONG[name]
    bad = recorded(name, wrong.factory, case_id, wrong.breaks)
    good = recorded(wrong.right.__name__, wrong.right, case_id, wrong.breaks, bad.place)
    mistake = " ".join((wrong.factory.__doc__ or "").split())
    told = {"client": name, "mistake": mistake, "rule": wrong.breaks, "lines": in_short(bad)}
    return case_id, {"right": in_short(good), "wrong": told}


def in_short(run: Recorded) -> list[str]:
    """A record in lines, much as a failure of the suite has them."""
    return [short(line) for line in lines_of(run.made)]


def lines_of(made: Json) -> Iterator[str]:
    for call in made["calls"]:
        yield UpgradeRequest(**{"instance_id": None, **call["request"]}).as_code()
        sent = ""
        for one in call["exchanges"]:
            sent = one["sent"] or sent
            line, _, rest = sent.partition("\r\n")
            answer = f"answered {one['answered'].split()[1]}" if one["answered"] else "not answered"
            fault = f", {one['fault']}" if "fault" in one else ""
            body = rest.partition("\r\n\r\n")[2]
            yield f"  {line.replace(_PATH, '…').removesuffix(' HTTP/1.1')} {body}".rstrip() + f" → {answer}{fault}"
            if "done" in one and "started upgrade" in one["done"]:
                yield f"    {one['done']}"
        if not call["exchanges"]:
            yield f"  nothing {'was sent' if call['outcome'].startswith('rejected') else 'arrived at its endpoint'}"
        yield f"  {call['outcome']}"[:110]
    if "violation" in made:
        yield f"got {made['violation']['got']}, expected {made['violation']['expected']}"


#: Where a request went to this path it went right, and the reader is spared.
_PATH = "/openapi/instances/es-cn-n6w1o1x0w001c0000/actions/upgrade-version"


def short(line: str) -> str:
    line = line.rstrip().replace("\r", "\\r").replace("\n", "\\n")
    return line if len(line) <= 200 else f"{line[:200]}…"


# --- the files --------------------------------------------------------------------------------------


#: Cases of which a run may differ from the next: of calls at once, which comes first; of pieces, how many came.
_UNSTEADY = ("*.threads*", "*together*", "transport.pieces.*")


def kept(path: Path, rows: Mapping[str, Any]) -> dict[str, Any]:
    """The rows, where unsteady ones stay as they stand in the file, while they are of a client that there is."""
    old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    before = old.get("rules", old.get("cases", {}))
    for row in before.values():
        row["right"] = before[row["right"]]["right"] if isinstance(row["right"], str) else row["right"]
    return {name: before[name] if _stays(name, row, before.get(name)) else row for name, row in rows.items()}


def _stays(name: str, row: Json, before: Json | None) -> bool:
    case = row.get("case", name)
    unsteady = any(fnmatchcase(case, glob) for glob in _UNSTEADY)
    return unsteady and before is not None and before.get("wrong", {}).get("client") in WRONG and "right" in before


def written(path: Path, parts: Mapping[str, Mapping[str, Any]]) -> None:
    """One row a line, so that a change of one is one line of a diff."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{" + ",\n".join(f'"{name}": {_part(rows)}' for name, rows in parts.items()) + "}\n", "utf-8")
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} kB")


def _part(rows: Mapping[str, Any]) -> str:
    lines = [
        f"{json.dumps(name)}:{json.dumps(row, ensure_ascii=False, separators=(',', ':'))}" for name, row in rows.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--processes", type=int, default=2)
    arguments.add_argument("--cases", metavar="GLOB", default="*", help="record no more than these cases")
    given = arguments.parse_args()
    os.environ["PYTHONHASHSEED"] = "0"  # of the processes that are started: sets have one order
    clients, killers = matrix()
    wanted = [case for case in CASES if fnmatchcase(case, given.cases)]
    pairs = [(name, case) for name, case in clients.items() if fnmatchcase(case, given.cases)]
    with multiprocessing.get_context("spawn").Pool(given.processes, prepare) as pool:
        made = [row for row in pool.starmap(of_client, pairs, chunksize=4) if row is not None]
        rules = {**best(made), **pool.apply(of_answers)}
        cases = dict(pool.starmap(of_case, [(case, killers.get(case)) for case in wanted], chunksize=4))
    by_rule: dict[str, list[str]] = {}
    for case, row in cases.items():
        by_rule.setdefault(row["wrong"]["rule"] if "wrong" in row else "", []).append(case)
    written(RULES_FILE, {"rules": referring(kept(RULES_FILE, rules)), "cases": by_rule})
    written(CASES_FILE, {"cases": kept(CASES_FILE, cases)})
    lost = sorted({wrong.breaks for wrong in WRONG.values()} - set(rules)) if given.cases == "*" else []
    for rule in lost:
        print(f"{rule}: no exchange was recorded")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
