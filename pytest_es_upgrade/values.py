"""Values to ask with, by name: plausible ones, ones that break one rule each, and awkward ones.

Three rules of this module: every list follows the contract that it is given; whatever is invalid
breaks the rule that it stands under and no other; and it needs no Hypothesis, because cases that ask
with these values one by one do not either. `strategies` draws from the same tables.
"""

from __future__ import annotations

import re
import string
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from .contract import Contract
from .messages import UpgradeRequest

#: An id in the form of real ones, and a token as most clients make them.
INSTANCE_ID = "es-cn-n6w1o1x0w001c0000"
TOKEN = "5A2CFF0E-5718-45B5-9D4D-70B3FF6E2C41"  # noqa: S105 - an idempotency token is no secret

#: The characters that a token may be made of without being awkward in itself.
PRINTABLE = string.printable[:95]

#: Name → a token that the page allows.
TOKENS: Mapping[str, str] = {
    "uuid": TOKEN,
    "digits": "20261123001",
    "looks_like_float": "1e5",
    "leading_zeros": "007",
    "word_null": "null",
    "word_none": "None",
    "word_true": "true",
    "lower_case": "a-token-in-lower-case",
    "mixed_case": "aAbBcC-zZ",
    "blank_inside": "two words",
    "blank_at_start": " token",
    "blank_at_end": "token ",
    "ampersand": "a&dryRun=true",
    "equals": "a=b=",
    "plus": "a+b",
    "percent": "100%",
    "percent_encoded": "%41%2F%20",
    "hash": "a#b",
    "question_mark": "a?b",
    "slash": "a/b//c",
    "dots": "../..",
    "semicolon": "a;b,c",
    "colon_and_at": "urn:a@b",
    "quotes": "'a' \"b\"",
    "backslash": "a\\b",
    "brackets": "[a](b){c}<d>",
    "marks": "-._~!$*|^`",
    "braces_and_templates": "{token}",
    "printable_first_half": PRINTABLE[:48],
    "printable_second_half": PRINTABLE[48:],
}

#: Name → an id such as an instance may have.
INSTANCE_IDS: Mapping[str, str] = {
    "real": INSTANCE_ID,
    "masked": "es-cn-n6w1o1x0w001c****",
    "upper_case": "ES-CN-N6W1O1X0W001C0000",
    "mixed_case": "es-CN-n6W1o1X0w001C0000",
    "long": "es-cn-" + "n6w1o1x0w001c" * 8,
    "short": "e",
    "digits": "0012",
    "unreserved_marks": "es_cn.n6w1~o1x0",
}

#: Name → an id that no rule forbids, and that ends, splits or leads away a path that was put together by hand.
AWKWARD_IDS: Mapping[str, str] = {
    "slash": "es-cn/a",
    "slash_at_start": "/es-cn-a",
    "slash_at_end": "es-cn-a/",
    "two_slashes": "//127.0.0.1:9/es-cn-a",
    "question_mark": "es-cn-a?dryRun=true",
    "hash": "es-cn-a#b",
    "percent": "es-cn-100%",
    "encoded_slash": "es-cn%2Fa",
    "encoded_dots": "%2e%2e",
    "dot": ".",
    "dots": "..",
    "dots_inside": "es-cn-a/../es-cn-b",
    "backslash": "es-cn\\a",
    "blank": "es-cn a",
    "blank_at_start": " es-cn-a",
    "blank_at_end": "es-cn-a ",
    "plus": "es-cn+a",
    "ampersand": "es-cn&a=b",
    "semicolon": "es-cn;a=b",
    "template": "{InstanceId}",
    "tab": "es-cn\ta",
    "line_feed": "es-cn\na",
    "header": "es-cn-a\r\nX-Injected: 1",
    "request_line": "es-cn-a HTTP/1.1\r\n\r\n",
    "null_character": "es-cn\0a",
    "latin": "es-cn-\u00e9",
    "combining": "es-cn-e\u0301",
    "chinese": "es-cn-\u96c6\u7fa4",
    "full_width": "\uff45\uff53\uff0d\uff43\uff4e",
    "full_width_slash": "es-cn\uff0fa",
    "emoji": "es-cn-\U0001f534",
    "surrogate": "es-cn-\ud83d",
}

#: Name → a token that no rule forbids, and that clients drop, alter, or let out of its place.
AWKWARD_TOKENS: Mapping[str, str] = {
    "empty": "",
    "blank": " ",
    "blank_inside": "a b",
    "ampersand": "a&dryRun=true",
    "plus": "a+b",
    "percent": "a%b",
    "percent_encoded": "%41",
    "equals": "a=b",
    "tab": "a\tb",
    "line_feed": "a\nb",
    "line_end": "a\r\n",
    "header": "a\r\nX-Injected: 1",
    "null_character": "a\0b",
    "escape": "\x1b[2J",
    "delete": "a\x7fb",
    "unit_separator": "a\x1fb",
}


class Invalid(NamedTuple):
    """A value that breaks `rule` alone where it stands in `field` of a call that is valid beside it.

    `valid` is what may stand there in its place; None means what the call has there itself.
    """

    rule: str
    name: str
    field: str
    value: Any
    valid: Any = None

    def request(self, asked: UpgradeRequest) -> UpgradeRequest:
        """That call with this value in it."""
        return replace(asked, **{self.field: self.value})

    def twin(self, asked: UpgradeRequest) -> UpgradeRequest:
        """That call with the valid value in the same place."""
        return asked if self.valid is None else replace(asked, **{self.field: self.valid})


@lru_cache(maxsize=8)
def invalid_values(contract: Contract) -> Mapping[str, tuple[Invalid, ...]]:
    """Rule → the values by name that break it. Pairs are not among them: see `Contract.mismatched_targets`."""
    found: dict[str, tuple[Invalid, ...]] = {}
    for rule, (values, valid) in _tables(contract).items():
        field = rule.split(".")[1]
        rows = [Invalid(rule, name, field, value, _beside(valid, value)) for name, value in values.items()]
        found[rule] = tuple(rows)
    return found


def _beside(valid: Any, value: Any) -> Any:
    return valid(value) if callable(valid) else valid


def _tables(contract: Contract) -> dict[str, tuple[Mapping[str, Any], Any]]:
    """Rule → its values by name, and what is valid beside them (a value, or a function of the invalid one)."""
    limit = contract.token_length
    version, type_ = contract.versions[0], contract.types[0]
    return {
        "request.instance_id.required": ({"empty": ""}, INSTANCE_ID),
        "request.instance_id.type": (_NO_TEXT | {"null": None}, INSTANCE_ID),
        # Not the valid token as another type: under one token the same call may be taken for a repeated one.
        "request.client_token.type": (_NO_TEXT | {"uuid": uuid.UUID(TOKEN[::-1])}, TOKEN[:limit]),
        "request.client_token.length": (_too_long(limit), lambda token: re.sub(r"\W", "x", token[:limit])),
        "request.client_token.ascii": (_not_ascii(limit), _as_ascii),
        "request.dry_run.type": (_NO_BOOLEAN, True),
        # The valid one depends on the other of the pair: it is what the call has.
        "request.version.type": (_NO_TEXT | _as_no_text(version), None),
        "request.version.value": (_undocumented(contract.versions, contract.types), None),
        "request.type.type": (_NO_TEXT | _as_no_text(type_), None),
        "request.type.value": (_undocumented(contract.types, contract.versions), None),
    }


# --- values of another type -------------------------------------------------------------------------


_NO_TEXT: dict[str, Any] = {
    "integer": 12345,
    "zero": 0,
    "number": 1.5,
    "true": True,
    "false": False,
    "bytes": b"text",
    "list": ["text"],
    "empty_list": [],
    "object": {"text": "text"},
}

_NO_BOOLEAN: dict[str, Any] = {
    "text_true": "true",
    "text_false": "false",
    "text_capital_true": "True",
    "text_capital_false": "False",
    "text_yes": "yes",
    "text_no": "no",
    "text_one": "1",
    "text_zero": "0",
    "text_empty": "",
    "one": 1,
    "zero": 0,
    "two": 2,
    "number": 1.0,
    "bytes": b"true",
    "list": [True],
    "empty_list": [],
    "object": {"dryRun": True},
}


def _as_no_text(text: str) -> dict[str, Any]:
    """A documented value as what is no text, but reads like it."""
    found: dict[str, Any] = {"in_a_list": [text], "as_bytes": text.encode()}
    try:
        return found | {"as_number": float(text), "as_decimal": Decimal(text)}
    except ValueError:
        return found


# --- undocumented values ----------------------------------------------------------------------------


def full_width(text: str) -> str:
    """The text in the full-width forms of its ASCII characters, which many functions take for the same."""
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)


#: Name → how a documented value is missed by a little.
SLIPS: Mapping[str, Callable[[str], str]] = {
    "three_numbers": lambda text: f"{text}.0",
    "one_zero_more": lambda text: f"{text}0",
    "shortened": lambda text: text.rpartition(".")[0],
    "last_character_lost": lambda text: text[:-1],
    "blank_at_end": lambda text: f"{text} ",
    "blank_at_start": lambda text: f" {text}",
    "line_feed_at_end": lambda text: f"{text}\n",
    "upper_case": str.upper,
    "lower_case": str.lower,
    "capital": lambda text: text[:1].upper() + text[1:],
    "snake_case": lambda text: "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in text),
    "tag": lambda text: f"v{text}",
    "comma": lambda text: text.replace(".", ","),
    "quoted": lambda text: f'"{text}"',
    "full_width": full_width,
    "invisible": lambda text: f"{text}\u200b",
    "combining": lambda text: f"{text}\u0301",
    "null_character": lambda text: f"{text}\0",
    "another_member": lambda text: f'{text}","a":"b',
    "twice": lambda text: text + text,
}

_WORDS: Mapping[str, str] = {
    "empty": "",
    "word_null": "null",
    "word_none": "None",
    "word_latest": "latest",
    "later_version": "7.10",
}


def _undocumented(documented: tuple[str, ...], others: tuple[str, ...]) -> dict[str, str]:
    """Texts that are none of the documented ones; those of the other parameter are among them."""
    slips = {f"{_word(text)}_{name}": slip(text) for text in documented for name, slip in SLIPS.items()}
    crossed = {f"other_{_word(text)}": text for text in others}
    named = {**_WORDS, **crossed, **slips}
    first_name = {text: name for name, text in reversed(named.items()) if text not in documented}
    return {name: text for name, text in named.items() if first_name.get(text) == name}


def _word(text: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in text)


# --- tokens -----------------------------------------------------------------------------------------


def _too_long(limit: int) -> dict[str, str]:
    return {
        "one_more": "x" * (limit + 1),
        "uuids": (f"{TOKEN}." * (limit // len(TOKEN) + 1))[: limit + 9].ljust(limit + 9, "x"),
        "blanks": "x" + " " * limit,
        "escapes": "%" * (limit + 1),
        "ten_thousand": "x" * max(10_000, limit + 1),
    }


#: Name → what is no ASCII, each of one character or two.
NOT_ASCII: Mapping[str, str] = {
    "latin": "\u00e9",
    "first_beyond": "\u0080",
    "no_break_space": "\u00a0",
    "combining": "e\u0301",
    "greek": "\u03b1",
    "chinese": "\u96c6",
    "full_width": "\uff41",
    "kelvin_sign": "\u212a",
    "line_separator": "\u2028",
    "byte_order_mark": "\ufeff",
    "right_to_left": "\u202e",
    "surrogate": "\ud83d",
    "emoji": "\U0001f534",
}


def _not_ascii(limit: int) -> dict[str, str]:
    fitting = {name: text for name, text in NOT_ASCII.items() if len(text) <= limit}
    at_the_limit = "x" * (limit - 1) + "\u00e9"
    return {
        **{name: "token-"[: limit - len(text)] + text for name, text in fitting.items()},
        "last_character": at_the_limit,
    }


def _as_ascii(token: str) -> str:
    return "".join(letter if letter.isascii() else "e" for letter in token)


# --- calls ------------------------------------------------------------------------------------------


def surroundings(contract: Contract) -> Iterator[UpgradeRequest]:
    """Valid calls with one id, in which an invalid or awkward value can stand; those with the fewest values first."""
    for token in (None, TOKEN[: contract.token_length]):
        for dry_run in (None, True, False):
            for version, type_ in contract.targets:
                yield UpgradeRequest(INSTANCE_ID, version, type_, token, dry_run)
