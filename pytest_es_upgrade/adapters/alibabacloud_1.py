"""The 2021 generation of the official Python SDK, `alibabacloud-elasticsearch20170613` 1.

    pytest --es-upgrade --es-upgrade-client=official-2021=pytest_es_upgrade.adapters.alibabacloud_1:client

`client` uses the SDK's synchronous method (requests), `async_client` its asynchronous one (aiohttp). It
excludes the newest generation: an environment has one of them. None mends anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from alibabacloud_tea_util.models import RuntimeOptions

from ..messages import Endpoint, UpgradeRequest
from .tea import awaited, blocking, limits, sdk


def client(endpoint: Endpoint) -> Callable[[UpgradeRequest], Any]:
    """A client of the SDK whose call blocks."""
    return blocking(sdk(endpoint), RuntimeOptions(**limits(endpoint)))


def async_client(endpoint: Endpoint) -> Callable[[UpgradeRequest], Awaitable[Any]]:
    """A client of the SDK whose call is awaited."""
    return awaited(sdk(endpoint), RuntimeOptions(**limits(endpoint)))
