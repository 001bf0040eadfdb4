"""ACS3-HMAC-SHA256, the newer scheme ("V3"): covers method, path, query, the listed headers, and the body.

The text to sign is METHOD, path, query, a line `name:value` for each signed header and an empty line,
the list of their names, and the hash of the body; what is signed is the hash of that text.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from typing import NamedTuple

from ..contract import Contract
from ..messages import HttpRequest, Violation, header_values
from ..rules.text import shown
from .scheme import Authorization, Scheme, Slip
from .wire import acs_headers, decoded, encoded, header, octets, script_path, strict_path

NAME = "ACS3-HMAC-SHA256"


class _Parts(NamedTuple):
    """The text to sign, part by part; `headers` are the names in their order with their values."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body_hash: str

    def text(self) -> str:
        lines = "".join(f"{name}:{value}\n" for name, value in self.headers)
        names = ";".join(name for name, _ in self.headers)
        return f"{self.method}\n{self.path}\n{self.query}\n{lines}\n{names}\n{self.body_hash}"


def _parts(request: HttpRequest, said: Authorization) -> _Parts:
    names = sorted(name.lower() for name in said.signed_headers)
    return _Parts(
        request.method,
        strict_path(request),
        _query(sorted(request.query)),
        tuple((name, header(request, name)) for name in names),
        hashlib.sha256(request.body).hexdigest(),
    )


def _query(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{encoded(name)}={encoded(value)}" for name, value in pairs)


def _canonicals(request: HttpRequest, said: Authorization) -> Iterator[str]:
    parts = _parts(request, said)
    for path in _paths(request):
        yield parts._replace(path=path).text()


def _paths(request: HttpRequest) -> Iterator[str]:
    """Clients leave in a path what may stay raw there (`*`, `!'()`), and sign it raw or encoded."""
    yield from dict.fromkeys((strict_path(request), request.path, script_path(request)))


# --- signatures -------------------------------------------------------------------------------------


def _digest(secret: str, text: str) -> bytes:
    return hmac.digest(octets(secret), octets(text), "sha256")


def _to_sign(canonical: str) -> str:
    return f"{NAME}\n{hashlib.sha256(octets(canonical)).hexdigest()}"


def _sign(secret: str, canonical: str) -> str:
    return _digest(secret, _to_sign(canonical)).hex()


_OTHER_SIGNATURES: Mapping[str, Callable[[str, str], str]] = {
    "in upper case": lambda secret, canonical: _sign(secret, canonical).upper(),
    "in Base64": lambda secret, canonical: base64.b64encode(_digest(secret, _to_sign(canonical))).decode(),
    "of the text itself, not of its hash": lambda secret, canonical: _digest(secret, canonical).hex(),
    "of the hash without the scheme's name": lambda secret, canonical: _digest(
        secret, hashlib.sha256(octets(canonical)).hexdigest()
    ).hex(),
    "made with the secret and a '&' behind it, as in RPC style": lambda secret, canonical: _sign(
        f"{secret}&", canonical
    ),
}


# --- slips ------------------------------------------------------------------------------------------


def _slips(request: HttpRequest, said: Authorization) -> Iterator[Slip]:
    for path in _paths(request):
        parts = _parts(request, said)._replace(path=path)
        for name, slip in _SLIPS.items():
            yield name, slip(parts, request, said).text()


_Slipped = Callable[[_Parts, HttpRequest, Authorization], _Parts]


def _with_query(made: Callable[[HttpRequest], str]) -> _Slipped:
    return lambda parts, request, _: parts._replace(query=made(request))


def _with_header(name: str, made: Callable[[str], str]) -> _Slipped:
    def slipped(parts: _Parts, _request: HttpRequest, _said: Authorization) -> _Parts:
        headers = ((key, made(value) if key == name else value) for key, value in parts.headers)
        return parts._replace(headers=tuple(headers))

    return slipped


_SLIPS: Mapping[str, _Slipped] = {
    "a query with + for a blank": _with_query(lambda request: _query(sorted(request.query)).replace("%20", "+")),
    "the query in another order": _with_query(lambda request: _query(request.query)),
    "the query as it stands on the wire": _with_query(lambda request: request.target.partition("?")[2]),
    "the query before it was encoded": _with_query(
        lambda request: "&".join(f"{name}={value}" for name, value in sorted(request.query))
    ),
    "the query encoded twice": _with_query(
        lambda request: _query([(name, encoded(value)) for name, value in sorted(request.query)])
    ),
    "no query": _with_query(lambda _: ""),
    "the path before it was encoded": lambda parts, request, _: parts._replace(path=decoded(request.path)),
    "the path encoded twice": lambda parts, request, _: parts._replace(
        path="/".join(map(encoded, strict_path(request).split("/")))
    ),
    "an empty body": lambda parts, _request, _: parts._replace(body_hash=hashlib.sha256(b"").hexdigest()),
    "no body": lambda parts, _request, _: parts._replace(body_hash=""),
    "the hash that x-acs-content-sha256 names": lambda parts, request, _: parts._replace(
        body_hash=header(request, "x-acs-content-sha256")
    ),
    "the headers in the order of their list": lambda parts, request, said: parts._replace(
        headers=tuple((name, header(request, name)) for name in said.signed_headers)
    ),
    "a Host without its port": _with_header("host", lambda value: value.rpartition(":")[0]),
    "a Content-Type without its parameters": _with_header("content-type", lambda value: value.partition(";")[0]),
    "the method in lower case": lambda parts, _request, _: parts._replace(method=parts.method.lower()),
}


# --- what is asked of a request beside its signature ------------------------------------------------


def _judged(contract: Contract, request: HttpRequest, said: Authorization) -> Iterator[Violation]:
    yield from _list(contract, request, said)
    yield from _body_hash(contract, request)
    if not header(request, "x-acs-signature-nonce"):
        yield contract.violation("signature.nonce", "header.x-acs-signature-nonce", "nothing", "a random text")


def _list(contract: Contract, request: HttpRequest, said: Authorization) -> Iterator[Violation]:
    names, where = said.signed_headers, "header.Authorization"
    listed = {name.lower() for name in names}
    needed = ["host", *(["content-type"] if header_values(request.headers, "content-type") else [])]
    missing = [name for name in (*needed, *acs_headers(request)) if name not in listed]
    if missing:
        expected = f"{', '.join(missing)} among them"
        yield contract.violation("signature.signed_headers", where, f"SignedHeaders={';'.join(names)}", expected)
    in_order = sorted(listed)
    if list(names) != in_order:
        expected = f"SignedHeaders={';'.join(in_order)}"
        yield contract.violation("signature.header_list", where, f"SignedHeaders={';'.join(names)}", expected)


def _body_hash(contract: Contract, request: HttpRequest) -> Iterator[Violation]:
    got, expected = header(request, "x-acs-content-sha256"), hashlib.sha256(request.body).hexdigest()
    if got != expected:
        known = _HASHES.get(got, "")
        text = f"{shown(got)}{known}" if got else "nothing"
        yield contract.violation(
            "signature.content_sha256",
            "header.x-acs-content-sha256",
            text,
            f"{expected}, the hash of {shown(request.body)}",
        )


_HASHES: Mapping[str, str] = {hashlib.sha256(b"").hexdigest(): ", the hash of an empty body"}


def _date(text: str) -> float | None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text, re.ASCII):
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return None


ACS3 = Scheme(
    name=NAME,
    form=re.compile(
        r"(?i:ACS3-HMAC-SHA256) +Credential=(?P<access_key_id>[^,\s]+), *"
        r"SignedHeaders=(?P<signed_headers>[^,\s]+), *Signature=(?P<signature>[^,\s]+)"
    ),
    form_in_words=f"{NAME} Credential=<access key id>,SignedHeaders=<names>,Signature=<hex>",
    canonicals=_canonicals,
    sign=_sign,
    slips=_slips,
    other_signatures=_OTHER_SIGNATURES,
    date_header="x-acs-date",
    date_form="yyyy-MM-ddTHH:mm:ssZ, in UTC",
    date=_date,
    judged=_judged,
)
