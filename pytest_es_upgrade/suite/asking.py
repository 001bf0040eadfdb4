"""What cases ask with: plausible calls, made from the contract."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from ..contract import Contract, Target
from ..errors import NotTestable
from ..messages import UpgradeRequest, Violation
from ..rules import check_request
from ..stage import Call, Stage
from ..values import INSTANCE_ID, PRINTABLE, TOKEN


def plain_call(contract: Contract, instance_id: str = INSTANCE_ID) -> UpgradeRequest:
    """The call that a case makes where its question is not about the call: the first valid full pair."""
    version, type_ = next(target for target in contract.targets if None not in target)
    return UpgradeRequest(instance_id, version, type_)


def full_call(contract: Contract, instance_id: str = INSTANCE_ID) -> UpgradeRequest:
    """A call that gives everything there is to give; a dry run."""
    return replace(plain_call(contract, instance_id), client_token=TOKEN, dry_run=True)


def presence_calls(contract: Contract) -> list[UpgradeRequest]:
    """All combinations of what may be given: every valid pair, with and without token, dryRun absent, true, false."""
    return [
        UpgradeRequest(INSTANCE_ID, version, type_, token, dry_run)
        for version, type_ in contract.targets
        for token in (None, TOKEN)
        for dry_run in (None, True, False)
    ]


def versioned_targets(contract: Contract) -> list[Target]:
    """The valid pairs with a version: a client may refuse all others (reading optional-version)."""
    return [target for target in contract.targets if target[0] is not None]


def slug(text: str) -> str:
    """A text as a word of a case id."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text)
    return re.sub(r"[^a-z0-9]+", "_", snake.lower()).strip("_")


def only(rules: Collection[str], found: Iterable[Violation]) -> Iterator[Violation]:
    """Those violations that a case asks about; the others have cases of their own."""
    return (violation for violation in found if violation.rule.id in rules)


def reached(call: Call) -> Call:
    """The call, of which something was on the wire. Raises `NotTestable`."""
    if not call.exchanges:
        raise NotTestable(f"nothing reached the wire; tried: {call.request.as_code()}")
    return call


def must_rules(contract: Contract, *prefixes: str) -> tuple[str, ...]:
    """The ids of the rules of level must that begin so."""
    return tuple(rule.id for rule in contract.rules.values() if rule.id.startswith(prefixes) and rule.level == "must")


def key(violation: Violation) -> tuple[str, str]:
    """By what two accusations of two calls are the same: rule and place."""
    return violation.rule.id, violation.where


def may_refuse(contract: Contract, request: UpgradeRequest) -> bool:
    """Whether a client that looks at values before it sends them may take these for slips: invalid, awkward, masked."""
    if check_request(request, contract):
        return True
    token = request.client_token
    plain_token = token is None or (token and _PLAIN_TOKEN.issuperset(token))
    return not (plain_token and _PLAIN_ID.fullmatch(request.instance_id))


#: Characters of a token that no client mangles easily: refusing others before the wire is right.
_PLAIN_TOKEN = frozenset(PRINTABLE) - frozenset(" &+%=#")
#: The form of real ids. The page shows masked ones, which no instance has: refusing them harms nobody.
_PLAIN_ID = re.compile(r"[A-Za-z0-9-]+")


def rightly_refused(contract: Contract, call: Call) -> bool:
    """Whether nothing was sent of a call whose values a client may take for slips before it sends them."""
    return call.outcome.kind == "rejected" and not call.exchanges and may_refuse(contract, call.request)


def insists_on_a_version(call: Call) -> bool:
    """Whether a call without a version was refused: a tolerated reading of "Required: No", optional-version."""
    refused = call.outcome.kind == "rejected" or call.outcome.error is not None
    return refused and not call.request.version and not call.exchanges


def not_sent(contract: Contract, call: Call) -> Violation:
    """What a call breaks that put nothing on the wire, and should have."""
    rule = "sent.call_without_version" if insists_on_a_version(call) else "sent.call"
    error = call.outcome.error
    got = f"{call.outcome.kind}, nothing was sent" + (f" ({error.type}: {error.message})" if error else "")
    return contract.violation(rule, "call", got, "one POST")


def answered(stage: Stage, answer: str = "all_passed", request: UpgradeRequest | None = None) -> Call:
    """The plain call, or that one, answered with a sample of that name."""
    stage.reply_with(answer)
    return stage.call(request or plain_call(stage.contract))
