"""The newest generation of the official Python SDK, `alibabacloud-elasticsearch20170613` 5 and later.

    pytest --es-upgrade --es-upgrade-client=official=pytest_es_upgrade.adapters.alibabacloud:client

`client` uses the SDK's synchronous method (requests), `async_client` its asynchronous one (aiohttp).
Neither mends anything: what the SDK makes of a value is what is judged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from alibabacloud_elasticsearch20170613.client import Client
from alibabacloud_elasticsearch20170613.models import UpgradeEngineVersionRequest
from alibabacloud_tea_openapi.models import Config
from darabonba.runtime import RuntimeOptions

from ..messages import Endpoint, UpgradeRequest

_MILLISECONDS = 1000


def client(endpoint: Endpoint) -> Callable[[UpgradeRequest], Any]:
    """A client of the SDK whose call blocks."""
    sdk, runtime = _sdk(endpoint), _runtime(endpoint)

    def call(request: UpgradeRequest) -> Any:
        return sdk.upgrade_engine_version_with_options(request.instance_id, _model(request), {}, runtime)

    return call


def async_client(endpoint: Endpoint) -> Callable[[UpgradeRequest], Awaitable[Any]]:
    """A client of the SDK whose call is awaited."""
    sdk, runtime = _sdk(endpoint), _runtime(endpoint)

    async def call(request: UpgradeRequest) -> Any:
        return await sdk.upgrade_engine_version_with_options_async(request.instance_id, _model(request), {}, runtime)

    return call


def _sdk(endpoint: Endpoint) -> Client:
    # Without `protocol` the SDK speaks TLS to a plain port; a scheme within `endpoint` ends up in Host.
    return Client(
        Config(
            access_key_id=endpoint.access_key_id,
            access_key_secret=endpoint.access_key_secret,
            region_id=endpoint.region_id,
            endpoint=endpoint.netloc,
            protocol=endpoint.scheme,
            ca=endpoint.ca_file,
        )
    )


def _runtime(endpoint: Endpoint) -> RuntimeOptions:
    limit = int(endpoint.timeout * _MILLISECONDS)
    return RuntimeOptions(connect_timeout=limit, read_timeout=limit)


def _model(request: UpgradeRequest) -> UpgradeEngineVersionRequest:
    return UpgradeEngineVersionRequest(
        version=request.version, type=request.type, client_token=request.client_token, dry_run=request.dry_run
    )
