"""Family `signature`: for clients that sign, whether what they sign is what they send.

Whether a client signs at all is one case, below must. Of one that does not, nothing else can be said, and
every other case is not testable. What is asked of each call by itself is its signature over what was on
the wire; everything beside it (date, nonce, version, list of headers) has a case of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..contract import Contract
from ..errors import NotTestable
from ..messages import HttpRequest, UpgradeRequest, Violation
from ..rules.sent import upgrade_requests
from ..samples import sample_request
from ..signatures import SCHEMES, repeated_nonces, signature_scheme, verify
from ..stage import Call, OpenClient, Stage
from ..values import INSTANCE_ID, INSTANCE_IDS, TOKEN, TOKENS
from .asking import full_call, only, plain_call, presence_calls, reached, slug, versioned_targets
from .attempts import played
from .case import Case
from .idempotency_cases import provoked

Check = Callable[[Stage], Iterable[Violation]]
#: Between which seconds since 1970 something was sent.
_When = tuple[float, float]

#: What tells whether a signature is that of what is on the wire, by that client, and of all of it.
_RIGHT = (
    "signature.form",
    "signature.access_key",
    "signature.value",
    "signature.content_sha256",
    "signature.content_md5",
    "signature.absent",
)


def signature_cases(contract: Contract) -> list[Case]:
    """All cases of the family."""
    return [
        Case("signature.present", "Every request is signed.", ("signature.absent", "signature.scheme"), _present),
        *_given_cases(contract),
        *_sample_cases(contract),
        *_token_cases(contract),
        *_id_cases(contract),
        *_one_rule_cases(contract),
        *_sequence_cases(),
    ]


# --- what was signed --------------------------------------------------------------------------------


def _verified(stage: Stage, calls: Sequence[Call], when: _When) -> list[Violation]:
    """Every rule that the requests of these calls break. Raises `NotTestable` where none is signed in a known way."""
    endpoint, requests = stage.endpoint, _requests(calls)
    _insist_on_signatures(requests, calls)
    key = endpoint.access_key_id, endpoint.access_key_secret
    return [found for request in requests for found in verify(request, *key, stage.contract, when)]


def _requests(calls: Sequence[Call]) -> list[HttpRequest]:
    return [request for call in calls for request in upgrade_requests(call.exchanges)]


def _insist_on_signatures(requests: Sequence[HttpRequest], calls: Sequence[Call]) -> None:
    schemes = {signature_scheme(request) for request in requests}
    if schemes & SCHEMES.keys():
        return
    names = sorted(scheme for scheme in schemes if scheme)
    why = (
        f"the client signs with {', '.join(names)}, which is not verified here" if names else "the client does not sign"
    )
    raise NotTestable(f"{why}; tried: {calls[0].request.as_code()}")


def _asked(stage: Stage, request: UpgradeRequest, client: OpenClient | None = None) -> list[Violation]:
    """A call, and every rule that its signature breaks. Raises `NotTestable`."""
    began = time.time()
    call = reached(stage.call(request, client))
    return _verified(stage, [call], (began, time.time()))


def _present(stage: Stage) -> Iterator[Violation]:
    stage.reply_with("all_passed")
    for request in _few_calls(stage.contract):
        for sent in _requests([reached(stage.call(request))]):
            yield from only(("signature.absent", "signature.scheme"), verify(sent, "", "", stage.contract))


# --- calls, each by itself --------------------------------------------------------------------------


def _case(id_: str, title: str, *requests: UpgradeRequest) -> Case:
    return Case(id_, title, _RIGHT, _checking(requests, _RIGHT))


def _checking(requests: Sequence[UpgradeRequest], rules: Sequence[str]) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        stage.reply_with("all_passed")
        for request in requests:
            yield from only(rules, _asked(stage, request))

    return check


def _given_cases(contract: Contract) -> Iterator[Case]:
    for version, type_ in contract.targets:
        words = [f"{name}_{slug(value)}" for name, value in (("version", version), ("type", type_)) if value]
        calls = [one for one in presence_calls(contract) if (one.version, one.type) == (version, type_)]
        named = " and ".join(words) or "neither version nor type"
        title = f"Calls with {named}, with and without the rest, are signed right."
        yield _case(".".join(["signature.given", *(words or ["nothing"])]), title, *calls)


def _sample_cases(contract: Contract) -> Iterator[Case]:
    for name in contract.documents["samples.yaml"]["requests"]:
        title = f"The request that the page shows ({name.replace('_', ' ')}) is signed right."
        yield _case(f"signature.sample.{name}", title, sample_request(contract, name))


def _token_cases(contract: Contract) -> Iterator[Case]:
    for name, token in TOKENS.items():
        request = replace(full_call(contract), client_token=token)
        yield _case(f"signature.token.{name}", f"A call with the token {token!r} is signed right.", request)


def _id_cases(contract: Contract) -> Iterator[Case]:
    for name, id_ in INSTANCE_IDS.items():
        yield _case(f"signature.id.{name}", f"A call for the id {id_!r} is signed right.", full_call(contract, id_))


# --- one rule, a few calls --------------------------------------------------------------------------

#: id → what is decided, and the rules
_ONE_RULE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "signature.form": ("Authorization is put together as its scheme says.", ("signature.form",)),
    "signature.access_key": ("The access key is that of the endpoint.", ("signature.access_key",)),
    "signature.headers": (
        "Host, Content-Type and every x-acs- header are signed, in a list that is sorted and in lower case.",
        ("signature.signed_headers", "signature.header_list"),
    ),
    "signature.body": (
        "What the request says of its body is right.",
        ("signature.content_sha256", "signature.content_md5"),
    ),
    "signature.body_covered": ("The signature covers the body.", ("signature.body_covered",)),
    "signature.date": ("The date is there, in the form of the scheme.", ("signature.date",)),
    "signature.date_fresh": ("The date is that of the request.", ("signature.date_fresh",)),
    "signature.nonce": ("There is a nonce, where the scheme asks for one.", ("signature.nonce",)),
    "signature.version": (
        "x-acs-version is the version of the API, whatever is upgraded to.",
        ("signature.version",),
    ),
    "signature.action": ("x-acs-action, where there is one, names the operation.", ("signature.action",)),
}


def _one_rule_cases(contract: Contract) -> Iterator[Case]:
    for id_, (title, rules) in _ONE_RULE.items():
        yield Case(id_, title, rules, _checking(_few_calls(contract), rules))


def _few_calls(contract: Contract) -> list[UpgradeRequest]:
    """Every pair with a version, and everything given in two ways. Others are calls of `signature.given`."""
    full = full_call(contract)
    pairs = [UpgradeRequest(INSTANCE_ID, *target) for target in versioned_targets(contract)]
    return [*pairs, full, replace(full, dry_run=False, client_token=TOKEN[::-1])]


# --- several calls ----------------------------------------------------------------------------------


def _sequence_cases() -> Iterator[Case]:
    yield Case(
        "signature.used_client",
        "Different calls of one client are signed right, one after the other, an error between them included.",
        _RIGHT,
        _used_client,
    )
    yield Case(
        "signature.together",
        "Calls that are made at once are signed right.",
        _RIGHT,
        _at_once,
    )
    yield Case(
        "signature.credentials",
        "Two clients sign with their own credentials, in turn.",
        ("signature.access_key", "signature.value"),
        _credentials,
    )
    for name, (title, calls) in _NONCES.items():
        yield Case(f"signature.nonce_new.{name}", title, ("signature.nonce_new",), _nonces_of(calls))
    yield Case(
        "signature.attempts.right",
        "Every attempt of a call is signed right.",
        _RIGHT,
        _attempts,
    )
    yield Case(
        "signature.attempts.nonce",
        "Every attempt of a call has a nonce of its own, where there is one.",
        ("idempotency.nonce",),
        _attempts_nonce,
    )
    yield Case(
        "signature.secret",
        "The secret that signs is not on the wire.",
        ("client.secret",),
        _secret,
    )


def _used_client(stage: Stage) -> Iterator[Violation]:
    contract = stage.contract
    first = full_call(contract, "es-cn-first00000000000")
    calls = [
        first,
        *(UpgradeRequest(f"es-cn-second{n:010}", *target) for n, target in enumerate(versioned_targets(contract))),
        replace(first, client_token=TOKENS["ampersand"], dry_run=False),
        first,
    ]
    stage.reply_with("all_passed", times=len(calls))
    stage.reply_with(contract.errors[0].code, times=1)
    stage.reply_with("all_passed")
    for request in (*calls, plain_call(contract), *calls):
        yield from only(_RIGHT, _asked(stage, request))


def _together(stage: Stage) -> list[Call]:
    contract = stage.contract
    requests = [
        replace(full_call(contract, f"es-cn-{number:016}"), client_token=f"{TOKEN[:-2]}{number:02}")
        for number in range(8)
    ]
    return stage.call_together(requests)


def _at_once(stage: Stage) -> Iterator[Violation]:
    stage.reply_with("all_passed")
    began = time.time()
    calls = [reached(call) for call in _together(stage)]
    yield from only(_RIGHT, _verified(stage, calls, (began, time.time())))


def _credentials(stage: Stage) -> Iterator[Violation]:
    sides = [stage, stage.beside()]
    clients = [side.open() for side in sides]
    for side in sides:
        side.reply_with("all_passed")
    for _ in range(2):
        for side, client in zip(sides, clients, strict=True):
            found = _asked(side, full_call(side.contract), client)
            yield from only(("signature.access_key", "signature.value"), found)


# --- nonces -----------------------------------------------------------------------------------------


def _different(stage: Stage) -> list[Call]:
    return [stage.call(request) for request in _few_calls(stage.contract)]


def _equal(stage: Stage) -> list[Call]:
    return [stage.call(full_call(stage.contract)) for _ in range(3)]


def _of_fresh_clients(stage: Stage) -> list[Call]:
    return [stage.call(full_call(stage.contract), stage.open()) for _ in range(3)]


#: name → what is decided, and the calls
_NONCES: Mapping[str, tuple[str, Callable[[Stage], list[Call]]]] = {
    "different_calls": ("Different calls of one client have a nonce each.", _different),
    "equal_calls": ("Equal calls of one client have a nonce each.", _equal),
    "fresh_clients": ("Calls of clients that were made one after the other have a nonce each.", _of_fresh_clients),
    "together": ("Calls that are made at once have a nonce each.", _together),
}


def _nonces_of(made: Callable[[Stage], list[Call]]) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        stage.reply_with("all_passed")
        yield from _repeated(stage, "signature.nonce_new", [reached(call) for call in made(stage)])

    return check


def _repeated(stage: Stage, rule: str, calls: Sequence[Call]) -> Iterator[Violation]:
    requests = _requests(calls)
    _insist_on_signatures(requests, calls)
    where = "header.x-acs-signature-nonce"
    if not any(request.header("x-acs-signature-nonce") for request in requests):
        raise NotTestable(f"the client sends no nonce; tried: {calls[0].request.as_code()}")
    for nonce in repeated_nonces(requests):
        yield stage.contract.violation(rule, where, f"{nonce} more than once in {len(requests)} requests", "one each")


# --- attempts ---------------------------------------------------------------------------------------


def _provoked_call(stage: Stage) -> tuple[Call, _When]:
    """A call that the client repeats, and when. Raises `NotTestable`."""
    request = full_call(stage.contract)
    stage.reply_with("all_passed", times=1)
    _asked(stage, request)
    fault = provoked(stage, request)
    began = time.time()
    call, _ = played(stage, request, fault)
    if len(_requests([call])) < 2:
        raise NotTestable(f"the client repeated a call once, and did not when it was asked again; tried: {fault}")
    return call, (began, time.time())


def _attempts(stage: Stage) -> Iterator[Violation]:
    call, when = _provoked_call(stage)
    yield from only(_RIGHT, _verified(stage, [call], when))


def _attempts_nonce(stage: Stage) -> Iterator[Violation]:
    call, _ = _provoked_call(stage)
    yield from _repeated(stage, "idempotency.nonce", [call])


def _secret(stage: Stage) -> Iterator[Violation]:
    """The question is answered by what is looked at in every case."""
    stage.reply_with("all_passed")
    _asked(stage, full_call(stage.contract))
    yield from ()
