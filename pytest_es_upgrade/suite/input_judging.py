"""Whether a client was right about the values of one call, whatever they are: valid, invalid or awkward.

Right is to refuse an invalid or awkward value before the wire, or to send it as it is in its own place
and pass on what the service answered. A valid call is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..contract import Contract
from ..messages import HttpResponse, Violation
from ..rules.response import SUCCESS_STATUSES
from ..rules.sent import check_sent, upgrade_requests
from ..rules.told import check_told, told_no_success
from ..stage import Call, Stage
from .asking import may_refuse, not_sent

#: How a refusal is told is the question of another family.
_ANSWER_RULES = ("answer.", "error.as_success")


def input_violations(stage: Stage, call: Call) -> Iterator[Violation]:
    """Every rule that a call breaks by what the client made of its values and of the answer to them.

    The answers are those that the journal shows: errors of any kind, and documented successes. How many
    requests there were, and how a refusal is told, are questions of other families.
    """
    exchanges = (*call.exchanges, *stage.elsewhere)
    if not exchanges:
        yield from _nothing_sent(stage.contract, call)
        return
    for sent in upgrade_requests(exchanges):
        yield from check_sent(stage.contract, call.request, sent, stage.endpoint)
    yield from _told(stage.contract, call, [exchange.response for exchange in call.exchanges])


def _nothing_sent(contract: Contract, call: Call) -> Iterator[Violation]:
    rule = "error.nothing_sent_as_success"
    if call.outcome.kind == "ok" and call.outcome.error is None:
        yield from told_no_success(contract, call.outcome, rule, "nothing was sent")
    elif not may_refuse(contract, call.request):
        yield not_sent(contract, call)


def _told(contract: Contract, call: Call, responses: Sequence[HttpResponse | None]) -> Iterator[Violation]:
    """The last answer counts; a success that came before it may be what the caller was told of."""
    answers = [response for response in responses if response is not None]
    last = answers[-1] if answers else None
    if last is None:
        yield from told_no_success(contract, call.outcome, "error.no_answer_as_success", "no answer came")
    elif last.status in SUCCESS_STATUSES or all(answer.status not in SUCCESS_STATUSES for answer in answers):
        found = check_told(contract, last, call.outcome)
        yield from (violation for violation in found if violation.rule.id.startswith(_ANSWER_RULES))
