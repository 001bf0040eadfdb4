"""The lines that are exchanged with a driver: what is sent, what may come back. No process here.

`contracts/driver.schema.json` is the protocol. Request lines are ASCII, with all else escaped, so that
no driver's notion of encodings or line ends can alter them; answer lines may be any UTF-8.
"""

from __future__ import annotations

import json
import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..contract import data_file
from ..errors import AdapterFault, NotTestable
from ..messages import WIRE_NAMES, Outcome
from .answers import read_answer
from .failures import read_error_value, read_told_error

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

    from ..messages import Endpoint, UpgradeRequest

#: Beyond that, JSON readers that know doubles alone lose digits (RFC 8259 section 6).
_BIGGEST_INTEGER = (1 << 53) - 1

#: Characters of a line that are shown.
_SHOWN = 200


def request_line(number: int, endpoint: Endpoint, request: UpgradeRequest) -> bytes:
    """The line that asks for a call; `number` is its id. Raises `NotTestable` for what JSON cannot carry."""
    asked = {name[0].lower() + name[1:]: getattr(request, field) for field, name in WIRE_NAMES.items()}
    given = {key: _carried(key, value) for key, value in asked.items() if value is not None}
    where = {
        "url": endpoint.url,
        "accessKeyId": endpoint.access_key_id,
        "accessKeySecret": endpoint.access_key_secret,
        "regionId": endpoint.region_id,
        "caFile": endpoint.ca_file,
        "timeout": endpoint.timeout,
    }
    line = json.dumps({"id": number, "endpoint": where, "request": given}, separators=(",", ":"))
    return f"{line}\n".encode("ascii")


def read_line(line: bytes) -> tuple[int, Outcome]:
    """The id and the outcome that an answer line tells. Raises `AdapterFault` (`adapter.driver.line`).

    The kind is `ok` or `failed`; whether anything had reached the wire is for others to say.
    """
    try:
        answer = json.loads(line.decode("utf-8"))
    except ValueError:
        raise broken(line, "is no JSON in UTF-8; standard output is for answers alone") from None
    except RecursionError:
        raise broken(line, "is nested too deeply to be read") from None
    problem = next(_answers().iter_errors(answer), None)
    if problem is not None:
        raise broken(line, _words(problem))
    if "error" in answer:
        return answer["id"], Outcome("failed", error=read_told_error(answer["error"]))
    value = answer["result"]
    return answer["id"], Outcome("ok", result=value, answer=read_answer(value), error=read_error_value(value))


def broken(line: bytes, what: str, rule: str = "adapter.driver.line") -> AdapterFault:
    """The fault that a line is, which is shown in it."""
    text = line.decode("utf-8", "backslashreplace").strip()
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return AdapterFault(rule, f"the driver's line {shown} {what}")


@lru_cache(maxsize=1)
def _answers() -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(data_file("driver.schema.json")["$defs"]["answer"])


def _words(problem: ValidationError) -> str:
    where = ".".join(map(str, problem.absolute_path))
    asked: Any = problem.schema
    return f"breaks the protocol: expected {f'{where} to be ' if where else ''}{asked['x-says'][problem.validator]}"


def _carried(key: str, value: Any) -> Any:
    """The value, where a JSON text means the same to every reader."""
    if not _is_carried(value):
        words = " ".join(repr(value).split())[:_SHOWN]
        raise NotTestable(f"JSON cannot carry {key}={words} ({type(value).__name__}) to a driver")
    return value


def _is_carried(value: Any) -> bool:
    kind = type(value)
    if kind in (list, tuple):
        return all(map(_is_carried, value))
    if kind is dict:
        return all(type(key) is str and _is_carried(key) and _is_carried(member) for key, member in value.items())
    judge = _SCALARS.get(kind)
    return judge is not None and judge(value)


_SCALARS: dict[type, Any] = {
    type(None): lambda _: True,
    bool: lambda _: True,
    int: lambda number: abs(number) <= _BIGGEST_INTEGER,
    float: math.isfinite,
    str: lambda text: not any("\ud800" <= character <= "\udfff" for character in text),
}
