"""Judges the signature of a request, and what stands beside it, by the scheme that the request says."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest

from ..contract import Contract, shipped_contract
from ..messages import HttpRequest, Violation, header_values
from ..rules.text import cut, shown
from .acs3 import ACS3
from .roa import ROA
from .scheme import Authorization, Scheme
from .wire import header, octets

#: Name → scheme.
SCHEMES: Mapping[str, Scheme] = {scheme.name: scheme for scheme in (ACS3, ROA)}

#: Seconds by which a date may differ from the time of the request, either way.
FRESH = 900.0

_WHERE = "header.Authorization"

#: Characters of a text to sign that are shown; with a long token or a list of all headers it has a thousand.
_LONGEST = 4000
#: So many characters before and behind a difference are shown.
_BESIDE = 30


def signature_scheme(request: HttpRequest) -> str | None:
    """The name of the scheme that a request says it is signed with; None where it is not signed.

    Beside the names in `SCHEMES` that may be another of the vendor's (`ACS3-RSA-SHA256`), which is not verified here.
    """
    word = (request.header("Authorization") or "").strip().partition(" ")[0].upper()
    if word == "ACS":
        return ROA.name
    return word if word.startswith("ACS3-") else None


def verify(
    request: HttpRequest,
    access_key_id: str,
    access_key_secret: str,
    contract: Contract | None = None,
    when: tuple[float, float] | None = None,
) -> list[Violation]:
    """Every rule `signature.*` that a request breaks by itself, for a service that knows that key; empty = it verifies.

    `when` is between which seconds since 1970 the request was made; without it the age of its date is not
    judged. Raises nothing. A request without a signature breaks `signature.absent`.
    """
    contract = contract or shipped_contract()
    name = signature_scheme(request)
    if name is None:
        got = shown(request.header("Authorization")) if request.header("Authorization") else "nothing"
        return [contract.violation("signature.absent", _WHERE, got, "a signature")]
    if name not in SCHEMES:
        return [contract.violation("signature.scheme", _WHERE, name, f"{' or '.join(SCHEMES)}")]
    scheme, texts = SCHEMES[name], header_values(request.headers, "Authorization")
    said = scheme.read(texts[0]) if len(texts) == 1 else None
    if said is None:
        return [contract.violation("signature.form", _WHERE, " and ".join(map(shown, texts)), scheme.form_in_words)]
    return [
        *_key(contract, request, scheme, said, (access_key_id, access_key_secret)),
        *scheme.judged(contract, request, said),
        *_date(contract, request, scheme, when),
        *_common_headers(contract, request),
    ]


def repeated_nonces(requests: Iterable[HttpRequest]) -> Iterator[str]:
    """The nonces that more than one of these requests has, each once; requests without one are passed over."""
    counted = Counter(header(request, "x-acs-signature-nonce") for request in requests)
    yield from (nonce for nonce, times in counted.items() if nonce and times > 1)


# --- the signature ----------------------------------------------------------------------------------


def _key(
    contract: Contract, request: HttpRequest, scheme: Scheme, said: Authorization, key: tuple[str, str]
) -> Iterator[Violation]:
    key_id, secret = key
    if said.access_key_id != key_id:
        # of what an unknown key made nobody can tell whether it is right
        yield contract.violation("signature.access_key", _WHERE, shown(said.access_key_id), shown(key_id))
        return
    canonicals = list(scheme.canonicals(request, said))
    if not any(_same(said.signature, scheme.sign(secret, canonical)) for canonical in canonicals):
        got = _explained(request, scheme, said, secret) or shown(said.signature)
        text = octets(canonicals[0]).decode("utf-8", "backslashreplace")
        yield contract.violation("signature.value", _WHERE, got, f"the signature of {cut(repr(text), _LONGEST)}")


def _same(got: str, expected: str) -> bool:
    return hmac.compare_digest(octets(got), octets(expected))


def _explained(request: HttpRequest, scheme: Scheme, said: Authorization, secret: str) -> str:
    """What was signed instead, as far as it is one of the usual slips."""
    canonicals = list(scheme.canonicals(request, said))
    for name, sign in scheme.other_signatures.items():
        if any(_same(said.signature, sign(secret, canonical)) for canonical in canonicals):
            return f"a signature that is right but {name}"
    for name, slipped in scheme.slips(request, said):
        if _same(said.signature, scheme.sign(secret, slipped)):
            return f"the signature of {name}: {_difference(slipped, canonicals)}"
    return ""


def _difference(slipped: str, canonicals: Iterable[str]) -> str:
    """The first line of what was signed that differs, against the text that it is nearest to."""
    pairs = min((_differing(slipped, canonical) for canonical in canonicals), key=len)
    number, signed, wanted = pairs[0]
    at = next(place for place, pair in enumerate(zip_longest(signed, wanted)) if pair[0] != pair[1])
    return f"line {number} has {_around(signed, at)} in place of {_around(wanted, at)}"


def _around(line: str, at: int) -> str:
    """What stands at that place of a line."""
    start, end = max(0, at - _BESIDE), at + _BESIDE
    return f"{'…' if start else ''}{line[start:end]!r}{'…' if end < len(line) else ''}"


def _differing(one: str, other: str) -> list[tuple[int, str, str]]:
    lines = zip_longest(one.split("\n"), other.split("\n"), fillvalue="")
    return [(number, *pair) for number, pair in enumerate(lines, 1) if pair[0] != pair[1]]


# --- what stands beside it --------------------------------------------------------------------------


def _date(
    contract: Contract, request: HttpRequest, scheme: Scheme, when: tuple[float, float] | None
) -> Iterator[Violation]:
    where, text = f"header.{scheme.date_header}", header(request, scheme.date_header)
    at = scheme.date(text)
    if at is None:
        yield contract.violation("signature.date", where, shown(text) if text else "nothing", scheme.date_form)
    elif when is not None and not when[0] - FRESH <= at <= when[1] + FRESH:
        off = at - when[0] if at < when[0] else at - when[1]
        got = f"{shown(text)}, {abs(off):.0f} s {'before' if off < 0 else 'after'} the request"
        yield contract.violation("signature.date_fresh", where, got, f"at most {FRESH:.0f} s before or after it")


def _common_headers(contract: Contract, request: HttpRequest) -> Iterator[Violation]:
    version, action = header(request, "x-acs-version"), header(request, "x-acs-action")
    if version != contract.version:
        got = shown(version) if version else "nothing"
        yield contract.violation("signature.version", "header.x-acs-version", got, contract.version)
    if action and action != contract.operation:
        yield contract.violation("signature.action", "header.x-acs-action", shown(action), contract.operation)
