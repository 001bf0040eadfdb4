"""Right clients, as different as people write them: HTTP libraries, shapes of answers and errors, habits.

Each is a factory as `--es-upgrade-client` takes it. `RIGHT` names them all.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import enum
import gzip
import hashlib
import hmac
import http.client
import json
import re
import select
import socket
import ssl
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from email.utils import formatdate
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, unquote, urlencode, urlsplit

import aiohttp
import attrs
import httpx
import pydantic
import requests
import urllib3
import yarl

from pytest_es_upgrade import Endpoint, UpgradeRequest

from .plain import (
    Answer,
    Document,
    PlainClient,
    UpgradeError,
    checked,
    members,
    parameters,
    parse_answer,
    read_success,
    segment,
    url,
)

Call = Callable[[UpgradeRequest], Any]
AsyncCall = Callable[[UpgradeRequest], Awaitable[Any]]
_Factory = TypeVar("_Factory", bound=Callable[..., Any])

#: Name → factory.
RIGHT: dict[str, Callable[[Endpoint], Any]] = {}

_JSON = {"Content-Type": "application/json", "Accept": "application/json"}


def right(factory: _Factory) -> _Factory:
    """Enter a factory into the table."""
    RIGHT[factory.__name__] = factory
    return factory


def _body(asked: UpgradeRequest) -> bytes:
    return json.dumps(members(asked), allow_nan=False).encode()


@lru_cache(maxsize=4)
def tls(ca_file: str | None) -> ssl.SSLContext:
    """Made once: reading the system's certificates takes longer than any call."""
    return ssl.create_default_context(cafile=ca_file)


# --- HTTP libraries --------------------------------------------------------------------------------


@right
class RequestsSession:
    """`requests`, one session for all calls."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.session = requests.Session()
        self.session.verify = endpoint.ca_file or True

    def __call__(self, asked: UpgradeRequest) -> Document:
        answer = self.session.post(
            f"{self.endpoint.url}/openapi/instances/{segment(asked.instance_id)}/actions/upgrade-version",
            params=parameters(asked),
            json=members(asked),
            timeout=self.endpoint.timeout,
            allow_redirects=False,
        )
        return checked(answer.status_code, answer.content)

    def close(self) -> None:
        self.session.close()


@right
def requests_fresh(endpoint: Endpoint) -> Call:
    """`requests`, without a session."""

    def call(asked: UpgradeRequest) -> Document:
        answer = requests.post(
            url(asked, endpoint),
            data=_body(asked),
            headers=_JSON,
            timeout=endpoint.timeout,
            allow_redirects=False,
            verify=endpoint.ca_file or True,
        )
        return checked(answer.status_code, answer.content)

    return call


@right
class HttpxSync:
    """`httpx.Client`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.client = httpx.Client(base_url=endpoint.url, timeout=endpoint.timeout, verify=tls(endpoint.ca_file))

    def __call__(self, asked: UpgradeRequest) -> Document:
        path = f"/openapi/instances/{segment(asked.instance_id)}/actions/upgrade-version"
        answer = self.client.post(path, params=parameters(asked), json=members(asked))
        return checked(answer.status_code, answer.content)

    def close(self) -> None:
        self.client.close()


@right
class HttpxAsync:
    """`httpx.AsyncClient`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.client = httpx.AsyncClient(timeout=endpoint.timeout, verify=tls(endpoint.ca_file))

    async def __call__(self, asked: UpgradeRequest) -> Document:
        answer = await self.client.post(url(asked, self.endpoint), json=members(asked))
        return checked(answer.status_code, answer.content)

    async def aclose(self) -> None:
        await self.client.aclose()


class _Aiohttp:
    def __init__(self, endpoint: Endpoint, session: aiohttp.ClientSession) -> None:
        self.endpoint, self.session = endpoint, session

    async def __call__(self, asked: UpgradeRequest) -> Document:
        target = yarl.URL(url(asked, self.endpoint), encoded=True)
        async with self.session.post(target, data=_body(asked), headers=_JSON, allow_redirects=False) as answer:
            return checked(answer.status, await answer.read())

    async def aclose(self) -> None:
        await self.session.close()


@right
async def aiohttp_session(endpoint: Endpoint) -> AsyncCall:
    """`aiohttp`, whose session wants a running loop when it is made."""
    timeout = aiohttp.ClientTimeout(total=endpoint.timeout)
    connector = aiohttp.TCPConnector(ssl=tls(endpoint.ca_file))
    return _Aiohttp(endpoint, aiohttp.ClientSession(timeout=timeout, connector=connector))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


@right
def urllib_request(endpoint: Endpoint) -> Call:
    """`urllib.request`, which follows redirects as GET unless it is told not to."""
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls(endpoint.ca_file)), _NoRedirect
    )

    def call(asked: UpgradeRequest) -> Document:
        request = urllib.request.Request(url(asked, endpoint), _body(asked), _JSON, method="POST")
        try:
            with opener.open(request, timeout=endpoint.timeout) as answer:
                return checked(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return checked(error.code, error.read())

    return call


@right
class HttpClient:
    """`http.client`, one connection that is kept, for one call at a time, and opened again after an error."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.lock = threading.Lock()
        address = endpoint.host, endpoint.port
        self.connection = (
            http.client.HTTPSConnection(*address, timeout=endpoint.timeout, context=tls(endpoint.ca_file))
            if endpoint.scheme == "https"
            else http.client.HTTPConnection(*address, timeout=endpoint.timeout)
        )

    def __call__(self, asked: UpgradeRequest) -> Document:
        target = url(asked, self.endpoint).removeprefix(self.endpoint.url)
        with self.lock:
            try:
                self.connection.request("POST", target, _body(asked), _JSON)
                answer = self.connection.getresponse()
                return checked(answer.status, answer.read())
            except (OSError, http.client.HTTPException):
                self.close()
                raise

    def close(self) -> None:
        self.connection.close()


@right
class Urllib3Pool:
    """`urllib3`, neither retrying nor following."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.pool = urllib3.PoolManager(ssl_context=tls(endpoint.ca_file), timeout=endpoint.timeout)

    def __call__(self, asked: UpgradeRequest) -> Document:
        answer = self.pool.request(
            "POST", url(asked, self.endpoint), body=_body(asked), headers=_JSON, redirect=False, retries=False
        )
        return checked(answer.status, answer.data)

    def close(self) -> None:
        self.pool.clear()


@right
class KeepAlive(PlainClient):
    """Keeps its connection, and connects anew where that was lost or its close announced."""

    kept: socket.socket | None = None

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.lock = threading.Lock()

    def headers(self, asked: UpgradeRequest, body: bytes) -> list[tuple[str, str]]:
        return [header for header in super().headers(asked, body) if header[0] != "Connection"]

    def exchange(self, address: tuple[str, int], request: bytes) -> Answer:
        connection = self.swapped(None) or self.connected(address)
        try:
            connection.sendall(request)
            answer = self.received(connection)
        except BaseException:
            self.lost(connection)
            raise
        spare = self.swapped(connection) if self.may_keep(answer) else connection
        if spare is not None:
            spare.close()
        return answer

    def swapped(self, connection: socket.socket | None) -> socket.socket | None:
        """Keep that connection, and give the one that was kept: calls that are made at once share one at most."""
        with self.lock:
            before, self.kept = self.kept, connection
        return before

    def lost(self, connection: socket.socket) -> None:
        connection.close()

    def may_keep(self, answer: Answer) -> bool:
        framed = "content-length" in answer.headers or "transfer-encoding" in answer.headers
        return framed and answer.headers.get("connection", "").lower() != "close"

    def close(self) -> None:
        if self.kept is not None:
            self.kept.close()


@right
class KeepAliveChecked(KeepAlive):
    """Looks before every call whether the connection that it kept was closed meanwhile."""

    def exchange(self, address: tuple[str, int], request: bytes) -> Answer:
        kept = self.swapped(None)
        if kept is not None and select.select([kept], [], [], 0)[0]:
            kept.close()
            kept = None
        spare = self.swapped(kept)
        if spare is not None:
            spare.close()
        return super().exchange(address, request)


@right
class GzipAsking(PlainClient):
    """Asks for gzip, and reads it."""

    def headers(self, asked: UpgradeRequest, body: bytes) -> list[tuple[str, str]]:
        return [*super().headers(asked, body), ("Accept-Encoding", "gzip, identity;q=0.5")]

    def parse(self, held: bytes, *, ended: bool) -> Answer | None:
        answer = super().parse(held, ended=ended)
        if answer is None or answer.headers.get("content-encoding") != "gzip":
            return answer
        return answer._replace(body=self.decoded(answer.body))

    def decoded(self, body: bytes) -> bytes:
        return gzip.decompress(body)


@right
def raw_socket(endpoint: Endpoint) -> PlainClient:
    """Bytes on a socket; the client that the wrong ones are made of."""
    return PlainClient(endpoint)


@right
def asyncio_streams(endpoint: Endpoint) -> AsyncCall:
    """Bytes on an asyncio stream."""
    plain = PlainClient(endpoint)

    async def exchange(request: bytes) -> Answer:
        secure = tls(endpoint.ca_file) if endpoint.scheme == "https" else None
        reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port, ssl=secure)
        try:
            writer.write(request)
            held, answer = b"", None
            while answer is None:
                data = await reader.read(65536)
                held += data
                answer = parse_answer(held, ended=not data)
            return answer
        finally:
            writer.close()
            with contextlib.suppress(OSError):  # of a connection that was reset
                await writer.wait_closed()

    async def call(asked: UpgradeRequest) -> Document:
        return plain.told(await asyncio.wait_for(exchange(plain.request(asked)), endpoint.timeout))  # type: ignore[no-any-return]  # a document

    return call


# --- shapes of answers -----------------------------------------------------------------------------


@dataclass
class CheckError:
    """An error of a check, under Python's names."""

    error_type: str | None
    error_code: str | None
    error_msg: str | None

    @classmethod
    def of(cls, entry: Document) -> CheckError:
        return cls(entry.get("errorType"), entry.get("errorCode"), entry.get("errorMsg"))


@dataclass
class Check:
    """A check, under Python's names."""

    validate_type: str
    status: str
    validate_result: list[CheckError] = field(default_factory=list)

    @classmethod
    def of(cls, entry: Document) -> Check:
        errors = _listed(entry.get("validateResult"))
        return cls(entry["validateType"], entry["status"], [CheckError.of(error) for error in errors])


@dataclass
class UpgradeAnswer:
    """The answer, under Python's names."""

    request_id: str
    result: list[Check]


def _listed(value: Any) -> list[Document]:
    """The page says Struct in one place and shows a list in another: both are read."""
    return list(value) if isinstance(value, list) else [] if value is None else [value]


@right
class DataclassModel(PlainClient):
    """Returns dataclasses."""

    def document(self, answer: Answer) -> UpgradeAnswer:
        document = read_success(answer.status, answer.body)
        return UpgradeAnswer(document["RequestId"], [Check.of(entry) for entry in _listed(document["Result"])])


class _Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow", populate_by_name=True)


class PydanticError(_Model):
    """An error of a check."""

    error_type: str | None = pydantic.Field(None, alias="errorType")
    error_code: str | None = pydantic.Field(None, alias="errorCode")
    error_msg: str | None = pydantic.Field(None, alias="errorMsg")


class PydanticCheck(_Model):
    """A check."""

    validate_type: str = pydantic.Field(alias="validateType")
    status: str
    validate_result: list[PydanticError] | PydanticError | None = pydantic.Field(None, alias="validateResult")


class PydanticAnswer(_Model):
    """The answer."""

    request_id: str = pydantic.Field(alias="RequestId")
    result: list[PydanticCheck] | PydanticCheck = pydantic.Field(alias="Result")


@right
class PydanticModel(PlainClient):
    """Returns pydantic models, whose unknown members are kept."""

    def document(self, answer: Answer) -> PydanticAnswer:
        return PydanticAnswer.model_validate(read_success(answer.status, answer.body))


@attrs.frozen
class AttrsCheck:
    """A check; its errors stay documents."""

    validate_type: str
    status: str
    validate_result: tuple[Document, ...]


@attrs.frozen
class AttrsAnswer:
    """The answer."""

    request_id: str
    result: tuple[AttrsCheck, ...]


@right
class AttrsModel(PlainClient):
    """Returns frozen attrs classes, with tuples for lists."""

    def document(self, answer: Answer) -> AttrsAnswer:
        document = read_success(answer.status, answer.body)
        checks = [
            AttrsCheck(entry["validateType"], entry["status"], tuple(_listed(entry.get("validateResult"))))
            for entry in _listed(document["Result"])
        ]
        return AttrsAnswer(document["RequestId"], tuple(checks))


class TupleAnswer(NamedTuple):
    """The answer as a named tuple."""

    request_id: str
    result: list[Document]


@right
class NamedTupleModel(PlainClient):
    """Returns a named tuple."""

    def document(self, answer: Answer) -> TupleAnswer:
        document = read_success(answer.status, answer.body)
        return TupleAnswer(document["RequestId"], document["Result"])


@right
class Wrapped(PlainClient):
    """Returns status and headers beside the document, as generic SDK calls do."""

    def document(self, answer: Answer) -> Document:
        body = read_success(answer.status, answer.body)
        return {"statusCode": answer.status, "headers": dict(answer.headers), "body": body}


@right
class JsonText(PlainClient):
    """Returns the body as text, once it has looked at it."""

    def document(self, answer: Answer) -> str:
        read_success(answer.status, answer.body)
        return answer.body.decode()


@right
class JsonBytes(PlainClient):
    """Returns the body's bytes, once it has looked at them."""

    def document(self, answer: Answer) -> bytes:
        read_success(answer.status, answer.body)
        return answer.body


class Status(str, enum.Enum):
    """The documented words; any other stays the text that it is."""

    SUCCESS = "success"
    FAILED = "failed"

    @classmethod
    def of(cls, text: str) -> str:
        return cls(text) if text in ("success", "failed") else text


@right
class EnumStatus(PlainClient):
    """Returns an object whose statuses are members of an enumeration, under names in snake case."""

    def document(self, answer: Answer) -> SimpleNamespace:
        document = read_success(answer.status, answer.body)
        checks = [
            SimpleNamespace(
                validate_type=entry["validateType"],
                status=Status.of(entry["status"]),
                validate_result=entry.get("validateResult"),
            )
            for entry in _listed(document["Result"])
        ]
        return SimpleNamespace(request_id=document["RequestId"], result=checks)


# --- shapes of errors ------------------------------------------------------------------------------


@right
class ErrorValues(PlainClient):
    """Raises nothing: an error is a value that carries its code."""

    def __call__(self, asked: UpgradeRequest) -> Document:
        try:
            return {"ok": True, "value": super().__call__(asked)}
        except UpgradeError as error:
            told = {"code": error.code, "message": error.message}
            return {"ok": False, "error": {**told, "status": error.http_status, "requestId": error.request_id}}
        except OSError as error:
            return {"ok": False, "error": {"code": "ConnectionFailed", "message": str(error)}}


@right
class SuccessFlag(PlainClient):
    """Raises nothing: a flag says whether it worked. Where no answer came there is a message, and no code."""

    def __call__(self, asked: UpgradeRequest) -> Document:
        try:
            return {"success": True, "data": super().__call__(asked)}
        except UpgradeError as error:
            told = {"errorCode": error.code, "errorMessage": error.message}
            return {"success": False, **told, "httpStatus": error.http_status, "requestId": error.request_id}
        except OSError as error:
            return {"success": False, "errorMessage": str(error)}


@right
class AnswerAndError(PlainClient):
    """Returns two values, the answer and the exception, of which one is None."""

    def __call__(self, asked: UpgradeRequest) -> tuple[Any, Exception | None]:
        try:
            return super().__call__(asked), None
        except (UpgradeError, OSError) as error:
            return None, error


class ServerException(Exception):
    """An exception whose fields are behind getters, as in the classic SDK."""

    def __init__(self, error: UpgradeError) -> None:
        self._error = error
        super().__init__("the call was refused")

    def get_error_code(self) -> str:
        return self._error.code

    def get_error_msg(self) -> str:
        return self._error.message

    def get_http_status(self) -> int | None:
        return self._error.http_status

    def get_request_id(self) -> str | None:
        return self._error.request_id


@right
class GetterErrors(PlainClient):
    """Raises exceptions with getters."""

    def told(self, answer: Answer) -> Any:
        try:
            return super().told(answer)
        except UpgradeError as error:
            raise ServerException(error) from None


class UpgradeNotDone(Exception):
    """Says what the caller wanted; why it was not done is in its cause."""


@right
class CausedErrors(PlainClient):
    """Raises exceptions of the caller's own layer, with the service's error as their cause."""

    def told(self, answer: Answer) -> Any:
        try:
            return super().told(answer)
        except UpgradeError as error:
            raise UpgradeNotDone("the cluster was not upgraded") from error


@right
class TextErrors(PlainClient):
    """Raises exceptions that say everything in their text, and have no attribute."""

    def told(self, answer: Answer) -> Any:
        try:
            return super().told(answer)
        except UpgradeError as error:
            raise RuntimeError(
                f"UpgradeEngineVersion failed: code={error.code}, HTTP {error.http_status}, "
                f"RequestId: {error.request_id}: {error.message}"
            ) from None


# --- habits ----------------------------------------------------------------------------------------


@right
class Signing(PlainClient):
    """Signs with ACS3-HMAC-SHA256, each step a method."""

    def headers(self, asked: UpgradeRequest, body: bytes) -> list[tuple[str, str]]:
        signed = self.signed(asked, body)
        authorization = ("Authorization", self.authorization(asked, signed))
        return [*signed.items(), authorization, *self.length(body), ("Connection", "close")]

    def signed(self, asked: UpgradeRequest, body: bytes) -> dict[str, str]:
        """The headers that are signed."""
        return {
            "content-type": "application/json",
            "host": self.endpoint.netloc,
            "x-acs-action": "UpgradeEngineVersion",
            "x-acs-content-sha256": self.digest(body),
            "x-acs-date": self.date(),
            "x-acs-signature-nonce": self.nonce(),
            "x-acs-version": self.api_version(asked),
        }

    def digest(self, body: bytes) -> str:
        return hashlib.sha256(body).hexdigest()

    def date(self) -> str:
        return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

    def nonce(self) -> str:
        return uuid.uuid4().hex

    def api_version(self, _asked: UpgradeRequest) -> str:
        return "2017-06-13"

    def authorization(self, asked: UpgradeRequest, signed: dict[str, str]) -> str:
        signature = self.signature(self.canonical(asked, signed))
        names = ";".join(self.listed(signed))
        return f"ACS3-HMAC-SHA256 Credential={self.key_id()},SignedHeaders={names},Signature={signature}"

    def listed(self, signed: dict[str, str]) -> list[str]:
        return sorted(signed)

    def canonical(self, asked: UpgradeRequest, signed: dict[str, str]) -> str:
        names = self.listed(signed)
        lines = "".join(f"{name}:{signed[name]}\n" for name in names)
        path, query = self.signed_path(asked), self.signed_query(asked)
        return "\n".join([self.method, path, query, lines, ";".join(names), signed["x-acs-content-sha256"]])

    def signed_path(self, asked: UpgradeRequest) -> str:
        return self.path(asked)

    def signed_query(self, asked: UpgradeRequest) -> str:
        return urlencode(sorted(self.parameters(asked)), quote_via=quote, safe="")

    def signature(self, canonical: str) -> str:
        return self.hashed(f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}").hex()

    def hashed(self, text: str) -> bytes:
        return hmac.digest(self.secret().encode(), text.encode(), "sha256")

    def key_id(self) -> str:
        return self.endpoint.access_key_id

    def secret(self) -> str:
        return self.endpoint.access_key_secret


@right
class SigningEverything(Signing):
    """Signs what else it sends too, names no action, and carries a security token."""

    def signed(self, asked: UpgradeRequest, body: bytes) -> dict[str, str]:
        signed = {
            "accept": "application/json",
            "user-agent": "upgrade/1.0 (signing; everything)",
            "x-acs-security-token": "none that anybody knows",
            **super().signed(asked, body),
        }
        del signed["x-acs-action"]
        return signed

    def query(self, asked: UpgradeRequest) -> str:
        return super().query(asked).replace("%20", "+")

    def segment(self, instance_id: str) -> str:
        return super().segment(instance_id).replace("%2A", "*")

    def signed_path(self, asked: UpgradeRequest) -> str:
        return super().signed_path(asked).replace("*", "%2A")


@right
class RoaSigning(PlainClient):
    """Signs with ROA HMAC-SHA1, each step a method."""

    def headers(self, asked: UpgradeRequest, body: bytes) -> list[tuple[str, str]]:
        sent = {**dict(super().headers(asked, body)), **self.acs(asked), **self.more(body)}
        signature = self.signature(self.canonical(asked, sent))
        return [*sent.items(), ("Authorization", f"acs {self.key_id()}:{signature}")]

    def acs(self, _asked: UpgradeRequest) -> dict[str, str]:
        return {
            "x-acs-action": "UpgradeEngineVersion",
            "x-acs-signature-method": "HMAC-SHA1",
            "x-acs-signature-nonce": uuid.uuid4().hex,
            "x-acs-signature-version": "1.0",
            "x-acs-version": "2017-06-13",
        }

    def more(self, body: bytes) -> dict[str, str]:
        return {"Date": self.date(), "Content-MD5": base64.b64encode(hashlib.md5(body).digest()).decode()}

    def date(self) -> str:
        return formatdate(usegmt=True)

    def canonical(self, asked: UpgradeRequest, sent: dict[str, str]) -> str:
        fields = [sent.get(name, "") for name in ("Accept", "Content-MD5", "Content-Type", "Date")]
        lines = [f"{name}:{value}" for name, value in self.signed_acs(sent)]
        query = self.signed_query(asked)
        return "\n".join([self.method, *fields, *lines, self.signed_path(asked) + (f"?{query}" if query else "")])

    def signed_acs(self, sent: dict[str, str]) -> list[tuple[str, str]]:
        return sorted((name, value) for name, value in sent.items() if name.startswith("x-acs-"))

    def signed_path(self, asked: UpgradeRequest) -> str:
        return self.path(asked)

    def signed_query(self, asked: UpgradeRequest) -> str:
        return "&".join(f"{name}={value}" for name, value in sorted(self.parameters(asked)))

    def signature(self, canonical: str) -> str:
        digest = hmac.digest(self.endpoint.access_key_secret.encode(), canonical.encode(), "sha1")
        return base64.b64encode(digest).decode()

    def key_id(self) -> str:
        return self.endpoint.access_key_id


@right
class RoaAsSdksDo(RoaSigning):
    """No nonce, no action, no digest of the body; the path is signed as it was before it was encoded."""

    def acs(self, _asked: UpgradeRequest) -> dict[str, str]:
        return {"x-acs-version": "2017-06-13", "x-acs-region-id": self.endpoint.region_id}

    def more(self, _body: bytes) -> dict[str, str]:
        return {"Date": self.date()}

    def signed_path(self, asked: UpgradeRequest) -> str:
        return unquote(super().signed_path(asked))


@right
class TokenMaking(PlainClient):
    """Makes a token for every call that has none."""

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        given = dict(super().parameters(asked))
        return list({"clientToken": str(uuid.uuid4()), **given}.items())


@right
class Chunked(PlainClient):
    """Sends its body in chunks."""

    def length(self, _body: bytes) -> list[tuple[str, str]]:
        return [("Transfer-Encoding", "chunked")]

    def framed(self, body: bytes) -> bytes:
        pieces = [body[:7], body[7:]]
        return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n\r\n"


@right
class Expecting(PlainClient):
    """Sends the head with `Expect: 100-continue`, and its body once the service asks for it."""

    def headers(self, asked: UpgradeRequest, body: bytes) -> list[tuple[str, str]]:
        return [*super().headers(asked, body), ("Expect", "100-continue")]

    def exchange(self, address: tuple[str, int], request: bytes) -> Answer:
        head, end, body = request.partition(b"\r\n\r\n")
        with self.connected(address) as connection:
            connection.sendall(head + end)
            held = connection.recv(65536)
            if held.startswith(b"HTTP/1.1 100 "):
                connection.sendall(body)
            return self.received(connection, held)


@right
class Indented(PlainClient):
    """Sends JSON for people to read, and names its charset."""

    def body(self, asked: UpgradeRequest) -> bytes:
        return json.dumps(self.members(asked), indent=4, sort_keys=True).encode()

    def media_type(self) -> list[tuple[str, str]]:
        return [("content-type", "Application/JSON; charset=UTF-8")]


@right
class Strict(PlainClient):
    """Refuses before the wire whatever the page does not allow, and tokens that are easily mangled."""

    _PAIRS = (
        (None, None),
        (None, "engineVersion"),
        ("6.7", None),
        ("6.7", "engineVersion"),
        ("ali1.2.0", "aliVersion"),
    )

    def __call__(self, asked: UpgradeRequest) -> Any:
        token = asked.client_token
        if token is not None and not re.fullmatch(r"[!-~]{1,64}", token):
            raise ValueError("client_token: 1 to 64 printable ASCII characters, no blanks")
        if token is not None and re.search(r"[&+%=#]", token):
            raise ValueError("client_token: none of & + % = #")
        if (asked.version, asked.type) not in self._PAIRS:
            raise ValueError("version and type do not belong together")
        if not re.fullmatch(r"[\w.~*-]+", asked.instance_id, re.ASCII):
            raise ValueError("instance_id: letters, digits and - . _ ~ *")
        return super().__call__(asked)


@right
class ExplicitDefaults(PlainClient):
    """Sends the documented defaults where nothing is given."""

    def request(self, asked: UpgradeRequest) -> bytes:
        asked = asked if asked.type is not None else replace(asked, type="engineVersion")
        return super().request(asked if asked.dry_run is not None else replace(asked, dry_run=False))


@right
class Http10(PlainClient):
    """Speaks HTTP/1.0."""

    protocol = "HTTP/1.0"


@right
class NoEmptyBody(PlainClient):
    """Sends no body where there is nothing to say."""

    def body(self, asked: UpgradeRequest) -> bytes:
        return super().body(asked) if self.members(asked) else b""


@right
class PlusForBlank(PlainClient):
    """Writes `+` for a blank in the query, and leaves raw in the path what may stay so."""

    def query(self, asked: UpgradeRequest) -> str:
        return super().query(asked).replace("%20", "+")

    def segment(self, instance_id: str) -> str:
        return super().segment(instance_id).replace("%2A", "*")


@right
class Locked(PlainClient):
    """Makes one call at a time."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.lock = threading.Lock()

    def answer(self, asked: UpgradeRequest) -> Answer:
        with self.lock:
            return super().answer(asked)


@right
class Retrying(TokenMaking):
    """Tries three times where the connection breaks, always with the same bytes, token included."""

    attempts = 3

    def answer(self, asked: UpgradeRequest) -> Answer:
        request, address = self.request(asked), (self.endpoint.host, self.endpoint.port)
        for _ in range(self.attempts - 1):
            with contextlib.suppress(ConnectionError):
                return self.exchange(address, request)
        return self.exchange(address, request)


@right
class Follows307(PlainClient):
    """Follows a 307 or 308 on the same host, once, with the same POST."""

    def answer(self, asked: UpgradeRequest) -> Answer:
        answer = super().answer(asked)
        location = urlsplit(answer.headers.get("location", ""))
        same_host = location.netloc in ("", self.endpoint.netloc)
        if answer.status not in (307, 308) or not same_host or not location.path:
            return answer
        request = super().request(asked)
        query = location.query or self.query(asked)
        target = location.path + (f"?{query}" if query else "")
        moved = request.replace(self.target(asked).encode(), target.encode(), 1)
        return self.exchange((self.endpoint.host, self.endpoint.port), moved)


@right
class AsyncObject:
    """An object with an async `__call__`, whose work is done in a thread."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.plain = PlainClient(endpoint)

    async def __call__(self, asked: UpgradeRequest) -> Document:
        return await asyncio.to_thread(self.plain, asked)


__all__ = ["RIGHT", "GzipAsking", "KeepAlive", "RoaSigning", "Signing", "TokenMaking"]
