"""Family `request`: what is put on the wire for plausible calls.

Every call is answered at once with a success. Rules of level must are looked at for each call by
itself; what is below that has a case of its own over all calls, so that it is told once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..contract import Contract
from ..errors import NotTestable
from ..messages import UpgradeRequest, Violation
from ..rules.request import read_wire
from ..rules.sent import check_number, check_sent, upgrade_requests
from ..samples import sample_request
from ..stage import Call, OpenClient, Stage
from ..values import INSTANCE_ID, INSTANCE_IDS, TOKEN, TOKENS
from .asking import (
    full_call,
    may_refuse,
    must_rules,
    not_sent,
    only,
    plain_call,
    presence_calls,
    rightly_refused,
    slug,
)
from .case import Case


def request_cases(contract: Contract) -> list[Case]:
    """All cases of the family."""
    return [
        *_given_cases(contract),
        *_sample_cases(contract),
        *_token_cases(contract),
        *_id_cases(contract),
        *_one_rule_cases(contract),
        *_sequence_cases(),
    ]


# --- one call, all rules of level must --------------------------------------------------------------


def _case(contract: Contract, id_: str, title: str, request: UpgradeRequest) -> Case:
    rules = must_rules(contract, "request.", "sent.")
    if request.version is None:
        rules = (*rules, "sent.call_without_version")
    title += ", or is refused." if may_refuse(contract, request) else "."
    return Case(id_, title, rules, _checking(request, rules))


def _given_cases(contract: Contract) -> Iterator[Case]:
    for request in presence_calls(contract):
        words = [f"{slug(name)}_{slug(str(value))}" for name, value in _named_target(request) if value is not None]
        words += ["token"] if request.client_token else []
        words += [f"dry_run_{slug(str(request.dry_run))}"] if request.dry_run is not None else []
        given = ", ".join(f"{name}={value!r}" for name, value in request.given().items() if name != "InstanceId")
        yield _case(
            contract,
            ".".join(["request.given", *(words or ["nothing"])]),
            f"A call that gives {given or 'nothing but the id'} is put on the wire as the page says",
            request,
        )


def _named_target(request: UpgradeRequest) -> tuple[tuple[str, str | None], ...]:
    return ("version", request.version), ("type", request.type)


def _sample_cases(contract: Contract) -> Iterator[Case]:
    for name in contract.documents["samples.yaml"]["requests"]:
        title = f"The request that the page shows ({name.replace('_', ' ')}) is put on the wire as it stands there"
        yield _case(contract, f"request.sample.{name}", title, sample_request(contract, name))


def _token_cases(contract: Contract) -> Iterator[Case]:
    lengths = {"length_1": "x", f"length_{contract.token_length}": ("0123456789abcdef" * 8)[: contract.token_length]}
    for name, token in {**TOKENS, **lengths}.items():
        title = f"The token {token!r} is sent as it is"
        yield _case(contract, f"request.token.{name}", title, replace(plain_call(contract), client_token=token))


def _id_cases(contract: Contract) -> Iterator[Case]:
    for name, id_ in INSTANCE_IDS.items():
        title = f"The id {id_!r} is one segment of the path, and stays as it is"
        yield _case(contract, f"request.id.{name}", title, plain_call(contract, id_))


def _checking(request: UpgradeRequest, rules: Sequence[str]) -> Callable[[Stage], Iterable[Violation]]:
    def check(stage: Stage) -> Iterator[Violation]:
        stage.reply_with("all_passed")
        call = stage.call(request)
        if not rightly_refused(stage.contract, call):
            yield from only(rules, judged(stage, call))

    return check


def judged(stage: Stage, call: Call) -> Iterator[Violation]:
    """Every rule of the family that a call breaks."""
    contract = stage.contract
    if not call.exchanges:
        yield not_sent(contract, call)
    for sent in upgrade_requests(call.exchanges):
        yield from check_sent(contract, call.request, sent, stage.endpoint)
    yield from check_number(contract, call.exchanges)


# --- one rule, all calls ----------------------------------------------------------------------------

#: id → what is decided, and the rules
_ONE_RULE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "request.method": ("The method is POST, whatever is given.", ("request.method",)),
    "request.path": ("The path is the documented one, whatever is given.", ("request.path",)),
    "request.http.well_formed": (
        "Every request is well-formed HTTP.",
        ("request.http.syntax", "request.http.length"),
    ),
    "request.http.host": ("Host names the endpoint.", ("request.http.host",)),
    "request.http.host_port": ("Host names the endpoint's port.", ("request.http.host_port",)),
    "request.http.target_form": ("The target is a path, not an absolute URI.", ("request.http.target_form",)),
    "request.body.json": (
        "The body is JSON by its media type and by its bytes.",
        ("request.body.media_type", "request.body.json", "request.body.utf8", "request.body.object"),
    ),
    "request.body.content_type": ("A body comes with a Content-Type.", ("request.body.content_type",)),
    "request.positions": (
        "Every parameter travels in its own place alone.",
        ("request.position", "sent.elsewhere"),
    ),
    "request.duplicates": ("No parameter is sent twice with different values.", ("request.duplicate",)),
    "request.repeats": ("No parameter is sent twice.", ("request.repeated",)),
    "request.absent": (
        "What is not given is not sent: no null, no empty text, no 'None'.",
        ("sent.absent", "sent.made_token"),
    ),
    "request.dry_run.value": ("dryRun is the word true or false.", ("request.dry_run.type", "sent.dry_run")),
    "request.dry_run.lower_case": ("dryRun is spelled in lower case.", ("request.dry_run.form",)),
    "request.dry_run.default": (
        "dryRun=false is sent where it was given, and left out where it was not.",
        ("sent.dry_run_default",),
    ),
    "request.type.default": ("The default type is left out where no type was given.", ("sent.type_default",)),
    "request.text_types": ("version and type are JSON strings.", ("request.version.type", "request.type.type")),
    "request.nothing_extra": ("No parameter or member is sent that the page does not name.", ("request.extra",)),
    "request.sdk_parameters": ("No common SDK parameter is added.", ("request.sdk_extra",)),
    "request.one_upgrade": ("One call is one request that can start an upgrade.", ("sent.once",)),
    "request.one_request": ("One call is one request.", ("sent.extra_call",)),
}


def _one_rule_cases(contract: Contract) -> Iterator[Case]:
    calls = _few_calls(contract)
    for id_, (title, rules) in _ONE_RULE.items():
        yield Case(id_, title, rules, _checking_all(calls, rules))


def _few_calls(contract: Contract) -> list[UpgradeRequest]:
    """Everything given and not given, with every value of dryRun, in as few calls as show every rule."""
    version_alone = next(target for target in contract.targets if target[0] is not None)
    last_pair = contract.targets[-1]
    full = full_call(contract)
    return [
        UpgradeRequest(INSTANCE_ID),
        UpgradeRequest(INSTANCE_ID, *version_alone),
        UpgradeRequest(INSTANCE_ID, *last_pair, client_token=TOKEN),
        full,
        replace(full, dry_run=False),
    ]


def _checking_all(requests: Sequence[UpgradeRequest], rules: Sequence[str]) -> Callable[[Stage], Iterable[Violation]]:
    def check(stage: Stage) -> Iterator[Violation]:
        stage.reply_with("all_passed")
        for request in requests:
            yield from only(rules, judged(stage, stage.call(request)))

    return check


# --- several calls ----------------------------------------------------------------------------------


def _sequence_cases() -> Iterator[Case]:
    yield Case(
        "request.used_client",
        "The same call gives the same request on a fresh client and on a used one.",
        ("sent.repeatable",),
        _used_client,
    )
    yield Case(
        "request.order_of_calls",
        "Values of an earlier call do not come back in a later one.",
        ("sent.absent", "sent.client_token", "sent.dry_run", "sent.version", "sent.type", "sent.instance_id"),
        _order_of_calls,
    )
    yield Case(
        "request.endpoint_only",
        "Everything goes to the endpoint that the client was given.",
        ("client.endpoint",),
        _endpoint_only,
        always=True,
    )
    yield Case(
        "request.left_as_it_was",
        "The caller's request is not changed by a call.",
        ("client.request_changed",),
        _endpoint_only,
    )
    yield Case(
        "request.secret",
        "The access key secret is not on the wire.",
        ("client.secret",),
        _endpoint_only,
    )


def _used_client(stage: Stage) -> Iterator[Violation]:
    stage.reply_with("all_passed")
    contract = stage.contract
    asked = plain_call(contract)
    used = stage.open()
    for request in (full_call(contract, "es-cn-used000000000000"), UpgradeRequest("es-cn-used000000000001")):
        stage.call(request, used)
    on_used, on_fresh = _shape(stage, asked, used), _shape(stage, asked, stage.open())
    if on_used != on_fresh:
        yield contract.violation(
            "sent.repeatable", "request", f"on a used client {on_used}", f"as on a fresh one: {on_fresh}"
        )


def _shape(stage: Stage, request: UpgradeRequest, client: OpenClient) -> list[tuple[str, str, str]]:
    """What a call put on the wire, without what may differ: a token of the client's own making."""
    sent = upgrade_requests(stage.call(request, client).exchanges)
    shapes = []
    for one in sent:
        document = read_wire(stage.contract, one)[1]
        document.get("query", {}).pop("clientToken", None)
        shapes.append((one.method, one.path, repr(sorted(document.items()))))
    return shapes


def _order_of_calls(stage: Stage) -> Iterator[Violation]:
    stage.reply_with("all_passed")
    contract = stage.contract
    rules = ("sent.absent", "sent.client_token", "sent.dry_run", "sent.version", "sent.type", "sent.instance_id")
    requests = [
        full_call(contract, "es-cn-first00000000000"),
        UpgradeRequest("es-cn-second0000000000"),
        *(UpgradeRequest(f"es-cn-third{n:012}", *target) for n, target in enumerate(contract.targets)),
        replace(full_call(contract, "es-cn-last000000000000"), client_token=TOKEN[::-1], dry_run=False),
        UpgradeRequest("es-cn-second0000000000"),
    ]
    for request in requests:
        yield from only(rules, judged(stage, stage.call(request)))


def _endpoint_only(stage: Stage) -> Iterator[Violation]:
    """The question is answered by what is looked at in every case."""
    stage.reply_with("all_passed")
    if not stage.call(full_call(stage.contract)).exchanges:
        raise NotTestable("nothing reached the wire")
    yield from ()
