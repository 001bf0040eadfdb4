"""Documents as runs make them, made by hand: every verdict, every kind of step, and what is hostile or long."""

from __future__ import annotations

import itertools

from pytest_es_upgrade.contract import shipped_contract
from pytest_es_upgrade.results import report_document

PATH = "/openapi/instances/es-cn-a/actions/upgrade-version"
SUCCESS = '{"Result":[{"validateType":"checkClusterHealth","status":"success"}],"RequestId":"F994"}'
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=alert(1)>\"'&\u202e\x1b[31m"


def request(target=PATH, body="{}", method="POST", headers=(("Host", "127.0.0.1:1"),)):
    raw = "\r\n".join([f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", str(body)])
    return {"method": method, "target": target, "headers": [list(pair) for pair in headers], "body": body, "raw": raw}


def answer(status=200, body=SUCCESS, headers=(("Content-Type", "application/json"),)):
    return {"status": status, "headers": [list(pair) for pair in headers], "body": body}


def exchange(sent, answered=None, done=None, fault=None, at=0.0, **told):
    told = {"instanceId": "es-cn-a", "token": None, "upgrade": None, "code": None} | told
    return {
        "request": sent,
        "response": answered,
        "started": at,
        "ended": at + 0.001,
        "fault": fault,
        "done": done and {"done": done, **told},
    }


def call(*exchanges, kind="ok", result=None, error=None, unread=(), **asked):
    blank = dict.fromkeys(("instance_id", "version", "type", "client_token", "dry_run"))
    outcome = {"kind": kind, "result": result, "error": error}
    return {
        "request": {**blank, "instance_id": "es-cn-a", **asked},
        "outcome": outcome,
        "exchanges": list(exchanges),
        "unread": list(unread),
    }


def error(**told):
    return dict.fromkeys(("type", "code", "message", "http_status", "request_id", "text")) | {"type": "E"} | told


def violation(rule, where, got, expected):
    known = shipped_contract().rules[rule]
    return {
        "rule": rule,
        "level": known.level,
        "where": where,
        "got": got,
        "expected": expected,
        "quote": known.quote,
        "hint": "Do it otherwise.",
    }


def case(case_id, verdict="passed", *calls, violations=(), reason=None, **members):
    return {
        "id": case_id,
        "family": case_id.partition(".")[0],
        "level": "must",
        "rules": ["request.method"],
        "title": f"Decides {case_id}.",
        "verdict": verdict,
        "reason": reason,
        "seconds": 0.01,
        "violations": list(violations),
        "calls": list(calls),
        "upgrades_started": sum(
            (one.get("done") or {}).get("done") == "started" for c in calls for one in c["exchanges"]
        ),
        "example": None,
        "alone": f"pytest --es-upgrade --es-upgrade-client=plain=m:plain --es-upgrade-case={case_id}",
    } | members


def document(cases, level="must", **heading):
    """`cases` by client; each client's adapter is a module of its name."""
    contract = shipped_contract()
    told = {"operation": contract.operation, "version": contract.version, "sha256": contract.sha256}
    heading = {"contract": told, "profile": "quick", "level": level, **heading}
    results = [
        {"client": client, "adapter": f"m:{client}", "case": one}
        for client, members in cases.items()
        for one in members
    ]
    return report_document(heading, [(client, f"m:{client}") for client in cases], results)


# --- cases --------------------------------------------------------------------------------------------


def retried(case_id="idempotency.lost.half_body"):
    """Two attempts under two tokens, each of which started an upgrade."""
    first = exchange(request(f"{PATH}?clientToken=first"), answer(), "started", "half_body", token="first", upgrade=1)
    second = exchange(request(f"{PATH}?clientToken=second"), answer(), "started", at=0.01, token="second", upgrade=2)
    told = [
        violation("idempotency.started_once", "started", "2 upgrades", "one upgrade"),
        violation("idempotency.retry_token", "attempt 2", "clientToken 'second'", "clientToken 'first'"),
    ]
    return case(case_id, "failed", call(first, second, result={"RequestId": "F994"}), violations=told)


def capital(case_id="request.dry_run.lower_case", verdict="failed", **members):
    """dryRun=True in the second of three calls."""
    calls = [
        call(exchange(request(f"{PATH}?{query}"), answer(), "scripted"), dry_run=value)
        for query, value in (("", None), ("dryRun=True&clientToken=t", True), ("dryRun=false", False))
    ]
    found = [violation("request.dry_run.form", "query.dryRun", "'True'", "'true'")]
    return case(case_id, verdict, *calls, violations=found, **members)


def hostile(case_id="error.hostile"):
    """Whatever a client or a service may say, where a browser would act on it."""
    sent = exchange(request(body=HOSTILE, headers=(("X", HOSTILE),)), answer(500, HOSTILE), "refused", code=HOSTILE)
    told = call(sent, kind="failed", error=error(message=HOSTILE, code=HOSTILE), client_token=HOSTILE)
    found = [violation("error.code", "error.code", HOSTILE, HOSTILE)]
    return case(case_id, "failed", told, violations=found, reason=HOSTILE, alone=f"pytest {HOSTILE}", example=HOSTILE)


def long(case_id="request.long"):
    """A token and an answer that are cut, and more calls and attempts than are shown."""
    token = "t" * 5000
    sent = request(f"{PATH}?clientToken={token}") | {
        "target": {"text": f"{PATH}?clientToken={token}"[:4096], "size": 5065},
        "raw": {"text": f"POST {PATH}?clientToken={token}"[:4096], "size": 5200},
    }
    big = answer(body={"text": SUCCESS.replace("success", "s" * 4000), "size": 5_000_000})
    attempts = [exchange(sent, big, "started", at=n / 100, upgrade=n + 1) for n in range(20)]
    calls = [call(exchange(request(), answer(), "started")) for _ in range(9)]
    found = [violation("request.client_token.length", "query.clientToken", repr(token), "at most 64")] * 9
    return case(case_id, "failed", call(*attempts, client_token=token), *calls, violations=found)


def every_verdict():
    """A client with a case of every verdict, and every kind of step in them."""
    lost = exchange(request(), None, "nothing", "reset_after_reading")
    reset = {"at": 0.005, "fault": "reset_before_reading"}
    dry = exchange(request(f"{PATH}?dryRun=true"), answer(), "dry_run", at=0.02)
    refused = exchange(request(), answer(404, '{"Code":"InstanceNotFound"}'), "refused", code="InstanceNotFound")
    raised = call(refused, kind="failed", error=error(message="no", http_status=404))
    code = violation("error.code", "error.code", "nothing", "'InstanceNotFound'")
    struct = violation("answer.struct", "answer./Result/0/status", "nothing", "read as one check")
    return [
        case("request.method", "passed", call(exchange(request(), answer(), "started"))),
        retried(),
        capital(),
        case("request.sent", "failed", call(kind="rejected", error=error()), violations=[
            violation("sent.call", "call", "nothing was sent", "a request")
        ]),
        case("error.code", "failed", call(lost, unread=[reset]), raised, violations=[code]),
        case("error.flaky", "failed", reason="flaky: once so, once so"),
        case("error.stale", "stale", call(dry), reason="error.stale is known (old), and every rule held"),
        capital("request.known", "known", reason="written by str()", link="https://example.org/1"),
        case("response.struct", "tolerated", call(exchange(request(), answer(), "repeated")), violations=[struct],
             reason="another reading of the page: result-shape"),
        capital("request.below", "tolerated", reason="below level must: request.dry_run.form"),
        *(case(f"idempotency.undecided.{n}", "not_testable", reason="no second attempt was made") for n in range(3)),
        case("dry_run.checks", "passed", call(exchange(request(), answer(), "checks_failed"), kind="hung")),
    ]  # fmt: skip


def everything(clients=("plain",)):
    """Every verdict, what is hostile and what is long, for each of these clients."""
    heading = {"kit": {"name": "pytest-es-upgrade", "version": "0.1.0"}, "ended": "2026-01-02T03:04:05+00:00"}
    return document({client: [*every_verdict(), hostile(), long()] for client in clients}, **heading)


def many(cases=300, clients=8, failing=3):
    """Clients by the number of their cases, every so many of which did not pass; they are as large as a real run's."""
    makers = itertools.cycle([capital, retried])
    members = [
        next(makers)(f"request.number.{n:03}")
        if n % failing == 0
        else case(f"request.number.{n:03}", "passed", call(exchange(request(), answer(), "started")))
        for n in range(cases)
    ]
    return document({f"client-{n}": members for n in range(clients)})
