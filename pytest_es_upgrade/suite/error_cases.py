"""Family `error`: whatever is no documented success is not reported as one, and errors can be told apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from ..contract import Contract
from ..errors import NotTestable
from ..faults import serialize
from ..messages import Exchange, Headers, HttpResponse, Violation
from ..plans import Close, Hold, Plan, Reset, Send
from ..rules.sent import check_sent
from ..rules.told import told_error, told_no_success, told_success, told_unreadable
from ..samples import JSON_HEADERS, error_response, json_response, sample, success_document
from ..stage import Call, Stage
from .asking import answered, full_call, not_sent, only, plain_call, slug
from .case import Case

TOLD = ("error.as_success", "error.code", "error.message", "error.http_status", "error.request_id", "sent.call")

#: Seconds: the endpoint's timeout, and the bound of a call, where no whole answer comes.
_SHORT_TIMEOUT, _SHORT_BOUND = 0.3, 3.0

Check = Callable[[Stage], Iterable[Violation]]


def error_cases(contract: Contract) -> list[Case]:
    """All cases of the family."""
    return [
        *_documented_cases(contract),
        *_status_cases(),
        *_body_cases(contract),
        *_no_answer_cases(contract),
        *_ok_cases(contract),
        *_redirect_cases(),
        *_sequence_cases(contract),
    ]


def _case(id_: str, title: str, response: HttpResponse, rules: Sequence[str] = TOLD) -> Case:
    def check(stage: Stage) -> Iterator[Violation]:
        stage.reply_with(response)
        call = stage.call(plain_call(stage.contract))
        yield from _sent(stage, call)
        if call.exchanges:  # else no answer was there to be told
            yield from told_error(stage.contract, response, call.outcome)

    return Case(id_, title, tuple(rules), check)


def _sent(stage: Stage, call: Call) -> Iterator[Violation]:
    if not call.exchanges:
        yield not_sent(stage.contract, call)


# --- errors with a code -----------------------------------------------------------------------------


def _documented_cases(contract: Contract) -> Iterator[Case]:
    for row in contract.errors:
        name = slug(row.code)
        title = f"{row.code} is told with its code, message, status and request id."
        yield _case(f"error.documented.{name}", title, sample(contract, row.code))
        for status in (400, 404, 409, 500):
            if status != row.status:
                title = (
                    f"{row.code} under {status} is an error with that code: editions of the page disagree on statuses."
                )
                answer = error_response(status, row.code, row.message)
                yield _case(f"error.other_status.{name}.{status}", title, answer)


#: status → a code and message as gateways and the service's neighbours give them
_STATUSES: Mapping[int, tuple[str, str]] = {
    400: ("InvalidParameter", "The specified parameter is not valid."),
    401: ("InvalidAccessKeyId.Inactive", "The specified AccessKey is disabled."),
    403: ("Forbidden.RAM", "User not authorized to operate on the specified resource."),
    405: ("UnsupportedHTTPMethod", "This http method is not supported."),
    408: ("RequestTimeout", "The request has timed out."),
    409: ("ConcurrencyUpdateInstanceConflict", "The instance is being updated."),
    413: ("RequestEntityTooLarge", "The request is too large."),
    415: ("UnsupportedMediaType", "The media type is not supported."),
    429: ("Throttling.User", "Request was denied due to user flow control."),
    500: ("InternalServerError", "An internal error occurred."),
    502: ("BadGateway", "The gateway got no valid answer."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable."),
    504: ("GatewayTimeout", "The gateway got no answer in time."),
}


def _status_cases() -> Iterator[Case]:
    for status, (code, message) in _STATUSES.items():
        title = f"An answer of {status} is told as an error with its code, {code}."
        yield _case(f"error.status.{status}", title, error_response(status, code, message))
    for status in (400, 500):
        title = f"A code that nobody knows, under {status}, is told as it is."
        answer = error_response(status, "SomethingNobodyKnows", "Nobody knows this code.")
        yield _case(f"error.unknown_code.{status}", title, answer)


# --- errors with a strange body ---------------------------------------------------------------------


def _body_cases(contract: Contract) -> Iterator[Case]:
    row = contract.errors[0]
    told = error_response(row.status, row.code, row.message)
    for name, headers in _CONTENT_TYPES.items():
        title = f"An error whose Content-Type is {name.replace('_', ' ')} is an error with its code."
        yield _case(f"error.content_type.{name}", title, replace(told, headers=headers))
    title = f"An error that says nothing but its code, {row.code}, is told with it."
    alone = json_response(row.status, {"Code": row.code})
    yield _case("error.body.code_alone", title, alone, ("error.as_success", "error.code", "sent.call"))
    rules = ("error.as_success", "error.http_status", "sent.call")
    for status in (404, 503):
        for name, (headers, body) in _bodies(contract).items():
            title = f"An answer of {status} is an error, though its body is {name.replace('_', ' ')}."
            yield _case(f"error.body.{name}.{status}", title, HttpResponse(status, headers, body), rules)


_CONTENT_TYPES: Mapping[str, Headers] = {
    "absent": (),
    "text_plain": (("Content-Type", "text/plain"),),
    "text_html": (("Content-Type", "text/html; charset=utf-8"),),
    "octet_stream": (("Content-Type", "application/octet-stream"),),
}


def _bodies(contract: Contract) -> dict[str, tuple[Headers, bytes]]:
    html = b"<html><head><title>Error</title></head><body><h1>The server is at lunch</h1></body></html>"
    deep = b'{"a":' * 300 + b"1" + b"}" * 300
    latin = '{"Message":"Instance est d\u00e9j\u00e0 activ\u00e9e"}'.encode("latin-1")
    return {
        "html": ((("Content-Type", "text/html"),), html),
        "html_called_json": (JSON_HEADERS, html),
        "empty": (JSON_HEADERS, b""),
        "the_success_document": (JSON_HEADERS, sample(contract, "all_passed").body),
        "not_utf8": (JSON_HEADERS, latin),
        "of_another_shape": (JSON_HEADERS, b'{"error":{"reason":"no","list":[1,2]},"status":"x"}'),
        "null": (JSON_HEADERS, b"null"),
        "a_list": (JSON_HEADERS, b"[]"),
        "a_string": (JSON_HEADERS, b'"no"'),
        "truncated": (JSON_HEADERS, b'{"Code":"Ins'),
        "nested_deep": (JSON_HEADERS, deep),
    }


# --- no answer, or half of one ----------------------------------------------------------------------


def _no_answer_cases(contract: Contract) -> Iterator[Case]:
    answer = sample(contract, "all_passed")
    wire = serialize(answer)
    head, body = wire.index(b"\r\n\r\n") + 4, len(answer.body)
    chunk = b"%x\r\n%s\r\n" % (body, answer.body)
    chunked_head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    too_long = wire.replace(b"%d" % body, b"%d" % (body + 20))
    plans: Mapping[str, tuple[str, Plan]] = {
        "silence": ("no answer comes", Plan((Hold(),))),
        "reset": ("the connection is reset", Plan((Reset(),))),
        "closed": ("the connection is closed", Plan((Close(),))),
        "half_head": ("half of the head comes", Plan((Send(wire[: head // 2]), Close()))),
        "head_alone": ("the head comes, and then a reset", Plan((Send(wire[:head]), Reset()))),
        "half_body": ("half of the body comes", Plan((Send(wire[: head + body // 2]), Close()), answer)),
        "short_body": ("the body is shorter than announced", Plan((Send(too_long), Close()), answer)),
        "half_body_held": (
            "half of the body comes, and then nothing",
            Plan((Send(wire[: head + body // 2]), Hold()), answer),
        ),
        "no_last_chunk": ("the last chunk is missing", Plan((Send(chunked_head + chunk), Close()), answer)),
        "bad_chunk": ("a chunk has no length", Plan((Send(chunked_head + b"zz\r\n" + answer.body), Close()), answer)),
        "garbage": ("what comes is no HTTP", Plan((Send(b"\x16\x03\x01 this is not HTTP\r\n\r\n"), Close()))),
    }
    rules = ("error.no_answer_as_success",)
    for name, (came, plan) in plans.items():
        title = f"No success is reported where {came}."
        held = any(isinstance(step, Hold) for step in plan.steps)
        case = Case(f"error.no_answer.{name}", title, rules, _no_success(plan, came))
        yield replace(case, timeout=_SHORT_TIMEOUT, bound=_SHORT_BOUND) if held else case
    yield Case(
        "error.no_answer.refused",
        "No success is reported where the connection is refused.",
        rules,
        _refused,
        timeout=_SHORT_TIMEOUT,
        bound=_SHORT_BOUND,
    )


def _no_success(plan: Plan, came: str, rule: str = "error.no_answer_as_success") -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        stage.reply_with(plan)
        call = stage.call(plain_call(stage.contract))
        if not call.exchanges:  # on a busy machine the short timeout may be over before the request is out
            raise NotTestable("the call ended before anything was sent")
        yield from told_no_success(stage.contract, call.outcome, rule, came)

    return check


def _refused(stage: Stage) -> Iterator[Violation]:
    stage.open()  # a client may connect when it is made
    stage.refuse_connections()
    outcome = stage.call(plain_call(stage.contract)).outcome
    yield from told_no_success(stage.contract, outcome, "error.no_answer_as_success", "the connection was refused")


# --- 2xx and no documented success ------------------------------------------------------------------


def _ok_cases(contract: Contract) -> Iterator[Case]:
    document = success_document(contract)
    row = contract.errors[0]
    unreadable: Mapping[str, bytes] = {
        "empty": b"",
        "html": b"<html><body>Please sign in</body></html>",
        "truncated": sample(contract, "success").body[:200],
        "null": b"null",
        "string": b'"ok"',
        "list": b"[]",
        "list_of_checks": json.dumps(document["Result"]).encode(),
        "number": b"200",
        "true": b"true",
        "not_utf8": b'{"RequestId":"\xe9","Result":[]}',
        "error_body": error_response(200, row.code, row.message).body,
        "no_result": json_response(200, {"RequestId": document["RequestId"]}).body,
        "null_result": json_response(200, {"RequestId": document["RequestId"], "Result": None}).body,
        "text_result": json_response(200, {"RequestId": document["RequestId"], "Result": "accepted"}).body,
        "empty_object": b"{}",
        "other_object": b'{"status":"UP"}',
    }
    rules = ("error.undocumented_success", "error.not_a_document", "error.invented_document", "sent.call")
    for name, body in unreadable.items():
        title = f"A 200 that is no documented success is not reported as one ({name.replace('_', ' ')})."
        yield Case(f"error.ok.{name}", title, rules, _unreadable(HttpResponse(200, JSON_HEADERS, body)))
    title = "A 204 is not reported as the documented success."
    yield Case("error.ok.status_204", title, rules, _unreadable(HttpResponse(204)))
    title = "An answer in which a member stands twice, with different values, is refused."
    yield Case("error.ok.duplicate_members", title, ("error.duplicate_members", "sent.call"), _duplicates)


def _unreadable(response: HttpResponse) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        stage.reply_with(response)
        call = stage.call(plain_call(stage.contract))
        yield from _sent(stage, call)
        yield from told_unreadable(stage.contract, response, call.outcome)

    return check


def _duplicates(stage: Stage) -> Iterator[Violation]:
    body = sample(stage.contract, "success").body.replace(
        b'"status":"failed"', b'"status":"success","status":"failed"', 1
    )
    stage.reply_with(HttpResponse(200, JSON_HEADERS, body))
    call = stage.call(plain_call(stage.contract))
    yield from _sent(stage, call)
    came = "status stood twice, success and failed"
    yield from told_no_success(stage.contract, call.outcome, "error.duplicate_members", came)


# --- redirects --------------------------------------------------------------------------------------

_REDIRECT_RULES = (
    "error.as_success",
    "error.redirect_as_success",
    "error.redirect_credentials",
    "error.redirect_other_host",
    "sent.dry_run",
    "sent.client_token",
    "sent.version",
    "sent.type",
    "sent.call",
)


def _redirect_cases() -> Iterator[Case]:
    for status in (301, 302, 303, 307, 308):
        title = f"A {status} within the host is told as an error, or followed with the same POST."
        yield Case(f"error.redirect.{status}.same_host", title, _REDIRECT_RULES, _same_host(status))
        title = f"A {status} to another host takes neither credentials nor the upgrade there."
        yield Case(f"error.redirect.{status}.other_host", title, _REDIRECT_RULES, _other_host(status))
    for status, name in {300: "multiple_choices", 304: "not_modified"}.items():
        title = f"A {status}, which leads nowhere, is not reported as a success."
        plan = Plan((Send(serialize(HttpResponse(status)), whole=True),), HttpResponse(status))
        check = _no_success(plan, f"the answer was {status}", "error.as_success")
        yield Case(f"error.redirect.{status}.{name}", title, ("error.as_success",), check)


def _redirect(stage: Stage, status: int, url: str) -> HttpResponse:
    """A redirect to the same call at that host: following it loses nothing of what was asked."""
    call = full_call(stage.contract)
    query = urlencode({"clientToken": call.client_token, "dryRun": "true"})
    location = f"{url}{stage.contract.target_path(call.instance_id)}?{query}"
    return HttpResponse(status, (("Location", location), ("Content-Length", "0")))


def _same_host(status: int) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        stage.reply_with(_redirect(stage, status, stage.endpoint.url), times=1)
        stage.reply_with("all_passed")
        call = stage.call(full_call(stage.contract))
        yield from _sent(stage, call)
        yield from _followed(stage, call, status, call.exchanges[1:])

    return check


def _other_host(status: int) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        stage.reply_with(_redirect(stage, status, f"{stage.endpoint.scheme}://{stage.other_host()}"))
        call = stage.call(full_call(stage.contract))
        yield from _sent(stage, call)
        for exchange in stage.elsewhere:
            yield from _taken_elsewhere(stage, exchange)
        yield from _followed(stage, call, status, stage.elsewhere)

    return check


def _followed(stage: Stage, call: Call, status: int, followed: Sequence[Exchange]) -> Iterator[Violation]:
    contract = stage.contract
    if not followed:
        came = f"the answer was {status}, and it was not followed"
        yield from told_no_success(contract, call.outcome, "error.as_success", came)
        return
    posts = [exchange.request for exchange in followed if exchange.request.method == contract.method]
    if not posts:
        came = f"what answered was a {followed[-1].request.method}, to which no upgrade was asked for"
        yield from told_no_success(contract, call.outcome, "error.redirect_as_success", came)
    for sent in posts:
        yield from only(_REDIRECT_RULES, check_sent(contract, call.request, sent))


#: What proves who calls; `acs …` and `ACS3-HMAC-SHA256 …` travel in Authorization.
_CREDENTIALS = ("authorization", "x-acs-security-token", "cookie", "proxy-authorization")


def _taken_elsewhere(stage: Stage, exchange: Exchange) -> Iterator[Violation]:
    request, host = exchange.request, stage.other_host()
    taken = [name for name, _ in request.headers if name.lower() in _CREDENTIALS]
    got = f"{request.method} {request.path} at {host}"
    if taken:
        with_them = f"{got} with {', '.join(taken)}"
        yield stage.contract.violation("error.redirect_credentials", "request", with_them, "no credentials elsewhere")
    elif request.method == stage.contract.method:
        yield stage.contract.violation("error.redirect_other_host", "request", got, "nothing sent to another host")


# --- several calls, and the secret ------------------------------------------------------------------


def _sequence_cases(contract: Contract) -> Iterator[Case]:
    yield Case(
        "error.told_apart",
        "Two documented errors can be told apart by their codes.",
        ("error.code", "error.as_success"),
        _told_apart,
    )
    yield Case(
        "error.then_used_again",
        "A client that was told an error can be used again.",
        ("answer.delivered",),
        _used_again,
    )
    for row in contract.errors[:1]:
        yield Case(
            "error.secret",
            "The access key secret is in no error, log or output, not even when the service refuses the key.",
            ("client.secret",),
            _secret(error_response(row.status, row.code, row.message)),
        )


def _told_apart(stage: Stage) -> Iterator[Violation]:
    contract = stage.contract
    for row in contract.errors:
        answer = sample(contract, row.code)
        stage.reply_with(answer)
        outcome = stage.call(plain_call(contract)).outcome
        yield from only(("error.code", "error.as_success"), told_error(contract, answer, outcome))


def _used_again(stage: Stage) -> Iterator[Violation]:
    contract = stage.contract
    answered(stage, contract.errors[0].code)
    after = answered(stage)
    fresh = stage.call(plain_call(contract), stage.open())
    if fresh.outcome.kind != "ok":
        raise NotTestable("a fresh client gets no documented success through either; response.all_passed tells why")
    if after.outcome.kind != "ok":
        yield from told_success(contract, sample(contract, "all_passed"), after.outcome)


def _secret(error: HttpResponse) -> Check:
    def check(stage: Stage) -> Iterator[Violation]:
        refusals = [
            error,
            error_response(403, "SignatureDoesNotMatch", "The signature does not match."),
            HttpResponse(502),
        ]
        for refusal in refusals:
            stage.reply_with(refusal)
            stage.call(full_call(stage.contract))
        stage.reply_with(Plan((Reset(),)))
        stage.call(full_call(stage.contract))
        yield from ()

    return check
