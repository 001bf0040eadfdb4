"""The gate in front of the service: whether a request is signed as it should be, where anybody asked for that."""

from __future__ import annotations

from collections.abc import Mapping

from ..contract import Contract
from ..messages import HttpRequest
from ..signatures import verify

#: Rule → the row of choices by which a request that breaks it is answered. Others let it pass: what its
#: headers say of version and action is no matter of its signature.
_CHOICE_FOR_RULE: Mapping[str, str] = {
    "signature.absent": "unsigned-request",
    "signature.access_key": "unknown-access-key",
    **dict.fromkeys(
        (
            "signature.scheme",
            "signature.form",
            "signature.value",
            "signature.signed_headers",
            "signature.header_list",
            "signature.content_sha256",
            "signature.content_md5",
            "signature.date",
        ),
        "wrong-signature",
    ),
}


def refusal(contract: Contract, request: HttpRequest, key: tuple[str, str]) -> tuple[str, str] | None:
    """Why a request that is not signed with that key may not pass: the row of choices, and the detail. None: it may.

    `key` is access key id and secret. The age of the date is not looked at: a service is given no clock that knows it.
    """
    for found in verify(request, *key, contract):
        choice = _CHOICE_FOR_RULE.get(found.rule.id)
        if choice is not None:
            return choice, f"{found.rule.id} at {found.where}: got {found.got}, expected {found.expected}"
    return None
