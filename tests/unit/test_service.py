"""The service without a server: requests in, plans out."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

from pytest_es_upgrade.contract import Contract, shipped_contract
from pytest_es_upgrade.errors import UnknownName, UsageProblem
from pytest_es_upgrade.faults import serialize
from pytest_es_upgrade.messages import HttpRequest, HttpResponse
from pytest_es_upgrade.plans import Close, Plan, Reset, Send
from pytest_es_upgrade.samples import sample, success_document
from pytest_es_upgrade.service import Service

CONTRACT = shipped_contract()
CHECKS = CONTRACT.enum("validateType")


@pytest.fixture
def service():
    ticks = itertools.count(100)
    return Service(CONTRACT, lambda: float(next(ticks)))


def request(instance="es-1", *, query="", method="POST", headers=(), **body):
    content = json.dumps(body).encode() if body else b""
    given = (("Host", "127.0.0.1:1"), ("Content-Type", "application/json"), *headers)
    target = CONTRACT.target_path(instance) + (f"?{query}" if query else "")
    return HttpRequest(method, target, given, content)


def answer(service, sent):
    """The response of the plan, its status, and its body read."""
    reply = service.received(sent)
    assert b"".join(step.data for step in reply.plan.steps if isinstance(step, Send)) == serialize(
        reply.plan.response, head_only=sent.method == "HEAD"
    )
    return reply.plan.response.status, json.loads(reply.plan.response.body)


def code(service, sent):
    status, body = answer(service, sent)
    return status, body.get("Code")


# --- the operation ---


def test_every_id_exists_until_one_is_added(service):
    assert answer(service, request("anything", version="6.7"))[0] == 200
    service.add_instance("es-1")
    assert code(service, request("anything", version="6.7")) == (404, "InstanceNotFound")
    assert code(service, request("es-1", version="6.7")) == (200, None)


def test_documented_errors_have_the_status_and_message_of_the_page(service):
    service.add_instance("es-1", activating=True)
    status, body = answer(service, request("es-2"))
    assert (status, body["Message"]) == (404, "The instanceId provided does not exist.")
    status, body = answer(service, request("es-1"))
    assert (status, body["Code"], body["Message"]) == (400, "InstanceActivating", "Instance is activating.")


def test_all_checks_passed_starts_one_upgrade_and_the_instance_is_activating(service):
    status, body = answer(service, request(version="6.7"))
    assert (status, service.upgrades_started) == (200, 1)
    assert [check["validateType"] for check in body["Result"]] == list(CHECKS)
    assert {check["status"] for check in body["Result"]} == {"success"}
    assert code(service, request(version="6.7")) == (400, "InstanceActivating")
    assert service.upgrades_started == 1


def test_a_dry_run_answers_the_checks_and_changes_nothing(service):
    for _ in range(3):
        assert code(service, request(query="dryRun=true", version="6.7")) == (200, None)
    assert service.upgrades_started == 0


@pytest.mark.parametrize("failing", [CHECKS[:1], CHECKS[1:3], CHECKS])
def test_failed_checks_have_the_documented_errors_and_start_nothing(service, failing):
    service.add_instance("es-1", failing=failing)
    documented = {check["validateType"]: check for check in success_document(CONTRACT)["Result"]}
    _, body = answer(service, request(version="6.7"))
    for check in body["Result"]:
        failed = check["validateType"] in failing
        assert check["status"] == ("failed" if failed else "success")
        assert check["validateResult"] == (documented[check["validateType"]]["validateResult"] if failed else [])
    assert service.upgrades_started == 0


def test_the_flow_that_people_follow(service):
    service.add_instance("es-1", failing=[CHECKS[3]])
    dry, real = request(query="dryRun=true", version="6.7"), request(version="6.7")
    assert [check["status"] for check in answer(service, dry)[1]["Result"]][-1] == "failed"
    service.add_instance("es-1")
    assert [check["status"] for check in answer(service, dry)[1]["Result"]][-1] == "success"
    assert code(service, real) == (200, None)
    assert code(service, real) == (400, "InstanceActivating")
    service.add_instance("es-1", version="6.7")
    assert code(service, real) == (400, "UpgradeNotSupported")


@pytest.mark.parametrize(
    ("state", "body", "started"),
    [
        ({"version": "6.3"}, {"version": "6.7"}, 1),
        ({"version": "6.7"}, {"version": "6.7"}, 0),
        ({"version": "6.3"}, {}, 1),
        ({"version": "6.7"}, {"version": "ali1.2.0", "type": "aliVersion"}, 1),
        ({"version": "6.7", "kernel": "ali1.2.0"}, {"version": "ali1.2.0", "type": "aliVersion"}, 0),
        ({"version": "6.3"}, {"type": "engineVersion"}, 1),
        # the open pairs: this kit reads them as the one pair that they can be part of
        ({"version": "6.3"}, {"version": "ali1.2.0"}, 1),
        ({"version": "6.3"}, {"type": "aliVersion"}, 1),
    ],
)
def test_from_where_can_be_upgraded(service, state, body, started):
    service.add_instance("es-1", **state)
    assert code(service, request(**body)) == ((200, None) if started else (400, "UpgradeNotSupported"))
    assert service.upgrades_started == started


# --- tokens ---


def test_a_repeated_token_gets_the_first_answer_and_starts_nothing(service):
    first = answer(service, request(query="clientToken=t", version="6.7"))
    assert answer(service, request(query="clientToken=t", version="6.7")) == first
    assert service.upgrades_started == 1


def test_a_dry_run_uses_up_no_token(service):
    answer(service, request(query="clientToken=t&dryRun=true", version="6.7"))
    assert answer(service, request(query="clientToken=t", version="6.7"))[0] == 200
    assert service.upgrades_started == 1


def test_an_error_uses_up_no_token(service):
    service.add_instance("es-1", activating=True)
    assert code(service, request(query="clientToken=t", version="6.7")) == (400, "InstanceActivating")
    service.add_instance("es-1")
    assert code(service, request(query="clientToken=t", version="6.7")) == (200, None)


def test_a_token_with_other_content_is_refused(service):
    answer(service, request(query="clientToken=t", version="6.7"))
    assert code(service, request("es-2", query="clientToken=t", version="6.7")) == (400, "IdempotentParameterMismatch")
    assert service.upgrades_started == 1


def test_an_empty_token_is_none(service):
    answer(service, request("es-1", query="clientToken=", version="6.7"))
    answer(service, request("es-2", query="clientToken=", version="6.7"))
    assert service.upgrades_started == 2


# --- requests that are no such call ---


def test_another_path_is_404_and_another_method_405(service):
    assert code(service, HttpRequest("POST", "/openapi/instances", (("Host", "h"),))) == (404, "InvalidAction.NotFound")
    reply = service.received(request(method="GET"))
    assert reply.plan.response.status == 405
    assert reply.plan.response.header("Allow") == "POST"


def test_the_answer_to_head_has_no_body(service):
    reply = service.received(request(method="HEAD"))
    assert reply.plan.steps[0].data.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("sent", "rule"),
    [
        (request(version="6.8"), "request.version.value"),
        (request(version="6.7", type="aliVersion"), "request.pairing"),
        (request(query="clientToken=" + "x" * 65), "request.client_token.length"),
        (request(query="dryRun=1"), "request.dry_run.type"),
    ],
)
def test_a_broken_rule_is_400_and_named(service, sent, rule):
    status, body = answer(service, sent)
    assert (status, body["Code"]) == (400, "InvalidParameter")
    assert rule in body["Message"]
    assert service.upgrades_started == 0


def test_rules_below_must_are_read_past(service):
    assert code(service, request(query="dryRun=True&RegionId=cn-hangzhou", version="6.7")) == (200, None)
    assert service.upgrades_started == 0


def test_the_service_goes_by_the_contract_it_is_given():
    documents = CONTRACT.altered_documents()
    documents["errors.yaml"][1]["status"] = 410
    documents["choices.yaml"]["source-versions"]["value"]["6.7"] = ["5.6"]
    service = Service(Contract(documents), lambda: 0.0)
    service.add_instance("es-1", version="5.6")
    assert code(service, request("es-2"))[0] == 410
    assert code(service, request(version="6.7")) == (200, None)


# --- instances that cannot be ---


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"version": "6.4"}, "'6.3'"),
        ({"kernel": "ali1.2"}, "ali1.2.0"),
        ({"failing": ["checkClusterHealht"]}, "checkClusterHealth"),
    ],
)
def test_a_wrong_name_offers_the_right_ones(service, wrong, text):
    with pytest.raises(UnknownName, match=text):
        service.add_instance("es-1", **wrong)


@pytest.mark.parametrize("failing", ["checkClusterHealth", 3])
def test_failing_takes_a_list(service, failing):
    with pytest.raises(UsageProblem, match="failing is a list"):
        service.add_instance("es-1", failing=failing)


def test_a_refused_instance_is_not_added(service):
    with pytest.raises(UsageProblem):
        service.add_instance("")
    assert answer(service, request("anything"))[0] == 200


# --- scripts ---


def test_scripts_queue_up_and_the_service_comes_after(service):
    service.reply_with("InstanceNotFound", times=2)
    service.reply_with(HttpResponse(418, body=b"{}"), times=1)
    assert service.script_left == 3
    statuses = [answer(service, request(version="6.7"))[0] for _ in range(4)]
    assert statuses == [404, 404, 418, 200]
    assert (service.script_left, service.upgrades_started) == (0, 1)


def test_a_script_for_ever_ends_where_another_follows(service):
    service.reply_with("success")
    assert [answer(service, request())[0] for _ in range(2)] == [200, 200]
    service.reply_with("InstanceNotFound")
    assert [answer(service, request())[0] for _ in range(2)] == [404, 404]
    assert (service.script_left, service.upgrades_started) == (0, 0)


def test_a_plan_is_performed_as_it_is_and_uses_up_no_fault(service):
    plan = Plan((Reset(),))
    service.fail_with("half_head")
    service.reply_with(plan, times=1)
    assert service.received(request()).plan is plan
    assert service.script_left == 1


def test_an_answer_to_head_or_before_closing_is_fitted(service):
    service.reply_with("success")
    assert service.received(request(method="HEAD")).plan.steps[0].data.endswith(b"\r\n\r\n")
    closing = service.received(request(headers=[("connection", "Close")])).plan
    assert closing.response.header("Connection") == "close"
    assert closing.steps[-1] == Close()
    service.reply_with(HttpResponse(200, (("Connection", "keep-alive"),)))
    kept = service.received(request(headers=[("Connection", "close")])).plan
    assert kept.response.header("Connection") == "keep-alive"


@pytest.mark.parametrize("times", [0, -1, 1.5, True, "2"])
def test_times_is_a_number_from_one_on(service, times):
    with pytest.raises(UsageProblem, match="times is a whole number"):
        service.reply_with("success", times=times)


def test_what_cannot_be_an_answer_is_told(service):
    with pytest.raises(UnknownName, match="did you mean 'success'"):
        service.reply_with("sucess")
    with pytest.raises(UsageProblem, match="or a Plan, got 200"):
        service.reply_with(200)


# --- faults ---


@pytest.mark.parametrize(("name", "started"), [("answer_lost_after_start", 1), ("reset_after_reading", 0)])
def test_whether_the_upgrade_was_started_before_the_reset(service, name, started):
    service.fail_with(name)
    reply = service.received(request(version="6.7"))
    assert reply.plan.steps == (Reset(),)
    assert service.upgrades_started == started
    assert (service.journal[0].response, service.journal[0].fault) == (None, name)


def test_a_fault_that_acts_first_leaves_the_script_to_the_next_request(service):
    service.reply_with("InstanceNotFound", times=1)
    service.fail_with("throttled_429", retry_after=1)
    assert service.received(request()).plan.response.header("Retry-After") == "1"
    assert answer(service, request())[0] == 404


def test_a_fault_bends_the_scripted_answer(service):
    service.reply_with("success", times=1)
    service.fail_with("bom")
    plan = service.received(request()).plan
    assert plan.response.body == b"\xef\xbb\xbf" + sample(CONTRACT, "success").body
    assert service.script_left == 0


def test_faults_queue_up_and_count(service):
    service.fail_with("half_head", times=2)
    service.fail_with("reset_before_reading")
    assert service.script_left == 3
    assert service.connected().steps == (Reset(),)
    assert service.connected() is None
    assert [service.received(request(query="dryRun=true")).plan.fault for _ in range(3)] == ["half_head"] * 2 + [None]


def test_refuse_is_for_the_listener(service):
    assert not service.refusing
    service.fail_with("refuse")
    assert (service.refusing, service.script_left) == (True, 0)


def test_wrong_faults_and_options_are_told_at_once(service):
    with pytest.raises(UnknownName):
        service.fail_with("half")
    with pytest.raises(UsageProblem, match="no option"):
        service.fail_with("half_head", seconds=3)
    assert service.script_left == 0


# --- the journal ---


def test_a_request_is_in_the_journal_before_its_answer_is_sent(service):
    sent = request(version="6.7")
    reply = service.received(sent)
    (entry,) = service.journal
    assert (entry.request, entry.response, entry.fault) == (sent, reply.plan.response, None)
    assert entry.started == entry.ended
    service.ended(reply.entry)
    assert service.journal == (replace(entry, ended=entry.started + 1),)


def test_times_count_from_the_beginning(service):
    service.received(request())
    assert service.journal[0].started == 1.0


@pytest.mark.parametrize(("how", "status"), [("unparsable", 400), ("stalled", 408)])
def test_what_is_no_whole_request_is_refused_and_journaled(service, how, status):
    sent = HttpRequest("", "", raw=b"\x16\x03\x01")
    reply = getattr(service, how)(sent)
    assert reply.plan.response.status == status
    assert reply.plan.steps[-1] == Close()
    assert service.journal[0].request is sent


def test_what_is_never_answered_is_journaled_too(service):
    service.unanswered(request())
    assert service.journal[0].response is None


def test_request_ids_differ(service):
    ids = {answer(service, request(f"es-{number}"))[1]["RequestId"] for number in range(20)}
    assert len(ids) == 20


def test_every_choice_says_question_choice_and_why():
    for row in CONTRACT.documents["choices.yaml"].values():
        assert {"question", "choice", "why"} <= set(row) <= {"question", "choice", "why", "answer", "value"}
