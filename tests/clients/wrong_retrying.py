"""Wrong clients of family `idempotency`: what they repeat, under which token, and what they say of it afterwards."""

from __future__ import annotations

import itertools
import json
import random
import time
import uuid
from dataclasses import replace
from typing import Any

from pytest_es_upgrade import Endpoint, UpgradeRequest

from .plain import Answer, BrokenAnswer, PlainClient, UpgradeError, read_success
from .right import TokenMaking
from .right_retrying import FollowsAndRepeats, OutcomeUnknown, Patient, SignsEachAttempt, WithTokenOnly
from .table import wrong

# === repeated without a token ================================================================


class _Once(PlainClient):
    """As its base, with a second attempt where `repeats` says so."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        try:
            answer = super().answer(asked)
        except (OSError, UpgradeError) as problem:
            if not self.repeats(problem):
                raise
            return super().answer(asked)
        return super().answer(asked) if self.repeats(answer) else answer

    def repeats(self, _came: object) -> bool:
        return False


@wrong("idempotency.started_once", "idempotency", case="idempotency.lost.answer_lost_after_start.without_token")
class RepeatsWhatWasReset(_Once):
    """A reset connection is tried again, token or not."""

    def repeats(self, came: object) -> bool:
        return isinstance(came, ConnectionResetError)


@wrong("idempotency.started_once", "idempotency", case="idempotency.lost.silence.without_token")
class RepeatsTimeouts(_Once):
    """What took too long is tried again."""

    def repeats(self, came: object) -> bool:
        return isinstance(came, TimeoutError)


@wrong("idempotency.started_once", "idempotency", case="idempotency.lost.half_body.without_token")
class RepeatsHalfAnswers(_Once):
    """An answer that was cut off is fetched again, as a download would be."""

    def repeats(self, came: object) -> bool:
        return isinstance(came, BrokenAnswer) and "the body ended early" in str(came)


@wrong("idempotency.started_once", "idempotency", case="idempotency.lost.half_head.without_token")
class RepeatsHalfHeads(_Once):
    """No status was read, so nothing has happened."""

    def repeats(self, came: object) -> bool:
        return isinstance(came, BrokenAnswer) and "HTTP/1.1" in str(came)


@wrong("idempotency.started_once", "idempotency", case="idempotency.lost.close_early.without_token")
class RepeatsStaleConnections(_Once):
    """A connection that is closed without an answer was stale: every HTTP client tries again then."""

    def repeats(self, came: object) -> bool:
        return isinstance(came, BrokenAnswer) and str(came) == "no whole answer came: b''"


@wrong("idempotency.started_once", "idempotency", case="idempotency.lost.bad_gateway_html.without_token")
class RepeatsBadGateways(_Once):
    """502 is passing, and tried again."""

    def repeats(self, came: object) -> bool:
        return isinstance(came, Answer) and came.status == 502


@wrong("idempotency.started_once", "idempotency", case="idempotency.lost.garbage.without_token")
class RepeatsGarbage(_Once):
    """What answered was not the service, so the service is asked again."""

    def repeats(self, came: object) -> bool:
        return isinstance(came, BrokenAnswer) and "this is no HTTP" in str(came)


@wrong("idempotency.started_once", "idempotency", case="idempotency.lost.bom.without_token")
class RepeatsUnreadableAnswers(_Once):
    """A 200 that cannot be read is asked for again."""

    def repeats(self, came: object) -> bool:
        if not isinstance(came, Answer):
            return False
        try:
            read_success(came.status, came.body)
        except UpgradeError:
            return came.status == 200
        return False


@wrong("idempotency.started_once", "idempotency", case="idempotency.lost.bad_chunk.without_token")
class RepeatsBadChunks(_Once):
    """A chunk that cannot be read is a glitch of the line."""

    def repeats(self, came: object) -> bool:
        return isinstance(came, BrokenAnswer) and "chunk" in str(came)


@wrong("idempotency.retry_token", "idempotency", case="idempotency.lost.reset_after_reading.without_token")
class RepeatsAnythingLost(Patient):
    """Three attempts, whether there is a token or not."""

    def token(self, asked: UpgradeRequest) -> str | None:
        return asked.client_token  # type: ignore[no-any-return]  # text, or None

    def may_repeat(self, _asked: UpgradeRequest, _answer: Answer | None) -> bool:
        return True


@wrong(
    "idempotency.retry_token",
    "idempotency",
    case="idempotency.row.unavailable_503.half_body.throttled_429.without_token",
)
class OnceBusyAlwaysRepeated(WithTokenOnly):
    """A busy service did nothing, so there may be a further attempt; and after that one another."""

    was_busy = False

    def may_repeat(self, asked: UpgradeRequest, answer: Answer | None) -> bool:
        self.was_busy = self.was_busy or answer is not None
        return self.was_busy or super().may_repeat(asked, answer)


# === repeated under another token ===========================================================


@wrong("idempotency.retry_token", "idempotency", case="idempotency.token.made.every_attempt")
class TokenOfTheAttempt(Patient):
    """The token is made where the request is built, so that every attempt has its own."""

    def attempt_request(self, asked: UpgradeRequest, _number: int) -> bytes:
        return self.request(replace(asked, client_token=str(uuid.uuid4())))


@wrong("idempotency.started_once", "idempotency", case="idempotency.lost.answer_lost_after_start.without_token")
class NumberedTokens(Patient):
    """The attempt's number is part of the token, for the log."""

    def attempt_request(self, asked: UpgradeRequest, number: int) -> bytes:
        return self.request(replace(asked, client_token=f"{asked.client_token}-{number}"[-64:]))


@wrong("idempotency.retry_token", "idempotency", case="idempotency.lost.close_early.without_token")
class TokenMadeTooLate(Patient):
    """A token is made once it is needed: for the second attempt."""

    def attempt_request(self, asked: UpgradeRequest, number: int) -> bytes:
        return self.request(asked if number else replace(asked, client_token=None))


@wrong("idempotency.retry_token", "idempotency", case="idempotency.token.given.every_attempt")
class TokenOfTheFirstAttemptOnly(Patient):
    """The retry is built from the target alone, and the token is gone."""

    def attempt_request(self, asked: UpgradeRequest, number: int) -> bytes:
        return self.request(replace(asked, client_token=None) if number else asked)


@wrong("sent.client_token", "idempotency", case="idempotency.token.given.every_attempt")
class FreshTokenForARetry(Patient):
    """ "Used tokens are refused", so a retry gets a new one, even in place of the caller's."""

    def attempt_request(self, asked: UpgradeRequest, number: int) -> bytes:
        return self.request(replace(asked, client_token=uuid.uuid4().hex) if number else asked)


@wrong("idempotency.token_kept", "idempotency", level="should", case="idempotency.token.made.every_attempt")
class FreshTokenAfterARefusal(PlainClient):
    """A busy service did nothing, so the next attempt begins with a token of its own."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        for _ in range(2):
            answer = super().answer(replace(asked, client_token=asked.client_token or uuid.uuid4().hex))
            if answer.status not in (429, 503):
                break
        return answer


@wrong("idempotency.started_once", "idempotency", case="idempotency.lost.silence.with_token")
class NewTokenAfterATimeout(Patient):
    """After a timeout the call begins anew, token and all."""

    lost_one = False

    def unanswered(self, problem: Exception) -> Exception:
        self.lost_one = self.lost_one or isinstance(problem, TimeoutError)
        return problem

    def attempt_request(self, asked: UpgradeRequest, _number: int) -> bytes:
        return self.request(replace(asked, client_token=uuid.uuid4().hex) if self.lost_one else asked)


@wrong("idempotency.started_once", "idempotency", case="idempotency.lost.bad_gateway_html.with_token")
class NewTokenAfterAGateway(Patient):
    """An answer uses a token up, 502 too."""

    answered = False

    def is_busy(self, answer: Answer) -> bool:
        self.answered = True
        return super().is_busy(answer)

    def attempt_request(self, asked: UpgradeRequest, _number: int) -> bytes:
        return self.request(replace(asked, client_token=uuid.uuid4().hex) if self.answered else asked)


@wrong("idempotency.retry_token", "idempotency", case="idempotency.lost.throttled_429.with_token")
class NewTokenAfterAThrottle(Patient):
    """A throttled request is forgotten, so its token is as well."""

    def attempt_request(self, asked: UpgradeRequest, number: int) -> bytes:
        return self.request(replace(asked, client_token=f"{number}{asked.client_token}") if number else asked)


# === something else is repeated =============================================================


@wrong("idempotency.same_request", "idempotency", case="idempotency.attempts.same_request")
class BodyReadOnce(Patient):
    """The body is a stream that the first attempt has read to its end."""

    number = 0

    def attempt_request(self, asked: UpgradeRequest, number: int) -> bytes:
        self.number = number
        return self.request(asked)

    def body(self, asked: UpgradeRequest) -> bytes:
        return b"" if self.number else super().body(asked)


class _Changing(Patient):
    """As its base, with what is asked in a further attempt as a method."""

    def attempt_request(self, asked: UpgradeRequest, number: int) -> bytes:
        return self.request(self.changed(asked) if number else asked)

    def changed(self, asked: UpgradeRequest) -> UpgradeRequest:
        return asked


@wrong("idempotency.same_request", "idempotency", case="idempotency.attempts.same_request")
class FallsBackToThePatch(_Changing):
    """What did not go with a version upgrade is tried as a patch upgrade."""

    def changed(self, asked: UpgradeRequest) -> UpgradeRequest:
        return replace(asked, version="ali1.2.0", type="aliVersion")


@wrong("idempotency.same_request", "idempotency", case="idempotency.attempts.same_request")
class TypeLostInARetry(_Changing):
    """The retry sends the required part alone."""

    def changed(self, asked: UpgradeRequest) -> UpgradeRequest:
        return replace(asked, type=None)


@wrong("idempotency.same_request", "idempotency", case="idempotency.lost.half_body.with_token")
class NextOfTheList(_Changing):
    """The second attempt goes to the next instance of a list."""

    def changed(self, asked: UpgradeRequest) -> UpgradeRequest:
        return replace(asked, instance_id=asked.instance_id[:-1] + "1")


class _Rewriting(Patient):
    """As its base, with the bytes of a further attempt as a method."""

    def attempt_request(self, asked: UpgradeRequest, number: int) -> bytes:
        return self.rewritten(self.request(asked)) if number else self.request(asked)

    def rewritten(self, request: bytes) -> bytes:
        return request


@wrong("idempotency.same_request", "idempotency", case="idempotency.lost.close_early.with_token")
class PutInARetry(_Rewriting):
    """PUT is idempotent, so the retry is one."""

    def rewritten(self, request: bytes) -> bytes:
        return request.replace(b"POST", b"PUT", 1)


@wrong("idempotency.same_request", "idempotency", case="idempotency.lost.unavailable_503.with_token")
class SlashInARetry(_Rewriting):
    """The retry goes through another builder of URLs, which ends them in a slash."""

    def rewritten(self, request: bytes) -> bytes:
        return request.replace(b"/upgrade-version", b"/upgrade-version/", 1)


@wrong("idempotency.nonce", "idempotency", level="should")
class SignedOnce(SignsEachAttempt):
    """The signed request is sent again as it is, nonce included."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        self.signed = self.request(asked)
        return super().answer(asked)

    def attempt_request(self, _asked: UpgradeRequest, _number: int) -> bytes:
        return self.signed


# === what is said of it =====================================================================


class _Telling(PlainClient):
    """As its base, with what is made of a lost answer as a method."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        try:
            return super().answer(asked)
        except (OSError, UpgradeError) as problem:
            raise self.about(problem) from None

    def about(self, problem: Exception) -> Exception:
        return problem


@wrong("idempotency.certain", "idempotency", case="idempotency.certain.answer_lost_after_start")
class ActivatingAfterALoss(_Once):
    """A lost call is made again, and what it started itself is reported as a refusal."""

    def repeats(self, came: object) -> bool:
        return isinstance(came, OSError)


@wrong("idempotency.certain", "idempotency", case="idempotency.certain.half_body")
class ActivatingGuessed(_Telling):
    """Where the answer is lost the instance will be activating, so that is what is reported."""

    def about(self, problem: Exception) -> Exception:
        return UpgradeError("InstanceActivating", str(problem))


@wrong("idempotency.certain", "idempotency", case="idempotency.certain.close_early")
class LossAsNotFound(_Telling):
    """No answer, no instance."""

    def about(self, problem: Exception) -> Exception:
        return UpgradeError("InstanceNotFound", str(problem)) if isinstance(problem, BrokenAnswer) else problem


@wrong("idempotency.certain", "idempotency", case="idempotency.certain.answer_lost_after_start")
class LossAs503(_Telling):
    """A connection that breaks is told as the status of a service that is not there."""

    def about(self, problem: Exception) -> Exception:
        return UpgradeError("ConnectionBroken", str(problem), 503)


@wrong("idempotency.certain", "idempotency", case="idempotency.lost.silence.without_token")
class TimeoutAs408(_Telling):
    """A timeout is told as 408, which says that the service did not get the request."""

    def about(self, problem: Exception) -> Exception:
        return UpgradeError("Timeout", str(problem), 408) if isinstance(problem, TimeoutError) else problem


@wrong("idempotency.certain", "idempotency", case="idempotency.certain.garbage")
class UnparsableAs400(_Telling):
    """What cannot be parsed is a bad request."""

    def about(self, problem: Exception) -> Exception:
        return UpgradeError("BadAnswer", str(problem), 400) if isinstance(problem, BrokenAnswer) else problem


@wrong("idempotency.certain", "idempotency", case="idempotency.certain.bom")
class UnreadableAs422(PlainClient):
    """A body that is no JSON is told as a status of the client's own."""

    def document(self, answer: Answer) -> Any:
        try:
            return super().document(answer)
        except UpgradeError as error:
            raise UpgradeError(error.code, error.message, 422) from None


@wrong("idempotency.certain", "idempotency", case="idempotency.certain.bad_gateway_html")
class GatewayAsNotFound(PlainClient):
    """A page of HTML means that there is no such instance."""

    def failure(self, answer: Answer) -> BaseException:
        html = "html" in answer.headers.get("content-type", "")
        return UpgradeError("InstanceNotFound", "no such page", answer.status) if html else super().failure(answer)


@wrong("idempotency.certain", "idempotency", case="idempotency.certain.bad_gateway_html")
class GatewayAs404(PlainClient):
    """Statuses are mapped to those that the page has."""

    def failure(self, answer: Answer) -> BaseException:
        return UpgradeError("Unavailable", "try later", 404 if answer.status == 502 else answer.status)


@wrong("idempotency.last_answer", "idempotency", level="should")
class LastAnswerReported(Patient):
    """What the last attempt was answered is the call's answer, whatever was lost before."""

    def given_up(self, answer: Answer | None, lost: Exception | None) -> Answer:
        return answer if answer is not None else super().given_up(answer, lost)

    def is_busy(self, answer: Answer) -> bool:
        return super().is_busy(answer) and answer.status not in (429, 503)


@wrong("idempotency.success_without_start", "idempotency", case="idempotency.lost.throttled_429.with_token")
class ThrottledIsQueued(PlainClient):
    """A throttled call will be done later."""

    def told(self, answer: Answer) -> Any:
        return {"RequestId": "", "Result": []} if answer.status == 429 else super().told(answer)


@wrong("idempotency.success_without_start", "idempotency", case="idempotency.lost.unavailable_503.without_token")
class UnavailableIsBusyUpgrading(PlainClient):
    """The service is unavailable because it upgrades."""

    def told(self, answer: Answer) -> Any:
        return None if answer.status == 503 else super().told(answer)


class _Reassuring(PlainClient):
    """As its base, with the success that is made of a lost answer as a method."""

    def __call__(self, asked: UpgradeRequest) -> Any:
        try:
            return super().__call__(asked)
        except OSError as problem:
            return self.made_of(problem)

    def made_of(self, problem: OSError) -> Any:
        raise problem


@wrong("idempotency.success_without_start", "idempotency", case="idempotency.lost.reset_after_reading.with_token")
class ResetIsAccepted(_Reassuring):
    """The request had gone out when the connection broke."""

    def made_of(self, problem: OSError) -> Any:
        return {} if isinstance(problem, ConnectionResetError) else super().made_of(problem)


@wrong("idempotency.success_without_start", "idempotency", case="idempotency.lost.refuse")
class RefusedIsScheduled(_Reassuring):
    """Where nobody listens the call is put into a queue, which nobody reads."""

    def made_of(self, problem: OSError) -> Any:
        return "scheduled" if isinstance(problem, ConnectionRefusedError) else super().made_of(problem)


@wrong("idempotency.success_without_start", "idempotency", case="idempotency.lost.redirect_308.without_token")
class MovedIsDone(PlainClient):
    """Whatever is below 400 went well."""

    def told(self, answer: Answer) -> Any:
        return {} if answer.status == 308 else super().told(answer)


@wrong("error.no_answer_as_success", "idempotency", case="idempotency.lost.answer_lost_after_start.with_token")
class GivesUpQuietly(Patient):
    """One attempt at least will have got through."""

    attempts = 1

    def given_up(self, answer: Answer | None, lost: Exception | None) -> Answer:
        try:
            return super().given_up(answer, lost)
        except OutcomeUnknown:
            return Answer(200, {}, b'{"RequestId": "", "Result": []}')


@wrong("error.as_success", "idempotency", case="idempotency.attempts.later_error.instance_activating")
class ActivatingIsOurs(Patient):
    """A second attempt that is told InstanceActivating shows that the first one worked."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        answer = super().answer(asked)
        return Answer(200, {}, b'{"RequestId": "", "Result": []}') if b"InstanceActivating" in answer.body else answer


@wrong("error.as_success", "idempotency", case="idempotency.attempts.later_error.forbidden")
class LaterErrorsIgnored(Patient):
    """Once it was tried twice, errors are not looked at any more."""

    tried = 0

    def attempt(self, asked: UpgradeRequest, number: int) -> Answer:
        self.tried = number
        return super().attempt(asked, number)

    def told(self, answer: Answer) -> Any:
        return {} if self.tried else super().told(answer)


@wrong("error.as_success", "idempotency", case="idempotency.attempts.later_error.instance_not_found")
class GoneIsDone(Patient):
    """An instance that is not found in a second attempt is being replaced by the new one."""

    def told(self, answer: Answer) -> Any:
        return {} if answer.status == 404 else super().told(answer)


# === what is repeated, how often and when ===================================================


@wrong("idempotency.refusal_repeated", "idempotency", level="should", case="idempotency.refused.400")
class RepeatsBadRequests(Patient):
    """Every status of 400 and above is tried again."""

    def is_busy(self, answer: Answer) -> bool:
        return answer.status >= 400


@wrong("idempotency.refusal_repeated", "idempotency", level="should", case="idempotency.refused.403")
class RepeatsForbidden(Patient):
    """Permissions take a while to spread."""

    def is_busy(self, answer: Answer) -> bool:
        return answer.status == 403 or super().is_busy(answer)


@wrong("idempotency.refusal_repeated", "idempotency", level="should", case="idempotency.refused.409")
class RepeatsConflicts(Patient):
    """A conflict goes away."""

    def is_busy(self, answer: Answer) -> bool:
        return answer.status == 409 or super().is_busy(answer)


@wrong("idempotency.refusal_repeated", "idempotency", level="should", case="idempotency.refused.instance_not_found")
class RepeatsNotFound(Patient):
    """A new instance may not be known yet."""

    def is_busy(self, answer: Answer) -> bool:
        return answer.status == 404 or super().is_busy(answer)


@wrong("idempotency.refusal_repeated", "idempotency", level="should", case="idempotency.refused.instance_activating")
class WaitsForActivating(Patient):
    """An instance that is activating will be ready soon."""

    attempts = 5

    def is_busy(self, answer: Answer) -> bool:
        return b"InstanceActivating" in answer.body or super().is_busy(answer)


@wrong("idempotency.retry_after", "idempotency", level="should", case="idempotency.retry_after.throttled_429.seconds")
class NeverAsksWhen(Patient):
    """The next attempt comes after a time of the client's own."""

    def pause(self, number: int, answer: Answer | None) -> None:
        super().pause(number, None)


@wrong("idempotency.retry_after", "idempotency", level="should", case="idempotency.retry_after.unavailable_503.date")
class DatesNotRead(Patient):
    """Retry-After is a number."""

    def pause(self, number: int, answer: Answer | None) -> None:
        said = "" if answer is None else answer.headers.get("retry-after", "")
        super().pause(number, answer if said.isdigit() else None)


@wrong("idempotency.retry_after", "idempotency", level="should", case="idempotency.retry_after.unavailable_503.seconds")
class SecondsAsMilliseconds(Patient):
    """Retry-After: 1 is a millisecond."""

    def pause(self, _number: int, answer: Answer | None) -> None:
        said = "" if answer is None else answer.headers.get("retry-after", "")
        time.sleep(int(said) / 1000 if said.isdigit() else self.wait)


@wrong("idempotency.retry_after", "idempotency", level="should", case="idempotency.retry_after.throttled_429.date")
class WaitsFor503Only(Patient):
    """Retry-After belongs to 503."""

    def pause(self, number: int, answer: Answer | None) -> None:
        super().pause(number, answer if answer is not None and answer.status == 503 else None)


@wrong("idempotency.bounded", "idempotency", level="should", case="idempotency.bounded.reset_after_reading")
class NeverGivesUp(Patient):
    """while True: an upgrade has to be done."""

    attempts = 10_000

    def pause(self, number: int, answer: Answer | None) -> None:
        super().pause(1, answer)


@wrong("idempotency.bounded", "idempotency", level="should", case="idempotency.bounded.unavailable_503")
class WaitsForTheService(Patient):
    """What is lost is tried three times; what is busy is waited for."""

    def attempt(self, asked: UpgradeRequest, number: int) -> Answer:
        answer = super().attempt(asked, number)
        while answer.status == 503:
            self.pause(1, answer)
            answer = super().attempt(asked, number)
        return answer


@wrong("idempotency.bounded", "idempotency", level="should", case="idempotency.bounded.redirect_307")
class FollowsForEver(FollowsAndRepeats):
    """A redirect is followed wherever it leads, and however often."""

    def attempt(self, asked: UpgradeRequest, number: int) -> Answer:
        answer = super().attempt(asked, number)
        while answer.status == 307:
            answer = super().attempt(asked, number)
        return answer


# === tokens that are not fit ================================================================


class _Keyed(TokenMaking):
    """As its base, with the token that is made as a method."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        given = dict(super().parameters(replace(asked, client_token=asked.client_token or self.token(asked))))
        return list(given.items())

    def token(self, _asked: UpgradeRequest) -> str:
        return str(uuid.uuid4())


@wrong("sent.made_token", "idempotency", case="idempotency.token.made.form")
class TwoUuids(_Keyed):
    """Two UUIDs are safer than one, and 73 characters long."""

    def token(self, _asked: UpgradeRequest) -> str:
        return f"{uuid.uuid4()}-{uuid.uuid4()}"


@wrong("sent.made_token", "idempotency", case="idempotency.token.made.form")
class TokenWithTheUsersName(_Keyed):
    """The user's name is part of the token, umlaut included."""

    def token(self, _asked: UpgradeRequest) -> str:
        return f"J\u00f6rg-{uuid.uuid4().hex}"


@wrong("idempotency.token_unique", "idempotency", case="idempotency.token.made.one_after_another")
class TokenOfTheSecond(_Keyed):
    """The time in whole seconds: nobody upgrades twice in one."""

    def token(self, _asked: UpgradeRequest) -> str:
        return f"upgrade-{int(time.time()) // 10}"


@wrong("idempotency.token_unique", "idempotency", case="idempotency.token.made.one_after_another")
class TokenOfTheClient(_Keyed):
    """One token for each client, made with it."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.made = uuid.uuid4().hex

    def token(self, _asked: UpgradeRequest) -> str:
        return self.made


@wrong("idempotency.token_unique", "idempotency", case="idempotency.token.made.other_content")
class TokenOfTheInstance(_Keyed):
    """The instance's id is the token: it is upgraded once."""

    def token(self, asked: UpgradeRequest) -> str:
        return f"upgrade-{asked.instance_id}"


@wrong("idempotency.token_unique", "idempotency", case="idempotency.token.made.one_after_another")
class TokenOfTheBody(_Keyed):
    """A digest of the body, in which the instance does not stand."""

    def token(self, asked: UpgradeRequest) -> str:
        return uuid.uuid5(uuid.NAMESPACE_URL, self.body(asked).decode()).hex


@wrong("idempotency.token_unique", "idempotency", case="idempotency.token.made.clients_made_anew")
class CountedFromOne(_Keyed):
    """Each client counts its calls from one."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.numbers = itertools.count(1)

    def token(self, _asked: UpgradeRequest) -> str:
        return f"call-{next(self.numbers)}"


@wrong("idempotency.token_unique", "idempotency", case="idempotency.token.made.clients_made_anew")
class SeededChance(_Keyed):
    """Random numbers with the seed of a test that was left in."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.random = random.Random(42)

    def token(self, _asked: UpgradeRequest) -> str:
        return f"{self.random.getrandbits(128):032x}"


@wrong("idempotency.token_unique", "idempotency", case="idempotency.token.made.threads")
class CountedWithoutALock(_Keyed):
    """A counter that is read, and written a moment later."""

    number = 0

    def token(self, _asked: UpgradeRequest) -> str:
        number = self.number
        time.sleep(0.02)
        self.number = number + 1
        return f"{id(self)}-{number}"


@wrong("idempotency.token_unique", "idempotency", case="idempotency.token.made.threads")
class TokenOfTheTime(_Keyed):
    """The time in tenths of a second since the client was made."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.began = time.monotonic()

    def token(self, _asked: UpgradeRequest) -> str:
        return f"{id(self)}-{int((time.monotonic() - self.began) * 10)}"


@wrong("idempotency.token_unique", "idempotency", case="idempotency.token.made.after_a_check")
class TokenOfTheCheck(_Keyed):
    """The upgrade after a check has the check's token, for they belong together."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.checked: dict[str, str] = {}

    def token(self, asked: UpgradeRequest) -> str:
        if asked.dry_run:
            self.checked[asked.instance_id] = super().token(asked)
        return self.checked.get(asked.instance_id) or super().token(asked)


@wrong("idempotency.token_of_content", "idempotency", level="should")
class TokenOfTheContent(_Keyed):
    """A digest of everything that was asked: the same call is the same request."""

    def token(self, asked: UpgradeRequest) -> str:
        return uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(asked.given(), sort_keys=True)).hex


class _Remembering(PlainClient):
    """As its base, with a call whose token was used before as a method."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.used: set[str] = set()

    def __call__(self, asked: UpgradeRequest) -> Any:
        used = asked.client_token in self.used
        self.used.add(asked.client_token)
        return self.again(asked) if used else super().__call__(asked)

    def again(self, asked: UpgradeRequest) -> Any:
        return super().__call__(asked)


@wrong("sent.call", "idempotency", case="idempotency.token.given.called_again")
class TokensUsedUp(_Remembering):
    """A call whose token was used is not sent again."""

    def again(self, asked: UpgradeRequest) -> Any:
        return None


@wrong("sent.client_token", "idempotency", case="idempotency.token.given.called_again")
class TokenGivenTwiceReplaced(_Remembering):
    """A token that the caller gives a second time must be a slip, and is replaced."""

    def again(self, asked: UpgradeRequest) -> Any:
        return super().again(replace(asked, client_token=uuid.uuid4().hex))


@wrong("idempotency.started_once", "idempotency", case="idempotency.token.given.called_again")
class TokenDroppedWhenGivenTwice(_Remembering):
    """A token that the caller gives a second time is dropped."""

    def again(self, asked: UpgradeRequest) -> Any:
        return super().again(replace(asked, client_token=None))


@wrong("answer.own", "idempotency", case="idempotency.token.given.called_again")
class RepeatedAnswersRefused(_Remembering):
    """The answer to a token that was used before is taken for a replay."""

    def again(self, asked: UpgradeRequest) -> Any:
        super().again(asked)
        raise UpgradeError("Replay", "this answer was seen before")
