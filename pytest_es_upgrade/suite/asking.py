"""What cases ask with: plausible calls, made from the contract."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from ..contract import Contract
from ..messages import UpgradeRequest, Violation
from ..stage import Call, Stage

INSTANCE_ID = "es-cn-n6w1o1x0w001c0000"
TOKEN = "5A2CFF0E-5718-45B5-9D4D-70B3FF6E2C41"  # noqa: S105 - an idempotency token is no secret


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


def slug(text: str) -> str:
    """A text as a word of a case id."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text)
    return re.sub(r"[^a-z0-9]+", "_", snake.lower()).strip("_")


def only(rules: Collection[str], found: Iterable[Violation]) -> Iterator[Violation]:
    """Those violations that a case asks about; the others have cases of their own."""
    return (violation for violation in found if violation.rule.id in rules)


def answered(stage: Stage, answer: str = "all_passed", request: UpgradeRequest | None = None) -> Call:
    """The plain call, or that one, answered with a sample of that name."""
    stage.reply_with(answer)
    return stage.call(request or plain_call(stage.contract))
