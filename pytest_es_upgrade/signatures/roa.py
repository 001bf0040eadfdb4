"""ROA HMAC-SHA1, the older scheme: covers method, path, query, x-acs- headers, and four headers of HTTP.

These are Accept, Content-MD5, Content-Type and Date; what is absent is signed as nothing.

Two holes are the scheme's own. The body is covered by its Content-MD5 alone, which clients may leave
out. And the query is signed without encoding, so that a token `x&dryRun=true` reads like two parameters:
who rewrites the one into the other keeps the signature. Neither can be told from the signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from ..contract import Contract
from ..messages import HttpRequest, Violation, header_values
from ..rules.text import shown
from .scheme import Authorization, Scheme, Slip
from .wire import acs_headers, decoded_paths, encoded, header, octets, strict_path

NAME = "ROA HMAC-SHA1"


class _Parts(NamedTuple):
    """The text to sign, part by part; what is absent from the request is empty."""

    method: str
    accept: str
    content_md5: str
    content_type: str
    date: str
    acs_headers: str
    path: str
    query: str

    def text(self) -> str:
        resource = self.path + (f"?{self.query}" if self.query else "")
        return "\n".join([*self[:5], f"{self.acs_headers}{resource}"])


def _parts(request: HttpRequest) -> _Parts:
    names = ("Accept", "Content-MD5", "Content-Type", "Date")
    lines = "".join(f"{name}:{header(request, name)}\n" for name in acs_headers(request))
    accept, content_md5, content_type, date = (header(request, name) for name in names)
    query = _query(sorted(request.query))
    return _Parts(request.method, accept, content_md5, content_type, date, lines, strict_path(request), query)


def _query(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{name}={value}" for name, value in pairs)


def _bare_query(request: HttpRequest) -> str:
    """An empty value without its `=`, as some SDKs sign it."""
    return "&".join(f"{name}={value}" if value else name for name, value in sorted(request.query))


def _paths(request: HttpRequest) -> Iterator[str]:
    """Encoded, as on the wire, or without encoding: SDKs sign each of these."""
    yield from dict.fromkeys((strict_path(request), request.path, *decoded_paths(request)))


def _canonicals(request: HttpRequest, _said: Authorization) -> Iterator[str]:
    parts = _parts(request)
    for path in _paths(request):
        for query in dict.fromkeys((parts.query, _bare_query(request))):
            yield parts._replace(path=path, query=query).text()


# --- signatures -------------------------------------------------------------------------------------


def _digest(secret: str, text: str, algorithm: str = "sha1") -> bytes:
    return hmac.digest(octets(secret), octets(text), algorithm)


def _sign(secret: str, canonical: str) -> str:
    return base64.b64encode(_digest(secret, canonical)).decode()


_OTHER_SIGNATURES: Mapping[str, Callable[[str, str], str]] = {
    "in hexadecimal": lambda secret, canonical: _digest(secret, canonical).hex(),
    "made with SHA-256": lambda secret, canonical: base64.b64encode(_digest(secret, canonical, "sha256")).decode(),
    "made with the secret and a '&' behind it, as in RPC style": lambda secret, canonical: _sign(
        f"{secret}&", canonical
    ),
}


# --- slips ------------------------------------------------------------------------------------------


def _slips(request: HttpRequest, _said: Authorization) -> Iterator[Slip]:
    for path in _paths(request):
        parts = _parts(request)._replace(path=path)
        for name, slip in _SLIPS.items():
            yield name, slip(parts, request).text()


_Slipped = Callable[[_Parts, HttpRequest], _Parts]

_SLIPS: Mapping[str, _Slipped] = {
    "the query in another order": lambda parts, request: parts._replace(query=_query(request.query)),
    "the query as it stands on the wire": lambda parts, request: parts._replace(query=request.target.partition("?")[2]),
    "the query encoded": lambda parts, request: parts._replace(
        query=_query([(name, encoded(value)) for name, value in sorted(request.query)])
    ),
    "no query": lambda parts, _: parts._replace(query=""),
    "no x-acs- headers": lambda parts, _: parts._replace(acs_headers=""),
    "no Accept": lambda parts, _: parts._replace(accept=""),
    "no Content-MD5": lambda parts, _: parts._replace(content_md5=""),
    "no Content-Type": lambda parts, _: parts._replace(content_type=""),
    "no Date": lambda parts, _: parts._replace(date=""),
    "a Content-Type without its parameters": lambda parts, _: parts._replace(
        content_type=parts.content_type.partition(";")[0]
    ),
    "the method in lower case": lambda parts, _: parts._replace(method=parts.method.lower()),
}


# --- what is asked of a request beside its signature ------------------------------------------------


def _judged(contract: Contract, request: HttpRequest, _said: Authorization) -> Iterator[Violation]:
    where = "header.Content-MD5"
    digest = base64.b64encode(hashlib.md5(request.body, usedforsecurity=False).digest()).decode()
    if header_values(request.headers, "Content-MD5"):
        got = header(request, "Content-MD5")
        if got != digest:
            expected = f"{digest}, the digest of {shown(request.body)}"
            yield contract.violation("signature.content_md5", where, shown(got), expected)
    elif request.body:
        yield contract.violation("signature.body_covered", where, "nothing", digest)


#: IMF-fixdate, the one form that a sender may use (RFC 9110 section 5.6.7).
_IMF_FIXDATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", re.ASCII)


def _date(text: str) -> float | None:
    if not _IMF_FIXDATE.fullmatch(text):
        return None
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None


ROA = Scheme(
    name=NAME,
    form=re.compile(r"(?i:acs) +(?P<access_key_id>[^:\s]+):(?P<signature>[^:\s]+)"),
    form_in_words="acs <access key id>:<Base64>",
    canonicals=_canonicals,
    sign=_sign,
    slips=_slips,
    other_signatures=_OTHER_SIGNATURES,
    date_header="Date",
    date_form="an HTTP date such as Mon, 23 Nov 2026 20:21:08 GMT",
    date=_date,
    judged=_judged,
)
