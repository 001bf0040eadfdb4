"""The newest generation of the official Python SDK, `alibabacloud-elasticsearch20170613` 5 and later.

    pytest --es-upgrade --es-upgrade-client=official=pytest_es_upgrade.adapters.alibabacloud:client

`client` uses the SDK's synchronous method (requests), `async_client` its asynchronous one (aiohttp), and
`retrying_client` the synchronous one with the SDK's retries switched on, which they are not by default.
None mends anything: what the SDK makes of a value is what is judged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from darabonba.policy.retry import RetryOptions
from darabonba.runtime import RuntimeOptions

from ..messages import Endpoint, UpgradeRequest
from .tea import awaited, blocking, limits, sdk

#: Three attempts with 10 ms between them: of what broke (RetryError is the SDK's name for it), and of busy answers.
_RETRIES = {
    "retryable": True,
    "retryCondition": [
        {
            "maxAttempts": 3,
            "exception": ["RetryError"],
            "errorCode": ["ServiceUnavailable", "Throttling.User"],
            "backoff": {"policy": "Fixed", "period": 10},
        }
    ],
}


def client(endpoint: Endpoint) -> Callable[[UpgradeRequest], Any]:
    """A client of the SDK whose call blocks."""
    return blocking(sdk(endpoint), RuntimeOptions(**limits(endpoint)))


def retrying_client(endpoint: Endpoint) -> Callable[[UpgradeRequest], Any]:
    """A client of the SDK whose call blocks, and is repeated where the connection broke or the service is busy."""
    made = sdk(endpoint, retry_options=RetryOptions(_RETRIES))
    return blocking(made, RuntimeOptions(**limits(endpoint)))


def async_client(endpoint: Endpoint) -> Callable[[UpgradeRequest], Awaitable[Any]]:
    """A client of the SDK whose call is awaited."""
    return awaited(sdk(endpoint), RuntimeOptions(**limits(endpoint)))
