"""Wrong clients of family `request`: what they put on the wire is not what the page says, or not what was asked."""

from __future__ import annotations

import json
import re
import socket
import uuid
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from pytest_es_upgrade import Endpoint, UpgradeRequest

from .plain import Answer, Document, PlainClient, segment
from .right import TokenMaking
from .table import wrong

# === the target ===========================================================================


@wrong("request.method", "request")
class PutsInsteadOfPosting(PlainClient):
    """An upgrade changes a resource, so it must be a PUT."""

    method = "PUT"


@wrong("request.path", "request")
class TrailingSlash(PlainClient):
    """A URL joined with a slash at its end."""

    def path(self, asked: UpgradeRequest) -> str:
        return super().path(asked) + "/"


@wrong("request.path", "request")
class PathInCamelCase(PlainClient):
    """The action is spelled as the operation is."""

    def path(self, asked: UpgradeRequest) -> str:
        return super().path(asked).replace("upgrade-version", "upgradeVersion")


@wrong("request.path", "request")
class DoubleSlash(PlainClient):
    """A base URL that ends in a slash, and a path that begins with one."""

    def path(self, asked: UpgradeRequest) -> str:
        return "/" + super().path(asked)


@wrong("request.instance_id.required", "request")
class IdInTheQuery(PlainClient):
    """The id as a parameter, as in RPC style; the template's place stays empty."""

    def segment(self, _instance_id: str) -> str:
        return ""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        return [*super().parameters(asked), ("InstanceId", asked.instance_id)]


@wrong("sent.instance_id", "request", case="request.id.masked")
class EncodesTheIdTwice(PlainClient):
    """The id is encoded by the caller of a URL builder that encodes too."""

    def segment(self, instance_id: str) -> str:
        return quote(super().segment(instance_id))


@wrong("sent.instance_id", "request", case="request.id.upper_case")
class LowersTheId(PlainClient):
    """Ids are normalised as host names are."""

    def segment(self, instance_id: str) -> str:
        return super().segment(instance_id.lower())


@wrong("sent.instance_id", "request", case="request.id.long")
class CutsTheId(PlainClient):
    """The id passes through a column of 32 characters."""

    def segment(self, instance_id: str) -> str:
        return super().segment(instance_id[:32])


@wrong("sent.instance_id", "request", case="request.id.digits")
class IdAsNumber(PlainClient):
    """The id passes through a YAML reader that takes digits for a number."""

    def segment(self, instance_id: str) -> str:
        return super().segment(str(int(instance_id)) if instance_id.isdigit() else instance_id)


@wrong("sent.call", "request", case="request.id.mixed_case")
class ChecksIdsByAPattern(PlainClient):
    """A pattern guessed from one id, which the next one does not match."""

    def segment(self, instance_id: str) -> str:
        if not re.fullmatch(r"es-cn-[a-z0-9]{17}", instance_id):
            raise ValueError(f"{instance_id!r} is no id of an instance")
        return super().segment(instance_id)


@wrong("request.http.target_form", "request", level="should")
class AbsoluteTarget(PlainClient):
    """The whole URL in the request line, as towards a proxy."""

    def target(self, asked: UpgradeRequest) -> str:
        return self.endpoint.url + super().target(asked)


@wrong("request.http.syntax", "request", case="request.token.blank_inside")
class RawQuery(PlainClient):
    """The query is put together by hand, and not encoded."""

    def query(self, asked: UpgradeRequest) -> str:
        return "&".join(f"{name}={value}" for name, value in self.parameters(asked))


# === the token ============================================================================


class _EncodingByHand(PlainClient):
    """As its base, with the token's encoding as a method."""

    def query(self, asked: UpgradeRequest) -> str:
        return "&".join(f"{name}={self.encoded(value)}" for name, value in self.parameters(asked))

    def encoded(self, value: str) -> str:
        return quote(value, safe="")


@wrong("sent.client_token", "request", case="request.token.plus")
class PlusLeftRaw(_EncodingByHand):
    """`+` counts as safe, and is read as a blank."""

    def encoded(self, value: str) -> str:
        return quote(value, safe="+")


@wrong("sent.client_token", "request", case="request.token.percent_encoded")
class PercentLeftRaw(_EncodingByHand):
    """What looks encoded already is left as it is."""

    def encoded(self, value: str) -> str:
        return quote(value, safe="%")


@wrong("sent.client_token", "request", case="request.token.ampersand")
class AmpersandLeftRaw(_EncodingByHand):
    """`encodeURI` in place of `encodeURIComponent`: the token may add parameters."""

    def encoded(self, value: str) -> str:
        return quote(value, safe=";,/?:@&=+$-_.!~*'()#")


@wrong("sent.client_token", "request", case="request.token.percent")
class EncodesTheTokenTwice(_EncodingByHand):
    """The token is encoded by hand, and again by the query builder."""

    def encoded(self, value: str) -> str:
        return quote(quote(value, safe=""), safe="")


class _TokenChanging(PlainClient):
    """As its base, with the token's value as a method."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        given = dict(super().parameters(asked))
        if "clientToken" in given:
            given["clientToken"] = self.changed(given["clientToken"])
        return list(given.items())

    def changed(self, token: str) -> str:
        return token


@wrong("sent.client_token", "request", case="request.token.blank_at_end")
class StripsTheToken(_TokenChanging):
    """Input is trimmed."""

    def changed(self, token: str) -> str:
        return token.strip()


@wrong("sent.client_token", "request", case="request.token.lower_case")
class UppersTheToken(_TokenChanging):
    """UUIDs are written in capitals here."""

    def changed(self, token: str) -> str:
        return token.upper()


@wrong("sent.client_token", "request", case="request.token.length_64")
class CutsTheToken(_TokenChanging):
    """32 characters are enough for a UUID without hyphens."""

    def changed(self, token: str) -> str:
        return token[:36]


@wrong("sent.client_token", "request", case="request.token.backslash")
class EscapesBackslashes(_TokenChanging):
    """The token passes through a template that escapes."""

    def changed(self, token: str) -> str:
        return token.replace("\\", "\\\\")


@wrong("sent.client_token", "request", case="request.token.looks_like_float")
class TokenThroughJson(_TokenChanging):
    """The token is read as JSON where that is possible."""

    def changed(self, token: str) -> str:
        try:
            return str(json.loads(token))
        except ValueError:
            return token


@wrong("sent.client_token", "request", case="request.token.word_null")
class WordsForNothingDropped(PlainClient):
    """A token that reads "null" or "None" is taken for none."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        return [pair for pair in super().parameters(asked) if pair[1] not in ("null", "None")]


@wrong("sent.client_token", "request")
class TokenForgotten(PlainClient):
    """The token is in the method's signature, and goes no further."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        return super().parameters(replace(asked, client_token=None))


@wrong("sent.client_token", "request")
class OwnTokenAlways(TokenMaking):
    """A token is made, whether one was given or not."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        return super().parameters(replace(asked, client_token=None))


@wrong("sent.client_token", "request", case="request.order_of_calls")
class FirstTokenKept(PlainClient):
    """The token of the first call is cached on the client."""

    token: str | None = None

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        self.token = self.token or asked.client_token
        return super().parameters(replace(asked, client_token=asked.client_token and self.token))


@wrong("request.client_token.length", "request")
class TokenOfTwoUuids(TokenMaking):
    """One UUID did not seem unique enough."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        made = f"{uuid.uuid4()}-{uuid.uuid4()}"
        return super().parameters(replace(asked, client_token=asked.client_token or made))


@wrong("sent.made_token", "request")
class TokenWithAnUmlaut(TokenMaking):
    """The operator's name goes into the token."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        made = f"J\u00fcrgen-{uuid.uuid4()}"
        return super().parameters(replace(asked, client_token=asked.client_token or made))


@wrong("request.client_token.ascii", "request")
class TokenWithAnArrow(TokenMaking):
    """From and to stand in the token, with an arrow between them."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        made = f"6.3\u21926.7 {uuid.uuid4()}"
        return super().parameters(replace(asked, client_token=asked.client_token or made))


@wrong("request.position", "request")
class TokenInTheBody(PlainClient):
    """All parameters of a POST go into its body."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        return [pair for pair in super().parameters(asked) if pair[0] != "clientToken"]

    def members(self, asked: UpgradeRequest) -> Document:
        token = {} if asked.client_token is None else {"clientToken": asked.client_token}
        return {**super().members(asked), **token}


@wrong("request.position", "request")
class TokenInAHeaderToo(PlainClient):
    """The token also goes into a header of its name."""

    def headers(self, asked: UpgradeRequest, body: bytes) -> list[tuple[str, str]]:
        token = [("ClientToken", asked.client_token)] if asked.client_token else []
        return [*super().headers(asked, body), *token]


@wrong("sent.elsewhere", "request")
class TokenUnderItsOldNameToo(PlainClient):
    """The token is sent under two names, to be safe."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        given = super().parameters(asked)
        return [*given, *(("idempotencyKey", value) for name, value in given if name == "clientToken")]


@wrong("request.duplicate", "request")
class TwoTokens(PlainClient):
    """The transport adds its own token, and does not look whether there is one."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        return [*super().parameters(asked), ("clientToken", str(uuid.uuid4()))]


# === dryRun ===============================================================================


class _Flag(PlainClient):
    """As its base, with the text of dryRun as a method; None is left out."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        given = dict(super().parameters(replace(asked, dry_run=None)))
        text = self.text(asked.dry_run)
        return list(({**given, "dryRun": text} if text is not None else given).items())

    def text(self, flag: bool | None) -> str | None:  # noqa: FBT001 - that is what is asked
        return None if flag is None else str(flag).lower()


@wrong("request.dry_run.form", "request", level="should")
class PythonsTrue(_Flag):
    """str(True) is "True"; all Python SDKs do it."""

    def text(self, flag: bool | None) -> str | None:  # noqa: FBT001
        return None if flag is None else str(flag)


@wrong("request.dry_run.type", "request")
class OneForTrue(_Flag):
    """Booleans as in C."""

    def text(self, flag: bool | None) -> str | None:  # noqa: FBT001
        return None if flag is None else str(int(flag))


@wrong("request.dry_run.type", "request")
class YesForTrue(_Flag):
    """Booleans as in YAML."""

    def text(self, flag: bool | None) -> str | None:  # noqa: FBT001
        return None if flag is None else ("yes" if flag else "no")


@wrong("sent.dry_run", "request")
class DryRunForgotten(_Flag):
    """A dry run becomes an upgrade: the parameter goes no further than the signature."""

    def text(self, _flag: bool | None) -> str | None:  # noqa: FBT001
        return None


@wrong("sent.dry_run", "request")
class DryRunTheOtherWayRound(_Flag):
    """`dry_run` was mapped from a switch called `execute`."""

    def text(self, flag: bool | None) -> str | None:  # noqa: FBT001
        return None if flag is None else str(not flag).lower()


@wrong("sent.dry_run", "request")
class TextOfFalseIsTrue(_Flag):
    """`"true" if flag is not None`: given at all means true."""

    def text(self, flag: bool | None) -> str | None:  # noqa: FBT001
        return None if flag is None else "true"


@wrong("sent.absent", "request")
class DryRunUnlessToldOtherwise(_Flag):
    """A careful default of its own: the upgrade that was asked for is never done."""

    def text(self, flag: bool | None) -> str | None:  # noqa: FBT001
        return "true" if flag is None else str(flag).lower()


@wrong("sent.absent", "request")
class WordNone(_Flag):
    """str(None) is "None"."""

    def text(self, flag: bool | None) -> str | None:  # noqa: FBT001
        return str(flag).lower() if flag is not None else "None"


@wrong("sent.dry_run_default", "request", level="may")
class FalseSpeltOut(_Flag):
    """The usual default is always sent."""

    def text(self, flag: bool | None) -> str | None:  # noqa: FBT001
        return str(bool(flag)).lower()


@wrong("sent.dry_run_default", "request", level="may")
class FalseLeftOut(_Flag):
    """`if dry_run:` drops False."""

    def text(self, flag: bool | None) -> str | None:  # noqa: FBT001
        return "true" if flag else None


@wrong("request.position", "request")
class DryRunInTheBody(PlainClient):
    """All that is no token is taken for part of the document."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        return super().parameters(replace(asked, dry_run=None))

    def members(self, asked: UpgradeRequest) -> Document:
        flag = {} if asked.dry_run is None else {"dryRun": asked.dry_run}
        return {**super().members(asked), **flag}


@wrong("request.repeated", "request", level="should")
class DryRunTwice(PlainClient):
    """Parameters are added to a list, here and in the base class."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        given = super().parameters(asked)
        return [*given, *(pair for pair in given if pair[0] == "dryRun")]


# === nothing given, too much given ========================================================


@wrong("sent.absent", "request")
class EmptyToken(PlainClient):
    """What is absent is sent as an empty text, as generic query builders do with None."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        return list({"clientToken": "", **dict(super().parameters(asked))}.items())


@wrong("sent.absent", "request")
class NullMembers(PlainClient):
    """A JSON mapper that writes null for what is not set."""

    def members(self, asked: UpgradeRequest) -> Document:
        return {"version": asked.version, "type": asked.type}


@wrong("request.type.type", "request")
class NullType(PlainClient):
    """The type alone is written as null."""

    def members(self, asked: UpgradeRequest) -> Document:
        return {"type": None, **super().members(asked)}


@wrong("sent.absent", "request")
class EmptyMembers(PlainClient):
    """Go's zero values without `omitempty`."""

    def members(self, asked: UpgradeRequest) -> Document:
        return {"version": asked.version or "", "type": asked.type or ""}


@wrong("sent.absent", "request")
class DefaultVersion(PlainClient):
    """Who names no version gets the newest."""

    def members(self, asked: UpgradeRequest) -> Document:
        return {"version": "6.7", **super().members(asked)}


@wrong("sent.type_default", "request", level="may")
class DefaultTypeAdded(PlainClient):
    """The documented default is always sent."""

    def members(self, asked: UpgradeRequest) -> Document:
        return {"type": "engineVersion", **super().members(asked)}


@wrong("sent.call_without_version", "request", level="may")
class InsistsOnAVersion(PlainClient):
    """An upgrade to nothing is refused, though the page calls version optional."""

    def members(self, asked: UpgradeRequest) -> Document:
        if not asked.version:
            raise ValueError("version is needed")
        return super().members(asked)


@wrong("sent.call", "request", case="request.given.nothing")
class NothingToDoWithoutAVersion(PlainClient):
    """What has no version is taken for done: nothing is sent, and a success returned."""

    def __call__(self, asked: UpgradeRequest) -> Any:
        if asked.version is None:
            return {"RequestId": "none", "Result": []}
        return super().__call__(asked)


@wrong("sent.call", "request")
class InsistsOnAToken(PlainClient):
    """A token is demanded, though the page calls it optional."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        if asked.client_token is None:
            raise ValueError("client_token is needed")
        return super().parameters(asked)


@wrong("request.extra", "request", level="should")
class ForcesIt(PlainClient):
    """A parameter of a neighbouring operation."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        return [*super().parameters(asked), ("force", "true")]


@wrong("request.extra", "request", level="should")
class MemberOfALaterEdition(PlainClient):
    """A member that a later edition of the API knows."""

    def members(self, asked: UpgradeRequest) -> Document:
        return {**super().members(asked), "updateStrategy": "blue_green"}


@wrong("request.sdk_extra", "request", level="may")
class RegionInTheQuery(PlainClient):
    """The classic SDK adds RegionId to every call."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        return [*super().parameters(asked), ("RegionId", self.endpoint.region_id)]


# === the body =============================================================================


@wrong("sent.version", "request")
class VersionForgotten(PlainClient):
    """Only the type is sent."""

    def members(self, asked: UpgradeRequest) -> Document:
        return super().members(replace(asked, version=None))


@wrong("sent.type", "request")
class TypeForgotten(PlainClient):
    """The type is left to the service, which takes another for its default."""

    def members(self, asked: UpgradeRequest) -> Document:
        return super().members(replace(asked, type=None))


@wrong("request.pairing", "request")
class TypeHardCoded(PlainClient):
    """Written for one kind of upgrade, and used for both."""

    def members(self, asked: UpgradeRequest) -> Document:
        return super().members(replace(asked, type=asked.type and "engineVersion"))


@wrong("request.version.type", "request")
class VersionAsNumber(PlainClient):
    """6.7 came out of a YAML file, as a number."""

    def members(self, asked: UpgradeRequest) -> Document:
        given = super().members(asked)
        return {**given, "version": 6.7} if asked.version == "6.7" else given


@wrong("request.version.value", "request")
class VersionAsTag(PlainClient):
    """Versions are written as the tags of a repository are."""

    def members(self, asked: UpgradeRequest) -> Document:
        return super().members(replace(asked, version=asked.version and f"v{asked.version}"))


@wrong("sent.version", "request")
class VersionOfThreeNumbers(PlainClient):
    """6.7 is completed to 6.7.0 as semantic versions want it."""

    def members(self, asked: UpgradeRequest) -> Document:
        return super().members(replace(asked, version="6.7.0" if asked.version == "6.7" else asked.version))


@wrong("request.type.value", "request")
class TypeInSnakeCase(PlainClient):
    """The name of an enumeration's member in place of its value."""

    def members(self, asked: UpgradeRequest) -> Document:
        text = re.sub(r"(?=[A-Z])", "_", asked.type).upper() if asked.type else None
        return super().members(replace(asked, type=text))


@wrong("request.type.type", "request")
class TypeAsList(PlainClient):
    """A mapper that turns every enumeration into a list of one."""

    def members(self, asked: UpgradeRequest) -> Document:
        return super().members(replace(asked, type=[asked.type] if asked.type else None))


@wrong("request.position", "request")
class VersionInTheQuery(PlainClient):
    """`params=` in place of `json=`."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        return [*super().parameters(asked), *super().members(asked).items()]

    def members(self, _asked: UpgradeRequest) -> Document:
        return {}


@wrong("sent.version", "request")
class MembersInSnakeCase(PlainClient):
    """Members under names of the client's own."""

    def members(self, asked: UpgradeRequest) -> Document:
        return {f"upgrade_{name}": value for name, value in super().members(asked).items()}


class _Bytes(PlainClient):
    """As its base, with the bytes of the body as a method."""

    def body(self, asked: UpgradeRequest) -> bytes:
        return self.encoded(self.members(asked))

    def encoded(self, members: Document) -> bytes:
        return json.dumps(members).encode()


@wrong("request.body.media_type", "request")
class Form(_Bytes):
    """`data=` in place of `json=`; the older SDK does it."""

    def encoded(self, members: Document) -> bytes:
        return urlencode(members).encode()

    def media_type(self) -> list[tuple[str, str]]:
        return [("Content-Type", "application/x-www-form-urlencoded")]


@wrong("request.body.media_type", "request")
class JsonInAFormField(_Bytes):
    """The classic SDK's set_body: a form with one field, `body`, that holds the JSON."""

    def encoded(self, members: Document) -> bytes:
        return urlencode({"body": json.dumps(members)}).encode()

    def media_type(self) -> list[tuple[str, str]]:
        return [("Content-Type", "application/x-www-form-urlencoded")]


@wrong("request.body.media_type", "request")
class JsonCalledText(PlainClient):
    """A string as the body, which the library calls text/plain."""

    def media_type(self) -> list[tuple[str, str]]:
        return [("Content-Type", "text/plain; charset=utf-8")]


@wrong("request.body.media_type", "request")
class TwoMediaTypes(PlainClient):
    """The library's default media type stays beside the one that is set."""

    def media_type(self) -> list[tuple[str, str]]:
        return [*super().media_type(), ("content-type", "application/x-www-form-urlencoded")]


@wrong("request.body.content_type", "request", level="should")
class NoMediaType(PlainClient):
    """Bytes as the body, which the library calls nothing at all."""

    def media_type(self) -> list[tuple[str, str]]:
        return []


@wrong("request.body.json", "request")
class ReprOfADict(_Bytes):
    """str() of a dict looks like JSON."""

    def encoded(self, members: Document) -> bytes:
        return str(members).encode()


@wrong("request.body.json", "request")
class CommaAtTheEnd(_Bytes):
    """JSON put together by hand."""

    def encoded(self, members: Document) -> bytes:
        return b"{" + b"".join(f'"{name}": "{value}",'.encode() for name, value in members.items()) + b"}"


@wrong("request.body.object", "request")
class EncodedTwice(_Bytes):
    """`json=json.dumps(...)`: a string that holds JSON."""

    def encoded(self, members: Document) -> bytes:
        return json.dumps(json.dumps(members)).encode()


@wrong("request.body.object", "request")
class ListOfOne(_Bytes):
    """A serialiser of lists of models."""

    def encoded(self, members: Document) -> bytes:
        return json.dumps([members]).encode()


@wrong("request.body.object", "request")
class NullForNothing(_Bytes):
    """Nothing to say is written as null."""

    def encoded(self, members: Document) -> bytes:
        return json.dumps(members or None).encode()


@wrong("request.body.utf8", "request")
class ByteOrderMark(_Bytes):
    """The encoding's name is utf-8-sig."""

    def encoded(self, members: Document) -> bytes:
        return json.dumps(members).encode("utf-8-sig")


@wrong("request.body.utf8", "request")
class WideCharacters(_Bytes):
    """The platform's own encoding of text."""

    def encoded(self, members: Document) -> bytes:
        return json.dumps(members).encode("utf-16")


@wrong("request.duplicate", "request")
class MemberTwice(_Bytes):
    """A default is written before the caller's value, into the same object."""

    def encoded(self, members: Document) -> bytes:
        return b'{"version": "latest", ' + json.dumps({"type": "engineVersion", **members}).encode()[1:]


# === the message ==========================================================================


@wrong("request.http.length", "request")
class LengthOfAnotherText(PlainClient):
    """The length is taken from the indented text, and the compact one is sent."""

    def length(self, body: bytes) -> list[tuple[str, str]]:
        return [("Content-Length", str(len(json.dumps(json.loads(body), indent=4))))]


@wrong("request.body.json", "request")
class LengthTakenTooEarly(PlainClient):
    """The length is taken before the last brace is written."""

    def length(self, body: bytes) -> list[tuple[str, str]]:
        return [("Content-Length", str(len(body) - 1))]


@wrong("request.http.length", "request")
class LengthAndChunked(PlainClient):
    """Both ways of telling the length."""

    def length(self, body: bytes) -> list[tuple[str, str]]:
        return [*super().length(body), ("Content-Length", "0")]


@wrong("request.http.syntax", "request")
class HeaderWithoutColon(PlainClient):
    """A header line that was put together by hand."""

    def request(self, asked: UpgradeRequest) -> bytes:
        return super().request(asked).replace(b"Accept: ", b"Accept ", 1)


@wrong("request.http.host", "request")
class NoHost(PlainClient):
    """A request line and a body seemed enough."""

    def host(self) -> list[tuple[str, str]]:
        return []


@wrong("request.http.host", "request")
class HostOfTheRealService(PlainClient):
    """The public name in Host, whatever the endpoint is."""

    def host(self) -> list[tuple[str, str]]:
        return [("Host", "elasticsearch.cn-hangzhou.aliyuncs.com")]


@wrong("request.http.host", "request")
class UrlAsHost(PlainClient):
    """An endpoint given with its scheme ends up in Host."""

    def host(self) -> list[tuple[str, str]]:
        return [("Host", self.endpoint.url)]


@wrong("request.http.host_port", "request", level="may")
class HostWithoutPort(PlainClient):
    """The port is left out of Host."""

    def host(self) -> list[tuple[str, str]]:
        return [("Host", self.endpoint.host)]


# === the number of requests, and used clients =============================================


@wrong("sent.once", "request")
class PostsTwice(PlainClient):
    """A check for the status, done by calling again; without a token that is a second upgrade."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        super().answer(asked)
        return super().answer(asked)


@wrong("sent.once", "request")
class NewTokenForTheSecondTime(TokenMaking):
    """Called again with a token made anew."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        super().answer(asked)
        return super().answer(asked)


class _Probing(PlainClient):
    """As its base, with what is sent before as a method."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        self.before(asked)
        return super().answer(asked)

    def before(self, asked: UpgradeRequest) -> None:
        """Nothing."""

    def probe(self, method: str, target: str) -> None:
        head = f"{method} {target} HTTP/1.1\r\nHost: {self.endpoint.netloc}\r\nConnection: close\r\n\r\n"
        with socket.create_connection((self.endpoint.host, self.endpoint.port), self.endpoint.timeout) as connection:
            connection.sendall(head.encode())
            while connection.recv(65536):
                pass


@wrong("sent.extra_call", "request", level="should")
class AsksForTheInstanceFirst(_Probing):
    """A look at the instance before every upgrade."""

    def before(self, asked: UpgradeRequest) -> None:
        self.probe("GET", f"/openapi/instances/{segment(asked.instance_id)}")


@wrong("sent.extra_call", "request", level="should")
class LooksWhetherTheHostIsUp(_Probing):
    """A HEAD of the root before every call."""

    def before(self, _asked: UpgradeRequest) -> None:
        self.probe("HEAD", "/")


@wrong("sent.extra_call", "request", level="should")
class ChecksFirst(_Probing):
    """A dry run before every upgrade, which nobody asked for."""

    def before(self, asked: UpgradeRequest) -> None:
        if not asked.dry_run:
            self.exchange((self.endpoint.host, self.endpoint.port), self.request(replace(asked, dry_run=True)))


@wrong("sent.absent", "request", case="request.order_of_calls")
class MutableDefault(PlainClient):
    """`def parameters(self, into={})`: values of earlier calls come back."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.kept: dict[str, str] = {}

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        self.kept.update(super().parameters(asked))
        return list(self.kept.items())


@wrong("sent.repeatable", "request", case="request.used_client")
class OnceADryRun(PlainClient):
    """dryRun is a setting of the client, which the first dry run turns on for good."""

    checking = False

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        self.checking = self.checking or asked.dry_run is True
        return super().parameters(replace(asked, dry_run=self.checking or asked.dry_run))


@wrong("sent.instance_id", "request", case="request.order_of_calls")
class FirstPathKept(PlainClient):
    """The URL is built once and cached on the client."""

    kept: str | None = None

    def path(self, asked: UpgradeRequest) -> str:
        self.kept = self.kept or super().path(asked)
        return self.kept
