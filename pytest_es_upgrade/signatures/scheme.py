"""What every signature scheme is made of. A scheme is a value; `acs3` and `roa` hold one each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from re import Pattern

from ..contract import Contract
from ..messages import HttpRequest, Violation


@dataclass(frozen=True)
class Authorization:
    """What the header of that name says. `signed_headers` is empty in schemes without such a list."""

    access_key_id: str
    signature: str
    signed_headers: tuple[str, ...] = ()


#: A text to sign, and in which way it is wrong.
Slip = tuple[str, str]


@dataclass(frozen=True)
class Scheme:
    """One way of signing.

    `form` is what Authorization looks like, with groups named as the fields of `Authorization`;
    `canonicals` are the texts that may be signed, the most usual first; `sign` makes the signature of
    one with a secret. `slips` are texts that people sign instead, and `other_signatures` are ways in
    which they make a signature of the right text: both only serve to explain. `date_header` has the form
    `date_form` in words, and `date` reads it as seconds since 1970 (None where it is in another form).
    `judged` are the checks of its own.
    """

    name: str
    form: Pattern[str]
    form_in_words: str
    canonicals: Callable[[HttpRequest, Authorization], Iterable[str]]
    sign: Callable[[str, str], str]
    slips: Callable[[HttpRequest, Authorization], Iterator[Slip]]
    other_signatures: Mapping[str, Callable[[str, str], str]]
    date_header: str
    date_form: str
    date: Callable[[str], float | None]
    judged: Callable[[Contract, HttpRequest, Authorization], Iterator[Violation]]

    def read(self, text: str) -> Authorization | None:
        """What that Authorization says, or None where it is not of the scheme's form."""
        found = self.form.fullmatch(text.strip())
        if found is None:
            return None
        groups = found.groupdict()
        names = tuple(groups["signed_headers"].split(";")) if "signed_headers" in groups else ()
        return Authorization(groups["access_key_id"], groups["signature"], names)
