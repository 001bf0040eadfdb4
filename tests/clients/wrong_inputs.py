"""Wrong clients of family `input`: what a caller asked for is made into something else, or told as done.

Each is right about every plausible call. What they have in common is the wish to help.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
import unicodedata
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus, urlencode, urljoin, urlsplit

from pytest_es_upgrade import UpgradeRequest

from .plain import Answer, Document, PlainClient, UpgradeError
from .table import wrong

# === the token ============================================================================


class _Token(PlainClient):
    """As its base, with the token's value as a method; None leaves it out."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        given = dict(super().parameters(asked))
        token = self.token(given["clientToken"]) if "clientToken" in given else None
        rest = [pair for pair in given.items() if pair[0] != "clientToken"]
        return rest if token is None else [("clientToken", token), *rest]

    def token(self, token: str) -> str | None:
        return token


@wrong("sent.client_token", "input", case="input.client_token.length.one_more")
class CutsLongTokens(_Token):
    """The column is 64 wide, so what is longer is cut."""

    def token(self, token: str) -> str:
        return token[:64]


@wrong("sent.client_token", "input", case="input.client_token.length.uuids")
class HashesLongTokens(_Token):
    """A token that is too long is made short by a digest."""

    def token(self, token: str) -> str:
        return token if len(token) <= 64 else hashlib.sha256(token.encode()).hexdigest()


@wrong("sent.client_token", "input", case="input.client_token.length.ten_thousand")
class LeavesLongTokensOut(_Token):
    """An invalid token is left out with a warning; the call goes on without one."""

    def token(self, token: str) -> str | None:
        return token if len(token) <= 64 else None


@wrong("sent.client_token", "input", case="input.client_token.ascii.latin")
class MakesAnotherToken(_Token):
    """An invalid token is replaced by a new UUID: the caller's retry is another call."""

    def token(self, token: str) -> str:
        return token if token.isascii() else str(uuid.uuid4())


@wrong("sent.client_token", "input", case="input.client_token.length.blanks")
class StripsLongTokens(_Token):
    """Blanks at the end are taken for padding."""

    def token(self, token: str) -> str:
        return token.rstrip(" ") if len(token) > 64 else token


@wrong("sent.client_token", "input", case="input.client_token.ascii.chinese")
class DropsNonAscii(_Token):
    """`encode('ascii', 'ignore')`."""

    def token(self, token: str) -> str:
        return token.encode("ascii", "ignore").decode()


@wrong("sent.client_token", "input", case="input.client_token.ascii.emoji")
class AsksForNonAscii(_Token):
    """`encode('ascii', 'replace')` writes question marks."""

    def token(self, token: str) -> str:
        return token.encode("ascii", "replace").decode()


@wrong("sent.client_token", "input", case="input.client_token.ascii.greek")
class CharacterReferences(_Token):
    """What is no ASCII becomes `&#945;`, as in an HTML form."""

    def token(self, token: str) -> str:
        return token.encode("ascii", "xmlcharrefreplace").decode()


@wrong("sent.client_token", "input", case="input.client_token.ascii.full_width")
class FoldsTokens(_Token):
    """NFKC, so that tokens typed on an Asian keyboard work."""

    def token(self, token: str) -> str:
        return unicodedata.normalize("NFKC", token)


@wrong("sent.client_token", "input", case="input.client_token.ascii.combining")
class ComposesTokens(_Token):
    """NFC, as all texts here."""

    def token(self, token: str) -> str:
        return unicodedata.normalize("NFC", token)


@wrong("sent.client_token", "input", case="input.client_token.ascii.no_break_space")
class StripsUnicodeBlanks(_Token):
    """`strip()` knows more blanks than ASCII has."""

    def token(self, token: str) -> str:
        return token.strip("\u00a0\u2028\ufeff")


@wrong("sent.client_token", "input", case="input.client_token.ascii.surrogate")
class ReplacesSurrogates(_Token):
    """Half of a pair becomes the replacement character, as in every UTF-8 encoder of Java or JavaScript."""

    def token(self, token: str) -> str:
        return re.sub("[\ud800-\udfff]", "\ufffd", token)


@wrong("sent.client_token", "input", case="input.client_token.ascii.first_beyond")
class LatinTokens(PlainClient):
    """The query is encoded as Latin-1 where that is possible."""

    def query(self, asked: UpgradeRequest) -> str:
        return urlencode(self.parameters(asked), encoding="latin-1", errors="xmlcharrefreplace")


@wrong("sent.client_token", "input", case="input.awkward_token.unit_separator")
class SanitisesTokens(_Token):
    """Control characters are removed, for the sake of logs."""

    def token(self, token: str) -> str:
        return re.sub(r"[\x00-\x08\x0e-\x1f\x7f]", "", token)


@wrong("sent.client_token", "input", case="input.awkward_token.tab")
class JoinsWords(_Token):
    """White space of every kind becomes one blank."""

    def token(self, token: str) -> str:
        return " ".join(token.split())


@wrong("sent.client_token", "input", case="input.awkward_token.line_end")
class ChompsTokens(_Token):
    """A token is read from a file, and its line end taken off; so is every token's."""

    def token(self, token: str) -> str:
        return token.rstrip("\r\n")


@wrong("sent.client_token", "input", case="input.awkward_token.null_character")
class CutsTokensAtNull(_Token):
    """The token passes through C."""

    def token(self, token: str) -> str:
        return token.partition("\0")[0]


@wrong("sent.client_token", "input", case="input.awkward_token.escape")
class StripsEscapeSequences(_Token):
    """Colours of a terminal are taken out."""

    def token(self, token: str) -> str:
        return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", token)


@wrong("sent.empty_value", "input", level="should", case="input.awkward_token.empty")
class LeavesTheEmptyTokenOut(_Token):
    """`if token:` takes the empty token for none."""

    def token(self, token: str) -> str | None:
        return token or None


@wrong("sent.client_token", "input", case="input.awkward_token.empty")
class PrintsNoneForTheEmptyToken(_Token):
    """`str(token or None)`."""

    def token(self, token: str) -> str:
        return str(token or None)


@wrong("sent.empty_value", "input", level="should", case="input.awkward_token.empty")
class ReplacesTheEmptyToken(_Token):
    """`token or uuid4()`."""

    def token(self, token: str) -> str:
        return token or str(uuid.uuid4())


@wrong("sent.client_token", "input", case="input.awkward_token.blank")
class LeavesTheBlankTokenOut(_Token):
    """`StringUtils.isBlank(token)`."""

    def token(self, token: str) -> str | None:
        return token if not token or token.strip() else None


@wrong("sent.client_token", "input", case="input.awkward_token.percent_encoded")
class DecodesTokens(_Token):
    """Values are decoded before they are encoded, so that nothing is encoded twice."""

    def token(self, token: str) -> str:
        return unquote(token)


@wrong("sent.client_token", "input", case="input.awkward_token.plus")
class DecodesTokensAsForms(_Token):
    """Values come from a form, and are decoded as one."""

    def token(self, token: str) -> str:
        return unquote_plus(token)


@wrong("request.http.syntax", "input", case="input.awkward_token.header")
class TokenPutTogetherByHand(PlainClient):
    """The query is an f-string: a line end in the token ends the request line."""

    def query(self, asked: UpgradeRequest) -> str:
        return "&".join(f"{name}={value}" for name, value in self.parameters(asked))


@wrong("sent.client_token", "input", case="input.awkward_token.ampersand")
class ParsesItsOwnQuery(PlainClient):
    """The query is put together by hand, and then parsed to be encoded."""

    def query(self, asked: UpgradeRequest) -> str:
        plain = "&".join(f"{name}={value}" for name, value in self.parameters(asked))
        pieces = [piece.partition("=") for piece in plain.split("&") if piece]
        return urlencode([(name, value) for name, _, value in pieces], quote_via=quote)


@wrong("sent.header_injected", "input", case="input.awkward_token.header")
class TokenInAHeaderUnchecked(PlainClient):
    """The token also goes into a header for tracing, as it is."""

    def headers(self, asked: UpgradeRequest, body: bytes) -> list[tuple[str, str]]:
        traced = [] if asked.client_token is None else [("X-Trace", str(asked.client_token))]
        return [*super().headers(asked, body), *traced]


@wrong("request.position", "input", case="input.client_token.length.ten_thousand")
class LongTokensInTheBody(_Token):
    """What is too long for a URL goes into the body."""

    def token(self, token: str) -> str | None:
        return token if len(token) <= 64 else None

    def members(self, asked: UpgradeRequest) -> Document:
        token = asked.client_token
        more = {"clientToken": token} if isinstance(token, str) and len(token) > 64 else {}
        return {**super().members(asked), **more}


@wrong("sent.client_token", "input", case="input.client_token.type.integer")
class LeavesNumbersOut(PlainClient):
    """What is no text is no token, and nobody is told."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        token = asked.client_token if isinstance(asked.client_token, str) else None
        return super().parameters(replace(asked, client_token=token))


@wrong("sent.client_token", "input", case="input.client_token.type.uuid")
class PrintsUuidsItsOwnWay(PlainClient):
    """A UUID is printed without hyphens, and cut to be short."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        token = asked.client_token
        return super().parameters(
            replace(asked, client_token=token.hex[:16] if isinstance(token, uuid.UUID) else token)
        )


@wrong("answer.delivered", "input", case="input.awkward_token.delete")
class ChecksTheTokenTooLate(PlainClient):
    """The token is checked when the answer is logged: the caller is told of an error, and the upgrade is under way."""

    def __call__(self, asked: UpgradeRequest) -> Any:
        told = super().__call__(asked)
        if asked.client_token is not None and not asked.client_token.isprintable():
            raise ValueError("client_token cannot be printed")
        return told


# === version and type =====================================================================


class _Members(PlainClient):
    """As its base, with the body's members as methods; None leaves one out."""

    def members(self, asked: UpgradeRequest) -> Document:
        given = super().members(asked)
        made = {name: getattr(self, name)(value) for name, value in given.items()}
        return {name: value for name, value in made.items() if value is not None}

    def version(self, version: Any) -> Any:
        return version

    def type(self, type_: Any) -> Any:
        return type_


def _text(change: Callable[[str], Any]) -> Callable[[Any, Any], Any]:
    """A method that changes texts, and leaves what is none."""
    return lambda _self, value: change(value) if isinstance(value, str) else value


@wrong("sent.version", "input", case="input.version.value.6_7_blank_at_end")
class StripsVersions(_Members):
    """Input is trimmed."""

    version = _text(str.strip)


@wrong("sent.version", "input", case="input.version.value.6_7_line_feed_at_end")
class ChompsVersions(_Members):
    """The version is read from a file."""

    version = _text(lambda text: text.rstrip("\n"))


@wrong("sent.version", "input", case="input.version.value.ali1_2_0_capital")
class LowersVersions(_Members):
    """Versions are compared without letter case, and sent so."""

    version = _text(str.lower)


def _through_float(text: str) -> str:
    try:
        return str(float(text))
    except ValueError:
        return text


@wrong("sent.version", "input", case="input.version.value.6_7_one_zero_more")
class VersionThroughFloat(_Members):
    """The version passes through YAML, where 6.70 is a number."""

    version = _text(_through_float)


@wrong("sent.version", "input", case="input.version.value.6_7_three_numbers")
class DropsThePatchLevel(_Members):
    """6.7.0 is 6.7 by semantic versioning."""

    version = _text(lambda text: re.sub(r"^(\d+\.\d+)\.0$", r"\1", text))


@wrong("sent.version", "input", case="input.version.value.6_7_tag")
class TakesTagsForVersions(_Members):
    """v6.7 is the tag of 6.7."""

    version = _text(lambda text: text.removeprefix("v"))


@wrong("sent.version", "input", case="input.version.value.6_7_comma")
class CommaIsAPoint(_Members):
    """Numbers are written with a comma here."""

    version = _text(lambda text: text.replace(",", "."))


@wrong("sent.version", "input", case="input.version.value.6_7_quoted")
class StripsQuotes(_Members):
    """The version comes from a shell, quotes included."""

    version = _text(lambda text: text.strip("\"'"))


@wrong("sent.version", "input", case="input.version.value.6_7_full_width")
class FoldsVersions(_Members):
    """NFKC makes digits of full-width digits."""

    version = _text(lambda text: unicodedata.normalize("NFKC", text))


@wrong("sent.version", "input", case="input.version.value.6_7_invisible")
class DropsInvisibles(_Members):
    """Zero-width characters are removed: they come in by copy and paste."""

    version = _text(lambda text: "".join(letter for letter in text if unicodedata.category(letter) != "Cf"))


@wrong("sent.version", "input", case="input.version.value.6_7_null_character")
class CutsVersionsAtNull(_Members):
    """The version passes through C."""

    version = _text(lambda text: text.partition("\0")[0])


@wrong("sent.version", "input", case="input.version.value.word_latest")
class LatestIsAVersion(_Members):
    """An alias of the command line reaches the client."""

    version = _text(lambda text: "6.7" if text == "latest" else text)


@wrong("sent.version", "input", case="input.version.value.6_7_shortened")
class CompletesVersions(_Members):
    """A prefix is completed to the first version that begins so."""

    version = _text(lambda text: next((full for full in ("6.7", "ali1.2.0") if text and full.startswith(text)), text))


@wrong("sent.version", "input", case="input.version.value.later_version")
class LeavesUnknownVersionsOut(_Members):
    """What is not in the enumeration is mapped to null, and null is left out."""

    version = _text(lambda text: text if text in ("6.7", "ali1.2.0") else None)


@wrong("sent.version", "input", case="input.version.value.empty")
class LeavesTheEmptyVersionOut(_Members):
    """`if version:` takes an unset variable of the environment for "no version given"."""

    version = _text(lambda text: text or None)


@wrong("sent.version", "input", case="input.version.value.word_null")
class ReadsNullInTexts(_Members):
    """A version that reads "null" is taken for none."""

    version = _text(lambda text: None if text in ("null", "None") else text)


@wrong("sent.version", "input", case="input.version.value.6_7_another_member")
class TemplateBody(PlainClient):
    """The body is a template, and a quote in a value ends it."""

    def body(self, asked: UpgradeRequest) -> bytes:
        members = (f'"{name}":"{value}"' for name, value in self.members(asked).items())
        return ("{" + ",".join(members) + "}").encode()


@wrong("request.body.json", "input", case="input.version.value.6_7_quoted")
class BodyByFormat(PlainClient):
    """`format` in place of a JSON library: quotes in a value are not escaped."""

    def body(self, asked: UpgradeRequest) -> bytes:
        return ("{" + ", ".join('"{}": "{}"'.format(*member) for member in self.members(asked).items()) + "}").encode()


@wrong("request.body.json", "input", case="input.version.value.6_7_full_width")
class CountsCharacters(PlainClient):
    """Content-Length is the number of characters: the end of a body that is no ASCII is cut off."""

    def body(self, asked: UpgradeRequest) -> bytes:
        return json.dumps(self.members(asked), ensure_ascii=False).encode()

    def length(self, body: bytes) -> list[tuple[str, str]]:
        return super().length(body.decode().encode("ascii", "replace"))


@wrong("sent.version", "input", case="input.version.value.6_7_combining")
class BodyInAscii(PlainClient):
    """The body is written as ASCII, with question marks for the rest."""

    def body(self, asked: UpgradeRequest) -> bytes:
        return json.dumps(self.members(asked), ensure_ascii=False).encode("ascii", "replace")


@wrong("sent.version", "input", case="input.version.type.as_number")
class VersionToInteger(_Members):
    """Numbers are whole numbers."""

    def version(self, version: Any) -> Any:
        return int(version) if isinstance(version, float) else version


@wrong("sent.version", "input", case="input.version.type.number")
class VersionWithTwoDecimals(_Members):
    """Numbers are printed with two decimals."""

    def version(self, version: Any) -> Any:
        return f"{version:.2f}" if isinstance(version, float) else version


@wrong("sent.version", "input", case="input.version.type.object")
class LeavesObjectsOut(_Members):
    """What is no text is left out."""

    def version(self, version: Any) -> Any:
        return version if isinstance(version, str) else None


@wrong("sent.version", "input", case="input.version.type.integer")
class UnknownNumberIsTheNewest(_Members):
    """A number is taken for the index of a version, and the last one where there is none."""

    def version(self, version: Any) -> Any:
        return "6.7" if isinstance(version, int) and not isinstance(version, bool) else version


@wrong("sent.version", "input", case="input.version.value.other_ali_version")
class SwapsArgumentsBack(PlainClient):
    """A version that is the name of a type is taken for two arguments in the wrong order."""

    def members(self, asked: UpgradeRequest) -> Document:
        if asked.version in ("engineVersion", "aliVersion"):
            asked = replace(asked, version=asked.type, type=asked.version)
        return super().members(asked)


@wrong("sent.type", "input", case="input.type.value.word_latest")
class DefaultsUnknownTypes(_Members):
    """`TYPES.get(type, "engineVersion")`."""

    type = _text(lambda text: text if text in ("engineVersion", "aliVersion") else "engineVersion")


@wrong("sent.type", "input", case="input.type.value.empty")
class DefaultsTheEmptyType(_Members):
    """`type or "engineVersion"`."""

    type = _text(lambda text: text or "engineVersion")


@wrong("sent.type", "input", case="input.type.value.engine_version_snake_case")
class CamelCasesTypes(_Members):
    """Names of Python are turned into names of the wire, values with them."""

    type = _text(lambda text: re.sub("_([a-z])", lambda found: found[1].upper(), text))


@wrong("sent.type", "input", case="input.type.value.engine_version_upper_case")
class LooksTypesUpWithoutCase(_Members):
    """The enumeration is looked up without letter case, and its member is sent."""

    type = _text(lambda text: {"engineversion": "engineVersion", "aliversion": "aliVersion"}.get(text.lower(), text))


@wrong("sent.type", "input", case="input.type.value.engine_version_combining")
class DropsAccents(_Members):
    """Accents are taken off all texts."""

    type = _text(
        lambda text: "".join(
            letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter)
        )
    )


@wrong("sent.type", "input", case="input.type.value.engine_version_last_character_lost")
class GuessesTypes(_Members):
    """A slip of the hand is corrected to the nearest value."""

    type = _text(lambda text: "engineVersion" if text.startswith("engine") else text)


@wrong("sent.elsewhere", "input", case="input.type.value.later_version")
class UnknownTypesElsewhere(PlainClient):
    """A type that nobody knows is passed on under another name, and the default in its place."""

    def members(self, asked: UpgradeRequest) -> Document:
        given = super().members(asked)
        known = given.get("type") in (None, "engineVersion", "aliVersion")
        return given if known else {**given, "type": "engineVersion", "upgradeType": given["type"]}


@wrong("sent.type", "input", case="input.pairing.6_7_ali_version")
class TakesTheTypeFromTheVersion(PlainClient):
    """The version says which type it is, so the caller's is not looked at."""

    def members(self, asked: UpgradeRequest) -> Document:
        implied = {"6.7": "engineVersion", "ali1.2.0": "aliVersion"}
        given = super().members(asked)
        known = isinstance(asked.version, str) and asked.type is not None
        return {**given, "type": implied.get(asked.version, asked.type)} if known else given


@wrong("sent.version", "input", case="input.pairing.ali1_2_0_engine_version")
class TakesTheVersionFromTheType(PlainClient):
    """A pair that does not belong together is mended by its type."""

    def members(self, asked: UpgradeRequest) -> Document:
        mended = {("6.7", "aliVersion"): "ali1.2.0", ("ali1.2.0", "engineVersion"): "6.7"}
        given = super().members(asked)
        pair = str(asked.version), str(asked.type)
        return {**given, "version": mended[pair]} if pair in mended else given


@wrong("sent.type", "input", case="input.pairing.ali1_2_0_engine_version")
class LeavesTheWrongTypeOut(PlainClient):
    """A type that does not go with the version is left out."""

    def members(self, asked: UpgradeRequest) -> Document:
        given = super().members(asked)
        if (asked.version, asked.type) in (("6.7", "aliVersion"), ("ali1.2.0", "engineVersion")):
            del given["type"]
        return given


# === dryRun ===============================================================================


class _Flag(PlainClient):
    """As its base, with the reading of what is no Boolean as a method; None leaves it out."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        flag = asked.dry_run
        return super().parameters(replace(asked, dry_run=flag if flag is None else self.flag(flag)))

    def flag(self, flag: Any) -> bool | None:
        if not isinstance(flag, bool):
            raise TypeError(f"{flag!r} is neither True nor False")
        return flag


@wrong("sent.dry_run", "input", case="input.dry_run.type.text_false")
class TruthyTexts(_Flag):
    """`bool("false")` is True: a call that was meant is a check."""

    def flag(self, flag: Any) -> bool:
        return bool(flag)


@wrong("sent.dry_run", "input", case="input.dry_run.type.text_true")
class TrueAlone(_Flag):
    """`if dry_run is True`: a check that was asked for by a word is an upgrade."""

    def flag(self, flag: Any) -> bool | None:
        return True if flag is True else None


@wrong("sent.dry_run", "input", case="input.dry_run.type.text_yes")
class TrueByName(_Flag):
    """Whatever is not the word true is false."""

    def flag(self, flag: Any) -> bool:
        return str(flag).lower() == "true"


@wrong("sent.dry_run", "input", case="input.dry_run.type.one")
class LeavesNumbersForFlagsOut(_Flag):
    """Words are read, and numbers forgotten."""

    def flag(self, flag: Any) -> bool | None:
        return None if isinstance(flag, int) and not isinstance(flag, bool) else super().flag(flag)


@wrong("sent.dry_run", "input", case="input.dry_run.type.text_no")
class AnyWordIsTrue(_Flag):
    """Anything but "false" is true."""

    def flag(self, flag: Any) -> bool:
        return flag if isinstance(flag, bool) else str(flag).lower() != "false"


@wrong("sent.dry_run", "input", case="input.dry_run.type.zero")
class GivenMeansTrue(_Flag):
    """`if dry_run is not None and dry_run is not False`: zero is a check."""

    def flag(self, flag: Any) -> bool:
        return flag is not False


# === the id ===============================================================================


class _Segment(PlainClient):
    """As its base, with texts encoded in any way, and dots sent as they are."""

    def segment(self, instance_id: Any) -> str:
        if not isinstance(instance_id, str):
            raise TypeError(f"instance_id is text, not {instance_id!r}")
        return self.encoded(instance_id)

    def encoded(self, text: str) -> str:
        return quote(text, safe="")


class _Path(_Segment):
    """As its base, with the path as a whole as a method."""

    def path(self, asked: UpgradeRequest) -> str:
        return self.made(super().path(asked))

    def made(self, path: str) -> str:
        return path


@wrong("request.path", "input", case="input.awkward_id.slash")
class IdPutInAsItIs(_Segment):
    """The path is an f-string."""

    def encoded(self, text: str) -> str:
        return text


@wrong("request.http.syntax", "input", case="input.awkward_id.header")
class IdWithALineEnd(_Segment):
    """The path is an f-string, and the id a line of a file: it ends the request line."""

    def encoded(self, text: str) -> str:
        return quote(text, safe=" /:\r\n")


@wrong("request.path", "input", case="input.awkward_id.slash_at_end")
class QuoteLeavesSlashes(_Segment):
    """`quote(id)`: its default leaves slashes."""

    def encoded(self, text: str) -> str:
        return quote(text)


@wrong("request.path", "input", case="input.awkward_id.question_mark")
class EncodesAUrl(_Segment):
    """`encodeURI` in place of `encodeURIComponent`: the id begins the query."""

    def encoded(self, text: str) -> str:
        return quote(text, safe=";,/?:@&=+$-_.!~*'()#")


@wrong("request.path", "input", case="input.awkward_id.hash")
class CutsAtTheHash(_Segment):
    """The HTTP library takes what follows a `#` for a fragment."""

    def path(self, asked: UpgradeRequest) -> str:
        return super().path(asked).partition("#")[0]

    def encoded(self, text: str) -> str:
        return quote(text, safe="#")


@wrong("request.path", "input", case="input.awkward_id.dots")
class NormalisesThePath(_Path):
    """`posixpath.normpath`: two dots lead to another path."""

    def made(self, path: str) -> str:
        return posixpath.normpath(path)


@wrong("request.path", "input", case="input.awkward_id.dot")
class JoinsThePath(_Path):
    """`urljoin` takes a dot out."""

    def made(self, path: str) -> str:
        return urlsplit(urljoin(self.endpoint.url, path)).path


@wrong("request.path", "input", case="input.instance_id.required.empty")
class MergesSlashes(_Path):
    """Two slashes are one: without an id the path is another."""

    def made(self, path: str) -> str:
        return re.sub("/+", "/", path)


@wrong("sent.instance_id", "input", case="input.awkward_id.dots_inside")
class NormalisesBeforeEncoding(_Segment):
    """The id is resolved as a path, so that nobody climbs out of the folder: another instance is upgraded."""

    def encoded(self, text: str) -> str:
        return quote(posixpath.normpath(text), safe="")


@wrong("sent.instance_id", "input", case="input.awkward_id.encoded_dots")
class LeavesEscapesAlone(_Segment):
    """What looks encoded already is left as it is."""

    def encoded(self, text: str) -> str:
        return quote(text, safe="%")


@wrong("sent.instance_id", "input", case="input.awkward_id.encoded_slash")
class DecodesIds(_Segment):
    """Ids are decoded before they are encoded."""

    def encoded(self, text: str) -> str:
        return quote(unquote(text), safe="")


@wrong("sent.instance_id", "input", case="input.awkward_id.percent")
class EncodesPercentTwice(_Segment):
    """Percent signs are encoded by hand, and again by the URL builder."""

    def encoded(self, text: str) -> str:
        return quote(text.replace("%", "%25"), safe="")


@wrong("request.http.host", "input", case="input.awkward_id.other_host")
class JoinsUrls(PlainClient):
    """`urljoin(base, id)`: an id that begins with two slashes is another host."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        joined = urljoin(f"{self.endpoint.url}/openapi/instances/", str(asked.instance_id))
        parts = urlsplit(joined)
        if parts.netloc in ("", self.endpoint.netloc):
            return super().answer(asked)
        request = self.request(asked).replace(self.endpoint.netloc.encode(), parts.netloc.encode(), 1)
        return self.exchange((parts.hostname or "", parts.port or 80), request)


@wrong("request.path", "input", case="input.awkward_id.backslash")
class BackslashIsASlash(_Segment):
    """URLs as browsers read them."""

    def encoded(self, text: str) -> str:
        return "/".join(quote(piece, safe="") for piece in text.split("\\"))


@wrong("sent.instance_id", "input", case="input.awkward_id.blank")
class PlusInThePath(_Segment):
    """`quote_plus` in the path, where a plus is a plus."""

    def encoded(self, text: str) -> str:
        return quote_plus(text)


@wrong("sent.instance_id", "input", case="input.awkward_id.plus")
class PlusDecodedInThePath(_Segment):
    """A plus in an id is taken for a blank."""

    def encoded(self, text: str) -> str:
        return quote(text.replace("+", " "), safe="")


@wrong("sent.instance_id", "input", case="input.awkward_id.blank_at_end")
class StripsIds(_Segment):
    """Ids are copied and pasted, blanks included."""

    def encoded(self, text: str) -> str:
        return quote(text.strip(), safe="")


@wrong("sent.instance_id", "input", case="input.awkward_id.line_feed")
class DropsTabsAndLineEnds(_Segment):
    """The URL parser takes tabs and line ends out, as browsers do."""

    def encoded(self, text: str) -> str:
        return quote(re.sub(r"[\t\r\n]", "", text), safe="")


@wrong("sent.instance_id", "input", case="input.awkward_id.null_character")
class CutsIdsAtNull(_Segment):
    """The id passes through C."""

    def encoded(self, text: str) -> str:
        return quote(text.partition("\0")[0], safe="")


@wrong("sent.instance_id", "input", case="input.awkward_id.semicolon")
class CutsPathParameters(_Segment):
    """What follows a semicolon is a parameter of the path, as servlets have it."""

    def encoded(self, text: str) -> str:
        return quote(text.partition(";")[0], safe="")


@wrong("sent.instance_id", "input", case="input.awkward_id.combining")
class ComposesIds(_Segment):
    """NFC, as all texts here."""

    def encoded(self, text: str) -> str:
        return quote(unicodedata.normalize("NFC", text), safe="")


@wrong("sent.instance_id", "input", case="input.awkward_id.full_width_slash")
class FoldsIds(_Segment):
    """NFKC makes a slash of a full-width slash."""

    def encoded(self, text: str) -> str:
        return quote(unicodedata.normalize("NFKC", text), safe="")


@wrong("sent.instance_id", "input", case="input.awkward_id.chinese")
class DropsNonAsciiOfIds(_Segment):
    """`encode('ascii', 'ignore')`: another instance is upgraded."""

    def encoded(self, text: str) -> str:
        return quote(text.encode("ascii", "ignore"), safe="")


@wrong("sent.instance_id", "input", case="input.awkward_id.latin")
class LatinIds(_Segment):
    """The path is encoded as Latin-1 where that is possible."""

    def encoded(self, text: str) -> str:
        return quote(text, safe="", encoding="latin-1", errors="xmlcharrefreplace")


@wrong("sent.instance_id", "input", case="input.awkward_id.emoji")
class HalvesOfPairs(_Segment):
    """Characters beyond the first plane are encoded half by half, as old Java did."""

    def encoded(self, text: str) -> str:
        units = text.encode("utf-16-be", "surrogatepass")
        halves = "".join(chr(int.from_bytes(units[at : at + 2], "big")) for at in range(0, len(units), 2))
        return quote(halves, safe="", errors="surrogatepass")


@wrong("sent.instance_id", "input", case="input.awkward_id.surrogate")
class QuestionMarksForSurrogates(_Segment):
    """`encode('utf-8', 'replace')`."""

    def encoded(self, text: str) -> str:
        return quote(text, safe="", errors="replace")


@wrong("sent.instance_id", "input", case="input.awkward_id.template")
class TakesPlaceholdersOut(PlainClient):
    """What looks like a placeholder and has no value is taken out of the path."""

    def path(self, asked: UpgradeRequest) -> str:
        return quote(re.sub(r"\{\w+\}", "", unquote(super().path(asked))))


@wrong("sent.instance_id", "input", case="input.instance_id.required.empty")
class FallsBackToAnInstance(PlainClient):
    """`id or self.default`: an unset variable upgrades the first cluster of the configuration."""

    def segment(self, instance_id: Any) -> str:
        return super().segment(instance_id or "es-cn-production00000")


@wrong("sent.instance_id", "input", case="input.instance_id.type.null")
class FallsBackWithoutAnId(PlainClient):
    """The id is optional, and where there is none it is that of the last call."""

    last = "es-cn-0000000000000000"

    def segment(self, instance_id: Any) -> str:
        if instance_id is not None:
            self.last = instance_id
        return super().segment(self.last)


@wrong("sent.instance_id", "input", case="input.instance_id.type.number")
class RoundsIds(PlainClient):
    """A number for an id is made a whole one."""

    def segment(self, instance_id: Any) -> str:
        return super().segment(str(int(instance_id)) if isinstance(instance_id, float) else instance_id)


@wrong("request.position", "input", case="input.awkward_id.slash_at_start")
class IdsWithSlashesInTheQuery(PlainClient):
    """An id that does not fit into the path goes into the query."""

    def segment(self, instance_id: Any) -> str:
        return "-" if "/" in str(instance_id) else super().segment(instance_id)

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        more = [("InstanceId", asked.instance_id)] if "/" in str(asked.instance_id) else []
        return [*super().parameters(asked), *more]


# === what the caller is told ==============================================================


@wrong("error.as_success", "input", case="input.version.value.6_7_twice")
class EmptyForBadRequests(PlainClient):
    """A 400 says that there was nothing to do, so nothing is returned: `{}`."""

    def told(self, answer: Answer) -> Any:
        return {} if answer.status == 400 else super().told(answer)


@wrong("error.nothing_sent_as_success", "input", case="input.awkward_id.dots")
class LogsItsRefusals(PlainClient):
    """What its own checks refuse is logged, and None is returned."""

    def __call__(self, asked: UpgradeRequest) -> Any:
        try:
            return super().__call__(asked)
        except (TypeError, ValueError):
            return None


@wrong("error.nothing_sent_as_success", "input", case="input.client_token.length.one_more")
class PutsRefusalsOff(PlainClient):
    """Fire and forget: what cannot be sent is kept for later, and the caller is told of a success."""

    def __call__(self, asked: UpgradeRequest) -> Any:
        if isinstance(asked.client_token, str) and len(asked.client_token) > 64:
            return {"RequestId": str(uuid.uuid4()), "Result": []}
        return super().__call__(asked)


@wrong("sent.version", "input", case="input.version.value.ali1_2_0_upper_case")
class TriesAgainWithoutTheVersion(PlainClient):
    """What was refused is tried again with the default."""

    def __call__(self, asked: UpgradeRequest) -> Any:
        try:
            return super().__call__(asked)
        except UpgradeError as error:
            if error.code != "InvalidParameter":
                raise
            return super().__call__(replace(asked, version=None, type=None))
