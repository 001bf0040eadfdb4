"""Right clients that differ in what they make of invalid and awkward values: they refuse them early, or send them on.

Where the page shows no form of a value, every language has its own; here are some of them.
"""

from __future__ import annotations

import enum
import json
import re
from dataclasses import replace
from typing import Annotated, Any, Literal
from urllib.parse import quote

import pydantic

from pytest_es_upgrade import UpgradeRequest

from .plain import Document, PlainClient, UpgradeError
from .right import right

# --- refusing --------------------------------------------------------------------------------------


class CheckedRequest(pydantic.BaseModel):
    """What the page allows, without any coercion."""

    model_config = pydantic.ConfigDict(strict=True)

    instance_id: Annotated[str, pydantic.Field(pattern=r"^[\w.~*-]+\z")]
    version: Literal["6.7", "ali1.2.0"] | None
    type: Literal["engineVersion", "aliVersion"] | None
    client_token: Annotated[str, pydantic.Field(max_length=64, pattern=r"^[\x00-\x7f]*\z")] | None
    dry_run: bool | None

    @pydantic.model_validator(mode="after")
    def _pair(self) -> CheckedRequest:
        if (self.version, self.type) in (("6.7", "aliVersion"), ("ali1.2.0", "engineVersion")):
            raise ValueError("version and type do not belong together")
        return self


@right
class PydanticRequest(PlainClient):
    """Has a strict model of the request, whose errors go through."""

    def __call__(self, asked: UpgradeRequest) -> Any:
        CheckedRequest.model_validate(vars(asked))
        return super().__call__(asked)


@right
class InsistsOnAVersion(PlainClient):
    """Upgrades to no version make no sense to it: one reading of a page that calls version optional."""

    def members(self, asked: UpgradeRequest) -> Document:
        if asked.version is None:
            raise ValueError("version is needed")
        return super().members(asked)


class Version(enum.Enum):
    """The documented versions."""

    ENGINE = "6.7"
    PATCH = "ali1.2.0"


class UpgradeType(enum.Enum):
    """The documented types."""

    ENGINE = "engineVersion"
    PATCH = "aliVersion"


@right
class EnumRequest(PlainClient):
    """Looks version and type up in enumerations; a pair is the service's to refuse."""

    def members(self, asked: UpgradeRequest) -> Document:
        given = super().members(asked)
        kinds: dict[str, type[enum.Enum]] = {"version": Version, "type": UpgradeType}
        return {name: kinds[name](value).value for name, value in given.items()}


@right
class RefusalAsValue(PlainClient):
    """Raises nothing: what its own checks refuse is told as an error that is returned, as the service's is."""

    def __call__(self, asked: UpgradeRequest) -> Any:
        try:
            return {"success": True, "data": super().__call__(asked)}
        except UpgradeError as error:
            said = {"errorCode": error.code, "errorMessage": error.message, "requestId": error.request_id}
            return {"success": False, **said, "httpStatus": error.http_status}
        except (TypeError, ValueError, OSError) as problem:
            return {"success": False, "errorCode": type(problem).__name__, "errorMessage": str(problem)}


@right
class RefusesAsTheServiceDoes(PlainClient):
    """Checks the token before it sends it, and raises what the service would have answered, without a status."""

    def __call__(self, asked: UpgradeRequest) -> Any:
        token = asked.client_token
        if token is not None and not (isinstance(token, str) and re.fullmatch(r"[ -~]{1,64}", token)):
            raise UpgradeError("InvalidParameter", f"clientToken: {token!r}")
        return super().__call__(asked)


# --- sending on ------------------------------------------------------------------------------------


class _Sending(PlainClient):
    """Checks nothing. What is no text goes as the text that `text` makes of it."""

    def text(self, value: Any) -> str:
        return str(value)

    def encoded(self, text: str) -> str:
        return quote(text, safe="", errors="surrogatepass")

    def segment(self, instance_id: Any) -> str:
        return self.encoded(instance_id if isinstance(instance_id, str) else self.text(instance_id))

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        given = {"clientToken": asked.client_token, "dryRun": asked.dry_run}
        return [(name, self.parameter(value)) for name, value in given.items() if value is not None]

    def parameter(self, value: Any) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        return value if isinstance(value, str) else self.text(value)

    def query(self, asked: UpgradeRequest) -> str:
        return "&".join(f"{name}={self.encoded(value)}" for name, value in self.parameters(asked))

    def body(self, asked: UpgradeRequest) -> bytes:
        return json.dumps(self.members(asked), default=self.text).encode()


@right
class SendsEverything(_Sending):
    """Leaves every question to the service: `//` and `/../` on the wire, Python's texts for what is no text."""


@right
class SendsEveryByteEncoded(_Sending):
    """Percent-encodes every byte, letters and dots included."""

    def encoded(self, text: str) -> str:
        return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


@right
class SendsLowerCaseHex(_Sending):
    """Writes escapes with lower-case digits, `+` for a blank in the query, and texts as JSON has them."""

    def text(self, value: Any) -> str:
        return json.dumps(value, default=str, separators=(",", ":"))

    def encoded(self, text: str) -> str:
        return re.sub("%..", lambda escape: escape[0].lower(), super().encoded(text))

    def query(self, asked: UpgradeRequest) -> str:
        return super().query(asked).replace("%20", "+")


@right
class SendsAsJavaScript(_Sending):
    """Prints values as JavaScript does: null, the items of a list, `[object Object]`."""

    def text(self, value: Any) -> str:
        if isinstance(value, dict):
            return "[object Object]"
        if isinstance(value, list):
            return ",".join(map(self.parameter, value))
        if isinstance(value, bytes):
            return ",".join(map(str, value)) if not value.isascii() else value.decode()
        return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@right
class SendsAsPhp(_Sending):
    """Writes lists as `name[0]=` and Booleans as 1 and the empty text, where none belongs."""

    def text(self, value: Any) -> str:
        if isinstance(value, bool):
            return "1" if value else ""
        return "Array" if isinstance(value, (list, dict)) else str(value)

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        token = asked.client_token
        if not isinstance(token, (list, dict)):
            return super().parameters(asked)
        items = token.items() if isinstance(token, dict) else enumerate(token)
        rest = super().parameters(replace(asked, client_token=None))
        return [*((f"clientToken[{key}]", str(item)) for key, item in items), *rest]

    def segment(self, instance_id: Any) -> str:
        if isinstance(instance_id, (list, dict)):
            raise TypeError("an id is text")
        return super().segment(instance_id)


@right
class ReadsWordsForFlags(_Sending):
    """Takes the usual words for true and false, and refuses all others."""

    words = {  # noqa: RUF012 - never changed
        **dict.fromkeys(("true", "yes", "on", "1", "1.0"), "true"),
        **dict.fromkeys(("false", "no", "off", "0", ""), "false"),
    }

    def parameters(self, asked: UpgradeRequest) -> list[tuple[str, str]]:
        given = dict(super().parameters(asked))
        if "dryRun" in given:
            given["dryRun"] = self.words[given["dryRun"].lower()]
        return list(given.items())
