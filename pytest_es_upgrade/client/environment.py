"""The environment variables that could send a client elsewhere, or let it trust or sign with something else.

Proxies, CA bundles and the vendor's own settings are taken away while a client under test runs: its
endpoint and credentials are to come from the `Endpoint` it was given, and from nowhere else.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TAKEN_AWAY = re.compile(
    r"""
    \w* _PROXY                                   # HTTP_PROXY, https_proxy, NO_PROXY, …
    | (?: \w+ _ )? CA_BUNDLE                     # requests, curl, AWS tools
    | SSL_CERT_ (?: FILE | DIR )                 # OpenSSL
    | (?: NODE_EXTRA | HTTPLIB2 ) _CA_CERTS
    | NODE_TLS_REJECT_UNAUTHORIZED               # a client that does not verify must say so itself
    | GRPC_DEFAULT_SSL_ROOTS_FILE_PATH
    | (?: ALIBABA | ALIYUN | ALICLOUD ) .*
    """,
    re.IGNORECASE | re.VERBOSE,
)


def cleaned(variables: Mapping[str, str]) -> dict[str, str]:
    """The same variables without those; for the environment of a child process."""
    return {name: value for name, value in variables.items() if not _TAKEN_AWAY.fullmatch(name)}


@contextmanager
def clean_environment() -> Iterator[None]:
    """Take those variables out of `os.environ`, and put back afterwards exactly what there was of them."""
    before = _take_away()
    try:
        yield
    finally:
        _take_away()  # what was set meanwhile
        os.environ.update(before)


def _take_away() -> dict[str, str]:
    return {name: os.environ.pop(name) for name in list(os.environ) if _TAKEN_AWAY.fullmatch(name)}
