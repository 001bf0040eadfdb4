"""`es-upgrade driver COMMAND`: the protocol of a driver tried alone, step by step, with every line shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..client.deadline import within
from ..client.driver import DriverClient, OpenDriverClient, load_driver
from ..contract import Contract, shipped_contract
from ..errors import AdapterFault
from ..messages import Outcome, UpgradeRequest
from ..rules.text import shown
from ..samples import documented_samples, sample_request
from ..server import shared_loop
from ..standin import StandIn

#: Seconds for the calls of one step, the start of the process included.
BOUND = 10.0

Write = Callable[[str], None]


@dataclass(frozen=True)
class _Step:
    """What is tried: calls that are made at once, each answered with `answer`; `wrong` looks at what was told."""

    title: str
    answer: str
    requests: Sequence[UpgradeRequest]
    wrong: Callable[[Outcome], str | None]


def try_driver(command: str, write: Write) -> int:
    """Try it on the embedded service and write what happens; 0 where all is well, else 1. Raises `UsageProblem`."""
    client = load_driver(command, str(Path.cwd()), lambda arrow, line: write(f"   {arrow} {_text(line)}"))
    contract = shipped_contract()
    try:
        with StandIn(contract) as stand_in:
            tried = [_try(step, client, stand_in, write) for step in _steps(contract)]
    finally:  # Ctrl-C leaves no process either
        ended = _try_end(client, write)
        shared_loop().close()
    return 0 if all(tried) and ended else 1


def _steps(contract: Contract) -> Iterator[_Step]:
    success, error = documented_samples(contract)[:2]
    asked = sample_request(contract)
    pair = [sample_request(contract, "table_examples"), UpgradeRequest("es-cn-another", version="6.7", dry_run=False)]
    yield _Step("the documented sample call", success, [asked], _wrong_result)
    yield _Step("two calls at once", success, pair, _wrong_result)
    yield _Step(f"a call that is answered with {error}", error, [asked], lambda outcome: _wrong_error(outcome, error))
    yield _Step("the call after that", success, [asked], _wrong_result)


def _try(step: _Step, client: DriverClient, stand_in: StandIn, write: Write) -> bool:
    write(step.title)
    stand_in.reset()
    stand_in.reply_with(step.answer)
    found = list(_found(step, client, stand_in))
    for problem in found or ["ok"]:
        write(f"   {problem}" if problem == "ok" else f"   WRONG: {problem}")
    return not found


def _found(step: _Step, client: DriverClient, stand_in: StandIn) -> Iterator[str]:
    try:
        opened: OpenDriverClient = client.open(stand_in.endpoint, within(BOUND))
        outcomes = opened.call_together(step.requests, within(BOUND))
    except AdapterFault as fault:
        yield str(fault)
        return
    hung = sum(outcome.kind == "hung" for outcome in outcomes)
    if hung:
        yield (
            f"{hung} of {len(outcomes)} calls were not answered within {BOUND:g} s; does the driver end each line "
            "with a line feed, and flush its standard output behind it?"
        )
    yield from dict.fromkeys(filter(None, map(step.wrong, outcomes)))
    if not stand_in.journal:
        yield f"nothing reached {stand_in.endpoint.url}; send to the url of the request line's endpoint"


def _wrong_result(outcome: Outcome) -> str | None:
    if outcome.error is not None:
        return f"a documented success was told as an error: {outcome.error.text!r}"
    if outcome.kind == "ok" and outcome.answer is None:
        return f"the result {shown(outcome.result)} has nothing of the documented answer"
    return None


def _wrong_error(outcome: Outcome, code: str) -> str | None:
    told = outcome.error and outcome.error.code
    if outcome.kind == "hung" or told == code:
        return None
    return f"the code {code} is not told: expected an error with that code, got " + (
        shown(outcome.result) if outcome.error is None else repr(outcome.error.text)
    )


def _try_end(client: DriverClient, write: Write) -> bool:
    write("end of input")
    if not client.runs:
        write("   not tried, for no process is left")
        return True
    try:
        note = client.end()
    except AdapterFault as fault:
        note = str(fault)
    write(f"   WRONG: {note}" if note else "   ok")
    return note is None


def _text(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace").rstrip("\n")
