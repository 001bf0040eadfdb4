"""Family `input`: an invalid or awkward value is refused, or sent as it is; nothing else is made of it.

Every value is asked for beside its valid twin, on the same client and twin first: where the twin does
not get through, a refusal says nothing. What the twin is accused of as well is for other families to tell.
All calls are dry runs, so that the service is in the same state for both; it answers as it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from ..contract import Contract
from ..errors import NotTestable
from ..messages import UpgradeRequest, Violation
from ..rules.response import SUCCESS_STATUSES
from ..rules.text import shown
from ..stage import Call, Stage
from ..values import AWKWARD_IDS, AWKWARD_TOKENS, TOKEN, invalid_values
from .asking import key, must_rules, only, plain_call, slug
from .case import Case
from .input_judging import input_violations

Check = Callable[[Stage], Iterable[Violation]]

_OUTCOMES = "is refused, or sent as it is and answered by the service"


def input_cases(contract: Contract) -> list[Case]:
    """All cases of the family."""
    return [*_invalid_cases(contract), *_pairing_cases(contract), *_awkward_cases(contract)]


def _case(contract: Contract, id_: str, title: str, check: Check) -> Case:
    return Case(id_, title, _rules(contract), check)


def _rules(contract: Contract) -> tuple[str, ...]:
    """All of level must; and the one below, since an empty value is asked for nowhere else."""
    return (*must_rules(contract, "request.", "sent.", "answer.", *_NO_SUCCESS), "sent.empty_value")


_NO_SUCCESS = ("error.as_success", "error.no_answer_as_success", "error.nothing_sent_as_success")


def _dry_run(contract: Contract) -> UpgradeRequest:
    """The call in which values stand. Without a token: clients may take two calls under one for the same call."""
    return replace(plain_call(contract), dry_run=True)


# --- values that break a rule -----------------------------------------------------------------------


def _invalid_cases(contract: Contract) -> Iterator[Case]:
    asked = _dry_run(contract)
    for rule, rows in invalid_values(contract).items():
        for row in rows:
            yield _case(
                contract,
                f"input.{rule.removeprefix('request.')}.{slug(row.name)}",
                f"{row.field}={shown(row.value)} {_OUTCOMES}.",
                _beside_twin(row.request(asked), row.twin(asked)),
            )


def _pairing_cases(contract: Contract) -> Iterator[Case]:
    twin = _dry_run(contract)
    for version, type_ in contract.mismatched_targets:
        yield _case(
            contract,
            f"input.pairing.{slug(str(version))}_{slug(str(type_))}",
            f"The pair of version {version} and type {type_} {_OUTCOMES}.",
            _beside_twin(replace(twin, version=version, type=type_), twin),
        )


# --- values that break no rule, and clients ---------------------------------------------------------


def _awkward_cases(contract: Contract) -> Iterator[Case]:
    twin = _dry_run(contract)
    for name, id_ in AWKWARD_IDS.items():
        title = f"The id {shown(id_)} {_OUTCOMES}."
        check = _beside_twin(replace(twin, instance_id=id_), twin)
        yield _case(contract, f"input.awkward_id.{name}", title, check)
    title = "An id that begins like the address of another host leads nowhere else: it is refused, or sent as it is."
    yield _case(contract, "input.awkward_id.other_host", title, _other_host)
    twin = replace(twin, client_token=TOKEN)
    for name, token in AWKWARD_TOKENS.items():
        title = f"The token {shown(token)} {_OUTCOMES}."
        check = _beside_twin(replace(twin, client_token=token), twin)
        yield _case(contract, f"input.awkward_token.{name}", title, check)


def _other_host(stage: Stage) -> Iterator[Violation]:
    twin = _dry_run(stage.contract)
    request = replace(twin, instance_id=f"//{stage.other_host()}/{twin.instance_id}")
    yield from _judged_beside(stage, request, twin)


# --- beside a valid twin ----------------------------------------------------------------------------


def _beside_twin(request: UpgradeRequest, twin: UpgradeRequest) -> Check:
    return lambda stage: _judged_beside(stage, request, twin)


def _judged_beside(stage: Stage, request: UpgradeRequest, twin: UpgradeRequest) -> Iterator[Violation]:
    valid = stage.call(twin)
    _insist_on_success(valid)
    told_elsewhere = {key(violation) for violation in input_violations(stage, valid)}
    found = only(_rules(stage.contract), input_violations(stage, stage.call(request)))
    yield from (violation for violation in found if key(violation) not in told_elsewhere)


def _insist_on_success(twin: Call) -> None:
    """Raises `NotTestable` where a valid call does not get through, or is not told as the success that it was."""
    error, last = twin.outcome.error, twin.exchanges[-1].response if twin.exchanges else None
    if twin.outcome.kind != "ok" or error is not None:
        said = f" ({error.type}: {error.message or error.text})" if error else ""
        raise NotTestable(f"the valid twin was refused too: {twin.request.as_code()} {twin.outcome.kind}{said}")
    if last is None or last.status not in SUCCESS_STATUSES:
        answer = f"was answered {last.status}" if last else "put nothing on the wire"
        raise NotTestable(f"the valid twin did not get through: {twin.request.as_code()} {answer}")
