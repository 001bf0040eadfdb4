"""Strategies for calls, and for the values that calls are made of.

Theory of operation: Hypothesis pays for every draw, so a call is made of few plain ones, each of which
shrinks by itself: a table index for what is finite, one text for what is not. A token's text and its
kind (none, the text, its first character, the text repeated up to the limit, a word that clients
mistake for something else) are two draws; what is simplest stands first in every table. Composites,
and neither `builds` nor `map`: Hypothesis shows a value of those as the call that made it, and a person
wants to read, and paste, the value. An id is a number and no second text: Hypothesis would spend its
examples on copying one text to the other, and come late to the pairs of the finite choices.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeVar

from hypothesis import strategies as st

from ..contract import Contract, Target, shipped_contract
from ..errors import UnknownName
from ..messages import UpgradeRequest
from ..values import (
    AWKWARD_IDS,
    AWKWARD_TOKENS,
    INSTANCE_IDS,
    NOT_ASCII,
    PRINTABLE,
    TOKENS,
    invalid_values,
    surroundings,
)

_T = TypeVar("_T")

#: How a token is made of a text and the limit of its length; None is no token.
_TokenKind = Callable[[str, int], str] | None
#: (field of a call, its value made of a text)
_Awkward = tuple[str, Callable[[str], str]]

_ID_PREFIX = "es-cn-"
_ID_DIGITS = string.digits + string.ascii_lowercase

#: What an awkward id or token is made of: each of these is awkward by itself.
_AWKWARD_IN_IDS = "/?#% \\.&+;:@=\r\n\t\0\x7f\u00e9\u0301\u96c6\uff0f\u2028\U0001f534\ud83d"
_AWKWARD_IN_TOKENS = "&+%= \r\n\t\0\x1b\x1f\x7f"

#: Not given first, for that is the simplest.
_DRY_RUNS = st.sampled_from((None, True, False))


# --- valid ------------------------------------------------------------------------------------------


def valid_requests(*, contract: Contract | None = None) -> st.SearchStrategy[UpgradeRequest]:
    """Calls that break no rule: every valid (version, type), with and without token and dryRun.

    The simplest has nothing but its id; another is `UpgradeRequest('es-cn-n6w1o1x0w001c****', version='6.7',
    client_token='a&b', dry_run=True)`. Ids are plausible, tokens are 1 to 64 printable ASCII characters.
    """
    return _valid_requests(contract or shipped_contract())


@lru_cache(maxsize=8)
def _valid_requests(contract: Contract) -> st.SearchStrategy[UpgradeRequest]:
    limit = contract.token_length
    kinds = st.sampled_from(_token_kinds(limit, None))
    texts, targets = _token_texts(limit), upgrade_targets(contract=contract)

    @st.composite
    def call(draw: st.DrawFn) -> UpgradeRequest:
        id_, target, dry_run = _numbered_id(draw(_ID_NUMBERS)), draw(targets), draw(_DRY_RUNS)
        kind, text = draw(kinds), draw(texts)
        return UpgradeRequest(id_, *target, kind and kind(text, limit), dry_run)

    return call()


def client_tokens(*, contract: Contract | None = None) -> st.SearchStrategy[str]:
    """Tokens of 1 to 64 printable ASCII characters: `'0'`, `'a&b'`, `'null'`, one of the full length.

    Blanks and `& + % = #` are among them: a client may refuse those, and may not alter them.
    """
    return _client_tokens(contract or shipped_contract())


@lru_cache(maxsize=8)
def _client_tokens(contract: Contract) -> st.SearchStrategy[str]:
    limit = contract.token_length
    kinds, texts = st.sampled_from(_token_kinds(limit)), _token_texts(limit)

    @st.composite
    def token(draw: st.DrawFn) -> str:
        kind, text = draw(kinds), draw(texts)
        made: str = kind(text, limit)
        return made

    return token()


@st.composite
def _instance_ids(draw: st.DrawFn) -> str:
    return _numbered_id(draw(_ID_NUMBERS))


def instance_ids() -> st.SearchStrategy[str]:
    """Ids such as an instance may have: `'es-cn-n6w1o1x0w001c0000'` (the simplest), `'es-cn-n6w1o1x0w001c****'`."""
    return _instance_ids()


_ID_NUMBERS = st.integers(0, 36**14)


def _numbered_id(number: int) -> str:
    """Even numbers stand for the ids of `INSTANCE_IDS`, in turn; odd ones are written into an id."""
    number, is_written = divmod(number, 2)
    if not is_written:
        names = tuple(INSTANCE_IDS.values())
        return names[number % len(names)]
    digits = ""
    while number or not digits:
        number, digit = divmod(number, len(_ID_DIGITS))
        digits += _ID_DIGITS[digit]
    return _ID_PREFIX + digits


def upgrade_targets(*, contract: Contract | None = None) -> st.SearchStrategy[Target]:
    """Every valid (version, type), None where it is not given: `(None, None)`, `('6.7', 'engineVersion')`.

    What the page leaves open, such as `('ali1.2.0', None)`, is neither here nor among the mismatched.
    """
    return st.sampled_from((contract or shipped_contract()).targets)


def _token_kinds(limit: int, *more: _TokenKind) -> Sequence[Any]:
    """One row for each word, and before each word the kinds that are no words, each as often as all words together.

    In turn, and not in blocks, because Hypothesis likes to try one index in several tables at once.
    """
    words = [_word(TOKENS[name]) for name in _WORDS if len(TOKENS[name]) <= limit] or [_as_it_is]
    return [kind for word in words for kind in (*more, _as_it_is, _one_character, _up_to_the_limit, word)]


#: Tokens that no random text would be, and that clients take for something else.
_WORDS = (
    "word_null",
    "word_none",
    "word_true",
    "leading_zeros",
    "looks_like_float",
    "percent_encoded",
    "ampersand",
    "dots",
    "braces_and_templates",
    "uuid",
)


def _as_it_is(text: str, _limit: int) -> str:
    return text


def _one_character(text: str, _limit: int) -> str:
    return text[:1]


def _up_to_the_limit(text: str, limit: int) -> str:
    return (text * limit)[:limit]


def _word(token: str) -> Callable[[str, int], str]:
    return lambda _text, _limit: token


@lru_cache(maxsize=8)
def _token_texts(limit: int) -> st.SearchStrategy[str]:
    return st.text(PRINTABLE, min_size=1, max_size=limit)


# --- invalid ----------------------------------------------------------------------------------------


def invalid_requests(
    rule: str | None = None, *, contract: Contract | None = None
) -> st.SearchStrategy[tuple[UpgradeRequest, str]]:
    """Calls with the id of the one rule that each breaks; with `rule`, those that break that one.

    Such as `(UpgradeRequest('es-cn-…', version='6.7.0'), 'request.version.value')`. Values are the ones
    that hurt: `6.70`, `Ali1.2.0`, a token of 65 or 10,000 characters or with a combining one, `6.7` as a
    number, `"false"` for dryRun. Raises `UnknownName` for a rule that no value of a caller can break.
    """
    contract = contract or shipped_contract()
    return _invalid_requests(contract, chosen(rule, breakable_rules(contract), "that a caller's values can break"))


def breakable_rules(contract: Contract) -> tuple[str, ...]:
    """The rules that the values of a call can break."""
    return tuple(_invalid_changes(contract))


def chosen(rule: str | None, rules: tuple[str, ...], which: str) -> tuple[str, ...]:
    """That rule alone, or all. Raises `UnknownName` for one that is not among them; `which` says what they are."""
    if rule is None:
        return rules
    if rule not in rules:
        raise UnknownName(f"rule {which}", rule, rules)
    return (rule,)


@lru_cache(maxsize=64)
def _invalid_requests(contract: Contract, rules: tuple[str, ...]) -> st.SearchStrategy[tuple[UpgradeRequest, str]]:
    tables = _invalid_changes(contract)
    calls, texts = st.sampled_from(tuple(surroundings(contract))), _token_texts(contract.token_length)

    @st.composite
    def call(draw: st.DrawFn) -> tuple[UpgradeRequest, str]:
        broken = draw(drawn_rules)
        change = draw(drawn_changes[broken])
        return replace(draw(calls), **change(draw(texts))), broken

    drawn_rules = st.sampled_from(rules)
    drawn_changes = {one: st.sampled_from(tables[one]) for one in rules}
    return call()


_PAIRING = "request.pairing"

#: The fields of a call that an invalid value changes, made of a text.
_Change = Callable[[str], Mapping[str, Any]]


@lru_cache(maxsize=8)
def _invalid_changes(contract: Contract) -> dict[str, tuple[_Change, ...]]:
    """Rule → ways of breaking it: the values by name first, then as many that are made of a text."""
    made = _made_of_texts(contract)
    found: dict[str, tuple[_Change, ...]] = {}
    for rule, rows in invalid_values(contract).items():
        named = tuple(_constant({row.field: row.value}) for row in rows)
        field, make = rows[0].field, made.get(rule)
        found[rule] = named if make is None else (*named, *(_made(field, make),) * len(named))
    pairs = contract.mismatched_targets
    if pairs:
        found[_PAIRING] = tuple(_constant({"version": version, "type": type_}) for version, type_ in pairs)
    return found


def _constant(change: Mapping[str, Any]) -> _Change:
    return lambda _text: change


def _made(field: str, make: Callable[[str], Any]) -> _Change:
    return lambda text: {field: make(text)}


def _made_of_texts(contract: Contract) -> dict[str, Callable[[str], Any]]:
    """Rule → an invalid value made of any text of 1 to 64 printable ASCII characters."""
    return {
        **_invalid_token_makers(contract),
        "request.dry_run.type": lambda text: text,
        "request.version.value": lambda text: _undocumented(contract.versions, text),
        "request.type.value": lambda text: _undocumented(contract.types, text),
    }


def _invalid_token_makers(contract: Contract) -> dict[str, Callable[[str], str]]:
    limit = contract.token_length
    letters = [letter for letter in NOT_ASCII.values() if len(letter) <= limit]
    return {
        "request.client_token.length": lambda text: text * (limit // len(text) + 1),
        "request.client_token.ascii": lambda text: _with_letter(text, letters, limit),
    }


def _with_letter(text: str, letters: Sequence[str], limit: int) -> str:
    """The text with one letter that is no ASCII somewhere in it; where and which follows from the text."""
    letter = letters[sum(map(ord, text)) % len(letters)]
    text = text[: limit - len(letter)]
    at = len(text) // 2
    return text[:at] + letter + text[at:]


def _undocumented(documented: Sequence[str], text: str) -> str:
    """A documented value that goes on where it should have ended."""
    value = documented[len(text) % len(documented)] + text
    return value + "~" if value in documented else value


def invalid_client_tokens(*, contract: Contract | None = None) -> st.SearchStrategy[tuple[Any, str]]:
    r"""Tokens with the id of the rule that each breaks: too long, not ASCII, or no text at all.

    Such as `('x' * 65, 'request.client_token.length')` or `('token-\u00e9', 'request.client_token.ascii')`.
    """
    return _invalid_client_tokens(contract or shipped_contract())


@lru_cache(maxsize=8)
def _invalid_client_tokens(contract: Contract) -> st.SearchStrategy[tuple[Any, str]]:
    rules = tuple(rule for rule, rows in invalid_values(contract).items() if rows[0].field == "client_token")
    calls = _invalid_requests(contract, rules)

    @st.composite
    def token(draw: st.DrawFn) -> tuple[Any, str]:
        call, rule = draw(calls)
        return call.client_token, rule

    return token()


def mismatched_targets(*, contract: Contract | None = None) -> st.SearchStrategy[tuple[Target, str]]:
    """Documented versions and types that do not belong together, as `(('6.7', 'aliVersion'), 'request.pairing')`.

    Nothing where the contract has no such pair.
    """
    pairs = (contract or shipped_contract()).mismatched_targets
    return st.sampled_from([(pair, _PAIRING) for pair in pairs]) if pairs else st.nothing()


# --- awkward ----------------------------------------------------------------------------------------


def awkward_requests(*, contract: Contract | None = None) -> st.SearchStrategy[UpgradeRequest]:
    r"""Calls that break no rule, with one id or token that clients drop, alter, or let out of its place.

    Ids with `/ ? # % .. \`, blanks, line ends or Unicode; tokens with control characters, blanks and
    `& + % =`; the empty token. Right is to refuse such a value before the wire, or to send it unaltered.
    """
    return _awkward_requests(contract or shipped_contract())


@lru_cache(maxsize=8)
def _awkward_requests(contract: Contract) -> st.SearchStrategy[UpgradeRequest]:
    limit = contract.token_length
    calls, values = st.sampled_from(tuple(surroundings(contract))), st.sampled_from(_awkward_values(limit))
    texts = {
        "instance_id": st.text(_AWKWARD_IN_IDS, min_size=1, max_size=8),
        "client_token": st.text(_AWKWARD_IN_TOKENS, min_size=1, max_size=min(8, limit)),
    }

    @st.composite
    def call(draw: st.DrawFn) -> UpgradeRequest:
        field, make = draw(values)
        return replace(draw(calls), **{field: make(draw(texts[field]))})

    return call()


def _awkward_values(limit: int) -> tuple[_Awkward, ...]:
    tokens = [token for token in AWKWARD_TOKENS.values() if len(token) <= limit]
    return (
        *(("instance_id", _always(text)) for text in AWKWARD_IDS.values()),
        *(("instance_id", lambda text: f"es{text}0"),) * len(AWKWARD_IDS),
        *(("client_token", _always(text)) for text in tokens),
        *(("client_token", lambda text: f"a{text}b" if len(text) < limit - 1 else text),) * len(tokens),
    )


def _always(value: _T) -> Callable[[str], _T]:
    return lambda _text: value
