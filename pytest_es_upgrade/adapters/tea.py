"""What both generations of `alibabacloud-elasticsearch20170613` are given alike; no adapter by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from alibabacloud_elasticsearch20170613.client import Client
from alibabacloud_elasticsearch20170613.models import UpgradeEngineVersionRequest
from alibabacloud_tea_openapi.models import Config

from ..messages import Endpoint, UpgradeRequest

_MILLISECONDS = 1000


def sdk(endpoint: Endpoint, **options: Any) -> Client:
    """A client for the endpoint; `options` are more of its Config."""
    # Without `protocol` the SDK speaks TLS to a plain port; a scheme within `endpoint` ends up in Host.
    return Client(
        Config(
            access_key_id=endpoint.access_key_id,
            access_key_secret=endpoint.access_key_secret,
            region_id=endpoint.region_id,
            endpoint=endpoint.netloc,
            protocol=endpoint.scheme,
            ca=endpoint.ca_file,
            **options,
        )
    )


def limits(endpoint: Endpoint) -> dict[str, int]:
    """The endpoint's timeout, as the SDK's RuntimeOptions take it (milliseconds)."""
    limit = int(endpoint.timeout * _MILLISECONDS)
    return {"connect_timeout": limit, "read_timeout": limit}


def model(request: UpgradeRequest) -> UpgradeEngineVersionRequest:
    """The SDK's model of a call."""
    return UpgradeEngineVersionRequest(
        version=request.version, type=request.type, client_token=request.client_token, dry_run=request.dry_run
    )


def blocking(made: Client, runtime: Any) -> Callable[[UpgradeRequest], Any]:
    """Calls of that client which block; `runtime` are the generation's own RuntimeOptions."""

    def call(request: UpgradeRequest) -> Any:
        return made.upgrade_engine_version_with_options(request.instance_id, model(request), {}, runtime)

    return call


def awaited(made: Client, runtime: Any) -> Callable[[UpgradeRequest], Awaitable[Any]]:
    """Calls of that client which are awaited."""

    async def call(request: UpgradeRequest) -> Any:
        return await made.upgrade_engine_version_with_options_async(request.instance_id, model(request), {}, runtime)

    return call
