"""Alibaba Cloud's classic Python SDK, which carries a `requests` of its own, without a socket and with one."""

from __future__ import annotations

import json

import pytest

from pytest_es_upgrade import UpgradeRequest
from pytest_es_upgrade.faults import FAULTS
from pytest_es_upgrade.plugin.fixtures import Responses
from pytest_es_upgrade.standin import StandIn

TARGET = "aliyunsdkcore.vendored.requests.adapters.HTTPAdapter.send"
ASKED = UpgradeRequest("es-cn-a", "6.7", "engineVersion", client_token="t")

pytestmark = [
    # what it vendors is as old as its syntax
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::SyntaxWarning"),
    pytest.mark.usefixtures("endless_is_soon_at_its_end"),
]


def call(endpoint, asked=ASKED, timeout=30):
    from aliyunsdkcore.client import AcsClient
    from aliyunsdkelasticsearch.request.v20170613.UpgradeEngineVersionRequest import UpgradeEngineVersionRequest

    client = AcsClient(endpoint.access_key_id, endpoint.access_key_secret, endpoint.region_id, timeout=timeout)
    request = UpgradeEngineVersionRequest()
    request.set_endpoint(endpoint.netloc)
    request.set_InstanceId(asked.instance_id)
    request.set_clientToken(asked.client_token)
    request.set_content_type("application/json")
    request.set_content(json.dumps({"version": asked.version, "type": asked.type}).encode())
    return client.do_action_with_exception(request)


def told(endpoint, fault):
    """The answer, or what the SDK raises: its class, and the code and status that it has."""
    try:
        return call(endpoint, timeout=0.3 if fault in ("silence", "endless_body") else 30)
    except Exception as problem:
        return type(problem), getattr(problem, "error_code", None), getattr(problem, "http_status", None)


def seen(stand_in):
    entries = [
        (entry.request.method, entry.request.target, entry.request.body, entry.fault) for entry in stand_in.journal
    ]
    return entries, [event.done for event in stand_in.events], stand_in.upgrades_started


def test_it_reaches_the_stand_in():
    with Responses() as stand_in:
        stand_in.patch(TARGET)
        assert len(json.loads(call(stand_in.endpoint))["Result"]) == 4
        (entry,) = stand_in.journal
        assert entry.request.header("Host") == "es-upgrade.test"
        assert (stand_in.upgrades_of("es-cn-a"), stand_in.upgrades_under("t")) == (1, 1)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_ends_the_same_way_with_and_without_a_socket(fault):
    with StandIn() as stand_in:
        stand_in.fail_with(fault)
        with_socket = told(stand_in.endpoint, fault), seen(stand_in)
    with Responses() as stand_in, stand_in.patch(TARGET):
        stand_in.fail_with(fault)
        assert (told(stand_in.endpoint, fault), seen(stand_in)) == with_socket


def test_https_reaches_it_too():
    from aliyunsdkcore.vendored import requests

    with Responses() as stand_in, stand_in.patch(TARGET):
        assert requests.post(f"https://{stand_in.endpoint.host}/", timeout=1).status_code == 404
        assert stand_in.journal[0].request.header("Host") == stand_in.endpoint.host


def test_exceptions_are_those_of_the_vendored_copy():
    from aliyunsdkcore.vendored import requests

    with Responses() as stand_in:
        stand_in.patch(TARGET)
        stand_in.fail_with("reset_after_reading")
        stand_in.fail_with("silence")
        for expected in (requests.exceptions.ConnectionError, requests.exceptions.ReadTimeout):
            with pytest.raises(expected):
                requests.post(stand_in.endpoint.url, timeout=1)


def test_it_ends_with_its_block_or_with_the_test():
    from aliyunsdkcore.vendored.requests.adapters import HTTPAdapter

    before = HTTPAdapter.send
    with Responses() as stand_in:
        with stand_in.patch(TARGET):
            assert HTTPAdapter.send is not before
        assert HTTPAdapter.send is before
        stand_in.patch(TARGET)
        assert HTTPAdapter.send is not before
    assert HTTPAdapter.send is before
