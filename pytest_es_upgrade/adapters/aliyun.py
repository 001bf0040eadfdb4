"""The classic Python SDK, `aliyun-python-sdk-core` 2 with `aliyun-python-sdk-elasticsearch` 3.

    pytest --es-upgrade --es-upgrade-client=classic=pytest_es_upgrade.adapters.aliyun:json_client

The SDK leaves it to its user how the body is sent, and each way is a client of its own here: `json_client`
(`set_content`), `common_client` (the same through `CommonRequest`), `form_client` (`add_body_params`),
`set_body_client` (the `set_body` of 3.1), `setters_client` (the `set_type` and `set_version` of 3.0).
None mends anything.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.http import protocol_type
from aliyunsdkcore.request import CommonRequest, RoaRequest
from aliyunsdkelasticsearch.request.v20170613.UpgradeEngineVersionRequest import UpgradeEngineVersionRequest

from ..messages import Endpoint, UpgradeRequest

Client = Callable[[UpgradeRequest], Any]

# The SDK compares by `is`: with any other string it sends plain HTTP to the TLS port.
_PROTOCOLS = {"http": protocol_type.HTTP, "https": protocol_type.HTTPS}


def json_client(endpoint: Endpoint) -> Client:
    """The body is JSON that the caller made."""

    def make(asked: UpgradeRequest) -> RoaRequest:
        return _with_json(_operation(asked, endpoint), asked)

    return _client(endpoint, make)


def common_client(endpoint: Endpoint) -> Client:
    """The same without the operation's own class: everything is named by the caller."""

    def make(asked: UpgradeRequest) -> CommonRequest:
        request = CommonRequest(
            domain=endpoint.netloc,
            version="2017-06-13",
            action_name="UpgradeEngineVersion",
            uri_pattern="/openapi/instances/[InstanceId]/actions/upgrade-version",
            product="elasticsearch",
        )
        request.set_method("POST")
        request.add_path_param("InstanceId", asked.instance_id)
        for name, value in _given(clientToken=asked.client_token, dryRun=asked.dry_run).items():
            request.add_query_param(name, value)
        return _with_json(request, asked)

    return _client(endpoint, make)


def form_client(endpoint: Endpoint) -> Client:
    """The body is a form with a field for each member."""

    def make(asked: UpgradeRequest) -> RoaRequest:
        request = _operation(asked, endpoint)
        for name, value in _members(asked).items():
            request.add_body_params(name, value)
        return request

    return _client(endpoint, make)


def set_body_client(endpoint: Endpoint) -> Client:
    """The body is set by the only setter that 3.1 has for it."""

    def make(asked: UpgradeRequest) -> RoaRequest:
        request = _operation(asked, endpoint)
        request.set_body(json.dumps(_members(asked)))
        return request

    return _client(endpoint, make)


def setters_client(endpoint: Endpoint) -> Client:
    """The body is set member by member, by the setters of 3.0."""

    def make(asked: UpgradeRequest) -> RoaRequest:
        request = _operation(asked, endpoint)
        for name, value in _members(asked).items():
            getattr(request, f"set_{name}")(value)
        return request

    return _client(endpoint, make)


def _client(endpoint: Endpoint, make: Callable[[UpgradeRequest], Any]) -> Client:
    sdk = AcsClient(
        endpoint.access_key_id,
        endpoint.access_key_secret,
        endpoint.region_id,
        connect_timeout=endpoint.timeout,
        timeout=endpoint.timeout,
        verify=endpoint.ca_file,
    )

    def call(asked: UpgradeRequest) -> Any:
        request = make(asked)
        request.set_protocol_type(_PROTOCOLS[endpoint.scheme])
        return sdk.do_action_with_exception(request)

    return call


def _operation(asked: UpgradeRequest, endpoint: Endpoint) -> RoaRequest:
    request = UpgradeEngineVersionRequest()
    # Without it the SDK knows the endpoint of the region, which is the real service.
    request.set_endpoint(endpoint.netloc)
    request.set_InstanceId(asked.instance_id)
    for name, value in _given(clientToken=asked.client_token, dryRun=asked.dry_run).items():
        request.add_query_param(name, value)
    return request


def _with_json(request: Any, asked: UpgradeRequest) -> Any:
    request.set_content_type("application/json")
    request.set_content(json.dumps(_members(asked)).encode())
    return request


def _members(asked: UpgradeRequest) -> dict[str, Any]:
    return _given(version=asked.version, type=asked.type)


def _given(**values: Any) -> dict[str, Any]:
    """Those that were given: the SDK sends None as text."""
    return {name: value for name, value in values.items() if value is not None}
