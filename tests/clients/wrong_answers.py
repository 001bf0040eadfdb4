"""Wrong clients of family `response`: a documented answer does not reach their caller whole."""

from __future__ import annotations

import enum
import html
import json
import re
import unicodedata
from typing import Any

from pytest_es_upgrade import Endpoint, UpgradeRequest

from .plain import Answer, Document, PlainClient, UpgradeError, parse_answer
from .table import wrong

# === lost ================================================================================


class _Altering(PlainClient):
    """As its base, with what becomes of the document as a method."""

    def document(self, answer: Answer) -> Any:
        return self.altered(super().document(answer))

    def altered(self, document: Document) -> Any:
        return document


class _Checks(_Altering):
    """As its base, with what becomes of the list of checks as a method."""

    def altered(self, document: Document) -> Any:
        result = document["Result"]
        return {**document, "Result": self.checks(result if isinstance(result, list) else [result])}

    def checks(self, checks: list[Document]) -> Any:
        return checks


class _Errors(_Checks):
    """As its base, with what becomes of the errors of a check as a method."""

    def checks(self, checks: list[Document]) -> Any:
        return [{**check, "validateResult": self.errors(self._list(check.get("validateResult")))} for check in checks]

    def errors(self, errors: list[Document]) -> Any:
        return errors

    @staticmethod
    def _list(value: Any) -> list[Document]:
        return value if isinstance(value, list) else [] if value is None else [value]


class _Texts(_Altering):
    """As its base, with what becomes of every text in Result as a method."""

    def altered(self, document: Document) -> Any:
        return {**document, "Result": self._walk(document["Result"])}

    def _walk(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._walk(member) for name, member in value.items()}
        if isinstance(value, list):
            return [self._walk(member) for member in value]
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> Any:
        return text


@wrong("answer.lost", "response")
class FirstCheckOnly(_Checks):
    """Result is read as the table has it, one Struct."""

    def checks(self, checks: list[Document]) -> Any:
        return checks[:1]


@wrong("answer.lost", "response")
class FailedChecksOnly(_Checks):
    """What passed is not worth telling."""

    def checks(self, checks: list[Document]) -> Any:
        return [check for check in checks if check["status"] != "success"]


@wrong("answer.lost", "response", case="response.several_errors")
class FirstErrorOnly(_Errors):
    """validateResult is read as the table has it, one Struct."""

    def errors(self, errors: list[Document]) -> Any:
        return errors[:1]


@wrong("answer.lost", "response")
class ErrorsLost(_Errors):
    """validateResult was taken for a struct, did not fit, and is dropped."""

    def errors(self, _errors: list[Document]) -> Any:
        return []


@wrong("answer.lost", "response", case="response.passed_with_errors")
class ErrorsOfPassedChecksLost(_Checks):
    """Errors are kept for failed checks alone."""

    def checks(self, checks: list[Document]) -> Any:
        return [{**check, "validateResult": []} if check["status"] == "success" else check for check in checks]


@wrong("answer.lost", "response")
class MessagesLost(_Errors):
    """The model knows errorMessage, the service says errorMsg."""

    def errors(self, errors: list[Document]) -> Any:
        return [{name: value for name, value in error.items() if name != "errorMsg"} for error in errors]


@wrong("answer.lost", "response", case="response.same_check_twice")
class ByValidateType(_Checks):
    """The checks become a mapping by validateType: of two of a kind the last one stays."""

    def checks(self, checks: list[Document]) -> Any:
        return list({check["validateType"]: check for check in checks}.values())


@wrong("answer.lost", "response", case="response.equal_errors")
class EqualErrorsOnce(_Errors):
    """A set of errors."""

    def errors(self, errors: list[Document]) -> Any:
        return list({json.dumps(error): error for error in errors}.values())


@wrong("answer.lost", "response", case="response.long_list")
class FiftyAtMost(_Checks):
    """A page of fifty, and no next page."""

    def checks(self, checks: list[Document]) -> Any:
        return checks[:50]


@wrong("answer.lost", "response")
class EmptyTextsAsNothing(_Texts):
    """Empty text is stored as NULL."""

    def text(self, text: str) -> Any:
        return text or None


@wrong("answer.lost", "response", case="response.sample.success")
class ResultLost(_Altering):
    """A model generated from the table, into which the sample does not fit: Result is silently empty."""

    def altered(self, document: Document) -> Any:
        return {"RequestId": document["RequestId"], "Result": None}


@wrong("answer.delivered", "response")
class TrueForASuccess(_Altering):
    """The caller is told that it worked, and no more."""

    def altered(self, _document: Document) -> Any:
        return True


@wrong("answer.delivered", "response", case="response.empty_list")
class EmptyListAsError(_Altering):
    """A Result that is false in a condition is taken for a missing one."""

    def altered(self, document: Document) -> Any:
        if not document["Result"]:
            raise UpgradeError("InvalidAnswer", "there is no Result", 200)
        return document


@wrong("answer.delivered", "response")
class MediaTypeToTheLetter(PlainClient):
    """Content-Type is compared as a whole, parameters included."""

    def document(self, answer: Answer) -> Any:
        if answer.headers.get("content-type") != "application/json;charset=utf-8":
            raise UpgradeError("InvalidAnswer", "not JSON", answer.status)
        return super().document(answer)


@wrong("answer.delivered", "response", case="response.big_message")
class FourKilobytesAtMost(PlainClient):
    """The answer has to fit into a buffer."""

    def document(self, answer: Answer) -> Any:
        return super().document(answer._replace(body=answer.body[:4096]))


@wrong("answer.delivered", "response", case="response.interim.continue_100")
class InterimAnswerFinal(PlainClient):
    """100 Continue, which nobody asked for, is taken for the answer."""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        return parse_answer(held, ended=ended, interim=range(0))


@wrong("answer.interim", "response", level="may")
class OnlyContinueIsInterim(PlainClient):
    """100 is passed over, other interim answers are not; Python's http.client does it."""

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        return parse_answer(held, ended=ended, interim=range(100, 101))


@wrong("answer.request_id", "response")
class RequestIdLost(_Altering):
    """Only Result is kept."""

    def altered(self, document: Document) -> Any:
        return {"Result": document["Result"]}


@wrong("answer.request_id_of_list", "response", level="should")
class JustTheList(_Altering):
    """The list itself is returned."""

    def altered(self, document: Document) -> Any:
        return document["Result"]


# === changed =============================================================================


@wrong("answer.changed", "response")
class RequestIdLowered(_Altering):
    """Ids are normalised as UUIDs are."""

    def altered(self, document: Document) -> Any:
        return {**document, "RequestId": document["RequestId"].lower()}


@wrong("answer.changed", "response")
class MaskRemoved(_Altering):
    """What is no hexadecimal digit is taken out of an id."""

    def altered(self, document: Document) -> Any:
        return {**document, "RequestId": document["RequestId"].rstrip("*")}


@wrong("answer.changed", "response")
class StatusAsBool(_Checks):
    """status becomes True or False."""

    def checks(self, checks: list[Document]) -> Any:
        return [{**check, "status": check["status"] == "success"} for check in checks]


@wrong("answer.changed", "response")
class FailedAsPassed(_Checks):
    """The call succeeded, so the checks did."""

    def checks(self, checks: list[Document]) -> Any:
        return [{**check, "status": "success"} for check in checks]


@wrong("answer.changed", "response", case="response.failed_without_errors")
class PassedWhereNoErrorIsNamed(_Checks):
    """The status is worked out from the number of errors."""

    def checks(self, checks: list[Document]) -> Any:
        return [{**check, "status": "failed" if check.get("validateResult") else "success"} for check in checks]


@wrong("answer.changed", "response")
class EnumNames(_Checks):
    """The names of an enumeration's members in place of the service's words."""

    def checks(self, checks: list[Document]) -> Any:
        return [{**check, "status": check["status"].upper()} for check in checks]


@wrong("answer.changed", "response")
class SpellingCorrected(_Texts):
    """The service's misspelling is put right; who compares codes no longer finds it."""

    def text(self, text: str) -> Any:
        return text.replace("Availd", "Available")


@wrong("answer.changed", "response", case="response.text.blanks_at_ends")
class TextsStripped(_Texts):
    """Blanks at the ends are taken away."""

    def text(self, text: str) -> Any:
        return text.strip()


@wrong("answer.changed", "response", case="response.text.html_entities")
class EntitiesResolved(_Texts):
    """Texts are unescaped as HTML."""

    def text(self, text: str) -> Any:
        return html.unescape(text)


@wrong("answer.changed", "response", case="response.text.html_entities")
class EntitiesMade(_Texts):
    """Texts are escaped for a web page, in the client."""

    def text(self, text: str) -> Any:
        return html.escape(text)


@wrong("answer.changed", "response", case="response.text.combining")
class Normalised(_Texts):
    """Texts are normalised to composed characters."""

    def text(self, text: str) -> Any:
        return unicodedata.normalize("NFC", text)


@wrong("answer.changed", "response", case="response.text.chinese")
class AsciiOnly(_Texts):
    """What is not ASCII becomes a question mark."""

    def text(self, text: str) -> Any:
        return text.encode("ascii", "replace").decode()


@wrong("answer.changed", "response", case="response.text.emoji")
class ThreeBytesAtMost(_Texts):
    """Texts pass through a database whose UTF-8 has three bytes at most."""

    def text(self, text: str) -> Any:
        return re.sub("[\U00010000-\U0010ffff]", "?", text)


@wrong("answer.changed", "response", case="response.text.chinese")
class ReadAsLatin1(PlainClient):
    """The body is decoded as Latin-1, the default of an older HTTP."""

    def document(self, answer: Answer) -> Any:
        return super().document(answer._replace(body=answer.body.decode("latin-1").encode()))


@wrong("answer.changed", "response", case="response.text.line_separators")
class LinesJoined(_Texts):
    """splitlines() knows more line ends than people think."""

    def text(self, text: str) -> Any:
        return " ".join(text.splitlines())


@wrong("answer.changed", "response", case="response.text.null_character")
class TextEndsAtNull(_Texts):
    """A text ends where C says that it ends."""

    def text(self, text: str) -> Any:
        return text.partition("\0")[0]


@wrong("answer.changed", "response", case="response.text.control")
class ControlCharactersRemoved(_Texts):
    """What a terminal would act on is taken away."""

    def text(self, text: str) -> Any:
        return re.sub(r"[\x00-\x1f\x7f]", "", text)


@wrong("answer.changed", "response", case="response.text.quotes_and_backslashes")
class UnescapedTwice(_Texts):
    """Escapes are resolved once more after JSON has done it."""

    def text(self, text: str) -> Any:
        return text.replace("\\u0041", "A")


@wrong("answer.changed", "response", case="response.text.number")
class NumbersFromTexts(_Texts):
    """What looks like a number becomes one."""

    def text(self, text: str) -> Any:
        return float(text) if re.fullmatch(r"[0-9.]+", text) else text


@wrong("answer.changed", "response", case="response.text.percent_and_braces")
class TemplatesFilled(_Texts):
    """Messages are taken for templates."""

    def text(self, text: str) -> Any:
        return text.replace("{name}", "UpgradeEngineVersion")


@wrong("answer.lost", "response", case="response.text.word_null")
class NullFromText(_Texts):
    """The text "null" becomes no value."""

    def text(self, text: str) -> Any:
        return None if text == "null" else text


@wrong("answer.changed", "response", case="response.text.word_true")
class BoolFromText(_Texts):
    """The text "true" becomes a Boolean."""

    def text(self, text: str) -> Any:
        return True if text == "true" else text


@wrong("answer.changed", "response", case="response.big_message")
class MessagesCut(_Texts):
    """Messages are cut at 255 characters."""

    def text(self, text: str) -> Any:
        return text[:255]


@wrong("answer.order", "response")
class ChecksSorted(_Checks):
    """Sorted by name, for a stable output."""

    def checks(self, checks: list[Document]) -> Any:
        return sorted(checks, key=lambda check: str(check["validateType"]))


@wrong("answer.order", "response", case="response.several_errors")
class ErrorsSorted(_Errors):
    """Errors sorted by code."""

    def errors(self, errors: list[Document]) -> Any:
        return sorted(errors, key=lambda error: str(error.get("errorCode")))


@wrong("answer.invented", "response")
class MissingChecksPassed(_Checks):
    """The page names four checks, so there are four: those that are not told passed."""

    def checks(self, checks: list[Document]) -> Any:
        names = ("checkClusterHealth", "checkConfigCompatible", "checkClusterResource", "checkClusterSnapshot")
        told = {check["validateType"] for check in checks}
        return [*checks, *({"validateType": name, "status": "success"} for name in names if name not in told)]


@wrong("answer.invented", "response")
class AnErrorWhereNoneIs(_Errors):
    """A model's default for an empty list is a list of one empty model."""

    def errors(self, errors: list[Document]) -> Any:
        return errors or [{"errorType": "", "errorCode": "", "errorMsg": ""}]


# === what is open ========================================================================


class CheckFailedError(Exception):
    """Raised for a check that failed."""


@wrong("answer.failed_check_raised", "response", level="should")
class FailedCheckRaised(_Checks):
    """A failed check becomes an exception, though the operation succeeded."""

    def checks(self, checks: list[Document]) -> Any:
        for check in checks:
            if check["status"] == "failed":
                raise CheckFailedError(json.dumps(check))
        return checks


class _Kind(enum.Enum):
    HEALTH = "checkClusterHealth"
    CONFIG = "checkConfigCompatible"
    RESOURCE = "checkClusterResource"
    SNAPSHOT = "checkClusterSnapshot"


@wrong("answer.open_values", "response", level="should")
class ClosedKinds(_Checks):
    """A closed enumeration of validateType."""

    def checks(self, checks: list[Document]) -> Any:
        return [{**check, "validateType": _Kind(check["validateType"]).value} for check in checks]


@wrong("answer.open_values", "response", level="should")
class ClosedStatuses(_Checks):
    """A match on the two words of the page, without an else."""

    def checks(self, checks: list[Document]) -> Any:
        words = {"success": "success", "failed": "failed"}
        return [{**check, "status": words[check["status"]]} for check in checks]


@wrong("answer.optional_member", "response", level="should")
class CrashesWithoutErrors(_Checks):
    """`check["validateResult"]` where nothing failed."""

    def checks(self, checks: list[Document]) -> Any:
        return [{**check, "validateResult": list(check["validateResult"])} for check in checks]


@wrong("answer.extra_members", "response")
class ExactMembers(_Altering):
    """`Model(**document)`: a member that is not known is an error."""

    def altered(self, document: Document) -> Any:
        return self.model(**document)

    def model(self, *, RequestId: str, Result: Any) -> Document:  # noqa: N803 - the page's names
        return {"RequestId": RequestId, "Result": Result}


@wrong("answer.extra_members", "response")
class ExactMembersOfChecks(_Checks):
    """The same for every check."""

    def checks(self, checks: list[Document]) -> Any:
        return [self.model(**check) for check in checks]

    def model(self, *, validateType: str, status: str, validateResult: Any = None) -> Document:  # noqa: N803
        return {"validateType": validateType, "status": status, "validateResult": validateResult}


@wrong("answer.accepted", "response", level="should")
class NothingBut200(PlainClient):
    """201 and 202 are successes without an answer."""

    def document(self, answer: Answer) -> Any:
        return super().document(answer) if answer.status == 200 else None


@wrong("answer.struct", "response", level="may")
class ListsAlone(_Altering):
    """A Result that is no list is refused."""

    def altered(self, document: Document) -> Any:
        if not isinstance(document["Result"], list):
            raise UpgradeError("InvalidAnswer", "Result is no list", 200)
        return document


@wrong("answer.struct", "response", level="may", case="response.struct.validate_result")
class ListsOfErrorsAlone(_Checks):
    """A validateResult that is no list does not fit the model, and is dropped without a word."""

    def checks(self, checks: list[Document]) -> Any:
        fitting = [check["validateResult"] if isinstance(check.get("validateResult"), list) else [] for check in checks]
        return [{**check, "validateResult": errors} for check, errors in zip(checks, fitting, strict=True)]


# === several calls =======================================================================


@wrong("answer.own", "response", case="response.calls.two_answers")
class FirstAnswerKept(PlainClient):
    """The answer is cached without regard to the call."""

    kept: Answer | None = None

    def answer(self, asked: UpgradeRequest) -> Answer:
        answer = super().answer(asked)
        self.kept = self.kept or answer
        return self.kept


@wrong("answer.own", "response", case="response.calls.same_call_twice")
class SameCallSameAnswer(PlainClient):
    """A cache of answers by call."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.kept: dict[UpgradeRequest, Answer] = {}

    def answer(self, asked: UpgradeRequest) -> Answer:
        return self.kept.setdefault(asked, super().answer(asked))


@wrong("answer.own", "response", case="response.calls.error_then_success")
class ErrorKept(PlainClient):
    """An error is remembered on the client, and raised by every later call."""

    error: BaseException | None = None

    def told(self, answer: Answer) -> Any:
        if self.is_failure(answer):
            self.error = self.failure(answer)
        if self.error is not None:
            raise self.error
        return self.document(answer)


@wrong("answer.own", "response", case="response.calls.shorter_then")
class ListNeverEmptied(_Checks):
    """Checks are collected in a list that belongs to the client."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.collected: list[Document] = []

    def checks(self, checks: list[Document]) -> Any:
        self.collected += checks
        return list(self.collected)


@wrong("error.own", "response", case="response.calls.success_then_error")
class LastGoodAnswer(PlainClient):
    """On an error the last good answer is given again."""

    good: Document | None = None

    def told(self, answer: Answer) -> Any:
        if self.is_failure(answer) and self.good is not None:
            return self.good
        self.good = super().told(answer)
        return self.good
