"""`requests` with and without a socket: the same calls end the same way, and are journaled the same way."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from pytest_es_upgrade.errors import UsageProblem
from pytest_es_upgrade.faults import FAULTS
from pytest_es_upgrade.messages import HttpResponse
from pytest_es_upgrade.plans import Pause, Plan, Send
from pytest_es_upgrade.plugin.fixtures import Responses
from pytest_es_upgrade.standin import StandIn

PATH = "/openapi/instances/es-cn-a/actions/upgrade-version"
#: Seconds: what an answer may take on a busy machine, and what is waited for one that never comes.
LONG, SHORT = 30, 0.3
WITHOUT_AN_END = ("silence", "endless_body")
#: Headers that name the port, or that a layer below `requests` adds.
OWN = {"host"}

CASES = {
    **{name: [(name, {})] for name in FAULTS},
    "slow_head within the timeout": [("slow_head", {"seconds": 0.01})],
    "slow_body within the timeout": [("slow_body", {"seconds": 0.01})],
    "in turn": [("reset_after_reading", {}), ("throttled_429", {"retry_after": 0}), ("half_body", {})],
    "refuse in its turn": [("throttled_429", {}), ("refuse", {})],
    "a reset before reading in its turn": [("answer_lost_after_start", {}), ("reset_before_reading", {})],
    "to nowhere": [("redirect_307", {"location": "/other"})],
}


pytestmark = pytest.mark.usefixtures("endless_is_soon_at_its_end")


def told(stand_in, adapter, timeout):
    """What the caller of one call sees: an exception's class, or the whole answer.

    A session of its own: one that is kept may or may not learn in time that its connection was closed while idle.
    """
    with requests.Session() as session:
        session.mount("http://", adapter())
        url = f"{stand_in.endpoint.url}{PATH}?clientToken=t"
        try:
            answer = session.post(url, json={"version": "6.7"}, timeout=timeout)
        except requests.RequestException as problem:
            return type(problem)
    try:
        document = answer.json()
    except ValueError as problem:
        document = type(problem)
    return answer.status_code, answer.content, dict(answer.headers), document


def seen(stand_in):
    """What the service saw and did, without what only a socket has."""
    entries = [
        (
            entry.request.method,
            entry.request.target,
            [header for header in entry.request.headers if header[0].lower() not in OWN],
            entry.request.body,
            entry.response,
            entry.fault,
        )
        for entry in stand_in.journal
    ]
    events = [(event.entry, event.done, event.token, event.upgrade, event.fault) for event in stand_in.events]
    return entries, events, stand_in.upgrades_started, stand_in.script_left


def played(stand_in, faults, adapter, calls):
    for name, options in faults:
        stand_in.fail_with(name, **options)
    names = [name for name, _ in faults]
    timeouts = [SHORT if name in WITHOUT_AN_END else LONG for name in [*names, *[""] * calls][:calls]]
    return [told(stand_in, adapter, timeout) for timeout in timeouts], seen(stand_in)


@pytest.mark.parametrize("faults", CASES.values(), ids=CASES)
def test_every_fault_ends_the_same_way_with_and_without_a_socket(faults):
    with StandIn() as stand_in:
        with_socket = played(stand_in, faults, HTTPAdapter, len(faults) + 1)
    with Responses() as stand_in:
        without = played(stand_in, faults, HTTPAdapter, len(faults) + 1)
    assert without == with_socket
    assert with_socket[1][-1] == 0


def retrying():
    return HTTPAdapter(max_retries=Retry(4, allowed_methods=None, status_forcelist=[429, 503], backoff_factor=0))


RETRIED = {
    "lost": [("answer_lost_after_start", {})],
    "in turn": [("reset_after_reading", {}), ("throttled_429", {"retry_after": 0}), ("reset_before_reading", {})],
    "refused": [("unavailable_503", {}), ("refuse", {})],
}


@pytest.mark.parametrize("faults", RETRIED.values(), ids=RETRIED)
def test_retries_of_urllib3_are_its_own(faults):
    with StandIn() as stand_in:
        with_socket = played(stand_in, faults, retrying, 1)
    with Responses() as stand_in:
        without = played(stand_in, faults, retrying, 1)
    assert without == with_socket
    (outcome,), (entries, *_) = without
    assert len(entries) == sum(name not in ("refuse", "reset_before_reading") for name, _ in faults) + (
        outcome is not requests.ConnectionError
    )


def test_without_a_socket_time_passes_and_all_is_put_back_as_well():
    with Responses() as stand_in:
        stand_in.add_instance("es-cn-a", activating=True)
        stand_in.advance(1800)
        url = f"{stand_in.endpoint.url}/openapi/instances/es-cn-a/actions/upgrade-version"
        assert requests.post(url, json={"version": "6.7"}, timeout=5).status_code == 200
        stand_in.reset()
        assert (stand_in.journal, stand_in.upgrades_started) == ((), 0)


def test_no_verdict_hangs_on_the_clock():
    with Responses() as stand_in:
        stand_in.fail_with("slow_body", seconds=3600)
        stand_in.fail_with("silence")
        with pytest.raises(requests.ConnectionError, match="timed out"):
            requests.post(stand_in.endpoint.url + PATH, timeout=3599)
        with pytest.raises(requests.ReadTimeout):
            requests.post(stand_in.endpoint.url + PATH, timeout=None)
        stand_in.fail_with("slow_body", seconds=3600)
        assert requests.post(stand_in.endpoint.url + PATH, timeout=None).status_code == 400
        stand_in.fail_with("slow_head", seconds=3600)
        assert requests.post(stand_in.endpoint.url + PATH, timeout=3601).status_code == 400


def test_bytes_that_are_no_request_and_those_that_do_not_come():
    with Responses() as stand_in:
        sent = requests.Request("POST", stand_in.endpoint.url + PATH, data=b"{}", headers={"X": "a"}).prepare()
        sent.headers["Content-Length"] = "20"
        with requests.Session() as session:
            assert session.send(sent).status_code == 408
            sent.headers["Content-Length"] = "x"
            assert session.send(sent).status_code == 400
    assert [entry.request.raw for entry in stand_in.journal] == [b"", b""]


def test_a_plan_without_an_end_is_waited_for_in_vain():
    with Responses() as stand_in:
        stand_in.reply_with(Plan((Send(b"HTTP/1.1 200 OK\r\n\r\nabc"),)), times=1)
        with pytest.raises(requests.ConnectionError, match="timed out"):
            requests.post(stand_in.endpoint.url, timeout=1)
        stand_in.reply_with(Plan((Send(b"HTTP/1.1 200 OK\r\n\r\nabc"), Pause(0.5))), times=1)
        answer = requests.post(stand_in.endpoint.url, timeout=1, headers={"Connection": "close"})
        assert answer.content == b"abc"


def test_what_is_sent_and_never_answered_is_journaled():
    with Responses() as stand_in:

        def broken():
            yield b"{"
            raise OSError("the disk is gone")

        with pytest.raises(OSError, match="the disk is gone"):
            requests.post(stand_in.endpoint.url + PATH, data=broken(), timeout=1)
        (entry,) = stand_in.journal
        assert (entry.request.method, entry.response) == ("POST", None)
        assert str(stand_in.events[0]) == "started nothing, for it did not get to the service"


def test_threads_have_their_own_answers():
    with Responses() as stand_in:
        codes = []

        def call(number):
            url = f"{stand_in.endpoint.url}/openapi/instances/es-{number}/actions/upgrade-version"
            codes.append(requests.post(url, json={"version": "6.7"}, timeout=5).status_code)

        threads = [threading.Thread(target=call, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert codes == [200] * 16
        assert sorted(event.upgrade for event in stand_in.started) == list(range(1, 17))


def test_neither_proxies_nor_sockets_are_used(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.test:3128")

    def refuse(*_, **__):
        raise AssertionError("a socket")

    with Responses() as stand_in:
        monkeypatch.setattr(socket, "socket", refuse)
        monkeypatch.setattr(socket, "getaddrinfo", refuse)
        assert requests.post(stand_in.endpoint.url + PATH, timeout=1).status_code == 200


@pytest.mark.parametrize("more", ["", ":443", ":8443"])
def test_https_is_the_same_service_without_tls(more, monkeypatch):
    """What SDKs speak where they are told the host alone."""

    def refuse(*_, **__):
        raise AssertionError("a socket")

    with Responses() as stand_in:
        monkeypatch.setattr(socket, "socket", refuse)
        url = f"https://{stand_in.endpoint.host}{more}{PATH}?clientToken=t"
        stand_in.fail_with("answer_lost_after_start")
        with pytest.raises(requests.ConnectionError):
            requests.post(url, json={"version": "6.7"}, timeout=1)
        assert requests.post(url, json={"version": "6.7"}, timeout=1, verify=False).status_code == 200
        stand_in.fail_with("redirect_307")
        assert requests.post(url, json={"version": "6.7"}, timeout=1).status_code == 200
        assert (stand_in.upgrades_started, len(stand_in.mock.calls)) == (1, 4)
        host = f"es-upgrade.test{more.replace(':443', '')}"
        assert {entry.request.header("Host") for entry in stand_in.journal} == {host}


def test_an_instance_that_is_ready_again_can_be_upgraded_twice():
    with Responses() as stand_in:
        stand_in.ready_again("es-cn-a")
        for _ in range(2):
            requests.post(stand_in.endpoint.url + PATH, json={"version": "6.7"}, timeout=1)
        assert [event.upgrade for event in stand_in.started] == [1, 2]


def test_the_mock_has_the_calls_and_takes_other_urls():
    with Responses() as stand_in:
        stand_in.mock.get("http://other.test/", body="more")
        stand_in.reply_with(HttpResponse(404, body=b"{}"), times=1)
        stand_in.fail_with("reset_after_reading")
        with pytest.raises(requests.ConnectionError):
            requests.post(stand_in.endpoint.url, timeout=1)
        requests.post(stand_in.endpoint.url, timeout=1)
        assert requests.get("http://other.test/", timeout=1).text == "more"
        first, second, third = stand_in.mock.calls
        assert isinstance(first.response, requests.ConnectionError)
        assert (second.response.status_code, third.response.text) == (404, "more")


def test_positional_arguments_are_those_of_send():
    with Responses() as stand_in, contextlib.closing(HTTPAdapter()) as adapter:
        stand_in.fail_with("slow_head", seconds=5)
        sent = requests.Request("POST", stand_in.endpoint.url).prepare()
        with pytest.raises(requests.ReadTimeout):
            adapter.send(sent, False, 4)  # noqa: FBT003 - that is the point


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("requests.adapters.HTTPAdapter.sent", "is no send of an HTTPAdapter"),
        ("requests.adapter.HTTPAdapter.send", "No module named 'requests.adapter'"),
        ("requests.adapters.Adapter.send", "has no attribute 'Adapter'"),
        ("send", "is no send"),
        (".send", "Empty module name"),
    ],
)
def test_a_wrong_path_is_told_with_a_right_one(target, text):
    with Responses() as stand_in, pytest.raises(UsageProblem, match=rf"{text}.*expected a path such as 'aliyunsdkcore"):
        stand_in.patch(target)
