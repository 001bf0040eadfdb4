"""Wrong clients of family `signature`: what they sign is not what they send, or is not signed as the scheme says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import ClassVar
from urllib.parse import quote, unquote, urlencode

from pytest_es_upgrade import Endpoint, UpgradeRequest

from .right import RoaSigning, Signing
from .right_retrying import Thorough
from .table import wrong

Pairs = list[tuple[str, str]]

#: Seconds within which calls that are made at once have begun.
_SLOW = 0.05

# === whether, and in which form ==========================================================


@wrong("signature.absent", "signature", level="should", case="signature.present")
class SignsRealCallsAlone(Signing):
    """A check needs no credentials, somebody thought."""

    def headers(self, asked: UpgradeRequest, body: bytes) -> Pairs:
        headers = super().headers(asked, body)
        return [pair for pair in headers if not (asked.dry_run and pair[0] == "Authorization")]


@wrong("signature.scheme", "signature", level="may", case="signature.present")
class SignsWithRsa(Signing):
    """A scheme of the vendor's that is not verified here."""

    def authorization(self, asked: UpgradeRequest, signed: dict[str, str]) -> str:
        return super().authorization(asked, signed).replace("HMAC", "RSA", 1)


@wrong("signature.form", "signature", case="signature.form")
class SemicolonsInAuthorization(Signing):
    """The parts are joined by semicolons, as the header list is."""

    def authorization(self, asked: UpgradeRequest, signed: dict[str, str]) -> str:
        return super().authorization(asked, signed).replace(",", ";")


@wrong("signature.form", "signature", case="signature.form")
class PartsInLowerCase(Signing):
    """credential=, signedheaders=, signature=: parameters are case-insensitive elsewhere."""

    def authorization(self, asked: UpgradeRequest, signed: dict[str, str]) -> str:
        return super().authorization(asked, signed).lower()


@wrong("signature.form", "signature", case="signature.form")
class OneColonTooMany(RoaSigning):
    """A colon behind the scheme as well."""

    def headers(self, asked: UpgradeRequest, body: bytes) -> Pairs:
        return [(name, value.replace("acs ", "acs :", 1)) for name, value in super().headers(asked, body)]


@wrong("signature.access_key", "signature", case="signature.access_key")
class KeyInTheCode(Signing):
    """The access key of whoever wrote it."""

    def key_id(self) -> str:
        return "LTAI5tHardCodedInTheCode"


@wrong("signature.access_key", "signature", case="signature.credentials")
class KeyOfTheFirstClient(Signing):
    """Credentials are looked up once, and kept for the process."""

    known: ClassVar[list[Endpoint]] = []

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.known.append(endpoint)

    def key_id(self) -> str:
        return self.known[0].access_key_id

    def secret(self) -> str:
        return self.known[0].access_key_secret


# === the text that is signed =============================================================


@wrong("signature.value", "signature", case="signature.token.ampersand")
class SignsBeforeEncoding(Signing):
    """The query is signed as it is before it is encoded, as the older scheme does."""

    def signed_query(self, asked: UpgradeRequest) -> str:
        return "&".join(f"{name}={value}" for name, value in sorted(self.parameters(asked)))


@wrong("signature.value", "signature", case="signature.sample.table_examples")
class SignsInTheOrderOfTheUrl(Signing):
    """The query is signed in the order in which it is sent."""

    def parameters(self, asked: UpgradeRequest) -> Pairs:
        return super().parameters(asked)[::-1]

    def signed_query(self, asked: UpgradeRequest) -> str:
        return self.query(asked)


@wrong("signature.value", "signature", case="signature.token.percent")
class SignsTheQueryEncodedTwice(Signing):
    """An encoded query is given to a function that encodes."""

    def signed_query(self, asked: UpgradeRequest) -> str:
        return "&".join(f"{name}={quote(quote(value, safe=''))}" for name, value in sorted(self.parameters(asked)))


@wrong("signature.value", "signature", case="signature.token.blank_inside")
class SignsPlusForBlank(Signing):
    """urlencode's own default: a blank is signed as +."""

    def signed_query(self, asked: UpgradeRequest) -> str:
        return super().signed_query(asked).replace("%20", "+")


@wrong("signature.value", "signature", case="signature.token.marks")
class SignsTheQueryOfJavaScript(Signing):
    """encodeURIComponent leaves !'()* as they are."""

    def signed_query(self, asked: UpgradeRequest) -> str:
        return urlencode(sorted(self.parameters(asked)), quote_via=quote, safe="!'()*")


@wrong("signature.value", "signature", case="signature.token.uuid")
class SignsNoQuery(Signing):
    """Everything is in the body, it was thought."""

    def signed_query(self, _asked: UpgradeRequest) -> str:
        return ""


@wrong("signature.value", "signature", case="signature.id.masked")
class SignsTheDecodedPath(Signing):
    """The path is signed before it is encoded."""

    def signed_path(self, asked: UpgradeRequest) -> str:
        return unquote(super().signed_path(asked))


@wrong("signature.value", "signature", case="signature.id.masked")
class SignsThePathEncodedTwice(Signing):
    """An encoded path is given to a function that encodes."""

    def signed_path(self, asked: UpgradeRequest) -> str:
        return quote(super().signed_path(asked))


@wrong("signature.value", "signature", case="signature.id.mixed_case")
class SignsTheIdInLowerCase(Signing):
    """What is signed is put into lower case as a whole, header names being so."""

    def signed_path(self, asked: UpgradeRequest) -> str:
        return super().signed_path(asked).lower()


@wrong("signature.value", "signature", case="signature.given.nothing")
class SignsAHostWithoutPort(Signing):
    """Host as it is in production, where there is no port."""

    def canonical(self, asked: UpgradeRequest, signed: dict[str, str]) -> str:
        return super().canonical(asked, {**signed, "host": self.endpoint.host})


@wrong("signature.value", "signature", case="signature.given.nothing")
class LibraryChangesTheMediaType(Signing):
    """A library adds the charset after the request was signed."""

    def headers(self, asked: UpgradeRequest, body: bytes) -> Pairs:
        headers = super().headers(asked, body)
        return [(name, f"{value}; charset=utf-8" if name == "content-type" else value) for name, value in headers]


# === the signature ========================================================================


@wrong("signature.value", "signature", case="signature.given.nothing")
class SignsTheTextItself(Signing):
    """The hash of the text to sign was forgotten."""

    def signature(self, canonical: str) -> str:
        return self.hashed(f"ACS3-HMAC-SHA256\n{canonical}").hex()


@wrong("signature.value", "signature", case="signature.given.nothing")
class SignatureInUpperCase(Signing):
    """A hexadecimal function that prints capitals."""

    def signature(self, canonical: str) -> str:
        return super().signature(canonical).upper()


@wrong("signature.value", "signature", case="signature.given.nothing")
class SignatureInBase64(Signing):
    """As in the older scheme."""

    def signature(self, canonical: str) -> str:
        return base64.b64encode(bytes.fromhex(super().signature(canonical))).decode()


@wrong("signature.value", "signature", case="signature.given.nothing")
class SecretWithAmpersand(Signing):
    """RPC style puts a & behind the secret; this is not RPC style."""

    def secret(self) -> str:
        return f"{super().secret()}&"


@wrong("signature.value", "signature", case="signature.given.nothing")
class WrongSecret(Signing):
    """The line break at the end of a file of secrets is part of the secret."""

    def secret(self) -> str:
        return f"{super().secret()}\n"


# === headers of the newer scheme ==========================================================


@wrong("signature.content_sha256", "signature", case="signature.body")
class ForgetsTheHashOfTheBody(Signing):
    """x-acs-content-sha256 is signed over, and not sent."""

    def headers(self, asked: UpgradeRequest, body: bytes) -> Pairs:
        return [pair for pair in super().headers(asked, body) if pair[0] != "x-acs-content-sha256"]


@wrong("signature.content_sha256", "signature", case="signature.body")
class HashOfNothing(Signing):
    """The hash is taken before the body is written: the body is not covered."""

    def digest(self, _body: bytes) -> str:
        return hashlib.sha256(b"").hexdigest()


@wrong("signature.content_sha256", "signature", case="signature.body")
class HashInUpperCase(Signing):
    """A hexadecimal function that prints capitals."""

    def digest(self, body: bytes) -> str:
        return super().digest(body).upper()


@wrong("signature.content_sha256", "signature", case="signature.used_client")
class HashOfTheFirstBody(Signing):
    """The hash is kept with what else never changes."""

    known: str | None = None

    def digest(self, body: bytes) -> str:
        self.known = self.known or super().digest(body)
        return self.known


@wrong("signature.signed_headers", "signature", case="signature.headers")
class HostNotSigned(Signing):
    """The library sets Host, so it is not known when the request is signed."""

    def listed(self, signed: dict[str, str]) -> list[str]:
        return [name for name in super().listed(signed) if name != "host"]


@wrong("signature.signed_headers", "signature", case="signature.headers")
class MediaTypeNotSigned(Signing):
    """The library sets Content-Type."""

    def listed(self, signed: dict[str, str]) -> list[str]:
        return [name for name in super().listed(signed) if name != "content-type"]


@wrong("signature.signed_headers", "signature", case="signature.headers")
class HeaderAddedAfterSigning(Signing):
    """A middleware tells of itself."""

    def headers(self, asked: UpgradeRequest, body: bytes) -> Pairs:
        return [*super().headers(asked, body), ("x-acs-trace", "1")]


@wrong("signature.header_list", "signature", case="signature.headers")
class HeadersUnsorted(Signing):
    """The list is in the order in which headers were set, and signed so."""

    def listed(self, signed: dict[str, str]) -> list[str]:
        return list(signed)[::-1]


@wrong("signature.header_list", "signature", case="signature.headers")
class ListInCapitals(Signing):
    """The list has the names as people write them."""

    def authorization(self, asked: UpgradeRequest, signed: dict[str, str]) -> str:
        return super().authorization(asked, signed).replace("content-type;host", "Content-Type;Host")


@wrong("signature.version", "signature", case="signature.version")
class VersionOfTheEngine(Signing):
    """`get_version()` of a request gives the version that is upgraded to, and becomes the version of the API."""

    def api_version(self, asked: UpgradeRequest) -> str:
        return str(asked.version or super().api_version(asked))


@wrong("signature.version", "signature", case="signature.version")
class NoVersion(Signing):
    """The path tells the operation, so what is a version for?"""

    def signed(self, asked: UpgradeRequest, body: bytes) -> dict[str, str]:
        return {name: value for name, value in super().signed(asked, body).items() if name != "x-acs-version"}


@wrong("signature.action", "signature", case="signature.action")
class ActionOfThePath(Signing):
    """The action is spelled as in the path."""

    def signed(self, asked: UpgradeRequest, body: bytes) -> dict[str, str]:
        return {**super().signed(asked, body), "x-acs-action": "upgrade-version"}


@wrong("client.secret", "signature", case="signature.secret")
class SecretBesideTheSignature(Signing):
    """A header that was there to debug the signature."""

    def headers(self, asked: UpgradeRequest, body: bytes) -> Pairs:
        return [*super().headers(asked, body), ("x-debug-key", self.secret())]


# === date and nonce =======================================================================


@wrong("signature.date", "signature", case="signature.date")
class HttpDateInTheNewScheme(Signing):
    """The form of the older scheme."""

    def date(self) -> str:
        return datetime.now(timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")


@wrong("signature.date", "signature", case="signature.date")
class DateWithOffset(Signing):
    """`isoformat()`: microseconds and +00:00."""

    def date(self) -> str:
        return datetime.now(timezone.utc).isoformat()


@wrong("signature.date", "signature", case="signature.date")
class SecondsSince1970(Signing):
    """A timestamp is a number, elsewhere."""

    def date(self) -> str:
        return f"{datetime.now(timezone.utc).timestamp():.0f}"


@wrong("signature.date_fresh", "signature", case="signature.date_fresh")
class LocalTimeWithZ(Signing):
    """The time of Hangzhou, with a Z behind it."""

    def date(self) -> str:
        return datetime.now(timezone(timedelta(hours=8))).strftime("%Y-%m-%dT%H:%M:%SZ")


@wrong("signature.date_fresh", "signature", case="signature.date_fresh")
class DateOfTheBuild(Signing):
    """A constant that a test needed."""

    def date(self) -> str:
        return "2018-01-01T12:00:00Z"


@wrong("signature.nonce", "signature", level="should", case="signature.nonce")
class NoNonce(Signing):
    """The date is there already."""

    def signed(self, asked: UpgradeRequest, body: bytes) -> dict[str, str]:
        return {name: value for name, value in super().signed(asked, body).items() if "nonce" not in name}


@wrong("signature.nonce_new", "signature", level="should", case="signature.nonce_new.equal_calls")
class NonceOfTheClient(Signing):
    """One nonce a client."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.own = super().nonce()

    def nonce(self) -> str:
        return self.own


@wrong("signature.nonce_new", "signature", level="should", case="signature.nonce_new.fresh_clients")
class NonceIsACounter(Signing):
    """Each client counts from 1."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.counter: Iterator[int] = itertools.count(1)

    def nonce(self) -> str:
        return str(next(self.counter))


@wrong("signature.nonce_new", "signature", level="should", case="signature.nonce_new.equal_calls")
class NonceOfTheContent(Signing):
    """The nonce is a digest of the call."""

    def signed(self, asked: UpgradeRequest, body: bytes) -> dict[str, str]:
        return {
            **super().signed(asked, body),
            "x-acs-signature-nonce": hashlib.sha256(self.target(asked).encode() + body).hexdigest(),
        }


@wrong("signature.nonce_new", "signature", level="should", case="signature.nonce_new.together")
class NonceOfTheYear(Signing):
    """Made of a clock that is too coarse."""

    def nonce(self) -> str:
        return str(datetime.now(timezone.utc).year)


@wrong("signature.value", "signature", case="signature.used_client")
class SignatureOfTheFirstCall(Signing):
    """Headers are made once for a client, Authorization among them."""

    known: Pairs | None = None

    def headers(self, asked: UpgradeRequest, body: bytes) -> Pairs:
        self.known = self.known or super().headers(asked, body)[:-2]
        return [*self.known, *self.length(body), ("Connection", "close")]


@wrong("signature.value", "signature", case="signature.together")
class TextOfTheClient(Signing):
    """The text to sign is a member of the client, and signed a moment later."""

    text: str = ""

    def canonical(self, asked: UpgradeRequest, signed: dict[str, str]) -> str:
        self.text = super().canonical(asked, signed)
        time.sleep(_SLOW)
        return self.text


@wrong("idempotency.nonce", "signature", level="should", case="signature.attempts.nonce")
class RepeatsTheSameBytes(Thorough):
    """A call is signed once, and its bytes are sent in every attempt."""

    known: bytes | None = None

    def attempt_request(self, asked: UpgradeRequest, number: int) -> bytes:
        if not number or self.known is None:
            self.known = super().attempt_request(asked, number)
        return self.known


@wrong("signature.value", "signature", case="signature.attempts.right")
class NewNonceUnderTheOldSignature(Thorough):
    """A retry takes a new nonce, for that has to be new, and keeps the signature."""

    known: str | None = None

    def attempt_request(self, asked: UpgradeRequest, number: int) -> bytes:
        self.known = self.known if number else None
        return super().attempt_request(asked, number)

    def authorization(self, asked: UpgradeRequest, signed: dict[str, str]) -> str:
        self.known = self.known or super().authorization(asked, signed)
        return self.known


# === the older scheme =====================================================================


@wrong("signature.value", "signature", case="signature.token.blank_inside")
class RoaSignsAnEncodedQuery(RoaSigning):
    """The older scheme signs the query before it is encoded."""

    def signed_query(self, asked: UpgradeRequest) -> str:
        return self.query(asked)


@wrong("signature.value", "signature", case="signature.sample.table_examples")
class RoaSignsInTheOrderOfTheUrl(RoaSigning):
    """The query is signed in the order in which it is sent."""

    def parameters(self, asked: UpgradeRequest) -> Pairs:
        return super().parameters(asked)[::-1]

    def signed_query(self, asked: UpgradeRequest) -> str:
        return "&".join(f"{name}={value}" for name, value in self.parameters(asked))


@wrong("signature.value", "signature", case="signature.given.nothing")
class RoaSignsNoAcsHeaders(RoaSigning):
    """Only the headers of HTTP itself are signed."""

    def signed_acs(self, _sent: dict[str, str]) -> Pairs:
        return []


@wrong("signature.value", "signature", case="signature.given.nothing")
class RoaWithSha256(RoaSigning):
    """The newer hash in the older scheme."""

    def signature(self, canonical: str) -> str:
        digest = hmac.digest(self.endpoint.access_key_secret.encode(), canonical.encode(), "sha256")
        return base64.b64encode(digest).decode()


@wrong("signature.value", "signature", case="signature.given.nothing")
class RoaAcceptIsAdded(RoaSigning):
    """The library has an Accept of its own."""

    def headers(self, asked: UpgradeRequest, body: bytes) -> Pairs:
        return [(name, "*/*" if name == "Accept" else value) for name, value in super().headers(asked, body)]


@wrong("signature.content_md5", "signature", case="signature.body")
class RoaDigestInHexadecimal(RoaSigning):
    """Content-MD5 in hexadecimal."""

    def more(self, body: bytes) -> dict[str, str]:
        return {**super().more(body), "Content-MD5": hashlib.md5(body).hexdigest()}


@wrong("signature.body_covered", "signature", level="may", case="signature.body_covered")
class RoaWithoutDigest(RoaSigning):
    """No Content-MD5: the body is not covered."""

    def more(self, body: bytes) -> dict[str, str]:
        return {name: value for name, value in super().more(body).items() if name != "Content-MD5"}


@wrong("signature.date", "signature", case="signature.date")
class RoaIsoDate(RoaSigning):
    """The form of the newer scheme."""

    def date(self) -> str:
        return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@wrong("signature.date_fresh", "signature", case="signature.date_fresh")
class RoaLocalTime(RoaSigning):
    """The time of Hangzhou, called GMT."""

    def date(self) -> str:
        return datetime.now(timezone(timedelta(hours=8))).strftime("%a, %d %b %Y %H:%M:%S GMT")
