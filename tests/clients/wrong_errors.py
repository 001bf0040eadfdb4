"""Wrong clients of family `error`: what is no success is told as one, or cannot be told apart."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from pytest_es_upgrade import UpgradeRequest

from .plain import Answer, BrokenAnswer, PlainClient, UpgradeError, read_failure
from .right import Signing
from .table import wrong

# === an error told as a success =============================================================


@wrong("error.as_success", "error")
class StatusNotLookedAt(PlainClient):
    """The body is read, whatever the status is, and what is missing is empty."""

    def told(self, answer: Answer) -> Any:
        try:
            document = json.loads(answer.body)
        except ValueError:
            raise self.failure(answer) from None
        said = document if isinstance(document, dict) else {}
        return {"RequestId": said.get("RequestId", ""), "Result": said.get("Result", [])}


@wrong("error.as_success", "error")
class ClientErrorsAsEmpty(PlainClient):
    """An error of 4xx means that there is nothing to tell."""

    def told(self, answer: Answer) -> Any:
        return {"RequestId": "", "Result": []} if 400 <= answer.status < 500 else super().told(answer)


@wrong("error.as_success", "error")
class ServerErrorsAsNone(PlainClient):
    """An error of 5xx is passing, and told as None."""

    def told(self, answer: Answer) -> Any:
        return None if answer.status >= 500 else super().told(answer)


@wrong("error.as_success", "error")
class NotFoundIsNone(PlainClient):
    """404 is None, as for a lookup."""

    def told(self, answer: Answer) -> Any:
        return None if answer.status == 404 else super().told(answer)


@wrong("error.as_success", "error")
class ActivatingIsFine(PlainClient):
    """The upgrade is under way, so this call has reached its aim."""

    def told(self, answer: Answer) -> Any:
        return {} if b"InstanceActivating" in answer.body else super().told(answer)


@wrong("error.as_success", "error")
class EverythingSwallowed(PlainClient):
    """except Exception: return {}"""

    def __call__(self, asked: UpgradeRequest) -> Any:
        try:
            return super().__call__(asked)
        except Exception:
            return {}


@wrong("error.as_success", "error")
class AcceptedAfterAll(PlainClient):
    """408 and 504 say that it took too long, which upgrades do."""

    def told(self, answer: Answer) -> Any:
        return {} if answer.status in (408, 504) else super().told(answer)


@wrong("error.as_success", "error", case="error.body.the_success_document.503")
class BodyBeforeStatus(PlainClient):
    """A body that reads as a success is one, whatever the status says."""

    def told(self, answer: Answer) -> Any:
        try:
            return self.document(answer._replace(status=200))
        except UpgradeError:
            return super().told(answer)


@wrong("error.as_success", "error", case="error.body.html.503")
class UnreadableErrorAsText(PlainClient):
    """An error that is no JSON is returned as its text, as pop-core does."""

    def told(self, answer: Answer) -> Any:
        return super().told(answer) if answer.body.startswith(b"{") else answer.body.decode("utf-8", "replace")


@wrong("error.as_success", "error", case="error.redirect.304.not_modified")
class NotModifiedIsFine(PlainClient):
    """304 says that nothing had to be done."""

    def told(self, answer: Answer) -> Any:
        return {} if answer.status == 304 else super().told(answer)


@wrong("error.as_success", "error", case="error.redirect.302.same_host")
class RedirectAsSuccess(PlainClient):
    """Everything below 400 is a success."""

    def is_failure(self, answer: Answer) -> bool:
        return answer.status >= 400

    def document(self, answer: Answer) -> Any:
        return {} if answer.status >= 300 else super().document(answer)


# === no answer ==============================================================================


class _Reading(PlainClient):
    """As its base, with what becomes of a broken connection as a method."""

    def __call__(self, asked: UpgradeRequest) -> Any:
        try:
            return super().__call__(asked)
        except OSError as problem:
            return self.without_answer(problem)

    def without_answer(self, problem: OSError) -> Any:
        raise problem


@wrong("error.no_answer_as_success", "error", case="error.no_answer.reset")
class ResetAsSuccess(_Reading):
    """The request went out, so it will be done."""

    def without_answer(self, problem: OSError) -> Any:
        return (
            {"RequestId": "", "Result": []} if isinstance(problem, ConnectionError) else super().without_answer(problem)
        )


@wrong("error.no_answer_as_success", "error", case="error.no_answer.silence")
class TimeoutAsSuccess(_Reading):
    """An upgrade takes long, so a timeout means that it is under way."""

    def without_answer(self, problem: OSError) -> Any:
        return None if isinstance(problem, TimeoutError) else super().without_answer(problem)


@wrong("error.no_answer_as_success", "error", case="error.no_answer.refused")
class RefusedAsSuccess(_Reading):
    """The service is down for the upgrade."""

    def without_answer(self, problem: OSError) -> Any:
        return "pending" if isinstance(problem, ConnectionRefusedError) else super().without_answer(problem)


class _Lenient(PlainClient):
    """As its base, with what is made of an answer that was cut off as a method."""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        try:
            return super().parse(held, ended=ended)
        except BrokenAnswer:
            return self.made_of(held)

    def made_of(self, held: bytes) -> Answer:
        raise BrokenAnswer(f"{len(held)} bytes")


@wrong("error.no_answer_as_success", "error", case="error.no_answer.short_body")
class ShortBodyAccepted(_Lenient):
    """The body is read until the end of the connection; its length is not compared."""

    def made_of(self, held: bytes) -> Answer:
        head, _, body = held.partition(b"\r\n\r\n")
        if b"Content-Length" not in head:
            return super().made_of(held)
        return Answer(int(head[9:12]), {}, body)


@wrong("error.no_answer_as_success", "error", case="error.no_answer.no_last_chunk")
class LastChunkNotAwaited(_Lenient):
    """Chunks are read until there are no more; whether the last one came is not looked at."""

    def made_of(self, held: bytes) -> Answer:
        head, _, body = held.partition(b"\r\n\r\n")
        if b"chunked" not in head:
            return super().made_of(held)
        return Answer(int(head[9:12]), {}, body.partition(b"\r\n")[2].rstrip(b"\r\n"))


# === 2xx that is no success =================================================================


@wrong("error.invented_document", "error", case="error.ok.empty")
class EmptyBodyAsEmptyAnswer(PlainClient):
    """`body or "{}"`: nothing becomes a document."""

    def document(self, answer: Answer) -> Any:
        return super().document(answer) if answer.body else {"RequestId": "", "Result": []}


@wrong("error.invented_document", "error", case="error.ok.html")
class HtmlAsEmptyAnswer(PlainClient):
    """What is no JSON becomes an empty document."""

    def document(self, answer: Answer) -> Any:
        try:
            return super().document(answer)
        except UpgradeError:
            return {"RequestId": "", "Result": []}


@wrong("error.not_a_document", "error", level="should", case="error.ok.null")
class AnyJson(PlainClient):
    """Whatever is JSON is an answer."""

    def document(self, answer: Answer) -> Any:
        return json.loads(answer.body)


@wrong("error.not_a_document", "error", level="should", case="error.ok.html")
class TextForNoJson(PlainClient):
    """What is no JSON is returned as text."""

    def document(self, answer: Answer) -> Any:
        try:
            return super().document(answer)
        except UpgradeError:
            return answer.body.decode("utf-8", "replace")


@wrong("error.undocumented_success", "error", level="should", case="error.ok.no_result")
class MembersNotLookedAt(PlainClient):
    """A JSON object is an answer, whatever is in it."""

    def document(self, answer: Answer) -> Any:
        document = json.loads(answer.body)
        if not isinstance(document, dict):
            raise read_failure(answer.status, answer.body)
        return document


@wrong("error.undocumented_success", "error", level="should", case="error.ok.error_body")
class ErrorBodyFitsTheModel(PlainClient):
    """A model whose members are all optional: of an error under a 200 an empty list of checks is left, and no code."""

    def document(self, answer: Answer) -> Any:
        document = json.loads(answer.body)
        if not isinstance(document, dict):
            raise read_failure(answer.status, answer.body)
        return {"RequestId": document.get("RequestId"), "Result": document.get("Result") or []}


@wrong("error.undocumented_success", "error", level="should", case="error.ok.status_204")
class NoContentIsFine(PlainClient):
    """204 is a success without an answer."""

    def document(self, answer: Answer) -> Any:
        return None if answer.status == 204 else super().document(answer)


@wrong("error.duplicate_members", "error", level="may")
class LastMemberWins(PlainClient):
    """Of a member that stands twice the last one counts, as in most JSON readers."""

    def document(self, answer: Answer) -> Any:
        try:
            return super().document(answer)
        except UpgradeError:
            return super().document(answer._replace(body=json.dumps(json.loads(answer.body)).encode()))


# === what the caller is told ================================================================


class Telling(PlainClient):
    """As its base, with the exception as a method of its four fields."""

    def failure(self, answer: Answer) -> BaseException:
        return self.error(read_failure(answer.status, answer.body))

    def error(self, error: UpgradeError) -> BaseException:
        return error


@wrong("error.code", "error")
class CodeLost(Telling):
    """Only the message is passed on."""

    def error(self, error: UpgradeError) -> BaseException:
        return RuntimeError(error.message)


@wrong("error.code", "error", case="error.told_apart")
class OneCodeForAll(Telling):
    """Every error has the client's own code."""

    def error(self, error: UpgradeError) -> BaseException:
        return UpgradeError("UPGRADE_FAILED", error.message, error.http_status, error.request_id)


@wrong("error.code", "error", case="error.unknown_code.400")
class UnknownCodesReplaced(Telling):
    """A code that the client does not know becomes "Unknown"."""

    def error(self, error: UpgradeError) -> BaseException:
        known = ("InstanceActivating", "InstanceNotFound")
        code = error.code if error.code in known else "Unknown"
        return UpgradeError(code, error.message, error.http_status, error.request_id)


@wrong("error.code", "error", case="error.content_type.text_plain")
class CodeOfJsonAnswersOnly(PlainClient):
    """An error's body is looked at only where it calls itself JSON."""

    def failure(self, answer: Answer) -> BaseException:
        json_type = "json" in answer.headers.get("content-type", "")
        return read_failure(answer.status, answer.body if json_type else b"")


@wrong("error.message", "error", level="should")
class MessageLost(Telling):
    """The code says it all."""

    def error(self, error: UpgradeError) -> BaseException:
        return UpgradeError(error.code, "the call failed", error.http_status, error.request_id)


@wrong("error.http_status", "error", level="should")
class StatusLost(Telling):
    """The HTTP status is not passed on."""

    def error(self, error: UpgradeError) -> BaseException:
        return UpgradeError(error.code, error.message, None, error.request_id)


@wrong("error.http_status", "error", level="should", case="error.body.html.503")
class StatusLostWithTheBody(PlainClient):
    """A body that is no JSON raises the JSON reader's own error, and the status is gone."""

    def failure(self, answer: Answer) -> BaseException:
        json.loads(answer.body)
        return super().failure(answer)


@wrong("error.request_id", "error", level="should")
class RequestIdOfErrorsLost(Telling):
    """The RequestId, which support asks for, is not passed on."""

    def error(self, error: UpgradeError) -> BaseException:
        return UpgradeError(error.code, error.message, error.http_status)


@wrong("answer.delivered", "error", case="error.then_used_again")
class DeadAfterAnError(PlainClient):
    """An error closes the client for good."""

    closed = False

    def told(self, answer: Answer) -> Any:
        if self.closed:
            raise RuntimeError("the client is closed")
        self.closed = self.is_failure(answer)
        return super().told(answer)


# === redirects ==============================================================================


@wrong("error.redirect_as_success", "error", level="should", case="error.redirect.302.same_host")
class FollowedAsGet(PlainClient):
    """302 becomes a GET, as browsers do, and its answer the upgrade's; so do Python's libraries."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        answer = super().answer(asked)
        if answer.status not in (301, 302, 303):
            return answer
        target = urlsplit(answer.headers["location"])
        head = f"GET {target.path} HTTP/1.1\r\nHost: {target.netloc}\r\nConnection: close\r\n\r\n"
        return self.exchange((target.hostname or "", target.port or 80), head.encode())


class _Following(Signing):
    """As its base, with the request that follows a redirect as a method; None is not to follow."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        answer = super().answer(asked)
        target = urlsplit(answer.headers.get("location", ""))
        followed = self.followed(asked) if answer.status in (307, 308) else None
        if followed is None:
            return answer
        return self.exchange((target.hostname or "", target.port or 80), followed)

    def followed(self, _asked: UpgradeRequest) -> bytes | None:
        return None


@wrong("error.redirect_credentials", "error", case="error.redirect.307.other_host")
class CredentialsElsewhere(_Following):
    """A redirect to another host is followed, signature and all."""

    def followed(self, asked: UpgradeRequest) -> bytes | None:
        return self.request(asked)


@wrong("error.redirect_other_host", "error", level="should", case="error.redirect.308.other_host")
class UpgradeElsewhere(_Following):
    """A redirect to another host is followed, without the signature."""

    def followed(self, asked: UpgradeRequest) -> bytes | None:
        return PlainClient(self.endpoint).request(asked)


@wrong("sent.dry_run", "error", case="error.redirect.307.same_host")
class QueryLostOnRedirect(_Following):
    """A redirect is followed to the path that it names, without the query: a dry run becomes an upgrade."""

    def followed(self, asked: UpgradeRequest) -> bytes | None:
        return PlainClient(self.endpoint).request(replace(asked, dry_run=None, client_token=None))
