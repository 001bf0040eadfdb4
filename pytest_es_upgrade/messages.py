"""The values that everything else speaks of: requests, answers, exchanges, rules, violations, outcomes.

Two rules of this module: every value is immutable, and nothing here validates. An `UpgradeRequest`
may hold anything at all, because a contract kit has to be able to ask for the impossible.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote_plus, urlsplit

Level = Literal["must", "should", "may"]
OutcomeKind = Literal["ok", "rejected", "failed", "hung"]
Done = Literal["started", "repeated", "dry_run", "checks_failed", "refused", "scripted", "nothing"]
Headers = tuple[tuple[str, str], ...]

#: Strictest first: a smaller index is a stricter level.
LEVELS: tuple[Level, ...] = ("must", "should", "may")

#: Field of `UpgradeRequest` → the name that the page gives it.
WIRE_NAMES: Mapping[str, str] = {
    "instance_id": "InstanceId",
    "version": "version",
    "type": "type",
    "client_token": "clientToken",
    "dry_run": "dryRun",
}

_ABSOLUTE_FORM = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


@dataclass(frozen=True)
class UpgradeRequest:
    """What a caller asks of a client; `None` means "not given".

    Valid are strings, and a bool for `dry_run`. Deliberately able to hold anything else too.
    """

    instance_id: Any
    version: Any = None
    type: Any = None
    client_token: Any = None
    dry_run: Any = None

    def given(self) -> dict[str, Any]:
        """The values that were given, under their names on the page; the id is always among them."""
        named = {wire: getattr(self, name) for name, wire in WIRE_NAMES.items()}
        return {wire: value for wire, value in named.items() if wire == "InstanceId" or value is not None}

    def as_code(self) -> str:
        """The line of Python that makes this request, to paste and try."""
        names = [name for name in WIRE_NAMES if name == "instance_id" or getattr(self, name) is not None]
        return f"UpgradeRequest({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"


@dataclass(frozen=True)
class Endpoint:
    """Where a client under test must send to, and with which test credentials.

    `url` has no trailing slash. `timeout` is in seconds: after that a client is expected to give up
    on one attempt. `ca_file` is a PEM file to trust, None where the endpoint is plain HTTP.
    """

    url: str
    access_key_id: str = "testAccessKeyId"
    access_key_secret: str = field(default="testAccessKeySecret-3f1c9ad2", repr=False)
    region_id: str = "cn-hangzhou"
    ca_file: str | None = None
    timeout: float = 10.0

    @property
    def scheme(self) -> str:
        """`http` or `https`."""
        return urlsplit(self.url).scheme

    @property
    def host(self) -> str:
        """The host alone, without its port."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port; the scheme's own where the URL names none."""
        return urlsplit(self.url).port or (443 if self.scheme == "https" else 80)

    @property
    def netloc(self) -> str:
        """`host:port`, as a Host header has it."""
        return urlsplit(self.url).netloc


@dataclass(frozen=True)
class HttpRequest:
    """A request as it stood on the wire.

    `target` is as sent, `headers` are Latin-1 text in order, `body` is without transfer coding, and
    `raw` holds the bytes as they came (empty where there was no socket).
    """

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""
    raw: bytes = b""

    @property
    def path(self) -> str:
        """The target up to its first `?`, still encoded, without a scheme and authority."""
        path = self.target.partition("?")[0]
        start = _ABSOLUTE_FORM.match(path)
        return path[start.end() :] if start else path

    @property
    def query(self) -> list[tuple[str, str]]:
        """The decoded pairs after the first `?`, in order; bytes that are no UTF-8 become surrogates."""
        pieces = self.target.partition("?")[2].split("&")
        pairs = [piece.partition("=") for piece in pieces if piece]
        return [(_decoded(name), _decoded(value)) for name, _, value in pairs]

    def header(self, name: str) -> str | None:
        """The first header of that name, whatever its letter case, or None."""
        return first_header(self.headers, name)

    def header_values(self, name: str) -> list[str]:
        """All values of the headers of that name, whatever their letter case, in order."""
        return header_values(self.headers, name)


@dataclass(frozen=True)
class HttpResponse:
    """An answer. Framing headers (Content-Length, Connection) are added on sending where absent."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first header of that name, whatever its letter case, or None."""
        return first_header(self.headers, name)


@dataclass(frozen=True)
class Exchange:
    """One journal entry: what came, what was answered, when, and which fault was played.

    `started` and `ended` are seconds since the case began: the request was whole, and the last bytes of a whole
    answer were about to leave, or else nothing more was to come. `response` is None where none was sent,
    and is the whole answer that was meant where a fault then cut or bent it on the wire.
    """

    request: HttpRequest
    response: HttpResponse | None
    started: float
    ended: float
    fault: str | None = None


@dataclass(frozen=True)
class ServiceEvent:
    """What the service did about one thing that arrived; `str()` says it in words, without saying which attempt it was.

    `done` is one of

    - `started`: an upgrade was started, the `upgrade`-th of this service;
    - `repeated`: the token was known, its first answer was given again (`upgrade` is what it had started, if anything);
    - `dry_run`, `checks_failed`: the checks were answered, and nothing was started;
    - `refused`: an error was due, `code` names it;
    - `scripted`: the user's script answered, and the service was not asked;
    - `nothing`: a fault came before the service, or the request never came to its end.

    `entry` is the index of the journal entry, None for a connection that ended before a request was
    read. `at` is in seconds, as in the journal; `fault` is what was then played.
    """

    entry: int | None
    at: float
    done: Done
    instance_id: str | None = None
    token: str | None = None
    upgrade: int | None = None
    code: str | None = None
    fault: str | None = None

    def __str__(self) -> str:
        under = f"under token {self.token!r}" if self.token else "without a token"
        text = {
            "started": f"started upgrade #{self.upgrade} of {self.instance_id} {under}",
            "repeated": f"started nothing and gave the first answer again {under}",
            "dry_run": f"started nothing in a dry run of {self.instance_id}",
            "checks_failed": f"started nothing, for checks of {self.instance_id} failed",
            "refused": f"started nothing and was refused with {self.code}",
            "scripted": "started nothing, for its answer was scripted",
            "nothing": "started nothing, for it did not get to the service",
        }[self.done]
        return f"{text}; then fault {self.fault!r} was played" if self.fault else text


#: What arrived, and what the service did about it; no exchange where a connection ended before a request was read.
Arrival = tuple[Exchange | None, ServiceEvent]


@dataclass(frozen=True)
class Rule:
    """One checkable sentence: of the page (`quote` verbatim), an RFC section, or a named algorithm."""

    id: str
    level: Level
    title: str
    source: str
    quote: str


@dataclass(frozen=True)
class Violation:
    """One rule broken at one place: `where` is `method`, `query.NAME`, `body.NAME`, `answer.POINTER`, …"""

    rule: Rule
    where: str
    got: str
    expected: str
    hint: str = ""

    def __str__(self) -> str:
        lines = [
            f"{self.rule.id} ({self.rule.level}): {self.rule.title}",
            f"  at {self.where}: got {self.got}, expected {self.expected}",
            f"  {self.rule.source}: \u201c{self.rule.quote}\u201d",
        ]
        return "\n".join([*lines, f"  {self.hint}"] if self.hint else lines)

    def __repr__(self) -> str:
        """One line without the sentence: how lists of them are shown, such as in an assertion that failed."""
        return f"<{self.rule.id} ({self.rule.level}) at {self.where}: got {self.got}, expected {self.expected}>"


@dataclass(frozen=True)
class ErrorInfo:
    """What a caller can tell from an error; None where it cannot be told.

    `text` is everything that the exception and its causes say in words. `exits` tells of an exception
    that is no `Exception`, such as SystemExit: it ends a program that only handles errors.
    """

    type: str
    code: str | None = None
    message: str | None = None
    http_status: int | None = None
    request_id: str | None = None
    text: str = ""
    exits: bool = False

    def __repr__(self) -> str:
        """What could be told; all that was said where no message could."""
        names = ("type", "code", "http_status", "message", "request_id")
        told = [f"{name}={getattr(self, name)!r}" for name in names if getattr(self, name) is not None]
        told += [f"text={self.text!r}"] if self.text and not self.message else []
        return f"ErrorInfo({', '.join([*told, 'exits=True'] if self.exits else told)})"


@dataclass(frozen=True)
class Outcome:
    """How a call ended for its caller. The kind is the caller's view, never a verdict.

    `result` is what was returned, untouched; `answer` is the same under the page's names, or None
    where no document of the operation can be recognised in it. `error` is what was raised, or an
    error that was returned as a value.
    """

    kind: OutcomeKind
    result: Any = None
    answer: Any = None
    error: ErrorInfo | None = None

    def __repr__(self) -> str:
        """The error, or what was returned, as a document where one can be recognised in it."""
        told = [] if self.error is None else [f"error={self.error!r}"]
        if self.answer is not None:
            told.append(f"answer={self.answer!r}")
        elif self.kind == "ok":
            told.append(f"result={self.result!r}")
        return f"Outcome({', '.join([f'kind={self.kind!r}', *told])})"


def header_values(headers: Headers, name: str) -> list[str]:
    """All values of the headers of that name, whatever their letter case, in order."""
    wanted = name.lower()
    return [value for key, value in headers if key.lower() == wanted]


def first_header(headers: Headers, name: str) -> str | None:
    """The first header of that name, whatever its letter case, or None."""
    values = header_values(headers, name)
    return values[0] if values else None


def _decoded(text: str) -> str:
    return unquote_plus(text, errors="surrogateescape") if "%" in text or "+" in text else text
