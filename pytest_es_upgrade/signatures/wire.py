"""What a request on the wire holds, as signature schemes ask for it: paths, pairs, headers, all of them text.

Bytes that are no UTF-8 travel through that text as surrogates, so that nothing is lost on the way to a digest.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, unquote

from ..messages import HttpRequest, header_values

#: What a decoded segment cannot hold if its path is to be told from another path.
_AMBIGUOUS = frozenset("/?#%")


def octets(text: str) -> bytes:
    """The bytes that a text stands for."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # no text from a wire: a request that was made by hand
        return text.encode("utf-8", "surrogatepass")


def encoded(text: str) -> str:
    """Percent-encoded, all but the unreserved characters of RFC 3986 section 2.3."""
    return quote(octets(text), safe="")


def decoded(text: str) -> str:
    """Without percent-encoding."""
    return unquote(text, errors="surrogateescape")


def strict_path(request: HttpRequest) -> str:
    """The path with every segment encoded anew, however it was encoded on the wire."""
    return "/".join(encoded(decoded(segment)) for segment in request.path.split("/"))


def script_path(request: HttpRequest) -> str:
    """The same as JavaScript encodes it, which keeps `!'()`; its HTTP library may then encode them on the wire."""
    return "/".join(quote(octets(decoded(segment)), safe="!'()") for segment in request.path.split("/"))


def decoded_paths(request: HttpRequest) -> Iterator[str]:
    """The path without encoding; nothing where that would read like another path."""
    segments = [decoded(segment) for segment in request.path.split("/")]
    if all(_AMBIGUOUS.isdisjoint(segment) for segment in segments):
        yield "/".join(segments)


def header(request: HttpRequest, name: str) -> str:
    """The values of a header without the blanks around them, several joined by a comma; empty where it is absent."""
    values = (value.strip() for value in header_values(request.headers, name))
    return ",".join(value.encode("latin-1", "replace").decode("utf-8", "surrogateescape") for value in values)


def acs_headers(request: HttpRequest) -> list[str]:
    """The names of all `x-acs-` headers, in lower case and sorted."""
    names = {name.strip().lower() for name, _ in request.headers}
    return sorted(name for name in names if name.startswith("x-acs-"))
