"""Wrong clients of family `dry_run`: checks that start something, and upgrades that are checks."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from pytest_es_upgrade import Endpoint, UpgradeRequest

from .plain import Answer, PlainClient
from .right import Follows307
from .right_retrying import Patient
from .table import wrong


def really(asked: UpgradeRequest) -> UpgradeRequest:
    """The same call as a real one."""
    return replace(asked, dry_run=None)


# === a check that is followed by the upgrade ================================================


class _Applying(PlainClient):
    """As its base, with a real call after a dry run where `applies` says so."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        try:
            answer = super().answer(asked)
        except OSError as problem:
            if not (asked.dry_run and self.applies(problem)):
                raise
            return super().answer(really(asked))
        return super().answer(really(asked)) if asked.dry_run and self.applies(answer) else answer

    def applies(self, _came: object) -> bool:
        return False


class _ApplyingAnswers(_Applying):
    """As its base, with the answers after which it applies as a method."""

    def applies(self, came: object) -> bool:
        return isinstance(came, Answer) and self.goes_on_after(came)

    def goes_on_after(self, _answer: Answer) -> bool:
        return False


@wrong("dry_run.started", "dry_run", case="dry_run.check.6_7.engine_version")
class AppliesWhatPasses(_ApplyingAnswers):
    """The check has passed, so the upgrade follows: one command for both."""

    def goes_on_after(self, answer: Answer) -> bool:
        return answer.status == 200 and b'"failed"' not in answer.body


@wrong("sent.dry_run", "dry_run", case="dry_run.failing.one")
class AppliesWarnings(_ApplyingAnswers):
    """One failed check is a warning."""

    def goes_on_after(self, answer: Answer) -> bool:
        return answer.body.count(b'"failed"') == 1


@wrong("sent.dry_run", "dry_run", case="dry_run.failing.all")
class AppliesByForce(_ApplyingAnswers):
    """Where everything fails the checks must be wrong."""

    def goes_on_after(self, answer: Answer) -> bool:
        return answer.body.count(b'"failed"') == 4


@wrong("sent.dry_run", "dry_run", case="dry_run.refused.dry_run_not_supported")
class RealWhereChecksAreNotSupported(_ApplyingAnswers):
    """A service that knows no dry run is called without."""

    def goes_on_after(self, answer: Answer) -> bool:
        return b"dryRun is not supported" in answer.body


@wrong("sent.dry_run", "dry_run", case="dry_run.refused.forbidden")
class RealWhereChecksAreForbidden(_ApplyingAnswers):
    """Who may not check may upgrade perhaps."""

    def goes_on_after(self, answer: Answer) -> bool:
        return answer.status == 403


@wrong("sent.dry_run", "dry_run", case="dry_run.refused.method_not_allowed")
class RealWhereTheMethodIsNotAllowed(_ApplyingAnswers):
    """405 is met by another form of the call."""

    def goes_on_after(self, answer: Answer) -> bool:
        return answer.status == 405


@wrong("sent.dry_run", "dry_run", case="dry_run.refused.internal_error")
class RealWhereChecksBreak(_ApplyingAnswers):
    """A check that breaks is no reason not to go on."""

    def goes_on_after(self, answer: Answer) -> bool:
        return answer.status == 500


@wrong("sent.dry_run", "dry_run", case="dry_run.refused.instance_activating")
class RealWhileActivating(_ApplyingAnswers):
    """An activating instance cannot be checked, so it is upgraded."""

    def goes_on_after(self, answer: Answer) -> bool:
        return b"InstanceActivating" in answer.body


@wrong("dry_run.started", "dry_run", case="dry_run.fault.throttled_429")
class ThrottledChecksSkipped(_ApplyingAnswers):
    """A check that is throttled is skipped."""

    def goes_on_after(self, answer: Answer) -> bool:
        return answer.status == 429


@wrong("dry_run.started", "dry_run", case="dry_run.fault.unavailable_503")
class UnavailableChecksSkipped(_ApplyingAnswers):
    """A check that is not available is skipped."""

    def goes_on_after(self, answer: Answer) -> bool:
        return answer.status == 503


@wrong("dry_run.started", "dry_run", case="dry_run.fault.bad_gateway_html")
class UnreadableChecksSkipped(_ApplyingAnswers):
    """A check whose answer is no JSON is skipped."""

    def goes_on_after(self, answer: Answer) -> bool:
        return not answer.body.startswith(b"{")


@wrong("dry_run.started", "dry_run", case="dry_run.fault.silence")
class SlowChecksSkipped(_Applying):
    """A check that takes too long is skipped."""

    def applies(self, came: object) -> bool:
        return isinstance(came, TimeoutError)


@wrong("dry_run.started", "dry_run", case="dry_run.fault.reset_after_reading")
class LostChecksSkipped(_Applying):
    """A check whose connection breaks is skipped."""

    def applies(self, came: object) -> bool:
        return isinstance(came, ConnectionError)


# === a check that is repeated as an upgrade =================================================


@wrong("dry_run.started", "dry_run", case="dry_run.fault.answer_lost_after_start")
class DryRunLostInARetry(Patient):
    """The retry is built anew, without the query's second half."""

    def attempt_request(self, asked: UpgradeRequest, number: int) -> bytes:
        return self.request(really(asked) if number else asked)


@wrong("dry_run.started", "dry_run", case="dry_run.row.reset_after_reading.unavailable_503")
class DryRunLostInTheThirdAttempt(Patient):
    """The last attempt is to succeed, without whatever may be in its way."""

    def attempt_request(self, asked: UpgradeRequest, number: int) -> bytes:
        return self.request(really(asked) if number == 2 else asked)


@wrong("dry_run.started", "dry_run", case="dry_run.fault.redirect_307")
class DryRunLostOnARedirect(Follows307):
    """A redirect is followed to the path that it names; the query is put together anew, without dryRun."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        answer = PlainClient.answer(self, asked)
        location = urlsplit(answer.headers.get("location", ""))
        return PlainClient.answer(self, really(asked)) if answer.status == 307 and location.path else answer


# === dryRun that gets lost ==================================================================


@wrong("dry_run.started", "dry_run", case="dry_run.check.nothing")
class DryRunLostWithoutABody(PlainClient):
    """What has no body has no parameters."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        return super().parameters(asked) if self.members(asked) else []


@wrong("dry_run.started", "dry_run", case="dry_run.check.6_7.token")
class DryRunLostBesideAToken(PlainClient):
    """The query has room for one parameter."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        return super().parameters(asked)[:1]


@wrong("dry_run.started", "dry_run", case="dry_run.check.on_a_used_client")
class ChecksOnce(PlainClient):
    """What was checked by this client is not checked again, but upgraded."""

    checked = False

    def request(self, asked: UpgradeRequest) -> bytes:
        checked, self.checked = self.checked, True
        return super().request(really(asked) if checked else asked)


@wrong("dry_run.started", "dry_run", case="dry_run.after_a_real_call")
class RealOnceAndForAll(PlainClient):
    """A real call switches the dry mode off, and nothing switches it on again."""

    real = False

    def request(self, asked: UpgradeRequest) -> bytes:
        self.real = self.real or not asked.dry_run
        return super().request(really(asked) if self.real else asked)


@wrong("sent.dry_run", "dry_run", case="dry_run.after_a_real_call.same_token")
class TokenDecides(PlainClient):
    """A token stands for the first call that was made under it, real or not."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.first: dict[str, UpgradeRequest] = {}

    def request(self, asked: UpgradeRequest) -> bytes:
        if asked.client_token is None:
            return super().request(asked)
        first = self.first.setdefault(asked.client_token, asked)
        return super().request(replace(asked, dry_run=first.dry_run))


@wrong("dry_run.started", "dry_run", case="dry_run.after_a_lost_call")
class LostCallsFirst(PlainClient):
    """A call that was lost is made up for before the next one, whatever that is."""

    lost: UpgradeRequest | None = None

    def answer(self, asked: UpgradeRequest) -> Answer:
        lost, self.lost = self.lost, None
        try:
            if lost is not None:
                super().answer(lost)
            return super().answer(asked)
        except OSError:
            self.lost = asked
            raise


@wrong("dry_run.started", "dry_run", case="dry_run.threads")
class ModeOfTheClient(PlainClient):
    """That a call is real is kept in the client, and found there by the checks that are made meanwhile."""

    real = False

    def __call__(self, asked: UpgradeRequest) -> Any:
        self.real = self.real or not asked.dry_run
        time.sleep(0.03)
        return super().__call__(really(asked) if self.real else asked)


# === an upgrade that is a check =============================================================


@wrong("dry_run.real", "dry_run", case="dry_run.real.not_given")
class SafeByDefault(PlainClient):
    """What is not said to be real is a dry run."""

    def request(self, asked: UpgradeRequest) -> bytes:
        return super().request(replace(asked, dry_run=asked.dry_run is not False))


@wrong("dry_run.real", "dry_run", case="dry_run.real.false")
class FalseIsAText(PlainClient):
    """bool("false") is true."""

    def request(self, asked: UpgradeRequest) -> bytes:
        return super().request(replace(asked, dry_run=None if asked.dry_run is None else bool(str(asked.dry_run))))


@wrong("dry_run.real", "dry_run", case="dry_run.real.not_given.token")
class TokensAreForChecks(PlainClient):
    """A call with a token can be repeated, so it is one that changes nothing."""

    def request(self, asked: UpgradeRequest) -> bytes:
        return super().request(replace(asked, dry_run=asked.dry_run or asked.client_token is not None or None))


@wrong("dry_run.real", "dry_run", case="dry_run.real.not_given.after_a_check")
class OnceDryAlwaysDry(PlainClient):
    """The dry mode stays on until it is switched off by name."""

    dry_run: bool | None = None

    def request(self, asked: UpgradeRequest) -> bytes:
        self.dry_run = self.dry_run if asked.dry_run is None else asked.dry_run
        return super().request(replace(asked, dry_run=self.dry_run))


@wrong("dry_run.real", "dry_run", case="dry_run.real.token_of_a_check")
class AnswersByToken(PlainClient):
    """A token that was answered once is answered from memory, the check's answer for the upgrade's."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.answers: dict[str, Answer] = {}

    def answer(self, asked: UpgradeRequest) -> Answer:
        if asked.client_token is None:
            return super().answer(asked)
        if asked.client_token not in self.answers:
            self.answers[asked.client_token] = super().answer(asked)
        return self.answers[asked.client_token]


@wrong("dry_run.real", "dry_run", case="dry_run.real.false.after_a_check")
class CheckedIsDone(PlainClient):
    """What was checked has been done: the second call of a pair is answered with the first."""

    checked: Answer | None = None

    def answer(self, asked: UpgradeRequest) -> Answer:
        if asked.dry_run is False and self.checked is not None:
            return self.checked
        self.checked = super().answer(asked)
        return self.checked


@wrong("dry_run.real", "dry_run", case="dry_run.real.failing")
class RealAfterAPassOnly(PlainClient):
    """A real call is a check, and is made really only where that passes."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        answer = super().answer(replace(asked, dry_run=True))
        failed = b'"failed"' in answer.body or answer.status != 200
        return answer if failed or asked.dry_run else super().answer(asked)


# === what the flow shows ====================================================================


@wrong("dry_run.repeated", "dry_run", level="should")
class ChecksUntilItPasses(PlainClient):
    """A check that fails is asked again, for clusters recover."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        answer = super().answer(asked)
        for _ in range(5):
            if not asked.dry_run or b'"failed"' not in answer.body:
                break
            answer = super().answer(asked)
        return answer


@wrong("answer.changed", "dry_run", case="dry_run.flow")
class ChecksRemembered(PlainClient):
    """What a check said of an instance is remembered, and told again after the repair."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.told_of: dict[str, Any] = {}

    def __call__(self, asked: UpgradeRequest) -> Any:
        now = super().__call__(asked)
        return self.told_of.setdefault(asked.instance_id, now) if asked.dry_run else now


@wrong("error.as_success", "dry_run", case="dry_run.flow")
class ActivatingIsProgress(PlainClient):
    """InstanceActivating says that the upgrade goes on, so nothing went wrong."""

    def told(self, answer: Answer) -> Any:
        return {"status": "activating"} if b"InstanceActivating" in answer.body else super().told(answer)


@wrong("error.code", "dry_run", case="dry_run.flow.fresh_clients")
class ActivatingIsAnException(PlainClient):
    """InstanceActivating is told in words alone."""

    def told(self, answer: Answer) -> Any:
        if b"InstanceActivating" in answer.body:
            raise RuntimeError("the instance is busy, try again later")
        return super().told(answer)


@wrong("sent.call", "dry_run", case="dry_run.flow.tokens")
class UpgradedIsUpgraded(PlainClient):
    """An instance that this client has upgraded is not asked about again."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.done: dict[str, Any] = {}

    def __call__(self, asked: UpgradeRequest) -> Any:
        if asked.instance_id in self.done:
            return self.done[asked.instance_id]
        told = super().__call__(asked)
        if not asked.dry_run and '"failed"' not in str(told):
            self.done[asked.instance_id] = told
        return told


@wrong("answer.failed_check_raised", "dry_run", level="should", case="dry_run.flow")
class FailedChecksRaised(PlainClient):
    """A check that fails is an exception."""

    def document(self, answer: Answer) -> Any:
        document = super().document(answer)
        failed = [check for check in document["Result"] if check["status"] == "failed"]
        if failed:
            raise RuntimeError(f"{len(failed)} checks failed: {failed[0]['validateResult'][0]['errorCode']}")
        return document
