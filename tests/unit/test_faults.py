"""Faults by name: what each makes of the answer that was due."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta, timezone
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_es_upgrade.contract import shipped_contract
from pytest_es_upgrade.errors import UnknownName, UsageProblem
from pytest_es_upgrade.faults import FAULTS, Due, altered, answer_plan, check_options, fault, fault_plan, serialize
from pytest_es_upgrade.messages import HttpResponse
from pytest_es_upgrade.plans import Close, Hold, Pause, Plan, Reset, Send
from pytest_es_upgrade.samples import sample

DUE = Due(sample(shipped_contract(), "success"), "/the/target?x=1")

# design: every name that users may rely on
NAMES = [
    "refuse",
    "reset_before_reading",
    "reset_after_reading",
    "answer_lost_after_start",
    "half_head",
    "half_body",
    "close_early",
    "length_too_long",
    "length_too_short",
    "bad_chunk",
    "garbage",
    "slow_head",
    "slow_body",
    "byte_by_byte",
    "endless_head",
    "endless_body",
    "silence",
    "continue_100",
    "redirect_302",
    "redirect_303",
    "redirect_307",
    "redirect_308",
    "redirect_other_host",
    "throttled_429",
    "unavailable_503",
    "bad_gateway_html",
    "gzip",
    "wrong_content_type",
    "no_content_type",
    "duplicate_members",
    "bom",
    "latin1",
]


def sent(plan: Plan) -> bytes:
    return b"".join(step.data for step in plan.steps if isinstance(step, Send))


def split(plan: Plan) -> tuple[str, dict[str, str], bytes]:
    head, _, body = sent(plan).partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    return status, dict(line.split(": ", 1) for line in lines), body


def test_the_table_has_every_documented_name():
    assert sorted(FAULTS) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_fault_names_itself_in_its_plan_and_says_what_it_is(name):
    plan = fault_plan(name, DUE)
    assert plan.fault == name
    assert plan.steps
    assert FAULTS[name].title


@pytest.mark.parametrize("name", NAMES)
def test_every_fault_copes_with_any_answer(name):
    for response in (HttpResponse(204), HttpResponse(500, body=b"\xff"), HttpResponse(200, (("X", "1"),), b"[]")):
        assert fault_plan(name, Due(response, head_only=True)).steps


def test_a_wrong_name_offers_the_near_ones():
    with pytest.raises(UnknownName, match="did you mean 'half_head'"):
        fault("half_heat")


def test_an_option_that_a_fault_does_not_have_is_told():
    with pytest.raises(UsageProblem, match="'gzip' has no option 'seconds'; its options: none"):
        fault_plan("gzip", DUE, seconds=1)
    with pytest.raises(UsageProblem, match="its options: to, status"):
        fault_plan("redirect_other_host", DUE, where="x")


@pytest.mark.parametrize(
    "name", ["reset_after_reading", "answer_lost_after_start", "close_early", "silence", "garbage"]
)
def test_where_no_byte_of_an_answer_is_sent_none_is_journaled(name):
    assert fault_plan(name, DUE).response is None


@pytest.mark.parametrize(
    ("name", "last"),
    [("reset_after_reading", Reset), ("answer_lost_after_start", Reset), ("close_early", Close), ("silence", Hold)],
)
def test_faults_without_an_answer_end_in_one_step(name, last):
    assert fault_plan(name, DUE).steps == (last(),)


def test_a_reset_after_reading_did_nothing_and_a_lost_answer_did_all():
    assert not FAULTS["reset_after_reading"].acted_on
    assert FAULTS["answer_lost_after_start"].acted_on


@pytest.mark.parametrize("name", ["half_head", "half_body"])
def test_halves_are_true_prefixes(name):
    plan = fault_plan(name, DUE)
    assert DUE.whole.startswith(sent(plan))
    assert (b"\r\n\r\n" in sent(plan)) == (name == "half_body")
    assert plan.steps[-1] == Close()
    assert not any(step.whole for step in plan.steps if isinstance(step, Send))


@pytest.mark.parametrize(("name", "sign"), [("length_too_long", 1), ("length_too_short", -1)])
def test_lengths_lie_in_the_direction_of_their_name(name, sign):
    _, headers, body = split(fault_plan(name, DUE))
    assert (int(headers["Content-Length"]) - len(body)) * sign > 0
    assert body == DUE.response.body


def test_bad_chunk_breaks_the_second_chunk():
    _, headers, body = split(fault_plan("bad_chunk", DUE))
    assert headers["Transfer-Encoding"] == "chunked"
    size, _, rest = body.partition(b"\r\n")
    assert rest[int(size, 16) :].startswith(b"\r\nzz\r\n")


@pytest.mark.parametrize("name", ["slow_head", "slow_body"])
def test_slow_answers_are_whole_in_the_end(name):
    plan = fault_plan(name, DUE, seconds=0.25)
    assert sent(plan) == DUE.whole
    assert [step.seconds for step in plan.steps if isinstance(step, Pause)] == [0.25]
    assert plan.steps[-1].whole


def test_byte_by_byte_sends_single_bytes():
    plan = fault_plan("byte_by_byte", DUE)
    assert sent(plan) == DUE.whole
    assert {len(step.data) for step in plan.steps if isinstance(step, Send)} == {1}


@pytest.mark.parametrize("name", ["endless_head", "endless_body"])
def test_endless_answers_outlast_a_minute_and_are_never_whole(name):
    plan = fault_plan(name, DUE)
    assert sum(step.seconds for step in plan.steps if isinstance(step, Pause)) > 60
    assert not any(step.whole for step in plan.steps if isinstance(step, Send))
    assert (b"\r\n\r\n" in sent(plan)) == (name == "endless_body")


def test_continue_100_comes_before_the_answer():
    assert sent(fault_plan("continue_100", DUE)) == b"HTTP/1.1 100 Continue\r\n\r\n" + DUE.whole


@pytest.mark.parametrize("status", [302, 303, 307, 308])
def test_redirects_lead_to_the_same_target_or_where_told(status):
    line, headers, body = split(fault_plan(f"redirect_{status}", DUE))
    assert line.startswith(f"HTTP/1.1 {status} ")
    assert headers == {"Location": "/the/target?x=1", "Content-Length": "0"}
    assert body == b""
    assert split(fault_plan(f"redirect_{status}", DUE, location="/other"))[1]["Location"] == "/other"


def test_a_redirect_to_another_host_keeps_the_target():
    assert split(fault_plan("redirect_other_host", DUE))[1]["Location"] == "http://127.0.0.2:9/the/target?x=1"
    line, headers, _ = split(fault_plan("redirect_other_host", DUE, to="http://localhost:1", status=302))
    assert (line, headers["Location"]) == ("HTTP/1.1 302 Found", "http://localhost:1/the/target?x=1")


DATE = formatdate(0, usegmt=True)


@pytest.mark.parametrize("name", ["throttled_429", "unavailable_503"])
@pytest.mark.parametrize(
    ("given_delay", "on_the_wire"), [(None, None), (0, "0"), (1, "1"), (0.2, "1"), (0.5, "1"), (DATE, DATE)]
)
def test_retry_after_is_seconds_or_a_date(name, given_delay, on_the_wire):
    plan = fault_plan(name, DUE, retry_after=given_delay)
    line, headers, body = split(plan)
    assert line.split()[1] == name[-3:]
    assert headers.get("Retry-After") == on_the_wire
    assert json.loads(body)["RequestId"] == json.loads(DUE.response.body)["RequestId"]
    assert plan.response.status == int(name[-3:])
    assert not FAULTS[name].acted_on


def test_retry_after_as_a_moment_is_sent_as_a_date():
    moment = datetime(1970, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert split(fault_plan("throttled_429", DUE, retry_after=moment))[1]["Retry-After"] == DATE


@pytest.mark.parametrize("delay", [2, -1, True, float("nan"), "1", "soon", DATE[:-4], "GMT GMT", datetime(1970, 1, 1)])  # noqa: DTZ001
def test_a_retry_after_that_cannot_be_is_refused(delay):
    with pytest.raises(UsageProblem, match=r"retry_after=.*: expected 0 to 1 \(seconds\), a datetime"):
        fault_plan("throttled_429", DUE, retry_after=delay)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("slow_head", {"seconds": -1}, "a number of seconds from 0 on"),
        ("slow_body", {"seconds": "1"}, "a number of seconds from 0 on"),
        ("redirect_302", {"location": b"/x"}, "a text in Latin-1 without line breaks, the Location header"),
        ("redirect_302", {"location": "/\u4e00"}, "a text in Latin-1 without line breaks"),
        ("redirect_307", {"location": "/\r\nA: b"}, "a text in Latin-1 without line breaks"),
        ("redirect_other_host", {"to": None}, "a text in Latin-1 without line breaks, scheme, host and port"),
        ("redirect_other_host", {"to": "http://\u4e00"}, "a text in Latin-1 without line breaks"),
        ("throttled_429", {"retry_after": "Thu, 01 Jan 1970\r\n 00:00:00 GMT"}, "0 to 1"),
        ("redirect_other_host", {"status": 200}, "one of 301, 302, 303, 307, 308"),
    ],
)
def test_an_option_whose_value_cannot_be_is_told(name, options, expected):
    with pytest.raises(UsageProblem, match=f"fault '{name}': .*: expected {expected}"):
        fault_plan(name, DUE, **options)


def test_reshaped_answers_differ_in_the_one_thing():
    body = DUE.response.body
    gzipped = split(fault_plan("gzip", DUE))
    assert (gzip.decompress(gzipped[2]), gzipped[1]["Content-Encoding"]) == (body, "gzip")
    assert split(fault_plan("bom", DUE))[2] == b"\xef\xbb\xbf" + body
    assert split(fault_plan("wrong_content_type", DUE))[1]["Content-Type"] == "text/html"
    assert "Content-Type" not in split(fault_plan("no_content_type", DUE))[1]
    assert split(fault_plan("bad_gateway_html", DUE))[0] == "HTTP/1.1 502 Bad Gateway"


def test_duplicate_members_keep_the_documented_value_last():
    body = split(fault_plan("duplicate_members", DUE))[2]
    pairs = json.loads(body, object_pairs_hook=list)
    assert [name for name, _ in pairs].count("RequestId") == 2
    assert json.loads(body) == json.loads(DUE.response.body)


def test_latin1_is_no_utf8_and_says_so():
    _, headers, body = split(fault_plan("latin1", DUE))
    assert headers["Content-Type"].endswith("charset=iso-8859-1")
    with pytest.raises(UnicodeDecodeError):
        body.decode()
    assert json.loads(body.decode("latin-1"))["Note"] == "caf\xe9"
    assert json.loads(split(fault_plan("latin1", Due(HttpResponse(200, body=b"{ }"))))[2].decode("latin-1"))


@pytest.mark.parametrize(
    ("response", "wire"),
    [
        (HttpResponse(200, body=b"ab"), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"),
        (HttpResponse(200, (("content-length", "9"),), b"ab"), b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab"),
        (
            HttpResponse(200, (("Transfer-Encoding", "chunked"),), b"ab"),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        ),
        (
            HttpResponse(200, (("Transfer-Encoding", "chunked"),)),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (HttpResponse(204, body=b"ab"), b"HTTP/1.1 204 No Content\r\n\r\n"),
        (HttpResponse(100), b"HTTP/1.1 100 Continue\r\n\r\n"),
        (HttpResponse(599, (("X", "\xe9"),)), b"HTTP/1.1 599 \r\nX: \xe9\r\nContent-Length: 0\r\n\r\n"),
    ],
)
def test_serialize_adds_the_framing_that_is_absent(response, wire):
    assert serialize(response) == wire


def test_the_answer_to_head_has_the_length_and_no_body():
    assert serialize(HttpResponse(200, body=b"ab"), head_only=True) == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


def test_an_answer_that_says_close_is_followed_by_closing():
    response = HttpResponse(200, (("connection", "Close"),))
    assert answer_plan(response).steps[1:] == (Close(),)
    assert answer_plan(HttpResponse(200)).steps[1:] == ()


def test_altered_replaces_whatever_the_letter_case():
    response = HttpResponse(200, (("content-TYPE", "a"), ("content-length", "1"), ("X", "y")), b"z")
    assert altered(response, b"new", Content_Type="b") == HttpResponse(200, (("X", "y"), ("Content-Type", "b")), b"new")
    assert altered(response, without=["x"]).headers == (("content-TYPE", "a"), ("content-length", "1"))


@given(st.binary(), st.sampled_from([200, 404, 502]))
def test_a_serialized_body_is_the_body(body, status):
    assert serialize(HttpResponse(status, body=body)).partition(b"\r\n\r\n")[2] == body


def test_every_option_of_every_fault_says_what_it_takes():
    for name, row in FAULTS.items():
        for option in row.options:
            with pytest.raises(UsageProblem, match=rf"fault '{name}': {option}=\[\]: expected "):
                check_options(row, {option: []})
