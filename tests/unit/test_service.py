"""The service without a server: requests in, plans out."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import datetime, timezone
from email.utils import format_datetime

import pytest
from recordings import KEY_ID, RECORDINGS, SECRET

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


def test_a_retry_after_a_lost_answer_gets_the_first_answer_though_the_instance_is_activating(service):
    service.fail_with("answer_lost_after_start")
    sent = request(query="clientToken=t", version="6.7")
    assert service.received(sent).plan.steps == (Reset(),)
    assert code(service, request(version="6.7")) == (400, "InstanceActivating")
    status, body = answer(service, sent)
    assert (status, {check["status"] for check in body["Result"]}) == (200, {"success"})
    assert [event.done for event in service.events] == ["started", "refused", "repeated"]
    assert [event.upgrade for event in service.events] == [1, None, 1]
    assert service.upgrades_started == 1


def test_a_dry_run_under_a_used_token_is_a_dry_run(service):
    answer(service, request(query="clientToken=t", version="6.7"))
    assert code(service, request(query="clientToken=t&dryRun=true", version="6.7")) == (400, "InstanceActivating")


def test_failed_checks_stay_the_token_s_answer(service):
    service.add_instance("es-1", failing=CHECKS[:1])
    sent = request(query="clientToken=t", version="6.7")
    first = answer(service, sent)
    service.add_instance("es-1")
    assert answer(service, sent) == first
    assert (service.upgrades_started, service.events[1].upgrade) == (0, None)


# --- time ---


def test_an_upgrade_ends_when_its_time_has_passed(service):
    sent = request(version="6.7")
    answer(service, sent)
    service.advance(1799.5)
    assert code(service, sent) == (400, "InstanceActivating")
    service.advance(0.5)
    assert code(service, sent) == (400, "UpgradeNotSupported")
    assert code(service, request(version="ali1.2.0", type="aliVersion")) == (200, None)
    assert service.upgrades_of("es-1") == 2


def test_an_instance_added_as_activating_ends_likewise_and_no_other_time_counts(service):
    service.advance(10_000)
    service.add_instance("es-1", activating=True)
    assert code(service, request(version="6.7")) == (400, "InstanceActivating")
    service.advance(1800)
    assert code(service, request(version="6.7")) == (200, None)


def test_a_contract_may_say_that_it_never_ends():
    documents = CONTRACT.altered_documents()
    documents["choices.json"]["activating-ends"]["value"] = None
    service = Service(Contract(documents), lambda: 0.0)
    answer(service, request(version="6.7"))
    service.advance(1e12)
    assert code(service, request(version="6.7")) == (400, "InstanceActivating")


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan"), True, "10", None])
def test_what_is_no_time_is_told(service, seconds):
    with pytest.raises(UsageProblem, match="a number of seconds from 0 on, got"):
        service.advance(seconds)


# --- what was done ---


def test_upgrades_are_counted_by_instance_and_by_token(service):
    answer(service, request("es-1", query="clientToken=t", version="6.7"))
    answer(service, request("es-2", query="clientToken=", version="6.7"))
    answer(service, request("es-2", query="clientToken=u", version="6.7"))
    assert [service.upgrades_of(name) for name in ("es-1", "es-2", "es-3")] == [1, 1, 0]
    assert [service.upgrades_under(token) for token in ("t", "u", None)] == [1, 0, 1]
    assert [(event.instance_id, event.token, event.upgrade, event.entry) for event in service.started] == [
        ("es-1", "t", 1, 0),
        ("es-2", None, 2, 1),
    ]


def test_what_was_done_is_told_in_words(service):
    service.add_instance("es-1")
    service.add_instance("es-2", failing=CHECKS[:1])
    service.fail_with("reset_before_reading")
    service.connected()
    service.fail_with("answer_lost_after_start")
    for sent in (
        request(query="clientToken=t", version="6.7"),
        request(query="clientToken=t", version="6.7"),
        request("es-2", version="6.7"),
        request("es-2", query="dryRun=true"),
        request("es-1", version="6.7"),
    ):
        service.received(sent)
    service.reply_with("success", times=1)
    service.received(request())
    service.fail_with("throttled_429")
    service.received(request())
    service.unanswered(request())
    assert [str(event) for event in service.events] == [
        "started nothing, for it did not get to the service; then fault 'reset_before_reading' was played",
        "started upgrade #1 of es-1 under token 't'; then fault 'answer_lost_after_start' was played",
        "started nothing and gave the first answer again under token 't'",
        "started nothing, for checks of es-2 failed",
        "started nothing in a dry run of es-2",
        "started nothing and was refused with InstanceActivating",
        "started nothing, for its answer was scripted",
        "started nothing, for it did not get to the service; then fault 'throttled_429' was played",
        "started nothing, for it did not get to the service",
    ]
    assert [event.entry for event in service.events] == [None, *range(8)]
    assert [event.at for event in service.events[1:]] == [entry.started for entry in service.journal]
    assert [event.fault for event in service.events[1:]] == [entry.fault for entry in service.journal]


def test_a_watcher_is_told_of_each_thing_as_it_ends_with_what_was_done(service):
    told = []
    service.watcher = lambda exchange, event: told.append((exchange, event))
    service.fail_with("reset_before_reading")
    service.connected()
    first, second = (service.received(request(name, version="6.7")) for name in ("es-1", "es-2"))
    service.ended(second.entry)
    service.ended(first.entry)
    service.watcher = None
    service.fail_with("reset_before_reading")
    service.connected()
    assert told == [
        (None, service.events[0]),
        (service.journal[1], service.events[2]),
        (service.journal[0], service.events[1]),
    ]
    assert [event.instance_id for _, event in told] == [None, "es-2", "es-1"]


def test_an_upgrade_without_a_token_is_said_to_be(service):
    answer(service, request(version="6.7"))
    assert str(service.started[0]) == "started upgrade #1 of es-1 without a token"


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
    documents["choices.json"]["source-versions"]["value"]["6.7"] = ["5.6"]
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


@pytest.mark.parametrize("failing", ["checkClusterHealth", b"checkClusterHealth", 3])
def test_failing_takes_a_list(service, failing):
    told = rf"failing is a list .*such as \['{CHECKS[0]}'\], got .*; there are {', '.join(CHECKS)}"
    with pytest.raises(UsageProblem, match=told):
        service.add_instance("es-1", failing=failing)


@pytest.mark.parametrize("make", [list, tuple, set, iter, lambda names: (name for name in names)])
def test_failing_takes_whatever_can_be_gone_through(service, make):
    service.add_instance("es-1", failing=make(CHECKS[:2]))
    checks = answer(service, request(query="dryRun=true", version="6.7"))[1]["Result"]
    assert [check["status"] for check in checks] == ["failed", "failed", "success", "success"]


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"version": 6.3}, r"version is a text, got 6\.3 \(float\); write '6\.3'$"),
        ({"version": 7}, r"version is a text, got 7 \(int\); there are '6\.3', '6\.7'$"),
        ({"version": None}, r"version is a text, got None \(NoneType\); there are '6\.3', '6\.7'$"),
        ({"kernel": 1.2}, r"kernel is a text or None, got 1\.2 \(float\); there are 'ali1\.2\.0'$"),
    ],
)
def test_a_version_that_is_no_text_is_told_with_the_text(service, wrong, text):
    with pytest.raises(UsageProblem, match=text):
        service.add_instance("es-1", **wrong)


def test_activating_is_a_bool(service):
    with pytest.raises(UsageProblem, match="activating is True or False, got 'no'"):
        service.add_instance("es-1", activating="no")


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


@pytest.mark.parametrize(
    ("response", "text"),
    [
        (HttpResponse("200"), r"HttpResponse\.status is .*three digits, got '200' \(str\)"),
        (HttpResponse(status=True), r"HttpResponse\.status is .*, got True \(bool\)"),
        (HttpResponse(99), r"HttpResponse\.status is .*, got 99 \(int\)"),
        (HttpResponse(200, {"A": "b"}), r"HttpResponse\.headers is a tuple of pairs, .*, got \{'A': 'b'\} \(dict\)"),
        (HttpResponse(200, ("A", "b")), r"HttpResponse\.headers is .*, got \('A', 'b'\) \(tuple\)"),
        (HttpResponse(200, (("A", "b", "c"),)), r"HttpResponse\.headers is "),
        (HttpResponse(200, (("A", 1),)), r"HttpResponse\.headers is "),
        (HttpResponse(200, (("", "a"),)), r"HttpResponse\.headers is "),
        (HttpResponse(200, (("A", "b\r\nC: d"),)), r"HttpResponse\.headers is .*Latin-1, without line breaks"),
        (HttpResponse(200, (("A\n", "b"),)), r"HttpResponse\.headers is "),
        (HttpResponse(200, (("A", "\u4e00"),)), r"HttpResponse\.headers is "),
        (HttpResponse(200, (), "text"), r"HttpResponse\.body is bytes, got 'text' \(str\)"),
    ],
)
def test_an_answer_that_cannot_be_sent_is_refused_by_its_field(service, response, text):
    with pytest.raises(UsageProblem, match=text):
        service.reply_with(response)
    assert answer(service, request(version="6.7"))[0] == 200


def test_headers_are_as_latin1_has_them_in_a_tuple_or_a_list(service):
    service.reply_with(HttpResponse(299, [["X-Name", "caf\xe9\t"]]))
    assert b"X-Name: caf\xe9\t\r\n" in service.received(request()).plan.steps[0].data


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
    service.fail_with("throttled_429")
    assert service.script_left == 4
    assert service.connected() is None
    dry_run = request(query="dryRun=true")
    assert [service.received(dry_run).plan.fault for _ in range(3)] == ["half_head"] * 2 + [None]
    assert service.script_left == 2
    assert service.connected().steps == (Reset(),)
    assert service.connected() is None
    assert [service.received(dry_run).plan.fault for _ in range(2)] == ["throttled_429", None]
    assert service.script_left == 0


def test_a_fault_for_ever_is_played_on_every_answer(service):
    service.fail_with("unavailable_503", times=None)
    assert [service.received(request()).plan.fault for _ in range(3)] == ["unavailable_503"] * 3
    assert service.script_left == 0


def test_refuse_is_for_the_listener(service):
    assert not service.refusing
    service.fail_with("refuse")
    assert (service.refusing, service.script_left) == (True, 0)


def test_refuse_waits_for_its_turn(service):
    service.fail_with("throttled_429")
    service.fail_with("refuse", times=3)
    assert (service.refusing, service.script_left) == (False, 2)
    service.received(request())
    assert (service.refusing, service.script_left) == (True, 0)


def test_wrong_faults_and_options_are_told_at_once(service):
    with pytest.raises(UnknownName, match="did you mean 'half_head'"):
        service.fail_with("half_hed")
    with pytest.raises(UnknownName, match=r"there is no fault .* did you mean 'half_head'"):
        service.fail_with(["half_head"])
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


@pytest.mark.parametrize(
    ("seconds_ahead", "as_text", "fine"),
    [(1, False, True), (0.5, True, True), (-86400, True, True), (2, False, True), (3, False, False), (4, True, False)],
)
def test_a_retry_after_date_is_at_most_two_seconds_ahead(seconds_ahead, as_text, fine):
    service = Service(CONTRACT, lambda: 0.0, lambda: 1e9)
    moment = datetime.fromtimestamp(1e9 + seconds_ahead, timezone.utc)
    date = format_datetime(moment, usegmt=True) if as_text else moment
    if not fine:
        with pytest.raises(UsageProblem, match="is more than 2 s ahead"):
            service.fail_with("throttled_429", retry_after=date)
        return
    service.fail_with("throttled_429", retry_after=date)
    assert service.received(request()).plan.response.header("Retry-After") == format_datetime(moment, usegmt=True)


def test_a_copy_stands_where_the_service_stood_and_goes_its_own_way(service):
    service.add_instance("es-1")
    service.fail_with("unavailable_503", times=2)
    service.fail_with("reset_before_reading")
    service.reply_with("InstanceNotFound", times=2)
    service.received(request())
    kept = service.copy()
    stood = (kept.journal, kept.script_left, kept.upgrades_started, kept.refusing)
    assert stood == (service.journal, 4, 0, False)
    for _ in range(4):
        service.received(request(query="clientToken=t", version="6.7"))
    assert service.connected() is not None
    service.add_instance("es-2")
    service.fail_with("refuse")
    assert (len(service.journal), service.script_left, service.upgrades_started) == (5, 0, 1)
    assert (kept.journal, kept.script_left, kept.upgrades_started, kept.refusing) == stood
    for _ in range(2):  # from one copy many can be made
        twin = kept.copy()
        statuses = [twin.received(request(query="clientToken=t", version="6.7")).plan.response.status for _ in range(4)]
        assert statuses == [503, 404, 404, 200]
        assert answer(twin, request("es-2"))[0] == 404
        assert twin.upgrades_started == 1
        assert twin.connected() is not None


def test_a_copy_s_time_goes_on_from_the_last_entry(service):
    assert service.copy().copy().received(request()).entry == 0
    assert service.copy().journal == ()
    service.ended(service.received(request()).entry)
    last = service.journal[-1].ended
    twin = service.copy()
    twin.received(request())
    assert twin.journal[-1].started == last + 1


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
    for row in CONTRACT.documents["choices.json"].values():
        assert {"question", "choice", "why"} <= set(row) <= {"question", "choice", "why", "answer", "value"}


# --- signatures, where the service is told to look at them ------------------------------------------


@pytest.fixture
def checking(service):
    service.check_signatures(KEY_ID, SECRET)
    return service


RECORDED = [recording for recording in RECORDINGS if recording.scenario == "sample_ali"]
JSON_SIGNED = [one for one in RECORDED if b'":' in one.request.body and one.request.header("Authorization")]


@pytest.mark.parametrize("recording", JSON_SIGNED, ids=lambda recording: recording.client)
def test_no_signature_is_looked_at_unless_the_service_is_told_to(service, recording):
    headers = (("Authorization", "acs somebody:else"), *recording.request.headers)
    assert code(service, replace(recording.request, headers=headers)) == (200, None)


@pytest.mark.parametrize("recording", JSON_SIGNED, ids=lambda recording: recording.client)
def test_what_official_sdks_sign_passes(checking, recording):
    assert answer(checking, recording.request)[0] == 200
    assert checking.upgrades_started == 1


def test_a_wrong_version_of_the_api_is_no_wrong_signature(checking):
    (recording,) = [one for one in RECORDED if one.client == "classic-py-3.0.29-setters"]
    assert code(checking, recording.request) == (200, None)


@pytest.mark.parametrize("recording", RECORDED, ids=lambda recording: recording.client)
def test_every_client_that_was_recorded_can_talk_to_it(service, recording):
    """Those too that send a form, or JSON in a form's field."""
    assert code(service, recording.request) == (200, None)
    (event,) = service.events
    assert event.upgrade


FORM = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")


@pytest.mark.parametrize(
    ("body", "content_type", "told"),
    [
        (b"version=6.7&type=engineVersion", FORM, (200, None)),
        (b"body=%7B%22version%22%3A+%226.7%22%7D", FORM, (200, None)),
        (b'{"version": "6.7"}', FORM, (200, None)),
        (b'{"version": "6.7"}', ("Content-Type", "text/plain"), (200, None)),
        (b"version=6.8", FORM, (400, "InvalidParameter")),
        (b"version=6.7&version=ali1.2.0", FORM, (400, "InvalidParameter")),
        (b"body=%7B%22version%22%3A+%226.8%22%7D", FORM, (400, "InvalidParameter")),
        (b"body=version", FORM, (400, "InvalidParameter")),
        (b"<version>6.7</version>", FORM, (400, "InvalidParameter")),
        (b"version=6.7", ("Content-Type", "text/plain"), (400, "InvalidParameter")),
        (b"version=6.7", ("Content-Type", "application/json"), (400, "InvalidParameter")),
        (b"version=\xff", FORM, (400, "InvalidParameter")),
    ],
)
def test_what_can_be_read_of_another_media_type_is_a_call_and_nothing_else_is(service, body, content_type, told):
    request = HttpRequest("POST", CONTRACT.target_path("es-1"), (("Host", "h"), content_type), body)
    assert code(service, request) == told


@pytest.mark.parametrize("recording", JSON_SIGNED, ids=lambda recording: recording.client)
def test_what_is_not_signed_right_is_refused_and_starts_nothing(checking, recording):
    request = recording.request
    tampered = replace(request, target=f"{request.target}{'&' if '?' in request.target else '?'}dryRun=false")
    status, document = answer(checking, tampered)
    assert (status, document["Code"]) == (403, "SignatureDoesNotMatch")
    assert "dryRun=false" in document["Message"]
    assert SECRET not in document["Message"]
    assert checking.upgrades_started == 0


@pytest.mark.parametrize(
    ("authorization", "status", "name"),
    [
        ((), 403, "MissingSignature"),
        ((("Authorization", "Bearer x"),), 403, "MissingSignature"),
        ((("Authorization", "acs somebody:else"),), 404, "InvalidAccessKeyId.NotFound"),
        ((("Authorization", f"acs {KEY_ID}"),), 403, "SignatureDoesNotMatch"),
        ((("Authorization", "ACS3-RSA-SHA256 Credential=x"),), 403, "SignatureDoesNotMatch"),
    ],
)
def test_who_is_not_known_is_told_so(checking, authorization, status, name):
    sent = request(version="6.7", type="engineVersion", headers=authorization)
    assert code(checking, sent) == (status, name)


def test_a_scripted_answer_is_given_to_the_unsigned_as_well(checking):
    checking.reply_with("all_passed", times=1)
    assert code(checking, request(version="6.7")) == (200, None)
    assert code(checking, request(version="6.7")) == (403, "MissingSignature")
